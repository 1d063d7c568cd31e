"""Every text that YAML or JSON can take for something else, as the real SOPS prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from injector.sops.text import emit
from injector.sops.tree import Branch, Entry, Listing, Scalar, Time
from tests.injector.sops.text.cases import NUMBERS, TEXTS
from tests.injector.sops.text.real import Plain, tree

if TYPE_CHECKING:
    from injector.sops.tree import Format
    from tests.injector.sops.text.real import Sops

texts = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("ab \n\t#:-'\"\\\u2028.0123"),
    max_size=20,
).map(lambda text: text.lstrip("\t"))

WHERE: dict[str, dict[str, Plain]] = {
    "values": {f"k{index}": text for index, text in enumerate(TEXTS)},
    "keys": dict.fromkeys(TEXTS, "x"),
    "below": {"a": {"b": {text: text for text in TEXTS}}},
    "items": {"a": list(TEXTS)},
    "items of items": {"a": {"b": [[[text], {text: text}] for text in TEXTS]}},
    "long keys": {"k" * length: "x" for length in range(120, 135)},
    "long keys of bytes": {"é" * length: ["x"] for length in range(60, 70)},
    "long keys with lines": {"a": {f"{text}\n{'k' * 130}": {"b": text} for text in "x#- "}},
    "numbers": {f"k{index}": number for index, number in enumerate(NUMBERS)},
    "nothing": {"a": {}, "b": [], "c": [[], {}, [[]], {"d": {}}], "e": None, "f": [None, True]},
    "nothing at all": {},
    "a merge": {"<<": "<<", "a": ["<<"], "b": {"<<": {"<<": 1.0}}},
}


@pytest.mark.parametrize("format_name", ["yaml", "json"])
@pytest.mark.parametrize("where", WHERE)
def test_each_text_is_printed_as_sops_prints_it(
    sops: Sops, where: str, format_name: Format
) -> None:
    """About 500 texts at each place; the tree is the same, since it comes from JSON."""
    document = WHERE[where]

    assert emit(tree(document), format_name) == sops.printed(document, format_name)


@settings(max_examples=8)
@given(st.lists(texts, min_size=60, max_size=100, unique=True))
def test_any_text_is_printed_as_sops_prints_it(sops: Sops, chosen: list[str]) -> None:
    """As key, value and item of a list."""
    document: dict[str, Plain] = {text: [text, {text: text}] for text in chosen}

    assert emit(tree(document), "yaml") == sops.printed(document, "yaml")


def test_a_value_that_sops_loses_is_kept(sops: Sops) -> None:
    """The one known difference: go-yaml cannot read back a block that begins with a tab."""
    document: dict[str, Plain] = {"a": "\tb\nc"}

    assert sops.printed(document, "yaml") == b"a: null\n"
    assert emit(tree(document), "yaml") == b'a: "\\tb\\nc"\n'


def test_numbers_times_and_bytes_stay_what_they_are(sops: Sops) -> None:
    """What JSON has not: integers, infinities, points in time, and texts that are no UTF-8."""
    values: list[str | bytes | float | Time] = [0, 7, -7, 2**63 - 1, -(2**63), 10**15]
    values += [float("inf"), float("-inf"), float("nan"), 0.5, 1e6, 1e21, 1e-7]
    values += [Time("2021-01-02T03:04:05Z"), Time("2021-01-02T03:04:05.123456789+01:00")]
    values += [b"\xff", b"\xc3", b"\xed\xa0\x80", *(b"\xfe" * size for size in range(49, 57))]
    values += [bytes(range(256)), b"\xff" * 105, b"\xff" * 106]
    items = tuple(map(Scalar, values))
    entries = tuple(Entry(f"k{index}", item) for index, item in enumerate(items))
    document = Branch((*entries, Entry("items", Listing(items))))

    written = emit((document,), "yaml")

    assert b"!!binary |\n" in written
    assert sops.again(written, "yaml") == written


def test_json_has_each_kind_of_value() -> None:
    """Integers come from SOPS 3.13 on; bytes that are no UTF-8 become U+FFFD each, as Go has it."""
    values = (2**63 - 1, Time("2021-01-02T03:04:05.5Z"), b"a\xe2\x82b\xff", b"ok", True, None)
    document = Branch((Entry("a", Listing(tuple(map(Scalar, values)))),))

    assert emit((document,), "json").decode().split("\n\t\t")[1:] == [
        "9223372036854775807,",
        '"2021-01-02T03:04:05.5Z",',
        '"a\\ufffd\\ufffdb\\ufffd",',
        '"ok",',
        "true,",
        "null\n\t]\n}\n",
    ]
