#!/usr/bin/env python3
# fetchmail keeps and deletes, by TOP and by RETR, with and without TLS.
import os
import sys

sys.path.insert(0, os.environ["T"])
from client import *

TLS_WORDS = {"plain": "sslproto ''",
             "stls": "sslproto 'auto' sslcertck sslcertfile '{cert}'",
             "tls": "ssl sslcertck sslcertfile '{cert}'"}
# Nothing added, nothing changed; each message into a file of its own.
RC = """\
set invisible
poll localhost service {port} protocol POP3 auth {auth} {uidl}
  user alice password {secret} {keep} no rewrite pass8bits no mimedecode
  no dropstatus {tls}
  mda "/bin/cat >$(mktemp got/XXXXXX)"
"""
NO_MAIL, NO_LOGIN = 1, 3	# its exit status


class Fetchmail(Post):
    been = False

    def fetch(self, delete):
        if delete:
            return self.fetchmail("fetchall nokeep", uidl="")
        status, self.been = NO_MAIL if self.been else 0, True
        return self.fetchmail("keep", status=status)

    def fetchmail(self, keep, uidl="uidl", auth="password", status=0,
                  secret=SECRET):
        got = self.empty("got")
        rc = self.write("rc", RC.format(
            port=self.port, auth=auth, uidl=uidl, keep=keep, secret=secret,
            tls=TLS_WORDS[self.link].format(cert=self.cert)))
        self.said = self.run(
            "fetchmail", "-v", "--pidfile", "pid", "-i", "ids", "--nosyslog",
            "-f", rc, status=status, env={"FETCHMAILHOME": self.home})
        return files(got)


fetches("fetchmail", Fetchmail, keeps="top")


@check("fetchmail that may choose asks for LAST, and goes on without")
def _():
    post = Fetchmail("plain")
    same(post.fetchmail("keep", uidl="", auth="any"),
         sorted(map(text, MAIL)), "messages")
    post.last(1)
    true(b"POP3> LAST" in post.said and b"POP3< -ERR" in post.said,
         f"LAST in {post.said}")


@check("fetchmail takes a refusal for one")
def _():
    post = Fetchmail("plain")
    same(post.fetchmail("keep", secret="wrong", status=NO_LOGIN), [],
         "messages")
    same(post.lines("login-failed")[0]["reason"], "credentials", "reason")


done()
