"""The operator's document to settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.contract.plan import Proxy
from tests.house.source import ROOT
from tests.webhook.annotations.test_parsers import PEM
from webhook import settings
from webhook.errors import SettingsError
from webhook.settings import Allow, InjectorSettings, NamespaceSelector, Rule, Settings

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
cluster: prod-eu
defaults:
  aws.region: eu-west-1
  aws.role-arn: "arn:aws:iam::111122223333:role/{namespace}/web"
  vault.role: "{namespace}_{service-account}"
  mount-path: "/secrets/{cluster}"
  refresh: 30m
  cpu-limit: ""
stores:
  app: {provider: aws-secretsmanager, path-prefix: "prod/{namespace.labels.team}/"}
  billing:
    provider: aws-ssm
    assume-role: [{role-arn: "arn:aws:iam::111122223333:role/x", external-id: acme}]
    endpoints: {ssm: https://ssm.acme.io}
endpoints: {aws.sts: https://sts.acme.io}
allowed-addresses: ["https://*.acme.io:8200"]
allowed-audiences: [acme]
ignored-containers: [istio-proxy]
env-files: always
sops-keys: ["arn:aws:kms:eu-west-1:111122223333:key/*"]
proxy: {https: "http://proxy.acme.io:3128", no-proxy: [.acme.io, 10.0.0.0/8]}
audit-references: false
injector:
  image: acme/syrette@sha256:0000000000000000000000000000000000000000000000000000000000000000
  pull-policy: Always
  pull-secret: registry
  uid: 1000
  memory-limit: 256Mi
  cpu-limit: ""
policy:
  - {name: platform, namespaces: [platform, infra-*], allow: {stores: {"*": ["**"]}, ambient: true}}
  - name: teams
    namespaces: {labels: {team: "*"}, names: [team-*]}
    enforce: warn
    allow:
      stores: {app: ["**"], aws-ssm: ["/prod/{namespace.labels.team}/**"]}
      roles: ["arn:aws:iam::111122223333:role/{namespace.labels.team}/*"]
      vault-roles: ["{namespace}_*"]
      on-change: [signal, restart]
      audiences: [acme]
      http: true
  - {name: rest}
"""


def _problems(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings.load(text)
    return caught.value.problems


def test_the_whole_document_is_read() -> None:
    """Every key of the design arrives in its field."""
    found = settings.load(f"{WHOLE}ca-bundle: |\n  {PEM.replace(chr(10), chr(10) + '  ')}\n")

    assert (found.cluster, found.endpoints) == ("prod-eu", {"aws.sts": "https://sts.acme.io"})
    assert found.defaults["mount-path"] == "/secrets/{cluster}"
    assert found.stores["app"] == {
        "provider": "aws-secretsmanager",
        "path-prefix": "prod/{namespace.labels.team}/",
    }
    assert found.ca_bundle == PEM
    assert found.allowed_addresses == ("https://*.acme.io:8200",)
    assert (found.allowed_audiences, found.ignored_containers) == (("acme",), ("istio-proxy",))
    assert (found.env_files, found.audit_references) == ("always", False)
    assert found.sops_keys == ("arn:aws:kms:eu-west-1:111122223333:key/*",)
    assert found.proxy == Proxy("http://proxy.acme.io:3128", (".acme.io", "10.0.0.0/8"))
    assert found.injector == InjectorSettings(
        "acme/syrette@sha256:" + "0" * 64,
        "Always",
        "registry",
        1000,
        memory_limit="256Mi",
        cpu_limit="",
    )


def test_the_policy_is_read_in_its_order() -> None:
    """The first rule that matches decides, so order and emptiness are kept."""
    assert settings.load(WHOLE).policy == (
        Rule(
            "platform",
            NamespaceSelector(("platform", "infra-*")),
            Allow(stores={"*": ("**",)}, ambient=True),
        ),
        Rule(
            "teams",
            NamespaceSelector(("team-*",), {"team": "*"}),
            Allow(
                stores={"app": ("**",), "aws-ssm": ("/prod/{namespace.labels.team}/**",)},
                roles=("arn:aws:iam::111122223333:role/{namespace.labels.team}/*",),
                vault_roles=("{namespace}_*",),
                on_change=("signal", "restart"),
                audiences=("acme",),
                http=True,
            ),
            "warn",
        ),
        Rule("rest", NamespaceSelector(), Allow()),
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "policy:\nstores:\ncluster:\nproxy: ~"])
def test_everything_is_optional(text: str) -> None:
    """An empty document, or one with empty keys, is the defaults."""
    assert settings.load(text) == Settings()


def test_the_example_is_right() -> None:
    """The file that people copy loads."""
    found = settings.read(ROOT / "examples" / "operator.yaml", {})

    assert found.cluster == "prod-eu"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clustr: x", ["line 1: clustr: unknown key; did you mean `cluster`?"]),
        ("cluster: [x]", ["line 1: cluster: wants a text, and is a list"]),
        ("cluster: a b", ["line 1: cluster: `a b` is not a name such as prod-eu"]),
        ("- x", ["line 1: wants a mapping of settings, and is a list"]),
        ("a: [}", ["line 1: not YAML…"]),
        ("defaults: [x]", ["line 1: defaults: wants a mapping, and is a list"]),
        (
            "defaults:\n  refesh: 1m\n  mode: '0777'\n  aws.region: eu.west\n",
            [
                "line 2: defaults.refesh: unknown key; did you mean `refresh`?",
                "line 3: defaults.mode: `0777` is not a mode that somebody…",
                "line 4: defaults.aws.region: `eu.west` is not a region such as eu-west-1",
            ],
        ),
        (
            "defaults: {file.a: x, secrets: x, aws.audience: x}",
            [
                "line 1: defaults.file.a: unknown key",
                "line 1: defaults.secrets: unknown key",
                "line 1: defaults.aws.audience: unknown key; did you mean `vault.audience`?",
            ],
        ),
        (
            "defaults: {vault.role: '{namespace}-x', log-level: '{namspace}'}",
            [
                "line 1: defaults.vault.role: `{namespace}` must stand between…",
                "line 1: defaults.log-level: unknown placeholder `{namspace}`; did you mean…",
            ],
        ),
        (
            "defaults: {mount-path: '/{cluster}', aws.path-prefix: '{cluster}/'}",
            [
                "line 1: defaults.mount-path: `{cluster}` needs the setting `cluster`",
                "line 1: defaults.aws.path-prefix: `{cluster}` needs the setting `cluster`",
            ],
        ),
        (
            "stores: {vault: {provider: vault}, App: {}, a: {provider: aws-sms}, b: {}, c: x}",
            [
                "line 1: stores.vault: is a built-in store; configure it with `defaults`…",
                "line 1: stores.App: is no store name…",
                "line 1: stores.a.provider: unknown provider `aws-sms`; did you mean `aws-ssm`?",
                "line 1: stores.b.provider: is missing; there are aws-secretsmanager…",
                "line 1: stores.c: wants a mapping, and is a text",
                "line 1: stores.c.provider: is missing…",
            ],
        ),
        (
            (
                "stores:\n  a:\n    provider: aws-ssm\n    rgion: x\n    region: '{cluster}'\n"
                "    ca-bundle: x\n    audience: https://kubernetes.default.svc\n"
                "    endpoints: {s3: https://a.b}\n"
            ),
            [
                "line 4: stores.a.rgion: unknown key; did you mean `region`?",
                "line 5: stores.a.region: `{cluster}` has no value here",
                "line 6: stores.a.ca-bundle: wants PEM certificates…",
                "line 7: stores.a.audience: `https://kubernetes.default.svc` is the API server's…",
                "line 8: stores.a.endpoints: no service `s3`; there are sts…",
            ],
        ),
        (
            "endpoints: {aws.stss: 'https://a.b', aws.sts: 'http://a.b'}",
            [
                "line 1: endpoints.aws.stss: unknown key; did you mean `aws.sts`?",
                "line 1: endpoints.aws.sts: `http://a.b`: secrets and tokens travel by https only",
            ],
        ),
        (
            "allowed-addresses: ['http://a.b', [x]]",
            [
                "line 1: allowed-addresses: `http://a.b` is not an address…",
                "line 1: allowed-addresses: wants a text, and is a list",
            ],
        ),
        ("allowed-audiences: x", ["line 1: allowed-audiences: wants a list, and is a text"]),
        ("env-files: yes", ["line 1: env-files: `yes` is not one of auto, always, never"]),
        ("audit-references: yes", ['line 1: audit-references: `yes` is not "true" or "false"']),
        (
            "proxy: {https: 'http://u:p@proxy', no-proxy: [a b], http: x}",
            [
                "line 1: proxy.http: unknown key; did you mean `https`?",
                "line 1: proxy.https: a proxy has scheme, host and port only…",
                "line 1: proxy.no-proxy: `a b` is not a host, a domain or a network",
            ],
        ),
        ("proxy: {https: proxy}", ["line 1: proxy.https: `proxy` is not a proxy such as…"]),
        ("proxy: {https: 'http://[x'}", ["line 1: proxy.https: `http://[x` is not a proxy…"]),
        (
            "injector: {image: a b, pull-policy: always, uid: 0, memory-limit: x, pull-secret: A}",
            [
                "line 1: injector.memory-limit: `x` is not a quantity…",
                "line 1: injector.image: `a b` is not an image",
                "line 1: injector.pull-policy: `always` is not one of Always…",
                "line 1: injector.pull-secret: `A` is not a Secret's name",
                "line 1: injector.uid: `0` is not a whole number from 1 to 2147483647",
            ],
        ),
        ("policy: x", ["line 1: policy: wants a list, and is a text"]),
        ("policy: [x]", ["line 1: policy[0]: wants a mapping"]),
        (
            "policy:\n- {nmae: a, enforce: dney}\n- {name: a}\n- {name: a}\n",
            [
                "line 2: policy[0].nmae: unknown key; did you mean `name`?",
                "line 2: policy[0].name: is missing; denials name the rule",
                "line 2: policy[0].enforce: `dney` is not one of deny, warn",
                "line 4: policy[2].name: two rules are called `a`",
            ],
        ),
        (
            (
                "policy:\n- {name: '-', namespaces: []}\n- {name: a, namespaces: {}}\n"
                "- {name: b, namespaces: x}\n"
                "- {name: c, namespaces: {labls: {}, labels: {'-': x, a: 'b c'}, names: [X]}}\n"
            ),
            [
                "line 2: policy[0].name: `-` is not a name of letters…",
                "line 2: policy[0].namespaces: names none; leave it out to mean all",
                "line 3: policy[1].namespaces: selects nothing; leave it out to mean all",
                "line 4: policy[2].namespaces: wants a list, and is a text",
                "line 5: policy[3].namespaces.labls: unknown key; did you mean `labels`?",
                "line 5: policy[3].namespaces.labels.-: is no label's key",
                "line 5: policy[3].namespaces.labels.a: `b c` is not a label's value…",
                "line 5: policy[3].namespaces.names: `X` is not a namespace's name…",
            ],
        ),
        (
            (
                "policy:\n- name: a\n  allow:\n    store: {}\n"
                "    stores: {A: [], b: ['{cluster}*']}\n"
                "    roles: ['', 'a b', 'a***', 'a/../b']\n    on-change: [reload]\n"
                "    audiences: [kubernetes]\n    ambient: yes\n"
            ),
            [
                "line 4: policy[0].allow.store: unknown key; did you mean `stores`?",
                "line 5: policy[0].allow.stores.A: is no store name, nor `*`",
                "line 5: policy[0].allow.stores.b: `{cluster}` must stand between…",
                "line 6: policy[0].allow.roles: `` is not a pattern…",
                "line 6: policy[0].allow.roles: `a b` is not a pattern…",
                "line 6: policy[0].allow.roles: `a***`: `*` stops at `/`…",
                "line 6: policy[0].allow.roles: `a/../b`: `.` and `..` never match…",
                "line 7: policy[0].allow.on-change: `reload` is not one of signal…",
                "line 8: policy[0].allow.audiences: `kubernetes` is the API server's own…",
                'line 9: policy[0].allow.ambient: `yes` is not "true" or "false"',
            ],
        ),
        (
            "policy: [{name: a, allow: {stores: [app]}}]",
            ['line 1: policy[0].allow.stores: wants a mapping such as {app: ["**"]}'],
        ),
        ("x: " + "y" * 1024 * 1024, ["line 1: larger than 1024 KiB"]),
    ],
)
def test_everything_wrong_is_told_with_its_line(text: str, said: list[str]) -> None:
    """Unknown keys and wrong values are errors, all at once, in the order of the lines."""
    found = _problems(text)

    assert [
        problem[: len(start) - 1] + "…" if start.endswith("…") else problem
        for problem, start in zip(found, said, strict=False)
    ] == said
    assert len(found) == len(said)


def test_the_file_and_the_environment_are_read_at_the_door(tmp_path: Path) -> None:
    """Our own namespace comes from the downward API, everything else from the file."""
    path = tmp_path / "config.yaml"
    path.write_text("cluster: test", encoding="utf-8")
    found = settings.read(path, {"SYRETTE_NAMESPACE": "injection"})

    assert (found.cluster, found.own_namespace) == ("test", "injection")
    assert settings.read(None, {}) == Settings()


def test_a_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    """Missing, not text, or with problems: each line says which file."""
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xff")
    for file, said in ((path, "not UTF-8 text"), (tmp_path / "none", "No such file")):
        with pytest.raises(SettingsError, match=said) as caught:
            settings.read(file, {})

        assert caught.value.problems[0].startswith(f"{file}: ")
    path.write_text("clustr: x", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"line 1: clustr") as caught:
        settings.read(path, {})

    assert caught.value.problems[0].startswith(f"{path}: line 1: ")


@given(
    st.text(max_size=80)
    | st.text(alphabet="[]{}:,- \n\"'|&*abcluster", max_size=200)
    | st.recursive(
        st.sampled_from([*settings.KEYS, "x", "{namespace}", "*", ""]),
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
            | st.dictionaries(st.sampled_from(list(settings.KEYS)), inner, max_size=3).map(
                lambda items: "{" + ", ".join(f"{key}: {item}" for key, item in items.items()) + "}"
            )
        ),
        max_leaves=8,
    )
)
def test_any_text_is_settings_or_an_error_of_ours(text: str) -> None:
    """The reader is total."""
    try:
        found = settings.load(text)
    except SettingsError as exc:
        assert exc.problems != []  # noqa: PT017 - the error is one of two good ends
    else:
        assert isinstance(found, Settings)
