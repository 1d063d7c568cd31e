"""From a store and a pod to a session key: every input counts, no order does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from injector.contract.reasons import Reason
from injector.contract.stores import Hop, Setting, Store
from injector.errors import InjectorError
from injector.identity.interface import Identity
from injector.identity.keys import method, same_role, session_key, session_name, warnings

POD = Identity("shop", "web", "web-1")
WEB = "arn:aws:iam::111122223333:role/web"
READER = "arn:aws:iam::444455556666:role/reader"
HOP = Hop("arn:aws:iam::111122223333:role/hop")
TAGS = (("project", "x"), ("team", "payments"))


def store(**settings: Setting) -> Store:
    """A store with fields spelled with `_`."""
    return Store(
        "db",
        "aws-secretsmanager",
        {name.replace("_", "-"): item for name, item in settings.items()},
    )


FULL: dict[str, Setting] = {
    "role_arn": WEB,
    "assume_role": (HOP, Hop(READER)),
    "external_id": "acme",
    "session_tags": TAGS,
    "transitive_tags": ("project",),
    "session_policy": '{"Version":"2012-10-17"}',
    "session_name": "mine",
    "duration": "1800",
    "endpoints": (("secretsmanager", "https://a.test"), ("sts", "https://b.test")),
    "ca_bundle": "PEM",
}


@pytest.mark.parametrize(
    "changed",
    [
        {"role_arn": READER},
        {"auth": "pod-identity"},
        {"auth": "ambient"},
        {"audience": "other"},
        {"assume_role": (Hop(READER), HOP)},
        {"assume_role": (HOP,)},
        {"assume_role": (replace(HOP, external_id="x"), Hop(READER))},
        {"external_id": "other"},
        {"session_tags": (("team", "x"),)},
        {"transitive_tags": ("team",)},
        {"session_policy": '{"Version":"2008-10-17"}'},
        {"session_name": "yours"},
        {"duration": "900"},
        {"endpoints": (("sts", "https://c.test"),)},
        {"ca_bundle": "other PEM"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a7_every_input_of_the_authentication_makes_another_key(
    changed: dict[str, Setting],
) -> None:
    """One changed setting is another login."""
    key = session_key(store(**FULL), POD, "eu-west-1")

    assert session_key(store(**{**FULL, **changed}), POD, "eu-west-1") != key


@pytest.mark.parametrize(
    "pod",
    [
        Identity("other", "web", "web-1"),
        Identity("shop", "other", "web-1"),
    ],
)
def test_a6_same_store_in_another_namespace_or_account_is_another_key(pod: Identity) -> None:
    """A store's name is no identity: not even with one session name for all."""
    one = store(role_arn=WEB, session_name="fixed")

    assert session_key(one, pod, "eu-west-1") != session_key(one, POD, "eu-west-1")


def test_where_a_containers_root_is_on_this_machine_is_no_part_of_the_key() -> None:
    """Init and sidecar share a login, though the pod runner gives each a folder of its own."""
    one, there = store(role_arn=WEB), Identity("shop", "web", "web-1", "/elsewhere")

    assert session_key(one, there, "eu-west-1") == session_key(one, POD, "eu-west-1")


def test_region_is_part_of_the_key() -> None:
    """The regional STS is an input, too."""
    one = store(role_arn=WEB)

    assert session_key(one, POD, "eu-west-1") != session_key(one, POD, "eu-west-2")


def test_pod_identity_is_the_same_in_every_region() -> None:
    """The agent on the node has no region."""
    assert session_key(store(), POD, "eu-west-1") == session_key(store(), POD, "eu-west-2")


def test_equal_settings_in_another_order_share_a_login() -> None:
    """Neither tags, endpoints, names nor the provider of the family make a difference."""
    shuffled: dict[str, Setting] = {
        **dict(reversed(list(FULL.items()))),
        "session_tags": TAGS[::-1],
        "endpoints": (("sts", "https://b.test"), ("secretsmanager", "https://a.test")),
    }
    other = Store("other-name", "aws-ssm", store(**shuffled).settings)

    assert session_key(store(**FULL), POD, "r-1") == session_key(other, POD, "r-1")
    assert hash(session_key(store(**FULL), POD, "r-1")) == hash(session_key(other, POD, "r-1"))


def test_chain_is_a_key_of_keys_and_extras_go_to_the_last_hop() -> None:
    """External id, tags and policy of the store are said at the last AssumeRole only."""
    key = session_key(store(**FULL), POD, "eu-west-1")
    assert key.source is not None
    assert key.source.source is not None

    assert (key.input("role-arn"), key.source.input("role-arn")) == (READER, HOP.role_arn)
    assert key.input("external-id") == "acme"
    assert json.loads(key.input("transitive-tags")) == ["project"]
    for name in ("external-id", "session-tags", "session-policy", "transitive-tags"):
        assert key.source.input(name) == ""
        assert key.root.input(name) == ""
    assert key.root.method == "web-identity"
    assert key.root.input("duration") == ""


def test_hop_in_mapping_form_has_its_own_extras() -> None:
    """What is said at a hop is said there."""
    first = replace(HOP, external_id="first", session_tags=(("a", "b"),))
    key = session_key(store(role_arn=WEB, assume_role=(first, Hop(READER))), POD, "r-1")
    assert key.source is not None

    assert key.source.input("external-id") == "first"
    assert ["a", "b"] in json.loads(key.source.input("session-tags"))
    assert key.input("external-id") == ""


def test_pods_own_tags_come_along_when_tags_are_asked_for() -> None:
    """ABAC on the namespace works for web identity as it does for Pod Identity."""
    asked = session_key(store(role_arn=WEB, assume_role=(HOP,), session_tags=TAGS), POD, "r-1")
    plain = session_key(store(role_arn=WEB, assume_role=(HOP,)), POD, "r-1")

    assert dict(json.loads(asked.input("session-tags"))) == {
        "kubernetes-namespace": "shop",
        "kubernetes-pod-name": "web-1",
        "kubernetes-service-account": "web",
        "project": "x",
        "team": "payments",
    }
    assert plain.input("session-tags") == ""


def test_pod_identity_tags_are_not_said_again() -> None:
    """They are on the agent's session already, transitively, and cannot be overridden."""
    key = session_key(store(assume_role=(HOP,), session_tags=TAGS), POD, "r-1")

    assert json.loads(key.input("session-tags")) == [list(pair) for pair in TAGS]


@pytest.mark.parametrize("tag", ["kubernetes-namespace", "kubernetes-pod-uid", "eks-cluster-arn"])
def test_tag_that_pretends_to_be_the_pods_is_refused(tag: str) -> None:
    """Nobody names another namespace by a session tag."""
    stolen = store(role_arn=WEB, assume_role=(HOP,), session_tags=((tag, "other"),))

    with pytest.raises(InjectorError, match=f"`{tag}` is the pod's own"):
        session_key(stolen, POD, "r-1")


def test_chained_duration_is_at_most_an_hour() -> None:
    """AWS refuses more for a role assumed with a role."""
    chained = session_key(store(role_arn=WEB, assume_role=(HOP,), duration="43200"), POD, "r-1")
    direct = session_key(store(role_arn=WEB, duration="43200"), POD, "r-1")

    assert (chained.input("duration"), direct.input("duration")) == ("3600", "43200")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "pod-identity"),
        ({"role_arn": WEB}, "web-identity"),
        ({"auth": "auto", "role_arn": WEB}, "web-identity"),
        ({"auth": "pod-identity", "role_arn": WEB}, "pod-identity"),
        ({"auth": "ambient"}, "ambient"),
    ],
)
def test_auto_follows_the_known_role(settings: dict[str, Setting], expected: str) -> None:
    """A known role ARN means web identity, none means Pod Identity; a choice is a choice."""
    assert method(store(**settings)) == expected


def test_session_name_says_who_owns_the_pod() -> None:
    """CloudTrail shows namespace and service account, in AWS's alphabet and length."""
    assert session_name(store(), POD) == "syrette-shop-web"
    assert session_name(store(), Identity("shop", "sys:web/é", "p")) == "syrette-shop-sys-web--"
    assert len(session_name(store(), Identity("n" * 63, "s" * 253, "p"))) == 64
    assert session_name(store(session_name="mine"), POD) == "mine"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (WEB, WEB, True),
        (WEB, "arn:aws:iam::111122223333:role/a/path/web", True),
        (WEB, "arn:aws:iam::444455556666:role/web", False),
        (WEB, "arn:aws:iam::111122223333:role/web2", False),
        (WEB, "not an ARN", False),
    ],
)
def test_a_role_is_its_account_and_name(one: str, other: str, *, same: bool) -> None:
    """The path is no part of who a role is to STS."""
    assert same_role(one, other) is same


def test_a13_role_that_the_pod_already_has_is_left_out_with_a_warning() -> None:
    """A role assuming itself is denied by AWS: it is not tried where the base role is known."""
    own = Hop("arn:aws:iam::111122223333:role/team/web")
    one = store(role_arn=WEB, assume_role=(own, HOP))
    key = session_key(one, POD, "r-1")

    assert key == session_key(store(role_arn=WEB, assume_role=(HOP,)), POD, "r-1")
    assert len(warnings(one)) == 1
    assert own.role_arn in warnings(one)[0]


def test_a13_same_name_in_another_account_is_assumed() -> None:
    """Only account and name together are one role."""
    other = Hop("arn:aws:iam::444455556666:role/web")
    one = store(role_arn=WEB, assume_role=(other,))

    assert session_key(one, POD, "r-1").input("role-arn") == other.role_arn
    assert warnings(one) == ()


def test_policy_of_a_role_that_is_left_out_narrows_the_login_instead() -> None:
    """Leaving out a self-assume never widens what the session may do."""
    policy = '{"Version":"2012-10-17","Statement":[]}'
    one = store(role_arn=WEB, assume_role=(Hop(WEB),), session_policy=policy)
    key = session_key(one, POD, "r-1")

    assert (key.method, key.input("session-policy")) == ("web-identity", policy)


def test_role_with_a_policy_amid_a_chain_is_not_left_out() -> None:
    """Its policy could not move: better AWS's no than a wider session."""
    one = store(role_arn=WEB, assume_role=(replace(HOP, role_arn=WEB, session_policy="{}"), HOP))

    assert warnings(one) == ()
    source = session_key(one, POD, "r-1").source
    assert source is not None
    assert source.input("role-arn") == WEB


def test_hop_onto_itself_is_left_out() -> None:
    """Twice the same role in a row is once."""
    one = store(assume_role=(HOP, HOP))

    assert session_key(one, POD, "r-1") == session_key(store(assume_role=(HOP,)), POD, "r-1")
    assert len(warnings(one)) == 1


def test_session_policy_under_pod_identity_needs_a_role() -> None:
    """The agent takes none, and leaving it out would widen the session."""
    with pytest.raises(InjectorError, match="needs `assume-role`") as caught:
        session_key(store(session_policy="{}"), POD, "r-1")

    assert caught.value.reason is Reason.INVALID_STORE
