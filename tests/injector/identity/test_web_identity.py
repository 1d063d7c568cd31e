"""Web identity: the pod's own token for a role's session, at the regional STS of the AWS world."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.retry import Retry
from tests.injector.tenant import Tenant, session_arn
from tests.injector.transport.peer import Peer, reply
from worlds import faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from worlds.aws import AwsWorld

STEP = "AssumeRoleWithWebIdentity"
REST = "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"


def log_in(tenant: Tenant, **settings: Any) -> ProviderError:  # noqa: ANN401 - of a store
    """Try to log in; gives the error, which must not hold the token."""
    token = (tenant.root / "sts.amazonaws.com").read_text().strip()
    with pytest.raises(ProviderError, match=r"\S") as caught:
        tenant.get(tenant.store(**settings))
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + error.remedy + repr(error)
    assert not token or token not in shown
    return error


def test_session_is_the_roles_and_named_for_the_pods_owner(world: AwsWorld, tenant: Tenant) -> None:
    """CloudTrail shows who owns the pod, and the record says who we are until when."""
    session = tenant.get(tenant.store())

    entry = world.journal.calls(STEP)[0]
    assert entry.detail["session-name"] == "syrette-shop-web"
    assert entry.principal == "system:serviceaccount:shop:web"
    assert session.principal == tenant.who(session) == session_arn(tenant.role)
    assert session.expires_at - session.issued_at == pytest.approx(3600, abs=2)


def test_exchange_is_unsigned_and_carries_the_bare_token(tenant: Tenant) -> None:
    """No signature of anybody, and no white space of the file around the token."""
    path = tenant.project()
    path.write_text(f"\n {path.read_text()} \r\n")
    with Peer(reply(b"", "500 Internal Server Error")) as sts:
        log_in(tenant, endpoints=(("sts", sts.url),))

    request = sts.requests[0].decode()
    assert "authorization:" not in request.lower()
    form = request.rpartition("\r\n\r\n")[2]
    assert f"WebIdentityToken={path.read_text().strip()}" in form.split("&")
    assert "ExternalId" not in form
    assert "Tags" not in form


@pytest.mark.parametrize(
    "fault",
    [
        faults.status(503),
        faults.status(500, body=b"<html>"),
        faults.status(408),
        faults.reset(),
        faults.truncated(),
        faults.throttled("Throttling"),
        faults.error("RequestLimitExceeded", status=503),
        faults.error("IDPCommunicationError"),
        faults.error("InternalFailure", status=500),
        faults.huge(17 * 1024 * 1024),
        faults.not_utf8(),
        faults.status(200, body=b"<html><body>Sign in to the network</body></html>"),
        faults.status(200, body=b"<AssumeRoleWithWebIdentityResponse/>"),
        faults.redirect("http://127.0.0.1:1/"),
    ],
    ids=lambda fault: f"{fault.name} {fault.body[:8] if fault.body else ''}",
)
def test_what_may_pass_is_repeated_with_jitter(
    world: AwsWorld, tenant: Tenant, fault: faults.Fault
) -> None:
    """Whatever is not STS's definite no is tried again, after a pause that grows and is drawn."""
    world.faults.add(fault, on=STEP, times=2)
    session = tenant.get(tenant.store())

    assert tenant.who(session) == session_arn(tenant.role)
    assert world.journal.count(STEP) == 3
    assert tenant.time.slept == [0.125, 0.25]


def test_pauses_are_drawn_between_nothing_and_the_ceiling(world: AwsWorld, tenant: Tenant) -> None:
    """Full jitter: many pods that fail together do not come back together."""
    world.faults.add(faults.status(503), on=STEP)
    tenant.time.draw = 0.0
    error = log_in(tenant)

    assert tenant.time.slept == [0.0, 0.0, 0.0]
    assert error.reason is Reason.UNAVAILABLE
    assert (error.step, error.region) == (STEP, "eu-west-1")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.error("AccessDenied", status=403), Reason.IDENTITY_DENIED),
        (faults.error("InvalidIdentityToken"), Reason.IDENTITY_DENIED),
        (faults.error("IDPRejectedClaim", status=403), Reason.IDENTITY_DENIED),
        (faults.error("RegionDisabledException", status=403), Reason.IDENTITY_DENIED),
        (faults.error("ValidationError"), Reason.INVALID_REQUEST),
        (faults.error("MalformedPolicyDocument"), Reason.INVALID_REQUEST),
        (faults.error("PackedPolicyTooLarge"), Reason.INVALID_REQUEST),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_definite_no_is_asked_once_and_says_what_to_do(
    world: AwsWorld, tenant: Tenant, fault: faults.Fault, reason: Reason
) -> None:
    """A refusal is final, with AWS's code, its request id and a remedy."""
    world.faults.add(fault, on=STEP)
    error = log_in(tenant)

    assert world.journal.count(STEP) == 1
    assert error.reason is reason
    assert error.code == fault.code
    assert error.request_id == world.journal.entries[0].request_id
    assert error.remedy != ""


def test_refused_trust_says_what_the_policy_must_hold(world: AwsWorld, tenant: Tenant) -> None:
    """The role, the audience and the subject that were compared are in the text."""
    other = world.account().web_identity_role("other", world.issuer, "shop", "someone")
    error = log_in(tenant, role_arn=other.arn)

    assert error.reason is Reason.IDENTITY_DENIED
    assert other.arn in str(error)
    assert '"<issuer>:aud": "sts.amazonaws.com"' in error.remedy
    assert '"<issuer>:sub": "system:serviceaccount:shop:web"' in error.remedy


def test_disabled_region_keeps_its_own_remedy(world: AwsWorld, tenant: Tenant) -> None:
    """No trust policy is to blame where the region's STS is switched off."""
    world.faults.add(faults.error("RegionDisabledException", status=403), on=STEP)

    assert "activate the region's STS" in log_in(tenant).remedy


def test_unreachable_issuer_is_waited_for(world: AwsWorld, tenant: Tenant) -> None:
    """STS cannot fetch the cluster's keys at the moment: that is no refusal of the pod."""
    world.issuer.reachable = False
    error = log_in(tenant)

    assert (error.reason, error.code) == (Reason.UNAVAILABLE, "IDPCommunicationError")
    assert world.journal.count(STEP) == 4


def test_token_is_read_again_at_each_attempt(world: AwsWorld, tenant: Tenant) -> None:
    """A token that ended is not sent twice when the kubelet has put a new one there meanwhile."""
    tenant.project(lifetime=-60)
    session = tenant.open(retry=tenant.rotating()).get(tenant.key(tenant.store()))

    outcomes = [entry.outcome for entry in world.journal.calls(STEP)]
    assert outcomes == ["ExpiredTokenException", "ok"]
    assert tenant.who(session) == session_arn(tenant.role)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda path: path.unlink(), "cannot be read: FileNotFoundError"),
        (lambda path: path.write_text(" \n"), "is empty"),
    ],
    ids=["absent", "empty"],
)
def test_missing_token_is_waited_for_and_named(
    world: AwsWorld,
    tenant: Tenant,
    spoil: Callable[[Path], object],
    problem: str,
) -> None:
    """Nothing is sent without a token; the kubelet may be about to write it."""
    path: Path = tenant.root / "sts.amazonaws.com"
    spoil(path)
    with pytest.raises(ProviderError, match=problem) as caught:
        tenant.get(tenant.store())

    assert caught.value.reason is Reason.TOKEN_UNAVAILABLE
    assert "serviceaccount/sts.amazonaws.com" in str(caught.value)
    assert "kubelet" in caught.value.remedy
    assert len(tenant.time.slept) == 3
    assert world.journal.entries == ()


def test_redirect_takes_the_token_nowhere(world: AwsWorld, tenant: Tenant) -> None:
    """A redirect is an odd reply: no second host sees the token, and the text says what came."""
    with Peer(reply(b"stolen")) as other:
        world.faults.add(faults.redirect(f"{other.url}/"), on=STEP)
        error = log_in(tenant)

    assert other.connections == 0
    assert "redirect (HTTP 307), which is never followed" in str(error)


def test_silent_sts_is_given_up_and_tried_again(world: AwsWorld, tenant: Tenant) -> None:
    """An attempt ends at its deadline, and the next one may be answered."""
    world.faults.add(faults.latency(5), on=STEP, times=1)
    quick = Retry(clock=tenant.time, sleep=tenant.time.sleep, jitter=lambda: 0.5, budget=1.0)
    session = tenant.open(retry=quick).get(tenant.key(tenant.store()))

    assert tenant.who(session) == session_arn(tenant.role)
    assert tenant.time.slept == [0.125]


def test_sts_that_is_away_names_the_usual_suspects(world: AwsWorld, tenant: Tenant) -> None:
    """A refused connection says what refuses connections in clusters."""
    world.go_down()
    error = log_in(tenant)

    assert error.reason is Reason.UNAVAILABLE
    assert "refused the connection" in str(error)
    assert "NetworkPolicy" in error.remedy


@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "<AccessKeyId>ASIA1</AccessKeyId>",
        f"<AccessKeyId/>{REST}<Expiration>2099-01-01T00:00:00Z</Expiration>",
        f"<AccessKeyId>ASIA1</AccessKeyId>{REST}<Expiration>soon</Expiration>",
    ],
    ids=["none", "one", "an empty one", "no date"],
)
def test_half_credentials_are_none(tenant: Tenant, credentials: str) -> None:
    """A reply without all four parts is a fault of the transport, not a session."""
    body = (
        f"<{STEP}Response><{STEP}Result><Credentials>{credentials}</Credentials></{STEP}Result>"
        f"<ResponseMetadata><RequestId>x</RequestId></ResponseMetadata></{STEP}Response>"
    )
    with Peer(reply(body.encode())) as sts:
        error = log_in(tenant, endpoints=(("sts", sts.url),))

    assert error.reason is Reason.UNAVAILABLE
    assert len(sts.requests) == 4


def test_long_session_without_a_chain_is_as_long_as_asked(world: AwsWorld, tenant: Tenant) -> None:
    """The hour's limit is of chains only."""
    tenant.role.max_session = 43200
    session = tenant.get(tenant.store(duration="43200"))

    assert world.journal.calls(STEP)[0].detail["duration"] == "43200"
    assert session.expires_at - session.issued_at == pytest.approx(43200, abs=2)


def test_longer_than_the_role_allows_says_so(tenant: Tenant) -> None:
    """The text does not leave one guessing which setting AWS dislikes."""
    error = log_in(tenant, duration="43200")

    assert error.reason is Reason.INVALID_REQUEST
    assert "lower `duration`" in error.remedy
