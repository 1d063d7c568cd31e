"""What Vault refuses: each no has its reason, exit code and what to change, and comes at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from injector.contract.reasons import ExitCode
from tests.injector.cycle.pod import file
from tests.injector.transport.peer import Peer, reply
from tests.injector.vault.pod import VaultPod
from worlds.certificates import issue

if TYPE_CHECKING:
    from pathlib import Path

    from tests.openbao import Cluster
    from worlds.openbao import Namespace, OpenBao

SECRET = file("vault:secret/prod/db#password", "pw")


@pytest.fixture
def shop(vault: Namespace) -> Namespace:
    """A namespace with one secret, which shop/web may read."""
    return stock(vault)


def stock(vault: Namespace) -> Namespace:
    """Put one secret there, which shop/web may read."""
    vault.kv("secret")
    vault.put("secret", "prod/db", password="s3cret")
    vault.policy("shop", {"secret/data/prod/*": ["read"]})
    vault.kubernetes_role("web", "shop")
    vault.jwt_role("web", "shop")
    vault.kubernetes_role("other", "shop", namespaces=["test"])
    vault.kubernetes_role("worker", "shop", service_accounts=["worker"])
    vault.kubernetes_role("strict", "shop", audience="vault.acme.io")
    return vault


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "a role that is not there": (
        {"role": "nobody"},
        ExitCode.IDENTITY,
        "there is no such role at this mount",
    ),
    "a role of another namespace": (
        {"role": "other"},
        ExitCode.IDENTITY,
        "the role is not for this namespace",
    ),
    "a role of another service account": (
        {"role": "worker"},
        ExitCode.IDENTITY,
        "the role is not for this service account",
    ),
    "an audience that the role does not want": (
        {"role": "strict"},
        ExitCode.IDENTITY,
        "`vault.audience` must equal the audience of the role",
    ),
    "a role of jwt that is not there": (
        {"auth": "jwt", "role": "nobody"},
        ExitCode.IDENTITY,
        "there is no such role at this mount",
    ),
    "a mount that is not there": (
        {"auth-mount": "kubernetes-eu"},
        ExitCode.IDENTITY,
        "a login method is enabled at `kubernetes-eu` in this namespace (`vault.auth-mount`)",
    ),
    "a namespace that is not there": (
        {"namespace": "nowhere"},
        ExitCode.IDENTITY,
        "vault.auth-namespace",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_login_that_is_refused_says_what_to_change(
    shop: Namespace, cluster: Cluster, tmp_path: Path, what: str
) -> None:
    """At the first try, and the account that has tried is named."""
    settings, code, said = REFUSED[what]
    pod = VaultPod(shop, cluster, tmp_path, SECRET, **settings)

    outcome = pod.init()

    assert outcome.exit_code == code
    assert said in outcome.message
    assert "service account web of namespace shop" in outcome.message
    assert pod.time.slept == [pytest.approx(0.125)]


def test_a_secret_that_no_policy_allows_names_the_line_to_add(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """Path and capability, as a policy spells them; the other secret is not blamed."""
    shop.put("secret", "test/db", password="other")
    shop.policy("shop", {"secret/data/prod/*": ["read"]})
    pod = VaultPod(shop, cluster, tmp_path, SECRET, file("vault:secret/test/db#password", "other"))

    outcome = pod.init()

    assert outcome.exit_code == ExitCode.DENIED
    assert "a policy of the role must allow `read` on `secret/data/test/db`" in outcome.message
    assert "prod/db" not in outcome.message
    assert pod.names == []


def test_one_path_of_several_that_is_withdrawn_leaves_the_others_fresh(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """A later no to one secret keeps its content, and the others move on."""
    shop.put("secret", "test/db", password="other")
    shop.policy("shop", {"secret/data/*": ["read"]})
    pod = VaultPod(shop, cluster, tmp_path, SECRET, file("vault:secret/test/db#password", "other"))
    assert pod.init().exit_code == 0
    shop.policy("shop", {"secret/data/prod/*": ["read"]})
    shop.put("secret", "prod/db", password="fresh")
    pod.work_after(900)

    assert (pod.read("pw"), pod.read("other")) == ("fresh", "other")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("vault:secret/prod/absent", "not found (secret/data/prod/absent)"),
        ("vault:absent/prod/db?kv=2", "Vault says the same of a mount that is not there"),
        ("vault:secret/prod/db?version=7", "not found"),
    ],
)
def test_what_is_not_there_is_said_at_once(
    shop: Namespace, cluster: Cluster, tmp_path: Path, reference: str, said: str
) -> None:
    """Neither a secret, nor an engine, nor a version that is absent is waited for."""
    pod = VaultPod(shop, cluster, tmp_path, file(reference, "it"))

    outcome = pod.init()

    assert outcome.exit_code in {ExitCode.NOT_FOUND, ExitCode.DENIED}
    assert said in outcome.message
    assert len(pod.time.slept) == 1


def test_an_engine_that_is_not_there_is_said(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """Vault does not tell an absent engine from one that nobody may see: both are said."""
    outcome = VaultPod(shop, cluster, tmp_path, file("vault:absent/db", "it")).init()

    assert outcome.exit_code == ExitCode.DENIED
    assert "no policy of the role allows anything below the mount of `absent/db`" in (
        outcome.message
    )


def test_a_sealed_vault_is_waited_for_and_named(
    sealable: OpenBao, cluster: Cluster, tmp_path: Path
) -> None:
    """Init gives up after its time; a pod that runs keeps its files, and recovers by itself."""
    shop = stock(cluster.serve(sealable.root))
    running = VaultPod(shop, cluster, tmp_path / "running", SECRET)
    assert running.init().exit_code == 0
    sealable.seal()

    outcome = VaultPod(shop, cluster, tmp_path / "starting", SECRET).init()
    assert outcome.exit_code == ExitCode.UNAVAILABLE
    assert "Vault is sealed" in outcome.message
    assert "gave up after 120 s" in outcome.message

    for _ in range(3):
        running.work_after(900)
    assert running.read("pw") == "s3cret"
    assert running.status["secrets"][0]["reason"] == "unavailable"

    sealable.unseal()
    shop.put("secret", "prod/db", password="fresh")
    running.work_after(900)
    assert running.read("pw") == "fresh"


def test_another_authority_is_not_trusted(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """No token is sent, and the error names the setting."""
    pod = VaultPod(shop, cluster, tmp_path, SECRET)
    pod.plan = replace(pod.plan, ca_bundle=issue("another").ca)

    outcome = pod.init()

    assert outcome.exit_code == ExitCode.UNAVAILABLE
    assert "is not trusted" in outcome.message
    assert "`ca-bundle`" in outcome.message
    assert shop.audit.calls("auth/kubernetes/login") == ()


ODD_REPLIES = {
    "a standby that redirects": (
        reply(b"", "307 Temporary Redirect", "Location: https://127.0.0.1:1/"),
        "never followed",
    ),
    "a standby": (reply(b"{}", "473 Standby"), "is a standby"),
    "a proxy's page": (reply(b"<html>login</html>"), "cannot be read"),
    "a success without a token": (reply(b'{"auth": null}'), "cannot be read"),
    "a token that is no text": (reply(b'{"auth": {"client_token": 5}}'), "cannot be read"),
    "half a reply": (reply(b'{"auth": {"cli'), "cannot be read"),
}


PASSING = {
    "too many": (reply(b"{}", "429 Too Many Requests", "Retry-After: \u00b2"), "slow down"),
    "a token of yesterday": (reply(b'{"errors": ["token is expired"]}', "403 No"), "has expired"),
}


@pytest.mark.parametrize("what", PASSING)
def test_a_login_that_may_succeed_later_blames_no_role(
    vault: Namespace, cluster: Cluster, tmp_path: Path, what: str
) -> None:
    """Whoever reads the message would else change what is right."""
    answer, said = PASSING[what]
    with Peer(answer) as peer:
        pod = VaultPod(vault, cluster, tmp_path, SECRET, address=f"http://127.0.0.1:{peer.port}")
        outcome = pod.init()

    assert said in outcome.message
    assert "vault.role" not in outcome.message
    assert len(peer.requests) > 1


@pytest.mark.parametrize("what", ODD_REPLIES)
def test_a_server_that_answers_oddly_is_no_success_and_gets_no_second_host(
    vault: Namespace, cluster: Cluster, tmp_path: Path, what: str
) -> None:
    """It is tried again until init gives up, and nothing of the reply is in the message."""
    answer, said = ODD_REPLIES[what]
    with Peer(answer) as peer:
        pod = VaultPod(vault, cluster, tmp_path, SECRET, address=f"http://127.0.0.1:{peer.port}")
        outcome = pod.init()

    assert outcome.exit_code == ExitCode.UNAVAILABLE
    assert said in outcome.message
    assert "html" not in outcome.message
    assert len(peer.requests) > 1
