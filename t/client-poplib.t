#!/usr/bin/env python3
# Python's poplib knows nothing of this program: a client that somebody else
# wrote, over a socketpair and behind real launchers, with login and TLS too.
import os
import poplib
import sys

sys.path.insert(0, os.environ["T"])
import client as clients
from pop3 import *

MAIL = [message(100), b"Subject: dots\n\n.one\n..two\n.\nend", message(40000),
        b"Subject: eight\n\n\xe4\xff\x80\n", message(500)]


class Pop3On(poplib.POP3):
    """poplib on a socket that is connected already."""

    def __init__(self, sock):
        self._given = sock
        super().__init__("none", timeout=PATIENCE)

    def _create_socket(self, timeout):
        self._given.settimeout(timeout)
        return self._given


def lines(stored):
    return plain(stored).split(b"\r\n")[:-1]


def whole_talk(client, m):
    """What a client does that empties a mailbox but for one message."""
    true(client.getwelcome().startswith(b"+OK "), "greeting")
    same(client.stat(), (5, sum(len(plain(t)) for t in MAIL)), "stat")
    same(client.list()[1],
         [b"%d %d" % (n, len(plain(t))) for n, t in enumerate(MAIL, 1)],
         "list")
    same(client.list(2), b"+OK 2 %d" % len(plain(MAIL[1])), "list 2")
    uids = [line.split(b" ")[1] for line in client.uidl()[1]]
    same(len(set(uids)), 5, "uids")
    same(client.uidl(3).split(b" ")[2], uids[2], "uidl 3")
    true(set(client.capa()) >= {"TOP", "UIDL", "PIPELINING", "RESP-CODES"},
         "capa")
    for n, text in enumerate(MAIL, 1):
        same(client.retr(n)[1], lines(text), f"retr {n}")
    same(client.top(2, 2)[1], lines(MAIL[1])[:4], "top 2 2")
    same(client.top(3, 0)[1], lines(MAIL[2])[:3], "top 3 0")
    same(client.top(3, 99999999)[1], lines(MAIL[2]), "top 3 99999999")
    client.noop()
    client.dele(5)
    client.rset()
    same(client.stat()[0], 5, "stat after rset")
    for n in (1, 2, 4, 5):
        client.dele(n)
    for wrong in (1, 6, 0):
        try:
            client.retr(wrong)
        except poplib.error_proto as answer:
            true(str(answer).startswith("b'-ERR "), f"{answer}")
        else:
            raise Fail(f"retr {wrong} was answered")
    same(client.stat(), (1, len(plain(MAIL[2]))), "stat after dele")
    same(m.left(), [1, 2, 3, 4, 5], "messages before quit")
    true(client.quit().startswith(b"+OK "), "quit")
    return uids


for link in ("unix", "tcp"):
    @check(f"P-21: poplib lists, fetches, deletes and leaves ({link})")
    def _():
        m = Maildir(*MAIL)
        s = Session(m, link=link, greeting=False)
        uids = whole_talk(Pop3On(s.sock.dup()), m)
        s.close()
        s.exits()
        same(m.left(), [3], "messages")
        s = Session(m, link=link, greeting=False)
        client = Pop3On(s.sock.dup())
        same(client.uidl()[1], [b"1 " + uids[2]], "uidl of the next visit")
        client.quit()

    @check(f"P-26: poplib that closes without quit removes nothing ({link})")
    def _():
        m = Maildir(*MAIL)
        s = Session(m, link=link, greeting=False)
        client = Pop3On(s.sock.dup())
        client.dele(1)
        client.close()
        s.close()
        s.exits()
        same(m.left(), [1, 2, 3, 4, 5], "messages")

    @check(f"P-44: poplib that leaves mail on the server: two visits, one "
           f"set of uids, no file touched ({link})")
    def _():
        m = Maildir(*MAIL)
        before = m.names()
        seen = []
        for _i in range(2):
            s = Session(m, link=link, greeting=False)
            client = Pop3On(s.sock.dup())
            seen.append(client.uidl()[1])
            client.top(1, 0)
            client.quit()
            s.close()
            s.exits()
        same(seen[0], seen[1], "uids")
        same(m.names(), before, "file names")


class Launched:
    """A launcher that listens on 127.0.0.1 until the check is over."""

    def __init__(self, *words, maildir):
        need(words[0])
        self.port = free_port()
        self.log_path = new_path("launcher")
        command = [w.format(port=self.port, program=PROGRAM,
                            maildir=maildir.path) for w in words]
        with open(self.log_path, "wb") as f:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=f, stderr=f,
                preexec_fn=plain_signals, cwd="/",
                env={"PATH": os.environ["PATH"]}, **as_owner())
        running.append(self)
        # Not by connecting: that would be a session already.
        until(self._listens, f"{words[0]} listens")

    def _listens(self):
        if self.process.poll() is not None:
            raise Fail("the launcher ended: " + self.log_text())
        wanted = f"0100007F:{self.port:04X}"
        with open("/proc/net/tcp") as f:
            return any(line.split()[1] == wanted and line.split()[3] == "0A"
                       for line in f.readlines()[1:])

    def log_text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def sessions(self):
        return [fields(line[line.index("session ip="):])
                for line in self.log_text().splitlines()
                if "session ip=" in line and "end=" in line]

    def client(self):
        return poplib.POP3("127.0.0.1", self.port, timeout=PATIENCE)

    def end(self):
        self.process.terminate()
        self.process.wait()


LAUNCHERS = {
    "tcpserver": ["tcpserver", "-RHl0", "127.0.0.1", "{port}", "{program}",
                  "--preauth", "{maildir}"],
    "socat": ["socat", "TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr",
              "EXEC:{program} --preauth {maildir}"],
    "socat, pipes": ["socat",
                     "TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr",
                     "EXEC:{program} --preauth {maildir},pipes"],
    "socat, stderr": ["socat",
                      "TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr",
                      "EXEC:{program} --preauth {maildir},stderr"],
    "systemd": ["systemd-socket-activate", "--accept", "--inetd", "-l",
                "127.0.0.1:{port}", "{program}", "--preauth", "{maildir}"],
}
ADDRESS = {"tcpserver": "127.0.0.1", "systemd": "127.0.0.1"}

for name, words in LAUNCHERS.items():
    @check(f"P-21: poplib behind {name}")
    def _():
        m = Maildir(*MAIL)
        launcher = Launched(*words, maildir=m)
        whole_talk(launcher.client(), m)
        until(lambda: m.left() == [3], "the removals")
        again = launcher.client()
        same(again.stat()[0], 1, "stat of the next visit")
        again.quit()
        if name == "socat, stderr":
            return          # descriptor 2 is the client: see log-where.t
        until(lambda: len(launcher.sessions()) == 2, "two lines in the log")
        # The second may be the first to be written.
        line = [one for one in launcher.sessions()
                if one["messages"] == "5"][0]
        same((line["end"], line["del"], line["retr"].split("/")[0]),
             ("quit", "4/4", "5"), "the line")
        same(line["ip"], ADDRESS.get(name, "-"), "ip")

    @check(f"P-26: a client that vanishes behind {name} removes nothing")
    def _():
        m = Maildir(*MAIL)
        launcher = Launched(*words, maildir=m)
        client = launcher.client()
        client.dele(1)
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        client.close()
        if name == "socat, stderr":
            client = launcher.client()
        else:
            until(lambda: launcher.sessions(), "the line in the log")
            same(launcher.sessions()[0]["end"], "disconnect", "end")
        same(m.left(), [1, 2, 3, 4, 5], "messages")


class Poplib(clients.Post):
    """It logs in, by TLS or not."""

    seen = ()

    def connect(self):
        context = clients.client_context()
        if self.link == "tls":
            return poplib.POP3_SSL("localhost", self.port, timeout=PATIENCE,
                                   context=context)
        client = poplib.POP3("localhost", self.port, timeout=PATIENCE)
        if self.link == "stls":
            client.stls(context)
        return client

    def fetch(self, delete):
        client = self.connect()
        client.user("alice")
        client.pass_(clients.SECRET)
        uids = dict(line.split(b" ") for line in client.uidl()[1])
        got = []
        for n, uid in uids.items():
            if uid not in self.seen:
                got.append(b"\n".join([*client.retr(int(n))[1], b""]))
                if delete:
                    client.dele(int(n))
        client.quit()
        self.seen = uids.values()
        return sorted(got)


clients.fetches("poplib that logs in", Poplib)

done()
