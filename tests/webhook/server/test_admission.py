"""From bytes to bytes: facts, decision, encoding, and what a defect becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from injector.contract.reasons import Reason
from tests.webhook.server.test_workloads import TEMPLATE
from tests.webhook.server.test_workloads import review as workload
from webhook.admission import PodAdmission
from webhook.cluster import FileCluster
from webhook.decisions import Outcome
from webhook.errors import RequestError
from webhook.log import Log
from webhook.review import Allowed, Denied, Operation, Summary
from webhook.settings import Settings

if TYPE_CHECKING:
    from webhook.context import Context
    from webhook.review import AdmissionRequest, Verdict

INJECTED = Allowed(
    operations=(Operation("/metadata/annotations/x", "y"),),
    warnings=("careful",),
    summary=Summary(2, ("aws-secretsmanager",), ("app:db",)),
)


class Decider:
    """Decides as it is told, and remembers what it was asked."""

    def __init__(self, verdict: Verdict | Exception = INJECTED) -> None:
        self.verdict = verdict
        self.asked: list[tuple[AdmissionRequest, Context]] = []

    def __call__(self, request: AdmissionRequest, context: Context, settings: Settings) -> Verdict:
        """Give the verdict."""
        del settings
        self.asked.append((request, context))
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict


def admission(decider: Decider, settings: Settings | None = None) -> PodAdmission:
    """An admission in a cluster of one namespace."""
    cluster = FileCluster(
        "namespaces: {payments: {labels: {team: pay}, service-accounts: {ledger: }}}"
    )
    return PodAdmission(settings or Settings(), cluster, log=Log(2), decide=decider)


def pod(
    namespace: str = "payments", account: str = "ledger", change: dict[str, object] | None = None
) -> bytes:
    """A review of the creation of one pod, with other fields of the request."""
    request = {
        "uid": "u-1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": "CREATE",
        "namespace": namespace,
        "object": {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "generateName": "web-",
                "annotations": {"syrette.dev/file.a": "aws-ssm:/a"},
                "ownerReferences": [{"kind": "ReplicaSet", "name": "web"}],
            },
            "spec": {"serviceAccountName": account, "containers": [{"name": "app"}]},
        },
    }
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    return msgspec.json.encode({**review, "request": {**request, **(change or {})}})


def response(body: bytes) -> dict[str, Any]:
    """The response of an encoded review."""
    review: dict[str, Any] = msgspec.json.decode(body)
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    answer: dict[str, Any] = review["response"]
    return answer


async def test_a_pod_is_decided_with_the_facts_of_its_namespace() -> None:
    """What the cluster says reaches the decision; what it decides reaches answer and log."""
    decider = Decider()
    answer = await admission(decider).mutate(pod())

    ((request, context),) = decider.asked
    decision = answer.decision
    assert (request.uid, request.namespace, request.service_account) == (
        "u-1",
        "payments",
        "ledger",
    )
    assert context.namespace_labels == {"team": "pay"}
    assert (answer.status, response(answer.body)["allowed"]) == (200, True)
    assert response(answer.body)["uid"] == "u-1"
    assert "patch" in response(answer.body)
    assert (decision.verdict, decision.pod, decision.owner_kind) == (
        Outcome.ALLOWED,
        "web-",
        "ReplicaSet",
    )
    assert (decision.secrets, decision.warnings) == (2, 1)
    assert decision.references == ("app:db",)


async def test_references_are_logged_only_where_they_are_audited() -> None:
    """The operator can leave them out."""
    answer = await admission(Decider(), Settings(audit_references=False)).mutate(pod())

    assert answer.decision.references == ()


@pytest.mark.parametrize("account", ["stranger"])
async def test_facts_that_are_missing_deny(account: str) -> None:
    """An identity is never guessed."""
    decider = Decider()
    answer = await admission(decider).mutate(pod(account=account))

    assert decider.asked == []
    assert response(answer.body)["allowed"] is False
    assert answer.decision.reason is Reason.CONTEXT_UNAVAILABLE


@pytest.mark.parametrize("namespace", ["kube-system", "syrette"])
async def test_system_namespaces_need_no_facts(namespace: str) -> None:
    """They are left alone, whatever the cluster knows of them."""
    answer = await admission(Decider(Allowed())).mutate(pod(namespace))

    assert response(answer.body)["allowed"] is True
    assert answer.decision.verdict is Outcome.PASSED


@pytest.mark.parametrize("error", [ValueError("SENTINEL"), RecursionError("SENTINEL")])
async def test_a_defect_denies_by_uid_without_details(error: Exception) -> None:
    """A pod that asked for secrets never starts without them because we failed."""
    answer = await admission(Decider(error)).mutate(pod())

    assert answer.status == 200
    assert response(answer.body)["uid"] == "u-1"
    assert response(answer.body)["allowed"] is False
    assert answer.decision.reason is Reason.INTERNAL
    assert b"SENTINEL" not in answer.body


@pytest.mark.parametrize(
    "change", [{"operation": "DELETE", "object": None}, {"operation": "UPDATE"}]
)
async def test_other_operations_pass_untouched(change: dict[str, object]) -> None:
    """Only the creation of a pod is decided."""
    decider = Decider()
    answer = await admission(decider).mutate(pod(change=change))

    assert decider.asked == []
    assert response(answer.body) == {"uid": "u-1", "allowed": True}
    assert answer.decision.verdict is Outcome.PASSED


@pytest.mark.parametrize("body", [b"", b"{}", b"garbage", b'{"request": {}}', b"[" * 100_000])
async def test_what_is_no_review_is_refused(body: bytes) -> None:
    """There is nobody to answer to."""
    with pytest.raises(RequestError):
        await admission(Decider()).mutate(body)


@pytest.mark.parametrize(
    "metadata",
    [
        {"name": ["x"]},
        {"ownerReferences": "x"},
        {"ownerReferences": [1]},
        {"ownerReferences": [{}]},
    ],
)
async def test_odd_names_are_not_logged(metadata: dict[str, object]) -> None:
    """What is no name in a name's place stays out of the log."""
    odd = {"metadata": metadata, "spec": {"serviceAccountName": "ledger", "containers": []}}
    answer = await admission(Decider()).mutate(pod(change={"object": odd}))

    assert (answer.decision.pod, answer.decision.owner_kind) == ("", "")


async def test_a_name_that_is_none_is_cut_in_the_log() -> None:
    """Names are checked after us; a decision line has bounds."""
    metadata = {"name": "x" * 100_000}
    endless = {"metadata": metadata, "spec": {"serviceAccountName": "ledger", "containers": []}}
    answer = await admission(Decider()).mutate(pod(change={"object": endless}))

    assert answer.decision.pod == "x" * 253


async def test_problems_of_a_workload_are_warnings() -> None:
    """Whoever applies it reads them; nothing is denied or changed."""
    long = "- " + "x" * 200
    denied = Denied(Reason.INVALID_ANNOTATION, f"syrette: 2 problems\n- first\n{long}", ("also",))
    answer = await admission(Decider(denied)).review_workload(
        workload("Deployment", {"template": TEMPLATE})
    )

    said = response(answer.body)
    assert said["allowed"] is True
    assert "patch" not in said
    assert said["warnings"] == ["syrette: 2 problems", "- first", long[:119] + "…", "also"]
    assert answer.decision.verdict is Outcome.PASSED


async def test_a_good_workload_is_not_patched() -> None:
    """Its pods will be, when they are created."""
    answer = await admission(Decider()).review_workload(
        workload("Deployment", {"template": TEMPLATE})
    )

    assert "patch" not in response(answer.body)
    assert response(answer.body)["warnings"] == ["careful"]


async def test_a_workload_without_template_passes() -> None:
    """There is nothing to say."""
    answer = await admission(Decider()).review_workload(workload("ConfigMap", {}))

    assert response(answer.body) == {"uid": "u-1", "allowed": True}
