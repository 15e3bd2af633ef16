#!/usr/bin/env python3
# --check: each thing it can find is made wrong once, what it says to do is
# done as it stands, and then it finds nothing; it writes nothing and shows no
# secret.
import ctypes
import os
import resource
import sys

sys.path.insert(0, os.environ["T"])
from login import *

HELPER = os.path.join(os.environ["T"], "ucspi-tls")
SMALL = message()
ENV = {"PATH": os.environ["PATH"]}


class Look:
    """What --check says: (kind, text, advice)..., and its exit code."""

    def __init__(self, *args, shape=None, env=None, wrapper=(), cwd="/",
                 prepare=None):
        who = as_owner() if (shape or SHAPES[0]) == "uid" else {}
        run = subprocess.run(
            [*wrapper, PROGRAM, "--check", *args], stdin=subprocess.DEVNULL,
            capture_output=True, cwd=cwd, env=ENV | (env or {}),
            preexec_fn=prepare, check=False, **who)
        same(run.stderr, b"", "standard error")
        self.code = run.returncode
        self.octets = run.stdout
        self.lines = run.stdout.decode("ascii").splitlines()
        self.found = []
        for line in self.lines[:-1]:
            kind, text = line.split(": ", 1)
            if kind.startswith(" "):
                same(self.found[-1][2], None, f"advice before {line!r}")
                self.found[-1][2] = (kind.strip(), text)
            else:
                true(kind in ("well", "note", "mend"), line)
                self.found.append([kind, text, None])
        for kind, text, advice in self.found:
            same(advice is not None, kind == "mend", f"advice after {text!r}")
        same(self.code, 1 if self.mends() else 0, f"exit code; {self}")
        same(self.lines[-1], f"{len(self.mends())} to mend" if self.mends()
             else "nothing to mend", "the last line")

    def __str__(self):
        return "\n".join(self.lines)

    def mends(self):
        return [f for f in self.found if f[0] == "mend"]

    def one(self, *words):
        """The one thing to mend, which has these words; its advice."""
        same(len(self.mends()), 1, f"things to mend in\n{self}\n")
        _, text, advice = self.mends()[0]
        for word in words:
            true(word in text, f"{word!r} in {text!r}")
        return advice

    def says(self, kind, *words):
        for k, text, _ in self.found:
            if k == kind and all(w in text for w in words):
                return text
        raise Fail(f"no {kind} with {words} in\n{self}")


def well(*args, **more):
    found = Look(*args, **more)
    true(found.code == 0, f"all is well:\n{found}")
    return found


def do(command, wrapper=(), cwd="/"):
    run = subprocess.run([*wrapper, "sh", "-ec", command], cwd=cwd,
                         capture_output=True, text=True, check=False)
    same((run.returncode, run.stderr), (0, ""), command)


def mended(args, *words, shape=None, wrapper=(), cwd="/", **more):
    """One thing is wrong, with these words; the command it gives, done by who
    may, mends it."""
    kind, command = Look(*args, shape=shape, wrapper=wrapper, cwd=cwd,
                         **more).one(*words)
    same(kind, "do", f"advice {command!r}")
    do(command, wrapper, cwd)
    return well(*args, shape=shape, wrapper=wrapper, cwd=cwd, **more)


def edited(args, words, advice, edit, **more):
    """The same where the advice is in words: edit() does it, and may give
    other arguments."""
    kind, text = Look(*args, **more).one(*words)
    same(kind, "edit", text)
    for word in advice:
        true(word in text, f"{word!r} in {text!r}")
    return well(*(edit() or args), **more)


def options(*more, shape=None):
    """What every good set-up has here."""
    root = (["--user=nobody", f"--chroot={EMPTY}"]
            if (shape or SHAPES[0]) == "root" else [])
    return [*root, "--log=stderr", "--allow-plaintext", *more]


def users(*lines, mode=0o600, shape=None):
    path = passwd_file(*lines, mode=mode)
    if (shape or SHAPES[0]) == "uid":
        give(path)
    return path


def with_file(path, *more, shape=None):
    return options(f"--passwd-file={path}", *more, shape=shape)


def good(*lines, shape=None, maildir=None):
    """(passwd-file, arguments) of a set-up in which all is well."""
    path = users(*(lines or [record("alice")]), shape=shape)
    maildir = (maildir or Maildir(SMALL)).path
    return path, with_file(path, maildir, shape=shape)


def home(mode=0o755):
    path = new_path("home")
    os.mkdir(path, mode)
    give(path)
    return path


def write(path, *lines):
    """A new file in the place of path, with its owner and mode."""
    st = os.stat(path)
    new = path + ".new"
    with open(new, "w") as f:
        f.write("".join(line + "\n" for line in lines))
    os.chown(new, st.st_uid, st.st_gid)
    os.chmod(new, st.st_mode & 0o777)
    os.rename(new, path)


# --- the whole ----------------------------------------------------------------

@check("interface: a set-up that is right has nothing to mend, exit 0, and is "
       "one that serves")
def _():
    for shape in SHAPES:
        m = Maildir(SMALL)
        path, args = good(shape=shape, maildir=m)
        found = well(*args, shape=shape)
        found.says("well", path, "users: 1,", "looked at: 1")
        found.says("well", "sandbox:" if sandboxed() else "log")
        if shape == "root":
            found.says("well", "--user=nobody")
            found.says("well", EMPTY)
        s = Login(*args, shape=shape)
        login(s)
        s.quit()


@check("interface: --check is the first word or none, and knows --help")
def _():
    s = Login("--allow-plaintext", "--check", "--preauth", "M", shape="uid",
              greeting=False)
    true(s.line().startswith(b"-ERR [SYS/PERM] "), "the answer")
    s.close()
    s.exits(100)
    s.says("--check", "first")
    for word in ("--help", "--version"):
        out = subprocess.run([PROGRAM, "--check", word], capture_output=True,
                             check=True).stdout
        true(b"mend\n" not in out and out.count(b"\n") > 2, f"{out!r}")


@check("interface: a wrong command line is a finding, with the words of the "
       "start")
def _():
    found = Look("--idle-timeout=5", "M")
    same(found.one("--idle-timeout=5", "600")[0], "edit", "advice")
    found = Look("--preauth", "--pam", "M")
    found.one("one of")
    edited(["--delete=gone", Maildir().path, "--log=stderr"],
           ["--delete=gone", "unlink"], ["command line"],
           lambda: ["--log=stderr", "--delete=unlink", Maildir().path])


@check("S-1: it writes nothing and changes nothing, whatever it finds")
def _():
    need("strace", "find")
    m = Maildir(SMALL, SMALL)
    os.mkdir(m.path + "/maildir-pop3d.sizes")
    os.rmdir(m.path + "/tmp")
    lines = [record("alice"), "broken", record("b", "$1$x$y"), record("alice"),
             record("c", extra="userdb_mail=maildir:/nonexistent/x")]
    for shape in SHAPES:
        args = with_file(users(*lines, shape=shape), m.path, shape=shape)

        def state():
            return subprocess.run(
                ["find", FOLDER, "-printf", "%p %y %m %U %s %i %T@ %C@\n"],
                capture_output=True, check=True).stdout
        before = state()
        true(len(Look(*args, shape=shape).mends()) >= 6, "findings")
        same(state(), before, "the files")
    trace = new_path("trace")
    run = subprocess.run(
        ["strace", "-f", "-qq", "-o", trace, "-e", "trace=openat,open,creat,"
         "mkdir,mkdirat,unlink,unlinkat,rename,renameat,renameat2,link,"
         "linkat,symlinkat,chmod,fchmod,fchmodat,chown,fchownat,truncate,"
         "ftruncate,utimensat,rmdir,mknodat,execve,write,sendto",
         PROGRAM, "--check", *args], stdin=subprocess.DEVNULL,
        capture_output=True, check=False)
    if run.returncode != 1:
        raise Skip("strace may not trace here")
    with open(trace) as f:
        for line in f:
            call = line.split(None, 1)[1]
            true(re.match(r"(execve\(|write\(1, |open(at)?\(.*O_RDONLY|\+\+\+|"
                          r"---)", call), f"call {call!r}")


@check("S-6: no field of a record is shown but the name, wherever a colon is "
       "missing or too many")
def _():
    word = "hunter2"
    for line in (f"{word}", f"a:{{PLAIN}}x:{word}:1:2", f"a b:{word}",
                 f"a:{word}", f"a:$1${word}$xx", f":{word}",
                 f"a:{{PLAIN}}x:7777:{word}", f"a:{{PLAIN}}x:7777:7777:{word}"
                 f":{word}", f"a:{{PLAIN}}:::::::allow_nets={word}",
                 f"a:{{SHA256}}{word}", f"../{word}:x",
                 f"a:{{PLAIN}}x:7777:7777:::: userdb_mail={word}",
                 f"a:{{PLAIN}}{word}:0:0", f"a:{{PLAIN}}{word}::::rel"):
        for shape in SHAPES:
            found = Look(*with_file(users(line, shape=shape), shape=shape),
                         shape=shape)
            true(found.mends() or "locked" in str(found), f"{line}: {found}")
            true(word not in str(found), f"{line}:\n{found}")


@check("S-9: octets of a name reach no terminal raw, and a command is about "
       "exactly that file")
def _():
    for name in ("a b", "it's", "$HOME", "\x1b[31mred", "caf\u00e9", "a;b",
                 "-n", "\"q\"", "*"):
        h = home()
        path, args = good(record("alice", home=h + "/" + name))
        args[-1] = "Maildir"
        found = Look(*args)
        command = found.one("missing")[1]
        do(command)
        true(os.path.isdir(h + "/" + name), f"{name!r} made by {command!r}")
        mended(args, "Maildir", "missing")


@check("interface: no more than 50 things to mend are shown, and how many "
       "there are")
def _():
    path = users(*[f"u{i}:$1$x$y:{OWNER}:{GROUP}" for i in range(70)])
    run = subprocess.run(
        [PROGRAM, "--check", *with_file(path)],
        capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL)
    lines = run.stdout.splitlines()
    same(len([x for x in lines if x.startswith("mend: ")]), 50, "shown")
    same(lines[-2:], ["and 20 more", "70 to mend"], "the last lines")
    same(run.returncode, 1, "exit code")


# --- settings -----------------------------------------------------------------

@check("P-62: neither TLS nor --allow-plaintext: nobody can log in")
def _():
    path, args = good()
    args.remove("--allow-plaintext")
    for more in ("--allow-plaintext", "--tls=on", "--tls=ucspi"):
        edited(args, ["--tls", "--allow-plaintext", "nobody can log in"],
               [more], lambda m=more: [m, *args])
    well("--preauth", "--log=stderr", Maildir().path)


@check("P-139, P-65: who can log in without either: TLS that a PROXY header "
       "tells of, and APOP")
def _():
    path, args = good()
    args.remove("--allow-plaintext")
    well("--proxy-protocol", *args).says("note", "--proxy-protocol without",
                                         "send-proxy-v2-ssl")
    args = options("--checkpassword", "--apop", Maildir().path, "/bin/true")
    args.remove("--allow-plaintext")
    well(*args).says("note", "--apop", "no other way")
    args.remove("--apop")
    Look(*args).one("nobody can log in")


@check("interface: options without effect are notes")
def _():
    path, args = good()
    well("--tls=on", *args).says("note", "--allow-plaintext has no effect")
    m = Maildir(SMALL).path
    well("--preauth", "--proxy-protocol", "--log=stderr", m).says(
        "note", "no effect")
    well("--proxy-protocol", *args).says("note", "--proxy-protocol")
    well("--lock", *args).says("note", "--lock")


# --- this kernel --------------------------------------------------------------

def without_landlock():
    """A kernel that does not know the first call of Landlock."""
    code = b"".join(struct.pack("HBBI", *i) for i in (
        (0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x50026),
        (0x06, 0, 0, 0x7fff0000)))
    buf = ctypes.create_string_buffer(code, len(code))
    prog = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", 4, ctypes.addressof(buf)))
    libc = ctypes.CDLL(None)
    libc.prctl(38, 1, 0, 0, 0)
    if libc.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(prog)), 0, 0):
        os._exit(77)


@check("S-10: a layer of the sandbox that the kernel lacks is named")
def _():
    if not sandboxed():
        well("--log=stderr", Maildir(SMALL).path).says("note", "no sandbox")
        return
    found = well("--log=stderr", Maildir(SMALL).path, shape="uid",
                 prepare=without_landlock)
    found.says("note", "missing: landlock", "5.19")


# --- the part before login ----------------------------------------------------

@check("S-3: --chroot missing, another's, writable, not empty, no directory")
def _():
    need_root()
    path, args = good()
    args.remove(f"--chroot={EMPTY}")
    for make, words in ((lambda p: None, "No such file"),
                        (lambda p: (os.mkdir(p), os.chmod(p, 0o777)),
                         "writable by nobody else"),
                        (lambda p: (os.mkdir(p), give(p)), "root's")):
        where = new_path("chroot")
        make(where)
        mended([f"--chroot={where}", *args], f"--chroot={where}", words)
    where = new_path("chroot")
    os.makedirs(where + "/x")
    edited([f"--chroot={where}", *args], ["must be empty", "ls -a"], [],
           lambda: os.rmdir(where + "/x"))
    where = new_path("chroot")
    os.symlink(EMPTY, where)
    edited([f"--chroot={where}", *args], ["no link", "name another"], [],
           lambda: [f"--chroot={EMPTY}", *args])


@check("S-3: --user missing, or root")
def _():
    need_root()
    need("useradd")
    path, args = good()
    args.remove("--user=nobody")
    with namespace(f"mount --bind {copy_of_etc()} /etc") as inside:
        mended(["--user=pop3d-t-check", *args], "--user=pop3d-t-check",
               wrapper=inside)
    edited(["--user=root", *args], ["--user=root", "another user"], [],
           lambda: ["--user=nobody", *args])


# --- the passwd-file as a whole -----------------------------------------------

@check("P-154: the passwd-file's rights, and that it is one")
def _():
    for shape in SHAPES:
        path, args = good(shape=shape)
        os.chmod(path, 0o604)
        mended(args, path, "everybody can read", shape=shape)
        for mode in (0o660, 0o602):
            path, args = good(shape=shape)
            os.chmod(path, mode)
            mended(args, path, "written by group or others", shape=shape)
        path, args = good(shape=shape)
        os.rename(path, path + ".old")
        mended(args, path, "No such file", shape=shape)
        link = new_path("link")
        path, _ = good(shape=shape)
        os.symlink(path, link)
        edited(with_file(link, Maildir().path, shape=shape),
               [link, "symbolic link"], ["readlink"],
               lambda p=path: with_file(p, Maildir().path, shape=shape),
               shape=shape)
        edited(with_file(FOLDER, Maildir().path, shape=shape),
               [FOLDER, "regular file"], ["NAME:PASSWORD"],
               lambda p=path: with_file(p, Maildir().path, shape=shape),
               shape=shape)
        path, args = good(shape=shape)
        edited(["--allow-plaintext", *args[:-2],
                f"--passwd-file={os.path.basename(path)}", args[-1]],
               ["relative"], ["$PWD"], lambda a=args: a, shape=shape,
               cwd=FOLDER)


@check("P-154: as root, a passwd-file of somebody else; without root, one "
       "that it may not read, or not reach")
def _():
    need_root()
    path, args = good(shape="root")
    give(path)
    mended(args, path, "another user", shape="root")
    path, args = good(shape="uid")
    os.chown(path, 0, 0)
    mended(args, path, "Permission denied", shape="uid")
    closed = new_path("closed")
    os.mkdir(closed, 0o700)
    edited(with_file(closed + "/users", Maildir().path, shape="uid"),
           ["Permission denied"], ["pass through"], lambda: args, shape="uid")


# --- its lines ------------------------------------------------------------------

def line_is_wrong(line, words, advice, right):
    """Line 2 of three is wrong in each shape, and right mends it."""
    for shape in SHAPES:
        first = record("first", home=FOLDER)
        path, args = good(first, line, record("last"), shape=shape)
        edited(args, [path, "line 2", *words], ["line 2", *advice],
               lambda p=path, f=first: write(p, f, right, record("last")),
               shape=shape)


@check("P-152: a line that is no record, or whose name can be nobody's")
def _():
    line_is_wrong("alice", ["colon"], ["NAME:PASSWORD"], record("alice"))
    for name in ("a b", ".a", "a..b", "", "a/b", "x" * 256):
        line_is_wrong(record(name), ["nobody can log in"], ["A-Z"],
                      record("alice"))


@check("P-154: a line too long, or with a NUL in it")
def _():
    line_is_wrong(record("a") + "x" * 4096, ["4096"], ["shorter"],
                  record("alice"))
    line_is_wrong(record("a") + "\0", ["NUL"], ["remove"], record("alice"))


@check("P-153: a stored password that this build cannot use")
def _():
    for stored, word in (("$1$saltsalt$9xy1btjgzLYfb7hivXtC//", "$1$"),
                         ("{ARGON2ID}$argon2id$v=19$x", "{ARGON2ID}"),
                         ("{SHA256}short", "{SHA256}"), ("plain", "{PLAIN}"),
                         ("$2b$99$" + CRYPT["bcrypt"][7:], "$2b$")):
        line_is_wrong(record("al", stored), ["al", word], ["openssl passwd"],
                      record("al", CRYPT["sha512"]))
    for locked in ("", "!", "*", "x", "!" + CRYPT["md5"]):
        well(*good(record("a", locked))[1]).says("well", "locked: 1,")


@check("P-153: \"openssl passwd -6\" makes what its advice says")
def _():
    need("openssl")
    made_ = subprocess.run(["openssl", "passwd", "-6", "-stdin"], text=True,
                           input="secret\n", capture_output=True,
                           check=True).stdout.strip()
    path, args = good(record("alice", "$1$a$b"))
    edited(args, ["$1$"], ["openssl passwd -6"],
           lambda: write(path, record("alice", made_)))
    s = Login(*args, shape=SHAPES[0])
    login(s)


@check("P-152: allow_nets that cannot be read refuses every login")
def _():
    for nets in ("192.0.2.1,", "rubbish", "192.0.2.1/33", "",
                 "10.0.0.0/8;127.0.0.1", "::1/129"):
        line_is_wrong(record("al", extra="allow_nets=" + nets),
                      ["al", "allow_nets", "every login"], ["ADDRESS/BITS"],
                      record("al", extra="allow_nets=10.0.0.0/8,::1,local"))
    line_is_wrong(record("al", extra="allow_nets"), ["allow_nets"], [],
                  record("al"))


@check("P-152: uid, gid, home and userdb_mail that cannot be used")
def _():
    for line, word in ((record("al", uid=0), "uid" if ROOT else "0"),
                       (record("al", home="relative"), "home is not absolute"),
                       (record("al", extra="userdb_mail=mbox:/x"),
                        "userdb_mail"),
                       (record("al", extra="userdb_mail=maildir:~bob/x"),
                        "userdb_mail")):
        line_is_wrong(line, ["al", word], ["NAME:PASSWORD:UID:GID"],
                      record("al"))
    need_root()
    for line in (record("al", uid=""), record("al", gid="x"), "al:{PLAIN}x"):
        path, args = good(line, shape="root")
        edited(args, ["line 1", "al", "uid"], ["owns the mail"],
               lambda p=path: write(p, record("al")))


@check("P-61: no home where MAILDIR needs one, no domain where it has %d")
def _():
    path, args = good(record("al", home=""))
    args[-1] = "Maildir"
    own = record("al", home="", extra="userdb_mail=maildir:" + Maildir().path)
    edited(args, ["line 1", "no home", "al"], ["sixth", "userdb_mail"],
           lambda: write(path, own))
    path, args = good(record("al"))
    args[-1] = "/var/mail/%d/%n"
    edited(args, ["line 1", "al", "MAILDIR"], ["userdb_mail"],
           lambda: write(path, own))


@check("P-152: a name that stands twice: the first counts, and the second is "
       "made a comment")
def _():
    for shape in SHAPES:
        path, args = good("# users", record("al"), record("bob"),
                          record("AL", "{PLAIN}other"), shape=shape)
        before = os.stat(path)
        mended(args, path, "line 4:", "line 2 has the name", shape=shape)
        with open(path) as f:
            same(f.read().splitlines()[1:], [record("al"), record("bob"),
                                             "#" + record("AL",
                                                          "{PLAIN}other")],
                 "the file")
        after = os.stat(path)
        same((after.st_mode, after.st_uid), (before.st_mode, before.st_uid),
             "its rights")
    path, args = good(*[record("al")] * 4)
    for _ in range(3):
        do(Look(*args).mends()[0][2][1])
    well(*args)


@check("interface: a file without users is noted, and 2000 users are looked "
       "at in time", 400)
def _():
    path, args = good("# nobody yet")
    well(*args).says("note", path, "no users")
    m = Maildir(SMALL)
    path, args = good(*[record(f"u{i}", CRYPT["sha512"])
                        for i in range(2000)], maildir=m)
    found = well(*args)
    found.says("well", "users: 2000,", "looked at: 1000")
    found.says("note", "no more than 1000")


@check("interface: hashes that cost too much are tried for 5 seconds only")
def _():
    # 0.1 s each: without a limit that would be 20 s and more.
    path, args = good(*[record(f"u{i}", COSTLY) for i in range(200)])
    well(*args).says("note", "hashes not tried")


# --- Maildirs -------------------------------------------------------------------

def box(spoil, *words, shape=None, undo=None):
    """A user's Maildir is spoilt; the command mends it, and then it serves."""
    h = home()
    m = Maildir(SMALL)
    os.rename(m.path, h + "/Maildir")
    path, args = good(record("alice", home=h), shape=shape)
    args[-1] = "Maildir"
    well(*args, shape=shape)
    spoil(h, h + "/Maildir")
    mended(args, "mail of alice", *words, shape=shape)
    s = Login(*args, shape=shape or SHAPES[0])
    login(s)
    s.quit()


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


@check("P-141: a Maildir, its new, cur or tmp missing: the command makes it, "
       "for its owner")
def _():
    for shape in SHAPES:
        box(lambda h, m: remove(m), "Maildir", "missing", shape=shape)
        for sub in ("new", "cur", "tmp"):
            box(lambda h, m, s=sub: remove(f"{m}/{s}"), f"Maildir/{sub}",
                "missing", shape=shape)
    h = home()
    path, args = good(record("alice", home=h))
    args[-1] = "Maildir"
    mended(args, "missing")
    for p in ("", "/new", "/cur", "/tmp"):
        st = os.stat(h + "/Maildir" + p)
        same((st.st_uid, st.st_mode & 0o777), (OWNER, 0o700), p)


@check("S-8: new or cur is a link, or a file")
def _():
    def link(m, sub):
        os.rename(f"{m}/{sub}", m + "/elsewhere")
        os.symlink("elsewhere", f"{m}/{sub}")

    def dangling(m, sub):
        remove(f"{m}/{sub}")
        os.symlink("nowhere", f"{m}/{sub}")

    def file(m, sub):
        remove(f"{m}/{sub}")
        with open(f"{m}/{sub}", "w"):
            pass

    for sub in ("new", "cur"):
        box(lambda h, m: link(m, sub), sub, "symbolic link")
        box(lambda h, m: dangling(m, sub), sub, "symbolic link")
        box(lambda h, m: file(m, sub), sub, "no directory")


@check("S-8: a link in a Maildir that leads to mail is replaced by the mail")
def _():
    m = Maildir(SMALL)
    away = new_path("away")
    os.rename(m.path + "/new", away)
    os.symlink(away, m.path + "/new")
    mended(["--log=stderr", m.path], "symbolic link")
    same(m.left(), [1], "messages")
    true(not os.path.lexists(away), "the other place")


@check("P-158: rights that keep the session out: modes, another owner, a "
       "directory on the way")
def _():
    def is_roots(path):
        need_root()
        for where, dirs, files in os.walk(path):
            for one in (where, *(os.path.join(where, n)
                                 for n in dirs + files)):
                os.chown(one, 0, 0)
        os.chmod(path, 0o755)

    for shape in SHAPES:
        for sub in ("", "/new", "/cur", "/tmp"):
            box(lambda h, m, s=sub: os.chmod(m + s, 0o500), "Maildir" + sub,
                "cannot be read and written", shape=shape)
        box(lambda h, m: os.chmod(h, 0o600), "may not pass through",
            shape=shape)
        box(lambda h, m: os.chmod(m, 0o707), "everybody can write",
            shape=shape)
        box(lambda h, m: os.chmod(m + "/new", 0o777), "everybody can write",
            shape=shape)
    need_root()
    for shape in SHAPES:
        box(lambda h, m: is_roots(m), "cannot be read and written", "uid 0",
            shape=shape)
        box(lambda h, m: (os.chown(h, 0, 0), os.chmod(h, 0o700)),
            "may not pass through", shape=shape)
        box(lambda h, m: (os.chown(h, 0, GROUP), os.chmod(h, 0o705)),
            "may not pass through", shape=shape)


@check("P-152: a home that is missing, or no directory")
def _():
    h = home()
    for shape in SHAPES:
        m = Maildir(SMALL).path
        path, args = good(record("al", home=h + "/gone" + shape), shape=shape)
        args[-1] = m
        mended(args, "mail of al", "gone", "missing", shape=shape)
    with open(h + "/file", "w"):
        pass
    path, args = good(record("al", home=h + "/file"))
    edited(args, ["mail of al", "file is no directory"], ["out of the way"],
           lambda: (os.unlink(h + "/file"), os.mkdir(h + "/file"),
                    give(h + "/file"), None)[-1])
    path, args = good(record("al", home=h))
    args[-1] = path + "/Maildir"
    edited(args, [path, "no directory"], ["name another"],
           lambda: [*args[:-1], Maildir().path])


@check("P-147: messages that the session may not read")
def _():
    def roots(m):
        need_root()
        for name in os.listdir(m + "/new"):
            os.chown(f"{m}/new/{name}", 0, 0)
            os.chmod(f"{m}/new/{name}", 0o600)

    box(lambda h, m: [os.chmod(f"{m}/new/{n}", 0)
                      for n in os.listdir(m + "/new")],
        "cannot read: 1", shape="uid")
    need_root()
    for shape in SHAPES:
        box(lambda h, m: roots(m), "cannot read: 1", shape=shape)


@check("interface: a file of sizes that cannot be used may be removed")
def _():
    box(lambda h, m: os.mkdir(m + "/maildir-pop3d.sizes"),
        "maildir-pop3d.sizes", "may be removed")
    box(lambda h, m: os.symlink("/etc/passwd", m + "/maildir-pop3d.sizes"),
        "maildir-pop3d.sizes")


@check("P-48: UIDLs from another server that cannot be read: nothing would be "
       "served")
def _():
    def junk(m):
        with open(m + "/maildir-pop3d.uidl", "w") as f:
            f.write("3 V1 N2\n")
        give(m + "/maildir-pop3d.uidl")

    def closed(m):
        junk(m)
        os.chmod(m + "/maildir-pop3d.uidl", 0)

    for shape in SHAPES:
        h = home()
        os.rename(Maildir(SMALL).path, h + "/Maildir")
        _, args = good(record("alice", home=h), shape=shape)
        args[-1] = "Maildir"
        for spoil in (junk, closed):
            spoil(h + "/Maildir")
            s = Login(*args, shape=shape)
            s.try_user("alice", "secret")
            has_code(s.line(), "SYS/TEMP")
            s.end()
            kind, text = Look(*args, shape=shape).one(
                "mail of alice", "maildir-pop3d.uidl")
            if spoil is closed:
                same(kind, "do", text)
                do(text)
                text = Look(*args, shape=shape).one("its first line")[1]
            do(re.search("rm [^:]*", text)[0])
            well(*args, shape=shape)
    m = Maildir(SMALL).path
    with open(m + "/maildir-pop3d.uidl", "w") as f:
        f.write("maildir-pop3d-uidl 1\nx\n")
    os.chmod(m + "/maildir-pop3d.uidl", 0o644)
    well("--log=stderr", m).says("note", "passed over", "1 of them")


@check("interface: --delete=trash where .Trash or its cur is no folder of ours")
def _():
    def links(m):
        os.mkdir(m + "/.Trash", 0o700)
        os.mkdir(m + "/elsewhere", 0o700)
        os.symlink("../elsewhere", m + "/.Trash/cur")
        for one in ("/.Trash", "/elsewhere"):
            give(m + one)

    def file(m):
        with open(m + "/.Trash", "w"):
            pass

    def closed(m):
        os.makedirs(m + "/.Trash/cur", 0o700)
        give(m + "/.Trash")
        give(m + "/.Trash/cur")
        os.chmod(m + "/.Trash/cur", 0)

    for spoil in (links, file, closed):
        for shape in SHAPES:
            h = home()
            m = Maildir(SMALL)
            os.rename(m.path, h + "/Maildir")
            _, args = good(record("alice", home=h), shape=shape)
            args[-1] = "Maildir"
            spoil(h + "/Maildir")
            well(*args, shape=shape)
            args.insert(0, "--delete=trash")
            mended(args, "mail of alice", ".Trash", shape=shape)
            s = Login(*args, shape=shape)
            login(s)
            s.ok("DELE 1")
            s.quit()
            same(len(os.listdir(h + "/Maildir/.Trash/cur")), 1, "in .Trash")


@check("interface: no more processes: it says so")
def _():
    m = Maildir(SMALL).path

    def none():
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))

    kind, text = Look("--log=stderr", m, shape="uid", prepare=none).one(
        "could not be looked at")
    true(kind == "edit" and "ulimit -u" in text, text)
    well("--log=stderr", m, shape="uid")


@check("interface: what kind of filesystem the mail is on")
def _():
    need_root()
    at = new_path("mnt")
    os.makedirs(at)
    make = ("mkdir -p {0}/M/new {0}/M/cur {0}/M/tmp && "
            "chown -R 7777:7777 {0}/M").format(at)
    args = ["--log=stderr", at + "/M"]
    with namespace(f"mount -t tmpfs none {at}", make) as inside:
        well(*args, wrapper=inside).says("well", f"filesystem of {at}",
                                         "local")
    with namespace(f"mount -t tmpfs -o strictatime none {at}", make) as inside:
        text = well(*args, wrapper=inside).says("note", "time of access")
        do(text.split('"')[1], inside)
        found = well(*args, wrapper=inside)
        true("time of access" not in str(found), f"{found}")
    with namespace(f"mount -t tmpfs none {at}", make,
                   f"mount -o remount,ro {at}") as inside:
        mended(args, at, "read-only", wrapper=inside)
    low, up = new_path("low"), new_path("up")
    os.mkdir(low)
    os.mkdir(up)
    with namespace(f"mount -t tmpfs none {up} && mkdir {up}/u {up}/w && mount "
                   f"-t overlay -o lowerdir={low},upperdir={up}/u,"
                   f"workdir={up}/w none {at}", make) as inside:
        well(*args, wrapper=inside).says("note", at, "overlay",
                                         "name, size and time")


@check("S-3: a Maildir of root's is nobody's")
def _():
    need_root()
    m = Maildir(SMALL).path
    for where, dirs, files in os.walk(m):
        for one in (where, *(os.path.join(where, n) for n in dirs + files)):
            os.chown(one, 0, 0)
    kind, text = Look("--log=stderr", m).one("root's")
    same(kind, "edit", text)
    do(text.split(", whose")[0].replace("USER:GROUP", "7777:7777"))
    well("--log=stderr", m).says("note", "--preauth", "7777")
    edited(["--log=stderr", "/nonexistent/Maildir"], ["not there"],
           ["of a user"], lambda: ["--log=stderr", m])


@check("S-3: a Maildir that root made and gave away, but for its group, is "
       "served in its owner's")
def _():
    need_root()
    m = Maildir(SMALL)
    nobody = pwd.getpwnam("nobody")
    for where, dirs, _ in os.walk(m.path):
        for one in (where, *(os.path.join(where, n) for n in dirs)):
            os.chown(one, nobody.pw_uid, 0)
    well("--log=stderr", m.path).says("well", m.path,
                                      f"uid {nobody.pw_uid} can serve it")
    os.chmod(m.path + "/new", 0o070)    # the group's, and that is root
    os.chown(m.path + "/new", 7777, 0)
    found = Look("--log=stderr", m.path).mends()
    true(found and all("root's" not in f[1] for f in found), f"{found}")


# --- PAM, checkers --------------------------------------------------------------

@check("interface: --pam: a service file that is missing, another's to write, "
       "or that cannot be read")
def _():
    need_root()
    need_way("PAM")
    if not os.path.isfile("/etc/pam.d/common-auth"):
        raise Skip("not a Debian's /etc/pam.d")
    etc = new_path("pam")
    shutil.copytree("/etc/pam.d", etc)
    for name in ("other-writes", "others", "closed"):
        shutil.copy(etc + "/common-auth", f"{etc}/{name}")
    os.chmod(etc + "/other-writes", 0o666)
    give(etc + "/others")
    os.chmod(etc + "/closed", 0o600)
    with namespace(f"mount --bind {etc} /etc/pam.d") as inside:
        with open(etc + "/other", "w") as f:
            f.write("# pam_deny.so would be safer\n@include common-auth\n")
        well(*options("--pam=gone"), wrapper=inside).says(
            "note", "/etc/pam.d/gone is missing", "/etc/pam.d/other decides")
        with open(etc + "/other", "a") as f:
            f.write(" auth required pam_deny.so\n")
        for name, word in (("gone", "missing"), ("other-writes", "written"),
                           ("others", "written")):
            found = mended(options(f"--pam={name}"), f"--pam={name}", word,
                           wrapper=inside)
            found.says("well", f"/etc/pam.d/{name}")
        with open(etc + "/gone") as f:
            same(f.read().split()[1::2], ["common-auth", "common-account"],
                 "the service made")
        me = [*inside, "setpriv", "--reuid=nobody", "--regid=nogroup",
              "--clear-groups"]
        own = options("--pam=closed", Maildir().path, shape="uid")
        kind, command = next(f for f in Look(*own, wrapper=me).mends()
                             if "--pam=closed" in f[1])[2]
        do(command, inside)
        true("--pam=closed" not in " ".join(
            f[1] for f in Look(*own, wrapper=me).mends()), "mended")


@check("interface: --pam without root: the mail of who we are")
def _():
    need_root()
    need_way("PAM")
    h = home()
    name, entry = make_user("chk", home=h)
    m = Maildir(SMALL).path
    os.rename(m, h + "/Maildir")
    give_to(h, entry)
    me = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}",
          "--clear-groups"]
    service = "login" if os.path.exists("/etc/pam.d/login") else "su"
    args = options(f"--pam={service}", shape="uid")
    well(*args, wrapper=me).says("note", f"only {name} can log in")
    remove(h + "/Maildir/cur")
    mended(args, "your mail", "Maildir/cur", wrapper=me)


@check("interface: --pam where the library is not installed")
def _():
    need_root()
    need_way("PAM")
    library = next((p for p in (
        "/lib/x86_64-linux-gnu/libpam.so.0", "/usr/lib/libpam.so.0",
        "/lib/aarch64-linux-gnu/libpam.so.0") if os.path.exists(p)), None)
    if library is None:
        raise Skip("no libpam to hide")
    library = os.path.realpath(library)
    with namespace(f"mount --bind /dev/null {library}") as inside:
        kind, text = Look(*options("--pam=login"), wrapper=inside).one(
            "--pam", "not installed")
        true(kind == "edit" and "libpam0g" in text, text)
        do(f"umount {library}", inside)
        true("not installed" not in str(Look(*options("--pam=login"),
                                             wrapper=inside)), "mended")


@check("interface: a checker that is missing, no program, not executable or "
       "relative")
def _():
    def args(name):
        return options("--checkpassword", "Maildir", name)

    good_one = new_path("checker")
    with open(good_one, "w") as f:
        f.write("#!/bin/sh\nexit 1\n")
    os.chmod(good_one, 0o755)
    well(*args(good_one)).says("well", good_one)
    well(*args("true")).says("well", "/true")
    for name, words in (("pop3d-no-such-checker", ["not there", "/usr/sbin"]),
                        ("/nonexistent/checker", ["not there"]),
                        (FOLDER, ["no file"])):
        edited(args(name), [name, *words], [], lambda: args(good_one))
    for shape in SHAPES:
        closed = new_path("checker")
        shutil.copy(good_one, closed)
        os.chmod(closed, 0o644)
        mended(options("--checkpassword", "Maildir", closed, shape=shape),
               closed, "may not be run", shape=shape)
    base = os.path.basename(good_one)
    edited(args("./" + base), ["relative"], ["$PWD"], lambda: args(good_one),
           cwd=FOLDER)
    remove_cur = Maildir(SMALL)
    remove(remove_cur.path + "/cur")
    mended(options("--checkpassword", remove_cur.path, good_one), "cur",
           "missing")


@check("interface: --checkpassword where users may not run the program "
       "itself")
def _():
    need_root()
    for at in ("dir", "file"):
        folder = new_path("prog")
        os.mkdir(folder)
        own = folder + "/maildir-pop3d"
        shutil.copy(PROGRAM, own)
        os.chmod(folder if at == "dir" else own, 0o750)

        def look(own=own):
            return subprocess.run(
                [own, "--check", *options("--checkpassword", "M", "true")],
                capture_output=True, text=True, check=False,
                stdin=subprocess.DEVNULL)
        run = look()
        same(run.returncode, 1, run.stdout)
        lines = run.stdout.splitlines()
        i = next(i for i, x in enumerate(lines) if x.startswith("mend: "))
        true(own in lines[i], lines[i])
        do(lines[i + 1].split("do: ")[1])
        same(look().returncode, 0, look().stdout)


# --- what only a launcher has ---------------------------------------------------

@check("P-124: variables of launchers that cannot be read")
def _():
    path, args = good()
    well(*args).says("note", "no variable")
    well(*args, env={"PROTO": "TCP", "TCPREMOTEIP": "192.0.2.1",
                     "TCPREMOTEPORT": "4"}).says("well", "2, all")
    for name, value in (("TCPREMOTEIP", "host.example"),
                        ("TCPREMOTEPORT", "65536"), ("REMOTE_HOST", "a b"),
                        ("REMOTE_ADDR", "1.2.3"), ("REMOTE_PORT", "x"),
                        ("TCP6REMOTEIP", "::g"), ("SSLREMOTEPORT", "-1")):
        kind, command = Look(*args, env={name: value}).one(name, value)
        same(kind, "do", command)
        well(*args, env={name: value}, wrapper=[
            "sh", "-c", command + ' && exec "$0" "$@"'])


@check("P-125: the descriptors of UCSPI-TLS")
def _():
    need("openssl")
    path, args = good()
    args = ["--tls=ucspi", *args]
    well(*args).says("note", "SSLCTLFD", "not set")
    bad = {"SSLCTLFD": "7", "SSLREADFD": "x", "SSLWRITEFD": "9"}
    Look(*args, env=bad).one("SSLCTLFD", "STLS is not offered")
    kind, text = Look(*args, env=bad).one("SSLCTLFD")
    true(kind == "edit" and "UCSPI-TLS" in text, text)
    # "start the program directly from a wrapper": the stand-in of the tests.
    pem = new_path("pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                    "-keyout", pem, "-out", pem + ".crt", "-subj",
                    "/CN=localhost", "-days", "1"], check=True,
                   capture_output=True)
    ours, its = socket.socketpair()
    run = subprocess.Popen(
        [HELPER, PROGRAM, "--check", *args], stdin=its, stdout=its,
        stderr=subprocess.DEVNULL,
        env=ENV | bad | {"KEYFILE": pem, "CERTFILE": pem + ".crt",
                         "PYTHONDONTWRITEBYTECODE": "1"})
    its.close()
    text = b""
    while piece := ours.recv(65536):
        text += piece
    run.wait()
    true(b"STLS can be offered" in text and b"nothing to mend" in text,
         f"{text!r}")


@check("P-129: a log that nobody keeps")
def _():
    need_root()
    path, args = good()
    args.remove("--log=stderr")
    well("--log=none", *args).says("note", "--log=none")
    well(*args).says("well", "standard error")      # it is a pipe here
    with namespace(*bare_dev()) as inside:
        args = ["--log=syslog", *args]
        edited(args, ["syslog", "/dev/log"], ["--log=stderr"],
               lambda: ["--log=stderr", *args[1:]], wrapper=inside)
        for option in "auto", "stderr":
            well(f"--log={option}", *args[1:], wrapper=inside).says(
                "note", "lost", "nobody listens at /dev/log")
        # A daemon listens, in one way or the other.
        for kind in ("DGRAM", "STREAM"):
            with subprocess.Popen([*inside, python(), "-c", f"""
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_{kind})
s.bind("/dev/log")
if "{kind}" == "STREAM":
    s.listen()
print("ready", flush=True)
sys.stdin.read()
os.unlink("/dev/log")
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as daemon:
                same(daemon.stdout.readline(), b"ready\n", "the daemon")
                well(*args, wrapper=inside).says("well", "syslog")
                true("lost" not in str(well("--log=auto", *args[1:],
                                            wrapper=inside)), "it listens")
                daemon.stdin.close()


@check("interface: every error at the start names --check")
def _():
    tries = [(["--preauth", "--lock=x", "M"], "uid", 100),
             (["--pam", "--preauth"], "uid", 100),
             (["--preauth", FOLDER + "/none"], "uid", 111)]
    if ROOT:
        tries += [(["--user=root", "--passwd-file=/x"], "root", 111),
                  (["--chroot=/gone", "--passwd-file=/x"], "root", 111),
                  (["--preauth", FOLDER], "root", 100)]
    for args, shape, code in tries:
        s = Login(*args, shape=shape, greeting=False)
        true(s.line().startswith(b"-ERR "), f"the answer to {args}")
        s.close()
        s.exits(code)
        true(any("maildir-pop3d --check" in line
                 for line in s.log_text().splitlines()), s.log_text())


@check("interface: every launcher's file that runs the program, and README, "
       "name --check")
def _():
    top = os.path.dirname(os.path.abspath(os.environ["T"]))
    launch = os.path.join(top, "src", "launch")
    files = [os.path.join(launch, n) for n in os.listdir(launch)
             if os.path.isfile(os.path.join(launch, n))]
    run = {}
    for path in [*files, os.path.join(top, "README")]:
        with open(path) as f:
            text = f.read()
        if "sbin/maildir-pop3d" in text:
            run[path] = "--check" in text
    true(len(run) > 6, f"{list(run)}")
    same([p for p, named in run.items() if not named], [], "do not name it")


done()
