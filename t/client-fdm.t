#!/usr/bin/env python3
# fdm keeps and deletes, with and without TLS.
import os
import sys

sys.path.insert(0, os.environ["T"])
from client import *

CONF = """\
set lock-file "{home}/lock"
set no-received
set no-create
set verify-certificates
action "m" maildir "{home}/got"
account "a" {kind} server "localhost" port {port}
	user "alice" pass "{secret}" {cache} {starttls} {keep}
match all action "m"
"""


class Fdm(Post):
    def fetch(self, delete):
        got = self.empty("got", "tmp", "new", "cur")
        conf = self.write("conf", CONF.format(
            home=self.home, port=self.port, secret=SECRET,
            kind="pop3s" if self.link == "tls" else "pop3",
            cache="" if delete else f'new-only cache "{self.home}/cache"',
            keep="" if delete else "keep",
            starttls="starttls" if self.link == "stls" else ""))
        self.run("fdm", "-f", conf, "fetch", env={"SSL_CERT_FILE": self.cert})
        return delivered(got)


fetches("fdm", Fdm)
done()
