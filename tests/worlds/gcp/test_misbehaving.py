"""The world misbehaves on demand, in Google's way or as what stands in front of it."""

from __future__ import annotations

import base64
import http.client
from typing import TYPE_CHECKING

import google_crc32c
import pytest

from tests.worlds.gcp.wire import access, exchange, post
from worlds import faults
from worlds.gcp import quota_exceeded, unavailable, wrong_checksum

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.worlds.gcp.wire import Answer
    from worlds.gcp import GcpWorld, Provider, Secret, ServiceAccount

READ = "secretmanager.AccessSecretVersion"


@pytest.fixture
def name(secret: Secret) -> str:
    """The version that all ask for."""
    return f"{secret.name}/versions/latest"


@pytest.fixture
def ask(world: GcpWorld, token: str, name: str) -> Callable[[], Answer]:
    """Ask for it."""
    return lambda: access(world, token, name)


def test_a_checksum_can_be_wrong(world: GcpWorld, token: str, name: str) -> None:
    """Beside the right value, for as many requests as were ordered."""
    world.faults.add(wrong_checksum(), on=READ, times=1)
    wrong, right = (access(world, token, name).content["payload"] for _ in range(2))

    assert wrong["data"] == right["data"] == "b25l"
    assert right["dataCrc32c"] == str(google_crc32c.value(b"one"))
    assert wrong["dataCrc32c"] != right["dataCrc32c"]
    assert [e.outcome for e in world.journal.entries] == ["fault:wrong-checksum", "ok"]


def test_a_checksum_of_kms_can_be_wrong(world: GcpWorld, token: str, web: ServiceAccount) -> None:
    """Of the ciphertext, say."""
    key = world.crypto_key("db")
    world.grant(web, "roles/cloudkms.cryptoKeyEncrypterDecrypter", key)
    world.faults.add(wrong_checksum(), on="cloudkms.Encrypt")

    found = post(world, token, f"{key.name}:encrypt", {"plaintext": "b25l"}).content
    sealed = base64.b64decode(found["ciphertext"])
    assert found["ciphertextCrc32c"] != str(google_crc32c.value(sealed))
    assert world.journal.entries[-1].outcome == "fault:wrong-checksum"


def test_a_secret_can_rotate_between_two_reads(
    world: GcpWorld, token: str, secret: Secret, name: str
) -> None:
    """Right before the second one."""
    rotation = faults.before(lambda: world.rotate(secret, "two"))
    world.faults.add(rotation, on=READ, skip=1, times=1)

    seen = [access(world, token, name).content["name"][-1] for _ in range(3)]
    assert seen == ["1", "2", "2"]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (quota_exceeded(retry_after=2), 429, "RESOURCE_EXHAUSTED"),
        (unavailable(retry_after=2), 503, "UNAVAILABLE"),
        (faults.error("INTERNAL", status=500), 500, "INTERNAL"),
    ],
)
def test_an_error_is_said_in_googles_json(
    world: GcpWorld, ask: Callable[[], Answer], fault: faults.Fault, status: int, code: str
) -> None:
    """With Retry-After when asked for."""
    world.faults.add(fault, on=READ)
    answer = ask()

    assert answer.refusal[:2] == (status, code)
    assert answer.headers.get("Retry-After") == (None if status == 500 else "2")


def test_an_error_of_the_token_service_is_said_in_oauths_json(
    world: GcpWorld, provider: Provider
) -> None:
    """Which has no status in it."""
    world.faults.add(faults.error("temporarily_unavailable", status=503), on="sts")
    token = world.issuer.mint("shop", "web", provider.audience)

    assert exchange(world, provider, token).refusal[:2] == (503, "temporarily_unavailable")


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (faults.status(503, retry_after=1, body=b"<html>"), 503, b"<html>"),
        (faults.redirect("https://evil.example/"), 307, b""),
        (faults.huge(70_000), 200, b"a" * 70_000),
        (faults.not_utf8(), 200, b'{"SecretString": "\xff\xfe\x80"}'),
    ],
)
def test_what_stands_in_front_answers_anything(
    world: GcpWorld, ask: Callable[[], Answer], fault: faults.Fault, status: int, body: bytes
) -> None:
    """As it is."""
    world.faults.add(fault, on="secretmanager")
    answer = ask()

    assert (answer.status, answer.body) == (status, body)


def test_a_fault_is_for_one_location(
    world: GcpWorld, token: str, web: ServiceAccount, name: str
) -> None:
    """Of the resource; `global` is one too."""
    world.faults.add(faults.status(503), on=READ, region="europe-west1")
    regional = world.put_secret("db", "x", location="europe-west1")
    world.grant(web, "roles/secretmanager.secretAccessor", regional)

    assert access(world, token, name).status == 200
    assert access(world, token, f"{regional.name}/versions/1").status == 503


def test_a_reset_and_a_cut_are_no_answers(world: GcpWorld, token: str, name: str) -> None:
    """The connection ends before or within it."""
    world.faults.add(faults.reset(), on=READ, times=1)
    world.faults.add(faults.truncated(10), on=READ, times=1)

    with pytest.raises(ConnectionResetError):
        access(world, token, name)
    with pytest.raises(http.client.IncompleteRead):
        access(world, token, name)
    assert [e.outcome for e in world.journal.entries] == ["fault:reset", "fault:truncated"]
