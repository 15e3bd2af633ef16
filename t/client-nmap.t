#!/usr/bin/env python3
# nmap asks what the server can, and throws at it what it has for others.
import os
import sys

sys.path.insert(0, os.environ["T"])
from client import *


class Nmap(Post):
    def nmap(self, *words):
        return self.run("nmap", "-Pn", "-n", "-sT", "-p", str(self.port),
                        *words, "127.0.0.1", limit=150).decode()


for link, names in (("plain", "USER SASL(PLAIN)"), ("stls", "STLS")):
    @check(f"nmap --script pop3-capabilities shows what CAPA names ({link})")
    def _():
        # The + is for a port that is not 110.
        said = Nmap(link).nmap("--script", "+pop3-capabilities")
        found = re.search(r"pop3-capabilities: (.*)", said)
        true(found, said)
        same(sorted(found[1].split()), sorted(
            f"TOP UIDL RESP-CODES AUTH-RESP-CODE PIPELINING {names}".split()),
            "capabilities")


@check("nmap -sV, with its greetings to other protocols, knows POP3, and mail "
       "is served as before", limit=300)
def _():
    post = Nmap("plain")
    true(re.search(rf"{post.port}/tcp +open +pop3", post.nmap("-sV")),
         "the service")
    true("front-died" not in post.log_text() and
         "error" not in post.log_text().replace("end=error", ""),
         post.log_text())
    same(post.lines("login") + post.lines("login-failed"), [], "logins")
    out = post.run("curl", "-sS", "-u", f"alice:{SECRET}",
                   f"pop3://127.0.0.1:{post.port}/")
    same(len(out.splitlines()), 5, "messages")


done()
