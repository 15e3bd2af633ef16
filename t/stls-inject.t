#!/usr/bin/env python3
# Nothing that came in the clear is heard after STLS, and nothing known from
# before it counts (P-80, P-81, S-4: CVE-2011-0411 and its kin).
import os
import sys

sys.path.insert(0, os.environ["T"])
from boundary import *

LOGIN = f"USER alice\r\nPASS {SECRET}\r\n".encode()


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = client_context()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def silent(text, what):
    """No POP3 at all; an alert of TLS may be there."""
    true(b"+OK" not in text and b"-ERR" not in text, f"{what}: {text!r}")


def no_login(s):
    s.close()
    s.exits()
    same(s.lines("login") + s.lines("login-failed"), [], "lines of logins")
    same(s.maildir.left(), [1], "messages")


def alike(octets, way="file"):
    """One segment; the program must close, without +OK and a handshake."""
    s = Server(Maildir(message()), helper="", way=way)
    s.send(octets)
    silent(s.last(), "after the greeting")
    no_login(s)
    same(s.record(), ["declined"], "the helper saw")
    same(len([line for line in s.log_text().splitlines()
              if "STLS" in line]), 1, "lines about it in the log")
    same(s.logged("session")["end"], "error", "end")


for name, rest in (
        ("NOOP and USER (S-4)", b"NOOP\r\nUSER x\r\n"),
        ("NOOP, USER and a ClientHello (S-4)", None),
        ("a whole login", LOGIN + b"DELE 1\r\nQUIT\r\n"),
        ("CAPA", b"CAPA\r\n"), ("QUIT", b"QUIT\r\n"),
        ("STLS once more", b"STLS\r\n"), ("an empty line", b"\r\n"),
        ("one octet", b"U"), ("a NUL", b"\0"),
        ("64 KiB of it", b"NOOP\r\n" * 11000)):
    @check(f"P-81: STLS with {name} behind it in one segment")
    def _():
        alike(b"STLS\r\n" +
              (b"NOOP\r\nUSER x\r\n" + client_hello() if rest is None
               else rest))


@check("P-81: STLS with a ClientHello behind it in one segment: the client "
       "must wait for +OK")
def _():
    alike(b"STLS\r\n" + client_hello())


@check("P-81: the same with a checker")
def _():
    alike(b"STLS\r\n" + LOGIN, way="checker")


@check("P-81: USER, PASS and STLS in one segment, where plaintext is refused")
def _():
    s = Server(Maildir(message()), helper="")
    s.send(LOGIN + b"STLS\r\n")
    same([s.line()[:4] for _ in range(3)], [b"-ERR", b"-ERR", b"+OK "],
         "answers")
    s.start_tls()
    same(s.ask(f"PASS {SECRET}")[:5], b"-ERR ", "PASS alone")
    s.works(1)


@check("P-80: USER before STLS and PASS after it do not meet")
def _():
    s = Server(Maildir(message()), "--allow-plaintext", helper="")
    s.ok("USER alice")
    s.stls()
    answer = s.ask(f"PASS {SECRET}")
    same(answer[:5], b"-ERR ", "PASS")
    true(not answer.startswith(b"-ERR [AUTH]"), "nobody was asked")
    s.works(1)
    same(s.log_text().count("login-failed"), 0, "failed logins")


@check("P-81: half a command before STLS, with its end after the handshake")
def _():
    alike(b"STLS\r\nUSER al")
    # The half that is there makes STLS no command at all.
    s = Server(Maildir(message()), helper="")
    s.send(b"USER al")
    s.asleep("read", "poll")
    s.send(b"STLS\r\n")
    same(s.line()[:5], b"-ERR ", "USER alSTLS")
    same(s.record(), [], "the helper heard")
    s.stls()
    same(s.ask("ice")[:5], b"-ERR ", "the other half")
    s.works(1)


@check("P-81: half of AUTH before STLS: STLS is then the client's answer")
def _():
    s = Server(Maildir(message()), "--allow-plaintext", helper="")
    same(s.ask("AUTH PLAIN")[:2], b"+ ", "AUTH PLAIN")
    same(s.ask("STLS")[:5], b"-ERR ", "STLS, that is no base64")
    same(s.record(), [], "the helper heard")
    s.stls()
    octets = base64.b64encode(f"\0alice\0{SECRET}".encode()).decode()
    same(s.ask(octets)[:5], b"-ERR ", "the answer, without a question")
    s.works(1)


@check("P-81: STLS octet by octet, CR and LF apart")
def _():
    s = Server(Maildir(message()), helper="")
    for octet in b"STLS\r":
        s.send(bytes([octet]))
        s.asleep("read", "poll")
    s.send(b"\n")
    same(s.line()[:4], b"+OK ", "STLS")
    s.start_tls()
    s.works(1)


for name, octets in (("commands", LOGIN + b"DELE 1\r\nQUIT\r\n"),
                     ("an empty line", b"\r\n")):
    @check(f"P-81: {name} glued to the front of a ClientHello end it all")
    def _():
        s = Server(Maildir(message()), helper="")
        s.ok("STLS")
        s.send(octets + client_hello())
        silent(s.last(), "after +OK")
        same(s.record()[0], "order Y", "the helper saw")
        true(s.record()[1].startswith("handshake failed"), "then")
        no_login(s)


@check("P-82: what is sent right behind the ClientHello's handshake is not "
       "lost: a whole session in one record")
def _():
    s = Server(Maildir(message()), helper="")
    s.stls()
    s.send(LOGIN + b"STAT\r\nQUIT\r\n")
    same([line[:3] for line in s.rest().splitlines()], [b"+OK"] * 4,
         "answers")


@check("S-4: USER, PASS and STAT in one segment work where no TLS is needed")
def _():
    for way in ("file", "checker"):
        s = Server(Maildir(message()), "--allow-plaintext", way=way)
        s.send(LOGIN + b"STAT\r\nQUIT\r\n")
        same([line[:3] for line in s.rest().splitlines()], [b"+OK"] * 4,
             f"answers ({way})")


@check("P-82: before login no read asks for more than one octet")
def _():
    s = Server(Maildir(message()), helper="", calls="read,recvfrom,readv")
    s.capa()
    s.stls()
    s.capa()
    s.log_in()
    s.quit()
    reads = [text for pid, text in s.whole_trace() if pid == s.front
             and re.match(r"(read|readv|recvfrom)\(0,", text)]
    true(len(reads) > 20, f"{len(reads)} reads")
    true(all(re.search(r", 1\) += ", r) or "unfinished" in r and ", 1 " in r
             for r in reads), f"{[r for r in reads if ', 1)' not in r][:3]}")


done()
