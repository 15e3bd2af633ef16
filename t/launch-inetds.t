#!/usr/bin/env python3
# The inetds, each with its file of src/launch/ as it is: descriptor 2 is the
# client there (P-129), and SIGPIPE comes ignored from some of them.
#
# They exclude each other as packages, so t/check unpacks them; INETDS names the
# folder.  Without it those that are installed are tried.
import os
import sys

sys.path.insert(0, os.environ["T"])
from launch import *

if os.environ.get("INETDS"):
    for top in ("etc", "usr"):
        run("cp", "-a", os.environ["INETDS"] + "/" + top, "/")
    run("ldconfig")


def inetd_conf(which):
    """The file as it is, or with its other line."""
    with open(EXAMPLES + "/inetd.conf") as f:
        text = f.read()
    if which == "virtual":
        text = re.sub(r"(?m)^(127\..*)$", r"#\1", text)
        text = re.sub(r"(?m)^#(127\..* vmail .*)$", r"\1", text)
    with open("/etc/inetd.conf", "w") as f:
        f.write(text)
    return ()


def openbsd(which):
    inetd_conf(which)
    return Launcher("/usr/sbin/inetd", "-i")


def inetutils(which):
    inetd_conf(which)
    return Launcher("/usr/sbin/inetutils-inetd", daemon="inetutils-inetd")


def xinetd(_which):
    shutil.rmtree("/etc/xinetd.d", ignore_errors=True)
    example("xinetd", "/etc/xinetd.d/pop3")
    return Launcher("/usr/sbin/xinetd", "-dontfork")


def rlinetd(_which):
    shutil.rmtree("/etc/rlinetd.d", ignore_errors=True)
    example("rlinetd", "/etc/rlinetd.d/pop3")
    return Launcher("/usr/sbin/rlinetd", daemon="rlinetd")


INETDS = {
    "openbsd-inetd": (openbsd, "system", alice),
    "openbsd-inetd, virtual users": (openbsd, "virtual", bob),
    "inetutils-inetd": (inetutils, "system", alice),
    "xinetd": (xinetd, "system", alice),
    "rlinetd": (rlinetd, "system", alice),
}

for name, (start, which, whose) in INETDS.items():
    @check(f"P-129: {name}: a session logs in, fetches, deletes; only POP3 "
           "comes to the client, the log goes to syslog")
    def _():
        with start(which):
            serves(110, whose(), syslog)

    @check(f"S-11: {name}: clients that reset are one line each, and delete "
           "nothing before QUIT")
    def _():
        with start(which):
            survives_reset(110, whose(), syslog)
            deletes_before_reset(110, whose(), syslog)
            refuses(110, whose(), syslog)

done()
