"""Bytes to requests, verdicts to bytes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from injector.contract.reasons import Reason
from webhook.errors import RequestError
from webhook.review import (
    AdmissionRequest,
    Allowed,
    Denied,
    Operation,
    Passed,
    Summary,
    decode,
    encode,
)

POD = {"metadata": {"name": "web"}, "spec": {"serviceAccountName": "web", "containers": []}}


def body(**request: object) -> bytes:
    """A review of a pod's creation, with some fields of the request changed."""
    fields: dict[str, object] = {
        "uid": "u-1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": "CREATE",
        "namespace": "shop",
        "object": POD,
        **request,
    }
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": fields}
    return json.dumps(review).encode()


def response(verdict: Allowed | Denied | Passed) -> dict[str, Any]:
    """The response of an encoded review."""
    review = json.loads(encode("u-1", verdict))
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    found: dict[str, Any] = review["response"]
    return found


def test_a_creation_is_decoded() -> None:
    """Uid, namespace, service account, dry run and the whole pod come through."""
    request = decode(body(dryRun=True, userInfo={"username": "someone"}, future=[1]))

    assert request == AdmissionRequest("u-1", "CREATE", "shop", "web", POD, dry_run=True)


@pytest.mark.parametrize("spec", [{}, {"serviceAccountName": ""}, {"serviceAccountName": 7}, None])
def test_a_pod_without_an_account_has_the_default_one(spec: object) -> None:
    """What names no service account runs as `default`."""
    request = decode(body(object={"spec": spec}))

    assert isinstance(request, AdmissionRequest)
    assert request.service_account == "default"


@pytest.mark.parametrize(
    ("request_fields", "why"),
    [
        ({"kind": {"group": "apps", "version": "v1", "kind": "Deployment"}}, "not a pod"),
        ({"kind": {"group": "acme.io", "version": "v1", "kind": "Pod"}}, "not a pod"),
        ({"operation": "UPDATE"}, "not a creation"),
        ({"operation": "DELETE", "object": None}, "not a creation"),
        ({"operation": "CREATE", "subResource": "eviction"}, "not a creation"),
    ],
)
def test_what_is_not_ours_is_passed(request_fields: dict[str, Any], why: str) -> None:
    """Other kinds, operations and subresources are passed with their uid."""
    assert decode(body(**request_fields)) == Passed("u-1", why)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"canary-7"',
        b"\xff\xfe",
        b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}',
        b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}',
        body(uid=""),
        body(uid=7),
        body(kind="Pod"),
        body(namespace=["canary-7"]),
        body(object=None),
        body(object="canary-7"),
        body(object=["canary-7"]),
        body().replace(b"admission.k8s.io/v1", b"admission.k8s.io/v1beta1"),
        body().replace(b"AdmissionReview", b"Canary-7"),
        b'{"request":' + b"[" * 100_000,
        body(object="X").replace(b'"X"', b"[" * 100_000 + b"]" * 100_000),
        body(object="X").replace(b'"X"', b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    ],
)
def test_what_is_no_review_is_refused_without_an_echo(wrong: bytes) -> None:
    """A body that is no admission review is refused, and the message quotes nothing of it."""
    with pytest.raises(RequestError, match=r"body|only|object") as refused:
        decode(wrong)

    assert refused.value.reason is Reason.MALFORMED_REVIEW
    assert refused.value.status == 400
    assert "anary-7" not in str(refused.value)


def test_a_missing_object_is_refused() -> None:
    """A creation without an object is no review."""
    review = json.loads(body())
    del review["request"]["object"]

    with pytest.raises(RequestError, match="no object"):
        decode(json.dumps(review).encode())


def test_an_allowed_pod_has_its_patch() -> None:
    """Operations travel as a base64 JSON patch, with warnings and the audit's references."""
    verdict = Allowed(
        (Operation("/spec/x", {"a": 1}),), ("careful",), Summary(1, ("aws-ssm",), ("aws-ssm:/a",))
    )
    answer = response(verdict)

    assert (
        answer.pop("patch")
        == base64.b64encode(b'[{"path":"/spec/x","value":{"a":1},"op":"add"}]').decode()
    )
    assert answer == {
        "uid": "u-1",
        "allowed": True,
        "patchType": "JSONPatch",
        "warnings": ["careful"],
        "auditAnnotations": {"references": "aws-ssm:/a"},
    }


@pytest.mark.parametrize("verdict", [Allowed(), Passed("u-1", "not a pod")])
def test_nothing_to_do_has_no_patch(verdict: Allowed | Passed) -> None:
    """Without operations there is neither a patch nor its type."""
    assert response(verdict) == {"uid": "u-1", "allowed": True}


def test_a_denial_has_its_reason_and_code() -> None:
    """The reason from the closed list and its status are in the response."""
    answer = response(Denied(Reason.POLICY_DENIED, "no", ("careful",)))

    assert answer == {
        "uid": "u-1",
        "allowed": False,
        "warnings": ["careful"],
        "status": {"status": "Failure", "code": 403, "reason": "policy-denied", "message": "no"},
    }
