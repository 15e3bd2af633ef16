#!/usr/bin/env python3
# mpop, which pipelines, keeps and deletes, with and without TLS.
import os
import sys

sys.path.insert(0, os.environ["T"])
from client import *

TLS_WORDS = {"plain": "tls off",
             "stls": "tls on\ntls_starttls on\ntls_trust_file {cert}",
             "tls": "tls on\ntls_starttls off\ntls_trust_file {cert}"}
RC = """\
account a
host localhost
port {port}
user alice
password {secret}
auth {auth}
{tls}
delivery maildir {home}/got
uidls_file {home}/ids
received_header off
keep {keep}
"""


class Mpop(Post):
    def fetch(self, delete):
        got = self.empty("got", "tmp", "new", "cur")
        self.mpop(keep="off" if delete else "on")
        return delivered(got)

    def mpop(self, *words, keep="on", auth="user", secret=SECRET, status=0):
        rc = self.write("rc", RC.format(
            port=self.port, secret=secret, auth=auth, home=self.home,
            keep=keep, tls=TLS_WORDS[self.link].format(cert=self.cert)))
        return self.run("mpop", "-C", rc, *words, "a", status=status)


fetches("mpop", Mpop)


@check("mpop --serverinfo, which asks before login and after it")
def _():
    post = Mpop("stls")
    said = post.mpop("--serverinfo").split()
    true({b"PIPELINING:", b"TOP:", b"UIDL:", b"STLS:", b"RESP-CODES:",
          b"AUTH-RESP-CODE:"} <= set(said), f"it says {said}")


@check("mpop logs in by AUTH PLAIN, and takes a refusal for one")
def _():
    post = Mpop("plain")
    post.empty("got", "tmp", "new", "cur")
    post.mpop(auth="plain")
    post.last(1)
    same(post.lines("login")[0]["method"], "PLAIN", "method")
    post.mpop(auth="plain", secret="wrong", status=77)
    same(post.lines("login-failed")[0]["method"], "PLAIN", "method")


done()
