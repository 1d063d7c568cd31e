"""`syrette check` on the real OpenBao: what can be read, why not, and that nothing stays of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from injector.contract.reasons import ExitCode
from syrette.__main__ import main
from tests.house.source import ROOT
from tests.syrette.place import Said
from worlds import faults

if TYPE_CHECKING:
    from pathlib import Path

    from tests.openbao import Cluster
    from worlds.openbao import Namespace, OpenBao
    from worlds.postgres import Postgres
    from worlds.vault import VaultWorld

VALUE = "s3cret-of-the-shop"
KV = {"file.db": "vault:secret/prod/db#password"}
CREDS = {"file.user": "vault:database/creds/app#username"}
CERTIFICATE = {"file.tls.crt": "vault:pki/issue/web?data.common_name=web.svc#certificate"}
RULES = {
    "secret/data/prod/*": ["read"],
    "database/creds/app": ["read"],
    "pki/issue/web": ["update"],
}


class Place:
    """
    The account `web` of the namespace `shop`, and a person who asks for it.

    Args:
        vault: with the secrets.
        cluster: whose API server gives and reviews tokens.
        folder: for manifest and configuration.
        capture: what the command prints.
    """

    def __init__(
        self,
        vault: Namespace,
        cluster: Cluster,
        folder: Path,
        capture: pytest.CaptureFixture[str],
    ) -> None:
        self.vault, self._cluster, self._folder = vault, cluster, folder
        self._capture = capture
        cluster.world.node("node-1", "v1.37.1")
        vault.kv("secret")
        vault.put("secret", "prod/db", password=VALUE)
        vault.put("secret", "test/db", password=VALUE)
        vault.policy("shop", RULES)
        vault.kubernetes_role("web", "shop", token_ttl="12h", token_max_ttl="24h")

    def words(self, secrets: dict[str, str], **settings: str) -> list[str]:
        """Give the words of the command for a pod with these secrets; `_` stands for `-`."""
        given = {name.replace("_", "-"): text for name, text in settings.items()}
        ours = {"address": self.vault.address, "role": "web", "namespace": self.vault.path}
        options = {f"vault.{name}": text for name, text in (ours | given).items() if text}
        annotations = {f"syrette.dev/{key}": text for key, text in secrets.items()}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "namespace": "shop", "annotations": annotations},
            "spec": {"serviceAccountName": "web", "containers": [{"name": "app", "image": "a/b"}]},
        }
        operator = {"ca-bundle": self.vault.ca_pem, "defaults": options}
        (self._folder / "operator.yaml").write_text(yaml.safe_dump(operator))
        (self._folder / "pod.yaml").write_text(yaml.safe_dump(pod))
        asked = ["check", "-f", str(self._folder / "pod.yaml"), "-n", "shop"]
        asked += ["--service-account", "web", "--config", str(self._folder / "operator.yaml")]
        return [*asked, "--kubeconfig", str(self._cluster.world.kubeconfig)]

    def check(self, secrets: dict[str, str], *words: str, **settings: str) -> Said:
        """Type the command."""
        code = main([*self.words(secrets, **settings), *words])
        said = self._capture.readouterr()
        return Said(code, said.out, said.err)


@pytest.fixture
def place(
    vault: Namespace,
    cluster: Cluster,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Place:
    """A Vault that shop/web may read from."""
    return Place(vault, cluster, tmp_path, capsys)


@pytest.fixture
def fronted(
    place: Place,
    front: VaultWorld,
) -> Place:
    """The same behind a world that misbehaves on demand."""
    place.vault = front.front_of(place.vault)
    return place


class Users:
    """Users of the database that this test has made: PostgreSQL is the session's."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._before = postgres.users()

    @property
    def made(self) -> set[str]:
        """Those that are there now."""
        return set(self._postgres.users()) - set(self._before)

    def are_dropped(self) -> bool:
        """Wait until none is left: OpenBao drops them behind its answer."""
        for _ in range(200):
            if not self.made:
                return True
            time.sleep(0.05)
        return False


@pytest.fixture
def users(postgres: Postgres, place: Place) -> Users:
    """The database engine, and nobody in it yet."""
    place.vault.database(postgres)
    return Users(postgres)


def test_nothing_stays_of_what_was_read(place: Place, users: Users) -> None:
    """Value, credentials and certificate are read and measured; token, lease and user are gone."""
    place.vault.pki()
    said = place.check({**KV, **CREDS, **CERTIFICATE})

    assert said.code == 0, said.err
    assert len(place.vault.audit.calls("database/creds/app", ok=True)) == 1
    assert place.vault.tokens() == {}
    assert users.are_dropped()
    assert "identity: auth/kubernetes role web entity " in said.out
    assert f"becomes: {len(VALUE)} bytes" in said.out
    assert "given back: 1 Vault token, with every lease that it has got" in said.out
    assert "vault:pki/issue/web?data.common_name=web.svc: issued a certificate" in said.out
    assert VALUE not in said.out + said.err
    assert "BEGIN CERTIFICATE" not in said.out


def test_nothing_stays_where_something_failed(place: Place, users: Users) -> None:
    """The document says both."""
    denied = {"file.other": "vault:secret/test/db#password"}
    said = place.check({**CREDS, **denied}, "-o", "json")
    [workload] = said.json["workloads"]

    assert said.code == ExitCode.DENIED
    assert [secret["readable"] for secret in workload["secrets"]] == [False, True]
    assert workload["tokensGivenBack"] == 1
    assert workload["warnings"] == []
    assert place.vault.tokens() == {}
    assert users.are_dropped()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_stays_of_a_check_that_is_ended(
    fronted: Place, front: VaultWorld, users: Users, number: signal.Signals
) -> None:
    """Ctrl-C while the second secret hangs: what the first has brought is given back, and said."""
    hanging = front.faults.add(faults.latency(60), on="secret.Read")
    # Reads of one store are in the order of the plan: the credentials are there.
    secrets = {"file.a": CREDS["file.user"], "file.b": KV["file.db"]}
    command = [sys.executable, "-m", "syrette", *fronted.words(secrets)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not hanging.hits and process.poll() is None:
            time.sleep(0.01)
        made = users.made
        process.send_signal(number)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (128 + number, "")
    assert "syrette: given back: 1 Vault token" in err
    assert len(made) == 1
    assert fronted.vault.tokens() == {}
    assert users.are_dropped()


def test_what_cannot_be_given_back_is_said_with_its_end(fronted: Place, front: VaultWorld) -> None:
    """A person may revoke it, or wait."""
    front.faults.add(faults.status(503), on="RevokeToken")
    said = fronted.check(KV, "-o", "json")
    [workload] = said.json["workloads"]
    [warning] = workload["warnings"]

    assert said.code == 0
    assert workload["tokensGivenBack"] == 0
    assert warning.startswith("the Vault token of auth/kubernetes role web entity ")
    assert "could not be given back: it ends at 2" in warning
    assert len(fronted.vault.tokens()) == 1


REFUSED: dict[str, tuple[dict[str, str], int, str, str]] = {
    "role": ({"role": "nobody"}, ExitCode.IDENTITY, "identity-denied", "`vault.role`"),
    "audience": ({"role": "strict"}, ExitCode.IDENTITY, "identity-denied", "`vault.audience`"),
    "mount": (
        {"auth_mount": "kubernetes-eu"},
        ExitCode.IDENTITY,
        "identity-denied",
        "enabled at `kubernetes-eu`",
    ),
    "namespace": (
        {"namespace": "nowhere"},
        ExitCode.IDENTITY,
        "identity-denied",
        "`vault.auth-namespace`",
    ),
    "account": ({"role": "worker"}, ExitCode.IDENTITY, "identity-denied", "bound service accounts"),
}


@pytest.mark.parametrize("missing", REFUSED)
def test_a_login_that_is_refused_says_what_to_change(place: Place, missing: str) -> None:
    """The injector's reason and cure, in both forms, and the account that has tried."""
    place.vault.kubernetes_role("strict", "shop", audience="vault.acme.io")
    place.vault.kubernetes_role("worker", "shop", service_accounts=["worker"])
    settings, code, reason, cure = REFUSED[missing]
    said = place.check(KV, "-o", "json", **settings)
    problem = said.json["workloads"][0]["secrets"][0]["problem"]

    assert (said.code, said.json["exitCode"]) == (code, code)
    assert (problem["reason"], problem["step"]) == (reason, "Vault login")
    assert cure in problem["remedy"]
    assert "service account web of namespace shop" in problem["cause"]
    assert f"to do: {problem['remedy']}" in place.check(KV, **settings).out
    assert place.vault.tokens() == {}


@pytest.mark.parametrize(
    ("secret", "code", "reason", "cure"),
    [
        (
            "vault:secret/test/db",
            ExitCode.DENIED,
            "access-denied",
            "a policy of the role must allow `read` on `secret/data/test/db`",
        ),
        ("vault:secret/prod/none", ExitCode.NOT_FOUND, "not-found", "check the path"),
        (
            "vault:secret/prod/db?version=9",
            ExitCode.NOT_FOUND,
            "not-found",
            "check the path, its version",
        ),
        ("vault:secret/prod/db#pasword", ExitCode.RENDER, "selector-not-found", ""),
    ],
)
def test_a_secret_that_cannot_be_read_says_what_to_change(
    place: Place, secret: str, code: int, reason: str, cure: str
) -> None:
    """Policy, path, version and key, with no value of what was read."""
    said = place.check({"file.x": secret}, "-o", "json")
    problem = said.json["workloads"][0]["secrets"][0]["problem"]

    assert said.code == code
    assert problem["reason"] == reason
    assert cure in problem.get("remedy", "")
    assert VALUE not in said.out + said.err
    assert place.vault.tokens() == {}


def test_a_sealed_vault_is_its_own_class(
    sealable: OpenBao,
    cluster: Cluster,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is neither the role's fault nor the policy's."""
    vault = cluster.serve(sealable.root)
    place = Place(vault, cluster, tmp_path, capsys)
    sealable.seal()
    said = place.check(KV, "-o", "json")
    problem = said.json["workloads"][0]["secrets"][0]["problem"]

    assert said.code == ExitCode.UNAVAILABLE
    assert problem["cause"].startswith("Vault is sealed")
    assert problem["remedy"] == "unseal it"
