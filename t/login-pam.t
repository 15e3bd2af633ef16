#!/usr/bin/env python3
# --pam with the system's own library and modules: a service made for this
# test, users made for it, and what each verdict of PAM becomes.
import os
import sys

sys.path.insert(0, os.environ["T"])
from login import *

SMALL = message()
SERVICES = "/etc/pam.d"
made = []


def service(*lines):
    """A PAM service of these lines; its name."""
    need_root()
    need_way("PAM")
    if not os.path.isdir(SERVICES):
        raise Skip(f"no {SERVICES}")
    name = f"maildir-pop3d-test-{os.getpid()}-{len(made)}"
    path = os.path.join(SERVICES, name)
    if not made:
        atexit.register(lambda: [os.unlink(p) for p in made])
    made.append(path)
    with open(path, "w") as f:
        f.write("".join(line + "\n" for line in lines))
    os.chmod(path, 0o644)
    return name


PERMIT = ("auth required pam_permit.so", "account required pam_permit.so")
UNIX = ("auth required pam_unix.so nodelay", "account required pam_unix.so")
users = {}


def user(suffix, *args, **keywords):
    """A user with a home and a Maildir of one message."""
    if suffix not in users:
        home = new_path("home")
        os.mkdir(home)
        name, entry = make_user(suffix, *args, home=home, **keywords)
        m = Maildir(SMALL)
        os.rename(m.path, home + "/Maildir")
        give_to(home, entry)
        os.chmod(home, 0o755)
        users[suffix] = name, entry
    return users[suffix]


def start(name, *options, **keywords):
    keywords.setdefault("shape", "root")
    return Login(f"--pam={name}", "--allow-plaintext", *options, **keywords)


def fails(*tries):
    """(session, name, secret, answer, reason, words of the log)..., side by
    side."""
    began, took = time.monotonic(), []
    for s, name, secret, *_ in tries:
        s.try_user(name, secret)
    for s, name, _secret, answer, reason, *words in tries:
        if answer == "AUTH":
            same(s.line(), REFUSED, name)
        else:
            has_code(s.line(), answer, name)
        took.append(time.monotonic() - began)
        same(s.logged("login-failed")["reason"], reason, name)
        if words:
            s.says(*words)
        same(s.lines("login"), [], name)
    lasted(DEADLINE, took[0], DEADLINE * 2)
    lasted(DEADLINE, took[-1], DEADLINE * 2)


@check("P-61: pam_unix: the right password of a system user, and the session "
       "is that user's, with his groups")
def _():
    name, entry = user("a", CRYPT["yescrypt"])
    unix = service(*UNIX)
    for link in LINKS:
        for line in ("PASS secret",
                     "AUTH PLAIN " + plain_response(name, "secret")):
            s = start(unix, link=link)
            if line.startswith("PASS"):
                s.ok("USER " + name)
            s.ok(line)
            same(s.ask("STAT"), b"+OK 1 %d\r\n" % len(plain(SMALL)), "STAT")
            same(user_of(s.pid), [entry.pw_uid] * 4, "uids")
            same(s.status("Gid").split(), [str(entry.pw_gid)] * 4, "gids")
            same(groups_of(s.pid), [str(entry.pw_gid)], "groups")
            same(s.status("CapEff"), "0" * 16, "capabilities")
            s.quit()
            same((s.logged("login")["user"], s.logged("session")["end"]),
                 (name, "quit"), "log")
            same(s.lines("error"), [], "errors")


@check("P-61: pam_unix: wrong, unknown, locked, in other letters: one answer "
       "at one time")
def _():
    name, _entry = user("a", CRYPT["yescrypt"])
    locked, _entry = user("l", "!" + CRYPT["yescrypt"])
    unix = service(*UNIX)
    fails((start(unix), name, "wrong", "AUTH", "credentials"),
          (start(unix), name + "x", "secret", "AUTH", "unknown"),
          (start(unix), locked, "secret", "AUTH", "credentials"),
          (start(unix), name, "secret ", "AUTH", "credentials"),
          (start(unix), name.upper(), "secret", "AUTH", "unknown"),
          (start(unix), name, "s" * 256, "AUTH", "credentials"))


@check("P-67: PAM adds no delay of its own, and after a failure one gets in")
def _():
    name, _entry = user("a", CRYPT["yescrypt"])
    slow = service("auth optional pam_faildelay.so delay=6000000",
                   "auth required pam_unix.so",
                   "account required pam_unix.so")
    s = start(slow)
    fails((s, name, "wrong", "AUTH", "credentials"))
    began = time.monotonic()
    login(s, name)
    lasted(0, time.monotonic() - began, DEADLINE, "a success")


@check("S-7: names that can be no user's are not asked about")
def _():
    permit = service(*PERMIT)
    fails(*[(start(permit), n, "x", "AUTH", "unknown") for n in
            ("../x", "a/b", ".", ".a", "a b", b"\xe4", "nobody-of-that-name",
             "%s%n", "x" * 255)])


@check("P-61: pam_deny, and a service that denies in its account phase")
def _():
    name, _entry = user("a", CRYPT["yescrypt"])
    deny = service("auth required pam_deny.so",
                   "account required pam_permit.so")
    account = service("auth required pam_permit.so",
                      "account required pam_deny.so")
    s, t, u = start(deny), start(account), start(deny)
    t.try_user(name, "secret")
    fails((s, name, "secret", "AUTH", "credentials"),
          (u, "nobody-of-that-name", "x", "AUTH", "credentials"))
    same(t.line(), REFUSED, "account phase")
    same(t.lines("login"), [], "logins")


@check("P-61: an account that has expired, one whose password must be changed")
def _():
    name, _entry = user("e", CRYPT["yescrypt"])
    old, _entry = user("o", CRYPT["yescrypt"])
    need("chage")
    retry("chage", "--expiredate", "2001-01-01", name)
    retry("chage", "--lastday", "0", old)
    unix = service(*UNIX)
    fails((start(unix), name, "secret", "AUTH", "disabled"),
          (start(unix), old, "secret", "AUTH", "disabled"))


@check("P-61: pam_listfile names who may log in")
def _():
    name, _entry = user("a", CRYPT["yescrypt"])
    other, _entry = user("b", CRYPT["yescrypt"])
    path = new_path("allowed")
    with open(path, "w") as f:
        f.write(name + "\n")
    os.chmod(path, 0o644)
    some = service(f"auth required pam_listfile.so item=user sense=allow "
                   f"file={path} onerr=fail", *UNIX)
    s = start(some)
    login(s, name)
    s.quit()
    s = start(some)
    s.try_user(other, "secret")
    same(s.line(), REFUSED, "who is not in the list")


@check("P-124: PAM is told the client's address")
def _():
    name, _entry = user("a", CRYPT["yescrypt"])
    path = new_path("hosts")
    with open(path, "w") as f:
        f.write("192.0.2.7\n")
    hosts = service(f"auth required pam_listfile.so item=rhost sense=allow "
                    f"file={path} onerr=fail", *PERMIT)
    s = start(hosts, env={"PATH": "/usr/bin:/bin", "PROTO": "TCP",
                          "TCPREMOTEIP": "192.0.2.7"})
    login(s, name)
    s = start(hosts, link="tcp")
    s.try_user(name, "secret")
    same(s.line(), REFUSED, "another address")


def free_uid():
    """One of the system's range that nobody has."""
    for uid in range(990, 100, -1):
        try:
            pwd.getpwuid(uid)
        except KeyError:
            return uid
    raise Skip("no free uid below 1000")


@check("S-14: uids below --min-uid, and root, are refused whatever PAM says, "
       "and the log says it")
def _():
    name, entry = user("a", CRYPT["yescrypt"])
    low, _entry = user("s", CRYPT["yescrypt"], uid=free_uid())
    permit = service(*PERMIT)
    above = f"--min-uid={entry.pw_uid + 1}"
    fails((start(permit), "root", "x", "AUTH", "disabled", "--min-uid"),
          (start(permit), low, "x", "AUTH", "disabled", "--min-uid", low),
          (start(permit, "--min-uid=1"), "root", "x", "AUTH", "disabled"),
          (start(permit, above), name, "x", "AUTH", "disabled", name))
    for option, who in ((f"--min-uid={entry.pw_uid}", name),
                        ("--min-uid=100", low)):
        s = start(permit, option)
        login(s, who)
        s.quit()
    for value in ("0", "-1", "x", ""):
        s = start(permit, f"--min-uid={value}", greeting=False)
        has_code(s.rest(), "SYS/PERM", value)
        s.close()
        s.exits(100)
        true("--min-uid" in s.log_text(), "log")


@check("P-61, P-118: a service that is not there, a module that is not: no "
       "[AUTH] for an error, and the log names service and file")
def _():
    name, _entry = user("a", CRYPT["yescrypt"])
    broken = service("auth required pam_no_such_module.so",
                     "account required pam_permit.so")
    unavailable = service("auth required pam_debug.so auth=authinfo_unavail",
                          "account required pam_permit.so")
    tries = [(start(broken), "SYS/", broken),
             (start(unavailable), "SYS/TEMP", unavailable)]
    if not os.path.exists(SERVICES + "/other"):
        tries.append((start("no-such-service-here"), "SYS/PERM", "no-such"))
    for s, _code, _word in tries:
        s.try_user(name, "secret")
    for s, code, word in tries:
        answer = s.line()
        true(answer.startswith(b"-ERR [" + code.encode()), f"{answer!r}")
        s.says(word)
        same(s.logged("login-failed")["reason"], "pam", "reason")
        same({f["pid"] for f in s.lines("pam-failed")},
             {s.logged("login-failed")["pid"]}, "pid")


@check("P-61: a service that is not there falls to PAM's own \"other\", which "
       "lets nobody in without a password")
def _():
    name, _entry = user("a", CRYPT["yescrypt"])
    s = start("no-such-service-here")
    s.try_user(name, "wrong")
    true(s.line().startswith(b"-ERR ["), "answer")


@check("P-141: a user without a Maildir: -ERR [SYS/TEMP], and the close")
def _():
    name, entry = user("m", CRYPT["yescrypt"])
    shutil.rmtree(entry.pw_dir + "/Maildir")
    s = start(service(*UNIX))
    s.ok("USER " + name)
    has_code(s.ask("PASS secret"), "SYS/TEMP")
    same(s.rest(), b"", "behind it")
    s.over()
    s.says("Maildir")


@check("P-66: PAM knows no APOP, and --pam takes no path")
def _():
    need_way("PAM")
    for words in (["--pam=x", "--apop"], ["--pam=../x"], ["--pam=a/b"],
                  ["--pam="]):
        s = Login(*words, greeting=False)
        has_code(s.rest(), "SYS/PERM", words)
        s.close()
        s.exits(100)


@check("S-3: without root PAM serves none but our own user")
def _():
    name, _entry = user("a", CRYPT["yescrypt"])
    s = start(service(*PERMIT), shape="uid")
    s.try_user(name, "secret")
    has_code(s.line(), "SYS/PERM")
    s.says("root", name)


done()
