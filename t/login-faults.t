#!/usr/bin/env python3
# Logging in while a system call fails, or an allocation: a wrong password is
# never accepted, a right one never called wrong.  One fault for each call here,
# of some ways to log in; t/torture.d/fault has all faults, in every way.
import os
import sys

sys.path.insert(0, os.environ["T"])
from admit import *


def begun():
    Tool.make()
    Tool.need_changes()
    if sanitized():
        raise Skip("the sanitizers have calls of their own")


def once(n, calls, can):
    """One fault for each call from the name on, until long after the login."""
    can = [h for h in can if "-p" not in h.words]
    first = calls.first_after(1)
    return [can[n % len(can)]] if can and first <= n < first + 150 else []


def some(n, calls, can):
    return once(n, calls, can) if n % 4 == 0 else []


def all_right(campaign, *seen):
    same(campaign.wrong[:3], [], "what was wrong")
    for name in seen:
        true(campaign.counts.get(name, 0) > 0,
             f"no {name} among {campaign.counts}")


def scheme(shape, name):
    return file_way(name, shape, STORED[name])


def checker(shape, number):
    return list(checker_ways(shape))[number]


for what, shape, way, choose in (
        ("{PLAIN}", "root", lambda s: scheme(s, "PLAIN"), once),
        ("yescrypt", "uid", lambda s: scheme(s, "yescrypt"), once),
        ("a checker", "root", lambda s: checker(s, 1), once),
        ("a checker, APOP", "uid", lambda s: checker(s, 2), some),
        ("PAM", "root", lambda s: next(pam_ways()), some)):
    if shape not in SHAPES:
        continue

    @check("S-15: whatever call fails, a wrong password is refused and opens "
           f"no session: {what}, {shape}", 300)
    def _():
        begun()
        w = way(shape)
        all_right(Campaign().run(under_harm(w, secrets_of(w)[0], choose)),
                  "wrong-password-AUTH", "wrong-password-gone")

    @check("P-77: whatever call fails, a right password is accepted, or our "
           f"fault is told as ours: {what}, {shape}", 300)
    def _():
        begun()
        w = way(shape)
        all_right(Campaign().run(under_harm(w, "secret", choose)),
                  "right-password-OK", "right-password-SYS",
                  "right-password-gone")


@check("S-15: without memory a wrong password is refused, in each scheme", 300)
def _():
    begun()
    shim = compiled("nomem.c", "-shared", "-fPIC")
    all_right(Campaign().run(itertools.chain.from_iterable(
        without_memory(way, secret, shim, 9)
        for way in file_ways("uid") for secret in secrets_of(way))),
        "wrong-password-AUTH", "right-password-OK")


done()
