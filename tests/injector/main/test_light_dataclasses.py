"""Dataclasses that are cheap to define behave as the real ones, and only ours are such."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from injector import light_dataclasses
from injector.contract.plan import Plan
from tests.house.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = [light_dataclasses.dataclass, light_dataclasses.REAL]


def _made(
    decorate: Callable[..., Any], *, frozen: bool = True, module: str = "injector.errors"
) -> Any:  # noqa: ANN401 - a class
    class Login:
        __module__ = module

        role: str
        token: str = dataclasses.field(default="", repr=False)
        tries: int = dataclasses.field(default=0, compare=False)
        tags: list[str] = dataclasses.field(default_factory=list, compare=False)

        def shown(self) -> str:
            return f"{self.role} {self.tries}"

    Login.__qualname__ = "Login"
    return decorate(frozen=frozen, slots=True)(Login)


@pytest.fixture(params=KINDS, ids=["light", "real"])
def kind(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - a class
    """Give a class of either kind."""
    return _made(request.param)


def test_values_come_by_place_by_name_or_by_default(kind: Any) -> None:  # noqa: ANN401 - a class
    """A default that is made is made for each instance; methods stay."""
    login = kind("web", tries=2)

    assert (login.role, login.token, login.tries, login.tags) == ("web", "", 2, [])
    assert login.tags is not kind("web").tags
    assert login.shown() == "web 2"
    assert dataclasses.replace(login, role="db") == kind("db")
    assert [field.name for field in dataclasses.fields(login)] == [*kind.__match_args__]


def test_instances_are_equal_by_the_fields_that_are_compared(kind: Any) -> None:  # noqa: ANN401 - a class
    """And so are their hashes; another class is never equal."""
    assert kind("web", "a", 1) == kind("web", "a", 2)
    assert hash(kind("web", "a", 1)) == hash(kind("web", "a", 2))
    assert kind("web") != kind("db")
    assert kind("web") != ("web", "")


def test_what_is_not_to_be_shown_is_not(kind: Any) -> None:  # noqa: ANN401 - a class
    """A secret does not get into a message."""
    assert repr(kind("web", "s3cret")) == "Login(role='web', tries=0, tags=[])"


def test_frozen_is_frozen_and_slots_are_slots(kind: Any) -> None:  # noqa: ANN401 - a class
    """Nothing changes, and nothing is added."""
    login = kind("web")
    with pytest.raises(dataclasses.FrozenInstanceError, match="'role'"):
        login.role = "db"
    with pytest.raises(dataclasses.FrozenInstanceError, match="'role'"):
        del login.role
    assert not hasattr(login, "__dict__")


@pytest.mark.parametrize(
    ("given", "named"),
    [((), {}), (("a",) * 5, {}), (("a",), {"role": "b"}), (("a",), {"roll": "b"})],
    ids=["too few", "too many", "twice", "unknown"],
)
def test_wrong_arguments_are_refused(kind: Any, given: Any, named: Any) -> None:  # noqa: ANN401 - a class
    """Nothing is made of them."""
    with pytest.raises(TypeError):
        kind(*given, **named)


@pytest.mark.parametrize("decorate", KINDS)
def test_what_changes_has_no_hash(decorate: Callable[..., Any]) -> None:
    """A class that is not frozen can be changed and cannot be a key."""
    login = _made(decorate, frozen=False)("web")
    login.role = "db"

    assert login.role == "db"
    with pytest.raises(TypeError):
        hash(login)


@pytest.mark.parametrize("decorate", KINDS)
def test_what_a_class_says_itself_stays(decorate: Callable[..., Any]) -> None:
    """Its own representation goes before the made one."""

    class Own:
        __module__ = "injector.errors"
        token: str

        def __repr__(self) -> str:
            return "hidden"

    assert repr(decorate(frozen=True)(Own)("s3cret")) == "hidden"


def test_others_and_what_is_not_known_get_the_real_one() -> None:
    """A library's class is made as the library means it."""
    made = _made(light_dataclasses.dataclass, module="json")
    ordered = light_dataclasses.dataclass(order=True)(
        type("O", (), {"__module__": "injector.errors"})
    )

    assert "injector" not in made.__init__.__code__.co_filename
    assert ordered() <= ordered()


def test_programs_have_them_and_whoever_imports_has_not() -> None:
    """The command line and the tests import the real ones; a program of a pod makes its own."""
    code = f"""
import runpy, sys, os
sys.path.append({str(ROOT)!r})
os._exit = lambda code: None
sys.argv = ["injector"]
runpy.run_module("injector", run_name="__main__", alter_sys=True)
from injector.contract.plan import Plan
print(Plan.__init__.__module__)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["injector.light_dataclasses"]
    assert Plan.__init__.__module__ != "injector.light_dataclasses"
