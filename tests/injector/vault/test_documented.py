"""
docs/providers/vault.md as it stands there.

Its commands set a real OpenBao up, its configuration and annotations are admitted, and the
injector's programs read what they ask for.
"""

from __future__ import annotations

import json
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests import vault_page
from tests.injector.supervisor.process import eventually
from tests.injector.vault.pod import VaultPod
from tests.vault_page import Shell, asked_by, blocks, operator
from tests.webhook.mutation import pods
from webhook import settings
from worlds.aws.documents import parse
from worlds.kubernetes import KubernetesWorld
from worlds.tokens import Issuer
from worlds.vault import VaultWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.injector.tenant import Tenant
    from tests.openbao import Cluster
    from worlds.aws import AwsWorld
    from worlds.openbao import Namespace, OpenBao
    from worlds.postgres import Postgres

NOT_RUN: Final = {
    "kubernetes-inside": "OpenBao reads token and CA of its own pod before it answers",
    "kubernetes-inside-cluster": "kubectl, for a real cluster",
    "kubernetes-outside-cluster": "kubectl, for a real cluster",
    "jwt-discovery-cluster": "kubectl, for a real cluster",
}
"""Blocks of commands that no test runs, and why."""
_USE: Final = re.compile(r'commands\(\s*"([a-z0-9-]+)"')
_ADDRESS: Final = "https://vault.acme.io:8200"
_CIPHERTEXT: Final = "vault:v1:…"


class Reader:
    """
    Who follows the page, in the root namespace of a server.

    Args:
        vault: that namespace.
        cluster: whose pods log in.
        folder: for files and volumes.
    """

    def __init__(self, vault: Namespace, cluster: Cluster, folder: Path) -> None:
        self.vault, self.cluster = vault, cluster
        self.root = folder / "shop" / "web"
        self.shell = Shell(vault, folder / "shell")
        self.ciphertext = _CIPHERTEXT
        """That the page leaves to its readers."""

    def kubernetes(self) -> None:
        """Have section 1 behind: as its commands do, which take longer."""
        self.cluster.serve(self.vault)
        self.vault.kubernetes_role("shop_web", "shop_web")

    def secret(self) -> None:
        """Have section 4 behind, with a KV engine of version 2."""
        self.policy("kv2")
        self.vault.kv("secret")
        self.vault.put("secret", "prod/db", username="shop", password="s3cret")

    def policy(self, name: str) -> None:
        """Write a policy of the page."""
        text = blocks()["policy", name]
        self.vault.api.write("sys/policies/acl/shop_web", policy=text)

    def pod(self, *names: str, ca_pem: str = "", **more: Any) -> VaultPod:  # noqa: ANN401 - configuration
        """
        Admit a pod with annotations of the page, under the page's configuration.

        Args:
            names: of the blocks with annotations.
            ca_pem: further certificates that the operator gives.
            more: keys of the operator's configuration put over the page's.
        """
        config = {**operator("config"), "ca-bundle": self.vault.ca_pem + ca_pem, **more}
        text = yaml.safe_dump(config).replace(_ADDRESS, self.vault.address)
        asked = {
            key: value.replace(_CIPHERTEXT, self.ciphertext)
            for name in names
            for key, value in asked_by(name).items()
        }
        document = pods.patched(pods.pod(asked), settings=settings.load(text))
        made = VaultPod(self.vault, self.cluster, self.root)
        made.plan = pods.plan_of(document)
        made.prepare()
        return made


@pytest.fixture
def root(openbao: OpenBao) -> Iterator[Namespace]:
    """The root namespace, with nothing in it."""
    openbao.root.audit.clear()
    yield openbao.root
    openbao.root.clear()


@pytest.fixture
def reader(root: Namespace, cluster: Cluster, tmp_path: Path) -> Reader:
    """Who follows the page."""
    return Reader(root, cluster, tmp_path)


def reads_the_database_secret(pod: VaultPod) -> None:
    """What the sections about logins end with."""
    outcome = pod.init()
    assert outcome.exit_code == 0, outcome.message
    assert json.loads(pod.read("db.json")) == {"username": "shop", "password": "s3cret"}


def test_every_block_has_a_name_and_every_command_is_run() -> None:
    """Or stands in the list of those that cannot be, with the reason."""
    sources = Path(__file__).read_text() + Path(vault_page.__file__).read_text()
    commands = {name for kind, name in blocks() if kind == "commands"}

    assert commands == set(_USE.findall(sources)) | set(NOT_RUN)
    assert not set(_USE.findall(sources)) & set(NOT_RUN)
    assert vault_page.PAGE.read_text().count("```") == 2 * len(blocks())


def test_a_vault_outside_the_cluster_knows_pods_by_the_api_server(reader: Reader) -> None:
    """Section 1; the token lives as long as the page advises."""
    world = reader.cluster.world
    reader.shell.put("cluster-ca.pem", world.ca_pem)
    reader.shell.put("reviewer.jwt", reader.cluster.reviewer)
    reader.shell.commands("kubernetes-outside", api_server=world.url)
    reader.shell.commands("kubernetes-role")
    reader.shell.put("shop_web.hcl", blocks()["policy", "kv2"])
    reader.shell.commands("policy")
    reader.shell.commands("kv2")

    reads_the_database_secret(reader.pod("plain"))
    (token,) = reader.vault.tokens().values()
    assert token["policies"] == ["default", "shop_web"]
    assert (token["creation_ttl"], token["explicit_max_ttl"]) == (900, 0)
    role = reader.vault.api.read("auth/kubernetes/role/shop_web")["data"]
    assert (role["token_max_ttl"], role["audience"]) == (900, "vault")


def test_a_vault_knows_pods_by_the_cluster_s_keys(reader: Reader) -> None:
    """Section 2, with keys in a file."""
    issuer = reader.cluster.issuer
    reader.shell.put("cluster-keys.pem", issuer.public_pem())
    reader.shell.commands("jwt-keys", issuer=issuer.url)
    reader.shell.commands("jwt-role")
    reader.secret()

    reads_the_database_secret(reader.pod("jwt"))


def test_a_vault_discovers_the_cluster_s_keys(reader: Reader) -> None:
    """Section 2, with an API server that shows everybody its keys."""
    with KubernetesWorld() as world:
        issuer = Issuer(world.url)
        world.sign_with(issuer)
        world.authentication.anonymous_discovery = True
        reader.shell.put("cluster-ca.pem", world.ca_pem)
        reader.shell.commands("jwt-discovery", api_server=world.url)
        reader.shell.commands("jwt-role")
        reader.secret()
        pod = reader.pod("jwt")
        pod.project(issuer.mint("shop", "web", "vault"))

        reads_the_database_secret(pod)


def test_a_vault_knows_pods_by_their_aws_identity(
    openbao: OpenBao, world: AwsWorld, tenant: Tenant, reader: Reader, tmp_path: Path
) -> None:
    """Section 3, with web identity; the role has no permission at all."""
    world.account().web_identity_role("web", world.issuer, "shop", "web")
    reader.secret()
    with VaultWorld(openbao, world) as front:
        reader.vault = front.front_of(reader.vault)
        Shell(reader.vault, tmp_path / "aws").commands("aws")
        pod = reader.pod(
            "aws",
            ca_pem=world.ca_pem,
            endpoints={f"aws.{name}": url for name, url in world.endpoints.items()},
        )
        tenant.project()

        reads_the_database_secret(pod)
        (login,) = front.journal.calls("Login", service="aws")
        assert (login.region, login.detail["role"]) == ("eu-west-1", "shop_web")


def test_what_vault_itself_needs_of_aws_is_a_policy() -> None:
    """IAM would take it."""
    document = json.loads(blocks()["aws-policy", "vault-server"])
    (statement,) = parse(document, "identity").statements

    assert statement
    assert document["Statement"][0]["Action"] == ["iam:GetRole", "iam:GetUser"]


def test_kv_of_version_1_needs_another_path(reader: Reader) -> None:
    """Section 4; the reference stays the same."""
    reader.kubernetes()
    reader.policy("kv1")
    reader.vault.kv("secret", version=1)
    reader.vault.put("secret", "prod/db", username="shop", password="s3cret")

    reads_the_database_secret(reader.pod("plain"))


def test_a_refresh_reads_no_value_that_is_the_same(reader: Reader) -> None:
    """With the second rule of section 4; without it, it does."""
    reader.kubernetes()
    reader.secret()
    pod = reader.pod("plain")
    pod.init()
    pod.work_after(900)
    audit = reader.vault.audit

    assert len(audit.calls("secret/data/", operation="read")) == 1
    assert len(audit.calls("secret/metadata/", operation="read")) == 1


def test_the_default_policy_allows_what_the_page_says(reader: Reader) -> None:
    """And does not allow the one path that it says must be added."""
    text = reader.vault.api.read("sys/policies/acl/default")["data"]["policy"]
    paths = set(re.findall(r'^path "([^"]+)"', text, re.MULTILINE))

    own = {f"auth/token/{name}-self" for name in ("lookup", "renew", "revoke")}
    assert own | {"sys/leases/renew"} <= paths
    assert "sys/leases/revoke" not in paths


def test_a_user_of_a_database_is_leased(reader: Reader, postgres: Postgres) -> None:
    """Section 5, with a period; at the end of the pod token and user are gone."""
    reader.kubernetes()
    reader.shell.commands("period")
    reader.policy("database")
    reader.shell.commands(
        "database",
        database=f"127.0.0.1:{postgres.port}/postgres?sslmode=disable",
        database_password=f" password={postgres.password}",
    )
    pod = reader.pod("database")
    assert pod.init().exit_code == 0
    user, _, password = pod.read("db.conf").partition("://")[2].partition("@")[0].partition(":")

    assert postgres.admits(user, password)
    (token,) = reader.vault.tokens().values()
    assert token["period"] == 900
    pod.revoke()
    assert reader.vault.tokens() == {}
    eventually(lambda: not postgres.admits(user, password))


def test_certificate_chain_and_key_are_of_one_request(reader: Reader, tmp_path: Path) -> None:
    """Section 6; a TLS server would take both files."""
    reader.kubernetes()
    reader.policy("pki")
    reader.shell.commands("pki")
    pod = reader.pod("pki", policy=[])
    assert pod.init().exit_code == 0
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).write_text(pod.read(name))

    assert len(reader.vault.audit.calls("pki/issue/web")) == 1
    assert pod.read("tls.crt").count("BEGIN CERTIFICATE") == 2
    ssl.create_default_context().load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")


def test_what_transit_has_encrypted_is_decrypted(reader: Reader) -> None:
    """Section 7: the plaintext of the page's command is in the file."""
    reader.kubernetes()
    reader.policy("transit")
    reader.ciphertext = reader.shell.commands("transit").splitlines()[-1]

    pod = reader.pod("transit")
    assert pod.init().exit_code == 0
    assert pod.read("api-key") == "s3cret"


def test_a_pod_logs_in_to_a_parent_namespace(reader: Reader, root: Namespace) -> None:
    """Section 8: a policy of the parent names the child's path."""
    acme = root.namespace("acme")
    child = acme.namespace("shop")
    reader.cluster.serve(acme)
    acme.kubernetes_role("shop_web", "shop_web")
    acme.policy("shop_web", {"shop/secret/data/prod/*": ["read"]})
    child.kv("secret")
    child.put("secret", "prod/db", username="shop", password="s3cret")

    reads_the_database_secret(reader.pod("namespaces", policy=[]))
    assert (len(acme.audit.logins()), len(child.audit.logins())) == (1, 0)


def test_a_prefix_is_put_in_front(reader: Reader) -> None:
    """Section 8; the rule has seen the whole path."""
    reader.kubernetes()
    reader.secret()

    reads_the_database_secret(reader.pod("prefix"))


def test_two_vaults_are_two_logins(reader: Reader, sealable: OpenBao) -> None:
    """Section 8: each with its own method, role and audience."""
    reader.kubernetes()
    reader.secret()
    other = sealable.root
    other.jwt(reader.cluster.issuer)
    other.jwt_role("shop", "shop", audience="vault-payments")
    other.policy("shop", {"secret/data/card": ["read"]})
    other.kv("secret")
    other.put("secret", "card", key="k")
    stores = operator("two-vaults")["stores"]
    stores["payments"]["address"] = other.address
    pod = reader.pod("two-vaults", ca_pem=other.ca_pem, stores=stores, policy=[])
    pod.project(reader.cluster.token(audience="vault-payments"), "vault-payments")

    reads_the_database_secret(pod)
    assert pod.read("card.key") == "k"
    assert [len(it.audit.logins()) for it in (reader.vault, other)] == [1, 1]


def test_the_words_of_the_table_are_the_injector_s() -> None:
    """Each message can be met; tests/injector/vault/test_failing.py meets most of them."""
    folder = Path(__file__).parents[3] / "injector"
    ours = (*folder.glob("vault/*.py"), *folder.glob("providers/vault*.py"))
    said = "".join(path.read_text() for path in (*ours, folder / "connections.py"))
    table = vault_page.PAGE.read_text().partition("## What the errors say")[2]
    rows = re.findall(r"^\| `([a-z-]+)(?: … ([^`]+))?`", table, re.MULTILINE)

    assert len(rows) >= 15
    assert [words for _, words in rows if words not in said] == []
    reasons = (folder / "contract" / "reasons.py").read_text()
    assert [reason for reason, _ in rows if f'"{reason}"' not in reasons] == []
