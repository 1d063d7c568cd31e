"""EnvFiles as the kubelet reads them, and the values that they cannot carry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.material import Material
from injector.render.envfile import MAX_LINE, MAX_VARIABLE, env_file

names = st.from_regex(r"[A-Za-z_.-][A-Za-z0-9_.-]{0,10}", fullmatch=True)
carried = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="'\0\r"), min_size=1)


def kubelet(text: str) -> dict[str, str]:
    """Read `NAME='value'` as KEP-3721 says: literal to the next quote, across lines."""
    found: dict[str, str] = {}
    while text:
        name, equals, rest = text.partition("='")
        assert equals
        value, quote, text = rest.partition("'")
        assert quote
        assert text.startswith("\n")
        assert name not in found
        text = text[1:]
        found[name] = value
    return found


@given(st.dictionaries(names, carried, max_size=6))
def test_what_is_written_is_read(variables: dict[str, str]) -> None:
    """New lines, dollars, double quotes, backslashes and any script, literally."""
    written = env_file([(name, Material(value.encode())) for name, value in variables.items()])

    assert kubelet(written.reveal().decode()) == variables


def test_no_variable_is_an_empty_file() -> None:
    """The kubelet waits for the file, not for what is in it."""
    assert env_file([]).reveal() == b""


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (b"c4nary'", "holds a single quote"),
        (b"c4nary\0", "holds a NUL"),
        (b"c4nary\r\n", "holds a CR"),
        (b"", "is empty, which the kubelet takes for absent"),
        (b"c4nary\xff", "is not UTF-8"),
        (b"c4nary".ljust(MAX_LINE), "has a line of more than 64 KiB"),
        (b"x\n" + b"c4nary".ljust(MAX_LINE + 1) + b"\nx", "has a line of more than 64 KiB"),
        (b"c4nary\n" * 20_000, "is larger than Linux takes, 128 KiB"),
    ],
)
def test_what_cannot_be_carried_names_the_variable(value: bytes, problem: str) -> None:
    """Never its value, and what to do instead."""
    with pytest.raises(RenderError, match=f"^the variable DB_URL {problem}") as caught:
        env_file([("OK", Material(b"x")), ("DB_URL", Material(value))])

    assert caught.value.reason is Reason.UNSAFE_VARIABLE
    assert str(caught.value).endswith("; mount it as a file instead")
    assert "c4nary" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "1A", "A B", "A=B", "A\nB", "É", "A'", "A\0", "\ud800"])
def test_what_is_no_name_is_refused(name: str) -> None:
    """A name could add another variable."""
    with pytest.raises(RenderError, match="is no name of an environment variable"):
        env_file([(name, Material(b"x"))])


def test_the_largest_values_go_in() -> None:
    """A line of 64 KiB less its new line; a variable of 128 KiB less its NUL."""
    line = b"x" * (MAX_LINE - len("A=''"))
    lines = b"\n".join([b"y" * 60_000, b"y" * 60_000, b"y" * (MAX_VARIABLE - 120_004)])

    assert env_file([("A", Material(line))]).reveal() == b"A='" + line + b"'\n"
    assert len(env_file([("B", Material(lines))])) == MAX_VARIABLE + 3
    with pytest.raises(RenderError, match="has a line of more"):
        env_file([("A", Material(line + b"x"))])
    with pytest.raises(RenderError, match="is larger than Linux takes"):
        env_file([("B", Material(lines + b"y"))])


def test_a_name_comes_once() -> None:
    """Two secrets for one variable is an error, not a race."""
    with pytest.raises(RenderError, match="the variable A comes from two secrets") as caught:
        env_file([("A", Material(b"c4nary")), ("B", Material(b"x")), ("A", Material(b"c4nary"))])

    assert caught.value.reason is Reason.NAME_COLLISION
    assert "c4nary" not in str(caught.value)
