"""The registry of logins: every method is found in its family, and a family is loaded by use."""

from __future__ import annotations

import time
from functools import partial

import pytest

from injector import logins
from injector.identity import aws, azure, gcp, vault
from injector.retry import Retry
from injector.transport import Transport


def _rows() -> dict[str, dict[str, object]]:
    clients = logins.Clients(Transport(), Retry())
    return {
        "aws": dict(aws.logins(clients.sdk, time.time)),
        "azure": dict(azure.logins(clients.apis, time.time)),
        "gcp": dict(gcp.logins(clients.apis, time.time)),
        "vault": dict(vault.logins(clients.servers, time.time)),
    }


def test_every_method_is_found_in_the_family_that_has_it() -> None:
    """A method's name says its family, so that the others need not be asked."""
    rows = _rows()
    registry: logins.ByMethod[object] = logins.ByMethod(
        {family: partial(dict, made) for family, made in rows.items()}
    )

    for made in rows.values():
        assert {method: registry[method] for method in made} == made
    assert len(registry) == sum(map(len, rows.values()))


def test_a_family_is_loaded_when_one_of_its_methods_is_asked_for() -> None:
    """Once, and no other with it."""
    loaded = []

    def rows(family: str, method: str) -> dict[str, str]:
        loaded.append(family)
        return {method: family}

    registry = logins.ByMethod(
        {
            "aws": lambda: rows("aws", "web-identity"),
            "vault": lambda: rows("vault", "vault-jwt"),
        }
    )
    assert "vault-jwt" in registry
    assert registry["vault-jwt"] == "vault"
    assert loaded == ["vault"]
    assert registry["web-identity"] == "aws"


@pytest.mark.parametrize("method", ["gcp-federation", "vault-none", "vault", ""])
def test_a_method_that_nobody_has_is_not_found(method: str) -> None:
    """Neither in a family that is not there, nor in its own."""
    registry = logins.ByMethod({"aws": lambda: {"ambient": 1}, "vault": lambda: {"vault-jwt": 2}})

    assert method not in registry
