"""
Throws broken documents at the decryptor: `python -m tests.injector.sops.fuzz SECONDS`.

Whatever comes in, only `SopsError` may come out, in bounded time, without a value in its text.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from injector.sops import parse
from injector.sops.errors import SopsError
from tests.injector.sops import generated
from tests.injector.sops.oracle import Oracle, x25519

if TYPE_CHECKING:
    from random import Random

MARK = "Hunter2ValueThatNobodyMaySee"
"""Encrypted in every seed; no error may show it."""
LIMIT = 3.0
"""Seconds of the processor that one input may take."""
SPLICES = (
    b"[", b"{", b"]", b"}", b'"', b"'", b"\n", b"\n  ", b"- ", b"? ", b": ", b"#", b"# x\n", b"&a ",
    b"*a", b"<<: *a", b"!!binary ", b"!x ", b"|\n", b">-\n", b"---\n", b"...\n", b"\x00", b"\xff",
    b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\\", b"\\n", b"\\ud800", b"=", b"[s]\n", b'"""', b"`", b";",
    b"null", b"1e999", b"9" * 400, b"0x" + b"f" * 40, b"-", b"ENC[AES256_GCM,data:", b",type:int]",
    b",type:comment]", b"__list_0", b"__map_", b"__list_9999", b"sops", b"sops_", b"%YAML 1.1\n",
    b"encrypted_regex: (a*)*b\n    ", b"key_groups: []\n",
    b"shamir_threshold: 2\n    ",
    b"\t", b"\r\n",
    b"[" * 100, b"{a: " * 100, b"*a, " * 1000, b"a: &a [*a, *a]\n", b"2021-01-02", b"\xc2\x85",
)  # fmt: skip
_SOURCES = {
    "yaml": (
        f"# note\na: {MARK}\nb: [1, x, {{c: 2.5}}]\nd_unencrypted: shown\n"
        "e_unencrypted:\n  # x\n  - |\n    y\n    z\n  # z\n# end\n"
    ),
    "json": f'{{"a": "{MARK}", "b": [1, 2.5, true, null], "d_unencrypted": {{"e": "shown"}}}}',
    "dotenv": f"# note\nA={MARK}\nB_unencrypted=shown\n",
    "ini": f"; note\n[one]\na = {MARK}\nb_unencrypted = shown\n",
    "binary": MARK,
}


@dataclass(slots=True)
class Counts:
    """What came out."""

    read: int = 0
    written: int = 0
    """As text and as data: at most two for each that was read."""
    unwritten: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0


def mutate(random: Random, data: bytes) -> bytes:
    """Change a document at a few places."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        at = random.randrange(len(data) + 1)
        end = min(len(data), at + random.choice((0, 0, 1, 1, 4, 40, 400)))
        kind = random.randrange(5)
        if kind == 0:
            data = data[:at] + random.randbytes(random.randrange(4)) + data[end:]
        elif kind == 1:
            data = data[:at] + random.choice(SPLICES) + data[end:]
        elif kind == 2:
            data = data[:at] + data[at:end] * random.choice((2, 3, 50)) + data[end:]
        elif kind == 3:
            other = random.randrange(len(data) + 1)
            data = data[:at] + data[other : other + (end - at)] + data[end:]
        else:
            data = data[:at] + data[end:]
    return data[: limits_of_a_case(random)]


def limits_of_a_case(random: Random) -> int:
    """Give a length: mostly all, at times half a document."""
    return random.choice((1 << 20, 1 << 20, 1 << 20, 200, 900))


def one(oracle: Oracle, data: bytes, name: str, counts: Counts) -> None:
    """Throw one document and look at what comes out."""
    begun, told = time.process_time(), ""
    try:
        document = oracle.opened(data, name, verify_mac=len(data) % 2 == 0)
        counts.read += 1
        for give in (document.text, document.mapping):
            try:
                give()
                counts.written += 1
            except SopsError as exc:
                told += str(exc)
                counts.unwritten[exc.reason] += 1
    except SopsError as exc:
        told += str(exc)
        counts.refused[exc.reason] += 1
    taken = time.process_time() - begun
    assert MARK not in told, told
    assert oracle.identity.secret not in told, told
    counts.slowest = max(counts.slowest, taken)
    assert taken < LIMIT, f"{taken:.1f} s for {len(data)} bytes of {name}"


def fuzz(seconds: float, directory: Path, seed: int) -> Counts:
    """Throw documents for so long; a failure leaves the document behind in the directory."""
    random = generated.seeded(seed)
    oracle = Oracle(directory, x25519())
    seeds = {
        name: [oracle.encrypt(text.encode(), name), text.replace(MARK, "x").encode()]
        for name, text in _SOURCES.items()
    }
    counts, end = Counts(), time.monotonic() + seconds
    while time.monotonic() < end:
        made: str = random.choice(list(seeds))
        name = made if random.random() < 0.9 else random.choice(list(parse.READERS))
        data = mutate(random, random.choice(seeds[made]))
        try:
            one(oracle, data, name, counts)
        except BaseException:
            (directory / f"failure.{name}").write_bytes(data)
            raise
    return counts


def main() -> None:
    """Run for the seconds that are given, or ten, and tell what came out."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    directory = Path(tempfile.mkdtemp(prefix="fuzz-sops-"))
    counts = fuzz(seconds, directory, time.time_ns())
    total = counts.read + counts.refused.total()
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts.refused.most_common())
    sys.stdout.write(
        f"{total} documents: {counts.read} read and written {counts.written} times, "
        f"{counts.unwritten.total()} times not; {reasons}; slowest {counts.slowest:.2f} s\n"
    )


if __name__ == "__main__":
    main()
