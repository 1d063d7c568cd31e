"""Selectors: the literal key, then a path of them, then JMESPath; and what hostile ones cost."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.render import documents, expressions
from injector.render.interface import MAX_OUTPUT
from injector.render.selectors import select

DOCUMENT = {
    "user": "app",
    "tls.crt": "PEM",
    "/odd key": "odd",
    "length(@)": "a key",
    "a": {"b.c": {"d": "deep"}, "b": {"c": {"d": "other"}}, "x": {"y": "path"}},
    "a.x": {"y": "nearer"},
    "db": {"api-key": "k", "empty": "", "zero": 0, "no": False, "nothing": None},
    "hosts": [{"name": "one", "port": 1}, {"name": "two", "port": 2}],
    "": {"": "blank"},
}


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("user", "app"),
        ("tls.crt", "PEM"),
        ("/odd key", "odd"),
        ("length(@)", "a key"),
        ("db.api-key", "k"),
        ("db.empty", ""),
        ("db.zero", 0),
        ("db.no", False),
        ("a.b.c.d", "other"),
        ("a.b.c", {"d": "deep"}),
        ("hosts[1].name", "two"),
        ("hosts[*].port", [1, 2]),
        ("hosts[?port > `1`].name | [0]", "two"),
        ('"tls.crt"', "PEM"),
        ("keys(db) | length(@)", 5),
        ("hosts[0]", {"name": "one", "port": 1}),
        ("", {"": "blank"}),
        (".", "blank"),
    ],
)
def test_what_a_selector_finds(selector: str, found: object) -> None:
    """A key that is there comes before any meaning that its text could have."""
    assert select(DOCUMENT, selector, "ref") == found


def test_the_whole_rest_is_looked_for_at_each_step() -> None:
    """The longest literal key wins at every level; a wrong turn is not taken back."""
    assert select({"a": {"b": 1}, "a.b": 2}, "a.b", "ref") == 2
    assert select({"a": {"b.c": 1}}, "a.b.c", "ref") == 1
    assert select(DOCUMENT, "a.x.y", "ref") == "path"


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.integers(), min_size=1))
def test_every_key_finds_its_value(document: dict[str, int]) -> None:
    """Whatever characters it has."""
    for key, value in document.items():
        assert select(document, key, "ref") == value


@pytest.mark.parametrize(
    "selector",
    [
        "absent",
        "user.absent",
        "db.absent",
        "db.nothing",
        "hosts[9]",
        "hosts[?port > `9`]",
        "hosts.name",
        "!!!",
        "a[",
        "'unclosed",
        "(" * 1000,
        "@." * 500,
    ],
)
def test_nothing_found_names_the_keys(selector: str) -> None:
    """Names, never values; JSON null is nothing, and so is text that is no expression."""
    secret = {"password": "c4nary", **DOCUMENT}
    with pytest.raises(RenderError, match=r"^ref: `#.*finds nothing; its keys are: ") as caught:
        select(secret, selector, "ref")

    assert caught.value.reason is Reason.SELECTOR_NOT_FOUND
    assert "`password`, `tls.crt`, `user`" in str(caught.value)
    assert "c4nary" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_the_keys_that_are_named_are_few_and_printable() -> None:
    """Twenty, cut, and without what could pretend to be another line."""
    secret = {f"{number:03}\n{'k' * 100}": 1 for number in range(50)}
    with pytest.raises(RenderError, match="and 30 more") as caught:
        select(secret, "absent", "ref")

    assert str(caught.value).isprintable()
    assert r"`000\nkkk" in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_a_list_has_no_keys_to_name() -> None:
    """It says so."""
    with pytest.raises(RenderError, match="its keys are: none, it is a list"):
        select([1, 2], "absent", "ref")


def test_an_empty_object_has_none() -> None:
    """It says so, too."""
    with pytest.raises(RenderError, match=r"its keys are: none$"):
        select({}, "absent", "ref")


@pytest.mark.parametrize("document", [b"plain", "text", 5, None, True])
def test_a_plain_value_has_nothing_to_select(document: object) -> None:
    """The reason is another one: the secret is no JSON object."""
    with pytest.raises(RenderError, match="asks for a key, but the secret is no JSON") as caught:
        select(document, "key", "ref")

    assert caught.value.reason is Reason.NOT_A_MAPPING
    assert "plain" not in str(caught.value)


@pytest.mark.parametrize("selector", ["length(user)[", "abs(user)", "absent(@)", "hosts[::0]"])
def test_an_expression_that_fails_quotes_nothing(selector: str) -> None:
    """The library's text holds the value that it did not like."""
    with pytest.raises(RenderError, match=r"^ref: `#") as caught:
        select({"user": "c4nary", "hosts": []}, selector, "ref")

    assert caught.value.reason is Reason.SELECTOR_NOT_FOUND
    assert "c4nary" not in str(caught.value)


LARGE = {"s": 'q"' * 15_000, "l": list(range(5000)), "a": [1]}
HOSTILE = {
    "doubled by flattening": "@" + "|[@,@][]" * 250,
    "doubled by sharing, and compared": f"[@{'|[@,@]' * 100},@{'|[@,@]' * 100}]|[0]==[1]",
    "doubled by escaping": "@" + "|to_string([@])" * 130,
    "joined with itself": "s" + "|join(@,[@,@,@,@,@,@,@,@])" * 70,
    "a separator between many": "join(to_string(l), l[*].to_string(@))",
    "doubled in a projection": "l[*]" + ".[@,@]" * 40,
    "objects within objects": "@" + "|{a:@,b:@}" * 180,
    "steps": "l[*].l||" * 200 + "l[?@ == `1` || @ == `2` || @ == `3`]" + "|length(@)",
    "many steps": "map(&" + "(@||" * 230 + "@" + ")" * 230 + ", l)",
}


@pytest.mark.parametrize("selector", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_expression_ends(selector: str) -> None:
    """Within bounds of memory and steps, with an error that does not repeat all of it."""
    assert len(selector) <= 2048
    found, error = _outcome(LARGE, selector)

    assert error is None or len(str(error)) < 300
    assert documents.size(found) < MAX_OUTPUT


@pytest.mark.parametrize(
    "name", [name for name in HOSTILE if name.startswith(("doubled", "joined", "a sep", "obj"))]
)
def test_what_grows_is_refused(name: str) -> None:
    """As too large, and not only because it is strange."""
    with pytest.raises(RenderError, match="the result is larger than") as caught:
        select(LARGE, HOSTILE[name], "ref")

    assert caught.value.reason is Reason.OUTPUT_TOO_LARGE


def test_what_grows_is_refused_before_it_is_made() -> None:
    """A separator of 20 kB between 5000 elements would take 100 MB."""
    tracemalloc.start()
    try:
        with pytest.raises(RenderError, match="the result is larger than"):
            select(LARGE, HOSTILE["a separator between many"], "ref")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 20 * 2**20


def test_steps_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An expression for each element is many."""
    monkeypatch.setattr(expressions, "MAX_STEPS", 10_000)
    with pytest.raises(RenderError, match="takes more than 10000 steps"):
        select(LARGE, "l[*].abs(@)", "ref")


def test_what_is_made_on_the_way_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where each piece of it is small."""
    monkeypatch.setattr(expressions, "MAX_MADE", 10_000)
    with pytest.raises(RenderError, match="the result is larger than 10000 bytes"):
        select(LARGE, "l[*].[@,@,@] | length(@)", "ref")


@pytest.mark.parametrize("selector", ["&a", "to_array(&a)", "to_number('nan')", "{x: &a}"])
def test_a_result_that_is_no_json_is_none(selector: str) -> None:
    """Nobody wants to find the address of an object in a file."""
    with pytest.raises(RenderError, match="or no JSON"):
        select(DOCUMENT, selector, "ref")


def test_a_result_that_is_nested_too_deep_is_none() -> None:
    """Writers of formats walk down into it."""
    deep = "`" + "[" * 100 + "1" + "]" * 100 + "`"
    with pytest.raises(RenderError, match="nested too deep"):
        select(DOCUMENT, deep, "ref")


@given(st.text(max_size=40))
def test_any_text_is_survived(selector: str) -> None:
    """It finds JSON, or fails with a reason."""
    found, error = _outcome(DOCUMENT, selector)

    assert error is None or error.reason is Reason.SELECTOR_NOT_FOUND
    assert json.loads(json.dumps(found)) == found


def _outcome(document: object, selector: str) -> tuple[Any, RenderError | None]:
    try:
        return select(document, selector, "ref"), None
    except RenderError as exc:
        return None, exc
