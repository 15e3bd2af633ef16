"""The rows of t/bench: runs them, and makes the table.

Started by t/bench, which builds what is measured.  Each row runs all servers
in turn, A B A B, for some rounds; a figure is the median of a server's
rounds, a ratio the median of the rounds' ratios, ours to theirs.  drive.c and
tcp.c look at every answer: a wrong one makes the figure an X.
"""

import argparse
import contextlib
import glob
import os
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

UID = 7777
CONNECTIONS = 200
SMALL = 7000            # octets of a small message, about
SECRET = "bench-password"


def is_root():
    return os.geteuid() == 0


class Wrong(Exception):
    """An answer that is not right."""


class Server:
    """Whatever serves a Maildir by POP3 on descriptors 0 and 1."""

    def __init__(self, name, command, flaws=(), greeting=True, limit=10**9):
        self.name = name
        self.command = command
        self.flaws = flaws
        self.greeting = greeting
        self.limit = limit      # messages it can serve

    def argv(self, maildir):
        return [word.replace("%M", maildir) for word in self.command]

    def environment(self, maildir):
        return None


class Dovecot(Server):
    """Bare pop3: it takes its settings from the environment, as its master
    gives them, and would start doveconf for them otherwise."""

    def __init__(self, work, program):
        super().__init__("dovecot", [program], greeting=False)
        self.work = work
        conf = os.path.join(work, "dovecot-bare.conf")
        write(conf, "protocols = pop3\nssl = no\nlog_path = %s/log\n"
              "base_dir = %s/dovecot-bare\nmail_location = maildir:/\n"
              "mail_uid = %d\nmail_gid = %d\nfirst_valid_uid = 1\n"
              % (work, work, UID, UID))
        self.settings = subprocess.run(
            ["doveconf", "-c", conf, "-f", "service=pop3", "-m", "pop3", "-e",
             "/usr/bin/env"], check=True, stdout=subprocess.PIPE, text=True,
            env={}).stdout

    def environment(self, maildir):
        path = os.path.join(self.work, "dovecot.env." +
                            os.path.basename(maildir))
        lines = [line for line in self.settings.splitlines()
                 if not line.startswith("MAIL_LOCATION=")]
        write(path, "\n".join(lines + ["MAIL_LOCATION=maildir:" + maildir,
                                       "USER=bench", "HOME=" + maildir]) +
              "\n")
        return path


class Courier(Server):
    """courierpop3d, installed, or unpacked below a root of its own."""

    def __init__(self, work, root, program):
        super().__init__("courier", [program, "%M"])
        self.path = os.path.join(work, "courier.env")
        libraries = {os.path.dirname(path) for path in glob.glob(
            os.path.join(root, "**", "lib*.so.*"), recursive=True)
                     } if root != "/" else ()
        write(self.path, "PATH=/usr/bin:/bin\n" +
              ("LD_LIBRARY_PATH=%s\n" % ":".join(sorted(libraries))
               if libraries else ""))

    def environment(self, maildir):
        return self.path


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class Box:
    """A generated Maildir and what is known of it."""

    def __init__(self, bench, name, count, kind, octets):
        self.path = os.path.join(bench.work, name)
        self.sums = self.path + ".sums"
        self.count = count
        self.bench = bench
        self.changes = 0
        bench.tool("mailbox", self.path, self.sums, str(count), kind,
                   str(octets), str(UID if is_root() else os.getuid()))
        self.settle()

    def settle(self):
        """Nothing was delivered for a while: the folders' times are old, and
        other than they ever were."""
        self.changes += 1
        when = time.time() - 3600 + self.changes
        for sub in ("new", "cur"):
            os.utime(os.path.join(self.path, sub), (when, when))

    def forget(self):
        """Removes what any server keeps between visits."""
        for entry in os.scandir(self.path):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)

    def remove(self):
        shutil.rmtree(self.path)


class Bench:
    def __init__(self, options):
        self.work = options.work
        self.rounds = options.rounds or (3 if options.quick else 5)
        self.quick = options.quick
        self.log = os.path.join(self.work, "log")
        write(self.log, "")
        os.chmod(self.log, 0o666)
        self.boxes = {}
        self.rows = []
        self.wanted = options.rows
        self.tools = options.tools
        self.complaints = []

    # --- tools ---------------------------------------------------------

    def tool(self, name, *args):
        """The last line of a tool's output, in words; Wrong if it is X."""
        run = subprocess.run([os.path.join(self.tools, name), *args],
                             stdout=subprocess.PIPE, text=True, check=False)
        words = run.stdout.strip().split("\t")
        if words[0] == "X":
            raise Wrong(words[1])
        if run.returncode != 0:
            raise Wrong("%s failed: %s" % (name, run.returncode))
        return words

    def drive(self, work, server, box, *options, sums=None, command=None):
        """(CPU us, wall us, private octets) of a session."""
        args = list(options) + ["-l", self.log, "-d", box.path]
        if is_root() and command is None:
            args += ["-u", str(UID)]
        if not server.greeting:
            args.append("-x")
        for flaw in server.flaws:
            args += ["-a", flaw]
        environment = server.environment(box.path)
        if environment is not None:
            args += ["-e", environment]
        words = self.tool("drive", *args, work, sums or box.sums,
                          *(command or server.argv(box.path)))
        return [float(word) for word in words[1:]]

    def box(self, count, kind="plain", octets=SMALL):
        key = (count, kind, octets)
        if key not in self.boxes:
            self.boxes[key] = Box(self, "%s-%d-%d" % (kind, count, octets),
                                  count, kind, octets)
        return self.boxes[key]

    def drop(self, count, kind="plain", octets=SMALL):
        box = self.boxes.pop((count, kind, octets), None)
        if box is not None:
            box.remove()

    # --- rows ----------------------------------------------------------

    def skips(self, name):
        return self.wanted and not any(word in name for word in self.wanted)

    def interleave(self, names, measure):
        """{name: [figure of each round]}; None for a server that was wrong
        once."""
        samples = {name: [] for name in names}
        for _ in range(self.rounds):
            for name in names:
                if samples[name] is None:
                    continue
                try:
                    samples[name].append(measure(name))
                except Wrong as reason:
                    samples[name] = None
                    self.complaints.append("%s: %s" % (name, reason))
        return samples

    def visit(self, servers, measure):
        table = {server.name: server for server in servers}
        return self.interleave(list(table), lambda name: measure(table[name]))

    def row(self, title, unit, samples, subject="ours", bars=(), more=False):
        """bars: (against, at most, aim); against None: the figure itself;
        more: at least, not at most."""
        self.rows.append(Row(title, unit, samples, subject, list(bars), more))
        print("%s: done" % title, file=sys.stderr)


class Row:
    def __init__(self, title, unit, samples, subject, bars, more):
        self.title = title
        self.unit = unit
        self.samples = samples
        self.subject = subject
        self.bars = bars
        self.more = more

    def median(self, name):
        got = self.samples.get(name)
        return statistics.median(got) if got else None

    def ratio(self, name):
        ours, theirs = self.samples.get(self.subject), self.samples.get(name)
        if not ours or not theirs or 0 in theirs:
            return None
        return statistics.median(a / b for a, b in zip(ours, theirs))

    def figure(self, name):
        if name not in self.samples:
            return "-"
        median = self.median(name)
        return "X" if median is None else short(median)

    def verdicts(self):
        for against, most, aim in self.bars:
            value = self.median(self.subject) if against is None else \
                self.ratio(against)
            if value is None:
                word = "n/a"
            elif most is None:
                word = ""
            elif self.more:
                word = "MISS" if value < most else \
                    "aim" if aim is None or value >= aim else "ok"
            else:
                word = "MISS" if value > most else \
                    "aim" if aim is None or value <= aim else "ok"
            yield against, value, most, aim, word


def short(value):
    if value >= 1000:
        return "%.0f" % value
    return "%.3g" % value


# --- the rows over pipes -----------------------------------------------

def rows_start(bench, ours, peers):
    if bench.skips("empty"):
        return
    box = bench.box(10)
    times = "50" if bench.quick else "200"
    for server in list(ours.values()) + peers:
        with contextlib.suppress(Wrong):
            bench.drive("list", server, box)
    samples = bench.visit(
        list(ours.values()) + peers, lambda server: bench.drive(
            "empty", server, box, "-p", "-n", times)[0] / 1000)
    bench.row("empty session, ordinary", "ms", samples,
              bars=[("qmail", 1.1, 0.9)])
    bench.row("empty session, musl", "ms", samples, "musl",
              bars=[("qmail", 0.35, 0.2)])
    bench.row("empty session against --disable-sandbox", "ms", samples,
              bars=[("no sandbox", None, None)])


def listing(bench, servers, box, prepare, each=1):
    def measure(server):
        prepare(server)
        return bench.drive("list", server, box, "-p", "-n",
                           str(each))[0] / 1000
    return bench.visit([s for s in servers if s.limit >= box.count], measure)


def rows_visit(bench, servers):
    counts = [10000, 100000]
    for kind, words, most, aim in (
            ("plain", "first visit", 0.3, 0.23),
            ("sized", "first visit, ,S=,W=", 0.3, 0.18)):
        for count in counts:
            name = "%s, %dk" % (words, count // 1000)
            if bench.skips(name) or \
                    (bench.quick and kind == "sized" and count > 10000):
                continue
            box = bench.box(count, kind)
            samples = listing(bench, servers, box, lambda _: box.forget())
            bench.row(name, "ms", samples, bars=[("dovecot", most, aim)])
            if kind == "sized":
                bench.drop(count, kind)
    for count in counts:
        name = "later visit, %dk" % (count // 1000)
        if bench.skips(name):
            continue
        box = bench.box(count)
        box.forget()
        prime(bench, servers, box)
        samples = listing(bench, servers, box, lambda _: None)
        bench.row(name, "ms", samples, bars=[("dovecot", 0.15, 0.08)])


def prime(bench, servers, box):
    for server in servers:
        if server.limit >= box.count:
            with contextlib.suppress(Wrong):
                bench.drive("list", server, box)


def row_stat(bench, ours):
    name = "later visit, 100k: STAT QUIT"
    if bench.skips(name):
        return
    boxes = {"ours": bench.box(100000), "at 100": bench.box(100)}
    times = {"ours": "2", "at 100": "20"}
    for box in boxes.values():
        prime(bench, [ours], box)
    samples = bench.interleave(boxes, lambda which: bench.drive(
        "stat", ours, boxes[which], "-p", "-n", times[which])[0] / 1000)
    bench.row(name, "ms", samples, bars=[("at 100", 2, 1.1)])


def row_delivery(bench, servers):
    name = "later visit after one delivery, 100k"
    if bench.skips(name):
        return
    box = bench.box(100000)
    spool, sums = box.path + ".one", box.path + ".one.sums"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(spool)
    bench.tool("mailbox", "--one", spool, box.sums, sums)
    number = [0]

    def measure(server):
        prime(bench, [server], box)
        number[0] += 1
        base = "%d.M%dP77.mx.example.com" % (1790000000 + number[0],
                                            number[0])
        path = os.path.join(box.path, "new", base)
        shutil.copyfile(spool, path)
        if is_root():
            os.chown(path, UID, UID)
        box.settle()
        try:
            return bench.drive("list", server, box, "-p",
                               sums=sums)[0] / 1000
        finally:
            for left in glob.glob(os.path.join(box.path, "*", base + "*")):
                os.unlink(left)
            box.settle()

    samples = bench.visit([s for s in servers if s.limit >= box.count],
                          measure)
    bench.row(name, "ms", samples, bars=[("dovecot", 0.3, 0.2)])


def rows_large(bench, ours, peers):
    octets = 100 << 20
    for option, name, bars in (
            ("-P", "RETR of 100 MiB", [("dovecot", 0.22, 0.17),
                                       ("cat", 1.6, 1.4)]),
            ("-p", "RETR of 100 MiB, client on the same CPU",
             [("dovecot", 0.22, 0.17), ("cat", None, None),
              ("musl", None, None)])):
        if bench.skips(name):
            continue
        box = bench.box(1, octets=octets)
        file = glob.glob(os.path.join(box.path, "cur", "*"))[0]
        cat = Server("cat", ["/bin/cat", file])
        servers = [ours["ours"], ours["musl"], *peers, cat]
        prime(bench, servers[:-1], box)

        def measure(server):
            work = "raw" if server.name == "cat" else "retr"
            return bench.drive(work, server, box, option)[0] * 1000 / octets
        bench.row(name, "ns/octet", bench.visit(servers, measure), bars=bars)
    bench.drop(1, octets=octets)


def row_small(bench, servers):
    for work, name, bars in (
            ("retr", "RETR of 10k small messages", [("dovecot", 0.35, 0.25)]),
            ("top", "TOP n 0 of 10k", [("qmail", 0.65, 0.5)])):
        if bench.skips(name):
            continue
        box = bench.box(10000)
        prime(bench, servers, box)
        samples = bench.visit(servers, lambda server: bench.drive(
            work, server, box, "-p")[0] / box.count)
        bench.row(name, "us/message", samples, bars=bars)


def row_calls(bench, ours):
    name = "RETR of small messages, system calls"
    if bench.skips(name) or shutil.which("strace") is None:
        return
    box, none = bench.box(1000), bench.box(10)
    counted = []
    for where in (none, box):
        path = os.path.join(bench.work, "calls")
        command = [shutil.which("strace"), "-f", "-c", "-U", "calls,name",
                   "-o", path]
        if is_root():
            command += [shutil.which("setpriv"), "--reuid=%d" % UID,
                        "--regid=%d" % UID, "--clear-groups"]
        bench.drive("retr", ours, where, command=command +
                    ours.argv(where.path))
        with open(path, encoding="ascii") as file:
            total = [line.split()[0] for line in file
                     if line.rstrip().endswith("total")]
        counted.append(int(total[0]))
    bench.row(name, "a message", {"ours": [
        round((counted[1] - counted[0]) / (box.count - none.count), 1)]},
              bars=[(None, 6, 5)])


def row_delete(bench, servers):
    name = "DELE of 10k and QUIT"
    if bench.skips(name):
        return
    count = 10000

    def measure(server):
        box = Box(bench, "delete", count, "plain", SMALL)
        try:
            prime(bench, [server], box)
            cost = bench.drive("dele", server, box, "-p")[0] / 1000
            if os.listdir(box.path + "/cur"):
                raise Wrong("messages are left")
            return cost
        finally:
            box.remove()
    bench.row(name, "ms", bench.visit(servers, measure),
              bars=[("qmail", 1.0, 0.9)])


def row_memory(bench, servers):
    if not is_root():
        return
    for count, unit, divisor, bars in (
            (100000, "octets/msg", 100000, [(None, 110, 90)]),
            (100, "KiB", 1024, [(None, 250, 150)])):
        name = "private memory, %s messages" % (
            "100k" if count > 1000 else count)
        if bench.skips(name):
            continue
        box = bench.box(count)
        prime(bench, servers, box)
        samples = bench.visit(
            [s for s in servers if s.limit >= count],
            lambda server: bench.drive("mem", server, box)[2] / divisor)
        bench.row(name, unit, samples, bars=bars)


# --- the rows by TCP ---------------------------------------------------

class Account:
    """The CPU time of a launcher and all it starts: by a cgroup of its own,
    or else from /proc."""

    serial = 0

    def __init__(self):
        Account.serial += 1
        name = "maildir-pop3d-bench-%d-%d" % (os.getpid(), Account.serial)
        self.dir = None
        self.sid = None
        for top, file, unit in (
                ("/sys/fs/cgroup/cpuacct", "cpuacct.usage", 1e-6),
                ("/sys/fs/cgroup", "cpu.stat", 1e-3)):
            with contextlib.suppress(OSError):
                os.mkdir(os.path.join(top, name))
                self.dir = os.path.join(top, name)
                self.file = os.path.join(self.dir, file)
                self.unit = unit        # milliseconds
                if os.path.exists(self.file):
                    return
                os.rmdir(self.dir)
                self.dir = None

    def enter(self):
        """In the child, before exec."""
        os.setsid()
        if self.dir is not None:
            with open(os.path.join(self.dir, "cgroup.procs"), "w",
                      encoding="ascii") as file:
                file.write("0")

    def milliseconds(self):
        if self.dir is not None:
            with open(self.file, encoding="ascii") as file:
                return int(file.read().replace("usage_usec ", "")
                           .split()[0]) * self.unit
        return self.from_proc()

    def from_proc(self):
        ticks = 0
        for path in glob.glob("/proc/[0-9]*/stat"):
            with contextlib.suppress(OSError):
                with open(path, encoding="latin-1") as file:
                    words = file.read().rpartition(")")[2].split()
                if int(words[3]) == self.sid:
                    ticks += sum(int(word) for word in words[11:15])
        return ticks * 1000 / os.sysconf("SC_CLK_TCK")

    def close(self):
        for _ in range(50):
            try:
                if self.dir is not None:
                    os.rmdir(self.dir)
                return
            except OSError:
                time.sleep(0.1)


class Stack:
    """Something that listens on 127.0.0.1."""

    def __init__(self, bench, command, port=None):
        self.account = Account()
        log = open(bench.log, "ab")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
            if port is None else log, stderr=log, cwd=bench.work,
            preexec_fn=self.account.enter)
        log.close()
        self.account.sid = self.process.pid
        if port is None:        # tcpserver -1 says it
            port = self.process.stdout.readline().decode().strip()
            if not port:
                raise Wrong("does not listen")
        self.port = str(port)
        self.wait()

    def wait(self):
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", int(self.port)),
                                         5).close()
                time.sleep(0.2)
                return
            except OSError:
                time.sleep(0.1)
        raise Wrong("does not listen")

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
        self.account.close()


def tcpserver(*command, root=False, nodelay=False):
    who = ["-u", str(UID), "-g", str(UID)] if is_root() and not root else []
    return ["tcpserver", "-1", "-RHl0", *(["-D"] if nodelay else []),
            "-c", str(CONNECTIONS + 50), "-b", str(CONNECTIONS), *who,
            "127.0.0.1", "0", *command]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


DOVECOT = """
protocols = pop3
listen = 127.0.0.1
base_dir = %(work)s/dovecot
log_path = %(work)s/log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
first_valid_uid = 1
default_process_limit = 500
default_client_limit = 2000
mail_max_userip_connections = 500
passdb {
  driver = passwd-file
  args = %(users)s
}
userdb {
  driver = passwd-file
  args = %(users)s
}
service pop3-login {
  service_count = 0
  process_min_avail = 2
  inet_listener pop3 {
    port = %(port)d
  }
  inet_listener pop3s {
    port = 0
  }
}
"""


def dovecot_stack(bench, users):
    port = free_port()
    conf = os.path.join(bench.work, "dovecot.conf")
    write(conf, DOVECOT % {"work": bench.work, "users": users, "port": port})
    return Stack(bench, ["dovecot", "-F", "-c", conf], port)


def make_users(bench):
    """bench0 and on, each with 10 messages, and disabled."""
    users = os.path.join(bench.work, "users")
    lines = []
    uid = UID if is_root() else os.getuid()
    for n in range(CONNECTIONS):
        home = os.path.join(bench.work, "home", str(n))
        os.makedirs(home, exist_ok=True)
        if is_root():
            os.chown(home, UID, UID)
        box = Box(bench, "home/%d/Maildir" % n, 10, "sized", SMALL)
        lines.append("bench%d:{PLAIN}%s:%d:%d::%s::" %
                     (n, SECRET, uid, uid, home))
    lines.append("disabled:{PLAIN}%s:%d:%d::%s::nologin" %
                 (SECRET, uid, uid, home))
    write(users, "\n".join(lines) + "\n")
    empty = os.path.join(bench.work, "empty")
    os.mkdir(empty, 0o755)
    return users, empty, box.sums


def login_command(program, users, empty):
    front = ["--user=nobody", "--chroot=" + empty] if is_root() else []
    return tcpserver(program, "--passwd-file=" + users, "--allow-plaintext",
                     *front, "Maildir", root=True)


def rows_login(bench, programs, chains):
    if bench.skips("logins") and bench.skips("refused"):
        return
    if shutil.which("tcpserver") is None:
        print("no tcpserver: no rows by TCP", file=sys.stderr)
        return
    users, empty, sums = make_users(bench)
    stacks = {}
    try:
        for name in ("ours", "musl"):
            stacks[name] = Stack(bench, login_command(programs[name], users,
                                                      empty))
        if shutil.which("dovecot") and is_root():
            stacks["dovecot"] = dovecot_stack(bench, users)
        for name, command in chains:
            stacks[name] = Stack(bench, tcpserver(
                *[word.replace("%P", users) for word in command],
                root=True))
        login_rows(bench, stacks, sums)
    except Wrong as reason:
        bench.complaints.append("logins: %s" % reason)
    finally:
        for stack in stacks.values():
            stack.stop()


def login_rows(bench, stacks, sums):
    total = 600 if bench.quick else 2000
    cpu = {name: [] for name in stacks}

    def measure(name):
        before = stacks[name].account.milliseconds()
        speed = float(bench.tool(
            "tcp", "logins", stacks[name].port, str(CONNECTIONS), str(total),
            sums, SECRET)[1])
        time.sleep(0.3)         # the last ones end
        cpu[name].append((stacks[name].account.milliseconds() - before) /
                         total)
        return speed

    if not bench.skips("logins"):
        for name in list(stacks):       # everything is in memory then
            with contextlib.suppress(Wrong):
                bench.tool("tcp", "logins", stacks[name].port,
                           str(CONNECTIONS), str(CONNECTIONS), sums, SECRET)
        samples = bench.interleave(stacks, measure)
        for subject, words, dovecot, qmail in (("ours", "ordinary", 2.5, 1.4),
                                               ("musl", "musl", 4, 2)):
            bench.row("%d at a time, logins, %s" % (CONNECTIONS, words), "/s",
                      samples, subject, [("dovecot", dovecot, None),
                                         ("qmail", qmail, None)], more=True)
            cpu = {name: got if samples[name] else None
                   for name, got in cpu.items()}
            bench.row("%d at a time, CPU a session, %s" %
                      (CONNECTIONS, words), "ms", cpu, subject)
    if not bench.skips("refused"):
        kinds = ("unknown user", "wrong password", "disabled")
        samples = {kind: [] for kind in kinds}
        for _ in range(bench.rounds):
            words = bench.tool("tcp", "refused", stacks["ours"].port, "25")
            for kind, word in zip(kinds, words[1:]):
                samples[kind].append(float(word))
        bench.row("login refused, wall: unknown user", "ms", samples,
                  kinds[0], [(kind, None, None) for kind in kinds[1:]])


def rows_stall(bench, program):
    if shutil.which("tcpserver") is None:
        return
    for count, octets, name in (
            (300, SMALL, "RETR one at a time by TCP, small, wall"),
            (20, 1 << 20, "RETR one at a time by TCP, 1 MiB, wall")):
        if bench.skips(name):
            continue
        box = bench.box(count, octets=octets)
        stacks = {}
        # All on one CPU: waking another one takes longer than the message.
        cpus = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(cpus)})
        try:
            stacks["ours"] = Stack(bench, tcpserver(program, "--preauth",
                                                    box.path))
            stacks["copy"] = Stack(bench, tcpserver(
                os.path.join(bench.tools, "tcp"), "copy", box.path))
            for which, verb in (("ours", "retr"), ("copy", "fetch")):
                bench.tool("tcp", verb, stacks[which].port, box.sums)
            samples = bench.interleave(stacks, lambda which: float(
                bench.tool("tcp", "retr" if which == "ours" else "fetch",
                           stacks[which].port, box.sums)[1]) / 1000 / count)
            bench.row(name, "ms/message", samples,
                      bars=[("copy", 1.5, None)])
        except Wrong as reason:
            bench.complaints.append("%s: %s" % (name, reason))
        finally:
            os.sched_setaffinity(0, cpus)
            for stack in stacks.values():
                stack.stop()


# --- the table ---------------------------------------------------------

def columns(rows):
    """The others, the full servers first."""
    first = ["dovecot", "courier", "qmail"]
    names = []
    for row in rows:
        for name in row.samples:
            if name not in ("ours", "musl", "no sandbox", row.subject) and \
                    name not in names:
                names.append(name)
    return [n for n in first if n in names] + \
        [n for n in names if n not in first]


def table(rows, peers):
    """Lines of the table: a row, its figures, and its bars."""
    servers = [name for name in ("dovecot", "courier", "qmail", *peers)
               if any(name in row.samples for row in rows)]
    servers = list(dict.fromkeys(servers))
    head = ["work", "unit", "ours"] + servers + \
        ["against", "ratio", "at most", "aim", ""]
    lines = [head]
    for row in rows:
        cells = [row.title, row.unit, row.figure(row.subject)]
        for name in servers:
            ratio = row.ratio(name)
            cells.append(row.figure(name) + (
                "" if ratio is None else " (%.2f)" % ratio))
        verdicts = list(row.verdicts()) or [(None,) * 5]
        for number, (against, value, most, aim, word) in enumerate(verdicts):
            if number > 0:
                cells = ["", "", ""] + [""] * len(servers)
            against = "" if most is None and against is None else \
                "itself" if against is None else against
            if against not in servers and against not in ("", "itself") and \
                    row.median(against) is not None:
                against += " " + row.figure(against)
            sign = ">= " if row.more and most is not None else ""
            lines.append(cells + [
                against, "" if against == "" else "n/a" if value is None else
                short(value) if against == "itself" else "%.2f" % value,
                "" if most is None else sign + "%g" % most,
                "" if aim is None else "%g" % aim,
                word or ""])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return ["| " + " | ".join(cell.ljust(width) for cell, width in
                              zip(line, widths)) + " |"
            for line in lines[:1] + [["-" * width for width in widths]] +
            lines[1:]]


def save(rows, path):
    """One line for each row and server, and one for each bar."""
    with open(path, "w", encoding="utf-8") as file:
        print("row", "unit", "subject", "server", "median", "ratio",
              "at_most", "at_least", "aim", "verdict", "rounds", sep="\t",
              file=file)
        for row in rows:
            bars = {against: rest for against, *rest in row.verdicts()}
            for name in list(row.samples) + ([None] if None in bars else []) \
                    + [n for n in bars if n and n not in row.samples]:
                value, most, aim, word = bars.get(name, [row.ratio(name)] +
                                                  [None] * 3)
                got = row.samples.get(name)
                print(row.title, row.unit, row.subject, name or "itself",
                      "" if name is None else
                      "X" if got is None and name in row.samples
                      else "n/a" if got is None else
                      "%g" % row.median(name),
                      "" if value is None else "%.4g" % value,
                      "" if row.more or most is None else most,
                      most if row.more and most is not None else "",
                      "" if aim is None else aim, word or "",
                      ",".join("%g" % one for one in got or []), sep="\t",
                      file=file)


def draw(rows, path, peers):
    """How many times ours the others need, row by row."""
    if shutil.which("gnuplot") is None:
        print("no gnuplot: no picture", file=sys.stderr)
        return
    servers = [name for name in columns(rows) if name in peers]
    rows = [row for row in rows if any(row.ratio(n) for n in servers)]
    if not rows:
        return
    data = ["\t".join(["row"] + servers)]
    for row in rows:
        cells = ['"%s"' % row.title.replace('"', "")]
        for name in servers:
            ratio = row.ratio(name)
            cells.append("NaN" if not ratio else "%g" % (
                ratio if row.more else 1 / ratio))
        data.append("\t".join(cells))
    script = """
set terminal svg size 1100,700 font "sans,12" background "white"
set output %r
set datafile separator "\\t"
set title "maildir-pop3d = 1; above 1: the other takes that many times as much"
set style data histogram
set style histogram cluster gap 1
set style fill solid 0.8 border -1
set logscale y
set grid y
set yrange [0.1:*]
set xtics rotate by -40 nomirror noenhanced
set key top left
set bmargin 14
set rmargin 14
$data << EOD
%s
EOD
plot 1 with lines dashtype 2 linecolor "black" notitle, \\
  for [i=2:%d] $data using i:xtic(1) title columnheader(i)
""" % (path, "\n".join(data), len(servers) + 1)
    subprocess.run(["gnuplot"], input=script, text=True, check=False)


# --- who takes part ----------------------------------------------------

def find_peers(options, work):
    peers = []
    for name, command in (
            (word.partition("=")[0], word.partition("=")[2])
            for word in options.peer):
        words = shlex.split(command)
        if not words:
            sys.exit("--peer=%s: must be NAME=COMMAND" % name)
        if not any("%M" in word for word in words):
            words.append("%M")
        peers.append(Server(name, words,
                            ("lf", "blank") if name == "qmail" else ()))
    dovecot = "/usr/lib/dovecot/pop3"
    if os.access(dovecot, os.X_OK) and shutil.which("doveconf"):
        peers.append(Dovecot(work, dovecot))
    courier = "usr/lib/courier/courier/courierpop3d"
    for root in ["/"] + options.unpacked:
        if os.access(os.path.join(root, courier), os.X_OK):
            peers.append(Courier(work, root, os.path.join(root, courier)))
            break
    return peers


def main():
    parser = argparse.ArgumentParser(prog="t/bench", allow_abbrev=False)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--rows", action="append", default=[])
    parser.add_argument("--out")
    parser.add_argument("--svg")
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--chain", action="append", default=[])
    parser.add_argument("--work", required=True)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--unpacked", action="append", default=[])
    parser.add_argument("--build", action="append", default=[])
    options = parser.parse_args()

    bench = Bench(options)
    programs = dict(word.split("=", 1) for word in options.build)
    ours = {name: Server(name, [path, "--preauth", "%M"])
            for name, path in programs.items()}
    peers = find_peers(options, options.work)
    chains = [(word.partition("=")[0], shlex.split(word.partition("=")[2]))
              for word in options.chain]
    servers = [ours["ours"]] + peers
    began = time.time()

    rows_start(bench, ours, peers)
    rows_visit(bench, servers)
    row_stat(bench, ours["ours"])
    row_delivery(bench, servers)
    rows_large(bench, ours, peers)
    row_small(bench, servers)
    row_calls(bench, ours["ours"])
    row_delete(bench, servers)
    row_memory(bench, servers)
    rows_login(bench, programs, chains)
    rows_stall(bench, programs["ours"])

    names = [peer.name for peer in peers] + [name for name, _ in chains]
    print("medians of %d rounds; in brackets the ratio, ours to theirs; "
          "X: a wrong answer" % bench.rounds)
    print("\n".join(table(bench.rows, names)))
    for program in ("solid-pop3d", "pop3d"):
        if shutil.which(program, path="/usr/sbin"):
            print("not measured:", program, "serves accounts of the system "
                  "alone, and mailutils' writes into the messages")
    for complaint in dict.fromkeys(bench.complaints):
        print("X", complaint)
    print("%d s, %s" % (time.time() - began, " ".join(os.uname()[::2])))
    if options.out:
        save(bench.rows, options.out)
    if options.svg:
        draw(bench.rows, os.path.abspath(options.svg), names)
    wrong = any(row.samples.get(row.subject) is None for row in bench.rows)
    return 1 if wrong else 0


sys.exit(main())
