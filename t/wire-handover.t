#!/usr/bin/env python3
# RETR, DELE and QUIT in one segment: nothing is removed before the client's
# side has taken the message (U1, P-53), and short answers behind it do not
# matter.
import os
import signal
import sys
import time

sys.path.insert(0, os.environ["T"])
from pop3 import *

# Larger than what the client's side takes by itself, smaller than what the
# program's side holds: QUIT is parsed while the message is under way.
QUEUED = {"pipe": 30000, "unix": 60000, "tcp": 600000}
BUFFERS = {"tcp": {"rcvbuf": 4096, "sndbuf": 2 << 20}}
PIPELINED = b"RETR 1\r\nDELE 1\r\nQUIT\r\n"
DELETED = b"+OK message 1 deleted\r\n"     # behind the mark, before UPDATE


def queued(link, **more):
    """A session that waits for the hand-over of message 1."""
    m = Maildir(message(QUEUED[link]), message())
    s = Session(m, link=link, **BUFFERS.get(link, {}), **more)
    s.send(PIPELINED)
    s.handing_over()
    return m, s


def told(s, **expected):
    line = s.logged("session")
    same({k: line[k] for k in expected}, expected, "log")


@check("U1: QUIT behind a message that is not read waits")
def _():
    # The 30 s of U1 pass while the other checks run.
    global patient_dir, patient, patient_began
    patient_began = time.monotonic()
    patient_dir, patient = queued("tcp")
    running.remove(patient)



for link in LINKS:
    @check(f"U1: nothing is removed while the message waits, all once it is "
           f"read ({link})")
    def _():
        m, s = queued(link)
        same(m.left(), [1, 2], "messages before reading")
        s.line()
        same(s.body(), wire(message(QUEUED[link])) + b".\r\n", "the message")
        true(s.line().startswith(b"+OK "), "answer to DELE")
        true(s.line().startswith(b"+OK "), "answer to QUIT")
        same(s.rest(), b"", "then the end")
        s.close()
        s.exits()
        same(m.left(), [2], "messages")
        told(s, end="quit", delivered="yes", **{"del": "1/1", "kept": "1"})

    @check(f"P-53: who closes without reading the message loses nothing "
           f"({link})")
    def _():
        m, s = queued(link)
        s.close()
        s.exits()
        same(m.left(), [1, 2], "messages")
        told(s, delivered="no", **{"del": "0/1", "kept": "2"})

    @check(f"P-53: who reads a part of the message and closes loses nothing "
           f"({link})")
    def _():
        m, s = queued(link)
        s.more(octets=2000)
        s.handing_over()
        s.reset()
        s.exits()
        same(m.left(), [1, 2], "messages")
        told(s, delivered="no", **{"del": "0/1"})

    @check(f"P-26: a message larger than all buffers, never read: QUIT is "
           f"not even reached ({link})")
    def _():
        m = Maildir(message(12 << 20))
        s = Session(m, link=link, rcvbuf=4096)
        s.send(PIPELINED)
        s.asleep("write", "poll")
        same(m.left(), [1], "messages before the end")
        s.reset()
        s.exits()
        same(m.left(), [1], "messages")
        told(s, end="disconnect", **{"del": "0/0"})

    @check(f"U1: a message larger than all buffers, read: removed ({link})")
    def _():
        big = message(12 << 20)
        m = Maildir(big)
        s = Session(m, link=link, rcvbuf=4096 if link == "tcp" else 0)
        s.send(PIPELINED)
        s.asleep("write", "poll")
        same(m.left(), [1], "messages before reading")
        s.line()
        true(s.body() == wire(big) + b".\r\n", "the message")
        same([a[:4] for a in s.rest().split(b"\r\n")],
             [b"+OK ", b"+OK ", b""], "answers")
        s.close()
        s.exits()
        same(m.left(), [], "messages")
        told(s, delivered="yes", **{"del": "1/1"})

    @check(f"P-158: DELE and QUIT without RETR, closed without reading: "
           f"removed ({link})")
    def _():
        m = Maildir(message(), message())
        s = Session(m, link=link)
        s.send(b"DELE 1\r\nQUIT\r\n")
        s.close()
        s.exits()
        same(m.left(), [2], "messages")
        told(s, end="quit", delivered="yes", **{"del": "1/1"})

    @check(f"U1: TOP is mail too: what it sent must be taken ({link})")
    def _():
        m = Maildir(message(QUEUED[link]), message())
        s = Session(m, link=link, **BUFFERS.get(link, {}))
        s.send(b"TOP 1 99999999\r\nDELE 1\r\nQUIT\r\n")
        s.handing_over()
        same(m.left(), [1, 2], "messages before the end")
        s.close()
        s.exits()
        same(m.left(), [1, 2], "messages")
        told(s, delivered="no", **{"del": "0/1"})

    @check(f"P-25: SIGALRM in the hand-over: no answer, nothing removed "
           f"({link})")
    def _():
        m, s = queued(link)
        s.alarm()
        s.exits()
        text = s.rest()
        same(text.count(b"+OK "), 2, "answers (RETR, DELE)")
        same(m.left(), [1, 2], "messages")
        told(s, end="stalled", delivered="no", **{"del": "0/1"})

    @check(f"U1: SIGTERM in the hand-over: no answer, nothing removed "
           f"({link})")
    def _():
        m, s = queued(link)
        s.kill(signal.SIGTERM)
        s.exits()
        same(s.rest().count(b"+OK "), 2, "answers (RETR, DELE)")
        same(m.left(), [1, 2], "messages")
        told(s, end="signal", delivered="no", **{"del": "0/1"})

    @check(f"P-54: a message that was not taken is not flagged either "
           f"({link})")
    def _():
        m = Maildir(message(QUEUED[link]), message())
        before = m.names()
        s = Session(m, link=link, **BUFFERS.get(link, {}))
        s.send(b"RETR 1\r\nDELE 2\r\nQUIT\r\n")
        s.handing_over()
        s.close()
        s.exits()
        same(m.names(), before, "file names")


for link in ("pipe", "tcp"):    # AF_UNIX counts no octets
    @check(f"U1: what was read before QUIT counts as taken, whatever becomes "
           f"of the answers ({link})")
    def _():
        m = Maildir(message(2000), message())
        s = Session(m, link=link)
        s.ok("RETR 1", True)
        s.send(b"DELE 1\r\nQUIT\r\n")
        s.close()
        s.exits()
        same(m.left(), [2], "messages")
        told(s, end="quit", delivered="yes", **{"del": "1/1"})

    @check(f"U1: octets behind the mark may be lost: read to the dot, then "
           f"gone ({link})")
    def _():
        m = Maildir(message(QUEUED[link]), message())
        s = Session(m, link=link, calls="unlinkat",
                    inject=["unlinkat:delay_enter=100000"],
                    **BUFFERS.get(link, {}))
        s.send(PIPELINED)
        s.handing_over()
        line = s.line()
        size = len(wire(message(QUEUED[link]))) + 3
        want = len(line) + size
        while s.got < want:
            s.more(octets=want - s.got)
        if link == "tcp":
            s.acknowledged(len(DELETED))
            s.reset()
        else:
            s.close()
        s.exits()
        same(m.left(), [2], "messages")
        told(s, end="quit", delivered="yes", **{"del": "1/1"})


# The last flush blocks behind the end of the message, with all of it in the
# socket.  When the client closes, the kernel throws the queue away and says
# ECONNRESET once - perhaps to that write, not to the look at the queue.
for sndbuf in (10000, 20000, 40000):
    for lists in (0, 1, 2):
        @check(f"U1: whoever closes with the message unread keeps it (unix, "
               f"send buffer {sndbuf}, {lists} lists before it)")
        def _():
            m = Maildir(message(3000), *[b"x: y\n\n"] * 1200)
            s = Session(m, sndbuf=sndbuf)
            s.send(b"UIDL\r\n" * lists + b"RETR 1\r\nDELE 1\r\n" +
                   b"LIST\r\nQUIT\r\n")
            s.asleep("write", "poll")
            s.close()
            s.exits()
            same(1 in m.left(), True, "message 1 is there")


@check("U1: nor by one that closes between two looks: the error that tells of "
       "it comes once (unix)")
def _():
    m = Maildir(message(QUEUED["unix"]), message())
    s = Session(m, calls="ioctl,poll",
                inject=["ioctl:delay_enter=300000"])
    s.send(PIPELINED)
    # It has looked once, asked again whether the client is there, and now
    # stands before its second look at the queue.
    until(lambda: re.search(r"(?s)ioctl\(1, .*poll\([^\n]*, 1, 0\)",
                            "\n".join(s.trace())), "the second look")
    s.close()
    s.exits()
    same(m.left(), [1, 2], "messages")


@check("U1: a client that has read the mail and leaves before the short "
       "answers is no loss (unix)")
def _():
    m = Maildir(message(2000), message())
    s = Session(m, calls="write", inject=["write:delay_enter=100000"])
    s.ok("RETR 1", True)
    s.send(b"DELE 1\r\nQUIT\r\n")
    s.close()
    s.exits()
    same(m.left(), [2], "messages")
    told(s, end="quit", **{"del": "1/1"})


@check("P-53: 30 s without an octet moving: -ERR, nothing removed, and the "
       "session is over (tcp)")
def _():
    running.append(patient)
    # Reading begins when it has given up: its answer waits in the queue.
    until(lambda: "session " in patient.log_text(), "the end", 50)
    true(time.monotonic() - patient_began > 29, "after 30 s")
    same(patient_dir.left(), [1, 2], "messages")
    patient.line()
    patient.body()
    true(patient.line().startswith(b"+OK "), "answer to DELE")
    same(patient.line()[:16], b"-ERR [SYS/TEMP] ", "answer to QUIT")
    same(patient.rest(), b"", "then the end")
    patient.close()
    patient.exits()
    same(patient_dir.left(), [1, 2], "messages")
    told(patient, end="quit", delivered="no", **{"del": "0/1"})


done()
