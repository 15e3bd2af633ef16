#!/usr/bin/env python3
# What the manual shows is what src/launch/ has, and so what was run.
import os
import re
import sys

sys.path.insert(0, os.environ["T"])
from pop3 import *

TOP = os.path.join(os.environ["T"], "..")
LAUNCH = TOP + "/src/launch"
# Run by t/login-checkers.t, with a stand-in for a program of qmail.
ELSEWHERE = "qmail-popup"


def words(text):
    return " ".join(text.replace("\\\n", " ").split())


def shipped():
    """name: its text without comments, and only its comments."""
    found = {}
    for name in sorted(os.listdir(LAUNCH)):
        if name == "debian":
            continue
        with open(f"{LAUNCH}/{name}") as f:
            text = f.read()
        found[name] = (words(re.sub(r"(?m)^[#;].*$", "", text)),
                       words(" ".join(re.findall(r"(?m)^[#;](.*)$", text))))
    return found


def blocks():
    """What stands between .Bd -literal and .Ed under EXAMPLES."""
    with open(TOP + "/man/maildir-pop3d.8") as f:
        text = f.read()
    part = text[text.index(".Sh EXAMPLES"):text.index(".Sh SEE ALSO")]
    return [block.replace("\\e", "\\").replace("\\&", "") for block in
            re.findall(r"(?ms)^\.Bd -literal[^\n]*\n(.*?)^\.Ed", part)]


@check("every example of the manual stands in a file of src/launch/")
def _():
    files = shipped()
    found = blocks()
    true(len(found) >= 10, f"{len(found)} examples")
    for block in found:
        if ELSEWHERE in block:
            continue
        for piece in re.split(r"(?m)^\.\.\.$", block):
            true([name for name, texts in files.items()
                  if any(words(piece) in text for text in texts)],
                 f"in no file:\n{piece}")


@check("every file of src/launch/ is named in the manual")
def _():
    with open(TOP + "/man/maildir-pop3d.8") as f:
        text = f.read().replace("\\&", "")
    same([name for name in shipped() if name not in text], [], "not named")


done()
