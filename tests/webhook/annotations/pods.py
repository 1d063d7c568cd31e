"""Pods to read annotations from, in the namespace `shop` with the service account `web`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webhook.annotations import read
from webhook.context import Context
from webhook.errors import Problems
from webhook.review import AdmissionRequest
from webhook.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.stores import Store
    from webhook.annotations.intent import Intent

ROLE = "arn:aws:iam::111122223333:role/web"


def admission(pod: Mapping[str, Any]) -> AdmissionRequest:
    """An admission of a pod of any shape."""
    return AdmissionRequest("u", "CREATE", "shop", "web", pod)


def request(annotations: Mapping[str, Any]) -> AdmissionRequest:
    """An admission of a pod with these annotations."""
    return admission({"metadata": {"annotations": annotations}})


def context(
    namespace: Mapping[str, str] | None = None,
    service_account: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Context:
    """The pod's surroundings."""
    return Context(
        "shop",
        namespace_labels=labels or {},
        namespace_annotations=namespace or {},
        service_account="web",
        service_account_annotations=service_account or {},
    )


def reading(
    pod: Mapping[str, str], around: Context | None = None, settings: Settings | None = None
) -> tuple[Intent | None, Problems]:
    """What is read, and what was wrong."""
    problems = Problems()
    intent = read(request(pod), around or context(), settings or Settings(), problems)
    return intent, problems


def intent(
    pod: Mapping[str, str], around: Context | None = None, settings: Settings | None = None
) -> Intent:
    """The intent of a pod in which nothing is wrong."""
    found, problems = reading(pod, around, settings)
    assert (problems.found, found is None) == ([], False)
    assert found is not None
    return found


def store(
    pod: Mapping[str, str], around: Context | None = None, settings: Settings | None = None
) -> Store:
    """The only store of a pod in which nothing is wrong."""
    (configured,) = intent(pod, around, settings).stores.values()
    return configured.store
