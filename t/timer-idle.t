#!/usr/bin/env python3
# The inactivity timer: how long, what restarts it, how it ends a session.
# SIGALRM from outside is the same event as the alarm itself (P-22).
import os
import signal
import sys
import time

sys.path.insert(0, os.environ["T"])
from pop3 import *

SMALL, BIG = message(), message(8 << 20)


def alarms(s):
    """What alarm(2) was asked for."""
    return [int(re.search(r"alarm\((\d+)\)", line).group(1))
            for line in s.traced("alarm")]


def expired(s, m, end, silent=True):
    """The session ends at once, without a word, and nothing is removed."""
    before = m.left()
    s.exits()
    if silent:
        same(s.rest(), b"", "octets sent")
    same(m.left(), before, "messages")
    line = s.logged("session")
    same((line["end"], line["del"]), (end, "0/0"), "end and del in the log")


@check("P-22: 600 seconds by default")
def _():
    s = Session(Maildir(SMALL), calls="alarm")
    s.ok("STAT")
    s.quit()
    same(alarms(s)[0], 600, "first alarm")
    same(set(alarms(s)) - {0}, {600}, "alarms")


for seconds in (600, 601, 1800, 86400):
    @check(f"P-22: --idle-timeout={seconds} is what alarm is asked for")
    def _():
        s = Session(Maildir(SMALL), f"--idle-timeout={seconds}",
                    calls="alarm")
        s.ok("STAT")
        s.quit()
        same(set(alarms(s)) - {0}, {seconds}, "alarms")


for value in ("599", "0", "-1", "", "1h", "600.5", "4294967896",
              "18446744073709552216"):
    @check(f"P-22: --idle-timeout={value} is refused at start, with a clear "
           "message")
    def _():
        m = Maildir(SMALL)
        s = Session(greeting=False,
                    args=["--preauth", f"--idle-timeout={value}", m.path])
        answer = s.rest()
        true(re.fullmatch(rb"-ERR \[SYS/PERM\] [^\r\n]+\r\n", answer),
             f"answer {answer!r}")
        s.close()
        s.exits(100)
        text = s.log_text()
        true("idle-timeout" in text and "600" in text, f"message {text!r}")


@check("P-22: the alarm while waiting for a command")
def _():
    m = Maildir(SMALL)
    s = Session(m)
    s.ok("DELE 1")
    s.asleep("read", "poll")
    s.alarm()
    expired(s, m, "timeout")


for link in LINKS:
    for nonblock in (False, True):
        how = f"{link}{', O_NONBLOCK' if nonblock else ''}"

        @check(f"P-25: the alarm inside a half-typed line ({how})")
        def _():
            m = Maildir(SMALL)
            s = Session(m, link=link, nonblock=nonblock)
            s.ok("DELE 1")
            s.send(b"QUI")
            s.asleep("read", "poll")
            s.alarm()
            expired(s, m, "timeout")

        @check(f"P-24: the alarm while blocked in write ({how})")
        def _():
            m = Maildir(SMALL, BIG)
            s = Session(m, link=link, nonblock=nonblock)
            s.ok("DELE 1")
            s.send(b"RETR 2\r\nQUIT\r\n")
            s.taken()           # it could sleep in poll before that, too
            s.asleep("write", "poll")
            s.alarm()
            expired(s, m, "stalled", silent=False)
            text = s.rest()
            true(len(text) < len(BIG), "the message is not whole")
            true(not text.endswith(b"\r\n.\r\n"), "no dot at the end")
            true(b"+OK bye" not in text and b"-ERR" not in text, "no word")


@check("P-25: whatever moment the alarm chooses, the session ends")
def _():
    # Between the look at the flag and the call that blocks is the moment
    # that matters; alarm(1) in the handler is what saves it.
    for i in range(40):
        m = Maildir(SMALL)
        s = Session(m)
        s.send(b"DELE 1\r\n" + b"NOOP\r\n" * (1 + i * 7))
        for _n in range(i % 7):
            s.line()
        s.alarm()
        s.exits()
        same(m.left(), [1], "messages")
        true(s.logged("session")["end"] in ("timeout", "stalled"), "end")


@check("P-25: the handler calls alarm(1): a flag set too late for this call "
       "ends the next one")
def _():
    s = Session(Maildir(SMALL), calls="alarm,rt_sigreturn")
    s.asleep("read", "poll")
    s.alarm()
    s.exits()
    true(alarms(s)[-1] == 1 or 1 in alarms(s), f"alarms {alarms(s)}")


@check("P-23: a flood of commands asks for an alarm once a second at most")
def _():
    s = Session(Maildir(SMALL), calls="alarm")
    began = time.monotonic()
    for _i in range(1000):
        s.ok("NOOP")
    s.send(b"NOOP\r\n" * 1000)
    for _i in range(1000):
        s.line()
    took = time.monotonic() - began
    s.quit()
    between(1, len([a for a in alarms(s) if a]), took + 2, "alarms")


@check("P-23: octets dripped restart nothing, the whole line does")
def _():
    s = Session(Maildir(SMALL), calls="alarm,read")
    s.ok("NOOP")
    s.asleep("read")
    before = alarms(s)
    began = time.monotonic()
    for octet in (b"S", b"T", b"A", b"T", b" "):
        s.asleep("read")
        time.sleep(0.26)    # in all more than the second of P-23
        s.send(octet)
    s.asleep("read")
    true(time.monotonic() - began > 1.2, "more than a second")
    same(alarms(s), before, "alarms before the line was whole")
    s.send(b"\r\n")
    s.line()
    s.asleep("read")
    same(alarms(s), [*before, 600], "alarms after it")
    s.quit()


@check("P-24: a slow reader that goes on reading is never cut: writes that "
       "move data ask again")
def _():
    s = Session(Maildir(message(6 << 20)), calls="alarm,write")
    s.send(b"RETR 1\r\n")
    while len(alarms(s)) < 4 and s.got < 5 << 20:
        s.more(octets=65536)
        time.sleep(0.1)     # the pace of the reader
    seen, took = len(alarms(s)), time.monotonic() - s.began
    s.line()
    s.body()
    s.quit()
    between(4, seen, took + 2, f"alarms in {took} s of reading")


@check("P-24: a page at a time is progress too")
def _():
    s = Session(Maildir(BIG), link="pipe", nonblock=True, calls="alarm")
    s.send(b"RETR 1\r\n")
    s.asleep("poll")
    seen = len(alarms(s))
    time.sleep(1.1)         # P-23: once a second at most
    same(len(alarms(s)), seen, "alarms while it stood still")
    s.more(octets=4096)
    until(lambda: len(alarms(s)) == seen + 1, "the alarm of a partial write")
    same(alarms(s)[-1], 600, "seconds")


@check("P-24: a reader that stands still restarts nothing")
def _():
    s = Session(Maildir(BIG), calls="alarm,write")
    s.send(b"RETR 1\r\n")
    s.asleep("write")
    seen = len(alarms(s))
    time.sleep(1.2)
    same(len(alarms(s)), seen, "alarms after 1.2 s of standstill")


@check("P-25: no alarm is running once UPDATE removes")
def _():
    m = Maildir(SMALL, SMALL)
    s = Session(m, calls="alarm,unlinkat")
    s.send(b"DELE 1\r\nDELE 2\r\nQUIT\r\n")
    s.rest()
    s.close()
    s.exits()
    order = [line for line in s.trace()
             if line.startswith(("alarm(", "unlinkat("))]
    first = [line.startswith("unlinkat(") for line in order].index(True)
    true(order[first - 1].startswith("alarm(0)"), f"calls {order}")
    same([line for line in order[first:] if line.startswith("alarm")], [],
         "alarms after the first removal")


done()
