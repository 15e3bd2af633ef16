"""boundary.py - the program with its part before login: what the tests of
login, TLS, PROXY and the process split share, on top of pop3.py.

Started as root, the program stays root: the part before login is the user
maildir-pop3d (made if missing) in an empty directory, and a session becomes
uid and gid 7777, as the records say.  Otherwise all is one uid.
"""

import base64
import ctypes
import functools
import grp
import pwd
import ssl

import pop3
from pop3 import *

FRONT_USER = "maildir-pop3d"
SECRET = "s3cret"
T = os.environ["T"]
HELPER = os.path.join(T, "ucspi-tls")


@functools.cache
def layers():
    """What --version says of the sandbox."""
    text = subprocess.run([PROGRAM, "--version"], capture_output=True,
                          text=True, check=True).stdout
    return text.splitlines()[1]


def need_sandbox():
    if layers() == "no sandbox":
        raise Skip("this build has no sandbox")


def need_root(why):
    if not ROOT:
        raise Skip(f"needs root: {why}")


# --- who and where ------------------------------------------------------------

@functools.cache
def front_user():
    """The user of the part before login, as make install's sysusers file."""
    try:
        return pwd.getpwnam(FRONT_USER)
    except KeyError:
        need("useradd")
        subprocess.run(["useradd", "--system", "--user-group", "--home-dir",
                        "/nonexistent", "--shell", "/usr/sbin/nologin",
                        FRONT_USER], check=False, capture_output=True)
        # Tests that run side by side may both have tried.
        return until(lambda: _user(FRONT_USER), f"user {FRONT_USER}")


def _user(name):
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(name)
    return None


def empty_dir():
    path = new_path("empty")
    os.mkdir(path, 0o755)
    return path


def as_started():
    """The options root needs."""
    if not ROOT:
        return []
    return [f"--user={front_user().pw_name}", f"--chroot={empty_dir()}"]


def with_groups():
    """As a launcher that has supplementary groups leaves us."""
    if ROOT:
        os.setgroups([4, 24, 7778])


def as_user():
    """As a launcher that changes to the owner of the mail starts us."""
    if ROOT:
        os.setgroups([])
        os.setresgid(UID, UID, UID)
        os.setresuid(UID, UID, UID)


# --- ways to log in -------------------------------------------------------------

def passwd_file(maildir, extra="", ids=(UID, UID)):
    """alice; the scheme is cheap, since hashing is not the subject."""
    path = new_path("passwd")
    ids = ":".join(map(str, ids)) if ROOT else ":"
    mail = f"userdb_mail=maildir:{maildir.path}"
    with open(path, "w") as f:
        f.write(f"alice:{{PLAIN}}{SECRET}:{ids}::/::{mail} {extra}\n")
    os.chmod(path, 0o644)	# as root's, but for whoever we are, too
    return path


CHECKER = """#!{python} -I
import os, sys
name, secret, stamp = os.read(3, 512).split(b"\\0")[:3]
with open({seen!r}, "w") as f:
    for fd in sorted(map(int, os.listdir("/proc/self/fd"))):
        try:
            f.write(f"fd {{fd}} {{os.readlink(f'/proc/self/fd/{{fd}}')}}\\n")
        except OSError:
            pass
    for item in sorted(os.environ.items()):
        f.write("env %s=%s\\n" % item)
    for word in sys.argv:
        f.write(f"arg {{word}}\\n")
if (name, secret) != (b"alice", {secret!r}.encode()):
    sys.exit(1)
os.close(3)
os.environ.update(USER="alice", HOME={home!r}, SHELL="/bin/sh", **{more!r})
os.chdir({home!r})
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid({uid}, {uid}, {uid})
    os.setresuid({uid}, {uid}, {uid})
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Checker:
    """A checkpassword program that notes what it was given.

    more is what it sets in the environment besides.
    """

    def __init__(self, maildir, more):
        self.path = new_path("checker")
        self.seen = new_path("seen")
        self.maildir = maildir
        with open(self.seen, "w"):
            give(self.seen)
        # Where every uid can run it, if there is one.
        python = shutil.which("python3", path="/usr/bin:/bin") or \
            sys.executable
        with open(self.path, "w") as f:
            f.write(CHECKER.format(python=python, seen=self.seen, more=more,
                                   secret=SECRET, uid=UID,
                                   home=os.path.dirname(maildir.path)))
        os.chmod(self.path, 0o755)

    def ran(self):
        return os.path.getsize(self.seen) > 0

    def noted(self, word):
        with open(self.seen) as f:
            return [line.rstrip("\n").partition(" ")[2] for line in f
                    if line.startswith(word + " ")]


def login_args(maildir, *options, way="file", extra="", ids=(UID, UID),
               root=None, more=None):
    """The command line for one of the ways, and the Checker if it has one."""
    root = as_started() if root is None else root
    if way == "file":
        return ["--passwd-file=" + passwd_file(maildir, extra, ids), *root,
                *options], None
    checker = Checker(maildir, more or {})
    return ["--checkpassword", *root, *options,
            os.path.basename(maildir.path), checker.path], checker


# --- TLS ------------------------------------------------------------------------

@functools.cache
def certificate():
    """(key, certificate) of localhost, signed by itself."""
    need("openssl")
    key, cert = new_path("key"), new_path("cert")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                    "-out", cert, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                   check=True, capture_output=True, timeout=PATIENCE)
    return key, cert


def client_context():
    return ssl.create_default_context(cafile=certificate()[1])


def helper_env(record):
    key, cert = certificate()
    return {"PATH": os.environ["PATH"], "KEYFILE": key, "CERTFILE": cert,
            "PYTHONDONTWRITEBYTECODE": "1", "UCSPI_TLS_RECORD": record}


# --- the program ------------------------------------------------------------------

# LeakSanitizer cannot look at a process that strace holds.
NO_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0"}


class Server(Session):
    """The program, waiting for a login; its launcher may be a TLS helper.

    way      "file" or "checker"
    extra    more of the passwd-file's record; ids: its uid and gid
    helper   None, or the mode of ucspi-tls
    sets     variables that the helper sets otherwise
    ucspi    whether --tls=ucspi is given
    root     instead of as_started()
    wrapper  a command in front of all
    traced   it will be, by injected()
    """

    def __init__(self, maildir, *options, way="file", extra="",
                 ids=(UID, UID), helper=None, sets=(), ucspi=True, root=None,
                 wrapper=(), traced=False, **more):
        self.traced_calls = more.get("calls") is not None
        leaks = NO_LEAKS if self.traced_calls or traced else {}
        args, self.checker = login_args(maildir, *options, way=way, ids=ids,
                                        extra=extra, root=root, more=leaks)
        args = more.pop("args", args)
        self.wrapper = list(wrapper)
        self.tls = None
        self.helper = helper
        self.sets = sets
        self.record_path = new_path("record")
        if helper is not None:
            if ucspi:
                args.insert(0, "--tls=ucspi")
            more.setdefault("env", helper_env(self.record_path))
        more.setdefault("env", {"PATH": os.environ["PATH"]})
        more["env"] |= leaks
        more.setdefault("link", "tcp")
        greeting = more.pop("greeting", True)
        super().__init__(maildir, args=args, greeting=False, **more)
        if greeting:
            self.greet()

    def greet(self):
        self.greeting = self.line()
        true(self.greeting.startswith(b"+OK "), f"greeting {self.greeting!r}")
        self.find()

    def _start(self, args, its, log, err, env, calls, inject, times, prepare,
               pass_fds):
        command = [*self.wrapper, PROGRAM, *args]
        if self.traced_calls:
            need("strace")
            self.trace_path = new_path("strace")
            with open(self.trace_path, "w"):
                give(self.trace_path)
            command = [shutil.which("strace"), "-f", "-q", "-s", "64", "-o",
                       self.trace_path, "-e", f"trace={calls}",
                       *[w for i in inject for w in ("-e", f"inject={i}")],
                       *command]
        if self.helper is not None:
            command = [HELPER, f"--mode={self.helper}",
                       *[f"--set={s}" for s in self.sets], *command]

        def child():
            plain_signals()
            if prepare is not None:
                prepare()

        errs = {"file": log.fileno(), "same": its[1]}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=its[0], stdout=its[1], stderr=errs.get(err, err),
            env={"PATH": os.environ["PATH"]} if env is None else env,
            preexec_fn=child, close_fds=True, pass_fds=pass_fds, cwd="/")
        self.pid = self.process.pid

    def find(self):
        """Who is who, once both are there; the keeper is self.pid."""
        self.pid = self.process.pid
        for _ in range((self.helper is not None) + self.traced_calls):
            self.pid = until(lambda: children(self.pid), "the program")[0]
        self.front = until(lambda: children(self.pid), "the front")[0]

    def end(self):
        for pid in (self.pid, *children(self.pid)):
            if pid != self.process.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        super().end()

    # --- the client ---

    def start_tls(self, context=None):
        """After the +OK to STLS."""
        same(self.buf, b"", "plaintext behind +OK")
        context = context or client_context()
        self.sock.settimeout(PATIENCE)
        try:
            self.tls = context.wrap_socket(self.sock,
                                           server_hostname="localhost")
        except OSError:
            self.sock = None
            self.rd = self.wr = -1
            raise
        self.sock = self.tls
        self.rd = self.wr = self.tls.fileno()

    def stls(self):
        same(self.ask("STLS")[:4], b"+OK ", "STLS")
        self.start_tls()

    def send(self, octets):
        if self.tls is None:
            super().send(octets)
        else:
            self.tls.sendall(octets)
            self.sent += len(octets)

    def more(self, limit=PATIENCE, octets=65536):
        if self.tls is None:
            return super().more(limit, octets)
        self.tls.settimeout(limit)
        try:
            piece = self.tls.recv(octets)
        except ssl.SSLEOFError:
            return b""
        except TimeoutError:
            raise Fail(f"no answer within {limit} s") from None
        self.got += len(piece)
        return piece

    def last(self, limit=PATIENCE):
        """All until the end; a reset, of octets nobody read, is one too."""
        text, self.buf = bytearray(self.buf), b""
        with contextlib.suppress(ConnectionResetError):
            while piece := self.more(limit):
                text += piece
        return bytes(text)

    def capa(self):
        return self.ok("CAPA", True).decode().split("\r\n")[1:-2]

    def log_in(self, secret=SECRET, name="alice"):
        self.ok(f"USER {name}")
        return self.ask(f"PASS {secret}")

    def works(self, messages):
        """A whole session: logs in, counts, leaves."""
        same(self.log_in()[:4], b"+OK ", "login")
        same(self.ask("STAT").split()[1], str(messages).encode(), "STAT")
        same(self.quit()[:4], b"+OK ", "QUIT")

    # --- what it left behind ---

    def record(self):
        with contextlib.suppress(OSError), open(self.record_path) as f:
            return f.read().splitlines()
        return []

    def lines(self, word):
        return [fields(line) for line in self.log_text().splitlines()
                if line.startswith(word + " ")]

    def logged(self, word):
        """As there; the line may come a moment after the answer."""
        until(lambda: self.lines(word), f"the {word} line")
        return super().logged(word)

    def whole_trace(self):
        """(pid, text) of each line of strace, unfinished ones too."""
        with open(self.trace_path, errors="replace") as f:
            return [(int(pid), text) for pid, text in
                    (line.rstrip("\n").split(None, 1) for line in f)]


class Listener:
    """The helper on a port of 127.0.0.1, and the program for each client."""

    def __init__(self, maildir, *options, way="file"):
        args, self.checker = login_args(maildir, *options, way=way)
        self.record_path, self.log_path = new_path("record"), new_path("log")
        with socket.create_server(("127.0.0.1", 0)) as listener, \
                open(self.log_path, "ab") as log:
            self.port = listener.getsockname()[1]
            fd = listener.fileno()
            self.process = subprocess.Popen(
                [HELPER, f"--accept={fd}", PROGRAM, "--tls=ucspi", *args],
                cwd="/",
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=log, env=helper_env(self.record_path), pass_fds=[fd],
                preexec_fn=plain_signals)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    record = Server.record
    lines = Server.lines

    def log_text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def ended(self, count=1):
        """The lines of as many sessions, when they are all there."""
        return until(lambda: len(self.lines("session")) >= count and
                     self.lines("session"), f"{count} lines of a session")


# --- /proc ------------------------------------------------------------------------

def status(pid, key):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(key + ":"):
                return line.partition(":")[2].split()
    raise Fail(f"no {key} in /proc/{pid}/status")


def descriptors(pid):
    """Number to what it leads to."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
    return found


def limits(pid):
    """Name to (soft, hard); None is unlimited."""
    with open(f"/proc/{pid}/limits") as f:
        next(f)
        return {line[:26].strip(): tuple(
            None if word == "unlimited" else int(word)
            for word in line[26:].split()[:2]) for line in f}


def gone(pid):
    """Ended and reaped."""
    return not os.path.exists(f"/proc/{pid}")


# --- PROXY headers (P-134...P-139) --------------------------------------------------

V2 = b"\r\n\r\n\0\r\nQUIT\n"


def v1(*words):
    return b" ".join([b"PROXY", *[str(w).encode() for w in words]]) + b"\r\n"


def v2(block=b"", command=1, family=0x11, version=2, length=None):
    return V2 + struct.pack("!BBH", version << 4 | command, family,
                            len(block) if length is None else length) + block


def endpoints(source, port, destination=None, to=110):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    destination = destination or ("2001:db8::25" if ":" in source
                                  else "192.0.2.25")
    return (socket.inet_pton(family, source) +
            socket.inet_pton(family, destination) +
            struct.pack("!HH", port, to))


def tlv(kind, value=b""):
    return struct.pack("!BH", kind, len(value)) + value


def ssl_tlv(client=1, verify=0, *subs):
    return tlv(0x20, struct.pack("!BI", client, verify) + b"".join(subs))


def crc32c(octets):
    crc = 0xFFFFFFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def with_crc(block, behind=b"", change=0):
    """A header with TLV 03 between block and behind; change breaks it."""
    empty = v2(block + tlv(3, bytes(4)) + behind)
    crc = struct.pack("!I", crc32c(empty) ^ change)
    return v2(block + tlv(3, crc) + behind)


def ordered(text):
    """Whether this line of strace is the octet to the helper.

    It cannot read the memory of a process that is not dumpable, unless it is
    root's: then an address stands there.
    """
    return re.match(r'write\(([3-9]|\d\d+), ("Y"|0x\w+), 1\)', text)


# --- faults -----------------------------------------------------------------------

@contextlib.contextmanager
def injected(pid, *injections):
    """Makes system calls of a running process fail, from here on."""
    need("strace")
    words = [w for i in injections for w in ("-e", f"inject={i}")]
    calls = ",".join(i.split(":")[0] for i in injections)
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", new_path("injected"), "-e",
         f"trace={calls}", *words, "-p", str(pid)],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: status(pid, "TracerPid") == [str(tracer.pid)],
              "the tracer")
        yield
    finally:
        tracer.terminate()
        tracer.wait()


# --- a process made to call what it never would ------------------------------------

class _Registers(ctypes.Structure):
    """struct user_regs_struct of x86_64."""
    _fields_ = [(name, ctypes.c_ulonglong) for name in
                "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi "
                "orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs "
                "gs".split()]


_ATTACH, _STEP, _GETREGS, _SETREGS, _DETACH = 16, 9, 12, 13, 17
_WALL = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _ptrace(request, pid, data=None):
    _libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                             ctypes.c_void_p]
    if _libc.ptrace(request, pid, None, data) == -1:
        why = ctypes.get_errno()
        raise OSError(why, f"ptrace({request}): {os.strerror(why)}")


class Puppet:
    """A running process, held, that makes the system calls we choose.

    It must be asleep in one: its instruction is used again.  After with it
    goes on as if it had been interrupted.
    """

    def __init__(self, pid):
        if platform.machine() != "x86_64":
            raise Skip("registers are known for x86_64 only")
        need_root("to hold a process that is not dumpable")
        self.pid = pid

    def __enter__(self):
        until(self._held, "asleep in a system call")
        return self

    def _held(self):
        _ptrace(_ATTACH, self.pid)
        self._wait()
        self.before = _Registers()
        _ptrace(_GETREGS, self.pid, ctypes.byref(self.before))
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as f:
            f.seek(self.before.rip - 2)
            code = f.read(2)
        # Between two calls it is not where it can be used.
        if code == b"\x0f\x05" and self.before.orig_rax < 2 ** 63:
            return True
        _ptrace(_DETACH, self.pid)
        return False

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            _ptrace(_SETREGS, self.pid, ctypes.byref(self.before))
            _ptrace(_DETACH, self.pid)

    def _wait(self):
        return os.waitpid(self.pid, _WALL)[1]

    def put(self, octets):
        """Puts them below its stack; the address."""
        address = self.before.rsp - 8192 & ~15
        with open(f"/proc/{self.pid}/mem", "r+b", buffering=0) as f:
            f.seek(address)
            f.write(octets)
        return address

    def call(self, number, *arguments):
        """What it returned, -errno if it failed, or "killed"."""
        r = _Registers.from_buffer_copy(self.before)
        r.rip -= 2		# the syscall instruction that it sleeps in
        r.rax, r.orig_rax = number, 2 ** 64 - 1
        for name, value in zip("rdi rsi rdx r10 r8 r9".split(),
                               arguments + (0,) * 6):
            setattr(r, name, value & 2 ** 64 - 1)
        _ptrace(_SETREGS, self.pid, ctypes.byref(r))
        _ptrace(_STEP, self.pid)
        status_ = self._wait()
        if os.WIFSIGNALED(status_):
            same(os.WTERMSIG(status_), signal.SIGSYS, "the signal")
            return "killed"
        same((os.WIFSTOPPED(status_), os.WSTOPSIG(status_)),
             (True, signal.SIGTRAP), "stopped by")
        _ptrace(_GETREGS, self.pid, ctypes.byref(r))
        return r.rax if r.rax < 2 ** 63 else r.rax - 2 ** 64
