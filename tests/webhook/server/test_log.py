"""Log lines: one write each, no content, and no reader can stop the server."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import msgspec
import pytest

from injector.contract.reasons import Reason
from webhook.decisions import Decision, Outcome
from webhook.log import LibraryHandler, Log

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def _lines(reading: int) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in os.read(reading, 1 << 20).splitlines()]


def test_a_decision_has_every_field(pipe: tuple[int, int]) -> None:
    """The names are those that operators search for."""
    decision = Decision(
        Outcome.DENIED,
        Reason.POLICY_DENIED,
        uid="u",
        namespace="payments",
        pod="web-",
        owner_kind="ReplicaSet",
        service_account="ledger",
        secrets=2,
        providers=("aws-secretsmanager",),
        references=("app:db",),
        warnings=1,
        violations=2,
        dry_run=True,
    )
    Log(pipe[1], clock=lambda: 1_700_000_000.5).decided(decision, 0.0012345)

    assert _lines(pipe[0]) == [
        {
            "time": "2023-11-14T22:13:20.500000Z",
            "level": "info",
            "message": "decided",
            "verdict": "denied",
            "reason": "policy-denied",
            "uid": "u",
            "namespace": "payments",
            "pod": "web-",
            "owner_kind": "ReplicaSet",
            "service_account": "ledger",
            "secrets": 2,
            "providers": ["aws-secretsmanager"],
            "references": ["app:db"],
            "warnings": 1,
            "policy_warnings": 2,
            "dry_run": True,
            "duration_ms": 1.234,
        }
    ]


def test_a_failure_names_type_and_place_only(pipe: tuple[int, int]) -> None:
    """An exception's text may quote what came in."""
    try:
        int("SENTINEL")
    except ValueError as exc:
        Log(pipe[1]).failure("it failed", exc)

    (line,) = _lines(pipe[0])
    assert (line["error"], line["message"]) == ("ValueError", "it failed")
    assert "test_log.py" in str(line["where"])
    assert "SENTINEL" not in str(line)


def test_a_reader_that_stops_loses_lines_and_stops_nobody(pipe: tuple[int, int]) -> None:
    """A full pipe does not block; what was lost is counted, and whole lines follow."""
    reading, writing = pipe
    log = Log(writing)
    for number in range(5000):
        log.event("info", "line", number=number, padding="x" * 100)
    lost = log.dropped
    first = b""
    while b'"number":4999' not in first:
        first += os.read(reading, 1 << 20)
        log.event("info", "line", number=4999)

    assert lost > 0
    assert all(msgspec.json.decode(line) for line in first.splitlines())


def test_a_long_line_arrives_whole(pipe: tuple[int, int]) -> None:
    """Longer than what a pipe takes at once, it is written in pieces."""
    Log(pipe[1]).event("info", "long", text="x" * 20_000)

    (line,) = _lines(pipe[0])
    assert len(str(line["text"])) == 20_000


def test_a_reader_that_left_stops_nobody() -> None:
    """Without anybody at the other end the server serves on."""
    reading, writing = os.pipe()
    os.close(reading)
    log = Log(writing)
    log.event("info", "line")
    log.event("info", "line")
    os.close(writing)

    assert log.dropped == 2


def test_a_regular_file_takes_everything(pipe: tuple[int, int]) -> None:
    """Standard output may be redirected."""
    del pipe
    descriptor = os.memfd_create("log") if hasattr(os, "memfd_create") else os.open(os.devnull, 1)
    log = Log(descriptor)
    for _ in range(100):
        log.event("info", "line")
    size = os.fstat(descriptor).st_size
    os.close(descriptor)

    assert log.dropped == 0
    assert size > 0 or not hasattr(os, "memfd_create")


def test_libraries_log_through_us_without_their_arguments(pipe: tuple[int, int]) -> None:
    """What a library puts into a message's arguments may be anything."""
    handler = LibraryHandler(Log(pipe[1]))
    logger = logging.getLogger("tests.library")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.warning("odd thing: %s", "SENTINEL")
        try:
            raise ValueError("SENTINEL")  # noqa: EM101, TRY301 - what must not be seen
        except ValueError:
            logger.exception("failed with %s", "SENTINEL")
    finally:
        logger.removeHandler(handler)

    lines = _lines(pipe[0])
    assert [(x["level"], x["logger"]) for x in lines] == [
        ("warning", "tests.library"),
        ("error", "tests.library"),
    ]
    assert "SENTINEL" not in str(lines)
