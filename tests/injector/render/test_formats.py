"""Formats of mappings, read back by readers that know nothing of us."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.render import documents, formats
from tests.injector.render.readers import SHELLS, properties, sourced

if TYPE_CHECKING:
    from pathlib import Path

WORDS = [
    "yes", "No", "on", "null", "~", "1e3", "0x1f", "1:30", "0o17", ".inf", "=", "<<", "- a",
    "2024-01-01", " x ", "a: b", "#", "'", '"', "\\", "|", "\u00e9\u2028\U0001f511",
    "\u0085", "\u0000", "\ufeff",
]  # fmt: skip
TYPED = [
    "y", "N", "yes", "NO", "On", "off", "True", "FALSE", "null", "Null", "~", "1", "0o7",
    "1_000", "1.5", "1e5", ".5", ".inf", ".NaN", "0x1F", "190:20:30", "2001-12-14", "<<", "=",
    "-", "?", ":", "%a", "@a", "`a", "&a", "*a", "!a", "{a", "[a", "a: b", "a #b", "null ",
]  # fmt: skip
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars: Any = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.sampled_from(
        WORDS
    )
)  # fmt: skip
values: Any = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)
mappings: Any = st.dictionaries(texts, values, max_size=4)


@pytest.mark.parametrize(
    ("path", "data", "form"),
    [
        ("db", {}, "json"),
        ("db.json", {}, "json"),
        ("db.txt", {}, "json"),
        ("db.yaml", {}, "yaml"),
        ("db.yml", {}, "yaml"),
        ("a.yaml/db", {}, "json"),
        ("a/db.properties", {}, "properties"),
        (".env", {}, "env"),
        ("app.env", {}, "env"),
        ("env", {}, "env"),
        ("db.YAML", {}, "json"),
        ("l.yaml", [], "yaml"),
        ("l.env", [], "json"),
        ("l.properties", [], "json"),
        ("db.yaml", "text", "raw"),
        ("db.json", b"bytes", "raw"),
        ("db.env", None, "raw"),
        ("db.env", 5, "raw"),
    ],
)
def test_the_extension_says_the_format(path: str, data: object, form: str) -> None:
    """Of a mapping; a plain value is what it is whatever the file is called."""
    assert formats.default(path, data) == form


@given(mappings | st.lists(values, max_size=3))
def test_json_is_read_back(data: object) -> None:
    """By Python's reader; one line, as it is, in UTF-8."""
    written = formats.dump(documents.parse(json.dumps(data).encode()), "json")

    assert json.loads(written) == data
    assert (written[-1:], written.count(b"\n")) == (b"\n", 1)


@settings(deadline=None)
@given(mappings | st.lists(values, max_size=3) | texts)
def test_yaml_is_read_back(data: object) -> None:
    """By a YAML 1.1 reader with its many types: text stays text, a number a number."""
    parsed = data if isinstance(data, str) else documents.parse(json.dumps(data).encode())
    written = formats.dump(parsed, "yaml")

    assert yaml.safe_load(written) == data
    assert b"&id" not in written


@pytest.mark.parametrize(
    "word", TYPED
)  # fmt: skip
def test_yaml_text_is_quoted_where_any_version_sees_a_type(word: str) -> None:
    """As a key and as a value; YAML 1.2 and Norway's readers agree on quotes."""
    assert formats.dump({word: word}, "yaml") == f'"{word}": "{word}"\n'.encode()


def test_yaml_has_no_anchors() -> None:
    """Expressions and templates share parts; not every reader takes what PyYAML makes of it."""
    part = {"a": [1]}

    assert formats.dump([part, part], "yaml") == b"- a:\n  - 1\n- a:\n  - 1\n"


def test_plain_yaml_text_has_no_quotes() -> None:
    """A file that people read."""
    assert formats.dump({"user": "app", "path": "/a/b.c", "l": ["x-1"]}, "yaml") == (
        b"user: app\npath: /a/b.c\nl:\n- x-1\n"
    )


@pytest.mark.parametrize(
    ("literal", "written"),
    [
        ("1.10", "1.10"),
        ("1e5", "1.0e+5"),
        ("1.5E-7", "1.5e-7"),
        ("-0.0", "-0.0"),
        ("2e+3", "2.0e+3"),
        ("0.10000000000000000555e1", "0.10000000000000000555e+1"),
        ("12345678901234567890123", "12345678901234567890123"),
    ],
)
def test_yaml_numbers_keep_their_digits(literal: str, written: str) -> None:
    """In the one way of writing an exponent that YAML 1.1 knows."""
    text = formats.dump(documents.parse(f'{{"port": {literal}}}'.encode()), "yaml")

    assert text == f"port: {written}\n".encode()
    assert yaml.safe_load(text) == {"port": json.loads(literal)}


def test_deep_documents_are_written() -> None:
    """Every format walks down 64 levels."""
    deep = documents.parse(b'{"a":' * 63 + b"[5432]" + b"}" * 63)
    written = {form: formats.dump(deep, form) for form in ("json", "yaml", "properties")}

    assert json.loads(written["json"]) == yaml.safe_load(written["yaml"]) == deep
    assert properties(written["properties"].decode()) == {".".join("a" * 63) + "[0]": "5432"}


def _flat(data: Any, prefix: str = "") -> list[tuple[str, str]]:  # noqa: ANN401 - JSON
    if isinstance(data, dict):
        items = [(f"{prefix}.{key}" if prefix else key, item) for key, item in data.items()]
    elif isinstance(data, list):
        items = [(f"{prefix}[{index}]", item) for index, item in enumerate(data)]
    else:
        return [(prefix, documents.scalar(data))]
    return [pair for path, item in items for pair in _flat(item, path)]


@given(mappings)
def test_properties_are_read_back(data: dict[str, Any]) -> None:
    """As Java reads them, from ASCII; two keys that become one are an error."""
    parsed = documents.parse(json.dumps(data).encode())
    pairs = _flat(parsed)
    if len(dict(pairs)) < len(pairs):
        with pytest.raises(RenderError, match="two keys become"):
            formats.dump(parsed, "properties")
        return
    written = formats.dump(parsed, "properties")

    assert properties(written.decode("ascii")) == dict(pairs)


@pytest.mark.parametrize("data", [{"a": {"b": 1}, "a.b": 2}, {"a": [1], "a[0]": 2}])
def test_keys_that_become_one_are_named(data: object) -> None:
    """The last one would win without a word."""
    with pytest.raises(RenderError, match=r"two keys become `a[.b0\[\]]+`") as caught:
        formats.dump(data, "properties")

    assert caught.value.reason is Reason.NAME_COLLISION


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"a b": " c d "}, "a\\ b=\\ c d "),
        ({"#a": "#b!"}, "\\#a=#b!"),
        ({"a:b=c": "d:e=f"}, "a\\:b\\=c=d:e=f"),
        ({"a": "é🔑"}, "a=\\u00E9\\uD83D\\uDD11"),
        ({"a": "\t\n\r\f\\"}, "a=\\t\\n\\r\\f\\\\"),
        ({"": ""}, "="),
    ],
)
def test_a_line_of_properties(data: object, line: str) -> None:
    """Escapes where Java needs them, and nowhere else."""
    assert formats.dump(data, "properties") == f"{line}\n".encode()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20
)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=8)
)
def test_any_value_is_sourced_as_it_is(tmp_path: Path, contents: list[str]) -> None:
    """By every shell that is there: quotes, dollars, backticks, new lines, other scripts."""
    data = {f"V_{number}": text for number, text in enumerate(contents)}
    file = tmp_path / "app.env"
    file.write_bytes(formats.dump(data, "env"))
    for shell in SHELLS:
        found = sourced(shell, file)

        assert {name: found.get(name) for name in data} == data


NASTY = {
    "QUOTE": "it's",
    "QUOTES": "''\"'",
    "COMMAND": "$(touch /tmp/never) `id`",
    "DOLLAR": "$HOME ${PATH} $$",
    "BACKSLASH": "\\n\\'\\",
    "LINES": "a\nb='c'\n\n",
    "BLANK": "  ",
    "EMPTY": "",
    "TILDE": "~root",
    "BANG": "!! !$",
    "UNICODE": "é🔑\u2028",
    "CONTROL": "\x01\x1b[2J\r\x7f",
    "NUMBER": 5432,
    "TRUE": True,
    "NULL": None,
    "NESTED": {"a": ["it's", 1.5]},
}


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_nasty_values_are_sourced_as_they_are(tmp_path: Path, shell: list[str]) -> None:
    """Scalars as their text, nested values as JSON; nothing is run."""
    file = tmp_path / "app.env"
    file.write_bytes(formats.dump(NASTY, "env"))
    found = sourced(shell, file)
    wanted = {name: str(value) for name, value in NASTY.items()}
    wanted |= {"TRUE": "true", "NULL": "", "NESTED": '{"a":["it\'s",1.5]}'}

    assert {name: found.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("key", ["", "1A", "A-B", "A.B", "A B", "A\nB=x", "É", "A;id", "A=", "A'"])
def test_what_is_no_name_of_a_variable_is_refused(key: str) -> None:
    """It would be a command of the shell that sources the file."""
    with pytest.raises(RenderError, match="is no name of a shell variable") as caught:
        formats.dump({key: "c4nary"}, "env")

    assert caught.value.reason is Reason.UNSAFE_VARIABLE
    assert "c4nary" not in str(caught.value)


def test_a_nul_cannot_be_sourced() -> None:
    """The key is named."""
    with pytest.raises(RenderError, match="the value of `A` has a NUL"):
        formats.dump({"A": "c4nary\0"}, "env")


@pytest.mark.parametrize("form", ["properties", "env"])
@pytest.mark.parametrize("data", [[1], "text", 5, None])
def test_some_formats_need_a_mapping(form: str, data: object) -> None:
    """The format is named."""
    with pytest.raises(RenderError, match=f"the format `{form}` needs a mapping") as caught:
        formats.dump(data, form)

    assert caught.value.reason is Reason.NOT_A_MAPPING


@pytest.mark.parametrize("form", ["json", "yaml", "properties", "env"])
def test_binary_goes_into_raw_alone(form: str) -> None:
    """Every other format is text, and says so without a byte of it."""
    with pytest.raises(RenderError, match="use `format: raw`") as caught:
        formats.dump({"A": b"c4nary\xff"}, form)

    assert caught.value.reason is Reason.DECODE_FAILED
    assert "c4nary" not in str(caught.value)
    assert formats.dump(b"c4nary\xff", "raw") == b"c4nary\xff"
    assert "é" in str(yaml.safe_load(formats.dump({"A": "é".encode()}, "yaml")))


@pytest.mark.parametrize("form", ["raw", "json", "yaml", "env"])
def test_a_lone_surrogate_goes_into_no_file(form: str) -> None:
    """Readers of UTF-8 would refuse the whole file."""
    with pytest.raises(RenderError, match="a lone surrogate"):
        formats.dump({"A": "\ud800"}, form)


@pytest.mark.parametrize("form", ["json", "yaml", "properties", "env"])
def test_what_grows_out_of_bounds_is_refused(form: str) -> None:
    """More than a mebibyte is no file of configuration."""
    with pytest.raises(RenderError, match="the result is larger than 1048576 bytes") as caught:
        formats.dump({"A": "x" * 2**20}, form)

    assert caught.value.reason is Reason.OUTPUT_TOO_LARGE


@pytest.mark.parametrize("text", ["", "a b", "it's", "$(id)\n", "\\"])
def test_a_word_is_quoted_for_a_shell(text: str) -> None:
    """All is literal between quotes, and a quote ends them for a moment."""
    assert formats.shell_quote(text) == "'" + "'\\''".join(text.split("'")) + "'"


def test_infinity_of_a_document_survives() -> None:
    """JSON can write a number that no float holds; its digits stay."""
    data = documents.parse(b'{"n": 1e999}')

    assert formats.dump(data, "json") == b'{"n":1e999}\n'
    assert math.isinf(yaml.safe_load(formats.dump(data, "yaml"))["n"])
    assert formats.dump(data, "properties") == b"n=1e999\n"
