#!/usr/bin/env python3
# nmh's inc, into a folder, with and without TLS; STLS it has not.
import os
import sys

sys.path.insert(0, os.environ["T"])
from client import *

INC = "/usr/bin/mh/inc"


class Inc(Post):
    def fetch(self, delete):
        if not os.access(INC, os.X_OK):
            raise Skip(f"{INC} is not installed")
        got = self.empty("Mail", "inbox")
        self.write(".mh_profile", f"Path: {got}\n")
        self.write(".netrc", f"machine localhost login alice password "
                   f"{SECRET}\n")
        tls = ["-initialtls", "-certverify"] if self.link == "tls" else []
        self.run(INC, "-host", "localhost", "-port", str(self.port), "-user",
                 "alice", "-nosasl", *tls,
                 "-truncate" if delete else "-notruncate",
                 env={"SSL_CERT_FILE": self.cert})
        return files(os.path.join(got, "inbox"))


fetches("inc", Inc, ("plain", "tls"), keeps=None)

done()
