#!/usr/bin/env python3
# All walls together break nothing: whole sessions with each option, in which
# no system call is denied that the program makes of itself (T8).
import os
import stat
import sys

sys.path.insert(0, os.environ["T"])
from boundary import *

TEXT = [message(100), b"Subject: 2\n\n.dots\n..\nend", message(300000),
        message(200)]
MODES = {"unlink": [2, 4], "trash": [2, 4], "flag": [1, 2, 3, 4]}


def filled():
    m = Maildir(*TEXT[:2])
    for text in TEXT[2:]:
        m.put(text, "cur")
    old = os.path.join(m.path, "tmp", "1600000000.M1P1.host")
    with open(old, "w") as f:
        f.write("left over\n")
    give(old)
    return m


def everything(s):
    """Each command there is; deletes 1 and 3."""
    for line in ("NOOP", "STAT", "RSET", "XYZZY", "LIST 1", "UIDL 2",
                 "LIST 99", "DELE 2", "RSET"):
        s.ask(line)
    for line in ("CAPA", "LIST", "UIDL", "TOP 3 5", "RETR 2", "RETR 3"):
        s.ok(line, True)
    s.ok("DELE 1")
    s.ok("DELE 3")
    same(s.quit()[:4], b"+OK ", "QUIT")


def no_denial(s):
    """In strace's lines: nobody killed, and no answer of a wall."""
    denied = [text for _, text in s.whole_trace()
              if re.search(r"(---|by) SIGSYS", text) or
              re.search(r"= -1 (EACCES|EPERM|ENOSYS|EXDEV) ", text)]
    # To be root again is tried, and must fail (S-14).
    same([d for d in denied if not re.match(r"(<... )?set\w*[ug]id\b", d)], [],
         "denied system calls")
    true("denied" not in s.log_text() and "Permission" not in s.log_text()
         and "not permitted" not in s.log_text(), f"{s.log_text()}")


def whole(*options, left, way="file", tls=None, start=lambda s: None):
    m = filled()
    s = Server(m, "--allow-plaintext", "-v", *options, way=way, helper=tls,
               calls="all")
    start(s)
    same(s.log_in()[:4], b"+OK ", "login")
    everything(s)
    no_denial(s)
    same(s.lines("session")[-1]["end"], "quit", "end")
    same(m.left(), left, "messages")
    if ROOT:	# else strace cannot read names
        looked = [t for _, t in s.whole_trace() if '"1600000000.M1P1' in t]
        same(looked == [], "--keep-tmp" in options, "tmp/ is not looked at")
    return m


for mode, left in MODES.items():
    @check(f"T8: --delete={mode}, and all else as it is by default")
    def _():
        m = whole(f"--delete={mode}", left=left)
        trash = os.path.join(m.path, ".Trash", "cur")
        if mode == "trash":
            same(len(os.listdir(trash)), 2, "messages in .Trash")
        if mode == "flag":
            same(len([n for n in m.names() if "T" in n.split(":2,")[-1]]), 2,
                 "messages with flag T")

    @check(f"T8: --delete={mode} --lock --sync --keep-new --keep-tmp")
    def _():
        whole(f"--delete={mode}", "--lock", "--sync", "--keep-new",
              "--keep-tmp", left=left)


@check("T8: --sync and --lock with messages that move")
def _():
    m = whole("--sync", "--lock", left=[2, 4])
    true([n for n in m.names() if n.startswith("cur/") and ":2,S" in n],
         f"a message is seen: {m.names()}")


@check("T8: a checker's session")
def _():
    whole("--delete=trash", "--sync", "--lock", way="checker", left=[2, 4])


@check("T8: behind STLS")
def _():
    whole(tls="", start=Server.stls, left=[2, 4])


@check("T8: APOP's random numbers, AUTH, wrong and bad commands, before login")
def _():
    s = Server(Maildir(message()), "--allow-plaintext", "--apop", "-v",
               "--hostname=here", way="checker", calls="all")
    true(b"<" in s.greeting, "a stamp")
    s.capa()
    s.ask("x" * 3000)
    s.ask("AUTH PLAIN")
    s.ask("*")
    same(s.log_in("wrong")[:12], b"-ERR [AUTH] ", "a wrong password")
    same(s.ask("QUIT")[:4], b"+OK ", "QUIT")
    s.close()
    s.exits()
    no_denial(s)


@check("T8: a failed login, the passwd-file")
def _():
    s = Server(Maildir(message()), "--allow-plaintext", calls="all")
    same(s.log_in("wrong")[:12], b"-ERR [AUTH] ", "a wrong password")
    s.works(1)
    no_denial(s)


@check("T8: while the session runs others rename, remove and deliver")
def _():
    m = filled()
    s = Server(m, "--allow-plaintext", calls="all")
    s.log_in()
    first, second = [n for n in m.names() if n.startswith("new/")]
    os.rename(os.path.join(m.path, first),
              os.path.join(m.path, "cur", os.path.basename(first) + ":2,RS"))
    os.unlink(os.path.join(m.path, second))
    m.put(message())
    s.ok("RETR 1", True)
    s.ask("RETR 2")
    s.ok("DELE 1")
    s.quit()
    no_denial(s)
    same(m.left(), [3, 4, 5], "messages")


@check("T8: the alarm and signals, in each stage")
def _():
    for number in (signal.SIGALRM, signal.SIGTERM):
        for login in (False, True):
            s = Server(Maildir(message()), "--allow-plaintext", calls="all")
            if login:
                s.log_in()
            os.kill(s.pid, number)
            s.last()
            s.close()
            s.exits()
            no_denial(s)


@check("T8: a stopped process goes on, in each stage")
def _():
    s = Server(Maildir(message()), "--allow-plaintext", way="checker")
    for pid in (s.front, s.pid):
        os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGCONT)
    s.log_in()
    for pid in (s.pid, int(s.logged("login")["pid"])):
        os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGCONT)
    same(s.ask("STAT").split()[1], b"1", "STAT")
    same(s.quit()[:4], b"+OK ", "QUIT")


def own_dev(dev):
    """The real /dev is not touched: this one is the program's alone."""
    need_root("to mount a /dev of its own")
    need("unshare", "mount", "sh")
    wrapper = ["unshare", "--mount", "sh", "-c",
               f"mount --rbind {dev} /dev && exec \"$0\" \"$@\""]
    if subprocess.run([*wrapper, "true"], capture_output=True).returncode:
        raise Skip("no mount namespaces here")
    return wrapper


def make_dev():
    dev = new_path("dev")
    os.mkdir(dev, 0o755)
    for name in ("null", "urandom"):
        os.mknod(os.path.join(dev, name), 0o666 | stat.S_IFCHR,
                 os.stat("/dev/" + name).st_rdev)
        os.chmod(os.path.join(dev, name), 0o666)
    return dev


def daemon(dev):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(os.path.join(dev, "log"))
    os.chmod(os.path.join(dev, "log"), 0o666)
    s.setblocking(False)
    return s


def heard(log):
    lines = []
    with contextlib.suppress(BlockingIOError):
        while True:
            lines.append(log.recv(4096).decode(errors="replace"))
    return lines


for way in ("file", "checker"):
    @check(f"T8: syslog, from inside the walls ({way})")
    def _():
        need_root("to mount a /dev of its own")
        dev = make_dev()
        with daemon(dev) as log:
            s = Server(Maildir(message()), "--allow-plaintext", "-v",
                       "--log=syslog", way=way, wrapper=own_dev(dev))
            s.ask("XYZZY")
            s.works(1)
            lines = heard(log)
        for word in ("command ", "login ", "session "):
            true([t for t in lines if f"]: {word}" in t], f"{word}: {lines}")
        true(all(re.match(r"<2[0-3]>", t) for t in lines), f"{lines}")

    @check(f"T8: syslog, whose daemon begins anew, or is gone ({way})")
    def _():
        need_root("to mount a /dev of its own")
        dev = make_dev()
        log = daemon(dev)
        s = Server(Maildir(message()), "--allow-plaintext", "-v",
                   "--log=syslog", way=way, wrapper=own_dev(dev))
        log.close()
        s.ask("XYZZY")		# lost, and the front lives
        os.unlink(os.path.join(dev, "log"))
        same(s.log_in()[:4], b"+OK ", "login")
        s.ask("NOOP")
        with daemon(dev) as log:
            same(s.ask("STAT").split()[1], b"1", "STAT")
            same(s.quit()[:4], b"+OK ", "QUIT")
            true([t for t in heard(log) if "]: session " in t],
                 "the session comes back to a new daemon")


done()
