#!/usr/bin/env python3
# A real HAProxy in front: v1, v2, v2 with what it knows of TLS, and its health
# checks (P-131...P-139).
import os
import sys

sys.path.insert(0, os.environ["T"])
from boundary import *

CONFIG = """
global
    maxconn 50
    log {log} local0
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
"""
SERVICE = """
frontend f{kind}
    bind 127.0.0.1:{port}{tls}
    default_backend b{kind}
backend b{kind}
    server s 127.0.0.1:{to} {send} {check}
"""
KINDS = {"v1": "send-proxy", "v2": "send-proxy-v2",
         "v2tls": "send-proxy-v2-ssl-cn"}
CHECK = "check check-send-proxy inter 100ms"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Proxy:
    def __init__(self, checks, *options):
        need("haproxy")
        self.maildir = Maildir(message())
        self.listener = Listener(self.maildir, "--proxy-protocol", *options)
        pem = new_path("pem")
        with open(pem, "w") as f:
            for name in certificate():
                with open(name) as part:
                    f.write(part.read())
        self.ports = {kind: free_port() for kind in KINDS}
        config = new_path("haproxy")
        with open(config, "w") as f:
            f.write(CONFIG.format(log=new_path("nobody")))
            for kind, send in KINDS.items():
                f.write(SERVICE.format(
                    kind=kind, port=self.ports[kind], send=send,
                    to=self.listener.port, check=CHECK if checks else "",
                    tls=f" ssl crt {pem}" if kind == "v2tls" else ""))
        self.process = subprocess.Popen(
            [shutil.which("haproxy"), "-db", "-f", config],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: self.listens(), "HAProxy")
        except BaseException:
            self.__exit__()
            raise

    def listens(self):
        true(self.process.poll() is None, "HAProxy has ended")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.ports["v2tls"]),
                                     1).close()
            return True
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.listener.__exit__()

    def client(self, kind):
        s = socket.create_connection(("127.0.0.1", self.ports[kind]),
                                     PATIENCE)
        port = s.getsockname()[1]
        if kind == "v2tls":
            s = client_context().wrap_socket(s, server_hostname="localhost")
        return s.makefile("rwb"), port


def session(proxy, kind):
    """A whole one; the client's port, which the log must show."""
    stream, port = proxy.client(kind)
    with stream:
        true(stream.readline().startswith(b"+OK "), "greeting")
        for line in ("USER alice", f"PASS {SECRET}", "STAT", "QUIT"):
            stream.write(line.encode() + b"\r\n")
            stream.flush()
            answer = stream.readline()
            true(answer.startswith(b"+OK "), f"{line}: {answer!r}")
    return str(port)


for kind, tls in (("v1", "no"), ("v2", "no"), ("v2tls", "TLSv1.3")):
    @check(f"HAProxy with {KINDS[kind]}: the client's address and TLS")
    def _():
        with Proxy(False, *(["--allow-plaintext"] if tls == "no" else [])) \
                as proxy:
            port = session(proxy, kind)
            lines = [line for line in proxy.listener.ended()
                     if line["user"] == "alice"]
            same([(n["ip"], n["port"]) for n in lines],
                 [("127.0.0.1", port)], "session line")
            same(proxy.listener.lines("login")[0]["tls"], tls, "tls")


@check("HAProxy with health checks: they find the server up, and leave no "
       "line in the log")
def _():
    with Proxy(True, "--allow-plaintext") as proxy:
        declined = until(lambda: len(proxy.listener.record()) >= 9 and
                         proxy.listener.record(), "nine checks")
        true(len(declined) >= 9, "checks came")
        same(proxy.listener.log_text(), "", "the log")
        session(proxy, "v2")
        proxy.listener.ended()
        same(len(proxy.listener.log_text().splitlines()), 2, "lines")


done()
