"""
Resources of our containers: measured defaults, the namespace's bounds, and the pod's QoS class.

A Guaranteed pod stays Guaranteed; a pod with resources of its own as a whole gets none here; what a
LimitRange or ResourceQuota would refuse is raised, lowered or added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from injector.contract.names import DOMAIN
from injector.contract.reasons import Reason
from webhook.mutation import quantities
from webhook.mutation.pod import INIT, REGULAR, mapping
from webhook.mutation.quantities import GUARANTEED, ONE
from webhook.mutation.volumes import MEBIBYTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webhook.annotations.intent import Options
    from webhook.context import Context
    from webhook.errors import Problems
    from webhook.mutation.pod import Pod
    from webhook.mutation.subject import Subject
    from webhook.settings import Settings

WORKER_PEAK: Final = 64 * MEBIBYTE
"""Bytes that a worker takes at most, with all of its libraries; measured 36 to 45 MiB."""
_GUARANTEED_CPU: Final = "50m"  # of the sidecar: a share that a refresh gets through with
_WRITE: Final = {"cpu": quantities.cpu, "memory": quantities.memory}


@dataclass(frozen=True, slots=True)
class Resources:
    """`resources` of our two containers; empty leaves them out."""

    init: Mapping[str, Any]
    sidecar: Mapping[str, Any]


def decide(subject: Subject, problems: Problems, *, file_bytes: int) -> Resources:
    """
    Choose the resources.

    Args:
        subject: ours in its pod, if any, are not looked at.
        problems: where surprises are noted.
        file_bytes: bound of the pod's files, both sets of a publication included.
    """
    pod, options, context = subject.pod, subject.intent.options, subject.context
    settings = subject.settings
    spec = _without_ours(pod)
    if any(mapping(mapping(spec, "resources"), field) for field in ("requests", "limits")):
        return Resources({}, {})
    asked = _asked(options, settings, problems, file_bytes)
    quality = quantities.quality(spec)
    if quality == quantities.BEST_EFFORT and any(asked.values()):
        problems.warn("a BestEffort pod becomes Burstable: the injector has resource requests")
    if quality == GUARANTEED:
        init, sidecar = _guaranteed(pod, asked, options)
    else:
        init, sidecar = dict(asked), dict(asked)
    found = Resources(
        _bounded(init, context, settings, equal=quality == GUARANTEED),
        _bounded(sidecar, context, settings, equal=quality == GUARANTEED),
    )
    limit = found.init.get("limits", {}).get("memory")
    if limit and quantities.parse(limit) < (WORKER_PEAK + file_bytes) * ONE:
        problems.warn(f"a LimitRange leaves the injector {limit} of memory; it may need more")
    return found


# Quantities by (`limits` or `requests`, resource); empty text is unset.
_Sizes = dict[tuple[str, str], str]


def _asked(options: Options, settings: Settings, problems: Problems, file_bytes: int) -> _Sizes:
    ours = settings.injector
    sizes = {
        ("limits", "cpu"): _first(options.cpu_limit, ours.cpu_limit),
        ("limits", "memory"): _first(options.memory_limit, ours.memory_limit),
        ("requests", "cpu"): _first(options.cpu_request, ours.cpu_request),
        ("requests", "memory"): _first(options.memory_request, ours.memory_request),
    }
    limit = sizes["limits", "memory"]
    least = (WORKER_PEAK + file_bytes) * ONE
    if limit and quantities.parse(limit) < least:
        sizes["limits", "memory"] = quantities.memory(least)
        if options.memory_limit is not None:
            problems.warn(
                f"{DOMAIN}/memory-limit: raised to {sizes['limits', 'memory']}, the worker's peak "
                "and the files"
            )
    for name in quantities.COUNTED:
        _fit(sizes, name, options, problems)
    return sizes


def _fit(sizes: _Sizes, name: str, options: Options, problems: Problems) -> None:
    """No request above its limit, which Kubernetes refuses: what nobody gave follows."""
    limit, request = sizes["limits", name], sizes["requests", name]
    if not limit or quantities.parse(request) <= quantities.parse(limit):
        return
    asked = options.given.get(f"{name}-request")
    if asked is None:
        sizes["requests", name] = limit
    elif f"{name}-limit" in options.given:
        message = f"`{request}` is more than the limit `{limit}`"
        problems.add(Reason.INVALID_ANNOTATION, asked.key, message)
    else:
        sizes["limits", name] = request


def _first(option: str | None, default: str) -> str:
    return default if option is None else option


def _guaranteed(pod: Pod, asked: _Sizes, options: Options) -> tuple[_Sizes, _Sizes]:
    """
    Limits equal to requests.

    The init container may take what all application containers have together: the pod's effective
    request is the larger of both, so it is free.
    """
    init: _Sizes = {}
    sidecar: _Sizes = {}
    for name in quantities.COUNTED:
        total = sum(
            quantities.parse(mapping(mapping(item.document, "resources"), "limits").get(name, 0))
            for item in pod.containers
            if item.field == REGULAR
        )
        own = asked["limits", name] or asked["requests", name]
        if name == "cpu" and not (options.cpu_limit or options.cpu_request):
            own = _GUARANTEED_CPU
        if not own:
            own = _WRITE[name](total)
        larger = max(total, quantities.parse(own))
        for kind in ("limits", "requests"):
            init[kind, name] = _WRITE[name](larger)
            sidecar[kind, name] = own
    return init, sidecar


def _bounded(
    sizes: _Sizes, context: Context, settings: Settings, *, equal: bool
) -> dict[str, dict[str, str]]:
    """Apply the namespace's bounds and write the field."""
    if context.quota_resources or context.limit_ranges:
        ours = settings.injector
        defaults = {
            "cpu": (ours.cpu_limit or _GUARANTEED_CPU, ours.cpu_request),
            "memory": (ours.memory_limit or quantities.memory(WORKER_PEAK * ONE), ""),
        }
        for name, (default_limit, default_request) in defaults.items():
            limit = _limit(sizes["limits", name], default_limit, name, context)
            request = _request(
                sizes["requests", name], default_request or default_limit, name, context
            )
            request = _capped(request, limit, name, context)
            sizes["limits", name] = limit
            sizes["requests", name] = limit if equal else request
    return {
        kind: values
        for kind in ("limits", "requests")
        if (values := {name: sizes[kind, name] for name in quantities.COUNTED if sizes[kind, name]})
    }


def _limit(limit: str, default: str, name: str, context: Context) -> str:
    """The limit that quotas ask for, between the bounds of every LimitRange."""
    if not limit and f"limits.{name}" in context.quota_resources:
        limit = default
    for bounds in context.limit_ranges:
        least, most = bounds.minimum.get(name), bounds.maximum.get(name)
        if limit and least and quantities.parse(limit) < quantities.parse(least):
            limit = least
        if most and (not limit or quantities.parse(limit) > quantities.parse(most)):
            limit = most
    return limit


def _request(request: str, default: str, name: str, context: Context) -> str:
    """The request that quotas ask for, above the least of every LimitRange."""
    quota = context.quota_resources
    if not request and (f"requests.{name}" in quota or name in quota):
        request = default
    for bounds in context.limit_ranges:
        least = bounds.minimum.get(name)
        if least and quantities.parse(request) < quantities.parse(least):
            request = least
    return request


def _capped(request: str, limit: str, name: str, context: Context) -> str:
    """The request within the allowed ratio to the limit, and never above it."""
    if not request or not limit:
        return request
    for bounds in context.limit_ranges:
        ratio = quantities.parse(bounds.max_ratio.get(name, 0))
        if ratio:
            smallest = -(-quantities.parse(limit) * ONE // ratio)
            if quantities.parse(request) < smallest:
                request = _WRITE[name](smallest)
    return limit if quantities.parse(request) > quantities.parse(limit) else request


def _without_ours(pod: Pod) -> dict[str, Any]:
    """The pod's own containers only: ours must not decide about ours."""
    spec = dict(pod.spec)
    for field in (INIT, REGULAR):
        spec[field] = [item.document for item in pod.containers if item.field == field]
    return spec
