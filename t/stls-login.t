#!/usr/bin/env python3
# STLS end to end, through a UCSPI-TLS helper (P-78...P-84, P-125...P-127).
import os
import poplib
import sys

sys.path.insert(0, os.environ["T"])
from boundary import *

WAYS = ("file", "checker")
TEXT = [message(100), b"Subject: 2\n\n.dots\n..\nend", message(200000)]


@check("P-79: STLS is announced before it, and what it allows after it")
def _():
    s = Server(Maildir(*TEXT), helper="")
    before = s.capa()
    true("STLS" in before, f"STLS in {before}")
    true("USER" not in before and
         not [line for line in before if line.startswith("SASL")],
         f"no login in {before}")
    s.stls()
    after = s.capa()
    true("STLS" not in after, f"no STLS in {after}")
    true("USER" in after and "SASL PLAIN" in after, f"login in {after}")
    same([line for line in before if line != "STLS"],
         [line for line in after if line not in ("USER", "SASL PLAIN")],
         "the rest")
    same(s.log_in()[:4], b"+OK ", "login")
    same([line for line in s.capa() if not line.startswith("IMPL")], after,
         "CAPA after login, P-69")


@check("P-62: before STLS nobody logs in, whatever is tried")
def _():
    s = Server(Maildir(*TEXT), helper="")
    for line in ("USER alice", f"PASS {SECRET}", "AUTH PLAIN"):
        same(s.ask(line)[:5], b"-ERR ", line)
    s.stls()
    s.works(3)


for way in WAYS:
    @check(f"P-127: a whole session after STLS ({way})")
    def _():
        m = Maildir(*TEXT)
        s = Server(m, helper="", way=way)
        s.stls()
        same(s.log_in()[:4], b"+OK ", "login")
        same(s.ok("RETR 3", True).partition(b"\r\n")[2],
             wire(TEXT[2]) + b".\r\n", "a large message")
        same(s.ok("RETR 2", True).partition(b"\r\n")[2],
             wire(TEXT[1]) + b".\r\n", "a message of dots")
        s.ok("DELE 1")
        same(s.quit()[:4], b"+OK ", "QUIT")
        same(m.left(), [2, 3], "messages")
        same(s.record(), ["order Y", "handshake TLSv1.3"], "the helper saw")
        line = s.logged("login")
        same((line["tls"], line["user"], line["ip"], line["port"]),
             ("TLSv1.3", "alice", "127.0.0.1", str(s.port)), "login line")
        line = s.logged("session")
        same((line["end"], line["del"], line["ip"]),
             ("quit", "1/1", "127.0.0.1"), "session line")


@check("P-84: TLS 1.2, and the log says so")
def _():
    s = Server(Maildir(), helper="")
    s.ok("STLS")
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    s.start_tls(context)
    s.works(0)
    same(s.logged("login")["tls"], "TLSv1.2", "tls in the login line")


@check("P-127: AUTH PLAIN after STLS, all in one record")
def _():
    s = Server(Maildir(*TEXT), helper="")
    s.stls()
    octets = base64.b64encode(f"\0alice\0{SECRET}".encode())
    s.send(b"AUTH PLAIN " + octets + b"\r\nSTAT\r\nNOOP\r\nQUIT\r\n")
    same([line[:3] for line in s.rest().splitlines()], [b"+OK"] * 4,
         "answers")
    same((s.logged("login")["tls"], s.logged("login")["method"]),
         ("TLSv1.3", "PLAIN"), "login line")


@check("P-80: no second greeting")
def _():
    s = Server(Maildir(), helper="")
    s.stls()
    same(s.ask("XYZZY")[:5], b"-ERR ", "the first octets inside TLS")


@check("P-78: STLS takes no argument, and -ERR leaves all as it was")
def _():
    s = Server(Maildir(), helper="")
    same(s.ask("STLS now")[:5], b"-ERR ", "STLS now")
    same(s.record(), [], "the helper heard")
    true("STLS" in s.capa(), "still offered")
    s.send(b"stls\r\n")
    same(s.line()[:4], b"+OK ", "in small letters")
    s.start_tls()
    s.works(0)


@check("P-78: STLS once more is -ERR, and after login too")
def _():
    s = Server(Maildir(*TEXT), helper="")
    s.stls()
    same(s.ask("STLS")[:5], b"-ERR ", "the second STLS")
    same(s.log_in()[:4], b"+OK ", "login")
    same(s.ask("STLS")[:5], b"-ERR ", "STLS after login")
    true("STLS" not in s.capa(), "no STLS in CAPA")
    same(s.quit()[:4], b"+OK ", "QUIT")


@check("P-78: STLS after a login in the clear is -ERR, and nobody asks the "
       "helper")
def _():
    s = Server(Maildir(), "--allow-plaintext", helper="")
    same(s.log_in()[:4], b"+OK ", "login")
    same(s.ask("STLS")[:5], b"-ERR ", "STLS after login")
    true("STLS" not in s.capa(), "no STLS in CAPA")
    until(lambda: s.record() == ["declined"], "the helper is let go")
    same(s.ask("NOOP")[:4], b"+OK ", "the session goes on without it")
    same(s.quit()[:4], b"+OK ", "QUIT")
    same(s.logged("login")["tls"], "no", "tls in the login line")


@check("P-80: what was counted as bad before is forgotten")
def _():
    s = Server(Maildir(), helper="")
    for _ in range(9):
        same(s.ask("XYZZY")[:5], b"-ERR ", "XYZZY")
    s.stls()
    for _ in range(9):
        same(s.ask("XYZZY")[:5], b"-ERR ", "XYZZY")
    s.works(0)


@check("P-80: failed logins are not forgotten")
def _():
    s = Server(Maildir(), "--allow-plaintext", helper="")
    for step in range(3):
        if step == 2:
            s.stls()
        same(s.ask("AUTH PLAIN")[:2], b"+ ", "AUTH PLAIN")
        same(s.ask("*")[:5], b"-ERR ", "cancelled")
    same(s.rest(), b"", "after the third")
    s.exits()


@check("P-80: APOP is refused after STLS, whose stamp came in the clear")
def _():
    s = Server(Maildir(), "--apop", "--hostname=here", helper="",
               way="checker")
    true(b"<" in s.greeting, f"a stamp in {s.greeting!r}")
    s.stls()
    same(s.ask("APOP alice 0123456789abcdef0123456789abcdef")[:5], b"-ERR ",
         "APOP")
    true(not s.checker.ran(), "no checker has run")


@check("P-61: a failed login after STLS is logged with tls=")
def _():
    s = Server(Maildir(), helper="")
    s.stls()
    same(s.log_in("wrong")[:12], b"-ERR [AUTH] ", "a wrong password")
    line = s.logged("login-failed")
    same((line["tls"], line["ip"], line["reason"]),
         ("TLSv1.3", "127.0.0.1", "credentials"), "the line")


@check("P-126: of the report only the protocol is taken over: the checker's "
       "environment is ours")
def _():
    s = Server(Maildir(*TEXT), helper="evil", way="checker")
    s.stls()
    s.works(3)
    env = dict(v.split("=", 1) for v in s.checker.noted("env"))
    same(env.get("TCPREMOTEIP"), "127.0.0.1", "TCPREMOTEIP")
    true("/nowhere" not in env.values(), f"{env}")
    true("LD_PRELOAD" not in env and "HOME" not in env, f"{env}")
    same(env.get("SSL_PROTOCOL"), "TLSv1.3", "SSL_PROTOCOL")
    same([n for n in env if n.startswith("SSL") and n != "SSL_PROTOCOL"], [],
         "other variables of the helper")


@check("P-121: the checker has the decrypted connection as 0 and 1, the pipe "
       "as 3, and nothing of the helper")
def _():
    s = Server(Maildir(*TEXT), helper="", way="checker")
    s.stls()
    s.works(3)
    fds = dict(line.split(" ", 1) for line in s.checker.noted("fd"))
    kinds = {fd: where.split(":")[0] for fd, where in fds.items()
             if where != s.checker.seen}
    same([kinds.pop(fd) for fd in "013"], ["pipe"] * 3, "0, 1 and 3")
    same(kinds.pop("2"), s.log_path, "2")
    number = dict(v.split("=", 1) for v in s.checker.noted("env"))[
        "MAILDIR_POP3D_SESSION"]
    same(kinds, {number: "pipe"}, "others than the pipe of P-120")


@check("P-125: SSLREADFD and SSLWRITEFD may be equal")
def _():
    for way in WAYS:
        s = Server(Maildir(*TEXT), helper="one", way=way)
        s.stls()
        s.works(3)


@check("P-127: who leaves inside TLS without QUIT has deleted nothing")
def _():
    m = Maildir(*TEXT)
    s = Server(m, helper="")
    s.stls()
    s.log_in()
    s.ok("DELE 1")
    s.close()
    s.exits()
    same(m.left(), [1, 2, 3], "messages")
    same(s.logged("session")["end"], "disconnect", "end")


@check("P-127: after the handshake 0 and 1 of the front are the helper's, "
       "the rest is closed; after login nobody has the plain socket")
def _():
    need_root("to see descriptors of a process that is not dumpable")
    s = Server(Maildir(*TEXT), helper="")
    plain = descriptors(s.front)[0]
    true(plain.startswith("socket:"), f"the plain connection {plain}")
    s.stls()
    s.capa()
    fds = descriptors(s.front)
    true(plain not in fds.values(), f"the front without {plain}: {fds}")
    same([fds.pop(fd).split(":")[0] for fd in (0, 1)], ["pipe"] * 2,
         "0 and 1")
    fds.pop(2)
    same([where.split(":")[0] for where in fds.values()], ["socket"],
         "besides 0, 1 and 2 only the keeper's socket")
    s.log_in()
    fds = descriptors(s.pid)
    true(plain not in fds.values(), f"the session without {plain}: {fds}")
    same([fds[fd].split(":")[0] for fd in (0, 1)], ["pipe"] * 2,
         "0 and 1 of the session")
    same([n for n in fds if n > 2 and fds[n].startswith(("pipe", "socket"))],
         [], "other pipes and sockets")
    same(children(s.pid), [], "processes of the program besides")


@check("P-127: neither side touches the plain socket after STLS")
def _():
    s = Server(Maildir(*TEXT), helper="",
               calls="read,write,recvfrom,sendto,recvmsg,sendmsg,shutdown,"
               "dup2,dup3")
    s.stls()
    s.works(3)
    trace = s.whole_trace()
    started = next(i for i, (_, text) in enumerate(trace)
                   if ordered(text))
    swapped = set()
    for pid, text in trace[started:]:
        if re.match(r"dup[23]\(\d+, 1", text):
            swapped.add(pid)
        true(pid in swapped or
             not re.match(r"(read|write|recv\w+|send\w+|shutdown)\([01],",
                          text), f"{pid} {text}")


# --- strangers' clients -----------------------------------------------------


@check("poplib: stls(), login, RETR, DELE, QUIT")
def _():
    m = Maildir(*TEXT)
    with Listener(m) as where:
        client = poplib.POP3("127.0.0.1", where.port, timeout=PATIENCE)
        true("STLS" in client.capa(), "STLS in CAPA")
        client.stls(context=client_context())
        true("STLS" not in client.capa(), "no STLS in CAPA")
        client.user("alice")
        client.pass_(SECRET)
        same(client.stat(), (3, sum(len(plain(t)) for t in TEXT)), "STAT")
        got = b"\r\n".join(client.retr(1)[1]) + b"\r\n"
        same(got, plain(TEXT[0]), "RETR")
        client.dele(1)
        client.quit()
        where.ended()
    same(m.left(), [2, 3], "messages")


@check("openssl s_client -starttls pop3")
def _():
    need("openssl")
    with Listener(Maildir(*TEXT)) as where:
        # It stops at the end of its input, so that comes after the answer.
        client = subprocess.Popen(
            ["openssl", "s_client", "-starttls", "pop3", "-quiet",
             "-verify_return_error", "-CAfile", certificate()[1],
             "-connect", f"127.0.0.1:{where.port}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        try:
            client.stdin.write(f"USER alice\r\nPASS {SECRET}\r\nSTAT\r\n"
                               "QUIT\r\n".encode())
            client.stdin.flush()
            # -quiet shows the greeting, too, or does not: versions differ.
            got = client.stdout.read().split(b"\r\n")[-5:]
        finally:
            client.kill()
            client.communicate()
        same([line[:3] for line in got], [b"+OK"] * 4 + [b""], "answers")
        same(where.ended()[0]["end"], "quit", "end")


@check("curl --ssl-reqd")
def _():
    need("curl")
    with Listener(Maildir(*TEXT)) as where:
        got = subprocess.run(
            ["curl", "-sS", "--ssl-reqd", "--cacert", certificate()[1], "-u",
             f"alice:{SECRET}", f"pop3://localhost:{where.port}/3"],
            capture_output=True, timeout=PATIENCE)
        same((got.returncode, got.stderr), (0, b""), "exit and errors")
        same(got.stdout, plain(TEXT[2]), "the message")
        same(where.ended()[0]["end"], "quit", "end")
        same(where.lines("login")[0]["tls"], "TLSv1.3", "tls")


done()
