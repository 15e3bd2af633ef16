#!/usr/bin/env python3
# Filesystems that are full, read-only or gone, and files that shrink and grow
# while they are sent; on real ones, in a mount namespace of our own (S-1,
# S-17, P-37, P-51, P-140).
import os
import sys

sys.path.insert(0, os.environ["T"])
from tamper import *

INSIDE = "MAILDIR_POP3D_TEST_MOUNTS"
if ROOT and INSIDE not in os.environ and shutil.which("unshare"):
    probe = ["unshare", "--mount", "--propagation=private"]
    if subprocess.run([*probe, "mount", "-t", "tmpfs", "none", "/mnt"],
                      capture_output=True, check=False).returncode == 0:
        shutil.rmtree(FOLDER)
        os.environ[INSIDE] = "yes"
        os.execvp(probe[0], [*probe, sys.executable, *sys.argv])

TEMP = b"-ERR [SYS/TEMP]"


def mounts():
    if INSIDE not in os.environ:
        raise Skip("no mount namespace may be made here")


def run(*command):
    done_ = subprocess.run(command, capture_output=True, text=True,
                           check=False)
    true(done_.returncode == 0, f"{command}: {done_.stderr}")


class Disk:
    """A tmpfs."""

    def __init__(self, options):
        mounts()
        self.path = new_path("disk")
        os.mkdir(self.path)
        done_ = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"mode=755,{options}", "none",
             self.path], capture_output=True, text=True, check=False)
        if done_.returncode != 0:
            raise Skip(f"no tmpfs with {options}: {done_.stderr.strip()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_all()
        subprocess.run(["umount", "-l", self.path], check=False,
                       capture_output=True)

    def put(self, make, *arguments):
        """A Maildir or Mailbox that lies on it; nothing else does."""
        folder, pop3.FOLDER = pop3.FOLDER, self.path
        try:
            return make(*arguments)
        finally:
            pop3.FOLDER = folder

    def fill(self):
        """Not an octet is left."""
        with open(self.path + "/filler", "wb", 0) as f:
            with contextlib.suppress(OSError):
                while True:
                    f.write(b"x" * 4096)
        with contextlib.suppress(OSError):
            with open(self.path + "/filler2", "wb", 0) as f:
                f.write(b"x")
                raise Fail("the disk is not full")

    def use_names(self):
        """Not a file more can be made."""
        with contextlib.suppress(OSError):
            for n in itertools.count():
                os.mkdir(f"{self.path}/name{n}")


def whole(box, mode=Mode()):
    """Every answer right, and QUIT +OK."""
    play = Play(box, mode)
    same((play.quit_answer, play.client.errors), (True, 0), "answers")
    judge = Judge(play, True)
    next_session(box, mode, judge.survivors)


for way, trash in (("unlink", False), ("trash", True), ("flag", False)):
    @check(f"S-1: a disk without an octet left: all is served and removed "
           f"({way})")
    def _():
        with Disk("size=1m") as disk:
            box = disk.put(Mailbox, trash)
            disk.fill()
            whole(box, Mode(way))
            # The cache of sizes could not be written whole, and is not
            # there in part: its octets would be wrong ones.
            true(not os.path.exists(box.cache)
                 or os.path.getsize(box.cache) > 0, "an empty cache")


@check("S-1: a disk without an inode left: no .Trash can be made; -ERR, and "
       "nothing is lost")
def _():
    with Disk("size=1m,nr_inodes=100") as disk:
        box = disk.put(Mailbox, False)
        disk.use_names()
        mode = Mode("trash", trash=False)
        play = Play(box, mode)
        same((play.quit_answer, play.client.errors), (False, 1), "answers")
        judge = Judge(play, True)
        same(judge.removed, 0, "removed")
        next_session(box, mode, judge.survivors)


@check("P-140: mounted read-only: all is served; DELE and QUIT: -ERR, and "
       "nothing is changed")
def _():
    mounts()
    for way in ("unlink", "trash", "flag"):
        box = Mailbox()
        run("mount", "--bind", box.path, box.path)
        try:
            run("mount", "-o", "remount,bind,ro", box.path)
            mode = Mode(way, trash=False)
            play = Play(box, mode)
            same((play.quit_answer, play.client.errors), (False, 1), way)
            judge = Judge(play, False)
            same(judge.removed, 0, "removed")
            next_session(box, mode, judge.survivors)
        finally:
            run("umount", "-l", box.path)
        whole(box, mode)


@check("P-51: it becomes read-only during the session: likewise")
def _():
    with Disk("size=1m") as disk:
        m = disk.put(Maildir, message(), message(), message())
        s = Session(m)
        s.ok("RETR 1", True)
        s.ok("DELE 2")
        run("mount", "-o", "remount,ro", disk.path)
        true(s.ok("RETR 3", True).endswith(b"\r\n.\r\n"), "RETR")
        true(s.quit().startswith(TEMP), "QUIT")
        same(m.names(), [f"new/{1700000000 + n}.M{n}P1.host"
                         for n in (1, 2, 3)], "messages")


@check("S-7: the Maildir is unmounted during the session: still that one")
def _():
    with Disk("size=1m") as disk:
        m = disk.put(Maildir, message(), message())
        s = Session(m)
        s.ok("DELE 2")
        held = os.open(m.path, os.O_RDONLY)     # or nobody could look
        try:
            run("umount", "-l", disk.path)
            true(not os.path.exists(m.path), "it is gone")
            same(s.ok("RETR 1", True).split(b"\r\n", 1)[1],
                 wire(message()) + b".\r\n", "RETR")
            true(s.quit().startswith(b"+OK"), "QUIT")
            same([len(os.listdir(f"/proc/self/fd/{held}/{sub}"))
                  for sub in ("new", "cur")], [0, 1], "what is left")
        finally:
            os.close(held)


@check("S-7: another is mounted over the Maildir: the session keeps its own")
def _():
    mounts()
    m = Maildir(message(), message())
    s = Session(m)
    s.ok("DELE 2")
    run("mount", "-t", "tmpfs", "none", m.path)
    try:
        for sub in ("tmp", "new", "cur"):
            os.mkdir(os.path.join(m.path, sub))
        with open(m.path + "/new/1700000002.M2P1.host", "wb") as f:
            f.write(b"another\n")
        same(s.ok("RETR 1", True).split(b"\r\n", 1)[1],
             wire(message()) + b".\r\n", "RETR")
        true(s.quit().startswith(b"+OK"), "QUIT")
        same(m.left(), [2], "the other one's message")
    finally:
        run("umount", "-l", m.path)
    same(m.left(), [1], "messages")


BIG = 8 << 20       # octets: more than any buffer between us holds
LINE = b"0123456789" * 6 + b"012\n"


def reading(stored):
    """A session in the midst of RETR 1, and the message's path."""
    m = Maildir(stored, message())
    s = Session(m, sndbuf=4096)
    s.send(b"LIST 1\r\nRETR 1\r\n")
    true(s.line().startswith(b"+OK 1 "), "LIST")
    true(s.line().startswith(b"+OK "), "RETR")
    s.asleep("write", "poll")
    return s, m, os.path.join(m.path, m.names()[0])


@check("P-37: a message that is cut off during RETR: no SIGBUS; what there "
       "was, the dot, and the session goes on")
def _():
    stored = LINE * (BIG // len(LINE))
    for cut in (0, 100, BIG // 2 + 1, len(stored) - 99):
        s, m, path = reading(stored)
        os.truncate(path, cut)
        body = s.body()
        true(wire(stored).startswith(body[:-5]), "octets that were there")
        true(len(body) < len(wire(stored)), "not all was sent")
        true(s.ok("RETR 2", True).endswith(b"\r\n.\r\n"), "RETR 2")
        s.ok("DELE 1")
        true(s.quit().startswith(b"+OK"), "QUIT")
        same(m.left(), [2], "messages")
        end_all()


@check("P-37: a message that grows during RETR: the dot comes, and the "
       "session goes on")
def _():
    stored = LINE * (BIG // len(LINE))
    s, _m, path = reading(stored)
    with open(path, "ab", 0) as f:
        f.write(LINE * 50000)
        body = s.body()
        grown = wire(stored + LINE * 50000)
        true(grown.startswith(body[:-5]) and
             len(body) - 3 >= len(wire(stored)), f"{len(body)} octets")
        s.ok("NOOP")
        s.ok("RETR 2", True)
        true(s.quit().startswith(b"+OK"), "QUIT")


done()
