#!/usr/bin/env python3
# curl lists, fetches, keeps and deletes, with and without TLS.
import os
import sys

sys.path.insert(0, os.environ["T"])
from client import *

OPTIONS = {"plain": [], "stls": ["--ssl-reqd"], "tls": []}
SIZES = [len(plain(octets)) for octets in MAIL]


class Curl(Post):
    def curl(self, *words, path="", status=0, secret=SECRET):
        scheme = "pop3s" if self.link == "tls" else "pop3"
        return self.run("curl", "-sS", "--cacert", self.cert, "-u",
                        f"alice:{secret}", *OPTIONS[self.link], *words,
                        f"{scheme}://localhost:{self.port}/{path}",
                        status=status)


for link in LINKS:
    @check(f"curl lists, fetches and keeps ({link})")
    def _():
        post = Curl(link)
        same(post.curl(), b"".join(b"%d %d\r\n" % pair for pair in
                                   enumerate(SIZES, 1)), "the list")
        uids = post.curl("-X", "UIDL")
        for n, octets in enumerate(MAIL, 1):
            same(post.curl(path=f"{n}"), plain(octets), f"message {n}")
        same(post.curl("-X", "TOP 2 3"), b"".join(
            plain(MAIL[1]).splitlines(True)[:9]), "TOP 2 3")
        same(post.curl("-X", "UIDL"), uids, "UIDs")
        same(len(post.maildir.left()), 5, "messages")
        post.last(9, retr="0/0")

    @check(f"curl fetches all in one session and deletes ({link})")
    def _():
        post = Curl(link)
        same(post.curl(path="[1-5]"), b"".join(map(plain, MAIL)), "all")
        post.last(1, retr=f"5/{sum(SIZES)}", delivered="yes")
        post.curl("-X", "DELE", "-I", path="[2-4]")
        post.last(2, **{"del": "3/3", "kept": "2"})
        same(post.maildir.left(), [1, 5], "messages")

    @check(f"curl is told what went wrong ({link})")
    def _():
        post = Curl(link)
        post.curl(path="6", status=8)
        post.curl(secret="wrong", status=67)
        same([(n["ip"], n["user"], n["reason"])
              for n in post.lines("login-failed")],
             [("127.0.0.1", "alice", "credentials")], "login-failed")

@check("curl logs in by SASL, with an initial response and without")
def _():
    post = Curl("plain")
    post.curl("--login-options", "AUTH=PLAIN")
    post.curl("--login-options", "AUTH=PLAIN", "--sasl-ir")
    post.run("curl", "-sS", f"pop3://alice;AUTH=*:{SECRET}@localhost:"
             f"{post.port}/")
    same([n["method"] for n in post.lines("login")], ["PLAIN"] * 3, "methods")


@check("curl sends no password in the clear where only STLS would do")
def _():
    post = Curl("stls")
    post.run("curl", "-sS", "-u", f"alice:{SECRET}",
             f"pop3://localhost:{post.port}/", status=67)
    same(post.lines("login") + post.lines("login-failed"), [], "logins")


done()
