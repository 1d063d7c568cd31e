"""
Compares our text with that of the real `sops`: `python -m tests.injector.sops.differences COUNT`.

Each case is a document made from a seed. Both decrypt it: the bytes are the same, or both refuse.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from injector.sops.errors import SopsError
from tests.injector.sops import generated
from tests.injector.sops.oracle import Oracle, ssh, x25519
from tests.injector.sops.sources import NOTES, YamlWriter

if TYPE_CHECKING:
    from random import Random

    from injector.sops.tree import Format

FORMATS: Final[tuple[Format, ...]] = (
    *("yaml", "yaml", "yaml", "yaml", "json", "json", "dotenv", "ini", "ini", "binary"),
)
RULES: Final = (
    (),
    (),
    ("--encrypted-suffix", "_enc"),
    ("--unencrypted-suffix", "sec"),
    ("--encrypted-regex", "^(password|sec|db|data)$"),
    ("--unencrypted-regex", "^(password|sec|db|a|on)$"),
    ("--unencrypted-comment-regex", "sops:plain"),
    ("--encrypted-comment-regex", "sops:enc"),
)


@dataclass(frozen=True, slots=True)
class Case:
    seed: int
    format: Format
    source: bytes = field(repr=False)
    options: tuple[str, ...]
    keys: tuple[str, ...]


def case(seed: int, keys: list[tuple[str, ...]]) -> Case:
    random = generated.seeded(seed)
    format = random.choice(FORMATS)
    rule = random.choice(RULES) if format != "binary" else ()
    only = ("--mac-only-encrypted",) if random.random() < 0.25 else ()
    return Case(seed, format, source(random, format), (*rule, *only), random.choice(keys))


def source(random: Random, format: Format) -> bytes:
    match format:
        case "yaml":
            return YamlWriter(random).file()
        case "json":
            return generated.as_json(generated.tree(random))
        case "dotenv":
            return generated.as_dotenv(random)
        case "ini":
            return generated.as_ini(random)
        case "binary":
            return random.choice(
                (
                    random.randbytes(random.randrange(200)),
                    random.choice(generated.TEXTS).encode() or b"x",
                )
            )


def edited(random: Random, data: bytes, format: Format) -> bytes:
    """Add comments and blank lines by hand; nothing says that they were not there."""
    if format not in {"yaml", "dotenv", "ini"} or random.random() < 0.5:
        return data
    lines = data.decode().split("\n")
    body = next((at for at, line in enumerate(lines) if re.match(r"sops[:_]|\[sops\]", line)), 0)
    for _ in range(random.randint(1, 8)):
        note = f"{random.choice('#;') if format == 'ini' else '#'}{random.choice(NOTES)}"
        indent = " " * random.choice((0, 0, 2, 4, 6, 8)) if format == "yaml" else ""
        lines.insert(random.randint(0, body), random.choice(("", indent + note, indent + note)))
        body += 1
    if random.random() < 0.3 and format == "yaml":
        at = random.randrange(body)
        lines[at] += " # behind" if lines[at] else ""
    return "\n".join(lines).encode()


def compare(oracle: Oracle, each: Case) -> str:
    try:
        encrypted = oracle.encrypt(each.source, each.format, *each.options, keys=each.keys)
    except AssertionError:
        return "sops does not encrypt it"
    encrypted = edited(generated.seeded(-each.seed), encrypted, each.format)
    theirs = oracle.decrypt(encrypted, each.format)
    try:
        ours = oracle.opened(encrypted, each.format).text().reveal()
    except SopsError as exc:
        return "both refuse" if theirs is None else f"only we refuse: {exc}"
    if theirs is None:
        return "only sops refuses"
    return "same" if ours == theirs else "OTHER BYTES"


def main() -> None:
    count, start = int(sys.argv[1]), int((sys.argv[2:] or ["0"])[0])
    directory = Path(tempfile.mkdtemp(prefix="differences-sops-"))
    oracle = Oracle(directory, x25519(), ssh("ed25519"), ssh("rsa"))
    keys = oracle.keyrings()
    outcomes: Counter[tuple[str, str]] = Counter()

    def one(seed: int) -> None:
        each = case(seed, keys)
        outcome = compare(oracle, each)
        outcomes[each.format, outcome.split(":")[0]] += 1
        if outcome.split(":")[0] not in {"same", "both refuse", "sops does not encrypt it"}:
            print(seed, each.format, each.options, outcome)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, range(start, start + count)))
    for (format, outcome), number in sorted(outcomes.items()):
        print(format, outcome, number)


if __name__ == "__main__":
    main()
