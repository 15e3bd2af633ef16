#!/usr/bin/env python3
# The AUTHORIZATION state: which commands there are, what each answers, and
# what a login needs.
import os
import sys

sys.path.insert(0, os.environ["T"])
from login import *

SMALL = message()
BEFORE = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"]
GOOD = plain_response("alice", "secret")
USERS = passwd_file(
    record("alice"), record("spaces", "{PLAIN} se  cret "),
    record("n" * 255, "{PLAIN}" + "p" * 255),
    record("t", "{PLAIN}a\tb\x01"), record("bob", "{PLAIN}secret "),
    record("umlaut", "{PLAIN}sécret"), record("nologin", extra="nologin"),
    record("locked", "!"), record("nets", extra="allow_nets=192.0.2.0/24"),
    record("plain2", CRYPT["sha512"]))
MAIL = Maildir(SMALL, SMALL)
STAT = b"+OK 2 %d\r\n" % (2 * len(plain(SMALL)))


def start(*options, **keywords):
    return File(keywords.pop("maildir", MAIL), *options, users=USERS,
                **keywords)


def everywhere():
    return [(shape, link) for shape in SHAPES for link in LINKS]


# --- the greeting and the table ---------------------------------------------

@check("P-17: the greeting is +OK and text, without a stamp or a version")
def _():
    version = subprocess.run([PROGRAM, "--version"], capture_output=True,
                             text=True, check=True).stdout.split()[1]
    for shape, link in everywhere():
        greeting = start(shape=shape, link=link).greeting
        true(re.fullmatch(rb"\+OK [!-Z\\-~][ -Z\\-~]*\r\n", greeting),
             f"greeting {greeting!r}")
        true(len(greeting) <= 512, "length")
        true(b"<" not in greeting, "no stamp")
        true(version.encode() not in greeting, "no version")


@check("P-19: before login only its own commands, and none of them ends it")
def _():
    for shape in SHAPES:
        s = start(shape=shape)
        for i, line in enumerate(
                ["STAT", "LIST", "LIST 1", "RETR 1", "DELE 1", "NOOP", "RSET",
                 "TOP 1 0", "UIDL", "LAST", "STLS", "UTF8",
                 "APOP alice " + "0" * 32, "AUTH", "AUTH LOGIN", "XYZZY",
                 "CAPA x", "QUIT now", "STLS x", "", " CAPA", "USERalice"]):
            no_code(s.ask(line), line)
            if i % 5 == 4:      # P-10 counts those in a row
                s.ok("CAPA", True)
        login(s)
        s.quit()
        s.over("quit")


@check("P-19: after login those commands are errors, and mail stays")
def _():
    for shape in SHAPES:
        m = Maildir(SMALL)
        s = start(shape=shape, maildir=m)
        login(s)
        for line in ("USER alice", "PASS secret", "APOP alice " + "0" * 32,
                     "AUTH PLAIN", "AUTH PLAIN " + GOOD, "STLS", "UTF8"):
            no_code(s.ask(line), line)
        for line in ("STAT", "LIST 1", "UIDL 1", "NOOP", "RSET"):
            s.ok(line)
        for line in ("LIST", "UIDL", "RETR 1", "TOP 1 0", "CAPA"):
            s.ok(line, True)
        s.ok("DELE 1")
        s.quit()
        same(m.left(), [], "messages")


@check("P-2: verbs in any case, names of mechanisms too")
def _():
    s = start()
    s.ok("uSeR alice")
    s.ok("pAsS secret")
    s.quit()
    s = start()
    s.ok("cApA", True)
    s.ok("auth plain " + GOOD)
    s.quit()
    s = start()
    same(s.ask("quit")[:4], b"+OK ", "quit")


# --- USER and PASS ----------------------------------------------------------

@check("P-57: USER is +OK, the same octets whoever it is")
def _():
    s = start()
    answers = {s.ask("USER " + name) for name in
               ("alice", "nobody-of-that-name", "../x", "a/b", ".", "%s%n",
                "a b", "locked", "nologin", "n" * 255, "root")}
    s.send(b"USER \xff\xc3\r\n")
    answers.add(s.line())
    same(answers, {b"+OK send PASS\r\n"}, "answers")


@check("P-57: a second USER replaces the name")
def _():
    s = start()
    s.ok("USER nobody-of-that-name")
    s.ok("USER alice")
    s.ok("PASS secret")
    same(s.ask("STAT"), STAT, "STAT")
    s.quit()
    same(s.logged("login")["user"], "alice", "user in the log")


@check("P-58: the name has no blanks at its end, and its letters are folded")
def _():
    for line in ("USER alice   ", "USER    alice", "USER Alice", "USER ALICE "):
        s = start()
        s.ok(line)
        s.ok("PASS secret")
        same((s.quit(), s.logged("login")["user"]), (b"+OK bye\r\n", "alice"),
             line)


@check("P-58: a name of 255 octets and a password of 255 log in; a name of "
       "256 is an error")
def _():
    for shape in SHAPES:
        s = start(shape=shape)
        no_code(s.ask("USER " + "n" * 256))
        no_code(s.ask("PASS " + "p" * 255), "PASS without a name")
        s.ok("USER " + "n" * 255)
        s.ok("PASS " + "p" * 255)
        s.quit()


@check("P-6: a control octet in a name is bad syntax")
def _():
    s = start()
    for octet in (0, 1, 9, 13, 27, 127):
        s.send(b"USER al" + bytes([octet]) + b"ice\r\n")
        no_code(s.line(), f"octet {octet}")
    login(s)


@check("P-58: no name: an error")
def _():
    s = start()
    for line in ("USER", "USER ", "USER    "):
        no_code(s.ask(line), repr(line))
    no_code(s.ask("PASS secret"), "PASS without a name")


@check("P-59: every blank in a password counts")
def _():
    for name, secret in (("spaces", " se  cret "), ("bob", "secret "),
                         ("t", "a\tb\x01")):
        s = start()
        s.ok("USER " + name)
        s.ok("PASS " + secret)
        s.quit()
    tries = [start() for _ in range(5)]
    for s, (name, secret) in zip(tries, (
            ("spaces", "se  cret "), ("spaces", " se  cret"),
            ("spaces", " se cret "), ("bob", "secret"), ("alice", "secret "))):
        s.try_user(name, secret)
    same([s.line() for s in tries], [REFUSED] * 5, "answers")


@check("P-59: PASS with nothing behind it is an error, not a try")
def _():
    s = start()
    for line in ("PASS", "PASS ", "PASS", "PASS "):
        s.ok("USER alice")
        no_code(s.ask(line), repr(line))
    login(s)


@check("P-6: NUL and a CR inside a password are bad syntax, and cut nothing")
def _():
    s = start()
    for secret in (b"secret\0", b"\0secret", b"secret\0x", b"sec\rret",
                   b"secret\r"):
        s.send(b"USER alice\r\nPASS " + secret + b"\r\n")
        s.line()
        no_code(s.line(), repr(secret))
    login(s)


@check("P-60: PASS needs a USER, and uses the name up")
def _():
    s = start()
    no_code(s.ask("PASS secret"), "PASS first")
    s.try_user("alice", "wrong")
    same(s.line(), REFUSED, "wrong password")
    no_code(s.ask("PASS secret"), "PASS again, no USER")
    login(s)


@check("P-60: CAPA and failed commands leave the name alone")
def _():
    s = start()
    s.ok("USER alice")
    s.ok("CAPA", True)
    for line in ("NOOP", "STAT", "XYZZY", "USER", "CAPA x", "x" * 600):
        no_code(s.ask(line), line[:20])
    s.ok("PASS secret")
    s.quit()


@check("P-60: so does a USER that failed")
def _():
    s = start()
    s.ok("USER alice")
    no_code(s.ask("USER " + "n" * 256))
    s.ok("PASS secret")


@check("P-60: AUTH clears the name")
def _():
    s = start()
    s.ok("USER alice")
    same(s.ask("AUTH PLAIN"), b"+ \r\n", "AUTH PLAIN")
    no_code(s.ask("*"), "cancelled")
    no_code(s.ask("PASS secret"), "PASS")
    login(s)


@check("P-61: every reason to refuse has the same octets")
def _():
    tries = [
        ("alice", "wrong"), ("nobody-of-that-name", "secret"),
        ("locked", "secret"), ("nologin", "secret"), ("nets", "secret"),
        ("plain2", "wrong"), ("../x", "secret"), ("a/b", "secret"),
        (".alice", "secret"), ("%s%n", "secret"), ("a b", "secret"),
        (b"\xe4lice", "secret"), ("alice", "s" * 256), ("alice", "s" * 500),
        ("root", "secret"), ("x" * 255, "secret"), ("alice@example", "secret")]
    each = [start(link="tcp") for _ in tries]
    for s, (name, secret) in zip(each, tries):
        s.try_user(name, secret)
    for s, who in zip(each, tries):
        same(s.line(), REFUSED, who)
        same(len(s.lines("login-failed")), 1, f"log of {who}")


@check("P-96, P-95: so have those of AUTH PLAIN, in either form")
def _():
    tries = [plain_response("alice", "wrong"), plain_response("bob", "x"),
             plain_response("alice", "secret", "bob"),
             plain_response("alice", "secret", "Alice"),
             plain_response("alice", "secret", "alic"),
             plain_response("umlaut", "sécret".encode("latin-1")),
             plain_response("alice", b"secret\xc0\x80"),
             plain_response("alice", b"\xed\xa0\x80"),
             plain_response("alice", b"\xf4\x90\x80\x80"),
             plain_response(b"\xffalice", "secret"),
             plain_response("al ice", "secret"),
             plain_response("alice", "s" * 256),
             plain_response("n" * 256, "s")]
    each = [start() for _ in tries + tries]
    for i, s in enumerate(each):
        if i < len(tries):
            s.send(b"AUTH PLAIN " + tries[i].encode() + b"\r\n")
        else:
            same(s.ask("AUTH PLAIN"), b"+ \r\n", "AUTH PLAIN")
            s.send(tries[i - len(tries)].encode() + b"\r\n")
    for i, s in enumerate(each):
        same(s.line(), REFUSED, tries[i % len(tries)][:40])


# --- passwords in the clear -------------------------------------------------

def in_the_clear(*options, **keywords):
    return Login(f"--passwd-file={USERS}", *options, MAIL.path, **keywords)


@check("P-62: without TLS no password is taken, before it is looked at")
def _():
    for shape, link in everywhere():
        s = in_the_clear(shape=shape, link=link)
        began = time.monotonic()
        answers = {no_code(s.ask(line), line) for line in
                   ("USER alice", "USER nobody-of-that-name", "PASS secret",
                    "PASS wrong", "AUTH PLAIN", "AUTH PLAIN " + GOOD,
                    "AUTH PLAIN " + plain_response("alice", "wrong"))}
        same(answers, {b"-ERR use STLS or port 995 first\r\n"}, "answers")
        same(capabilities(s), BEFORE, "CAPA")
        no_code(s.ask("STAT"), "STAT")
        took = time.monotonic() - began
        same(s.lines("login-failed"), [], "log")
        s.quit()
        lasted(0, took, DEADLINE)


@check("P-63: what the environment says of TLS does not matter")
def _():
    s = in_the_clear(env={"PATH": os.environ["PATH"], "PROTO": "SSL",
                          "SSL_PROTOCOL": "TLSv1.3", "SSL_CIPHER": "x",
                          "UCSPITLS": "", "TLS": "1", "HTTPS": "on"})
    no_code(s.ask("USER alice"), "USER")
    same(capabilities(s), BEFORE, "CAPA")


for option, tls in (("--tls=on", "yes"), ("--allow-plaintext", "no")):
    @check(f"P-62: with {option} there are USER and PASS and AUTH PLAIN")
    def _():
        for line in ("USER alice\r\nPASS secret", "AUTH PLAIN " + GOOD):
            s = in_the_clear(option)
            same(capabilities(s), [*BEFORE, "USER", "SASL PLAIN"], "CAPA")
            s.send(line.encode() + b"\r\n")
            true(s.line().startswith(b"+OK "), "first answer")
            if "USER" in line:
                true(s.line().startswith(b"+OK "), "PASS")
            same(s.ask("STAT"), STAT, "STAT")
            s.quit()
            same(s.logged("login")["tls"], tls, "tls in the log")


@check("P-63: with --tls=on the wrapper's SSL_PROTOCOL is the version in the "
       "log, if it is one word; without, it is nothing")
def _():
    for options, value, tls in (
            (["--tls=on"], "TLSv1.3", "TLSv1.3"), (["--tls=on"], "", "yes"),
            (["--tls=on"], "TLS 1", "yes"), (["--tls=on"], "x" * 33, "yes"),
            (["--tls=on"], "a\nlogin", "yes"),
            (["--tls=on"], "x=\"", "x\\x3D\\x22"),
            (["--allow-plaintext"], "TLSv1.3", "no")):
        s = in_the_clear(*options, env={"PATH": os.environ["PATH"],
                                        "SSL_PROTOCOL": value})
        login(s)
        s.quit()
        same(s.logged("login")["tls"], tls, f"tls for {value!r}")


# --- CAPA -------------------------------------------------------------------

@check("P-69, P-70: the list before login, and after it with IMPLEMENTATION")
def _():
    for shape in SHAPES:
        for options, expire in (((), []), (("--expire=30",), ["EXPIRE 30"]),
                                (("--expire=NEVER",), ["EXPIRE NEVER"])):
            s = start(*options, shape=shape)
            before = [*BEFORE, *expire, "USER", "SASL PLAIN"]
            same(capabilities(s), before, "before login")
            s.ok("USER alice")
            same(capabilities(s), before, "after USER")
            s.ok("PASS secret")
            same(capabilities(s), [*before, "IMPLEMENTATION maildir-pop3d"],
                 "after login")
            s.quit()


@check("P-71: SASL stays in the list after AUTH")
def _():
    s = start()
    s.ok("AUTH PLAIN " + GOOD)
    true("SASL PLAIN" in capabilities(s), "CAPA")


@check("P-79: no STLS without a wrapper that can, whatever the environment "
       "says")
def _():
    env = {"PATH": os.environ["PATH"], "SSLCTLFD": "7", "SSLREADFD": "8",
           "SSLWRITEFD": "9"}
    for options in ((), ("--tls=ucspi",)):
        s = start(*options, env=env)
        true("STLS" not in capabilities(s), "CAPA")
        no_code(s.ask("STLS"), "STLS")
        login(s)


# --- AUTH -------------------------------------------------------------------

@check("P-85, P-88: AUTH PLAIN with and without an initial response")
def _():
    for shape, link in everywhere():
        s = start(shape=shape, link=link)
        s.ok("AUTH PLAIN " + GOOD)
        same(s.ask("STAT"), STAT, "STAT")
        s.quit()
        same((s.logged("login")["method"], s.logged("login")["user"]),
             ("PLAIN", "alice"), "log")
        s = start(shape=shape, link=link)
        same(s.ask("AUTH PLAIN"), b"+ \r\n", "challenge")
        s.ok(GOOD)
        same(s.ask("STAT"), STAT, "STAT")
        no_code(s.ask("AUTH PLAIN " + GOOD), "AUTH after login")
        s.quit()


@check("P-95, P-96: an authzid that is the name, UTF-8 in a password, parts "
       "of 255 octets in a line of 1026")
def _():
    longest = plain_response("n" * 255, "p" * 255, "n" * 255)
    same(len(longest), 1024, "the longest message")
    for response in (plain_response("alice", "secret", "alice"),
                     plain_response("umlaut", "sécret"), longest):
        s = start()
        same(s.ask("AUTH PLAIN"), b"+ \r\n", "challenge")
        s.ok(response)
        s.quit()
    s = start()
    s.ok("AUTH PLAIN " + plain_response("n" * 255, "p" * 255))
    s.quit()


@check("P-95: what has not the form of PLAIN is an error without [AUTH]")
def _():
    for octets in (b"", b"alice", b"\0alice", b"\0\0", b"\0alice\0",
                   b"\0\0secret", b"\0alice\0secret\0", b"a\0b\0c\0d",
                   b"alice\0secret"):
        s = start()
        no_code(s.ask("AUTH PLAIN " + (b64(octets) or "=")), repr(octets))
        s.send(b"AUTH PLAIN\r\n" + b64(octets).encode() + b"\r\n")
        same(s.line(), b"+ \r\n", "challenge")
        no_code(s.line(), repr(octets))
        login(s)


@check("P-88: = is an empty initial response, and elsewhere no base64")
def _():
    s = start()
    no_code(s.ask("AUTH PLAIN ="), "initial response")
    s.ask("AUTH PLAIN")
    no_code(s.ask("="), "response")
    login(s)


@check("P-90: base64 is strict, in a response and in an initial one")
def _():
    bad = ["AGFsaWNlAHNlY3JldA=", "AGFsaWNlAHNlY3JldA",
           "AGFsaWNlAHNlY3JldA===", "=AGFsaWNlAHNlY3JldA=",
           "AGFsaWNl=AHNlY3JldA==", "AGFsaWNlAHNlY3JldB==",
           "AGFsaWNlAHNlY3Jld-==", "AGFsaWNlAHNl_3JldA==",
           "AGFsaWNlAHNlY3JldA==AAAA", "AAA=BBB=", "=AAA", "====", "A", "*A==",
           "AGFsaWNlAHNlY3JldA==%", "\x7fGFsaWNlAHNlY3JldA=="]
    same(GOOD, "AGFsaWNlAHNlY3JldA==", "the good one")
    for text in bad:
        s = start()
        no_code(s.ask("AUTH PLAIN " + text), "initial " + repr(text))
        for text in (text, text + " ", " " + text):
            same(s.ask("AUTH PLAIN"), b"+ \r\n", "challenge")
            no_code(s.ask(text), repr(text))
        s.ok("AUTH PLAIN " + GOOD)
        s.quit()
    for text in (b"AGFsaWNl AHNlY3JldA==", b"AGFsaWNl\tAHNlY3JldA==",
                 b"AGFsaWNl\rAHNlY3JldA==", b"AGFs\0aWNlAHNlY3JldA==",
                 b"AGFsaWNlAHNlY3JldA==\0", b"AGFsaWNlAHNlY3JldA== ",
                 b" AGFsaWNlAHNlY3JldA==", b"AGFsaWNlAHNlY3JldA\xff=="):
        s = start()
        same(s.ask("AUTH PLAIN"), b"+ \r\n", "challenge")
        s.send(text + b"\r\n")
        no_code(s.line(), repr(text))
        login(s)


@check("P-89: * cancels without [AUTH], and USER and PASS follow")
def _():
    s = start()
    for _ in range(2):
        same(s.ask("AUTH PLAIN"), b"+ \r\n", "challenge")
        no_code(s.ask("*"), "cancel")
    s.ok("CAPA", True)
    login(s)
    s.quit()


@check("P-86, P-98: AUTH alone, unknown mechanisms, too many words")
def _():
    s = start()
    for line in ("AUTH", "AUTH ", "AUTH LOGIN", "AUTH CRAM-MD5",
                 "AUTH SCRAM-SHA-256", "AUTH EXTERNAL", "AUTH PLAINX " + GOOD,
                 "AUTH " + "X" * 300, f"AUTH PLAIN {GOOD} x"):
        no_code(s.ask(line), line[:30])
    login(s)


# --- lines that are long ----------------------------------------------------

@check("P-4: a line of 512 octets is taken, one of 513 is one error")
def _():
    s = start()
    for pad in (b"CAPA", b"USER alice"):
        s.send(pad + b" " * (510 - len(pad)) + b"\r\n")
        true(s.line().startswith(b"+OK "), "512 octets")
        if pad == b"CAPA":
            s.body()
        s.send(pad + b" " * (511 - len(pad)) + b"\r\n")
        no_code(s.line(), "513 octets")
    s.send(b"USER alice\r\nPASS " + b"x" * 506 + b"\r\n")
    s.line()
    no_code(s.line(), "PASS in 513 octets")
    login(s)
    s.quit()


@check("P-5: no part of a long line is executed")
def _():
    s = start()
    for octets in (600, 1026, 1027, 1059, 5000, 20000):
        s.send(b"X" * octets + b"QUIT" + b"\r\n")
        no_code(s.line(), f"{octets} octets")
        s.send(b"X" * octets + b"\nCAPA\n")
        no_code(s.line(), f"{octets} octets, LF")
        true(s.line().startswith(b"+OK "), "the command behind it")
        s.body()
        if octets == 5000:
            s.quit()
            s = start()
    login(s)


@check("P-91: a response that is too long is drained, the exchange is over, "
       "and the next command works")
def _():
    for octets in (1028, 1056, 1060, 4000, 40000):
        s = start()
        same(s.ask("AUTH PLAIN"), b"+ \r\n", "challenge")
        s.send(b"A" * octets + b"\r\nCAPA\r\n")
        no_code(s.line(), f"{octets} octets")
        true(s.line().startswith(b"+OK "), "CAPA")
        s.body()
        no_code(s.ask("AUTH PLAIN " + "A" * (octets // 2 + 530)),
                "initial response")
        login(s)
        s.quit()


@check("P-5: 64 KiB of junk before login end the connection")
def _():
    for shape, link in everywhere():
        s = start(shape=shape, link=link)
        s.send(b"X" * 60000 + b"\r\n")
        no_code(s.line(), "60000 octets")
        s.ok("CAPA", True)
        with contextlib.suppress(Fail, OSError):
            s.send(b"Y" * 100000)
        with contextlib.suppress(OSError):
            true(b"+OK" not in s.rest(), "no good answer")
        s.over("error")
    s = start()
    same(s.ask("AUTH PLAIN"), b"+ \r\n", "challenge")
    with contextlib.suppress(Fail, OSError):
        s.send(b"A" * 100000)
    with contextlib.suppress(OSError):
        true(b"+OK" not in s.rest(), "no good answer")
    s.over("error")


@check("P-10: the tenth bad command in a row is the last")
def _():
    for bad in (b"XYZZY", b"STAT", b"USER", b"PASS x", b"AUTH", b"AUTH X",
                b"AUTH PLAIN ?", b"X" * 600, b"CAPA x", b""):
        s = start()
        for n in range(9):
            s.send(bad + b"\r\n")
            no_code(s.line(), f"{bad[:9]!r} {n}")
        s.ok("CAPA", True)
        s.send((bad + b"\r\n") * 12 + b"CAPA\r\n")
        answer = s.rest().splitlines(True)
        same(len(answer), 10, f"answers to {bad[:9]!r}")
        for line in answer:
            no_code(line)
        s.over("error")


# --- pipelining (P-74) ------------------------------------------------------

SCRIPTS = {
    "USER": b"USER alice\r\nPASS secret\r\nSTAT\r\nDELE 1\r\nQUIT\r\n",
    "AUTH": b"AUTH PLAIN " + GOOD.encode() + b"\r\nSTAT\r\nDELE 1\r\nQUIT\r\n",
    "AUTH without initial response":
        b"AUTH PLAIN\r\n" + GOOD.encode() + b"\r\nSTAT\r\nDELE 1\r\nQUIT\r\n",
    "CAPA first": b"CAPA\r\nUSER alice\r\nNOOP\r\nPASS secret\r\nSTAT\r\n"
                  b"DELE 1\r\nQUIT\r\n",
    "LF": b"USER alice\nPASS secret\nSTAT\nDELE 1\nQUIT\n",
}


def went_through(s, m):
    answer = s.rest()
    true(answer.endswith(b"\r\n+OK 2 %d\r\n+OK message 1 deleted\r\n+OK bye"
                         b"\r\n" % (2 * len(plain(SMALL)))) or
         re.search(rb"\r\n\+OK 2 \d+\r\n\+OK [^\r\n]+\r\n\+OK [^\r\n]+\r\n$",
                   answer), f"answers {answer!r}")
    s.over("quit")
    same(m.left(), [2], "messages")


for shape, link in everywhere():
    @check(f"P-74: commands from before login to QUIT in one segment ({shape},"
           f" {link})")
    def _():
        for script in SCRIPTS.values():
            m = Maildir(SMALL, SMALL)
            s = start(shape=shape, link=link, maildir=m)
            s.send(script)
            went_through(s, m)

    @check(f"P-82: the same octet by octet, and with the sending side closed "
           f"({shape}, {link})")
    def _():
        for name, script in SCRIPTS.items():
            m = Maildir(SMALL, SMALL)
            s = start(shape=shape, link=link, maildir=m)
            for i in range(len(script)):
                s.send(script[i:i + 1])
                if name == "USER":
                    time.sleep(0.001)
            s.shut()
            went_through(s, m)


@check("P-74: what follows a failed login is answered in its turn")
def _():
    s = start()
    s.send(b"USER alice\r\nPASS wrong\r\nNOOP\r\nUSER alice\r\nPASS secret\r\n"
           b"STAT\r\nQUIT\r\n")
    answers = s.rest().splitlines(True)
    same([a[:4] for a in answers],
         [b"+OK ", b"-ERR", b"-ERR", b"+OK ", b"+OK ", b"+OK ", b"+OK "],
         "answers")
    same((answers[1], answers[5]), (REFUSED, STAT), "PASS and STAT")


@check("P-16: nothing is answered late: greeting and answers come one by one, "
       "on a non-blocking socket too")
def _():
    for link in LINKS:
        s = start(link=link, nonblock=True)
        s.send(b"USER al")
        time.sleep(0.02)
        s.send(b"ice\r\n")
        same(s.line(), b"+OK send PASS\r\n", "USER")
        s.ok("PASS secret")
        same(s.ask("STAT"), STAT, "STAT")
        s.quit()


# --- the end ----------------------------------------------------------------

@check("P-27: QUIT before login is +OK and a close, and nothing is removed")
def _():
    for shape, link in everywhere():
        m = Maildir(SMALL)
        s = start(shape=shape, link=link, maildir=m)
        s.ok("USER alice")
        same(s.quit()[:4], b"+OK ", "QUIT")
        s.over("quit-before-login")
        same(m.left(), [1], "messages")
        same(s.logged("session")["user"], "-", "user in the log")


@check("P-26: a client that leaves before login, in each state")
def _():
    for shape, link in everywhere():
        for octets, lines in ((b"", 0), (b"USER alice\r\n", 1),
                              (b"USER alice\r\nQUIT", 1),
                              (b"AUTH PLAIN\r\n", 1), (b"X" * 3000, 1)):
            s = start(shape=shape, link=link)
            s.send(octets)
            if octets.endswith(b"\n"):
                s.line()
            s.close()
            s.over("disconnect" if lines else None)
            same(len(s.lines("session")), lines, "lines in the log")
            same(s.lines("login"), [], "logins")


def talking(s, state):
    """Brings s to a state; the front waits in it."""
    if state == "USER":
        s.ok("USER alice")
    elif state == "AUTH":
        same(s.ask("AUTH PLAIN"), b"+ \r\n", "challenge")
    elif state == "half a line":
        s.send(b"USER al")
        s.taken()
    elif state == "failed login":
        s.try_user("alice", "wrong")
        s.line()


STATES = ("greeting", "USER", "AUTH", "half a line", "failed login")
for number, end in ((signal.SIGALRM, "timeout"), (signal.SIGTERM, "signal"),
                    (signal.SIGHUP, "signal"), (signal.SIGINT, "signal")):
    @check(f"P-22, P-26: {number.name} to the process that talks, or to the "
           "first one, ends it without a word")
    def _():
        each = []
        for shape in SHAPES:
            for first in (False, True):
                for state in STATES[:5 if end == "timeout" else 4]:
                    s = start(shape=shape)
                    if state == "failed login":
                        s.try_user("alice", "wrong")
                    each.append((s, first, state))
        for s, first, state in each:
            if state == "failed login":
                same(s.line(), REFUSED, "PASS")
            else:
                talking(s, state)
            os.kill(s.pid if first else s.front(), number)
        for s, *_ in each:
            s.closed(end)


@check("P-22: SIGALRM while a failure waits for its time, or to the session "
       "after login")
def _():
    for shape in SHAPES:
        s = start(shape=shape)
        s.try_user("alice", "wrong")
        until(lambda: s.lines("login-failed"), "the log line")
        s.alarm()
        s.closed("timeout")
        m = Maildir(SMALL)
        s = start(shape=shape, maildir=m)
        login(s)
        s.ok("DELE 1")
        s.alarm()
        s.closed("timeout")
        same(m.left(), [1], "messages")


@check("P-22: --login-timeout is the whole time until login: commands buy "
       "none")
def _():
    silent = [start("--login-timeout=2", shape=shape) for shape in SHAPES]
    busy = start("--login-timeout=2", link="tcp")
    with contextlib.suppress(OSError):
        while time.monotonic() - busy.began < PATIENCE:
            busy.send(b"CAPA\r\n")
            if not busy.line():
                break
            busy.body()
            time.sleep(0.05)
    took = time.monotonic() - busy.began
    busy.over("timeout")
    for s in silent:
        s.closed("timeout")
    lasted(2, took, 5, "a busy client")


@check("P-22: --login-timeout is over once one has logged in")
def _():
    s = start("--login-timeout=2")
    s.send(b"USER alice\r\nPASS secret\r\n")
    s.line()
    answer = s.line()
    lasted(0, time.monotonic() - s.began, 2, "the login")
    same(answer[:4], b"+OK ", "PASS")
    until(lambda: time.monotonic() - s.began > 3, "its time would be over")
    same(s.ask("STAT"), STAT, "STAT of who has logged in")
    s.quit()


@check("P-18: without the user or the directory for the part before login: "
       "111, and the log says what mends it")
def _():
    need_root()
    full = new_path("full")
    os.mkdir(full)
    with open(os.path.join(full, "x"), "w"):
        pass
    link = new_path("link")
    os.symlink(EMPTY, link)
    other = new_path("other")
    os.mkdir(other)
    give(other)
    for user, where, words in (
            ("no-such-user-here", EMPTY, ("--user=", "useradd")),
            ("root", EMPTY, ("--user=root",)),
            ("nobody", FOLDER + "/missing", ("--chroot=", "mkdir")),
            ("nobody", full, ("--chroot=", "empty")),
            ("nobody", link, ("--chroot=",)),
            ("nobody", other, ("--chroot=", "chown root"))):
        s = Login(f"--passwd-file={USERS}", f"--user={user}",
                  f"--chroot={where}", MAIL.path, greeting=False)
        true(re.fullmatch(rb"-ERR \[SYS/(PERM|TEMP)\] [^\r\n\[]+\r\n",
                          s.rest()), f"greeting for {user}, {where}")
        s.close()
        s.exits(111)
        s.says(*words)


done()
