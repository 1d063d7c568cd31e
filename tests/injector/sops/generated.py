"""Documents to encrypt, made from a seed: every type, spelling and nesting."""

from __future__ import annotations

import json
from random import Random

KEYS = (
    "a", "db", "password", "user", "key_unencrypted", "s_enc", "plain", "sec", "x.y", "a:b", "ü",
    "tls.crt", "empty", "on", "list", "very long key with blanks", "0x", "-",
)  # fmt: skip
TEXTS = (
    "", "x", "hunter2", "a # b", "yes", "no", "on", "1:30", "0o9", "ünïcödé", "🔑", "a: b", "- x",
    "line\nline\n", "\ttab", " lead", "trail ", '"quoted"', "'single'", "\\n", "%percent", "@at",
    "ENC", "ENC[AES256_GCM,x]", "null", "~", "true", "12", "1e3", "2021-01-02", "&a", "*a", "!t",
    "x" * 200, "{}", "[]", "<<", "=", "a=b", "\u2028", "-----BEGIN X-----\nabc\n-----END X-----\n",
)  # fmt: skip
SPELLINGS = (
    "yes", "on", "Off", "y", "true", "True", "TRUE", "false", "null", "~", "Null", "1", "-1", "+1",
    "0", "017", "08", "0o17", "0O17", "0b101", "-0b101",
    "0x1F", "0X1f", "-0x1f", "1_000", "0x_1f", "1__0",
    "9223372036854775807", "-9223372036854775808", "1.5", "-1.5e3", "1e3", "1E-7", ".5", "+.5",
    "1.", "1.0", "100000000000000000000000", "1e22", "1e400", "0.1", "1e-320", "123456789.125",
    "1:30", "1.2.3", "2021-01-02", "2021-1-2", "2021-01-02T03:04:05Z", "2021-01-02t03:04:05.120Z",
    "2021-01-02 03:04:05", "2021-01-02T03:04:05+02:00", "2021-01-02T03:04:05+00:00",
    "2021-13-02", "2021-02-30", "2021-01-02 03:04:05 Z",
    "2021-01-02T3:4:5.5Z", "text", "a b", "!!str 12", "!!int 12", "!!float 12",
    "!!float 1.5", "!!binary aGVsbG8=", "! x", '"12"', "'yes'", "0.", "-.5", "1_0.5", "_1", "1_",
    "+", ".", "..", "0x", "0b2", "0o8", "00", "-0", "-0.0", "1e", "12e03", "=", "1_000.5e1",
)  # fmt: skip
NUMBERS = (0, 1, -1, 25, 2**31, 2**53, -(2**53), 1.5, -0.25, 1e-7, 1e21, 123456.789, 25.0)

Tree = dict[str, "Tree"] | list["Tree"] | str | int | float | bool | None


def seeded(seed: int) -> Random:
    """Give numbers that are the same at every run."""
    return Random(seed)  # noqa: S311 - documents of tests, no keys


def tree(random: Random, depth: int = 0) -> dict[str, Tree]:
    """Make a mapping with up to four levels below it."""
    keys = random.sample(KEYS, random.randint(0 if depth else 3, 6))
    return {key: value(random, depth) for key in keys}


def value(random: Random, depth: int) -> Tree:
    """Make anything."""
    kind = random.random()
    if depth < 4 and kind < 0.2:
        return tree(random, depth + 1)
    if depth < 4 and kind < 0.4:
        return [value(random, depth + 1) for _ in range(random.randint(0, 4))]
    scalars = (
        random.choice(TEXTS),
        random.choice(TEXTS),
        random.choice(NUMBERS),
        True,
        False,
        None,
    )
    return random.choice(scalars)


def as_json(made: Tree) -> bytes:
    """Write JSON."""
    return json.dumps(made, ensure_ascii=False).encode()


def as_dotenv(random: Random) -> bytes:
    """Write lines, comments and blank lines between them."""
    lines = []
    for key in random.sample(KEYS, 10):
        lines += random.choice(([], ["# a note"], ["#"], [""]))
        text = random.choice(TEXTS).replace("\n", "\\n")
        lines.append(f"{key}={text}")
    return "\n".join(lines).encode() + b"\n"


def as_ini(random: Random) -> bytes:
    """Write sections, with quotes and comments as go-ini knows them."""
    values = (
        "",
        "x",
        "a b",
        '"q"',
        "'q'",
        "`b # q`",
        "x ; behind",
        '"""two\nlines"""',
        "a = b",
        "x \\\n y",
        "50%",
        "ü",
    )
    lines = ["top = 1"] * random.randint(0, 1)
    for section in random.sample(("one", "two.three", "s_unencrypted", "ü", "DEFAULT"), 4):
        lines += random.choice(([], ["; a note"], ["# a", "; b"]))
        lines.append(f"[{section}]")
        for key in random.sample(("a", "b c", "k_unencrypted", '"q=k"', "de", "f"), 4):
            lines += random.choice(([], ["; a note"], ["# a", "; b"]))
            lines.append(f"{key} {random.choice('=:')} {random.choice(values)}")
    return "\n".join(lines).encode() + b"\n"
