"""The transit engine of the real OpenBao decrypts a data key for the pod's role."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.keyservices.services import KeyServices
from injector.keyservices.vault_transit import VaultTransit
from injector.sops.errors import SopsError
from injector.sops.master_keys import AgeKey, VaultKey
from tests.injector.keyservices.sealing import CONTENT, altered, master_key, opened, sealed
from tests.injector.vault.pod import VaultPod
from worlds import faults
from worlds.certificates import issue
from worlds.server import Response, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from injector.contract.stores import Store
    from injector.sessions import SessionCache
    from tests.openbao import Cluster
    from worlds.openbao import Namespace
    from worlds.server import Request
    from worlds.vault import VaultWorld


@pytest.fixture
def vault(vault: Namespace) -> Namespace:
    """A namespace with a transit key, which the role `web` may decrypt with."""
    vault.transit("transit", "app")
    vault.policy("sops", {"transit/decrypt/app": ["update"]})
    vault.kubernetes_role("web", "sops")
    return vault


@pytest.fixture
def pod(vault: Namespace, cluster: Cluster, tmp_path: Path) -> VaultPod:
    """The pod `shop/web`."""
    return VaultPod(vault, cluster, tmp_path)


@pytest.fixture
def sessions(pod: VaultPod, log_in: Callable[..., SessionCache]) -> SessionCache:
    """Its sessions."""
    return log_in(pod)


@pytest.fixture
def document(vault: Namespace, tmp_path: Path) -> bytes:
    """A document of the real sops under that key."""
    return _sealed(vault, tmp_path)


def _sealed(vault: Namespace, directory: Path, path: str = "transit/keys/app") -> bytes:
    certificate = directory / "ca.pem"
    certificate.write_text(vault.ca_pem)
    environment = {
        "VAULT_TOKEN": vault.api.token,
        "VAULT_NAMESPACE": vault.path,
        "VAULT_CACERT": str(certificate),
    }
    return sealed(directory, environment, "--hc-vault-transit", f"{vault.address}/v1/{path}")


@contextmanager
def _serving(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _store(pod: VaultPod) -> Store:
    return pod.plan.stores[0]


@pytest.fixture
def refused(pod: VaultPod, sessions: SessionCache, document: bytes) -> Callable[..., ProviderError]:
    """Asks for the document's key with other fields, which must be refused."""

    def refused(**fields: Any) -> ProviderError:  # noqa: ANN401 - of a key
        key = master_key(altered(document, "hc_vault", **fields))
        with pytest.raises(ProviderError) as caught:
            VaultTransit(_store(pod), sessions).decrypt(key)
        return caught.value

    return refused


def test_a_document_of_sops_is_decrypted(
    vault: Namespace, pod: VaultPod, document: bytes, sessions: SessionCache
) -> None:
    """In the store's namespace, with the pod's role, in one call behind the login."""
    assert opened(document, KeyServices([_store(pod)], sessions)) == CONTENT
    assert len(vault.audit.calls("transit/decrypt/app", operation="update")) == 1
    assert len(vault.audit.logins("kubernetes")) == 1


def test_an_engine_in_a_deeper_path_decrypts(
    vault: Namespace, pod: VaultPod, tmp_path: Path, sessions: SessionCache
) -> None:
    """Mounts may have a slash, in documents, too."""
    vault.transit("team/shop/transit", "app.v2")
    vault.policy("sops", {"team/shop/transit/decrypt/app.v2": ["update"]})
    document = _sealed(vault, tmp_path, "team/shop/transit/keys/app.v2")

    assert opened(document, KeyServices([_store(pod)], sessions)) == CONTENT


def test_a_rotated_key_still_decrypts(
    vault: Namespace,
    pod: VaultPod,
    document: bytes,
    refused: Callable[..., ProviderError],
    sessions: SessionCache,
) -> None:
    """Until its oldest version is given up, which is told as what it is."""
    vault.api.write("transit/keys/app/rotate")
    assert opened(document, KeyServices([_store(pod)], sessions)) == CONTENT

    vault.api.write("transit/keys/app/config", min_decryption_version=2)
    error = refused()
    assert error.reason is Reason.ACCESS_DENIED
    assert "`min_decryption_version` of `transit/keys/app`" in error.remedy


def test_attack_a_document_that_names_the_attackers_vault_never_gets_the_token(
    pod: VaultPod, document: bytes, log_in: Callable[..., SessionCache]
) -> None:
    """Not even a connection: the pod's token is for its own Vault."""
    seen: list[Request] = []

    def take(request: Request) -> Response:
        seen.append(request)
        return Response(200, b'{"data": {"plaintext": "AAAA"}}')

    authority = issue("attacker")
    with _serving(Server(take, authority.context())) as attacker:
        address = f"https://127.0.0.1:{attacker.port}"
        attack = altered(document, "hc_vault", vault_address=address)
        sessions = log_in(pod, pod.plan.ca_bundle + authority.ca)
        with pytest.raises(SopsError, match=r"address of no Vault store") as caught:
            opened(attack, KeyServices([_store(pod)], sessions))

        # Even the service alone asks nobody but the store's own server.
        found = VaultTransit(_store(pod), sessions).decrypt(master_key(attack))
        assert len(found) == 32
        assert (attacker.connections, seen) == (0, [])
    assert caught.value.reason is Reason.POLICY_DENIED


def test_a_policy_that_does_not_allow_it_is_told(
    vault: Namespace, pod: VaultPod, document: bytes, sessions: SessionCache
) -> None:
    """With the line that the policy lacks; the session that did nothing wrong is kept."""
    vault.policy("sops", {"transit/encrypt/app": ["update"]})
    service = VaultTransit(_store(pod), sessions)
    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            service.decrypt(master_key(document))
        assert caught.value.reason is Reason.ACCESS_DENIED
        assert caught.value.step == "Vault decrypt"
        assert "allow `update` on `transit/decrypt/app`" in caught.value.remedy
    assert len(vault.audit.logins("kubernetes")) == 1


def test_a_key_that_is_missing_is_told(
    vault: Namespace, refused: Callable[..., ProviderError]
) -> None:
    """It was never there, or is in another namespace."""
    vault.policy("sops", {"transit/decrypt/*": ["update"]})

    error = refused(key_name="other")

    assert error.reason is Reason.NOT_FOUND
    assert "transit/keys/other" in error.remedy


def test_a_mount_that_is_missing_is_told(
    vault: Namespace, refused: Callable[..., ProviderError]
) -> None:
    """To whom the policy allows the path it is not found; else Vault says 403 of it."""
    assert "mount that is not there" in refused(engine_path="gone").remedy
    vault.policy("sops", {"gone/decrypt/app": ["update"]})

    error = refused(engine_path="gone")

    assert error.reason is Reason.NOT_FOUND
    assert "nothing is mounted" in str(error)


@pytest.mark.parametrize(
    "enc", ["vault:v1:AAAA", "vault:v1:" + "A" * 80, "none", "vault:v0:AAAA", "vault:v1:é"]
)
def test_a_changed_data_key_is_told(enc: str, refused: Callable[..., ProviderError]) -> None:
    """Whatever status the server finds for it, it is the document's fault and is not repeated."""
    error = refused(enc=enc)

    assert error.reason is Reason.INVALID_DOCUMENT
    assert "transit/keys/app" in error.remedy
    assert enc not in f"{error} {error.remedy}"


def test_what_another_key_has_encrypted_is_told(
    vault: Namespace, refused: Callable[..., ProviderError]
) -> None:
    """A key that was made again under its old name has nothing of the old one."""
    vault.api.write("transit/keys/app/config", deletion_allowed=True)
    vault.api.delete("transit/keys/app")
    vault.api.write("transit/keys/app")

    error = refused()

    assert error.reason is Reason.INVALID_DOCUMENT
    assert "made again" in error.remedy


def test_a_token_that_was_revoked_is_replaced_once(
    vault: Namespace, pod: VaultPod, document: bytes, sessions: SessionCache
) -> None:
    """A 403 of a dead token is not a policy's."""
    service = VaultTransit(_store(pod), sessions)
    first = service.decrypt(master_key(document))
    vault.revoke("auth/kubernetes")

    assert service.decrypt(master_key(document)) == first
    assert len(vault.audit.logins("kubernetes")) == 2


@pytest.fixture
def behind(vault: Namespace, cluster: Cluster, front: VaultWorld, tmp_path: Path) -> VaultPod:
    """The same pod, which asks a server that misbehaves on demand."""
    return VaultPod(vault.through(front.address, front.ca_pem), cluster, tmp_path)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"data": {}}', b'{"data": {"plaintext": 1}}', b'{"data": {"plaintext": "!"}}']
)
def test_a_reply_without_the_key_is_no_success(
    behind: VaultPod,
    front: VaultWorld,
    document: bytes,
    body: bytes,
    log_in: Callable[..., SessionCache],
) -> None:
    """A proxy's answer is not taken for a data key."""
    front.faults.add(faults.status(200, body=body), on="transit")
    key = master_key(document)

    with pytest.raises(ProviderError) as caught:
        VaultTransit(_store(behind), log_in(behind)).decrypt(key)

    assert caught.value.reason is Reason.UNAVAILABLE


def test_a_key_of_another_kind_is_refused(pod: VaultPod, sessions: SessionCache) -> None:
    """Whoever mixes services up hears of it."""
    with pytest.raises(ProviderError, match="age"):
        VaultTransit(_store(pod), sessions).decrypt(AgeKey("age1x", "…"))
    key = VaultKey("https://vault.acme.io", "..", "app", "vault:v1:AAAA")
    with pytest.raises(SopsError, match="no path of an engine"):
        VaultTransit(_store(pod), sessions).decrypt(key)
