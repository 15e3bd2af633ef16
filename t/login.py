"""login.py - what the tests of logging in share, on top of pop3.py.

The program with a way to log in, in its two shapes: "root", started as root
with a user and an empty directory for the part before login, and "uid", as
the one uid that owns all mail.  Both if the test runs as root, else "uid".

There is the first process, which checks passwords (the keeper), and its child
that talks before login (the front); after login the first one talks, or with
--checkpassword the program that the checker ran.
"""

import base64
import pwd

import pop3
from pop3 import *

OWNER = UID if ROOT else os.geteuid()       # of the mail
GROUP = UID if ROOT else os.getegid()
SHAPES = ("root", "uid") if ROOT else ("uid",)
EMPTY = new_path("empty")
os.mkdir(EMPTY)
os.chmod(EMPTY, 0o755)

REFUSED = b"-ERR [AUTH] authentication failed\r\n"
DEADLINE = 2.0                  # P-67: seconds until a failure is answered
# crypt(3) of "secret", as cheap as the methods go; COSTLY takes 0.1 s.
CRYPT = {
    "sha512": "$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNK"
              "J/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/",
    "sha256": "$5$rounds=1000$saltsalt$eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoS"
              "WX2",
    "yescrypt": "$y$j75$saltsalt$0gBD67sgmJgRX3RZ6wHHO7sHimQEWGCWN85o4Twogh2",
    "bcrypt": "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
    "des": "abNANd1rDfiNc",
    "md5": "$1$saltsalt$9xy1btjgzLYfb7hivXtC//",
}
COSTLY = ("$6$rounds=200000$saltsalt$KIxokzdpd7LKAYpcFF2gzdBmn/H5QW5uzrQTMGe5wO"
          "OY04iJwz7bq6VsrGlmj40xZRvV///sdvBQWCaURFvL61")


# What a test has made outside its folder it removes, killed or not.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def need_root():
    if not ROOT:
        raise Skip("needs root")


def python():
    """A Python that the owner of the mail can run, too."""
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        if os.access(path, os.X_OK) and pop3._passable(path):
            return path
    raise Skip("no Python that another user can run")


def need_way(option):
    """Skips unless this build knows the way to log in."""
    out = subprocess.run([PROGRAM, "--version"], capture_output=True,
                         text=True, check=False).stdout
    if f"{option}: no" in out:
        raise Skip(f"built without {option}")


def sandboxed():
    out = subprocess.run([PROGRAM, "--version"], capture_output=True,
                         text=True, check=False).stdout
    return "no sandbox" not in out


def user_of(pid):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("Uid:"):
                return [int(word) for word in line.split()[1:]]
    raise Fail(f"no Uid of {pid}")


def status_of(pid, key):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(key + ":"):
                return line.split(None, 1)[1].strip()
    raise Fail(f"no {key} of {pid}")


def groups_of(pid):
    with open(f"/proc/{pid}/status") as f:
        return [line.split()[1:] for line in f
                if line.startswith("Groups:")][0]


def alive(pid):
    try:
        return status_of(pid, "State")[0] not in "ZX"
    except OSError:
        return False


def tree(pid):
    """pid and all that it started, and they."""
    found = [pid]
    for one in found:
        found += children(one)
    return found


def record(name, password="{PLAIN}secret", uid=None, gid=None, home=None,
           extra=""):
    """A line of a passwd-file; the mail is the owner's."""
    uid = OWNER if uid is None else uid
    gid = GROUP if gid is None else gid
    home = FOLDER if home is None else home
    return f"{name}:{password}:{uid}:{gid}::{home}::{extra}"


def passwd_file(*lines, mode=0o644):
    """A passwd-file of these lines, strings or octets; its path."""
    path = new_path("users")
    with open(path, "wb") as f:
        for line in lines:
            f.write(line if isinstance(line, bytes) else line.encode())
            f.write(b"\n")
    os.chmod(path, mode)
    return path


def b64(octets):
    return base64.b64encode(octets).decode()


def plain_response(name, secret, authzid=""):
    """An initial response of AUTH PLAIN (RFC 4616); strings or octets."""
    parts = [p if isinstance(p, bytes) else p.encode()
             for p in (authzid, name, secret)]
    return b64(b"\0".join(parts))


def no_code(answer, what=""):
    """-ERR with no response code, [AUTH] least of all (P-77)."""
    true(answer.startswith(b"-ERR ") and b"[" not in answer
         and answer.endswith(b"\r\n"), f"{what}: {answer!r}")
    return answer


def has_code(answer, code, what=""):
    true(answer.startswith(b"-ERR [" + code.encode() + b"] ")
         and answer.endswith(b"\r\n"), f"{what}: {answer!r}")
    return answer


@contextlib.contextmanager
def leaks(*numbers):
    """For pass_fds: these descriptors, open."""
    busy = [n for n in numbers if os.path.exists(f"/proc/self/fd/{n}")]
    numbers = [n for n in numbers if n not in busy]
    for n in numbers:
        os.dup2(2, n)
    try:
        yield numbers
    finally:
        for n in numbers:
            os.close(n)


class Login(Session):
    """The program with these arguments, which say how users log in."""

    def __init__(self, *args, shape=None, cwd="/", **keywords):
        self.shape = shape or SHAPES[0]
        self.cwd = cwd
        if self.shape == "root":
            args = ["--user=nobody", f"--chroot={EMPTY}", *args]
        super().__init__(None, args=list(args), **keywords)

    def _start(self, args, its, log, err, env, calls, inject, times, prepare,
               pass_fds):
        def child():
            plain_signals()
            if prepare is not None:
                prepare()

        errs = {"file": log.fileno(), "same": its[1]}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            self.command(args), stdin=its[0], stdout=its[1],
            stderr=errs.get(err, err),
            env={"PATH": os.environ["PATH"]} if env is None else env,
            preexec_fn=child, close_fds=True, pass_fds=pass_fds,
            cwd=self.cwd, **({} if self.shape == "root" else as_owner()))
        self.pid = self.process.pid

    def command(self, args):
        return [PROGRAM, *args]

    def front(self):
        """The pid of the part before login."""
        return until(lambda: children(self.pid), "the front")[0]

    def end(self):
        for pid in tree(self.pid)[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        super().end()

    def over(self, end=None, close=True):
        """The program ends by itself, with 0, leaves no process, and says
        so in the log if it talked.  close: it need not wait for us (U6)."""
        all_of_it = tree(self.pid)
        if close and self.rd != -1:
            self.close()
        self.exits()
        for pid in all_of_it:
            until(lambda p=pid: not alive(p), f"the end of process {pid}")
        true("front-died" not in self.log_text(), self.log_text())
        if end is not None:
            same(self.logged("session")["end"], end, "end in the log")

    def closed(self, end=None):
        """Nothing more comes."""
        same(self.rest(), b"", "octets")
        self.over(end, close=False)

    def lines(self, word):
        """The fields of all lines that begin with word."""
        return [fields(line) for line in self.log_text().splitlines()
                if line.startswith(word + " ")]

    def says(self, *words):
        """The log has a line of trouble with all of these."""
        until(lambda: any(all(w in line for w in words)
                          for line in self.log_text().splitlines()
                          if line.startswith(("error ", "warning ",
                                              "pam-failed "))),
              f"{words} in the log: {self.log_text()!r}")

    def try_user(self, name, secret):
        """USER; PASS is sent and its answer is still to come."""
        name = name if isinstance(name, bytes) else name.encode()
        secret = secret if isinstance(secret, bytes) else secret.encode()
        self.send(b"USER " + name + b"\r\n")
        same(self.line(), b"+OK send PASS\r\n", "USER")
        self.send(b"PASS " + secret + b"\r\n")


class File(Login):
    """The same with a passwd-file of alice, whose password is "secret"."""

    def __init__(self, maildir, *options, users=None, **keywords):
        users = passwd_file(record("alice")) if users is None else users
        super().__init__(f"--passwd-file={users}", "--allow-plaintext",
                         *options, maildir.path, **keywords)
        self.maildir = maildir


def login(s, name="alice", secret="secret"):
    s.ok(f"USER {name}")
    return s.ok(f"PASS {secret}")


def capabilities(s):
    answer = s.ok("CAPA", True).split(b"\r\n")
    same(answer[-2:], [b".", b""], "the end of CAPA")
    return [line.decode() for line in answer[1:-2]]


# --- system users, for root alone -------------------------------------------

_made = []


def _remove_users():
    for name in _made:
        retry("userdel", name)
    _made.clear()


def retry(*command, **keywords):
    """Runs it; another test may hold the lock of /etc/passwd."""
    for _ in range(20):
        done_ = subprocess.run(command, capture_output=True, text=True,
                               check=False, **keywords)
        if done_.returncode != 1 or "lock" not in done_.stderr:
            break
        time.sleep(0.2)
    true(done_.returncode == 0, f"{command}: {done_.stderr}")


def make_user(suffix, crypted="!", home=None, uid=None):
    """A user of the system, removed when the test ends; (name, its entry)."""
    need_root()
    need("useradd", "userdel")
    if not _made:
        atexit.register(_remove_users)
    name = f"pop3t{os.getpid()}{suffix}"
    retry("useradd", "--no-create-home", "--no-log-init", "--user-group",
           "--shell", "/bin/sh", "--home-dir", home or FOLDER, "--password",
           crypted, *([] if uid is None else ["--uid", str(uid)]), name)
    _made.append(name)
    return name, pwd.getpwnam(name)


def give_to(path, entry):
    """path and all below it, to that user."""
    for where, dirs, files in os.walk(path):
        for one in (where, *(os.path.join(where, n) for n in dirs + files)):
            os.chown(one, entry.pw_uid, entry.pw_gid)


# --- namespaces, for root alone -----------------------------------------------

@contextlib.contextmanager
def namespace(*commands):
    """A wrapper that runs commands in a mount namespace of its own, in which
    these were run."""
    need_root()
    need("unshare", "nsenter", "mount", "sh", "sleep")
    holder = subprocess.Popen(
        ["unshare", "--mount", "sh", "-ec",
         "\n".join(["mount --make-rprivate /", *commands, "echo ready",
                    "exec sleep 300"])],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if holder.stdout.readline() != "ready\n":
            raise Skip(f"no such namespace: {holder.stderr.read()}")
        yield ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", "--"]
    finally:
        holder.kill()
        holder.wait()


def bare_dev():
    """For namespace(): a /dev with next to nothing in it, no log above all."""
    dev = new_path("dev")
    os.mkdir(dev)
    names = ("null", "zero", "urandom", "random")
    for name in names:
        with open(f"{dev}/{name}", "w"):
            pass
    return (*[f"mount --bind /dev/{n} {dev}/{n}" for n in names],
            f"mount --rbind {dev} /dev")


def copy_of_etc():
    """For namespace(): an /etc in which users can be made."""
    etc = new_path("etc")
    # Other tests make users meanwhile: a file may go while it is copied.
    with contextlib.suppress(shutil.Error):
        shutil.copytree("/etc", etc, symlinks=True, ignore=lambda _d, names: [
            n for n in names if n in ("ssl", "alternatives", "systemd") or
            n.endswith(".lock")])
    return etc
