"""Parameter Store: names, versions, labels, paths, sharing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.aws.cloud import AWAY, ELSEWHERE, HOME, allow, policy, refuses, statement, trust

if TYPE_CHECKING:
    from tests.worlds.aws.cloud import Clients
    from worlds.aws import AwsWorld, Role

BASE = f"arn:aws:ssm:eu-west-1:{HOME}:parameter"


@pytest.fixture
def role(world: AwsWorld) -> Role:
    """A role that may read every parameter of every account."""
    return world.account().role("web", trust(HOME), allow("ssm:*"))


@pytest.fixture
def ssm(world: AwsWorld, client: Clients, role: Role) -> Any:  # noqa: ANN401
    """A client for that role."""
    return client("ssm", world.access_key(role))


def _values(reply: dict[str, Any]) -> dict[str, str]:
    """Values by name and selector."""
    return {one["Name"] + one.get("Selector", ""): one["Value"] for one in reply["Parameters"]}


def test_kinds_are_read(world: AwsWorld, ssm: Any) -> None:  # noqa: ANN401
    """Texts, lists and secure texts, each with version, kind and ARN."""
    world.put_parameter("/prod/url", "https://x", kind="String")
    world.put_parameter("/prod/hosts", "a,b", kind="StringList")
    world.put_parameter("/prod/token", "s3cret")
    names = ["/prod/url", "/prod/hosts", "/prod/token"]

    reply = ssm.get_parameters(Names=names, WithDecryption=True)

    found = {one["Name"]: one for one in reply["Parameters"]}
    assert _values(reply) == {
        "/prod/url": "https://x",
        "/prod/hosts": "a,b",
        "/prod/token": "s3cret",
    }
    assert found["/prod/hosts"]["Type"] == "StringList"
    assert found["/prod/token"]["Type"] == "SecureString"
    assert found["/prod/token"]["ARN"] == f"{BASE}/prod/token"
    assert {one["Version"] for one in found.values()} == {1}
    assert {one["DataType"] for one in found.values()} == {"text"}
    assert reply["InvalidParameters"] == []


@pytest.mark.parametrize("given", [{}, {"WithDecryption": False}])
def test_without_decryption_a_secure_text_stays_shut(
    world: AwsWorld,
    ssm: Any,  # noqa: ANN401
    given: dict[str, bool],
) -> None:
    """What comes is no value, and others come as ever."""
    world.put_parameter("/token", "s3cret")
    world.put_parameter("/url", "https://x", kind="String")

    found = _values(ssm.get_parameters(Names=["/token", "/url"], **given))

    assert found["/url"] == "https://x"
    assert found["/token"].startswith("AQICAH")
    assert "s3cret" not in found["/token"]


def test_versions_and_labels_select(world: AwsWorld, ssm: Any) -> None:  # noqa: ANN401
    """By number or label, of a name or an ARN; one parameter may come twice in one reply."""
    parameter = world.put_parameter("/db", "one")
    world.put_parameter("/db", "two")
    world.put_parameter("/db", "three")
    world.label_parameter(parameter, "stable", 1)
    names = ["/db", "/db:2", "/db:stable", f"{BASE}/db:3"]

    reply = ssm.get_parameters(Names=names, WithDecryption=True)

    assert _values(reply) == {"/db": "three", "/db:2": "two", "/db:stable": "one", "/db:3": "three"}
    world.label_parameter(parameter, "stable", 2)
    moved = ssm.get_parameters(Names=["/db:stable"], WithDecryption=True)
    assert [(one["Version"], one["Value"]) for one in moved["Parameters"]] == [(2, "two")]


def test_the_order_of_a_reply_is_not_that_of_its_request(
    world: AwsWorld,
    ssm: Any,  # noqa: ANN401
) -> None:
    """Nor alphabetical: whoever counts on an order is wrong."""
    names = [f"/p{n}" for n in range(10)]
    for name in names:
        world.put_parameter(name, name)

    found = [one["Name"] for one in ssm.get_parameters(Names=names)["Parameters"]]

    assert sorted(found) == names
    assert found not in (names, names[::-1])


def test_all_missing_names_are_listed_at_once(world: AwsWorld, ssm: Any) -> None:  # noqa: ANN401
    """Names, versions and labels that do not exist; the others are read."""
    gone = world.put_parameter("/gone", "x")
    world.put_parameter("/db", "one")
    world.delete_parameter(gone)
    names = ["/db", "/nothing", "/db:9", "/db:0", "/db:label", "/gone", f"{BASE}/no"]

    reply = ssm.get_parameters(Names=names, WithDecryption=True)

    assert _values(reply) == {"/db": "one"}
    assert sorted(reply["InvalidParameters"]) == sorted(names[1:])
    (entry,) = world.journal.entries
    assert (entry.outcome, entry.resources) == ("ok", tuple(names))
    assert dict(entry.items) == {"/db": "ok", **dict.fromkeys(names[1:], "InvalidParameters")}


def test_names_with_and_without_a_slash_are_two(world: AwsWorld, ssm: Any) -> None:  # noqa: ANN401
    """Though their ARNs are written alike; blanks around a name do not count."""
    world.put_parameter("db", "plain")

    reply = ssm.get_parameters(Names=["db", "/db"], WithDecryption=True)

    assert (_values(reply), reply["InvalidParameters"]) == ({"db": "plain"}, ["/db"])
    assert _values(ssm.get_parameters(Names=[" db "], WithDecryption=True)) == {"db": "plain"}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([f"/p{n}" for n in range(11)], "names.* between 1 and 10"),
        ([], "names.* between 1 and 10"),
        (["/a", "/a"], "Duplicate"),
        (["prod/db"], "forward slash"),
        (["/has blank"], "spaces"),
        ([""], "names"),
        (["/" + "a" * 2048], "names.* between 1 and 2048"),
    ],
    ids=["11", "none", "twice", "no slash", "blank", "empty", "long"],
)
def test_names_have_rules(ssm: Any, names: list[str], words: str) -> None:  # noqa: ANN401
    """Ten at most, none twice, paths from the root."""
    with refuses("ValidationException", words):
        ssm.get_parameters(Names=names)


@pytest.mark.parametrize(
    ("pattern", "names", "denied"),
    [
        ("/prod/*", ["/prod/db"], ""),
        ("/prod/*", ["/prod/db", "/test/db"], "/test/db"),
        ("/prod/*", ["/prod/db", "/test/nothing"], "/test/nothing"),
        ("/prod/*", ["/prod/db:1"], ""),
        ("/prod/d?", ["/prod/db"], ""),
        ("/prod", ["/prod/db"], "/prod/db"),
    ],
)
def test_one_denied_name_fails_the_whole_call(
    world: AwsWorld, client: Clients, pattern: str, names: list[str], denied: str
) -> None:
    """Whether it exists or not, and with the ARN in the message."""
    user = world.account().user("ci", allow("ssm:GetParameters", on=BASE + pattern))
    ssm = client("ssm", world.access_key(user))
    for name in ("/prod/db", "/test/db"):
        world.put_parameter(name, "s3cret")

    if not denied:
        assert set(_values(ssm.get_parameters(Names=names, WithDecryption=True)).values()) == {
            "s3cret"
        }
        return
    words = f"ssm:GetParameters on resource: {BASE}{denied} because no identity-based policy"
    with refuses("AccessDeniedException", words):
        ssm.get_parameters(Names=names, WithDecryption=True)


@pytest.mark.parametrize(("team", "allowed"), [("red", True), ("blue", False)])
@pytest.mark.parametrize("key", ["aws:ResourceTag/team", "ssm:resourceTag/team"])
def test_conditions_on_tags(
    world: AwsWorld, client: Clients, key: str, team: str, *, allowed: bool
) -> None:
    """The parameter's tag must be the caller's."""
    own = allow("ssm:GetParameters", when={"StringEquals": {key: "${aws:PrincipalTag/team}"}})
    user = world.account().user("ci", own, tags={"team": team})
    ssm = client("ssm", world.access_key(user))
    world.put_parameter("/db", "s3cret", tags={"team": "red"})

    if allowed:
        assert ssm.get_parameters(Names=["/db"])["Parameters"]
    else:
        with refuses("AccessDeniedException"):
            ssm.get_parameters(Names=["/db"])


def test_regions_are_apart(world: AwsWorld, client: Clients, role: Role) -> None:
    """A name is looked for here, and an ARN of elsewhere is invalid here."""
    there = world.put_parameter("/db", "there", region=ELSEWHERE)
    key = world.access_key(role)

    reply = client("ssm", key).get_parameters(Names=["/db", there.arn])
    far = client("ssm", key, region=ELSEWHERE).get_parameters(Names=["/db"], WithDecryption=True)

    assert (reply["Parameters"], sorted(reply["InvalidParameters"])) == ([], ["/db", there.arn])
    assert _values(far) == {"/db": "there"}


def test_another_accounts_parameter_must_be_shared(
    world: AwsWorld, client: Clients, role: Role
) -> None:
    """By its whole ARN, and as far as the caller's own policy goes."""
    shared = world.put_parameter("/a", "x", kind="String", account=AWAY, shared_with=[HOME])
    private = world.put_parameter("/b", "y", kind="String", account=AWAY)
    ssm = client("ssm", world.access_key(role))

    assert [p["Value"] for p in ssm.get_parameters(Names=[shared.arn])["Parameters"]] == ["x"]
    with refuses("AccessDeniedException", f"{private.arn} because no resource-based policy"):
        ssm.get_parameters(Names=[private.arn])
    role.set_policies()
    with refuses("AccessDeniedException", "because no identity-based policy"):
        ssm.get_parameters(Names=[shared.arn])


@pytest.fixture
def tree(world: AwsWorld) -> None:
    """Parameters on three levels."""
    for name in ("top", "/prod", "/prod/a", "/prod/b", "/prod/x/c", "/production/z"):
        world.put_parameter(name, f"value of {name}")


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("path", "recursive", "names"),
    [
        ("/prod", False, ["/prod/a", "/prod/b"]),
        ("/prod/", False, ["/prod/a", "/prod/b"]),
        ("/prod", True, ["/prod/a", "/prod/b", "/prod/x/c"]),
        ("/", False, ["/prod", "top"]),
        ("/", True, ["/prod", "/prod/a", "/prod/b", "/prod/x/c", "/production/z", "top"]),
        ("/prod/a", True, []),
        ("/nothing", True, []),
    ],
)
def test_a_path_gives_what_is_below_it(
    ssm: Any,  # noqa: ANN401
    path: str,
    names: list[str],
    *,
    recursive: bool,
) -> None:
    """One level, or all; never the node itself, nor names that only begin alike."""
    reply = ssm.get_parameters_by_path(Path=path, Recursive=recursive, WithDecryption=True)

    assert _values(reply) == {name: f"value of {name}" for name in names}
    assert "NextToken" not in reply


def test_pages_end(world: AwsWorld, ssm: Any) -> None:  # noqa: ANN401
    """Ten to a page, or fewer when asked; each parameter once, the newest version."""
    names = {f"/prod/{n:02}" for n in range(23)}
    for name in names:
        world.put_parameter(name, "old", kind="String")
        world.put_parameter(name, "new", kind="String")

    pages = list(ssm.get_paginator("get_parameters_by_path").paginate(Path="/prod"))
    small = ssm.get_parameters_by_path(Path="/prod", MaxResults=3)

    assert [len(page["Parameters"]) for page in pages] == [10, 10, 3]
    assert {one["Name"] for page in pages for one in page["Parameters"]} == names
    assert {one["Value"] for page in pages for one in page["Parameters"]} == {"new"}
    assert (len(small["Parameters"]), "NextToken" in small) == (3, True)


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"Path": "prod"}, "ValidationException"),
        ({"Path": ""}, "ValidationException"),
        ({"Path": "/prod", "MaxResults": 11}, "ValidationException"),
        ({"Path": "/prod", "MaxResults": 0}, "ValidationException"),
        ({"Path": "/prod", "NextToken": "junk"}, "InvalidNextToken"),
    ],
)
def test_paths_have_rules(ssm: Any, given: dict[str, Any], code: str) -> None:  # noqa: ANN401
    """From the root, ten to a page, and with the token of the page before."""
    with refuses(code):
        ssm.get_parameters_by_path(**given)


@pytest.mark.usefixtures("tree")
def test_a_pages_token_is_of_its_path(ssm: Any) -> None:  # noqa: ANN401
    """It is not good for another one."""
    token = ssm.get_parameters_by_path(Path="/prod", MaxResults=1)["NextToken"]

    assert ssm.get_parameters_by_path(Path="/prod", NextToken=token)["Parameters"]
    with refuses("InvalidNextToken"):
        ssm.get_parameters_by_path(Path="/", Recursive=True, NextToken=token)


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("pattern", "path", "allowed"),
    [
        ("/prod", "/prod", True),
        ("/prod/*", "/prod", False),
        ("/prod/*", "/prod/", True),
        ("/prod/*", "/prod/x", True),
        ("/prod", "/", False),
        ("*", "/", True),
    ],
)
def test_permission_is_asked_on_the_path_itself(
    world: AwsWorld, client: Clients, pattern: str, path: str, *, allowed: bool
) -> None:
    """What is allowed below a path does not allow to list the path; who may list, reads all."""
    own = allow("ssm:GetParametersByPath", on=BASE + pattern)
    ssm = client("ssm", world.access_key(world.account().user("ci", own)))

    if allowed:
        assert ssm.get_parameters_by_path(Path=path, Recursive=True)["Parameters"]
        return
    with refuses("AccessDeniedException", f"ByPath on resource: {BASE}{path} because no identity"):
        ssm.get_parameters_by_path(Path=path, Recursive=True)


@pytest.mark.usefixtures("tree")
def test_recursion_can_be_denied(world: AwsWorld, client: Clients) -> None:
    """`ssm:Recursive` is a condition of its own."""
    deep = {"StringEquals": {"ssm:Recursive": "true"}}
    own = policy(
        statement("ssm:GetParametersByPath"),
        statement("ssm:GetParametersByPath", effect="Deny", when=deep),
    )
    ssm = client("ssm", world.access_key(world.account().user("ci", own)))

    assert ssm.get_parameters_by_path(Path="/prod")["Parameters"]
    with refuses("AccessDeniedException", "explicit deny"):
        ssm.get_parameters_by_path(Path="/prod", Recursive=True)


@pytest.mark.usefixtures("tree")
def test_the_journal_tells_every_read(
    world: AwsWorld,
    ssm: Any,  # noqa: ANN401
    role: Role,
) -> None:
    """Who read what and how it ended, never a value."""
    ssm.get_parameters(Names=["/prod/a"], WithDecryption=True)
    ssm.get_parameters_by_path(Path="/prod", WithDecryption=True)
    with refuses("ValidationException"):
        ssm.get_parameters_by_path(Path="prod")

    entries = world.journal.entries

    session = f"arn:aws:sts::{HOME}:assumed-role/{role.name}/test"
    assert [(e.action, e.resources, e.outcome) for e in entries] == [
        ("GetParameters", ("/prod/a",), "ok"),
        ("GetParametersByPath", ("/prod",), "ok"),
        ("GetParametersByPath", ("prod",), "ValidationException"),
    ]
    assert {(e.service, e.principal, e.base) for e in entries} == {("ssm", session, session)}
    assert "value of" not in repr(entries)
    assert "value of" not in repr(list(world.parameters.of(HOME, "eu-west-1")))


@pytest.mark.parametrize("label", ["1st", "full"])
def test_labels_have_rules(world: AwsWorld, label: str) -> None:
    """They do not begin with a digit, and there are ten to a version at most."""
    parameter = world.put_parameter("/db", "one")
    for n in range(10):
        world.label_parameter(parameter, f"l{n}", 1)

    with pytest.raises(ValueError, match=f"label '{label}' cannot be given to version 1 of /db"):
        world.label_parameter(parameter, label, 1)
