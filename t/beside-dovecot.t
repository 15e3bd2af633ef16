#!/usr/bin/env python3
# One Maildir, Dovecot's IMAP and we at the same time: what QUIT left in .Trash
# or flagged is there for IMAP, and while IMAP flags, moves and expunges,
# nothing is lost and nothing shown twice (P-35, P-47, P-52, P-142, P-143).
import imaplib
import os
import random
import shlex
import sys
import threading

sys.path.insert(0, os.environ["T"])
from peers import *


def imap(server):
    """A session of Dovecot's imap, after login."""
    who = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"] \
        if ROOT else []
    words = [*who, "env", "-i",
             *(f"{k}={v}" for k, v in server.environment().items()),
             *server.command("imap")]
    m = imaplib.IMAP4_stream(f"exec {shlex.join(words)} 2>>{server.log}")
    same(m.state, "AUTH", "state of IMAP")
    return m


def good(answer):
    same(answer[0], "OK", f"IMAP: {answer[1]}")
    return answer[1]


def subjects(m, mailbox):
    """Subject and flags of every message, as IMAP serves them."""
    good(m.select(mailbox, readonly=True))
    found = {}
    for uid in good(m.uid("search", "ALL"))[0].split():
        data = good(m.uid("fetch", uid, "(FLAGS BODY.PEEK[])"))
        flags = re.search(rb"FLAGS \(([^)]*)\)",
                          b" ".join(part if isinstance(part, bytes) else
                                    part[0] for part in data))[1]
        text = next(part[1] for part in data if isinstance(part, tuple))
        name = re.search(rb"Subject: (\S+)", text)[1].decode()
        true(name not in found, f"{name} twice in {mailbox}")
        found[name] = (flags.split(), text)
    return found


def body(name):
    return f"Subject: {name}\n\nthis is {name}\n.\n".encode()


def three():
    box = Box()
    for n in (1, 2, 3):
        box.add(f"cur/170000000{n}.M{n}P1.h:2,", body(f"m{n}"))
    return box, Dovecot(box)


def clean(server):
    """Dovecot has logged, and found nothing broken."""
    true("Info: Disconnected" in server.log_text(), "Dovecot has a log")
    for line in server.log_text().splitlines():
        true(not re.search(r"corrupt|Broken|Error|Panic|Fatal|duplicate",
                           line, re.I), f"Dovecot's log: {line}")


def delete(box, option, *numbers):
    s = Session(box, option)
    for n in numbers:
        s.ok(f"DELE {n}")
    same(s.quit()[:3], b"+OK", "QUIT")


@check("what --delete=trash took away is in IMAP's Trash, and served")
def _():
    box, server = three()
    m = imap(server)
    same(sorted(subjects(m, "INBOX")), ["m1", "m2", "m3"], "INBOX")
    delete(box, "--delete=trash", 2)
    m.noop()
    same(sorted(subjects(m, "INBOX")), ["m1", "m3"], "INBOX")
    trash = subjects(m, "Trash")
    same(list(trash), ["m2"], "Trash")
    same(trash["m2"][1], plain(body("m2")), "the text")
    true(rb"\Trash" in b" ".join(good(m.list())), "it is the special one")
    m.logout()
    clean(server)


@check("what --delete=trash takes away goes to the Trash that IMAP made")
def _():
    box, server = three()
    m = imap(server)
    good(m.create("Trash"))
    good(m.select("INBOX"))
    good(m.copy("1", "Trash"))
    delete(box, "--delete=trash", 1, 3)
    m.noop()
    # IMAP's copy is a link to the same file, with the same name: it stays.
    same(sorted(subjects(m, "Trash")), ["m1", "m3"], "Trash")
    same(sorted(subjects(m, "INBOX")), ["m2"], "INBOX")
    m.logout()
    clean(server)


@check("what --delete=flag took away is \\Deleted in IMAP until it expunges")
def _():
    box, server = three()
    m = imap(server)
    subjects(m, "INBOX")
    delete(box, "--delete=flag", 2)
    m.noop()
    found = subjects(m, "INBOX")
    same({name for name in found if rb"\Deleted" in found[name][0]}, {"m2"},
         "those flagged")
    same(found["m2"][1], plain(body("m2")), "its text")
    s = Session(box, "--delete=flag")
    same(s.ask("STAT").split()[1], b"2", "messages for POP3")
    s.quit()
    good(m.select("INBOX"))
    good(m.expunge())
    same(sorted(subjects(m, "INBOX")), ["m1", "m3"], "after EXPUNGE")
    m.logout()
    clean(server)


@check("a message that RETR has sent is \\Seen in IMAP")
def _():
    box, server = three()
    m = imap(server)
    subjects(m, "INBOX")
    s = Session(box)
    s.ok("RETR 3", multi=True)
    s.quit()
    m.noop()
    found = subjects(m, "INBOX")
    same({name for name in found if rb"\Seen" in found[name][0]}, {"m3"},
         "those seen")
    m.logout()
    clean(server)


# --- all at once ----------------------------------------------------------

MESSAGES = 60
SESSIONS = int(os.environ.get("BESIDE_SESSIONS", "25"))


class Worker(threading.Thread):
    """One IMAP client, again and again until stop is set."""

    def __init__(self, server, work, stop):
        super().__init__(daemon=True)
        self.server, self.work, self.stop = server, work, stop
        self.why = None
        self.done = 0

    def run(self):
        try:
            dice = random.Random(self.work.__name__)
            while not self.stop.is_set():
                m = imap(self.server)
                for _ in range(4):
                    self.work(m, dice)
                    self.done += 1
                m.logout()
        except Exception:
            self.why = traceback.format_exc()


def some(m, dice, mailbox):
    good(m.select(mailbox))
    uids = good(m.uid("search", "ALL"))[0].split()
    return b",".join(dice.sample(uids, min(4, len(uids)))).decode()


def flags(m, dice):
    if uids := some(m, dice, "INBOX"):
        good(m.uid("store", uids, dice.choice(("+FLAGS", "-FLAGS")),
                   dice.choice((r"(\Seen)", r"(\Flagged \Answered)",
                                "($Label1)"))))


def moves(m, dice):
    there, back = dice.choice((("INBOX", "Kept"), ("Kept", "INBOX")))
    if uids := some(m, dice, there):
        answer = m.uid("move", uids, back)
        if "[EXPUNGEISSUED]" not in repr(answer):	# POP3 was faster
            good(answer)


def expunges(m, dice, gone=set()):
    """Only what is named x... is for expunging."""
    good(m.select("INBOX"))
    uids = good(m.uid("search", "SUBJECT", "x"))[0].split()
    if uids:
        uid = dice.choice(uids).decode()
        good(m.uid("store", uid, "+FLAGS", r"(\Deleted)"))
        good(m.uid("expunge", uid))


def pop3_session(box, dice, deleted):
    """Lists, fetches some, deletes a few of those it has fetched."""
    s = Session(box)
    uidls = listed(s.ok("UIDL", multi=True))
    same(len(set(uidls)), len(uidls), "different UIDLs in one session")
    names = []
    for n in dice.sample(range(1, len(uidls) + 1), min(8, len(uidls))):
        answer = s.ask(f"RETR {n}", multi=True)
        if answer.startswith(b"-ERR"):		# moved or expunged
            true(answer.startswith(b"-ERR [SYS/TEMP] "), f"RETR: {answer!r}")
            continue
        text = answer.split(b"\r\n", 1)[1][:-3]
        name = re.match(rb"Subject: (\S+)", text)[1].decode()
        same(text, wire(body(name)), f"the text of {name}")
        names.append((n, name))
    same(len({name for _, name in names}), len(names), "different messages")
    marked = names[:2]
    for n, name in marked:
        s.ok(f"DELE {n}")
        deleted.add(name)
    s.quit()
    return len(names)


@check("P-142: flags, moves and expunges by IMAP while POP3 lists, fetches "
       "and deletes", limit=240)
def _():
    dice = random.Random(7)
    box = Box()
    names = {f"{'x' if n % 4 == 0 else 'm'}{n}" for n in range(MESSAGES)}
    for n, name in enumerate(sorted(names)):
        box.add(f"{('new', 'cur')[n % 2]}/{1700000000 + n}.M{n}P1.h" +
                ("", ":2,")[n % 2], body(name))
    server = Dovecot(box)
    m = imap(server)
    good(m.create("Kept"))
    stop, deleted, fetched = threading.Event(), set(), 0
    workers = [Worker(server, work, stop)
               for work in (flags, moves, expunges)]
    for worker in workers:
        worker.start()
    for round_ in range(SESSIONS):
        new = f"m{MESSAGES + round_}"
        names.add(new)
        box.add(f"new/{1700001000 + round_}.M{round_}P1.h", body(new))
        fetched += pop3_session(box, dice, deleted)
    until(lambda: all(w.done >= 8 or w.why for w in workers),
          "some rounds of every IMAP client", 60)
    stop.set()
    for worker in workers:
        worker.join(60)
        true(worker.why is None, f"{worker.work.__name__}: {worker.why}")
    true(fetched >= SESSIONS, f"{fetched} messages fetched")
    good(m.noop())
    inbox, kept = subjects(m, "INBOX"), subjects(m, "Kept")
    same(set(inbox) & set(kept), set(), "in both folders")
    found = set(inbox) | set(kept)
    lost = {name for name in names - found - deleted if name[0] != "x"}
    same(lost, set(), "lost")
    same(found - names, set(), "never delivered")
    m.logout()
    clean(server)
    say(f"# {SESSIONS} sessions, {fetched} fetched, {len(deleted)} deleted, "
        f"IMAP: {[(w.work.__name__, w.done) for w in workers]}")


done()
