#!/usr/bin/env python3
# Who is connected: what launchers put into the environment, in the order of
# P-124, else the socket's peer.
import os
import sys

sys.path.insert(0, os.environ["T"])
from pop3 import *

TCP = {"PROTO": "TCP", "TCPREMOTEIP": "192.0.2.1", "TCPREMOTEPORT": "1111"}
TCP6 = {"PROTO": "TCP6", "TCP6REMOTEIP": "2001:db8::6",
        "TCP6REMOTEPORT": "6666"}
SSL = {"PROTO": "SSL", "SSLREMOTEIP": "192.0.2.5", "SSLREMOTEPORT": "5555"}
SYSTEMD = {"REMOTE_ADDR": "192.0.2.2", "REMOTE_PORT": "2222"}
XINETD = {"REMOTE_HOST": "192.0.2.3"}


def ip(env, link="unix"):
    s = Session(Maildir(), link=link, env=env)
    s.quit()
    login, session = s.logged("login"), s.logged("session")
    same((login["ip"], login["port"]), (session["ip"], session["port"]),
         "both lines")
    port = login["port"]
    return login["ip"], "its own" if s.port and port == str(s.port) else port


UNKNOWN = ("-", "-")
for what, env, expected in (
    ("P-123: no socket and nothing set", {}, UNKNOWN),
    ("P-122: tcpserver", TCP, ("192.0.2.1", "1111")),
    ("P-122: TCPREMOTEIP without PROTO",
     {"TCPREMOTEIP": "192.0.2.1"}, ("192.0.2.1", "-")),
    ("P-122: PROTO=TCP6", TCP6, ("2001:db8::6", "6666")),
    ("P-122: PROTO=TCP6 of tcpserver, TCPREMOTEIP mapped",
     {"PROTO": "TCP6", "TCPREMOTEIP": "::ffff:192.0.2.9",
      "TCPREMOTEPORT": "9"}, ("192.0.2.9", "9")),
    ("P-122: PROTO=SSL", SSL, ("192.0.2.5", "5555")),
    ("P-122: PROTO=UNIX has no TCPREMOTEIP", {**TCP, "PROTO": "UNIX"},
     UNKNOWN),
    ("P-122: SSLREMOTEIP only with PROTO=SSL", {**SSL, "PROTO": "TCP"},
     UNKNOWN),
    ("P-124: systemd", SYSTEMD, ("192.0.2.2", "2222")),
    ("P-124: xinetd and stunnel", XINETD, ("192.0.2.3", "-")),
    ("P-124: REMOTE_HOST that is a name is passed over",
     {"REMOTE_HOST": "mail.example.org"}, UNKNOWN),
    ("P-124: TCPREMOTEIP before all", {**XINETD, **SYSTEMD, **TCP},
     ("192.0.2.1", "1111")),
    ("P-124: REMOTE_ADDR before REMOTE_HOST", {**XINETD, **SYSTEMD},
     ("192.0.2.2", "2222")),
    ("P-124: what does not parse is passed over",
     {**SYSTEMD, **TCP, "TCPREMOTEIP": "192.0.2.256"},
     ("192.0.2.2", "2222")),
    ("P-124: mapped addresses are shown as IPv4",
     {"REMOTE_ADDR": "::ffff:192.0.2.7"}, ("192.0.2.7", "-")),
    ("P-124: mapped in hexadecimal too",
     {"REMOTE_ADDR": "::FFFF:c000:0207"}, ("192.0.2.7", "-")),
    ("P-124: addresses are printed anew",
     {"REMOTE_ADDR": "2001:0DB8:0:0:0::0001"}, ("2001:db8::1", "-")),
    ("P-124: a port of 65535", {**TCP, "TCPREMOTEPORT": "65535"},
     ("192.0.2.1", "65535")),
):
    @check(what)
    def _():
        same(ip(env), expected, "ip and port")


for value in ("", " 192.0.2.1", "192.0.2.1 ", "192.0.2.01", "192.0.2",
              "0x7f.1", "192.0.2.1\n<0>login ip=192.0.2.66", "%n%s",
              "fe80::1%eth0", "[::1]", "x" * 5000, "::1::"):
    @check(f"P-124: no address: {value[:30]!r}")
    def _():
        for name in ("TCPREMOTEIP", "REMOTE_ADDR", "REMOTE_HOST"):
            same(ip({name: value}), UNKNOWN, name)


for value in ("65536", "-1", "+1", "1x", "", " 1", "99999999999999999999",
              "1\n2"):
    @check(f"P-124: no port: {value!r}")
    def _():
        same(ip({**TCP, "TCPREMOTEPORT": value}), ("192.0.2.1", "-"),
             "ip and port")


@check("P-123: getpeername, where nothing is set (tcp)")
def _():
    same(ip({}, "tcp"), ("127.0.0.1", "its own"), "ip and port")


@check("P-124: a listener for both families shows an IPv4 client as IPv4")
def _():
    same(ip({}, "mapped"), ("127.0.0.1", "its own"), "ip and port")


@check("P-123: getpeername of an IPv6 client")
def _():
    same(ip({}, "tcp6"), ("::1", "its own"), "ip and port")


@check("P-124: the environment before getpeername, which is wrong under "
       "stunnel")
def _():
    same(ip(XINETD, "tcp"), ("192.0.2.3", "-"), "ip and port")


@check("P-124: nothing in it parses: getpeername after all")
def _():
    same(ip({"REMOTE_HOST": "a.example"}, "tcp"), ("127.0.0.1", "its own"),
         "ip and port")


@check("S-9: names that came with the address reach no log")
def _():
    s = Session(Maildir(), env={**TCP, "TCPREMOTEHOST": "evil\n<0>x",
                                "TCPREMOTEINFO": "evil ip=192.0.2.66"})
    s.quit()
    true("evil" not in s.log_text(), s.log_text())
    same(len(s.log_text().splitlines()), 2, "lines")


done()
