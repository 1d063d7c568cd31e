"""
Compares our text with that of the real `sops`: `python -m tests.injector.sops.differences COUNT`.

Each case is a document made from a seed, half of them edited by hand after their encryption. Both
decrypt it, and the bytes are the same, or both refuse.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from injector.sops.errors import SopsError
from tests.injector.sops import generated
from tests.injector.sops.oracle import Oracle, each, ssh, x25519
from tests.injector.sops.sources import NOTES, YamlWriter

if TYPE_CHECKING:
    from random import Random

    from injector.sops.tree import Format

FORMATS: Final[tuple[Format, ...]] = (
    *("yaml", "yaml", "yaml", "yaml", "json", "json", "dotenv", "ini", "ini", "binary"),
)
"""YAML is the one with many ways to write the same."""
RULES: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("--encrypted-suffix", "_enc"),
    ("--unencrypted-suffix", "sec"),
    ("--encrypted-regex", "^(password|sec|db|data)$"),
    ("--unencrypted-regex", "^(password|sec|db|a|on)$"),
    ("--unencrypted-comment-regex", "sops:plain"),
    ("--encrypted-comment-regex", "sops:enc"),
)
"""Every rule that says what is encrypted."""
AGREE: Final = frozenset({"same bytes", "both refuse", "sops does not encrypt it"})
_METADATA: Final = re.compile(r"sops[:_]|\[sops\]")


@dataclass(frozen=True, slots=True)
class Case:
    """A document to encrypt, and how."""

    seed: int
    name: Format
    source: bytes = field(repr=False)
    options: tuple[str, ...]
    keys: tuple[str, ...] = field(repr=False)


def case(seed: int, keys: list[tuple[str, ...]]) -> Case:
    """Make a case; the keys are some of these."""
    random = generated.seeded(seed)
    name = random.choice(FORMATS)
    rule = random.choice(RULES) if name != "binary" else ()
    only = ("--mac-only-encrypted",) if random.random() < 0.25 else ()
    return Case(seed, name, source(random, name), (*rule, *only), random.choice(keys))


def source(random: Random, name: Format) -> bytes:
    """Write a document of a format."""
    match name:
        case "yaml":
            return YamlWriter(random).file()
        case "json":
            return generated.as_json(generated.tree(random))
        case "dotenv":
            return generated.as_dotenv(random)
        case "ini":
            return generated.as_ini(random)
        case "binary":
            text = random.choice(generated.TEXTS).encode() or b"x"
            return random.choice((random.randbytes(random.randrange(200)), text))


def edited(random: Random, data: bytes, name: Format) -> bytes:
    """Add comments and blank lines by hand to every other file; the MAC does not mind."""
    if name not in {"yaml", "dotenv", "ini"} or random.random() < 0.5:
        return data
    lines = data.decode().split("\n")
    body = next((at for at, line in enumerate(lines) if _METADATA.match(line)), 0)
    for _ in range(random.randint(1, 8)):
        note = f"{random.choice('#;') if name == 'ini' else '#'}{random.choice(NOTES)}"
        indent = " " * random.choice((0, 0, 2, 4, 6, 8)) if name == "yaml" else ""
        lines.insert(random.randint(0, body), random.choice(("", indent + note, indent + note)))
        body += 1
    if name == "yaml" and random.random() < 0.3:
        at = random.randrange(body)
        lines[at] += " # behind" if lines[at] else ""
    return "\n".join(lines).encode()


def compare(oracle: Oracle, one: Case) -> str:
    """Say how the real sops and we differ about a document, if they do."""
    encrypted = oracle.try_encrypt(one.source, one.name, *one.options, keys=one.keys)
    if encrypted is None:
        return "sops does not encrypt it"
    encrypted = edited(generated.seeded(-one.seed), encrypted, one.name)
    theirs = oracle.decrypt(encrypted, one.name)
    try:
        ours = oracle.opened(encrypted, one.name).text().reveal()
    except SopsError:
        return "both refuse" if theirs is None else "only we refuse"
    if theirs is None:
        # SOPS up to 3.13.3 loses comments that this rule needs (getsops/sops issue 2281).
        lost = "--encrypted-comment-regex" in one.options
        return "both refuse" if lost else "only sops refuses"
    return "same bytes" if ours == theirs else "other bytes"


def outcomes(oracle: Oracle, seeds: range) -> list[tuple[Case, str]]:
    """Compare cases."""
    keys = oracle.keyrings()
    cases = [case(seed, keys) for seed in seeds]
    return list(zip(cases, each(lambda one: compare(oracle, one), cases), strict=True))


def main() -> None:
    """Compare so many cases, from a given seed on, and tell what came out."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    directory = Path(tempfile.mkdtemp(prefix="differences-sops-"))
    oracle = Oracle(directory, x25519(), ssh("ed25519"), ssh("rsa"))
    counts: Counter[tuple[str, str]] = Counter()
    for one, outcome in outcomes(oracle, range(first, first + count)):
        counts[one.name, outcome] += 1
        if outcome not in AGREE:
            sys.stdout.write(f"{one}: {outcome}\n")
    for (name, outcome), number in sorted(counts.items()):
        sys.stdout.write(f"{name}: {number} {outcome}\n")


if __name__ == "__main__":
    main()
