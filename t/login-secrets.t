#!/usr/bin/env python3
# What is left of a password (S-6): nothing in the log, in arguments and
# environments, in the memory of any process; and who the processes are (S-3).
import hashlib
import os
import resource
import sys

sys.path.insert(0, os.environ["T"])
from login import *

SECRET = "Xq7-unlikely-PassWord-zW9"
WRONG = "Xq7-mistyped-PassWord-vK4"
ARG = "Xq7-argument-PassWord-tR2"
MAIL = Maildir(message())
NAME = os.path.basename(MAIL.path)


def stored():
    """{SSHA256} of SECRET: digest and salt in one."""
    return "{SSHA256}" + b64(
        hashlib.sha256(SECRET.encode() + b"salt").digest() + b"salt")


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


CRYPT_SECRET = ("$6$rounds=1000$saltsalt$lGptaW3yzMUKPk9Td5ZKPt2rZjbWnRcwJSRCO1"
                "Gt6Gxu9V1zz2a9/Jm5FUnwcxOLiD/nnLOOaMJgxZZ9CERzy1")
USERS = {
    "crypt": passwd_file(record("alice", CRYPT_SECRET), record("bob")),
    "plain": passwd_file(record("alice", "{PLAIN}" + SECRET), record("bob")),
    "digest": passwd_file(record("alice", stored()), record("bob")),
}


def start(*options, users="digest", **keywords):
    return File(MAIL, *options, users=USERS[users], **keywords)


CHECKER = f"""
{{ IFS= read -r name; IFS= read -r secret; }} <<-EOF
$(tr '\\0' '\\n' <&3)
EOF
exec 3<&-
[ "$(printf %s "$secret" | sha256sum)" = "{digest(SECRET)}  -" ] || exit 1
unset secret
cd {FOLDER}
[ "$(id -u)" != 0 ] ||
    set -- setpriv --reuid={UID} --regid={UID} --clear-groups "$@"
USER=$name exec "$@"
"""


def checked(*options, **keywords):
    return Login("--checkpassword", "--allow-plaintext", *options, NAME, "sh",
                 "-c", CHECKER, "x", **keywords)


# --- the log ----------------------------------------------------------------

LINES = ["pass {0}", "PASS  {0}", "PASS\t{0}", " PASS {0}", "PASSWORD {0}",
         "PAS {0}", "PASS:{0}", "{0}", "AUTH {0}", "AUTH PLAIN {0}",
         "AUTH PLAIN {1}", "AUTH PLAIN {1} x", "AUTH  PLAIN {1}",
         "AUTHPLAIN {1}", "AUTH LOGIN {1}", "APOP alice {0}", "APOP {0}",
         "LOGIN alice {0}", "a LOGIN alice {0}", "XPASS {0}", "PA\0SS {0}",
         "PASS {0}" + " " * 500]


@check("S-6: no password in the log, with -v, in any command of either state")
def _():
    each = []
    response = plain_response("alice", SECRET)
    for shape in SHAPES:
        for make in (start, checked):
            s = make("-v", shape=shape)
            failed = [make("-v", shape=shape) for _ in range(3)]
            failed[0].try_user("alice", WRONG)
            failed[1].send(b"AUTH PLAIN " + plain_response("alice", WRONG)
                           .encode() + b"\r\n")
            failed[2].send(b"AUTH PLAIN\r\n" + plain_response("alice", WRONG)
                           .encode() + b"\r\n")
            each.append((s, failed))
    for s, failed in each:
        for one in failed:
            answer = one.line()
            same(one.line() if answer == b"+ \r\n" else answer, REFUSED, "try")
            one.end()
    for s, failed in each:
        for line in LINES:
            no_code(s.ask(line.format(SECRET, response[:-1] + "?")), line)
            s.ok("CAPA", True)
        s.ok("AUTH PLAIN " + response)
        for line in LINES:
            no_code(s.ask(line.format(SECRET, response)), line)
            s.ok("NOOP")
        s.quit()
        for one in (s, *failed):
            for text in (SECRET, WRONG, response[:-4],
                         plain_response("alice", WRONG)[:-4]):
                same([line for line in one.log_text().splitlines()
                      if text in line], [], "lines with a password")
        true("command pid=" in s.log_text(), "-v logs commands")


# --- arguments and environment ----------------------------------------------

@check("S-6: nor in arguments or environment of any process of the tree")
def _():
    need_root()
    for shape in SHAPES:
        for make in (start, checked):
            s = make(shape=shape)
            seen = []

            def look():
                for pid in tree(s.pid):
                    for what in ("cmdline", "environ"):
                        with contextlib.suppress(OSError), \
                                open(f"/proc/{pid}/{what}", "rb") as f:
                            seen.append(f.read())

            s.try_user("alice", WRONG)
            until(lambda: look() or "login-failed" in s.log_text(),
                  "the failure")
            same(s.line(), REFUSED, "PASS")
            s.try_user("alice", SECRET)
            while not select.select([s.rd], [], [], 0)[0]:
                look()
            true(s.line().startswith(b"+OK "), "PASS")
            look()
            true(len(seen) >= 6, "something was looked at")
            true(not any(t.encode() in octets for octets in seen
                         for t in (SECRET, WRONG)), "a password in /proc")


# --- memory -----------------------------------------------------------------

def found(pid, *texts):
    """Which of texts are in the writable memory of pid, and where."""
    out = []
    with open(f"/proc/{pid}/maps") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            words = line.split()
            where = words[5] if len(words) > 5 else "anonymous"
            if "r" not in words[1] or where in ("[vvar]", "[vsyscall]"):
                continue
            low, high = (int(w, 16) for w in words[0].split("-"))
            with contextlib.suppress(OSError, OverflowError):
                mem.seek(low)
                octets = mem.read(high - low)
                out += [f"{text!r} at {at:#x} of {where}" for text in texts
                        for at in [octets.find(text)] if at != -1]
    return out


def need_memory():
    """What the sanitizers keep, they keep on purpose."""
    need_root()
    with open(PROGRAM, "rb") as f:
        if b"__asan_init" in f.read():
            raise Skip("built with the address sanitizer")


def wiped(s, pids, what):
    texts = []
    for t in (SECRET, WRONG, ARG):
        texts += [t.encode()[3:], plain_response("alice", t).encode()[12:-4]]
    for pid in pids:
        same(found(pid, *texts), [], f"{what}, process {pid} of {s.shape}")


@check("S-6: (the search finds what is there)")
def _():
    need_memory()
    s = start()
    s.send(b"USER " + WRONG.encode())
    s.asleep("read", "poll")
    true(found(s.front(), WRONG.encode()), "half a line in the front")


def way(secret):
    response = plain_response("alice", secret)
    return {"PASS": f"USER alice\r\nPASS {secret}\r\n",
            "AUTH": f"AUTH PLAIN {response}\r\n",
            "AUTH in two lines": f"AUTH PLAIN\r\n{response}\r\n"}


for name, make in (("a {PLAIN} file", lambda **k: start(users="plain", **k)),
                   ("a file of digests", start),
                   ("a file of crypt(3)", lambda **k: start(users="crypt",
                                                            **k)),
                   ("a checker", checked)):
    @check(f"S-6: after login no process has the password: {name}")
    def _():
        need_memory()
        for shape in SHAPES:
            for script in way(SECRET).values():
                s = make(shape=shape)
                s.send(script.encode())
                line = s.line()
                while not line.startswith((b"+OK logged in", b"-ERR")):
                    true(line, "an answer")
                    line = s.line()
                s.ok("NOOP")
                wiped(s, tree(s.pid), script[:9])
                s.end()


@check("S-6: after a failed try neither the keeper nor the part before login "
       "has it; nor after what was mistyped")
def _():
    need_memory()
    each = []
    for shape in SHAPES:
        for make in (start, checked, lambda **k: start(users="crypt", **k)):
            for what, script in (
                    *way(WRONG).items(),
                    ("PASS without USER", f"PASS {WRONG}\r\n"),
                    ("AUTH of another form", f"AUTH PLAIN {WRONG}\r\n"),
                    ("a proxy login", "AUTH PLAIN " + plain_response(
                        "alice", WRONG, "bob") + "\r\n")):
                s = make(shape=shape)
                s.send(script.encode())
                each.append((s, what))
    trouble = []
    for s, what in each:
        line = s.line()
        while not line.startswith(b"-ERR"):
            true(line, "an answer")
            line = s.line()
        s.asleep("read", "poll")
        try:
            wiped(s, tree(s.pid), what)
        except Fail as why:
            trouble.append(str(why))
    same(trouble, [], "left")


@check("S-6: between the tries, while a failure waits for its time")
def _():
    need_memory()
    s = start()
    s.try_user("alice", WRONG)
    until(lambda: s.lines("login-failed"), "the log line")
    wiped(s, [s.pid], "the keeper")


# --- limits, and who they are -----------------------------------------------

def limits(pid):
    with open(f"/proc/{pid}/limits") as f:
        return {line[:25].strip(): line[26:].split()[:2] for line in f}


def guarded(pid, what):
    same(limits(pid)["Max core file size"], ["0", "0"], f"core of {what}")
    if ROOT:
        # What is not dumpable belongs to root in /proc.
        same(os.stat(f"/proc/{pid}/environ").st_uid, 0,
             f"owner of /proc of {what}")
    else:
        try:
            with open(f"/proc/{pid}/environ", "rb"):
                pass
            raise Fail(f"{what} can be looked at")
        except PermissionError:
            pass


@check("S-6: no process leaves a core or can be looked into")
def _():
    for shape in SHAPES:
        for make in (start, checked):
            s = make(shape=shape, prepare=lambda: resource.setrlimit(
                resource.RLIMIT_CORE, (1 << 20, 1 << 20)))
            guarded(s.pid, "the keeper")
            s.asleep("read", "poll")
            front = s.front()
            until(lambda: status_of(front, "NoNewPrivs") == "1", "no_new_privs")
            guarded(front, "the front")
            login(s, secret=SECRET)
            s.ok("NOOP")
            for pid in tree(s.pid):
                guarded(pid, "a process after login")
            s.quit()


@check("S-3, S-14: before login the front is nobody, in an empty directory, "
       "with no rights; the keeper has the connection and reads none of it")
def _():
    need_root()
    nobody = pwd.getpwnam("nobody")
    for make in (start, checked):
        s = make(shape="root")
        front = s.front()
        s.ok("CAPA", True)
        same(user_of(front), [nobody.pw_uid] * 4, "uids of the front")
        same(status_of(front, "Gid").split(), [str(nobody.pw_gid)] * 4, "gids")
        same(groups_of(front), [], "groups")
        same([status_of(front, key) for key in ("CapEff", "CapPrm", "CapInh")],
             ["0" * 16] * 3, "capabilities")
        same(status_of(front, "NoNewPrivs"), "1", "no_new_privs")
        if sandboxed():
            same(status_of(front, "Seccomp"), "2", "seccomp")
            same((os.stat(f"/proc/{front}/root").st_ino,
                  os.stat(f"/proc/{front}/cwd").st_ino),
                 (os.stat(EMPTY).st_ino,) * 2, "root directory")
            between(1, int(limits(front)["Max address space"][1]), 64 << 20,
                    "address space")
        fds = {int(n) for n in os.listdir(f"/proc/{front}/fd")}
        same(len(fds), 4, f"descriptors {fds}: 0, 1, 2 and the road to the "
             "keeper")
        same(user_of(s.pid), [0] * 4, "uids of the keeper")
        with open(f"/proc/{s.pid}/io") as f:
            before = f.read()
        s.ask("USER " + "x" * 200)
        with open(f"/proc/{s.pid}/io") as f:
            same(f.read(), before, "what the keeper has read and written")


@check("S-3: after login the first process is the owner, all the way")
def _():
    for shape in SHAPES:
        s = start(shape=shape)
        front = s.front()
        login(s, secret=SECRET)
        s.ok("STAT")
        until(lambda: not alive(front), "the end of the front")
        same(tree(s.pid), [s.pid], "processes")
        same(user_of(s.pid), [OWNER] * 4, "uids")
        same(status_of(s.pid, "NoNewPrivs"), "1", "no_new_privs")
        if sandboxed():
            same(status_of(s.pid, "Seccomp"), "2", "seccomp")
        s.quit()


@check("S-12: descriptors that were left open reach neither of the two")
def _():
    need_root()
    for shape in SHAPES:
        for make in (start, checked):
            with leaks(*range(40, 540)) as left:
                s = make(shape=shape, pass_fds=left)
            s.ok("CAPA", True)
            for pid in tree(s.pid):
                true(len(os.listdir(f"/proc/{pid}/fd")) <= 6,
                     f"descriptors of {pid}")


done()
