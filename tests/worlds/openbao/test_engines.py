"""Engines of the real server: what reads, writes and leases look like."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING

from cryptography import x509

from tests.worlds.openbao.asking import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from worlds.openbao import Namespace, OpenBao
    from worlds.postgres import Postgres

CREDENTIALS = "database/creds/app"


def eventually(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_kv_of_both_versions_tells_which_it_is(vault: Namespace) -> None:
    """To everybody who may read below the mount."""
    vault.kv("old", 1)
    vault.kv("new", 2)
    assert (vault.put("old", "db", password="1"), vault.put("new", "db", password="1")) == (0, 1)
    vault.policy("shop", {"old/db": ["read"], "new/data/db": ["read"]})
    client = vault.api.having(vault.token("shop"))

    assert client.read("old/db")["data"] == {"password": "1"}
    assert client.read("new/data/db")["data"]["data"] == {"password": "1"}
    for mount, version in (("old", "1"), ("new", "2")):
        found = client.read(f"sys/internal/ui/mounts/{mount}/db")["data"]
        assert (found["path"], found["options"]["version"]) == (f"{mount}/", version)


def test_deleted_and_destroyed_versions_are_told_apart(vault: Namespace) -> None:
    """Both are 404, with metadata that say which."""
    vault.kv("secret")
    for number in range(3):
        vault.put("secret", "db", password=str(number))
    vault.delete_version("secret", "db", 3)
    vault.destroy_version("secret", "db", 2)

    assert vault.api.call("GET", "secret/data/db?version=1")["data"]["data"] == {"password": "0"}
    assert refusal(lambda: vault.api.read("secret/data/db"))[0] == 404
    found = vault.api.read("secret/metadata/db")["data"]["versions"]
    assert [found["2"]["destroyed"], found["3"]["destroyed"]] == [True, False]
    assert found["3"]["deletion_time"]


def test_a_certificate_comes_with_its_key_and_chain(vault: Namespace) -> None:
    """For a name that the role permits."""
    vault.pki()
    issued = vault.api.write("pki/issue/web", common_name="web.svc")["data"]

    certificate = x509.load_pem_x509_certificate(issued["certificate"].encode())
    authority = x509.load_pem_x509_certificate(issued["issuing_ca"].encode())
    certificate.verify_directly_issued_by(authority)
    assert issued["private_key"].startswith("-----BEGIN EC PRIVATE KEY")
    assert refusal(lambda: vault.api.write("pki/issue/web", common_name="web.acme.io"))[0] == 400


def test_transit_decrypts_what_it_encrypted(vault: Namespace) -> None:
    """In base64, as on the wire."""
    vault.transit("transit", "app", "other")
    plaintext = base64.b64encode(b"s3cret").decode()
    ciphertext = vault.encrypt("transit", "app", plaintext)

    found = vault.api.write("transit/decrypt/app", ciphertext=ciphertext)["data"]
    assert found == {"plaintext": plaintext}
    assert (
        refusal(lambda: vault.api.write("transit/decrypt/other", ciphertext=ciphertext))[0] == 400
    )


def test_leased_users_are_renewed_capped_and_dropped(vault: Namespace, postgres: Postgres) -> None:
    """A user is there as long as its lease, which renewals lengthen up to its longest life."""
    vault.database(postgres, ttl="2s", max_ttl="4s")
    answer = vault.api.read(CREDENTIALS)
    user, lease = answer["data"], answer["lease_id"]
    assert (answer["renewable"], answer["lease_duration"]) == (True, 2)
    assert postgres.admits(user["username"], user["password"])
    assert not postgres.admits(user["username"], "another")
    assert vault.leases(CREDENTIALS) == (lease,)

    renewed = vault.api.write("sys/leases/renew", lease_id=lease, increment=600)
    assert 2 < renewed["lease_duration"] <= 4
    assert "exceeded the effective max_ttl" in renewed["warnings"][0]
    eventually(lambda: user["username"] not in postgres.users())
    assert vault.leases(CREDENTIALS) == ()
    renew = refusal(lambda: vault.api.write("sys/leases/renew", lease_id=lease))
    assert renew == (400, "lease not found")


def test_users_go_with_their_lease_and_with_the_token_that_made_them(
    vault: Namespace, postgres: Postgres
) -> None:
    """At once when somebody revokes the one or the other."""
    vault.database(postgres)
    vault.policy("shop", {CREDENTIALS: ["read"], "sys/leases/revoke": ["update"]})
    client = vault.api.having(vault.token("shop"))
    first, second = (client.read(CREDENTIALS) for _ in range(2))
    names = [one["data"]["username"] for one in (first, second)]
    client.write("sys/leases/revoke", lease_id=first["lease_id"], sync=True)
    assert [name in postgres.users() for name in names] == [False, True]

    client.write("auth/token/revoke-self")
    eventually(lambda: names[1] not in postgres.users())
    revoked = [entry.path for entry in vault.audit.revocations()]
    assert revoked == ["sys/leases/revoke", "auth/token/revoke-self"]
    assert [entry.lease for entry in vault.audit.calls(CREDENTIALS)] == [
        one["lease_id"] for one in (first, second)
    ]


def test_an_operator_revokes_a_whole_role(vault: Namespace, postgres: Postgres) -> None:
    """Every user of it is dropped."""
    vault.database(postgres)
    names = {vault.api.read(CREDENTIALS)["data"]["username"] for _ in range(2)}
    assert names <= set(postgres.users())
    vault.revoke(CREDENTIALS)

    assert names & set(postgres.users()) == set()


def test_a_namespace_holds_its_own(openbao: OpenBao) -> None:
    """Tokens, policies and mounts; one within it is another."""
    outer, other = openbao.namespace(), openbao.namespace()
    inner = outer.namespace("team")
    inner.kv("secret")
    inner.put("secret", "db", password="1")
    inner.policy("all", {"*": ["read"]})
    client = inner.api.having(inner.token("all"))

    assert inner.path == f"{outer.path}/team"
    assert client.read("secret/data/db")["data"]["data"] == {"password": "1"}
    assert refusal(lambda: client.within(outer.path).read("secret/data/db"))[0] == 403
    assert refusal(lambda: client.within(other.path).read("secret/data/db"))[0] == 403
    assert len(inner.tokens()) == 1
    assert other.tokens() == {}
    assert {entry.namespace for entry in outer.audit.entries} == {outer.path, inner.path}


def test_the_root_namespace_is_empty_for_the_next_test(
    openbao: OpenBao, rootspace: Namespace
) -> None:
    """Whatever was made in it is taken away by `clear`."""
    rootspace.kv("secret")
    rootspace.policy("shop", {"secret/data/*": ["read"]})
    rootspace.token("shop")
    rootspace.namespace("team").kv("secret")
    rootspace.clear()

    assert set(rootspace.api.read("sys/mounts")["data"]) == {"cubbyhole/", "identity/", "sys/"}
    assert set(rootspace.api.read("sys/auth")["data"]) == {"token/"}
    assert rootspace.api.list("sys/policies/acl") == ["default", "root"]
    assert rootspace.tokens() == {}
    eventually(lambda: "team/" not in openbao.root.api.list("sys/namespaces"))
