"""Clients that fetch mail and look at every octet; see hosts.py.

Reads one line of JSON from standard input: the address and port of the server,
the users, what to do.  Tells each event as a line of JSON, before it does what
cannot be taken back:

    in          logged in
    got n       message n has come, whole and right
    asked [n]   QUIT is about to be sent, with these marked
    done [n]    QUIT was answered with +OK
    broken      the connection ended, or the login was put off
    empty       there is no more mail: this user is done
    wrong ...   what must not be
"""

import hashlib
import json
import re
import socket
import sys
import threading
import time

MANY = 4        # messages a session
tell_lock = threading.Lock()


def body(user, n):
    """Message n of user as it is stored: a few KB, with dots and no end."""
    seed = hashlib.sha256(f"{user}/{n}".encode()).hexdigest()
    lines = [f"Subject: {n}", ""]
    for i in range(20 + int(seed[:2], 16)):
        lines.append(("." if seed[i % 64] < "3" else "") + seed[i % 32:])
    return "\n".join(lines).encode() + (b"\n" if n % 3 else b"")


def on_the_wire(stored):
    text = re.sub(rb"(?m)^\.", b"..", stored.replace(b"\n", b"\r\n"))
    return text if text.endswith(b"\n") else text + b"\r\n"


def unique(user, n):
    return f"{1700000000 + n}.M{n}P1.{user}"


class Gone(Exception):
    pass


class Client:
    def __init__(self, job, user, source):
        self.user = user
        self.sock = socket.socket()
        self.sock.bind((source, 0))
        self.sock.settimeout(60)
        try:
            self.sock.connect((job["address"], job["port"]))
            self.stream = self.sock.makefile("rb")
            self.must(self.stream.readline())
        except OSError as why:
            raise Gone from why

    def must(self, line):
        if not line.endswith(b"\r\n") or not line.startswith(b"+OK"):
            raise Gone(repr(line))
        return line

    def ask(self, command):
        try:
            self.sock.sendall(command.encode() + b"\r\n")
            return self.must(self.stream.readline())
        except OSError as why:
            raise Gone from why

    def long(self, command):
        self.ask(command)
        got = bytearray()
        while True:
            try:
                line = self.stream.readline()
            except OSError as why:
                raise Gone from why
            if not line.endswith(b"\r\n"):
                raise Gone("in the middle")
            if line == b".\r\n":
                return bytes(got)
            got += line

    def login(self):
        self.ask(f"USER {self.user}")
        self.ask("PASS secret")

    def listed(self):
        """Number in this session and n of each message."""
        found = []
        for line in self.long("UIDL").split(b"\r\n")[:-1]:
            number, uid = line.split()
            n = int(uid.split(b".M")[1].split(b"P")[0])
            if uid.decode() != unique(self.user, n):
                tell(self.user, "wrong", f"UIDL {uid!r}")
            found.append((int(number), n))
        return found

    def fetch(self, number, n):
        if self.long(f"RETR {number}") != on_the_wire(body(self.user, n)):
            tell(self.user, "wrong", f"octets of {n}")
        else:
            tell(self.user, "got", n)

    def close(self):
        self.sock.close()


def tell(user, event, what=None):
    with tell_lock:
        print(json.dumps([user, event, what]), flush=True)


def session(job, user, source, hold, done):
    """False: there is no more mail."""
    client = Client(job, user, source)
    try:
        client.login()
        tell(user, "in")
        listed = client.listed()
        for _, n in listed:
            if n in done:
                tell(user, "wrong", f"{n} is back after QUIT was answered")
        marked = []
        for number, n in listed[:MANY]:
            client.fetch(number, n)
            client.ask(f"DELE {number}")
            marked.append(n)
        if hold:
            tell(user, "holding", marked)
            try:
                client.must(client.stream.readline())
            except OSError as why:
                raise Gone from why
        tell(user, "asked", marked)
        client.ask("QUIT")
        tell(user, "done", marked)
        done.update(marked)
        return len(listed) > MANY
    finally:
        client.close()


def until_empty(job, user, source):
    done = set()
    hold = user in job["hold"]
    while True:
        try:
            if not session(job, user, source, hold, done):
                break
        except Gone as why:
            tell(user, "broken", str(why))
            hold = False
            time.sleep(0.1)     # as clients do, before they come back
    tell(user, "empty")


def looks(job, user, source, ends):
    """Sessions that read one message and delete nothing, for a while."""
    count = 0
    while time.monotonic() < ends:
        client = Client(job, user, source)
        client.login()
        listed = client.listed()
        if client.long(f"RETR {listed[0][0]}") != on_the_wire(
                body(user, listed[0][1])):
            tell(user, "wrong", "octets")
        client.ask("QUIT")
        client.close()
        count += 1
    tell(user, "sessions", count)


def main():
    job = json.loads(sys.stdin.readline())
    ends = time.monotonic() + job.get("seconds", 0)
    threads = []
    for i, user in enumerate(job["users"]):
        source = f"127.0.1.{i + 1}"
        target, args = ((looks, (job, user, source, ends))
                        if job.get("seconds") else
                        (until_empty, (job, user, source)))
        threads.append(threading.Thread(target=target, args=args))
        threads[-1].start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
