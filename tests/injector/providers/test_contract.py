"""
What every provider of the registry promises, whatever its backend does.

A provider is added to this suite by one row of `backends`; a test says that none is missing.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest

from injector import reads
from injector.contract.plan import Plan
from injector.contract.reasons import Reason
from injector.edges import Edges
from injector.errors import InjectorError, ProviderError
from injector.providers import PROVIDERS
from injector.providers.interface import Provider
from injector.retry import Retry
from injector.state import State
from tests.injector.cycle.pod import file
from tests.injector.providers.backends import BACKENDS, Backend
from tests.injector.tenant import Tenant, read
from tests.injector.transport.peer import Peer, reply
from worlds import faults

if TYPE_CHECKING:
    from pathlib import Path

    from injector.identity.interface import Session, SessionKey
    from injector.providers.interface import Fetched
    from worlds.aws import AwsWorld

CANARY = "canary-7f3a"


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each provider in turn."""
    return BACKENDS[request.param]


def fails(tenant: Tenant, backend: Backend, reference: str = "", **settings: Any) -> ProviderError:  # noqa: ANN401 - of a store
    """Read the one secret and give the error, which must hold neither value nor token."""
    store = tenant.store(backend.provider, **settings)
    error = tenant.fetch(store, reference or backend.reference)[0].error
    assert error is not None
    shown = "".join(traceback.format_exception(error)) + error.remedy + error.code + repr(error)
    assert CANARY not in shown
    assert (tenant.root / "sts.amazonaws.com").read_text().strip() not in shown
    return error


def outcomes(fetched: list[Fetched]) -> list[tuple[bool, bool, bool]]:
    """Which of the three each says."""
    return [(item.material is not None, item.unchanged, item.error is not None) for item in fetched]


def test_every_provider_of_the_registry_is_in_this_suite() -> None:
    """Those without a row have suites of their own: `azure`, `gcp`, `vault`, and `test_sops`."""
    own = ("azure-keyvault", "gcp-secretmanager", "sops", "vault")
    assert sorted([*BACKENDS, *own]) == sorted(PROVIDERS)


def test_fetch_is_final(backend: Backend) -> None:
    """The promise is the base class's: no provider has a `fetch` of its own."""
    assert type(PROVIDERS[backend.provider]).fetch is Provider.fetch


def test_each_read_has_its_own_outcome_in_order(
    world: AwsWorld, tenant: Tenant, backend: Backend
) -> None:
    """One absent secret spoils no other, and the order is that of the reads."""
    backend.put(world, CANARY)
    asked = [read(backend.absent), read(backend.reference)]
    fetched = tenant.fetch(tenant.store(backend.provider), *asked)

    assert [item.reference for item in fetched] == [item.reference for item in asked]
    assert outcomes(fetched) == [(False, False, True), (True, False, False)]
    assert fetched[1].material is not None
    assert fetched[1].material.reveal() == CANARY.encode()
    assert (fetched[1].served_by, fetched[1].version != "") == ("eu-west-1", True)
    assert CANARY not in repr(fetched)


def test_nothing_to_read_asks_nobody(world: AwsWorld, tenant: Tenant, backend: Backend) -> None:
    """An empty list is an empty list."""
    assert tenant.fetch(tenant.store(backend.provider)) == []
    assert world.journal.entries == ()


class Exploding:
    """In the place of the session cache: its logins raise what they are given."""

    def __init__(self, error: Exception, identity: object) -> None:
        self._error = error
        self.identity = identity

    def standing(self, key: SessionKey) -> tuple[()]:
        """Hold nothing."""
        del key
        return ()

    def expect(self, key: SessionKey, service: str, region: str) -> None:
        """Take no notice."""

    def get(self, key: SessionKey) -> Session:
        """Fail."""
        del key
        raise self._error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyError(CANARY), Reason.INTERNAL),
        (ValueError(CANARY), Reason.INTERNAL),
        (RecursionError(CANARY), Reason.INTERNAL),
        (InjectorError(Reason.SELF_ASSUME, "itself"), Reason.SELF_ASSUME),
        (ProviderError(Reason.CLOCK_SKEW, "late", step="AssumeRole"), Reason.CLOCK_SKEW),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_exception_becomes_an_error_with_a_reason(
    tenant: Tenant, backend: Backend, error: Exception, reason: Reason
) -> None:
    """Callers meet only our errors, one for each read, and of a defect only its type."""
    sessions: Any = Exploding(error, tenant.identity)
    store = tenant.store(backend.provider)
    fetched = tenant.fetch(store, backend.reference, backend.absent, sessions=sessions)

    assert outcomes(fetched) == [(False, False, True)] * 2
    for item in fetched:
        assert item.error is not None
        assert item.error.reason is reason
        assert CANARY not in "".join(traceback.format_exception(item.error))


def test_store_that_contradicts_itself_is_the_stores_fault(
    tenant: Tenant, backend: Backend
) -> None:
    """A setting that no login can have is named, and never called a defect of ours."""
    stolen = (("kubernetes-namespace", "other"),)
    error = fails(tenant, backend, assume_role=tenant.role.arn + "2", session_tags=stolen)

    assert error.reason is Reason.INVALID_STORE


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"region": ""}, "no region"),
        ({"region": "nowhere!"}, "no client can be made"),
        ({"endpoints": "nonsense"}, "no client can be made"),
        ({"endpoints": "https://[odd"}, "no client can be made"),
    ],
    ids=["no region", "no such region", "no address", "half an address"],
)
def test_settings_that_lead_nowhere_are_named(
    tenant: Tenant, backend: Backend, settings: dict[str, Any], words: str
) -> None:
    """A region or an endpoint that is none is the store's, with what to look at."""
    if "endpoints" in settings:
        sts = tenant.world.endpoints["sts"]
        settings = {"endpoints": ((backend.service, settings["endpoints"]), ("sts", sts))}
    error = fails(tenant, backend, **settings)

    assert error.reason is Reason.INVALID_STORE
    assert words in str(error)


def test_not_found_denied_and_unavailable_are_told_apart(
    world: AwsWorld, tenant: Tenant, backend: Backend
) -> None:
    """Three causes, three reasons, each with the step, the region and what to do."""
    backend.put(world, CANARY)
    absent = fails(tenant, backend, backend.absent)
    tenant.role.set_policies()
    denied = fails(tenant, backend)
    world.faults.add(faults.status(503, body=CANARY.encode()), on=backend.service)
    down = fails(tenant, backend)

    assert [e.reason for e in (absent, denied, down)] == [
        Reason.NOT_FOUND,
        Reason.ACCESS_DENIED,
        Reason.UNAVAILABLE,
    ]
    assert {error.step for error in (absent, denied, down)} <= set(backend.reads)
    assert {error.region for error in (absent, denied, down)} == {"eu-west-1"}
    assert all(error.remedy for error in (absent, denied, down))
    assert "assumed-role/web/syrette-shop-web may not" in str(denied)


def test_refused_login_is_every_reads_error(
    world: AwsWorld, tenant: Tenant, backend: Backend
) -> None:
    """Who cannot log in is denied nothing: the reason is the identity's."""
    backend.put(world, CANARY)
    tenant.role.set_trust(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sts:*"}],
        }
    )
    error = fails(tenant, backend)

    assert (error.reason, error.step) == (Reason.IDENTITY_DENIED, "AssumeRoleWithWebIdentity")


def test_known_version_is_not_transferred_again(
    world: AwsWorld, tenant: Tenant, backend: Backend
) -> None:
    """What did not move is unchanged without bytes; what moved comes with its version."""
    backend.put(world, "one")
    store = tenant.store(backend.provider)
    first = tenant.fetch(store, backend.reference)[0]
    again = read(backend.reference, first.version, first.served_by)
    same = tenant.fetch(store, again)[0]
    backend.put(world, "two")
    moved = tenant.fetch(store, again)[0]

    assert outcomes([first, same, moved]) == [
        (True, False, False),
        (False, True, False),
        (True, False, False),
    ]
    assert same.version == first.version != moved.version
    assert moved.material is not None
    assert moved.material.reveal() == b"two"


def test_references_equal_up_to_the_selector_are_one_read(
    world: AwsWorld, tenant: Tenant, backend: Backend
) -> None:
    """However often a secret stands in a pod, it is transferred once."""
    backend.put(world, '{"user": "web", "password": "s3cret"}')
    secrets = tuple(
        file(f"{backend.reference}{selector}", f"f{number}")
        for number, selector in enumerate(("#user", "#password", "", "#user"))
    )
    plan = Plan(secrets, (tenant.store(backend.provider),), ())
    wanted = reads.demands(plan)
    fetched = reads.fetch(list(wanted), plan, State(), Edges(tenant.sessions, _nowhere))

    assert len(fetched) == 1
    assert sum(world.journal.count(action) for action in backend.reads) == 1


@pytest.mark.parametrize(
    "fault",
    [
        faults.truncated(),
        faults.truncated(0),
        faults.status(200),
        faults.status(200, body=b"{}"),
        faults.status(200, body=b"null"),
        faults.status(200, body=b"[]"),
        faults.status(200, body=b'{"SecretString": '),
        faults.status(200, body=b'{"SecretString": null, "Parameters": null}'),
        faults.status(200, body=b'{"SecretString": 7, "Parameters": [null]}'),
        faults.status(200, body=b'{"SecretString": "\\ud800", "Parameters": [7]}'),
        faults.status(200, body=b'{"SecretBinary": "", "Parameters": [{"Name": "/prod/db"}]}'),
        faults.status(200, body=b"<html>Sign in to the network</html>"),
        faults.not_utf8(),
        faults.huge(17 * 1024 * 1024),
        faults.reset(),
        faults.status(307),
        faults.status(503),
        faults.status(429),
        faults.throttled(),
    ],
    ids=lambda fault: f"{fault.name} {(fault.body or b'')[:24]!r}",
)
def test_damaged_reply_is_never_an_empty_secret(
    world: AwsWorld, tenant: Tenant, backend: Backend, fault: faults.Fault
) -> None:
    """Whatever comes in place of a value is a fault that may pass, and the next try has it."""
    backend.put(world, CANARY)
    order = world.faults.add(fault, on=backend.service)
    error = fails(tenant, backend)
    world.faults.cancel(order)
    healed = tenant.fetch(tenant.store(backend.provider), backend.reference)[0]

    assert error.retryable
    assert error.reason in {Reason.UNAVAILABLE, Reason.THROTTLED}
    assert healed.material is not None
    assert healed.material.reveal() == CANARY.encode()


@pytest.mark.parametrize(
    "fault",
    [
        faults.truncated(),
        faults.status(200),
        faults.status(200, body=b"{}"),
        faults.status(200, body=b"[]"),
        faults.status(200, body=b'{"SecretString": null, "Parameters": null}'),
        faults.not_utf8(),
        faults.status(503),
        faults.throttled(),
    ],
    ids=lambda fault: f"{fault.name} {(fault.body or b'')[:24]!r}",
)
def test_damaged_reply_costs_one_more_try(
    world: AwsWorld, tenant: Tenant, backend: Backend, fault: faults.Fault
) -> None:
    """One bad reply is no failed cycle: the call itself is repeated, after a drawn pause."""
    backend.put(world, CANARY)
    world.faults.add(fault, on=backend.service, times=1)
    fetched = tenant.fetch(tenant.store(backend.provider), backend.reference)[0]

    assert fetched.error is None
    assert fetched.material is not None
    assert tenant.time.slept == [0.125]


def test_redirect_is_not_followed(world: AwsWorld, tenant: Tenant, backend: Backend) -> None:
    """Signed requests go to no other host, and the text says what came."""
    with Peer(reply(b'{"SecretString": "stolen"}')) as other:
        world.faults.add(faults.redirect(f"{other.url}/"), on=backend.service)
        error = fails(tenant, backend)

    assert other.connections == 0
    assert "which is never followed" in str(error)


def test_silent_service_is_given_up_in_time(
    world: AwsWorld, tenant: Tenant, backend: Backend
) -> None:
    """A service that accepts and never answers is unavailable, not a pod that hangs."""
    world.faults.add(faults.latency(5), on=backend.service)
    quick = Retry(clock=tenant.time, sleep=tenant.time.sleep, attempts=2, budget=0.5)
    sessions = tenant.open(retry=quick)
    fetched = tenant.fetch(tenant.store(backend.provider), backend.reference, sessions=sessions)

    assert fetched[0].error is not None
    assert fetched[0].error.reason is Reason.UNAVAILABLE
    assert "did not answer in time" in str(fetched[0].error)


def test_bare_refusal_of_something_in_between_says_so(
    world: AwsWorld, tenant: Tenant, backend: Backend
) -> None:
    """A 403 that is not AWS's is no lack of a policy of the role."""
    world.faults.add(faults.status(403, body=b"<html>Blocked</html>"), on=backend.service)
    error = fails(tenant, backend)

    assert error.reason is Reason.ACCESS_DENIED
    assert "HTTP 403 without an error code" in str(error)
    assert "proxies between pod and AWS" in error.remedy


def test_session_that_was_revoked_is_replaced(
    world: AwsWorld, tenant: Tenant, backend: Backend
) -> None:
    """Credentials that end before their time cost one new login and no error."""
    backend.put(world, CANARY)
    store = tenant.store(backend.provider)
    tenant.fetch(store, backend.reference)
    world.expire_credentials()
    fetched = tenant.fetch(store, backend.reference)[0]

    assert fetched.error is None
    assert world.journal.count("AssumeRoleWithWebIdentity") == 2
    assert tenant.time.slept == []


def test_warnings_of_the_chain_reach_every_read(
    world: AwsWorld, tenant: Tenant, backend: Backend
) -> None:
    """A role that is not assumed again is told where somebody reads."""
    backend.put(world, CANARY)
    store = tenant.store(backend.provider, assume_role=tenant.role.arn)
    fetched = tenant.fetch(store, backend.reference, backend.absent)

    assert [len(item.warnings) for item in fetched] == [1, 1]


def test_provider_that_this_version_lacks_is_an_error_of_its_reads(
    tenant: Tenant, backend: Backend
) -> None:
    """A plan of a newer webhook is answered, not crashed on."""
    plan = Plan((), (tenant.store(backend.provider),), ())
    reference = read(backend.reference).reference
    edges = Edges(tenant.sessions, _nowhere, providers={})
    fetched = reads.fetch([reference], plan, State(), edges)

    error = fetched[reference].error
    assert error is not None
    assert error.reason is Reason.NOT_IN_THIS_VERSION


def _nowhere(_volume: str) -> Path:
    raise AssertionError
