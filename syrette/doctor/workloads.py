"""What can be wrong with what runs in the cluster: pods, namespaces, kubelets. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from injector.contract import names, plan
from syrette.doctor.findings import Finding, Level
from syrette.doctor.questions import Unasked
from webhook.mutation.variables import ENV_FILES_SINCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syrette.doctor.questions import Answers

ENFORCEMENT: Final = f"{names.DOMAIN}/enforcement"
_MIRROR: Final = "kubernetes.io/config.mirror"
_ASKING: Final = tuple(f"{names.DOMAIN}/{word}" for word in ("file.", "dir.", "env.", "secrets."))
_SWITCH: Final = f"{names.DOMAIN}/inject"


def findings(answers: Answers) -> Iterator[Finding]:
    """Look at pods, namespaces and nodes."""
    if isinstance(answers.pods, Unasked):
        yield Finding("uninjected", Level.UNKNOWN, answers.pods.said)
    else:
        yield _uninjected(answers.pods)
        yield _other_versions(answers.pods)
    yield _unenforced(answers)
    yield _kubelets(answers)


def asks(annotations: Mapping[str, str]) -> bool:
    """Whether a pod asks for secrets, by the rule of our admission policy."""
    if annotations.get(_SWITCH) == "false" or _MIRROR in annotations:
        return False
    return (
        annotations.get(_SWITCH) == "true"
        or f"{names.DOMAIN}/secrets" in annotations
        or any(key.startswith(_ASKING) for key in annotations)
    )


def _uninjected(pods: list[dict[str, Any]]) -> Finding:
    found = [
        _name(pod)
        for pod in pods
        if asks(_annotations(pod)) and names.INJECTED not in _annotations(pod)
    ]
    if not found:
        return Finding("uninjected", Level.OK, "every pod that asks for secrets was injected")
    return Finding(
        "uninjected",
        Level.PROBLEM,
        f"{len(found)} pods ask for secrets and were not injected",
        "they are older than the installation, or their namespace is excluded: delete them, so "
        "that their controllers create them again",
        tuple(sorted(found)),
    )


def _other_versions(pods: list[dict[str, Any]]) -> Finding:
    ours = f"v{plan.VERSION}."
    marks = {_name(pod): _annotations(pod).get(names.INJECTED, "") for pod in pods}
    found = sorted(name for name, mark in marks.items() if mark and not mark.startswith(ours))
    if not found:
        return Finding("versions", Level.OK, f"every injected pod has a plan of version {ours[1]}")
    return Finding(
        "versions",
        Level.PROBLEM,
        f"{len(found)} pods were injected with a plan of another version than {ours[1]}",
        "they run on with their own injector; restart their workloads to bring them up to date, "
        "or use the command line of the installed version",
        tuple(found),
    )


def _unenforced(answers: Answers) -> Finding:
    namespaces = answers.namespaces
    if isinstance(namespaces, Unasked):
        return Finding("enforcement", Level.UNKNOWN, namespaces.said)
    found = sorted(
        str(one["metadata"]["name"])
        for one in namespaces
        if (one["metadata"].get("labels") or {}).get(ENFORCEMENT) == "disabled"
    )
    if not found:
        return Finding("enforcement", Level.OK, "enforcement is disabled in no namespace")
    return Finding(
        "enforcement",
        Level.PROBLEM,
        "pods of these namespaces start without what they ask for",
        f"take the label away when the emergency is over: kubectl label namespace NAME "
        f"{ENFORCEMENT}-",
        tuple(found),
    )


def _kubelets(answers: Answers) -> Finding:
    kubelet = answers.oldest_kubelet
    if isinstance(kubelet, Unasked):
        return Finding("kubelets", Level.UNKNOWN, kubelet.said)
    if kubelet is None or kubelet.version >= ENV_FILES_SINCE:
        return Finding("kubelets", Level.OK, f"every kubelet is {ENV_FILES_SINCE} or newer")
    said = (
        f"the kubelet of {kubelet.node} is {kubelet.text}: variables (`env.*`) are refused in the "
        f"whole cluster until every kubelet is {ENV_FILES_SINCE}"
    )
    if answers.version >= ENV_FILES_SINCE:
        remedy = "upgrade the nodes, or use files until then"
        return Finding("kubelets", Level.PROBLEM, said, remedy)
    return Finding("kubelets", Level.NOTE, said, "use files until the cluster is upgraded")


def _annotations(found: dict[str, Any]) -> dict[str, str]:
    annotations: dict[str, str] = found["metadata"].get("annotations") or {}
    return annotations


def _name(found: dict[str, Any]) -> str:
    return f"{found['metadata']['namespace']}/{found['metadata']['name']}"
