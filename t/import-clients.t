#!/usr/bin/env python3
# Clients that leave mail fetched it from the old server, and fetch nothing of
# it from us after --import (P-48); what is new they fetch.
import os
import sys

sys.path.insert(0, os.environ["T"])
import peers
from client import *

FETCHMAIL = """\
set invisible
poll localhost service {port} protocol POP3 auth password uidl
  user alice password {secret} keep no rewrite pass8bits no mimedecode
  no dropstatus sslproto ''
  mda "/bin/cat >$(mktemp got/XXXXXX)"
"""
MPOP = """\
account a
host localhost
port {port}
user alice
password {secret}
auth user
tls off
delivery maildir {home}/got
uidls_file {home}/ids
received_header off
keep on
"""
GETMAIL = """\
[retriever]
type = SimplePOP3Retriever
server = localhost
port = {port}
username = alice
password = {secret}
[destination]
type = Maildir
path = {home}/got/
[options]
verbose = 0
read_all = false
delete = false
delivered_to = false
received = false
"""


class Move(Post):
    """First the old server, then, on the same port, ours."""

    old = None

    def command(self):
        if self.old is None:
            self.old = self.server(self.maildir)
            words = self.old.command("pop3") if self.old_name == "dovecot" \
                else self.old.command()
            need("tcpserver")
            return ["tcpserver", "-RHl0", "127.0.0.1", str(self.port),
                    os.path.join(os.environ["T"], "front"), *words]
        return super().command()

    def environment(self):
        more = {} if self.old is None else {
            **self.old.environment(), "NO_HELLO":
            "1" if self.old_name == "dovecot" else ""}
        return {**super().environment(), **more}

    def move(self):
        self.end()
        peers.bring(self.maildir, self.old_name)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd="/", preexec_fn=plain_signals,
                env=super().environment(), **as_owner())
        until(self.listens, "our launcher")

    def fetch(self, first):
        form = {"port": self.port, "secret": SECRET, "home": self.home}
        if self.client == "fetchmail":
            got = self.empty("got")
            rc = self.write("rc", FETCHMAIL.format(**form))
            self.run("fetchmail", "--pidfile", "pid", "-i", "ids",
                     "--nosyslog", "-f", rc, status=0 if first else 1,
                     env={"FETCHMAILHOME": self.home})
            return files(got)
        got = self.empty("got", "tmp", "new", "cur")
        if self.client == "mpop":
            rc = self.write("rc", MPOP.format(**form))
            self.run("mpop", "-C", rc, "a")
        else:
            rc = self.write("getmailrc", GETMAIL.format(**form))
            self.run("getmail", "--getmaildir", self.home, "--rcfile", rc)
        return delivered(got)


for server, kind in (("dovecot", peers.Dovecot), ("courier", peers.Courier)):
    for name in ("fetchmail", "mpop", "getmail"):
        @check(f"P-48: {name} fetched from {server}, and not again from us")
        def _():
            kept = type("", (Move,), {"old_name": server, "client": name,
                                      "server": kind})
            need(name)
            post = kept("plain")
            same(len(post.fetch(True)), len(MAIL), "messages from the old")
            same(len(post.fetch(False)), 0, "messages, the second time")
            post.move()
            same(post.fetch(False), [], "messages from us")
            post.last(1, retr="0/0", top="0/0")
            post.maildir.put(mail(9, b"new\n"))
            new, = post.fetch(True)
            true(new.endswith(text(mail(9, b"new\n"))),	# getmail adds one
                 f"the new message: {new!r}")


@check("P-48: without --import mpop would fetch everything again")
def _():
    class Without(Move):
        old_name, client, server = "dovecot", "mpop", peers.Dovecot
    post = Without("plain")
    post.fetch(True)
    post.move()
    os.unlink(os.path.join(post.maildir.path, "maildir-pop3d.uidl"))
    same(len(post.fetch(True)), len(MAIL), "messages")


done()
