#!/usr/bin/env python3
# mailutils' movemail: RETR and TOP of each, with and without TLS.
import os
import sys

sys.path.insert(0, os.environ["T"])
from client import *


class Movemail(Post):
    """It takes STLS where CAPA has it; ";notls" forbids that.

    movemail 3.15 drops octets of messages over 8 KiB that were sent whole, so
    there are none.
    """

    messages = [octets[:7000] for octets in MAIL]

    def fetch(self, delete):
        got = self.empty("got", "tmp", "new", "cur")
        scheme = "pops" if self.link == "tls" else "pop"
        notls = ";notls" if self.link == "plain" else ""
        self.run("movemail", *([] if delete else ["--preserve"]),
                 f"{scheme}://alice:{SECRET}@localhost:{self.port}{notls}",
                 f"maildir:{got}")
        return sorted(re.sub(rb"(?m)^X-(UIDL|UID|IMAPbase):.*\n", b"", octets)
                      for octets in delivered(got))


fetches("movemail", Movemail, keeps=None)


@check("movemail --uidl fetches nothing that the mailbox has")
def _():
    post = Movemail("plain")
    box = post.write("box", "")
    url = f"pop://alice:{SECRET}@localhost:{post.port};notls"
    for count in (1, 2):
        post.run("movemail", "--preserve", "--uidl", url, box)
        post.last(count)
    post.last(2, retr="0/0", top="0/0")


done()
