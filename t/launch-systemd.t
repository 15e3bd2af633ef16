#!/usr/bin/env python3
# systemd's units of src/launch/, as they are, under a systemd that is process
# 1 of its own namespaces: they are enabled as their first lines say, and every
# session runs within all of the service's walls and its own.
import glob
import os
import sys

sys.path.insert(0, os.environ["T"])
from launch import *

SLOW = 400              # seconds for a check
SYSTEMD = "/lib/systemd/systemd"
UNITS = "/usr/local/lib/systemd/system"
DROP_IN = "/etc/systemd/system/pop3@.service.d/virtual.conf"
TLS_DROP_IN = "/etc/systemd/system/pop3s@.service.d/system.conf"
VIRTUAL = os.path.dirname(DROP_IN)
NO_LIMIT = "/etc/systemd/system/pop3.socket.d/no-limit.conf"


def need_systemd():
    need("systemctl", "systemd-analyze", "nsenter", "journalctl")
    if not os.path.exists(UNITS + "/pop3.socket"):
        raise Skip("configured without systemd: no units are installed")


# --- a systemd ------------------------------------------------------------------

# Its own view of cgroups, /run and /tmp; then the real thing.
BOOT = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
mount -t tmpfs tmpfs /run && mkdir /run/lock &&
mount -t tmpfs tmpfs /tmp &&
exec env -i container=lxc PATH="$PATH" {systemd} --system \\
    --unit=sockets.target --show-status=no --log-target=journal
"""


def bare():
    """No unit of this machine is wanted at boot but the journal's sockets."""
    os.unlink("/dev/log")
    for pattern in ("/usr/lib/systemd/system/*.wants",
                    "/etc/systemd/system/*.wants",
                    "/usr/lib/systemd/system-generators"):
        for path in glob.glob(pattern):
            shutil.rmtree(path)
    with open("/etc/fstab", "w"):
        pass
    wants = "/etc/systemd/system/sockets.target.wants"
    os.makedirs(wants)
    for unit in ("systemd-journald.socket", "systemd-journald-dev-log.socket"):
        os.symlink("/usr/lib/systemd/system/" + unit, f"{wants}/{unit}")


class Systemd:
    """Process 1 of its namespaces, in a cgroup of its own."""

    def __init__(self):
        self.cgroups = SCRATCH + "/cgroups"
        os.makedirs(self.cgroups, exist_ok=True)
        run("mount", "-t", "cgroup2", "cgroup2", self.cgroups)
        self.cgroup = f"{self.cgroups}/maildir-pop3d-{os.getpid()}-" \
            f"{time.time_ns()}"
        os.mkdir(self.cgroup)
        self.out = new_path("systemd")
        with open(self.out, "w") as out:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--cgroup", "--fork",
                 "--mount-proc", "--kill-child", "--propagation", "private",
                 "sh", "-c", BOOT.format(systemd=SYSTEMD)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=ENV,
                cwd="/", preexec_fn=self.child)
        try:
            self.pid = until(lambda: children(self.process.pid),
                             "process 1")[0]
            until(self.is_up, "systemd is up", 90)
        except BaseException:
            self.__exit__()
            with open(self.out) as out:
                for line in out.read().splitlines()[-20:]:
                    say("# systemd: " + line)
            raise

    def child(self):
        plain_signals()
        with open(self.cgroup + "/cgroup.procs", "w") as f:
            f.write("0")

    def is_up(self):
        true(self.process.poll() is None, "systemd has ended")
        return subprocess.run(self.inside("systemctl", "is-active",
                                          "sockets.target"), env=ENV,
                              capture_output=True, check=False,
                              timeout=60).stdout == b"active\n"

    def inside(self, *command):
        return ["nsenter", f"--target={self.pid}", "--mount", "--pid",
                "--cgroup", *command]

    def __call__(self, *command):
        """As typed on that machine."""
        return run(*self.inside(*command))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        until(lambda: reap() or not os.path.exists(f"/proc/{self.pid}"),
              "the end of process 1")
        for where, _dirs, _files in sorted(os.walk(self.cgroup),
                                           reverse=True):
            until(lambda w=where: self.removed(w), f"{where} is empty")
        run("umount", self.cgroups)

    def removed(self, where):
        with contextlib.suppress(OSError):
            os.rmdir(where)
        return not os.path.exists(where)

    # --- the log, as Syslog has it

    seen = 0

    def read(self):
        return self.journal()[self.seen:]

    def journal(self):
        """All of it; an exit status of 1 says that there is nothing yet."""
        return subprocess.run(self.inside(
            "journalctl", "--quiet", "--no-pager", "--output=cat",
            "--identifier=maildir-pop3d"), capture_output=True, text=True,
            env=ENV, check=False, timeout=150).stdout

    def forget(self):
        """Ports come again: what was before is no longer looked at."""
        self.seen = len(self.journal())

    def clean(self):
        """No instance failed, and none is kept."""
        until(lambda: self("systemctl", "list-units", "--all", "--plain",
                           "--no-legend", "pop3*@*") == "",
              "no instance is kept")
        same(self("systemctl", "--failed", "--plain", "--no-legend",
                  "list-units", "pop3*"), "", "failed units")


def virtual():
    example("pop3-virtual.conf", DROP_IN)


# --- without it -------------------------------------------------------------------

@check("systemd-analyze verify has nothing to say about the units", SLOW)
def _():
    need_systemd()
    for drop_in in (False, True):
        if drop_in:
            virtual()
        done_ = subprocess.run(
            ["systemd-analyze", "verify", UNITS + "/pop3.socket",
             UNITS + "/pop3@.service", UNITS + "/pop3s.socket",
             UNITS + "/pop3s@.service"], capture_output=True, text=True,
            env=ENV, check=False, timeout=150)
        same([line for line in (done_.stdout + done_.stderr).splitlines()
              if "pop3" in line], [], "what it says")
        same(done_.returncode, 0, "exit status")
    shutil.rmtree(VIRTUAL)


for unit, drop_in, limit in (("pop3@.service", False, 20),
                             ("pop3@.service", True, 5),
                             ("pop3s@.service", False, 20)):
    @check(f"systemd-analyze security gives {unit} {limit / 10} at most"
           f"{' as virtual users have it' if drop_in else ''}")
    def _():
        need_systemd()
        if drop_in:
            virtual()
        try:
            run("systemd-analyze", "security", "--no-pager", "--offline=yes",
                f"--threshold={limit}", f"{UNITS}/{unit}")
        finally:
            shutil.rmtree(VIRTUAL, ignore_errors=True)


@check("P-128: systemd-socket-activate --accept --inetd with the service's "
       "command", SLOW)
def _():
    need_systemd()
    with open(UNITS + "/pop3@.service") as f:
        command = re.search(r"(?m)^ExecStart=-(.*)$", f.read()).group(1)
    with Launcher("systemd-socket-activate", "--accept", "--inetd", "-l",
                  "127.0.0.1:110", *command.split()) as where:
        serves(110, alice(), where.log)
        survives_reset(110, alice(), where.log)


# --- with it ----------------------------------------------------------------------

machine = None


def up():
    """The one systemd of all that follows, with its units as installed."""
    global machine
    need_systemd()
    if machine is None:
        bare()
        machine = Systemd()
    return machine


@contextlib.contextmanager
def enabled(socket_unit, drop_ins=None):
    """By the command in the unit's first lines; drop_ins: path to text."""
    systemd = up()
    for path, text in (drop_ins or {}).items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
    systemd("systemctl", "daemon-reload")
    systemd("systemctl", "enable", "--now", socket_unit)
    try:
        yield systemd
        systemd.clean()
    finally:
        systemd("systemctl", "disable", "--now", socket_unit)
        for path in drop_ins or {}:
            shutil.rmtree(os.path.dirname(path))


def all_of_it(port, mail, log, **client):
    serves(port, mail, log, **client)
    refuses(port, mail, log, **client)
    survives_reset(port, mail, log, **client)
    deletes_before_reset(port, mail, log, **client)


@check("P-128: systemctl enable --now pop3.socket: system users by PAM, in "
       "all the walls of the service", SLOW)
def _():
    with enabled("pop3.socket") as systemd:
        all_of_it(110, alice(), systemd)


@check("P-128: pop3@.service: the part before login and its keeper have the "
       "rights that the unit leaves them, and no more", SLOW)
def _():
    with enabled("pop3.socket") as systemd:
        c = Client(110)
        pids = sorted(of_program("maildir-pop3d"))
        same(len(pids), 2, "processes before login")
        keeper, front = pids if status(pids[0], "PPid") != str(pids[1]) \
            else pids[::-1]
        # CHOWN 0, KILL 5, SETGID 6, SETUID 7, SYS_CHROOT 18, of linux/capability.h
        same(int(status(keeper, "CapBnd"), 16), 1 << 5 | 1 << 6 | 1 << 7 |
             1 << 18, "what the keeper can have")
        same(status(keeper, "NoNewPrivs"), "1", "NoNewPrivs")
        same(status(front, "CapEff").lstrip("0"), "", "the front's rights")
        same(os.stat(f"/proc/{front}/root/").st_ino,
             os.stat("/usr/local/lib/maildir-pop3d/empty").st_ino,
             "the front's root")
        for space in ("net", "ipc", "mnt", "uts"):
            true(os.readlink(f"/proc/{keeper}/ns/{space}") !=
                 os.readlink(f"/proc/{systemd.pid}/ns/{space}"),
                 f"a name space of its own: {space}")
        writable = [line.split()[4] for line in
                    open(f"/proc/{keeper}/mountinfo")
                    if "rw" in line.split()[5].split(",")]
        for path in ("/", "/etc", "/usr", "/var", "/var/vmail/../lib"):
            true(path not in writable, f"{path} cannot be written")
        true("/home" in writable, "/home can be written")
        c.quit()


@check("P-128: pop3.socket: the twenty-first connection of one address is "
       "closed without a word", SLOW)
def _():
    with enabled("pop3.socket"):
        clients = [Client(110) for _ in range(20)]
        with socket.create_connection(("127.0.0.1", 110), PATIENCE) as s, \
                contextlib.suppress(ConnectionResetError):
            same(s.recv(100), b"", "octets")
        for c in clients:
            c.quit()


@check("P-130: the journal knows the lines by facility and severity", SLOW)
def _():
    systemd = up()
    for priority, word in (("notice..notice", "login-failed "),
                           ("info..info", "session ")):
        text = systemd("journalctl", "--quiet", "--no-pager", "--output=cat",
                       "--facility=mail", f"--priority={priority}",
                       "--identifier=maildir-pop3d")
        true(text.startswith(word) or "\n" + word in text,
             f"{word} at {priority}: {text!r}")


@check("P-128: pop3-virtual.conf: virtual users of one uid, no root, its own "
       "walls", SLOW)
def _():
    with open(EXAMPLES + "/pop3-virtual.conf") as f:
        text = f.read()
    with enabled("pop3.socket", {DROP_IN: text}) as systemd:
        all_of_it(110, bob(), systemd)
        c = Client(110)
        for pid in of_program("maildir-pop3d"):
            same(status(pid, "Uid").split(), [str(MAIL_UID)] * 4, "uid")
            same(status(pid, "CapBnd").lstrip("0"), "", "capabilities")
            true(os.readlink(f"/proc/{pid}/ns/user") !=
                 os.readlink("/proc/self/ns/user"), "users of its own")
        c.quit()


@check("pop3s.socket: virtual users behind tlswrapper, port 995", SLOW)
def _():
    need("tlswrapper")
    with enabled("pop3s.socket") as systemd:
        serves(995, bob(), systemd, "yes", tls=client_context())
        refuses(995, bob(), systemd, tls=client_context())
        deletes_before_reset(995, bob(), systemd, tls=client_context())


@check("pop3s@.service: system users, by what its comment says, where there is "
       "no /var/vmail", SLOW)
def _():
    need("tlswrapper")
    with open(UNITS + "/pop3s@.service") as f:
        command = re.search(r"(?m)^ExecStart=(.*)$", f.read()).group(1)
    command = re.sub(" -u vmail| --tls=on .*", "", command)
    text = ("[Service]\nProtectHome=no\nTemporaryFileSystem=/var\n"
            "BindReadOnlyPaths=/var/lib\nExecStart=\n"
            f"ExecStart={command} --tls=on --pam\n")
    with enabled("pop3s.socket", {TLS_DROP_IN: text}) as systemd:
        serves(995, alice(), systemd, "yes", tls=client_context())


SERVICE = """[Service]
ExecStart=
ExecStart=-/usr/local/sbin/maildir-pop3d --pam --tls=on --proxy-protocol
"""
SOCKET = """[Socket]
MaxConnectionsPerSource=0
"""


@check("P-131: stunnel-proxy.conf in front of pop3.socket: the client's "
       "address, and no limit for stunnel's", SLOW)
def _():
    need("stunnel")
    tls = client_context()
    with enabled("pop3.socket", {DROP_IN: SERVICE, NO_LIMIT: SOCKET}) \
            as systemd, Launcher(
                "stunnel", EXAMPLES + "/stunnel-proxy.conf", port=995):
        serves(995, alice(), systemd, "yes", tls=tls)
        refuses(995, alice(), systemd, tls=tls)
        survives_reset(995, alice(), systemd, tls=tls)
        clients = [Client(995, tls) for _ in range(21)]
        for c in clients:
            c.quit()


@check("P-120: no session under systemd has ended with another exit status "
       "than 0, nor by a signal", SLOW)
def _():
    text = up()("journalctl", "--quiet", "--no-pager", "--output=cat")
    true("pop3@" in text, "the journal tells of instances")
    same([line for line in text.splitlines()
          if "process exited" in line and "pop3" in line], [], "exits")
    same([line for line in text.splitlines()
          if line.startswith(("error ", "warning "))], [], "trouble")


if machine is not None:
    machine.__exit__()
done()
