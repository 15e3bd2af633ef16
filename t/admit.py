"""admit.py - who is let in, whatever fails (S-15, P-61, P-77).

What t/login-faults.t and t/torture.d/fault share: each way to log in, under
tamper.py's harms.  A wrong password is never accepted, and no session follows
it; a right one is accepted, or refused as a fault of ours, "[SYS/TEMP]" or
"[SYS/PERM]", never as the client's, "[AUTH]".

A refusal takes two seconds (P-67), so many are tried side by side.
"""

import concurrent.futures
import hashlib

from tamper import *

AT_ONCE = 32
SALT = b"salt"
# In place of "secret"; the last is what crypt(3) gives where it fails.
WRONG = ("wrong", "secre", "secrets", "Secret", "*0")
STORED = {
    "PLAIN": "{PLAIN}secret",
    "SHA256": "{SHA256}" + b64(hashlib.sha256(b"secret").digest()),
    "SSHA256": "{SSHA256}" + b64(hashlib.sha256(b"secret" + SALT).digest() +
                                 SALT),
    **{name: CRYPT[name] for name in ("sha512", "sha256", "yescrypt",
                                      "bcrypt")},
}
# Nobody's password fits these; "secret" no more than any other.
SHUT = {
    "locked": "!" + CRYPT["sha512"], "empty": "", "failed": "*0",
    "damaged": CRYPT["sha512"][:-1], "unknown-scheme": "{ROT13}frperg",
}
# As sh -c SCRIPT 0 PROGRAM...: a checker; with a stamp the secret is of APOP.
CHECKER = r"""
{ IFS= read -r name; IFS= read -r secret; IFS= read -r stamp; } <<-EOF
$(tr '\0' '\n' <&3)
EOF
exec 3<&-
right=secret
[ -z "$stamp" ] || right=$(printf %ssecret "$stamp" | md5sum)
[ "$name" = alice ] && [ "$secret" = "${right%% *}" ] || exit 1
export USER=alice HOME=/ SHELL=/bin/sh
[ "$(id -u)" != 0 ] ||
    set -- setpriv --reuid=UID --regid=UID --clear-groups "$@"
exec "$@"
""".replace("UID", str(UID))


class Way:
    """name: as it is told.  words: arguments behind those of the shape.
    right: the password, or None if there is none.  ours: what fails below is
    a fault of the program, not of a library's module.  method: "PASS", "PLAIN"
    or "APOP"."""

    def __init__(self, name, shape, words, user="alice", right="secret",
                 ours=True, method="PASS"):
        self.name = f"{name} {method} {shape}"
        self.shape = shape
        self.words = words
        self.user = user
        self.right = right
        self.ours = ours
        self.method = method

    def __str__(self):
        return self.name

    def command(self):
        walls = ["--user=nobody", f"--chroot={EMPTY}"] \
            if self.shape == "root" else []
        return [PROGRAM, *walls, "--allow-plaintext", *self.words]


MAIL = Maildir(message())
STAT = rb"\+OK 1 %d" % len(plain(message()))


def file_way(name, shape, stored, extra="", **keywords):
    """A passwd-file in which bob's record is the one that costs work."""
    users = passwd_file(record("bob", CRYPT["sha256"]),
                        record("alice", stored, extra=extra))
    return Way(f"file {name}", shape, [f"--passwd-file={users}", MAIL.path],
               **keywords)


def file_ways(shape):
    methods = itertools.cycle(("PASS", "PLAIN"))
    for name, stored in STORED.items():
        yield file_way(name, shape, stored, method=next(methods))
    for name, stored in SHUT.items():
        yield file_way(name, shape, stored, right=None, method=next(methods))
    yield file_way("nobody", shape, "{PLAIN}secret", right=None, user="carol")
    yield file_way("nologin", shape, "{PLAIN}secret", "nologin", right=None)
    yield file_way("elsewhere", shape, "{PLAIN}secret",
                   "allow_nets=192.0.2.1", right=None)


def checker_ways(shape):
    for method in ("PASS", "PLAIN", "APOP"):
        yield Way("checker", shape, [
            "--checkpassword", *(["--apop"] if method == "APOP" else []),
            MAIL.path, "sh", "-c", CHECKER, "0"], method=method)


@functools.lru_cache
def _pam_user():
    """A service of pam_unix, and a user of the system with a Maildir."""
    need_way("PAM")
    user, entry = make_user("a", CRYPT["yescrypt"])
    path = f"/etc/pam.d/maildir-pop3d-test-{os.getpid()}"
    atexit.register(lambda: os.unlink(path))
    with open(path, "w") as f:
        f.write("auth required pam_unix.so nodelay\n"
                "account required pam_unix.so\n")
    mail = Maildir(message())
    give_to(mail.path, entry)
    return [f"--pam={os.path.basename(path)}", mail.path], user


def pam_ways():
    words, user = _pam_user()
    for method in ("PASS", "PLAIN"):
        yield Way("pam", "root", words, user=user, ours=False, method=method)


class Attempt:
    """One login.  result: what was said to the password: "OK", "AUTH", "SYS",
    "ERR" (without a code), or "gone"."""

    def __init__(self, way, secret, harm=None, env=None):
        self.way = way
        self.secret = secret
        self.harm = harm
        self.env = env or {}
        self.log_path = self.calls_path = None
        self.result = "gone"

    def prepare(self):
        """In the first thread: it counts paths."""
        self.log_path = new_path("log")
        self.calls_path = new_path("calls")
        return self

    def right(self):
        return self.secret == self.way.right

    def __str__(self):
        return f"{self.way} {self.secret!r}: {self.harm}"

    def run(self):
        ours, its = socket.socketpair()
        words = self.harm.words if self.harm else []
        who = [] if self.way.shape == "root" else ["-u", str(UID)]
        with open(self.log_path, "ab") as log, its:
            process = subprocess.Popen(
                [Tool.path, *who, *words, "-o", self.calls_path,
                 *self.way.command()], stdin=its, stdout=its, stderr=log,
                cwd="/", env={"PATH": os.environ["PATH"], **self.env})
        self.client = Client(ours)
        try:
            with contextlib.suppress(Gone):
                self._talk()
            ours.close()
            process.wait(PATIENCE_ALL)
        except subprocess.TimeoutExpired:
            raise Wrong("the client has gone, and the program has not") \
                from None
        finally:
            process.kill()      # tamper takes what it traces with it
            process.wait()
            ours.close()
        with open(self.log_path, errors="replace") as f:
            self.said = f.read()
        self.calls = Calls(self.calls_path)
        os.unlink(self.log_path)
        os.unlink(self.calls_path)
        self._judge()
        return self

    def _talk(self):
        c = self.client
        greeting = c.line()
        if greeting.startswith(b"-ERR"):
            true(b"[AUTH]" not in greeting, f"greeting: {greeting}")
            raise Gone
        answer = b""
        for command in self._commands(greeting.split()[-1].decode()):
            true(b"[AUTH]" not in answer, f"before the password: {answer}")
            c.send(command.encode() + b"\r\n")
            answer = c.line()
        self.result = self._meaning(answer)
        if self.result == "OK":
            true(self.right(), f"{self.secret!r} was accepted")
        self._behind(c)

    def _commands(self, stamp):
        name, secret = self.way.user, self.secret
        if self.way.method == "PASS":
            return [f"USER {name}", f"PASS {secret}"]
        if self.way.method == "PLAIN":
            return ["AUTH PLAIN " + plain_response(name, secret)]
        digest = hashlib.md5((stamp + secret).encode()).hexdigest()
        return [f"APOP {name} {digest}"]

    @staticmethod
    def _meaning(answer):
        for start, word in ((b"+OK ", "OK"), (b"-ERR [SYS/TEMP] ", "SYS"),
                            (b"-ERR [SYS/PERM] ", "SYS"), (REFUSED, "AUTH"),
                            (b"-ERR [", None), (b"-ERR ", "ERR")):
            if answer.startswith(start):
                true(word, f"another code: {answer}")
                return word
        raise Wrong(f"no answer is this: {answer}")

    def _behind(self, c):
        c.send(b"STAT\r\n")
        if c.answer("STAT", STAT):
            true(self.result == "OK", "a session without +OK to a password")
        c.send(QUIT)
        c.answer("QUIT", rb"\+OK .*")
        c.nothing_more()

    def _judge(self):
        if re.search(r"^login ", self.said, re.M) and not self.right():
            raise Wrong(f"{self.secret!r} was let in, says the log")
        if self.right() and self.result == "AUTH" and self.way.ours and \
           not self._cannot_be_used():
            raise Wrong("a right password is said to be wrong")
        first = self.calls.calls[0][0] if self.calls.calls else None
        for pid, how, number in self.calls.ends:
            if pid == first and (how != "exit" or number not in (0, 100, 111)) \
               and not self._died_in_libc(number):
                raise Wrong(f"ended by {how} {number}: {self.said[-300:]}")

    def _died_in_libc(self, number):
        """getpwnam(3) and the modules behind it end the process where they
        have no memory, or a call of theirs fails: nobody is let in by that."""
        return self.result == "gone" and self.way.shape == "root" and (
            number in (signal.SIGSEGV, signal.SIGABRT) and
            "nomem" in self.said or
            number == signal.SIGABRT and re.search(
                "Assertion [`']|futex facility", self.said))

    def _cannot_be_used(self):
        """P-150, P-151: where crypt(3) fails it does not say why."""
        return "[SYS/PERM] the stored password cannot be used" in self.said


def as_it_is(attempt):
    """Where nothing fails."""
    attempt.run()
    same(attempt.result, "OK" if attempt.right() else "AUTH",
         f"{attempt}: unharmed")
    return attempt.calls


def secrets_of(way):
    """A wrong one, and the right one, or what would be."""
    return [WRONG[len(str(way)) % len(WRONG)], "secret"]


def may_fail(calls):
    """(number, what can be done to it) of each call.  Nothing for close(2): it
    closes whatever it says, and tamper.c would not."""
    return [(n, harms(n, call[1])) for n, call in enumerate(calls.calls, 1)
            if call[1] != "close" and harms(n, call[1])]


def under_harm(way, secret, choose=lambda n, calls, can: can):
    """An attempt for each harm that is chosen of those that call n can have;
    calls are those of a login without harm."""
    calls = as_it_is(Attempt(way, secret).prepare())
    for n, can in may_fail(calls):
        for harm in choose(n, calls, can):
            yield Attempt(way, secret, harm)


def without_memory(way, secret, shim, most, on=False):
    """Attempts of which the nth allocation fails, n from 1 on; on: and all
    behind it."""
    for n in range(1, most):
        how = f"no memory {n}" + (" and on" if on else "")
        yield Attempt(way, secret, Harm(0, how), {
            "LD_PRELOAD": shim, "NOMEM_AT": str(n),
            **({"NOMEM_ALL": "yes"} if on else {})})


def every_way():
    for shape in SHAPES:
        yield from file_ways(shape)
        yield from checker_ways(shape)
    with contextlib.suppress(Skip):     # built without it, or not root
        yield from pam_ways()


def at_random(dice, shim):
    """Attempts of any way, under any harm, without end."""
    first = [Attempt(way, secret).prepare()
             for way in every_way() for secret in secrets_of(way)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        fails = list(map(may_fail, pool.map(as_it_is, first)))
    while True:
        number = dice.randrange(len(first))
        way, secret = first[number].way, first[number].secret
        if secret in WRONG:
            secret = dice.choice(WRONG)
        if dice.random() < 0.05:
            yield dice.choice(list(without_memory(
                way, secret, shim, 60, dice.random() < 0.5)))
        else:
            _, can = dice.choice(fails[number])
            yield Attempt(way, secret, dice.choice(can))


def again(words, shim):
    """The attempts that are told in these words."""
    for way in every_way():
        for secret in (*WRONG, "secret"):
            if words.startswith(f"{way} {secret!r}: "):
                every = itertools.chain(
                    without_memory(way, secret, shim, 60),
                    without_memory(way, secret, shim, 60, True),
                    under_harm(way, secret))
                return [a for a in every if str(a) == words]
    return []


class Campaign:
    """Plays attempts side by side, and counts what came of them."""

    def __init__(self):
        self.counts = {}
        self.wrong = []

    def count(self, name):
        self.counts[name] = self.counts.get(name, 0) + 1

    @staticmethod
    def _one(attempt):
        try:
            attempt.run()
        except Fail as why:
            return attempt, why
        return attempt, None

    def take(self, attempt, why):
        if why is not None:
            self.wrong.append((str(attempt), str(why)))
            return
        harmed = bool(attempt.calls.harmed) or "nomem" in attempt.said
        self.count("harmed" if harmed else "not-reached")
        if harmed:
            kind = "right" if attempt.right() else "wrong"
            self.count(f"{kind}-password-{attempt.result}")

    def run(self, attempts, enough=lambda: False):
        first = concurrent.futures.FIRST_COMPLETED
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            waiting = set()
            for attempt in attempts:
                if enough():
                    break
                waiting.add(pool.submit(self._one, attempt.prepare()))
                if len(waiting) >= 2 * AT_ONCE:
                    ready, waiting = concurrent.futures.wait(
                        waiting, return_when=first)
                    for one in ready:
                        self.take(*one.result())
            for one in waiting:
                self.take(*one.result())
        return self
