"""Status and metrics: moments, references and reasons; never a value."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from injector import status
from injector.contract import references
from injector.contract.plan import Action, Plan
from injector.contract.reasons import Reason
from injector.cycle import CycleReport
from injector.errors import InjectorError
from injector.material import Material, RenderedFile
from injector.render.interface import Rendered, Value
from injector.report import Report
from injector.state import HeldLease, ReadState, State
from injector.supervision import Report as Line
from tests.injector.cycle.pod import VOLUME, file

NOW = 1_764_000_000.0
DB, ODD = "aws-secretsmanager:prod/db", 'aws-ssm:/odd?label=a"b'
SECRETS = file(DB, "db"), file(ODD, "odd", on_change=Action("restart"))
PLAN = Plan(SECRETS, (), (VOLUME,), max_stale=3600.0, metrics_port=9000)
VALUE = Value(Material(b"c4nary"))
READS = {
    references.parse(DB): ReadState(
        version="v1",
        served_by="eu-west-1",
        value=VALUE,
        succeeded_at=NOW - 60,
        changed_at=NOW - 600,
        due_at=NOW + 840,
    ),
    references.parse(ODD): ReadState(
        value=VALUE,
        succeeded_at=NOW - 900,
        due_at=math.inf,
        failures=3,
        reason=Reason.ACCESS_DENIED,
    ),
}
RENDERED = {0: Rendered((RenderedFile("db", Material(b"c4nary")),))}
STATE = State(READS, rendered=RENDERED, pending=frozenset({1}), published_at=NOW - 600)
REPORT = CycleReport(STATE, complete=True, fetched={}, next=840.0)


def test_the_document_says_what_a_person_asks() -> None:
    """Present, reason, versions, regions and moments of every secret and read."""
    document = json.loads(status.document(PLAN, REPORT, NOW))
    first, second = document["secrets"]

    assert (first["target"], first["present"], first["reason"]) == ("db", True, None)
    assert (second["present"], second["reason"]) == (False, "access-denied")
    assert second["action_pending"]
    assert document["reads"][DB]["version"] == "v1"
    assert document["reads"][DB]["region"] == "eu-west-1"
    assert document["reads"][ODD.replace('"', "%22")]["due_at"] is None
    assert document["next_cycle_at"] == NOW + 840


def test_staleness_is_a_moment() -> None:
    """The oldest success plus max-stale; what is never read again does not count."""
    never = replace(PLAN, secrets=(SECRETS[0], replace(SECRETS[1], refresh=0.0)))

    assert status.stale_at(PLAN, STATE) == NOW - 900 + 3600
    assert status.stale_at(never, STATE) == NOW - 60 + 3600
    assert status.stale_at(replace(PLAN, max_stale=0.0), STATE) == math.inf


def test_metrics_are_prometheus_text() -> None:
    """Help and type before each, labels escaped, no sample for what never happened."""
    text = status.metrics(PLAN, REPORT, NOW).decode()
    name = "syrette_sidecar_read_success_timestamp_seconds"

    assert f'{name}{{reference="{DB}"}} {NOW - 60:.3f}\n' in text
    assert f"# HELP {name} Last read that succeeded.\n# TYPE {name} gauge\n" in text
    assert 'reason="access-denied"} 3\n' in text
    assert f'read_change_timestamp_seconds{{reference="{DB}"}}' in text
    assert 'read_change_timestamp_seconds{reference="aws-ssm' not in text
    assert "inf" not in text.replace("info", "")


def test_labels_are_escaped() -> None:
    """A quote, a backslash and a new line of a selector cannot break the text."""
    secret = file('aws-ssm:/p?label=x\\"y', "odd")
    plan = Plan((secret,), (), (VOLUME,))
    state = State({secret.sources[0].reference.read: ReadState(succeeded_at=NOW)})
    text = status.metrics(plan, CycleReport(state, complete=True, fetched={}), NOW).decode()

    assert all(line.count('"') % 2 == 0 for line in text.splitlines())


def test_no_value_is_in_either() -> None:
    """Material stays out of both texts."""
    both = status.document(PLAN, REPORT, NOW) + status.metrics(PLAN, REPORT, NOW)

    assert b"c4nary" not in both


def test_a_volume_that_was_not_written_is_shown() -> None:
    """By name, with its reason."""
    error = InjectorError(Reason.DISK_FULL, "full")
    report = replace(REPORT, unpublished={VOLUME: error})
    document = json.loads(status.document(PLAN, report, NOW))

    assert document["volumes"] == {VOLUME: {"reason": "disk-full"}}
    assert f'volume_failed{{volume="{VOLUME}"}} 1' in status.metrics(PLAN, report, NOW).decode()


def test_an_action_that_failed_is_shown() -> None:
    """Its kind and cause, and how many are pending."""
    error = InjectorError(Reason.ACTION_FAILED, "no process `app`")
    report = replace(REPORT, untold={Action("signal", "SIGHUP", "app"): error})
    document = json.loads(status.document(PLAN, report, NOW))

    assert document["actions"][0]["cause"] == "no process `app`"
    assert "syrette_sidecar_actions_pending 1\n" in status.metrics(PLAN, report, NOW).decode()


@pytest.mark.parametrize("seconds", [0.0, 840.25, math.inf])
def test_the_supervisor_reads_what_a_worker_writes(seconds: float) -> None:
    """One line, two programs: every field arrives."""
    plan = replace(PLAN, classic=True, grace_period=45.0)
    written = Report(at=4e9, next=seconds, stale=NOW, revoke=True, restart=True)
    line = Line(written.line(plan).encode())

    assert (line.next, line.stale_at, line.port) == (seconds, NOW, 9000)
    assert (line.revoke, line.restart, line.classic, line.grace) == (True, True, True, 45.0)


def test_a_lease_says_when_it_ends_and_is_no_stale_secret_before() -> None:
    """It is left alone for most of its life, which may be longer than `max-stale`."""
    secret = file("vault:database/creds/app#username", "user")
    plan = Plan((secret,), (), (VOLUME,), max_stale=600.0)
    lease = HeldLease("x", 3600.0, renewable=True, issued_at=NOW, original=3600.0)
    read = ReadState(value=VALUE, succeeded_at=NOW, due_at=NOW + 2400, lease=lease)
    state = State({secret.sources[0].reference.read: read})
    report = CycleReport(state, complete=True, fetched={})
    document = json.loads(status.document(plan, report, NOW))

    assert document["reads"]["vault:database/creds/app"]["lease_ends_at"] == NOW + 3600
    assert document["stale_at"] == NOW + 3600
    assert (
        'syrette_sidecar_lease_end_timestamp_seconds{reference="vault:database/creds/app"} '
        f"{NOW + 3600:.3f}"
    ) in status.metrics(plan, report, NOW).decode()
