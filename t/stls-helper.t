#!/usr/bin/env python3
# A helper that fails, hangs or lies; a client that does not speak TLS
# (P-125...P-127).
import os
import sys

sys.path.insert(0, os.environ["T"])
from boundary import *


def ends_without_a_word(s, end="disconnect"):
    text = s.last()
    true(b"+OK" not in text and b"-ERR" not in text, f"a word: {text!r}")
    s.close()
    s.exits()
    same(s.lines("login") + s.lines("login-failed"), [], "lines of logins")
    same(s.logged("session")["end"], end, "end")
    same(s.maildir.left(), [1], "messages")


def server(mode="", *options, **more):
    return Server(Maildir(message()), *options, helper=mode, **more)


for name, octets in (("garbage", b"\x80hello, I am no TLS\r\n" * 5),
                     ("POP3", b"USER alice\r\nPASS s3cret\r\nQUIT\r\n")):
    @check(f"P-127: the client sends {name} where TLS should begin")
    def _():
        s = server()
        s.ok("STLS")
        s.send(octets)
        ends_without_a_word(s)
        true(s.record()[1].startswith("handshake failed"), f"{s.record()}")


@check("P-127: the client does not trust the certificate")
def _():
    s = server()
    s.ok("STLS")
    try:
        s.start_tls(ssl.create_default_context())
        raise Fail("it does")
    except ssl.SSLCertVerificationError:
        pass
    s.exits()
    same(s.logged("session")["end"], "disconnect", "end")


@check("P-127: the client goes away after +OK")
def _():
    s = server()
    s.ok("STLS")
    s.close()
    s.exits()
    same(s.lines("login"), [], "logins")
    same(s.logged("session")["end"], "disconnect", "end")


@check("P-127: after a failed handshake it is over at once, also for a "
       "client that stays")
def _():
    s = server()
    s.ok("STLS")
    began = time.monotonic()
    s.send(b"garbage that is no TLS at all\r\n")
    s.exits()
    lasted(0, time.monotonic() - began, 1)


@check("P-127: after a failed handshake the plain socket is not touched")
def _():
    s = server(calls="read,write,recvfrom,sendto,shutdown")
    s.ok("STLS")
    s.send(b"garbage that is no TLS at all\r\n")
    s.last()
    s.close()
    s.exits()
    trace = [text for _, text in s.whole_trace()]
    started = next(i for i, text in enumerate(trace)
                   if ordered(text))
    same([text for text in trace[started:]
          if re.match(r"(read|write|recvfrom|sendto|shutdown)\([01],", text)],
         [], "system calls on 0 and 1")


@check("P-126: the helper dies")
def _():
    s = server("die")
    s.ok("STLS")
    ends_without_a_word(s)


@check("P-126: the helper was gone before STLS came")
def _():
    s = server("--allow-plaintext")
    os.kill(s.process.pid, signal.SIGKILL)
    s.process.wait()
    s.send(b"STLS\r\n")
    text = s.last()
    true(text in (b"", b"+OK begin TLS\r\n"), f"{text!r}")
    until(lambda: s.lines("session"), "the end")
    same(s.lines("login"), [], "logins")


for number, end in (("ALRM", "timeout"), ("TERM", "signal"),
                    ("HUP", "signal")):
    for whom in ("front", "keeper"):
        @check(f"P-126: the helper hangs: SIG{number} to the {whom} ends it")
        def _():
            s = server("hang")
            s.ok("STLS")
            until(lambda: s.record() == ["order Y"], "the order")
            until(lambda: status(s.front, "State")[0] == "S", "the wait")
            os.kill(s.front if whom == "front" else s.pid,
                    getattr(signal, "SIG" + number))
            ends_without_a_word(s, end)


@check("P-126: a helper that hangs is waited for under the idle alarm, set "
       "anew by STLS")
def _():
    s = server("hang", calls="alarm,setitimer,write")
    time.sleep(1.1)		# what was set in the same second may stay
    s.ok("STLS")
    until(lambda: s.record() == ["order Y"], "the order")
    os.kill(s.front, signal.SIGALRM)
    ends_without_a_word(s, "timeout")
    front = [text for pid, text in s.whole_trace() if pid == s.front]
    order = next(i for i, text in enumerate(front) if ordered(text))
    ok = max(i for i, text in enumerate(front[:order])
             if text.startswith("write(1,"))
    true([t for t in front[ok - 2:order] if re.match(r"alarm\(600\)|setitimer"
          r"\(.*tv_sec=600", t)], f"no alarm in {front[ok - 2:order + 1]}")


for mode in ("cut", "flood"):
    @check(f"P-126: a report that cannot be one ends it ({mode})")
    def _():
        s = server(mode)
        s.ok("STLS")
        try:
            s.start_tls()
            same(s.more(), b"", "inside TLS")
        except OSError:
            pass
        s.exits()
        same(s.lines("login"), [], "logins")


for mode, tls in (("no-end", "TLSv1.3"), ("drip", "TLSv1.3"),
                  ("evil", "TLSv1.3"), ("odd", "yes"), ("unset", "yes")):
    @check(f"P-126: a report that is unusual ({mode}) is read, and tls={tls}")
    def _():
        s = server(mode)
        s.stls()
        s.works(1)
        same(s.logged("login")["tls"], tls, "tls")
        same(s.logged("login")["ip"], "127.0.0.1", "ip")
        same(len(s.log_text().splitlines()), 2, "lines in the log")


def not_offered(s):
    true("STLS" not in s.capa(), "no STLS in CAPA")
    same(s.ask("STLS")[:5], b"-ERR ", "STLS")
    s.works(1)
    same(s.logged("login")["tls"], "no", "tls in the login line")


for name in ("SSLCTLFD", "SSLREADFD", "SSLWRITEFD"):
    @check(f"P-125: STLS is not offered where {name} is no descriptor above "
           "2, and the helper is let go at once")
    def _():
        for value in ("", "1", "2", "-1", "5x", "999"):
            s = server("", "--allow-plaintext", sets=[f"{name}={value}"])
            until(lambda: s.record() == ["declined"], f"declined at {value}")
            not_offered(s)


@check("P-125: STLS is not offered where SSLCTLFD is no socket")
def _():
    not_offered(server("pipe", "--allow-plaintext"))


@check("P-125: without --tls=ucspi the variables mean nothing, and no "
       "descriptor stays open (S-12)")
def _():
    s = server("", "--allow-plaintext", ucspi=False, sets=["UCSPITLS="])
    until(lambda: s.record() == ["declined"], "declined")
    not_offered(s)


@check("P-125: UCSPITLS says nothing, neither way")
def _():
    s = server("", sets=["UCSPITLS=-"])
    s.stls()
    s.works(1)
    s = Server(Maildir(message()), "--tls=ucspi", "--allow-plaintext",
               env={"PATH": os.environ["PATH"], "UCSPITLS": "!"})
    not_offered(s)


@check("P-84: under --tls=on the helper is not asked and STLS not offered")
def _():
    s = server("", "--tls=on", ucspi=False)
    capa = s.capa()
    true("STLS" not in capa and "USER" in capa, f"CAPA {capa}")
    same(s.ask("STLS")[:5], b"-ERR ", "STLS")
    s.works(1)
    same(s.logged("login")["tls"], "yes", "tls")


@check("P-126: a client that wants no TLS: the helper is let go")
def _():
    s = server()
    same(s.quit()[:4], b"+OK ", "QUIT")
    same(s.record(), ["declined"], "the helper saw")


done()
