"""load.py - much of everything: messages, octets, lines, sessions (S-10).

What load-*.t and the long form in torture.d/resources share.  Figures are of
what one session took: its peak of memory, its CPU time.
"""

import random
import threading

from pop3 import *

BUFFERS = 4096      # KiB a session may take whatever the message: the C library,
#                     its own few buffers, and the list of a small Maildir


# --- what a session took ---------------------------------------------------

def peak(s):
    """KiB of memory at most, so far."""
    return int(s.status("VmHWM").split()[0])


def cpu(s):
    """Seconds of CPU time, so far."""
    with open(f"/proc/{s.pid}/stat") as f:
        word = f.read().rpartition(")")[2].split()
    return (int(word[11]) + int(word[12])) / os.sysconf("SC_CLK_TCK")


def swallow(s, limit=PATIENCE):
    """The rest of a long answer, unseen: (octets without the dot's line, lines
    of them).  It must end there: nothing was asked for after it."""
    octets, lines, tail = len(s.buf), s.buf.count(b"\n"), s.buf[-5:]
    s.buf = b""
    while tail != b"\r\n.\r\n" and not (octets == 3 and tail == b".\r\n"):
        piece = s.more(limit, 1 << 20)
        true(piece, f"the end after {octets} octets, without a dot")
        octets += len(piece)
        lines += piece.count(b"\n")
        tail = (tail + piece[-5:])[-5:]
    return octets - 3, lines - 1


class Rows(Maildir):
    """count empty messages: as many names, no octets.  In folder."""

    def __init__(self, count, folder):
        self.path = os.path.join(folder, "Rows")
        for part in ("", "/tmp", "/new", "/cur"):
            os.mkdir(self.path + part, 0o700)
            give(self.path + part)
        new = self.path + "/new/"
        for n in range(count):
            os.mknod(f"{new}{1700000000 + n // 1000}.M{n}P1.host", 0o100644)
        os.utime(new, (0, 0))

    def count(self):
        with os.scandir(self.path + "/new") as entries:
            return sum(1 for _ in entries)


def header_lines(count):
    return b"".join(b"X-Line-%d: what it says\n" % n for n in range(count)) \
        + b"\nbody\nof three\nlines\n"


def tops(count):
    """TOP over a header of so many lines; (seconds of CPU, peak in KiB)."""
    stored = header_lines(count)
    m = Maildir(stored, message())
    s = Session(m)
    wanted = wire(stored)
    for lines in (0, 1, 2, 9):
        s.send(b"TOP 1 %d\r\n" % lines)
        true(s.line().startswith(b"+OK"), "TOP")
        head, _, rest = wanted.partition(b"\r\n\r\n")
        part = b"\r\n".join(rest.split(b"\r\n")[:lines])
        same(s.body()[:-3], head + b"\r\n\r\n" + part + (
            b"\r\n" if 0 < lines < 3 else b""), f"TOP 1 {lines}")
    used, memory = cpu(s), peak(s)
    same(s.quit()[:4], b"+OK ", "QUIT")
    return used, memory


# --- many at once -----------------------------------------------------------

class Server:
    """tcpserver, with the program behind it, serving one Maildir."""

    def __init__(self, m, most, *options):
        need("tcpserver")
        self.log_path = new_path("log")
        command = ["tcpserver", "-1RHl0", "-b", str(most), "-c", str(most),
                   *(["-u", str(UID), "-g", str(UID)] if ROOT else []),
                   "127.0.0.1", "0", PROGRAM, "--preauth", "--log=stderr",
                   *options, m.path]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE,
                                            stderr=log, cwd="/")
        self.port = int(self.process.stdout.readline())

    def sessions(self):
        return children(self.process.pid)

    def memory(self):
        """KiB of all sessions together, what they share counted once."""
        total = 0
        for pid in self.sessions():
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    total += sum(int(line.split()[1]) for line in f
                                 if line.startswith("Pss:"))
        return total

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Guest(threading.Thread):
    """A client of many, each at the same step as all others."""

    def __init__(self, crowd, number):
        super().__init__(daemon=True)
        self.crowd = crowd
        self.number = number
        self.wrong = None
        self.answer = None
        self.marked = set()

    def run(self):
        try:
            self.talk()
        except Exception as why:        # told by who waits for us
            self.wrong = f"session {self.number}: {why!r}"
            self.crowd.barrier.abort()

    def ask(self, text, multi=False):
        self.sock.sendall(text.encode() + b"\r\n")
        line = self.file.readline()
        if not multi or not line.startswith(b"+OK"):
            return line
        while True:
            more = self.file.readline()
            if more in (b".\r\n", b""):
                return line + more
            line += more

    def talk(self):
        crowd = self.crowd
        with socket.create_connection(("127.0.0.1", crowd.server.port),
                                      timeout=120) as self.sock:
            self.file = self.sock.makefile("rb")
            true(self.file.readline().startswith(b"+OK "), "greeting")
            same(int(self.ask("STAT").split()[1]), len(crowd.stored), "STAT")
            crowd.barrier.wait()            # all are logged in
            crowd.barrier.wait()            # and have been counted
            self.fetch()
            for n in crowd.choice(self.number):
                true(self.ask(f"DELE {n}").startswith(b"+OK"), "DELE")
                self.marked.add(n)
            crowd.barrier.wait()            # all at once, now
            self.answer = self.ask("QUIT")
            same(self.file.read(), b"", "behind QUIT")

    def fetch(self):
        """Some messages: each as it was stored, since nobody has QUIT yet."""
        picked = random.Random(self.number)
        for n in picked.sample(range(1, len(self.crowd.stored) + 1), 3):
            same(self.ask(f"RETR {n}", True).split(b"\r\n", 1)[1],
                 wire(self.crowd.stored[n - 1]) + b".\r\n", f"RETR {n}")


class Crowd:
    """count sessions on one Maildir at once; every other one deletes.

    own: each of these has messages of its own to delete; else two or three
    mark the same one.  After run(): memory (KiB), seconds, doubts (how many
    were told -ERR by QUIT)."""

    EACH = 3        # messages that one session marks

    def __init__(self, count, own, *options):
        self.count = count
        self.own = own
        deleting = (count + 1) // 2
        self.stored = [message(100 + n, str(n)) for n in range(
            deleting * self.EACH + 5 if own else deleting + 5)]
        self.maildir = Maildir(*self.stored)
        self.trash = "--delete=trash" in options
        self.before = self.files()
        self.server = Server(self.maildir, count, *options)
        self.barrier = threading.Barrier(count + 1, timeout=120)

    def choice(self, number):
        if number % 2:
            return []
        first = number // 2 * self.EACH if self.own else number // 2
        return range(first + 1, first + 1 + self.EACH)

    def files(self):
        """{number: octets} of what is there and has no flag T."""
        found = {}
        for name in self.maildir.names():
            if "T" in name.partition(":2,")[2]:
                continue
            number = int(name.split("/")[1][:10]) - 1700000000
            true(number not in found, f"message {number} is there twice")
            with open(os.path.join(self.maildir.path, name), "rb") as f:
                found[number] = f.read()
        return found

    def run(self):
        guests = [Guest(self, n) for n in range(self.count)]
        try:
            for guest in guests:
                guest.start()
            with contextlib.suppress(threading.BrokenBarrierError):
                self.barrier.wait()
                same(len(self.server.sessions()), self.count, "sessions")
                self.memory = self.server.memory()
                self.barrier.wait()
                self.barrier.wait()
                began = time.monotonic()
            for guest in guests:
                guest.join(120)
            wrong = [g.wrong for g in guests if g.wrong]
            true(not wrong, f"{wrong[:5]}")
            self.seconds = time.monotonic() - began
            until(lambda: not self.server.sessions(), "the end of all", 60)
        finally:
            self.barrier.abort()
            self.server.end()
        self.judge(guests)
        return self

    def judge(self, guests):
        """A message is gone if somebody marked it and not otherwise; +OK was
        said where all that this session had marked are gone."""
        marked = set().union(*(g.marked for g in guests))
        left = self.files()
        self.doubts = 0
        for guest in guests:
            answer = guest.answer
            if answer.startswith(b"-ERR [SYS/TEMP] "):
                true(guest.marked, f"{answer} for nothing")
                self.doubts += 1
                continue
            true(answer.startswith(b"+OK "), f"QUIT: {answer!r}")
            same(guest.marked & set(left), set(), "not removed, and +OK")
        for n, stored in self.before.items():
            if n not in marked:
                same(left.get(n), stored, f"message {n}, which nobody marked")
        lost = set(self.before) - set(left)
        same(lost, marked & lost, "removed unmarked")
        self.removed = len(lost)
        if self.trash:
            self.in_trash(lost)
        # What is told and what is so: every line of the log, too.
        told = sum(int(n) for n in re.findall(r" del=(\d+)/", self.server.log()))
        true(told >= len(lost), f"the log tells of {told} removals")
        true("front-died" not in self.server.log() and
             "signal" not in self.server.log(), "deaths in the log")

    def in_trash(self, lost):
        """Each exactly once."""
        names = os.listdir(self.maildir.path + "/.Trash/cur")
        same(sorted(int(name[:10]) - 1700000000 for name in names),
             sorted(lost), "in .Trash/cur")
