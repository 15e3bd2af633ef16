"""launch.py - a machine of its own for the files of src/launch/.

Importing it moves the script into namespaces of its own (mounts, network,
processes, names): there it is process 1, every change below /etc, /usr and
/var is thrown away in the end, ports 110 and 995 are free, and whatever was
started ends with it.  On that machine "make install" is run, and then what
the files say is to be done, so the files are tried as they are.  Nothing is
substituted in them.

There are a system user alice, with /home/alice/Maildir and a password for PAM,
and a virtual user bob@example.org in /etc/mail.passwd, whose mail is in
/var/vmail and belongs to the user vmail.  The syslog is ours, at /dev/log.
"""

import os
import shutil
import subprocess
import sys
import tempfile

INSIDE = "POP3_LAUNCH"
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts",
              "--fork", "--mount-proc", "--kill-child", "--propagation",
              "private"]


def _skip_all(why):
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0)


def _enter():
    """Runs the script again inside; does not come back."""
    if os.geteuid() != 0:
        _skip_all("needs root, for namespaces and ports below 1024")
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        _skip_all("needs unshare (util-linux) and ip (iproute2)")
    tried = subprocess.run([*NAMESPACES, "true"], capture_output=True,
                           text=True, check=False)
    if tried.returncode != 0:
        _skip_all(f"no namespaces here: {tried.stderr.strip()}")
    where = tempfile.mkdtemp(prefix="pop3d-", dir="/tmp")
    os.chmod(where, 0o755)
    try:
        status = subprocess.run(
            [*NAMESPACES, sys.executable, *sys.argv], check=False,
            env=dict(os.environ, TMPDIR=where, **{INSIDE: where})).returncode
    finally:
        shutil.rmtree(where, ignore_errors=True)
    sys.exit(status)


if INSIDE not in os.environ:
    _enter()

import signal
import threading

from boundary import *

signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
SCRATCH = os.environ[INSIDE] + "/scratch"
EXAMPLES = "/usr/local/share/doc/maildir-pop3d/examples"
LAUNCH = os.path.join(T, "..", "src", "launch")
INSTALLED = "/usr/local/sbin/maildir-pop3d"
MAIL_UID, ALICE_UID = 7777, 7778
PEM = "/etc/ssl/private/pop3.pem"
BOB = "bob@example.org"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENV = {"PATH": PATH}


# --- the machine ------------------------------------------------------------

def run(*command, **more):
    """As an administrator types it; what it prints, or Fail."""
    done_ = subprocess.run(command, capture_output=True, text=True, env=ENV,
                           check=False, timeout=150, **more)
    true(done_.returncode == 0, f"{command}: exit {done_.returncode}: "
         f"{done_.stdout[-500:]}{done_.stderr[-500:]}")
    return done_.stdout


def _own_folders():
    os.mkdir(SCRATCH)
    run("mount", "-t", "tmpfs", "tmpfs", SCRATCH)
    for top in ("etc", "usr", "var", "home"):
        layers = [f"{SCRATCH}/{top}", f"{SCRATCH}/{top}.work"]
        for layer in layers:
            os.mkdir(layer)
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/{top},"
            f"upperdir={layers[0]},workdir={layers[1]}", f"/{top}")
    for top in ("/run", "/var/tmp"):
        run("mount", "-t", "tmpfs", "tmpfs", top)
    os.mkdir("/run/lock")


def _own_devices():
    dev = SCRATCH + "/dev"
    for path in (dev, dev + "/pts", dev + "/shm"):
        os.mkdir(path)
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        with open(f"{dev}/{name}", "w"):
            pass
        run("mount", "--bind", "/dev/" + name, f"{dev}/{name}")
    run("mount", "--bind", "/dev/pts", dev + "/pts")
    for name, to in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"),
                     ("stdin", "fd/0"), ("stdout", "fd/1"),
                     ("stderr", "fd/2")):
        os.symlink(to, f"{dev}/{name}")
    run("mount", "--rbind", dev, "/dev")


def _users():
    """vmail and alice, in the files alone."""
    crypted = run("openssl", "passwd", "-6", SECRET).strip()
    for path, lines in (
            ("/etc/passwd", [f"vmail:x:{MAIL_UID}:{MAIL_UID}::/var/vmail:"
                             "/usr/sbin/nologin",
                             f"alice:x:{ALICE_UID}:{ALICE_UID}::/home/alice:"
                             "/bin/sh"]),
            ("/etc/group", [f"vmail:x:{MAIL_UID}:", f"alice:x:{ALICE_UID}:"]),
            ("/etc/shadow", ["vmail:!:19000::::::",
                             f"alice:{crypted}:19000::::::"])):
        with open(path) as f:
            kept = [line for line in f.read().splitlines() if line and
                    line.split(":")[0] not in ("vmail", "alice",
                                               FRONT_USER)]
        with open(path, "w") as f:
            f.write("\n".join(kept + lines) + "\n")


def _certificate():
    key, cert = certificate()
    os.makedirs("/etc/ssl/private", exist_ok=True)
    with open(PEM, "w") as f:
        for name in (key, cert):
            with open(name) as part:
                f.write(part.read())
    os.chmod(PEM, 0o600)
    shutil.copy(key, "/etc/ssl/private/pop3.key")
    shutil.copy(cert, "/etc/ssl/pop3.crt")


def _install():
    """make install; the user of the part before login, as the manual says."""
    build = os.path.dirname(os.environ["POP3D"])
    if not os.path.exists(build + "/Makefile"):
        _skip_all("no Makefile beside the program: cannot make install")
    run("make", "-s", "-C", build, "install")
    if not os.path.exists(INSTALLED):
        _skip_all("configured for another prefix than /usr/local, which the "
                  "files name")
    if os.path.exists("/usr/local/lib/sysusers.d/maildir-pop3d.conf") and \
            shutil.which("systemd-sysusers"):
        run("systemd-sysusers")
    else:
        run("useradd", "--system", "--user-group", "--home-dir",
            "/nonexistent", "--shell", "/usr/sbin/nologin", FRONT_USER)


def example(name, to, mode=0o644):
    """Copies one to where it says that it goes."""
    os.makedirs(os.path.dirname(to), exist_ok=True)
    shutil.copy(f"{EXAMPLES}/{name}", to)
    os.chmod(to, mode)


def _s6_networking():
    """What Debian has no package of, by our stand-ins; s6 itself is real."""
    for name, command in (
            ("s6-tcpserver", "s6-networking tcpserver"),
            ("s6-tlsserver", "s6-networking tlsserver"),
            ("s6-tlsd", "ucspi-tls --now"), ("s6-ucspitlsd", "ucspi-tls")):
        path = "/usr/local/bin/" + name
        with open(path, "w") as f:
            f.write("#!/bin/sh\n"
                    '[ "$1" != -K ] || shift 2\n'
                    f'exec {sys.executable} {T}/{command} "$@"\n')
        os.chmod(path, 0o755)


def _set_up():
    run("ip", "link", "set", "lo", "up")
    _own_folders()
    _own_devices()
    _users()
    _certificate()
    _install()
    _s6_networking()
    example("maildir-pop3d.pam", "/etc/pam.d/pop3")
    with open("/etc/mail.passwd", "w") as f:
        f.write(f"{BOB}:{{PLAIN}}{SECRET}::::::\n")
    os.chown("/etc/mail.passwd", MAIL_UID, MAIL_UID)
    os.chmod("/etc/mail.passwd", 0o400)
    for path, uid in (("/var/vmail", MAIL_UID), ("/home/alice", ALICE_UID)):
        os.makedirs(path, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", f"mode=700,uid={uid},gid={uid}",
            "tmpfs", path)


_set_up()


# --- mail ---------------------------------------------------------------------

TEXT = [message(100), b"Subject: 2\n\n.dots\n..\nend", message(300000)]


class Mail:
    """Whose it is, and a fresh Maildir with the messages of TEXT."""

    checkpw = False     # whether its password is in it, for checkpw

    def __init__(self, path, user, uid):
        self.path, self.user, self.uid = path, user, uid
        self.fill()

    def fill(self):
        shutil.rmtree(self.path, ignore_errors=True)
        os.makedirs(self.path)
        for part in ("tmp", "new", "cur"):
            os.mkdir(f"{self.path}/{part}")
        for n, octets in enumerate(TEXT, 1):
            with open(f"{self.path}/new/{1700000000 + n}.M{n}P1.host",
                      "wb") as f:
                f.write(octets)
        if self.checkpw:
            with open(f"{self.path}/.password", "w") as f:
                f.write(SECRET)
            os.chmod(f"{self.path}/.password", 0o600)
        home = "/".join(self.path.split("/")[:3])
        for where, dirs, files in os.walk(home):
            for name in dirs + files:
                os.chown(os.path.join(where, name), self.uid, self.uid)

    left = Maildir.left
    names = Maildir.names


def alice():
    return Mail("/home/alice/Maildir", "alice", ALICE_UID)


def bob():
    return Mail("/var/vmail/example.org/bob", BOB, MAIL_UID)


# --- the log ------------------------------------------------------------------

class Syslog:
    """/dev/log; what our program wrote there.  It is read at once: who writes
    to a full one waits."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        self.all = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            self.all.append(self.socket.recv(8192).decode())

    def read(self):
        return "".join(
            m.group(1) + "\n" for m in (
                re.match(r"<2[0-3]>.{15} maildir-pop3d\[\d+\]: (.*)", line)
                for line in list(self.all)) if m)

    def forget(self):
        self.all.clear()


class Text:
    """A log that a launcher's descriptor 2 leads to."""

    def __init__(self):
        self.path = new_path("log")
        with open(self.path, "w"):
            pass

    def read(self):
        with open(self.path, errors="replace") as f:
            return f.read()

    def forget(self):
        os.truncate(self.path, 0)


syslog = Syslog()


def lines(log, word):
    """The fields of each line of ours that begins with word."""
    return [fields(m.group(0)) for m in re.finditer(
        rf"(?m)^(?:<\d>)?{word} ip=.*$", log.read())]


def logged(log, word, port):
    """The one line about the client at that port; its fields."""
    def found():
        return [n for n in lines(log, word) if n["port"] == str(port)]
    until(found, f"a {word} line for port {port}; the log:\n{log.read()}",
          PATIENCE)
    same(len(found()), 1, f"{word} lines for port {port}")
    return found()[0]


def no_trouble(log):
    """No line of ours about errors or walls that are missing."""
    bad = [line for line in log.read().splitlines()
           if re.match(r"(<\d>)?(error|warning|pam-failed) ", line)]
    same(bad, [], "trouble in the log")


# --- launchers -----------------------------------------------------------------

def listening():
    """Ports with a listener on this machine."""
    found = set()
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError), open(path) as f:
            found |= {int(line.split()[1].rpartition(":")[2], 16)
                      for line in f.readlines()[1:]
                      if line.split()[3] == "0A"}
    return found


def of_program(exe):
    """pids whose program has that name, zombies too."""
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit():
                with open(f"/proc/{name}/comm") as f:
                    if f.read().strip() == exe[:15]:
                        found.append(int(name))
    return found


class Launcher:
    """It runs while the block does; port is the one it listens at.

    log: where its descriptor 2 goes, a Text.
    daemon: the name of what goes on in the background, if it does
    """

    def __init__(self, *command, port=110, daemon=None, env=None):
        need(command[0])
        self.log = Text()
        self.port = port
        self.daemon = daemon
        true(port not in listening(), f"port {port} is free")
        with open(self.log.path, "ab") as err:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                env=env or ENV, cwd="/", preexec_fn=plain_signals)
        try:
            until(self.listens, f"{command[0]} listens")
        except BaseException:
            self.__exit__()
            for line in self.log.read().splitlines()[-20:]:
                say("# launcher: " + line)
            raise

    def listens(self):
        if not self.daemon:
            true(self.process.poll() is None, "the launcher has ended")
        return self.port in listening()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.daemon:
            for pid in of_program(self.daemon):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            until(lambda: self.port not in listening(), "the launcher ends")
            reap()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(PATIENCE)
        for pid in of_program("maildir-pop3d"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: reap() or not of_program("maildir-pop3d"), "the end")


def reap():
    """What has lost its parent is ours, process 1."""
    with contextlib.suppress(ChildProcessError):
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if name.isdigit() and int(name) != 1 and status(
                        int(name), "PPid") == "1" and \
                        status(int(name), "State")[0] == "Z":
                    os.waitpid(int(name), os.WNOHANG)


def status(pid, key):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(key + ":"):
                return line.partition(":")[2].strip()
    return ""


def gone():
    """No process of ours is left, not even as a zombie, but those whose
    launcher went before them: process 1 waits for these."""
    until(lambda: reap() or not of_program("maildir-pop3d"),
          "all processes end and are waited for")


# --- clients ---------------------------------------------------------------------

class Client:
    """Everything that comes is looked at, to the last octet."""

    def __init__(self, port, tls=None, stls=False, address="127.0.0.1"):
        self.sock = socket.create_connection((address, port), PATIENCE)
        self.port = self.sock.getsockname()[1]
        self.buf = b""
        self.notified = False   # whether close_notify has come
        if tls is not None and not stls:
            self.start_tls(tls)
        greeting = self.line()
        true(re.fullmatch(rb"\+OK [^\r\n<>]*\r\n", greeting),
             f"greeting {greeting!r}")
        if stls:
            true(b"STLS\r\n" in self.ok("CAPA", True), "STLS in CAPA")
            self.ok("STLS")
            same(self.buf, b"", "octets in the clear behind +OK")
            self.start_tls(tls)

    def start_tls(self, tls):
        self.sock = tls.wrap_socket(self.sock, server_hostname="localhost",
                                    suppress_ragged_eofs=False)

    def more(self):
        try:
            piece = self.sock.recv(65536)
        except ssl.SSLEOFError:
            return b""
        self.notified = piece == b""
        return piece

    def line(self):
        while b"\n" not in self.buf:
            piece = self.more()
            true(piece, f"the connection ended behind {self.buf!r}")
            self.buf += piece
        line, lf, self.buf = self.buf.partition(b"\n")
        return line + lf

    def send(self, *commands):
        self.sock.sendall(b"".join(c.encode() + b"\r\n" for c in commands))

    def ask(self, command, multi=False):
        self.send(command)
        answer = self.line()
        true(re.fullmatch(rb"(\+OK|-ERR)( [^\r\n]*)?\r\n", answer),
             f"{command}: {answer!r}")
        if multi and answer.startswith(b"+OK"):
            text = bytearray()
            while text != b".\r\n" and not text.endswith(b"\r\n.\r\n"):
                text += self.line()
            answer += text
        return answer

    def ok(self, command, multi=False):
        answer = self.ask(command, multi)
        true(answer.startswith(b"+OK"), f"{command}: {answer!r}")
        return answer

    def log_in(self, mail):
        if mail.user is not None:
            self.ok(f"USER {mail.user}")
            self.ok(f"PASS {SECRET}")

    def retr(self, n):
        return self.ok(f"RETR {n}", True).partition(b"\r\n")[2]

    def rest(self):
        """To the end, which must be one; notified says which with TLS."""
        text, self.buf = self.buf, b""
        while piece := self.more():
            text += piece
        return text

    def quit(self):
        answer = self.ok("QUIT")
        same(self.rest(), b"", "octets behind the answer to QUIT")
        self.close()
        return answer

    def close(self):
        self.sock.close()

    def half_close(self):
        """FIN, without close_notify; then what still comes."""
        with socket.socket(fileno=os.dup(self.sock.fileno())) as same_socket:
            same_socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            self.rest()
        self.close()

    def notify(self):
        """close_notify, and does not wait for the other one."""
        with contextlib.suppress(OSError):
            self.sock.unwrap()
        self.close()

    def reset(self):
        """Now, and whatever has come."""
        plain_socket = socket.socket(fileno=self.sock.detach())
        plain_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
        plain_socket.close()


# --- what must hold under each of them ---------------------------------------------

def serves(port, mail, log, told="no", uid_seen=True, **client):
    """Logs in, fetches, deletes; the log has the client's address."""
    log.forget()
    mail.fill()
    c = Client(port, **client)
    c.log_in(mail)
    same(c.ok("STAT").split()[1:], [b"3", b"%d" % sum(
        len(plain(t)) for t in TEXT)], "STAT")
    for n, stored in enumerate(TEXT, 1):
        same(c.retr(n), wire(stored) + b".\r\n", f"RETR {n}")
    if uid_seen:
        becomes(mail.uid)
    c.ok("DELE 1")
    c.quit()
    same(mail.left(), [2, 3], "messages left")
    line = logged(log, "login", c.port)
    same((line["ip"], line["user"], line["tls"]),
         ("127.0.0.1", mail.user or "-", told), "login line")
    line = logged(log, "session", c.port)
    same((line["ip"], line["end"], line["del"]),
         ("127.0.0.1", "quit", "1/1"), "session line")
    no_trouble(log)
    gone()
    return c


def becomes(uid):
    """Whoever talks now is the owner of the mail and nothing more."""
    [pid] = of_program("maildir-pop3d")
    same(status(pid, "Uid").split(), [str(uid)] * 4, "uid")
    same(status(pid, "Gid").split(), [str(uid)] * 4, "gid")
    true(set(status(pid, "Groups").split()) <= {str(uid)},
         f"groups {status(pid, 'Groups')}")
    same(status(pid, "CapEff").lstrip("0"), "", "capabilities")
    same(status(pid, "Seccomp"), "2", "seccomp")


def refuses(port, mail, log, **client):
    """A wrong password: -ERR, and a line with the address."""
    log.forget()
    c = Client(port, **client)
    c.ok(f"USER {mail.user}")
    same(c.ask("PASS wrong"), b"-ERR [AUTH] authentication failed\r\n",
         "PASS")
    c.quit()
    line = logged(log, "login-failed", c.port)
    same((line["ip"], line["reason"]), ("127.0.0.1", "credentials"),
         "login-failed line")
    gone()


def survives_reset(port, mail, log, end="disconnect", **client):
    """A client that resets in the middle of RETR, whatever SIGPIPE is: the
    session ends with its line, and nothing is deleted."""
    log.forget()
    mail.fill()
    with open(f"{mail.path}/new/1700000004.M4P1.host", "wb") as f:
        f.write(b"Subject: big\n\n" + b"0123456789abcde\n" * (1 << 20))
        os.fchown(f.fileno(), mail.uid, mail.uid)
    c = Client(port, **client)
    c.log_in(mail)
    c.ok("DELE 1")
    c.send("RETR 4")
    c.line()
    c.reset()
    line = logged(log, "session", c.port)
    same((line["end"], line["del"]), (end, "0/0"), "session line")
    same(mail.left(), [1, 2, 3, 4], "messages left")
    gone()


def leaves(port, mail, log, how, *commands, **client):
    """Logs in, sends the commands and goes in that way: whatever has become
    of them, the log and the Maildir agree, and nothing is left running.  The
    session line."""
    log.forget()
    mail.fill()
    c = Client(port, **client)
    c.log_in(mail)
    c.send(*commands)
    how(c)
    line = logged(log, "session", c.port)
    gone()
    removed = int(line["del"].split("/")[0])
    same(mail.left(), [1, 2, 3][removed:], "messages left, by the log")
    true(removed == 0 or line["end"] == "quit", f"removed: {line}")
    no_trouble(log)
    return line


def deletes_before_reset(port, mail, log, **client):
    """A client that resets right after QUIT, as mpop does over TLS: it has
    deleted, or the reset was faster than the QUIT."""
    line = leaves(port, mail, log, Client.reset, "DELE 1", "QUIT", **client)
    true((line["end"], line["del"]) in (("quit", "1/1"),
                                        ("disconnect", "0/0")), f"{line}")
