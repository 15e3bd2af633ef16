#!/usr/bin/env python3
# After --import=courier the UIDLs and numbers are those that Courier itself
# showed, octet for octet, message for message (P-48, P-49).
import os
import sys

sys.path.insert(0, os.environ["T"])
from peers import *

LIST = "courierpop3dsizelist"


def moves(box):
    before = Courier(box).shows()
    bring(box, "courier")
    same(we_show(box), before, "UIDLs and messages")
    return [uidl for uidl, _ in before]


for shape, names in SHAPES.items():
    if shape == "no info":	# Courier gives those a new UIDL each time
        continue

    @check(f"P-48: {shape}")
    def _():
        box = Box(*names)
        same(len(moves(box)), len(names), "messages")


def written(box, version, line):
    """A list as that version of Courier left it; Courier reads 2 and 3."""
    names = sorted(os.listdir(box.file("cur")))
    box.write(LIST, version + "".join(
        line(n, name) + "\n" for n, name in enumerate(names, 1)))
    return names


@check("P-48: version 3, where Courier goes on from an older list")
def _():
    box = Box(*SHAPES["sizes in the names"], *SHAPES["new mail"])
    moves(box)
    box.add("new/1700009999.late")
    box.add("cur/1600000000.early:2,S")
    same(len(moves(box)), len(SHAPES["sizes in the names"]) + 7, "messages")


@check("P-48: version 2, with numbers, with file names, without validity")
def _():
    box = Box(*SHAPES["every flag and keyword"], "cur/1700000009.a+b:2,")
    written(box, "/2 9 1700000000\n", lambda n, name: f"{name} 20 " + (
        f"{n}:1700000000", f"{n}:0", "0:0")[n % 3])
    uidls = moves(box)
    true(b"UID3-1700000000" in uidls and b"UID1" in uidls,
         f"numbers in {uidls}")
    true(b"1700000001.h" in uidls, f"a name in {uidls}")


@check("P-48: names with odd octets in the form of version 0")
def _():
    box = Box(*SHAPES["names with odd octets"])
    Courier(box).uidls()			# moves them to cur/
    written(box, "/2 9 17\n", lambda n, name: f"{name} 20 0:0")
    true(b"1700000001.a+20b" in moves(box), "a name with a blank")


# What Courier reads no more is as its source and digest say.
@check("P-48: versions 0 and 1, which Courier reads no more")
def _():
    box = Box("cur/1700000001.a b:2,S", "cur/1700000002.c+d:2,")
    written(box, "", lambda n, name: f"{name} 20")
    bring(box, "courier")
    same(our_uidls(box), [b"1700000001.a+20b", b"1700000002.c+2Bd"], "v0")
    written(box, "/1 9\n", lambda n, name: f"{name} 20 {n + 4}")
    bring(box, "courier")
    same(our_uidls(box), [b"UID5", b"UID6"], "v1")


@check("P-48: a half line, and a name that stands there twice")
def _():
    box = Box("cur/1700000001.a:2,", "cur/1700000002.b:2,S",
              "cur/1700000003.c:2,")
    box.write(LIST, "/3 7 17\n1700000001.a:2, 20 1:17:0\n"
              "1700000002.b:2, 20 2:17:0\n1700000003.c:2, 20 3:17:0\n"
              "1700000002.b:2,S 20 4:17:0\n")
    true(b"UID4-17" in moves(box), "the later one counts")


@check("P-44: they stay when Courier has gone and mail comes and goes")
def _():
    box = Box(*SHAPES["new mail"])
    before = moves(box)
    s = Session(box)
    s.ok("DELE 3")
    s.quit()
    box.add("new/1700000000.early")
    same(our_uidls(box), [*before[:2], *before[3:], b"1700000000.early"],
         "UIDLs")


@check("P-45: what qmail shows are the names, long ones too")
def _():
    long_name = "1700000002." + "x" * 240
    box = Box("cur/1700000001.a:2,S", "new/" + long_name, "new/1700000003.c")
    for n, name in enumerate(sorted(box.names(), reverse=True)):
        os.utime(box.file(name), (n + 1, n + 1))
    bring(box, "qmail")
    same(our_uidls(box), [b"1700000003.c", long_name.encode(),
                          b"1700000001.a"], "UIDLs, by mtime")


done()
