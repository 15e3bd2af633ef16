#!/usr/bin/env python3
# Clients that write without reading: all is answered in the end, or the
# program waits in bounded memory until it is told to go (P-75, P-24).
import os
import signal
import sys

sys.path.insert(0, os.environ["T"])
from pop3 import *

for link in LINKS:
    @check(f"P-75: 60,000 octets of commands before the first answer is "
           f"read ({link})")
    def _():
        s = Session(Maildir(message()), link=link, sndbuf=0)
        s.send(b"NOOP\r\n" * 9999 + b"QUIT\r\n")
        answers = s.rest()
        same(answers.count(b"+OK "), 10000, "answers")
        same(answers.count(b"\r\n"), 10000, "lines")
        s.close()
        s.exits()
        same(s.logged("session")["in"], "60000", "in")

    @check(f"P-75: who writes and never reads blocks us in write, in bounded "
           f"memory; SIGALRM ends it ({link})")
    def _():
        m = Maildir(message(), message())
        s = Session(m, link=link)
        s.ok("DELE 1")
        before = int(s.status("VmRSS").split()[0])
        s.send(b"LIST\r\nUIDL\r\nCAPA\r\n" * 20)
        for _i in range(3):
            s.stuff()
            s.asleep("write", "poll")
        s.stuff()
        s.asleep("write")
        grown = int(s.status("VmRSS").split()[0]) - before
        true(grown < 512, f"memory grew by {grown} KiB")
        s.alarm()
        s.exits()
        same(s.logged("session")["end"], "stalled", "end")
        same(m.left(), [1, 2], "messages")


@check("P-5: one line of 64 MB is one -ERR, in bounded memory")
def _():
    s = Session(Maildir(message()))
    before = int(s.status("VmRSS").split()[0])
    for _i in range(64):
        s.send(b"x" * (1 << 20))
    grown = int(s.status("VmRSS").split()[0]) - before
    s.send(b"\r\nSTAT\r\n")
    true(s.line().startswith(b"-ERR "), "one -ERR")
    true(s.line().startswith(b"+OK 1 "), "and the next command is answered")
    true(grown < 512, f"memory grew by {grown} KiB")


@check("P-10: 25 bad commands in a row end the session, with answers to each "
       "and no UPDATE")
def _():
    m = Maildir(message())
    s = Session(m)
    s.ok("DELE 1")
    s.send(b"BAD\r\n" * 24 + b"NOOP\r\n" + b"BAD\r\n" * 30 + b"QUIT\r\n")
    answers = s.rest()
    same(answers.count(b"+OK "), 1, "answers to NOOP")
    same(answers.count(b"-ERR "), 24 + 25, "answers to the others")
    s.close()
    s.exits()
    same(m.left(), [1], "messages")
    same(s.logged("session")["end"], "error", "end")


@check("S-10: memory does not grow with the message")
def _():
    s = Session(Maildir(message(100), message(32 << 20)))
    s.ok("RETR 1", True)
    before = int(s.status("VmRSS").split()[0])
    s.send(b"RETR 2\r\n")
    s.line()
    s.body()
    grown = int(s.status("VmRSS").split()[0]) - before
    true(grown < 512, f"memory grew by {grown} KiB")


done()
