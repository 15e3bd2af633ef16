#!/usr/bin/env python3
# Other programs rename, flag, deliver, remove and put links in the place of
# messages, in loops, all at once, and sessions come and go.
import os
import sys

sys.path.insert(0, os.environ["T"])
from races import *

for options, protected, victims in (((), 60, 20),
                                    (("--delete=trash",), 60, 20),
                                    (("--keep-new",), 1500, 40)):
    @check(f"P-142: among loops no message is listed twice, missing from the "
           f"list, or removed unmarked ({protected} messages"
           f"{''.join(' ' + o for o in options)})", limit=200)
    def _():
        race = Race(f"quick {protected} {options}", protected, victims,
                    *options)
        end = time.monotonic() + 7
        while race.sessions < 6 or time.monotonic() < end:
            race.round()
        race.end()
        true(race.counts.get("renames") > 100, "others did rename")
        true(race.counts.get("links") > 5, "others did put links")
        true(race.marked > 0, "some were marked")
        true(race.sent > 10 * race.gone,
             f"{race.sent} sent, {race.gone} said to be gone")
        say(f"# {race.sessions} sessions, {race.counts.get('renames')} "
            f"renames, {race.gone} gone, {race.refused} of QUIT refused")


done()
