#!/usr/bin/env python3
# tcpserver, tcpsvd, s6-tcpserver (a stand-in) and socat, each with its script
# of src/launch/ as it is.  Descriptor 2 is a log there.
import os
import sys

sys.path.insert(0, os.environ["T"])
from launch import *

def ended(log):
    """Both launchers tell the status of what they ran."""
    def found():
        return re.findall(r"(?m)^(tcps\w+: (?:info: )?end) \d+ (.*)$",
                          log.read())
    until(found, "the launcher tells of an end")
    for name, how in found():
        true(how in ("status 0", "exit 0"), f"{name} {how}")


for name, tool in (("tcpserver.run", "tcpserver"), ("tcpsvd.run", "tcpsvd")):
    @check(f"P-122: {name}: a session logs in, fetches, deletes, as vmail")
    def _():
        need(tool)
        with Launcher(f"{EXAMPLES}/{name}") as where:
            serves(110, bob(), where.log)
            refuses(110, bob(), where.log)

    @check(f"S-11: {name}: clients that reset are one line each, and delete "
           "nothing before QUIT; the launcher sees exit 0")
    def _():
        need(tool)
        with Launcher(f"{EXAMPLES}/{name}") as where:
            survives_reset(110, bob(), where.log)
            ended(where.log)
            deletes_before_reset(110, bob(), where.log)
            ended(where.log)


@check("P-118: checkpw.run: a session of a system user whose password "
       "Debian's checkpw knows")
def _():
    need("tcpserver", "checkpw")
    with Launcher(f"{EXAMPLES}/checkpw.run") as where:
        mail = alice()
        mail.checkpw = True
        serves(110, mail, where.log, uid_seen=False)
        refuses(110, mail, where.log)
        survives_reset(110, mail, where.log)
        ended(where.log)


@check("socat.run: alice serves her own Maildir, with the client's address in "
       "the log")
def _():
    need("socat", "setpriv")
    with Launcher("setpriv", f"--reuid={ALICE_UID}", f"--regid={ALICE_UID}",
                  "--clear-groups", f"{EXAMPLES}/socat.run", port=1110,
                  env={**ENV, "HOME": "/home/alice"}) as where:
        mail = alice()
        mail.user = None
        serves(1110, mail, where.log, "-")
        survives_reset(1110, mail, where.log)


def readme(start, end):
    """What README says to type between two of its words."""
    with open(os.path.join(T, "..", "README")) as f:
        text = f.read()
    text = text[text.index(start):]
    return "\n".join(re.findall(r"(?m)^    (.*)$", text[:text.index(end)]))


@check("README: what it says to type makes a virtual user who can log in, and "
       "its --check has nothing to mend")
def _():
    need("tcpserver", "useradd", "userdel", "openssl", "script", "runuser")
    run("umount", "/var/vmail")
    shutil.rmtree("/var/vmail")
    os.unlink("/etc/mail.passwd")
    run("userdel", "vmail")
    commands = new_path("readme")
    with open(commands, "w") as f:
        f.write("set -e\n" + readme("serve virtual users", "Then alice's"))
    # openssl asks the terminal, twice.
    run("script", "-qec", f"sh {commands}", "/dev/null",
        input=f"{SECRET}\n{SECRET}\n")
    entry = pwd.getpwnam("vmail")
    same(os.stat("/etc/mail.passwd").st_mode & 0o777, 0o400, "its mode")
    mail = Mail("/var/vmail/example.org/alice", "alice@example.org",
                entry.pw_uid)
    run("sh", "-ec", readme("Whether a set-up", "On a terminal"))
    with Launcher(f"{EXAMPLES}/tcpserver.run") as where:
        c = Client(110)
        c.log_in(mail)
        same(c.ok("STAT").split()[1], b"3", "messages")
        c.quit()
    no_trouble(where.log)


done()
