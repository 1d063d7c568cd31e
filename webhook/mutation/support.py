"""Pods that cannot be given what they ask for, whatever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.contract import google
from injector.contract.reasons import Reason
from webhook.mutation.pod import documents

if TYPE_CHECKING:
    from webhook.annotations.intent import Intent
    from webhook.errors import Problems
    from webhook.mutation.pod import Pod


def check(pod: Pod, intent: Intent, problems: Problems) -> None:
    """Note what no container of ours can run in, or not as who the pod would be."""

    def refuse(key: str, message: str) -> None:
        problems.add(Reason.UNSUPPORTED_POD, key, message)

    if pod.is_windows:
        refuse("spec", "a Windows pod has neither memory volumes nor our image; use Linux nodes")
    if documents(pod.spec, "ephemeralContainers"):
        refuse("spec.ephemeralContainers", "are added to running pods only; remove them")
    if "kubernetes.io/config.mirror" in pod.annotations:
        refuse("", "a static pod cannot have projected tokens; make it a DaemonSet's")
    if pod.spec.get("hostNetwork") is True:
        for configured in (login for it in intent.stores.values() for login in it.logins):
            if (
                configured.store.family == "gcp"
                and configured.store.text("auth") == google.METADATA
            ):
                # https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity
                message = (
                    "the pod has `hostNetwork`, where the metadata server gives the node's "
                    "account: give the store `gke-cluster` or `workload-identity-provider`"
                )
                configured.refuse("auth", message, problems, Reason.UNSUPPORTED_POD)
