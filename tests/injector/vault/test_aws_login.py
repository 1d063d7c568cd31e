"""Vault by the pod's AWS identity: a signed request, which the world replays to AWS's STS."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from injector.contract.reasons import ExitCode
from injector.contract.stores import Hop, Store
from tests.injector.cycle.pod import file
from tests.injector.vault.pod import VaultPod
from worlds.vault import VaultWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.injector.tenant import Tenant
    from tests.openbao import Cluster
    from worlds.aws import AwsWorld
    from worlds.openbao import Namespace, OpenBao

SECRET = file("vault:secret/prod/db#password", "pw")
REGIONAL = {"sts_endpoint": "https://sts.eu-west-1.amazonaws.com", "sts_region": "eu-west-1"}
GLOBAL = {"sts_endpoint": "https://sts.amazonaws.com", "sts_region": "us-east-1"}
SERVER_ID = "vault.acme.io"


class Place:
    """
    An aws method that admits the role `web` of shop/web, and pods that use it.

    Args:
        tenant: whose identity it is.
        front: the world with the method.
        vault: the namespace behind.
        cluster: is not asked.
        root: a folder for volumes.
    """

    def __init__(
        self, tenant: Tenant, front: VaultWorld, vault: Namespace, cluster: Cluster, root: Path
    ) -> None:
        self.tenant, self.front, self.cluster, self.root = tenant, front, cluster, root
        self.behind = vault
        self.vault = front.front_of(vault)
        vault.kv("secret")
        vault.put("secret", "prod/db", password="s3cret")
        vault.policy("shop", {"secret/data/prod/*": ["read"]})
        self.vault.login_method("aws", "aws")
        self.configure(iam_server_id_header_value=SERVER_ID, **REGIONAL)
        self.admit(tenant.role.arn)

    def configure(self, **config: Any) -> None:  # noqa: ANN401 - of the method
        """Write the method's configuration."""
        self.vault.api.write("auth/aws/config/client", **config)

    def admit(self, *arns: str, name: str = "web") -> None:
        """Bind a role to principals."""
        self.vault.api.write(
            f"auth/aws/role/{name}",
            auth_type="iam",
            bound_iam_principal_arn=list(arns),
            token_policies="shop",
            token_ttl="15m",
            token_max_ttl="15m",
        )

    def pod(self, signer: Store | None = None, **settings: Any) -> VaultPod:  # noqa: ANN401 - of a store
        """A pod that logs in by AWS."""
        given = {"auth": "aws", "aws_server_id": SERVER_ID, "audience": "", **settings}
        pod = VaultPod(self.vault, self.cluster, self.tenant_root, SECRET, **given)
        store = replace(pod.plan.stores[0], signer=signer or self.tenant.store())
        bundle = self.vault.ca_pem + self.tenant.world.ca_pem
        pod.plan = replace(pod.plan, stores=(store,), ca_bundle=bundle)
        return pod

    @property
    def tenant_root(self) -> Path:
        """Where the tenant's tokens lie, as the kubelet would have put them."""
        return self.root / "shop" / "web"


@pytest.fixture
def place(
    openbao: OpenBao, world: AwsWorld, tenant: Tenant, cluster: Cluster, tmp_path: Path
) -> Iterator[Place]:
    """A method of the test's own."""
    with VaultWorld(openbao, world) as front:
        yield Place(tenant, front, openbao.namespace(), cluster, tmp_path)


def test_a_pod_logs_in_by_its_web_identity(place: Place, world: AwsWorld) -> None:
    """One login of each, and Vault knows the role's session by its name."""
    before = dict(os.environ)
    pod = place.pod()

    assert pod.init().exit_code == 0
    assert pod.read("pw") == "s3cret"
    (entry,) = place.front.journal.calls("Login", service="aws")
    assert entry.principal.startswith("arn:aws:sts::111122223333:assumed-role/web/syrette-shop-web")
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1
    assert len(place.behind.audit.logins("aws")) == 1
    assert dict(os.environ) == before


def test_a_pod_logs_in_by_pod_identity(place: Place, tenant: Tenant) -> None:
    """The agent's credentials sign."""
    role = tenant.associate()
    place.admit(role.arn)

    pod = place.pod(tenant.store(auth="pod-identity"))
    assert pod.init().exit_code == 0
    assert pod.read("pw") == "s3cret"


def test_a_pod_logs_in_by_a_chain_of_roles(place: Place, tenant: Tenant) -> None:
    """Vault sees the last role, and AWS the chain."""
    reader = tenant.reader("vault-reader", account="444455556666")
    place.admit(reader.arn)
    pod = place.pod(tenant.store(assume_role=(Hop(reader.arn),)))

    assert pod.init().exit_code == 0
    (entry,) = place.front.journal.calls("Login", service="aws")
    assert ":assumed-role/vault-reader/" in entry.principal
    assert tenant.world.journal.principals("AssumeRole")[0].startswith(
        "arn:aws:sts::111122223333:assumed-role/web/"
    )


def test_the_global_endpoint_is_signed_where_vault_asks_it(place: Place) -> None:
    """In the name of us-east-1, whatever the region of the pod."""
    place.configure(iam_server_id_header_value=SERVER_ID, **GLOBAL)

    assert place.pod(aws_sts="global").init().exit_code == 0
    (entry,) = place.front.journal.calls("Login", service="aws")
    assert (entry.region, entry.detail["host"]) == ("us-east-1", "sts.amazonaws.com")


def test_each_login_signs_anew_with_the_credentials_of_that_moment(
    place: Place, tenant: Tenant
) -> None:
    """Token and AWS session have both ended: two signatures, two AWS sessions, two tokens."""
    pod = place.pod()
    pod.init()
    tenant.project()
    world = tenant.world
    world.clock.advance(7200)
    pod.work_after(7200)

    assert len(place.front.journal.calls("Login", service="aws")) == 2
    assert world.journal.count("AssumeRoleWithWebIdentity") == 2


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another server id": (
        {"aws_server_id": "vault.other.io"},
        "`vault.aws-server-id` must equal `iam_server_id_header_value`",
    ),
    "no server id": (
        {"aws_server_id": ""},
        "`vault.aws-server-id` must equal `iam_server_id_header_value`",
    ),
    "another role": ({"role": "nobody"}, "create the role at auth/aws"),
    "the global endpoint where vault asks the regional one": (
        {"aws_sts": "global"},
        "compare `sts_endpoint` and `sts_region`",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_signature_that_vault_refuses_says_what_to_change(place: Place, what: str) -> None:
    """At once, and without a byte of what was signed."""
    settings, said = REFUSED[what]
    pod = place.pod(**settings)

    outcome = pod.init()

    assert outcome.exit_code == ExitCode.IDENTITY
    assert said in outcome.message
    assert "AWS4-HMAC" not in outcome.message
    assert len(pod.time.slept) == 1


def test_a_role_of_another_principal_is_named(place: Place, tenant: Tenant) -> None:
    """The role is bound to somebody else."""
    place.admit(tenant.reader("other").arn)

    outcome = place.pod().init()

    assert outcome.exit_code == ExitCode.IDENTITY
    assert "the role is not for this AWS principal" in outcome.message


def test_an_aws_login_that_is_refused_is_awss_own_error(place: Place, tenant: Tenant) -> None:
    """Vault is never asked, and the trust policy is named as ever."""
    signer = tenant.store(role_arn="arn:aws:iam::111122223333:role/absent")

    outcome = place.pod(signer).init()

    assert outcome.exit_code == ExitCode.IDENTITY
    assert "the trust policy of arn:aws:iam::111122223333:role/absent" in outcome.message
    assert place.front.journal.calls("Login", service="aws") == ()
