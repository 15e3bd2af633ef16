#!/usr/bin/env python3
# After --import=dovecot the UIDLs and numbers are those that Dovecot itself
# showed, octet for octet, message for message (P-48, P-49).
import os
import sys

sys.path.insert(0, os.environ["T"])
from peers import *


def moves(box, server, *options, status=0):
    """Dovecot shows them, they are brought over, we show the same."""
    before = server.shows()
    bring(box, "dovecot", *options, status=status)
    same(we_show(box), before, "UIDLs and messages")
    return [uidl for uidl, _ in before]


for shape, names in SHAPES.items():
    @check(f"P-48: {shape}")
    def _():
        box = Box(*names)
        same(len(moves(box, Dovecot(box))), len(names), "messages")


# A blank in a UIDL is shown raw there, and is none for us: no such shape.
FORMATS = ["%u", "%v.%u", "%f", "%g", "%Mf", "%UXv-%010u", "%Xu%Xv",
           "%08XUu", "%Lf", "%-3f.%u", "%5.12f", "%Hf", "%Nf.%4Nu", "%Rf",
           "UID%u-%v", "%%%u"]


@check("P-48: any format that Dovecot 2.3 takes")
def _():
    box = Box(*SHAPES["old and new mail"], *SHAPES["sizes in the names"])
    seen = [moves(box, Dovecot(box, form), f"--uidl-format={form}")
            for form in FORMATS]
    # Names in lower case are the names, and so are GUIDs that are not set.
    same(len({tuple(uidls) for uidls in seen}), len(FORMATS) - 2 + 1,
         "different answers")


@check("P-48: the default of 2.4, in words, is the default of 2.3")
def _():
    box = Box(*SHAPES["new mail"])
    moves(box, Dovecot(box), "--uidl-format="
          "%{uid | hex(8)}%{uidvalidity | hex(8)}")


def edited(box, change, form="%08Xu%08Xv", settings=""):
    """A Dovecot whose list has been changed since it wrote it."""
    server = Dovecot(box, form, settings)
    server.uidls()
    head, *records = box.read("dovecot-uidlist").splitlines()
    os.unlink(box.file("dovecot-uidlist"))
    box.write("dovecot-uidlist", "\n".join([head, *change(records)]) + "\n")
    for name in glob.glob(box.file("dovecot.index*")):
        os.unlink(name)
    return server


def with_fields(*fields):
    """Puts fields into the records, one after the other."""
    def change(records):
        return [record.replace(" ", f" {field} ", 1) if field else record
                for record, field in zip(records, fields)]
    return change


@check("P-48: P, an empty P, and P twice in its list")
def _():
    box = Box(*SHAPES["new mail"])
    server = edited(box, with_fields("Pold-1", "P", "", "Pa Pb", "P~"))
    uidls = moves(box, server)
    same([uidls[0], uidls[1], uidls[3], uidls[4]],
         [b"old-1", b"1700000002.M2P1.host", b"a", b"~"], "what P says")


@check("P-49: O in its list, zero, equal, missing and of no use")
def _():
    box = Box(*SHAPES["one second"])
    server = edited(box, with_fields("O5", "", "O0", "O4294967295", "Oabc",
                                     "O1", "O5", "O", "O-1"))
    moves(box, server)


@check("P-48: a GUID in its list")
def _():
    box = Box(*SHAPES["new mail"])
    server = edited(box, with_fields("Gabc", "", "G12", "", ""), "%g")
    same(moves(box, server, "--uidl-format=%g")[0], b"abc", "GUID")


@check("P-48: a list of version 1")
def _():
    box = Box(*SHAPES["old and new mail"])
    names = [n.split("/")[1] for n in box.names()]
    box.write("dovecot-uidlist", "1 1700000000 9\n" + "".join(
        f"{uid} {name}\n" for uid, name in enumerate(sorted(names), 3)))
    bring(box, "dovecot")
    ours = our_uidls(box)
    same(ours[0], b"%08x%08x" % (3, 1700000000), "the first")
    same(Dovecot(box).uidls(), ours, "what Dovecot shows")


@check("P-48: UIDLs that it saved in the list (pop3_save_uidl)")
def _():
    box = Box(*SHAPES["old and new mail"])
    settings = "pop3_save_uidl = yes"
    before = Dovecot(box, "%f", settings).uidls()
    true(" P " in box.read("dovecot-uidlist"), "an empty P is in the list")
    bring(box, "dovecot")
    same(our_uidls(box), before, "UIDLs")


@check("P-47: UIDLs that it showed twice have -2, -3 as it makes them")
def _():
    box = Box(*SHAPES["one second"])
    settings = "pop3_uidl_duplicates = rename"
    server = edited(box, with_fields("Px", "Py", "Px", "", "Px", "Py", "",
                                     "", ""), settings=settings)
    uidls = moves(box, server)
    same(uidls[:6:2], [b"x", b"x-2", b"x-3"], "the same three")


@check("P-47: where it shows one twice the first keeps it")
def _():
    box = Box(*SHAPES["new mail"])
    before = edited(box, with_fields("Px", "Px", "", "", "")).uidls()
    bring(box, "dovecot")
    same(our_uidls(box), [b"x", b"x-2", *before[2:]], "UIDLs")


@check("P-48: X-UIDL headers (pop3_reuse_xuidl)")
def _():
    box = Box("new/1700000001.h", "new/1700000002.h")
    for n, head in enumerate(("X-UIDL: abc", "x-uidl:  d-e", "From: x",
                              "X-UIDL: <a@b>"), 3):
        box.add(f"new/170000000{n}.h",
                f"{head}\nSubject: number-{n}\n\ntext\n".encode())
    server = Dovecot(box, settings="pop3_reuse_xuidl = yes")
    same(moves(box, server, "--reuse-xuidl")[2:4], [b"abc", b"d-e"],
         "two of them")


@check("P-48: a list that is kept elsewhere (CONTROL=)")
def _():
    box = Box(*SHAPES["old and new mail"])
    control = folder()
    server = Dovecot(box, more=f":CONTROL={control}")
    server.uidls()
    bring(box, "dovecot", status=100)
    moves(box, server, f"--list={control}/.INBOX/dovecot-uidlist")


@check("P-48: after removals, flags and moves by Dovecot")
def _():
    box = Box(*SHAPES["a hundred"])
    server = Dovecot(box)
    server.pop3("UIDL", *(f"DELE {n}" for n in range(1, 100, 7)))
    server.doveadm("flags", "add", "\\Seen \\Flagged", "mailbox", "INBOX",
                   "3:40")
    server.doveadm("expunge", "mailbox", "INBOX", "50:60")
    box.add("new/1700009999.late")
    moves(box, server)


@check("P-44: they stay, whatever becomes of the messages around them")
def _():
    box = Box(*SHAPES["new mail"])
    before = moves(box, Dovecot(box))
    s = Session(box)
    s.ok("RETR 2", multi=True)		# becomes seen
    s.ok("DELE 1")
    s.quit()
    box.add("new/1700000000.early")
    after = our_uidls(box)
    same(after, [*before[1:], b"1700000000.early"], "UIDLs")
    same(our_uidls(box), after, "with the list kept")
    same(our_uidls(box, "--no-size-cache"), after, "without it")


@check("P-143: Dovecot corrects ,W= in a name, and its UIDL stays")
def _():
    box = Box(f"cur/1700000001.h{size()}:2,", "cur/1700000002.h,S=17,W=99:2,")
    server = Dovecot(box)
    before = server.uidls()
    bring(box, "dovecot")
    os.rename(box.file("cur/1700000002.h,S=17,W=99:2,"),
              box.file("cur/1700000002.h,S=17,W=20:2,S"))
    same(our_uidls(box), before, "UIDLs")


@check("P-48: the way back: pop3_uidl_format=%f shows new mail as we do")
def _():
    box = Box(*SHAPES["old and new mail"])
    ours = our_uidls(box)
    same(Dovecot(box, "%f").uidls(), ours, "UIDLs")


@check("P-48: the way back: with its old format Dovecot knows what it knew")
def _():
    box = Box(*SHAPES["old and new mail"])
    before = moves(box, Dovecot(box))
    s = Session(box)
    s.ok("RETR 1", multi=True)
    s.quit()
    box.add("new/1700009999.late")
    same(Dovecot(box).uidls()[:len(before)], before, "UIDLs")


done()
