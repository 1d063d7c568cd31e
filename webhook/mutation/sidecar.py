"""
Which sidecar a pod gets, and whether what is asked of it can be had.

Native (an init container that is restarted) from Kubernetes 1.29; classic as a regular container,
only in pods that restart always, since a job would never complete beside it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from injector.contract.names import DOMAIN
from injector.contract.reasons import Reason
from webhook.annotations.intent import Origin
from webhook.context import KubernetesVersion
from webhook.mutation.pod import documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from injector.contract.plan import Action
    from injector.contract.references import Reference
    from webhook.annotations.intent import Options, Wanted
    from webhook.context import Context
    from webhook.errors import Problems
    from webhook.mutation.pod import Container, Pod
    from webhook.mutation.selection import Selected

NATIVE_SINCE: Final = KubernetesVersion(1, 29)
# KEP-5532: RestartAllContainers is beta and on by default since 1.36.
RESTART_SINCE: Final = KubernetesVersion(1, 36)
_PINNED: Final = frozenset({"aws-secretsmanager", "aws-ssm", "azure-keyvault", "vault"})
_NUMBERED: Final = "gcp-secretmanager"
"""Where a version may be an alias, which somebody may move, and only a number stays."""


class Sidecar(StrEnum):
    """How the sidecar stands in the pod."""

    NONE = "none"
    NATIVE = "native"
    CLASSIC = "classic"


def refresh(wanted: Wanted, options: Options, providers: dict[str, str]) -> float:
    """
    Seconds between reads of one secret, 0 for never: what is pinned to a version stays as it is.

    Args:
        wanted: the secret.
        options: the pod's.
        providers: by store.
    """
    if wanted.refresh is not None:
        return wanted.refresh
    pinned = all(
        _is_pinned(providers.get(source.reference.store, ""), source.reference)
        for source in wanted.sources
    )
    return 0.0 if pinned and wanted.sources else options.refresh


def _is_pinned(provider: str, reference: Reference) -> bool:
    version = reference.option("version") or ""
    return bool(version) and (
        provider in _PINNED or (provider == _NUMBERED and version.isdecimal())
    )


def oldest(context: Context) -> tuple[KubernetesVersion, str]:
    """The oldest version that has to know a feature, and who has it, in words."""
    kubelet = context.oldest_kubelet
    if kubelet is not None and kubelet.version <= context.server_version:
        return kubelet.version, f"node {kubelet.node} has {kubelet.text}"
    return context.server_version, f"the API server has {context.server_version}"


def choose(
    pod: Pod, options: Options, context: Context, problems: Problems, *, refreshed: bool
) -> Sidecar:
    """Choose the kind; `refreshed` says whether anything is ever read again."""
    if not refreshed:
        if options.metrics_port:
            key = _origin(options, "metrics-port").key
            problems.warn(f"{key} is unused: nothing is refreshed, so there is no sidecar")
        return Sidecar.NONE
    version, who = oldest(context)
    native = version >= NATIVE_SINCE
    if options.sidecar == "native" and not native:
        message = f"`native` needs Kubernetes ≥ {NATIVE_SINCE} ({who}); use `auto`"
        problems.add(Reason.UNSUPPORTED_POD, _origin(options, "sidecar").key, message)
    if native and options.sidecar != "classic":
        return Sidecar.NATIVE
    if pod.restarts_always:
        return Sidecar.CLASSIC
    why = "a classic one" if native else f"the sidecar before Kubernetes {NATIVE_SINCE}"
    problems.warn(f"no sidecar: {why} would keep this pod from completing; init only")
    return Sidecar.NONE


def check(
    pod: Pod, options: Options, selected: Sequence[Selected], context: Context, problems: Problems
) -> None:
    """Note what the sidecar is asked and cannot do."""
    _check_port(pod, options, problems)
    kinds: set[str] = set()
    for action, origin in actions(options, selected):
        if action.kind not in kinds:
            kinds.add(action.kind)
            _check_action(action, origin, pod, context, problems)


def actions(options: Options, selected: Sequence[Selected]) -> list[tuple[Action, Origin]]:
    """Every action with where it was asked for: the pod's first."""
    found = []
    if options.on_change is not None:
        found.append((options.on_change, _origin(options, "on-change")))
    found.extend(
        (item.wanted.on_change, item.wanted.origin)
        for item in selected
        if item.wanted.on_change is not None
    )
    return found


def signals(
    options: Options, selected: Sequence[Selected]
) -> list[tuple[Origin, tuple[Container, ...]]]:
    """
    Every signal that is asked for, with the containers that it may be meant for.

    Those have a known uid other than 0; one that is called like the process is meant before others.
    """
    found: dict[tuple[str, int | None, str], tuple[Origin, tuple[Container, ...]]] = {}
    for item in selected:
        action = item.wanted.on_change or options.on_change
        if action is None or action.kind != "signal":
            continue
        own = item.wanted.on_change is not None
        origin = item.wanted.origin if own else _origin(options, "on-change")
        known = tuple(container for container in item.containers if container.uid)
        named = tuple(container for container in known if container.name == action.process)
        found.setdefault((origin.key, origin.line, action.process), (origin, named or known))
    return list(found.values())


def check_signals(
    options: Options, selected: Sequence[Selected], uid: int | None, problems: Problems
) -> None:
    """A sidecar without capabilities may signal processes of its own uid only."""
    for origin, containers in signals(options, selected):
        others = sorted({container.uid for container in containers if container.uid} - {uid})
        if containers and not others:
            continue
        if others and len(containers) > len(others):
            message = (
                f"the containers run as several uids ({uid}, {', '.join(map(str, others))}) and "
                "the sidecar can signal one: name the container with `containers`"
            )
        else:
            message = (
                "a signal needs a container whose uid is known, not 0 and equal to the sidecar's: "
                "set `runAsUser` of the container that is signalled"
            )
        problems.add(Reason.UNSUPPORTED_POD, origin.key, message, origin.line)


def _check_action(
    action: Action, origin: Origin, pod: Pod, context: Context, problems: Problems
) -> None:
    def refuse(message: str) -> None:
        problems.add(Reason.UNSUPPORTED_POD, origin.key, message, origin.line)

    if action.kind == "signal":
        if pod.spec.get("shareProcessNamespace") is False:
            refuse("a signal needs `shareProcessNamespace`, which the pod sets to false")
        if pod.spec.get("hostPID") is True:
            refuse("a signal needs the pod's own process namespace, and the pod has `hostPID`")
    elif action.kind == "restart":
        version, who = oldest(context)
        if version < RESTART_SINCE:
            refuse(f"`restart` needs Kubernetes ≥ {RESTART_SINCE} ({who}); use `signal` or `http`")
        problems.warn(
            f"{origin.key}: a restart runs no preStop hook and honours no grace period"[:120]
        )


def _check_port(pod: Pod, options: Options, problems: Problems) -> None:
    port = options.metrics_port
    if options.max_stale_action and not port:
        message = (
            f"`{options.max_stale_action}` needs `{DOMAIN}/metrics-port`, which the probe asks"
        )
        key = _origin(options, "max-stale-action").key
        problems.add(Reason.INVALID_ANNOTATION, key, message)
    if not port:
        return
    key = _origin(options, "metrics-port").key
    if pod.spec.get("hostNetwork") is True and key != f"{DOMAIN}/metrics-port":
        message = (
            f"the pod has `hostNetwork`, where port {port} is the node's: ask for it on the pod "
            'itself, or unset it there with `""`'
        )
        problems.add(Reason.UNSUPPORTED_POD, key, message)
    for container in pod.containers:
        for item in documents(container.document, "ports"):
            if item.get("containerPort") == port and item.get("protocol", "TCP") == "TCP":
                message = f"port {port} is the container `{container.name}`'s; choose another"
                problems.add(Reason.NAME_COLLISION, key, message)


def _origin(options: Options, key: str) -> Origin:
    return options.given.get(key, Origin(f"{DOMAIN}/{key}"))
