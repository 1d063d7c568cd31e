"""
Changes documents after their encryption: `python -m tests.injector.sops.mutations COUNT`.

What the real `sops` refuses, we refuse; what both read, both print alike.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from injector.sops.errors import SopsError
from tests.injector.sops import fuzz, generated
from tests.injector.sops.oracle import Oracle, each, x25519

if TYPE_CHECKING:
    from random import Random

    from injector.sops.tree import Format

_VALUE: Final = re.compile(rb"ENC\[[^\]]*\]")
_METADATA: Final = re.compile(rb'(?m)^(?:sops:|sops_|\[sops\]|\t"sops": )')
SOURCES: Final[dict[Format, bytes]] = {
    "yaml": b"""\
# about a
a: first
b: second
number: 12
list: [one, two, {k: v}]
deep:
  # inside
  a: first
  c: {d: third}
empty: ""
plain_unencrypted: shown
e_unencrypted:
  # above
  - | # text
    two
    lines
  # below
---
a: another
""",
    "json": b'{"a": "x", "b": {"c": [1, 2.5, true, null, ""]}, "d_unencrypted": {"e": ["y", 1]}}',
    "dotenv": b"# note\nA=x\nB=two\\nlines\nC_unencrypted=z\n#\nD=\n",
    "ini": b"; note\n[one]\na = x\n# more\nb = y\nc_unencrypted = z ; behind\n[two]\na = `#`\n",
    "binary": b"\x00\xff text",
}


def flip(random: Random, document: bytes) -> bytes:
    """Change a bit of a value."""
    match = random.choice(list(_VALUE.finditer(document)))
    at = random.randrange(match.start(), match.end())
    return document[:at] + bytes([document[at] ^ 1 << random.randrange(6)]) + document[at + 1 :]


def swap(random: Random, document: bytes) -> bytes:
    """Exchange two values."""
    one, other = sorted(random.sample(list(_VALUE.finditer(document)), 2), key=lambda m: m.start())
    parts = document[: one.start()], document[one.end() : other.start()], document[other.end() :]
    return parts[0] + other[0] + parts[1] + one[0] + parts[2]


def _lines(document: bytes) -> tuple[list[bytes], bytes]:
    match = _METADATA.search(document)
    at = match.start() if match else len(document)
    return document[:at].splitlines(keepends=True), document[at:]


def remove(random: Random, document: bytes) -> bytes:
    """Remove a line of the content."""
    lines, rest = _lines(document)
    del lines[random.randrange(len(lines))]
    return b"".join(lines) + rest


def move(random: Random, document: bytes) -> bytes:
    """Move a line of the content."""
    lines, rest = _lines(document)
    line = lines.pop(random.randrange(len(lines)))
    lines.insert(random.randrange(len(lines) + 1), line)
    return b"".join(lines) + rest


def repeat(random: Random, document: bytes) -> bytes:
    """Write a line of the content once more, somewhere."""
    lines, rest = _lines(document)
    lines.insert(random.randrange(len(lines) + 1), random.choice(lines))
    return b"".join(lines) + rest


def truncate(random: Random, document: bytes) -> bytes:
    """Keep the beginning."""
    return document[: random.randrange(len(document))]


def splice(random: Random, document: bytes) -> bytes:
    """Write a mark of some format anywhere in the content."""
    lines, rest = _lines(document)
    content = b"".join(lines)
    at = random.randrange(len(content) + 1)
    return content[:at] + random.choice(fuzz.SPLICES) + content[at:] + rest


KINDS: Final = (flip, swap, remove, move, repeat, truncate, splice, fuzz.mutate)


def outcome(oracle: Oracle, document: bytes, name: Format, seed: int) -> str:
    """Change a document, and say what both make of it."""
    mutated = KINDS[seed % len(KINDS)](generated.seeded(seed), document)
    try:
        ours = oracle.opened(mutated, name).text().reveal()
    except SopsError:
        return "refused"
    theirs = oracle.decrypt(mutated, name)
    if theirs is None:
        return "read, and sops refuses"
    return "read alike" if ours == theirs else "read otherwise"


def outcomes(oracle: Oracle, name: Format, seeds: range) -> dict[int, str]:
    """Change one document of a format in many ways."""
    document = oracle.encrypt(SOURCES[name], name)
    found = each(lambda seed: outcome(oracle, document, name, seed), seeds)
    return dict(zip(seeds, found, strict=True))


def main() -> None:
    """Mutate so many documents of each format, and tell what came out."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    oracle = Oracle(Path(tempfile.mkdtemp(prefix="mutations-sops-")), x25519())
    for name in SOURCES:
        found = outcomes(oracle, name, range(count))
        sys.stdout.write(f"{name}: {dict(Counter(found.values()))}\n")
        for seed, what in found.items():
            if what not in {"refused", "read alike"}:
                sys.stdout.write(f"  {seed} {KINDS[seed % len(KINDS)].__name__}: {what}\n")


if __name__ == "__main__":
    main()
