#!/usr/bin/env python3
# getmail keeps and deletes, with and without TLS; STLS it has not.
import os
import sys

sys.path.insert(0, os.environ["T"])
from client import *

KIND = {"plain": "SimplePOP3Retriever", "tls": "SimplePOP3SSLRetriever"}
INI = """\
[retriever]
type = {kind}
server = localhost
port = {port}
username = alice
password = {secret}
{trust}
[destination]
type = Maildir
path = {home}/got/
[options]
verbose = 0
read_all = false
delete = {delete}
delivered_to = false
received = false
"""


class Getmail(Post):
    def fetch(self, delete):
        got = self.empty("got", "tmp", "new", "cur")
        trust = "" if self.link == "plain" else f"ca_certs = {self.cert}"
        rc = self.write("rc", INI.format(
            kind=KIND[self.link], port=self.port, secret=SECRET, trust=trust,
            home=self.home, delete=str(delete).lower()))
        self.run("getmail", "--getmaildir", self.home, "--rcfile", rc)
        return delivered(got)


fetches("getmail", Getmail, KIND,
        lambda octets: b"Return-Path: <unknown>\n" + text(octets))

done()
