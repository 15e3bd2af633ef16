#!/usr/bin/env python3
# The two lines of a session: their form, their numbers, and that nothing
# anybody chose can pass for another field or line.
import os
import sys

sys.path.insert(0, os.environ["T"])
from pop3 import *

LOGIN = "login ip port pid user tls method".split()
SESSION = ("session ip port pid user end messages octets retr top del kept "
           "seen in out delivered seconds").split()
TEXT = [message(100), b"Subject: 2\n\n.dots\n..\nend", message(3000),
        message(200)]


def form(line):
    """The first word and the keys, in order."""
    return [line.split(" ")[0]] + [w.split("=")[0]
                                   for w in line.split(" ")[1:]]


@check("S-9: two lines, with the fields of the manual in their order")
def _():
    s = Session(Maildir(*TEXT))
    s.quit()
    lines = s.log_text().splitlines()
    same(len(lines), 2, "lines")
    same(form(lines[0]), LOGIN, "login")
    same(form(lines[1]), SESSION, "session")
    true(re.fullmatch(r"\d+\.\d{3}", s.logged("session")["seconds"]),
         "seconds")
    same(s.logged("login")["pid"], str(s.pid), "pid in login")
    same(s.logged("session")["pid"], str(s.pid), "pid in session")
    same((s.logged("login")["method"], s.logged("login")["tls"]),
         ("PREAUTH", "-"), "method and tls")


@check("S-9: the login line is written when the session begins")
def _():
    s = Session(Maildir())
    until(lambda: "login" in s.log_text(), "the login line")
    true("session" not in s.log_text(), "the session line is not")


for link in LINKS:
    @check(f"U1: the numbers of the line are those the client counted "
           f"({link})")
    def _():
        s = Session(Maildir(*TEXT), link=link)
        octets = [len(plain(t)) for t in TEXT]
        same(s.ask("STAT"), b"+OK 4 %d\r\n" % sum(octets), "STAT")
        for n in (1, 2, 1):
            s.ok(f"RETR {n}", True)
        top = len(s.ok("TOP 3 2", True).partition(b"\r\n")[2]) - 3
        s.ok("DELE 4")
        s.ok("DELE 3")
        s.ok("DELE 1")
        s.ask("RETR 3")
        s.quit()
        line = s.logged("session")
        expect = {"end": "quit", "messages": "4", "octets": str(sum(octets)),
                  "retr": f"3/{octets[0] * 2 + octets[1]}",
                  "top": f"1/{top}", "del": "3/3", "kept": "1", "seen": "1",
                  "in": str(s.sent), "out": str(s.got), "delivered": "yes"}
        same({k: line[k] for k in expect}, expect, "the line")


@check("U1: with RSET and without QUIT nothing counts as marked or removed")
def _():
    s = Session(Maildir(*TEXT))
    s.ok("DELE 1")
    s.ok("RSET")
    s.quit()
    line = s.logged("session")
    same((line["del"], line["kept"]), ("0/0", "4"), "del, kept")
    s = Session(Maildir(*TEXT))
    s.ok("DELE 1")
    s.close()
    s.exits()
    line = s.logged("session")
    same((line["del"], line["kept"], line["end"], line["seen"]),
         ("0/0", "4", "disconnect", "0"), "the line")


@check("U1: seen counts what was moved to cur/ with flag S, as it is on disk")
def _():
    m = Maildir(*TEXT)
    s = Session(m)
    s.ok("RETR 1", True)
    s.ok("RETR 2", True)
    s.ok("TOP 3 0", True)
    s.quit()
    flagged = [n for n in m.names() if n.startswith("cur/")
               and n.endswith(":2,S")]
    same((s.logged("session")["seen"], len(flagged)), ("2", 2), "seen")


@check("P-130: one write for each line")
def _():
    m = Maildir(*TEXT)
    s = Session(m, "-v", calls="write")
    s.ok("STAT")
    s.ask("x" * 400)
    s.quit()
    lines = s.log_text().splitlines(True)
    same(len(lines), 5, "lines (login, three commands, session)")
    same([result(w) for w in s.traced("write") if "write(2," in w],
         [len(line) for line in lines], "octets of each write")


@check("S-9: in a user name nothing can pass for a field or a line")
def _():
    name = 'x ip=198.51.100.9\nlogin a="b"\\\x7f\x1b'
    s = Session(Maildir(), env={"USER": name})
    s.quit()
    same(len(s.log_text().splitlines()), 2, "lines")
    for word, order in (("login", LOGIN), ("session", SESSION)):
        line = s.logged(word)
        same([word, *line], order, "fields")
        same((line["ip"], line["user"]),
             ("-", r"x\x20ip\x3D198.51.100.9\x0Alogin\x20a\x3D\x22b\x22"
              r"\x5C\x7F\x1B"), "ip and user")


@check("S-9: octets of 8 bits, %n and a name of 3000 octets")
def _():
    s = Session(Maildir(), env={b"USER": b"%s%n\xff\xc3\xa4" + b"a" * 3000})
    s.quit()
    user = s.logged("login")["user"]
    true(user.startswith(r"%s%n\xFF\xC3\xA4aaa"), f"user {user[:40]}")
    same(len(user), 64 + 3 * 3, "cut at 64 octets of the name")


@check("S-9: no user known is a hyphen, never an empty field")
def _():
    for env in ({}, {"USER": ""}):
        s = Session(Maildir(), env=env)
        s.quit()
        same(s.logged("login")["user"], "-", f"user with {env}")


@check("P-13: -v logs each command, escaped and cut; of an unknown one, "
       "which may hold a secret, the first word")
def _():
    s = Session(Maildir(), "-v")
    lines = [b"STAT", b"LIST a=b \"c\"\\", b"LIST \x01 \xff",
             b"LIST " + b"y" * 500, b"x", b"", b"QUIT"]
    for line in lines:
        s.send(line + b"\r\n")
    s.rest()
    s.close()
    s.exits()
    logged = [fields(text) for text in s.log_text().splitlines()
              if text.startswith("command ")]
    same([list(f) for f in logged], [["pid", "line"]] * len(lines), "fields")
    same([f["line"] for f in logged],
         ["STAT", r"LIST\x20a\x3Db\x20\x22c\x22\x5C", r"LIST\x20\x01\x20\xFF",
          r"LIST\x20" + "y" * 250, "?", "?", "QUIT"], "lines")


@check("P-13: without -v no command is logged")
def _():
    s = Session(Maildir())
    s.ask("SECRET word")
    s.quit()
    true("SECRET" not in s.log_text(), "the log")


@check("S-9: a log that is full is waited for, after the greeting, and then "
       "has its line")
def _():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    m = Maildir(message())
    s = Session(m, err=writer)
    os.close(writer)
    s.asleep("poll")
    os.read(reader, 1 << 20)
    s.ok("DELE 1")
    true(s.quit().startswith(b"+OK "), "answer to QUIT")
    same(m.left(), [], "messages")
    lines = os.read(reader, 1 << 20).splitlines()
    same([line.split(b" ")[0] for line in lines[-2:]],
         [b"login", b"session"], "lines")
    os.close(reader)


@check("S-9: a log whose reader is gone ends no session")
def _():
    reader, writer = os.pipe()
    m = Maildir(message())
    s = Session(m, "-v", err=writer)
    os.close(writer)
    os.close(reader)
    s.ok("DELE 1")
    true(s.quit().startswith(b"+OK "), "answer to QUIT")
    same(m.left(), [], "messages")


done()
