"""The termination message and the log: cause first, all of it named, within 4 KiB, no value."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector import diagnostics
from injector.contents import Failure
from injector.contract import references
from injector.contract.plan import Source
from injector.contract.reasons import CONSEQUENCES, ExitCode, Reason
from injector.errors import InjectorError, ProviderError, PublicationError, RenderError
from tests.injector.cycle.pod import file

if TYPE_CHECKING:
    from pathlib import Path

DENIED = ProviderError(
    Reason.ACCESS_DENIED,
    "the identity may not read it",
    step="GetSecretValue",
    code="AccessDeniedException",
    request_id="c0ffee-1",
    region="eu-west-1",
    remedy="allow secretsmanager:GetSecretValue",
)
DOWN = ProviderError(Reason.UNAVAILABLE, "connection refused", region="eu-west-1")


def failure(error: InjectorError, reference: str = "aws-ssm:/p", path: str = "p") -> Failure:
    """Make the failure of one secret."""
    secret = file("aws-ssm:/p", path)
    source = Source("value", references.parse(reference))
    return Failure(0, secret, source, "aws-ssm", error, served=False)


def test_a_line_has_everything() -> None:
    """Reason, reference, target, provider, step, region, cause, code, request id, remedy."""
    assert diagnostics.message([failure(DENIED, "aws-ssm:/p#key", "a/b")], []) == (
        "access-denied: aws-ssm:/p#key -> a/b (aws-ssm): GetSecretValue in eu-west-1: "
        "the identity may not read it [AccessDeniedException, request c0ffee-1]; "
        "to do: allow secretsmanager:GetSecretValue\n"
    )


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (InjectorError(Reason.INTERNAL, "text"), "text"),
        (RenderError(Reason.DECODE_FAILED, "text"), "text"),
        (ProviderError(Reason.INTERNAL, "text"), "text"),
        (ProviderError(Reason.INTERNAL, "text", step="S"), "S: text"),
        (ProviderError(Reason.INTERNAL, "text", region="r"), "in r: text"),
        (ProviderError(Reason.INTERNAL, "text", code="C"), "text [C]"),
        (ProviderError(Reason.INTERNAL, "text", request_id="1"), "text [request 1]"),
        (ProviderError(Reason.INTERNAL, "text", remedy="r"), "text; to do: r"),
    ],
)
def test_what_is_not_known_is_left_out(error: InjectorError, cause: str) -> None:
    """No empty brackets, no dangling words."""
    line = diagnostics.message([failure(error)], [])

    assert line == f"{error.reason}: aws-ssm:/p -> p (aws-ssm): {cause}\n"


def test_what_has_to_be_changed_comes_first() -> None:
    """Before what may pass, and what concerns the pod before its secrets."""
    full = PublicationError(Reason.DISK_FULL, "full")
    message = diagnostics.message([failure(DOWN, path="q"), failure(DENIED)], [full])

    assert [line.split(":")[0] for line in message.splitlines()] == [
        "disk-full",
        "access-denied",
        "unavailable",
    ]


def test_a_lead_stands_before_the_first_line() -> None:
    """How it came to an end; without a line there is nothing to lead."""
    message = diagnostics.message([failure(DOWN), failure(DENIED)], [], "gave up after 120 s")

    assert message.startswith("gave up after 120 s: access-denied: ")
    assert message.count("gave up") == 1
    assert diagnostics.message([], [], "gave up") == "\n"


def test_causes_that_are_alike_are_told_once() -> None:
    """The others are named, with the one that has it."""
    lines = diagnostics.message([failure(DENIED), failure(DENIED, "aws-ssm:/q", "q")], [])

    assert lines.splitlines()[1] == "access-denied: aws-ssm:/q -> q: as aws-ssm:/p"


@pytest.mark.parametrize("letter", ["x", "é", "🔑"])
def test_long_names_leave_room_for_the_cause(letter: str) -> None:
    """A reference of 2048 characters and a path of 1024 are cut in the middle."""
    long = failure(DENIED, f"aws-ssm:/p#{letter * 1000}end", f"start{letter * 200}end")
    message = diagnostics.message([long], [])

    assert "to do: allow secretsmanager:GetSecretValue\n" in message
    assert "aws-ssm:/p#" in message
    assert f"{letter}end -> start{letter}" in message
    assert len(message.encode()) <= 1501


def test_a_line_is_cut_where_it_does_not_fit() -> None:
    """At a whole character."""
    message = diagnostics.message([failure(RenderError(Reason.INTERNAL, "é" * 5000))], [])

    assert message.endswith("é…\n")
    assert len(message.encode()) <= 1504


@given(st.lists(st.text(max_size=2000), max_size=40), st.text(max_size=100))
def test_a_message_fits_into_what_the_kubelet_keeps(texts: list[str], lead: str) -> None:
    """Whatever is in it: 4 KiB of plain lines, and how many more there are."""
    failures = [failure(RenderError(Reason.INTERNAL, text)) for text in texts]
    message = diagnostics.message(failures, [], lead)
    lines = message.removesuffix("\n").split("\n")
    more = lines[-1].removeprefix("… and ").removesuffix(" more")

    assert len(message.encode()) <= 4096
    assert all(line.isprintable() for line in lines)
    if texts:
        told = len(lines) - 1 + int(more) if lines[-1].startswith("… and ") else len(lines)
        assert told == len(failures)


@pytest.mark.parametrize("length", range(20, 400, 7))
def test_how_many_more_there_are_has_its_place(length: int) -> None:
    """Whatever the length of the lines, the last one fits as well."""
    failures = [
        failure(RenderError(Reason.INTERNAL, f"{number:03}{'x' * length}")) for number in range(99)
    ]

    assert 3600 < len(diagnostics.message(failures, []).encode()) <= 4096


def test_what_pretends_to_be_a_line_is_none() -> None:
    """New lines and escapes of terminals become blanks."""
    evil = failure(RenderError(Reason.INTERNAL, "a\nnot-found: b\x1b[31m\u2028c"))

    assert len(diagnostics.message([evil], []).splitlines()) == 1


CODES = {
    ExitCode.CONFIGURATION: "invalid-plan invalid-settings invalid-request invalid-store",
    ExitCode.IDENTITY: "token-unavailable identity-denied self-assume clock-skew",
    ExitCode.DENIED: "access-denied",
    ExitCode.NOT_FOUND: "not-found",
    ExitCode.UNAVAILABLE: "unavailable throttled",
    ExitCode.RENDER: "selector-not-found not-a-mapping decode-failed template-failed"
    " output-too-large unsafe-variable unsafe-path",
    ExitCode.WRITE: "write-failed disk-full",
    ExitCode.INTERNAL: "internal snapshot-damaged action-failed",
}


@pytest.mark.parametrize(
    ("code", "reason"), [(code, word) for code, words in CODES.items() for word in words.split()]
)
def test_each_class_has_its_code(code: int, reason: str) -> None:
    """What a person sees before reading anything."""
    assert diagnostics.exit_code([InjectorError(Reason(reason), "")]) == code


@given(st.lists(st.sampled_from(Reason), min_size=1))
def test_a_definite_no_decides_the_code(reasons: list[Reason]) -> None:
    """The first of them; what may pass decides only where there is none."""
    code = diagnostics.exit_code([InjectorError(reason, "") for reason in reasons])
    definite = [reason for reason in reasons if not CONSEQUENCES[reason].retryable]

    assert code == CONSEQUENCES[(definite or reasons)[0]].exit_code


def test_a_defect_is_a_type_and_a_place() -> None:
    """The text of an exception may quote a value."""
    try:
        json.loads("{}")["c4nary"]
    except KeyError as exc:
        found = diagnostics.defect(exc)

    assert found.reason is Reason.INTERNAL
    assert str(found).startswith("KeyError at test_messages.py:")
    assert "please report" in str(found)
    assert str(diagnostics.defect(KeyError("c4nary"))).startswith("KeyError; ")


class Lines:
    """A log that is kept."""

    def __init__(self, root: Path, level: str = "info") -> None:
        self._path = root / "log"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT)
        self.log = diagnostics.Log(level, descriptor, clock=lambda: 1_764_000_000.9)

    @property
    def kept(self) -> list[dict[str, Any]]:
        """What was written, line by line."""
        return [json.loads(line) for line in self._path.read_text().splitlines()]


def test_a_line_of_the_log(tmp_path: Path) -> None:
    """UTC to the second; empty fields are left out, numbers that are zero are not."""
    lines = Lines(tmp_path)
    lines.log.write("info", "a\nb", none="", empty=[], zero=0, text="é")

    assert lines.kept == [
        {
            "time": "2025-11-24T16:00:00Z",
            "level": "info",
            "message": "a\nb",
            "zero": 0,
            "text": "é",
        }
    ]


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
        ("nonsense", ["info", "warning", "error"]),
    ],
)
def test_a_log_has_a_level(tmp_path: Path, level: str, written: list[str]) -> None:
    """What is below is not written; an unknown level is the default."""
    lines = Lines(tmp_path, level)
    for each in ("debug", "info", "warning", "error"):
        lines.log.write(each, "x")

    assert [line["level"] for line in lines.kept] == written


def test_a_reader_of_the_log_that_is_stuck_stops_nobody() -> None:
    """What it does not take is dropped; when it reads again, so are new lines there."""
    reading, writing = os.pipe()
    log = diagnostics.Log(descriptor=writing)
    for number in range(200):
        log.write("info", "x" * 9000, number=number)
    taken = os.read(reading, 1 << 20)
    log.write("info", "here again")
    last = (taken + os.read(reading, 1 << 20)).splitlines()[-1]
    os.close(reading)
    log.write("info", "nobody is there")
    os.close(writing)

    assert json.loads(last)["message"] == "here again"


def test_a_failure_is_logged_with_its_marks(tmp_path: Path) -> None:
    """An error when there is nothing, a warning when the last good content is there."""
    lines = Lines(tmp_path)
    lines.log.failure(failure(DENIED))
    lines.log.failure(replace(failure(DENIED), served=True))
    lines.log.problem("a volume was not written", PublicationError(Reason.DISK_FULL, "full"))
    first, second, third = lines.kept

    assert first["level"] == "error"
    assert first | {"level": "warning", "message": second["message"]} == second
    assert {name: first[name] for name in ("reference", "target", "provider", "region")} == {
        "reference": "aws-ssm:/p",
        "target": "p",
        "provider": "aws-ssm",
        "region": "eu-west-1",
    }
    assert (first["step"], first["code"]) == ("GetSecretValue", "AccessDeniedException")
    assert (first["request_id"], first["remedy"]) == ("c0ffee-1", DENIED.remedy)
    assert (third["reason"], third["cause"], "step" in third) == ("disk-full", "full", False)
