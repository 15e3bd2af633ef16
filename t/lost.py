"""lost.py - clients that vanish at a given octet.

In a network namespace of our own.  A Stranger is a TCP of a few lines on a
tun(4) device: it sends its commands in one segment, acknowledges so many
octets of the answers and no more, and is silent from then on, as a host is
whose cable was cut.  So what the other host has is known to the octet, which
the kernel's own TCP cannot be made to do.  Severed is the same with the
kernel's, on a veth(4) pair whose link is set down.
"""

import ctypes
import fcntl
import random
import struct

import pop3
from pop3 import *

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
HERE, THERE = "10.99.0.1", "10.99.0.2"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
PATIENT = 240   # seconds for what takes 33: 30 of hand-over, 2 of lingering

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def alone():
    """From here on in a network namespace of our own; Skip if it cannot be.

    It goes with the process.
    """
    if not ROOT:
        raise Skip("only root makes network namespaces")
    need("ip")
    try:
        _call("unshare", CLONE_NEWNET)
    except OSError as why:
        raise Skip(f"no network namespaces: {why}") from None
    ip("link", "set", "lo", "up")


# --- a TCP that can stop at any octet ------------------------------------------

def _sum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Tun:
    def __init__(self):
        try:
            self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK |
                              os.O_CLOEXEC)
            fcntl.ioctl(self.fd, TUNSETIFF,
                        struct.pack("16sH22x", b"stranger0",
                                    IFF_TUN | IFF_NO_PI))
        except OSError as why:
            raise Skip(f"no tun device: {why}") from None
        ip("addr", "add", f"{HERE}/24", "dev", "stranger0")
        ip("link", "set", "stranger0", "up")
        self.strangers = {}
        self.port = 20000
        self.listener = socket.create_server((HERE, 0), backlog=1000)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 << 20)
        self.listener.settimeout(PATIENT)

    def send(self, port, seq, ack, flags, data=b"", options=b""):
        head = struct.pack("!HHIIBBHHH", port, self.listener.getsockname()[1],
                           seq % 2**32, ack % 2**32,
                           (20 + len(options)) // 4 << 4, flags, 65000, 0, 0)
        segment = head + options + data
        ends = socket.inet_aton(THERE) + socket.inet_aton(HERE)
        check = _sum(ends + struct.pack("!HH", 6, len(segment)) + segment)
        segment = segment[:16] + struct.pack("!H", check) + segment[18:]
        packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0,
                             64, 6, 0) + ends
        packet = packet[:10] + struct.pack("!H", _sum(packet)) + packet[12:]
        os.write(self.fd, packet + segment)

    def serve(self, wait):
        """Hands the segments that have come to their strangers."""
        if not select.select([self.fd], [], [], wait)[0]:
            return
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = os.read(self.fd, 65536)
                head = (packet[0] & 15) * 4
                if packet[0] >> 4 != 4 or packet[9] != 6:
                    continue
                port, = struct.unpack("!H", packet[head + 2:head + 4])
                if port in self.strangers:
                    self.strangers[port].hear(packet[head:])


class Stranger:
    """One connection, and the program at the other end of it.

    take    octets of the answers to acknowledge; None for all
    then    what comes after the last of them: "silence", "reset" or "close"
    """

    def __init__(self, tun, maildir, commands, take, *options,
                 then="silence"):
        self.tun = tun
        self.maildir = maildir
        self.commands = commands
        self.take = take
        self.then = then
        tun.port = tun.port + 1 if tun.port < 60000 else 20000
        self.port = tun.port
        self.first = random.randrange(1 << 31)
        self.next = self.first + 1
        self.start = None               # their first sequence number
        self.pieces = {}
        self.got = b""                  # from the first octet on
        self.acked = 0
        self.gone = False
        tun.strangers[self.port] = self
        tun.send(self.port, self.first, 0, SYN, options=b"\2\4\5\xb4")
        end = time.monotonic() + PATIENCE * 4
        while self.start is None:
            true(time.monotonic() < end, "no SYN-ACK came")
            tun.serve(1)
        connection = tun.listener.accept()[0]
        self.log_path = new_path("log")
        with connection, open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [pop3.PROGRAM, "--preauth", *options, maildir.path],
                stdin=connection, stdout=connection, stderr=log,
                env={"PATH": os.environ["PATH"]}, preexec_fn=plain_signals,
                cwd="/", **as_owner())
        running.append(self)

    def hear(self, segment):
        if self.gone:
            return
        seq, _ack, offset, flags = struct.unpack("!IIBB", segment[4:14])
        data = segment[(offset >> 4) * 4:]
        if flags & SYN:
            self.start = seq + 1
            self.say(PSH | ACK, self.commands)
            return
        if self.start is None or flags & RST:
            return
        at = (seq - self.start) % 2**32
        if data:
            self.pieces[at] = max(data, self.pieces.get(at, b""), key=len)
        while True:
            more = [at for at in self.pieces if at <= len(self.got)]
            if not more:
                break
            piece = self.pieces.pop(more[0])
            self.got += piece[len(self.got) - more[0]:]
        limit = len(self.got) if self.take is None else self.take
        acked = min(limit, len(self.got))
        end = 1 if flags & FIN and at + len(data) <= acked else 0
        if acked > self.acked or end:
            self.acked = acked
            self.say(ACK, extra=end)
            if end:
                self.say(FIN | ACK, extra=1)
        if self.take is not None and len(self.got) >= self.take:
            self.vanish()

    def say(self, flags, data=b"", extra=0):
        self.tun.send(self.port, self.next, self.start + self.acked + extra,
                      flags, data)
        self.next += len(data)

    def vanish(self):
        self.gone = True
        if self.then == "reset":
            self.say(RST | ACK)
        elif self.then == "close":
            self.say(FIN | ACK)

    # For pop3.check: what runs, what it said.

    def log_text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def finish(tun, strangers):
    """Until all programs have ended."""
    end = time.monotonic() + PATIENT
    while any(s.process.poll() is None for s in strangers):
        true(time.monotonic() < end, "some program does not end")
        tun.serve(0.2)
    for s in strangers:
        same(s.process.returncode, 0, "exit status")


def mailbox(sizes, seed=0):
    r = random.Random(seed)
    line = b"0123456789.abcdefghijklmnopqrstuvwxyz\n.dots\n"
    return Maildir(*[b"Subject: %d\n\n" % r.randrange(10 ** 6) +
                     (line * (size // len(line) + 1))[:size] + b"\n"
                     for size in sizes])


class Plan:
    """A batch of connections, one for each octet at which to vanish."""

    def __init__(self, tun, sizes, commands, *options):
        self.tun = tun
        self.sizes = sizes
        self.commands = commands
        self.options = options
        self.strangers = []
        probe = self.connect(None)
        finish(tun, [probe])
        self.stream = probe.got
        true(self.stream.endswith(b"+OK bye\r\n"), f"{self.stream[-90:]!r}")
        self.after = probe.maildir.names()      # when all went well
        self.before = mailbox(sizes).names()
        self.mark = self.end_of_mail()
        running.remove(probe)

    def end_of_mail(self):
        """Behind the last octet of the last answer to RETR or TOP."""
        at, mark = self.stream.index(b"\n") + 1, 0
        for command in self.commands.split():
            if command not in (b"RETR", b"TOP", b"LIST", b"UIDL", b"DELE",
                               b"NOOP", b"RSET", b"STAT", b"QUIT"):
                continue        # an argument
            long = command in (b"RETR", b"TOP", b"LIST", b"UIDL")
            end = b"\r\n.\r\n" if long else b"\r\n"
            at = self.stream.index(end, at) + len(end)
            if command in (b"RETR", b"TOP"):
                mark = at
        return mark

    def connect(self, take, then="silence"):
        return Stranger(self.tun, mailbox(self.sizes), self.commands, take,
                        *self.options, then=then)

    def edges(self):
        """The offsets that are most likely to be taken for others."""
        ends = [m.end() for m in re.finditer(b"\r\n", self.stream)]
        near = {0, 1, len(self.stream) - 1, len(self.stream), self.mark,
                *range(self.mark - 6, self.mark + 3), *ends[:3], *ends[-3:]}
        return sorted(n for n in near if 0 <= n <= len(self.stream))

    def vanish(self, takes, then="silence"):
        self.strangers += [self.connect(take, then) for take in takes]

    def wrong(self):
        """What was removed, or flagged, that must not be; or not removed."""
        for s in self.strangers:
            names = s.maildir.names()
            where = f"{self.commands!r} {self.options}: vanished behind " \
                f"octet {s.take} of {len(self.stream)}, the mail ends at " \
                f"{self.mark}, by {s.then}: "
            if s.take < self.mark and names != self.before:
                yield f"{where}LOST, left are {names}; {s.log_text()}"
            elif s.take >= self.mark and s.then == "silence" and \
                    names != self.after:
                yield f"{where}not removed, left are {names}; {s.log_text()}"
            elif names not in (self.before, self.after):
                yield f"{where}a part was removed, left are {names}"


# --- two kernels and a link that goes down --------------------------------------

class Cable:
    """A veth pair from our namespace to another one."""

    def __init__(self):
        ours = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _call("unshare", CLONE_NEWNET)
        self.there = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        holder = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        _call("setns", ours, CLONE_NEWNET)
        self.ours = ours
        ip("link", "add", "near", "type", "veth", "peer", "name", "far",
           "netns", str(holder.pid))
        ip("addr", "add", "10.98.0.1/24", "dev", "near")
        ip("link", "set", "near", "up")
        with self.beyond():
            ip("addr", "add", "10.98.0.2/24", "dev", "far")
            ip("link", "set", "far", "up")
        holder.stdin.close()
        holder.wait()
        self.listener = socket.create_server(("10.98.0.1", 0), backlog=100)
        # So much that QUIT is read while all of the mail is under way.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 << 20)

    @contextlib.contextmanager
    def beyond(self):
        _call("setns", self.there, CLONE_NEWNET)
        try:
            yield
        finally:
            _call("setns", self.ours, CLONE_NEWNET)

    def connect(self):
        with self.beyond():
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(PATIENT)
        s.connect(self.listener.getsockname())
        return s

    def cut(self):
        ip("link", "set", "near", "down")

    def end(self):
        """There may be another of these names afterwards."""
        ip("link", "del", "near")
        self.listener.close()
        os.close(self.there)
        os.close(self.ours)


class Far:
    """A client beyond the cable that reads so much, and is then cut off."""

    def __init__(self, cable, size, read):
        self.maildir = Maildir(message(size))
        self.client = cable.connect()
        connection = cable.listener.accept()[0]
        self.log_path = new_path("log")
        with connection, open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [pop3.PROGRAM, "--preauth", self.maildir.path],
                stdin=connection, stdout=connection, stderr=log,
                env={"PATH": os.environ["PATH"]}, preexec_fn=plain_signals,
                cwd="/", **as_owner())
        running.append(self)
        self.client.sendall(b"RETR 1\r\nDELE 1\r\nQUIT\r\n")
        self.got = b""
        while len(self.got) < read:
            piece = self.client.recv(read - len(self.got))
            if not piece:
                break
            self.got += piece

    log_text = Stranger.log_text
    end = Stranger.end

    def rest(self):
        """What the other kernel has got, but no more will come."""
        self.client.setblocking(False)
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while piece := self.client.recv(65536):
                self.got += piece
        self.client.close()


class Severed:
    """Fars that are cut off all at once, each behind octets of its own."""

    def __init__(self, count, seed):
        r = random.Random(seed)
        self.cable = cable = Cable()
        self.fars = []
        for n in range(count):
            size = r.choice((3000, 20000, 200000, 500000))
            read = size + 200 if n % 3 == 0 else r.choice(
                (0, 1, r.randrange(size), r.randrange(size)))
            self.fars.append(Far(cable, size, read))
        cable.cut()

    def wrong(self):
        """Once all have ended; and how many kept their mail, and lost it."""
        self.kept = self.removed = 0
        for far in self.fars:
            far.rest()
            if far.maildir.names():
                self.kept += 1
                continue
            self.removed += 1
            if b"\r\n.\r\n" not in far.got:
                yield f"LOST: {len(far.got)} octets came of mail that is " \
                    f"gone; {far.log_text()}"
        self.cable.end()
