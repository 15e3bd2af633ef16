#!/usr/bin/env python3
# Signals: what is inherited does not matter, the ones that end a session
# remove nothing, and none stops UPDATE once it removes.
import os
import random
import signal
import sys

sys.path.insert(0, os.environ["T"])
from pop3 import *

SMALL, BIG = message(), message(8 << 20)
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def over(s, m, end="signal"):
    before = m.left()
    s.exits()
    same(m.left(), before, "messages")
    same(s.logged("session")["end"], end, "end in the log")


def mask(s, key):
    bits = int(s.status(key), 16)
    return {n for n in range(1, 65) if bits >> (n - 1) & 1}


def hostile():
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP,
                   signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, range(1, signal.NSIG))


def only(number, blocked):
    def prepare():
        signal.signal(number, signal.SIG_IGN)
        if blocked:
            signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    return prepare


@check("S-11: no mask and no disposition is inherited")
def _():
    s = Session(Maildir(SMALL), prepare=hostile)
    same(mask(s, "SigBlk"), set(), "blocked")
    true(mask(s, "SigCgt") >= {signal.SIGALRM, *ENDING}, "caught")
    same(mask(s, "SigIgn") & {signal.SIGPIPE, signal.SIGCHLD},
         {signal.SIGPIPE}, "ignored, of SIGPIPE and SIGCHLD")


for number in (signal.SIGALRM, *ENDING):
    for blocked in (False, True):
        @check(f"S-11: {number.name} ignored{' and blocked' * blocked} at "
               "start still ends an idle session")
        def _():
            m = Maildir(SMALL)
            s = Session(m, prepare=only(number, blocked))
            s.ok("DELE 1")
            s.asleep("read", "poll")
            s.kill(number)
            over(s, m, "timeout" if number == signal.SIGALRM else "signal")
            same(s.rest(), b"", "octets sent")


for number in ENDING:
    for link in LINKS:
        @check(f"P-26: {number.name} while idle: nothing sent, nothing "
               f"removed ({link})")
        def _():
            m = Maildir(SMALL)
            s = Session(m, link=link)
            s.ok("DELE 1")
            s.asleep("read", "poll")
            s.kill(number)
            over(s, m)
            same(s.rest(), b"", "octets sent")

        @check(f"P-26: {number.name} in write, QUIT already sent: nothing "
               f"removed, no dot ({link})")
        def _():
            m = Maildir(SMALL, BIG)
            s = Session(m, link=link)
            s.ok("DELE 1")
            s.send(b"RETR 2\r\nQUIT\r\n")
            s.asleep("write", "poll")
            s.kill(number)
            over(s, m)
            true(not s.rest().endswith(b"\r\n.\r\n"), "no dot at the end")


@check("S-11: whatever moment SIGTERM chooses, the session ends")
def _():
    for i in range(40):
        m = Maildir(SMALL)
        s = Session(m)
        s.send(b"DELE 1\r\n" + b"NOOP\r\n" * (1 + i * 7))
        for _n in range(i % 7):
            s.line()
        s.kill(signal.SIGTERM)
        over(s, m)


def removing(m, count, link="unix"):
    """A session that marks 1, 2, 3 and 5 of m, and stands still behind so many
    removals, until SIGCONT."""
    s = Session(m, link=link, calls="unlinkat",
                inject=[f"unlinkat:signal=SIGSTOP:when={count}"])
    true(not mask(s, "SigBlk"), "none is blocked before")
    s.send(b"DELE 1\r\nDELE 2\r\nDELE 3\r\nDELE 5\r\nQUIT\r\n")
    until(lambda: len(m.left()) <= 5 - count, f"{count} removals")
    same(len(m.left()), 5 - count, "messages while it stands")
    return s


for number in (signal.SIGALRM, signal.SIGPIPE, *ENDING):
    @check(f"P-55: {number.name} after the first removal stops nothing")
    def _():
        m = Maildir(*[SMALL] * 5)
        s = removing(m, 1)
        s.kill(number)
        s.kill(signal.SIGCONT)
        answers = s.rest()
        same(answers.count(b"+OK "), 5, "answers")
        s.close()
        s.exits()
        same(m.left(), [4], "messages")
        line = s.logged("session")
        same((line["end"], line["del"]), ("quit", "4/4"), "log")


@check("P-55: they are blocked from the first removal on, SIGPIPE is ignored")
def _():
    s = removing(Maildir(*[SMALL] * 5), 1)
    true(mask(s, "SigBlk") >= {signal.SIGALRM, *ENDING}, "blocked")
    true(signal.SIGPIPE in mask(s, "SigIgn"), "ignored")
    s.kill(signal.SIGCONT)
    s.rest()


@check("P-55: nor does a client that resets the connection (tcp)")
def _():
    m = Maildir(*[SMALL] * 5)
    s = removing(m, 1, "tcp")
    s.reset()
    s.kill(signal.SIGCONT)
    s.exits()
    same(m.left(), [4], "messages")


@check("P-26: kill -9 inside UPDATE: a first part of the marked is gone, all "
       "else is whole")
def _():
    m = Maildir(*[SMALL] * 5)
    s = removing(m, 2)
    s.kill(signal.SIGKILL)
    s.process.wait(PATIENCE)
    same(m.left(), [3, 4, 5], "messages")


@check("S-11: a storm of harmless signals changes no answer")
def _():
    random.seed(1)
    m = Maildir(message(2 << 20), SMALL)
    s = Session(m)
    expect = wire(message(2 << 20)) + b".\r\n"
    for _i in range(10):
        s.send(b"RETR 1\r\n")
        s.line()
        for _n in range(20):
            s.kill(random.choice((signal.SIGCONT, signal.SIGWINCH,
                                  signal.SIGCHLD, signal.SIGPIPE,
                                  signal.SIGURG)))
        true(s.body() == expect, "the message")
    # Stopped and continued, a read that waits goes on too.
    s.kill(signal.SIGSTOP)
    s.send(b"DELE 2\r\n")
    s.kill(signal.SIGCONT)
    true(s.line().startswith(b"+OK "), "answer to DELE")
    s.quit()
    same(m.left(), [1], "messages")


done()
