#!/usr/bin/env python3
# Before login: who the front is and what it has, and that the keeper is deaf
# (S-3, S-4, S-10, S-12, S-14).
import os
import sys

sys.path.insert(0, os.environ["T"])
from boundary import *

MIB = 1 << 20
JUNK = 64 * 1024 - 200


def server(*options, **more):
    return Server(Maildir(message()), "--allow-plaintext", *options, **more)


def stages(s):
    """Talks, in every way there is before login; yields after each step."""
    yield "greeted"
    s.send(b"USER al")
    s.asleep("read", "poll")
    yield "half a command"
    s.send(b"ice\r\n")
    s.line()
    yield "USER"
    s.ask("x" * 400)
    yield "junk"
    s.ask("AUTH PLAIN")
    yield "asked by AUTH"
    s.ask("*")
    yield "cancelled"


@check("S-3: the front has a uid of its own, no groups, no way to more "
       "rights, and two walls")
def _():
    for way in ("file", "checker"):
        s = server(way=way, prepare=with_groups)
        who = front_user() if ROOT else None
        uid = str(who.pw_uid if ROOT else os.geteuid())
        gid = str(who.pw_gid if ROOT else os.getegid())
        for stage in stages(s):
            same(status(s.front, "Uid"), [uid] * 4, f"uids ({stage})")
            same(status(s.front, "Gid"), [gid] * 4, f"gids ({stage})")
            if ROOT:
                same(status(s.front, "Groups"), [], f"groups ({stage})")
            for key in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                same(int(status(s.front, key)[0], 16), 0, f"{key} ({stage})")
            same(status(s.front, "NoNewPrivs"), ["1"], f"({stage})")
            same(status(s.front, "Threads"), ["1"], f"({stage})")
            if layers() != "no sandbox":
                same(status(s.front, "Seccomp"), ["2"], f"({stage})")


@check("S-3: the front's uid is not the session's")
def _():
    need_root("to change the uid")
    s = server()
    front = status(s.front, "Uid")
    s.log_in()
    true(front[0] not in status(s.pid, "Uid"), "uids")


@check("S-3: the front is shut into the empty directory")
def _():
    need_root("to see the root of another process")
    need_sandbox()
    empty = empty_dir()
    s = server(root=[f"--user={front_user().pw_name}", f"--chroot={empty}"])
    for stage in stages(s):
        for link in ("root", "cwd"):
            same(os.readlink(f"/proc/{s.front}/{link}"), empty,
                 f"{link} ({stage})")
        same(os.listdir(f"/proc/{s.front}/root"), [], f"what is in ({stage})")
    same(os.readlink(f"/proc/{s.pid}/root"), "/", "root of the keeper")


@check("S-12: the front has 0, 1, 2 and its socket, the keeper no more of "
       "the client's than 0 and 1")
def _():
    need_root("to see descriptors of a process that is not dumpable")
    for way in ("file", "checker"):
        s = server(way=way)
        for stage in stages(s):
            fds = descriptors(s.front)
            same([fds.pop(0), fds.pop(1), fds.pop(2)],
                 [descriptors(s.pid)[0]] * 2 + [s.log_path], f"({stage})")
            same([where.split(":")[0] for where in fds.values()], ["socket"],
                 f"others ({stage})")
            kept = descriptors(s.pid)
            same(len([w for w in kept.values() if w == kept[0]]), 2,
                 f"the connection, in the keeper ({stage})")


@check("S-12: what a launcher leaked is closed, in the front and the keeper")
def _():
    need_root("to see descriptors of a process that is not dumpable")
    path = new_path("leaked")
    leaked = [os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
              for _i in range(20)]
    try:
        s = server(pass_fds=leaked)
        for pid in (s.front, s.pid):
            true(path not in descriptors(pid).values(), f"{descriptors(pid)}")
    finally:
        for fd in leaked:
            os.close(fd)


@check("S-6: neither can be dumped")
def _():
    s = server()
    same(limits(s.front)["Max core file size"], (0, 0), "core of the front")
    same(limits(s.pid)["Max core file size"], (0, 0), "core of the keeper")
    # What is not dumpable is root's in /proc.
    for pid in (s.front, s.pid):
        same(os.stat(f"/proc/{pid}/maps").st_uid, 0, "owner in /proc")


@check("S-10: the front's limits, soft and hard")
def _():
    s = server()
    have = limits(s.front)
    same(have["Max cpu time"], (10, 10), "CPU")
    same(have["Max open files"], (32, 32), "NOFILE")
    if layers() != "no sandbox":
        same(have["Max address space"], (64 * MIB, 64 * MIB), "AS")
        same(have["Max processes"], (0, 0), "NPROC")


def memory(pid):
    """Pss, and the memory that is nobody else's and no file's, in KiB."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        text = f.read()
    return [int(re.search(rf"^{key}: +(\d+) kB", text, re.M).group(1))
            for key in ("Pss", "Anonymous")]


@check("S-10: the part before login costs at most 1.5 MiB (Pss), and 64 KiB "
       "of junk add nothing")
def _():
    need_root("to see the memory of a process that is not dumpable")
    need_sandbox()
    s = server("--tls=off")
    true(sum(memory(pid)[0] for pid in (s.front, s.pid)) <= 1536,
         f"KiB, front and keeper: {memory(s.front)}, {memory(s.pid)}")
    s.ask("CAPA", True)
    s.ask("x" * 600)
    before = memory(s.front)[1], memory(s.pid)[1]
    s.send(b"x" * JUNK + b"\r\n")
    same(s.line()[:5], b"-ERR ", "64 KiB in one line")
    for octets in (b"USER " + b"x" * 250, b"USER " + b"y" * 500,
                   b"AUTH PLAIN " + b"A" * 4000, b"\0" * 400):
        s.send(octets + b"\r\n")
        s.line()
    after = memory(s.front)[1], memory(s.pid)[1]
    same(after[1] - before[1], 0, "KiB more, keeper")
    true(after[0] - before[0] <= 8, f"KiB more, front: {before}, {after}")


# --- the keeper -----------------------------------------------------------------

TALK = "read,write,readv,writev,recvfrom,recvmsg,sendto,sendmsg,shutdown"


def by_whom(s):
    """(pid, call) for each call on 0 and 1, and (pid, "exited"), in order."""
    for pid, text in s.whole_trace():
        call = re.match(r"(\w+)\(([01]),", text)
        if call:
            yield pid, call.group(1) + call.group(2)
        elif text.startswith("+++"):
            yield pid, "exited"


def one_talks(s, session):
    """The front alone until it exits, then the session alone."""
    told = list(by_whom(s))
    end = told.index((s.front, "exited"))
    same({pid for pid, _ in told[:end]}, {s.front}, "who talks before login")
    after = {pid for pid, call in told[end + 1:] if call != "exited"}
    same(after, {session} if session else set(), "who talks after login")


@check("S-3: the keeper neither reads nor writes the connection until the "
       "front is gone, and the front not after login")
def _():
    s = server(calls=TALK)
    for _ in stages(s):
        pass
    s.log_in()
    s.ok("RETR 1", True)
    s.quit()
    one_talks(s, s.pid)


@check("S-3: the same where nobody logs in")
def _():
    s = server(calls=TALK)
    for _ in stages(s):
        pass
    s.quit()
    one_talks(s, None)


@check("P-120: the same with a checker: the keeper never talks")
def _():
    s = server(way="checker", calls=TALK)
    s.log_in()
    s.ok("RETR 1", True)
    true(s.pid != s.logged("login")["pid"], "the session is another process")
    session = int(s.logged("login")["pid"])
    s.quit()
    # The checker's own descriptors are its own affair: it has exec'd since.
    one_talks(s, session)


@check("P-82: the front reads one octet at a time, also of what the PROXY "
       "header leaves")
def _():
    s = server("--proxy-protocol", calls="read,recvfrom,readv",
               greeting=False)
    s.send(v1("UNKNOWN") + b"CAPA\r\nNOOP\r\nQUIT\r\n")
    s.greet()
    s.rest()
    s.close()
    s.exits()
    reads = [text for _, text in s.whole_trace()
             if re.match(r"(read|readv|recvfrom)\(0,", text)]
    true(len(reads) > 30, f"{len(reads)} reads")
    # The lingering close reads what nobody will parse.
    same([r for r in reads if not re.search(r", 1\) += 1$", r) and
          ", 4096)" not in r], [], "longer reads")


done()
