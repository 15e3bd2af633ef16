#!/usr/bin/env python3
# What the walls deny, shown on processes in the middle of a session that are
# made to call it: the front, the session, the waiting keeper (S-3, S-10).
import errno
import os
import sys

sys.path.insert(0, os.environ["T"])
from boundary import *

KILLED = "killed"
AT_FDCWD = -100
PROT_READ, PROT_WRITE, PROT_EXEC, MAP_ANON = 1, 2, 4, 0x22
RDONLY, WRONLY, RDWR = os.O_RDONLY, os.O_WRONLY, os.O_RDWR
PATH = "a string: its address"

# x86_64: number, arguments; only called where Puppet works.
NR = {name: number for number, name in (
    (0, "read"), (1, "write"), (2, "open"), (9, "mmap"), (10, "mprotect"),
    (16, "ioctl"), (22, "pipe"), (32, "dup"), (33, "dup2"), (39, "getpid"),
    (41, "socket"), (42, "connect"), (43, "accept"), (44, "sendto"),
    (46, "sendmsg"), (49, "bind"), (50, "listen"), (53, "socketpair"),
    (56, "clone"), (57, "fork"), (58, "vfork"), (59, "execve"), (62, "kill"),
    (72, "fcntl"), (76, "truncate"), (77, "ftruncate"), (80, "chdir"),
    (82, "rename"), (83, "mkdir"), (84, "rmdir"), (86, "link"),
    (87, "unlink"), (88, "symlink"), (89, "readlink"), (90, "chmod"),
    (91, "fchmod"), (92, "chown"), (93, "fchown"), (101, "ptrace"),
    (105, "setuid"), (106, "setgid"), (116, "setgroups"), (117, "setresuid"),
    (119, "setresgid"), (126, "capset"), (133, "mknod"), (155, "pivot_root"),
    (157, "prctl"), (160, "setrlimit"), (161, "chroot"), (165, "mount"),
    (200, "tkill"), (234, "tgkill"), (248, "add_key"), (257, "openat"),
    (258, "mkdirat"), (259, "mknodat"), (263, "unlinkat"),
    (265, "linkat"), (266, "symlinkat"), (268, "fchmodat"),
    (272, "unshare"), (288, "accept4"), (298, "perf_event_open"),
    (304, "open_by_handle_at"), (308, "setns"), (310, "process_vm_readv"),
    (316, "renameat2"), (317, "seccomp"), (321, "bpf"), (322, "execveat"),
    (323, "userfaultfd"), (425, "io_uring_setup"), (435, "clone3"),
    (437, "openat2"), (438, "pidfd_getfd"))}

NEITHER = [
    ("fork",), ("vfork",), ("clone", 17), ("clone3", PATH, 64),
    ("execve", PATH), ("execveat", AT_FDCWD, PATH), ("ptrace", 16, 1),
    ("kill", 1, 0), ("tgkill", 1, 1, 0), ("tkill", 1, 0),
    ("process_vm_readv", 1), ("setuid", 0), ("setgid", 0),
    ("setresuid", 0, 0, 0), ("setresgid", 0, 0, 0), ("setgroups", 0),
    ("capset",), ("chroot", PATH), ("chdir", PATH), ("mount",), ("unshare",),
    ("setns",), ("pivot_root",), ("prctl", 38, 1), ("setrlimit", 7),
    ("seccomp", 1), ("bpf",), ("userfaultfd",), ("io_uring_setup", 1),
    ("perf_event_open",), ("add_key",), ("open_by_handle_at",),
    ("pidfd_getfd",), ("openat2", AT_FDCWD, PATH), ("bind", 0),
    ("listen", 0), ("accept", 0), ("accept4", 0), ("socketpair", 1, 1),
    ("sendmsg", 0), ("sendto", 1, PATH, 1, 0, PATH, 16),
    ("mmap", 0, 4096, PROT_READ | PROT_EXEC, MAP_ANON, -1),
    ("mprotect", PATH, 4096, PROT_READ | PROT_EXEC),
    ("fcntl", 0, 8, 1), ("pipe", PATH), ("dup", 0), ("truncate", PATH),
    ("ftruncate", 2), ("chmod", PATH, 0o777), ("fchmod", 2, 0o777),
    ("fchmodat", AT_FDCWD, PATH, 0o777), ("chown", PATH), ("fchown", 2),
    ("symlink", PATH, PATH), ("symlinkat", PATH, AT_FDCWD, PATH),
    ("link", PATH, PATH), ("rename", PATH, PATH), ("unlink", PATH),
    ("mkdir", PATH), ("rmdir", PATH), ("mknod", PATH), ("readlink", PATH),
    ("mknodat", AT_FDCWD, PATH),
]
FRONT = NEITHER + [
    ("open", PATH), ("openat", AT_FDCWD, PATH, RDONLY),
    ("mkdirat", AT_FDCWD, PATH), ("unlinkat", AT_FDCWD, PATH),
    ("linkat", AT_FDCWD, PATH, AT_FDCWD, PATH),
    ("renameat2", AT_FDCWD, PATH, AT_FDCWD, PATH), ("connect", 0, PATH, 16),
]
SESSION = NEITHER + [
    ("openat", AT_FDCWD, PATH, WRONLY | os.O_TRUNC),
    ("openat", AT_FDCWD, PATH, WRONLY | os.O_CREAT, 0o600),
    ("openat", AT_FDCWD, PATH, os.O_TMPFILE | RDWR, 0o600),
    ("open", PATH, RDWR | os.O_TRUNC), ("open", PATH, RDWR | os.O_CREAT),
]
# The keeper that waits for a checker's session; each costs a session and a
# checker, so a part of the others.
WAITING = FRONT[::4] + [
    ("read", 0, PATH, 1), ("write", 2, PATH, 1), ("socket", 1, 1, 0),
    ("mmap", 0, 4096, PROT_READ, MAP_ANON, -1), ("dup2", 2, 0),
    ("ioctl", 0, 0x5412, PATH),
]
# An answer, not death: what libraries try, and take a no.
ANSWERS = [(("socket", 2, 1, 0), -errno.EACCES),
           (("socket", 10, 2, 0), -errno.EACCES),
           (("socket", 16, 3, 0), -errno.EACCES),
           (("ioctl", 0, 0x5412, PATH), -errno.ENOTTY),	# TIOCSTI
           (("ioctl", 0, 0x5401, PATH), -errno.ENOTTY)]	# TCGETS


def held(pid, call, *arguments, path=b"/etc/passwd\0"):
    with Puppet(pid) as puppet:
        address = puppet.put(path)
        return puppet.call(NR[call], *[address if a is PATH else a
                                       for a in arguments])


def front():
    s = Server(Maildir(message()), "--allow-plaintext")
    s.target = s.front
    asleep(s.target)
    return s


def session(*options, **more):
    s = Server(Maildir(message()), "--allow-plaintext", *options, **more)
    same(s.log_in()[:4], b"+OK ", "login")
    s.target = int(s.logged("login")["pid"])
    asleep(s.target)
    return s


def waiting():
    s = session(way="checker")
    s.target = s.pid
    until(lambda: status(s.pid, "Seccomp") == ["2"], "the filter")
    asleep(s.target)
    return s


def asleep(pid):
    """In a system call."""
    def holds():
        with open(f"/proc/{pid}/syscall") as f:
            return f.read().split()[0] not in ("running", "-1")
    until(holds, "asleep")


def needs():
    need_sandbox()
    if "seccomp" not in layers().split(";")[0]:
        raise Skip("this kernel has none")
    if platform.machine() != "x86_64":
        raise Skip("registers are known for x86_64 only")
    need_root("to hold a process that is not dumpable")


@check("--version names the layers, or says that there is none")
def _():
    text = layers()
    true(text == "no sandbox" or re.fullmatch(
        r"sandbox:( seccomp)?( landlock-abi-\d+)? no_new_privs rlimits"
        r"(; missing:( seccomp)?( landlock)?)?", text), f"{text!r}")


@check("a process that is held can be made to call: what is allowed works")
def _():
    needs()
    for stage in (front, session):
        s = stage()
        same(held(s.target, "getpid"), s.target, "getpid")
        same(held(s.target, "mmap", 0, 4096, PROT_READ | PROT_WRITE, MAP_ANON,
                  -1) > 0, True, "mmap")
        # And it goes on, as if nothing had been.
        true(s.ask("CAPA", True).startswith(b"+OK "), "CAPA")
        s.quit()


for name, stage, calls in (("front", front, FRONT),
                           ("session", session, SESSION),
                           ("waiting keeper", waiting, WAITING)):
    @check(f"S-3: {len(calls)} system calls of which each kills the {name}",
           300)
    def _():
        needs()
        for call in calls:
            s = stage()
            same(held(s.target, *call), KILLED, f"{call}")
            if stage is front:
                s.exits()
                true(f"signal={int(signal.SIGSYS)}" in s.log_text(),
                     f"the log says it: {s.log_text()}")
            end_all()


@check("S-10: system calls that are answered with an error")
def _():
    needs()
    for stage in (front, session):
        for call, answer in ANSWERS:
            s = stage()
            same(held(s.target, *call), answer, f"{call}, {stage.__name__}")
            end_all()
    s = front()
    same(held(s.target, "socket", 1, 1, 0), -errno.EACCES,
         "AF_UNIX, front")
    s = session()
    true(held(s.target, "socket", 1, 1, 0) > 2, "AF_UNIX, session")


@check("a call by the numbers of another architecture kills (x32)")
def _():
    needs()
    for stage in (front, session):
        s = stage()
        with Puppet(s.target) as puppet:
            same(puppet.call(0x40000000 | NR["getpid"]), KILLED,
                 stage.__name__)
        end_all()


# --- files ------------------------------------------------------------------------

def opens(s, path, flags=RDONLY, mode=0o600):
    return held(s.target, "openat", AT_FDCWD, PATH, flags, mode,
                path=path.encode() + b"\0")


def needs_landlock():
    needs()
    if "landlock" not in layers().split(";")[0]:
        raise Skip("this kernel has none")


@check("S-7: the session reaches no file outside its Maildir, though the "
       "owner could")
def _():
    needs_landlock()
    other = Maildir(message())
    s = session()
    inside = os.path.join(s.maildir.path, s.maildir.names()[0])
    true(opens(s, inside) > 2, "its own message")
    true(opens(s, s.maildir.path + "/cur", os.O_DIRECTORY) > 2, "cur/")
    for path in ("/etc/passwd", "/", "/proc/self/environ", "/dev/null", "/tmp",
                 os.path.join(other.path, other.names()[0]), other.path,
                 os.path.dirname(s.maildir.path), s.log_path,
                 s.maildir.path + "/../" + os.path.basename(other.path),
                 s.maildir.path + "/cur/../../"):
        same(opens(s, path), -errno.EACCES, path)


@check("S-2: in the Maildir the session writes to tmp/ alone, and makes no "
       "directory, link or device")
def _():
    needs_landlock()
    s = session()
    base = s.maildir.path
    for path in (base, base + "/new", base + "/cur"):
        same(opens(s, path + "/x", WRONLY | os.O_CREAT | os.O_EXCL),
             -errno.EACCES, f"made in {path}")
    message_ = os.path.join(base, s.maildir.names()[0])
    for flags in (WRONLY, RDWR, WRONLY | os.O_APPEND):
        same(opens(s, message_, flags), -errno.EACCES, f"flags {flags}")
    true(opens(s, base + "/tmp/x", WRONLY | os.O_CREAT | os.O_EXCL) > 2,
         "made in tmp/")
    for name in ("tmp/x", s.maildir.names()[0]):
        path = os.path.join(base, name)
        same(held(s.target, "unlinkat", AT_FDCWD, PATH, 0,
                  path=path.encode() + b"\0"), 0, f"removal of {name}")


@check("S-7: a symbolic link in the Maildir leads nowhere")
def _():
    needs_landlock()
    s = session()
    for target in ("/etc/passwd", "../../../../../../etc/passwd"):
        link = new_path(s.maildir.path + "/new/link")
        os.symlink(target, link)
        same(opens(s, link), -errno.EACCES, target)


@check("S-8: the same without looking inside: links, FIFOs and devices are "
       "no messages")
def _():
    m = Maildir(message())
    outside = new_path("outside")
    with open(outside, "w") as f:
        f.write("Subject: not yours\n\nsecret\n")
    os.chmod(outside, 0o644)
    new = os.path.join(m.path, "new")
    os.symlink(outside, f"{new}/1700000009.M9P1.host")
    os.symlink("/etc", f"{new}/1700000010.M9P1.host")
    os.mkfifo(f"{new}/1700000011.M9P1.host")
    os.mkdir(f"{new}/1700000012.M9P1.host")
    s = Server(m, "--allow-plaintext")
    s.log_in()
    count = int(s.ask("STAT").split()[1])
    for number in range(1, count + 1):
        text = s.ask(f"RETR {number}", True)
        true(b"secret" not in text and b"root:" not in text, f"{text!r}")
    same(s.quit()[:4], b"+OK ", "QUIT")
    true(os.path.exists(outside), "what the link leads to")


done()
