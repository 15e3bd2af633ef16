#!/usr/bin/env python3
# PROXY headers that are wrong, late or no headers: closed without a word,
# and one line that says so (P-131...P-139).
import os
import sys

sys.path.insert(0, os.environ["T"])
from boundary import *

V4 = endpoints("203.0.113.9", 40112)
V6 = endpoints("2001:db8::1:9", 40113)
GOOD = v2(V4 + ssl_tlv(1, 0, tlv(0x21, b"TLSv1.3")))
OURS = ("203.0.113.9", "192.0.2.25")


def tcp4(*words, end=b"\r\n"):
    return v1("TCP4", *words)[:-2] + end


BAD = {
    "v1": [
        tcp4("203.0.113.9"), tcp4(*OURS), tcp4(*OURS, 40112),
        tcp4(*OURS, 40112, 110, 1), tcp4(*OURS, 40112, 110, end=b" \r\n"),
        tcp4(*OURS, 40112, 110, end=b"\n"),
        tcp4(*OURS, 40112, 110, end=b"\r\r\n"),
        tcp4(*OURS, 40112, 65536), tcp4(*OURS, 65536, 110),
        tcp4(*OURS, 40112, "0110"), tcp4(*OURS, "00", 110),
        tcp4(*OURS, "+1", 110), tcp4(*OURS, -1, 110), tcp4(*OURS, "", 110),
        tcp4(*OURS, "0x1", 110), tcp4(*OURS, 40112, "110\0"),
        tcp4(*OURS, 99999999999999999999, 110),
        tcp4("203.0.113.09", "192.0.2.25", 1, 2),
        tcp4("203.0.113", "192.0.2.25", 1, 2),
        tcp4("203.0.113.256", "192.0.2.25", 1, 2),
        tcp4("203.0.113.9", "192.0.2.025", 1, 2),
        tcp4("203.0.113.9\0", "192.0.2.25", 1, 2),
        tcp4("::1", "::1", 1, 2), tcp4("localhost", "192.0.2.25", 1, 2),
        v1("TCP6", *OURS, 1, 2), v1("TCP6", "::1", "192.0.2.25", 1, 2),
        v1("TCP6", "::1%lo", "::1", 1, 2), v1("TCP6", "[::1]", "::1", 1, 2),
        v1("TCP5", *OURS, 1, 2), v1("tcp4", *OURS, 1, 2),
        v1("UNKNOWNX"), v1("UNKNOWN")[:-2] + b"\n", v1("UNKNOW"), v1(""),
        b"PROXY\r\n", b"PROXY  TCP4 203.0.113.9 192.0.2.25 1 2\r\n",
        b"PROXY TCP4  203.0.113.9 192.0.2.25 1 2\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.25 1  2\r\n",
        b"PROXY\tTCP4 203.0.113.9 192.0.2.25 1 2\r\n",
        b"proxy TCP4 203.0.113.9 192.0.2.25 1 2\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.25 1 2\rQUIT\r\n",
        v1("UNKNOWN", "x" * 92), v1("UNKNOWN", "x" * 1000),
    ],
    "v2": [
        *[V2[:i] + bytes([V2[i] ^ 0x20]) + GOOD[i + 1:]
          for i in range(1, 12)],
        v2(V4, version=1), v2(V4, version=3), v2(V4, version=0),
        v2(V4, command=2), v2(V4, command=15),
        v2(V4, family=0x41), v2(V4, family=0xF1), v2(V4, family=0x13),
        v2(V4, family=0x1F), v2(V4[:11]), v2(b""), v2(V6[:35], family=0x21),
        v2(V4, family=0x21), v2(b"\0" * 215, family=0x31),
        v2(V4, length=8193), v2(b"", length=65535, command=0),
        v2(V4 + b"\x04"), v2(V4 + b"\x04\0"), v2(V4 + b"\x04\0\x01"),
        v2(V4 + tlv(4, b"ab")[:-1]), v2(V4 + tlv(4) + b"\x04\0\x02a"),
        with_crc(V4, change=1), with_crc(V4, change=1 << 31),
        v2(V4 + tlv(3, b"abc")), v2(V4 + tlv(3, b"")),
        v2(V4 + tlv(3, b"\0" * 4)),
        v2(V4 + tlv(5, b"x" * 129)),
        v2(V4 + tlv(0x20, b"\1\0\0\0")), v2(V4 + tlv(0x20)),
        v2(V4 + ssl_tlv(1, 0, b"\x21\0\x08TLSv1.3")),
        v2(V4 + ssl_tlv(1, 0, b"\x21\0")),
        v2(V4 + ssl_tlv(0) + ssl_tlv(1)), v2(V4 + ssl_tlv(1) + ssl_tlv(0)),
        v2(tlv(4, b"ab")[:-1], family=0),
    ],
    "no header": [
        b"USER alice\r\n", b"QUIT\r\n", b"CAPA\r\n", b"GET / HTTP/1.0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n\n", b"\n",
        b"\0", b"\r\n\r\nQUIT\r\n", b"P\r\n", b"PASS x\r\n", b"\xff" * 5000,
    ],
    "cut short": [GOOD[:at] for at in (1, 3, 12, 15, 16, 20, len(GOOD) - 1)] +
    [tcp4(*OURS, 40112, 110)[:at] for at in (1, 5, 6, 20, -2, -1)],
}


def server(*options, **more):
    # Were it accepted, one would be greeted.
    return Server(Maildir(message()), "--proxy-protocol", "--allow-plaintext",
                  *options, greeting=False, **more)


def said(s):
    return [line for line in s.log_text().splitlines() if "PROXY" in line]


def dropped(octets, cut):
    s = server()
    s.send(octets)
    if cut:
        s.shut()
    same(s.rest(), b"", f"answer to {octets!r}")
    s.close()
    s.exits()
    lines = said(s)
    same(len(lines), 1, f"lines about {octets!r}: {lines}")
    true("127.0.0.1" in lines[0] and "203.0.113.9" not in s.log_text(),
         f"the real address in {s.log_text()}")
    same(s.lines("login") + s.lines("login-failed"), [], "logins")


for kind, headers in BAD.items():
    @check(f"P-133: {kind}: {len(headers)} wrong ones, each closed without a "
           "word and logged once")
    def _():
        for octets in headers:
            dropped(octets, kind == "cut short")


@check("P-132: what is no header is known by its first octets: nobody waits "
       "for more")
def _():
    for octets in (b"U", b"PU", b"PROXX", b"\r\n\r\r", V2[:11] + b"\r",
                   GOOD[:14] + b"\x20\x01"):
        s = server()
        s.send(octets)
        same(s.rest(), b"", f"answer to {octets!r}")
        s.close()
        same(len(said(s)), 1, f"lines about {octets!r}")


@check("P-133: commands behind a wrong header are not heard")
def _():
    m = Maildir(message())
    s = Server(m, "--proxy-protocol", "--allow-plaintext", greeting=False)
    s.send(b"PROXY TCP4 203.0.113.9 192.0.2.25 1 2\n" +
           f"USER alice\r\nPASS {SECRET}\r\nDELE 1\r\nQUIT\r\n".encode())
    same(s.rest(), b"", "answers")
    s.close()
    s.exits()
    same(m.left(), [1], "messages")
    same(s.lines("login"), [], "logins")


def waits(pid):
    """In the front's own code, past the sandbox, asleep."""
    return status(pid, "Seccomp")[0] == ("0" if layers() == "no sandbox"
                                         else "2") and \
        status(pid, "State")[0] == "S"


@check("P-131: the alarm and signals end the wait, without a word")
def _():
    for number, end in ((signal.SIGALRM, "timeout"), (signal.SIGTERM,
                                                      "signal")):
        for octets in (b"", b"PROXY TC", GOOD[:20]):
            for whom in ("front", "keeper"):
                s = server()
                s.send(octets)
                s.find()
                until(lambda: waits(s.front), "the wait")
                s.taken()
                os.kill(getattr(s, whom) if whom == "front" else s.pid,
                        number)
                same(s.rest(), b"", "answer")
                s.close()
                s.exits()
                same(s.logged("session")["end"], end,
                     f"end, {number} to the {whom}, {octets!r}")


@check("P-131: after 10 s it is over, whatever drips in")
def _():
    quiet, half, drip = server(), server(), server()
    half.send(b"PROXY TCP4 203.0.113.9")
    slow = b"PROXY UNKNOWN" + b" " * 80
    ended = {}
    waiting = {"quiet": quiet, "half": half, "drip": drip}
    while waiting:
        if "drip" in waiting and time.monotonic() - drip.began < 9.5:
            with contextlib.suppress(OSError):      # it may be over
                drip.send(slow[:1])
            slow = slow[1:]
        names = {s.rd: name for name, s in waiting.items()}
        for fd in select.select(list(names), [], [], 0.5)[0]:
            name = names[fd]
            with contextlib.suppress(ConnectionResetError):  # the last octet
                same(os.read(fd, 10), b"", f"answer ({name})")
            ended[name] = time.monotonic() - waiting.pop(name).began
        true(time.monotonic() - quiet.began < 40, f"too long: {waiting}")
    for name, s in (("quiet", quiet), ("half", half), ("drip", drip)):
        s.close()
        s.exits()
        same(s.logged("session")["end"], "timeout", f"end ({name})")
        lasted(9.8, ended[name], 12, name)


done()
