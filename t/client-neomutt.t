#!/usr/bin/env python3
# neomutt: fetch-mail into a spool, and pop:// as a mailbox, on a terminal.
import os
import sys

sys.path.insert(0, os.environ["T"])
from client import *

RC = """\
set pop_host = "{scheme}://alice@localhost:{port}"
set pop_pass = "{secret}"
set ssl_force_tls = {force}
set ssl_starttls = {stls}
set ssl_ca_certificates_file = "{cert}"
set pop_delete = {delete}
set pop_last = no
set pop_checkinterval = 0
set mbox_type = Maildir
set spool_file = "{home}/got"
set folder = "{home}"
set record = "" trash = "" move = no confirm_append = no quit = yes
set delete = yes wait_key = no sleep_time = 0 mail_check = 60 header_cache = ""
set history_file = "/dev/null"
"""


class Neomutt(Post):
    def fetch(self, delete):
        got = self.empty("got", "tmp", "new", "cur")
        self.neomutt("-f", got, "-e", "push <fetch-mail><quit>",
                     delete=delete)
        return delivered(got)

    def neomutt(self, *words, delete=False):
        yes = {True: "yes", False: "no"}
        rc = self.write("rc", RC.format(
            scheme="pops" if self.link == "tls" else "pop", port=self.port,
            secret=SECRET, cert=self.cert, home=self.home,
            delete=yes[delete], force=yes[self.link != "plain"],
            stls=yes[self.link == "stls"]))
        command = " ".join(map(shlex.quote, ["neomutt", "-n", "-F", rc,
                                             *words]))
        return self.run("script", "-qec", command, "/dev/null")


fetches("neomutt", Neomutt, keeps=None)


@check("neomutt reads pop:// as a mailbox: TOP for the list, RETR for one, "
       "DELE for another")
def _():
    post = Neomutt("plain")
    post.neomutt("-f", f"pop://alice@localhost:{post.port}", "-e",
                 "push <first-entry><display-message><exit>"
                 "<last-entry><delete-message><sync-mailbox><exit>")
    until(lambda: len(post.lines("session")) == len(post.lines("login")) > 3,
          "the ends of all sessions")
    count = {key: sum(int(line[key].split("/")[0])
                      for line in post.lines("session"))
             for key in ("top", "retr", "del")}
    same(count, {"top": 5, "retr": 1, "del": 1}, "sums")
    same(post.maildir.left(), [1, 2, 3, 4], "messages left")


done()
