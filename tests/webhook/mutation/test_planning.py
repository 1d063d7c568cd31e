"""What the plan says."""

from __future__ import annotations

import pytest

from injector.contract import codec, names
from injector.contract.plan import Proxy
from tests.webhook.mutation.pods import admit, context, denial, patched, plan_of, pod, warnings
from webhook import settings
from webhook.context import Kubelet, KubernetesVersion
from webhook.review import Allowed

ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf"
PREFIXED = "stores: {app: {provider: aws-secretsmanager, path-prefix: 'prod/{namespace}/'}}"


def annotated(**annotations: str) -> dict[str, object]:
    """A pod with these annotations; `_` stands for `-` in their names, `__` for a dot."""
    keys = {key.replace("__", ".").replace("_", "-"): text for key, text in annotations.items()}
    return pod({f"syrette.dev/{key}": text for key, text in keys.items()})


def test_prefixes_are_applied_once() -> None:
    """The final path is in the plan, and the prefix is not: nobody applies it again."""
    document = annotated(file__a="app:db", file__b="app:/db", file__c=f"app:{ARN}")
    plan = plan_of(patched(document, settings=settings.load(PREFIXED)))

    assert [secret.sources[0].reference.path for secret in plan.secrets] == [
        "prod/shop/db",
        "prod/shop/db",
        ARN,
    ]
    assert "path-prefix" not in plan.stores[0].settings


@pytest.mark.parametrize(
    "annotations",
    [
        {"file__a": "aws-ssm:/a", "aws__path_prefix": "/" + "x" * 2040 + "/"},
        {"file__a": f"aws-ssm:/{'€' * 300}"},
        {"secrets": f"- {{from: vault:pki/sign/web, data: {{csr: {'€' * 300}}}, file: a}}"},
    ],
)
def test_a_reference_that_the_injector_would_not_read_is_refused(
    annotations: dict[str, str],
) -> None:
    """In the plan it stands with its prefix and its escapes, and may grow beyond the bound."""
    operator = settings.load("defaults: {vault.address: 'https://vault.acme.io', vault.role: web}")
    verdict = denial(annotated(**annotations), settings=operator)

    assert verdict.reason == "limit-exceeded"
    assert "longer than 2048 characters with prefix and escapes" in verdict.message


def test_a_prefix_without_a_slash_is_put_in_front_as_it_is() -> None:
    """A prefix is text in front of the path: `team-` makes `team-db`."""
    document = annotated(file__a="aws-ssm:db", aws__path_prefix="/team-")

    assert plan_of(patched(document)).secrets[0].sources[0].reference.path == "/team-db"


def test_only_stores_that_are_used_are_in_the_plan() -> None:
    """A store that no secret refers to is nobody's business."""
    stores = "{used: {provider: aws-ssm}, unused: {provider: aws-ssm}}"
    plan = plan_of(patched(annotated(file__a="used:/a", stores=stores)))

    assert [store.name for store in plan.stores] == ["used"]


def test_what_the_operator_gives_is_in_the_plan() -> None:
    """Endpoints, proxy and certificates travel in the plan, never in an SDK's variables."""
    operator = settings.load(
        "endpoints: {aws.sts: 'https://sts.internal'}\nproxy: {https: 'http://p:3128'}\n"
    )
    plan = plan_of(patched(annotated(file__a="aws-ssm:/a"), settings=operator))

    assert plan.proxy == Proxy("http://p:3128")
    assert plan.stores[0].pairs("endpoints") == (("sts", "https://sts.internal"),)


def test_every_option_reaches_the_plan() -> None:
    """Times in seconds, delimiters, level and grace period."""
    document = annotated(
        file__a="aws-ssm:/a",
        init_timeout="30s",
        max_stale="1h",
        metrics_port="9465",
        log_level="debug",
        template_delimiters="[[ ]]",
        refresh="1m",
    )
    plan = plan_of(patched(document))

    assert (plan.init_timeout, plan.max_stale, plan.metrics_port) == (30.0, 3600.0, 9465)
    assert (plan.log_level, plan.delimiters, plan.grace_period) == ("debug", ("[[", "]]"), 30.0)
    assert plan.secrets[0].refresh == 60.0


@pytest.mark.parametrize(
    ("refresh", "spread", "expected"),
    [("15m", None, 90.0), ("1m", None, 30.0), ("15m", "5m", 300.0)],
)
def test_restarts_are_spread(refresh: str, spread: str | None, expected: float) -> None:
    """A tenth of the interval, at least half a minute, or what the pod says."""
    given = {"restart_spread": spread} if spread else {}
    document = annotated(file__a="aws-ssm:/a", on_change="restart", refresh=refresh, **given)

    assert plan_of(patched(document)).restart_spread == expected


def test_what_is_never_read_again_needs_no_sidecar() -> None:
    """`never`, and secrets that are pinned to a version, are fetched once."""
    items = (
        "- {from: 'aws-ssm:/a?version=1', file: a}\n"
        "- {from: 'aws-ssm:/b', file: b, refresh: never}\n"
        "- {from: 'aws-ssm:/c', file: c, refresh: 1m}"
    )
    static = patched(annotated(secrets="\n".join(items.split("\n")[:2])))
    refreshed = patched(annotated(secrets=items))

    assert [item["name"] for item in static["spec"]["initContainers"]] == ["syrette-init"]
    assert [secret.refresh for secret in plan_of(refreshed).secrets] == [0.0, 0.0, 60.0]
    assert len(refreshed["spec"]["initContainers"]) == 2


def test_a_port_without_a_sidecar_is_said_to_be_unused() -> None:
    """`metrics-port` with `refresh: never` is warned about and left out."""
    document = annotated(file__a="aws-ssm:/a", refresh="never", metrics_port="9465")

    assert plan_of(patched(document)).metrics_port == 0
    assert any("there is no sidecar" in text for text in warnings(document))


def test_a_classic_sidecar_would_hold_up_a_job() -> None:
    """A job gets init only where a classic sidecar is asked for, and is told."""
    document = annotated(file__a="aws-ssm:/a", sidecar="classic", on_change="restart")
    spec = document["spec"]
    assert isinstance(spec, dict)
    spec["restartPolicy"] = "OnFailure"
    result = patched(document)

    assert [item["name"] for item in result["spec"]["initContainers"]] == ["syrette-init"]
    assert plan_of(result).secrets[0].on_change is None
    assert any("a classic one would keep this pod from completing" in t for t in warnings(document))


def test_a_classic_sidecar_that_restarts_has_a_policy() -> None:
    """Rules of a container need its own restart policy."""
    document = annotated(file__a="aws-ssm:/a", sidecar="classic", on_change="restart")
    (sidecar,) = [
        it for it in patched(document)["spec"]["containers"] if it["name"] == "syrette-sidecar"
    ]

    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["restartPolicyRules"][0]["exitCodes"]["values"] == [names.RESTART_EXIT_CODE]


def test_a_plan_that_is_too_large_is_refused() -> None:
    """What does not fit into an environment variable is refused with both sizes."""
    items = "\n".join(
        f"- {{from: 'aws-ssm:/{n}', file: 'f{n}', template: '{'x' * 900}'}}" for n in range(60)
    )
    parts = {
        f"secrets.p{index}": items.replace("file: 'f", f"file: '{index}-") for index in range(2)
    }
    verdict = denial(pod({f"syrette.dev/{key}": text for key, text in parts.items()}))

    assert verdict.reason == "limit-exceeded"
    assert "more than the 98304 that fit into a pod" in verdict.message


def test_the_plan_reads_back() -> None:
    """The plan's text is the contract's canonical one."""
    result = patched(annotated(file__a="aws-ssm:/a", dir__b="aws-ssm:/b/", env__C="aws-ssm:/c"))
    plan = plan_of(result)
    (text,) = [
        item["value"] for item in result["spec"]["initContainers"][0]["env"] if "value" in item
    ]

    assert codec.dump(plan) == text
    assert result["metadata"]["annotations"][names.INJECTED] == f"v1.{codec.digest(text)}"


@pytest.mark.parametrize(
    ("given", "expected"), [(60, 60.0), (0, 0.0), (-3, 1.0), (10**18, 366 * 86400.0)]
)
def test_any_grace_period_makes_a_plan_that_reads_back(given: int, expected: float) -> None:
    """Kubernetes takes any whole number; ours has bounds."""
    asked = {"syrette.dev/file.a": "aws-ssm:/a"}
    document = pod(asked, terminationGracePeriodSeconds=given)

    assert plan_of(patched(document)).grace_period == expected


def test_long_references_are_cut_in_the_audit() -> None:
    """A decision line has bounds."""
    verdict = admit(annotated(file__a="aws-ssm:/" + "a" * 2000))

    assert [len(it) for it in verdict.summary.references] == [256]


def test_references_are_told_for_the_audit() -> None:
    """The summary has counts, providers and final paths; the operator may leave paths out."""
    document = annotated(file__a="app:db#x", file__b="app:db#y", env__C="aws-ssm:/c")
    told = admit(document, settings=settings.load(PREFIXED))
    silent = admit(document, settings=settings.load(PREFIXED + "\naudit-references: 'false'"))

    assert isinstance(told, Allowed)
    assert told.summary.secrets == 3
    assert told.summary.providers == ("aws-secretsmanager", "aws-ssm")
    assert told.summary.references == ("app:prod/shop/db", "aws-ssm:/c")
    assert silent.summary.references == ()


def test_the_operator_may_vouch_for_the_nodes() -> None:
    """`env-files: always` plans variables whatever versions are seen."""
    old = Kubelet(KubernetesVersion(1, 30), "v1.30.1", "n-1")
    around = context(oldest_kubelet=old)
    operator = settings.load("env-files: always")

    assert plan_of(patched(annotated(env__A="aws-ssm:/a"), around, operator)).secrets


@pytest.mark.parametrize("annotations", [{}, {"sidecar": "classic"}])
def test_a_sidecar_gives_back_what_init_has_logged_in_to(annotations: dict[str, str]) -> None:
    """Of either kind; init leaves its sessions to it."""
    assert not plan_of(patched(annotated(file__a="aws-ssm:/a", **annotations))).init_only


def test_init_is_alone_where_nothing_is_read_again() -> None:
    """Then it gives back its logins by itself."""
    assert plan_of(patched(annotated(file__a="aws-ssm:/a", refresh="never"))).init_only


def test_init_is_alone_in_a_job_before_native_sidecars() -> None:
    """A classic one would keep it from completing."""
    document = pod({"syrette.dev/file.a": "aws-ssm:/a"}, restartPolicy="Never")
    around = context(server_version=KubernetesVersion.parse("1.28"))

    assert plan_of(patched(document, around)).init_only
