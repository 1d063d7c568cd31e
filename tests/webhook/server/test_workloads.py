"""Workloads: their template is reviewed as the pod that it would become."""

from __future__ import annotations

import msgspec
import pytest

from webhook.errors import RequestError
from webhook.workloads import decode

TEMPLATE: dict[str, dict[str, object]] = {
    "metadata": {"annotations": {"syrette.dev/file.a": "aws-ssm:/a"}},
    "spec": {"serviceAccountName": "ledger", "containers": []},
}


def review(kind: str, spec: object, **extra: object) -> bytes:
    """A review of the creation of one workload."""
    workload = {"metadata": {"name": "web"}, "spec": spec}
    request = {"uid": "u-1", "kind": {"kind": kind}, "namespace": "payments", "object": workload}
    return msgspec.json.encode({"kind": "AdmissionReview", "request": {**request, **extra}})


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet"])
def test_a_template_becomes_a_pod(kind: str) -> None:
    """Its names, annotations and containers are those that the pod will have."""
    uid, request = decode(review(kind, {"template": TEMPLATE}, dryRun=True))

    assert uid == "u-1"
    assert request is not None
    assert (request.namespace, request.service_account) == ("payments", "ledger")
    assert (request.operation, request.dry_run) == ("CREATE", True)
    assert request.pod["metadata"] == {"generateName": "web-", **TEMPLATE["metadata"]}
    assert request.pod["spec"] == TEMPLATE["spec"]


def test_a_cron_job_has_its_template_deeper() -> None:
    """A CronJob holds a Job's template."""
    spec = {"jobTemplate": {"spec": {"template": TEMPLATE}}}
    _, request = decode(review("CronJob", spec))

    assert request is not None
    assert request.pod["spec"] == TEMPLATE["spec"]


def test_without_a_service_account_it_is_the_default_one() -> None:
    """As the API server will fill in."""
    _, request = decode(review("Deployment", {"template": {}}))

    assert request is not None
    assert request.service_account == "default"


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Pod", {}),
        ("ConfigMap", None),
        ("Deployment", {}),
        ("CronJob", {"jobTemplate": []}),
        ("Deployment", {"template": "x"}),
        ("Deployment", []),
    ],
)
def test_nothing_is_said_of_what_has_no_template(kind: str, spec: object) -> None:
    """Other kinds and odd shapes are not this review's business."""
    assert decode(review(kind, spec)) == ("u-1", None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b'{"request": null}',
        b'{"request": {}}',
        b'{"request": {"uid": 1}}',
        b'{"request": {"uid": "u", "object": []}}',
        b'{"request": {"uid": "\xff"}}',
        b'{"request": {"uid": "u", "object": ' + b"[" * 100_000,
    ],
)
def test_what_is_no_review_is_refused(body: bytes) -> None:
    """Damaged and foreign bodies are the sender's mistake."""
    with pytest.raises(RequestError, match="no admission"):
        decode(body)
