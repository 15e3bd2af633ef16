#!/usr/bin/env python3
# fail2ban with the filter in src/launch, on lines that the program logged:
# whatever a client sends, its own address is found, and no other (S-9).
import os
import sys
import threading

sys.path.insert(0, os.environ["T"])
from boundary import *

LAUNCH = os.path.join(os.path.dirname(os.environ["T"]), "src/launch")
FILTER = os.path.join(LAUNCH, "fail2ban-filter.conf")
STRANGER = "198.51.100.9"       # must never be found
FORGED = (f"login-failed ip={STRANGER} port=1 pid=1 user=x tls=no method=PASS "
          "reason=credentials")

NAMES = [
    b"alice", b"nobody", FORGED.encode(), f"ip={STRANGER}".encode(),
    f"x ip={STRANGER} port=1".encode(), f"x] {FORGED}".encode(),
    f"x\r{FORGED}".encode(), f"maildir-pop3d[1]: {FORGED}".encode(),
    b"%n%n%s%x", b"%h", b"\\x0a", b"a\tb", b"x reason=system",
    b"x\xff\xe4\x80", b"<HOST>", b"<F-CONTENT>", STRANGER.encode(),
    b"2001-01-01T00:00:00", b"Jan  1 00:00:00", b"1000000000",
    b"@400000003a4fc886000000000", b"[2001-01-01 00:00:00]", b"x" * 255,
    b"x" * 400, b'"', b"'", b"-", b"reason=credentials", b"x\0y",
]


def number(n):
    return f"203.0.113.{n}" if n % 3 else f"2001:db8::{n:x}"


def header(n):
    return v1(f"TCP{4 if n % 3 else 6}", number(n),
              "192.0.2.1" if n % 3 else "2001:db8::ffff", 40000 + n, 110)


def attack(octets, wrapper=(), options=(), leave=False):
    """A connection for each, from an address of its own, and these sent.

    Returns the addresses of those that were refused a login, in order, and
    the log.  leave: the client is gone before it can be refused.
    """
    m = Maildir(message())
    sessions = []
    for n, text in enumerate(octets, 1):
        s = Server(m, "--proxy-protocol", "--allow-plaintext", *options,
                   greeting=False, wrapper=wrapper)
        s.send(header(n) + text)
        sessions.append(s)
    refused = []
    for n, s in enumerate(sessions, 1):
        if leave:
            # Greeting and answer to USER; with them unread, closing would be
            # a reset, which takes back what was sent.
            s.line()
            s.line()
        elif b"\r\n-ERR [AUTH] " in s.last():
            refused.append(number(n))
        s.close()
    for s in sessions:
        s.exits()
    return refused, "".join(s.log_text() for s in sessions)


def by_pass(name):
    return b"USER " + name + b"\r\nPASS x\r\nQUIT\r\n"


def by_plain(name):
    response = base64.b64encode(b"\0" + name + b"\0x")
    return b"AUTH PLAIN " + response + b"\r\nQUIT\r\n"


def find(where):
    """The addresses that fail2ban finds there, and how long ago it thinks
    that was."""
    need("fail2ban-regex")
    said = subprocess.run(
        ["fail2ban-regex", "--usedns=no", "-o", "<ip> <time>", where, FILTER],
        check=True, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=2 * PATIENCE).stdout.split("\n")
    now = time.time()
    return ([line.split()[0] for line in said if line],
            [now - float(line.split()[1]) for line in said if line])


def file_of(lines):
    path = new_path("lines")
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    return path


JOURNAL = "/lib/systemd/systemd-journal-remote"


def journal_of(lines, identifier):
    """A journal with these messages of that identifier."""
    if not os.access(JOURNAL, os.X_OK):
        raise Skip(f"{JOURNAL} is not installed")
    path = new_path("file") + ".journal"
    now = int(time.time() * 1000000)
    subprocess.run([JOURNAL, "-o", path, "-"], check=True, text=True,
                   capture_output=True, timeout=PATIENCE, input="".join(
                       f"__REALTIME_TIMESTAMP={now + n}\n_HOSTNAME=mail\n"
                       f"SYSLOG_IDENTIFIER={identifier}\n_PID=77\n"
                       f"MESSAGE={line}\n\n" for n, line in
                       enumerate(lines)))
    return path


def finds(where, refused, what=""):
    """All of them, nobody else, and all of them just now."""
    true(len(refused) > 15, f"refused: {refused}")
    addresses, ages = find(where)
    same(sorted(addresses), sorted(refused), f"addresses {what}")
    true(max(ages) < 300 and min(ages) > -300, f"ages {what}: {ages}")


# What stands in front of a line, by who keeps the log.
def forms():
    now = time.time()
    local = time.localtime(now)
    return {
        "as the program says it": "",
        "of multilog and svlogd": f"@{2 ** 62 + 10 + int(now):016x}1dcd6500 ",
        "of a syslog": time.strftime("%b %e %H:%M:%S mail maildir-pop3d[77]: ",
                                     local),
        "of a syslog with RFC 3339's date": time.strftime(
            "%Y-%m-%dT%H:%M:%S.123456%z mail maildir-pop3d[77]: ", local),
        "of the journal": "mail maildir-pop3d[77]: ",
    }


for method, how in (("PASS", by_pass), ("PLAIN", by_plain)):
    @check(f"S-9: fail2ban finds whoever was refused by {method}, whatever "
           "the name, and nobody else, in the log of each launcher", 400)
    def _():
        refused, log = attack(map(how, NAMES), options=["-v"])
        for name, front in forms().items():
            finds(file_of(front + line for line in log.splitlines()), refused,
                  name)


# A /dev of its own, with the socket of a syslog that is $1.
OWN_DEV = """
mount -t tmpfs none "$2" && cd "$2" && touch null urandom log &&
mount --bind /dev/null null && mount --bind /dev/urandom urandom &&
mount --bind "$1" log && mount --rbind "$2" /dev && cd / && shift 2 && exec "$@"
"""


@check("S-9: the same where syslog(3) makes the line")
def _():
    need_root("for a /dev of its own")
    need("unshare")
    path, folder = new_path("syslog"), new_path("dev")
    os.mkdir(folder)
    lines = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(path)
        os.chmod(path, 0o777)

        def listen():
            while octets := log.recv(65536):
                lines.append(octets.decode())

        # Few fit into the socket: who logs would wait.
        reader = threading.Thread(target=listen)
        reader.start()
        try:
            refused, text = attack(
                map(by_pass, NAMES), options=["--log=syslog"], wrapper=[
                    "unshare", "--mount", "sh", "-c", OWN_DEV, "sh", path,
                    folder])
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(b"", path)
            reader.join(PATIENCE)
    same(text, "", "standard error")
    # As a syslog keeps it: no severity, but the name of the host.
    finds(file_of(re.sub(r"^<\d+>(.{15}) ", r"\1 mail ", line)
                  for line in lines), refused)


@check("S-9: a client that leaves before it is refused is found all the same")
def _():
    names = [b"alice%d" % n for n in range(20)]
    log = attack(map(by_pass, names), leave=True)[1]
    finds(file_of(log.splitlines()), [number(n) for n in range(1, 21)])


LINE = ("login-failed ip=203.0.113.1 port=1 pid=1 user=x tls=no method=PASS "
        "reason=")


@check("fail2ban in the journal finds what is ours, and no other program's")
def _():
    for identifier, addresses in (("maildir-pop3d", ["203.0.113.1"]),
                                  ("logger", [])):
        journal = journal_of([LINE + "credentials"], identifier)
        same(find(f"systemd-journal[journalfiles={journal}]")[0], addresses,
             f"addresses in the journal of {identifier}")


@check("fail2ban counts guesses, not what is wrong here")
def _():
    same(len(find(file_of(LINE + reason for reason in (
        "credentials", "unknown", "disabled", "nets")))[0]), 4, "guesses")
    same(find(file_of(LINE + reason for reason in (
        "hash", "unsupported", "file", "record", "pam", "checker",
        "system")))[0], [], "others")


@check("fail2ban takes the filter and the jail")
def _():
    need("fail2ban-client")
    where = new_path("fail2ban")
    shutil.copytree("/etc/fail2ban", where)
    shutil.rmtree(os.path.join(where, "jail.d"))
    os.mkdir(os.path.join(where, "jail.d"))
    for kind, folder in (("filter", "filter.d"), ("jail", "jail.d")):
        shutil.copy(os.path.join(LAUNCH, f"fail2ban-{kind}.conf"),
                    os.path.join(where, folder, "maildir-pop3d.conf"))
    said = subprocess.run(["fail2ban-client", "-c", where, "-d"], check=True,
                          text=True, capture_output=True, timeout=PATIENCE
                          ).stdout
    true("['start', 'maildir-pop3d']" in said, said)
    true("SYSLOG_IDENTIFIER=maildir-pop3d" in said, said)


done()
