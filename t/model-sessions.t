#!/usr/bin/env python3
# Random sessions, visit after visit to one Maildir, with other programs at
# work in it: every answer and every file left must be what model.py says,
# which was written from the rules alone (P-1 to P-54, S-1).
import os
import sys

sys.path.insert(0, os.environ["T"])
from pop3 import *
from model_play import Mismatch, make, play, report

CASES = 48      # of each way to delete
played = 0

for way in ("unlink", "trash", "flag"):
    @check(f"P-50: {CASES} Maildirs, and every visit to them, are as the "
           f"model has it (--delete={way})", limit=600)
    def _():
        global played
        for n in range(CASES):
            case = make(f"{way}-{n}")
            try:
                played += play(case)[0]
            except Mismatch as why:
                for line in report(case, str(why)).splitlines():
                    say("# " + line)
                raise Fail("see above") from None


@check("S-1: these were 300 sessions and more")
def _():
    true(played >= 300, f"only {played}")


done()
