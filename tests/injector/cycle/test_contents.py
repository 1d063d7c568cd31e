"""What each secret becomes: together with those it shares a read with, and last good otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from injector import contents, render
from injector.contents import groups
from injector.contract import references
from injector.contract.plan import Plan, Secret
from injector.contract.reasons import Reason
from injector.contract.stores import Store
from injector.errors import InjectorError, ProviderError
from injector.material import Material
from injector.render.interface import Rendered, Value
from injector.state import ReadState, State
from tests.injector.cycle.pod import VOLUME, file, item, variable

if TYPE_CHECKING:
    from injector.contract.references import Reference

A, B, C = (references.parse(f"aws-ssm:/{name}") for name in "abc")
STORES = (Store("aws-ssm", "aws-ssm", {}),)
DENIED = ProviderError(Reason.ACCESS_DENIED, "no")


def plan(*secrets: Secret) -> Plan:
    """Make a plan of these secrets."""
    return Plan(secrets, STORES, (VOLUME,))


def known(**values: bytes) -> dict[Reference, ReadState]:
    """Make the reads that gave these bytes."""
    return {
        references.parse(f"aws-ssm:/{name}"): ReadState(value=Value(Material(data)))
        for name, data in values.items()
    }


def text(made: Rendered) -> bytes:
    """Give the bytes of one file."""
    return made.files[0].material.reveal()


def test_secrets_with_a_common_read_are_a_group() -> None:
    """Directly, or through an item that has both."""
    secrets = plan(
        file("aws-ssm:/a"),
        file("aws-ssm:/b"),
        file("aws-ssm:/c"),
        item("t", "{{ x }}{{ y }}", x="aws-ssm:/c", y="aws-ssm:/a"),
        file("aws-ssm:/b#key"),
    )

    assert groups(secrets) == [[0, 2, 3], [1, 4]]


def test_a_group_stays_as_it_is_when_one_of_it_fails() -> None:
    """A new password beside an old user name is worse than both old; others move on."""
    pod = plan(
        file("aws-ssm:/a", "a"),
        item("t", "{{ x }}{{ y }}", x="aws-ssm:/a", y="aws-ssm:/b"),
        file("aws-ssm:/c", "c"),
    )
    old = contents.contents(pod, State(known(a=b"1", b=b"1", c=b"1")), [A, B, C], {})
    reads = known(a=b"2", b=b"1", c=b"2")
    reads[B] = replace(reads[B], reason=Reason.ACCESS_DENIED)
    made = contents.contents(pod, State(reads, rendered=old.rendered), [A, B, C], {B: DENIED})

    assert [text(made.rendered[index]) for index in range(3)] == [b"1", b"11", b"2"]
    assert made.changed == {2}
    assert [(one.index, one.served, one.error) for one in made.failures] == [(1, True, DENIED)]
    assert made.complete


def test_a_first_failure_is_not_served() -> None:
    """Nothing of the group is there, and the cycle is not complete."""
    reads = {A: ReadState(reason=Reason.ACCESS_DENIED)}
    made = contents.contents(plan(file("aws-ssm:/a")), State(reads), [A], {A: DENIED})

    assert (made.rendered, made.complete) == ({}, False)
    assert made.failures[0].provider == "aws-ssm"


def test_what_failed_before_and_is_not_due_is_still_a_failure() -> None:
    """Its reason is kept, though nobody asked in this cycle."""
    reads = known(a=b"1") | {B: ReadState(reason=Reason.THROTTLED)}
    secret = item("t", "{{ x }}{{ y }}", x="aws-ssm:/a", y="aws-ssm:/b")
    made = contents.contents(plan(secret), State(reads), [A], {})

    assert made.failures[0].error.reason is Reason.THROTTLED
    assert "it failed before and is not yet due again" in str(made.failures[0].error)
    assert made.failures[0].source.name == "y"


def test_what_nobody_read_is_not_rendered_again() -> None:
    """Bytes of the state that changed without a read change nothing."""
    kept = {0: Rendered(variables=(("X", Material(b"kept")),))}
    made = contents.contents(
        plan(file("aws-ssm:/a")), State(known(a=b"other"), rendered=kept), [], {}
    )

    assert (made.rendered, made.changed) == (kept, frozenset())


def test_an_optional_secret_that_is_absent_has_no_content() -> None:
    """It is no failure."""
    made = contents.contents(
        plan(file("aws-ssm:/a", optional=True)), State({A: ReadState()}), [A], {}
    )

    assert (made.rendered, made.failures, made.complete) == ({}, (), True)


def test_bytes_that_are_of_no_use_are_noted_for_each_read() -> None:
    """With the reason, so that they are asked for again soon."""
    secret = item("t", "{{ x.absent }}{{ y }}", x="aws-ssm:/a", y="aws-ssm:/b")
    made = contents.contents(plan(secret), State(known(a=b"{}", b=b"1")), [A, B], {})

    assert made.unrendered == {A: Reason.TEMPLATE_FAILED, B: Reason.TEMPLATE_FAILED}


def test_a_variable_that_cannot_be_is_its_secrets_failure() -> None:
    """Said at once, and of this secret, and not when the file of all is written."""
    made = contents.contents(plan(variable("aws-ssm:/a", "X")), State(known(a=b"'")), [A], {})

    assert made.failures[0].error.reason is Reason.UNSAFE_VARIABLE


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (ValueError("c4nary"), Reason.INTERNAL, "rendering failed: ValueError"),
        (RecursionError("c4nary"), Reason.INTERNAL, "rendering failed: RecursionError"),
        (InjectorError(Reason.UNSAFE_PATH, "words"), Reason.UNSAFE_PATH, "words"),
    ],
)
def test_whatever_rendering_raises_is_one_secrets_failure(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: Reason, message: str
) -> None:
    """By type alone, for a library's text may quote a value; the others are rendered."""

    def broken(secret: Secret, *_: object, **__: object) -> Rendered:
        if secret.path == "a":
            raise error
        return Rendered()

    monkeypatch.setattr(render, "render", broken)
    pod = plan(file("aws-ssm:/a", "a"), file("aws-ssm:/b", "b"))
    made = contents.contents(pod, State(known(a=b"c4nary", b=b"1")), [A, B], {})

    assert [(one.error.reason, str(one.error)) for one in made.failures] == [(reason, message)]
    assert made.unrendered == {A: reason}
    assert list(made.rendered) == [1]


def test_a_state_without_a_required_value_takes_no_file_away() -> None:
    """It is none of ours, for what is required does not succeed without a value."""
    pod = plan(file("aws-ssm:/a", "a"), file("aws-ssm:/b", "b", optional=True))
    made = contents.contents(pod, State({A: ReadState(), B: ReadState()}), [], {})

    assert [(one.index, one.served) for one in made.failures] == [(0, False)]
    assert not made.complete
