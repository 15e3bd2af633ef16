#!/usr/bin/env python3
# How a connection ends: only a QUIT that came whole removes, and its answer
# arrives whatever else the client has written.
import os
import signal
import sys
import time

sys.path.insert(0, os.environ["T"])
from pop3 import *

SMALL = message(60)
BIG = message(8 << 20)


def marked(m, link, **more):
    """A session in which message 1 is marked."""
    s = Session(m, link=link, **more)
    s.ok("DELE 1")
    return s


def ended(s, end):
    same(s.logged("session")["end"], end, "end in the log")


for link in LINKS:
    @check(f"P-158: half-close after QUIT: answered and removed ({link})")
    def _():
        m = Maildir(SMALL, SMALL)
        s = Session(m, link=link)
        s.send(b"STAT\r\nDELE 1\r\nQUIT\r\n")
        s.shut()
        answers = s.rest().split(b"\r\n")
        same([a[:4] for a in answers], [b"+OK ", b"+OK ", b"+OK ", b""],
             "answers")
        s.exits()
        same(m.left(), [2], "messages")
        ended(s, "quit")

    @check(f"P-158: half-close before QUIT: the rest is executed and "
           f"answered, nothing removed ({link})")
    def _():
        m = Maildir(SMALL, SMALL)
        s = Session(m, link=link)
        s.send(b"STAT\r\nDELE 1\r\nRETR 2\r\nNOOP\r\n")
        s.shut()
        s.line()
        s.line()
        same(s.line() + s.body()[:-3],
             b"+OK %d octets\r\n" % len(plain(SMALL)) + wire(SMALL), "RETR 2")
        true(s.rest().startswith(b"+OK "), "NOOP was answered, and no more")
        s.exits()
        same(m.left(), [1, 2], "messages")
        ended(s, "disconnect")

    @check(f"P-26: QUIT without its line end at EOF is no command ({link})")
    def _():
        m = Maildir(SMALL)
        s = marked(m, link)
        s.send(b"QUIT")
        s.shut()
        same(s.rest(), b"", "answer")
        s.exits()
        same(m.left(), [1], "messages")
        ended(s, "disconnect")

    @check(f"P-26: EOF without QUIT removes nothing ({link})")
    def _():
        m = Maildir(SMALL)
        s = marked(m, link)
        s.close()
        s.exits()
        same(m.left(), [1], "messages")
        ended(s, "disconnect")

    @check(f"P-26: a client that dies with answers unread and no QUIT "
           f"removes nothing ({link})")
    def _():
        m = Maildir(SMALL, BIG)
        s = marked(m, link)
        s.send(b"RETR 2\r\nNOOP\r\nQUIT\r\n")
        s.asleep("write", "poll")
        s.reset()
        s.exits()
        same(m.left(), [1, 2], "messages")
        ended(s, "disconnect")

    @check(f"P-55: a client that leaves right after QUIT does not stop "
           f"UPDATE ({link})")
    def _():
        m = Maildir(SMALL, SMALL)
        s = marked(m, link)
        s.send(b"QUIT\r\n")
        s.reset() if link == "unix" else s.close()
        s.exits()
        same(m.left(), [2], "messages")
        ended(s, "quit")
        same(s.logged("session")["del"], "1/1", "del in the log")

    for ignored in (False, True):
        @check(f"P-55: SIGPIPE {'ignored' if ignored else 'default'} at "
               f"start, the reader leaves inside RETR ({link})")
        def _():
            def prepare():
                if ignored:
                    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            m = Maildir(SMALL, BIG)
            s = marked(m, link, prepare=prepare)
            s.send(b"RETR 2\r\nQUIT\r\n")
            s.more(octets=1000)
            s.asleep("write", "poll")
            s.close()
            s.exits(0)
            same(m.left(), [1, 2], "messages")
            ended(s, "disconnect")


@check("P-26: a reset after DELE removes nothing (tcp)")
def _():
    m = Maildir(SMALL)
    s = marked(m, "tcp")
    s.reset()
    s.exits()
    same(m.left(), [1], "messages")
    ended(s, "disconnect")


@check("P-55: a reset right behind QUIT removes, once QUIT was read (tcp)")
def _():
    # The reset may overtake the QUIT: then nothing is removed, and rightly.
    for i in range(10):
        m = Maildir(SMALL, SMALL)
        s = marked(m, "tcp", calls="read,unlinkat",
                   inject=["unlinkat:delay_enter=100000"])
        before = len(s.traced("read"))
        s.send(b"QUIT\r\n")
        if i > 4:
            until(lambda: [line for line in s.traced("read")[before:]
                           if result(line) == 6], "the reading of QUIT")
        s.reset()
        s.exits()
        quitted = s.logged("session")["end"] == "quit"
        same(m.left(), [2] if quitted else [1, 2], "messages")
        true(quitted or i <= 4, "QUIT counts, once it was read")


for junk in (b"NOOP\r\n", b"x" * 200000):
    @check(f"U6: {len(junk)} octets behind QUIT do not destroy its answer "
           "(tcp)")
    def _():
        m = Maildir(SMALL)
        s = marked(m, "tcp")
        os.set_blocking(s.wr, True)
        s.sock.sendall(b"QUIT\r\n" + junk)
        true(s.line().startswith(b"+OK "), "answer to QUIT")
        same(s.rest(), b"", "after it the end, no reset")
        s.close()
        s.exits()
        same(m.left(), [], "messages")


@check("U6: octets that arrive after the answer do not destroy it (tcp)")
def _():
    s = marked(Maildir(SMALL), "tcp")
    s.send(b"QUIT\r\n")
    s.asleep("poll", "read")
    s.send(b"NOOP\r\n")
    true(s.rest().startswith(b"+OK "), "answer to QUIT, then the end")


for link in ("unix", "tcp"):
    @check(f"U6: a client that never closes is waited for about 2 s ({link})")
    def _():
        s = marked(Maildir(SMALL), link)
        began = time.monotonic()
        s.send(b"QUIT\r\n")
        true(s.rest().startswith(b"+OK "), "answer, then the end")
        s.exits()
        lasted(1, time.monotonic() - began, 4)

    @check(f"U6: nor longer for one that goes on writing ({link})")
    def _():
        s = marked(Maildir(SMALL), link)
        s.send(b"QUIT\r\n")
        s.rest()
        began = time.monotonic()
        os.set_blocking(s.wr, False)
        while s.process.poll() is None:
            true(time.monotonic() - began < PATIENCE, "still there")
            with contextlib.suppress(OSError):
                os.write(s.wr, b"NOOP\r\n")
            time.sleep(0.005)   # the pace of the client
        same(s.process.poll(), 0, "exit status")
        lasted(0, time.monotonic() - began, 5)


@check("U6: on pipes there is nothing to wait for")
def _():
    s = marked(Maildir(SMALL), "pipe")
    s.send(b"QUIT\r\n")
    s.rest()
    lasted(0, s.exits(), 1)


@check("P-18: a refusal arrives although the client wrote already (tcp)")
def _():
    path = new_path("none")
    s = Session(link="tcp", greeting=False, args=["--preauth", path],
                calls="openat", inject=[f"openat:delay_enter=20000"])
    s.send(b"STAT\r\nQUIT\r\n")
    answer = s.rest()
    true(answer.startswith(b"-ERR [SYS/TEMP] "), f"{answer!r}")
    same(answer.count(b"\n"), 1, "lines")
    s.close()
    s.exits(111)


@check("P-26: a reset on the half-closed connection after RETR and DELE "
       "removes nothing (tcp)")
def _():
    m = Maildir(BIG)
    s = Session(m, link="tcp", rcvbuf=8192)
    s.send(b"RETR 1\r\nDELE 1\r\n")
    s.shut()
    s.asleep("write", "poll")
    s.reset()
    s.exits()
    same(m.left(), [1], "messages")


done()
