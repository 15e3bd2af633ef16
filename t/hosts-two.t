#!/usr/bin/env python3
# Two hosts over one directory, HAProxy in front by the file in src/launch: one
# is cut off, one is drained.  t/torture hosts does it with more.
import os
import sys

sys.path.insert(0, os.environ["T"])
from hosts import *


@check("S-1: a host is cut off in the middle: its clients come back to the "
       "other, nothing is lost, nothing deleted without QUIT", limit=LONG)
def _():
    figures = cut_in_the_middle(2, 12, 16)
    say(f"# {figures}")


@check("interface: a host that is drained ends what it has and gets nothing "
       "new; put back it is asked again", limit=LONG)
def _():
    names = [f"user{i}" for i in range(8)]
    rig = Rig(2, names, 4)
    try:
        clients = rig.clients(hold=names[:1], users=names[:1])
        clients.until(lambda: clients.said("holding"))
        at, other = rig.hosts if rig.hosts[0].lines("login") else \
            rig.hosts[::-1]
        rig.order(f"set server pop3/{at.name} state drain")
        until(lambda: rig.state(at) == "DRAIN", "drain")
        rest = rig.clients(users=names[1:])
        rest.all()
        same(len(rest.said("broken")), 0, "sessions that were refused")
        same(len(at.lines("login")), 1, "logins where it drains")
        same(len({n["user"] for n in other.lines("login")}), 7,
             "users at the other")
        same(clients.said("broken"), [], "the session that was open")
        os.kill(int(at.lines("login")[0]["pid"]), signal.SIGTERM)
        clients.until(lambda: clients.said("broken"))
        rig.order(f"set server pop3/{at.name} state ready")
        until(lambda: rig.state(at) == "UP", "up again", LONG)
        again = rig.clients(users=names)
        again.all()
        true(len(at.lines("login")) > 1, "it is asked again")
        same(rig.left(), set(), "mail left")
    finally:
        rig.end()


@check("P-136: the looks whether a host is there leave no line in its log",
       limit=LONG)
def _():
    rig = Rig(2, ["user0"], 1)
    try:
        checks = {h: int(next(
            line for line in rig.order("show stat").splitlines()
            if line.startswith(f"pop3,{h.name},")).split(",")[21])
            for h in rig.hosts}
        true(rig.state(rig.hosts[0]) == "UP", f"{checks}")
        for h in rig.hosts:
            same((h.lines("session"), h.lines("login-failed")), ([], []),
                 "lines")
    finally:
        rig.end()


done()
