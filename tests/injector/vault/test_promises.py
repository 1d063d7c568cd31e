"""What every provider promises (`tests/injector/providers/test_contract.py`), kept by Vault's."""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from injector import reads
from injector.contract import references
from injector.contract.plan import Plan
from injector.contract.reasons import Reason
from injector.edges import Edges
from injector.errors import InjectorError, ProviderError
from injector.providers import PROVIDERS
from injector.providers.interface import Provider, Read
from injector.state import State
from tests.injector.cycle.pod import file, machine
from tests.injector.vault.pod import VaultPod
from worlds import faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from injector.providers.interface import Fetched
    from injector.sessions import SessionCache
    from tests.openbao import Cluster
    from worlds.openbao import Namespace
    from worlds.vault import VaultWorld

CANARY = "canary-7f3a"
DB = "vault:secret/prod/db"


class Place:
    """A store of one secret, behind a world that misbehaves on demand."""

    def __init__(self, pod: VaultPod, front: VaultWorld, sessions: SessionCache) -> None:
        self.pod, self.front, self.sessions = pod, front, sessions
        self.store = pod.plan.stores[0]

    def fetch(self, *texts: str, sessions: Any = None) -> list[Fetched]:  # noqa: ANN401 - a stand-in
        """Read references."""
        wanted = [Read(references.parse(text)) for text in texts]
        return PROVIDERS["vault"].fetch(wanted, self.store, sessions or self.sessions)


@pytest.fixture
def place(vault: Namespace, front: VaultWorld, cluster: Cluster, tmp_path: Path) -> Iterator[Place]:
    """One secret with a canary, which shop/web may read."""
    vault.kv("secret")
    vault.put("secret", "prod/db", value=CANARY)
    vault.policy("shop", {"secret/data/prod/*": ["read"]})
    vault.kubernetes_role("web", "shop")
    pod = VaultPod(front.front_of(vault), cluster, tmp_path, file(DB), namespace=vault.path)
    with machine(pod.time) as here:
        yield Place(pod, front, here.open_sessions(pod.settings, here))


def test_fetch_is_final() -> None:
    """The promise is the base class's."""
    assert type(PROVIDERS["vault"]).fetch is Provider.fetch


def test_each_read_has_its_own_outcome_in_order(place: Place) -> None:
    """One absent secret spoils no other, and no value is in what is shown."""
    fetched = place.fetch("vault:secret/prod/absent", DB)

    assert [str(item.reference) for item in fetched] == ["vault:secret/prod/absent", DB]
    assert fetched[0].error is not None
    assert fetched[0].error.reason is Reason.NOT_FOUND
    assert fetched[1].material is not None
    assert CANARY.encode() in fetched[1].material.reveal()
    assert (fetched[1].version, fetched[1].mapping) == ("1", True)
    assert CANARY not in repr(fetched)


def test_nothing_to_read_asks_nobody(place: Place) -> None:
    """An empty list is an empty list."""
    assert place.fetch() == []
    assert place.front.journal.entries == ()


class Exploding:
    """In the place of the session cache: its logins raise what they are given."""

    def __init__(self, error: Exception, identity: object) -> None:
        self._error = error
        self.identity = identity

    def holds(self, _key: object) -> bool:
        """Hold nothing."""
        return False

    def standing(self, _key: object) -> tuple[()]:
        """Hold nothing."""
        return ()

    def expect(self, _key: object, _service: str, _region: str) -> None:
        """Take no notice."""

    def get(self, _key: object) -> None:
        """Fail."""
        raise self._error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyError(CANARY), Reason.INTERNAL),
        (RecursionError(CANARY), Reason.INTERNAL),
        (InjectorError(Reason.TOKEN_UNAVAILABLE, "none"), Reason.TOKEN_UNAVAILABLE),
        (ProviderError(Reason.CLOCK_SKEW, "late", step="Vault login"), Reason.CLOCK_SKEW),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_exception_becomes_an_error_with_a_reason(
    place: Place, error: Exception, reason: Reason
) -> None:
    """Callers meet only our errors, one for each read, and of a defect only its type."""
    fetched = place.fetch(DB, DB, sessions=Exploding(error, place.sessions.identity))

    for item in fetched:
        assert item.error is not None
        assert item.error.reason is reason
        assert CANARY not in "".join(traceback.format_exception(item.error))


@pytest.mark.parametrize(
    "fault",
    [
        faults.truncated(),
        faults.truncated(0),
        faults.status(200),
        faults.status(200, body=b"{}"),
        faults.status(200, body=b"null"),
        faults.status(200, body=b"[]"),
        faults.status(200, body=b'{"data": null}'),
        faults.status(200, body=b'{"data": {"data": null, "metadata": {"version": 1}}}'),
        faults.status(200, body=b'{"data": {"data": {}, "metadata": null}}'),
        faults.status(200, body=b'{"data": {"data": ["canary-7f3a"], "metadata": {}}}'),
        faults.status(200, body=b"<html>Sign in to the network</html>"),
        faults.not_utf8(),
        faults.huge(3 * 1024 * 1024),
        faults.reset(),
        faults.status(307),
        faults.status(412),
        faults.status(472),
        faults.status(473),
        faults.status(503),
        faults.status(429),
    ],
    ids=lambda fault: f"{fault.name} {(fault.body or b'')[:24]!r}",
)
@pytest.mark.parametrize("step", ["kubernetes.Login", "secret.Read"])
def test_damaged_reply_is_never_an_empty_secret(
    place: Place, fault: faults.Fault, step: str
) -> None:
    """Whatever comes in place of a token or a value may pass, and the next try has it."""
    order = place.front.faults.add(fault, on=step)
    error = place.fetch(DB)[0].error
    place.front.faults.cancel(order)
    healed = place.fetch(DB)[0]

    assert error is not None
    assert error.retryable, error
    assert CANARY not in "".join(traceback.format_exception(error)) + error.remedy
    assert healed.material is not None


def test_a_server_that_asks_to_wait_is_given_the_time(place: Place) -> None:
    """`Retry-After` comes before the next try."""
    place.front.faults.add(faults.status(429, retry_after=3), on="secret.Read", times=1)

    assert place.fetch(DB)[0].error is None
    assert [pause for pause in place.pod.time.slept if pause >= 3] != []


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ("secret.Read", "Upgrading from non-versioned to versioned data. This backend will be"),
        ("kubernetes.Login", "error making upstream request: dial tcp: i/o timeout"),
    ],
)
def test_a_400_that_passes_is_tried_again(place: Place, step: str, text: str) -> None:
    """Vault answers so while an engine is made ready, and when it cannot ask AWS."""
    fault = faults.Fault("busy", status=400, code="busy", message=text)
    place.front.faults.add(fault, on=step, times=2)

    assert place.fetch(DB)[0].error is None


def test_references_equal_up_to_the_selector_are_one_read(place: Place) -> None:
    """However often a secret stands in a pod, it is transferred once."""
    secrets = tuple(file(f"{DB}{selector}", f"f{n}") for n, selector in enumerate(("#value", "")))
    plan = Plan(secrets, (place.store,), ())
    fetched = reads.fetch(
        list(reads.demands(plan)), plan, State(), Edges(place.sessions, lambda _: Path())
    )

    assert len(fetched) == 1
    assert len(place.front.journal.calls("Read", service="secret")) == 1


def test_a_request_takes_no_longer_than_the_store_says(place: Place) -> None:
    """`timeout` bounds each, and the one that follows finds the answer."""
    place.store = replace(place.store, settings={**place.store.settings, "timeout": "1"})
    place.front.faults.add(faults.latency(3), on="secret.Read", times=1)

    assert place.fetch(DB)[0].error is None
    assert len(place.front.journal.calls("Read", service="secret")) >= 1
    assert place.pod.time.slept != []
