#!/usr/bin/env python3
# Clients that send RETR, DELE and QUIT at once and vanish at some octet of the
# answer: only what was acknowledged up to its last octet is removed (S-1, P-53,
# U1).  All of them at the same time, since the program waits 30 s for each.
import os
import sys

sys.path.insert(0, os.environ["T"])
from lost import *

READ = b"RETR 1\r\nDELE 1\r\nQUIT\r\n"
plans = {}
cut = tun = None


@check("S-1: clients on a line of our own are answered", limit=200)
def _():
    global tun
    alone()
    tun = Tun()
    plans["one message"] = Plan(tun, [120, 50], READ)
    plans["the second of two"] = Plan(
        tun, [60, 70, 50], b"RETR 1\r\nDELE 1\r\nRETR 2\r\nDELE 2\r\nQUIT\r\n")
    plans["TOP"] = Plan(tun, [90], b"TOP 1 99\r\nDELE 1\r\nNOOP\r\nQUIT\r\n")
    plans["another one is deleted"] = Plan(
        tun, [50, 50], b"RETR 2\r\nDELE 1\r\nQUIT\r\n", "--delete=trash")
    plans["many segments"] = Plan(tun, [70000], READ, "--delete=flag")


@check("S-1: they vanish, a cable is cut, and all programs end", limit=300)
def _():
    global cut
    if tun is None:
        raise Skip("no line of our own")
    for plan in plans.values():
        plan.vanish(plan.edges())
    first = plans["one message"]
    first.vanish(range(20, first.mark, 23))
    first.vanish((0, 100, first.mark - 1, first.mark), "reset")
    first.vanish((0, 100, first.mark - 1, first.mark), "close")
    plans["many segments"].vanish((1447, 1448, 1449, 30000, 65535, 65536))
    cut = Severed(8, 1)
    finish(tun, [s for plan in plans.values() for s in plan.strangers] +
           cut.fars)


for name in ("one message", "the second of two", "TOP",
             "another one is deleted", "many segments"):
    @check(f"P-53: what was not acknowledged to its last octet stays, what was "
           f"is removed ({name})")
    def _():
        if name not in plans:
            raise Skip("no line of our own")
        same(list(plans[name].wrong()), [], "wrong")


@check("S-1: of clients whose cable is cut none loses mail that it has not "
       "got whole")
def _():
    if cut is None:
        raise Skip("no line of our own")
    same(list(cut.wrong()), [], "wrong")
    true(cut.kept > 0 and cut.removed > 0,
         f"{cut.kept} kept, {cut.removed} removed")


done()
