"""`syrette explain`: in words, which identity, audience, roles and calls each secret will use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from injector.contract import names
from injector.contract.stores import PROVIDERS
from webhook.review import Denied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from injector.contract.plan import Plan, Secret
    from injector.contract.references import Reference
    from injector.contract.stores import Store
    from syrette.decisions import Decision

WEB_IDENTITY_AUDIENCE: Final = "sts.amazonaws.com"
POD_IDENTITY_AUDIENCE: Final = "pods.eks.amazonaws.com"
BATCH: Final = 20  # secrets in one BatchGetSecretValue (API reference)


def explain(decisions: Sequence[Decision]) -> str:
    """
    Write a paragraph for each workload; of denied ones only that they are.

    Their problems are for standard error, where they are told of all workloads.
    """
    return "\n".join("\n".join(_workload(decision)) for decision in decisions) + "\n"


def _workload(decision: Decision) -> Iterator[str]:
    yield f"{decision.workload.name} in namespace {decision.request.namespace}"
    verdict = decision.verdict
    if isinstance(verdict, Denied):
        yield f"  would be denied: {verdict.reason}"
        return
    yield from (f"  warning: {warning}" for warning in verdict.warnings)
    plan = decision.plan
    if plan is None:
        yield "  asks for no secret; it would be created as it is."
        return
    yield f"  acts as service account {decision.request.service_account}, with its projected tokens"
    for store in plan.stores:
        yield from _store(store, plan, decision.request.service_account)
    for secret in plan.secrets:
        yield from _secret(secret, plan)
    yield from _upkeep(decision, plan)


def _store(store: Store, plan: Plan, account: str) -> Iterator[str]:
    kind = "" if store.name == store.provider else f" ({store.provider})"
    yield f"  store {store.name}{kind}:"
    yield f"    login: {_login(store, account)}"
    for hop in store.hops():
        extra = []
        if hop.external_id:
            extra.append("external id given")
        if hop.session_tags:
            extra.append("session tags " + ", ".join(key for key, _ in hop.session_tags))
        yield f"    then AssumeRole {hop.role_arn}" + (f" ({'; '.join(extra)})" if extra else "")
    last = [name for name in ("external-id", "session-tags") if name in store.settings]
    if last and store.hops():
        yield f"    with {' and '.join(last)} at the last AssumeRole"
    if region := store.text("region"):
        failover = store.text("failover-region")
        yield f"    region: {region}" + (f", failing over to {failover}" if failover else "")
    for service, endpoint in store.pairs("endpoints"):
        yield f"    endpoint of {service}: {endpoint}"
    yield f"    calls: {', '.join(_calls(store, plan))}"


def _login(store: Store, account: str) -> str:
    auth = store.text("auth")
    if auth == "web-identity":
        audience = store.text("audience", WEB_IDENTITY_AUDIENCE)
        return (
            f"AssumeRoleWithWebIdentity {store.text('role-arn')} with the token of {account} "
            f"for audience {audience}"
        )
    if auth == "pod-identity":
        return (
            f"the EKS Pod Identity agent, with the token of {account} for audience "
            f"{POD_IDENTITY_AUDIENCE}; the association names the role"
        )
    return "the SDK's default chain of the node or pod (ambient)"


def _reads(store: Store, plan: Plan) -> list[Reference]:
    return sorted(
        {
            source.reference.read
            for secret in plan.secrets
            for source in secret.sources
            if source.reference.store == store.name
        },
        key=str,
    )


def _calls(store: Store, plan: Plan) -> Iterator[str]:
    reads = _reads(store, plan)
    if store.provider == "aws-secretsmanager":
        pinned = [read for read in reads if read.option("version")]
        loose = len(reads) - len(pinned)
        if loose > 1 and store.text("batch") != "never":
            count = -(-loose // BATCH)
            yield f"{count} × BatchGetSecretValue for {loose} secrets (singly where that is denied)"
        elif loose:
            yield f"{loose} × GetSecretValue, DescribeSecret first at each refresh"
        if pinned:
            yield f"{len(pinned)} × GetSecretValue, once (pinned)"
    elif store.provider == "aws-ssm":
        below = sum(read.path.endswith("/") for read in reads)
        if len(reads) - below:
            count = -(-(len(reads) - below) // 10)
            yield f"{count} × GetParameters for {_several(len(reads) - below, 'parameter')}"
        if below:
            yield f"{below} × GetParametersByPath"
    else:
        yield _several(len(reads), "read")


def _several(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _secret(secret: Secret, plan: Plan) -> Iterator[str]:
    for source in secret.sources:
        store = plan.store(source.reference.store)
        provider = PROVIDERS[store.provider].name
        name = "" if source.name == "value" else f" as {source.name}"
        yield f"  {_target(secret)} ← {source.reference}{name} ({provider})"
    if secret.template:
        yield "    rendered from its template"
    if secret.optional:
        yield "    may be absent in the store"


def _target(secret: Secret) -> str:
    if secret.kind == "env":
        variables = ", ".join(variable.name for variable in secret.variables)
        return f"variables {variables} of {', '.join(secret.containers)}"
    if secret.kind == "dir":
        where = "the mount" if secret.path == "." else f"directory {secret.path}/"
        return f"{where} (mode {secret.mode:04o})"
    return f"file {secret.path} (mode {secret.mode:04o})"


def _upkeep(decision: Decision, plan: Plan) -> Iterator[str]:
    spec = (decision.patched or {}).get("spec") or {}
    everyone = [*(spec.get("initContainers") or []), *spec["containers"]]
    if not any(item.get("name") == names.SIDECAR_CONTAINER for item in everyone):
        yield "  no sidecar: fetched once, before the application starts"
        return
    intervals = sorted({secret.refresh for secret in plan.secrets if secret.refresh})
    said = ", ".join(f"{interval:g} s" for interval in intervals) or "leases only"
    yield f"  kept fresh by the sidecar every {said} (±10 %)"
    for action in sorted({secret.on_change.kind for secret in plan.secrets if secret.on_change}):
        yield f"  tells the application of a change by {action}"
