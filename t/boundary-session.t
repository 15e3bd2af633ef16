#!/usr/bin/env python3
# After login: whose the session is, what it has left, and that a change of
# user that does not work serves nobody (S-3, S-10, S-12, S-14).
import os
import sys

sys.path.insert(0, os.environ["T"])
from boundary import *

MIB = 1 << 20
WAYS = ("file", "checker")


def logged_in(way="file"):
    s = Server(Maildir(message()), "--allow-plaintext", way=way,
               prepare=with_groups)
    same(s.log_in()[:4], b"+OK ", "login")
    s.session = int(s.logged("login")["pid"])
    return s


for way in WAYS:
    @check(f"S-3: after login the front is gone and reaped ({way})")
    def _():
        s = logged_in(way)
        until(lambda: gone(s.front), "the front's end")
        same(children(s.pid), [] if way == "file" else [s.session],
             "children of the keeper")
        same(s.quit()[:4], b"+OK ", "QUIT")

    @check(f"S-3: the session is the mailbox owner's, for good ({way})")
    def _():
        s = logged_in(way)
        uid = str(UID if ROOT else os.geteuid())
        gid = str(UID if ROOT else os.getegid())
        same(status(s.session, "Uid"), [uid] * 4, "uids")
        same(status(s.session, "Gid"), [gid] * 4, "gids")
        if ROOT:
            same(status(s.session, "Groups"), [], "groups")
        for key in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            same(int(status(s.session, key)[0], 16), 0, key)
        same(status(s.session, "NoNewPrivs"), ["1"], "NoNewPrivs")
        if layers() != "no sandbox":
            same(status(s.session, "Seccomp"), ["2"], "Seccomp")
        same(s.quit()[:4], b"+OK ", "QUIT")

    @check(f"S-10: the session's limits, soft and hard ({way})")
    def _():
        s = logged_in(way)
        have = limits(s.session)
        same(have["Max cpu time"], (600, 600), "CPU")
        same(have["Max open files"], (32, 32), "NOFILE")
        same(have["Max core file size"], (0, 0), "CORE")
        same(have["Max file size"], (None, None), "FSIZE")
        if layers() != "no sandbox":
            same(have["Max address space"], (256 * MIB, 256 * MIB), "AS")
        # What is not dumpable is root's in /proc.
        same(os.stat(f"/proc/{s.session}/maps").st_uid, 0, "owner in /proc")

    @check(f"S-12: the session has the connection, the log and its Maildir "
           f"({way})")
    def _():
        need_root("to see descriptors of a process that is not dumpable")
        s = logged_in(way)
        s.ok("RETR 1", True)
        fds = descriptors(s.session)
        same(fds.pop(0), fds.pop(1), "0 and 1")
        same(fds.pop(2), s.log_path, "2")
        same([w for w in fds.values() if not w.startswith(s.maildir.path)],
             [], "others")

    @check(f"S-6: no secret in the environment or the arguments ({way})")
    def _():
        need_root("to see the environment of a process that is not dumpable")
        s = logged_in(way)
        for pid in {s.pid, s.session}:
            for name in ("environ", "cmdline"):
                with open(f"/proc/{pid}/{name}", "rb") as f:
                    true(SECRET.encode() not in f.read(), f"{name} of {pid}")
        true(SECRET not in s.log_text(), "the log")


@check("P-120: while a checker's session runs the keeper has neither the "
       "connection nor its rights")
def _():
    s = logged_in("checker")
    s.ok("NOOP")
    if ROOT:
        until(lambda: status(s.pid, "Uid")[0] != "0", "another uid")
        same(status(s.pid, "Uid"), [str(front_user().pw_uid)] * 4, "uids")
        same(status(s.pid, "Groups"), [], "groups")
        for key in ("CapPrm", "CapEff"):
            same(int(status(s.pid, key)[0], 16), 0, key)
    until(lambda: status(s.pid, "NoNewPrivs") == ["1"], "NoNewPrivs")
    if layers() != "no sandbox":
        until(lambda: status(s.pid, "Seccomp") == ["2"], "the filter")
    if ROOT:
        fds = descriptors(s.pid)
        true(0 not in fds and 1 not in fds, f"{fds}")
        same([w for w in fds.values() if w.startswith(("socket", "pipe"))],
             [], "connections")
    same(s.quit()[:4], b"+OK ", "QUIT")


# --- what does not work -----------------------------------------------------------

def nothing_served(s, text):
    """-ERR at most; exit 0, since a session was begun; no login."""
    true(re.fullmatch(rb"(-ERR \[SYS/(TEMP|PERM)\] [^\r\n]*\r\n)?", text),
         f"{text!r}")
    s.close()
    s.exits()
    same(s.lines("login"), [], "logins")
    same(s.maildir.left(), [1], "messages")


FAULTS = ("setgroups:error=EPERM:when=1", "setresgid:error=EPERM:when=1",
          "setresuid:error=EAGAIN:when=1")
LIES = ("setuid:retval=0:when=1", "setgid:retval=0:when=1",
        "setresuid:retval=0:when=2")
NOTHING = ("setresuid:retval=0", "setresgid:retval=0")

for fault in FAULTS + LIES + NOTHING:
    @check(f"S-14: the session cannot be given away: {fault}")
    def _():
        need_root("to change the uid")
        s = Server(Maildir(message()), "--allow-plaintext", traced=True)
        with injected(s.pid, fault):
            s.ok("USER alice")
            s.send(f"PASS {SECRET}\r\nSTAT\r\nDELE 1\r\nQUIT\r\n".encode())
            text = s.last()
            true(text.startswith(b"-ERR [SYS/TEMP] "), f"{text!r}")
            nothing_served(s, text)
        true("cannot become uid" in s.log_text() or
             "root was not given up" in s.log_text(), f"{s.log_text()}")
        line = s.logged("session")
        same((line["user"], line["end"]), ("alice", "error"), "the last line")


for fault in FAULTS + LIES + NOTHING + ("chroot:error=EPERM",
                                        "fchdir:error=EACCES"):
    @check(f"S-14: the front cannot be given away: {fault}: the client hears "
           "-ERR, and the launcher 111")
    def _():
        need_root("to change the uid")
        if fault.startswith(("chroot", "fchdir")):
            need_sandbox()
        s = Server(Maildir(message()), "--allow-plaintext",
                   calls=fault.split(":")[0], inject=[fault], greeting=False)
        # A client sees what happens however it waits.
        s.send(f"USER alice\r\nPASS {SECRET}\r\nQUIT\r\n".encode())
        text = s.last()
        s.close()
        status_ = s.process.wait(PATIENCE)
        same(s.lines("login"), [], "logins")
        true(b"+OK" not in text, f"served: {text!r}")
        true(text.startswith(b"-ERR [SYS/TEMP] "), f"the answer {text!r}")
        same(status_, 111, "exit status")


for name, fault in (("seccomp", "prctl:error=EACCES:when=3"),
                    ("no_new_privs", "prctl:error=EPERM:when=2")):
    @check(f"S-14: the front without its walls ({name}) serves nobody")
    def _():
        need_sandbox()
        s = Server(Maildir(message()), "--allow-plaintext",
                   calls="prctl", inject=[fault], greeting=False)
        s.send(b"CAPA\r\nQUIT\r\n")
        text = s.last()
        true(b"+OK" not in text, f"served: {text!r}")
        true("cannot" in s.log_text(), f"the log: {s.log_text()}")


for name, fault in (("limits", "prlimit64:error=EPERM"),
                    ("Landlock", "landlock_restrict_self:error=EPERM"),
                    ("no_new_privs and seccomp", "prctl:error=EPERM")):
    @check(f"S-14: the session without its walls ({name}) serves nobody")
    def _():
        need_sandbox()
        if "Landlock" in name and "landlock" not in layers().split(";")[0]:
            raise Skip("this kernel has none")
        need_root("to trace a process that is not dumpable")
        s = Server(Maildir(message()), "--allow-plaintext", traced=True)
        with injected(s.pid, fault):
            s.ok("USER alice")
            s.send(f"PASS {SECRET}\r\nSTAT\r\nDELE 1\r\nQUIT\r\n".encode())
            text = s.last()
            true(re.fullmatch(rb"-ERR \[SYS/TEMP\] [^\r\n]*\r\n", text),
                 f"{text!r}")
        s.close()
        s.exits()
        same(s.maildir.left(), [1], "messages")


for uid, gid in ((0, UID), (UID, 0)):
    @check(f"S-14: a record of uid {uid} and gid {gid} is refused")
    def _():
        need_root("to change the uid")
        s = Server(Maildir(message()), "--allow-plaintext",
                   ids=(uid, gid))
        same(s.log_in()[:15], b"-ERR [SYS/PERM]", "login")
        same(s.lines("login"), [], "logins")


done()
