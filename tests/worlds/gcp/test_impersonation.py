"""IAM credentials: who may become which service account, by what chain, for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worlds.gcp.wire import (
    ACCESSOR,
    CREATOR,
    IAM,
    USER,
    access,
    impersonate,
    post,
)

if TYPE_CHECKING:
    from worlds.gcp import GcpWorld, Provider, ServiceAccount

DENIED = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."


@pytest.fixture
def pod(world: GcpWorld, provider: Provider) -> str:
    """A federated token of shop/web, with the scope that google.auth asks for."""
    caller = provider.pool.caller({"google.subject": "system:serviceaccount:shop:web"})
    return world.access_token(caller, scopes=[IAM])


def test_a_pod_becomes_the_account_that_it_may_become(
    world: GcpWorld, web: ServiceAccount, pod: str
) -> None:
    """For the lifetime and scopes that it asks for."""
    answer = impersonate(world, pod, web.email, lifetime="900s")

    (entry,) = world.journal.calls("GenerateAccessToken")
    assert set(answer.content) == {"accessToken", "expireTime"}
    assert entry.resources == (web.name,)
    assert (entry.detail["lifetime"], entry.detail["to"]) == ("900", web.member)
    world.advance(901)
    assert access(world, answer.content["accessToken"], "projects/p/secrets/s/versions/1").status
    assert world.journal.entries[-1].outcome == "UNAUTHENTICATED"


def test_an_account_is_found_by_its_unique_id_too(
    world: GcpWorld, web: ServiceAccount, pod: str
) -> None:
    """As the API has it."""
    assert impersonate(world, pod, web.unique_id).status == 200


def test_a_pod_without_the_role_is_refused(world: GcpWorld, provider: Provider, pod: str) -> None:
    """With the permission in the details; another pod's role does not help."""
    account = world.service_account("other")
    world.grant(provider.member("shop", "api"), USER, account)
    answer = impersonate(world, pod, account.email)

    assert answer.refusal == (403, "PERMISSION_DENIED", DENIED)
    assert answer.content["error"]["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "IAM_PERMISSION_DENIED",
            "domain": "iam.googleapis.com",
            "metadata": {"permission": "iam.serviceAccounts.getAccessToken"},
        }
    ]


def test_an_account_that_does_not_exist_is_not_found(world: GcpWorld, pod: str) -> None:
    """By Google's word for it."""
    email = "nobody@shop-prod.iam.gserviceaccount.com"

    assert impersonate(world, pod, email).refusal == (
        404,
        "NOT_FOUND",
        f"Not found; Gaia id not found for email {email}",
    )


def test_a_role_on_the_project_counts_for_its_accounts(
    world: GcpWorld, provider: Provider, pod: str
) -> None:
    """All of them."""
    account = world.service_account("other")
    world.grant(provider.pool.everybody(), USER, world.project())

    assert impersonate(world, pod, account.email).status == 200
    world.revoke(provider.pool.everybody(), USER, world.project())
    assert impersonate(world, pod, account.email).status == 403


def test_every_link_of_a_chain_must_be_allowed(
    world: GcpWorld, provider: Provider, pod: str
) -> None:
    """The caller to the first, each to the next; a workload identity user cannot delegate."""
    first, middle, last = (world.service_account(name) for name in ("first", "middle", "last"))
    chain = [f"projects/-/serviceAccounts/{one.email}" for one in (first, middle)]

    def ask() -> int:
        return impersonate(world, pod, last.email, delegates=chain).status

    world.grant(provider.member("shop", "web"), USER, first)
    world.grant(first, CREATOR, middle)
    world.grant(middle, CREATOR, last)
    assert ask() == 403
    world.grant(provider.member("shop", "web"), CREATOR, first)
    assert ask() == 200
    for who, account in ((first, middle), (middle, last)):
        world.revoke(who, CREATOR, account)
        assert ask() == 403
        world.grant(who, CREATOR, account)
    assert impersonate(world, pod, last.email).status == 403


def test_the_journal_says_who_began_a_chain(
    world: GcpWorld, provider: Provider, web: ServiceAccount, pod: str
) -> None:
    """Also when an account's token asks for another's."""
    target = world.service_account("target")
    world.grant(web, CREATOR, target)
    secret = world.put_secret("db", "one")
    world.grant(target, ACCESSOR, secret)

    mine = impersonate(world, pod, web.email).content["accessToken"]
    its = impersonate(world, mine, target.email).content["accessToken"]
    access(world, its, f"{secret.name}/versions/1")

    entry = world.journal.entries[-1]
    assert (entry.principal, entry.base) == (target.member, provider.member("shop", "web"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"scope": []}, "scope is required"),
        ({"scope": ["cloud-platform"]}, "scope is invalid"),
        ({"lifetime": "3601s"}, "at most 3600 seconds"),
        ({"lifetime": "0s"}, "greater than 0"),
        ({"lifetime": 3600}, "google.protobuf.Duration"),
        ({"delegates": ["first@shop-prod.iam.gserviceaccount.com"]}, "Invalid form of delegate"),
    ],
)
def test_fields_that_the_api_does_not_take(
    world: GcpWorld, web: ServiceAccount, pod: str, fields: dict[str, object], words: str
) -> None:
    """Are invalid arguments."""
    status, code, message = impersonate(world, pod, web.email, **fields).refusal

    assert (status, code) == (400, "INVALID_ARGUMENT")
    assert words in message


def test_twelve_hours_are_for_accounts_that_the_organisation_lists(
    world: GcpWorld, web: ServiceAccount, pod: str
) -> None:
    """And not a second more."""
    web.long_lived = True

    assert impersonate(world, pod, web.email, lifetime="43200s").status == 200
    assert impersonate(world, pod, web.email, lifetime="43201s").status == 400


def test_the_project_in_the_path_is_a_wildcard(
    world: GcpWorld, web: ServiceAccount, pod: str
) -> None:
    """Another is refused."""
    path = f"projects/shop-prod/serviceAccounts/{web.email}:generateAccessToken"

    assert post(world, pod, path, {"scope": [IAM]}).refusal[1] == "INVALID_ARGUMENT"


def test_a_disabled_account_gives_no_token(world: GcpWorld, web: ServiceAccount, pod: str) -> None:
    """Its state is wrong, not the caller."""
    web.disabled = True

    assert impersonate(world, pod, web.email).refusal[1] == "FAILED_PRECONDITION"


def test_scopes_of_a_token_hold(world: GcpWorld, web: ServiceAccount, pod: str) -> None:
    """A federated token for IAM alone reads no secret."""
    answer = access(world, pod, "projects/shop-prod/secrets/db/versions/1")

    message = "Request had insufficient authentication scopes."
    assert answer.refusal == (403, "PERMISSION_DENIED", message)
    assert answer.reasons == ["ACCESS_TOKEN_SCOPE_INSUFFICIENT"]
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert impersonate(world, pod, web.email).status == 200
