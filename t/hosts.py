"""hosts.py - several hosts over one directory, HAProxy in front: what the test
with two and the long one with more share.

Each host is a network namespace with tcpserver in it; one more has HAProxy, by
the file in src/launch, and the clients (hosts-client.py).  A link can be cut:
then nothing passes, and nobody is told.
"""

import importlib.util
import json

from login import *

HERE = os.environ["T"]
FILE = os.path.join(os.path.dirname(HERE), "src/launch/haproxy-many.cfg")
LONG = 300      # seconds, for what waits for many sessions on a busy machine

_spec = importlib.util.spec_from_file_location(
    "client", os.path.join(HERE, "hosts-client.py"))
client = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(client)


class Net:
    """A network namespace."""

    def __init__(self):
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-ec", "echo ready; exec sleep 3600"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            raise Skip(f"no namespaces: {self.holder.stderr.read()}")
        self.id = os.readlink(f"/proc/{self.holder.pid}/ns/net")
        self.ip("link set lo up")

    def inside(self, *command):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--",
                *command]

    def ip(self, words):
        run = subprocess.run(self.inside("ip", *words.split()), text=True,
                             capture_output=True, check=False)
        true(run.returncode == 0, f"ip {words}: {run.stderr}")

    def start(self, *command, **more):
        return subprocess.Popen(self.inside(*command),
                                stdin=subprocess.DEVNULL,
                                preexec_fn=plain_signals, **more)

    def processes(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if (os.readlink(f"/proc/{pid}/ns/net") == self.id and
                        int(pid) != self.holder.pid):
                    found.append(int(pid))
        return found

    def end(self):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.holder.kill()
        self.holder.wait()


class Host:
    """One that serves; link is the other end's name."""

    def __init__(self, front, number, users, mail, *options):
        self.net = Net()
        self.front = front
        self.link = f"h{number}"
        self.name = chr(ord("a") + number)
        self.address = f"10.9.{number}.2"
        front.ip(f"link add {self.link} type veth peer name net0 netns "
                 f"{self.net.holder.pid}")
        front.ip(f"addr add 10.9.{number}.1/24 dev {self.link}")
        front.ip(f"link set {self.link} up")
        self.net.ip(f"addr add {self.address}/24 dev net0")
        self.net.ip("link set net0 up")
        self.log_path = new_path("log")
        with open(self.log_path, "wb") as log:
            self.listener = self.net.start(
                "tcpserver", "-RHl0", "-c", "200", "-u", str(UID), "-g",
                str(UID), self.address, "1110", PROGRAM, "--proxy-protocol",
                "--allow-plaintext", f"--passwd-file={users}", *options,
                f"{mail}/%n", stderr=log,
                env={"PATH": os.environ["PATH"]}, cwd="/")

    def cut(self):
        self.front.ip(f"link set {self.link} down")

    def lines(self, word):
        with open(self.log_path) as f:
            return [fields(line) for line in f if line.startswith(word + " ")]

    def sessions(self):
        """The pids of the program here."""
        return [p for p in self.net.processes() if p != self.listener.pid]


class Rig:
    """count hosts, names users with so many messages each."""

    def __init__(self, count, names, messages, *options):
        need_root()
        need("unshare", "nsenter", "ip", "haproxy", "tcpserver")
        self.nets = []
        try:
            self._start(count, names, messages, options)
        except BaseException:
            self.end()
            raise

    def _start(self, count, names, messages, options):
        self.names = names
        self.mail = new_path("mail")
        os.mkdir(self.mail)
        for name in names:
            self._mailbox(name, messages)
        users = passwd_file(*[record(n) for n in names])
        self.front = Net()
        self.nets.append(self.front)
        self.hosts = []
        for i in range(count):
            self.hosts.append(Host(self.front, i, users, self.mail, *options))
            self.nets.append(self.hosts[-1].net)
        self.haproxy = self.front.start("haproxy", "-db", "-f",
                                        self._config(),
                                        stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        until(lambda: all(self.state(h) == "UP" for h in self.hosts),
              "all hosts are up", LONG)

    def _mailbox(self, name, messages):
        box = f"{self.mail}/{name}"
        for sub in ("", "/tmp", "/new", "/cur"):
            os.mkdir(box + sub, 0o700)
            give(box + sub)
        for n in range(messages):
            sub, info = ("cur", ":2,") if n % 2 else ("new", "")
            path = f"{box}/{sub}/{client.unique(name, n)}{info}"
            with open(path, "wb") as f:
                f.write(client.body(name, n))
            give(path)

    def _config(self):
        """The file as it is, but for addresses, paths and how often it
        looks."""
        with open(FILE) as f:
            config = f.read()
        need("openssl")
        pem = new_path("pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048",
                        "-nodes", "-keyout", pem, "-out", pem + ".crt",
                        "-subj", "/CN=localhost", "-days", "1"], check=True,
                       capture_output=True)
        with open(pem, "a") as out, open(pem + ".crt") as crt:
            out.write(crt.read())
        self.control = new_path("control")
        servers = "".join(f"\tserver {h.name} {h.address}:1110\n"
                          for h in self.hosts)
        for old, new in ((":::995 v4v6", "127.0.0.1:995"),
                         (":::110 v4v6", "127.0.0.1:110"),
                         ("/etc/ssl/private/pop3.pem", pem),
                         ("/run/haproxy/admin.sock mode",
                          self.control + " mode"),
                         ("inter 2s fastinter 1s",
                          "inter 500ms fastinter 200ms"),
                         ("\tserver a 192.0.2.11:1110\n"
                          "\tserver b 192.0.2.12:1110\n", servers)):
            true(old in config, f"{old} in the file")
            config = config.replace(old, new)
        path = new_path("haproxy")
        with open(path, "w") as f:
            f.write(config)
        return path

    # --- HAProxy ---

    def order(self, text):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.control)
            s.sendall(text.encode() + b"\n")
            answer = b""
            while piece := s.recv(65536):
                answer += piece
        return answer.decode()

    def state(self, host):
        """UP, DOWN, DRAIN ...; None: it does not answer yet."""
        with contextlib.suppress(OSError):
            for line in self.order("show stat").splitlines():
                part = line.split(",")
                if part[:2] == ["pop3", host.name]:
                    return part[17].split()[0]
        return None

    # --- clients ---

    def clients(self, **job):
        job = {"address": "127.0.0.1", "port": 110, "users": self.names,
               "hold": []} | job
        return Clients(self.front, job)

    def left(self):
        """{(user, n)} of what is in the Maildirs."""
        return {(name, int(file.split(".M")[1].split("P")[0]))
                for name in self.names for sub in ("new", "cur")
                for file in os.listdir(f"{self.mail}/{name}/{sub}")}

    def end(self):
        for net in self.nets:
            net.end()


class Clients:
    """They run; what they tell is in events."""

    def __init__(self, net, job):
        self.events = []
        self.process = subprocess.Popen(
            net.inside(sys.executable,
                       os.path.join(HERE, "hosts-client.py")),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.close()

    def read(self):
        """The next event, or None at the end."""
        line = self.process.stdout.readline()
        if not line:
            same(self.process.wait(), 0, "the clients' exit")
            return None
        self.events.append(json.loads(line))
        user, event, what = self.events[-1]
        true(event != "wrong", f"{user}: {what}")
        return self.events[-1]

    def until(self, holds):
        while not holds():
            true(self.read() is not None, "the clients ended before that")

    def all(self):
        while self.read() is not None:
            pass

    def said(self, event):
        return [(user, what) for user, e, what in self.events if e == event]


def numbers(said):
    """{(user, n)} of events that have a list."""
    return {(user, n) for user, what in said for n in what}


def cut_in_the_middle(count, users, messages, hold=4):
    """The story; returns the rig's figures."""
    names = [f"user{i}" for i in range(users)]
    rig = Rig(count, names, messages)
    try:
        everything = rig.left()
        same(len(everything), users * messages, "messages at the start")
        clients = rig.clients(hold=names[:hold])
        clients.until(lambda: len(clients.said("holding")) == hold and
                      len(clients.said("got")) > users * messages // 4)
        # Where the first of those that hold a session is.
        who = clients.said("holding")[0][0]
        at = next(h for h in rig.hosts
                  if who in [n["user"] for n in h.lines("login")])
        others = [h for h in rig.hosts if h is not at]
        before = {h: len(h.lines("login")) for h in others}
        at.cut()
        # The others that hold are on hosts that stay: their sessions end
        # when all else is done.
        clients.until(lambda: any(u == who for u, _ in clients.said("broken")))
        same(rig.state(at), "DOWN", "the host that was cut off")
        marked = next(n for u, n in clients.said("holding") if u == who)
        # Nobody has said QUIT there: it is all still to be had.
        for other, _ in clients.said("holding"):
            if other in [n["user"] for n in at.lines("login")]:
                clients.until(lambda o=other: any(
                    u == o for u, _ in clients.said("broken")))
        clients.until(lambda: any(u == who for u, _ in clients.said("empty")))
        same([n for u, n in clients.said("got") if u == who].count(marked[0]),
             2, "how often the message came whose session was cut off")
        # Those on hosts that stay wait; a signal ends them, deleting nothing.
        for h in others:
            for pid in h.sessions():
                if holding(h, pid, clients):
                    end_session(pid)
        clients.all()
        same(sorted(u for u, _ in clients.said("empty")), sorted(names),
             "users who have all their mail")
        # Nothing lost, and nothing deleted unasked.
        got = {(u, n) for u, n in clients.said("got")}
        asked = numbers(clients.said("asked"))
        gone = everything - rig.left()
        same(sorted(everything - got), [], "lost")
        same(sorted(gone - asked), [], "deleted without QUIT")
        same(sorted(numbers(clients.said("done")) - gone), [],
             "said to be deleted, and still there")
        true(all(len(h.lines("login")) > before[h] for h in others),
             "all hosts that were left took clients over")
        # What still sits in the host that was cut off deletes nothing.
        for pid in at.sessions():
            end_session(pid)
        until(lambda: not at.sessions(), "the end of the sessions cut off")
        for line in at.lines("session"):
            if line["end"] != "quit":
                true(line["del"].startswith("0/"), f"{line}")
        return {"sessions": len(clients.said("in")),
                "messages": len(got), "broken": len(clients.said("broken"))}
    finally:
        rig.end()


def end_session(pid):
    with contextlib.suppress(ProcessLookupError):   # it was about to go
        os.kill(pid, signal.SIGTERM)


def holding(host, pid, clients):
    """Whether that session is one of those that only wait."""
    waiting = {u for u, _ in clients.said("holding")} - {
        u for u, _ in clients.said("broken")}
    return any(n["pid"] == str(pid) and n["user"] in waiting
               for n in host.lines("login"))


def rate(count, users, seconds):
    """Sessions per second: login, UIDL, RETR 1, QUIT, by way of HAProxy."""
    names = [f"user{i}" for i in range(users)]
    rig = Rig(count, names, 10)
    try:
        clients = rig.clients(seconds=seconds)
        clients.all()
        return sum(n for _, n in clients.said("sessions")) / seconds
    finally:
        rig.end()
