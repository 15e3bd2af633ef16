#!/usr/bin/env python3
# A real HAProxy in front, by the file in src/launch: v1, v2, v2 with what it
# knows of TLS, and its health checks (P-131...P-139).
import os
import sys

sys.path.insert(0, os.environ["T"])
from boundary import *

FILE = os.path.join(os.path.dirname(os.environ["T"]), "src/launch/haproxy.cfg")
SEND = ("send-proxy", "send-proxy-v2", "send-proxy-v2-ssl-cn")
# In the file it is every 10 s.
OFTEN = "inter 100ms"


class Proxy:
    """The file as it is, but for ports, paths and users; send in place of
    what it sends, check of how it looks whether we are there."""

    def __init__(self, *options, send=SEND[-1], check=""):
        need("haproxy")
        self.maildir = Maildir(message())
        self.listener = Listener(self.maildir, "--proxy-protocol", *options)
        pem = new_path("pem")
        with open(pem, "w") as f:
            for name in certificate():
                with open(name) as part:
                    f.write(part.read())
        self.ports = {"pop3s": free_port(), "pop3": free_port()}
        with open(FILE) as f:
            config = f.read()
        for old, new in (
                (":::995 v4v6", f"127.0.0.1:{self.ports['pop3s']}"),
                (":::110 v4v6", f"127.0.0.1:{self.ports['pop3']}"),
                ("/etc/ssl/private/pop3.pem", pem),
                ("127.0.0.1:1110", f"127.0.0.1:{self.listener.port}"),
                (f"{SEND[-1]} check check-send-proxy inter 10s",
                 f"{send} {check}"),
                *([] if ROOT else [("user haproxy", ""),
                                   ("group haproxy", "")])):
            true(old in config, f"{old} in the file")
            config = config.replace(old, new)
        path = new_path("haproxy")
        with open(path, "w") as f:
            f.write(config)
        self.process = subprocess.Popen(
            [shutil.which("haproxy"), "-db", "-f", path],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, preexec_fn=plain_signals)
        try:
            until(lambda: self.listens(), "HAProxy")
        except BaseException:
            self.__exit__()
            raise

    def listens(self):
        """Not by connecting: that would come through."""
        true(self.process.poll() is None, "HAProxy has ended")
        with open("/proc/net/tcp") as f:
            found = {line.split()[1] for line in f.readlines()[1:]
                     if line.split()[3] == "0A"}
        return all(f"0100007F:{port:04X}" in found
                   for port in self.ports.values())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.listener.__exit__()

    def client(self, frontend):
        """A Client, and its port, which the log must show."""
        s = socket.create_connection(("127.0.0.1", self.ports[frontend]),
                                     PATIENCE)
        port = str(s.getsockname()[1])
        if frontend == "pop3s":
            s = client_context().wrap_socket(s, server_hostname="localhost")
        return Client(s), port


class Client:
    def __init__(self, sock):
        self.sock = sock
        self.stream = sock.makefile("rwb")
        true(self.stream.readline().startswith(b"+OK "), "greeting")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.sock.close()

    def ask(self, line):
        self.stream.write(line.encode() + b"\r\n")
        self.stream.flush()
        return self.stream.readline()

    def session(self):
        for line in ("USER alice", f"PASS {SECRET}", "STAT", "QUIT"):
            answer = self.ask(line)
            true(answer.startswith(b"+OK "), f"{line}: {answer!r}")

    def refused(self):
        same(self.ask("USER alice"),
             b"-ERR use STLS or port 995 first\r\n", "USER")


def logged(proxy, port, tls):
    """The log has this session, and nothing else."""
    lines = proxy.listener.ended()
    same([(n["ip"], n["port"], n["user"], n["end"]) for n in lines],
         [("127.0.0.1", port, "alice", "quit")], "session line")
    same([n["tls"] for n in proxy.listener.lines("login")], [tls], "tls")


for send in SEND:
    @check(f"HAProxy with {send}: the client's address in the log, and "
           "passwords in the clear only by --allow-plaintext")
    def _():
        with Proxy("--allow-plaintext", send=send) as proxy:
            client, port = proxy.client("pop3")
            with client:
                client.session()
            logged(proxy, port, "no")
        with Proxy(send=send) as proxy:
            client, port = proxy.client("pop3")
            with client:
                client.refused()


@check("HAProxy that ends TLS, with the file's header: login without "
       "--allow-plaintext, and the version of TLS in the log")
def _():
    with Proxy() as proxy:
        client, port = proxy.client("pop3s")
        with client:
            client.session()
        logged(proxy, port, "TLSv1.3")


@check("HAProxy that ends TLS and does not say so: no password without "
       "--tls=on")
def _():
    for send in SEND[:2]:
        with Proxy(send=send) as proxy:
            client, port = proxy.client("pop3s")
            with client:
                client.refused()


@check("HAProxy that passes STLS on: the client's address, and TLS")
def _():
    with Proxy() as proxy:
        client, port = proxy.client("pop3")
        with client:
            client.refused()
            same(client.ask("STLS")[:4], b"+OK ", "STLS")
            client.stream.close()
            sock = client_context().wrap_socket(client.sock,
                                                server_hostname="localhost")
            client.sock, client.stream = sock, sock.makefile("rwb")
            client.session()
        logged(proxy, port, "TLSv1.3")


# Either brings a header, since the connections do; a bare one, with a port of
# its own, HAProxy cuts off before we could accept it.
for send in SEND:
    for check_ in ("check", "check check-send-proxy"):
        @check(f"P-136: HAProxy with {send} and {check_}: no line in the log")
        def _():
            with Proxy("--allow-plaintext", send=send,
                       check=f"{check_} {OFTEN}") as proxy:
                # The helper notes each connection that comes and goes.
                until(lambda: len(proxy.listener.record()) >= 9,
                      "nine checks")
                same(proxy.listener.log_text(), "", "the log")
                client, port = proxy.client("pop3")
                with client:
                    client.session()
                logged(proxy, port, "no")
                same(len(proxy.listener.log_text().splitlines()), 2, "lines")


done()
