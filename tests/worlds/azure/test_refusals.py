"""What the Azure world refuses on the wire, a sentence each."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from worlds.azure import keyvault
from worlds.azure.entra import ASSERTION, AUDIENCE, EntraError
from worlds.azure.keyvault import VaultError
from worlds.azure.world import CLIENT, TENANT, AzureWorld


@pytest.fixture
def world() -> AzureWorld:
    """One that nobody needs to reach."""
    made = AzureWorld()
    made.client("shop", "web")
    return made


def _ask(world: AzureWorld, tenant: str = TENANT, **changed: str) -> dict[str, Any]:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "scope": "https://vault.azure.net/.default",
        "client_assertion_type": ASSERTION,
        "client_assertion": world.issuer.mint("shop", "web", AUDIENCE),
        **changed,
    }
    reply, _ = world.entra.token(tenant, urlencode(form).encode())
    return reply


def test_a_token_is_given_and_ends(world: AzureWorld) -> None:
    """After the seconds that the reply says."""
    reply = _ask(world)

    assert world.entra.granted(reply["access_token"]) is not None
    world.advance(reply["expires_in"])
    assert world.entra.granted(reply["access_token"]) is None


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"grant_type": "password"}, 70003),
        ({"client_id": "someone"}, 700016),
        ({"scope": "https://graph.microsoft.com/.default"}, 500011),
        ({"scope": "https://vault.azure.net"}, 1002012),
        ({"client_assertion_type": "saml"}, 7000218),
        ({"client_assertion": "no-jwt"}, 50027),
    ],
)
def test_a_request_that_is_not_right_is_refused(
    world: AzureWorld, changed: dict[str, str], number: int
) -> None:
    """With Entra's number."""
    with pytest.raises(EntraError) as refused:
        _ask(world, **changed)

    assert refused.value.number == number
    document = refused.value.document(0.0)
    assert document["error_description"].startswith(f"AADSTS{number}: ")
    assert document["error_codes"] == [number]


@pytest.mark.parametrize(
    ("claims", "number"),
    [
        ({"iss": "https://other.example"}, 700211),
        ({"sub": "system:serviceaccount:shop:worker"}, 700213),
        ({"aud": ["sts.amazonaws.com"]}, 700212),
        ({"exp": 1}, 700024),
        ({"nbf": 2**40}, 700024),
    ],
)
def test_an_assertion_of_something_else_is_refused(
    world: AzureWorld, claims: dict[str, Any], number: int
) -> None:
    """Issuer, subject, audience and time are all looked at."""
    token = world.issuer.mint("shop", "web", AUDIENCE, claims=claims)
    with pytest.raises(EntraError) as refused:
        _ask(world, client_assertion=token)

    assert refused.value.number == number


def test_another_tenant_and_a_forged_signature_are_refused(world: AzureWorld) -> None:
    """Neither is the client's."""
    with pytest.raises(EntraError, match="AADSTS90002"):
        _ask(world, tenant="nobody")
    forged = world.issuer.mint("shop", "web", AUDIENCE)[:-8] + "AAAAAAAA"
    with pytest.raises(EntraError, match="AADSTS700027"):
        _ask(world, client_assertion=forged)


@pytest.mark.parametrize(
    ("path", "version", "status"),
    [
        ("/secrets/a", "", 400),
        ("/secrets/a", "2.0", 400),
        ("/secrets/b", "7.4", 404),
        ("/secrets/a/" + "0" * 32, "7.4", 404),
        ("/certificates/a", "7.4", 404),
        ("/secrets/a%2fb", "7.4", 404),
        ("/secrets", "7.4", 404),
    ],
)
def test_a_read_of_nothing_is_refused(
    world: AzureWorld, path: str, version: str, status: int
) -> None:
    """Or of a version of the API that there is not."""
    vault = world.vault("acme-kv")
    vault.grant(CLIENT)
    vault.put("a", "x")
    with pytest.raises(VaultError) as refused:
        keyvault.get(vault, "acme-kv.vault.azure.net", path, version, CLIENT)

    assert refused.value.status == status
