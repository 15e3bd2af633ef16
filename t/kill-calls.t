#!/usr/bin/env python3
# Killed at a system call: only what was marked may be missing, nothing if QUIT
# was not read, and the next session shows the rest as it was (S-1, T5).  Every
# call from QUIT on, and some before; t/torture.d/kill has all, in all modes.
import os
import sys

sys.path.insert(0, os.environ["T"])
from tamper import *

SPREAD = 8      # calls before QUIT, besides
CACHE = ["--no-size-cache"] if has_cache() else []
MODES = (
    (Mode("unlink"), ("enter", "exit")),
    (Mode("unlink", "--keep-new", "--sync", *CACHE), ("exit",)),
    *([(Mode("unlink", again=True), ("exit",))] if CACHE else []),
    (Mode("trash"), ("exit",)),
    (Mode("trash", "--sync", *CACHE, trash=False), ("exit",)),
    (Mode("flag"), ("exit",)),
    (Mode("flag", "--keep-new", "--sync"), ("enter",)),
    (Mode("unlink", how="root"), ("exit",)),
    (Mode("trash", how="uid"), ("enter",)),
)

for mode, moments in MODES:
    @check(f"S-1: killed at each call after QUIT, at {' and '.join(moments)}: "
           f"{mode}", 600)
    def _():
        Tool.make()
        play = try_one(mode, None)
        same(play.quit_answer, True, "answer to QUIT, unharmed")
        last = len(play.calls.calls)
        quit_ = play.calls.first_after(play.client.sent)
        kills = 0
        for when in moments:
            for n in [*range(1, quit_, quit_ // SPREAD),
                      *range(quit_, last + 1)]:
                kills += len(try_one(mode, killed(n, when)).calls.harmed)
        # Now and then a call is saved, and the last ones are not reached.
        true(kills > (last - quit_) * len(moments), f"only {kills} kills")


@check("S-1: the judge sees a message that is lost, changed or moved")
def _():
    Tool.make()
    for change, word in (
            (lambda p, m: os.unlink(p), "lost"),
            (lambda p, m: open(p, "ab").write(b"x"), "other octets"),
            (lambda p, m: os.rename(p, p + ":2,S"), "became"),
            (lambda p, m: shutil.copy(p, m + "/new/1.x"), "nowhere"),
            (lambda p, m: os.unlink(m + "/tmp/being.delivered"), "tmp/"),
            (lambda p, m: None, "before QUIT")):
        box = Mailbox()
        play = Play(box, Mode(), trace=True)
        change(os.path.join(box.path, box.messages[4].name), box.path)
        try:
            Judge(play, word != "before QUIT")
        except Wrong as why:
            true(word in str(why), f"{word}: {why}")
        else:
            raise Fail(f"not seen: {word}")


done()
