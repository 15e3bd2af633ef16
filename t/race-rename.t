#!/usr/bin/env python3
# Other programs work in the same Maildir during a session: they set flags,
# move from new/ to cur/, deliver, delete.  No message may show up twice, be
# missing from a list, be sent for another, or go without having been marked.
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.environ["T"])
from pop3 import *

COUNT = 60
FLAGS = ("", "S", "F", "FS", "RS", "DFRS")


def mail(n):
    return message(200 + 17 * n, f"number {n}")


class Other:
    """A process of its own that does work(maildir, round) again and again."""

    def __init__(self, m, work, pause=0.0):
        self.m = m
        rounds_in, rounds_out = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                plain_signals()
                os.close(rounds_in)
                end = time.monotonic() + 30
                if ROOT:
                    os.setgroups([])
                    os.setgid(UID)
                    os.setuid(UID)
                random.seed(os.getpid())
                n = 0
                while time.monotonic() < end:
                    work(m, n)
                    n += 1
                    if n == 1:
                        os.write(rounds_out, b"x")
                    time.sleep(pause)
                code = 0
            finally:
                os._exit(code)
        os.close(rounds_out)
        started = os.read(rounds_in, 1)
        os.close(rounds_in)
        running.append(self)
        same(started, b"x", "the other program")

    def end(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def log_text(self):
        return ""


def flag(m, _round):
    """Renames one message, as an IMAP server does that sets flags."""
    sub, name = random.choice(m.names()).split("/")
    unique = name.partition(":")[0]
    with contextlib.suppress(FileNotFoundError):
        os.rename(f"{m.path}/{sub}/{name}",
                  f"{m.path}/cur/{unique}:2,{random.choice(FLAGS)}")


def flag_all(m, _round):
    for name in m.names():
        unique = name.split("/")[1].partition(":")[0]
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{m.path}/{name}",
                      f"{m.path}/cur/{unique}:2,{random.choice(FLAGS)}")


def deliver(m, n):
    unique = f"{1800000000 + n}.M{n}P{os.getpid()}.host"
    with open(f"{m.path}/tmp/{unique}", "wb") as f:
        f.write(mail(1))
    os.rename(f"{m.path}/tmp/{unique}", f"{m.path}/new/{unique}")


def original(m):
    return [n for n in m.left() if n <= COUNT]


def box(sub="cur"):
    return Maildir(*[mail(n) for n in range(1, COUNT + 1)], sub=sub)


def rounds(seconds):
    """Bounded by time, and at least 5."""
    end, n = time.monotonic() + seconds, 0
    while n < 5 or time.monotonic() < end:
        yield n
        n += 1


def number(line):
    """Which message a line of UIDL names."""
    return int(line.split(b" ")[1][:10]) - 1700000000


EVERY = list(range(1, COUNT + 1))

for sub, work, what in (("cur", flag, "sets flags"),
                        ("new", flag, "moves from new/ to cur/"),
                        ("cur", flag_all, "sets the flags of all")):
    @check(f"P-142: the list has every message once while another program "
           f"{what}")
    def _():
        m = box(sub)
        Other(m, work)
        for _i in rounds(1.2):
            s = Session(m)
            listed = s.ok("UIDL", True).split(b"\r\n")[1:-2]
            same([number(line) for line in listed], EVERY, "messages")
            same(s.quit(), b"+OK bye\r\n", "answer to QUIT")
        same(original(m), EVERY, "messages left")

    @check(f"P-35: RETR sends the message it names, or says it is gone, while "
           f"another program {what}")
    def _():
        m = box(sub)
        Other(m, work)
        sent = gone = 0
        for _i in rounds(1.2):
            s = Session(m)
            for n in EVERY:
                answer = s.ask(f"RETR {n}", True)
                if answer.startswith(b"+OK"):
                    same(answer.partition(b"\r\n")[2],
                         wire(mail(n)) + b".\r\n", f"message {n}")
                    sent += 1
                else:
                    same(answer[:16], b"-ERR [SYS/TEMP] ", f"message {n}")
                    gone += 1
            s.quit()
        true(sent > 20 * gone, f"sent {sent}, gone {gone}")
        same(original(m), EVERY, "messages left")

    @check(f"P-52: exactly the marked go while another program {what}")
    def _():
        for _i in range(3):
            m = box(sub)
            other = Other(m, work)
            odd = [n for n in EVERY if n % 2]
            s = Session(m)
            s.send(b"".join(b"DELE %d\r\n" % n for n in odd) + b"QUIT\r\n")
            last = s.rest().split(b"\r\n")[-2]
            s.close()
            s.exits()
            other.end()
            left = original(m)
            true(set(left) >= set(EVERY) - set(odd), f"unmarked left: {left}")
            line = s.logged("session")
            same(line["del"], f"{COUNT - len(left)}/{len(odd)}", "del")
            if last.startswith(b"+OK"):
                same(left, [n for n in EVERY if n not in odd], "after +OK")
            else:
                same(last[:16], b"-ERR [SYS/TEMP] ", "answer")
                true(len(left) > COUNT - len(odd), "-ERR, and all are gone")


@check("P-142: a message that moves to cur/ while the directories are read is "
       "listed, once")
def _():
    m = box("new")
    s = Session(m, greeting=False, calls="getdents64",
                inject=["getdents64:delay_enter=100000"])
    # Each directory takes two calls, the last of which finds no more.
    until(lambda: len(s.traced("getdents64")) >= 2, "one directory is read")
    true(result(s.traced("getdents64")[0]) > 1000, "new/ is read first")
    for _i in range(5):
        flag(m, 0)
    s.line()
    listed = s.ok("UIDL", True).split(b"\r\n")[1:-2]
    same([number(line) for line in listed], EVERY, "messages")


@check("P-142: renames that hide files from a reader half-way hide none from "
       "the list")
def _():
    many = 3000
    m = Maildir(*[b"Subject: x\n\n"] * many, sub="cur")
    s = Session(m, greeting=False, calls="getdents64",
                inject=["getdents64:delay_enter=400000:when=4"])
    until(lambda: len(s.traced("getdents64")) >= 3, "a part of cur/ is read")
    flag_all(m, 0)
    s.line()
    listed = s.ok("UIDL", True).split(b"\r\n")[1:-2]
    same([number(line) for line in listed], list(range(1, many + 1)),
         "messages")


@check("P-52: one flag changed now and then does not keep QUIT from removing "
       "all")
def _():
    m = box()
    other = Other(m, flag, pause=0.01)
    for first in (1, 16, 31):
        s = Session(m)
        listed = s.ok("UIDL", True).split(b"\r\n")[1:-2]
        marks = [line.split(b" ")[0] for line in listed
                 if first <= number(line) < first + 15]
        same(len(marks), 15, "messages to mark")
        s.send(b"".join(b"DELE %s\r\n" % n for n in marks) + b"QUIT\r\n")
        same(s.rest().split(b"\r\n")[-2], b"+OK bye", "answer to QUIT")
        s.close()
        s.exits()
        same(original(m), list(range(first + 15, COUNT + 1)), "left")
    other.end()


@check("P-21: mail that arrives is not in this session, and stays")
def _():
    m = box()
    other = Other(m, deliver, pause=0.002)
    delivered = 0
    for _i in rounds(1):
        s = Session(m)
        before = s.ok("STAT")
        listed = s.ok("LIST", True)
        same(listed.count(b"\r\n") - 2, int(before.split(b" ")[1]), "LIST")
        before_count = len(m.names())
        until(lambda: len(m.names()) > before_count, "another delivery")
        same(s.ok("STAT"), before, "STAT after a delivery")
        s.quit()
        delivered = max(delivered, len(m.names()))
    other.end()
    true(len(m.names()) >= delivered > COUNT, "all deliveries are there")
    same(original(m), EVERY, "the first messages")


@check("P-142: each delivery is seen by the next session")
def _():
    m = box()
    for n in range(30):
        deliver(m, n)
        s = Session(m)
        same(int(s.ok("STAT").split(b" ")[1]), COUNT + n + 1, "messages")
        s.quit()


@check("P-52: what another program removed counts as removed")
def _():
    for _i in rounds(0.5):
        m = box()
        s = Session(m)
        for n in (3, 4, 5):
            s.ok(f"DELE {n}")
        for name in m.names():
            if number(b"x " + name.split("/")[1].encode()) in (4, 9):
                os.unlink(f"{m.path}/{name}")
        same(s.ask("RETR 9")[:16], b"-ERR [SYS/TEMP] ", "RETR of the missing")
        true(s.quit().startswith(b"+OK "), "answer to QUIT")
        same(original(m), [n for n in EVERY if n not in (3, 4, 5, 9)], "left")


@check("P-143: another file under a marked name is not removed")
def _():
    m = box()
    s = Session(m)
    s.ok("STAT")
    s.ok("DELE 3")
    name = [n for n in m.names() if "1700000003" in n][0]
    with open(f"{m.path}/tmp/other", "wb") as f:
        f.write(b"Subject: another\n\nwith another size\n")
    give(f"{m.path}/tmp/other")
    os.rename(f"{m.path}/tmp/other", f"{m.path}/{name}")
    s.quit()
    same(original(m), EVERY, "messages left")


@check("P-142: two sessions that delete at once remove what either marked, "
       "and both say so")
def _():
    for _i in range(5):
        m = box()
        both = [Session(m), Session(m)]
        for s, first in zip(both, (1, 21)):
            s.send(b"".join(b"DELE %d\r\n" % n
                            for n in range(first, first + 30)) + b"QUIT\r\n")
        for s in both:
            same(s.rest().split(b"\r\n")[-2][:3], b"+OK", "answer to QUIT")
            s.close()
            s.exits()
        same(original(m), list(range(51, COUNT + 1)), "left")


done()
