"""`syrette fetch` from the real OpenBao, with a login that the developer's own keys sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import ExitCode
from tests.syrette.machine import Machine, pod
from worlds.aws import AwsWorld
from worlds.vault import VaultWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from worlds.openbao import Namespace, OpenBao
    from worlds.postgres import Postgres

VALUE = "s3cret"
DB = {"file_db": "vault:secret/prod/db#password"}
CREDS = {"file_user": "vault:database/creds/app#username"}


class Place:
    """
    A developer whom a Vault knows by AWS.

    Args:
        machine: the developer's.
        vault: with the secrets, asked through a world with the aws method.
    """

    def __init__(self, machine: Machine, vault: Namespace) -> None:
        self.machine, self.vault = machine, vault
        vault.kv("secret")
        vault.put("secret", "prod/db", password=VALUE)
        rules = {"secret/data/prod/*": ["read"], "database/creds/app": ["read"]}
        vault.policy("shop", rules)
        vault.login_method("aws", "aws")
        sts = "https://sts.eu-west-1.amazonaws.com"
        vault.api.write("auth/aws/config/client", sts_endpoint=sts, sts_region="eu-west-1")
        vault.api.write(
            "auth/aws/role/web",
            auth_type="iam",
            bound_iam_principal_arn=[machine.user.arn],
            token_policies="shop",
            token_ttl="12h",
            token_max_ttl="24h",
        )
        defaults = {
            "vault.address": vault.address,
            "vault.namespace": vault.path,
            "vault.role": "web",
            "vault.auth": "aws",
        }
        bundle = machine.world.ca_pem + vault.ca_pem
        machine.operator(**{"ca-bundle": bundle, "defaults": defaults})


@pytest.fixture
def place(openbao: OpenBao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A Vault of the test's own, which admits the developer."""
    with AwsWorld() as world, VaultWorld(openbao, world) as front:
        machine = Machine(world, tmp_path, monkeypatch)
        yield Place(machine, front.front_of(openbao.namespace()))


def test_values_are_fetched_and_no_token_stays(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """The developer's own principal has signed, and nobody needs the token any more."""
    code = place.machine.fetch(pod(**DB))

    assert (code, capsys.readouterr().err) == (0, "")
    assert place.machine.files == {"db": VALUE}
    assert len(place.vault.audit.logins("aws")) == 1
    assert place.vault.tokens() == {}


def test_a_lease_keeps_its_token_and_says_how_long(
    place: Place, postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    """With it the credentials would go, and nobody renews them here."""
    place.vault.database(postgres)
    code = place.machine.fetch(pod(**DB, **CREDS))
    error = capsys.readouterr().err

    assert code == 0
    assert place.machine.files["user"] in postgres.users()
    assert len(place.vault.tokens()) == 1
    assert "warning: nobody renews this lease, and its token lives on for it" in error
    assert "(reference vault:database/creds/app, lease_ends 2" in error


def test_a_fetch_that_fails_leaves_no_token(place: Place, postgres: Postgres) -> None:
    """Neither when a secret is denied, nor when the files cannot be written in the end."""
    place.vault.database(postgres)
    denied = place.machine.fetch(pod(**CREDS, file_x="vault:secret/test/db"))
    tokens = place.vault.tokens()
    (place.machine.out / ".gitignore").mkdir(parents=True)
    unwritten = place.machine.fetch(pod(**CREDS))

    assert (denied, tokens) == (ExitCode.DENIED, {})
    assert unwritten == ExitCode.WRITE
    assert len(place.vault.audit.logins("aws")) == 2
    assert place.vault.tokens() == {}
