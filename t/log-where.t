#!/usr/bin/env python3
# Where the log goes: to stderr only where that cannot be the client (P-129).
import os
import pty
import sys

sys.path.insert(0, os.environ["T"])
from pop3 import *

CLEAN = b"+OK 1 %d\r\n" % len(plain(message()))


def to_syslog(s):
    # An address that strace cannot read: the program connects to nothing else.
    return [line for line in s.traced("connect")
            if "/dev/log" in line or ", 0x" in line]


def talk(s):
    """Greeting, STAT and QUIT: nothing else may reach the client."""
    same(s.ask("STAT"), CLEAN, "answer to STAT")
    answer = s.quit()
    same(answer, b"+OK bye\r\n", "answer to QUIT")


for link in LINKS:
    for option in ("auto", "stderr"):
        @check(f"P-129: descriptor 2 is the connection: --log={option} goes "
               f"to syslog, nothing to the client ({link})")
        def _():
            s = Session(Maildir(message()), f"--log={option}", "-v",
                        link=link, err="same", calls="connect")
            talk(s)
            true(to_syslog(s), "syslog was opened")

    @check(f"P-129: nor does a usage error reach it ({link})")
    def _():
        s = Session(link=link, err="same", greeting=False,
                    args=["--preauth", "--no-such-option"])
        answer = s.rest()
        true(re.fullmatch(rb"-ERR \[SYS/PERM\] [^\r\n]*\r\n", answer),
             f"{answer!r}")
        s.close()
        s.exits(100)

    @check(f"P-129: nor an error of the system ({link})")
    def _():
        s = Session(link=link, err="same", greeting=False,
                    args=["--preauth", new_path("none")])
        answer = s.rest()
        true(re.fullmatch(rb"-ERR \[SYS/TEMP\] [^\r\n]*\r\n", answer),
             f"{answer!r}")
        s.close()
        s.exits(111)


for option in ("auto", "stderr"):
    @check(f"P-129: a regular file gets the log (--log={option})")
    def _():
        s = Session(Maildir(message()), f"--log={option}", calls="connect")
        talk(s)
        same(len(s.log_text().splitlines()), 2, "lines")
        same(to_syslog(s), [], "syslog")

    @check(f"P-129: a pipe gets the log (--log={option})")
    def _():
        reader, writer = os.pipe()
        s = Session(Maildir(message()), f"--log={option}", err=writer)
        os.close(writer)
        talk(s)
        same(os.read(reader, 4096).count(b"\n"), 2, "lines")
        os.close(reader)

    @check(f"P-129: another socket may be the client all the same: syslog "
           f"(--log={option})")
    def _():
        ours, its = socket.socketpair()
        s = Session(Maildir(message()), f"--log={option}", err=its.fileno(),
                    calls="connect")
        its.close()
        talk(s)
        same(ours.recv(4096), b"", "octets on descriptor 2")
        true(to_syslog(s), "syslog was opened")
        ours.close()

    @check(f"P-129: descriptor 2 closed: syslog, and the session runs "
           f"(--log={option})")
    def _():
        m = Maildir(message())
        s = Session(m, f"--log={option}", prepare=lambda: os.close(2))
        with contextlib.suppress(PermissionError):  # not dumpable: S-6
            same(os.readlink(f"/proc/{s.pid}/fd/2"), "/dev/null",
                 "descriptor 2 in the program")
        s.ok("RETR 1", True)
        talk(s)
        same(m.left(), [1], "messages")


@check("P-129: a terminal gets the log")
def _():
    ours, its = pty.openpty()
    s = Session(Maildir(message()), err=its)
    os.close(its)
    text = b""
    while b"login" not in text or b"\n" not in text:
        text += os.read(ours, 4096)
    true(b"login ip=" in text, f"{text!r}")
    talk(s)
    os.close(ours)


@check("P-129: /dev/null is no file, pipe or terminal: syslog")
def _():
    null = os.open("/dev/null", os.O_WRONLY)
    s = Session(Maildir(message()), err=null, calls="connect,write")
    os.close(null)
    talk(s)
    true(to_syslog(s), "syslog was opened")
    same([w for w in s.traced("write") if "write(2" in w], [], "writes to 2")


def journal(stream, err="auto"):
    """The log as a journal reads it, from a socket."""
    ours, its = socket.socketpair()
    st = os.fstat(its.fileno())
    s = Session(Maildir(message()), f"--log={err}", err=its.fileno(),
                env={"JOURNAL_STREAM": stream.format(st.st_dev, st.st_ino)})
    its.close()
    talk(s)
    text = b""
    while piece := ours.recv(4096):
        text += piece
    ours.close()
    return text.decode()


@check("P-129: a socket that JOURNAL_STREAM names gets the log, P-130: with "
       "severities")
def _():
    lines = journal("{}:{}").splitlines()
    same([line.split(" ")[0] for line in lines], ["<6>login", "<6>session"],
         "lines")


for stream in ("{0}:9{1}", "9{0}:{1}", "{1}:{0}", "", ":", "{0}", "{0}:",
               ":{1}", "{0}:{1} ", " {0}:{1}", "-{0}:{1}", "{0}:{1}:1",
               "99999999999999999999{0}:{1}"):
    @check(f"P-129: JOURNAL_STREAM={stream!r} names another: nothing is "
           "written there")
    def _():
        same(journal(stream), "", "octets")


@check("P-129: JOURNAL_STREAM that names the connection itself is not "
       "believed")
def _():
    m = Maildir(message())
    ours, its = socket.socketpair()
    st = os.fstat(its.fileno())
    p = subprocess.Popen(
        [PROGRAM, "--preauth", m.path], stdin=its, stdout=its, stderr=its,
        env={"JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"},
        preexec_fn=plain_signals, cwd="/", **as_owner())
    its.close()
    ours.sendall(b"STAT\r\nQUIT\r\n")
    text = b""
    while piece := ours.recv(4096):
        text += piece
    ours.close()
    same(p.wait(PATIENCE), 0, "exit status")
    same(text.count(b"\n"), 3, f"lines to the client: {text!r}")


@check("P-130: outside the journal lines have no <n>")
def _():
    s = Session(Maildir(message()), env={"JOURNAL_STREAM": "1:2"})
    talk(s)
    true(s.log_text().startswith("login "), s.log_text())


@check("P-129: --log=none: neither stderr nor syslog")
def _():
    s = Session(Maildir(message()), "--log=none", "-v", calls="connect,write")
    talk(s)
    same(s.log_text(), "", "stderr")
    same(to_syslog(s), [], "syslog")


@check("P-129: --log=syslog: not stderr")
def _():
    s = Session(Maildir(message()), "--log=syslog", calls="connect")
    talk(s)
    same(s.log_text(), "", "stderr")
    true(to_syslog(s), "syslog was opened")


done()
