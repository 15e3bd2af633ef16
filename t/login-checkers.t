#!/usr/bin/env python3
# --checkpassword: what a checker is given, what each of its ends means, and
# the session it runs (P-116...P-121); APOP; the chain of qmail-popup.
import hashlib
import os
import sys

sys.path.insert(0, os.environ["T"])
from login import *

SMALL = message()
MAIL = Maildir(SMALL)
NAME = os.path.basename(MAIL.path)
STAT = b"+OK 1 %d\r\n" % len(plain(SMALL))
# Run as sh -c SCRIPT FOLDER PROGRAM...: alice's password is "secret".
READ = r"""
{ IFS= read -r name; IFS= read -r secret; IFS= read -r stamp; } <<-EOF
$(tr '\0' '\n' <&3)
EOF
exec 3<&-
"""
EXEC = f"""
[ "$(id -u)" != 0 ] ||
    set -- setpriv --reuid={UID} --regid={UID} --clear-groups "$@"
exec "$@"
"""
TAKE_ON = f"""
export USER="$name" HOME={FOLDER} SHELL=/bin/sh
cd "$HOME" || exit 111
""" + EXEC
GOOD = READ + '[ "$name" = alice ] && [ "$secret" = secret ] || exit 1' + \
    TAKE_ON
# Anybody is let in, and all that the checker has is written down.
NOTES = """
cat /proc/$$/environ >"$0/environ"
while IFS= read -r line; do echo "$line"; done </proc/$$/status >"$0/status"
(ls -l /proc/$$/fd >"$0/fd"; :)
printf '%s\\0' "$@" >"$0/argv"
cat <&3 >"$0/octets"
exec 3<&-
""" + TAKE_ON
MD5 = READ + """
[ -n "$stamp" ] || exit 1
sum=$(printf '%s%s' "$stamp" secret | md5sum)
[ "$name" = alice ] && [ "$secret" = "${sum%% *}" ] || exit 1
""" + TAKE_ON
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CONSTANT = {"PATH": PATH, "PROTO": "TCP"}


class Checked(Login):
    """With such a script as the checker."""

    def __init__(self, script, *options, maildir=NAME, words=None,
                 **keywords):
        self.out = new_path("out")
        os.mkdir(self.out)
        give(self.out)
        words = ["sh", "-c", script, self.out] if words is None else words
        super().__init__("--checkpassword", "--allow-plaintext", *options,
                         maildir, *words, **keywords)

    def noted(self, name):
        with open(os.path.join(self.out, name), "rb") as f:
            return f.read()

    def was_run(self):
        return bool(os.listdir(self.out))

    def session(self):
        """The pid of the session that the checker ran."""
        return until(lambda: children(self.pid), "the session")[0]


def everywhere():
    return [(shape, link) for shape in SHAPES for link in LINKS]


def words_of(octets):
    return [w.decode() for w in octets.split(b"\0")[:-1]]


# --- what it is given -------------------------------------------------------

@check("P-116, P-117: descriptor 3 has name, password and an empty stamp, "
       "octet for octet, and then its end")
def _():
    for shape, link in everywhere():
        for name, secret in (("alice", "secret"), ("Alice@Example.ORG", " x "),
                             ("a", "ü\t%s\\"), ("n" * 255, "p" * 254)):
            for auth in (False, True):
                if auth and shape == "uid":
                    continue
                s = Checked(NOTES, shape=shape, link=link)
                if auth:
                    s.ok("AUTH PLAIN " + plain_response(name, secret))
                else:
                    s.try_user(name, secret)
                    true(s.line().startswith(b"+OK "), f"PASS {name[:9]}")
                same(s.noted("octets"),
                     name.encode() + b"\0" + secret.encode() + b"\0\0",
                     "octets")
                s.quit()


@check("P-97, P-116: what does not fit into 512 octets is refused, uncut")
def _():
    s = Checked(NOTES)
    s.try_user("n" * 255, "p" * 255)
    other = Checked(NOTES)
    other.send(b"AUTH PLAIN " + plain_response("n" * 255, "p" * 255).encode() +
               b"\r\n")
    same((s.line(), other.line()), (REFUSED, REFUSED), "answers")
    same((s.was_run(), other.was_run()), (False, False), "checkers run")


@check("P-58: a name with a slash, a leading dot or octets outside 21..7E "
       "fails like a wrong password, and no checker hears of it")
def _():
    names = [b"../x", b"a/b", b".", b".alice", b"/etc/passwd", b"al ice",
             b"\xe4lice", "\u00fc".encode()]
    each = [Checked(NOTES) for _ in names]
    for s, name in zip(each, names):
        s.try_user(name, "secret")
    answers = [s.line() for s in each]
    for s, name, answer in zip(each, names, answers):
        same((answer, s.was_run()), (REFUSED, False), name)


@check("S-13: the environment is made anew: PATH, PROTO, the peer, TZ, the "
       "pipe, and nothing else")
def _():
    hostile = {"PATH": ".:/tmp", "IFS": "/", "MALLOC_CHECK_": "3",
               "MAILDIR": "/", "HOME": "/", "USER": "root", "ENV": "/x",
               "BASH_ENV": "/x", "LANG": "C", "TCPREMOTEINFO": "a\nb",
               "TCPREMOTEHOST": "$(x)", "TCPLOCALIP": "x", "SSL_CIPHER": "y",
               "SSL_PROTOCOL": "z", "MAILDIR_POP3D_SESSION": "0",
               "BIG": "x" * 100000, "TCPREMOTEIP": "192.0.2.7",
               "TCPREMOTEPORT": "4711", "PROTO": "TCP"}
    peer = {"TCPREMOTEIP": "192.0.2.7", "TCPREMOTEPORT": "4711"}
    for shape in SHAPES:
        for env, expect in (
                (hostile, peer), ({**hostile, "TZ": "UTC"},
                                  {**peer, "TZ": "UTC"}), ({}, {}),
                ({"TCPREMOTEIP": "x\n", "TCPREMOTEPORT": "1"}, {})):
            s = Checked(NOTES, shape=shape, env=env)
            login(s)
            got = dict(w.split("=", 1) for w in words_of(s.noted("environ")))
            pipe = got.pop("MAILDIR_POP3D_SESSION")
            true(pipe.isdigit() and int(pipe) > 3, f"pipe {pipe}")
            same(got, {**CONSTANT, **expect}, "environment")
            s.quit()
    s = Checked(NOTES, link="tcp")
    login(s)
    got = dict(w.split("=", 1) for w in words_of(s.noted("environ")))
    same((got["TCPREMOTEIP"], got["TCPREMOTEPORT"]),
         ("127.0.0.1", str(s.port)), "peer of a TCP connection")


@check("P-121: it has 0 and 1, which are the connection, 2, 3 and the pipe; "
       "default signals, an empty mask")
def _():
    def hostile():
        for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP,
                       signal.SIGPIPE, signal.SIGUSR1, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())

    for shape, link in everywhere():
        with leaks(40, 41, 50, 99, 200) as left:
            s = Checked(NOTES, shape=shape, link=link, prepare=hostile,
                        pass_fds=left)
        connection = [os.readlink(f"/proc/{s.pid}/fd/{n}") for n in (0, 1)] \
            if ROOT else None
        login(s)
        at = dict(re.findall(r" (\d+) -> (\S+)", s.noted("fd").decode()))
        pipe = words_of(s.noted("environ"))
        pipe = [w.split("=")[1] for w in pipe
                if w.startswith("MAILDIR_POP3D_SESSION=")][0]
        same(sorted(at, key=int), ["0", "1", "2", "3", pipe],
             f"descriptors {at}")
        true(at["3"].startswith("pipe:") and at[pipe].startswith("pipe:"),
             f"3 and {pipe} are pipes: {at}")
        if connection:
            same([at["0"], at["1"]], connection, "0 and 1")
        status = s.noted("status").decode()
        for key in ("SigBlk", "SigIgn"):
            bits = int(re.search(key + r":\s*([0-9a-f]+)", status)[1], 16)
            same(bits & 0x7fffffff, 0, key)
        s.quit()


@check("interface: the words behind the checker's own are our path, "
       "--preauth, the session's options, MAILDIR")
def _():
    for shape in SHAPES:
        s = Checked(NOTES, "--idle-timeout=700", "--login-timeout=300",
                    "--delete", "flag", "--keep-new", "-v", "--expire=7",
                    "--hostname=example.org", "--log=stderr", "--tls=off",
                    shape=shape)
        login(s)
        same(words_of(s.noted("argv")),
             [PROGRAM, "--preauth", "--allow-plaintext", "--idle-timeout=700",
              "--delete", "flag", "--keep-new", "-v", "--expire=7",
              "--log=stderr", NAME], "words")
        s.quit()


@check("P-69: CAPA is the same before and after, but for IMPLEMENTATION")
def _():
    for options in (("--allow-plaintext",), ("--tls=on",),
                    ("--tls=on", "--expire=NEVER")):
        s = Login("--checkpassword", *options, NAME, "sh", "-c", GOOD, "x")
        before = capabilities(s)
        true("SASL PLAIN" in before, "SASL")
        login(s)
        same(capabilities(s), [*before, "IMPLEMENTATION maildir-pop3d"],
             str(options))
        s.quit()
        same(s.logged("login")["tls"],
             "yes" if "--tls=on" in options else "no", "tls in the log")


# --- the session ------------------------------------------------------------

@check("P-118...P-120: accepted: the session serves; the lines in the log "
       "can be joined; 0 is the status")
def _():
    for shape, link in everywhere():
        for script in (b"USER alice\r\nPASS secret\r\n",
                       b"AUTH PLAIN " + plain_response("alice", "secret")
                       .encode() + b"\r\n"):
            m = Maildir(SMALL, SMALL)
            s = Checked(GOOD, maildir=os.path.basename(m.path), shape=shape,
                        link=link)
            s.send(script)
            if b"USER" in script:
                s.line()
            same(s.line(), b"+OK logged in\r\n", "answer")
            s.ok("RETR 2", True)
            s.ok("DELE 1")
            s.quit()
            same(m.left(), [2], "messages")
            a, b = s.logged("login"), s.logged("session")
            same([a[k] for k in ("ip", "port", "pid", "user")],
                 [b[k] for k in ("ip", "port", "pid", "user")], "both lines")
            same((a["user"], a["method"], b["end"], b["del"]),
                 ("alice", "PASS" if b"USER" in script else "PLAIN", "quit",
                  "1/1"), "log")
            true(a["pid"] != str(s.pid), "the pid is the session's")


@check("P-74, P-82: what is pipelined behind the login reaches the session")
def _():
    for shape, link in everywhere():
        for step in (None, 1):
            m = Maildir(SMALL)
            s = Checked(GOOD, maildir=os.path.basename(m.path), shape=shape,
                        link=link)
            script = b"USER alice\r\nPASS secret\r\nSTAT\r\nDELE 1\r\nQUIT\r\n"
            for i in range(0, len(script), step or len(script)):
                s.send(script[i:i + (step or len(script))])
            answers = s.rest().splitlines()
            same([a[:4] for a in answers], [b"+OK "] * 5, f"{answers}")
            same(answers[2] + b"\r\n", STAT, "STAT")
            s.over("quit")
            same(m.left(), [], "messages")


@check("P-120: until the session ends the parent stays, without root, without "
       "the connection; the part before login is gone")
def _():
    for shape, link in everywhere():
        s = Checked(GOOD, shape=shape, link=link)
        front = s.front()
        login(s)
        true(not alive(front), "the front has ended")
        until(lambda: len(children(s.pid)) == 1, "one child of the parent")
        session = s.session()
        same(s.logged("login")["pid"], str(session), "pid in the log")
        if ROOT:
            # It lets go right after it has let the session speak.
            connection = {os.readlink(f"/proc/{session}/fd/{n}")
                          for n in (0, 1)}
            until(lambda: s.process.poll() is not None or
                  0 not in user_of(s.pid), "root is given up")
            until(lambda: not connection & {
                os.readlink(f"/proc/{s.pid}/fd/{n}")
                for n in os.listdir(f"/proc/{s.pid}/fd")},
                  "no connection in the parent")
            same(user_of(session), [UID] * 4, "uid of the session")
            if shape == "root":
                same(user_of(s.pid),
                     [pwd.getpwnam("nobody").pw_uid] * 4, "uid of the parent")
                same((status_of(s.pid, "CapEff"), groups_of(s.pid)),
                     ("0" * 16, []), "rights of the parent")
        true(s.process.poll() is None, "the parent is there")
        s.ok("STAT")
        s.quit()
        s.over("quit")


@check("P-22, P-26: SIGALRM and SIGTERM end the session, the parent with it")
def _():
    for number, end in ((signal.SIGALRM, "timeout"),
                        (signal.SIGTERM, "signal")):
        m = Maildir(SMALL)
        s = Checked(GOOD, maildir=os.path.basename(m.path))
        login(s)
        s.ok("DELE 1")
        until(lambda: len(children(s.pid)) == 1, "one child")
        os.kill(s.session(), number)
        s.closed(end)
        same(m.left(), [1], "messages")


@check("P-20, P-120: no Maildir after a right password: -ERR [SYS/TEMP] is "
       "the answer to PASS, then the close; 0 all the same")
def _():
    for shape, link in everywhere():
        s = Checked(GOOD, maildir="not-there", shape=shape, link=link)
        s.send(b"USER alice\r\nPASS secret\r\nSTAT\r\n")
        s.line()
        has_code(s.line(), "SYS/TEMP", "PASS")
        same(s.rest(), b"", "behind it")
        s.over()
        s.says("not-there")


# --- the ends of a checker --------------------------------------------------

ENDS = [
    ("exit 1", "exit 1", "AUTH", None),
    ("exit 2", "exit 2", "SYS/PERM", "misused"),
    ("exit 3", "exit 3", "SYS/PERM", "checkpassword interface"),
    ("exit 100", "exit 100", "SYS/PERM", "checkpassword interface"),
    ("exit 111", "exit 111", "SYS/TEMP", "exit 111"),
    ("exit 126", "exit 126", "SYS/PERM", "sh"),
    ("exit 127", "exit 127", "SYS/PERM", "exit 127"),
    ("SIGKILL", "kill -9 $$", "SYS/TEMP", "signal"),
    ("SIGSEGV", "kill -SEGV $$", "SYS/TEMP", "signal"),
    ("SIGTERM", "kill -TERM $$", "SYS/TEMP", "signal"),
    ("exit 0 in silence", "exit 0", "SYS/PERM", "exec its arguments"),
    ("exit 0 without a look", "exec 3<&-; exit 0", "SYS/PERM", "exec"),
    ("it runs another program", "exec true", "SYS/PERM", "exec"),
    ("garbage on 2", r"printf '\377\001\0garbage\n+OK\n' >&2; exit 1", "AUTH",
     None),
    ("it closes 2, and runs the session", GOOD.replace("exec 3", "exec 2>&- 3"),
     "in", None),
]


def ended(s, name, answer, word):
    line = s.line()
    if answer == "in":
        true(line.startswith(b"+OK "), f"{name}: {line!r}")
    elif answer == "AUTH":
        same(line, REFUSED, name)
    else:
        has_code(line, answer, name)
    if word is not None:
        s.says("checker", word)
    if answer != "in":
        same(s.lines("login"), [], name)
        same([f["reason"] for f in s.lines("login-failed")],
             ["credentials" if answer == "AUTH" else "checker"], name)


@check("P-118, S-15: each way for a checker to end has its answer, 2 s after "
       "the command, and its line in the log; then one may try again")
def _():
    each = []
    for shape in SHAPES:
        for name, script, answer, word in ENDS:
            s, began = Checked(script, shape=shape), time.monotonic()
            s.try_user("alice", "secret")
            each.append((s, name, answer, word, began))
        here = new_path("plain")
        with open(here, "w") as f:
            f.write("no program")
        for words, word in (([FOLDER + "/missing"], "exit 127"),
                            ([here], here), (["no-such-checker"], "127"),
                            ([FOLDER], FOLDER)):
            s, began = Checked("", words=words, shape=shape), time.monotonic()
            s.try_user("alice", "secret")
            each.append((s, str(words), "SYS/PERM", word, began))
    for s, name, answer, word, began in each:
        ended(s, name, answer, word)
        if answer != "in":
            true(time.monotonic() - began >= DEADLINE, f"{name}: in time")
            s.ok("CAPA", True)
        s.quit()
        s.over()


# A checker in Python, for what sh cannot do; it lets anybody in.
LOOSE = f"""
import os, sys
exec(sys.argv[1])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({UID})
    os.setuid({UID})
os.chdir({FOLDER!r})
os.environ["USER"] = "alice"
os.execvp(sys.argv[2], sys.argv[2:])
"""


def loose(code, **keywords):
    return Checked("", words=[python(), "-I", "-S", "-c", LOOSE, code],
                   **keywords)


PIPE = 'int(os.environ["MAILDIR_POP3D_SESSION"])'


@check("S-15: a checker that lets go of the pipe, or of all descriptors, lets "
       "nobody in")
def _():
    s = loose("pass")
    login(s)
    each = []
    for shape in SHAPES:
        for code in ("os.closerange(3, 256)", "os.closerange(0, 256)",
                     f"os.close({PIPE})", "os.close(0)", "os.close(1)",
                     f"os.dup2(os.open('/dev/null', 1), {PIPE})"):
            s = loose(code, shape=shape)
            s.try_user("alice", "secret")
            each.append((s, code))
    for s, code in each:
        answer = s.line()
        true(re.match(rb"-ERR \[SYS/(PERM|TEMP)\] ", answer),
             f"{code}: {answer!r}")
        s.over()
        same(s.lines("login"), [], code)


@check("S-10: a checker that lets go of the pipe and thinks on is waited for "
       "asleep")
def _():
    need_root()
    each = []
    for shape in SHAPES:
        s = loose(f"os.close({PIPE}); import time; time.sleep(1); sys.exit(1)",
                  shape=shape)
        s.try_user("alice", "secret")
        each.append(s)
    for s in each:
        same(s.line(), REFUSED, "answer")
        with open(f"/proc/{s.pid}/io") as f:
            reads = int(re.search(r"syscr: (\d+)", f.read())[1])
        true(reads < 500, f"{reads} reads of the keeper")


@check("S-15: octets on the pipe that are no session's let nobody in")
def _():
    for shape in SHAPES:
        for octets in ("x", "x" * 9, "\0"):
            s = loose(f"os.write({PIPE}, {octets!r}.encode()); sys.exit(1)",
                      shape=shape)
            s.try_user("alice", "secret")
            s.shut()
            true(b"+OK" not in s.rest(), "no good answer")
            s.over()


@check("S-15: a checker that forks and exits: one answer, and nobody talks "
       "behind it")
def _():
    each = []
    for shape in SHAPES:
        s = Checked(READ + '(sleep 0.5; touch "$0/late"; export USER=alice; '
                    f'cd {FOLDER}{EXEC}) & exit 0', shape=shape)
        s.try_user("alice", "secret")
        each.append(s)
    for s in each:
        has_code(s.line(), "SYS/PERM")
        until(s.was_run, "the child's turn")
        s.ok("CAPA", True)
        same(s.quit(), b"+OK bye\r\n", "QUIT")
        same(s.lines("login"), [], "logins")


@check("P-120: a checker that lets root in: one answer, 2 s after the command, "
       "and the connection goes on")
def _():
    need_root()
    each = []
    for link in LINKS:
        s, began = Checked('exec "$@"', shape="root", link=link), \
            time.monotonic()
        s.try_user("root", "secret")
        each.append((s, link, began))
    for s, link, began in each:
        has_code(s.line(), "SYS/PERM", link)
        true(time.monotonic() - began >= DEADLINE, f"{link}: in time")
        s.ok("CAPA", True)
        same(s.quit(), b"+OK bye\r\n", f"{link}: QUIT")
        s.over("quit-before-login")
        s.says("must not be run as root")
        same(s.lines("login"), [], "logins")


for number, end in ((signal.SIGTERM, "signal"), (signal.SIGALRM, "timeout")):
    @check(f"S-15: a checker that hangs: {number.name} to the first process "
           "ends all, the checker too")
    def _():
        for shape in SHAPES:
            s = Checked('touch "$0/runs"; exec sleep 300', shape=shape)
            s.send(b"USER alice\r\nPASS secret\r\n")
            s.line()
            until(s.was_run, "the checker")
            until(lambda: len(tree(s.pid)) == 3, "three processes")
            all_of_it = tree(s.pid)
            s.kill(number)
            s.closed(end)
            true("did not answer" not in s.log_text(), "it had the time")
            for pid in all_of_it:
                true(not alive(pid), f"process {pid} has ended")


@check("P-22: --login-timeout is over while the checker works: both are ended")
def _():
    each = []
    for shape in SHAPES:
        s = Checked('touch "$0/runs"; exec sleep 50', "--login-timeout=2",
                    shape=shape)
        s.send(b"USER alice\r\nPASS secret\r\n")
        s.line()
        until(s.was_run, "the checker")
        each.append(s)
    for s in each:
        s.closed("timeout")
        true("did not answer" not in s.log_text(), "60 s were not over")
        same(s.lines("login"), [], "logins")


@check("P-22: --login-timeout is no more where a checker has let somebody in")
def _():
    for shape in SHAPES:
        s = Checked(GOOD, "--login-timeout=2", shape=shape)
        login(s)
        until(lambda: time.monotonic() - s.began > 3,
              "its time would be over")
        s.ok("STAT")
        s.quit()
        s.over("quit")


@check("P-118: --checkpassword without MAILDIR or CHECKER: 100, and one line "
       "that says so")
def _():
    for words in ([], [NAME], ["%u", "true"]):
        s = Login("--checkpassword", *words, greeting=False)
        has_code(s.rest(), "SYS/PERM", words)
        s.close()
        s.exits(100)
        same(len(s.log_text().splitlines()), 1, "lines")


# --- APOP -------------------------------------------------------------------

STAMP = re.compile(rb"\+OK [ -Z\\-~]*(<(\d+)\.(\d+)\.([0-9a-f]{32})@([^<>@ ]+)"
                   rb">)\r\n")


def md5(octets):
    return hashlib.md5(octets).hexdigest()


def stamp_of(s):
    got = STAMP.fullmatch(s.greeting)
    true(got, f"greeting {s.greeting!r}")
    return got[1]


@check("P-64: with --apop there is a stamp, <pid.seconds.random@host>, each "
       "time another")
def _():
    seen = set()
    for shape in SHAPES:
        for _ in range(8):
            s = Checked(MD5, "--apop", "--hostname=pop.example.org",
                        shape=shape)
            got = STAMP.fullmatch(s.greeting)
            true(got, f"greeting {s.greeting!r}")
            between(time.time() - 60, int(got[3]), time.time() + 1, "seconds")
            same(got[5], b"pop.example.org", "host")
            true(int(got[2]) in tree(s.pid), "pid")
            seen.add(got[4])
            s.end()
    same(len(seen), 8 * len(SHAPES), "different ones")
    for host in ("a b", "<x>", "x@y", "", None, "a\nb", "\xfc"):
        if host == "":
            continue
        s = Checked(MD5, "--apop", *([] if host is None
                                     else [f"--hostname={host}"]))
        host_in = STAMP.fullmatch(s.greeting)[5]
        if host is None and re.fullmatch("[a-z0-9-]+", socket.gethostname()):
            same(host_in, socket.gethostname().encode(), "this host")
        elif host is not None:
            same(host_in, b"localhost", f"for {host!r}")
    s = Checked(MD5)
    true(b"<" not in s.greeting, "no stamp without --apop")
    no_code(s.ask("APOP alice " + "0" * 32), "APOP without --apop")


@check("P-65, P-117: APOP logs in by the digest; the checker gets name, "
       "digest and stamp")
def _():
    for shape, link in everywhere():
        s = Checked(MD5, "--apop", shape=shape, link=link)
        s.ok("APOP alice " + md5(stamp_of(s) + b"secret"))
        same(s.ask("STAT"), STAT, "STAT")
        s.quit()
        same((s.logged("login")["method"], s.logged("login")["user"]),
             ("APOP", "alice"), "log")
        s = Checked(NOTES, "--apop", shape=shape, link=link)
        digest = "0123456789abcdef" * 2
        s.ok("APOP alice " + digest)
        same(s.noted("octets"), b"alice\0" + digest.encode() + b"\0" +
             stamp_of(s) + b"\0", "octets")
        s.quit()


@check("P-117: PASS and AUTH PLAIN have no stamp, with --apop either")
def _():
    for line in ("PASS secret",
                 "AUTH PLAIN " + plain_response("alice", "secret")):
        s = Checked(NOTES, "--apop")
        if line.startswith("PASS"):
            s.ok("USER alice")
        s.ok(line)
        same(s.noted("octets"), b"alice\0secret\0\0", line)


@check("P-65: a digest in upper case is accepted")
def _():
    s = Checked(MD5, "--apop")
    s.send(b"APOP alice " + md5(stamp_of(s) + b"secret").upper().encode() +
           b"\r\n")
    true(s.line().startswith(b"+OK "), "answer")


@check("P-65: another length or no hex is an error, not a try")
def _():
    s = Checked(MD5, "--apop")
    for line in ("APOP", "APOP alice", "APOP alice " + "0" * 31,
                 "APOP alice " + "0" * 33, "APOP alice " + "g" + "0" * 31,
                 "APOP alice " + "0" * 32 + " x", "APOP alice secret"):
        no_code(s.ask(line), line)
    s.ok("CAPA", True)
    s.ok("USER alice")
    no_code(s.ask("APOP alice x" + "0" * 31), "APOP")
    s.ok("APOP alice " + md5(stamp_of(s) + b"secret"))


@check("P-4: an APOP line has the limit of other commands")
def _():
    s = Checked(MD5, "--apop")
    digest = md5(stamp_of(s) + b"secret")
    no_code(s.ask("APOP alice" + " " * (512 - 10 - 32 - 1) + digest), "513")
    s.ok("APOP alice" + " " * (512 - 10 - 32 - 2) + digest)


@check("P-66: a wrong digest is refused as a wrong password is; three are "
       "the end; another's digest is no good")
def _():
    s, other = Checked(MD5, "--apop"), Checked(MD5, "--apop")
    began = time.monotonic()
    other.send(b"APOP alice " + md5(stamp_of(s) + b"secret").encode() +
               b"\r\n")
    s.send(b"APOP alice " + md5(stamp_of(s) + b"wrong").encode() + b"\r\n" +
           b"APOP bob " + md5(stamp_of(s) + b"secret").encode() + b"\r\n" +
           b"APOP alice " + b"0" * 32 + b"\r\nAPOP alice " +
           md5(stamp_of(s) + b"secret").encode() + b"\r\n")
    same(other.line(), REFUSED, "the digest of another stamp")
    took = time.monotonic() - began
    # The stamp is good for all tries of a connection.
    other.ok("APOP alice " + md5(stamp_of(other) + b"secret"))
    same(s.rest(), REFUSED * 3, "three wrong ones")
    lasted(DEADLINE, took, DEADLINE * 2)
    s.over("error")


@check("P-66: --apop goes with --checkpassword alone")
def _():
    for way in (["--preauth"], [f"--passwd-file={FOLDER}/x"]):
        s = Login(*way, "--apop", NAME, greeting=False, shape="uid")
        has_code(s.rest(), "SYS/PERM", way)
        s.close()
        s.exits(100)
        true("--apop" in s.log_text(), "log")


# --- real ones --------------------------------------------------------------

def mail_user(suffix, mode=0o600):
    home = new_path("home")
    os.mkdir(home)
    name, entry = make_user(suffix, home=home)
    m = Maildir(SMALL)
    os.rename(m.path, home + "/Maildir")
    m.path = home + "/Maildir"
    secret = home + "/Maildir/.password"
    with open(secret, "w") as f:
        f.write("geheim wort\n")
    os.chmod(secret, mode)
    give_to(home, entry)
    os.chmod(home, 0o755)
    return name, entry, m


@check("P-116...P-120 with Debian's checkpw: in, refused, a file others can "
       "read, and root given up")
def _():
    need_root()
    need("checkpw")
    name, entry, m = mail_user("a")
    loose, _entry, _m = mail_user("b", mode=0o644)

    def start():
        return Login("--checkpassword", "--allow-plaintext", "Maildir",
                     "checkpw", shape="root", link="tcp")

    tries = [(start(), name, "wrong", REFUSED),
             (start(), name + "x", "geheim wort", REFUSED),
             (start(), loose, "geheim wort", b"-ERR [SYS/TEMP] ")]
    for s, who, secret, _answer in tries:
        s.try_user(who, secret)
    s = start()
    login(s, name, "geheim wort")
    same(s.ask("STAT"), STAT, "STAT")
    until(lambda: len(children(s.pid)) == 1, "one child")
    session = children(s.pid)[0]
    same(user_of(session), [entry.pw_uid] * 4, "uid of the session")
    until(lambda: 0 not in user_of(s.pid), "root given up by the parent")
    s.ok("DELE 1")
    s.quit()
    same(m.left(), [], "messages")
    same(s.logged("login")["user"], name, "user in the log")
    same(s.logged("session")["user"], name, "user in the log")
    for s, who, _secret, answer in tries:
        true(s.line().startswith(answer), f"{who}, {answer}")


@check("P-65 with Debian's checkapoppw")
def _():
    need_root()
    need("checkapoppw")
    name, _entry, _m = mail_user("c")

    def start():
        return Login("--checkpassword", "--apop", "Maildir", "checkapoppw",
                     shape="root", link="tcp")

    bad = start()
    bad.send(f"APOP {name} {md5(stamp_of(bad) + b'geheim')}\r\n".encode())
    s = start()
    s.ok(f"APOP {name} {md5(stamp_of(s) + b'geheim wort')}")
    same(s.ask("STAT"), STAT, "STAT")
    s.quit()
    same(bad.line(), REFUSED, "a wrong digest")


# qmail-popup, as far as a checker and what it runs can tell.
POPUP = r"""
import os, sys, time
host, command = sys.argv[1], sys.argv[2:]
stamp = f"<{os.getpid()}.{int(time.time())}@{host}>"
def say(text):
    os.write(1, text.encode() + b"\r\n")
def line():
    text = b""
    while not text.endswith(b"\n"):
        octet = os.read(0, 1)
        if not octet:
            sys.exit(0)
        text += octet
    return text.rstrip(b"\r\n")
def run(name, secret):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.dup2(read, 3)
        os.set_inheritable(3, True)
        try:
            os.execvp(command[0], command)
        finally:
            os._exit(2)
    os.close(read)
    os.write(write, name + b"\0" + secret + b"\0" + stamp.encode() + b"\0")
    os.close(write)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        say("-ERR aack, child crashed")
    elif os.WEXITSTATUS(status):
        say("-ERR authorization failed")
    sys.exit(0)
say("+OK " + stamp)
name = b""
while True:
    verb, _, rest = line().partition(b" ")
    if verb.upper() == b"USER":
        name = rest
        say("+OK ")
    elif verb.upper() == b"PASS" and name:
        run(name, rest)
    elif verb.upper() == b"APOP":
        run(*rest.split(b" ", 1))
    elif verb.upper() == b"QUIT":
        say("+OK ")
        sys.exit(0)
    else:
        say("-ERR authorization first")
"""


class Popup(Login):
    """The program behind a checker that popup runs: as qmail-pop3d."""

    def __init__(self, checker, *options, maildir=NAME, **keywords):
        self.words = [*checker, PROGRAM, "--preauth", *options, maildir]
        super().__init__(**keywords)

    def command(self, args):
        return [python(), "-I", "-S", "-c", POPUP, "pop.example.org",
                *self.words]


@check("P-119: in the place of qmail-pop3d, behind a popup and a checker")
def _():
    for shape, link in everywhere():
        m = Maildir(SMALL, SMALL)
        name = os.path.basename(m.path)
        s = Popup(["sh", "-c", GOOD, "x"], maildir=name, shape=shape,
                  link=link)
        s.ok("USER alice")
        s.ok("PASS secret")
        s.ok("RETR 1", True)
        s.ok("DELE 2")
        true("IMPLEMENTATION maildir-pop3d" in capabilities(s), "CAPA")
        s.quit()
        same(m.left(), [1], "messages")
        same((s.logged("login")["user"], s.logged("login")["method"]),
             ("alice", "PREAUTH"), "log")
        s = Popup(["sh", "-c", GOOD, "x"], maildir=name, shape=shape,
                  link=link)
        s.ok("USER alice")
        same(s.ask("PASS wrong"), b"-ERR authorization failed\r\n", "PASS")
        s = Popup(["sh", "-c", MD5, "x"], maildir=name, shape=shape,
                  link=link)
        stamp = s.greeting[4:-2]
        s.ok("APOP alice " + md5(stamp + b"secret"))
        s.quit()
    s = Popup(["sh", "-c", GOOD, "x"], maildir="not-there")
    s.ok("USER alice")
    has_code(s.ask("PASS secret"), "SYS/TEMP")


@check("P-119: the same with Debian's checkpw")
def _():
    need_root()
    need("checkpw")
    name, _entry, m = mail_user("d")
    s = Popup(["checkpw"], maildir="Maildir", shape="root", link="tcp")
    s.ok("USER " + name)
    s.ok("PASS geheim wort")
    s.ok("DELE 1")
    s.quit()
    same(m.left(), [], "messages")
    same(s.logged("session")["user"], name, "user in the log")


done()
