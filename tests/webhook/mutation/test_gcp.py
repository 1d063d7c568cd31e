"""Google in the plan, in the pod's volumes and under the policy."""

from __future__ import annotations

from typing import Any

import pytest

from injector.contract import names
from tests.webhook.mutation.pods import context, denial, patched, plan_of, pod
from webhook import settings

PROVIDER = "projects/123456789/locations/global/workloadIdentityPools/acme/providers/prod"
OTHER = PROVIDER.replace("prod", "stage")
CLUSTER = "projects/acme-prod/locations/europe-west3/clusters/prod"
ACCOUNT = "web@acme-prod.iam.gserviceaccount.com"
AUDIENCE = f"https://iam.googleapis.com/{PROVIDER}"
FEDERATION = {"gcp.workload-identity-provider": PROVIDER, "gcp.project": "acme-prod"}
REFERENCE = "gcp-secretmanager:projects/acme-prod/secrets/db"
AMBIENT = settings.load("policy: [{name: all, allow: {stores: {'*': ['**']}, ambient: true}}]")


def _pod(reference: str = REFERENCE, options: dict[str, str] | None = None) -> dict[str, Any]:
    options = FEDERATION if options is None else options
    given = {f"syrette.dev/{key}": text for key, text in options.items()}
    return pod({"syrette.dev/file.a": reference, **given})


def _volume(result: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = [it for it in result["spec"]["volumes"] if it["name"] == name]
    return [source for volume in found for source in volume["projected"]["sources"]]


def test_a_login_by_federation_has_its_projected_token_and_the_plan_is_explicit() -> None:
    """Source and audience are written down; the token is where the injector looks for it."""
    result = patched(_pod())
    (store,) = plan_of(result).stores

    assert dict(store.settings) == {
        "audience": AUDIENCE,
        "auth": "federation",
        "project": "acme-prod",
        "workload-identity-provider": PROVIDER,
    }
    assert [it["serviceAccountToken"] for it in _volume(result, names.IDENTITY_VOLUME)] == [
        {"audience": AUDIENCE, "expirationSeconds": 3600, "path": names.token_file(AUDIENCE)}
    ]
    assert _volume(result, names.DOCUMENTS_VOLUME) == []


def test_a_pod_of_gke_shows_its_token_for_the_clusters_pool() -> None:
    """Whose name follows from the cluster's."""
    result = patched(_pod(options={"gcp.gke-cluster": CLUSTER}))
    (store,) = plan_of(result).stores

    assert (store.text("auth"), store.text("audience")) == ("gke", "acme-prod.svc.id.goog")


def test_a_mounted_secret_is_in_our_own_containers_only_and_has_no_token() -> None:
    """The application's containers see neither."""
    result = patched(_pod(options={"gcp.credentials-secret": "google/key.json"}))
    (store,) = plan_of(result).stores
    app = result["spec"]["containers"][-1]

    assert (store.text("auth"), store.text("audience")) == ("credentials", "")
    assert [it["secret"]["name"] for it in _volume(result, names.DOCUMENTS_VOLUME)] == ["google"]
    assert "downwardAPI" in _volume(result, names.IDENTITY_VOLUME)[0]
    assert names.DOCUMENTS_VOLUME not in str(app)


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ({"gcp.access-token-secret": "g/t", "gcp.credentials-secret": "g/k"}, "access-token"),
        ({"gcp.credentials-secret": "g/k", "gcp.gke-cluster": CLUSTER}, "gke"),
        ({"gcp.gke-cluster": CLUSTER, "gcp.workload-identity-provider": PROVIDER}, "federation"),
    ],
)
def test_of_several_sources_the_first_in_order_counts(options: dict[str, str], source: str) -> None:
    """And no Secret is mounted that nobody reads."""
    (store,) = plan_of(patched(_pod(options=options))).stores

    assert store.text("auth") == source
    assert sum(name in store.settings for name in ("access-token-secret", "gke-cluster")) <= 1


def test_a_nearer_source_counts_before_a_farther_one() -> None:
    """The operator's default is for pods that say nothing."""
    operators = settings.load(f"defaults: {{gcp.workload-identity-provider: '{PROVIDER}'}}")
    asked = _pod(options={"gcp.credentials-secret": "google/key.json"})
    (near,) = plan_of(patched(asked, settings=operators)).stores
    (far,) = plan_of(patched(_pod(options={}), settings=operators)).stores

    assert (near.text("auth"), far.text("auth")) == ("credentials", "federation")
    assert near.text("workload-identity-provider") == ""


def test_the_service_accounts_own_annotation_is_who_the_pod_becomes() -> None:
    """As GKE's: but not from credentials that are somebody else's already."""
    around = context(service_account_annotations={"iam.gke.io/gcp-service-account": ACCOUNT})
    (federated,) = plan_of(patched(_pod(), around)).stores
    options = {"gcp.credentials-secret": "google/key.json"}
    (keyed,) = plan_of(patched(_pod(options=options), around)).stores
    chosen = {**options, "gcp.service-account": ACCOUNT}
    (impersonating,) = plan_of(patched(_pod(options=chosen), around)).stores

    assert federated.text("service-account") == ACCOUNT
    assert keyed.text("service-account") == ""
    assert impersonating.text("service-account") == ACCOUNT


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"gcp.auth": "federation"}, "the source `federation` needs `workload-identity-provider`"),
        (
            {"gcp.auth": "gke", "gcp.gke-cluster": CLUSTER, "gcp.credentials-secret": "g/k"},
            "is for the source `credentials`, and the source is `gke`",
        ),
        ({**FEDERATION, "gcp.delegates": ACCOUNT}, "lead to a service account, which nobody gives"),
        ({"gcp.workload-identity-provider": "//iam.googleapis.com/x"}, "is not a name such as"),
        ({"gcp.gke-cluster": "https://container.googleapis.com/v1/x"}, "is not a name such as"),
        ({"gcp.credentials-secret": "../key.json"}, "is not a Secret's name and key"),
        ({}, "nobody says where the Google token of `gcp-secretmanager` comes from"),
        ({"gcp.auth": "metadata"}, "does not permit the metadata server's account"),
    ],
)
def test_an_identity_that_cannot_be_is_refused(options: dict[str, str], said: str) -> None:
    """With what to write in its place."""
    assert said in denial(_pod(options=options)).message


def test_the_metadata_server_needs_the_policys_leave_and_no_host_network() -> None:
    """It may be the node's account, and with the node's network it is."""
    asked = _pod(options={"gcp.auth": "metadata"})
    (store,) = plan_of(patched(asked, settings=AMBIENT)).stores
    asked["spec"]["hostNetwork"] = True

    assert (store.text("auth"), store.text("audience")) == ("metadata", "")
    assert "gives the node's account" in denial(asked, settings=AMBIENT).message


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("db", "projects/acme-prod/secrets/db"),
        ("db?region=europe-west3", "projects/acme-prod/locations/europe-west3/secrets/db"),
        ("projects/other/secrets/db", "projects/other/secrets/db"),
        ("projects/42/locations/europe-west3/secrets/db",) * 2,
    ],
)
def test_the_plan_names_a_secret_in_full(reference: str, path: str) -> None:
    """An id alone is the same name in every project, and the policy permits what is read."""
    result = patched(_pod(f"gcp-secretmanager:{reference}"))
    (secret,) = plan_of(result).secrets

    assert secret.sources[0].reference.path == path


def test_a_prefix_may_be_a_project_or_the_beginning_of_an_id() -> None:
    """One chart serves dev, stage and prod."""
    whole = _pod("gcp-secretmanager:db", {**FEDERATION, "gcp.path-prefix": "projects/dev/secrets/"})
    begun = _pod("gcp-secretmanager:db", {**FEDERATION, "gcp.path-prefix": "dev-"})
    found = [plan_of(patched(it)).secrets[0].sources[0].reference.path for it in (whole, begun)]

    assert found == ["projects/dev/secrets/db", "projects/acme-prod/secrets/dev-db"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("projects/acme/secrets/db/versions/3", "has a version at its end: write `?version=3`"),
        ("projects/acme/secrets", "is no secret"),
        ("secrets/db", "is no secret"),
        ("projects/acme/secrets/a%2e%2e", "is no secret"),
        ("projects/acme/locations/eu.attacker.com%23/secrets/db", "is no secret"),
        ("projects/acme/secrets/db%3Faccess", "is no secret"),
        ("projects/a%2Fb/secrets/db", "is no secret"),
        ("db\uff0e", "is no secret"),
        ("projects/acme/secrets/db?region=eu.attacker.com", "is not a location such as"),
        ("projects/acme/locations/us-east1/secrets/db?region=europe-west3", "in another region"),
        ("projects/acme/secrets/db?version=0", "is not a version number, `latest` or an alias"),
    ],
)
def test_attack_by_a_path_that_would_be_another_host_or_call(path: str, said: str) -> None:
    """What becomes part of a host name or of a request's path is checked after unescaping."""
    assert said in denial(_pod(f"gcp-secretmanager:{path}")).message


def test_an_id_without_a_project_says_where_to_give_one() -> None:
    """The option, or the whole name."""
    asked = _pod("gcp-secretmanager:db", {"gcp.workload-identity-provider": PROVIDER})
    message = denial(asked).message

    assert "has no project, and the store gives none" in message
    assert "give `gcp.project`" in message


@pytest.mark.parametrize(("version", "refresh"), [("7", 0), ("latest", 900), ("blue", 900)])
def test_only_a_number_pins_a_version(version: str, refresh: float) -> None:
    """An alias may be moved, and is followed."""
    result = patched(_pod(f"{REFERENCE}?version={version}"))

    assert plan_of(result).secrets[0].refresh == refresh


def test_an_audience_is_usual_for_its_own_provider_only() -> None:
    """A token for another one would be the pod's identity there."""
    store = f"{{provider: gcp-secretmanager, workload-identity-provider: {PROVIDER}, audience: %s}}"

    def asked(audience: str) -> dict[str, Any]:
        options = {"stores": "team: " + store % f'"{audience}"'}
        return _pod("team:projects/acme-prod/secrets/db", options)

    assert plan_of(patched(asked(AUDIENCE))).stores[0].text("audience") == AUDIENCE
    other = f"https://iam.googleapis.com/{OTHER}"
    for foreign in (other, "sts.amazonaws.com", "vault", "acme"):
        assert "not in the operator's `allowed-audiences`" in denial(asked(foreign)).message
    assert "is the API server's own audience" in denial(asked("kubernetes.default.svc")).message


def test_accounts_delegates_and_final_paths_need_the_policys_leave() -> None:
    """Whatever the project of a path without one is."""
    rule = (
        "policy: [{name: shops, allow: {stores: {gcp-secretmanager: "
        f"['projects/acme-prod/secrets/shop-*']}}, roles: ['{ACCOUNT}']}}}}]"
    )
    policy = settings.load(rule)
    good = {**FEDERATION, "gcp.service-account": ACCOUNT}
    delegated = {**good, "gcp.delegates": "hop@acme-prod.iam.gserviceaccount.com"}

    assert plan_of(patched(_pod("gcp-secretmanager:shop-a", good), settings=policy))
    for options, said in (
        (good | {"gcp.project": "acme-other"}, "the path `projects/acme-other/secrets/shop-a`"),
        (good | {"gcp.service-account": f"x{ACCOUNT}"}, f"the role `x{ACCOUNT}`"),
        (delegated, "the role `hop@"),
    ):
        refused = denial(_pod("gcp-secretmanager:shop-a", options), settings=policy).message
        assert f"does not permit {said}" in refused
    regional = _pod("gcp-secretmanager:shop-a?region=europe-west3", good)
    assert "locations/europe-west3" in denial(regional, settings=policy).message


def test_a_store_that_says_who_it_is_takes_over_no_other_identity() -> None:
    """Credentials of its own are not mixed with the pod's account, nor with its provider."""
    team = "team: {provider: gcp-secretmanager, credentials-secret: google/key.json}"
    options = {**FEDERATION, "gcp.service-account": ACCOUNT, "stores": team}
    (store,) = plan_of(patched(_pod("team:db", options))).stores

    assert dict(store.settings) == {
        "auth": "credentials",
        "credentials-secret": "google/key.json",
        "project": "acme-prod",
    }


def test_the_operators_endpoints_are_in_the_plan() -> None:
    """For whoever has a private endpoint; nobody else may give one."""
    operators = settings.load("endpoints: {gcp.secretmanager: 'https://secrets.p.example.com'}")
    (store,) = plan_of(patched(_pod(), settings=operators)).stores
    mine = "team: {provider: gcp-secretmanager, endpoints: {sts: 'https://sts.attacker.com'}}"

    assert store.pairs("endpoints") == (("secretmanager", "https://secrets.p.example.com"),)
    refused = denial(_pod("team:db", {**FEDERATION, "stores": mine})).message
    assert "is not in the operator's `allowed-addresses`" in refused


def test_a_store_names_its_source_and_mixes_in_no_other() -> None:
    """Though the pod's own options name another: its cluster, and no delegates of others."""
    hop = "hop@acme-prod.iam.gserviceaccount.com"
    stores = (
        f"gke: {{provider: gcp-secretmanager, gke-cluster: {CLUSTER}}}\n"
        f"other: {{provider: gcp-secretmanager, service-account: {ACCOUNT}}}\n"
        "how: {provider: gcp-secretmanager, auth: federation}"
    )
    family = {"gcp.delegates": hop, "gcp.service-account": f"x{ACCOUNT}", "stores": stores}
    options = {**FEDERATION, **family, "gcp.credentials-secret": "google/key.json"}
    found = {}
    for name in ("gke", "other", "how"):
        (store,) = plan_of(patched(_pod(f"{name}:db", options))).stores
        found[name] = (store.text("auth"), store.names("delegates"), "audience" in store.settings)

    assert found == {
        "gke": ("gke", (hop,), True),
        "other": ("federation", (), True),
        "how": ("federation", (hop,), True),
    }


def test_an_audience_without_a_token_is_refused() -> None:
    """A key logs in without one."""
    team = "team: {provider: gcp-secretmanager, credentials-secret: google/key.json, audience: a}"
    message = denial(_pod("team:db", {"gcp.project": "acme-prod", "stores": team})).message

    assert "the source `credentials` has no token with an audience" in message


def test_the_service_accounts_annotation_is_no_mistake_where_the_operator_gives_a_key() -> None:
    """It is for GKE's own ways, and simply not used."""
    operators = settings.load(
        "defaults: {gcp.auth: credentials, gcp.credentials-secret: google/key.json}"
    )
    around = context(service_account_annotations={"iam.gke.io/gcp-service-account": ACCOUNT})
    (store,) = plan_of(patched(_pod(options={}), around, operators)).stores

    assert store.text("service-account") == ""
