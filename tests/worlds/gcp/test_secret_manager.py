"""Secret Manager: versions, states, regions, and who is refused what."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import google_crc32c
import pytest

from tests.worlds.gcp.wire import ACCESSOR, access, bearing, send

if TYPE_CHECKING:
    from worlds.gcp import GcpWorld, Secret, ServiceAccount

NUMBER = "123456789012"


def test_a_version_comes_with_its_number_and_checksum(
    world: GcpWorld, token: str, secret: Secret
) -> None:
    """The name in the answer has the project's number and the version that was found."""
    world.rotate(secret, b"\xff two")
    found = access(world, token, f"{secret.name}/versions/latest").content

    assert found["name"] == f"projects/{NUMBER}/secrets/db/versions/2"
    assert base64.b64decode(found["payload"]["data"]) == b"\xff two"
    assert found["payload"]["dataCrc32c"] == str(google_crc32c.value(b"\xff two"))
    assert world.journal.entries[-1].detail["version"] == "2"


def test_a_project_may_be_named_by_its_number(world: GcpWorld, token: str, secret: Secret) -> None:
    """As the answers do."""
    assert access(world, token, f"{secret.shown}/versions/1").status == 200


def test_an_alias_names_a_version(world: GcpWorld, token: str, secret: Secret) -> None:
    """Until it is given to another."""
    world.rotate(secret, "two")
    world.set_alias(secret, "stable", 1)

    name = access(world, token, f"{secret.name}/versions/stable").content["name"]
    assert name.endswith("/versions/1")


@pytest.mark.parametrize("version", ["9", "unknown", "0"])
def test_a_version_that_is_not_there_is_not_found(
    world: GcpWorld, token: str, secret: Secret, version: str
) -> None:
    """By number or alias."""
    assert access(world, token, f"{secret.name}/versions/{version}").refusal == (
        404,
        "NOT_FOUND",
        f"Secret Version [projects/{NUMBER}/secrets/db/versions/{version}] not found.",
    )


def test_one_who_may_read_the_project_sees_that_a_secret_is_not_there(
    world: GcpWorld, token: str, web: ServiceAccount, secret: Secret
) -> None:
    """Everybody else sees that they have no permission, whether it is there or not."""
    denied = access(world, token, "projects/shop-prod/secrets/absent/versions/latest")
    world.grant(web, ACCESSOR, world.project())
    absent = access(world, token, "projects/shop-prod/secrets/absent/versions/latest")
    world.delete_secret(secret)
    gone = access(world, token, f"{secret.name}/versions/1")

    assert denied.refusal == (
        403,
        "PERMISSION_DENIED",
        (
            "Permission 'secretmanager.versions.access' denied for resource "
            "'projects/shop-prod/secrets/absent/versions/latest' (or it may not exist)."
        ),
    )
    assert denied.reasons == ["IAM_PERMISSION_DENIED"]
    assert absent.refusal == (
        404,
        "NOT_FOUND",
        f"Secret [projects/{NUMBER}/secrets/absent] not found or has no versions.",
    )
    assert gone.status == 404


def test_a_project_that_is_not_there_is_denied(world: GcpWorld, token: str) -> None:
    """Not told to be absent."""
    assert access(world, token, "projects/nowhere/secrets/db/versions/1").status == 403


def test_viewers_do_not_read(world: GcpWorld, token: str, web: ServiceAccount) -> None:
    """Looking at a version and reading it are two permissions."""
    other = world.put_secret("other", "x")
    world.grant(web, "roles/secretmanager.viewer", other)
    path = f"/v1/{other.name}/versions/latest"

    assert access(world, token, f"{other.name}/versions/latest").status == 403
    found = send(world, "GET", path, headers=bearing(token)).content
    assert (found["state"], found["name"]) == ("ENABLED", f"{other.shown}/versions/1")
    assert "payload" not in found


def test_a_role_that_is_taken_back_ends_at_once(
    world: GcpWorld, token: str, web: ServiceAccount, secret: Secret
) -> None:
    """The token is good, the role is not."""
    world.revoke(web, ACCESSOR, secret)

    assert access(world, token, f"{secret.name}/versions/1").status == 403


@pytest.mark.parametrize("state", ["DISABLED", "DESTROYED"])
def test_latest_is_the_newest_version_in_whatever_state(
    world: GcpWorld, token: str, secret: Secret, state: str
) -> None:
    """So that an older one that is enabled is not given in its place."""
    world.rotate(secret, "two")
    world.set_version_state(secret, 2, "DISABLED" if state == "DISABLED" else "DESTROYED")

    assert access(world, token, f"{secret.name}/versions/latest").refusal == (
        400,
        "FAILED_PRECONDITION",
        f"Secret Version [projects/{NUMBER}/secrets/db/versions/2] is in {state} state.",
    )
    assert access(world, token, f"{secret.name}/versions/1").status == 200


def test_a_disabled_version_can_be_enabled_and_a_destroyed_one_not(
    world: GcpWorld, token: str, secret: Secret
) -> None:
    """Destroying is for good."""
    world.set_version_state(secret, 1, "DISABLED")
    world.set_version_state(secret, 1, "ENABLED")
    assert access(world, token, f"{secret.name}/versions/1").status == 200
    world.set_version_state(secret, 1, "DESTROYED")

    with pytest.raises(ValueError, match="destroyed for good"):
        world.set_version_state(secret, 1, "ENABLED")


def test_a_name_out_of_form_is_an_invalid_argument(world: GcpWorld, token: str) -> None:
    """Letters, digits, - and _ alone."""
    answer = access(world, token, "projects/shop-prod/secrets/a.b/versions/1")

    assert answer.refusal == (
        400,
        "INVALID_ARGUMENT",
        "Resource ID [projects/shop-prod/secrets/a.b] is not in a valid format.",
    )


def test_a_regional_secret_is_another_one(
    world: GcpWorld, token: str, web: ServiceAccount, secret: Secret
) -> None:
    """Of its own name, and with roles of its own; the journal says where."""
    regional = world.put_secret("db", "here", location="europe-west1")
    assert access(world, token, f"{regional.name}/versions/1").status == 403
    world.grant(web, ACCESSOR, regional)

    found = access(world, token, f"{regional.name}/versions/latest").content

    place = f"projects/{NUMBER}/locations/europe-west1/secrets/db/versions/1"
    assert (found["name"], found["payload"]["data"]) == (place, "aGVyZQ==")
    assert world.journal.entries[-1].region == "europe-west1"
    assert access(world, token, f"{secret.name}/versions/1").content["payload"]["data"] == "b25l"
    elsewhere = regional.name.replace("west1", "west3")
    assert access(world, token, f"{elsewhere}/versions/1").status == 403


@pytest.mark.parametrize(
    ("host", "location", "status"),
    [
        ("secretmanager.europe-west1.rep.googleapis.com", "europe-west1", 200),
        ("secretmanager.europe-west3.rep.googleapis.com", "europe-west1", 404),
        ("secretmanager.googleapis.com", "europe-west1", 404),
        ("secretmanager.europe-west1.rep.googleapis.com", "", 404),
        ("secretmanager.googleapis.com", "", 200),
    ],
)
def test_a_secret_is_served_by_its_own_regions_host_alone(
    world: GcpWorld, web: ServiceAccount, host: str, location: str, status: int
) -> None:
    """Regional ones there, global ones at the global host."""
    made = world.put_secret("db", "x", location=location)
    world.grant(web, ACCESSOR, made)

    assert (
        access(world, world.access_token(web), f"{made.name}/versions/1", Host=host).status
        == status
    )


def test_an_api_that_is_off_says_how_to_turn_it_on(
    world: GcpWorld, token: str, secret: Secret
) -> None:
    """In the caller's project or in the secret's."""
    world.disable_api("secretmanager.googleapis.com")
    answer = access(world, token, f"{secret.name}/versions/1")
    world.enable_api("secretmanager.googleapis.com")

    status, code, words = answer.refusal
    assert (status, code) == (403, "PERMISSION_DENIED")
    assert words.startswith(
        f"Secret Manager API has not been used in project {NUMBER} before or it is disabled."
    )
    assert answer.reasons == ["SERVICE_DISABLED"]
    assert access(world, token, f"{secret.name}/versions/1").status == 200


def test_an_api_that_is_off_where_the_account_is_at_home_refuses_too(
    world: GcpWorld, secret: Secret
) -> None:
    """Though the secret's project has it; a quota project that one may use helps."""
    away = world.service_account("web", project="away")
    world.grant(away, ACCESSOR, secret)
    world.disable_api("secretmanager.googleapis.com", project="away")
    token, name = world.access_token(away), f"{secret.name}/versions/1"

    assert access(world, token, name).reasons == ["SERVICE_DISABLED"]
    other = access(world, token, name, X_Goog_User_Project="shop-prod")
    assert other.reasons == ["USER_PROJECT_DENIED"]
    world.grant(away, "roles/serviceusage.serviceUsageConsumer", world.project())
    assert access(world, token, name, X_Goog_User_Project="shop-prod").status == 200
    assert world.journal.entries[-1].detail["quota-project"] == "shop-prod"


def test_no_token_an_unknown_one_and_an_ended_one_are_unauthenticated(
    world: GcpWorld, token: str, secret: Secret
) -> None:
    """Each with its reason, and with the challenge of RFC 6750."""
    path = f"/v1/{secret.name}/versions/1:access"
    missing = send(world, "GET", path)
    basic = send(world, "GET", path, headers={"Authorization": "Basic YTpi"})
    unknown = access(world, token[:-1], f"{secret.name}/versions/1")
    world.expire_tokens()
    ended = access(world, token, f"{secret.name}/versions/1")

    assert [one.status for one in (missing, basic, unknown, ended)] == [401] * 4
    assert missing.reasons == basic.reasons == ["CREDENTIALS_MISSING"]
    assert unknown.reasons == ["ACCESS_TOKEN_TYPE_UNSUPPORTED"]
    assert ended.reasons == ["ACCESS_TOKEN_EXPIRED"]
    assert ended.refusal[1] == "UNAUTHENTICATED"
    assert ended.refusal[2].startswith("Request had invalid authentication credentials.")
    assert 'error="invalid_token"' in ended.headers["WWW-Authenticate"]


def test_sixty_four_kibibytes_are_the_most(
    world: GcpWorld, token: str, web: ServiceAccount
) -> None:
    """To the byte."""
    big = world.put_secret("big", b"a" * 65536)
    world.grant(web, ACCESSOR, big)

    found = access(world, token, f"{big.name}/versions/1").content
    assert len(base64.b64decode(found["payload"]["data"])) == 65536
    with pytest.raises(ValueError, match="not 65537"):
        world.rotate(big, b"a" * 65537)


def test_everybody_is_a_member(world: GcpWorld, token: str) -> None:
    """A secret for all who have logged in."""
    made = world.put_secret("open", "x")
    world.grant("allAuthenticatedUsers", ACCESSOR, made)

    assert access(world, token, f"{made.name}/versions/1").status == 200
