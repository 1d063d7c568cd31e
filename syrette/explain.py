"""`syrette explain`: in words, which identity, audience, roles and calls each secret will use."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from injector.contract import names
from injector.contract.stores import PROVIDERS
from syrette import logins
from webhook.review import Denied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from injector.contract.plan import Plan, Secret
    from injector.contract.references import Reference
    from injector.contract.stores import Store
    from syrette.decisions import Decision

BATCH: Final = 20  # secrets in one BatchGetSecretValue (API reference)
_CALLS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "azure-keyvault": "GetSecret (a certificate's key and chain are in its secret)",
        "gcp-secretmanager": "AccessSecretVersion, checked by CRC32C",
        "sops": "file, decrypted where it has changed: a Decrypt for each key that is tried",
    }
)
"""What one read is, where each is a call of its own."""
_LEASED: Final = frozenset({"creds", "sts"})
"""What Vault's own engines have behind their mount where they hand out credentials."""


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
    yield from (f"    {line}" for line in logins.words(store, account))
    yield f"    calls: {', '.join(_calls(store, plan))}"


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
    elif store.provider == "vault":
        kinds = Counter(_vault_call(store, read) for read in reads)
        yield from (f"{count} × {kind}" for kind, count in sorted(kinds.items()))
    else:
        yield f"{len(reads)} × {_CALLS.get(store.provider, 'read')}"


def _vault_call(store: Store, read: Reference) -> str:
    """What one read of Vault is, as far as its reference tells."""
    fields = [name.partition(".")[2] for name, _ in read.options if name.startswith("data.")]
    if fields:
        return f"write with parameters ({', '.join(fields)})"
    engine = read.option("engine") or read.path.partition("/")[0]
    below = read.path.removeprefix(f"{engine}/").partition("/")[0]
    if below in _LEASED or read.option("ttl"):
        return "read of dynamic credentials, whose lease is renewed"
    version = read.option("kv") or ("2" if read.option("version") else store.text("kv"))
    if version:
        return f"KV {version} read" + (", once (pinned)" if read.option("version") else "")
    return "KV read, or credentials with a lease where the engine is none of KV"


def _several(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _secret(secret: Secret, plan: Plan) -> Iterator[str]:
    for source in secret.sources:
        store = plan.store(source.reference.store)
        provider = PROVIDERS[store.provider].name
        name = "" if source.name == "value" else f" as {source.name}"
        yield f"  {_target(secret)} ← {source.reference}{name} ({provider})"
        if provider == "vault":
            yield f"    by a {_vault_call(store, source.reference.read)}"
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
