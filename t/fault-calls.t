#!/usr/bin/env python3
# System calls that fail: what is answered is true, the session ends, and
# nothing is lost (S-1, S-17, T4).  One error for each call here;
# t/torture.d/fault has all errors at all calls, in all modes.
import os
import sys

sys.path.insert(0, os.environ["T"])
from tamper import *

CACHE = ["--no-size-cache"] if has_cache() else []


def whole(play):
    return 1, len(play.calls.calls)


def behind_quit(play):
    return play.calls.first_after(play.client.sent), len(play.calls.calls)


def before_login(play):
    return 1, play.calls.first_after(len(b"USER alice\r\nPASS secret\r\n")) + 60


for mode, part, what in (
        (Mode("unlink"), whole, "of a session"),
        *([(Mode("unlink", again=True), whole, "of a second session")]
          if CACHE else []),
        (Mode("unlink", "--sync", *CACHE), behind_quit, "behind QUIT"),
        (Mode("trash", trash=False), behind_quit, "behind QUIT"),
        (Mode("flag", "--sync"), behind_quit, "behind QUIT"),
        (Mode("unlink", how="root"), before_login, "until login")):
    @check(f"S-1: each call {what} fails once: {mode}", 600)
    def _():
        Tool.make()
        Tool.need_changes()
        play = try_one(mode, None)
        same((play.quit_answer, play.client.errors), (True, 0), "unharmed")
        first, last = part(play)
        tried = refused = 0
        for n in range(first, last + 1):
            can = harms(n, play.calls.name(n))
            if not can:
                continue
            p = try_one(mode, can[n % len(can)])
            tried += bool(p.calls.harmed)
            refused += p.client.errors > 0 or p.quit_answer is None
        true(tried > (last - first) // 2, f"only {tried} faults")
        true(refused > tried // 9, f"only {refused} of {tried} were told")


@check("S-1: reads and writes of a session cut short: all is answered", 300)
def _():
    Tool.make()
    Tool.need_changes()
    play = try_one(Mode(), None)
    first = min(n for n, call in enumerate(play.calls.calls, 1)
                if call[1] in ("read", "write"))
    for name in ("read", "write"):
        n = [n for n, call in enumerate(play.calls.calls, 1)
             if call[1] == name and n >= first][0]
        p = try_one(Mode(), short(n, True))
        true(len(p.calls.harmed) > 5, f"{name}: {p.calls.harmed}")
        same((p.quit_answer, p.client.errors), (True, 0), name)


@check("S-10: a keeper that cannot wait does not turn round and round", 300)
def _():
    Tool.make()
    Tool.need_changes()
    # The front waits in read: it is the keeper's.
    p = try_one(Mode(how="uid"), failing(1, errno.ENOMEM, True, "poll"))
    true(p.calls.harmed, "no poll")
    same(p.calls.calls[p.calls.harmed[0] - 1][0], p.calls.calls[0][0],
         "the process that polled first")


@check("S-17: no memory: a session that is refused, or one that is right", 300)
def _():
    Tool.make()
    shim = compiled("nomem.c", "-shared", "-fPIC")
    if sanitized():
        raise Skip("the sanitizers have their own")
    for mode in (Mode(), Mode("flag", how="uid")):
        for persist in ("", "yes"):
            failed = 0
            for n in range(1, 500):
                play = try_one(mode, None, env={
                    "LD_PRELOAD": shim, "NOMEM_AT": str(n),
                    **({"NOMEM_ALL": persist} if persist else {})})
                if "nomem" not in play.said:
                    break
                failed += 1
            true(failed >= 3, f"{failed} allocations")


done()
