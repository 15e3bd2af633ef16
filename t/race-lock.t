#!/usr/bin/env python3
# --lock: one session at a time, tried for 2 s; without it two at once (P-56).
import os
import signal
import sys
import time

sys.path.insert(0, os.environ["T"])
from pop3 import *


@check("P-56: without --lock two sessions are served at once")
def _():
    m = Maildir(message())
    one, two = Session(m), Session(m)
    one.ok("STAT")
    two.ok("STAT")


@check("P-56: with --lock the second waits 2 s, then hears [IN-USE], and "
       "exit status 0")
def _():
    m = Maildir(message())
    one = Session(m, "--lock")
    two = Session(m, "--lock", greeting=False)
    answer = two.line()
    took = time.monotonic() - two.began
    true(re.fullmatch(rb"-ERR \[IN-USE\] [^\r\n]+\r\n", answer), f"{answer!r}")
    same(two.rest(), b"", "then the end")
    two.close()
    two.exits(0)
    true("login " not in two.log_text(), "no login in the log")
    one.ok("STAT")
    one.quit()
    lasted(1.5, took, 4, "the answer")


for how in ("quit", "vanishes", "is killed"):
    @check(f"P-56: the second is served once the first {how}")
    def _():
        m = Maildir(message(), message())
        one = Session(m, "--lock")
        one.ok("DELE 1")
        two = Session(m, "--lock", greeting=False)
        two.asleep("poll", "unknown")
        if how == "quit":
            one.quit()
        elif how == "vanishes":
            one.close()
        else:
            one.kill(signal.SIGKILL)
        greeting = two.line()
        lasted(0, time.monotonic() - two.began, 2, "the greeting")
        true(greeting.startswith(b"+OK "), f"{greeting!r}")
        same(int(two.ok("STAT").split(b" ")[1]), 1 if how == "quit" else 2,
             "messages that the second sees")
        two.quit()


@check("P-56: the lock is given back at each end: ten sessions one after "
       "another")
def _():
    m = Maildir(message())
    began = time.monotonic()
    for _i in range(10):
        s = Session(m, "--lock")
        s.ok("STAT")
        s.send(b"QUIT\r\n")
        s.rest()
        s.close()
        s.exits()
    lasted(0, time.monotonic() - began, 5)


@check("P-56: no lock file is left, and none is looked for")
def _():
    m = Maildir(message())
    before = sorted(os.listdir(m.path))
    s = Session(m, "--lock")
    inside = sorted(os.listdir(m.path))
    s.quit()
    same((inside, sorted(os.listdir(m.path))), (before, before), "names")


@check("P-56: another Maildir is not locked")
def _():
    one = Session(Maildir(message()), "--lock")
    two = Session(Maildir(message()), "--lock")
    lasted(0, time.monotonic() - two.began, 1.5)
    one.quit()
    two.quit()


@check("P-56: a session without --lock is not held up by one with it")
def _():
    m = Maildir(message())
    one = Session(m, "--lock")
    two = Session(m)
    lasted(0, time.monotonic() - two.began, 1.5)
    one.quit()
    two.quit()


done()
