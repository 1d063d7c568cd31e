"""Stores and the fields that configure them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from injector.contract.stores import (
    FAMILIES,
    FIELDS,
    PROVIDERS,
    Hop,
    Kind,
    Store,
    dump_setting,
    fields_of,
    parse_setting,
)

AWS = fields_of("aws")
ROLE = "arn:aws:iam::111122223333:role/hop"
TAGS = (("cost", "1"), ("team", "a"))


@pytest.mark.parametrize(
    ("name", "raw", "wanted"),
    [
        ("region", " eu-west-1 ", "eu-west-1"),
        ("auth", "web-identity", "web-identity"),
        ("role-arn", "arn:aws-us-gov:iam::111122223333:role/path/web", None),
        ("transitive-tags", "team, cost", ("team", "cost")),
        ("transitive-tags", ["team"], ("team",)),
        ("session-tags", "team=a, cost=1", TAGS),
        ("session-tags", {"team": "a", "cost": "1"}, TAGS),
        ("session-tags", {}, ()),
        ("assume-role", f"{ROLE}, {ROLE}2", (Hop(ROLE), Hop(ROLE + "2"))),
        ("assume-role", [ROLE], (Hop(ROLE),)),
        (
            "assume-role",
            [
                {
                    "role-arn": ROLE,
                    "external-id": "acme",
                    "session-tags": {"team": "a", "cost": "1"},
                    "transitive-tags": ["team"],
                    "session-policy": "{}",
                }
            ],
            (Hop(ROLE, "acme", TAGS, ("team",), "{}"),),
        ),
    ],
)
def test_a_field_is_parsed_from_text_or_document(name: str, raw: object, wanted: object) -> None:
    """An annotation's text and a document's shape give the same value, which the plan keeps."""
    value = parse_setting(AWS[name], raw)

    assert value == (raw if wanted is None else wanted)
    assert parse_setting(AWS[name], dump_setting(value)) == value


@pytest.mark.parametrize(
    ("name", "raw", "wanted"),
    [
        ("namespace", "acme/shop", True),
        ("namespace", "acme/", False),
        ("namespace", "/acme", False),
        ("namespace", "acme//shop", False),
        ("auth-namespace", "acme/../shop", False),
        ("auth-namespace", "acme/.", False),
        ("auth-namespace", "acme/..hidden", True),
        ("auth-mount", "kubernetes/prod-eu", True),
        ("auth-mount", "auth/kubernetes", False),
        ("auth-mount", "kubernetes/", False),
        ("auth-mount", "https://vault.acme.io", False),
        ("auth-mount", "kubernetes%2f..", False),
        ("auth-mount", "kubernetes\\x", False),
        ("auth-mount", "jwt?x", False),
        ("role", "shop_web", True),
        ("role", "shop/web", False),
        ("role", "shop_", True),
        ("role", "-shop", False),
        ("aws-server-id", "vault.acme.io", True),
        ("aws-server-id", "vault\r\nX-Evil: 1", False),
        ("timeout", "60", True),
        ("timeout", "61", False),
        ("timeout", "0", False),
        ("kv", "3", False),
        ("aws-sts", "eu-west-1", False),
        ("aws-store", "Hub", False),
    ],
)
def test_places_in_vault_have_one_spelling(name: str, raw: str, wanted: bool) -> None:  # noqa: FBT001 - a table
    """No other spelling of a namespace, mount or role gets past a policy's pattern."""
    row = fields_of("vault")[name]
    try:
        accepted = parse_setting(row, raw) == raw
    except ValueError:
        accepted = False

    assert accepted is wanted


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("region", ["eu-west-1"], "takes a text"),
        ("region", " ", "takes a text"),
        ("region", "eu.west", "`eu.west` is not a region"),
        ("region", "e" * 64, "is not a region"),
        ("auth", "irsa", "`irsa` is none of auto, web-identity"),
        ("role-arn", "arn:aws:iam::1:role/x", "is not a role ARN"),
        ("transitive-tags", {"a": "b"}, "takes a list"),
        ("transitive-tags", [["a"]], "takes a list"),
        ("transitive-tags", "a,,b", "has an empty element"),
        ("session-tags", "team", "takes `key=value,…`"),
        ("session-tags", "=x", "takes `key=value,…`"),
        ("session-tags", "a=1,a=2", "has a key twice"),
        ("session-tags", {"a": ["b"]}, "takes a mapping of texts"),
        ("session-tags", {"": "b"}, "takes a mapping of texts"),
        ("session-tags", ["a"], "takes a mapping of texts"),
        ("assume-role", [], "takes a role ARN, or a list"),
        ("assume-role", {"role-arn": ROLE}, "takes a role ARN, or a list"),
        ("assume-role", [[ROLE]], "each hop is a role ARN"),
        ("assume-role", [{"role": ROLE}], "unknown key `role` in a hop"),
        ("assume-role", [{}], "is not a role ARN"),
        ("assume-role", "web", "`web` is not a role ARN"),
        ("assume-role", [{"role-arn": ROLE, "external-id": "x"}], "`x` is not 2 to 1224"),
        ("assume-role", [{"role-arn": ROLE, "external-id": []}], "`external-id` of a hop"),
    ],
)
def test_a_wrong_value_is_told_what_is_allowed(name: str, raw: object, said: str) -> None:
    """The error names the field's own rule."""
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_setting(AWS[name], raw)


def test_a_store_gives_its_settings_by_shape() -> None:
    """Absent fields are empty, and a field of another shape is never mistaken."""
    settings: dict[str, Any] = {
        "region": "eu-west-1",
        "transitive-tags": ("team",),
        "session-tags": TAGS,
        "assume-role": (Hop(ROLE),),
    }
    store = Store("app", "aws-ssm", settings)

    assert store.family == "aws"
    assert (store.text("region"), store.text("auth", "auto")) == ("eu-west-1", "auto")
    assert (store.text("session-tags"), store.names("transitive-tags")) == ("", ("team",))
    assert (store.pairs("session-tags"), store.pairs("transitive-tags")) == (TAGS, ())
    assert (store.hops(), store.names("assume-role"), store.hops("other")) == (
        (Hop(ROLE),),
        (),
        (),
    )


def test_every_row_of_the_field_table_is_whole() -> None:
    """Families exist, a pattern says in words what it wants, and no field is there twice."""
    seen = [(family, row.name) for row in FIELDS for family in row.families]

    assert len(seen) == len(set(seen))
    assert {family for family, _ in seen} == set(FAMILIES)
    assert [row.name for row in FIELDS if bool(row.pattern) != bool(row.expected)] == []
    assert [row.name for row in FIELDS if row.choices and row.kind is not Kind.TEXT] == []
    assert {row.family for row in PROVIDERS.values()} == set(FAMILIES)
