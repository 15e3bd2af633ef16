#!/usr/bin/env python3
# Many sessions on one Maildir, and a header of many lines (S-10).  In
# t/torture.d/resources there are more of both, and more of everything.
import os
import sys

sys.path.insert(0, os.environ["T"])
from load import *

for own, options in ((True, ()), (False, ()), (False, ("--delete=trash",)),
                     (True, ("--delete=flag", "--sync"))):
    @check("S-1: 30 sessions at once on one Maildir, half of them delete "
           + ("their own" if own else "the same") + " messages"
           + "".join(" " + o for o in options), 200)
    def _():
        crowd = Crowd(30, own, *options).run()
        if own:
            same(crowd.doubts, 0, "-ERR where nobody else removed")
            same(crowd.removed, 45, "removed")


@check("S-10: TOP over a header of 100,000 lines, in bounded memory")
def _():
    _used, memory = tops(100000)
    true(memory < BUFFERS, f"{memory} KiB")


done()
