"""Pods that cannot be given what they ask for, whatever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.contract.reasons import Reason
from webhook.mutation.pod import documents

if TYPE_CHECKING:
    from webhook.errors import Problems
    from webhook.mutation.pod import Pod


def check(pod: Pod, problems: Problems) -> None:
    """Note what no container of ours can run in."""

    def refuse(key: str, message: str) -> None:
        problems.add(Reason.UNSUPPORTED_POD, key, message)

    if pod.is_windows:
        refuse("spec", "a Windows pod has neither memory volumes nor our image; use Linux nodes")
    if documents(pod.spec, "ephemeralContainers"):
        refuse("spec.ephemeralContainers", "are added to running pods only; remove them")
    if "kubernetes.io/config.mirror" in pod.annotations:
        refuse("", "a static pod cannot have projected tokens; make it a DaemonSet's")
