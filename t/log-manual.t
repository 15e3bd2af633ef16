#!/usr/bin/env python3
# The manual's chapter on the log says what the program writes: forms, fields,
# values; and its awk commands answer what they say, on lines as they are on
# standard error and in a syslog daemon's file.
import os
import sys

sys.path.insert(0, os.environ["T"])
from login import *

TOP = os.path.dirname(os.path.abspath(os.environ["T"]))
SMALL = message()


# --- the manual -----------------------------------------------------------------

def manual():
    with open(os.path.join(TOP, "man", "maildir-pop3d.8")) as f:
        lines = f.read().splitlines()
    start = lines.index(".Sh LOG")
    end = next(i for i in range(start + 1, len(lines))
               if lines[i].startswith(".Sh "))
    return lines[start:end]


LOG = manual()


def literals(lines):
    """The text of each literal block, as a reader sees it."""
    blocks, inside = [], None
    for line in lines:
        if line.startswith(".Bd -literal"):
            inside = []
        elif line == ".Ed":
            blocks.append("\n".join(inside).replace(r"\e", "\\"))
            inside = None
        elif inside is not None:
            inside.append(line)
    return blocks


def forms():
    """The first words and the fields of each kind of line."""
    return {line.split()[0]: line.split()[1:]
            for line in literals(LOG)[0].splitlines()}


def table():
    """The fields, in the order of the table of fields."""
    start = LOG.index(".It Sy Field Ta Sy Value")
    end = LOG.index(".El", start)
    return [name for line in LOG[start + 1:end] if line.startswith(".It ")
            for name in line[4:].split(" Ta ")[0].split(", ")]


def values(of):
    """The values of a field, as the list of them names them."""
    start = LOG.index(f".Li {of} :")
    end = LOG.index(".El", start)
    return [name for line in LOG[start:end] if line.startswith(".It ")
            for name in re.split(r" *, *", line[4:])]


def section(name):
    start = LOG.index(f".Ss {name}")
    return LOG[start:]


# --- the program ----------------------------------------------------------------

def word(line):
    return line.split(" ", 1)[0]


def keys(line):
    return [part.split("=", 1)[0] for part in line.split()[1:]]


class Inside(File):
    """The same, started in a namespace, logging to syslog."""

    def __init__(self, inside, *args, **keywords):
        self.inside = inside
        super().__init__(*args, **keywords)

    def command(self, args):
        return [*self.inside, PROGRAM, "--log=syslog", *args]


def by(ip):
    return {"PATH": os.environ["PATH"], "PROTO": "TCP", "TCPREMOTEIP": ip,
            "TCPREMOTEPORT": "4711"}


USERS = ("alice", "bob", "carol", "dave@example.org")


def day(start):
    """What happens in a day: start(maildir, env=) gives sessions.  Who logged
    in, whose mail was deleted, who guesses, whose session timed out."""
    boxes = {}

    def session(user, env):
        m = boxes.setdefault(user, Maildir(SMALL, SMALL, SMALL))
        s = start(m, env=env)
        login(s, user)
        return s

    for user, delete in (("alice", 2), ("bob", 0), ("alice", 1),
                         ("dave@example.org", 3)):
        s = session(user, by("192.0.2.1"))
        for n in range(delete):
            s.ok(f"DELE {n + 1}")
        s.quit()
        s.over("quit" if start is not syslog_start else None)
    # bob marks and is cut off: nothing is deleted.
    s = session("bob", by("192.0.2.2"))
    s.ok("DELE 1")
    s.close()
    s.over("disconnect" if start is not syslog_start else None)
    # carol is silent.
    s = session("carol", by("2001:db8::7"))
    os.kill(s.pid, signal.SIGALRM)
    s.closed("timeout" if start is not syslog_start else None)
    # One guesses, another only mistypes; a name may try to be a line.
    guesses = []
    for ip, names in (("198.51.100.9", ["root", "admin", "alice"]),
                      ("198.51.100.9", ["x login ip=192.0.2.66 user=mallory",
                                        "x=1 reason=credentials", "root"]),
                      ("192.0.2.3", ["alice"])):
        s = start(Maildir(SMALL), env=by(ip))
        guesses.append((s, names))
    for s, names in guesses:
        for name in names:
            s.try_user(name, "wrong")
            same(s.line(), REFUSED, name)
        if len(names) == 3:
            same(s.rest(), b"", "after three")
        else:
            s.quit()
        s.over()


def stderr_start(m, env):
    stderr_start.made.append(File(m, env=env, users=stderr_start.users,
                                  link="tcp"))
    return stderr_start.made[-1]


def syslog_start(m, env):
    return Inside(syslog_start.inside, m, env=env, users=syslog_start.users,
                  shape="root", link="tcp")


def users_file():
    return passwd_file(*[record(u) for u in USERS])


_lines = {}


def on_stderr():
    if "stderr" not in _lines:
        stderr_start.made = []
        stderr_start.users = users_file()
        day(stderr_start)
        _lines["stderr"] = [line for s in stderr_start.made
                            for line in s.log_text().splitlines()]
    return _lines["stderr"]


# What a syslog daemon makes of what it is sent: the priority goes, its own
# host name comes.
DAEMON = """
import re, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
import os
os.chmod("/dev/log", 0o666)
print("ready", flush=True)
while True:
    text = s.recv(65536).rstrip(b"\\0\\n")
    if text == b"end":
        break
    m = re.fullmatch(rb"<(\\d+)>(... .. ..:..:..) (.*)", text, re.S)
    assert int(m[1]) >> 3 == 2, "facility mail"
    sys.stdout.buffer.write(m[2] + b" mx1 " + m[3] + b"\\n")
"""


def in_syslog():
    need_root()
    with namespace(*bare_dev()) as inside:
        daemon = subprocess.Popen([*inside, python(), "-c", DAEMON],
                                  stdout=subprocess.PIPE, text=True)
        same(daemon.stdout.readline(), "ready\n", "the daemon")
        syslog_start.inside = inside
        syslog_start.users = users_file()
        day(syslog_start)
        subprocess.run([*inside, python(), "-c",
                        "import socket; s = socket.socket(socket.AF_UNIX, "
                        "socket.SOCK_DGRAM); s.sendto(b'end', '/dev/log')"],
                       check=True)
        lines = daemon.stdout.read().splitlines()
        same(daemon.wait(), 0, "the daemon")
    return lines


# --- the table --------------------------------------------------------------------

@check("interface: the forms of login and login-failed in the manual are those "
       "of the lines, field by field")
def _():
    for kind in ("login", "login-failed"):
        found = [line for line in on_stderr() if word(line) == kind]
        true(found, f"no line {kind}")
        for line in found:
            same(keys(line), [f.split("=")[0] for f in forms()[kind]], line)


@check("interface: the fields of a line session are those of the table, in its "
       "order")
def _():
    who = [f.split("=")[0] for f in forms()["session"]][:4]
    fields_ = table()
    found = [line for line in on_stderr() if word(line) == "session"]
    true(len(found) > 5, "lines session")
    for line in found:
        same(keys(line), who + fields_[fields_.index("end"):], line)


@check("interface: the table has every field of the three lines, and no other")
def _():
    written = {key for line in on_stderr()
               if word(line) in ("login", "login-failed", "session")
               for key in keys(line)}
    same(sorted(table()), sorted(written), "fields")
    same(len(table()), len(set(table())), "fields that stand twice")


@check("interface: every kind of line has a form, every form is one the source "
       "can write")
def _():
    sources = "".join(
        open(os.path.join(at, name)).read()
        for at, _, names in os.walk(os.path.join(TOP, "src"))
        for name in names if name.endswith(".c"))
    written = set(re.findall(r'log_line\([^,;]*,\s*"([a-z-]+)"', sources))
    written |= set(re.findall(r'say\([^,;]*,\s*"([a-z-]+)"', sources))
    true({"login", "session", "warning"} <= written, f"{written}")
    same(sorted(forms()), sorted(written), "kinds")


@check("interface: every form has the pid, by which lines can be joined")
def _():
    with open(os.path.join(TOP, "man", "maildir-pop3d.8")) as f:
        true("of this process, in every line" in f.read(), "the manual")
    for line in literals(LOG)[0].splitlines():
        true(" pid=" in line, line)


@check("interface: the values of end, delivered and reason in the manual are "
       "those in the source, and what was logged is among them")
def _():
    def source(*path):
        with open(os.path.join(TOP, "src", *path)) as f:
            return f.read()

    def array(text, name):
        return set(re.findall(r'"([^"]*)"', re.search(
            name + r"\[\] = \{(.*?)\}", text, re.S)[1]))

    report = source("protocol", "report.c")
    same(sorted(values("end")), sorted(array(report, "end")), "end")
    same(sorted(values("delivered")), sorted(array(report, "delivered")),
         "delivered")
    reasons = set(values("reason"))
    given = set(re.findall(r'(?:\*reason = |return |[?:] )"([a-z]+)"',
                           "".join(source("login", f) for f in (
                               "auth_file.c", "auth_pam.c", "auth_checkpw.c",
                               "keeper.c"))))
    told = re.findall(r'"([a-z]+)"', re.search(
        r"record_objection\(.*?\n}", source("login", "record.c"), re.S)[0])
    same(sorted(reasons - given - set(told)), [], "reasons nobody gives")
    for line in on_stderr():
        for key, value in (p.split("=", 1) for p in line.split()[1:]
                           if "=" in p):
            if key in ("end", "delivered", "reason"):
                true(value in values(key), f"{key}={value}")


@check("interface: each value of reason that a back end can give is in the "
       "manual")
def _():
    with open(os.path.join(TOP, "src", "login", "auth.h")) as f:
        text = f.read()
    part = text[text.index("Reasons, for the log"):]
    part = part[:part.index("*/")]
    named = set(re.findall(r"^ \*\t([a-z]+)", part, re.M))
    true(len(named) > 8, f"{named}")
    same(sorted(named - set(values("reason"))), [], "not in the manual")


# --- the awk commands ---------------------------------------------------------------

def commands():
    return [b for b in literals(section("Reading the log"))
            if b.startswith("awk ")]


ANSWERS = (
    {"2 alice", "2 bob", "1 carol", "1 dave@example.org"},
    {"3 alice", "3 dave@example.org"},
    {"6 5 198.51.100.9"},
    None)       # the lines themselves: looked at below


def answers(lines, awk):
    folder = new_path("logs")
    os.mkdir(folder)
    with open(folder + "/mail.log", "w") as f:
        f.write("".join(line + "\n" for line in lines))
    bin_ = folder + "/bin"
    os.mkdir(bin_)
    os.symlink(shutil.which(awk), bin_ + "/awk")
    same(len(commands()), len(ANSWERS), "commands in the manual")
    for command, expected in zip(commands(), ANSWERS):
        run = subprocess.run(["sh", "-c", command], cwd=folder, text=True,
                             capture_output=True, check=False,
                             env={"PATH": bin_ + ":" + os.environ["PATH"]})
        same((run.returncode, run.stderr), (0, ""), command)
        got = run.stdout.splitlines()
        if expected is None:
            same(len(got), 1, command)
            true("user=carol end=timeout" in got[0] and "2001:db8::7" in
                 got[0], got[0])
        else:
            same(sorted(got), sorted(expected), command)


def awks():
    found = [a for a in ("mawk", "gawk", "original-awk", "awk")
             if shutil.which(a)]
    if not found:
        raise Skip("no awk")
    return found


@check("interface: the manual's awk commands answer who logged in, whose mail "
       "was deleted, who guesses, what timed out: on standard error's lines")
def _():
    for awk in awks():
        answers(on_stderr(), awk)


@check("interface: the same on a syslog daemon's lines")
def _():
    lines = in_syslog()
    true(all(re.match(r"[A-Z].. .. ..:..:.. mx1 maildir-pop3d\[\d+\]: ", x)
             for x in lines), f"{lines[:3]}")
    for awk in awks():
        answers(lines, awk)


@check("interface: the same behind the times that multilog writes")
def _():
    for awk in awks():
        answers(["@400000006553f1000abcdef0 " + x for x in on_stderr()], awk)


done()
