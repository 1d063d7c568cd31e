"""Reads of Secret Manager: where they go, what they verify, what counts as unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from injector.contract import references
from injector.contract.reasons import Reason
from injector.contract.stores import Store
from injector.errors import ProviderError
from injector.providers.gcp_secretmanager import place
from tests.injector.gcp.google import GooglePod, reply, version
from worlds.server import Response

if TYPE_CHECKING:
    from tests.injector.gcp.google import Google

READ = "/secrets/db/versions/latest:access"
GLOBAL = "https://secretmanager.googleapis.com/v1"
EUROPE = "https://secretmanager.europe-west3.rep.googleapis.com/v1"
STORE = Store("google", "gcp-secretmanager", {"project": "acme-shop"})


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (
            "db",
            f"{GLOBAL}/projects/acme-shop/secrets/db/versions/latest:access",
        ),
        (
            "projects/42/secrets/db?version=7",
            f"{GLOBAL}/projects/42/secrets/db/versions/7:access",
        ),
        (
            "projects/p1-x/locations/europe-west3/secrets/db?version=blue",
            f"{EUROPE}/projects/p1-x/locations/europe-west3/secrets/db/versions/blue:access",
        ),
        (
            "db?region=europe-west3",
            f"{EUROPE}/projects/acme-shop/locations/europe-west3/secrets/db/versions/latest:access",
        ),
    ],
)
def test_a_reference_has_one_address(text: str, url: str) -> None:
    """Global and regional secrets have hosts of their own."""
    assert place(references.parse(f"google:{text}"), STORE).url("") == url


@pytest.mark.parametrize(
    "text",
    [
        "a/b",
        "projects/p1/secrets/db/versions/7",
        "projects/p1/locations/evil.test%23/secrets/db",
        "projects/p1/locations/EU/secrets/db",
        "db?region=evil.test/x",
        "db?region=a.b",
        "projects/p1/locations/eu-west1/secrets/db?region=us-east1",
        "db?version=../7",
        "db?version=7:access?x",
        "db%0a",
        "d\u0431",
    ],
)
def test_nothing_odd_comes_into_an_address(text: str) -> None:
    """A region is a DNS label, an id and a version are Google's; all else is refused."""
    try:
        reference = references.parse(f"google:{text}")
    except references.InvalidReferenceError:
        return
    with pytest.raises(ProviderError) as raised:
        place(reference, STORE)

    assert raised.value.reason is Reason.INVALID_REQUEST


def test_a_bare_name_needs_a_project() -> None:
    """Nothing guesses one."""
    with pytest.raises(ProviderError, match="has no project"):
        place(references.parse("google:db"), Store("google", "gcp-secretmanager"))


def test_a_known_version_is_unchanged(google: Google, pod: GooglePod) -> None:
    """The name in the reply says which version `latest` is."""
    google.say(READ, version(b"same", 7))
    store = pod.federated()

    (first,) = pod.read(store, "db")
    (second,) = pod.read(store, "db", known="7")
    assert (first.version, first.unchanged) == ("7", False)
    assert (second.version, second.unchanged, second.material) == ("7", True, None)


def test_bytes_and_nothing_come_as_they_are(google: Google, pod: GooglePod) -> None:
    """A payload is bytes; one without any has no field in JSON."""
    google.say(READ, version(bytes(range(256))))
    google.say("/secrets/none/versions/latest:access", version(b"", secret="none", data=None))
    store = pod.federated()

    assert pod.value(store, "db") == bytes(range(256))
    assert pod.value(store, "none") == b""


@pytest.mark.parametrize(
    "damage",
    [
        {"dataCrc32c": "1"},
        {"dataCrc32c": None},
        {"dataCrc32c": "-1"},
        {"dataCrc32c": 1.5},
        {"dataCrc32c": "9" * 5000},
        {"data": "no base64"},
        {"data": ["x"]},
    ],
)
def test_a_damaged_payload_is_asked_for_again_and_never_used(
    google: Google,
    pod: GooglePod,
    damage: dict[str, Any],
) -> None:
    """A few times, then it is unavailable."""
    google.say(READ, version(b"value-9f2c", **damage))
    (found,) = pod.read(pod.federated(), "db")

    assert found.error is not None
    assert (found.error.reason, found.error.code) == (Reason.UNAVAILABLE, "CRC32C")
    assert "9f2c" not in str(found.error)
    assert len(google.asked(READ)) == pod.retry.attempts


def test_a_payload_that_was_damaged_once_is_read(google: Google, pod: GooglePod) -> None:
    """The next reply is whole."""
    google.say(READ, version(b"whole", dataCrc32c="1"), version(b"whole"))

    assert pod.value(pod.federated(), "db") == b"whole"


@pytest.mark.parametrize(
    "answer",
    [
        reply([]),
        reply({}),
        reply({"name": "projects/1/secrets/db/versions/1", "payload": "x"}),
        version(b"of another secret", secret="other"),
        reply({"name": ["x"], "payload": {}}),
        Response(200, b'{"name": "projects/1/sec', {}, cut=10),
        Response(200, b"<html>a proxy's page</html>", {}),
    ],
)
def test_a_reply_that_is_not_the_one_asked_for_is_never_used(
    google: Google, pod: GooglePod, answer: Response
) -> None:
    """Cut short, of something in between, or of another secret."""
    google.say(READ, answer)
    (found,) = pod.read(pod.federated(), "db")

    assert found.material is None
    assert found.error is not None
    assert found.error.reason is Reason.UNAVAILABLE


def test_another_version_than_the_pinned_one_is_never_used(google: Google, pod: GooglePod) -> None:
    """Whoever pins a version gets that one or an error."""
    google.say("/secrets/db/versions/3:access", version(b"old", 2))
    (found,) = pod.read(pod.federated(), "db?version=3")

    assert found.error is not None
    assert found.error.reason is Reason.UNAVAILABLE


def test_one_failure_of_many_reads_is_its_own(google: Google, pod: GooglePod) -> None:
    """Twenty secrets at once keep their order, and share one login."""
    for number in range(20):
        name = f"s{number}"
        google.say(f"/secrets/{name}/versions/latest:access", version(name.encode(), secret=name))
    google.say("/secrets/s7/versions/latest:access", Response(404))
    found = pod.read(pod.federated(), *(f"s{number}" for number in range(20)))

    assert [item.reference.path for item in found] == [f"s{number}" for number in range(20)]
    assert [index for index, item in enumerate(found) if item.error is not None] == [7]
    assert len(google.asked("/v1/token")) == 1


@pytest.mark.parametrize(
    ("settings", "charged"), [({}, None), ({"quota_project": "billing-x"}, "billing-x")]
)
def test_a_quota_project_is_charged_only_where_it_is_given(
    google: Google, pod: GooglePod, settings: dict[str, str], charged: str | None
) -> None:
    """The header needs a permission that most do not have."""
    pod.value(pod.federated(**settings), "db")

    assert google.asked(READ)[0].headers.get("x-goog-user-project") == charged
