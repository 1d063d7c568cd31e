"""Endpoints that are told late, as with many nodes: traffic still comes to who is ending."""

from __future__ import annotations

import collections
import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from tests.e2e.installation import NAMESPACE, replicas
from tests.e2e.kubectl import apply, eventually, get, kubectl, ready

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE: Final = "syrette"
_SLICE: Final = "told-late"
_LOOK_SECONDS: Final = 0.5


@contextmanager
def told_late(seconds: float) -> Iterator[None]:
    """
    Have the Service lead, at each moment, to the replicas that were ready so many seconds before.

    One node hears of an endpoint's end within milliseconds, so that a webhook that ends at once
    loses nothing there. With many nodes and API servers it takes seconds: that is what the drain is
    for. The cluster's own controllers leave a Service without selector alone.
    """
    selector = get("service", SERVICE, NAMESPACE)["spec"]["selector"]
    ended = threading.Event()
    failures: list[BaseException] = []
    _tell(_addresses())
    _select(None)
    # What the controllers wrote stays as it is, and would lead to replicas that are gone.
    kubectl("-n", NAMESPACE, "delete", "endpoints", SERVICE, "--ignore-not-found")
    eventually(_only_ours)
    thread = threading.Thread(target=_follow, args=(seconds, ended, failures))
    thread.start()
    try:
        yield
        # The last ones that ended were ready so many seconds before: they are led to until then.
        time.sleep(seconds)
    finally:
        ended.set()
        thread.join()
        _select(selector)
        kubectl("-n", NAMESPACE, "delete", "endpointslice", _SLICE)
        eventually(lambda: _slices("endpointslice-controller.k8s.io"))
    assert failures == []


def _follow(seconds: float, ended: threading.Event, failures: list[BaseException]) -> None:
    seen: collections.deque[tuple[float, list[str]]] = collections.deque()
    told: list[str] = []
    try:
        while not ended.wait(_LOOK_SECONDS):
            seen.append((time.monotonic(), _addresses()))
            while seen and seen[0][0] <= time.monotonic() - seconds:
                _, addresses = seen.popleft()
                if addresses != told:
                    told = addresses
                    _tell(told)
    except (AssertionError, OSError) as exc:
        failures.append(exc)


def _addresses() -> list[str]:
    """Of the replicas that the cluster's own controllers would lead to."""
    return sorted(one["status"]["podIP"] for one in replicas() if ready(one))


def _tell(addresses: list[str]) -> None:
    conditions = {"ready": True, "serving": True, "terminating": False}
    apply(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": _SLICE,
                "namespace": NAMESPACE,
                "labels": {
                    "kubernetes.io/service-name": SERVICE,
                    "endpointslice.kubernetes.io/managed-by": "end-to-end-tests",
                },
            },
            "addressType": "IPv6" if ":" in addresses[0] else "IPv4",
            "endpoints": [{"addresses": [one], "conditions": conditions} for one in addresses],
            "ports": [{"name": "https", "port": 8443, "protocol": "TCP"}],
        }
    )


def _select(selector: dict[str, str] | None) -> None:
    patch = [{"op": "add", "path": "/spec/selector", "value": selector}]
    if selector is None:
        patch = [{"op": "remove", "path": "/spec/selector"}]
    words = ("patch", "service", SERVICE, "--type=json", "-p", json.dumps(patch))
    kubectl("-n", NAMESPACE, *words)


def _only_ours() -> bool:
    """Remove what others have written; true once nothing of theirs comes back."""
    others = [one for one in _slices() if one != _SLICE]
    if others:
        kubectl("-n", NAMESPACE, "delete", "endpointslice", *others, "--ignore-not-found")
    return not others


def _slices(by: str = "") -> list[str]:
    """Names of the Service's slices, or of those that somebody manages."""
    label = f",endpointslice.kubernetes.io/managed-by={by}" if by else ""
    found: list[dict[str, Any]] = kubectl(
        *("-n", NAMESPACE, "get", "endpointslices", "-o", "json"),
        *("-l", f"kubernetes.io/service-name={SERVICE}{label}"),
    ).json["items"]
    return [one["metadata"]["name"] for one in found]
