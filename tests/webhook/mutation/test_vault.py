"""Vault in the plan, in the pod's volumes and under the policy."""

from __future__ import annotations

import pytest

from injector.contract import names
from tests.webhook.mutation.pods import (
    ROLE,
    admit,
    context,
    denial,
    patched,
    plan_of,
    pod,
    warnings,
)
from webhook import settings
from webhook.mutation.pipeline import MAX_WARNING
from webhook.review import Allowed

ADDRESS = "https://vault.acme.io:8200"
DEFAULTS = f"""
defaults:
  vault.address: {ADDRESS}
  vault.role: "{{namespace}}_{{service-account}}"
allowed-addresses: ["{ADDRESS}"]
"""
OPERATOR = settings.load(DEFAULTS)
RULE = 'stores: {vault: ["secret/{namespace}/**"]}, vault-roles: ["{namespace}_*"]'
SIGNED = {"vault.auth": "aws"}


def _pod(path: str = "secret/shop/a", **annotations: str) -> dict[str, object]:
    """A pod with one file of Vault; `_` stands for `-` in names, `__` for a dot."""
    given = {key.replace("__", ".").replace("_", "-"): text for key, text in annotations.items()}
    asked = {} if any(key.startswith("file.") for key in given) else {"file.a": f"vault:{path}"}
    return pod({f"syrette.dev/{key}": text for key, text in {**asked, **given}.items()})


def _rules(*allow: str, rest: str = "") -> settings.Settings:
    permitted = ", ".join((RULE, *allow))
    return settings.load(f"{DEFAULTS}{rest}\npolicy: [{{name: shops, allow: {{{permitted}}}}}]")


def test_a_login_by_token_has_its_projected_token() -> None:
    """The audience's token is mounted where the injector looks for it, and the plan has no more."""
    result = patched(_pod(vault__audience="vault"), settings=OPERATOR)
    (store,) = plan_of(result).stores
    (volume,) = [it for it in result["spec"]["volumes"] if it["name"] == names.IDENTITY_VOLUME]

    assert dict(store.settings) == {
        "address": ADDRESS,
        "audience": "vault",
        "auth": "kubernetes",
        "auth-mount": "kubernetes",
        "role": "shop_web",
    }
    assert [it["serviceAccountToken"] for it in volume["projected"]["sources"]] == [
        {"audience": "vault", "expirationSeconds": 3600, "path": "vault"}
    ]


def test_a_login_that_is_signed_has_the_token_of_who_signs() -> None:
    """As if a secret were read from the AWS store, and it alone: Vault gets no token."""
    result = patched(_pod(vault__auth="aws", aws__path_prefix="prod/"), settings=OPERATOR)
    (store,) = plan_of(result).stores
    (volume,) = [it for it in result["spec"]["volumes"] if it["name"] == names.IDENTITY_VOLUME]

    assert store.signer is not None
    assert (store.signer.name, dict(store.signer.settings)) == (
        "aws-secretsmanager",
        {
            "audience": "sts.amazonaws.com",
            "auth": "web-identity",
            "region": "eu-west-1",
            "role-arn": ROLE,
        },
    )
    assert [it["serviceAccountToken"]["audience"] for it in volume["projected"]["sources"]] == [
        "sts.amazonaws.com"
    ]


def test_several_vaults_and_clouds_have_a_token_each() -> None:
    """One source an audience, whoever uses it."""
    stores = (
        "hub: {provider: vault, auth: aws, aws-store: pod}\n"
        "pod: {provider: aws-ssm, auth: pod-identity}"
    )
    document = _pod(file__a="vault:secret/a", file__b="hub:secret/b", stores=stores)
    result = patched(document, settings=OPERATOR)
    (volume,) = [it for it in result["spec"]["volumes"] if it["name"] == names.IDENTITY_VOLUME]

    assert [it["serviceAccountToken"]["audience"] for it in volume["projected"]["sources"]] == [
        "pods.eks.amazonaws.com",
        "vault",
    ]


def test_a_signed_login_is_injected_once() -> None:
    """A second pass finds its own plan, signer and all."""
    result = patched(_pod(vault__auth="aws"), settings=OPERATOR)

    assert patched(result, settings=OPERATOR) == result


def test_a_prefix_is_the_engine() -> None:
    """One chart serves stages by the store's prefix; the final path is in the plan."""
    document = _pod(path="app/web#password", vault__path_prefix="secret/prod/")
    plan = plan_of(patched(document, settings=OPERATOR))

    assert str(plan.secrets[0].sources[0].reference) == "vault:secret/prod/app/web#password"
    assert "path-prefix" not in plan.stores[0].settings


def test_a_version_of_a_secret_is_read_once() -> None:
    """What is pinned never changes, so that the pod needs no sidecar."""
    spec = patched(_pod(path="secret/a?version=3"), settings=OPERATOR)["spec"]

    assert [item["name"] for item in spec["initContainers"]] == [names.INIT_CONTAINER]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("secret/data/app", "`data/` if the engine `secret`"),
        ("secret/metadata/app", "`metadata/` if the engine `secret`"),
        ("team/kv/data/app?engine=team/kv", "`data/` if the engine `team/kv`"),
        ("secret/app/data", ""),
        ("secret/data", ""),
        ("secret/data/app?kv=1", ""),
        ("transit/data/x?data.a=b", ""),
    ],
)
def test_a_path_of_vaults_own_api_is_warned_of(path: str, told: str) -> None:
    """KV 2 has `data/` in requests and not in references, which many get wrong."""
    said = [text for text in warnings(_pod(path=path), settings=OPERATOR) if "leave out" in text]

    assert said == ([f"syrette.dev/file.a: leave out {told} is KV 2"] if told else [])
    assert all(len(text) <= MAX_WARNING for text in said)


def test_no_hint_where_the_store_says_kv_1() -> None:
    """There `data/` is part of the path."""
    said = warnings(_pod(path="secret/data/app", vault__kv="1"), settings=OPERATOR)

    assert not any("leave out" in text for text in said)


def test_what_a_rule_permits_is_admitted() -> None:
    """Role and path by namespace, at the operator's Vault: the usual rule needs no more."""
    assert isinstance(admit(_pod(), settings=_rules()), Allowed)


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        ({"vault.role": "pay_web"}, "the role `pay_web`"),
        ({"vault.role": "shop-b_web"}, "the role `shop-b_web`"),
        ({"vault.role": "SHOP_web"}, "the role `SHOP_web`"),
        ({"file.a": "vault:secret/pay/a"}, "the path `secret/pay/a`"),
        ({"file.a": "vault:secret/shop-b/a"}, "the path `secret/shop-b/a`"),
        ({"file.a": "vault:acme/secret/shop/a"}, "the path `acme/secret/shop/a`"),
        ({"file.a": "vault:secret/data/shop/a"}, "the path `secret/data/shop/a`"),
        ({"file.a": "vault:secret/shop%2Fa%2F..%2F..%2Fpay/a"}, "`..` segments are not allowed"),
        ({"file.a": "vault:secret/shop/%252e%252e/pay"}, "the path is escaped twice"),
        ({"file.a": "vault:secret/shop/a?engine=kv"}, "the engine `kv` is not the beginning"),
        ({"file.a": "vault:secret/shop/a?engine=sec"}, "the engine `sec` is not the beginning"),
        ({"vault.path-prefix": "secret/pay/../"}, "an empty, `.` or `..` segment"),
        ({"vault.path-prefix": "secret/pay/"}, "the path `secret/pay/secret/shop/a`"),
        ({"vault.namespace": "pay"}, "the Vault namespace `pay`"),
        ({"vault.auth-namespace": "pay"}, "the Vault namespace `pay`"),
        ({"vault.auth-mount": "kubernetes-pay"}, "the login mount `kubernetes-pay`"),
        ({"vault.auth": "jwt", "vault.auth-mount": "kubernetes"}, "the login mount `kubernetes`"),
        (SIGNED, f"the role `{ROLE}`"),
        (
            {**SIGNED, "aws.assume-role": "arn:aws:iam::444455556666:role/hop"},
            "the role `arn:aws:iam::444455556666:role/hop`",
        ),
        (
            {**SIGNED, "aws.role-arn": "", "aws.auth": "ambient"},
            "`ambient` credentials of the store `aws-secretsmanager`",
        ),
        (
            {
                **SIGNED,
                "vault.aws-store": "hub",
                "stores": f"hub: {{provider: aws-ssm, role-arn: '{ROLE}', audience: mine}}",
            },
            "the audience `mine`",
        ),
    ],
)
def test_what_a_rule_leaves_out_is_denied(annotations: dict[str, str], said: str) -> None:
    """No annotation of the pod leads to another role, namespace, mount, path or AWS identity."""
    given = {f"syrette.dev/{key}": text for key, text in annotations.items()}
    document = pod({"syrette.dev/file.a": "vault:secret/shop/a", **given})
    operator = _rules(rest="allowed-audiences: [mine]")

    assert said in denial(document, settings=operator).message


@pytest.mark.parametrize("place", ["namespace_annotations", "service_account_annotations"])
@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("vault.role", "pay_web", "the role `pay_web`"),
        ("vault.auth-namespace", "pay", "the Vault namespace `pay`"),
        ("vault.address", "https://vault.evil.example", "`allowed-addresses`"),
        ("vault.auth", "aws", f"the role `{ROLE}`"),
    ],
)
def test_no_farther_scope_widens_a_rule(place: str, key: str, text: str, said: str) -> None:
    """An editor of service accounts and namespaces is held to what a pod's author is."""
    given = {f"syrette.dev/{key}": text, "eks.amazonaws.com/role-arn": ROLE}
    around = context(
        **{"service_account_annotations": {"eks.amazonaws.com/role-arn": ROLE}, place: given}
    )

    assert said in denial(_pod(), around, _rules()).message


def test_a_store_of_the_pods_own_needs_leave_by_name() -> None:
    """Another name for the same Vault is another store to the policy."""
    document = _pod(file__a="mine:secret/shop/a", stores="mine: {provider: vault}")

    assert "the path `secret/shop/a` of the store `mine`" in (
        denial(document, settings=_rules()).message
    )


@pytest.mark.parametrize(
    ("store", "said"),
    [
        (f"address: '{ADDRESS}', role: pay_web", "the role `pay_web`"),
        (f"address: '{ADDRESS}/', role: shop_web, namespace: pay", "the Vault namespace `pay`"),
        (f"address: '{ADDRESS}', role: shop_web, auth-mount: eu", "the login mount `eu`"),
        ("address: 'https://vault.acme.io', role: shop_web", "`allowed-addresses`"),
        ("auth: aws, aws-store: hub", "the role `arn:aws:iam::444455556666:role/admin`"),
    ],
)
def test_a_store_of_the_pods_own_is_no_way_around(store: str, said: str) -> None:
    """The same Vault by another role, namespace, mount or signature is held to the same rule."""
    stores = (
        f"mine: {{provider: vault, {store}}}\n"
        "hub: {provider: aws-ssm, role-arn: 'arn:aws:iam::444455556666:role/admin'}"
    )
    document = _pod(file__a="mine:secret/shop/a", stores=stores)
    wide = RULE.replace("{vault:", "{mine: ['**'], vault:")
    operator = settings.load(f"{DEFAULTS}\npolicy: [{{name: shops, allow: {{{wide}}}}}]")

    assert said in denial(document, settings=operator).message


def test_a_namespace_of_reads_and_login_is_refused_once() -> None:
    """The login is where the reads are, unless somebody says otherwise."""
    stores = "mine:\n  provider: vault\n  namespace: pay\n"
    document = _pod(file__a="mine:secret/shop/a", stores=stores)
    message = denial(document, settings=_rules()).message

    assert message.count("the Vault namespace `pay`") == 1
    assert "syrette.dev/stores line 3: the rule `shops` does not permit the Vault" in message


def test_an_identity_that_a_rule_permits_signs() -> None:
    """The role of the signature is asked for among the roles of AWS, not of Vault."""
    document = _pod(vault__auth="aws")
    aws_only = "{name: a, allow: {stores: {'*': ['**']}, roles: ['**']}}"

    assert isinstance(admit(document, settings=_rules(f"roles: ['{ROLE}']")), Allowed)
    assert "the role `shop_web`" in (
        denial(document, settings=settings.load(f"{DEFAULTS}\npolicy: [{aws_only}]")).message
    )


@pytest.mark.parametrize(
    ("permitted", "namespace", "login", "said"),
    [
        ("acme/{namespace}", "acme/shop", None, ""),
        ("acme/{namespace}", "acme/shop", "acme", "the Vault namespace `acme`"),
        ("acme/{namespace}', 'acme", "acme/shop", "acme", ""),
        ("acme/{namespace}", "", None, "Vault's root namespace"),
        ("acme/{namespace}", "root", None, "the Vault namespace `root`"),
        ("acme/{namespace}", "acme/shop/child", None, "the Vault namespace `acme/shop/child`"),
        ("acme/{namespace}', 'root", "", None, ""),
        ("acme/{namespace}", "acme/shop", "root", "the Vault namespace `root`"),
    ],
)
def test_namespaces_are_permitted_by_pattern(
    permitted: str, namespace: str, login: str | None, said: str
) -> None:
    """Of reads and of logins; a pod that unsets the operator's one asks for the root."""
    given = {"vault__namespace": namespace}
    if login is not None:
        given["vault__auth_namespace"] = login
    operator = _rules(f"vault-namespaces: ['{permitted}']")
    verdict = admit(_pod(**given), settings=operator)

    assert isinstance(verdict, Allowed) is (not said)
    assert said in getattr(verdict, "message", "")


@pytest.mark.parametrize(
    ("defaults", "permitted", "mount", "said"),
    [
        ("kubernetes-eu", "", None, ""),
        ("kubernetes-eu", "", "kubernetes", ""),
        ("kubernetes-eu", "kubernetes-eu", "kubernetes", "the login mount `kubernetes`"),
        ("kubernetes-eu", "kubernetes-eu", "", "the login mount `kubernetes`"),
        ("kubernetes-eu", "kubernetes-eu", None, ""),
        ("kubernetes-eu", "shops/*", "shops/eu", ""),
        ("kubernetes-eu", "shops/*", None, "the login mount `kubernetes-eu`"),
    ],
)
def test_mounts_are_permitted_by_pattern(
    defaults: str, permitted: str, mount: str | None, said: str
) -> None:
    """A rule that names some permits these; one that names none, the operator's and the usual."""
    given = {"vault__auth_mount": mount} if mount is not None else {}
    allow = [f"vault-auth-mounts: ['{permitted}']"] if permitted else []
    text = DEFAULTS.replace("defaults:", f"defaults:\n  vault.auth-mount: {defaults}")
    rule = ", ".join((RULE, *allow))
    operator = settings.load(f"{text}\npolicy: [{{name: shops, allow: {{{rule}}}}}]")
    verdict = admit(_pod(**given), settings=operator)

    assert isinstance(verdict, Allowed) is (not said)
    assert said in getattr(verdict, "message", "")


def test_a_malformed_store_is_refused_for_that_alone() -> None:
    """What could not be read of a login is not said to be forbidden."""
    document = _pod(vault__timeout="2m")
    verdict = denial(document, settings=_rules("vault-auth-mounts: [kubernetes-eu]"))

    assert verdict.message == ("syrette: syrette.dev/vault.timeout: `2m` is not seconds, 1 to 60")


def test_a_rule_that_warns_tells_where_a_login_would_go() -> None:
    """`enforce: warn` counts namespaces and mounts like everything else."""
    rule = f"{{name: later, enforce: warn, allow: {{{RULE}}}}}"
    operator = settings.load(f"{DEFAULTS}\npolicy: [{rule}]")
    said = warnings(_pod(vault__namespace="pay", vault__auth_mount="eu"), settings=operator)

    assert "rule `later` will not permit the Vault namespace `pay`" in said
    assert "rule `later` will not permit the login mount `eu`" in said


@pytest.mark.parametrize(
    "reference", ["auth/token/create?data.policies=root", "auth/token/lookup-self#id"]
)
def test_nobody_asks_for_a_token(reference: str) -> None:
    """Neither for another one nor for the one of the login, whatever Vault would let them."""
    found = denial(_pod(file__a=f"vault:{reference}"), settings=OPERATOR)

    assert "is about tokens, which are Syrette's own matter" in found.message


def test_a_value_of_several_lines_is_told_in_one() -> None:
    """A person, or a program that takes the message line by line, reads where it stands."""
    found = denial(_pod(vault__namespace="a\nX-Vault-Token: b\x1b[31m"), settings=OPERATOR)

    assert found.message == (
        "syrette: syrette.dev/vault.namespace: `a\\nX-Vault-Token: b\\x1b[31m` is not a namespace "
        "such as acme/shop: no slash at its ends"
    )
