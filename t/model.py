"""model.py - what a POP3 session over a Maildir must do, in a few words.

Written from src/RULES alone, to be held against the program: it knows nothing
of how that works.  No files, no sockets: model_play.py does those.

Where the rules leave something open, or where another program acts at the
same time, several things may be the case.  So there is not one state of the
world but a list of Worlds; every answer and every look at the disk drops
those that do not fit, and when none is left the program was wrong.

    login(world, key, options)          the worlds in which a session begins
    command(world, key, line, reply)    those in which this is the answer
    update(world, key)                  (what QUIT answers, world) after QUIT
"""

import base64
import hashlib
import itertools
import re

NAME_LIMIT = 255
LINE_LIMIT = 512        # P-4
BAD_LIMIT = 25          # P-10
TRASH = ".Trash/cur"
NO_TRASH = "no .Trash"  # among the options: it cannot be made


class Wrong(Exception):
    """An answer that no rule allows in this world."""


# --- octets ---------------------------------------------------------------

def on_the_wire(stored):
    """P-32: LF without CR before it gets one; so does an unended last line."""
    out = bytearray()
    before = 0
    for octet in stored:
        if octet == 10 and before != 13:
            out.append(13)
        out.append(octet)
        before = octet
    if stored and before != 10:
        out += b"\r\n"
    return bytes(out)


def stuffed(wire):
    """P-33: a dot at the start, and behind every LF, is doubled."""
    if wire.startswith(b"."):
        wire = b"." + wire
    return wire.replace(b"\n.", b"\n..")


def top_of(stored, lines):
    """P-38 to P-40, on the wire, not stuffed."""
    rows = on_the_wire(stored).split(b"\n")
    rows = [row + b"\n" for row in rows[:-1]]
    if b"\r\n" not in rows:
        return b"".join(rows) + b"\r\n"
    end = rows.index(b"\r\n") + 1
    return b"".join(rows[:end + min(lines, len(rows))])


# --- names ----------------------------------------------------------------

def unique_of(name):
    return name.partition(b":")[0]


def base_of(name):
    """P-143: what two names of one message have in common."""
    return re.split(b"[,:]", name, maxsplit=1)[0]


def flags_of(name):
    """The flags; None if there is info of another kind (P-144)."""
    _unique, colon, info = name.partition(b":")
    if not colon:
        return b""
    return info[2:] if info.startswith(b"2,") else None


def with_flag(name, flag):
    """name with the flag in its place; None if its info is another's."""
    flags = flags_of(name)
    if flags is None:
        return None
    if flag not in flags:
        at = next((i for i, f in enumerate(flags) if f > flag[0]), len(flags))
        flags = flags[:at] + flag + flags[at:]
    return unique_of(name) + b":2," + flags


def number_of(unique):
    return int(re.match(b"[0-9]*", unique)[0] or b"0")


ABSURD = 1 << 63


def field(name, letter):
    """P-147: the number of ,S= or ,W=, or None.  Of two the first counts."""
    found = re.search(b"," + letter + b"=([^,]*)", unique_of(name))
    return int(found[1]) if found and re.fullmatch(b"[0-9]+", found[1]) \
        else None


def promised(name, stored, wire):
    """P-31: the sizes that are right by the name alone."""
    width, size = field(name, b"W"), field(name, b"S")
    if size is None or size >= ABSURD:
        believed = width is not None and stored <= width <= 2 * stored + 2
        # Silent: whether a ,W= is believed whose ,S= is absurd.
        return {width} | ({wire} if size else set()) if believed else {wire}
    return {width if width is not None and size <= width <= 2 * size + 2
            else wire}


def hashed(text):
    """P-46."""
    digest = hashlib.sha256(text).digest()
    return b"=" + base64.urlsafe_b64encode(digest).rstrip(b"=")


HASHED = rb"=[A-Za-z0-9_-]{43}"


def plain_uid(unique):
    """P-45, P-46."""
    if re.fullmatch(rb"[\x21-\x7e]{1,70}", unique) and \
            not re.fullmatch(HASHED, unique):
        return unique
    return hashed(unique)


ANY = b"*"


def uids(uniques):
    """P-47: the UIDLs of messages in this order.

    ANY where even the hashed form is taken: there the rule ends.
    """
    taken = {plain_uid(u) for u in uniques}
    seen = {}
    out = []
    for unique in uniques:
        n = seen[unique] = seen.get(unique, 0) + 1
        uid = plain_uid(unique)
        if n > 1:
            name = unique + b"~%d" % n
            uid = next((u for u in (plain_uid(name), hashed(name))
                        if u not in taken), ANY)
            taken.add(uid)
        out.append(uid)
    return out


# --- the world --------------------------------------------------------------

class File:
    """One inode: what other programs may do to it, they do in all worlds."""

    def __init__(self, ident, data, kind="file"):
        self.ident = ident
        self.data = data
        self.kind = kind
        self.readable = True


class Message:
    """A row of the list, as at login."""

    def __init__(self, ident, place, uid):
        self.ident = ident
        self.place = place              # (folder, name)
        self.base = base_of(place[1])
        self.uid = uid


class Visit:
    """A session: what changes is replaced, never changed."""

    def __init__(self, messages, options):
        self.messages = messages
        self.options = options
        self.sizes = (None,) * len(messages)    # once they are fixed
        # Sizes that may have been worked out already, for each message.
        self.maybe = (frozenset(),) * len(messages)
        self.marked = frozenset()
        self.read = frozenset()         # RETR sent them to their end
        self.bad = frozenset([0])       # commands in a row: P-10 lets us guess
        self.over = None                # "quit", "bad": nothing is read now

    def but(self, **changes):
        other = Visit.__new__(Visit)
        other.__dict__.update(self.__dict__)
        other.__dict__.update(changes)
        return other


class World:
    def __init__(self, files):
        self.files = files      # ident -> File, the same in all worlds
        self.tree = {}          # (folder, name) -> ident
        self.rows = {}          # unique name -> idents in the order shown
        self.learnt = frozenset()       # a RETR has told the size cache
        self.visits = {}
        self.pending = None     # what another program is about to do
        self.future = False     # new/ or cur/ has a time soon to come

    def but(self, **changes):
        other = World.__new__(World)
        other.__dict__.update(self.__dict__)
        other.__dict__.update(changes)
        return other

    def with_visit(self, key, **changes):
        return self.but(visits={**self.visits,
                                key: self.visits[key].but(**changes)})

    def state(self):
        """Worlds with equal states are one."""
        visits = tuple((k, v.sizes, v.maybe, v.marked, v.read, v.bad, v.over,
                        tuple((m.ident, m.place, m.uid) for m in v.messages))
                       for k, v in sorted(self.visits.items()))
        return (frozenset(self.tree.items()), self.learnt, visits,
                self.pending is None, self.future,
                tuple(sorted(self.rows.items())))

    def move(self, source, target):
        """Nothing is ever replaced: whether there was anything to move."""
        if source not in self.tree or target in self.tree:
            return None
        tree = dict(self.tree)
        tree[target] = tree.pop(source)
        return self.but(tree=tree)

    def drop(self, *places):
        return self.but(tree={p: i for p, i in self.tree.items()
                              if p not in places})

    def places(self, message):
        """Where the message is now, P-143: by base name and inode."""
        return sorted(p for p, i in self.tree.items()
                      if i == message.ident and p[0] in ("new", "cur")
                      and base_of(p[1]) == message.base)


def distinct(worlds):
    return list({w.state(): w for w in worlds}.values())


# --- login ------------------------------------------------------------------

def _listed(world, options, two_names):
    """unique name -> {ident: place}.

    two_names: what is to become of a file of which one name has T and one
    does not; the rules are silent.
    """
    groups = {}
    hidden = set()
    for place, ident in sorted(world.tree.items()):
        folder, name = place
        if folder not in ("new", "cur") or name.startswith(b".") or \
                world.files[ident].kind != "file":
            continue
        if "--delete=flag" in options and b"T" in (flags_of(name) or b""):
            hidden.add((unique_of(name), ident))
            continue
        groups.setdefault(unique_of(name), {}).setdefault(ident, place)
    for unique, ident in hidden:
        if two_names == "hide" and unique in groups:
            groups[unique].pop(ident, None)
    return {unique: group for unique, group in groups.items() if group}


def _orders(known, idents):
    """P-44: whatever order copies of one name have, it stays."""
    for order in itertools.permutations(sorted(idents)):
        if [i for i in order if i in known] == \
                [i for i in known if i in order]:
            yield order


def login(world, key, options):
    groups = _listed(world, options, "hide")
    yield from _login(world, key, options, groups)
    if groups != (others := _listed(world, options, "show")):
        yield from _login(world, key, options, others)


def _login(world, key, options, groups):
    uniques = sorted(groups, key=lambda u: (number_of(u), u))   # P-49
    ways = [list(_orders(world.rows.get(u, ()), groups[u])) for u in uniques]
    for way in itertools.islice(itertools.product(*ways), 200):
        rows = dict(world.rows)
        names, found = [], []
        for unique, order in zip(uniques, way):
            if len(order) > 1:
                rows[unique] = order
            for ident in order:
                names.append(unique)
                found.append((ident, groups[unique][ident]))
        messages = [Message(ident, place, uid)
                    for (ident, place), uid in zip(found, uids(names))]
        yield world.but(rows=rows, visits={**world.visits,
                                           key: Visit(messages, options)})


# --- sizes --------------------------------------------------------------------

def _candidates(world, visit, n):
    """The sizes that message n (from 0) may have been given by now."""
    if visit.sizes[n] is not None:
        return {visit.sizes[n]}
    message = visit.messages[n]
    file = world.files[message.ident]
    stored, wire = len(file.data), len(on_the_wire(file.data))
    places = world.places(message)
    can = set(visit.maybe[n])
    names = [name for _folder, name in places] or [message.place[1]]
    for name in {*names, message.place[1]}:
        can |= promised(name, stored, wire)
    # Silent: whether the name of one that moved is believed.
    if message.ident in world.learnt or n in visit.read or \
            message.place not in places:
        can.add(wire)
    if not file.readable:
        can |= {stored, wire}
    if not places:              # silent: of something that is not there
        can |= {0, stored, wire}
    return can


def _fix(world, key, sizes):
    return world.with_visit(key, sizes=tuple(sizes))


def _perhaps(world, key):
    """Sizes that may be worked out now, whether or not they are shown."""
    visit = world.visits[key]
    maybe = tuple(old | frozenset(_candidates(world, visit, n))
                  for n, old in enumerate(visit.maybe))
    # What moved may have been read for it, and the cache told.
    moved = {m.ident for m in visit.messages
             if m.place not in world.places(m)}
    return world.but(learnt=world.learnt | moved).with_visit(key, maybe=maybe)


# --- answers ------------------------------------------------------------------

def _status(reply):
    """("+OK" or "-ERR", code, text) of a status line that is well-formed."""
    line = reply.partition(b"\r\n")[0] + b"\r\n"
    found = re.fullmatch(rb"(\+OK|-ERR) (?:\[([A-Z/-]+)\] )?"
                         rb"([\x21-\x5a\x5c-\x7e][\x20-\x5a\x5c-\x7e]*)\r\n",
                         line)
    if found is None or len(line) > 512:
        raise Wrong(f"is no reply: {line[:80]!r} (P-11 to P-13)")
    return found[1], found[2], found[3]


def _ok(reply):
    word, code, text = _status(reply)
    if word != b"+OK" or code is not None:
        raise Wrong("should be +OK")
    return text


def _err(reply, code=None):
    word, got, _text = _status(reply)
    if word != b"-ERR" or got != code or reply.count(b"\r\n") != 1:
        raise Wrong(f"should be -ERR {f'[{code.decode()}]' if code else ''}")


def _exactly(reply, octets):
    if reply != octets:
        raise Wrong(f"should be {octets[:200]!r}")


def _lines(reply):
    """The rows of a multi-line answer."""
    _ok(reply)
    if not reply.endswith(b"\r\n.\r\n"):
        raise Wrong("should end with a dot")
    return reply[:-5].split(b"\r\n")[1:]


def _body(reply):
    _ok(reply)
    return reply.partition(b"\r\n")[2]


# --- commands -------------------------------------------------------------------

ARGUMENTS = {b"CAPA": (0, 0), b"DELE": (1, 1), b"LIST": (0, 1),
             b"NOOP": (0, 0), b"QUIT": (0, 0), b"RETR": (1, 1),
             b"RSET": (0, 0), b"STAT": (0, 0), b"TOP": (2, 2),
             b"UIDL": (0, 1)}


def parse(line):
    """(verb, [number, ...]) of a line with its end, or None (P-1 to P-9)."""
    if len(line) > LINE_LIMIT:
        return None
    line = line[:-1].removesuffix(b"\r")
    if not line or line.startswith(b" ") or \
            any(c < 0x20 or c == 0x7f for c in line):
        return None
    words = [w for w in line.split(b" ") if w]
    verb = words[0].upper()
    low, high = ARGUMENTS.get(verb, (1, 0))
    if not low <= len(words) - 1 <= high or \
            not all(re.fullmatch(b"[0-9]+", w) for w in words[1:]):
        return None
    return verb, [int(w) for w in words[1:]]


def is_long(line):
    """Whether +OK to it is followed by lines and a dot."""
    verb, numbers = parse(line) or (b"", [])
    return verb in (b"CAPA", b"RETR", b"TOP") or \
        (verb in (b"LIST", b"UIDL") and not numbers)


def sends_mail(world, key, line):
    """Whether the answer to line is a message, or its top."""
    visit = world.visits[key]
    verb, numbers = parse(line) or (b"", [])
    if verb not in (b"RETR", b"TOP"):
        return False
    n = numbers[0] - 1
    return 0 <= n < len(visit.messages) and n not in visit.marked and \
        _to_send(world, visit.messages[n]) is not None


def command(world, key, line, reply):
    """The worlds after line was answered so; reply None: nobody saw it."""
    parsed = parse(line)
    visit = world.visits[key]
    if parsed is None:
        if reply is not None:
            _err(reply)
        bad = frozenset(n + 1 for n in visit.bad)
        # In a row of 25: the last -ERR, and the end.
        worlds = []
        if max(bad) >= BAD_LIMIT:
            worlds.append(world.with_visit(key, over="bad"))
        bad = frozenset(n for n in bad if n < BAD_LIMIT)
        if bad:
            worlds.append(world.with_visit(key, bad=bad))
        return worlds
    verb, numbers = parsed
    if numbers:
        n = numbers[0] - 1
        if not 0 <= n < len(visit.messages) or n in visit.marked:
            if reply is not None:
                _err(reply)
            return [world.with_visit(key, bad=visit.bad | {0})]
        numbers[0] = n
    after = _COMMANDS[verb](world, key, reply, *numbers)
    if numbers and reply is not None and reply.startswith(b"-ERR"):
        return [w.with_visit(key, bad=visit.bad | {0}) for w in after]
    return [w.with_visit(key, bad=frozenset([0])) for w in after]


def _there(visit):
    return [n for n in range(len(visit.messages)) if n not in visit.marked]


def _capa(world, key, reply):
    if reply is None:
        return [world]
    expire = [o.partition("=")[2] for o in world.visits[key].options
              if o.startswith("--expire=")]
    want = [b"TOP", b"UIDL", b"RESP-CODES", b"AUTH-RESP-CODE", b"PIPELINING",
            *[b"EXPIRE " + e.encode() for e in expire[-1:]],
            b"IMPLEMENTATION maildir-pop3d"]
    got = [r for r in _lines(reply) if r != b"USER" and r[:5] != b"SASL "]
    if got != want:
        raise Wrong(f"should be {want} (P-70)")
    return [world]


def _noop(world, _key, reply):
    if reply is not None:
        _ok(reply)
    return [world]


def _rset(world, key, reply):
    return _noop(world.with_visit(key, marked=frozenset()), key, reply)


def _dele(world, key, reply, n):
    marked = world.visits[key].marked | {n}
    return _noop(world.with_visit(key, marked=marked), key, reply)


def _stat(world, key, reply):
    visit = world.visits[key]
    if reply is None:
        return [_perhaps(world, key)]
    found = re.fullmatch(rb"\+OK (0|[1-9][0-9]*) (0|[1-9][0-9]*)\r\n", reply)
    there = _there(visit)
    if found is None or int(found[1]) != len(there):
        raise Wrong(f"should be {len(there)} messages (P-28)")
    can = [sorted(_candidates(world, visit, n)) for n in there]
    low = sum(c[0] for c in can)
    worlds = []
    for way in itertools.islice(itertools.product(*can), 3000):
        if sum(way) == int(found[2]):
            sizes = list(visit.sizes)
            for n, size in zip(there, way):
                sizes[n] = size
            worlds.append(_fix(_perhaps(world, key), key, sizes))
    if not worlds:
        raise Wrong(f"should be {low} octets or so (P-28, P-30)")
    return distinct(worlds)


def _sized(world, key, rows):
    """The world in which the sizes are those of rows: {n: size}."""
    visit = world.visits[key]
    sizes = list(visit.sizes)
    for n, size in rows.items():
        can = _candidates(world, visit, n)
        if size not in can:
            raise Wrong(f"the size of {n + 1} should be in {sorted(can)} "
                        "(P-30, P-31)")
        sizes[n] = size
    return [_fix(_perhaps(world, key), key, sizes)]


def _scan(row):
    found = re.fullmatch(rb"([1-9][0-9]*) (0|[1-9][0-9]*)", row)
    if found is None:
        raise Wrong(f"{row!r} is no line of a list (P-29)")
    return int(found[1]) - 1, int(found[2])


def _list(world, key, reply, n=None):
    visit = world.visits[key]
    if reply is None:
        return [_perhaps(world, key)]
    if n is None:
        rows = [_scan(row) for row in _lines(reply)]
        want = _there(visit)
    else:
        if not re.fullmatch(rb"\+OK [0-9]+ [0-9]+\r\n", reply):
            raise Wrong("should be +OK, number and size (P-29)")
        rows, want = [_scan(reply[4:-2])], [n]
    if [m for m, _size in rows] != want:
        raise Wrong(f"should list {[m + 1 for m in want]} (P-29)")
    return _sized(world, key, dict(rows))


def _uidl(world, key, reply, n=None):
    visit = world.visits[key]
    if reply is None:
        return [world]
    rows, want = _lines(reply) if n is None else [reply[4:-2]], _there(visit)
    if n is not None:
        want = [n]
        if not reply.startswith(b"+OK ") or not reply.endswith(b"\r\n"):
            raise Wrong("should be +OK, number and uid (P-44)")
    want = [b"%d %s" % (m + 1, visit.messages[m].uid) for m in want]
    same = len(rows) == len(want) == len(set(rows)) and all(
        row == one or (one.endswith(b" " + ANY) and
                       re.fullmatch(re.escape(one[:-1]) + HASHED, row))
        for row, one in zip(rows, want))
    if not same:
        raise Wrong(f"should be {want} (P-44 to P-49)")
    return [world]


def _to_send(world, message):
    """The file, or why it cannot be sent (P-35, P-143)."""
    file = world.files[message.ident]
    return file if world.places(message) and file.readable else None


def _retr(world, key, reply, n):
    visit = world.visits[key]
    file = _to_send(world, visit.messages[n])
    if file is None:
        if reply is not None:
            _err(reply, b"SYS/TEMP")
        return [world]
    wire = on_the_wire(file.data)
    can = _candidates(world, visit, n) | {len(wire)}
    if reply is not None:
        for word in re.findall(rb"[0-9]+", _ok(reply)):
            if visit.sizes[n] is not None and int(word) != visit.sizes[n]:
                raise Wrong(f"should name {visit.sizes[n]} octets (P-31)")
            if int(word) not in can:
                raise Wrong(f"names {int(word)} octets (P-31)")
        if _body(reply) != stuffed(wire) + b".\r\n":
            raise Wrong(f"should send {stuffed(wire)[:300]!r}, "
                        f"{len(wire)} octets (P-32 to P-34)")
    maybe = list(visit.maybe)
    maybe[n] = frozenset(maybe[n] | can)
    after = world.with_visit(key, read=visit.read | {n}, maybe=tuple(maybe))
    return [after.but(learnt=after.learnt | {visit.messages[n].ident})]


def _top(world, key, reply, n, lines):
    file = _to_send(world, world.visits[key].messages[n])
    if reply is None:
        pass
    elif file is None:
        _err(reply, b"SYS/TEMP")
    elif _body(reply) != stuffed(top_of(file.data, lines)) + b".\r\n":
        raise Wrong(f"should send {stuffed(top_of(file.data, lines))[:300]!r} "
                    "(P-38 to P-40)")
    return [world]


def _quit(world, key, reply):
    worlds = []
    why = Wrong("")
    for good, after in update(world, key):
        try:
            if reply is not None:
                if good:
                    _ok(reply)
                else:
                    _err(reply, b"SYS/TEMP")
            worlds.append(after.with_visit(key, over="quit"))
        except Wrong as wrong:
            why = wrong
    if not worlds:
        raise why
    return distinct(worlds)


_COMMANDS = {b"CAPA": _capa, b"DELE": _dele, b"LIST": _list, b"NOOP": _noop,
             b"QUIT": _quit, b"RETR": _retr, b"RSET": _rset, b"STAT": _stat,
             b"TOP": _top, b"UIDL": _uidl}


# --- UPDATE -----------------------------------------------------------------------

def _unlinked(world, message, _visit, _n):
    return [(True, world.drop(*world.places(message)))]


def _trashed(world, message, visit, _n):
    places = world.places(message)
    if NO_TRASH in visit.options:       # silent: where nothing is to be moved
        return [(False, world)] + ([] if places else [(True, world)])
    for source in places:
        unique, colon, info = source[1].partition(b":")
        marks = (b"", *(b"~%d" % k for k in range(2, 100)))
        names = [unique + mark + colon + info for mark in marks]
        targets = [(TRASH, name) for name in names if len(name) <= NAME_LIMIT]
        after = next((w for t in targets if (w := world.move(source, t))),
                     None)
        if after is None:
            return [(False, world)]
        world = after
    return [(True, world)]


def _flagged(world, message, visit, n):
    """With T; S as well, perhaps, if RETR sent it (P-54)."""
    states = [(True, world)]
    places = world.places(message)
    for source in places:
        names = [with_flag(source[1], b"T")]
        if n in visit.read and names[0] is not None and \
                "--keep-new" not in visit.options:
            names.append(with_flag(names[0], b"S"))
        named = [(good and went, after) for good, w in states
                 for name in names for went, after in _named(w, source, name)]
        # Silent: whether each of two names gets the flag.
        states = named + (states if len(places) > 1 else [])
    return states


def _named(world, source, name):
    """source under that name in cur/: [(whether it could be, world)]."""
    if ("cur", name) == source:
        return [(True, world)]
    if world.tree.get(("cur", name)) == world.tree[source]:
        # Silent: two names of one file, and one of them is what is wanted.
        return [(True, world.drop(source)), (False, world)]
    after = None if name is None or len(name) > NAME_LIMIT else \
        world.move(source, ("cur", name))
    return [(False, world)] if after is None else [(True, after)]


def _removals(worlds, key, marked, how):
    """[(whether all went, those that failed, world)]."""
    states = [(True, frozenset(), w) for w in worlds]
    for n in marked:
        # P-52: whether a folder stood still is not told by such a time.
        states += [(False, failed, w) for _good, failed, w in states
                   if w.future and not w.places(w.visits[key].messages[n])]
        states = [(good and went, failed if went else failed | {n}, after)
                  for good, failed, w in states
                  for went, after in how(w, w.visits[key].messages[n],
                                         w.visits[key], n)]
    return states


def _seen(world, message):
    """P-54: S, and cur/; what cannot be renamed stays."""
    places = world.places(message)
    if not places:
        return [world]
    out = []
    for source in places:
        out += [w for _went, w in
                _named(world, source, with_flag(source[1], b"S"))]
    if message.place not in places:     # silent: it moved meanwhile
        out.append(world)
    return out


def update(world, key):
    """[(whether the answer is +OK, world)]: P-50 to P-54, any order."""
    visit = world.visits[key]
    how = _unlinked
    if "--delete=trash" in visit.options:
        how = _trashed
    elif "--delete=flag" in visit.options:
        how = _flagged
    out = []
    for step in (1, -1):
        for good, failed, after in _removals([world], key,
                                             sorted(visit.marked)[::step],
                                             how):
            worlds = [after]
            if "--keep-new" not in visit.options:
                for n in sorted(visit.read - (visit.marked - failed))[::step]:
                    # Silent: whether one that could not be removed gets S.
                    worlds = [x for w in worlds
                              for x in _seen(w, visit.messages[n])] + \
                        (worlds if n in failed else [])
            out += [(good, w) for w in distinct(worlds)]
    return out
