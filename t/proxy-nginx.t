#!/usr/bin/env python3
# nginx's mail proxy in front, by the file in src/launch: it greets and asks
# for the password, and we check it (P-131).
import os
import poplib
import sys

sys.path.insert(0, os.environ["T"])
from client import *

FILE = os.path.join(os.path.dirname(os.environ["T"]), "src/launch/nginx.conf")


class Nginx(Post):
    """The file as it is, but for ports, paths and user."""

    proxy = None

    def __init__(self):
        need("nginx")
        super().__init__("behind")
        self.inside = new_path("nginx")
        os.mkdir(self.inside, 0o755)
        self.pop3s, self.pop3, auth = (free_port() for _ in range(3))
        with open(FILE) as f:
            conf = f.read()
        for old, new in (
                ("listen 995 ", f"listen 127.0.0.1:{self.pop3s} "),
                ("listen 110;", f"listen 127.0.0.1:{self.pop3};"),
                ("127.0.0.1:1180", f"127.0.0.1:{auth}"),
                ("Auth-Port 1110", f"Auth-Port {self.port}"),
                ("/etc/ssl/pop3.crt", self.cert),
                ("/etc/ssl/private/pop3.key", self.key),
                ("/run/nginx.pid", f"{self.inside}/pid"),
                ("/var/log/nginx/error.log", f"{self.inside}/log"),
                *([] if ROOT else [("user www-data;", "")])):
            true(old in conf, f"{old} in the file")
            conf = conf.replace(old, new)
        # It makes folders for what it never does here.
        conf = conf.replace("http {", "http {\n" + "".join(
            f"{what}_temp_path {self.inside}/{what};\n" for what in
            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")))
        path = os.path.join(self.inside, "conf")
        with open(path, "w") as f:
            f.write(conf)
        self.proxy = subprocess.Popen(
            ["nginx", "-c", path, "-e", f"{self.inside}/log", "-g",
             "daemon off;"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=plain_signals)
        for port in (self.pop3s, self.pop3, auth):
            until(lambda p=port: self.is_open(p), "nginx listens")

    def command(self):
        need("tcpserver")
        return ["tcpserver", "-RHl0", "127.0.0.1", str(self.port), PROGRAM,
                "--proxy-protocol", "--tls=on",
                f"--passwd-file={self.users()}"]

    def is_open(self, port):
        if self.proxy.poll() is not None:
            with open(f"{self.inside}/log") as f:
                raise Fail("nginx has ended: " + f.read())
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        return False

    def end(self):
        if self.proxy is not None:
            self.proxy.terminate()
            self.proxy.wait()
        super().end()

    def client(self, link):
        context = client_context()
        if link == "pop3s":
            return poplib.POP3_SSL("localhost", self.pop3s, timeout=PATIENCE,
                                   context=context)
        client = poplib.POP3("localhost", self.pop3, timeout=PATIENCE)
        if link == "stls":
            client.stls(context)
        return client


for link in ("pop3s", "stls"):
    @check(f"nginx ({link}): a client logs in, fetches and deletes; the log "
           "has its address and port")
    def _():
        nginx = Nginx()
        client = nginx.client(link)
        port = client.sock.getsockname()[1]
        client.user("alice")
        client.pass_(SECRET)
        same(client.stat()[0], 5, "messages")
        true("PIPELINING" in client.capa(), "our CAPA")
        for n, octets in enumerate(MAIL, 1):
            same(b"\n".join([*client.retr(n)[1], b""]), text(octets),
                 f"message {n}")
            client.dele(n)
        client.quit()
        line = nginx.sessions(1)[0]
        same([line[key] for key in ("ip", "port", "end", "del")],
             ["127.0.0.1", str(port), "quit", "5/5"], "the session's line")
        same([n["tls"] for n in nginx.lines("login")], ["yes"], "tls")
        same(nginx.maildir.left(), [], "messages left")


@check("nginx: AUTH PLAIN at nginx is USER and PASS here")
def _():
    nginx = Nginx()
    out = nginx.run("curl", "-sS", "--cacert", nginx.cert, "-u",
                    f"alice:{SECRET}", "--login-options", "AUTH=PLAIN",
                    f"pop3s://localhost:{nginx.pop3s}/")
    same(len(out.splitlines()), 5, "messages")
    same([n["method"] for n in nginx.lines("login")], ["PASS"], "method")


@check("nginx: a wrong password is refused by us, and the client hears it")
def _():
    nginx = Nginx()
    client = nginx.client("pop3s")
    port = client.sock.getsockname()[1]
    client.user("alice")
    try:
        client.pass_("wrong")
    except poplib.error_proto as answer:
        same(str(answer), "b'-ERR [AUTH] authentication failed'", "answer")
    else:
        raise Fail("logged in")
    same([(n["ip"], n["port"], n["reason"])
          for n in nginx.lines("login-failed")],
         [("127.0.0.1", str(port), "credentials")], "login-failed")


@check("nginx: no password before STLS")
def _():
    nginx = Nginx()
    client = nginx.client("pop3")
    true("STLS" in client.capa(), "STLS")
    try:
        client.user("alice")
        client.pass_(SECRET)
    except poplib.error_proto:
        client.close()
    else:
        raise Fail("logged in")
    same(nginx.log_text(), "", "log")


done()
