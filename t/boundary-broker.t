#!/usr/bin/env python3
# The road from the front to the keeper: a front that dies, lies or floods
# ends the connection, and nobody is served (S-3, S-15).
import os
import sys
import termios

sys.path.insert(0, os.environ["T"])
from boundary import *

SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438	# the same everywhere
libc = ctypes.CDLL(None, use_errno=True)


def server(**more):
    return Server(Maildir(message()), "--allow-plaintext", **more)


def roads_end(s):
    """The front's end of the road to the keeper, as if we were the front."""
    need_root("to take a descriptor of a process that is not dumpable")
    number = next(fd for fd, where in sorted(descriptors(s.front).items())
                  if fd > 2 and where.startswith("socket:"))
    pidfd = libc.syscall(SYS_PIDFD_OPEN, s.front, 0)
    fd = libc.syscall(SYS_PIDFD_GETFD, pidfd, number, 0)
    if fd == -1:
        raise Skip(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
    os.close(pidfd)
    return socket.socket(fileno=fd)


def over(s, what):
    """Ended, exit 0, nothing served, the mail untouched, and logged."""
    text = s.last()
    true(b"+OK" not in text, f"served after {what}: {text!r}")
    s.exits()
    until(lambda: gone(s.front), "the front's end")
    same(s.lines("login"), [], f"logins after {what}")
    same(s.maildir.left(), [1], "messages")
    same(s.logged("session")["end"], "error", f"end after {what}")
    s.close()


for way in ("file", "checker"):
    @check(f"S-15: a front that is killed takes the keeper along ({way})")
    def _():
        for step in ("", "USER alice"):
            s = server(way=way)
            if step:
                s.ok(step)
            os.kill(s.front, signal.SIGKILL)
            over(s, "SIGKILL")
            line = [t for t in s.log_text().splitlines() if "front-died" in t]
            same(len(line), 1, f"lines about it: {s.log_text()}")
            true(" signal=9" in line[0], f"{line}")


@check("S-15: a front that is killed while the keeper checks its request")
def _():
    s = server()
    s.ok("USER alice")
    s.send(b"PASS wrong\r\n")
    until(lambda: s.lines("login-failed"), "the refusal")
    os.kill(s.front, signal.SIGKILL)
    over(s, "SIGKILL")


@check("S-3: a keeper that is killed takes the front along")
def _():
    for step in ("", "AUTH PLAIN"):
        s = server()
        if step:
            s.ask(step)
        os.kill(s.pid, signal.SIGKILL)
        # It notices when it next asks.
        s.send(b"\r\nUSER alice\r\nPASS " + SECRET.encode() + b"\r\n")
        text = s.last()
        true(text.count(b"+OK") <= 1, f"served: {text!r}")
        s.close()
        until(lambda: gone(s.front), "the front's end")
        same(s.lines("login"), [], "logins")


def lies(what, records):
    @check(f"S-15: {what}: the keeper ends it, and says why")
    def _():
        for record in records:
            s = server()
            with roads_end(s) as road:
                os.kill(s.front, signal.SIGSTOP)
                road.send(record)
                over(s, f"{len(record)} octets")
            true("broke the rules" in s.log_text(), f"{s.log_text()}")
            true("record" not in s.log_text(), "nothing of it in the log")


lies("a record that is too short", [b"\1", b"\1" * 100, b"\xff" * 500])
lies("a record that is too long", [b"\0" * 1000, b"\1" * 4000])
# One of these lengths is the right one.
lies("a record of zeros", [bytes(n) for n in range(720, 801, 8)])
lies("a record of ones", [b"\1" * n for n in range(720, 801, 8)])
lies("a record with all bits set", [b"\xff" * n for n in range(720, 801, 8)])


def request(name=b"alice", secret=b"record", ip=b"192.0.2.1", size=760,
            kind=1, end=0):
    """A whole one, as broker.h has it; the keeper checks what is in it."""
    head = bytes([kind, end, 0, 0, 0, len(name), len(secret), 0, 0, len(ip),
                  0])
    texts = ((name, 256), (secret, 256), (b"", 129), (b"", 33), (ip, 46))
    return (head.ljust(32, b"\0") + b"".join(
        text.ljust(room, b"\0") for text, room in texts)).ljust(size, b"\0")


@check("S-15: (a record that is right is answered)")
def _():
    s = server()
    with roads_end(s) as road:
        os.kill(s.front, signal.SIGSTOP)
        road.send(request())
        until(lambda: s.lines("login-failed"), "the refusal")
    s.end()


lies("a NUL inside a name", [request(name=b"al\0ice")])
lies("a NUL inside a secret", [request(secret=b"rec\0ord")])
lies("an address that is no text", [request(ip=b"192.0.2.1\n")])
lies("an end that there is not", [request(kind=4, end=n)
                                  for n in (7, 8, 9, 60, 255)])


@check("S-15: (an end that there is, is logged)")
def _():
    s = server()
    with roads_end(s) as road:
        os.kill(s.front, signal.SIGSTOP)
        road.send(request(kind=4, end=6))
        over(s, "the last end")
    same(s.lines("error"), [], "complaints")


@check("S-15: an empty record")
def _():
    s = server()
    with roads_end(s) as road:
        os.kill(s.front, signal.SIGSTOP)
        road.send(b"")
        text = s.last()
        same(text, b"", "the answer")
    s.exits()
    same(s.lines("login"), [], "logins")


@check("S-15: a front that closes the road and stays is not waited for")
def _():
    s = server()
    with roads_end(s) as road:
        os.kill(s.front, signal.SIGSTOP)
        road.shutdown(socket.SHUT_WR)
        same(s.last(), b"", "the answer")
    s.exits()
    until(lambda: gone(s.front), "the front's end")


@check("S-15: a front that does not go when told to is not waited for")
def _():
    s = server()
    s.ok("USER alice")
    # The keeper stands still until the front has asked, and stands, too.
    os.kill(s.pid, signal.SIGSTOP)
    until(lambda: status(s.pid, "State")[0] == "T", "the keeper's stop")
    with roads_end(s) as road:
        s.send(f"PASS {SECRET}\r\n".encode())
        until(lambda: ioctl_count(road, termios.TIOCOUTQ) > 0,
              "the front's question")
    os.kill(s.front, signal.SIGSTOP)
    until(lambda: status(s.front, "State")[0] == "T", "the front's stop")
    os.kill(s.pid, signal.SIGCONT)
    until(lambda: gone(s.front), "the front's end")
    same(s.line()[:4], b"+OK ", "PASS, from the session")


@check("S-15: the verdict is one the front cannot make: writing it to itself "
       "changes nothing")
def _():
    s = server()
    with roads_end(s) as road:
        # The front is in read(0); the keeper's word would come from there.
        road.send(b"g\1")
    over(s, "a verdict")


@check("S-11: signals end a session before login, whoever gets them")
def _():
    for number, end in ((signal.SIGALRM, "timeout"),
                        (signal.SIGTERM, "signal"), (signal.SIGHUP, "signal"),
                        (signal.SIGINT, "signal")):
        for whom in ("front", "keeper"):
            s = server()
            s.asleep("read", "poll")
            os.kill(s.front if whom == "front" else s.pid, number)
            same(s.last(), b"", f"answer to {number}")
            s.exits()
            same(s.logged("session")["end"], end, f"end, {number} to {whom}")
            until(lambda: gone(s.front), "the front's end")


done()
