#!/usr/bin/env python3
# Users cannot be counted by the work that a refusal costs (S-5): the keeper
# spends one crypt(3) on each, whoever it is, of the method and cost that the
# site uses.  The calls are counted (crypts.c); a clock of the wall or of the
# processor would also tell what else the machine is doing.
import functools
import os
import sys

sys.path.insert(0, os.environ["T"])
from login import *

# One try after the other on each connection (P-67: three), all of them side
# by side: how it is asked, and what the site's hashes are by then.
ROUNDS = [("PASS", CRYPT["sha512"]), ("PLAIN", CRYPT["yescrypt"]),
          ("PASS", CRYPT["bcrypt"])]
UNKNOWN_TO_CRYPT = "$2b$99$" + CRYPT["bcrypt"][7:]
LONG = "s" * 255        # as long as a secret may be
WHO = {
    "a wrong password": ("first", "wrong"),
    "another user's": ("last", "wrong"),
    "a long one": ("first", LONG),
    "an unknown user": ("nobody-of-that-name", "secret"),
    "an unknown user, a long password": ("nobody-of-that-name", LONG),
    "a name that can be none": ("../x", "secret"),
    "nologin, right password": ("off", "secret"),
    "nologin, wrong password": ("off", "wrong"),
    "locked": ("locked", "secret"),
    "locked by *": ("star", "secret"),
    "no password stored": ("empty", "secret"),
    "in the clear, wrong": ("clear", "wrong"),
    "in the clear, right, nologin": ("clearoff", "secret"),
    "a damaged hash": ("damaged", "secret"),
    "a hash crypt(3) does not take": ("nocrypt", "secret"),
    "a method we do not take": ("des", "secret"),
    "a scheme we do not take": ("scheme", "secret"),
    "not from there": ("nets", "secret"),
}
MAIL = Maildir(message())
tried = {}


def users_with(usual):
    """A passwd-file; the first records give no dummy."""
    return passwd_file(
        "# users", record("clear"), record("damaged", usual[:-3]),
        record("first", usual), record("off", usual, extra="nologin"),
        record("locked", "!" + usual), record("star", "*"),
        record("empty", ""), record("clearoff", extra="nologin"),
        record("nocrypt", UNKNOWN_TO_CRYPT), record("des", CRYPT["des"]),
        record("scheme", "{SSHA512}x"), record("last", usual),
        record("nets", usual, extra="allow_nets=192.0.2.1"))


def run(*command):
    return subprocess.run(command, capture_output=True, text=True,
                          check=False)


@functools.cache
def counter():
    """What LD_PRELOAD must be for the calls to be counted."""
    need_way("crypt(3)")
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))),
                    None)
    if compiler is None:
        raise Skip("no C compiler, which makes what counts the calls")
    libraries = run("ldd", PROGRAM)
    if libraries.returncode != 0:
        raise Skip("a static program: nothing can stand before its crypt(3)")
    library = new_path("crypts") + ".so"
    made = run(compiler, "-shared", "-fPIC", "-o", library,
               os.path.join(os.environ["T"], "crypts.c"), "-ldl")
    true(made.returncode == 0, made.stderr)
    # The sanitizer must be the first, and passes calls on to the next.
    first = re.findall(r"=> (/\S*libasan\S*)", libraries.stdout)
    return ":".join([*first, library])


def counted(**keywords):
    """A session whose calls are counted in the file s.crypts."""
    path = new_path("crypts")
    with open(path, "w"):
        give(path)
    s = File(MAIL, env={"LD_PRELOAD": counter(), "CRYPTS": path}, **keywords)
    s.crypts = path
    return s


def calls(s):
    """What each call was: phrase's octets, outcome, setting; in order."""
    with open(s.crypts) as f:
        lines = f.read().splitlines()
    same(lines[:1], ["loaded"], "the counter")
    words = [line.split() for line in lines[1:]]
    same({word[0] for word in words} - {str(s.pid)}, set(),
         f"others than the keeper, {s.pid}, that called crypt(3)")
    return [(int(word[1]), *word[2:]) for word in words]


def setting(stored):
    return stored[:stored.rindex("$") + 1]


def wanted(name, secret):
    """One call a try; one that does nothing is not it."""
    for _, usual in ROUNDS:
        if name == "nocrypt":
            yield len(secret), "nothing", setting(UNKNOWN_TO_CRYPT)
        yield len(secret), "hash", setting(usual)


def one_try(s, how, name, secret):
    if how == "PASS":
        s.try_user(name, secret)
    else:
        s.send(f"AUTH PLAIN {plain_response(name, secret)}\r\n".encode())


@check("S-5: (a login costs one crypt, one in the clear costs none)")
def _():
    for name, expected in (
            ("first", [(6, "hash", setting(CRYPT["sha512"]))]), ("clear", [])):
        s = counted(users=users_with(CRYPT["sha512"]))
        login(s, name)
        same(calls(s), expected, name)
        s.quit()


@check("S-5: (the tries)")
def _():
    users = new_path("users")
    os.rename(users_with(ROUNDS[0][1]), users)
    each = [(what, counted(users=users, shape=shape))
            for what in WHO for shape in SHAPES]
    answers = {what: [] for what in WHO}
    for how, usual in ROUNDS:
        os.rename(users_with(usual), users)
        for what, s in each:
            one_try(s, how, *WHO[what])
        for what, s in each:
            answers[what].append(s.line(40))
    for what in WHO:
        mine = [s for who, s in each if who == what]
        tried[what] = answers[what], [(s.shape, calls(s)) for s in mine]


for what, (name, secret) in WHO.items():
    @check(f"S-5: {what}: one crypt of the site's method and cost, the same "
           "octets")
    def _():
        counter()       # skips
        answers, shapes = tried[what]
        same(set(answers), {REFUSED}, "answers")
        same(len(answers), len(ROUNDS) * len(SHAPES), "of them")
        for shape, took in shapes:
            same(took, list(wanted(name, secret)), shape)


done()
