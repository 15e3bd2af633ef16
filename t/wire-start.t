#!/usr/bin/env python3
# What the program is started with: descriptors and environment (S-12, S-13).
import os
import resource
import sys

sys.path.insert(0, os.environ["T"])
from pop3 import *

TALK = b"STAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nCAPA\r\nDELE 1\r\nXYZ\r\nQUIT\r\n"


def transcript(**more):
    m = Maildir(message(), message(500))
    s = Session(m, **more)
    s.send(TALK)
    text = s.greeting + s.rest()
    s.close()
    s.exits()
    return text, m.left()


PLAIN = transcript()


def refused(closed):
    m = Maildir(message())
    s = Session(m, greeting=False, link="tcp",
                prepare=lambda: [os.close(fd) for fd in closed])
    text = s.rest()
    s.close()
    true(s.process.wait(PATIENCE) in (100, 111), "exit status 100 or 111")
    same(m.left(), [1], "messages")
    return text


for closed in ((0,), (1,), (0, 1), (0, 2), (1, 2), (0, 1, 2)):
    @check(f"S-12: started without descriptor {closed}: it leaves at once, "
           "and writes nothing that is not POP3")
    def _():
        text = refused(closed)
        true(text == b"" or text.startswith(b"-ERR "), f"{text!r}")


@check("S-12: started without descriptor 2 it serves, and no mail file gets "
       "that number")
def _():
    same(transcript(prepare=lambda: os.close(2)), PLAIN, "transcript")


for link in LINKS:
    @check(f"S-12: 500 descriptors too many are closed ({link})")
    def _():
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < 600:
            if hard != resource.RLIM_INFINITY and hard < 600:
                raise Skip(f"only {hard} descriptors are allowed")
            resource.setrlimit(resource.RLIMIT_NOFILE, (600, hard))
        reader, writer = os.pipe()
        leaked = [os.dup(writer) for _i in range(500)]
        s = Session(Maildir(message()), link=link, pass_fds=leaked)
        for fd in (writer, *leaked):
            os.close(fd)
        s.ok("STAT")
        # The end comes when nobody holds a writing end any more.
        true(select.select([reader], [], [], PATIENCE)[0], "all are closed")
        same(os.read(reader, 1), b"", "the end")
        os.close(reader)
        s.quit()


@check("S-12: a connection that leaked under another number does not keep "
       "the client waiting for its end")
def _():
    ours, its = socket.socketpair()
    s = Session(Maildir(message()), pass_fds=[its.fileno()])
    its.close()
    s.ok("STAT")
    true(select.select([ours], [], [], PATIENCE)[0], "the end was seen")
    same(ours.recv(1), b"", "end")
    ours.close()
    s.quit()


NASTY = {"IFS": "/", "PATH": ".", "MAILDIR": "/nonexistent", "MAIL": "/",
         "HOME": "/", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/false",
         "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "TZ": ":/etc/passwd",
         "POSIXLY_CORRECT": "1", "TMPDIR": "/nonexistent",
         "MALLOC_PERTURB_": "165", "MALLOC_ARENA_MAX": "1",
         "LD_LIBRARY_PATH": "/nonexistent", "SSL_PROTOCOL": "TLSv1.3",
         "UCSPITLS": "1", "SSLCTLFD": "3", "SSLREADFD": "4",
         "SSLWRITEFD": "5", "LISTEN_FDS": "1", "LISTEN_PID": "1",
         "PREAUTH": "no", "POP3_IDLE_TIMEOUT": "1", "IDLE_TIMEOUT": "1"}


@check("S-13: a hostile environment changes nothing")
def _():
    same(transcript(env=NASTY), PLAIN, "transcript")


for name in NASTY:
    @check(f"S-13: nor does {name} alone")
    def _():
        same(transcript(env={name: NASTY[name]}), PLAIN, "transcript")


@check("S-13: an empty environment changes nothing")
def _():
    same(transcript(env={}), PLAIN, "transcript")


@check("S-13: a MiB of variables, in pieces as large as Linux lets pass")
def _():
    env = {f"V{i}": "x" * 131000 for i in range(7)}
    env["USER"] = "y" * 131000
    same(transcript(env=env), PLAIN, "transcript")


@check("S-13: a variable twice, and words that are no variables")
def _():
    m = Maildir(message(), message(500))
    # env(1) passes on what it got; only execve can make such a block.
    code = ("import ctypes, sys; c = ctypes.CDLL(None); "
            "a = [x.encode() for x in sys.argv[1:]]; "
            "v = (ctypes.c_char_p * (len(a) + 1))(*a, None); "
            "e = (ctypes.c_char_p * 6)(b'USER=a', b'USER=b', b'nothing', "
            "b'=', b'', None); c.execve(a[0], v, e)")
    ours, its = socket.socketpair()
    p = subprocess.Popen(["/usr/bin/python3", "-c", code, PROGRAM,
                          "--preauth", "--log=none", m.path], stdin=its,
                         stdout=its, preexec_fn=plain_signals, cwd="/",
                         **as_owner())
    its.close()
    ours.sendall(TALK)
    text = b""
    while piece := ours.recv(65536):
        text += piece
    ours.close()
    same(p.wait(PATIENCE), 0, "exit status")
    same((text, m.left()), PLAIN, "transcript")


@check("P-22: no variable shortens the timer")
def _():
    s = Session(Maildir(), env=NASTY, calls="alarm")
    s.quit()
    same([line for line in s.traced("alarm") if "(600)" not in line
          and "(0)" not in line], [], "other alarms")


if ROOT:
    @check("S-3: as root it refuses to serve")
    def _():
        m = Maildir(message())
        p = subprocess.run([PROGRAM, "--preauth", m.path], input=TALK, cwd="/",
                           capture_output=True, preexec_fn=plain_signals,
                           timeout=PATIENCE)
        same((p.returncode, p.stdout[:16], p.stdout.count(b"\n")),
             (100, b"-ERR [SYS/PERM] ", 1), "exit status and answer")
        true(b"root" in p.stderr, f"{p.stderr!r}")
        same(m.left(), [1], "messages")


done()
