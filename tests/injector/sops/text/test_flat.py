"""Dotenv, INI and binary files, as the real SOPS prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from injector.sops.text import emit
from injector.sops.tree import Branch, Comment, Entry, Scalar, Time
from tests.injector.sops.text.cases import NUMBERS, TEXTS
from tests.injector.sops.text.real import Plain, tree

if TYPE_CHECKING:
    from injector.sops.tree import Format
    from tests.injector.sops.text.real import Sops

NAMES = [text for text in TEXTS if text and not set(text) & set("\n\0")]
VALUES = [text for text in TEXTS if "\0" not in text]
QUOTED = ["#a", "a;b", "a`b", "`#`", '"a"', "'a'", "a\nb", '"""', "\xa0", "\x1fa", "a "]
WHERE: dict[str, tuple[Format, dict[str, Plain]]] = {
    "values of dotenv": ("dotenv", {f"K{index}": text for index, text in enumerate(VALUES)}),
    "keys of dotenv": (
        "dotenv",
        {name: "x" for name in NAMES if "=" not in name and not name.startswith("#")},
    ),
    "numbers in dotenv": ("dotenv", {f"K{index}": value for index, value in enumerate(NUMBERS)}),
    "words in dotenv": ("dotenv", {"A": True, "B": False, "C": None}),
    "values of ini": ("ini", {"s": {f"k{index}": text for index, text in enumerate(VALUES)}}),
    "keys of ini": ("ini", {"s": dict.fromkeys(NAMES, "x")}),
    "sections of ini": ("ini", {name: {"a": "x", "long key": "y"} for name in NAMES}),
    "numbers in ini": ("ini", {"s": {f"k{index}": value for index, value in enumerate(NUMBERS)}}),
    "words in ini": ("ini", {"s": {"a": True, "b": False, "c": None}}),
    "default first": ("ini", {"DEFAULT": {"a": "x"}, "default": {"a": "x"}, "s": {}}),
    "default empty": ("ini", {"DEFAULT": {}, "s": {"a": "x"}}),
    "default in lower case": ("ini", {"default": {"a": "x"}, "s": {"a": "x"}}),
    "default later": ("ini", {"s": {"a": "x"}, "DEFAULT": {"a": "x"}, "DEFAULT ": {}}),
    "aligned with quotes": (
        "ini",
        {"s": {"a": "", "b=": "1", 'c"': "2", "d:d": "3", "e`e": "4", 'f`"': "5", "é": "6"}},
    ),
    "quoted": ("ini", {"s": {f"k{index}": text for index, text in enumerate(QUOTED)}}),
}


@pytest.mark.parametrize("where", WHERE)
def test_a_flat_file_is_printed_as_sops_prints_it(sops: Sops, where: str) -> None:
    """Hundreds of keys and values in one document, which SOPS prints from the same tree."""
    format_name, document = WHERE[where]

    assert emit(tree(document), format_name) == sops.printed(document, format_name)


C = Comment(" c = d")
STABLE: dict[str, tuple[Format, Branch, bytes]] = {
    "comments of dotenv": (
        "dotenv",
        Branch((C, Entry("A", Scalar("x y")), Comment(""), Comment("#"), Entry("B", Scalar("\n")))),
        b"# c = d\nA=x y\n#\n##\nB=\\n\n",
    ),
    "bytes in dotenv": (
        "dotenv",
        Branch((Entry("A", Scalar(b"\xff\xfe")), Entry("é", Scalar("\r")))),
        b"A=\xff\xfe\n\xc3\xa9=\r\n",
    ),
    "comments of ini": (
        "ini",
        Branch(
            (
                Entry("DEFAULT", Branch((Entry("a", Scalar("1")), Comment("above a")))),
                Entry("s", Branch((Comment("s"), Entry("long", Scalar("2 3"))))),
                Entry(
                    "t",
                    Branch(
                        (
                            Comment("two\n; lines"),
                            Entry("b", Scalar("")),
                            Entry("c", Scalar("x")),
                            Comment("c\n# d"),
                        )
                    ),
                ),
            )
        ),
        b"; above a\na = 1\n\n; s\n[s]\nlong = 2 3\n\n; two\n; lines\n[t]\nb = \n; c\n# d\nc = x\n",
    ),
    "any bytes": (
        "binary",
        Branch((Entry("data", Scalar(bytes(range(256)))),)),
        bytes(range(256)),
    ),
    "any text": ("binary", Branch((Entry("data", Scalar("a\r\n\0é")),)), "a\r\n\0é".encode()),
}


@pytest.mark.parametrize("case", STABLE)
def test_what_json_cannot_say_stays_as_it_is(sops: Sops, case: str) -> None:
    """Comments and bytes: encrypting and decrypting the text leaves it as it is."""
    format_name, document, text = STABLE[case]

    assert emit((document,), format_name) == text
    assert sops.again(text, format_name) == text


def test_a_key_that_comes_twice_in_a_section_has_its_last_value() -> None:
    """As go-ini has it; the place and the comment are the first one's."""
    items = (Entry("a", Scalar("1")), C, Entry("b", Scalar("2")), Entry("a", Scalar("3")))

    assert emit((Branch((Entry("s", Branch(items)),)),), "ini") == b"[s]\n; c = d\na = 3\nb = 2\n"


def test_a_time_has_whole_seconds_in_flat_files() -> None:
    """SOPS writes RFC3339 there; integers and floats differ by the point."""
    values: list[Time | float] = [5, 5.0, Time("2021-01-02T03:04:05Z")]
    values.append(Time("2021-01-02T03:04:05.123+01:00"))
    items = tuple(Entry(f"K{index}", Scalar(value)) for index, value in enumerate(values))

    assert emit((Branch(items),), "dotenv") == (
        b"K0=5\nK1=5.0\nK2=2021-01-02T03:04:05Z\nK3=2021-01-02T03:04:05+01:00\n"
    )
