#!/usr/bin/env python3
# TLS wrappers, each with its file of src/launch/ as it is: stunnel (its exec
# mode, and its own STLS), tlswrapper, and s6-networking by stand-ins.  connect
# mode with the PROXY protocol is in launch-systemd.t.
import os
import sys

sys.path.insert(0, os.environ["T"])
from launch import *

# name: command, port, tls= in the log, whether STLS begins TLS
WRAPPERS = {
    "stunnel.conf": (["stunnel", EXAMPLES + "/stunnel.conf"], 995, "yes",
                     False),
    "stunnel-stls.conf": (["stunnel", EXAMPLES + "/stunnel-stls.conf"], 110,
                          "yes", True),
    "tlswrapper.run": ([EXAMPLES + "/tlswrapper.run"], 995, "yes", False),
    "s6-tls.run": ([EXAMPLES + "/s6-tls.run"], 995, "TLSv1.3", False),
    "s6.run": ([EXAMPLES + "/s6.run"], 110, "TLSv1.3", True),
}
TOOLS = {"stunnel": ["stunnel"], "tlswrapper": ["tlswrapper", "tcpserver"],
         "s6": ["s6-envuidgid", "s6-setuidgid", "s6-applyuidgid"]}


class Wrapper(Launcher):
    def __init__(self, name):
        need(*TOOLS[re.match(r"[a-z0-9]+", name).group(0)])
        command, port, self.tls, self.stls = WRAPPERS[name]
        super().__init__(*command, port=port)

    def how(self):
        return {"tls": client_context(), "stls": self.stls}


def s_client(where):
    """USER, PASS, STAT and QUIT; the first words of all lines."""
    client = subprocess.Popen(
        ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile",
         "/etc/ssl/pop3.crt", *(["-starttls", "pop3"] if where.stls else []),
         "-connect", f"127.0.0.1:{where.port}"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENV)
    try:
        client.stdin.write(f"USER {BOB}\r\nPASS {SECRET}\r\nSTAT\r\n"
                           "QUIT\r\n".encode())
        client.stdin.flush()    # its end would be s_client's
        return [line.split()[0].decode() for line in
                client.stdout.read().splitlines() if line]
    finally:
        client.kill()
        client.communicate()


for name in WRAPPERS:
    @check(f"P-84: {name}: a session logs in, fetches, deletes; the log has "
           "the client's address and tls")
    def _():
        with Wrapper(name) as where:
            c = serves(where.port, bob(), where.log, where.tls, **where.how())
            # s6-tlsd's default is a FIN alone.
            same(c.notified, name != "s6-tls.run", "close_notify")
            refuses(where.port, bob(), where.log, **where.how())

    @check(f"P-26: {name}: who resets in the middle of RETR, or says "
           "close_notify without QUIT, has deleted nothing")
    def _():
        with Wrapper(name) as where:
            survives_reset(where.port, bob(), where.log, **where.how())
            line = leaves(where.port, bob(), where.log, Client.notify,
                          "DELE 1", **where.how())
            same((line["end"], line["del"]), ("disconnect", "0/0"), "session")

    @check(f"P-51: {name}: half-close and reset behind QUIT: what was removed "
           "is what the log says")
    def _():
        with Wrapper(name) as where:
            leaves(where.port, bob(), where.log, Client.half_close, "DELE 1",
                   "QUIT", **where.how())
            deletes_before_reset(where.port, bob(), where.log, **where.how())

    @check(f"{name}: curl fetches and deletes, openssl s_client counts")
    def _():
        need("curl", "openssl")
        with Wrapper(name) as where:
            mail = bob()
            scheme = "pop3" if where.stls else "pop3s"
            url = f"{scheme}://localhost:{where.port}/"
            curl = ["curl", "-sS", "--ssl-reqd", "--cacert",
                    "/etc/ssl/pop3.crt", "-u", f"{BOB}:{SECRET}"]
            same(run(*curl, url + "2").encode(),
                 plain(TEXT[1]).replace(b"\r\n", b"\n"), "message 2")
            run(*curl, "-X", "DELE", "-I", url + "2")
            gone()
            same(mail.left(), [1, 3], "messages left")
            same([n["tls"] for n in lines(where.log, "login")],
                 [where.tls] * 2, "tls in the log")
            stat = s_client(where)
            same(stat[-4:], ["+OK", "+OK", "+OK", "+OK"], "answers")


@check("stunnel-certificate.conf: who has the key is alice; nobody else comes "
       "in")
def _():
    need("stunnel")
    key, pem = new_path("key"), "/etc/stunnel/alice.pem"
    os.makedirs(os.path.dirname(pem), exist_ok=True)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", pem,
        "-days", "2", "-subj", "/CN=alice")
    tls = client_context()
    tls.load_cert_chain(pem, key)
    mail = alice()
    mail.user = None
    with Launcher("stunnel", EXAMPLES + "/stunnel-certificate.conf",
                  port=995) as where:
        serves(995, mail, where.log, "yes", tls=tls)
        where.log.forget()
        stranger = client_context()
        stranger.load_cert_chain(*reversed(certificate()))
        for other in (client_context(), stranger):
            try:
                text = Client(995, other).rest()
            except (OSError, Fail) as why:
                text = why
            true(not isinstance(text, bytes), f"{text!r} for a stranger")
        same(lines(where.log, "login"), [], "logins")


done()
