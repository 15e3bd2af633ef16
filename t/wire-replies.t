#!/usr/bin/env python3
# How answers leave and commands arrive: one write for an answer, shared
# writes for pipelined ones, whatever the connection is and however the
# commands are cut.
import os
import sys
import time

sys.path.insert(0, os.environ["T"])
from pop3 import *

ONE, TWO = message(100), b"Subject: x\n\n.dot\r\nend"
TALK = [("STAT", False), ("LIST", True), ("LIST 2", False), ("UIDL", True),
        ("UIDL 1", False), ("RETR 1", True), ("RETR 2", True),
        ("TOP 2 1", True), ("CAPA", True), ("NOOP", False), ("DELE 1", False),
        ("RETR 1", False), ("RSET", False), ("XYZZY", False), ("LAST", False),
        ("DELE 2", False), ("STAT", False)]


def expected():
    """The transcript of TALK and QUIT, from a session in slow motion."""
    s = Session(Maildir(ONE, TWO))
    answers = [s.greeting] + [s.ask(*step) for step in TALK]
    answers.append(s.quit())
    s.end()
    return answers


ANSWERS = expected()
COMMANDS = b"".join(c.encode() + b"\r\n" for c, _ in TALK) + b"QUIT\r\n"


@check("P-11: each command has one answer, and each answer ends in CRLF")
def _():
    same(len(ANSWERS), len(TALK) + 2, "answers")
    for answer in ANSWERS:
        true(answer[:4] in (b"+OK ", b"-ERR"), f"begins {answer[:9]!r}")
        true(answer.endswith(b"\r\n"), f"ends {answer[-9:]!r}")
    same(ANSWERS[7][ANSWERS[7].index(b"\r\n") + 2:], wire(TWO) + b".\r\n",
         "RETR 2")


def writes(s):
    return [result(line) for line in s.traced("write") if "write(1," in line
            or "write(0," in line]


for link in LINKS:
    @check(f"P-16: a write for each answer, no more and no less ({link})")
    def _():
        s = Session(Maildir(ONE, TWO), link=link, calls="write")
        got = [s.greeting] + [s.ask(*step) for step in TALK] + [s.quit()]
        same(got, ANSWERS, "transcript")
        same(writes(s), [len(a) for a in got], "octets of each write")


@check("P-16: a message of many lines in one write, if it fits the buffer")
def _():
    s = Session(Maildir(message(50000)), calls="write")
    answer = s.ok("RETR 1", True)
    s.quit()
    same(writes(s)[1], len(answer), "octets of the write")


@check("P-16: answers to commands that are at hand share a write")
def _():
    s = Session(Maildir(ONE), calls="write")
    s.send(b"NOOP\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nRSET\r\nNOOP\r\n")
    answers = [s.line(), s.line(), s.line() + s.body(),
               s.line(), s.line(), s.line()]
    s.quit()
    same(writes(s)[1:-1], [len(b"".join(answers))], "octets of each write")


@check("P-16: half a command holds no answer back")
def _():
    s = Session(Maildir(ONE))
    s.send(b"NOOP\r\nSTAT\r\nNOO")
    s.line()
    true(s.line().startswith(b"+OK 1 "), "STAT was answered")
    s.asleep("read", "poll")
    s.send(b"P\r\n")
    true(s.line().startswith(b"+OK "), "and then NOOP")


@check("P-16: everything is out before the program waits for a command")
def _():
    s = Session(Maildir(ONE, TWO), calls="read,write")
    for step in TALK:
        s.ask(*step)
    s.quit()
    # Every read(0) that began with answers unsent would show as a read
    # after a read, without the write between.
    order = [line[:7] for line in s.trace()
             if line.startswith(("read(0,", "write(1"))]
    same(order[:2 * len(TALK) + 2],
         ["write(1", "read(0,"] * (len(TALK) + 1), "order of calls")


for link in LINKS:
    for nonblock in (False, True):
        how = f"{link}{', O_NONBLOCK' if nonblock else ''}"

        @check(f"P-74: all commands in one segment, all answers ({how})")
        def _():
            m = Maildir(ONE, TWO)
            s = Session(m, link=link, nonblock=nonblock)
            s.send(COMMANDS)
            same(s.greeting + s.rest(), b"".join(ANSWERS), "transcript")
            s.close()
            s.exits()
            same(m.left(), [1], "messages")

        @check(f"P-6: octet by octet, the same answers ({how})")
        def _():
            m = Maildir(ONE, TWO)
            s = Session(m, link=link, nonblock=nonblock)
            for i in range(len(COMMANDS)):
                s.send(COMMANDS[i:i + 1])
            same(s.greeting + s.rest(), b"".join(ANSWERS), "transcript")
            s.close()
            s.exits()
            same(m.left(), [1], "messages")

        @check(f"P-75: 8 MB to a client that reads in its own time ({how})")
        def _():
            big = message(8 << 20)
            m = Maildir(big)
            s = Session(m, link=link, nonblock=nonblock)
            s.send(b"RETR 1\r\n")
            s.asleep("write", "poll")
            s.line()
            same(s.body() == wire(big) + b".\r\n", True, "the message")
            s.quit()


@check("P-16: waiting with O_NONBLOCK is sleep, not a loop")
def _():
    s = Session(Maildir(message(4 << 20)), nonblock=True, calls="read,write")
    s.asleep("poll")
    s.send(b"RETR 1\r\n")
    s.asleep("poll")
    s.line()
    s.body()
    s.quit()
    again = [line for line in s.trace() if "EAGAIN" in line]
    moved = [line for line in s.traced("write") if result(line) > 0]
    true(again, "EAGAIN came at all")
    true(len(again) <= len(moved) + 10,
         f"{len(again)} times EAGAIN for {len(moved)} writes")


def options(link):
    s = Session(Maildir(), link=link, keep=True)
    names = {"TCP_NODELAY": (socket.IPPROTO_TCP, socket.TCP_NODELAY),
             "SO_KEEPALIVE": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
             "TCP_KEEPIDLE": (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
             "TCP_KEEPINTVL": (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
             "TCP_KEEPCNT": (socket.IPPROTO_TCP, socket.TCP_KEEPCNT)}
    if link == "unix":
        names = {"SO_KEEPALIVE": names["SO_KEEPALIVE"]}
    with s.its:
        return {name: s.its.getsockopt(*names[name]) for name in names}


@check("P-56: TCP gets SO_KEEPALIVE: 60 s idle, 15 s apart, 4 probes")
def _():
    got = options("tcp")
    same([got[n] for n in ("SO_KEEPALIVE", "TCP_KEEPIDLE", "TCP_KEEPINTVL",
                           "TCP_KEEPCNT")], [1, 60, 15, 4], "options")


@check("P-16: TCP gets TCP_NODELAY, so that no answer waits for an ACK")
def _():
    same(options("tcp")["TCP_NODELAY"], 1, "TCP_NODELAY")


@check("P-56: a socketpair is left as it is")
def _():
    same(options("unix"), {"SO_KEEPALIVE": 0}, "options")


@check("P-16: 300 commands one after another do not wait for timers (tcp)")
def _():
    # Nagle's algorithm or a delayed ACK would cost 40 ms each.
    s = Session(Maildir(ONE), link="tcp")
    began = time.monotonic()
    for _i in range(300):
        s.ok("NOOP")
    took = time.monotonic() - began
    s.quit()
    lasted(0, took, 6, "300 answers")


done()
