#!/usr/bin/env python3
# When a login is answered: a failure not before its time, a success at once,
# and three failures are the end (P-67).
import os
import sys

sys.path.insert(0, os.environ["T"])
from login import *

SLACK = 1.9     # seconds that a busy machine may add; one deadline is more
GOOD = plain_response("alice", "secret")
BAD = plain_response("alice", "wrong")
USERS = passwd_file(record("alice"), record("locked", "!"),
                    record("crypt", CRYPT["sha512"]),
                    record("off", extra="nologin"))
MAIL = Maildir(message())


def start(*options, **keywords):
    return File(MAIL, *options, users=USERS, **keywords)


def checked(s, script):
    """Sends it, and notes when."""
    s.sent_at = time.monotonic()
    s.send(script)
    return s


def after(s):
    return time.monotonic() - s.sent_at


@check("P-67: a failure is answered 2 s after the command, whatever the "
       "reason, a success at once")
def _():
    scripts = [f"USER {name}\r\nPASS {secret}\r\n".encode()
               for name, secret in (("alice", "wrong"), ("nobody", "x"),
                                    ("locked", "secret"), ("crypt", "x"),
                                    ("off", "secret"), ("../x", "x"),
                                    ("alice", "s" * 300))]
    scripts += [f"AUTH PLAIN {response}\r\n".encode() for response in
                (BAD, plain_response("alice", "secret", "bob"),
                 plain_response("alice", b"\xff"),
                 plain_response("n" * 256, "x"))]
    each = [start(shape=shape, link=link) for shape in SHAPES
            for link in ("unix", "tcp") for _ in scripts]
    good = start()
    for s, script in zip(each, scripts * len(each)):
        checked(s, script)
    checked(good, b"USER alice\r\nPASS secret\r\nSTAT\r\n")
    for _ in range(3):
        true(good.line().startswith(b"+OK "), "login")
    took = after(good)
    for s, script in zip(each, scripts * len(each)):
        if script.startswith(b"USER"):
            same(s.line(), b"+OK send PASS\r\n", "USER")
        same(s.line(), REFUSED, script)
        s.took = after(s)
    for s, script in zip(each, scripts * len(each)):
        lasted(DEADLINE, s.took, DEADLINE + SLACK, script[:30])
    lasted(0, took, DEADLINE, "a success")


USER_PASS = b"USER alice\r\nPASS wrong\r\n"
AUTH = b"AUTH PLAIN " + BAD.encode() + b"\r\n"
CANCEL = b"AUTH PLAIN\r\n*\r\n"
IN = b"USER alice\r\nPASS secret\r\nSTAT\r\nQUIT\r\n"
# What is sent, the answers, and the seconds until the last: three failures
# are the end, however they came.
CASES = [
    ("three of PASS", USER_PASS * 3 + IN, b"+r" * 3, 6),
    ("three of AUTH", AUTH * 3 + IN, b"rrr", 6),
    ("PASS, AUTH, PASS", USER_PASS + AUTH + USER_PASS + IN, b"+rr+r", 6),
    ("two, and then right", USER_PASS + AUTH + IN, b"+rr++++", 4),
    ("three cancelled", CANCEL * 3 + IN, b"c-c-c-", 0),
    ("two cancelled, one wrong", CANCEL * 2 + USER_PASS + IN, b"c-c-+r", 2),
    ("one cancelled, two wrong", CANCEL + AUTH * 2 + IN, b"c-rr", 4),
    ("two wrong, one cancelled", AUTH * 2 + CANCEL + IN, b"rrc-", 4),
    ("two cancelled, then right", CANCEL * 2 + IN, b"c-c-++++", 0),
    ("other errors are no failures",
     b"PASS x\r\nAUTH PLAIN ?\r\nAUTH X\r\nPASS\r\nSTAT\r\n" + AUTH * 2 + IN,
     b"-----rr++++", 4),
]
running_cases = []


def kind(line):
    if line == REFUSED:
        return b"r"
    if line == b"+ \r\n":
        return b"c"
    return line[:1] if b"[" not in line else b"?"


@check("P-67, P-89: the cases that follow, side by side, take as many "
       "deadlines as there were failures")
def _():
    running_cases.clear()
    for shape in SHAPES:
        for name, script, answers, seconds in CASES:
            s = start(shape=shape)
            s.came, s.last, s.script = b"", 0, script
            running_cases.append((s, shape, name, answers, seconds))
    for s, *_ in running_cases:
        checked(s, s.script)
    # They end one after the other; what each said is read as it ends.
    open_ones = {s.rd: s for s, *_ in running_cases}
    while open_ones:
        ready, _, _ = select.select(list(open_ones), [], [], PATIENCE)
        true(ready, "answers in time")
        for fd in ready:
            s = open_ones[fd]
            piece = os.read(fd, 65536)
            if piece:
                s.came += piece
                s.last = after(s)
            else:
                del open_ones[fd]
                s.gone = after(s)
    for s, *_ in running_cases:
        s.over()
    for s, _shape, name, _answers, seconds in running_cases:
        lasted(seconds, s.last, seconds + SLACK, name)
        lasted(seconds, s.gone, seconds + SLACK, f"{name}, until the close")


for s, shape, name, answers, seconds in running_cases:
    @check(f"P-67, P-89: {name} ({shape})")
    def _():
        lines = s.came.splitlines(True)
        if s.buf:
            lines = [s.buf, *lines]
        same(b"".join(kind(line) for line in lines), answers, "answers")
        failed = s.lines("login-failed")
        same(len(failed), answers.count(b"r"), "login-failed in the log")
        same([line["end"] for line in s.lines("session")],
             ["quit" if answers.endswith(b"++++") else "error"],
             "end in the log")


done()
