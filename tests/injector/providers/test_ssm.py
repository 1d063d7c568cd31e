"""Parameter Store: tens of names, selectors, paths, and keys that say no."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from injector.contract.reasons import Reason
from tests.injector.providers.outcomes import error
from tests.injector.tenant import Tenant, allowing, read
from worlds import faults

if TYPE_CHECKING:
    from injector.providers.interface import Fetched
    from worlds.aws import AwsWorld
    from worlds.aws.parameters_kept import Kind

URL = "aws-ssm:/prod/url"
GET, BY_PATH = "GetParameters", "GetParametersByPath"
THEIRS = "444455556666"


def value(fetched: Fetched) -> str:
    """The text of a read that succeeded."""
    assert fetched.error is None
    assert fetched.material is not None
    return fetched.material.reveal().decode()


def fetch(tenant: Tenant, *asked: Any, **settings: Any) -> list[Fetched]:  # noqa: ANN401 - of `Tenant.fetch`
    """Read from the store of parameters."""
    return tenant.fetch(tenant.store("aws-ssm", **settings), *asked)


@pytest.mark.parametrize(
    ("kind", "text"), [("SecureString", "pässwörd"), ("String", "plain"), ("StringList", "a,b")]
)
def test_every_kind_is_read_decrypted(
    world: AwsWorld,
    tenant: Tenant,
    kind: Kind,
    text: str,
) -> None:
    """The value as it was put, never the cipher text that stands there without decryption."""
    world.put_parameter("/prod/url", text, kind=kind)
    fetched = fetch(tenant, URL)[0]

    assert (value(fetched), fetched.version) == (text, "1")


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])]
)
def test_names_go_ten_a_call_and_match_whatever_the_order(
    world: AwsWorld, tenant: Tenant, count: int, sizes: list[int]
) -> None:
    """The reply's order is not the request's: each file gets its own value."""
    for number in range(count):
        world.put_parameter(f"/prod/{number}", f"value-{number}")
    fetched = fetch(tenant, *(f"aws-ssm:/prod/{number}" for number in range(count)))

    assert [value(item) for item in fetched] == [f"value-{number}" for number in range(count)]
    assert [len(entry.resources) for entry in world.journal.calls(GET)] == sizes


def test_batch_never_is_one_a_call(world: AwsWorld, tenant: Tenant) -> None:
    """Also where somebody forbids batches for reasons of their own."""
    for number in range(3):
        world.put_parameter(f"/prod/{number}", str(number))
    fetched = fetch(tenant, *(f"aws-ssm:/prod/{n}" for n in range(3)), batch="never")

    assert [value(item) for item in fetched] == ["0", "1", "2"]
    assert world.journal.count(GET) == 3


def test_selectors_of_one_name_are_told_apart(world: AwsWorld, tenant: Tenant) -> None:
    """Newest, two versions and a label of one parameter in one call, each its own value."""
    for text in ("one", "two", "three"):
        parameter = world.put_parameter("/prod/url", text)
    world.label_parameter(parameter, "live", 2)
    asked = [URL, f"{URL}?version=1", f"{URL}?label=live", f"{URL}?version=3"]
    fetched = fetch(tenant, *asked)

    assert [value(item) for item in fetched] == ["three", "one", "two", "three"]
    assert [item.version for item in fetched] == ["3", "1", "2", "3"]
    assert world.journal.count(GET) == 1


def test_selectors_match_by_arn_as_well(world: AwsWorld, tenant: Tenant) -> None:
    """The reply has name and ARN; either may have been asked for."""
    for text in ("one", "two"):
        parameter = world.put_parameter("/prod/url", text)
    asked = [f"aws-ssm:{parameter.arn}", f"aws-ssm:{parameter.arn}?version=1"]

    assert [value(item) for item in fetch(tenant, *asked)] == ["two", "one"]


def test_shared_parameter_of_another_account_by_arn(world: AwsWorld, tenant: Tenant) -> None:
    """What another account shares is read by its ARN."""
    key = world.kms_key(_letting(tenant), account=THEIRS)
    mine = world.account().number
    shared = world.put_parameter(
        "/shared/ca", "theirs", account=THEIRS, kms_key=key, shared_with=[mine]
    )

    assert value(fetch(tenant, f"aws-ssm:{shared.arn}")[0]) == "theirs"


def test_missing_names_versions_and_labels_are_listed_together(
    world: AwsWorld, tenant: Tenant
) -> None:
    """One run shows every wrong name; what is there is read."""
    world.put_parameter("/prod/url", "one")
    asked = [f"{URL}?version=9", "aws-ssm:/absent", URL, f"{URL}?label=nope"]
    fetched = fetch(tenant, *asked)

    assert value(fetched[2]) == "one"
    for item in (fetched[0], fetched[1], fetched[3]):
        assert error(item).reason is Reason.NOT_FOUND
        assert "/absent, /prod/url:9, /prod/url:nope" in str(error(item))
    assert world.journal.count(GET) == 1


def test_pinned_version_that_is_held_asks_nobody(world: AwsWorld, tenant: Tenant) -> None:
    """A version never changes: there is nothing to ask."""
    world.put_parameter("/prod/url", "one")
    fetched = fetch(tenant, read(f"{URL}?version=1", "1", "eu-west-1"))[0]

    assert (fetched.unchanged, world.journal.count(GET)) == (True, 0)


def test_version_of_another_region_is_no_version_of_this_one(
    world: AwsWorld, tenant: Tenant
) -> None:
    """Each region counts its own: an equal number from elsewhere is not the same value."""
    world.put_parameter("/prod/url", "here")
    known = read(URL, "1", "eu-central-1")
    pinned = read(f"{URL}?version=1", "1", "eu-central-1")

    assert [value(item) for item in fetch(tenant, known, pinned)] == ["here", "here"]


def test_one_denied_name_spoils_no_call(world: AwsWorld, tenant: Tenant) -> None:
    """AWS refuses ten names for one: each is asked for by itself, and that one is named."""
    for number in range(3):
        world.put_parameter(f"/prod/{number}", str(number))
    arns = [f"arn:aws:ssm:*:*:parameter/prod/{number}" for number in (0, 2)]
    tenant.role.set_policies(*(allowing("ssm:GetParameters", resource=arn) for arn in arns))
    fetched = fetch(tenant, *(f"aws-ssm:/prod/{number}" for number in range(3)))

    assert (value(fetched[0]), value(fetched[2])) == ("0", "2")
    assert error(fetched[1]).reason is Reason.ACCESS_DENIED
    assert "parameter/prod/1" in str(error(fetched[1]))


def test_key_that_says_no_is_named(world: AwsWorld, tenant: Tenant) -> None:
    """The SecureString's key and the missing action are in the text, the key policy in the cure."""
    key = world.kms_key(_letting(tenant, "kms:Encrypt"))
    world.put_parameter("/prod/url", "one", kms_key=key)
    world.put_parameter("/prod/plain", "two", kind="String")
    fetched = fetch(tenant, URL, "aws-ssm:/prod/plain")

    failure = error(fetched[0])
    assert failure.reason is Reason.ACCESS_DENIED
    assert f"may not kms:Decrypt on {key.arn}" in str(failure)
    assert "the KMS key's policy lacks this role" in failure.remedy
    assert value(fetched[1]) == "two"


def test_disabled_key_is_named_as_the_key(world: AwsWorld, tenant: Tenant) -> None:
    """InvalidKeyId is no missing parameter."""
    key = world.kms_key()
    key.enabled = False
    world.put_parameter("/prod/url", "one", kms_key=key)
    failure = error(fetch(tenant, URL)[0])

    assert (failure.reason, failure.code) == (Reason.ACCESS_DENIED, "InvalidKeyId")
    assert "KMS key" in failure.remedy


@pytest.mark.parametrize(
    "body",
    [
        b'{"Parameters": [], "InvalidParameters": []}',
        b'{"Parameters": [null], "InvalidParameters": [null]}',
        b'{"Parameters": [{"Name": "/prod/other", "Value": "x", "Version": 1}]}',
        b'{"Parameters": [{"Name": "/prod/url", "Version": 1}]}',
        b'{"Parameters": [{"Name": "/prod/url", "Value": null, "Version": 1}]}',
        b'{"Parameters": [{"Name": "/prod/url", "Value": 5, "Version": 1}]}',
        b'{"Parameters": [{"Name": "/prod/url", "Selector": ":2", "Value": "x", "Version": 2}]}',
    ],
)
def test_reply_without_the_parameter_is_a_fault(
    world: AwsWorld, tenant: Tenant, body: bytes
) -> None:
    """Neither value nor `InvalidParameters`: that is no answer, and never an empty secret."""
    world.faults.add(faults.status(200, body=body), on=GET)

    assert error(fetch(tenant, URL)[0]).reason is Reason.UNAVAILABLE


def test_path_is_a_mapping_of_what_is_below_it(world: AwsWorld, tenant: Tenant) -> None:
    """A slash at the end asks for one level, relative names as keys, nothing of a neighbour."""
    for name in ("/prod/db/user", "/prod/db/password", "/prod/db/deep/er", "/prod/dbx", "/prod/db"):
        world.put_parameter(name, f"value of {name}")
    fetched = fetch(tenant, "aws-ssm:/prod/db/")[0]

    assert fetched.mapping
    assert json.loads(value(fetched)) == {
        "user": "value of /prod/db/user",
        "password": "value of /prod/db/password",
    }


def test_recursive_path_takes_deeper_levels_along(world: AwsWorld, tenant: Tenant) -> None:
    """Their keys are relative paths."""
    world.put_parameter("/prod/db/user", "u")
    world.put_parameter("/prod/db/deep/er", "d")
    fetched = fetch(tenant, "aws-ssm:/prod/db/?recursive=true")[0]

    assert json.loads(value(fetched)) == {"deep/er": "d", "user": "u"}


def test_root_path_is_everything(world: AwsWorld, tenant: Tenant) -> None:
    """`/` is a path as well."""
    world.put_parameter("/top", "t")
    fetched = fetch(tenant, "aws-ssm:/")[0]

    assert json.loads(value(fetched)) == {"top": "t"}


def test_pages_of_a_path_are_all_read(world: AwsWorld, tenant: Tenant) -> None:
    """Ten a page, as many pages as there are."""
    for number in range(35):
        world.put_parameter(f"/prod/{number:02}", str(number))
    fetched = fetch(tenant, "aws-ssm:/prod/")[0]

    assert json.loads(value(fetched)) == {f"{n:02}": str(n) for n in range(35)}
    assert world.journal.count(BY_PATH) == 4


def test_path_without_an_end_is_given_up(world: AwsWorld, tenant: Tenant) -> None:
    """A service that pages for ever ends in a limit, not in a pod that hangs."""
    body = (
        b'{"Parameters": [{"Name": "/prod/a", "Value": "a", "Version": 1}], "NextToken": "again"}'
    )
    world.faults.add(faults.status(200, body=body), on=BY_PATH)
    failure = error(fetch(tenant, "aws-ssm:/prod/")[0])

    assert failure.reason is Reason.LIMIT_EXCEEDED
    assert "narrower path" in failure.remedy
    assert world.journal.count(BY_PATH) == 200


def test_empty_path_is_not_found(tenant: Tenant) -> None:
    """A path that holds nothing is most likely misspelt."""
    failure = error(fetch(tenant, "aws-ssm:/nothing/")[0])

    assert failure.reason is Reason.NOT_FOUND
    assert "recursive=true" in failure.remedy


def test_denied_path_is_denied(world: AwsWorld, tenant: Tenant) -> None:
    """GetParametersByPath is an action of its own in a policy."""
    world.put_parameter("/prod/url", "one")
    tenant.role.set_policies(allowing("ssm:GetParameters"))
    failure = error(fetch(tenant, "aws-ssm:/prod/")[0])

    assert failure.reason is Reason.ACCESS_DENIED
    assert "may not ssm:GetParametersByPath" in str(failure)


def test_path_has_the_versions_of_what_it_holds(world: AwsWorld, tenant: Tenant) -> None:
    """Unchanged until a parameter below it moves, appears or disappears."""
    world.put_parameter("/prod/db/user", "u")
    gone = world.put_parameter("/prod/db/gone", "g")
    held = fetch(tenant, "aws-ssm:/prod/db/")[0]
    same = fetch(tenant, read("aws-ssm:/prod/db/", held.version, "eu-west-1"))[0]
    versions = {held.version}
    world.put_parameter("/prod/db/user", "u2")
    versions.add(fetch(tenant, "aws-ssm:/prod/db/")[0].version)
    world.delete_parameter(gone)
    versions.add(fetch(tenant, "aws-ssm:/prod/db/")[0].version)

    assert (same.unchanged, same.mapping, same.material) == (True, True, None)
    assert len(versions) == 3


def test_path_by_arn_is_read_in_its_region(world: AwsWorld, tenant: Tenant) -> None:
    """An ARN of a path of one's own account says where."""
    world.put_parameter("/prod/url", "far", region="eu-central-1")
    fetched = fetch(tenant, "aws-ssm:arn:aws:ssm:eu-central-1:111122223333:parameter/prod/")[0]

    assert json.loads(value(fetched)) == {"url": "far"}


def test_path_of_another_account_is_refused_rather_than_ones_own_read(
    world: AwsWorld, tenant: Tenant
) -> None:
    """The API knows no account of a path: the caller's own must not pass for the other's."""
    world.put_parameter("/prod/url", "ours")
    fetched = fetch(tenant, f"aws-ssm:arn:aws:ssm:eu-west-1:{THEIRS}:parameter/prod/")[0]

    failure = error(fetched)
    assert failure.reason is Reason.INVALID_REQUEST
    assert f"account {THEIRS}'s path" in str(failure)
    assert "assume a role" in failure.remedy


@pytest.mark.parametrize(
    "item",
    [b"null", b'{"Name": "/prod/url"}', b'{"Value": "x"}', b'{"Name": "/prod/a", "Value": 7}'],
)
def test_damaged_page_is_a_fault(world: AwsWorld, tenant: Tenant, item: bytes) -> None:
    """A parameter without name or value makes no mapping with a hole."""
    world.put_parameter("/prod/url", "one")
    body = b'{"Parameters": [{"Name": "/prod/b", "Value": "b", "Version": 1}, ' + item + b"]}"
    world.faults.add(faults.status(200, body=body), on=BY_PATH)
    fetched = fetch(tenant, "aws-ssm:/prod/")[0]

    assert error(fetched).reason is Reason.UNAVAILABLE


def test_names_and_paths_go_together(world: AwsWorld, tenant: Tenant) -> None:
    """One fetch may hold both, each in its place."""
    world.put_parameter("/prod/url", "one")
    fetched = fetch(tenant, "aws-ssm:/prod/", URL, "aws-ssm:/none/")

    assert json.loads(value(fetched[0])) == {"url": "one"}
    assert value(fetched[1]) == "one"
    assert error(fetched[2]).reason is Reason.NOT_FOUND


def _letting(tenant: Tenant, action: str = "kms:Decrypt") -> dict[str, Any]:
    """Write a key policy that lets the tenant's role do something."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": tenant.role.arn},
        "Action": action,
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
