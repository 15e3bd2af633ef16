"""peers.py - other people's servers over our Maildirs, on top of pop3.py.

Dovecot's pop3 and imap run as they run after login, without its master, with
a configuration of their own; nothing is started that stays.  Courier's
courierpop3d may be installed, or unpacked below the folder that COURIER
names.
"""

import glob

from pop3 import *

DOVECOT = "/usr/lib/dovecot"
COURIER = os.environ.get("COURIER", "/")
COURIER_POP3D = os.path.join(COURIER, "usr/lib/courier/courier/courierpop3d")

CONF = """\
protocols = pop3 imap
ssl = no
log_path = /dev/stderr
base_dir = {home}/run
mail_location = maildir:{maildir}{more}
mail_uid = {uid}
mail_gid = {uid}
first_valid_uid = 1
default_internal_user = {user}
default_login_user = {user}
pop3_uidl_format = {form}
mailbox_list_index = no
namespace inbox {{
  inbox = yes
  mailbox Trash {{
    special_use = \\Trash
    auto = no
  }}
}}
{settings}
"""


def folder():
    path = new_path("home")
    os.mkdir(path, 0o755)
    give(path)
    return path


class Dovecot:
    """form is its pop3_uidl_format; settings are further lines."""

    def __init__(self, maildir, form="%08Xu%08Xv", settings="", more=""):
        if not os.access(f"{DOVECOT}/pop3", os.X_OK):
            raise Skip("Dovecot is not installed")
        self.home = folder()
        self.log = f"{self.home}/log"
        self.conf = f"{self.home}/conf"
        with open(self.conf, "w") as f:
            f.write(CONF.format(home=self.home, form=form,
                                maildir=maildir.path, more=more, uid=UID,
                                user="root" if ROOT else os.environ["USER"],
                                settings=settings))
        give(self.conf)

    def environment(self):
        return {"PATH": os.environ["PATH"], "USER": "alice",
                "HOME": self.home}

    def command(self, what):
        return [f"{DOVECOT}/{what}", "-c", self.conf]

    def say(self, what, octets):
        return run(self.command(what), octets, self.environment(), self.log)

    def pop3(self, *commands):
        """All that it answers, but for the greeting, which is another's."""
        return self.say("pop3", lines(*commands, "QUIT"))

    def uidls(self):
        return listed(self.pop3("UIDL"))

    def shows(self):
        """UIDL and Subject of each message, by number."""
        uidls = self.uidls()
        return pairs(uidls, self.pop3(*heads(uidls)))

    def doveadm(self, *words):
        return run(["doveadm", "-c", self.conf, *words], b"",
                   self.environment(), self.log)

    def log_text(self):
        with open(self.log, errors="replace") as f:
            return f.read()


class Courier:
    def __init__(self, maildir):
        if not os.access(COURIER_POP3D, os.X_OK):
            raise Skip("Courier is not installed, nor unpacked in $COURIER")
        self.maildir = maildir

    @staticmethod
    def environment():
        libraries = {os.path.dirname(path) for path in glob.glob(
            COURIER + "/**/lib*.so.*", recursive=True)} if COURIER != "/" \
            else ()
        return {"PATH": "/usr/bin:/bin",
                **({"LD_LIBRARY_PATH": ":".join(sorted(libraries))}
                   if libraries else {})}

    def command(self):
        return [COURIER_POP3D, self.maildir.path]

    def pop3(self, *commands):
        return run(self.command(), lines(*commands, "QUIT"),
                   self.environment())

    def uidls(self):
        return listed(self.pop3("UIDL"))

    def shows(self):
        uidls = self.uidls()
        return pairs(uidls, self.pop3(*heads(uidls)))


def lines(*commands):
    return "".join(c + "\r\n" for c in commands).encode()


def run(command, octets, env, log=os.devnull):
    """What the command says; what it logs goes to the file log."""
    done_ = subprocess.run(
        command, input=octets, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=150, env=env, cwd="/", check=False,
        preexec_fn=plain_signals, **as_owner())
    with open(log, "ab") as f:
        f.write(done_.stderr)
    if done_.returncode != 0:
        raise Fail(f"{command[0]} exits with {done_.returncode}: "
                   f"{done_.stdout[-300:]!r} {done_.stderr[-600:]!r}")
    return done_.stdout


def listed(answer):
    """The UIDLs of a whole answer to UIDL, by number."""
    begin = re.search(rb"^\d+ |^\.\r\n", answer, re.M)
    true(begin is not None, f"no list in {answer!r}")
    found = []
    for line in answer[begin.start():].split(b"\r\n"):
        if line == b".":
            return found
        number, _, uidl = line.partition(b" ")
        same(int(number), len(found) + 1, "number")
        found.append(uidl)
    raise Fail(f"no end of {answer[-200:]!r}")


def heads(uidls):
    return [f"TOP {n} 0" for n in range(1, len(uidls) + 1)]


def pairs(uidls, answers):
    subjects = re.findall(rb"^Subject: (\S+)", answers, re.M)
    same(len(subjects), len(uidls), "messages that TOP shows")
    return list(zip(uidls, subjects))


def we_show(maildir, *options):
    uidls = our_uidls(maildir, *options)
    s = Session(maildir, *options)
    answers = b"".join(s.ok(command, multi=True) for command in heads(uidls))
    s.quit()
    return pairs(uidls, answers)


def our_uidls(maildir, *options):
    s = Session(maildir, *options)
    answer = s.ok("UIDL", multi=True)
    s.quit()
    return listed(answer)


def bring(maildir, server, *options, status=0):
    """--import, as whoever runs the test; what it says."""
    done_ = subprocess.run(
        [PROGRAM, f"--import={server}", *options, maildir.path],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=150,
        check=False, cwd="/")
    if done_.returncode != status:
        raise Fail(f"--import exits with {done_.returncode}: "
                   f"{done_.stdout!r}")
    return done_.stdout


# --- Maildirs as they are found -------------------------------------------

class Box(Maildir):
    """A Maildir of files with these names: "cur/1.host:2,S" and so on."""

    def __init__(self, *names, text=None):
        super().__init__()
        for name in names:
            self.add(name, text)

    def add(self, name, text=None):
        """Delivers it: others may look while it is written.  Each message has
        a Subject of its own, and as many octets."""
        self.count += 1
        if text is None:
            text = b"Subject: %05d\n\n\n" % self.count
        base = os.fsencode(self.path)
        tmp = os.path.join(base, b"tmp", os.path.basename(os.fsencode(name)))
        with open(tmp, "wb") as f:
            f.write(text)
        give(tmp)
        os.rename(tmp, os.path.join(base, os.fsencode(name)))

    def file(self, name):
        return os.path.join(self.path, name)

    def write(self, name, text):
        with open(self.file(name), "w") as f:
            f.write(text)
        give(self.file(name))

    def read(self, name):
        with open(self.file(name)) as f:
            return f.read()


def size(text=b"Subject: 00000\n\n\n"):
    return f",S={len(text)},W={len(plain(text))}"


SHAPES = {
    "new mail": [f"new/170000000{n}.M{n}P1.host" for n in range(1, 6)],
    "old and new mail": ["cur/1700000003.a:2,S", "new/1700000001.b",
                         "cur/1700000002.c:2,", "new/1700000004.d"],
    "sizes in the names": [f"cur/1700000001.M1P1.h{size()}:2,S",
                           f"new/1700000002.M1P1.h{size()}",
                           "cur/1700000003.M1P1.h,S=17:2,RS"],
    "every flag and keyword": [f"cur/170000000{n}.h:2,{flags}" for n, flags
                               in enumerate(("", "S", "DFPRST", "Sab", "T",
                                             "FS"))],
    "one second": [f"cur/1700000001.M{n}P{n}.h:2," for n in range(9)],
    "names of any length": ["cur/1:2,S", "cur/2.x:2,",
                            "cur/1700000001." + "h" * 200 + ":2,S",
                            "new/1700000002." + "x" * 59,
                            "new/1700000003." + "y" * 60],
    "names that do not begin with a time": ["cur/mail:2,S", "cur/Zeta:2,",
                                            "cur/_1:2,", "cur/007.b:2,",
                                            "cur/99999999999999999999.h:2,",
                                            "cur/-5.h:2,S"],
    "names with odd octets": ["cur/1700000001.a b:2,S",
                              "cur/1700000002.a+b'\"c:2,",
                              "cur/1700000003.a%f=&;:2,",
                              "new/1700000004.a~b\\057c"],
    "no info": ["cur/1700000001.h", "cur/1700000002.h:2,S"],
    "one message": ["cur/1700000001.h:2,S"],
    "a hundred": [f"{('new', 'cur')[n % 2]}/{1700000000 + n // 3}.M{n}.h" +
                  ("", ":2,S")[n % 2] for n in range(100)],
}
