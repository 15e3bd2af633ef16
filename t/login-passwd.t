#!/usr/bin/env python3
# --passwd-file: which passwords fit, where the mail is then, who is refused,
# and that the log says what to mend.
import hashlib
import os
import subprocess
import sys

sys.path.insert(0, os.environ["T"])
from login import *

SMALL = message()
MAIL = Maildir(SMALL)
STAT = b"+OK 1 %d\r\n" % len(plain(SMALL))
NAME = os.path.basename(MAIL.path)


def start(*lines, options=(), maildir=MAIL.path, file=None, **keywords):
    """The program with a passwd-file of these lines."""
    file = passwd_file(*lines) if file is None else file
    options = [o for o in options if o is not None]
    return Login(f"--passwd-file={file}", "--allow-plaintext", *options,
                 *([] if maildir is None else [maildir]), **keywords)


def gets_in(s, name, secret="secret", user=None):
    s.ok(f"USER {name}")
    s.ok(f"PASS {secret}")
    same(s.ask("STAT"), STAT, f"STAT of {name}")
    s.quit()
    same(s.logged("login")["user"], user or name.lower(), "user in the log")


class Tries:
    """Failures, which take 2 s, side by side."""

    def __init__(self):
        self.each = []

    def add(self, s, name, secret, answer, reason, *words):
        s.try_user(name, secret)
        self.each.append((s, name, answer, reason, words))

    def done(self):
        for s, name, answer, reason, words in self.each:
            what = f"{name} in {s.shape}"
            if answer == "AUTH":
                same(s.line(), REFUSED, what)
            else:
                has_code(s.line(), answer, what)
            same(s.logged("login-failed")["reason"], reason, what)
            if words:
                s.says(*words)
            else:
                true("error " not in s.log_text(), s.log_text())
            same(s.lines("login"), [], what)


# --- what fits --------------------------------------------------------------

SCHEMES = {
    "plain": "{PLAIN}secret", "clear": "{clear}secret",
    "cleartext": "{ClearText}secret", "hex": "{PLAIN.HEX}736563726574",
    "b64": "{PLAIN.b64}c2VjcmV0", "base64": "{PLAIN.BASE64}c2VjcmV0",
    "sha512": CRYPT["sha512"], "scheme512": "{SHA512-CRYPT}" + CRYPT["sha512"],
    "crypt": "{CRYPT}" + CRYPT["sha256"], "yescrypt": CRYPT["yescrypt"],
    "bcrypt": CRYPT["bcrypt"], "blf": "{BLF-CRYPT}" + CRYPT["bcrypt"],
    "sha256": "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
    "sha256hex": "{SHA256.HEX}2bb80d537b1da3e38bd30361aa855686"
                 "bde0eacd7162fef6a25fe97bf527a25b",
}


def ssha(secret, salt):
    return "{SSHA256}" + b64(hashlib.sha256(secret + salt).digest() + salt)


# Built with musl there is no crypt(3): its records are refused.
HAS_CRYPT = "crypt(3): yes" in subprocess.run(
    [PROGRAM, "--version"], capture_output=True, text=True,
    check=True).stdout
if not HAS_CRYPT:
    SCHEMES = {name: stored for name, stored in SCHEMES.items()
               if "$" not in stored}

SCHEMES["ssha256"] = ssha(b"secret", b"salt")
SCHEMES["ssha256long"] = ssha(b"secret", b"a salt of some length")


@check("P-153: every scheme we take lets the right password in")
def _():
    lines = [record(name, stored) for name, stored in SCHEMES.items()]
    for shape in SHAPES:
        for name in SCHEMES:
            gets_in(start(*lines, shape=shape), name)


@check("P-153: and no other, nor the stored text itself")
def _():
    tries = Tries()
    for name, stored in SCHEMES.items():
        data = stored.partition("}")[2]
        for secret in {"secreT", "secret ", "secre", stored, data or "x"}:
            if secret != "secret":
                tries.add(start(record(name, stored)), name, secret, "AUTH",
                          "credentials")
    tries.done()


@check("P-152: comments, empty lines, CRLF, missing fields, the first match")
def _():
    uid = str(OWNER)
    lines = ["# alice:{PLAIN}no", "", "#", f"alice:{{PLAIN}}secret:{uid}:"
             f"{GROUP}::{FOLDER}\r", record("alice", "{PLAIN}other"),
             "broken", ":::::::", record("last")]
    gets_in(start(*lines), "alice")
    gets_in(start(*lines), "last")
    gets_in(start("crlf:{PLAIN}secret:" + f"{uid}:{GROUP}\r"), "crlf")
    if "uid" in SHAPES:
        gets_in(start("short:{PLAIN}secret", shape="uid"), "short")
    no_end = passwd_file()
    with open(no_end, "w") as f:
        f.write(record("noend").rstrip(":"))
    gets_in(start(file=no_end), "noend")
    tries = Tries()
    tries.add(start(*lines), "alice", "other", "AUTH", "credentials")
    tries.add(start(*lines), "#", "x", "AUTH", "unknown")
    tries.add(start(), "alice", "secret", "AUTH", "unknown")
    tries.add(start(*lines), "broken", "x", "AUTH", "disabled")
    tries.add(start(record("alice")), "alic", "secret", "AUTH", "unknown")
    tries.add(start(record("alice")), "alicee", "secret", "AUTH", "unknown")
    tries.done()


# --- where the mail is ------------------------------------------------------

def mail_at(*path):
    """A Maildir of one message, moved to this path below the folder."""
    m = Maildir(SMALL)
    where = os.path.join(FOLDER, *path)
    above = os.path.dirname(where)
    os.makedirs(above, mode=0o755, exist_ok=True)
    os.rename(m.path, where)
    return where


@check("S-7: %u, %n and %d are the folded name and its parts")
def _():
    mail_at("mail", "example.org", "alice")
    mail_at("whole", "alice@example.org", "Maildir")
    mail_at("100%", "alice")
    for shape in SHAPES:
        for template, name in (("/mail/%d/%n", "Alice@Example.ORG"),
                               ("/whole/%u/Maildir", "alice@example.org"),
                               ("/100%%/%u", "ALICE")):
            s = start(record("alice@example.org"), record("alice"),
                      maildir=FOLDER + template, shape=shape)
            gets_in(s, name)


@check("P-152: a relative MAILDIR is below the home, the default is Maildir")
def _():
    mail_at("home", "bob", "Maildir")
    mail_at("home", "bob", "m", "bob")
    for shape in SHAPES:
        for maildir in (None, "Maildir", "m/%u"):
            gets_in(start(record("bob", home=FOLDER + "/home/bob"),
                          maildir=maildir, shape=shape), "bob")


@check("P-152: userdb_mail names the Maildir, absolute or below the home")
def _():
    mail_at("home", "carol", "M")
    mail_at("spool", "carol", "example.org")
    for shape in SHAPES:
        for mail in (f"maildir:{FOLDER}/home/carol/M", "maildir:~/M",
                     "maildir:M", f"maildir:{FOLDER}/spool/%n/%d",
                     "maildir:%h/M", "maildir:~/M:INDEX=MEMORY",
                     "maildir:~/none:INBOX=~/M"):
            s = start(record("carol@example.org", home=FOLDER + "/home/carol",
                             extra="other=1 userdb_mail=" + mail + " x"),
                      maildir="/nonexistent", shape=shape)
            gets_in(s, "carol@example.org")


@check("P-152: other users of one file have other mail")
def _():
    mail_at("each", "a")
    os.makedirs(FOLDER + "/each/b")
    lines = [record(n, home=FOLDER + "/each/" + n, extra="userdb_mail=maildir:"
                    f"{FOLDER}/each/{n}") for n in "ab"]
    gets_in(start(*lines), "a")
    s = start(*lines)
    s.ok("USER b")
    has_code(s.ask("PASS secret"), "SYS/TEMP", "no Maildir there")
    same(s.rest(), b"", "octets behind it")


@check("P-20, P-141: no Maildir after a right password: -ERR [SYS/TEMP] is "
       "the answer to PASS, then the close")
def _():
    for shape in SHAPES:
        for link in LINKS:
            for command in ("USER alice\r\nPASS secret",
                            "AUTH PLAIN " + plain_response("alice", "secret")):
                s = start(record("alice"), maildir=FOLDER + "/gone",
                          shape=shape, link=link)
                s.send(command.encode() + b"\r\nSTAT\r\nQUIT\r\n")
                if "USER" in command:
                    s.line()
                has_code(s.line(), "SYS/TEMP", command)
                same(s.rest(), b"", "octets behind it")
                s.over()
                s.says(FOLDER + "/gone")


@check("interface: that session, too, has one line at login and one at the "
       "end")
def _():
    s = start(record("alice"), maildir=FOLDER + "/gone")
    s.ok("USER alice")
    has_code(s.ask("PASS secret"), "SYS/TEMP")
    s.over()
    same([len(s.lines(w)) for w in ("login", "session")], [1, 1],
         "lines login and session")


@check("P-61: no home where MAILDIR needs one, no domain where it has %d: "
       "-ERR [SYS/PERM], and the log says it")
def _():
    for line, maildir, words in (
            (record("alice", home=""), "Maildir", ("home", "MAILDIR")),
            (record("alice"), FOLDER + "/%d", ("MAILDIR", "alice"))):
        s = start(line, maildir=maildir)
        s.ok("USER alice")
        answer = s.ask("PASS secret")
        s.says(*words)
        has_code(answer, "SYS/PERM", words)


# --- who is refused ---------------------------------------------------------

@check("P-151, P-152: locked, nologin, nopassword: refused, and nothing else "
       "is told")
def _():
    tries = Tries()
    for shape in SHAPES:
        for stored, secret in (("!", "!"), ("*", "*"), ("x", "x"), ("", "x"),
                               ("!" + CRYPT["sha512"], "secret"),
                               ("{PLAIN}", "x"), ("{CRYPT}!", "!"),
                               ("*0", "*0")):
            tries.add(start(record("a", stored), shape=shape), "a", secret,
                      "AUTH", "disabled")
        for extra in ("nologin", "nologin=", "nologin=y", "nopassword=y",
                      "x=1 nopassword", "  nologin "):
            tries.add(start(record("a", extra=extra), shape=shape), "a",
                      "secret", "AUTH", "disabled")
    tries.add(start(record("a", "", extra="nopassword")), "a", "x", "AUTH",
              "disabled")
    gets_in(start(record("a", extra="xnologin nologinx=1 proxy=y")), "a")
    tries.done()


@check("P-150, P-151, P-153: stored passwords that are not taken: the client "
       "sees [AUTH], the log names the line and what would do")
def _():
    if not HAS_CRYPT:
        raise Skip("built without crypt(3)")
    tries = Tries()
    for stored, word in (
            (CRYPT["des"], "SHA-512"), (CRYPT["md5"], "SHA-512"),
            ("{MD5-CRYPT}" + CRYPT["md5"], "$1$"), ("$3$$x", "$3$"),
            ("{SSHA512}c2VjcmV0", "{SSHA512}"), ("{ARGON2ID}x", "{ARGON2ID}"),
            ("{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69", "{PLAIN-MD5}"),
            ("{SHA256}short", "{SHA256}"), ("{SSHA256}####", "{SSHA256}"),
            (CRYPT["sha512"][:-1], "$6$"), (CRYPT["bcrypt"] + "x", "$2b$"),
            ("$2b$99$" + CRYPT["bcrypt"][7:], "$2b$"), ("secret", "{PLAIN}"),
            ("{PLAIN.ROT13}x", "{CRYPT}"), ("{PLAIN", "SCHEME")):
        file = passwd_file("# users", record("a", stored))
        for secret in ("secret", "wrong"):
            tries.add(start(file=file), "a", secret, "AUTH", "hash",
                      "stored password")
            tries.each[-1][0].expected = (file, word)
    tries.done()
    for s, *_ in tries.each:
        file, word = s.expected
        s.says("line 2", file)
        if word != "SCHEME":
            s.says(word)
        true("secret" not in s.log_text(), f"no password in {s.log_text()}")


@check("S-7: hostile names are unknown users")
def _():
    names = ["../x", "a/b", ".", "..", "...", "a..b", ".hidden", "/", "/etc",
             "a\\b", "%s%n", "%u", "~", "a:b", "a b", "a;b", "$(x)", "*",
             "-rf", "@", "a@", "@b", "a@.b", "a@b@../c", "x" * 255,
             "caf\u00e9".encode(), b"\xff\xfe", "a" + "@" * 20, "+", "root"]
    lines = [record("%s%n"), record("*"), record("a b"), record(".."),
             record("../x", home="/"), record(".", home="/")]
    tries = Tries()
    for i, name in enumerate(names):
        tries.add(start(*lines, maildir=FOLDER + "/%u/" + NAME,
                        shape=SHAPES[i % len(SHAPES)]),
                  name, "secret", "AUTH", "unknown")
    tries.done()
    for s, name, *_ in tries.each:
        user = s.logged("login-failed")["user"]
        octets = name if isinstance(name, bytes) else name.encode()
        same(user, "".join(f"\\x{c:02X}" if c < 0x21 or c > 0x7e or
                           chr(c) in "\\=\"" else chr(c)
                           for c in octets[:64]), "user in the log")


@check("P-152: allow_nets, by the address of the launcher and of the socket")
def _():
    def by(ip, *extra):
        return {"PATH": os.environ["PATH"], "PROTO": "TCP", "TCPREMOTEIP": ip}

    def nets(value):
        return record("a", extra="allow_nets=" + value)

    for value, ip in (("192.0.2.0/24", "192.0.2.9"), ("192.0.2.9", "192.0.2.9"),
                      ("10.0.0.0/8,192.0.2.8/30", "192.0.2.11"),
                      ("2001:db8::/32", "2001:db8::1"),
                      ("0.0.0.0/0", "1.2.3.4"),
                      ("192.0.2.0/24", "::ffff:192.0.2.1"),
                      ("::ffff:192.0.2.0/120", "192.0.2.200"),
                      ("local,192.0.2.1", "192.0.2.1")):
        gets_in(start(nets(value), env=by(ip)), "a")
    for link, value in (("tcp", "127.0.0.0/8"), ("tcp", "127.0.0.1"),
                        ("mapped", "127.0.0.1"), ("tcp6", "::1")):
        with contextlib.suppress(Skip):
            gets_in(start(nets(value), link=link), "a")
    tries = Tries()
    for value, ip in (("192.0.2.0/24", "192.0.3.9"),
                      ("192.0.2.8/30", "192.0.2.12"),
                      ("2001:db8::/32", "2001:db9::1"),
                      ("192.0.2.0/24", "2001:db8::1"), ("", "192.0.2.1"),
                      ("192.0.2.1,rubbish", "192.0.2.1"),
                      ("rubbish,192.0.2.1", "192.0.2.1"),
                      ("192.0.2.1/33", "192.0.2.1"),
                      ("192.0.2.1/", "192.0.2.1"), ("192.0.2", "192.0.2.1"),
                      ("192.0.2.1,", "192.0.2.1"), ("local", "192.0.2.1"),
                      ("0.0.0.0/0", "rubbish"), ("0.0.0.0/0", "")):
        tries.add(start(nets(value), env=by(ip)), "a", "secret", "AUTH",
                  "nets")
    tries.add(start(nets("192.0.2.1"), link="tcp"), "a", "secret", "AUTH",
              "nets")
    tries.add(start(nets("127.0.0.1"), link="tcp", env=by("192.0.2.1")), "a",
              "secret", "AUTH", "nets")
    tries.add(start(nets("0.0.0.0/0,::/0"), link="pipe"), "a", "secret",
              "AUTH", "nets")
    # Who does not know the password is not told of the nets either.
    tries.add(start(nets("192.0.2.1"), env=by("192.0.2.2")), "a", "wrong",
              "AUTH", "credentials")
    tries.done()


# --- the file as a whole ----------------------------------------------------

@check("P-154: a file that is missing, unreadable, or another's to write: no "
       "[AUTH], and the log says what mends it")
def _():
    here = passwd_file(record("alice"))
    link = new_path("link")
    os.symlink(here, link)
    fifo = new_path("fifo")
    os.mkfifo(fifo, 0o600)
    give(fifo)
    cases = [(FOLDER + "/no-file", "SYS/TEMP", ("cannot open", "No such")),
             (passwd_file(record("alice"), mode=0o664), "SYS/PERM",
              ("chmod go-w",)),
             (passwd_file(record("alice"), mode=0o646), "SYS/PERM",
              ("chmod go-w",)),
             (link, "SYS/PERM", ("symbolic link",)),
             (FOLDER, "SYS/PERM", ("regular file",)),
             (fifo, "SYS/PERM", ("regular file",)),
             ("/dev/null", "SYS/PERM", ("regular file",))]
    tries = Tries()
    for shape in SHAPES:
        for file, code, words in cases:
            for name, secret in (("alice", "secret"), ("nobody", "x")):
                tries.add(start(file=file, shape=shape), name, secret, code,
                          "file", *words, file)
    unreadable = passwd_file(record("alice"), mode=0)
    tries.add(start(file=unreadable, shape="uid"), "alice", "secret",
              "SYS/TEMP", "file", "cannot open", "Permission denied",
              unreadable)
    if ROOT:
        foreign = passwd_file(record("alice"))
        give(foreign)
        tries.add(start(file=foreign, shape="root"), "alice", "secret",
                  "SYS/PERM", "file", "chown root", foreign)
    tries.done()


@check("P-154: after such a failure the client may try again, and gets in "
       "once the file is mended")
def _():
    file = passwd_file(record("alice"), mode=0o666)
    s = start(file=file)
    s.try_user("alice", "secret")
    has_code(s.line(), "SYS/PERM")
    os.chmod(file, 0o600 if not ROOT else 0o644)
    gets_in(s, "alice")


@check("P-154: a line of more than 4096 octets is skipped and logged, the "
       "others count, in a file of 2 MiB too")
def _():
    long_ones = [b"x" * 4097, b"alice:{PLAIN}no:" + b"y" * (1 << 20),
                 b"z" * 32768, b"z" * 32767]
    most = record("edge") + "x" * (4096 - len(record("edge")))
    over = record("over") + "x" * (4097 - len(record("over")))
    lines = [long_ones[0], most, over, *long_ones[1:], b"a\0b:c",
             record("alice"), b"w" * 900000]
    for shape in SHAPES:
        for name in ("alice", "edge"):
            s = start(*lines, shape=shape)
            gets_in(s, name)
            for number in (1, 3, 4, 5, 6, 9):
                s.says(f"line {number}:", "4096")
            s.says("line 7:", "NUL")
            true("line 2:" not in s.log_text(), "the line of 4096 octets")
    tries = Tries()
    tries.add(start(*lines), "over", "secret", "AUTH", "unknown", "line 3:")
    tries.done()


# --- who it becomes ---------------------------------------------------------

@check("P-152, S-14: uid or gid 0, none, or no number, as root: [SYS/PERM] "
       "to who knows the password, and the log names line and reason")
def _():
    need_root()
    tries = Tries()
    for line, word in ((record("a", uid=0), "0"), (record("a", gid=0), "0"),
                       (record("a", uid=""), "missing"),
                       (record("a", gid=""), "missing"),
                       ("a:{PLAIN}secret", "missing"),
                       (record("a", uid="root"), "numbers"),
                       (record("a", uid="-1"), "numbers"),
                       (record("a", uid="4294967295"), "numbers"),
                       (record("a", uid="4294967296"), "numbers"),
                       (record("a", gid="18446744073709551616"), "numbers"),
                       (record("a", home="relative"), "home"),
                       (record("a", extra="userdb_mail=mbox:/x"),
                        "maildir:PATH"),
                       (record("a", extra="userdb_mail=maildir:~x/y"),
                        "userdb_mail")):
        file = passwd_file("# one", line)
        tries.add(start(file=file, shape="root"), "a", "secret", "SYS/PERM",
                  "record", "line 2", word, file)
        tries.add(start(file=file, shape="root"), "a", "wrong", "AUTH",
                  "credentials")
    tries.done()


@check("S-3: without root, a record of another uid is [SYS/PERM], one without "
       "uid is served by our own")
def _():
    tries = Tries()
    for uid in (OWNER + 1, 0):
        tries.add(start(record("a", uid=uid), shape="uid"), "a", "secret",
                  "SYS/PERM", "record", "line 1", "uid")
    tries.done()
    gets_in(start(f"a:{{PLAIN}}secret:::::{FOLDER}", shape="uid"), "a")


@check("S-14: the session has the record's uid and gid, in all places, and no "
       "groups")
def _():
    need_root()
    s = start(record("alice"), shape="root")
    login(s)
    same(s.status("Uid").split(), [str(UID)] * 4, "uids")
    same(s.status("Gid").split(), [str(UID)] * 4, "gids")
    same(groups_of(s.pid), [], "groups")
    same(s.status("CapEff"), "0" * 16, "capabilities")
    same(s.status("NoNewPrivs"), "1", "no_new_privs")


@check("P-158: mail that another uid owns is not served")
def _():
    need_root()
    m = Maildir(SMALL)
    s = start(record("alice", uid=UID + 1, gid=UID + 1), maildir=m.path,
              shape="root")
    s.ok("USER alice")
    has_code(s.ask("PASS secret"), "SYS/TEMP")
    s.over()
    same(m.left(), [1], "messages")


# --- the log ----------------------------------------------------------------

@check("interface: the lines login, login-failed and session, in that form")
def _():
    who = {"PATH": os.environ["PATH"], "PROTO": "TCP",
           "TCPREMOTEIP": "203.0.113.9", "TCPREMOTEPORT": "40112"}
    both = [start(record("alice", "{PLAIN}a b"), shape=shape, env=who,
                  link="tcp") for shape in SHAPES]
    for s in both:
        s.try_user('a ip=198.51.100.9 "\\', "x")
    for s in both:
        same(s.line(), REFUSED, "PASS")
        s.send(b"AUTH PLAIN " + plain_response("ALICE", "a b").encode() +
               b"\r\n")
        s.line()
        s.ok("RETR 1", True)
        s.quit()
        pid = s.pid
        lines = s.log_text().splitlines()
        same(len(lines), 3, "lines")
        begin = f"ip=203.0.113.9 port=40112 pid={pid} user="
        same(lines[:2],
             [f"login-failed {begin}a\\x20ip\\x3D198.51.100.9\\x20\\x22\\x5C "
              "tls=no method=PASS reason=unknown",
              f"login {begin}alice tls=no method=PLAIN"], "the two lines")
        octets = len(plain(SMALL))
        true(re.fullmatch(
            f"session {begin}alice end=quit messages=1 octets=(-|{octets}) "
            f"retr=1/{octets} top=0/0 del=0/0 kept=1 seen=[01] "
            fr"in={s.sent} out={s.got} delivered=yes seconds=\d+\.\d\d\d",
            lines[2]), f"{lines[2]}, sent {s.sent}, got {s.got}")
        between(DEADLINE, float(lines[2].rpartition("=")[2]),
                time.monotonic() - s.began, "seconds")


done()
