"""SOPS documents in the plan, in the pod's volumes and under the policy."""

from __future__ import annotations

from typing import Any

import pytest

from injector.contract import codec, names
from tests.webhook.mutation.pods import denial, patched, plan_of, pod, warnings
from webhook import settings

ROLE = "arn:aws:iam::111122223333:role/web"
AGE = {"sops.age-key-secret": "sops-age"}
AWS = {"aws.region": "eu-west-1", "aws.role-arn": ROLE}
REFERENCE = "sops:configmap/app/secrets.yaml"


def _pod(reference: str = REFERENCE, /, **options: str) -> dict[str, Any]:
    return _asking(reference, AGE | options)


def _asking(reference: str, options: dict[str, str]) -> dict[str, Any]:
    given = {f"syrette.dev/{key}": text for key, text in options.items()}
    return pod({"syrette.dev/file.a": reference, **given})


def _volume(result: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = [it for it in result["spec"]["volumes"] if it["name"] == name]
    return [source for volume in found for source in volume["projected"]["sources"]]


def _mounts(result: dict[str, Any], container: str) -> list[dict[str, Any]]:
    everyone = [*result["spec"].get("initContainers", []), *result["spec"]["containers"]]
    return next(it["volumeMounts"] for it in everyone if it["name"] == container)


def test_config_map_and_identity_are_optional_sources_of_one_volume() -> None:
    """So that a pod starts without them, and init can say which is missing."""
    result = patched(_pod())

    assert _volume(result, names.DOCUMENTS_VOLUME) == [
        {
            "secret": {
                "name": "sops-age",
                "items": [{"key": "age.agekey", "path": "secret/sops-age/age.agekey"}],
                "optional": True,
            }
        },
        {
            "configMap": {
                "name": "app",
                "items": [{"key": "secrets.yaml", "path": "configmap/app/secrets.yaml"}],
                "optional": True,
            }
        },
    ]
    assert names.DOCUMENTS_VOLUME not in str(
        _mounts(result, result["spec"]["containers"][-1]["name"])
    )


def test_a_volume_of_the_pod_is_mounted_read_only_in_our_containers() -> None:
    """Where the document is; the application's own mount of it stays as it is."""
    document = _pod("sops:volume/config/secrets.yaml")
    document["spec"]["volumes"] = [{"name": "config", "configMap": {"name": "app-7f5c9"}}]
    result = patched(document)
    mount = {"name": "config", "mountPath": "/run/syrette/volumes/config", "readOnly": True}

    assert mount in _mounts(result, names.INIT_CONTAINER)
    assert mount in _mounts(result, names.SIDECAR_CONTAINER)
    assert patched(result) == result


def test_stores_for_which_there_is_a_login_decrypt() -> None:
    """AWS has a region here, Vault has no role: a token for it would be of no use."""
    result = patched(_asking(REFERENCE, AGE | AWS))
    (store,) = plan_of(result).stores

    assert [(it.name, it.text("auth")) for it in store.key_stores] == [
        ("aws-secretsmanager", "web-identity")
    ]
    assert [
        it["serviceAccountToken"]["audience"] for it in _volume(result, "syrette-identity")
    ] == ["sts.amazonaws.com"]
    assert codec.load(codec.dump(plan_of(result))) == plan_of(result)


def test_only_those_that_are_named_decrypt() -> None:
    """A named store, too, and none beside it."""
    stores = (
        "keys: {provider: azure-keyvault, tenant-id: 11111111-2222-3333-4444-555555555555, "
        "client-id: 66666666-7777-8888-9999-000000000000}"
    )
    named = AGE | AWS | {"sops.key-stores": "keys", "stores": stores}
    (store,) = plan_of(patched(_asking(REFERENCE, named))).stores

    assert [it.name for it in store.key_stores] == ["keys"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("aws-secretmanager", "no store `aws-secretmanager`; did you mean `aws-secretsmanager`?"),
        ("sops", "`sops` is a store of documents, and no login decrypts there"),
        ("vault", "the login of `vault` needs `role`, which nobody gives"),
        ("azure-keyvault", "the login of `azure-keyvault` needs `tenant-id`"),
        ("gcp-secretmanager", "needs `workload-identity-provider`, which nobody gives"),
    ],
)
def test_a_store_that_cannot_decrypt_is_refused_where_it_is_named(given: str, said: str) -> None:
    """With what is missing."""
    assert said in denial(_pod(REFERENCE, **{"sops.key-stores": given})).message


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("app", "names no document"),
        ("configmap/app", "names no document"),
        ("configmap/app/", "names no document"),
        ("secret/app/a.yaml", "names no document"),
        ("configmap/App/a.yaml", "is no name of a ConfigMap"),
        ("configmap/app/a/b.yaml", "is no key of a ConfigMap"),
        ("configmap/app/..data", "is no key of a ConfigMap"),
        ("configmap/app/a%2f..%2f..%2fsecret%2fx", "segments are not allowed in a path"),
        ("volume/config/../../etc/passwd", "segments are not allowed in a path"),
        ("volume/syrette-identity/vault", "is no volume of the pod"),
        ("volume/syrette-session/state", "is no volume of the pod"),
        ("volume/other/a.yaml", "the pod has no volume `other`; its volumes are"),
        ("configmap/app/a.yaml?type=toml", "is not one of yaml, json, dotenv, ini, binary"),
    ],
)
def test_attack_by_a_path_that_is_no_document(path: str, said: str) -> None:
    """Neither our tokens nor our sessions can be named, nor what is outside of a volume."""
    assert said in denial(_pod(f"sops:{path}")).message


def test_a_login_that_decrypts_is_held_to_the_policy_like_one_that_reads() -> None:
    """By roles; the document's path by the patterns of its store."""
    rule = "policy: [{name: shops, allow: {stores: {sops: ['configmap/app/*']}, roles: ['%s']}}]"
    good, other = settings.load(rule % ROLE), settings.load(rule % f"{ROLE}-2")
    asked = _asking(REFERENCE, AGE | AWS)

    assert plan_of(patched(asked, settings=good))
    assert f"does not permit the role `{ROLE}`" in denial(asked, settings=other).message
    elsewhere = _asking("sops:configmap/other/secrets.yaml", AGE | AWS)
    assert "does not permit the path" in denial(elsewhere, settings=good).message


def test_which_keys_may_be_named_is_the_operators_to_say() -> None:
    """Placeholders are filled; a pattern without a value leaves nothing, rather than all."""
    mine = "team: {provider: sops, age-key-secret: sops-age, allowed-keys: ['**']}"
    refused = denial(_asking("team:configmap/app/a.yaml", {"stores": mine})).message
    pattern = "sops-keys: ['https://vault.acme.io:8200/v1/transit/keys/%s']"
    filled = plan_of(patched(_pod(), settings=settings.load(pattern % "{namespace}")))
    empty = settings.load(pattern % "{namespace.labels.team}")
    nothing = plan_of(patched(_pod(), settings=empty))

    assert "which keys documents may name is the operator's to say" in refused
    assert filled.stores[0].names("allowed-keys") == (
        "https://vault.acme.io:8200/v1/transit/keys/shop",
    )
    assert nothing.stores[0].names("allowed-keys") == ("(no key)",)


def test_a_mac_that_is_ignored_is_warned_of() -> None:
    """Whoever turns it off reads it at every admission."""
    asked = _pod(REFERENCE, **{"sops.mac": "ignore"})
    (store,) = plan_of(patched(asked)).stores

    assert store.text("mac") == "ignore"
    assert any("their MAC is not verified" in text for text in warnings(asked))


def test_a_prefix_stands_in_front_of_documents_too() -> None:
    """One chart serves several applications."""
    result = patched(_pod("sops:secrets.yaml", **{"sops.path-prefix": "configmap/app/"}))

    assert plan_of(result).secrets[0].sources[0].reference.path == "configmap/app/secrets.yaml"


def test_the_nodes_account_decrypts_nothing_for_a_pod_of_the_nodes_network() -> None:
    """A key store is held to what a store is held to that is read from."""
    allow = "policy: [{name: all, allow: {stores: {'*': ['**']}, ambient: true}}]"
    options = AGE | {"sops.key-stores": "gcp-secretmanager", "gcp.auth": "metadata"}
    document = _asking(REFERENCE, options)
    assert plan_of(patched(document, settings=settings.load(allow)))
    document["spec"]["hostNetwork"] = True

    assert "gives the node's account" in denial(document, settings=settings.load(allow)).message


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sops.mac": "no"}, "`no` is none of verify, ignore"),
        ({"sops.key-stores": "AWS!"}, "`AWS!` is not the name of a store"),
        (
            {"stores": "s: {provider: sops, age-key-secret: a, unknown: x}"},
            "unknown field `unknown`",
        ),
    ],
)
def test_a_mistake_beside_a_secret_without_its_key_is_told(
    options: dict[str, str], said: str
) -> None:
    """The default key is not there yet, where the store is not sound."""
    store = "s" if "stores" in options else "sops"
    message = denial(_asking(f"{store}:configmap/app/a.yaml", AGE | options)).message

    assert said in message
    assert "defect" not in message


def test_a_store_that_nothing_decrypts_is_refused() -> None:
    """Neither an identity of age nor a login."""
    document = pod({"syrette.dev/file.a": REFERENCE, "syrette.dev/aws.region": ""})

    assert "nothing decrypts the documents of `sops`" in denial(document).message


def test_attack_by_a_store_that_the_operators_option_names() -> None:
    """A pod that defines it would lend a login of its own where the operator's is meant."""
    operators = settings.load("defaults: {sops.key-stores: kms}")
    mine = f"kms: {{provider: aws-ssm, region: eu-west-1, role-arn: '{ROLE}'}}"
    asked = _asking(REFERENCE, AGE | {"stores": mine})
    own = {"stores": f"{mine}\ndocs: {{provider: sops, key-stores: [kms]}}"}

    assert "no store `kms`" in denial(asked, settings=operators).message
    assert plan_of(patched(_asking("docs:configmap/app/a.yaml", own))).stores[0].key_stores
