"""model_play.py - plays random sessions against the program and model.py.

A case is plain data, made of a seed: files, and visits one after another to
their Maildir, with what other programs do before and meanwhile.  play() runs
it and raises Mismatch when the program does what the model does not allow;
shrink() leaves out of it whatever is not needed for that.
"""

import fcntl
import json
import random
import re
import stat
import struct
import termios

import model
import pop3
from pop3 import *

LIMIT = 90      # seconds for anything: the machine may be busy
SIZES = "maildir-pop3d.sizes"
HIDDEN = "shows nothing"        # what a symbolic link of ours points to


class Mismatch(Exception):
    pass


def octets(text):
    return text.encode("latin-1")


def text_of(some):
    return some.decode("latin-1")


def body_of(spec):
    """Stored octets of a file's "body": pieces and how often each comes."""
    return b"".join(octets(piece) * times for piece, times in spec["body"])


# --- the Maildir on disk ----------------------------------------------------

class Box:
    """path is what Session asks for."""

    def __init__(self, case):
        self.path = new_path("box")
        self.gone = new_path("gone")    # where other programs remove to
        for part in ("", "/tmp", "/new", "/cur"):
            self.make(self.path + part)
        self.make(self.gone)
        self.files = {}         # ident -> model.File
        self.inodes = {}
        self.specs = {spec["id"]: spec for spec in case["files"]}
        self.mtimes = {}        # of new and cur when the last visit ended
        self.ctimes = {}
        self.before = {}        # of the size cache: an older one
        self.time = 10 ** 18
        with open(new_path("secret"), "w") as f:
            f.write(HIDDEN + "\n")
        self.secret = f.name
        for spec in case["files"]:
            if "at" in spec:
                self.deliver(spec["id"], *spec["at"])
        if case.get("tmp"):
            with open(self.path + "/tmp/1.leave.me", "w") as f:
                f.write("x")
            give(f.name)
        if case.get("trash-file"):
            with open(self.path + "/.Trash", "w") as f:
                f.write("x")
            give(f.name)
        self.tmp = os.listdir(self.path + "/tmp")

    @staticmethod
    def make(path):
        os.mkdir(path, 0o700)
        give(path)

    def at(self, place):
        folder, name = place
        return os.path.join(os.fsencode(self.path), folder.encode(), name)

    def in_gone(self, ident):
        return os.path.join(self.gone, str(ident))

    def free(self, place):
        """Whether something can be put there."""
        return len(place[1]) <= model.NAME_LIMIT and \
            not os.path.lexists(self.at(place))

    def find(self, ident):
        places = [p for p, i in self.listing().items() if i == ident]
        return min(places) if places else None

    def listing(self):
        """The tree, as the model has it: every file that is there."""
        while True:
            try:
                return self._listing()
            except FileNotFoundError:
                pass        # ours was at it: QUIT moves and removes

    def _listing(self):
        tree = {}
        for folder in ("new", "cur", model.TRASH):
            path = os.path.join(self.path, folder)
            if not os.path.isdir(path):
                continue
            for name in os.listdir(os.fsencode(path)):
                status = os.lstat(self.at((folder, name)))
                if status.st_ino not in self.inodes:
                    raise Mismatch(f"{folder}/{name!r} was made by nobody")
                tree[folder, name] = self.inodes[status.st_ino]
        return tree

    # --- what other programs do; each returns whether it could ---

    def deliver(self, ident, folder, name):
        place = folder, octets(name)
        if ident not in self.specs or ident in self.files or \
                not self.free(place):
            return False
        spec = self.specs[ident]
        tmp = self.at(("tmp", b"being made"))
        kind = spec["kind"]
        data = body_of(spec) if kind == "file" else b""
        if kind == "file":
            with open(tmp, "wb") as f:
                f.write(data)
        elif kind == "directory":
            os.mkdir(tmp)
        elif kind == "fifo":
            os.mkfifo(tmp)
        elif kind == "socket":
            os.mknod(tmp, stat.S_IFSOCK | 0o600)
        else:
            os.symlink(self.secret, tmp)
        if ROOT:
            os.chown(tmp, UID, UID, follow_symlinks=False)
        self.inodes[os.lstat(tmp).st_ino] = ident
        self.files[ident] = model.File(ident, data, kind)
        os.rename(tmp, self.at(place))
        if spec.get("mode0"):
            self.mode(ident, False)
        return True

    def rename(self, ident, folder, name):
        source, target = self.find(ident), (folder, octets(name))
        if source is None or not self.free(target):
            return False
        os.rename(self.at(source), self.at(target))
        return True

    def away(self, ident):
        source = self.find(ident)
        if source is None:
            return False
        self.take(ident, source)
        return True

    def take(self, ident, source):
        """Its inode stays in use, so that no other file gets the number."""
        os.rename(self.at(source), self.in_gone(ident))

    def back(self, ident, folder, name):
        target = folder, octets(name)
        if not os.path.lexists(self.in_gone(ident)) or not self.free(target):
            return False
        os.rename(self.in_gone(ident), self.at(target))
        return True

    def replace(self, ident, other):
        place = self.find(ident)
        return place is not None and other not in self.files and \
            self.away(ident) and \
            self.deliver(other, place[0], text_of(place[1]))

    def mode(self, ident, readable):
        place = self.find(ident)
        if place is None or self.files[ident].kind != "file":
            return False
        os.chmod(self.at(place), 0o600 if readable else 0)
        self.files[ident].readable = readable
        return True

    def times(self, folder, how, delta=0):
        """The mtime of a folder, in nanoseconds."""
        path = os.path.join(self.path, folder)
        cache = os.path.join(self.path, SIZES)
        if how == "future":
            now = time.time_ns() + 86400 * 10 ** 9 + delta
        elif how == "cache" and os.path.isfile(cache):
            now = os.stat(cache).st_mtime_ns + delta
        elif how == "same" and folder in self.mtimes:
            # With a cache too young to be trusted: no time could tell.
            now = self.mtimes[folder]
            if os.path.isfile(cache):
                os.utime(cache, ns=(now + delta, now + delta))
        elif how == "back" and folder in self.mtimes:
            now = self.mtimes[folder]       # only the ctime tells
        else:
            self.time += 10 ** 9
            now = self.time
        os.utime(path, ns=(now, now))
        while os.stat(path).st_ctime_ns == self.ctimes.get(folder):
            os.utime(path, ns=(now, now))   # the kernel's clock has ticks
        return True

    def cache(self, how, number=0):
        path = os.path.join(self.path, SIZES)
        if how == "keep":
            with contextlib.suppress(OSError), open(path, "rb") as f:
                self.before = {"octets": f.read()}
            return True
        if how == "restore" and self.before:
            with contextlib.suppress(OSError):
                os.unlink(path)
            with open(path, "wb") as f:
                f.write(self.before["octets"])
            give(path)
            return True
        if not os.path.isfile(path) or os.path.islink(path):
            return False
        size = os.path.getsize(path)
        if how == "remove":
            os.unlink(path)
        elif how == "unreadable":
            os.chmod(path, 0)
        elif how == "cut":
            os.truncate(path, number % (size + 1))
        elif how == "flip" and size:
            with open(path, "r+b") as f:
                f.seek(number % size)
                octet = f.read(1)[0]
                f.seek(number % size)
                f.write(bytes([octet ^ (1 << number // size % 8)]))
        elif how == "more":
            with open(path, "ab") as f:
                f.write(b"1 2 3\n" * (number % 5 + 1))
        elif how == "link":
            os.unlink(path)
            os.symlink(self.secret, path)
        elif how == "directory":
            os.unlink(path)
            self.make(path)
        return True

    def future(self):
        """Not far: such a time may be of a clock that is ahead."""
        now = time.time()
        return any(now < os.stat(os.path.join(self.path, folder)).st_mtime
                   < now + 3600 for folder in ("new", "cur"))

    def act(self, action):
        name, *arguments = action
        return getattr(self, name)(*arguments)

    # --- after a visit ---

    def check_rest(self, options):
        """Nothing else was made, and the files are what they were."""
        own = {"tmp", "new", "cur", ".Trash"}
        if "--no-size-cache" not in options:
            own.add(SIZES)
        more = set(os.listdir(self.path)) - own - self.allowed()
        if more:
            raise Mismatch(f"left in the Maildir: {more}")
        if sorted(os.listdir(self.path + "/tmp")) != sorted(self.tmp):
            raise Mismatch(f"in tmp/: {os.listdir(self.path + '/tmp')}")
        for place, ident in self.listing().items():
            file = self.files[ident]
            if file.kind == "file":
                with open(self.at(place), "rb") if ROOT or file.readable \
                        else contextlib.nullcontext() as f:
                    if f is not None and f.read() != file.data:
                        raise Mismatch(f"the octets of {place} changed")
        for folder in ("new", "cur"):
            times = os.stat(os.path.join(self.path, folder))
            self.mtimes[folder] = times.st_mtime_ns
            self.ctimes[folder] = times.st_ctime_ns

    def allowed(self):
        """Of earlier visits."""
        return {SIZES} if os.path.lexists(f"{self.path}/{SIZES}") and \
            self.had_cache else set()

    had_cache = False

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)
        shutil.rmtree(self.gone, ignore_errors=True)
        os.unlink(self.secret)


# --- a session ----------------------------------------------------------------

class Player:
    def __init__(self, case):
        self.case = case
        self.box = Box(case)
        self.sessions = 0
        self.commands = 0
        self.said = []          # the last lines, for a failure
        world = model.World(self.box.files)
        self.worlds = [world.but(tree=self.box.listing())]

    def fail(self, what):
        raise Mismatch("\n".join([*self.said[-4:], what]))

    # The worlds that agree with what is seen.

    def look(self):
        """Drops the worlds in which the files are not where they are."""
        tree = self.box.listing()
        fit = [w for w in self.worlds if w.tree == tree]
        if not fit:
            want = self.worlds[0].tree
            self.fail("the files differ; there are "
                      f"{sorted(set(tree) - set(want))}, there should be "
                      f"{sorted(set(want) - set(tree))}, among "
                      f"{len(self.worlds)} possible states")
        self.worlds = model.distinct(fit)

    def act(self, action):
        """Another program acts while ours has nothing to do."""
        self.look()
        self.box.act(action)
        tree = self.box.listing()
        self.worlds = [w.but(tree=tree) for w in self.worlds]

    def race(self, action):
        """It acts now, and ours may have been before or after that."""
        name, ident, *more = action
        source = self.box.find(ident)
        if name == "deliver":
            target = more[0], octets(more[1])

            def change(world):
                return world.but(tree={**world.tree, target: ident})
        elif source is None:
            return
        elif name == "away":
            def change(world):
                return world.drop(source) if source in world.tree else None
        else:
            target = more[0], octets(more[1])

            def change(world):
                return world.move(source, target)
        try:
            if name == "deliver":
                went = self.box.deliver(ident, *more)
                if not went:
                    return
            elif name == "away":
                self.box.take(ident, source)
            elif not self.box.free(target):
                return
            else:
                os.rename(self.box.at(source), self.box.at(target))
            went = True
        except FileNotFoundError:
            went = False

        def pending(world):
            after = change(world)
            if (after is not None) != went:
                return []
            return [(after or world).but(pending=None)]

        self.worlds = [w.but(pending=pending) for w in self.worlds]

    def meanwhile(self, last=False):
        """The pending action: now, or later unless this is the last time."""
        out = []
        for w in self.worlds:
            if w.pending is None:
                out.append(w)
                continue
            out += w.pending(w)
            if not last:
                out.append(w)
        self.worlds = model.distinct(out)
        if not self.worlds:
            self.fail("another program could do what it could not do, or "
                      "the other way round")

    # A visit.

    def visit(self, visit, key):
        self.sessions += 1
        self.look()
        options = list(visit["options"])
        if self.case.get("trash-file"):
            options.append(model.NO_TRASH)
        if visit.get("broken"):
            self.refused(visit, key)
            return
        self.session = s = self.begin(visit)
        if "race" in visit:
            self.race(visit["race"])
            before = [x for w in self.worlds
                      for x in model.login(w, key, options)]
            self.meanwhile(last=True)
            after = [x for w in self.worlds
                     for x in model.login(w, key, options)]
            self.worlds = [x.but(pending=None) for w in before
                           if w.pending is not None
                           for x in w.pending(w)] + \
                          [w for w in before if w.pending is None] + after
        else:
            self.worlds = [x for w in self.worlds
                           for x in model.login(w, key, options)]
        greeting = self.line(s)
        if not re.fullmatch(rb"\+OK [\x21-\x3b\x3d-\x5a\x5c-\x7e]"
                            rb"[\x20-\x3b\x3d-\x5a\x5c-\x7e]*\r\n", greeting):
            self.fail(f"greeting {greeting!r}")
        partial = b""
        for step in visit["steps"]:
            if "act" in step:
                self.act(step["act"])
            elif "inner" in step:
                if key == "outer":
                    self.look()
                    self.visit(step["inner"], "inner")
                    self.session = s
            elif not self.over(key):
                partial = self.send(s, key, step, partial)
        self.end(s, key, visit["end"], partial)
        try:
            s.exits(0, LIMIT)
        except Fail as why:
            self.fail(f"{why}; log: {s.log_text()[-600:]}")
        self.meanwhile(last=True)
        self.worlds = [w.but(visits={k: v for k, v in w.visits.items()
                                     if k != key}) for w in self.worlds]
        self.look()
        if "--no-size-cache" not in options:
            self.box.had_cache = True
        self.box.check_rest(options)
        running.remove(s)
        s.end()
        os.unlink(s.log_path)

    def begin(self, visit):
        s = Session(self.box, *visit["options"], link=visit["link"],
                    greeting=False)
        return s

    def refused(self, visit, key):
        """P-141, S-17: trouble with the Maildir is no empty maildrop."""
        how, folder = visit["broken"]
        path = os.path.join(self.box.path, folder)
        if how == "mode":
            os.chmod(path, 0)
        else:
            os.rename(path, path + ".lost")
            if how == "link":
                os.symlink(path + ".lost", path)
        try:
            s = self.begin(visit)
            answer = s.rest(LIMIT)
            if not re.fullmatch(rb"-ERR \[SYS/TEMP\] [^\[\]\r\n]+\r\n",
                                answer):
                self.fail(f"{how} {folder}: greeting {answer!r}")
            s.close()
            s.exits(111, LIMIT)
            running.remove(s)
        finally:
            if how == "mode":
                os.chmod(path, 0o700)
            else:
                if how == "link":
                    os.unlink(path)
                os.rename(path + ".lost", path)
        self.look()

    def over(self, key):
        return all(w.visits[key].over for w in self.worlds)

    def line(self, s):
        return s.line(LIMIT)

    def reply(self, s, line):
        """The whole answer to line, or None at the end of the connection."""
        status = self.line(s)
        if not status:
            return None
        if not (status.startswith(b"+OK") and model.is_long(line)):
            return status
        buf = bytearray(b"\r\n" + s.buf)
        seen = 0
        while (end := buf.find(b"\r\n.\r\n", seen)) == -1:
            seen = max(0, len(buf) - 4)
            piece = s.more(LIMIT)
            if not piece:
                self.fail(f"{line!r}: no final dot; ...{bytes(buf[-90:])!r}")
            buf += piece
        s.buf = bytes(buf[end + 5:])
        return status + bytes(buf[2:end + 5])

    def pump(self, s, data, cuts, take=None):
        """Sends data in pieces and reads meanwhile; how much was sent.

        All of it, unless take says how many octets shall be read at most.
        """
        sent = 0
        got = 0
        cuts = sorted(c for c in cuts if 0 < c < len(data)) + [len(data)]
        os.set_blocking(s.wr, False)
        end = time.monotonic() + LIMIT
        while sent < len(data):
            while cuts[0] <= sent:
                cuts.pop(0)
                self.drained(s)
            # With nothing more to read: only what it takes at once.
            reads = [s.rd] if take is None or got < take else []
            wait = max(0, end - time.monotonic()) if reads else 0.2
            ready = select.select(reads, [s.wr], [], wait)
            if ready[0]:
                piece = s.more(LIMIT, 65536 if take is None else take - got)
                if not piece:
                    return sent
                s.buf += piece
                got += len(piece)
            elif ready[1]:
                try:
                    sent += os.write(s.wr, data[sent:cuts[0]])
                except BlockingIOError:
                    pass
                except (BrokenPipeError, ConnectionResetError):
                    return sent
            elif take is not None:
                return sent
            else:
                self.fail("it does not read")
        return sent

    @staticmethod
    def drained(s):
        """Waits, where one can see it, until what was sent has been read."""
        if s.link == "tcp":
            return
        ask = termios.FIONREAD if s.link == "pipe" else termios.TIOCOUTQ
        end = time.monotonic() + 1

        def empty():
            word = fcntl.ioctl(s.wr, ask, b"\0\0\0\0")
            return struct.unpack("i", word)[0] == 0 or time.monotonic() > end
        until(empty, "it reads", 5)

    def send(self, s, key, step, partial):
        data = octets("".join(step["send"]))
        lines = re.findall(rb"[^\n]*\n", partial + data)
        rest = (partial + data).rpartition(b"\n")[2]
        future = self.box.future()
        self.worlds = [w.but(future=future) for w in self.worlds]
        self.pump(s, data, step.get("cuts", ()))
        if "race" in step:
            self.race(step["race"])
        for line in lines:
            self.meanwhile()
            if not self.answer(s, key, line):
                break
        self.meanwhile(last=True)
        return rest

    def answer(self, s, key, line):
        """One command and what the models make of it; False at the end."""
        if self.over(key):
            return False
        self.commands += 1
        reply = self.reply(s, line)
        if reply is None:
            self.worlds = [w for w in self.worlds if w.visits[key].over]
            if not self.worlds:
                self.fail(f"no answer to {line[:200]!r}; log: "
                          f"{s.log_text()[-600:]}")
            return False
        self.said.append(f"{key} C: {line[:200]!r}\n"
                         f"{key} S: {reply[:300]!r}")
        out, why = [], None
        for w in self.worlds:
            if w.visits[key].over:
                continue
            try:
                out += model.command(w, key, line, reply)
            except model.Wrong as wrong:
                why = wrong
        if not out:
            self.fail(f"{line[:80]!r} {why}; log: {s.log_text()[-600:]}")
        self.worlds = model.distinct(out)[:400]
        return True

    # The end of a visit.

    def end(self, s, key, end, partial):
        how = end["how"]
        if self.over(key):
            self.ends(s)
        elif how == "vanish":
            self.vanish(s, key, end, partial)
        elif how == "half":
            partial = self.send(s, key, {"send": end["lines"]}, partial)
            s.shut()
            self.ends(s)
        elif how == "signal":
            s.asleep("read", "poll")
            s.kill(end["number"])
            self.ends(s)
        elif how == "reset":
            s.reset()
        if s.rd != -1:
            s.close()

    def ends(self, s):
        rest = s.rest(LIMIT)
        if rest:
            self.fail(f"after the end: {rest[:300]!r}")

    def vanish(self, s, key, end, partial):
        """Sends the lines, reads some octets, and goes."""
        data = octets("".join(end["lines"]))
        take = end["take"]
        sent = self.pump(s, data, end.get("cuts", ()), take)
        lines = re.findall(rb"[^\n]*\n", partial + data[:sent])
        while len(s.buf) < take and self.whole(s.buf, lines) < len(lines):
            piece = s.more(LIMIT, take - len(s.buf))
            if not piece:
                break
            s.buf += piece
        full = self.whole(s.buf, lines)
        s.reset() if end.get("reset") else s.close()
        out = []
        for world in self.worlds:
            before, states, mail = [], [world], False
            for n, line in enumerate(lines):
                before += states
                states = [w for w in states if not w.visits[key].over]
                for w in states:
                    if (model.parse(line) or "")[:1] == (b"QUIT",) and \
                            w.visits[key].marked and mail and \
                            s.link.startswith(("pipe", "unix")):
                        continue        # P-53: it was not taken
                    out += model.command(w, key, line, None)
                    mail |= n >= full and model.sends_mail(w, key, line)
                states, out = model.distinct(out), []
            before += states
            self.left = getattr(self, "left", []) + before
        self.worlds, self.left = model.distinct(self.left), []

    def whole(self, known, lines):
        """How many answers there are from end to end in these octets."""
        for n, line in enumerate(lines):
            status, end, rest = known.partition(b"\r\n")
            if not end:
                return n
            if status.startswith(b"+OK") and model.is_long(line):
                _body, end, rest = (b"\r\n" + rest).partition(b"\r\n.\r\n")
                if not end:
                    return n
            known = rest
        return len(lines)


def play(case):
    """(sessions, commands); Mismatch if the program is wrong."""
    player = Player(case)
    try:
        for visit in case["visits"]:
            for action in visit.get("before", ()):
                player.act(action)
            player.visit(visit, "outer")
    except (Fail, Late) as why:
        raise Mismatch("\n".join([*player.said[-4:], str(why)])) from why
    finally:
        end_all()
        player.box.remove()
    return player.sessions, player.commands


# --- making cases -------------------------------------------------------------

class Maker:
    """A case from a seed; "trash-7" is all with --delete=trash."""

    def __init__(self, seed, cache):
        self.r = random.Random(f"case {seed}")
        self.files = []
        self.uniques = {}       # ident -> unique name
        self.where = {}         # ident -> folder, for a guess
        self.case = {"seed": seed, "files": self.files, "visits": []}
        self.with_cache = cache
        self.rests = False
        self.ways = ["", "", "", "trash", "flag", "unlink"]
        if str(seed).partition("-")[0] in self.ways[3:]:
            self.ways = [str(seed).partition("-")[0]]

    def chance(self, percent):
        return self.r.random() * 100 < percent

    def one(self, *some):
        return self.r.choice(some)

    # Files.

    def body(self):
        r = self.r
        way = r.random()
        if way < 0.08:
            return [["", 1]]
        if way < 0.35:
            tokens = ("\n", "\r\n", "\r", "\0", ".", "..", "a", "b: c", " ",
                      "\xff", "From x", "\n\n", "\r\n\r\n", "\n.", "\n.\n",
                      "\r\n.\r\n", "\r.")
            return [["".join(r.choice(tokens)
                             for _ in range(r.randrange(1, 40))), 1]]
        end = self.one("\n", "\n", "\r\n")
        head = end.join(["From: a@example.org",
                         f"Subject: {r.randrange(10 ** 9)}"]) + end
        if way < 0.42:
            return [[head.rstrip(), 1]]
        lines = [self.one("", ".", "..", ".x", "text", "x" * 76)
                 for _ in range(r.randrange(8))]
        pieces = [[head + end + end.join(lines), 1]]
        if self.chance(12):
            # Whatever is at the edge of a buffer.
            edge = self.one(512, 1024, 4096, 8192, 16384, 65536, 131072)
            pieces.append(["x", max(0, edge - len(head) - r.randrange(60))])
            pieces.append([self.one("\n.", "\r\n", "\r", "\n.\n", ".\r\n."),
                           r.randrange(1, 30)])
            if self.chance(30):
                pieces.append([self.one(".\n", "a\n", "\n"),
                               r.randrange(40000)])
        if self.chance(70):
            pieces.append([end, 1])
        return pieces

    def unique(self, data):
        r = self.r
        n = len(self.files)
        way = r.random()
        second = 1700000000 + r.randrange(100)
        if way < 0.55:
            name = f"{second}.M{n}P{r.randrange(99)}.host"
        elif way < 0.75:
            name = self.one(
                f"{n}.a", f"00{n}.a", f"{n}", f"-{n}.x", f"a{n}", f"{n} b c",
                f"{n}.\x01\n\x1b[2J", f"{n}.\xe4\xff", f"={n}", f"{n}.~2",
                f"{18446744073709551610 + n}.x", f"{n}" + "9" * 40 + ".y",
                f"0.{n}", "x" * 69 + f"{n}", f"{n}.a~2", f"{n}%s%n",
                f"4294967296{n}.z")
        elif way < 0.83:
            name = f"{second}.{n}." + "x" * r.randrange(50, 235)
        elif way < 0.87:
            name = "=" + "".join(r.choice("abcXYZ019-_") for _ in range(43))
        elif way < 0.90 and self.uniques:
            # The same base as another one's, or what its copy would be called.
            other = r.choice(list(self.uniques.values()))
            name = self.one(other.partition(",")[0], other + "~2")
        else:
            name = f"{second}.V{n}I{n}.h"
        if self.chance(30):
            stored, wire = len(data), len(model.on_the_wire(data))
            size = self.one("", f",S={stored}", f",S={stored}", ",S=3",
                            ",S=x", f",S={10 ** 30}", ",S=")
            width = self.one("", f",W={wire}", f",W={wire}",
                             f",W={max(0, wire - 2)}",
                             f",W={stored + r.randrange(5)}", ",W=", ",W=7x",
                             f",W={3 * stored + 10}", ",W=-1", ",W=0",
                             f",W={10 ** 25}", f",W={2 ** 64 + wire}")
            name += self.one(size + width, width + size, size + ",u=4" + width)
        return name[:250]

    def info(self):
        if self.chance(85):
            return ":2," + self.one("", "", "S", "S", "F", "FS", "RS", "T",
                                    "ST", "D", "ab", "Sa", "DFPRST", "Z")
        return self.one("", "", ":1,x", ":", ":2", ":3,S", ":x:2,S")

    def spec(self, kind="file"):
        """A file that is not anywhere yet."""
        ident = len(self.files)
        spec = {"id": ident, "kind": kind}
        data = b""
        if kind == "file":
            spec["body"] = self.body()
            data = body_of(spec)
            if self.chance(3):
                spec["mode0"] = 1
        self.files.append(spec)
        self.uniques[ident] = self.unique(data)
        return ident

    def place(self, ident):
        """Folder and name, as a deliverer or an IMAP server has it."""
        unique = self.uniques[ident]
        if self.chance(50):
            return ["new", unique + (":2,S" if self.chance(3) else "")]
        return ["cur", (unique + self.info())[:255]]

    def put(self, kind="file"):
        ident = self.spec(kind)
        if kind != "directory" and self.uniques and self.chance(6):
            # A copy of another's unique name.
            self.uniques[ident] = self.r.choice(list(self.uniques.values()))
        self.files[ident]["at"] = self.place(ident)

    # What other programs do.

    def target(self, ident):
        return self.one("new", "cur", "cur"), \
            self.uniques[ident] + self.one("", ":2,", ":2,S", ":2,FS", ":2,F",
                                           ":2,RS", ":2,a", ":2,T")

    def action(self):
        r = self.r
        way = r.random()
        if not self.files or way < 0.15:
            ident = self.spec()
            return ["deliver", ident, *self.place(ident)]
        ident = r.randrange(len(self.files))
        if way < 0.50:
            return ["rename", ident, *self.target(ident)]
        if way < 0.70:
            return ["away", ident]
        if way < 0.76:
            return ["replace", ident,
                    self.spec(self.one("file", "file", "link", "directory",
                                       "fifo", "socket"))]
        if way < 0.80:
            folder, name = self.target(ident)
            base, _, info = name.partition(":")
            base = base.partition(",")[0] + self.one(",S=9", ",S=4,W=5", "")
            return ["rename", ident, folder, base + (":" + info if info
                                                     else "")]
        if way < 0.83:
            return ["rename", ident, "cur", f"9.{ident}.other:2,"]
        if way < 0.89:
            return ["back", ident, *self.target(ident)]
        if way < 0.92:
            return ["mode", ident, self.chance(60)]
        if way < 0.94:
            copy = self.spec()
            self.uniques[copy] = self.uniques[ident]
            return ["deliver", copy, *self.target(copy)]
        return self.times()

    def racing(self):
        """Something that is done by one system call."""
        way = self.r.random()
        if not self.files or way < 0.2:
            ident = self.spec()
            return ["deliver", ident, *self.place(ident)]
        ident = self.r.randrange(len(self.files))
        if list(self.uniques.values()).count(self.uniques[ident]) > 1:
            return ["away", ident]
        if way < 0.7:
            return ["rename", ident, *self.target(ident)]
        return ["away", ident]

    def times(self):
        delta = self.one(0, 1, -1, 10 ** 9, -10 ** 9, 2 * 10 ** 9,
                         -2 * 10 ** 9, -2 * 10 ** 9 - 1, -2 * 10 ** 9 + 1,
                         -3 * 10 ** 9, -10 ** 11)
        how = self.one("future", "cache", "cache", "same", "old")
        if how == "same":
            delta = min(delta, 10 ** 9)
        return ["times", self.one("new", "cur"), how, delta]

    # Commands.

    def number(self):
        n = self.r.randrange(0, len(self.files) + 2)
        if self.chance(90):
            return str(max(n, 1) if self.chance(80) else n)
        return self.one(f"00{n}", str(2 ** 32 + n), str(2 ** 64 + n), "x",
                        "-1", "+1", f"{n}x", "1.0", "9" * 60)

    def command(self):
        way = self.r.random()
        n = self.number()
        if way < 0.20:
            return f"RETR {n}"
        if way < 0.34:
            return f"DELE {n}"
        if way < 0.44:
            return f"TOP {n} {self.one(0, 0, 1, 2, 5, 100, 2 ** 70)}"
        if way < 0.52:
            return "LIST"
        if way < 0.57:
            return f"LIST {n}"
        if way < 0.65:
            return "UIDL"
        if way < 0.70:
            return f"UIDL {n}"
        if way < 0.80:
            return "STAT"
        if way < 0.88:
            return self.one("NOOP", "RSET", "CAPA", "NOOP")
        return self.one(
            "stat", "Retr 1", "list  1  ", "DELE 1 ", " NOOP", "", "NOOP x",
            "QUIT now", "RETR", "TOP 1", "TOP 1 x", "TOP x 1", "LAST", "USER x",
            "PASS x", "STLS", "AUTH PLAIN", "LIST\t1", "RETR 1 2", "NO\0OP",
            "\x01", "\xff\xfe", "XYZZY", "RETR\r1", "NOOP" + " " * 506,
            "NOOP" + " " * 507, "NOOP" + " " * 508, "LIST " + "0" * 504 + "1",
            "LIST " + "0" * 505 + "1", "DELE 1" + " " * 3000, "x" * 9000,
            "Y" * 509, "Y" * 510, "Y" * 511, "UIDL" + "A" * 600, "capa",
            "quit\0", "QUITQUIT", "DELE 0", "UIDL 0")

    def lines(self, most):
        lines = [self.command() for _ in range(self.r.randrange(1, most))]
        if self.chance(1):
            lines += ["NONSENSE"] * 26
        return [line + ("\n" if self.chance(7) else "\r\n")
                for line in lines]

    def cuts(self, lines):
        size = sum(map(len, lines))
        if self.chance(70):
            return []
        if size < 60 and self.chance(20):
            return list(range(size))
        return [self.r.randrange(size) for _ in range(self.r.randrange(1, 5))]

    def step(self, inner):
        way = self.r.random()
        if way < 0.14:
            return {"act": self.action()}
        if way < 0.16 and not inner:
            return {"inner": self.visit(inner=True)}
        lines = self.lines(self.one(2, 2, 4, 7))
        step = {"send": lines, "cuts": self.cuts(lines)}
        if self.chance(10):
            step["race"] = self.racing()
        if self.chance(4):      # the end of the line comes later
            last = step["send"][-1]
            at = self.r.randrange(len(last))
            step["send"][-1] = last[:at]
            step["rest"] = last[at:]
        return step

    def ending(self):
        way = self.r.random()
        if way < 0.10:
            return {"how": "close"}
        if way < 0.14:
            return {"how": "reset"}
        if way < 0.18:
            return {"how": "signal", "number": self.one(1, 2, 14, 15)}
        if way < 0.30:
            lines = self.lines(6)
            if self.chance(60):
                lines.append(self.one("QUIT", "QUIT\r", "QUIT\r\n"))
            return {"how": "half", "lines": lines}
        lines = self.lines(6)
        if self.chance(80):
            lines += [f"RETR {self.number()}\r\n", f"DELE {self.number()}\r\n"]
        lines += ["QUIT\r\n"] if self.chance(85) else ["QUIT"]
        return {"how": "vanish", "lines": lines, "cuts": self.cuts(lines),
                "reset": self.chance(30),
                "take": self.one(0, 0, 1, 10, self.r.randrange(2000),
                                 10 ** 6)}

    def options(self):
        way = self.one(*self.ways)
        some = [f"--delete={way}"] if way else []
        for option, percent in (("--keep-new", 15), ("--sync", 10),
                                ("--lock", 5), ("--keep-tmp", 5),
                                ("--expire=30", 3), ("--expire=NEVER", 3),
                                ("--log=none", 3)):
            if self.chance(percent):
                some.append(option)
        if self.with_cache and self.chance(15):
            some.append("--no-size-cache")
        return some

    def visit(self, inner=False, rested=False):
        visit = {"options": list(self.usual), "link": self.one(*LINKS),
                 "steps": []}
        if self.chance(40 if rested else 20):
            visit["options"] = self.options()
        if inner:       # a lock would keep it out
            visit["options"] = [o for o in visit["options"] if o != "--lock"]
        elif self.chance(3):
            visit["broken"] = [self.one("move", "link", "mode"),
                               self.one("new", "cur")]
            visit["end"] = {"how": "close"}
            return visit
        elif self.chance(8):
            visit["race"] = self.racing()
        for _ in range(self.r.randrange(0, 4 if inner else 9)):
            step = self.step(inner)
            rest = step.pop("rest", None)
            visit["steps"].append(step)
            if rest is not None:
                if self.chance(50):
                    visit["steps"].append({"act": self.action()})
                visit["steps"].append({"send": [rest], "cuts": []})
        if self.chance(65):
            lines = self.lines(4) + ["QUIT\r\n"] + \
                (["NOOP\r\n"] if self.chance(10) else [])
            visit["steps"].append({"send": lines, "cuts": self.cuts(lines)})
            if self.chance(5):
                visit["steps"][-1]["race"] = self.racing()
        visit["end"] = self.ending()
        return visit

    def before(self):
        """What happens between two visits.  Of a Maildir at rest the cache
        says what is listed, so that there it matters what is in it."""
        acts = []
        if self.rests:
            self.rests = False
            if self.chance(50):
                return [["cache", "flip", self.r.randrange(1 << 30)]]
            return [self.action() for _ in range(self.r.randrange(0, 4))] + \
                [["times", "new", "back", 0], ["times", "cur", "back", 0]]
        if self.chance(20):
            self.rests = True
            return [["times", "new", "old", 0], ["times", "cur", "old", 0]]
        if self.chance(10):
            acts.append(["cache", "keep"])
        if self.chance(60):
            acts += [self.action() for _ in range(self.r.randrange(1, 5))]
        if self.chance(50):
            acts += [self.times(), self.times()]
        if self.chance(15):
            acts.append(["cache", self.one("remove", "cut", "flip", "flip",
                                           "flip", "more", "link",
                                           "directory", "unreadable",
                                           "restore", "restore"),
                         self.r.randrange(1 << 30)])
        return acts

    @staticmethod
    def alone(visit):
        """Nobody else is there: a list that turns out to be damaged is made
        anew when it is needed, and shows what is there by then."""
        visit["steps"] = [step for step in visit["steps"] if "send" in step]
        for part in (visit, *visit["steps"]):
            part.pop("race", None)

    def make(self):
        for _ in range(self.one(0, 1, 2, 3, 4, 5, 6, 8, 8, 12, 30)):
            self.put(self.one(*["file"] * 20, "link", "directory", "fifo",
                              "socket"))
        if self.chance(5):
            self.put()
            self.files[-1]["at"][1] = "." + self.files[-1]["at"][1][:200]
        self.case["tmp"] = self.chance(10)
        self.usual = self.options()
        if self.chance(3):
            self.case["trash-file"] = 1
        for n in range(self.one(1, 1, 2, 2, 3, 4, 6)):
            visit = self.visit(rested=self.rests)
            if n > 0 or self.chance(10):
                rested = self.rests
                visit["before"] = self.before()
                if rested and visit["before"][:1] and \
                        visit["before"][0][:2] == ["cache", "flip"]:
                    self.alone(visit)
            self.case["visits"].append(visit)
        return self.case


def make(seed):
    text = subprocess.run([pop3.PROGRAM, "--help"], capture_output=True,
                          text=True, check=False).stdout
    return Maker(seed, "--no-size-cache" in text).make()


# --- a failure ------------------------------------------------------------------

def _smaller(case):
    """Cases with something left out, the larger pieces first."""
    def without(change):
        copy = json.loads(json.dumps(case))
        change(copy)
        return copy

    visits = case["visits"]
    for i in range(len(visits)):
        if len(visits) > 1:
            yield without(lambda c, i=i: c["visits"].pop(i))
    for i in range(len(case["files"])):
        if "at" in case["files"][i]:
            yield without(lambda c, i=i: c["files"][i].pop("at"))
    for i, visit in enumerate(visits):
        for key in ("race", "broken"):
            if key in visit:
                yield without(lambda c, i=i, k=key: c["visits"][i].pop(k))
        if visit["end"] != {"how": "close"}:
            yield without(lambda c, i=i: c["visits"][i].update(
                end={"how": "close"}))
        for key in ("before", "options", "steps"):
            for j in range(len(visit.get(key, ()))):
                yield without(lambda c, i=i, k=key, j=j:
                              c["visits"][i][k].pop(j))
        for j, step in enumerate(visit["steps"]):
            for k in range(len(step.get("send", ()))):
                yield without(lambda c, i=i, j=j, k=k:
                              c["visits"][i]["steps"][j]["send"].pop(k))
            for key in ("cuts", "race"):
                if step.get(key):
                    yield without(lambda c, i=i, j=j, k=key:
                                  c["visits"][i]["steps"][j].pop(k))
        for k in range(len(visit["end"].get("lines", ()))):
            yield without(lambda c, i=i, k=k:
                          c["visits"][i]["end"]["lines"].pop(k))


def fails(case):
    """What is wrong with it, or None."""
    try:
        play(case)
    except Mismatch as why:
        return str(why)
    return None


def shrink(case, why, seconds=60):
    """The smallest case found that still fails, and why it does."""
    end = time.monotonic() + seconds
    again = True
    while again and time.monotonic() < end:
        again = False
        for smaller in _smaller(case):
            if time.monotonic() > end:
                break
            now = fails(smaller)
            if now is not None:
                case, why, again = smaller, now, True
                break
    used = json.dumps([v for v in case["visits"]])
    case["files"] = [f for f in case["files"]
                     if "at" in f or f'{f["id"]}' in used]
    return case, why


def report(case, why):
    """All that somebody needs who wants to see it again."""
    case, why = shrink(case, why)
    text = json.dumps(case)
    return "\n".join([
        f"seed {case['seed']}: the program and the model differ:", why,
        "the files:", *[f"  {json.dumps(f)[:300]}" for f in case["files"]],
        *[f"  visit: {json.dumps({k: v for k, v in visit.items()})[:2000]}"
          for visit in case["visits"]],
        "the shortest case found; put the line into FILE:", text,
        "again: POP3D=PROGRAM T=t python3 t/torture.d/model --case=FILE, or "
        f"--seed={case['seed']}"])
