#!/usr/bin/env python3
# What the program says to an administrator, provoked and read: what is wrong,
# where, and what to do.  Every text to the letter, so that a changed one is
# read again.
import os
import sys

sys.path.insert(0, os.environ["T"])
from login import *

ME = str(OWNER)
MORE = "  # more: maildir-pop3d --check"	# after what was typed wrong


def texts(s):
    """The lines of trouble in its log, without the pid."""
    found = []
    for line in s.log_text().splitlines():
        m = re.fullmatch(r"(error|warning) pid=\d+: (.*)", line)
        if m:
            found.append(m[2])
    return found


def say(s, *expected):
    until(lambda: len(texts(s)) >= len(expected), f"lines in {s.log_text()!r}",
          4)
    same(texts(s), list(expected), "lines of trouble")


def starts(expected, *args, code=100, shape="uid", more=(), **keywords):
    """It does not even start, for this reason; more lines may follow."""
    s = Login(*args, shape=shape, greeting=False, **keywords)
    answer = s.rest()
    true(answer.startswith(b"-ERR [SYS/"), f"{args}: {answer!r}")
    s.close()
    s.exits(code)
    say(s, expected, *more)


# --- the command line -------------------------------------------------------

USAGE = [
    ("option --delete needs a value: see --help", "--preauth", "--delete"),
    ("unknown option --no-such: see --help", "--preauth", "--no-such"),
    ("unknown option -x: see --help", "--preauth", "-x"),
    ("unknown option --del=flag: see --help", "--preauth", "--del=flag"),
    ("say how users log in, by one of --preauth, --passwd-file, --pam, "
     "--checkpassword: see --help",),
    ("say how users log in, by one of --preauth, --passwd-file, --pam, "
     "--checkpassword: see --help", "--preauth", "--passwd-file=x"),
    ("--passwd-file=: must be a file name", "--passwd-file="),
    ("--pam=a/b: must be the name of a file in /etc/pam.d", "--pam=a/b"),
    ("--tls=yes: must be off, on or ucspi", "--preauth", "--tls=yes"),
    ("--login-timeout=86401: must be 0 to 86400 seconds", "--preauth",
     "--login-timeout=86401"),
    ("--hostname=: must be a host name", "--preauth", "--hostname="),
    ("--user=: must be a user name", "--preauth", "--user="),
    ("--chroot=empty: must be an absolute path", "--preauth",
     "--chroot=empty"),
    ("--min-uid=0: must be 1 to 4294967294", "--preauth", "--min-uid=0"),
    ("--idle-timeout=599: must be 600 to 86400 seconds (RFC 1939 section 3)",
     "--preauth", "--idle-timeout=599"),
    ("--delete=no: must be unlink, trash or flag", "--preauth",
     "--delete=no"),
    ("--expire=never: must be NEVER or 0 to 36500 days", "--preauth",
     "--expire=never"),
    ("--log=file: must be auto, syslog, stderr or none", "--preauth",
     "--log=file"),
    ("too many options: 64 words at most", "--preauth", *["-v"] * 65),
    ("--checkpassword: MAILDIR and CHECKER must follow: see --help",
     "--checkpassword", "Maildir"),
    ("one MAILDIR at most, but \"two\" follows: see --help", "--preauth",
     "one", "two"),
    ("MAILDIR is empty: name a directory", "--preauth", ""),
    ("MAILDIR \"%x\": of % forms there are %u, %n, %d and %%", "--pam", "%x"),
    ("MAILDIR \"%u\": %u, %n and %d cannot be used with --preauth, "
     "--checkpassword and --import, where the working directory decides", "--preauth",
     "%u"),
    ("--apop: goes with --checkpassword only, whose checker knows the "
     "secrets", "--preauth", "--apop"),
]


@check(f"wrong use: {len(USAGE)} messages")
def _():
    for expected, *args in USAGE:
        starts(expected + MORE, *args)


@check("descriptors that are not open")
def _():
    s = Login("--preauth", shape="uid", greeting=False,
              prepare=lambda: os.close(0))
    s.rest()
    s.close()
    s.exits(100)
    say(s, "descriptors 0 and 1 must be open, they are the connection: start "
        "it by a launcher, or on a terminal")


class AsRoot(Login):
    """With these options and no others."""

    def command(self, args):
        return [PROGRAM, *args[2:]]


@check("started as root: who and where the part before login is")
def _():
    need_root()
    file_, full, other = new_path("file"), new_path("full"), new_path("other")
    open(file_, "w").close()
    for path in (full, other):
        os.mkdir(path, 0o755)
    open(full + "/x", "w").close()
    give(other)
    for code, expected, *args in [
            (100, "--preauth: must not be run as root, start it as the owner "
             "of the Maildir", "--preauth"),
            (111, "--user=no-such: there is no such user: mend it with: "
             "useradd --system --user-group --home-dir /nonexistent --shell "
             "/usr/sbin/nologin no-such", "--pam", "--user=no-such"),
            (111, "--user=root: must not be root nor in group root: name "
             "another user", "--pam", "--user=root"),
            (111, "--chroot=/no/such: No such file or directory: mend it "
             "with: mkdir -p -m 755 /no/such", "--pam", "--user=nobody",
             "--chroot=/no/such"),
            (111, f"--chroot={file_}: must be a directory, no link and no "
             "file: name another", "--pam", "--user=nobody",
             f"--chroot={file_}"),
            (111, f"--chroot={other}: must be root's and writable by nobody "
             f"else: mend it with: chown root:root {other} && chmod 755 "
             f"{other}", "--pam", "--user=nobody", f"--chroot={other}"),
            (111, f"--chroot={full}: must be empty: look what is in it with "
             f"ls -a {full}, or name another directory", "--pam",
             "--user=nobody", f"--chroot={full}")]:
        s = AsRoot(*args, shape="root", greeting=False)
        s.rest()
        s.close()
        s.exits(code)
        say(s, expected + MORE)


# --- Maildirs ---------------------------------------------------------------

def preauth(m, *options):
    s = Login("--preauth", *options, m.path, shape="uid", greeting=False)
    true(s.line().startswith(b"+OK "), "greeting")
    return s


@check("a Maildir that cannot be opened")
def _():
    def refused(m, expected):
        starts(expected, "--preauth", m, code=111, more=[
            f"nothing is served; maildir-pop3d --check says more of {m}"])

    part = "cannot open this part of the Maildir, which must be a directory:"
    missing = new_path("missing")
    refused(missing, "cannot open Maildir; it must be a directory, with new, "
            f"cur and tmp, of uid {ME}: {missing}: No such file or directory")
    for sub in ("new", "cur"):
        m = Maildir().path
        os.rmdir(f"{m}/{sub}")
        refused(m, f"{part} {m}/{sub}: No such file or directory")
    m = Maildir().path
    os.rmdir(f"{m}/cur")
    os.symlink("new", f"{m}/cur")
    refused(m, f"{part} {m}/cur: Not a directory")


@check("a Maildir that is locked, and one without room for a trash")
def _():
    m = Maildir()
    s = preauth(m, "--lock")
    other = Login("--preauth", "--lock", m.path, shape="uid", greeting=False)
    same(other.rest(), b"-ERR [IN-USE] maildrop is open elsewhere\r\n",
         "greeting")
    say(other, f"another session holds the lock of {m.path}")
    s.quit()
    m = Maildir()
    open(f"{m.path}/.Trash", "w").close()
    s = preauth(m, "--delete=trash")
    s.quit()
    say(s, f"cannot make or open folder {m.path}/.Trash/cur: Not a directory")


@check("what is in a Maildir and cannot be served")
def _():
    m = Maildir(message(), message())
    one, two = m.names()
    os.mkfifo(f"{m.path}/new/1.fifo")
    os.chmod(f"{m.path}/{two}", 0)
    os.rename(f"{m.path}/{one}", f"{m.path}/{one},S=9,W=9")
    s = preauth(m)
    s.ask("LIST", True)
    s.ok("RETR 1", True)
    s.ask("RETR 2")
    s.ok("DELE 1")
    os.chmod(f"{m.path}/new", 0o555)
    s.quit()
    one, two = (os.path.basename(n) for n in m.names() if "fifo" not in n)
    say(s, f"skipped, as all that is not a regular file: {m.path}/new/1.fifo",
        f"cannot read, to learn its size: {m.path}/new/{two}: Permission "
        "denied",
        f"another size was listed than was sent for {one}",
        f"cannot read {m.path}/new/{two}: Permission denied",
        f"cannot remove {m.path}/new/{one}: Permission denied")


# --- logging in -------------------------------------------------------------

def tries(*each):
    """(session, name, lines of trouble): all log in side by side."""
    for s, name, *_ in each:
        s.try_user(name, "secret")
    for s, _name, *expected in each:
        s.line()
        s.send(b"QUIT\r\n")
        s.rest()
        s.close()
        s.exits()
        say(s, *expected)


def with_file(path, shape="uid"):
    return Login(f"--passwd-file={path}", "--allow-plaintext", shape=shape)


@check("a passwd-file that cannot be used")
def _():
    missing, link, folder = (new_path(n) for n in ("missing", "link", "dir"))
    good = passwd_file(record("alice"))
    os.symlink(good, link)
    os.mkdir(folder)
    give(folder)
    loose = passwd_file(record("alice"), mode=0o666)
    closed = passwd_file(record("alice"), mode=0)
    give(closed)
    tries(
        (with_file(missing), "alice", "cannot open passwd-file, which uid "
         f"{ME} must be able to read: {missing}: No such file or directory"),
        (with_file(closed), "alice", "cannot open passwd-file, which uid "
         f"{ME} must be able to read: {closed}: Permission denied"),
        (with_file(link), "alice", "passwd-file is a symbolic link; name the "
         f"file itself: {link}"),
        (with_file(folder), "alice", "passwd-file must be a regular file, "
         f"unlike {folder}"),
        (with_file(loose), "alice", "passwd-file can be written by group or "
         f"others; chmod go-w {loose}"))


@check("a passwd-file of another user, read by root")
def _():
    need_root()
    path = passwd_file(record("alice"))
    give(path)
    tries((with_file(path, "root"), "alice", "passwd-file belongs to another "
           f"user; chown root {path}"))


RECORDS = [
    ("uid and gid must be numbers", dict(uid="x")),
    ("uid or gid is 0: root has no mail here", dict(uid="0")),
    ("uid is not the one this server runs as; start it as root, or as that "
     "user", dict(uid="7000")),
    ("home is not absolute; begin it with /", dict(home="alice")),
    ("home is too long", dict(home="/" * 1024)),
    ("userdb_mail must be maildir:PATH", dict(extra="userdb_mail=mbox:/x")),
    ("userdb_mail has no path that can be used",
     dict(extra="userdb_mail=maildir:")),
    ("userdb_mail is too long, or has a % form that is unknown or that this "
     "user has no value for", dict(extra="userdb_mail=maildir:/%x")),
    ("userdb_mail is below a home that is not there",
     dict(home="", extra="userdb_mail=maildir:~/M")),
]
HASHES = [
    ("stored password: {CRYPT} would do, but not scheme {MD4}", "{MD4}abc"),
    ("stored password: the data is damaged or too long for scheme {SSHA256}",
     "{SSHA256}abc"),
    ("stored password has no {SCHEME} and is no hash that is taken here: make "
     "one of yescrypt or SHA-512, or write {PLAIN} before a password in the "
     "clear", "secret"),
    ("stored password: a hash of yescrypt or SHA-512 would do, but not one of "
     "method $1$", CRYPT["md5"]),
    ("stored password: crypt(3) cannot use this hash: it is damaged, its "
     "method not built in, or there is no memory for it; method $6$", "$6$"),
]


@check("records of a passwd-file that cannot be used")
def _():
    each = []
    for what, fields_ in RECORDS:
        path = passwd_file("# users", record("alice", **fields_))
        each.append((with_file(path), "alice",
                     f"line 2: {what}: passwd-file {path}"))
    for what, password in HASHES:
        path = passwd_file(record("alice", password))
        each.append((with_file(path), "alice", what,
                     "line 1: [SYS/PERM] the stored password cannot be used: "
                     f"passwd-file {path}"))
    if ROOT:
        path = passwd_file(record("alice", uid=""))
        each.append((with_file(path, "root"), "alice",
                     "line 1: uid or gid is missing: needed where the server "
                     f"is started as root: passwd-file {path}"))
    tries(*each)


@check("where the mail is")
def _():
    away = passwd_file(record("alice", home="/no/home"))
    homeless = passwd_file(record("alice", home=""))
    s = Login(f"--passwd-file={homeless}", "--allow-plaintext", "/m/%d/%n",
              shape="uid")
    tries(
        (with_file(away), "alice", "cannot change to the user's home; make "
         "it, or correct the user's record: /no/home: No such file or "
         "directory"),
        (with_file(homeless), "alice", "MAILDIR is not absolute and the "
         "passwd-file has no home; give one to alice"),
        (s, "alice", "the login name does not fit into MAILDIR (%n, %d are "
         "what stands before and after its @): alice"))


# --- checkers ---------------------------------------------------------------

def with_checker(*words):
    return Login("--checkpassword", "--allow-plaintext", "Maildir", *words,
                 shape="uid")


@check("what a checker did wrong")
def _():
    plain_file = new_path("plain")
    open(plain_file, "w").close()
    see = "see the manual of sh"
    look = "look at what is logged by sh"
    tries(*[(with_checker("sh", "-c", script), "alice", expected)
            for script, expected in [
        ("exit 111", f"the checker has a temporary problem, exit 111; {look}"),
        ("exit 2", "the checker does not follow the checkpassword interface, "
         f"or was misused, exit 2; {see}"),
        ("exit 127", "the checker, or the program it runs, is not there (exit "
         "127): look at sh"),
        ("exit 126", "the checker, or the program it runs, cannot be executed "
         "(exit 126): look at the mode of sh"),
        ("exit 0", "the checker exited 0 and ran no session: it must exec its "
         "arguments: sh"),
        ("kill -9 $$", f"the checker was killed by signal 9; {look}")]],
        (with_checker("/no/such"), "alice", "the checker, or the program it "
         "runs, is not there (exit 127): look at /no/such"),
        (with_checker(plain_file), "alice", "the checker, or the program it "
         f"runs, cannot be executed (exit 126): look at the mode of "
         f"{plain_file}"))


# --- in front ---------------------------------------------------------------

@check("no PROXY header")
def _():
    s = Login("--pam", "--proxy-protocol", shape="uid", greeting=False,
              link="tcp")
    s.send(b"QUIT\r\n")
    s.close()
    s.exits()
    say(s, "no valid PROXY header, connection closed; only a proxy that sends "
        "one may connect, not 127.0.0.1")


# --- what only a kernel says -------------------------------------------------

class Failing(Login):
    """Under strace, which makes these system calls fail."""

    def __init__(self, injections, *args, **keywords):
        need("strace")
        self.injections = injections
        super().__init__(*args, greeting=False, **keywords)

    def command(self, args):
        calls = ",".join(i.split(":")[0] for i in self.injections)
        trace = new_path("trace")
        open(trace, "w").close()
        os.chmod(trace, 0o666)
        return [shutil.which("strace"), "-f", "-qq", "-o", trace, "-e",
                f"trace={calls}", *[w for i in self.injections
                                    for w in ("-e", f"inject={i}")],
                PROGRAM, *args]


def fails(expected, *injections, args=None, shape="uid", anywhere=False):
    """anywhere: in a build without sandbox, too, which is for tools that make
    such calls themselves."""
    if not anywhere and not sandboxed():
        return
    m = Maildir()
    s = Failing(injections, *(args or ["--preauth", m.path]), shape=shape)
    with contextlib.suppress(ConnectionResetError):
        s.rest()
    s.close()
    s.process.wait(PATIENCE)
    true(expected in texts(s), f"{expected} in {s.log_text()}")


@check("system calls that fail: limits, processes, the sandbox")
def _():
    users = passwd_file(record("alice"))
    fails("cannot forbid core files, by RLIMIT_CORE and PR_SET_DUMPABLE: "
          "Operation not permitted", "prlimit64:error=EPERM")
    fails("cannot start the part before login; look at the launcher's limits "
          "of processes and descriptors: Resource temporarily unavailable",
          "clone:error=EAGAIN", args=[f"--passwd-file={users}"],
          anywhere=True)
    fails("nothing is served: cannot set resource limits: Operation not "
          "permitted", "prlimit64:error=EPERM:when=5+")
    fails("nothing is served: prctl cannot give up privileges: Operation not "
          "permitted", "prctl:error=EPERM:when=3")
    fails("nothing is served: cannot set up seccomp: Operation not permitted",
          "prctl:error=EPERM:when=5")
    fails("nothing is served: cannot set up Landlock: Operation not "
          "permitted", "landlock_restrict_self:error=EPERM")


@check("system calls that fail: to become somebody")
def _():
    need_root()
    who = pwd.getpwnam("nobody")
    fails(f"cannot become uid {who.pw_uid}, gid {who.pw_gid}; root needs "
          "CAP_SETUID and CAP_SETGID for it: Operation not permitted",
          "setresuid:error=EPERM", args=["--pam"], shape="root",
          anywhere=True)
    fails("cannot enter the directory of --chroot, for which root needs "
          "CAP_SYS_CHROOT: Operation not permitted", "chroot:error=EPERM",
          args=["--pam"], shape="root")


done()
