"""
Proves that the API server calls the webhook: a pod with a deliberate mistake, created as a dry run.

Whoever answers tells: our own words about the mistake come from our webhook only. Our admission
policy, which the API server evaluates itself, refuses the pod when the webhook was not called.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from injector.contract.names import DOMAIN
from webhook.cluster.api import Api, ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAME: Final = "syrette-doctor"
_MISTAKE: Final = f"{DOMAIN}/file.{_NAME}"
_WEBHOOK: Final = f'webhook "pods.injection.{DOMAIN}"'
_POLICY: Final = f"ValidatingAdmissionPolicy 'pods.injection.{DOMAIN}'"
_UNPERMITTED: Final = 'cannot create resource "pods"'
_MOST: Final = 10
"""Namespaces that are tried; whoever may create pods in none of them must name one."""


class Proof(StrEnum):
    """What became of the pod."""

    REFUSED_BY_US = "refused by the webhook"
    REFUSED_OTHERWISE = "refused by the webhook for another cause"
    UNREACHED = "the webhook could not be called"
    REFUSED_BY_POLICY = "refused by the policy"
    CREATED = "created"
    REFUSED_BY_OTHERS = "refused by somebody else"
    UNPERMITTED = "not permitted"
    NOWHERE = "no namespace to try in"


@dataclass(frozen=True, slots=True)
class Probed:
    """How it ended, and where."""

    proof: Proof
    namespace: str = ""
    said: str = ""
    """What the API server said about it."""


async def probe(api: Api, namespaces: Sequence[str]) -> Probed:
    """
    Try in one namespace after the other until the caller may create pods in one.

    Raises:
        ApiError: when the API server does not answer.
    """
    if not namespaces:
        return Probed(Proof.NOWHERE)
    for namespace in namespaces:
        found = await _try(api, namespace)
        if found.proof is not Proof.UNPERMITTED:
            return found
    return Probed(Proof.UNPERMITTED, ", ".join(namespaces))


def candidates(namespaces: object, configuration: object) -> list[str]:
    """
    Choose namespaces whose pods the webhook is asked about, `default` first.

    Args:
        namespaces: their metadata; anything else when they could not be listed.
        configuration: our MutatingWebhookConfiguration; anything else when it is not known.
    """
    if not isinstance(namespaces, list):
        return ["default"]
    selector = _selector(configuration)
    names = [
        str(found["metadata"]["name"])
        for found in namespaces
        if "deletionTimestamp" not in found["metadata"]
        and selects(selector, _labels(found["metadata"]))
    ]
    return sorted(names, key=lambda name: (name != "default", name))[:_MOST]


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector (meta/v1) takes an object with these labels."""
    wanted = selector.get("matchLabels") or {}
    rules = selector.get("matchExpressions") or []
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _holds(rule, labels.get(rule["key"])) for rule in rules
    )


def _holds(rule: Mapping[str, Any], value: str | None) -> bool:
    values = rule.get("values") or []
    return {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }.get(rule["operator"], False)


def _selector(configuration: object) -> dict[str, Any]:
    entries = configuration.get("webhooks") or [] if isinstance(configuration, dict) else []
    for entry in entries:
        if entry.get("name") == f"pods.injection.{DOMAIN}":
            return dict(entry.get("namespaceSelector") or {})
    return {}


def _labels(metadata: Mapping[str, Any]) -> dict[str, str]:
    # The API server gives every namespace this label; a simulated one may not.
    return {"kubernetes.io/metadata.name": metadata["name"], **(metadata.get("labels") or {})}


async def _try(api: Api, namespace: str) -> Probed:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": _NAME,
            "namespace": namespace,
            "annotations": {_MISTAKE: "no-reference"},
            "labels": {f"{DOMAIN}/injection": "enabled"},
        },
        "spec": {"containers": [{"name": "none", "image": "none.invalid/none"}]},
    }
    path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
    try:
        await api.write("POST", path, pod, seconds=40.0)
    except ApiError as exc:
        if not exc.status:
            raise
        return Probed(_proof(exc), namespace, exc.said[:600])
    return Probed(Proof.CREATED, namespace)


def _proof(refusal: ApiError) -> Proof:
    """Tell by the words of the API server who refused."""
    said = refusal.said
    if _WEBHOOK in said and "denied the request" in said:
        return Proof.REFUSED_BY_US if _MISTAKE in said else Proof.REFUSED_OTHERWISE
    if _WEBHOOK in said:
        return Proof.UNREACHED
    if _POLICY in said:
        return Proof.REFUSED_BY_POLICY
    if refusal.forbidden and _UNPERMITTED in said:
        return Proof.UNPERMITTED
    return Proof.REFUSED_BY_OTHERS
