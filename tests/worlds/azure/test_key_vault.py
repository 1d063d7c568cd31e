"""Key Vault: what it gives, and each thing that it refuses."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from tests.worlds.azure.asking import SUBJECT
from worlds.azure.issuing import PEM, PKCS12

if TYPE_CHECKING:
    from tests.worlds.azure.asking import Shop
    from worlds.azure.issuing import ContentType


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_secret_is_read_in_its_current_version(shop: Shop) -> None:
    """Value, type, identifier with the version, attributes; and the journal knows who asked."""
    exp = shop.world.clock.now() + 60
    made = shop.world.put_secret(
        shop.vault, "Api", "two", "text/plain", exp=exp, tags={"team": "shop"}
    )

    answer = shop.get("/secrets/api")

    assert answer.json == {
        "value": "two",
        "contentType": "text/plain",
        "id": f"https://acme-kv.vault.azure.net/secrets/Api/{made.id}",
        "attributes": {
            "enabled": True,
            "exp": int(exp),
            "created": int(made.created),
            "updated": int(made.created),
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        },
        "tags": {"team": "shop"},
    }
    [entry] = shop.world.journal.calls("GetSecret")
    assert (entry.principal, entry.base) == (shop.web.client_id, SUBJECT)
    assert entry.resources == (answer.json["id"],)


def test_a_version_is_read_as_it_was(shop: Shop) -> None:
    """An older version stays; a trailing slash without a version is the current one."""
    old = shop.get("/secrets/db").json["id"].rpartition("/")[2]
    shop.world.put_secret(shop.vault, "db", "rotated")

    assert shop.get(f"/secrets/db/{old}").json["value"] == "s3cret"
    assert shop.get("/secrets/db/").json["value"] == "rotated"


def test_names_are_compared_without_case(shop: Shop) -> None:
    """`DB` is `db`, and the identifier has the name as it was made."""
    answer = shop.get("/secrets/DB")

    assert "/secrets/db/" in answer.json["id"]


def test_no_token_is_challenged(shop: Shop) -> None:
    """A 401 says where tokens are given, and for what."""
    answer = shop.get("/secrets/db", "")

    assert answer.refusal == (401, "Unauthorized", "")
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer authorization="https://login.microsoftonline.com/{shop.web.tenant.id}", '
        'resource="https://vault.azure.net"'
    )


def test_a_pods_own_token_is_no_access_token(shop: Shop) -> None:
    """What Kubernetes signed is challenged."""
    answer = shop.get("/secrets/db", shop.projected())

    assert answer.refusal == (401, "Unauthorized", "")
    assert "AKV10046" in answer.json["error"]["message"]


def test_a_token_for_something_else_is_challenged(shop: Shop) -> None:
    """AKV10022: one for Azure's management, say."""
    token = shop.world.tokens.mint(shop.web, "https://management.azure.com")

    answer = shop.get("/secrets/db", token)

    assert "AKV10022" in answer.json["error"]["message"]
    assert "WWW-Authenticate" in answer.headers


def test_a_token_of_another_tenant_is_challenged(shop: Shop) -> None:
    """AKV10032, whatever its identity may."""
    stranger = shop.world.tenant("other").identity("web")
    shop.vault.grant(stranger, "secrets/get")

    answer = shop.get("/secrets/db", shop.world.tokens.mint(stranger, "https://vault.azure.net"))

    assert answer.status == 401
    assert "AKV10032" in answer.json["error"]["message"]


def test_an_access_token_expires(shop: Shop) -> None:
    """After its hour, or when the world ends all."""
    first = shop.token()
    shop.world.advance(3600)
    second = shop.token()
    assert shop.get("/secrets/db", first).refusal == (401, "Unauthorized", "")
    assert shop.get("/secrets/db", second).status == 200

    shop.world.expire_tokens()

    assert shop.get("/secrets/db", second).status == 401


@pytest.mark.parametrize("version", ["7.4", "7.5", "7.6", "2025-07-01"])
def test_the_versions_of_the_api_are_served(shop: Shop, version: str) -> None:
    """Each that clients of today name."""
    assert shop.get("/secrets/db", version=version).status == 200


@pytest.mark.parametrize("version", ["", "7.4-preview", "1999-01-01", "7"])
def test_a_missing_or_unknown_version_of_the_api_is_refused(shop: Shop, version: str) -> None:
    """BadParameter."""
    assert shop.get("/secrets/db", version=version).refusal == (400, "BadParameter", "")


@pytest.mark.parametrize("path", ["/secrets/none", "/secrets/db/0123456789abcdef"])
def test_what_is_not_there_is_not_found(shop: Shop, path: str) -> None:
    """SecretNotFound, for a name and for a version."""
    assert shop.get(path).refusal == (404, "SecretNotFound", "")


def test_a_deleted_secret_is_not_found_until_it_is_recovered(shop: Shop) -> None:
    """Soft deletion hides it."""
    shop.world.delete_secret(shop.vault, "db")
    assert shop.get("/secrets/db").refusal == (404, "SecretNotFound", "")

    shop.world.recover_secret(shop.vault, "db")

    assert shop.get("/secrets/db").json["value"] == "s3cret"


@pytest.mark.parametrize("name", ["a_b", "a.b", "a%2fb", "%2e%2e", "x" * 128])
def test_an_impossible_name_is_refused(shop: Shop, name: str) -> None:
    """Letters, digits and dashes, at most 127."""
    assert shop.get(f"/secrets/{name}").refusal == (400, "BadParameter", "")


def test_a_disabled_secret_is_refused(shop: Shop) -> None:
    """SecretDisabled, for its current version; an older one may be enabled."""
    old = shop.get("/secrets/db").json["id"].rpartition("/")[2]
    shop.world.put_secret(shop.vault, "db", "off", enabled=False)

    assert shop.get("/secrets/db").refusal == (403, "Forbidden", "SecretDisabled")
    assert shop.get(f"/secrets/db/{old}").status == 200


@pytest.mark.parametrize(("nbf", "exp"), [(600.0, None), (None, -600.0)])
def test_dates_of_a_secret_only_inform(shop: Shop, nbf: float | None, exp: float | None) -> None:
    """Not yet valid or expired, it is read, as Azure documents it."""
    now = shop.world.clock.now()
    made = shop.world.put_secret(shop.vault, "dated", "still")
    made.nbf = None if nbf is None else now + nbf
    made.exp = None if exp is None else now + exp

    assert shop.get("/secrets/dated").json["value"] == "still"


def test_a_caller_without_a_role_is_refused(shop: Shop) -> None:
    """ForbiddenByRbac, the same for what is not there."""
    shop.vault.revoke(shop.web)

    assert shop.get("/secrets/db").refusal == (403, "Forbidden", "ForbiddenByRbac")
    assert shop.get("/secrets/none").refusal == (403, "Forbidden", "ForbiddenByRbac")
    said = shop.get("/secrets/db").json["error"]["message"]
    assert f"appid={shop.web.client_id};oid={shop.web.object_id}" in said


def test_a_role_may_be_for_one_secret_alone(shop: Shop) -> None:
    """Azure RBAC scopes a role to an object."""
    shop.world.put_secret(shop.vault, "api", "other")
    shop.vault.revoke(shop.web)
    shop.vault.grant(shop.web, "secrets/get", only="API")

    assert shop.get("/secrets/api").status == 200
    assert shop.get("/secrets/db").refusal == (403, "Forbidden", "ForbiddenByRbac")


def test_access_policies_refuse_in_their_own_words(shop: Shop) -> None:
    """AccessDenied without any policy, ForbiddenByPolicy without the right one."""
    old = shop.world.vault("old-kv", model="policy")
    shop.world.put_secret(old, "db", "x")
    assert shop.get("/secrets/db", host=old.host).refusal == (403, "Forbidden", "AccessDenied")

    old.grant(shop.web, "keys/get")
    assert shop.get("/secrets/db", host=old.host).refusal == (403, "Forbidden", "ForbiddenByPolicy")

    old.grant(shop.web, "secrets/get")
    assert shop.get("/secrets/db", host=old.host).status == 200


def test_a_firewall_lets_nobody_in(shop: Shop) -> None:
    """ForbiddenByFirewall, for who would be allowed."""
    shop.vault.firewalled = True

    assert shop.get("/secrets/db").refusal == (403, "Forbidden", "ForbiddenByFirewall")


def test_an_unknown_permission_is_a_mistake_of_the_test(shop: Shop) -> None:
    """A typing error grants nothing silently."""
    with pytest.raises(ValueError, match="no permission secret/get"):
        shop.vault.grant(shop.web, "secret/get")


def test_a_certificate_is_read_as_pkcs12_without_password(shop: Shop) -> None:
    """The secret of its name has key and chain; the certificate itself is public."""
    made = shop.world.put_certificate(shop.vault, "tls")

    secret = shop.get("/secrets/tls").json
    public = shop.get("/certificates/tls").json

    key, leaf, rest = pkcs12.load_key_and_certificates(base64.b64decode(secret["value"]), None)
    assert [leaf, *reversed(rest)] == made.issued.chain
    assert key is not None
    assert key.public_key() == made.issued.leaf.public_key()
    assert (secret["contentType"], secret["managed"]) == ("application/x-pkcs12", True)
    assert base64.b64decode(public["cer"]) == made.issued.der
    assert public["sid"] == secret["id"]


def test_a_certificate_is_read_as_pem(shop: Shop) -> None:
    """The private key first, then the certificate, then those that sign it in any order."""
    made = shop.world.put_certificate(shop.vault, "tls", "application/x-pem-file")

    secret = shop.get(f"/secrets/tls/{made.id}").json

    assert secret["contentType"] == "application/x-pem-file"
    leaf, *rest = x509.load_pem_x509_certificates(secret["value"].encode())
    assert [leaf, *reversed(rest)] == made.issued.chain
    for below, above in pairwise(made.issued.chain):
        below.verify_directly_issued_by(above)
    assert secret["value"].startswith(made.issued.key_pem)
    key = load_pem_private_key(secret["value"].encode(), None)
    assert key.public_key() == leaf.public_key()


@pytest.mark.parametrize("content_type", [PKCS12, PEM])
def test_a_key_that_may_not_be_exported_stays_in_the_vault(
    shop: Shop, content_type: ContentType
) -> None:
    """The secret then has the certificates alone."""
    made = shop.world.put_certificate(shop.vault, "tls", content_type, exportable=False)

    value = shop.get("/secrets/tls").json["value"]

    if content_type == PEM:
        key, found = None, x509.load_pem_x509_certificates(value.encode())
        assert "PRIVATE KEY" not in value
    else:
        archive = pkcs12.load_pkcs12(base64.b64decode(value), None)
        key, found = archive.key, [it.certificate for it in archive.additional_certs]
    assert key is None
    assert set(found) == set(made.issued.chain)


def test_a_certificate_needs_its_own_permission(shop: Shop) -> None:
    """Secrets alone do not read `/certificates`."""
    shop.world.put_certificate(shop.vault, "tls")
    shop.vault.revoke(shop.web)
    shop.vault.grant(shop.web, "secrets/get")

    assert shop.get("/secrets/tls").status == 200
    assert shop.get("/certificates/tls").refusal == (403, "Forbidden", "ForbiddenByRbac")
    shop.vault.grant(shop.web, "certificates/get")
    assert shop.get("/certificates/none").refusal == (404, "CertificateNotFound", "")
    assert shop.get("/certificates/db").refusal == (404, "CertificateNotFound", "")


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256"])
@pytest.mark.parametrize("between", ["/{id}/", "//", "/"], ids=["version", "empty", "none"])
def test_what_a_key_encrypts_it_decrypts(shop: Shop, algorithm: str, between: str) -> None:
    """With the version, an empty one or none; base64url without padding."""
    made = shop.world.put_key(shop.vault, "sops")
    path = f"/keys/sops{between.format(id=made.id)}"

    sealed = shop.post(f"{path}encrypt", {"alg": algorithm, "value": _encode(b"data key")}).json
    opened = shop.post(f"{path}decrypt", {"alg": algorithm, "value": sealed["value"]}).json

    kid = f"{shop.vault.url}/keys/sops/{made.id}"
    assert opened == {"kid": kid, "value": _encode(b"data key")}
    assert "=" not in sealed["value"]
    [entry] = shop.world.journal.calls("Decrypt")
    assert (entry.resources, entry.detail["alg"]) == ((kid,), algorithm)


def test_a_keys_public_half_is_a_jwk(shop: Shop) -> None:
    """Modulus and exponent, and never more."""
    made = shop.world.put_key(shop.vault, "sops")

    key = shop.get("/keys/sops").json["key"]

    numbers = made.private.public_key().public_numbers()
    assert int.from_bytes(base64.urlsafe_b64decode(key["n"] + "=="), "big") == numbers.n
    assert set(key) == {"kid", "kty", "key_ops", "n", "e"}


@pytest.mark.parametrize(
    "content",
    [
        {"alg": "RSA1_5", "value": "AAAA"},
        {"alg": "RSA-OAEP-256", "value": "AA=="},
        {"alg": "RSA-OAEP-256", "value": ""},
        {"alg": "RSA-OAEP-256"},
        {"alg": "RSA-OAEP-256", "value": "AAAA"},
        {"value": "AAAA"},
        [],
    ],
)
def test_what_does_not_decrypt_is_a_bad_parameter(shop: Shop, content: Any) -> None:  # noqa: ANN401
    """Unknown algorithm, padding, nothing, or something that this key did not encrypt."""
    shop.world.put_key(shop.vault, "sops")

    assert shop.post("/keys/sops//decrypt", content).refusal == (400, "BadParameter", "")


def test_another_version_of_a_key_does_not_decrypt(shop: Shop) -> None:
    """Each version is a key of its own."""
    shop.world.put_key(shop.vault, "sops")
    text = {"alg": "RSA-OAEP-256", "value": _encode(b"data key")}
    sealed = shop.post("/keys/sops//encrypt", text).json
    shop.world.put_key(shop.vault, "sops")
    asked = {"alg": "RSA-OAEP-256", "value": sealed["value"]}

    assert shop.post("/keys/sops//decrypt", asked).refusal == (400, "BadParameter", "")
    old = sealed["kid"].rpartition("/")[2]
    assert shop.post(f"/keys/sops/{old}/decrypt", asked).status == 200


def test_a_disabled_key_only_encrypts(shop: Shop) -> None:
    """KeyDisabled on decrypt."""
    shop.world.put_key(shop.vault, "sops", enabled=False)
    text = {"alg": "RSA-OAEP-256", "value": _encode(b"data key")}

    sealed = shop.post("/keys/sops//encrypt", text)

    asked = {"alg": "RSA-OAEP-256", "value": sealed.json["value"]}
    assert shop.post("/keys/sops//decrypt", asked).refusal == (403, "Forbidden", "KeyDisabled")


def test_an_expired_key_only_decrypts(shop: Shop) -> None:
    """Old data stays readable; new is refused, as before the key holds."""
    made = shop.world.put_key(shop.vault, "sops")
    text = {"alg": "RSA-OAEP-256", "value": _encode(b"data key")}
    sealed = shop.post("/keys/sops//encrypt", text).json["value"]
    asked = {"alg": "RSA-OAEP-256", "value": sealed}

    made.exp = shop.world.clock.now() - 1
    assert shop.post("/keys/sops//encrypt", text).refusal == (403, "Forbidden", "KeyExpired")
    assert shop.post("/keys/sops//decrypt", asked).status == 200

    made.exp, made.nbf = None, shop.world.clock.now() + 60
    assert shop.post("/keys/sops//encrypt", text).refusal == (403, "Forbidden", "KeyNotYetValid")


def test_a_key_does_only_its_operations(shop: Shop) -> None:
    """KeyOperationForbidden."""
    shop.world.put_key(shop.vault, "sign", operations=("sign", "verify"))
    asked = {"alg": "RSA-OAEP-256", "value": "AAAA"}

    answer = shop.post("/keys/sign//decrypt", asked)

    assert answer.refusal == (403, "Forbidden", "KeyOperationForbidden")


def test_decrypting_needs_its_own_permission(shop: Shop) -> None:
    """Reading a key does not decrypt with it, and an unknown key is said only to who may."""
    shop.world.put_key(shop.vault, "sops")
    shop.vault.revoke(shop.web)
    shop.vault.grant(shop.web, "keys/get")
    asked = {"alg": "RSA-OAEP-256", "value": "AAAA"}

    assert shop.get("/keys/sops").status == 200
    assert shop.post("/keys/sops//decrypt", asked).refusal == (403, "Forbidden", "ForbiddenByRbac")
    shop.world.delete_key(shop.vault, "sops")
    assert shop.get("/keys/sops").refusal == (404, "KeyNotFound", "")


def test_no_other_operation_is_served(shop: Shop) -> None:
    """Neither listing nor writing."""
    assert shop.get("/secrets").status == 404
    headers = {"Authorization": f"Bearer {shop.token()}"}
    path = "/secrets/db?api-version=7.4"
    assert shop.send("PUT", shop.vault.host, path, headers, b"{}").status == 404
