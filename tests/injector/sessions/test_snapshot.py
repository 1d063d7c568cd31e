"""What init leaves to the sidecar: whole and its own, or ignored with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from injector.contract.reasons import Reason
from injector.identity.interface import SessionKey
from tests.injector.sessions.logins import LIFE, Clock, Logins, base, cache_of, role

POD, PLAN = "uid-1", "hash-1"


@pytest.fixture
def logins() -> Logins:
    """Logins by a virtual clock."""
    return Logins(Clock())


def test_restored_sessions_need_no_login(logins: Logins) -> None:
    """A second process goes on with the first one's sessions."""
    first, second = cache_of(logins), cache_of(logins)
    session = first.get(role("role", base()))
    reason = second.restore(first.snapshot(POD, PLAN), POD, PLAN)
    logins.journal.clear()
    restored = second.get(role("role", base()))

    assert reason is None
    assert logins.journal == []
    assert restored.credentials == session.credentials
    assert (restored.issued_at, restored.expires_at) == (session.issued_at, session.expires_at)


def test_snapshot_passes_from_worker_to_worker(logins: Logins) -> None:
    """What was restored is written again, though this worker did not ask for it."""
    data = b""
    for _ in range(3):
        cache = cache_of(logins)
        if data:
            assert cache.restore(data, POD, PLAN) is None
        else:
            cache.get(base())
        data = cache.snapshot(POD, PLAN)

    assert [name for name, _ in logins.journal] == ["base"]
    assert len(json.loads(data)["records"]) == 1


def test_source_that_nobody_asked_for_is_left_out(logins: Logins) -> None:
    """The snapshot holds what the plan reads with, not what that was assumed from."""
    cache = cache_of(logins)
    cache.get(role("role", base()))
    alone = _principals(cache.snapshot(POD, PLAN))
    cache.get(base())

    assert alone == {"role"}
    assert _principals(cache.snapshot(POD, PLAN)) == {"base", "role"}


def test_ended_sessions_are_neither_written_nor_taken_over(logins: Logins) -> None:
    """Time that passes between two processes counts."""
    first, second = cache_of(logins), cache_of(logins)
    first.get(base())
    data = first.snapshot(POD, PLAN)
    logins.clock.now += LIFE

    assert second.restore(data, POD, PLAN) is None
    assert not second.holds(base())
    assert _principals(first.snapshot(POD, PLAN)) == set()


def test_environment_sessions_are_never_written_nor_what_came_of_them(logins: Logins) -> None:
    """`ambient` credentials are the process's own."""
    cache = cache_of(logins)
    ambient = SessionKey.of("aws", "ambient", {"name": "ambient"})
    cache.get(ambient)
    cache.get(role("role", ambient))

    assert _principals(cache.snapshot(POD, PLAN)) == set()


def test_snapshot_that_claims_environment_sessions_is_damaged(logins: Logins) -> None:
    """Nobody of ours writes them, so nobody of ours wrote this."""
    cache = cache_of(logins)
    cache.get(base())
    document = json.loads(cache.snapshot(POD, PLAN))
    document["records"][0]["key"]["method"] = "ambient"

    assert cache.restore(json.dumps(document).encode(), POD, PLAN) is Reason.SNAPSHOT_DAMAGED


@pytest.mark.parametrize(("pod", "plan"), [("uid-2", PLAN), (POD, "hash-2")])
def test_another_pods_or_plans_snapshot_is_foreign(logins: Logins, pod: str, plan: str) -> None:
    """A snapshot is used by the pod and for the plan that wrote it."""
    cache, other = cache_of(logins), cache_of(logins)
    cache.get(base())

    assert other.restore(cache.snapshot(POD, PLAN), pod, plan) is Reason.SNAPSHOT_FOREIGN
    assert not other.holds(base())


def test_another_versions_snapshot_is_foreign(logins: Logins) -> None:
    """A newer or older injector's snapshot is not guessed at."""
    data = cache_of(logins).snapshot(POD, PLAN).replace(b'"version":2', b'"version":3')

    assert cache_of(logins).restore(data, POD, PLAN) is Reason.SNAPSHOT_FOREIGN


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("records",), None),
        (("records",), [1]),
        (("records", 0, "token"), 7),
        (("records", 0, "expires_at"), "tomorrow"),
        (("records", 0, "expires_at"), float("inf")),
        (("records", 0, "expires_at"), True),
        (("records", 0, "key"), None),
        (("records", 0, "key", "inputs"), []),
        (("records", 0, "key", "inputs"), {"name": 1}),
        (("records", 0, "key", "source"), "base"),
        (("records", 0, "principal"), None),
    ],
)
def test_damaged_snapshot_is_ignored_whole(
    logins: Logins, path: tuple[Any, ...], value: object
) -> None:
    """One wrong field, and nothing of it is used."""
    cache, other = cache_of(logins), cache_of(logins)
    cache.get(base())
    cache.get(base("second"))
    document = json.loads(cache.snapshot(POD, PLAN))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    assert other.restore(json.dumps(document).encode(), POD, PLAN) is Reason.SNAPSHOT_DAMAGED
    assert not other.holds(base())
    assert not other.holds(base("second"))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"1" * 2_000_000, b'"x"']
)
def test_bytes_that_are_no_snapshot_are_damaged(logins: Logins, data: bytes) -> None:
    """Half a file, another file, or a hostile one."""
    assert cache_of(logins).restore(data, POD, PLAN) is Reason.SNAPSHOT_DAMAGED


def test_endless_chain_of_sources_is_damaged(logins: Logins) -> None:
    """A key nests no deeper than a chain of roles may be long."""
    cache = cache_of(logins)
    cache.get(base())
    document = json.loads(cache.snapshot(POD, PLAN))
    for _ in range(40):
        key = document["records"][0]["key"]
        document["records"][0]["key"] = {**key, "source": key}

    assert cache.restore(json.dumps(document).encode(), POD, PLAN) is Reason.SNAPSHOT_DAMAGED


def _principals(data: bytes) -> set[str]:
    return {record["principal"] for record in json.loads(data)["records"]}
