"""pop3.py - what the Python tests share.

A folder of its own, Maildirs in it, the program on a pipe pair, a socketpair
or a TCP connection, its log, its system calls, and TAP.

A test waits for events (an answer, a line of the log, the program asleep in a
system call), never for time to pass: where time is the subject, it says so.

Started as root, the program runs as uid and gid 7777 without groups: it
refuses to serve as root (S-3).
"""

import atexit
import contextlib
import fcntl
import os
import platform
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback

UID = 7777
ROOT = os.geteuid() == 0
LINKS = ("pipe", "unix", "tcp")
PATIENCE = 40  # seconds for anything that should happen at once
CHANCES = 5    # for a check to be in time


# --- a folder of its own --------------------------------------------------

def _passable(path):
    """Whether another uid can walk down to path."""
    path = os.path.realpath(path)
    while not ROOT or os.stat(path).st_mode & 0o001:
        if path == "/" or not ROOT:
            return True
        path = os.path.dirname(path)
    return False


def _make_folder():
    where = os.environ.get("TMPDIR") or "/tmp"
    if not os.path.isdir(where) or not _passable(where):
        where = "/tmp"
    made = tempfile.mkdtemp(prefix="pop3d-", dir=where)
    os.chmod(made, 0o755)
    return made


FOLDER = _make_folder()
_OWNER = os.getpid()


def _clean():
    if os.getpid() == _OWNER:
        end_all()
        shutil.rmtree(FOLDER, ignore_errors=True)


atexit.register(_clean)
for _ending in (signal.SIGTERM, signal.SIGHUP):     # atexit does not see them
    signal.signal(_ending, lambda *_: sys.exit(1))
PROGRAM = os.path.join(FOLDER, "maildir-pop3d")
shutil.copy(os.environ["POP3D"], PROGRAM)
os.chmod(PROGRAM, 0o755)

_number = 0


def new_path(stem):
    global _number
    _number += 1
    return os.path.join(FOLDER, f"{stem}{_number}")


def give(path):
    """To the uid that the program runs as."""
    if ROOT:
        os.chown(path, UID, UID)


# --- TAP ------------------------------------------------------------------

class Fail(AssertionError):
    pass


class Skip(Exception):
    pass


class Late(Exception):
    pass


class Slow(Fail):
    """All was right, but later than it should be."""


def _late(_signal, _frame):
    raise Late("the check took too long")


_count = 0
_failed = 0


def say(text):
    print(text, flush=True)


def _tried(body, limit):
    """Runs it, and once more if all that is wrong with it is its time: a busy
    machine may be why, but a program that waits will wait every time."""
    for chance in range(CHANCES):
        signal.alarm(limit)
        try:
            return body()
        except Slow as why:
            if chance == CHANCES - 1:
                raise
            say(f"# once more: {why}")
            end_all()


def check(name, limit=150):
    """Runs the function that follows at once; it fails by an exception."""
    def run(body):
        global _count, _failed
        _count += 1
        began = time.monotonic()
        signal.signal(signal.SIGALRM, _late)
        try:
            _tried(body, limit)
            result = f"ok {_count} - {name}"
        except Skip as why:
            result = f"ok {_count} - {name} # SKIP {why}"
        except Exception:
            _failed += 1
            result = f"not ok {_count} - {name}"
            for line in traceback.format_exc().splitlines():
                say("# " + line[:300])
            for s in running:
                for line in s.log_text().splitlines()[-4:]:
                    say("# log: " + line)
        finally:
            signal.alarm(0)
            end_all()
        say(result)
        if os.environ.get("POP3_TIMES"):
            say(f"# {time.monotonic() - began:.2f} s")
        return body
    return run


def done():
    say(f"1..{_count}")
    sys.stdout.flush()
    sys.exit(1 if _failed else 0)


def _short(value):
    text = repr(value)
    return text if len(text) < 400 else text[:300] + "..." + text[-80:]


def same(actual, expected, what=""):
    if actual != expected:
        raise Fail(f"{what}: got {_short(actual)}, "
                   f"expected {_short(expected)}")


def true(holds, what):
    if not holds:
        raise Fail(what)


def between(low, value, high, what):
    if not low <= value <= high:
        raise Fail(f"{what}: {value} is not in {low}..{high}")


def lasted(low, took, high, what="the time"):
    """Too few are an error; too many are, if there are always too many."""
    true(took >= low, f"{what}: {took} s, expected {low} at least")
    if took > high:
        raise Slow(f"{what}: {took} s, expected {high} at most")


def until(holds, what, limit=PATIENCE):
    """Polls for something that no descriptor tells of."""
    end = time.monotonic() + limit
    while True:
        result = holds()
        if result:
            return result
        if time.monotonic() > end:
            raise Fail(f"never happened: {what}")
        time.sleep(0.002)


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            raise Skip(f"{tool} is not installed")


# --- Maildirs -------------------------------------------------------------

def message(octets=60, subject="test"):
    """Stored octets of a message about that long; all lines are whole."""
    head = f"From: a@example.org\nSubject: {subject}\n\n".encode()
    line = b"0123456789abcdefghijklmnopqrstuvwxyz.0123456789ABCDEFGHIJKLMN\n"
    body = line * (max(0, octets - len(head)) // len(line) + 1)
    return head + body


def wire(stored):
    """What RETR sends for it, between the status line and the dot."""
    return re.sub(rb"(?m)^\.", b"..", plain(stored))


def plain(stored):
    """The same without stuffing: its length is what LIST must say."""
    out = re.sub(rb"\r?\n", b"\r\n", stored)
    return out if not out or out.endswith(b"\n") else out + b"\r\n"


class Maildir:
    """Unique names are 1700000001.M1P1.host and so on, in that order."""

    def __init__(self, *messages, sub="new"):
        self.path = new_path("Maildir")
        self.count = 0
        for part in ("", "tmp", "new", "cur"):
            os.mkdir(os.path.join(self.path, part), 0o700)
            give(os.path.join(self.path, part))
        for octets in messages:
            self.put(octets, sub)

    def put(self, octets, sub="new"):
        """Delivers as a deliverer does: written in tmp/, then renamed."""
        self.count += 1
        unique = f"{1700000000 + self.count}.M{self.count}P1.host"
        tmp = os.path.join(self.path, "tmp", unique)
        with open(tmp, "wb") as f:
            f.write(octets)
        give(tmp)
        info = ":2," if sub == "cur" else ""
        os.rename(tmp, os.path.join(self.path, sub, unique + info))
        return unique

    def names(self):
        return sorted(f"{sub}/{name}" for sub in ("cur", "new")
                      for name in os.listdir(os.path.join(self.path, sub)))

    def left(self):
        """The numbers, by delivery, of the messages that are still there."""
        return sorted(int(n.split("/")[1][:10]) - 1700000000
                      for n in self.names())


# --- the program ----------------------------------------------------------

running = []
_CALLS = {
    "x86_64": {0: "read", 1: "write", 7: "poll", 271: "poll"},
    "aarch64": {63: "read", 64: "write", 73: "poll"},
}.get(platform.machine(), {})


def end_all():
    for s in running:
        s.end()
    running.clear()
    while _kept_ports:
        _kept_ports.pop().close()


_kept_ports = []


def free_port():
    """One of 127.0.0.1 that nobody else is given until the check is over: it
    stays bound, and who sets SO_REUSEADDR, as launchers do, can listen."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    _kept_ports.append(s)
    return s.getsockname()[1]


def plain_signals():
    """No disposition or mask of ours: Python ignores SIGPIPE, shells more."""
    for number in range(1, signal.NSIG):
        if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def as_owner():
    """Arguments of Popen for whoever shall own the mail."""
    return {"user": UID, "group": UID, "extra_groups": []} if ROOT else {}


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


# A client of a listener that takes IPv6 and, mapped, IPv4.
_V6 = {"mapped": (socket.AF_INET, "127.0.0.1"),
       "tcp6": (socket.AF_INET6, "::1")}


def _v6_pair(client):
    family, address = client
    try:
        with socket.create_server(("::", 0), family=socket.AF_INET6,
                                  dualstack_ipv6=True) as listener:
            ours = socket.socket(family)
            ours.connect((address, listener.getsockname()[1]))
            return ours, listener.accept()[0]
    except (OSError, ValueError) as why:
        raise Skip(f"no IPv6 here: {why}") from None


def _pair(link, rcvbuf, sndbuf):
    """(we read, we write, our socket), (its 0, its 1, its socket)."""
    if link == "pipe":
        read_in, write_in = os.pipe()
        read_out, write_out = os.pipe()
        return (read_out, write_in, None), (read_in, write_out, None)
    if link == "unix":
        ours, its = socket.socketpair()
    elif link in _V6:
        ours, its = _v6_pair(_V6[link])
    else:
        with socket.socket(socket.AF_INET) as listener:
            if sndbuf:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF,
                                    sndbuf)
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            ours = socket.socket(socket.AF_INET)
            if rcvbuf:
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            ours.connect(listener.getsockname())
            its, _ = listener.accept()
        ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sndbuf:
        its.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
    return ((ours.fileno(), ours.fileno(), ours),
            (its.fileno(), its.fileno(), its))


def ioctl_count(fd, request):
    return struct.unpack("i", fcntl.ioctl(fd, request, bytes(4)))[0]


def _tcp_queues(ours, its):
    """On 127.0.0.1 from the one port to the other: octets that are not yet
    acknowledged, and those that are, but not read."""
    under_way = arrived = 0
    with open("/proc/net/tcp") as f:
        for line in f.read().splitlines()[1:]:
            words = line.split()
            ports = [int(word.split(":")[1], 16) for word in words[1:3]]
            sent, received = (int(q, 16) for q in words[4].split(":"))
            if ports == [ours, its]:
                under_way = sent
            elif ports == [its, ours]:
                arrived = received
    return under_way, arrived


class Session:
    """The program on one connection, and the client's end of it.

    err      "file" (regular, the default), "same" (the connection),
             or a descriptor
    env      the whole environment
    calls    system calls to trace, comma-separated; inject: further -e words
    prepare  called in the child before the exec, last
    keep     leave the program's end of a socket open, as its

    Without root's rights strace sees the numbers of a call and no memory
    behind a pointer, if the program is not dumpable (S-6).
    """

    def __init__(self, maildir=None, *options, link="unix", err="file",
                 env=None, calls=None, inject=(), times=False, prepare=None,
                 pass_fds=(), nonblock=False, rcvbuf=0, sndbuf=0, args=None,
                 greeting=True, keep=False):
        self.link = link
        self.buf = b""
        self.got = 0     # octets read from the program
        self.sent = 0
        self.maildir = maildir
        (self.rd, self.wr, self.sock), its = _pair(link, rcvbuf, sndbuf)
        self.port = None
        if self.sock is not None and self.sock.family != socket.AF_UNIX:
            self.port = self.sock.getsockname()[1]
        if nonblock:
            os.set_blocking(its[0], False)
            os.set_blocking(its[1], False)
        if args is None:
            args = ["--preauth", *options, maildir.path]
        self.log_path = new_path("log")
        with open(self.log_path, "ab") as log:
            self._start(args, its, log, err, env, calls, inject, times,
                        prepare, pass_fds)
        if keep:
            self.its = its[2]
        elif its[2] is not None:
            its[2].close()
        else:
            os.close(its[0])
            os.close(its[1])
        running.append(self)
        if greeting:
            self.greeting = self.line()
            true(self.greeting.startswith(b"+OK "),
                 f"greeting {self.greeting!r}")
            if calls is not None:
                self.pid = until(lambda: children(self.process.pid),
                                 "the traced program")[0]

    def _start(self, args, its, log, err, env, calls, inject, times, prepare,
               pass_fds):
        command = [PROGRAM, *args]
        who = as_owner()
        if calls is not None:
            need("strace")
            # With root's rights strace can read the program even where
            # that is not dumpable.
            if ROOT:
                need("setpriv")
                command = [shutil.which("setpriv"), f"--reuid={UID}",
                           f"--regid={UID}", "--clear-groups", *command]
                who = {}
            self.trace_path = new_path("strace")
            command = [shutil.which("strace"), "-f", "-qq", "-s", "64", "-o",
                       self.trace_path, *(["-ttt"] if times else []), "-e",
                       f"trace=execve,{calls}",
                       *[w for i in inject for w in ("-e", f"inject={i}")],
                       *command]

        def child():
            plain_signals()
            if prepare is not None:
                prepare()

        errs = {"file": log.fileno(), "same": its[1]}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=its[0], stdout=its[1], stderr=errs.get(err, err),
            env={"PATH": os.environ["PATH"]} if env is None else env,
            preexec_fn=child, close_fds=True, pass_fds=pass_fds, cwd="/",
            **who)
        self.pid = self.process.pid

    # --- the client ---

    def send(self, octets):
        """All of it, or Fail if the program never takes it."""
        done = 0
        os.set_blocking(self.wr, False)
        end = time.monotonic() + PATIENCE
        while done < len(octets):
            left = end - time.monotonic()
            if left <= 0 or not select.select([], [self.wr], [], left)[1]:
                raise Fail(f"only {done} of {len(octets)} octets were taken")
            with contextlib.suppress(BlockingIOError):
                done += os.write(self.wr, octets[done:])
        self.sent += done

    def unread(self):
        """What the program has not read yet; of AF_UNIX it is memory."""
        if self.sock is None:
            return ioctl_count(self.wr, termios.FIONREAD)
        if self.sock.family == socket.AF_UNIX:
            return ioctl_count(self.wr, termios.TIOCOUTQ)
        return sum(_tcp_queues(self.port, self.sock.getpeername()[1]))

    def taken(self):
        """Waits until the program has read all: it may be ended now, and its
        close will not be a reset."""
        until(lambda: self.unread() == 0, "the reading of what was sent")

    def acknowledged(self, rest):
        """TCP: waits until the program's end knows that all it wrote has come
        but rest octets: a reset takes back an acknowledgement that is late."""
        until(lambda: _tcp_queues(self.sock.getpeername()[1],
                                  self.port)[0] <= rest,
              f"all but {rest} octets are acknowledged")

    def stuff(self):
        """Writes NOOPs until the connection takes no more; how many octets."""
        os.set_blocking(self.wr, False)
        done = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                done += os.write(self.wr, b"NOOP\r\n" * 1000)
        return done

    def more(self, limit=PATIENCE, octets=65536):
        """What has come; b"" at the end."""
        if not select.select([self.rd], [], [], limit)[0]:
            raise Fail(f"no answer within {limit} s; "
                       f"so far {self.buf[-99:]!r}")
        try:
            piece = os.read(self.rd, octets)
        except BlockingIOError:
            return self.more(limit, octets)
        self.got += len(piece)
        return piece

    def line(self, limit=PATIENCE):
        """One line with its CRLF; what there is at the end."""
        while b"\n" not in self.buf:
            piece = self.more(limit)
            if not piece:
                break
            self.buf += piece
        line, lf, self.buf = self.buf.partition(b"\n")
        return line + lf

    def body(self):
        """The rest of a multi-line answer, with its dot."""
        buf = bytearray(b"\r\n" + self.buf)
        seen = 0
        while (end := buf.find(b"\r\n.\r\n", seen)) == -1:
            seen = max(0, len(buf) - 4)
            piece = self.more()
            if not piece:
                raise Fail(f"no final dot: ...{bytes(buf[-60:])!r}")
            buf += piece
        self.buf = bytes(buf[end + 5:])
        return bytes(buf[2:end + 5])

    def rest(self, limit=PATIENCE):
        """All until the program closes."""
        text, self.buf = bytearray(self.buf), b""
        while piece := self.more(limit):
            text += piece
        return bytes(text)

    def ask(self, command, multi=False):
        """One command and its whole answer."""
        self.send(command.encode() + b"\r\n")
        answer = self.line()
        if multi and answer.startswith(b"+OK"):
            answer += self.body()
        return answer

    def ok(self, command, multi=False):
        answer = self.ask(command, multi)
        true(answer.startswith(b"+OK "), f"{command}: {answer!r}")
        return answer

    def quit(self):
        self.send(b"QUIT\r\n")
        answer = self.rest()
        self.close()
        self.exits()
        return answer

    def shut(self):
        """No more commands; answers are still read."""
        if self.sock is not None:
            self.sock.shutdown(socket.SHUT_WR)
        else:
            os.close(self.wr)
            self.wr = -1

    def close(self):
        if self.sock is not None:
            self.sock.close()
        else:
            for fd in (self.rd, self.wr):
                if fd != -1:
                    os.close(fd)
        self.rd = self.wr = -1
        self.sock = None
        self.link += " closed"

    def reset(self):
        """TCP: RST, whatever is queued."""
        if self.link == "tcp":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
        self.close()

    # --- the process ---

    def exits(self, status=0, limit=PATIENCE):
        """How many seconds it took; Fail unless it ends with status."""
        began = time.monotonic()
        try:
            got = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Fail(f"still there after {limit} s") from None
        same(got, status, "exit status")
        return time.monotonic() - began

    def kill(self, number):
        os.kill(self.pid, number)

    def alarm(self):
        self.kill(signal.SIGALRM)

    def status(self, key):
        with open(f"/proc/{self.pid}/status") as f:
            for line in f:
                if line.startswith(key + ":"):
                    return line.split(None, 1)[1].strip()
        raise Fail(f"no {key} in /proc/{self.pid}/status")

    def _asleep(self):
        with open(f"/proc/{self.pid}/stat") as f:
            if f.read().rpartition(")")[2].split()[0] != "S":
                return None
        try:
            with open(f"/proc/{self.pid}/syscall") as f:
                word = f.read().split()
        except PermissionError:
            return "unknown", self.status("voluntary_ctxt_switches")
        if word[0] in ("running", "-1"):
            return None
        name = _CALLS.get(int(word[0]), "unknown")
        # The first argument tells reading commands from reading anything.
        return name, (int(word[1], 16), self.status("voluntary_ctxt_switches"))

    def asleep(self, *calls):
        """Waits until the program sleeps in one of calls (read, write, poll).

        Twice the same sleep, 10 ms apart: one between two steps is shorter.
        """
        def steady():
            before = self._asleep()
            if before is None or (before[0] not in calls
                                  and before[0] != "unknown"):
                return False
            time.sleep(0.01)
            return self._asleep() == before
        until(steady, f"asleep in {' or '.join(calls)}, "
              f"last seen {self._asleep()}")

    def handing_over(self):
        """Waits until the program waits for the client to take its mail.

        It has read QUIT, so that nothing is left to read, and looks again
        and again: it sleeps in poll, without a descriptor.
        """
        def pausing():
            seen = self._asleep()
            return seen is not None and seen[0] in ("poll", "unknown") and \
                (seen[0] == "unknown" or seen[1][0] == 0)
        until(pausing, "the hand-over")

    def end(self):
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.process.kill()
        self.process.wait()
        if self.rd != -1 or self.wr != -1:
            self.close()

    # --- what it left behind ---

    def log_text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def logged(self, word):
        """The fields of the one line that begins with word."""
        lines = [line for line in self.log_text().splitlines()
                 if re.match(r"(<\d>)?" + word + " ", line)]
        same(len(lines), 1, f"lines with {word} in {self.log_text()!r}")
        return fields(lines[0])

    def trace(self):
        """Lines of strace after the exec, without the pid; whole ones."""
        if not os.path.exists(self.trace_path):
            return []
        with open(self.trace_path, errors="replace") as f:
            lines = [re.sub(r"^\d+ +", "", line)
                     for line in f.read().split("\n")[:-1]]
        last = max((i for i, line in enumerate(lines)
                    if re.search(r"execve\(.*= 0$", line)), default=-1)
        return lines[last + 1:]

    def traced(self, call):
        return [line for line in self.trace()
                if re.match(r"([\d.]+ )?" + call + r"\(", line)]


def fields(line):
    return dict(word.split("=", 1) for word in line.split(" ")[1:])


def result(line):
    """What a traced call returned."""
    return int(re.search(r"= (-?\d+)", line).group(1))
