#!/usr/bin/env python3
# PROXY headers that are right: who it is, whether there is TLS, and that not
# one octet more is taken (P-131...P-139, P-124).
import os
import sys

sys.path.insert(0, os.environ["T"])
from boundary import *

V4 = endpoints("203.0.113.9", 40112)
V6 = endpoints("2001:db8::1:9", 40113)
TLS13 = tlv(0x21, b"TLSv1.3")
REAL = None		# the connection's own address
LOGIN = f"USER alice\r\nPASS {SECRET}\r\n".encode()
FULL = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

assert crc32c(b"123456789") == 0xE3069283

# What it is, octets, address and port, tls= in the log.
RIGHT = [
    ("v1 TCP4", v1("TCP4", "203.0.113.9", "192.0.2.25", 40112, 110),
     ("203.0.113.9", "40112"), "no"),
    ("v1 TCP6", v1("TCP6", "2001:DB8:0::1:9", "2001:db8::25", 40113, 110),
     ("2001:db8::1:9", "40113"), "no"),
    ("v1 TCP6 of a mapped address",
     v1("TCP6", "::ffff:203.0.113.9", "::1", 1, 110),
     ("203.0.113.9", "1"), "no"),
    ("v1 ports 0 and 65535",
     v1("TCP4", "203.0.113.9", "192.0.2.25", 0, 65535),
     ("203.0.113.9", "0"), "no"),
    ("v1 TCP6 as long as can be", v1("TCP6", FULL, FULL, 65535, 65535),
     (FULL, "65535"), "no"),
    ("v1 UNKNOWN", v1("UNKNOWN"), REAL, "no"),
    ("v1 UNKNOWN and anything",
     v1("UNKNOWN", "203.0.113.9", "\x01 \xff PROXY"), REAL, "no"),
    ("v1 UNKNOWN of 107 octets", v1("UNKNOWN", FULL, FULL, 65535, 65535),
     REAL, "no"),
    ("v2 INET", v2(V4), ("203.0.113.9", "40112"), "no"),
    ("v2 INET6", v2(V6, family=0x21), ("2001:db8::1:9", "40113"), "no"),
    ("v2 INET6 of a mapped address",
     v2(endpoints("::ffff:203.0.113.9", 7), family=0x21),
     ("203.0.113.9", "7"), "no"),
    ("v2 LOCAL", v2(command=0, family=0), REAL, "no"),
    ("v2 LOCAL with a block of anything",
     v2(b"\xff" * 300, command=0, family=0x11), REAL, "no"),
    ("v2 UNSPEC", v2(family=0), REAL, "no"),
    ("v2 UNSPEC with TLVs", v2(tlv(4, b"\0\0"), family=0), REAL, "no"),
    ("v2 UNIX", v2(b"\0" * 216, family=0x31), REAL, "no"),
    ("v2 DGRAM", v2(V4, family=0x12), REAL, "no"),
    ("v2 with TLVs of all kinds", v2(
        V4 + tlv(1, b"pop3") + tlv(2, b"mail.example.org") +
        tlv(4, b"\0" * 7) + tlv(5) + tlv(5, b"x" * 128) +
        tlv(0x30, b"net") + tlv(0xE0, b"own") + tlv(0xF3) +
        tlv(0x77, b"?")), ("203.0.113.9", "40112"), "no"),
    ("v2 of 8192 octets", v2(V4 + tlv(4, b"\0" * (8192 - 12 - 3))),
     ("203.0.113.9", "40112"), "no"),
    ("v2 with its CRC", with_crc(V4, tlv(4, b"abc")),
     ("203.0.113.9", "40112"), "no"),
    ("v2 with TLS", v2(V4 + ssl_tlv(1, 0, TLS13)),
     ("203.0.113.9", "40112"), "TLSv1.3"),
    ("v2 with TLS, as HAProxy tells it", with_crc(
        V4, tlv(5) + ssl_tlv(7, 0, TLS13, tlv(0x22, b"alice"))),
     ("203.0.113.9", "40112"), "TLSv1.3"),
    ("v2 with TLS of no version", v2(V4 + ssl_tlv(1)),
     ("203.0.113.9", "40112"), "yes"),
    ("v2 with TLS of a version that is none",
     v2(V4 + ssl_tlv(1, 0, tlv(0x21, b"TLS\n1.3 tls=x"))),
     ("203.0.113.9", "40112"), "yes"),
    ("v2 with TLS and a certificate that is not verified",
     v2(V4 + ssl_tlv(3, 18, TLS13, tlv(0x22, b"root"))),
     ("203.0.113.9", "40112"), "TLSv1.3"),
    ("v2 with the TLV, but no TLS", v2(V4 + ssl_tlv(6, 0, TLS13)),
     ("203.0.113.9", "40112"), "no"),
]


def server(*options, **more):
    return Server(Maildir(message()), "--proxy-protocol", *options,
                  greeting=False, **more)


def logged(s, tls, who, word="login"):
    line = s.logged(word)
    same((line["ip"], line["port"]), who or ("127.0.0.1", str(s.port)),
         f"address in {word}")
    if "tls" in line:
        same(line["tls"], tls, f"tls in {word}")


for name, header, who, tls in RIGHT:
    @check(f"P-134...P-139: {name}")
    def _():
        true(len(header) != 108 or "107" not in name, f"{len(header)}")
        s = server(*([] if tls != "no" else ["--allow-plaintext"]))
        s.send(header)
        s.greet()
        s.works(1)
        logged(s, tls, who)
        logged(s, tls, who, "session")
        same(len(s.log_text().splitlines()), 2, "lines in the log")


@check("P-139: only with TLS in front a login in the clear is allowed")
def _():
    for client in (0, 2, 4, 6):
        s = server()
        s.send(v2(V4 + ssl_tlv(client, 0, TLS13)))
        s.greet()
        true("USER" not in s.capa(), "no USER in CAPA")
        same(s.ask("USER alice")[:5], b"-ERR ", f"USER, client {client}")
    s = server()
    s.send(v2(V4 + ssl_tlv(1, 0, TLS13)))
    s.greet()
    true("USER" in s.capa(), "USER in CAPA")
    s.works(1)


@check("P-136: LOCAL says nothing of TLS, whatever its block holds")
def _():
    s = server()
    s.send(v2(V4 + ssl_tlv(1, 0, TLS13), command=0))
    s.greet()
    same(s.ask("USER alice")[:5], b"-ERR ", "USER")


for name, header in (("v1", RIGHT[0][1]),
                     ("v2", v2(V4 + ssl_tlv(1, 0, TLS13) + tlv(4, b"ab")))):
    @check(f"P-131: {name} octet by octet: nothing is sent before the last")
    def _():
        s = server("--allow-plaintext")
        for i in range(len(header) - 1):
            s.send(header[i:i + 1])
        s.find()
        until(lambda: status(s.front, "State")[0] == "S", "the wait")
        same(select.select([s.rd], [], [], 0.05)[0], [], "answers so far")
        s.send(header[-1:])
        s.greet()
        s.works(1)
        same(s.logged("login")["ip"], "203.0.113.9", "ip")

    @check(f"P-132: {name} cut in two anywhere")
    def _():
        for at in range(1, len(header), 5):
            s = server("--allow-plaintext")
            s.send(header[:at])
            s.send(header[at:])
            s.greet()
            same(s.quit(), b"+OK bye\r\n", f"QUIT, cut at {at}")

    @check(f"P-132: {name} with a whole session behind it in one segment")
    def _():
        for way in ("file", "checker"):
            s = server("--allow-plaintext", way=way)
            s.send(header + b"CAPA\r\n" + LOGIN + b"STAT\r\nQUIT\r\n")
            text = s.rest()
            same([line[:4] for line in text.splitlines()
                  if line[:1] in b"+-"], [b"+OK "] * 6, f"answers ({way})")
            s.close()
            s.exits()
            logged(s, "TLSv1.3" if name == "v2" else "no",
                   ("203.0.113.9", "40112"))

    @check(f"P-132: {name}, then STLS")
    def _():
        plain = header if name == "v1" else v2(V4)
        s = server(helper="")
        s.send(plain)
        s.greet()
        true("STLS" in s.capa(), "STLS in CAPA")
        s.stls()
        s.works(1)
        logged(s, "TLSv1.3", ("203.0.113.9", "40112"))

    @check(f"P-132: {name} and STLS in one segment, the handshake behind it")
    def _():
        plain = header if name == "v1" else v2(V4)
        s = server(helper="")
        s.send(plain + b"STLS\r\n")
        s.greet()
        same(s.line()[:4], b"+OK ", "STLS")
        s.start_tls()
        s.works(1)

    @check(f"P-131: {name} twice: the second one is a bad command")
    def _():
        s = server()
        s.send(header)
        s.greet()
        s.send(RIGHT[0][1])
        same(s.line()[:5], b"-ERR ", "the answer")
        same(s.quit(), b"+OK bye\r\n", "QUIT")
        same(s.logged("session")["ip"], "203.0.113.9", "ip")


@check("P-139: with TLS in front STLS is not offered, and -ERR")
def _():
    s = server(helper="")
    s.send(v2(V4 + ssl_tlv(1, 0, TLS13)))
    s.greet()
    true("STLS" not in s.capa(), "no STLS in CAPA")
    same(s.ask("STLS")[:5], b"-ERR ", "STLS")
    s.works(1)
    logged(s, "TLSv1.3", ("203.0.113.9", "40112"))


@check("P-131: without --proxy-protocol a v1 header is a bad command")
def _():
    s = Server(Maildir(message()), "--allow-plaintext")
    s.send(RIGHT[0][1])
    same(s.line()[:5], b"-ERR ", "the answer")
    s.works(1)
    logged(s, "no", REAL)


@check("P-131: without --proxy-protocol v2 is four lines: three that are bad, "
       "and QUIT")
def _():
    s = Server(Maildir(message()), "--allow-plaintext")
    s.send(v2(V4 + ssl_tlv(1, 0, TLS13)))
    same([line[:4] for line in s.rest().splitlines()],
         [b"-ERR"] * 3 + [b"+OK "], "answers")
    s.close()
    s.exits()
    logged(s, "no", REAL, "session")


@check("P-124: the header counts more than the environment, and LOCAL "
       "leaves that alone")
def _():
    env = {"PATH": os.environ["PATH"], "PROTO": "TCP",
           "TCPREMOTEIP": "198.51.100.7", "TCPREMOTEPORT": "77"}
    for header, ip, port in ((RIGHT[0][1], "203.0.113.9", "40112"),
                             (v1("UNKNOWN"), "198.51.100.7", "77"),
                             (v2(command=0), "198.51.100.7", "77")):
        s = server("--allow-plaintext", env=env)
        s.send(header)
        s.greet()
        s.works(1)
        logged(s, "no", (ip, port))


@check("P-124: the checker is told the header's address")
def _():
    s = server("--allow-plaintext", way="checker")
    s.send(RIGHT[0][1])
    s.greet()
    s.works(1)
    env = dict(v.split("=", 1) for v in s.checker.noted("env"))
    same((env["TCPREMOTEIP"], env["TCPREMOTEPORT"]),
         ("203.0.113.9", "40112"), "TCPREMOTEIP and PORT")


@check("P-152: allow_nets sees the header's address, and a failed login bears "
       "it")
def _():
    def asked(header, nets):
        s = server("--allow-plaintext", extra=f"allow_nets={nets}")
        s.send(header)
        s.greet()
        s.ok("USER alice")
        s.send(f"PASS {SECRET}\r\n".encode())
        return s
    inside = asked(RIGHT[0][1], "203.0.113.0/24")
    outside = asked(RIGHT[0][1], "127.0.0.0/8")
    local = asked(v2(command=0), "127.0.0.0/8")
    unknown = asked(v1("UNKNOWN", "203.0.113.9"), "203.0.113.0/24")
    same(inside.line()[:4], b"+OK ", "inside")
    same(local.line()[:4], b"+OK ", "LOCAL, the real address")
    same(outside.line()[:12], b"-ERR [AUTH] ", "outside")
    same(unknown.line()[:12], b"-ERR [AUTH] ", "UNKNOWN")
    logged(outside, "no", ("203.0.113.9", "40112"), "login-failed")
    same(outside.logged("login-failed")["reason"], "nets", "reason")
    logged(unknown, "no", REAL, "login-failed")


# --- health checks ---------------------------------------------------------------

LEAVES = {"closes": lambda s: s.close(), "resets": lambda s: s.reset()}
for name, header in (("LOCAL", v2(command=0, family=0)),
                     ("LOCAL with a block", v2(V4, command=0)),
                     ("UNKNOWN", v1("UNKNOWN")), ("nothing", b"")):
    for how, leave in LEAVES.items():
        @check(f"P-136: a health check that sends {name} and {how}: no line "
               "in the log")
        def _():
            s = server()
            s.send(header)
            if header:
                s.greet()
            leave(s)
            s.exits()
            same(s.log_text(), "", "the log")
            # And the same without waiting for the greeting.
            s = server()
            s.send(header)
            leave(s)
            s.exits()
            same(s.log_text(), "", "the log")


@check("P-136: behind LOCAL a command makes it a session, which is logged")
def _():
    s = server()
    s.send(v2(command=0))
    s.greet()
    s.quit()
    same(s.logged("session")["end"], "quit-before-login", "end")


done()
