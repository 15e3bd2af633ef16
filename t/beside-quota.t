#!/usr/bin/env python3
# The quota file of Maildir++ as Dovecot and Courier read it after we removed
# messages (P-149).
import os
import sys

sys.path.insert(0, os.environ["T"])
from peers import *

TEXT = b"Subject: x\n\n" + b"0123456789abcde\n" * 64	# 1036 octets
QUOTA = """\
mail_plugins = quota
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage={kib}K:messages={count}
}}
"""
DELIVERQUOTA = [os.path.join(COURIER, path) for path in
                ("usr/bin/deliverquota.courier", "usr/bin/deliverquota")]


def box_of(count, sub="cur", sized=True, flags="S"):
    names = [f"{sub}/{1700000000 + n}.M{n}P1.h" +
             (size(TEXT) if sized else "") +
             (f":2,{flags}" if sub == "cur" else "")
             for n in range(1, count + 1)]
    return Box(*names, text=TEXT)


class Counts:
    """Dovecot, asked what it makes of the file."""

    def __init__(self, box, kib=1000, count=100):
        self.server = Dovecot(box, settings=QUOTA.format(kib=kib,
                                                         count=count))
        self.box = box

    def get(self):
        answer = self.server.doveadm("-f", "tab", "quota", "get")
        rows = [line.split("\t") for line in answer.decode().splitlines()[1:]]
        return {row[1].lower(): int(row[2]) for row in rows}

    def sums(self):
        """Of the file itself: octets and messages."""
        rows = self.box.read("maildirsize").splitlines()[1:]
        numbers = [[int(word) for word in row.split()] for row in rows]
        return [sum(column) for column in zip(*numbers)]


def deletes(box, *numbers, options=()):
    s = Session(box, *options)
    for n in numbers:
        s.ok(f"DELE {n}")
    true(s.quit().startswith(b"+OK"), "QUIT")


for sized in (True, False):
    @check("P-149: Dovecot counts what is left, with sizes "
           f"{'in names' if sized else 'as stored'}")
    def _():
        box = box_of(10, sized=sized)
        counts = Counts(box)
        same(counts.get()["message"], 10, "messages at first")
        deletes(box, 1, 3, 5)
        same(counts.sums(), [7 * len(TEXT), 7], "the sum of the file")
        lines_ = box.read("maildirsize").splitlines()
        same(lines_[-1], f"-{3 * len(TEXT)} -3", "our line")
        same(counts.get(), {"storage": -(-7 * len(TEXT) // 1024), "message": 7},
             "what doveadm quota get says")
        same(box.read("maildirsize").splitlines(), lines_,
             "the file: nobody had to count anew")


@check("P-149: a move to .Trash is a removal for Courier, and for our line")
def _():
    box = box_of(4)
    counts = Counts(box)
    counts.get()
    deletes(box, 1, 2, options=["--delete=trash"])
    same(counts.sums(), [2 * len(TEXT), 2], "the sum of the file")


@check("P-149: --delete=flag leaves the count alone, as Dovecot does")
def _():
    box = box_of(4)
    counts = Counts(box)
    before = counts.get()
    deletes(box, 1, 2, options=["--delete=flag"])
    same(counts.get(), before, "what doveadm quota get says")


@check("P-149: Courier delivers again once there is room by its count")
def _():
    program = next((path for path in DELIVERQUOTA if os.access(path, os.X_OK)),
                   None)
    if program is None:
        raise Skip("Courier's deliverquota is not there")
    box = box_of(3)
    limit = 4 * len(TEXT)
    box.write("maildirsize", f"{limit}S\n{3 * len(TEXT)} 3\n")
    mail = b"From: a@example.org\nSubject: new\n\n" + b"x" * (len(TEXT) - 40)

    def deliver():
        return subprocess.run(
            [program, box.path, f"{limit}S"], input=mail, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE,
            env=Courier.environment(), **as_owner())
    first, full = deliver(), deliver()
    same(first.returncode, 0, f"the fourth message ({first.stdout})")
    true(full.returncode != 0, f"the fifth did not fit ({full.stdout})")
    deletes(box, 1, 2)
    again = deliver()
    same(again.returncode, 0, f"after two were removed ({again.stdout})")
    same(len(box.names()), 3, "messages")


done()
