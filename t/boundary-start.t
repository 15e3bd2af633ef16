#!/usr/bin/env python3
# What root needs before it serves: a user and an empty directory; and that
# the shape is the same where no root is (S-3, S-14, P-18).
import os
import sys

sys.path.insert(0, os.environ["T"])
from boundary import *


def refused(*root, **more):
    """Exit 111, one -ERR; the message, which names the command."""
    s = Server(Maildir(message()), "--allow-plaintext", root=list(root),
               greeting=False, **more)
    text = s.last()
    s.close()
    s.exits(111)
    true(re.fullmatch(rb"-ERR \[SYS/(PERM|TEMP)\] [^\r\n]*\r\n", text),
         f"{text!r}")
    true(b"chroot" not in text and b"user" not in text, f"details: {text!r}")
    lines = s.log_text().splitlines()
    same(len(lines), 1, f"lines in the log: {lines}")
    return lines[0]


def unescaped(text):
    return re.sub(r"\\x([0-9A-F]{2})", lambda m: chr(int(m.group(1), 16)),
                  text)


def command(line):
    true("mend it with: " in line, f"a command in {line!r}")
    return unescaped(line.split("mend it with: ")[1])


def serves(*root, **more):
    Server(Maildir(message()), "--allow-plaintext", root=list(root),
           **more).works(1)


def mended(option, *root, any_command=False):
    """any_command: there may be none, but no wrong one."""
    line = refused(*root)
    true(option in unescaped(line), f"{option} in {line!r}")
    if any_command and "mend it with" not in line:
        return
    subprocess.run(["sh", "-c", command(line)], check=True, cwd="/")
    serves(*root)


def user():
    return f"--user={front_user().pw_name}"


def make_missing(path):
    return path + "/and/below"


def make_writable(path):
    os.mkdir(path)
    os.chmod(path, 0o775)


def make_open(path):
    os.mkdir(path)
    os.chmod(path, 0o1777)


def make_owned(path):
    os.mkdir(path, 0o755)
    os.chown(path, front_user().pw_uid, 0)


def make_link(path):
    os.symlink(empty_dir(), path)


def make_file(path):
    with open(path, "w"):
        pass


NO_DIRECTORY = (make_link, make_file)
for name, make in (("missing", make_missing),
                   ("writable by its group", make_writable),
                   ("writable by all", make_open),
                   ("the front's own", make_owned),
                   ("a symbolic link", make_link), ("a file", make_file)):
    @check(f"S-3: --chroot is {name}: 111, and the command that mends it does")
    def _():
        need_root("root alone has a front elsewhere")
        path = new_path("chroot")
        path = make(path) or path
        mended(f"--chroot={path}", user(), f"--chroot={path}",
               any_command=make in NO_DIRECTORY)


@check("S-3: --chroot is not empty: 111, and the message says of what")
def _():
    need_root("root alone has a front elsewhere")
    for name in ("file", ".hidden", "..."):
        path = empty_dir()
        with open(os.path.join(path, name), "w"):
            pass
        line = refused(user(), f"--chroot={path}")
        true(path in unescaped(line) and "empty" in line, f"{line!r}")
        os.unlink(os.path.join(path, name))
        serves(user(), f"--chroot={path}")


def unknown(name):
    with open("/etc/passwd") as f:
        return not any(line.startswith(name + ":") for line in f)


@check("S-3: --user is missing: 111, and the command that mends it does")
def _():
    need_root("root alone has a front of another user")
    need("unshare", "useradd", "sh")
    # In an /etc of our own, which nobody else sees.
    etc = new_path("etc")
    # Other tests make users meanwhile: a file may go while it is copied.
    with contextlib.suppress(shutil.Error):
        shutil.copytree("/etc", etc, symlinks=True, ignore=lambda _d, names: [
            n for n in names if n in ("ssl", "alternatives", "systemd") or
            n.endswith(".lock")])
    inside = ["unshare", "--mount", "sh", "-c",
              f"mount --bind {etc} /etc && exec \"$0\" \"$@\""]
    if subprocess.run([*inside, "true"], capture_output=True).returncode:
        raise Skip("no mount namespaces here")
    name = "pop3d-t-front"
    root = f"--user={name}", f"--chroot={empty_dir()}"
    line = refused(*root, wrapper=inside)
    true(f"--user={name}" in unescaped(line), f"{line!r}")
    subprocess.run([*inside, "sh", "-c", command(line)], check=True, cwd="/",
                   capture_output=True)
    s = Server(Maildir(message()), "--allow-plaintext", root=list(root),
               wrapper=inside)
    uid = status(s.front, "Uid")
    true("0" not in uid and uid[0] != str(UID), f"uids of the front {uid}")
    s.works(1)
    true(unknown(name), "the user is not in the real /etc/passwd")


@check("S-14: --user is root, or one of its kind")
def _():
    need_root("root alone has a front of another user")
    for name in ("root",):
        line = refused(f"--user={name}", f"--chroot={empty_dir()}")
        true(f"--user={name}" in unescaped(line), f"{line!r}")


@check("S-3: --preauth is refused to root, with exit 100")
def _():
    need_root("to be root")
    m = Maildir(message())
    s = Server(m, greeting=False, args=["--preauth", m.path])
    true(s.last().startswith(b"-ERR [SYS/PERM] "), "the answer")
    s.close()
    s.exits(100)
    same(m.left(), [1], "messages")


# --- not started as root ------------------------------------------------------

def unprivileged(**more):
    """Whoever we are, the program is the owner of the mail."""
    s = Server(Maildir(message()), "--allow-plaintext", root=[],
               prepare=as_user, **more)
    return s


@check("S-3: not started as root there is a front all the same, of one uid, "
       "with its walls")
def _():
    for way in ("file", "checker"):
        s = unprivileged(way=way)
        uid = str(UID if ROOT else os.geteuid())
        for pid in (s.pid, s.front):
            same(status(pid, "Uid"), [uid] * 4, "uids")
        same(status(s.front, "NoNewPrivs"), ["1"], "NoNewPrivs of the front")
        same(limits(s.front)["Max cpu time"], (10, 10), "CPU")
        same(limits(s.front)["Max open files"], (32, 32), "NOFILE")
        if layers() != "no sandbox":
            same(status(s.front, "Seccomp"), ["2"], "Seccomp of the front")
            same(limits(s.front)["Max processes"], (0, 0), "NPROC")
        same(s.log_in()[:4], b"+OK ", "login")
        session = int(s.logged("login")["pid"])
        until(lambda: gone(s.front), "the front's end")
        same(status(session, "Uid"), [uid] * 4, "uids of the session")
        same(status(session, "NoNewPrivs"), ["1"], "NoNewPrivs")
        if layers() != "no sandbox":
            same(status(session, "Seccomp"), ["2"], "Seccomp")
        same(s.ask("STAT").split()[1], b"1", "STAT")
        same(s.quit()[:4], b"+OK ", "QUIT")


@check("P-116: not started as root the checker finds 3 open, too")
def _():
    s = unprivileged(way="checker")
    s.works(1)
    fds = dict(line.split(" ", 1) for line in s.checker.noted("fd"))
    true(fds["3"].startswith("pipe:"), f"{fds}")


@check("S-14: not started as root nobody tries to become anybody")
def _():
    need("strace")
    s = unprivileged(calls="setuid,setgid,setgroups,setresuid,setresgid,"
                     "setreuid,setregid,setfsuid,chroot,write")
    s.works(1)
    same([text for _, text in s.whole_trace()
          if re.match("set|chroot", text)], [], "calls")


@check("S-14: not started as root, a record of another uid is refused")
def _():
    if not ROOT:
        raise Skip("the record has no uid here")
    s = Server(Maildir(message()), "--allow-plaintext", root=[],
               prepare=as_user, ids=(UID + 1, UID))
    same(s.log_in()[:15], b"-ERR [SYS/PERM]", "login")
    same(s.lines("login"), [], "logins")


done()
