"""The client of t/try: lists, fetches, deletes, and shows each line."""

import poplib
import sys


class Shown(poplib.POP3):
    def _putline(self, line):
        print("  C:", line.decode("latin-1"))
        super()._putline(line)

    def _getline(self):
        line, octets = super()._getline()
        print("  S:", line.decode("latin-1"))
        return line, octets


def main(port):
    pop = Shown("127.0.0.1", port, timeout=30)
    count, octets = pop.stat()
    listed = {int(n): int(size) for n, size in
              (line.split() for line in pop.list()[1])}
    uidls = pop.uidl()[1]
    lines = pop.retr(1)[1]
    pop.dele(1)
    pop.quit()
    sent = sum(len(line) + 2 for line in lines)
    assert count == len(listed) == len(uidls) == 3, "three messages"
    assert octets == sum(listed.values()), "STAT and LIST agree"
    assert sent == listed[1], "LIST says what RETR sends"
    assert b".a line that begins with a dot" in lines, "dots arrive"

    pop = Shown("127.0.0.1", port, timeout=30)
    assert pop.stat()[0] == 2, "one message is gone"
    pop.quit()


main(int(sys.argv[1]))
