"""client.py - what the tests of other people's clients share, on top of
boundary.py.

alice's mail behind real launchers on a port of 127.0.0.1, in one of three
ways: "plain" is tcpserver, with passwords in the clear; "stls" is tcpserver
and ucspi-tls, passwords only after STLS; "tls" is stunnel.  All of it is of
one uid, and the client, if the test runs as root, is nobody: some refuse to
be root.
"""

import shlex
import textwrap

import boundary
from boundary import *

LINKS = ("plain", "stls", "tls")
TLS = {"plain": "no", "stls": "TLSv1.3", "tls": "yes"}	# in the log


def mail(n, body):
    return (f"From: Bob <bob@example.org>\nTo: alice@example.org\n"
            f"Date: Thu, 26 Nov 2026 12:00:0{n} +0000\n"
            f"Message-ID: <{n}@example.org>\n"
            f"Subject: message {n}\n\n").encode() + body


# What goes wrong first, if something does: dots, a body that could be the end
# or another message, no line feed at the end, CRLF as stored, 8 bits, length.
MAIL = [
    mail(1, b"one\n"),
    mail(2, b".\n..\n.one\n..two\n-ERR\n+OK\n.\n\nlast\n"),
    mail(3, b"0123456789abcdefghijklmnopqrstuvwxyz\n" * 3000 + b".\n"),
    mail(4, b"\xe4\xf6\xfc \xff\x80 \x1b\x07\n").replace(b"\n", b"\r\n"),
    mail(5, b"x" * 900 + b"\n\n\n  blanks  \n\tend"),
]


def as_client():
    """Arguments of Popen for the client, who may not read the Maildir."""
    if not ROOT:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def text(stored):
    """A message as a client that uses line feeds has it."""
    return plain(stored).replace(b"\r\n", b"\n")


STUNNEL = """\
foreground = yes
pid =
[pop3s]
accept = 127.0.0.1:{port}
key = {key}
cert = {cert}
exec = {program}
execArgs = maildir-pop3d --tls=on --passwd-file={users}
"""


class Post:
    """The server; its clients run in a folder of their own, home."""

    messages = MAIL

    def __init__(self, link):
        self.link = link
        self.maildir = Maildir(*self.messages)
        self.key, self.cert = certificate()
        os.chmod(self.key, 0o644)
        self.home = self.folder("home")
        self.port = free_port()
        self.log_path = new_path("log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd="/", preexec_fn=plain_signals,
                env=self.environment(), **as_owner())
        running.append(self)
        until(self.listens, f"the launcher of {link}")

    def environment(self):
        return {"PATH": os.environ["PATH"], "KEYFILE": self.key,
                "CERTFILE": self.cert, "PYTHONDONTWRITEBYTECODE": "1"}

    def folder(self, stem):
        """A new one that is the client's."""
        path = new_path(stem)
        os.mkdir(path, 0o700)
        self.give(path)
        return path

    def give(self, path):
        if ROOT:
            who = as_client()
            os.chown(path, who["user"], who["group"])

    def users(self):
        return passwd_file(self.maildir)

    def command(self):
        users = self.users()
        tcpserver = ["tcpserver", "-RHl0", "127.0.0.1", str(self.port)]
        if self.link == "tls":
            need("stunnel4")
            config = new_path("stunnel")
            with open(config, "w") as f:
                f.write(STUNNEL.format(port=self.port, key=self.key,
                                       cert=self.cert, users=users,
                                       program=PROGRAM))
            return ["stunnel4", config]
        need("tcpserver")
        if self.link == "stls":
            return [*tcpserver, HELPER, PROGRAM, "--tls=ucspi",
                    f"--passwd-file={users}"]
        return [*tcpserver, PROGRAM, "--allow-plaintext",
                f"--passwd-file={users}"]

    def listens(self):
        true(self.process.poll() is None,
             "the launcher ended: " + self.log_text())
        # Not by connecting: that would be a session already.
        wanted = f"0100007F:{self.port:04X}"
        with open("/proc/net/tcp") as f:
            return any(line.split()[1] == wanted and line.split()[3] == "0A"
                       for line in f.readlines()[1:])

    def end(self):
        self.process.terminate()
        self.process.wait()

    # --- the client ---

    def write(self, name, content, mode=0o600):
        """A file in home, and its path; the content as in indented code."""
        path = os.path.join(self.home, name)
        with open(path, "w") as f:
            f.write(textwrap.dedent(content))
        os.chmod(path, mode)
        self.give(path)
        return path

    def run(self, *words, status=0, limit=90, env=None, stdin=b""):
        """Runs a client until it exits with this status; what it said."""
        need(words[0])
        done_ = subprocess.run(
            words, input=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=limit, cwd=self.home,
            preexec_fn=plain_signals, check=False,
            env={"PATH": os.environ["PATH"], "HOME": self.home,
                 "LC_ALL": "C.UTF-8", "TERM": "vt100", **(env or {})},
            **as_client())
        if done_.returncode != status:
            raise Fail(f"{words[0]} exits with {done_.returncode}, not "
                       f"{status}: {done_.stdout[-600:]!r}")
        return done_.stdout

    def empty(self, name, *parts):
        """A folder in home with these parts and nothing else; its path."""
        path = os.path.join(self.home, name)
        shutil.rmtree(path, ignore_errors=True)
        for part in ("", *parts):
            os.mkdir(os.path.join(path, part), 0o700)
            self.give(os.path.join(path, part))
        return path

    # --- what it left behind ---

    def log_text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def lines(self, word):
        found = (re.search(rf"\b{word} ip=.*", line)
                 for line in self.log_text().splitlines())
        return [fields(m.group()) for m in found if m]

    def sessions(self, count):
        """The lines of as many sessions, when they are all there."""
        return until(lambda: len(self.lines("session")) >= count and
                     self.lines("session"), f"{count} lines of a session")

    def last(self, count, **wanted):
        """The last of count sessions had these fields, ended by QUIT and, if
        it logged in, the TLS that it should have."""
        lines = self.sessions(count)
        same(len(lines), count, "sessions")
        wanted = {"end": "quit", **wanted}
        same({key: lines[-1][key] for key in wanted}, wanted,
             "the session's line")
        logins = [line["tls"] for line in self.lines("login")]
        same(set(logins), {TLS[self.link]}, "tls in the log")
        return lines[-1]


def files(path):
    """The contents of the files below path, sorted; not of dot files."""
    found = []
    for folder, _, names in os.walk(path):
        for name in names:
            if name.startswith("."):
                continue
            with open(os.path.join(folder, name), "rb") as f:
                found.append(f.read())
    return sorted(found)


def delivered(maildir):
    """The messages in a Maildir, sorted."""
    return sorted(octets for sub in ("new", "cur")
                  for octets in files(os.path.join(maildir, sub)))


def alike(actual, expected):
    """The same messages; if not, where the first begins to differ."""
    for got, wanted in zip(actual, expected):
        if got != wanted:
            at = len(os.path.commonprefix([got, wanted]))
            raise Fail(f"{len(got)} octets, not {len(wanted)}; from {at}: "
                       f"{got[at - 50:at + 50]!r}, not "
                       f"{wanted[at - 50:at + 50]!r}")
    same(len(actual), len(expected), "messages")


def fetches(name, client, links=LINKS, shown=text, keeps="retr", limit=240):
    """The checks that every client must pass which fetches mail.

    client  a Post with fetch(delete), which returns the messages, sorted
    shown   what it makes of a message as stored
    keeps   the field of the log line for messages that are kept; None if the
            client would fetch the same mail again
    """
    octets = sum(map(len, map(plain, client.messages)))
    all_of_it = f"{len(client.messages)}/{octets}"
    expected = sorted(map(shown, client.messages))

    for link in links:
        @check(f"{name} fetches, and leaves the mail ({link})", limit)
        def _():
            post = client(link)
            alike(post.fetch(delete=False), expected)
            post.last(1, **{keeps or "retr": all_of_it, "del": "0/0"})
            if keeps is not None:
                same(post.fetch(delete=False), [], "the second time")
                post.last(2, retr="0/0", top="0/0")
            same(post.maildir.left(), [1, 2, 3, 4, 5], "messages left")

        @check(f"{name} deletes what it has fetched ({link})", limit)
        def _():
            post = client(link)
            alike(post.fetch(delete=True), expected)
            post.last(1, **{"retr": all_of_it, "del": "5/5",
                            "delivered": "yes"})
            same(post.maildir.left(), [], "messages left")
