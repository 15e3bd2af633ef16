"""races.py - sessions in a Maildir where nothing stands still.

Processes of their own rename, flag, deliver, remove and put links in the place
of messages, as fast as they can.  Three kinds of messages, by name:

    P   renamed and flagged by others, removed by sessions alone
    D   the same, delivered meanwhile
    V   removed, or replaced by something that is no file

A P or D that was there when a session began must be in its list, once; it is
sent as it is, or said to be gone; and it goes when a session has marked it,
and never otherwise.
"""

import mmap
import random
import struct

from pop3 import *

SECRET = b"this is in no message\n"
FLAGS = ("", "S", "F", "FS", "RS", "DFRS")


def unique(kind, n):
    first = {"P": 1700000000, "D": 1800000000, "V": 1750000000}[kind]
    return f"{first + n}.{kind}{n}.host"


def text(kind, n):
    return message(100 + n * 37 % 900, f"{kind}{n}")


class Counts:
    """Numbers that several processes see."""

    NAMES = ("started", "delivered", "renames", "removals", "links")

    def __init__(self):
        self.map = mmap.mmap(-1, 8 * len(self.NAMES))

    def get(self, name):
        return struct.unpack_from("Q", self.map, 8 * self.NAMES.index(name))[0]

    def add(self, name):
        struct.pack_into("Q", self.map, 8 * self.NAMES.index(name),
                         self.get(name) + 1)


class Other:
    """A process that calls work(random) again and again."""

    def __init__(self, work, seed, pause):
        self.pid = os.fork()
        if self.pid == 0:
            with contextlib.suppress(BaseException):
                plain_signals()
                if ROOT:
                    os.setgroups([])
                    os.setgid(UID)
                    os.setuid(UID)
                r = random.Random(seed)
                while os.getppid() == _US:
                    work(r)
                    time.sleep(pause * r.random())
            os._exit(1)
        running.append(self)

    def stop(self):
        os.kill(self.pid, signal.SIGSTOP)
        _pid, status = os.waitpid(self.pid, os.WUNTRACED)
        true(os.WIFSTOPPED(status), "the other program has ended")

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    def end(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    @staticmethod
    def log_text():
        return ""


_US = os.getpid()


class Race:
    def __init__(self, seed, protected, victims, *options):
        global _US
        _US = os.getpid()       # of the process that forks the others
        self.r = random.Random(seed)
        self.options = options
        self.m = Maildir()
        self.secret = new_path("secret")
        with open(self.secret, "wb") as f:
            f.write(SECRET)
        self.counts = Counts()
        self.there = set()      # P and D that no session has removed
        self.went = set()       # removed by a session, perhaps before we knew
        self.trashed = set()
        self.made = {"P": 0, "V": 0}
        self.known = []         # to one of the others: names, as it left them
        self.wanted = protected
        self.seen = 0           # of D: known to have been delivered
        self.sent = self.gone = self.marked = self.sessions = self.listed = 0
        self.refused = 0
        for _ in range(victims):
            self.new("V")
        self.refill()
        self.others = [Other(work, f"{seed} {n}", pause)
                       for n, (work, pause) in enumerate((
                           (self.flag, 0.0001), (self.flag, 0.001),
                           (self.deliver, 0.02), (self.kill_one, 0.01)))]

    # --- what the others do ---

    def put(self, name, octets, folder="new"):
        tmp = f"{self.m.path}/tmp/{os.getpid()}"
        with open(tmp, "wb") as f:
            f.write(octets)
        if os.geteuid() == 0:
            give(tmp)
        os.rename(tmp, f"{self.m.path}/{folder}/{name}")

    def new(self, kind):
        n = self.made[kind]
        self.made[kind] += 1
        self.put(unique(kind, n), text(kind, n),
                 self.r.choice(("new", "cur")))
        return n

    def names(self):
        return [(sub, name) for sub in ("new", "cur")
                for name in os.listdir(f"{self.m.path}/{sub}")]

    def flag(self, r):
        """As an IMAP server does; the unique name stays."""
        if not self.known or r.random() < 0.002:
            self.known = self.names()
        at = r.randrange(len(self.known))
        sub, name = self.known[at]
        base = name.partition(":")[0]
        to = "cur", f"{base}:2,{r.choice(FLAGS)}"
        if r.random() < 0.001:      # back: nobody does, but nobody forbids it
            to = "new", base
            time.sleep(0.05)
        try:
            os.rename(f"{self.m.path}/{sub}/{name}",
                      f"{self.m.path}/{to[0]}/{to[1]}")
            self.known[at] = to
            self.counts.add("renames")
        except FileNotFoundError:
            self.known.pop(at)

    def deliver(self, _r):
        n = self.counts.get("started")
        if n >= 3000:
            return
        self.counts.add("started")
        self.put(unique("D", n), text("D", n))
        self.counts.add("delivered")

    def kill_one(self, r):
        found = [p for p in self.names() if ".V" in p[1]]
        if len(found) > 5:
            sub, name = r.choice(found)
            path = f"{self.m.path}/{sub}/{name}"
            with contextlib.suppress(FileNotFoundError):
                if r.random() < 0.5:
                    link = f"{self.m.path}/tmp/link"
                    os.symlink(self.secret, link)
                    os.rename(link, path)
                    self.counts.add("links")
                else:
                    os.unlink(path)
                    self.counts.add("removals")
        # Numbers of its own, that the parent has not used.
        self.made["V"] = max(self.made["V"], 100000)
        n = self.made["V"] = self.made["V"] + 1
        self.put(unique("V", n), text("V", n))

    # --- a session ---

    def refill(self):
        while sum(kind == "P" for kind, _n in self.there) < self.wanted:
            self.there.add(("P", self.new("P")))

    def round(self):
        delivered = self.counts.get("delivered")
        self.there |= {("D", n)
                       for n in range(self.seen, delivered)} - self.went
        self.seen = delivered
        s = Session(self.m, *self.options, link=self.r.choice(LINKS))
        started = self.counts.get("started")
        messages = self.look(s, started)
        self.fetch(s, messages)
        self.leave(s, messages)
        self.sessions += 1

    def look(self, s, started):
        """[(kind, number)] in the order of the list."""
        rows = s.ok("UIDL", True).split(b"\r\n")[1:-2]
        uids = [row.split(b" ")[1].decode() for row in rows]
        found = []
        for uid in uids:
            name = re.fullmatch(r"[0-9]+\.([PDV])([0-9]+)\.host", uid)
            true(name, f"a message listed twice, or by a wrong name: {uid}")
            found.append((name[1], int(name[2])))
        same(len(found), len(set(found)), f"messages, all different: {uids}")
        missing = self.there - set(found)
        same(missing, set(), "messages that were there and are not listed")
        late = [n for kind, n in found if kind == "D" and n >= started]
        same(late, [], "messages listed before they were delivered")
        same(int(s.ok("STAT").split(b" ")[1]), len(found), "STAT")
        rows = s.ok("LIST", True).split(b"\r\n")[1:-2]
        same([int(row.split(b" ")[0]) for row in rows],
             list(range(1, len(found) + 1)), "LIST")
        self.listed += len(found)
        return found

    def fetch(self, s, messages):
        for at in self.r.sample(range(len(messages)), 12):
            kind, n = messages[at]
            answer = s.ask(f"RETR {at + 1}", True)
            if answer.startswith(b"+OK"):
                same(answer.partition(b"\r\n")[2],
                     wire(text(kind, n)) + b".\r\n", f"{kind}{n}")
                self.sent += 1
            else:
                same(answer[:16], b"-ERR [SYS/TEMP] ", f"{kind}{n}")
                self.gone += kind != "V"

    def leave(self, s, messages):
        marked = self.r.sample(range(len(messages)), 8)
        for at in marked:
            s.ok(f"DELE {at + 1}")
        marked = {messages[at] for at in marked}
        if self.r.random() < 0.3:       # without QUIT
            s.close()
            s.exits()
            gone, may_go = set(), set()
        else:
            answer = s.quit()
            self.marked += len(marked)
            gone, may_go = marked, marked
            if not answer.startswith(b"+OK "):
                same(answer[:16], b"-ERR [SYS/TEMP] ", "QUIT")
                self.refused += 1
                gone = set()
        running.remove(s)
        s.end()
        os.unlink(s.log_path)
        self.still(gone, may_go)

    def still(self, gone, may_go):
        """Nobody moves: is everything there that must be, once?"""
        for other in self.others:
            other.stop()
        counts = {}
        for _sub, name in self.names():
            kind, n = re.match(r"[0-9]+\.([PDV])([0-9]+)\.", name).groups()
            if kind != "V":
                key = kind, int(n)
                counts[key] = counts.get(key, 0) + 1
        lost = self.there - may_go - set(counts)
        same(lost, set(), "LOST: not marked, and not there")
        same({k for k, n in counts.items() if n > 1}, set(), "there twice")
        same(gone & set(counts), set(), "marked, +OK, and still there")
        removed = {k for k in may_go if k[0] != "V"} - set(counts)
        if "--delete=trash" in self.options:
            self.trashed |= removed
            trash = os.listdir(f"{self.m.path}/.Trash/cur")
            have = {re.match(r"[0-9]+\.([PD])([0-9]+)\.", name)
                    for name in trash if ".V" not in name}
            have = {(m[1], int(m[2])) for m in have if m}
            same(self.trashed - have, set(), "LOST: neither here nor there")
        self.went |= removed
        self.there -= removed
        self.refill()
        for other in self.others:
            other.go_on()

    def end(self):
        for other in self.others:
            running.remove(other)
            other.end()
