#!/usr/bin/env python3
# Users cannot be counted by the work that a refusal costs (S-5): the keeper
# spends one crypt(3) on each, whoever it is.  The clock of the processor is
# asked, not that of the wall; connections take turns, so that they do not
# disturb each other.
import os
import statistics
import sys

sys.path.insert(0, os.environ["T"])
from login import *

ROUNDS = 3              # tries per connection: P-67
CONNECTIONS = 3
LEEWAY = 0.10
DAMAGED = COSTLY[:-3]
UNKNOWN_TO_CRYPT = "$2b$99$" + CRYPT["bcrypt"][7:]
USERS = passwd_file(
    "# users", record("first", COSTLY), record("off", COSTLY, extra="nologin"),
    record("locked", "!" + COSTLY), record("star", "*"), record("empty", ""),
    record("clear"), record("damaged", DAMAGED),
    record("nocrypt", UNKNOWN_TO_CRYPT), record("des", CRYPT["des"]),
    record("scheme", "{SSHA512}x"), record("last", COSTLY),
    record("nets", COSTLY, extra="allow_nets=192.0.2.1"))
WHO = {
    "a wrong password": ("first", "wrong"),
    "another user's": ("last", "wrong"),
    "an unknown user": ("nobody-of-that-name", "secret"),
    "a name that can be none": ("../x", "secret"),
    "nologin, right password": ("off", "secret"),
    "nologin, wrong password": ("off", "wrong"),
    "locked": ("locked", "secret"),
    "locked by *": ("star", "secret"),
    "no password stored": ("empty", "secret"),
    "in the clear, wrong": ("clear", "wrong"),
    "a damaged hash": ("damaged", "secret"),
    "a hash crypt(3) does not take": ("nocrypt", "secret"),
    "a method we do not take": ("des", "secret"),
    "a scheme we do not take": ("scheme", "secret"),
    "not from there": ("nets", "secret"),
}
MAIL = Maildir(message())
taken = {}
answers = {}


def nanoseconds(pid):
    """What the processor has spent on it."""
    try:
        with open(f"/proc/{pid}/schedstat") as f:
            return int(f.read().split()[0])
    except OSError:
        raise Skip("no schedstat in /proc") from None


def failed(s):
    return len(s.lines("login-failed"))


def one(s, name, secret):
    """Sends a try; the work until it is decided."""
    before, tries = nanoseconds(s.pid), failed(s)
    s.try_user(name, secret)
    until(lambda: failed(s) > tries, "the failure in the log")
    s.asleep("poll", "read")
    return nanoseconds(s.pid) - before


@check("S-5: (one crypt of this file is much more than all the rest)")
def _():
    s = File(MAIL, users=passwd_file(record("a", "{PLAIN}x")))
    cheap = one(s, "a", "wrong")
    s = File(MAIL, users=USERS)
    costly = one(s, "first", "wrong")
    true(costly > 20 * cheap, f"{costly} and {cheap} ns")


@check("S-5: (the tries)", limit=80)
def _():
    each = {what: [File(MAIL, users=USERS, shape=SHAPES[i % len(SHAPES)])
                   for i in range(CONNECTIONS)] for what in WHO}
    for _ in range(ROUNDS - 1):
        for i in range(CONNECTIONS):
            for what, (name, secret) in WHO.items():
                taken.setdefault(what, []).append(
                    one(each[what][i], name, secret))
        for what, sessions in each.items():
            for s in sessions:
                answers.setdefault(what, set()).add(s.line())


for what in WHO:
    @check(f"S-5: {what}: the same work, the same octets")
    def _():
        usual = statistics.median(taken["a wrong password"])
        this = statistics.median(taken[what])
        between(1 - LEEWAY, this / usual, 1 + LEEWAY,
                f"{this} ns, usual are {usual} ns; the ratio")
        same(answers[what], {REFUSED}, "answers")


done()
