"""The plan's text: canonical, without a dollar sign, and read strictly."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.contract import codec
from injector.contract.codec import InvalidPlanError
from injector.contract.plan import Action, Plan, Proxy, Secret, Source, Variable
from injector.contract.references import parse
from injector.contract.stores import Hop, Store

STORE = Store(
    "app",
    "aws-ssm",
    {
        "region": "eu-west-1",
        "session-tags": (("team", "a"),),
        "transitive-tags": ("team",),
        "assume-role": (Hop("arn:aws:iam::111122223333:role/a", external_id="acme"),),
    },
)
SIGNER = Store("hub", "aws-secretsmanager", {"region": "eu-west-1", "auth": "pod-identity"})
VAULT = Store(
    "acme", "vault", {"address": "https://vault.acme.io", "auth": "aws", "role": "web"}, SIGNER
)
FILE = Secret(
    (Source("db", parse("app:/db?version=3#a")), Source("ca", parse("app:/ca"))),
    "file",
    "conf.ini",
    volumes=("syrette-secrets",),
    template="$(HOME) $$ {{ db }}",
    refresh=60.0,
    on_change=Action("http", method="POST", url="http://127.0.0.1/"),
)
VARIABLES = Secret(
    (Source("value", parse("app:/pg")),),
    "env",
    variables=(Variable("PGUSER", "username"), Variable("PGPASSWORD", "password")),
    containers=("web",),
    volumes=("syrette-env",),
)
PLAN = Plan(
    (FILE, VARIABLES),
    (STORE, VAULT),
    ("syrette-secrets", "syrette-env"),
    metrics_port=9090,
    delimiters=("[[", "]]"),
    proxy=Proxy("http://proxy:3128", ("10.0.0.0/8",)),
    init_only=True,
    classic=True,
)


def _document(**changes: object) -> dict[str, Any]:
    return {**json.loads(codec.dump(PLAN)), **changes}


def _secret(**changes: object) -> dict[str, Any]:
    """The document of the plan with its variables' secret changed; None takes a key away."""
    document = _document()
    kept = {**document["secrets"][1], **changes}
    document["secrets"][1] = {key: value for key, value in kept.items() if value is not None}
    return document


def _keyed(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - of a store
    """Write a plan with a store of documents, in which these fields are otherwise."""
    store = {"name": "team", "provider": "sops", "settings": {}, "key_stores": []}
    return _document(stores=[_document()["stores"][0], {**store, **fields}])


def _signed(**changes: object) -> dict[str, Any]:
    """The document of the plan with its Vault store changed; None takes a key away."""
    document = _document()
    kept = {**document["stores"][1], **changes}
    document["stores"][1] = {key: value for key, value in kept.items() if value is not None}
    return document


def test_a_plan_survives_its_text() -> None:
    """What is written is read back equal, and one plan has one text."""
    text = codec.dump(PLAN)

    assert codec.load(text) == PLAN
    assert codec.dump(codec.load(text)) == text


def test_kubernetes_finds_nothing_to_expand() -> None:
    """A `$` in a template does not reach the environment variable as such."""
    text = codec.dump(PLAN)

    assert "$" not in text
    assert text.isascii()
    assert codec.load(text).secrets[0].template == "$(HOME) $$ {{ db }}"


def test_the_identity_that_signs_a_login_travels_with_its_store() -> None:
    """A Vault store has the AWS store that signs within itself; no other store has one."""
    app, acme = _document()["stores"]

    assert "signer" not in app
    assert acme["signer"] == {
        "name": "hub",
        "provider": "aws-secretsmanager",
        "settings": {"auth": "pod-identity", "region": "eu-west-1"},
    }


def test_defaults_are_left_out() -> None:
    """The text says only what differs, for it has a bound."""
    small = Plan((), (), ())

    assert json.loads(codec.dump(small)) == {
        "secrets": [],
        "stores": [],
        "volumes": [],
        "version": 1,
    }


def test_the_digest_follows_the_plan() -> None:
    """Any change of the plan changes the digest."""
    other = replace(PLAN, init_timeout=1.0)

    assert codec.digest(codec.dump(PLAN)) != codec.digest(codec.dump(other))


def test_a_plan_knows_its_stores() -> None:
    """A store is found by its name; one that only signs is a login, too."""
    assert PLAN.store("app") == STORE
    assert PLAN.logins == (STORE, VAULT, SIGNER)
    assert [secret.target for secret in PLAN.secrets] == ["conf.ini", "PGUSER, PGPASSWORD"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "no JSON object"),
        ({"version": 2}, "the plan has version 2, this injector reads version 1"),
        (_document(extra=1), "plan: unknown field `extra`"),
        ({"version": 1, "secrets": [], "stores": []}, "plan: `volumes` is missing"),
        (_document(secrets={}), "plan.secrets: a list is wanted"),
        (_document(secrets=["x"]), "plan.secrets[0]: an object is wanted"),
        (_document(volumes=[1]), "plan.volumes[0]: a text is wanted"),
        (_document(volumes=["../x"]), "cannot be part of a path"),
        (_document(init_timeout="2m"), "plan.init_timeout: a number of seconds"),
        (_document(init_timeout=-1), "plan.init_timeout: a number of seconds"),
        (_document(init_timeout=10**400), "plan.init_timeout: a number of seconds"),
        (_document(max_stale=True), "plan.max_stale: a number of seconds"),
        (_document(max_stale=float("nan")), "plan.max_stale: a number of seconds"),
        (_document(metrics_port=1.5), "plan.metrics_port: a whole number"),
        (_document(metrics_port=True), "plan.metrics_port: a whole number"),
        (_document(classic="yes"), "plan.classic: true or false"),
        (_document(delimiters=["[["]), "plan.delimiters: two delimiters"),
        (_document(delimiters=["", "]]"]), "plan.delimiters: two delimiters"),
        (_document(stores=["x"]), "a store has name, provider and settings"),
        (
            _document(stores=[{"name": "a", "provider": "x", "settings": {}}]),
            "plan.stores[0]: unknown provider",
        ),
        (
            _document(stores=[{"name": "a", "provider": "aws-ssm", "settings": []}]),
            "plan.stores[0]: unknown provider or malformed settings",
        ),
        (
            _document(stores=[{"name": "a", "provider": "aws-ssm", "settings": {"x": "y"}}]),
            "plan.stores[0]: unknown field 'x'",
        ),
        (
            _document(stores=[{"name": "a", "provider": "aws-ssm", "settings": {"region": "."}}]),
            "plan.stores[0]: `.` is not a region",
        ),
        (
            _document(stores=[{"name": "a", "provider": "aws-ssm", "settings": {}}] * 2),
            "plan.stores: a name is there twice",
        ),
        (
            _document(stores=[{"name": "a", "provider": [], "settings": {}}]),
            "plan.stores[0]: unknown provider",
        ),
        (_signed(signer=None), "plan.stores[1]: `signer` goes with a Vault store whose `auth` is"),
        (_signed(settings={"auth": "jwt"}), "plan.stores[1]: `signer` goes with a Vault store"),
        (
            _signed(provider="aws-ssm", settings={"region": "eu-west-1"}),
            "plan.stores[1]: `signer` goes with a Vault store",
        ),
        (_signed(signer="hub"), "plan.stores[1].signer: a store has name, provider and settings"),
        (
            _signed(signer={"name": "b", "provider": "vault", "settings": {}}),
            "plan.stores[1].signer: an AWS store is wanted",
        ),
        (
            _signed(signer=_document()["stores"][1]),
            "plan.stores[1].signer: a store has name, provider and settings",
        ),
        (
            _signed(signer={"name": "b", "provider": "aws-ssm", "settings": {"x": "y"}}),
            "plan.stores[1].signer: unknown field 'x'",
        ),
        (
            _keyed(provider="aws-ssm"),
            "plan.stores[1]: `key_stores` is a list, and goes with a store of documents only",
        ),
        (_keyed(key_stores="app"), "plan.stores[1]: `key_stores` is a list"),
        (_keyed(key_stores=["app"]), "plan.stores[1].key_stores: a store has name, provider"),
        (
            _keyed(key_stores=[{"name": "b", "provider": "sops", "settings": {}}]),
            "plan.stores[1].key_stores: a store of documents decrypts nothing",
        ),
        (_document(stores=[]), "plan.secrets[0]: the store `app` is not in the plan"),
        (_document(volumes=["syrette-secrets"]), "plan.secrets[1]: a volume is not in the plan"),
        (_secret(volumes=None), "plan.secrets[1]: a volume is not in the plan"),
        (_secret(kind="volume"), "plan.secrets[1]: unknown kind"),
        (_secret(format="toml"), "plan.secrets[1]: unknown kind or format"),
        (_secret(sources=[]), "plan.secrets[1]: unknown kind or format, or no source"),
        (_secret(sources=[{"name": "x", "reference": "x"}]), "names no store"),
        (_secret(on_change={"kind": "reboot"}), "plan.secrets[1].on_change: unknown kind"),
        (_secret(mode=0o4755), "plan.secrets[1].mode: not permission bits"),
        (_secret(path="x"), "plan.secrets[1].path: a path is for files"),
        (_secret(kind="file", path="../x", variables=None, containers=None), "`..` component"),
        (_secret(kind="file", variables=None, containers=None), "a path is for files"),
        (_secret(variables=None), "variables and containers are for `env`"),
        (_secret(kind="file", path="x"), "variables and containers are for `env`"),
        (_secret(containers=["a/b"]), "`a/b` cannot be part of a path"),
    ],
)
def test_anything_but_a_plan_of_this_version_is_refused(document: object, said: str) -> None:
    """The plan is input: unknown keys, wrong types and unsafe names are errors that say where."""
    with pytest.raises(InvalidPlanError) as caught:
        codec.load(json.dumps(document))

    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "1" * 10_000])
def test_text_that_is_no_document_is_refused(text: str) -> None:
    """Neither depth nor length of the text makes the reader fail in another way."""
    with pytest.raises(InvalidPlanError, match="no JSON"):
        codec.load(text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_value_in_a_field_is_read_or_refused(value: object) -> None:
    """No JSON value in the place of another makes the reader fail in another way."""
    for key in _document():
        try:
            codec.load(json.dumps(_document(**{key: value})))
        except InvalidPlanError:
            continue
