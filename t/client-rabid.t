#!/usr/bin/env python3
# A stranger's load: postal's rabid empties three mailboxes, four sessions at a
# time.
import os
import sys

sys.path.insert(0, os.environ["T"])
from client import *

NAMES = ("alice", "bob", "carol")
COUNT = 60


class Load(Post):
    def users(self):
        """Each of NAMES has a Maildir with COUNT messages."""
        self.maildirs = {name: Maildir(*(message(300 + 7 * n, f"{name} {n}.")
                                         for n in range(COUNT)))
                         for name in NAMES}
        path = new_path("users")
        with open(path, "w") as f:
            for name, maildir in self.maildirs.items():
                f.write(f"{name}:{{PLAIN}}{SECRET}:::::: "
                        f"userdb_mail=maildir:{maildir.path}\n")
        os.chmod(path, 0o644)
        return path

    @contextlib.contextmanager
    def rabid(self, *words):
        """Which goes on for ever; what it says and hears is in dbg:1..."""
        need("rabid")
        users = self.write("list", "".join(f"{name} {SECRET}\n"
                                           for name in NAMES))
        with open(new_path("said"), "wb") as said:
            process = subprocess.Popen(
                ["rabid", *words, "-z", "dbg", f"[127.0.0.1]{self.port}",
                 users], cwd=self.home, stdin=subprocess.DEVNULL, stdout=said,
                stderr=said, start_new_session=True,
                preexec_fn=plain_signals, **as_client())
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def left(self):
        return sum(len(maildir.left()) for maildir in self.maildirs.values())


WANTED = [wire(message(300 + 7 * n, f"{name} {n}."))
          for name in NAMES for n in range(COUNT)]


@check("rabid fetches and deletes all mail of three users at once")
def _():
    post = Load("plain")

    def removed():
        return sum(int(line["del"].split("/")[0])
                   for line in post.lines("session"))

    def heard():
        octets = b"".join(files(post.home))
        true(b"-ERR" not in octets, "an error")
        return all(text_ in octets for text_ in WANTED)

    with post.rabid("-p", "4", "-c", "20", "-r", "6000"):
        until(lambda: post.left() == 0, "three empty mailboxes", 40)
        until(lambda: removed() == 3 * COUNT, "that many removals", 40)
        until(heard, "all messages in what it heard", 40)
    same({line["end"] for line in post.lines("session")
          if line["del"] != "0/0"}, {"quit"}, "ends")


done()
