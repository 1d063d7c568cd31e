"""The pods that are admitted have the size that the table says, and are allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import pods
from benchmarks.load import NUMBER
from webhook import review, settings
from webhook.cluster import FileCluster
from webhook.mutation import mutate
from webhook.review import AdmissionRequest, Allowed
from worlds.certificates import issue

ROLE = "arn:aws:iam::111122223333:role/web"


def _verdict(body: bytes) -> Any:  # noqa: ANN401 - a verdict
    endpoints = {"sts": "https://127.0.0.1:1", "secretsmanager": "https://localhost:1"}
    config = settings.load(
        json.dumps(pods.operator_config({"ca": issue().ca, "endpoints": endpoints}))
    )
    request = review.decode(body)
    assert isinstance(request, AdmissionRequest)
    cluster = FileCluster(json.dumps(pods.cluster_facts(ROLE)))
    facts = cluster.context(request.namespace, request.service_account)
    try:
        facts.send(None)
    except StopIteration as found:
        return mutate(request, found.value, config)
    return None


@pytest.mark.parametrize("size", [pods.SMALL, pods.LARGE, pods.SMALL + 1, pods.SMALL + 333])
def test_a_review_has_its_size_to_the_byte(size: int) -> None:
    """Whatever is left over when variables are filled in goes into the last one."""
    assert len(pods.review(pods.pod(pods.short_form(5)), size)) == size


def test_a_pod_that_is_larger_than_its_size_is_refused() -> None:
    """A review that cannot have the size measures something else."""
    with pytest.raises(ValueError, match="larger than asked for"):
        pods.review(pods.pod(pods.short_form(5)), 1000)


@pytest.mark.parametrize("annotations", [pods.short_form(20), pods.long_form()])
def test_the_pods_are_allowed_under_the_policy(annotations: dict[str, str]) -> None:
    """Denials would be cheaper than what is to be measured."""
    verdict = _verdict(pods.review(pods.pod(annotations), pods.LARGE))

    assert isinstance(verdict, Allowed)
    assert verdict.operations
    assert verdict.summary.secrets >= 4


def test_replicas_differ_in_what_the_api_server_makes_up_only() -> None:
    """Each has a uid and a token volume's name of its own, and nothing else."""
    body = pods.review(pods.pod(pods.short_form(5)))
    parts = body.split(NUMBER)

    assert len(parts) == 1 + 1 + 3
    assert parts[0].endswith(b'"uid":"6f3c1b2e-9a41-4bd0-8f0e-1d2c3b4')
    assert all(part.endswith(b"kube-api-access-") for part in parts[1:-1])
