"""tamper.py - sessions that are killed, or whose system calls fail (T4, T5).

What kill-*.t, fault-*.t and the long forms in torture.d share: a Maildir that
has something of everything, a client that knows each octet it may be sent,
tamper.c around the program, and a judge of what was answered, of what is left,
and of what the next session shows.

The judge knows the messages as they were stored and the rules, nothing of the
program: what is listed is what is there, nothing that was not marked may be
missing, and nothing at all unless QUIT was read (S-1).
"""

import errno
import functools
import glob
import itertools
import random

from login import *

PATIENCE_ALL = 100      # seconds for a session; U6 and P-24 give up after 30
TURNING = 20000         # calls that no session makes: a hundred times as many
OLD = 1600000000        # a time long ago: directories at rest are read once
QUIT = b"QUIT\r\n"

# --- the tool --------------------------------------------------------------


def _compiler():
    for name in ("gcc", "cc", "clang"):
        path = shutil.which(name)
        if path is not None:
            return path
    raise Skip("no C compiler")


def compiled(source, *options):
    """A file of C from this folder, compiled; its path."""
    path = new_path(os.path.basename(source) + ".")
    subprocess.run([_compiler(), "-D_GNU_SOURCE", "-O1", *options, "-o", path,
                    os.path.join(os.environ["T"], source)], check=True)
    os.chmod(path, 0o755)
    return path


def _numbers():
    """The names of the system calls, by number."""
    text = subprocess.run(
        [_compiler(), "-E", "-dM", "-include", "sys/syscall.h", "-x", "c",
         "/dev/null"], capture_output=True, text=True, check=True).stdout
    return {int(number): name for name, number in
            re.findall(r"#define __NR_(\w+) (\d+)\n", text)}


class Tool:
    """tamper.c, and the names of system calls."""
    path = None
    names = {}

    @classmethod
    def make(cls):
        need_root()     # else it may not look into who keeps others out
        if cls.path is None:
            cls.path = compiled("tamper.c")
            cls.names = _numbers()
        probe = new_path("probe")
        done_ = subprocess.run([cls.path, "-o", probe, "/bin/true"],
                               capture_output=True, check=False)
        if done_.returncode != 0:
            raise Skip("no process may be traced here")

    @classmethod
    def number(cls, call):
        return next(n for n, name in cls.names.items() if name == call)

    @classmethod
    def need_changes(cls):
        if platform.machine() != "x86_64":
            raise Skip("registers are known for x86_64 only")


class Harm:
    """One thing that tamper does, at call number n."""

    def __init__(self, n, how, *words):
        self.n = n
        self.how = how
        self.words = ["-n", str(n), *words]

    def __str__(self):
        return f"{self.how} at call {self.n}"


# Calls that have no error worth the name, or that do not return.
CANNOT_FAIL = {"exit_group", "exit", "rt_sigreturn", "alarm", "getpid",
               "gettid", "getuid", "geteuid", "getgid", "getegid", "umask",
               "set_tid_address", "set_robust_list", "rt_sigaction",
               "rt_sigprocmask", "rseq", "getppid"}
MEMORY = {"mmap", "brk", "mremap", "munmap", "mprotect", "madvise"}
MAY_WAIT = {"read", "write", "poll", "ppoll", "openat", "flock", "fsync",
            "wait4", "recvfrom", "recvmsg", "sendto", "sendmsg", "connect",
            "close", "clone"}
COUNTED = {"read", "write", "pread64", "sendto"}    # the third argument
ERRORS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.ENOMEM,
          errno.EMFILE, errno.EINTR, errno.EAGAIN)


def harms(n, name):
    """All that can be done to call n of that name, but for killing."""
    if name in CANNOT_FAIL:
        return []
    if name in MEMORY:
        return [failing(n, errno.ENOMEM), failing(n, errno.ENOMEM, True)]
    wait = (errno.EINTR, errno.EAGAIN)
    return [*(failing(n, e) for e in ERRORS
              if name in MAY_WAIT or e not in wait),
            *(failing(n, e, True) for e in ERRORS if e not in wait),
            *([short(n), short(n, True)] if name in COUNTED else [])]


def killed(n, when):
    return Harm(n, f"kill at {when}", "-k", when)


def failing(n, number, persist=False, only=None):
    """only: at the nth call of that name."""
    words = [] if only is None else ["-c", str(Tool.number(only))]
    return Harm(n, errno.errorcode[number] + (" from there on" if persist
                                              else ""),
                "-e", str(number), *(["-p"] if persist else []), *words)


def short(n, persist=False):
    return Harm(n, "short count", "-s", *(["-p"] if persist else []))


class Calls:
    """What tamper wrote down."""

    def __init__(self, path):
        self.calls = []         # [pid, name, arguments, result or None]
        self.harmed = []
        self.ends = []          # (pid, "exit" or "signal", number)
        with open(path) as f:
            for line in f:
                if line.endswith("\n"):
                    self._take(line.split())

    def _take(self, word):
        if word[0] == ">":
            self.calls.append([int(word[2]), Tool.names[int(word[3])],
                               [int(w) for w in word[4:]], None])
        elif word[0] == "<":
            self.calls[int(word[1]) - 1][3] = int(word[2])
        elif word[0] == "!":
            self.harmed.append(int(word[1]))
        else:
            self.ends.append((int(word[1]), word[2], int(word[3])))

    def read(self):
        """Octets that came from the client."""
        return sum(call[3] for call in self.calls
                   if call[1] == "read" and call[2][0] == 0
                   and (call[3] or 0) > 0)

    def name(self, n):
        return self.calls[n - 1][1] if n <= len(self.calls) else "?"

    def first_after(self, octets):
        """The number of the first call made when so many had been read."""
        seen = 0
        for number, call in enumerate(self.calls, 1):
            if call[1] == "read" and call[2][0] == 0 and (call[3] or 0) > 0:
                seen += call[3]
                if seen >= octets:
                    return number
        return len(self.calls)


# --- the Maildir -------------------------------------------------------------

LARGE = b"".join(b".%06d " % n + b"x" * (n % 70) + b"\n" for n in range(3000))
FILES = (       # name, stored octets; the number in front makes the order
    ("new/{}.M1P1.host", message(100)),
    ("cur/{}.M2P1.host:2,", b"From: b\n\n.\n..\nend\n"),
    ("new/{}.M3P1.host", b"Subject: large\n\n" + LARGE),
    ("cur/{}.M4P1.host,S=30:2,RS", b"Subject: x\r\n\r\n.one\r\ntwo\r\n123"),
    ("new/{}.M5P1.host,S=24,W=28", b"Subject: named\n\nwell\nso\n"),
    ("cur/{}.M6P1.host:2,F", b"Subject: y\n\nno line end"),
    ("new/{}.M7P1.host", b"Subject: one of two\n\ncopies\n"),
    ("cur/-.M7P1.host:2,S", b"Subject: the other\n\nof one name\n"),
    ("new/{}.M8P1.host", b""),
    ("cur/{}.M9P1.host:2,S", message(5000)),
    ("new/{}.M10P1.host", b"Subject: z\n\nlast\n"),
)
TRASH = {       # what lies in .Trash/cur before; the first name is taken
    "1700000002.M2P1.host:2,": b"an older one\n",
    "1600000000.M1P1.host:2,S": b"old\n",
}


def unique(name):
    return os.path.basename(name).split(":")[0]


class Message:
    def __init__(self, name, stored, ino):
        self.name = name
        self.stored = stored
        self.ino = ino
        self.size = len(plain(stored))
        self.wire = wire(stored) + b".\r\n"
        self.uid = self.number = None
        self.marked = self.fetched = False

    def top(self):
        """TOP n 1."""
        head, _, body = self.wire.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n" + body.split(b"\r\n")[0] + b"\r\n.\r\n"


def _sort(messages):
    """Numbers and UIDLs as P-47 and P-49 have them."""
    messages.sort(key=lambda m: (int(unique(m.name).split(".")[0]),
                                 unique(m.name), m.ino))
    seen = {}
    for number, m in enumerate(messages, 1):
        m.number = number
        copy = seen[unique(m.name)] = seen.get(unique(m.name), 0) + 1
        m.uid = unique(m.name) + (f"~{copy}" if copy > 1 else "")
    return messages


class Mailbox:
    """A Maildir of FILES, of TRASH if trash; its directories at rest."""

    def __init__(self, trash=False, files=FILES):
        self.path = new_path("Maildir")
        self.messages = []
        self.changes = 0
        self.cache = os.path.join(self.path, "maildir-pop3d.sizes")
        subs = ["", "tmp", "new", "cur"]
        if trash:
            subs += [".Trash", ".Trash/tmp", ".Trash/new", ".Trash/cur"]
        for sub in subs:
            os.mkdir(os.path.join(self.path, sub), 0o700)
            give(os.path.join(self.path, sub))
        number = 1700000000
        for name, stored in files:
            number += "{}" in name
            name = name.format(number).replace("/-", f"/{number}")
            ino = self._write(name, stored)
            self.messages.append(Message(name, stored, ino))
        for name, stored in TRASH.items() if trash else ():
            self._write(".Trash/cur/" + name, stored)
        self.trashed = dict(TRASH) if trash else {}
        self._write("tmp/being.delivered", b"half a mess")
        _sort(self.messages)
        self.rest()

    def _write(self, name, stored):
        path = os.path.join(self.path, name)
        with open(path, "wb") as f:
            f.write(stored)
            ino = os.fstat(f.fileno()).st_ino
        os.chmod(path, 0o600)
        give(path)
        return ino

    def rest(self):
        """Time passes: whatever was changed, that was long ago.  Not at the
        same time as before, though: a cache may know that one."""
        for sub in ("new", "cur"):
            path = os.path.join(self.path, sub)
            if os.stat(path).st_mtime > OLD + 1000000:
                self.changes += 1
                with contextlib.suppress(OSError):      # read-only
                    os.utime(path, (OLD + self.changes, OLD + self.changes))

    def files(self, *subs):
        """{path below the Maildir: (inode, octets)}"""
        found = {}
        for sub in subs:
            folder = os.path.join(self.path, sub)
            for name in os.listdir(folder) if os.path.isdir(folder) else ():
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    found[f"{sub}/{name}"] = (os.fstat(f.fileno()).st_ino,
                                              f.read())
        return found

    def remove(self):
        shutil.rmtree(self.path)


# --- a session ----------------------------------------------------------------

class Mode:
    """The options of a session, and how it logs in: "preauth", or the shape
    "root" or "uid" of a passwd-file.  again: there was a visit before, which
    left its sizes in the Maildir."""

    def __init__(self, delete="unlink", *options, how="preauth", trash=True,
                 again=False):
        self.again = again
        self.delete = delete
        self.options = [f"--delete={delete}", *options]
        self.how = how
        self.trash = trash and delete == "trash"    # there is one already

    def __str__(self):
        return " ".join([*self.options, self.how,
                         *(["with-Trash"] if self.trash else []),
                         *(["again"] if self.again else [])])

    def arguments(self, mailbox, program):
        if self.how == "preauth":
            return [program, "--preauth", *self.options, mailbox.path]
        return [program, f"--passwd-file={_users()}", "--allow-plaintext",
                *([f"--user=nobody", f"--chroot={EMPTY}"]
                  if self.how == "root" else []),
                *self.options, mailbox.path]


def _users(made=[]):
    if not made:
        made.append(passwd_file(record("alice")))
    return made[0]


class Wrong(Fail):
    """The program did what no rule allows."""


class Gone(Exception):
    """The connection has ended."""


class Client:
    """Sends commands and holds each octet of the answers against what is
    right; -ERR is right everywhere, and so is an end, but never a final dot
    behind anything else than the whole."""

    def __init__(self, sock):
        self.sock = sock
        self.buf = bytearray()
        self.sent = 0
        self.errors = 0         # answers that were -ERR
        self.end = time.monotonic() + PATIENCE_ALL

    def send(self, octets):
        self.sent += len(octets)
        try:
            self.sock.sendall(octets)
        except OSError:
            raise Gone from None

    def _more(self):
        left = self.end - time.monotonic()
        if left <= 0 or not select.select([self.sock], [], [], left)[0]:
            raise Wrong(f"no answer, and no end, within {PATIENCE_ALL} s")
        try:
            piece = self.sock.recv(1 << 18)
        except ConnectionError:
            piece = b""
        if not piece:
            raise Gone
        self.buf += piece

    def line(self):
        while b"\n" not in self.buf:
            self._more()
        line, _, rest = bytes(self.buf).partition(b"\n")
        self.buf = bytearray(rest)
        line += b"\n"
        if not line.endswith(b"\r\n") or line[:4] not in (b"+OK ", b"-ERR"):
            raise Wrong(f"no answer is this: {line!r}")
        return line

    def answer(self, command, first, body=None):
        """True for +OK; first is a pattern."""
        line = self.line()
        if line.startswith(b"-ERR"):
            self.errors += 1
            return False
        if not re.fullmatch(first + rb"\r\n", line):
            raise Wrong(f"{command}: {line!r}")
        if body is not None:
            self._body(command, body)
        return True

    def _body(self, command, body):
        try:
            while len(self.buf) < len(body):
                self._more()
        except Gone:
            if not body.startswith(self.buf) or self.buf == body:
                raise Wrong(f"{command}: ended with other octets: "
                            f"...{bytes(self.buf[-60:])!r}") from None
            raise
        if self.buf[:len(body)] != body:
            raise Wrong(f"{command}: other octets: "
                        f"{bytes(self.buf[:200])!r}")
        del self.buf[:len(body)]

    def nothing_more(self):
        try:
            while not self.buf:
                self._more()
        except Gone:
            return
        raise Wrong(f"behind the answer to QUIT: {bytes(self.buf[:100])!r}")


def listing(messages, what):
    return b"".join(b"%d %s\r\n" % (m.number, str(what(m)).encode())
                    for m in messages) + b".\r\n"


class Play:
    """A session with mailbox as it should be, harmed or not.

    After it: quit_sent, quit_answer (None, True, False), calls (if harm or
    trace), code (of the process)."""

    MARK = (2, 3, 10, 11)       # numbers; 2 has its name in the trash
    FETCH = (1, 3, 4, 6, 9, 10, 11)

    def __init__(self, mailbox, mode, harm=None, trace=False, program=None,
                 env=None, secret="secret"):
        self.mailbox = mailbox
        self.mode = mode
        self.harm = harm
        self.secret = secret
        self.quit_sent = False
        self.quit_answer = None
        self.logged_in = False
        self.calls = None
        self._start(trace or harm is not None, program or PROGRAM, env)
        try:
            self._talk()
        except Gone:
            pass
        except Wrong as why:
            self._stop()
            raise Wrong(f"{why}{self._where()}") from None
        self._finish()

    def _start(self, trace, program, env):
        ours, its = socket.socketpair()
        command = self.mode.arguments(self.mailbox, program)
        who = {} if self.mode.how == "root" else as_owner()
        self.log_path = new_path("log")
        if trace:
            self.trace_path = new_path("calls")
            command = [Tool.path, *([] if self.mode.how == "root" else
                                    ["-u", str(UID)]),
                       *(self.harm.words if self.harm else []),
                       "-o", self.trace_path, *command]
            who = {}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=its, stdout=its, stderr=log, cwd="/",
                env={"PATH": os.environ["PATH"], **(env or {})}, **who)
        its.close()
        self.traced = trace
        self.client = Client(ours)

    # --- what is said ---

    def _talk(self):
        c = self.client
        if not c.answer("greeting", rb"\+OK .*"):
            c.nothing_more()
            raise Gone
        self.logged_in = self.mode.how == "preauth" or self._log_in()
        if self.logged_in:
            for send, hear in self._steps():
                c.send(send)
                hear()
        c.send(QUIT)
        self.quit_sent = True
        self.quit_answer = c.answer("QUIT", rb"\+OK .*")
        c.nothing_more()

    def _log_in(self):
        c = self.client
        c.send(b"USER alice\r\n")
        c.answer("USER", rb"\+OK .*")
        c.send(b"PASS " + self.secret.encode() + b"\r\n")
        return c.answer("PASS", rb"\+OK .*")

    def _steps(self):
        """(octets to send, what takes the answers): the most in one segment,
        as a client that pipelines (P-74)."""
        m = {x.number: x for x in self.mailbox.messages}
        every = list(m.values())
        c = self.client
        steps = []

        def add(command, hear):
            steps.append((command.encode() + b"\r\n", hear))

        def plain_(command, first, body=None):
            add(command, lambda: c.answer(command, first, body))

        total = sum(x.size for x in every)
        plain_("STAT", rb"\+OK %d %d" % (len(every), total))
        plain_("LIST", rb"\+OK.*", listing(every, lambda x: x.size))
        plain_("UIDL", rb"\+OK.*", listing(every, lambda x: x.uid))
        for number in self.FETCH:
            add(f"RETR {number}", lambda x=m[number]: self._retr(x))
        plain_("TOP 2 1", rb"\+OK.*", m[2].top())
        plain_("LIST 3", rb"\+OK 3 %d" % m[3].size)
        add("DELE 1", lambda: self._dele(m[1]))
        add("RSET", lambda: self._rset())
        for number in self.MARK:
            add(f"DELE {number}", lambda x=m[number]: self._dele(x))
        plain_("NOOP", rb"\+OK.*")
        return [(b"".join(send for send, _ in steps),
                 lambda: [hear() for _, hear in steps])]

    def _retr(self, m):
        first = rb"\+OK (%d octets|message follows)" % m.size
        m.fetched = self.client.answer(f"RETR {m.number}", first, m.wire) or \
            m.fetched

    def _dele(self, m):
        m.marked = self.client.answer(f"DELE {m.number}", rb"\+OK .*")

    def _rset(self):
        if self.client.answer("RSET", rb"\+OK.*"):
            for m in self.mailbox.messages:
                m.marked = False

    def _where(self):
        """The call that was harmed, of a session that was broken off."""
        if not self.harm:
            return ""
        name = Calls(self.trace_path).name(self.harm.n)
        return f" (it was {name})"

    # --- how it ends ---

    def _stop(self):
        self.process.kill()     # tamper takes what it traces with it
        self.process.wait()
        self.client.sock.close()

    def _finish(self):
        self.client.sock.close()
        try:
            self.code = self.process.wait(
                max(1, self.client.end - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._stop()
            raise Wrong("the client has gone, and the program has not") \
                from None
        if self.traced:
            self.calls = Calls(self.trace_path)
            os.unlink(self.trace_path)

    def clean(self):
        with open(self.log_path, errors="replace") as f:
            self.said = f.read()
        os.unlink(self.log_path)
        self.mailbox.remove()


# --- the judge ------------------------------------------------------------------

class Judge:
    """Of what a play left behind; read says whether QUIT was read."""

    def __init__(self, play, read):
        self.play = play
        self.mode = play.mode
        self.box = play.mailbox
        self.read = read
        self.there = self.box.files("new", "cur")
        self.trash = self.box.files(".Trash/cur")
        self.survivors = []
        self.removed = 0
        for m in self.box.messages:
            self._message(m)
        self._nothing_else()
        self._answer()

    def _message(self, m):
        here = [(path, name) for path, name in self._found(self.there, m)]
        gone = [(path, name) for path, name in self._found(self.trash, m)]
        for path, octets in here + gone:
            if octets != m.stored:
                raise Wrong(f"{path}: other octets than were stored")
        if gone and not (self.mode.delete == "trash" and m.marked):
            raise Wrong(f"{m.name} is in .Trash, and was not marked")
        if not here and not (m.marked and self.mode.delete == "unlink") \
           and not gone:
            raise Wrong(f"{m.name} is lost, " + ("though QUIT was read"
                        if m.marked else "and was not marked"))
        if not self.read and (gone or [p for p, _ in here] != [m.name]):
            raise Wrong(f"{m.name} was changed before QUIT was read: {here}")
        self._flags(m, here)
        alive = [p for p, _ in here
                 if not (self.mode.delete == "flag" and self._has(p, "T"))]
        if alive:
            self.survivors.append(Message(alive[0], m.stored, m.ino))
            self.survivors[-1].marked = m.marked
        self.removed += m.marked and not alive

    @staticmethod
    def _is(path, ino, m):
        """By name, too: inode numbers of removed files are used again.  In
        the trash another name may have been made of it."""
        name = unique(m.name)
        return ino == m.ino and (unique(path) == name or path.startswith(
            f".Trash/cur/{name}~"))

    def _found(self, files, m):
        return [(path, octets) for path, (ino, octets) in files.items()
                if self._is(path, ino, m)]

    @staticmethod
    def _has(path, flag):
        return flag in path.rpartition(":2,")[2] if ":2," in path else False

    def _flags(self, m, here):
        """Names change by S of what was fetched and T of what is marked."""
        for path, _ in here:
            if path == m.name:
                continue
            had = m.name.rpartition(":2,")[2] if ":2," in m.name else ""
            new = set(path.rpartition(":2,")[2]) - set(had)
            may = {"S"} if m.fetched and not m.marked and \
                "--keep-new" not in self.mode.options else set()
            may |= {"T"} if m.marked and self.mode.delete == "flag" else set()
            if not path.startswith("cur/") or not new or not new <= may or \
               unique(path) != unique(m.name):
                raise Wrong(f"{m.name} became {path}")

    def _nothing_else(self):
        for path, (ino, _) in self.there.items():
            if not any(self._is(path, ino, m) for m in self.box.messages):
                raise Wrong(f"{path} has come from nowhere")
        for name, stored in self.box.trashed.items():
            if self.trash.get(".Trash/cur/" + name, (0, b""))[1] != stored:
                raise Wrong(f"lost or changed in .Trash/cur: {name}")
        if "tmp/being.delivered" not in self.box.files("tmp"):
            raise Wrong("a young file in tmp/ is lost")

    def _answer(self):
        """+OK to QUIT: every message that is marked is gone (P-51)."""
        marked = [m for m in self.box.messages if m.marked]
        if self.play.quit_answer and self.removed != len(marked):
            raise Wrong(f"+OK to QUIT, and {self.removed} of {len(marked)} "
                        "are removed")


def next_session(box, mode, survivors):
    """It shows the survivors: UIDLs, sizes, every octet."""
    _sort(survivors)
    box.rest()
    ours, its = socket.socketpair()
    with subprocess.Popen(Mode(mode.delete, *mode.options[1:]).arguments(
            box, PROGRAM), stdin=its, stdout=its, stderr=subprocess.DEVNULL,
            cwd="/", **as_owner()) as process:
        its.close()
        c = Client(ours)
        try:
            c.send(b"STAT\r\nLIST\r\nUIDL\r\n" + b"".join(
                b"RETR %d\r\n" % m.number for m in survivors))
            _hear_all(c, survivors)
            if c.errors:
                raise Wrong("-ERR in the session after it")
        except Gone:
            raise Wrong("the session after it ended early") from None
        finally:
            ours.close()
    same(process.returncode, 0, "exit code of the session after it")


def visit(box, mode):
    """One before, which keeps what it learnt if it may."""
    next_session(box, mode, list(box.messages))
    if has_cache() and "--no-size-cache" not in mode.options:
        true(os.path.exists(box.cache), "the sizes were not kept")


def _hear_all(c, survivors):
    c.answer("next greeting", rb"\+OK .*")
    c.answer("next STAT", rb"\+OK %d %d" % (
        len(survivors), sum(m.size for m in survivors)))
    c.answer("next LIST", rb"\+OK.*", listing(survivors, lambda m: m.size))
    c.answer("next UIDL", rb"\+OK.*", listing(survivors, lambda m: m.uid))
    for m in survivors:
        c.answer(f"next RETR {m.number}",
                 rb"\+OK (%d octets|message follows)" % m.size, m.wire)


def ends_by_rule(play):
    """Exit 0, 100 or 111, and no signal but the one that we sent, or that
    the keeper sends a front which does not go."""
    calls = play.calls
    if len(calls.calls) > TURNING:
        raise Wrong(f"{len(calls.calls)} system calls: it turns and turns")
    hit = {calls.calls[n - 1][0] for n in calls.harmed} \
        if play.harm and "-k" in play.harm.words else set()
    first = calls.calls[0][0] if calls.calls else None
    for pid, how, number in calls.ends:
        if how == "exit":
            if number not in (0, 100, 111):
                raise Wrong(f"exit code {number}")
        elif number != signal.SIGKILL or (pid not in hit and pid == first):
            raise Wrong(f"ended by signal {number}")


def synced(play):
    """U5: no +OK behind an fsync that failed."""
    failed = [n for n in play.calls.harmed if play.calls.name(n) == "fsync"
              and play.calls.calls[n - 1][3] not in (0, None)]
    if failed and play.quit_answer:
        raise Wrong("+OK to QUIT, and fsync failed")


def try_one(mode, harm, **keywords):
    """One session under harm, and all that is said of it; the play."""
    play = None
    box = Mailbox(mode.trash)
    if mode.again:
        visit(box, mode)
    try:
        play = Play(box, mode, harm, trace=True, **keywords)
        read = play.quit_sent and play.calls.read() >= play.client.sent
        ends_by_rule(play)
        synced(play)
        judge = Judge(play, read)
        next_session(box, mode, judge.survivors)
    except Fail as why:
        calls = getattr(play, "calls", None)
        name = calls.name(harm.n) if calls and harm else "?"
        raise Wrong(f"{mode}: {harm} ({name}): {why}") from None
    play.clean()
    return play


def sanitized():
    with open(PROGRAM, "rb") as f:
        return b"__asan_init" in f.read()


@functools.lru_cache
def has_cache():
    out = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True,
                         check=False).stdout
    return "--no-size-cache" in out


# --- the long forms -------------------------------------------------------------

class Marathon:
    """What torture.d/kill and fault are: cases until the time is over.

    --minutes=M; --case='MODE: HARM' runs that one alone, in the words in which
    a failure is told, and prints its system calls."""

    TOLD = 10       # failures in full

    def __init__(self):
        self.began = time.monotonic()
        self.minutes, self.case = 30.0, None
        for word in sys.argv[1:]:
            key, _, value = word.partition("=")
            if key == "--minutes":
                self.minutes = float(value)
            elif key == "--case":
                self.case = value
            else:
                sys.exit(f"usage: {sys.argv[0]} [--minutes=M] [--case=CASE]")
        self.figures = {}
        self.failed = 0
        try:
            Tool.make()
        except Skip as why:
            say(f"cannot be done here: {why}")
            sys.exit(1)

    def left(self):
        """Of the time, from 1 to 0 and less."""
        return 1 - (time.monotonic() - self.began) / 60 / self.minutes

    def count(self, name, by=1):
        self.figures[name] = self.figures.get(name, 0) + by

    def try_one(self, mode, harm, **keywords):
        """The play, or None."""
        words = f"{mode}: {harm}"
        if self.case not in (None, words):
            return None
        began = time.monotonic()
        play = None
        try:
            play = try_one(mode, harm, **keywords)
            if play.calls.harmed:
                self.count("sessions-harmed")
                self.count("told-by-ERR", play.client.errors > 0)
                self.count("QUIT-answered-OK", play.quit_answer is True)
            else:
                self.count("calls-not-reached")
        except Fail as why:
            self.failed += 1
            if self.failed <= self.TOLD:
                say(f"WRONG: {why}")
                say(f"again: {sys.argv[0]} --case='{words}'")
        took = time.monotonic() - began
        self.figures["longest-ms"] = max(int(took * 1000),
                                         self.figures.get("longest-ms", 0))
        if self.case is not None:
            self._show(play)
        return play

    def _show(self, play):
        if play is None:
            path = max(glob.glob(FOLDER + "/calls*"), key=os.path.getmtime)
            calls = Calls(path)
        else:
            calls = play.calls
        for number, call in enumerate(calls.calls, 1):
            say(f"{number} {call[0]} {call[1]}{tuple(call[2])} = {call[3]}"
                + ("  <--" if number in calls.harmed else ""))
        sys.exit(1 if self.failed else 0)

    def run(self, cases):
        """cases: lists of (mode, harm).  Each list is shuffled, so that what
        there is no time for is left out evenly, and has an equal share of the
        time, with what those before it did not need."""
        seed = int(time.time())
        say(f"figure seed {seed}")
        for lists, part in zip(range(len(cases), 0, -1), cases):
            part = list(part)
            random.Random(seed).shuffle(part)
            until_ = max(self.left(), 0) * (1 - 1 / lists)
            for number, (mode, harm, *more) in enumerate(part):
                if self.case is None and self.left() <= until_:
                    self.count("cases-left-out", len(part) - number)
                    break
                self.try_one(mode, harm, **dict(more))
        self.over()

    def over(self):
        for name, value in {"wrong": self.failed, **self.figures}.items():
            say(f"figure {name} {value}")
        sys.exit(1 if self.failed else 0)


def all_modes():
    """Each way to delete, with each option, in each shape."""
    caches = (None, "--no-size-cache") if has_cache() else (None,)
    for how, delete, new, sync, cache in itertools.product(
            ("preauth", "root", "uid"), ("unlink", "trash", "flag"),
            (None, "--keep-new"), (None, "--sync"), caches):
        options = [o for o in (new, sync, cache) if o]
        yield Mode(delete, *options, how=how)
        if delete == "trash":
            yield Mode(delete, *options, how=how, trash=False)
        if caches[-1] and cache is None:
            yield Mode(delete, *options, how=how, again=True)
