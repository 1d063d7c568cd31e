"""What the operator permits."""

from __future__ import annotations

import pytest

from tests.webhook.mutation.pods import ROLE, admit, context, denial, pod, warnings
from webhook import settings
from webhook.annotations.placeholders import Facts
from webhook.mutation.patterns import matches_any
from webhook.review import Allowed

FACTS = Facts("eu", "shop", "web", {"team": "pay", "odd": "a*b", "under": "a_b"})
ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf"

CLIENT = "66666666-7777-8888-9999-000000000000"
GCP = "gcp-secretmanager:projects/acme/secrets/a"
ALL = 'stores: {"*": ["**", "arn:**"]}, roles: ["**"]'


def rules(*texts: str, rest: str = "") -> settings.Settings:
    """Settings with these rules."""
    return settings.load(rest + "\npolicy:\n" + "\n".join(f"- {text}" for text in texts))


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("prod/db", "prod/db", True),
        ("prod/db", "prod/db2", False),
        ("prod/*", "prod/db", True),
        ("prod/*", "prod/", True),
        ("prod/*", "prod/a/b", False),
        ("prod/**", "prod/a/b", True),
        ("**", "anything/at/all", True),
        ("**", "", True),
        ("*", "a/b", False),
        ("**/db", "a/b/db", True),
        ("**/db", "db", False),
        ("**/a*b", "/ax/ab", True),
        ("a*b*c", "a1b2c", True),
        ("a*b*c", "a1b/2c", False),
        ("a*b*c", "a/b2c", False),
        ("a**b**c", "a/b/b/c", True),
        ("a**b**c", "a/b/d", False),
        ("a**b*c**d", "a/b/c/bxc/d", True),
        ("*ab", "aab", True),
        ("a.b", "axb", False),
        ("a+", "aa", False),
        ("/prod/{namespace}/*", "/prod/shop/x", True),
        ("/prod/{namespace}/*", "/prod/shop-b/x", False),
        ("{cluster}/{service-account}", "eu/web", True),
        ("{namespace.labels.team}/*", "pay/x", True),
        ("{namespace.labels.none}/*", "/x", False),
        ("{namespace.labels.odd}/x", "a*b/x", False),
        ("{namespace.labels.odd}/x", "aXb/x", False),
        ("{namespace.labels.under}_*", "a_b_c", False),
        ("arn:**", ARN, True),
        ("arn:aws:secretsmanager:*:111122223333:secret:prod/*", ARN, True),
        ("arn:aws:secretsmanager:*:444455556666:secret:**", ARN, False),
        ("a\nb", "a\nb", True),
        ("**", "a\nb", True),
    ],
)
def test_a_pattern_matches_what_it_says(pattern: str, text: str, matches: bool) -> None:  # noqa: FBT001 - a table
    """`*` stops at `/`, `**` does not, placeholders are literal."""
    assert matches_any((pattern,), text, FACTS) is matches


def test_no_pattern_matches_nothing() -> None:
    """An empty list of patterns permits nothing."""
    assert not matches_any((), "a", FACTS)
    assert not matches_any((), "", FACTS)


def test_a_pattern_does_not_explode() -> None:
    """A path made against a pattern with many stars is decided at once."""
    pattern = "**a*a*a*a*a*a*a*a**a*a*a*a*a*a*a*a**b*c"

    assert not matches_any((pattern,), "a" * 2000 + "!", FACTS)


def test_without_rules_a_pod_names_its_own_roles_and_paths() -> None:
    """An empty policy leaves paths, roles and actions to the pods."""
    document = pod(
        {
            "syrette.dev/file.db": ARN,
            "syrette.dev/aws.assume-role": "arn:aws:iam::444455556666:role/other",
            "syrette.dev/on-change": "http:POST http://127.0.0.1:1/",
        }
    )

    assert isinstance(admit(document), Allowed)


def test_the_first_matching_rule_decides() -> None:
    """A later rule that would allow is not asked, and the deciding one is named."""
    strict = "{name: shops, namespaces: [shop], allow: {stores: {aws-ssm: ['**']}}}"
    verdict = denial(pod(), settings=rules(strict, f"{{name: rest, allow: {{{ALL}}}}}"))

    assert verdict.reason == "policy-denied"
    assert "the rule `shops` does not permit the path `prod/db`" in verdict.message
    assert "it permits nothing" in verdict.message
    assert "rest" not in verdict.message


def test_rules_but_no_match_deny() -> None:
    """A namespace that no rule is for gets nothing."""
    elsewhere = f"{{name: a, namespaces: [other], allow: {{{ALL}}}}}"

    assert "no rule of the operator's policy is for the namespace `shop`" in (
        denial(pod(), settings=rules(elsewhere)).message
    )


@pytest.mark.parametrize(
    ("selector", "labels", "applies"),
    [
        ("[shop]", {}, True),
        ("[sh*]", {}, True),
        ("[s]", {}, False),
        ("{labels: {team: '*'}}", {"team": "pay"}, True),
        ("{labels: {team: '*'}}", {}, False),
        ("{labels: {team: pay, tier: gold}}", {"team": "pay"}, False),
        ("{names: [shop], labels: {team: pay}}", {"team": "pay"}, True),
        ("{names: [other], labels: {team: pay}}", {"team": "pay"}, False),
    ],
)
def test_a_rule_is_for_its_namespaces(
    selector: str,
    labels: dict[str, str],
    applies: bool,  # noqa: FBT001 - a table
) -> None:
    """Names are patterns, and every label must be there and match."""
    rule = f"{{name: a, namespaces: {selector}, allow: {{{ALL}}}}}"
    verdict = admit(pod(), context(namespace_labels=labels), rules(rule))

    assert isinstance(verdict, Allowed) is applies


def test_the_policy_sees_the_final_path() -> None:
    """A prefix is applied and escapes are undone before patterns are asked."""
    operator = "stores: {app: {provider: aws-secretsmanager, path-prefix: 'prod/{namespace}/'}}"
    rule = "{name: a, allow: {stores: {app: ['prod/shop/db?x']}, roles: ['**']}}"
    allowed = rules(rule, rest=operator)

    assert isinstance(admit(pod({"syrette.dev/file.db": "app:db%3Fx"}), settings=allowed), Allowed)
    assert "the path `prod/shop/other` of the store `app`" in (
        denial(pod({"syrette.dev/file.db": "app:other"}), settings=allowed).message
    )


@pytest.mark.parametrize(
    ("pattern", "reference", "allowed"),
    [
        ("/prod/*", "aws-ssm:/prod/", True),
        ("/prod/*", "aws-ssm:/prod/?recursive=false", True),
        ("/prod/*", "aws-ssm:/prod/?recursive=true", False),
        ("/prod/*/*", "aws-ssm:/prod/a/?recursive=true", False),
        ("/prod/", "aws-ssm:/prod/?recursive=true", False),
        ("/prod/**", "aws-ssm:/prod/?recursive=true", True),
        ("**", "aws-ssm:/prod/?recursive=true", True),
    ],
)
def test_a_recursive_read_needs_leave_for_what_is_below(
    pattern: str,
    reference: str,
    allowed: bool,  # noqa: FBT001 - a table
) -> None:
    """`*` stops at `/`: it does not permit what a recursive read would bring along."""
    rule = f"{{name: a, allow: {{stores: {{aws-ssm: ['{pattern}']}}, roles: ['**']}}}}"
    verdict = admit(pod({"syrette.dev/dir.a": reference}), settings=rules(rule))

    assert isinstance(verdict, Allowed) is allowed


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        ({}, f"the role `{ROLE}`"),
        (
            {"syrette.dev/aws.assume-role": "arn:aws:iam::444455556666:role/hop"},
            "the role `arn:aws:iam::444455556666:role/hop`",
        ),
        ({"syrette.dev/on-change": "http:POST http://127.0.0.1:1/"}, "`on-change: http`"),
    ],
)
def test_what_a_rule_leaves_out_is_denied(annotations: dict[str, str], said: str) -> None:
    """Each role of a chain and each kind of action needs the rule's leave."""
    rule = "{name: a, allow: {stores: {'*': ['**']}}}"
    document = pod({"syrette.dev/file.db": "aws-secretsmanager:db", **annotations})

    assert said in denial(document, settings=rules(rule)).message


@pytest.mark.parametrize(
    ("patterns", "allowed"),
    [("'**'", False), ("'*:aws:**'", False), ("'**', 'arn:aws:*:*:111122223333:**'", True)],
)
def test_an_arn_needs_a_pattern_for_arns(patterns: str, allowed: bool) -> None:  # noqa: FBT001 - a table
    """Patterns of names say nothing of ARNs, which name account and region too."""
    rule = f"{{name: a, allow: {{stores: {{'*': [{patterns}]}}, roles: ['**']}}}}"
    verdict = admit(pod({"syrette.dev/file.db": ARN}), settings=rules(rule))

    assert isinstance(verdict, Allowed) is allowed


def test_an_action_of_one_secret_is_checked() -> None:
    """`on-change` of an item in the long form needs leave like the pod's."""
    rule = "{name: a, allow: {stores: {'*': ['**']}, roles: ['**'], on-change: [signal]}}"
    item = "- {from: 'aws-ssm:/a', file: a, on-change: 'http:PUT http://localhost/'}"
    verdict = denial(pod({"syrette.dev/secrets": item}), settings=rules(rule))

    assert "syrette.dev/secrets line 1: the rule `a` does not permit `on-change: http`" in (
        verdict.message
    )


@pytest.mark.parametrize("policy", ["", "{name: a, allow: {stores: {'*': ['**']}}}"])
def test_ambient_credentials_need_leave(policy: str) -> None:
    """With and without rules, the SDK's own chain is refused unless a rule names it."""
    document = pod({"syrette.dev/file.a": "aws-ssm:/a", "syrette.dev/aws.auth": "ambient"})
    operator = rules(policy) if policy else settings.load("")
    leave = rules("{name: a, allow: {stores: {'*': ['**']}, ambient: true}}")

    assert "`ambient` credentials of the store `aws-ssm`" in (
        denial(document, settings=operator).message
    )
    assert isinstance(admit(document, settings=leave), Allowed)


def test_a_custom_audience_needs_leave() -> None:
    """An audience of the pod's own is refused, by the rule as well as by the operator's list."""
    stores = "a: {provider: aws-ssm, region: eu-west-1, audience: mine}"
    document = pod({"syrette.dev/file.a": "a:/x", "syrette.dev/stores": stores})
    listed = "allowed-audiences: [mine]"
    rule = f"{{name: a, allow: {{{ALL}}}}}"
    leave = f"{{name: a, allow: {{{ALL}, audiences: [mine]}}}}"

    assert "allowed-audiences" in denial(document, settings=settings.load("")).message
    assert isinstance(admit(document, settings=settings.load(listed)), Allowed)
    assert "the audience `mine`" in denial(document, settings=rules(rule, rest=listed)).message
    assert isinstance(admit(document, settings=rules(leave, rest=listed)), Allowed)


def test_an_audience_of_the_operators_store_needs_no_other_leave() -> None:
    """Without rules, a pod may name what the operator's own store of the family names."""
    operator = settings.load("stores: {app: {provider: aws-ssm, audience: acme}}")
    stores = "a: {provider: aws-ssm, region: eu-west-1, audience: acme}"
    document = pod({"syrette.dev/file.a": "a:/x", "syrette.dev/stores": stores})

    assert isinstance(admit(document, settings=operator), Allowed)


def test_a_role_that_stores_share_is_refused_once() -> None:
    """Secrets Manager and Parameter Store log in as one."""
    document = pod(
        {"syrette.dev/file.a": "aws-ssm:/a", "syrette.dev/file.b": "aws-secretsmanager:b"}
    )
    rule = "{name: a, allow: {stores: {'*': ['**']}}}"

    assert denial(document, settings=rules(rule)).message.count("the role") == 1


def test_a_rule_that_warns_admits() -> None:
    """`enforce: warn` admits and warns of what the rule will not permit."""
    rule = "{name: later, enforce: warn, allow: {}}"
    said = warnings(pod(), settings=rules(rule))

    assert any("rule `later` will not permit the path `prod/db`" in text for text in said)
    assert any("the role" in text for text in said)


def test_a_long_warning_is_cut() -> None:
    """The API server cuts warnings after 120 characters; ours end there by themselves."""
    document = pod({"syrette.dev/file.db": f"aws-ssm:/{'x' * 200}"})
    said = warnings(document, settings=rules("{name: later, enforce: warn, allow: {}}"))

    assert max(len(text) for text in said) == 120
    assert any(text.endswith("…") for text in said)


def test_a_warning_rule_does_not_soften_the_defaults() -> None:
    """Ambient credentials stay refused under a rule that only warns."""
    document = pod({"syrette.dev/file.a": "aws-ssm:/a", "syrette.dev/aws.auth": "ambient"})

    assert "ambient" in denial(document, settings=rules("{name: a, enforce: warn}")).message


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        (
            {"vault.address": "http://vault.acme.io", "file.a": "vault:secret/a"},
            "plain HTTP to the store `vault`",
        ),
        ({"vault.role": "shop_web", "file.a": "vault:secret/a"}, "the role `shop_web`"),
        (
            {"gcp.service-account": "x@acme.iam.gserviceaccount.com", "file.a": GCP},
            "the role `x@acme.iam.gserviceaccount.com`",
        ),
        (
            {"azure.client-id": CLIENT, "file.a": "azure-keyvault:acme-kv/secrets/a"},
            f"the role `{CLIENT}`",
        ),
    ],
)
def test_identities_of_every_provider_are_checked(annotations: dict[str, str], said: str) -> None:
    """Vault roles, Google accounts and Azure clients need leave like AWS roles."""
    document = pod({f"syrette.dev/{key}": value for key, value in annotations.items()})
    rule = "{name: a, allow: {stores: {'*': ['**']}}}"

    assert said in denial(document, settings=rules(rule)).message
