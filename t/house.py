"""The house rules a machine can check.

Wings include headers of themselves and of the wings below, never of one
above or beside; a rule number cited anywhere stands in src/RULES, once; and
each rule of which src/CLAIMS speaks has tests and a mutation that are there.
"""

import pathlib
import re
import sys

BELOW = {
    "": {"", "protocol", "admin", "login", "mail", "wire", "base"},
    "protocol": {"config", "protocol", "login", "mail", "wire", "base"},
    "admin": {"config", "admin", "login", "mail", "wire", "base"},
    "login": {"login", "base"},
    "mail": {"mail", "base"},
    "wire": {"wire", "base"},
    "base": {"base"},
}
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
CITED = re.compile(r"\b(P-(?!256\b)\d+|S-\d+)\b")  # P-256 is a curve


def wing(path):
    """protocol for protocol/cmd.h, config for config.h."""
    return path.split("/")[0] if "/" in path else path.removesuffix(".h")


def wrong_includes(src):
    for file in sorted(src.rglob("*.[ch]")):
        name = str(file.relative_to(src))
        own = name.split("/")[0] if "/" in name else ""
        for included in INCLUDE.findall(file.read_text()):
            allowed = BELOW[own] | ({"config"} if own == "" else set())
            if wing(included) not in allowed and name != "config.c":
                yield f"{name} must not include {included}"


def wrong_citations(top):
    rules = re.findall(r"^([PS]-\d+)\b", (top / "src/RULES").read_text(), re.M)
    for rule in sorted(set(rules)):
        if rules.count(rule) != 1:
            yield f"src/RULES has {rule} {rules.count(rule)} times"
    for folder in ("src", "t", "man"):
        for file in sorted((top / folder).rglob("*")):
            if not file.is_file() or file.suffix == ".pyc":
                continue
            text = file.read_text(errors="replace")
            for rule in sorted(set(CITED.findall(text)) - set(rules)):
                yield f"{file.relative_to(top)} cites {rule}: not in src/RULES"


# A breach of one of these loses mail, lets somebody in or tells a lie.
PROVED = [f"S-{n}" for n in range(1, 18)] + [
    f"P-{n}" for n in (*range(22, 27), *range(30, 37), *range(50, 56))]
CLAIM = re.compile(r"^([PS]-\d+) .*\n +seen by +([^:]*?)\n"
                   r" +tried with +([^:]*?)\n(?:\n|\Z)", re.M)


def wrong_claims(top):
    claims = {rule: (seen.split(), tried.split()) for rule, seen, tried
              in CLAIM.findall((top / "src/CLAIMS").read_text())}
    tried = {name for _, names in claims.values() for name in names}
    made = {path.name for path in (top / "t/mutations").iterdir()}
    for rule in sorted(set(PROVED) - set(claims)):
        yield f"src/CLAIMS says nothing of {rule}"
    for name in sorted(tried ^ made):
        yield f"mutation {name}: in src/CLAIMS or in t/mutations, not in both"
    for rule, (seen, names) in claims.items():
        for name in seen:
            if not (top / name).is_file():
                yield f"src/CLAIMS: {rule} is seen by {name}: not there"
        if not any(name.startswith(rule + "-") for name in names):
            yield f"src/CLAIMS: {rule} was tried with nothing of its own"


def main():
    top = pathlib.Path(sys.argv[1])
    found = [*wrong_includes(top / "src"), *wrong_citations(top),
             *wrong_claims(top)]
    print("\n".join(found))
    return 1 if found else 0


sys.exit(main())
