"""Which scope's word counts."""

from __future__ import annotations

import pytest

from tests.webhook.annotations.pods import ROLE, context, intent, reading, store
from webhook.annotations.intent import Scope
from webhook.settings import Settings

FILE = {"syrette.dev/file.a": "aws-ssm:/a"}
REGION = {"syrette.dev/aws.region": "eu-west-1"}
OTHER = "arn:aws:iam::111122223333:role/other"


def test_the_nearest_value_wins() -> None:
    """Operator < namespace < service account < pod, each over the one before."""
    settings = Settings(defaults={"refresh": "1m", "mode": "0400", "order": "last"})
    around = context(
        namespace={"syrette.dev/refresh": "2m", "syrette.dev/mode": "0440"},
        service_account={"syrette.dev/refresh": "3m"},
    )
    options = intent({**FILE, **REGION, "syrette.dev/refresh": "4m"}, around, settings).options
    nearer = intent({**FILE, **REGION}, around, settings).options

    assert (options.refresh, options.mode, options.order) == (240.0, 0o440, "last")
    assert nearer.refresh == 180.0
    assert {key: origin.key for key, origin in options.given.items()} == {
        "refresh": "syrette.dev/refresh",
        "mode": "syrette.dev/mode (namespace shop)",
        "order": "defaults.order",
    }


def test_an_empty_value_unsets_what_stands_farther_away() -> None:
    """`""` is the default again; of resources, it is none at all."""
    settings = Settings(defaults={"refresh": "1m", "cpu-limit": "1"})
    options = intent(
        {**FILE, **REGION, "syrette.dev/refresh": "", "syrette.dev/cpu-limit": ""},
        settings=settings,
    ).options

    assert (options.refresh, options.cpu_limit, options.cpu_request) == (900.0, "", None)
    assert "refresh" not in options.given


def test_an_empty_value_unsets_a_role_and_the_stores() -> None:
    """A pod can take itself out of what its surroundings say."""
    around = context(
        namespace={"syrette.dev/stores": "{app: {provider: aws-ssm}}"},
        service_account={"eks.amazonaws.com/role-arn": ROLE},
    )
    found = store({**FILE, **REGION, "syrette.dev/aws.role-arn": ""}, around)
    _, problems = reading({"syrette.dev/file.a": "app:/x", "syrette.dev/stores": ""}, around)

    assert found.text("auth") == "pod-identity"
    assert "no store `app`" in str(problems.found[0])


def test_a_nearer_store_replaces_the_farther_one_whole() -> None:
    """Never field by field: what the nearer one does not say is not said."""
    far = "{app: {provider: aws-ssm, region: eu-west-1, path-prefix: /far/}}"
    near = "{app: {provider: aws-secretsmanager, region: us-east-1}}"
    around = context({"syrette.dev/stores": far}, {"syrette.dev/stores": near})
    found = store({"syrette.dev/file.a": "app:x"}, around)

    assert (found.provider, found.text("region")) == ("aws-secretsmanager", "us-east-1")
    assert found.text("path-prefix") == ""


def test_a_named_store_takes_where_and_who_but_never_a_chain_or_a_prefix() -> None:
    """The family's region and login hold for named stores; roles to assume do not."""
    around = context(service_account={"eks.amazonaws.com/role-arn": ROLE})
    found = store(
        {
            **REGION,
            "syrette.dev/aws.assume-role": OTHER,
            "syrette.dev/aws.external-id": "acme",
            "syrette.dev/aws.path-prefix": "/mine/",
            "syrette.dev/aws.failover-region": "eu-central-1",
            "syrette.dev/stores": "{app: {provider: aws-ssm}}",
            "syrette.dev/file.a": "app:/x",
        },
        around,
    )

    assert dict(found.settings) == {
        "region": "eu-west-1",
        "failover-region": "eu-central-1",
        "auth": "web-identity",
        "role-arn": ROLE,
        "audience": "sts.amazonaws.com",
    }


def test_a_store_with_its_own_region_or_role_stands_alone_in_it() -> None:
    """A failover region belongs to its region, a way to log in to its role."""
    found = store(
        {
            **REGION,
            "syrette.dev/aws.auth": "pod-identity",
            "syrette.dev/aws.failover-region": "eu-central-1",
            "syrette.dev/stores": f"{{app: {{provider: aws-ssm, region: us-east-1, "
            f"role-arn: '{OTHER}'}}}}",
            "syrette.dev/file.a": "app:/x",
        }
    )

    assert found.text("failover-region") == ""
    assert (found.text("auth"), found.text("role-arn")) == ("web-identity", OTHER)


def test_the_operators_store_is_filled_from_its_defaults() -> None:
    """A store of the operator has the operator's region and the pod's placeholders."""
    settings = Settings(
        cluster="prod-eu",
        defaults={"aws.region": "eu-west-1"},
        stores={
            "app": {
                "provider": "aws-ssm",
                "path-prefix": "/{cluster}/{namespace.labels.team}/",
                "session-tags": {"team": "{namespace.labels.team}"},
                "assume-role": [{"role-arn": "arn:aws:iam::111122223333:role/{namespace}/app"}],
                "transitive-tags": ["team"],
            }
        },
    )
    found = intent({"syrette.dev/file.a": "app:x"}, context(labels={"team": "payments"}), settings)
    configured = found.stores["app"]

    assert configured.store.text("path-prefix") == "/prod-eu/payments/"
    assert configured.store.pairs("session-tags") == (("team", "payments"),)
    assert configured.store.hops()[0].role_arn == "arn:aws:iam::111122223333:role/shop/app"
    assert configured.scope is Scope.OPERATOR
    assert set(configured.field_scopes.values()) == {Scope.OPERATOR}


def test_lists_in_one_text_are_filled_part_by_part() -> None:
    """A comma bounds a placeholder, since the parts are separate values."""
    settings = Settings(
        defaults={
            "aws.region": "eu-west-1",
            "aws.assume-role": "arn:aws:iam::111122223333:role/{namespace},"
            "arn:aws:iam::111122223333:role/{service-account}",
            "aws.session-tags": "space={namespace},owner={service-account}",
        }
    )
    found = store(FILE, settings=settings)

    assert [hop.role_arn.rpartition("/")[2] for hop in found.hops()] == ["shop", "web"]
    assert found.pairs("session-tags") == (("owner", "web"), ("space", "shop"))


def test_a_pods_braces_are_braces() -> None:
    """Placeholders are for the operator and for namespaces."""
    text = "- {from: {a: aws-ssm:/a}, file: '{namespace}', template: '{{ a }}'}"
    around = context(service_account={"syrette.dev/aws.path-prefix": "/{namespace}/"})
    pod = {**REGION, "syrette.dev/secrets": text, "syrette.dev/mount-path": "/{namespace}"}
    found = intent(pod, around)

    assert (found.secrets[0].path, found.options.mount_path) == ("{namespace}", "/{namespace}")
    assert found.stores["aws-ssm"].store.text("path-prefix") == "/{namespace}/"


@pytest.mark.parametrize(
    ("around", "wanted"),
    [
        ({}, ("pod-identity", "", "pods.eks.amazonaws.com")),
        ({"eks.amazonaws.com/role-arn": ROLE}, ("web-identity", ROLE, "sts.amazonaws.com")),
        (
            {"eks.amazonaws.com/role-arn": ROLE, "syrette.dev/aws.role-arn": OTHER},
            ("web-identity", OTHER, "sts.amazonaws.com"),
        ),
        (
            {
                "eks.amazonaws.com/role-arn": ROLE,
                "eks.amazonaws.com/audience": "sts.amazonaws.com.cn",
            },
            ("web-identity", ROLE, "sts.amazonaws.com.cn"),
        ),
        (
            {"eks.amazonaws.com/role-arn": ROLE, "syrette.dev/aws.auth": "pod-identity"},
            ("pod-identity", "", "pods.eks.amazonaws.com"),
        ),
        (
            {"eks.amazonaws.com/audience": "sts.amazonaws.com.cn"},
            ("pod-identity", "", "pods.eks.amazonaws.com"),
        ),
        (
            {"eks.amazonaws.com/role-arn": ROLE, "syrette.dev/aws.auth": "ambient"},
            ("ambient", "", ""),
        ),
    ],
)
def test_who_the_pod_is_is_decided_here(
    around: dict[str, str], wanted: tuple[str, str, str]
) -> None:
    """A known role means web identity, none Pod Identity; the plan says which, and for whom."""
    found = store({**FILE, **REGION}, context(service_account=around))

    assert (found.text("auth"), found.text("role-arn"), found.text("audience")) == wanted


def test_annotations_of_other_platforms_beat_the_operators_defaults_only() -> None:
    """A `syrette.dev/` annotation wins over them wherever it stands."""
    settings = Settings(defaults={"aws.role-arn": OTHER, "token-expiration": "7200"})
    eks = {"eks.amazonaws.com/role-arn": ROLE, "eks.amazonaws.com/token-expiration": "86400"}
    space = {"syrette.dev/token-expiration": "900"}
    far = intent({**FILE, **REGION}, context(service_account=eks), settings)
    near = intent({**FILE, **REGION}, context(space, eks), settings)
    pod = intent(
        {**FILE, **REGION, "eks.amazonaws.com/token-expiration": "1200"},
        context(service_account=eks),
        settings,
    )

    assert far.stores["aws-ssm"].store.text("role-arn") == ROLE
    assert far.options.token_expiration == 86400
    assert (near.options.token_expiration, pod.options.token_expiration) == (900, 1200)


def test_the_operators_endpoints_are_in_the_store() -> None:
    """A store's own endpoint wins over the operator's for all."""
    settings = Settings(
        defaults={"aws.region": "eu-west-1"},
        endpoints={"aws.sts": "https://sts.acme.io", "aws.ssm": "https://ssm.acme.io"},
        stores={"app": {"provider": "aws-ssm", "endpoints": {"ssm": "https://own.acme.io"}}},
    )
    found = intent({**FILE, "syrette.dev/file.b": "app:b"}, settings=settings)

    assert found.stores["aws-ssm"].store.pairs("endpoints") == (
        ("ssm", "https://ssm.acme.io"),
        ("sts", "https://sts.acme.io"),
    )
    assert found.stores["app"].store.pairs("endpoints") == (
        ("ssm", "https://own.acme.io"),
        ("sts", "https://sts.acme.io"),
    )


def test_what_the_operator_allows_is_allowed() -> None:
    """Addresses and audiences on the lists may be named by a pod."""
    settings = Settings(
        allowed_addresses=("https://*.vpce.acme.io",),
        allowed_audiences=("acme",),
        stores={"app": {"provider": "aws-ssm", "audience": "of-a-store"}},
    )
    stores = (
        "{one: {provider: aws-ssm, region: eu-west-1, audience: %s, "
        f"role-arn: '{ROLE}', endpoints: {{sts: 'https://sts.vpce.acme.io/x'}}}}}}"
    )
    for audience in ("acme", "of-a-store"):
        found = store(
            {"syrette.dev/stores": stores % audience, "syrette.dev/file.a": "one:/a"},
            settings=settings,
        )

        assert found.text("audience") == audience
        assert found.pairs("endpoints") == (("sts", "https://sts.vpce.acme.io/x"),)


def test_a_session_policy_narrows_web_identity_without_a_chain() -> None:
    """AssumeRoleWithWebIdentity takes a session policy, so it needs no role to assume."""
    text = f"{{app: {{provider: aws-ssm, region: eu-west-1, role-arn: '{ROLE}', "
    found = store(
        {
            "syrette.dev/stores": text + 'session-policy: \'{"Version": "2012-10-17"}\'}}',
            "syrette.dev/file.a": "app:/a",
        }
    )

    assert found.text("session-policy") == '{"Version": "2012-10-17"}'


def test_options_that_cannot_act_are_warned_of() -> None:
    """A spread without restarts, and a change that is never looked for, do nothing."""
    _, problems = reading(
        {
            **FILE,
            **REGION,
            "syrette.dev/restart-spread": "1m",
            "syrette.dev/refresh": "never",
            "syrette.dev/on-change": "signal:SIGHUP:app",
        }
    )

    assert problems.found == []
    assert problems.warnings == [
        "syrette.dev/restart-spread is for `on-change: restart` and unused",
        "syrette.dev/on-change never happens with `refresh: never`",
    ]
