"""YAML from events: every scalar is text, and nothing hostile reaches the stack."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from injector.contract.reasons import Reason
from webhook.annotations import documents
from webhook.annotations.documents import DocumentError, Mapping, Sequence, Text

LOADERS = [yaml.SafeLoader, yaml.CSafeLoader]


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__, autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with PyYAML's own scanner and with the one in C."""
    monkeypatch.setattr(documents, "_Loader", request.param)


def test_every_scalar_means_what_was_written() -> None:
    """Octal numbers, `no`, sexagesimals, dates and null are texts."""
    node = documents.read("[0440, no, 1:30, 2026-01-01, ~, 1e3, 0x10]")

    assert node is not None
    assert documents.plain(node) == ["0440", "no", "1:30", "2026-01-01", "~", "1e3", "0x10"]


def test_nodes_know_their_lines() -> None:
    """Lines count from 1; a block's text starts below its mark."""
    node = documents.read("a: 1\nb:\n  - x\n  - |\n    y\n")

    assert node == Mapping(
        {
            "a": Text("1", 1, 1),
            "b": Sequence((Text("x", 3, 3), Text("y\n", 4, 5)), 3),
        },
        {"a": 1, "b": 2},
        1,
    )
    assert [documents.kind(item) for item in (Text("", 1), node)] == ["a text", "a mapping"]


@pytest.mark.parametrize("text", ["", " \n", "# only a comment\n", "---\n...\n"])
def test_an_empty_document_is_nothing(text: str) -> None:
    """Nothing written is not a mistake of YAML."""
    assert documents.read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000,
        "{a: " * 15_000,
        "- " * 30_000,
        "? " * 30_000,
        "[{a: " * 10_000,
        "[" * 17 + "]" * 17,
        "- " * 17 + "x",
        "a:\n" + "".join(" " * depth + "a:\n" for depth in range(1, 300)),
    ],
    ids=lambda text: text[:6],
)
def test_depth_is_an_error_and_not_a_crash(text: str) -> None:
    """However deep the brackets go, reading stops at the seventeenth level."""
    with pytest.raises(DocumentError, match=r"deeper than 16 levels|not YAML|a key must be a text"):
        documents.read(text)


def test_sixteen_levels_are_read() -> None:
    """The limit itself is allowed."""
    assert documents.read("[" * 16 + "]" * 16) is not None


def test_a_hundred_thousand_brackets_are_too_large_to_be_read_at_all() -> None:
    """Size is looked at first, in bytes."""
    for text in ("[" * 100_000, "ü" * 33_000):
        with pytest.raises(DocumentError, match="larger than 64 KiB") as caught:
            documents.read(text)

        assert caught.value.reason is Reason.LIMIT_EXCEEDED


def test_a_document_has_a_bounded_number_of_nodes() -> None:
    """A node costs time, whatever its size; a larger document may have more of them."""
    text = "[" + "a," * 12_000 + "]"
    with pytest.raises(DocumentError, match="more than 10922 nodes"):
        documents.read(text)

    assert documents.read(text, 1024 * 1024) is not None


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("a: &x 1", "anchors", 1),
        ("a: 1\nb: *x", "aliases", 2),
        ("a: !!python/name:os.system x", "tags", 1),
        ("a: !x y", "tags", 1),
        ("- &x [1]", "anchors", 1),
        ("<<: {}", "merge keys", 1),
        ("a: 1\nb: 2\na: 3", "the key `a` is there twice", 3),
        ("a: 1\n--- \nb: 2", "a second document", 2),
        ("? [a]\n: b", "a key must be a text", 1),
        ("a: [}", "not YAML", 1),
        ("a: b: c", "not YAML", 1),
        ("a: \0", "a character that YAML does not allow", 1),
        ("\x07", "a character that YAML does not allow|not YAML", 1),
        ("\ud800", "not YAML", 1),
    ],
)
def test_what_yaml_could_do_besides_is_refused(text: str, said: str, line: int) -> None:
    """No references, no types, no second meaning: each is an error with its line."""
    with pytest.raises(DocumentError, match=said) as caught:
        documents.read(text)

    assert caught.value.line == line


@given(st.text(alphabet="[]{}:,-?&*!|>'\"#%@`ab \n\t0\\", max_size=200) | st.text(max_size=100))
def test_any_text_is_a_document_or_an_error_of_ours(text: str) -> None:
    """The reader is total, and an error has a line."""
    line = 1
    try:
        documents.read(text)
    except DocumentError as exc:
        line = exc.line

    assert line >= 1
