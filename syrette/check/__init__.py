"""
`syrette check`: can this service account read everything that the pod asks for, as of now?

It decides as the webhook would with the cluster's own facts, asks for a token of the named account
under the caller's own rights, logs in with it and reads every secret. No value is kept or shown.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from injector.contract import names
from syrette import decisions, manifests
from syrette.check import cluster, outcomes, reading
from syrette.errors import InputError
from syrette.render import refusals
from webhook.cluster.api import Api, ApiError

if TYPE_CHECKING:
    from pathlib import Path

    from injector.contract.plan import Plan
    from syrette.decisions import Decision
    from syrette.inputs import Inputs
    from webhook.context import Context


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was told."""

    inputs: Inputs
    service_account: str
    """The one account that tokens are asked for, whatever the manifests say."""
    kubeconfig: Path | None
    """None is what kubectl would take."""
    output: str
    """`text` or `json`."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A pod that may be created, with what the kubelet would put before its logins."""

    decision: Decision
    plan: Plan
    files: dict[str, bytes]
    """Tokens, Secrets that a login needs, and ConfigMaps with documents, by path."""


def check(asked: Asked) -> int:
    """
    Read every secret of every pod in the manifests, and say what came of each.

    Returns:
        0 when all can be read, else the init container's exit code.

    Raises:
        InputError: for bad input, a pod that would be denied, or a cluster that cannot be asked.
    """
    workloads = _named(asked)
    try:
        ready, notes = asyncio.run(_prepare(asked, workloads))
    except ApiError as exc:
        raise InputError(f"the cluster cannot be asked: {exc}") from exc
    for note in notes:
        print(f"warning: {note}", file=sys.stderr)
    checked = [
        outcomes.Checked(
            pod.decision.workload.name, reading.read(pod.decision, pod.plan, pod.files)
        )
        for pod in ready
    ]
    if asked.output == "json":
        document = outcomes.document(checked, asked.inputs.namespace, asked.service_account)
        print(json.dumps(document, indent=2))
    else:
        text = outcomes.text(checked, asked.inputs.namespace, asked.service_account)
        sys.stdout.write(text)
    return outcomes.exit_code(checked)


def _named(asked: Asked) -> list[manifests.Workload]:
    """Give the workloads; each must be in the namespace and run as the account that was named."""
    inputs = asked.inputs
    workloads = list(manifests.workloads(inputs.manifests))
    if not workloads:
        raise InputError(f"{inputs.source}: no Pod and nothing that makes pods")
    problems = []
    for workload in workloads:
        account = str(workload.template["spec"].get("serviceAccountName") or "default")
        if account != asked.service_account:
            problems.append(
                f"{workload.name}: runs as service account `{account}`, not "
                f"`{asked.service_account}`: name that one, or change `serviceAccountName`"
            )
        if workload.namespace not in {"", inputs.namespace}:
            problems.append(
                f"{workload.name}: is in namespace `{workload.namespace}`, not "
                f"`{inputs.namespace}`: name that one"
            )
    if problems:
        raise InputError(*problems)
    return workloads


async def _prepare(
    asked: Asked, workloads: list[manifests.Workload]
) -> tuple[list[_Ready], list[str]]:
    """Ask the cluster for facts, decide, and ask it for what the logins need."""
    inputs = asked.inputs
    api = await Api.connect(asked.kubeconfig, person=True)
    try:
        context, notes = await cluster.context(api, inputs.namespace, asked.service_account)
        decided = _decided(asked, workloads, context)
        files = await _files(api, asked, decided)
    finally:
        await api.close()
    ready = [
        _Ready(decision, decision.plan, files) for decision in decided if decision.plan is not None
    ]
    return ready, [*_warnings(decided), *notes]


async def _files(api: Api, asked: Asked, decided: list[Decision]) -> dict[str, bytes]:
    """Get tokens, Secrets and ConfigMaps of all pods, each once, by the path in our containers."""
    pods = [decision.patched for decision in decided]
    namespace, found = asked.inputs.namespace, dict[str, bytes]()
    for audience in sorted({it for pod in pods for it in cluster.audiences(pod)}):
        token = await cluster.token(api, namespace, asked.service_account, audience)
        found[f"{names.TOKEN_DIRECTORY}/{names.token_file(audience)}"] = token.encode()
    for item in sorted({it for pod in pods for it in cluster.mounted(pod)}):
        found |= await cluster.content(api, namespace, item)
    return found


def _decided(asked: Asked, workloads: list[manifests.Workload], context: Context) -> list[Decision]:
    settings = asked.inputs.settings
    decided = [decisions.decide_one(workload, settings, context) for workload in workloads]
    if refused := refusals(decided):
        raise refused
    if all(decision.plan is None for decision in decided):
        raise InputError(f"{asked.inputs.source}: no pod asks for a secret")
    return decided


def _warnings(decided: list[Decision]) -> list[str]:
    return [
        f"{decision.workload.name}: {warning}"
        for decision in decided
        for warning in decision.verdict.warnings
    ]
