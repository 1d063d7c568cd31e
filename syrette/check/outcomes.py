"""What became of each secret, for people and for programs: identities, versions and sizes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from injector import diagnostics
from injector.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from injector.cycle import CycleReport
    from injector.errors import InjectorError
    from injector.sessions import Revocation


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reference of one secret. It holds no byte of the value."""

    target: str
    reference: str
    provider: str
    identity: str
    """Who the provider says has read; empty when the login failed."""
    version: str
    stored: int | None
    """Bytes in the store; None when nothing was read."""
    written: int | None
    """Bytes of all that the secret becomes in the pod; None when it becomes nothing."""
    served_by: str
    """Region, empty when nothing was read."""
    absent: bool
    """Not in the store, which the pod allows."""
    error: InjectorError | None


@dataclass(frozen=True, slots=True)
class Reading:
    """All of one pod."""

    outcomes: tuple[Outcome, ...]
    together: InjectorError | None = None
    """Why the secrets cannot be written beside each other, though each alone could."""
    warnings: tuple[str, ...] = ()
    tokens_given_back: int = 0
    """Those of Vault that the check has got; AWS's sessions end by themselves."""

    @property
    def errors(self) -> list[InjectorError]:
        """Everything that would keep the pod from starting."""
        found = [outcome.error for outcome in self.outcomes if outcome.error is not None]
        return [*found, self.together] if self.together is not None else found


@dataclass(frozen=True, slots=True)
class Checked:
    """One workload and what was read for its pods."""

    name: str
    """`Deployment/web`."""
    reading: Reading


def exit_code(checked: Sequence[Checked]) -> int:
    """Choose the init container's exit code for the first cause, 0 when there is none."""
    errors = [error for item in checked for error in item.reading.errors]
    return diagnostics.exit_code(errors) if errors else 0


def given_back(tokens: int) -> str:
    """Say that nothing of the check is left in Vault; empty when nothing was there."""
    if not tokens:
        return ""
    if tokens == 1:
        return "given back: 1 Vault token, with every lease that it has got"
    return f"given back: {tokens} Vault tokens, with every lease that they have got"


def kept(revocation: Revocation) -> Iterator[str]:
    """Say which tokens live on, and for how long."""
    for record in revocation.kept:
        end = diagnostics.stamp(record.expires_at)
        yield (
            f"the Vault token of {record.principal} could not be given back: it ends at {end}, "
            "with every lease that it has got"
        )


def left(report: CycleReport, revocation: Revocation) -> Iterator[str]:
    """Say what the check leaves behind in Vault: tokens, and certificates, which have no lease."""
    yield from kept(revocation)
    for reference, read in report.state.reads.items():
        lease = read.lease
        if lease is not None and not lease.id:
            end = diagnostics.stamp(lease.issued_at + lease.duration)
            yield f"{reference}: issued a certificate, which ends at {end}; its key was not kept"


def text(checked: Sequence[Checked], namespace: str, account: str) -> str:
    """Write a paragraph for each workload."""
    lines: list[str] = []
    for item in checked:
        lines.append(f"{item.name} in namespace {namespace}, as service account {account}")
        lines += [f"  warning: {warning}" for warning in item.reading.warnings]
        for outcome in item.reading.outcomes:
            lines += _outcome(outcome)
        if item.reading.together is not None:
            lines.append(f"  {item.reading.together.reason}: {item.reading.together}")
        if said := given_back(item.reading.tokens_given_back):
            lines.append(f"  {said}")
        failed = len(item.reading.errors)
        lines.append(
            f"  {failed} of {len(item.reading.outcomes)} failed" if failed else "  all good"
        )
    return "\n".join(lines) + "\n"


def _outcome(outcome: Outcome) -> Iterator[str]:
    head = f"  {outcome.target} ← {outcome.reference} ({outcome.provider})"
    if outcome.absent:
        yield f"{head}: absent, which the pod allows"
    else:
        yield f"{head}: {outcome.error.reason if outcome.error else 'readable'}"
    if outcome.identity:
        yield f"    identity: {outcome.identity}"
    if outcome.stored is not None:
        version = outcome.version or "unknown"
        region = f", served by {outcome.served_by}" if outcome.served_by else ""
        yield f"    version: {version}, {outcome.stored} bytes{region}"
    if outcome.written is not None:
        yield f"    becomes: {outcome.written} bytes"
    if outcome.error is not None:
        told, _, remedy = diagnostics.cause(outcome.error).partition("; to do: ")
        yield f"    {told}"
        if remedy:
            yield f"    to do: {remedy}"


def document(checked: Sequence[Checked], namespace: str, account: str) -> dict[str, Any]:
    """Make the document of `-o json`; empty texts and None mean that nothing is known."""
    return {
        "namespace": namespace,
        "serviceAccount": account,
        "exitCode": exit_code(checked),
        "workloads": [
            {
                "name": item.name,
                "warnings": list(item.reading.warnings),
                "tokensGivenBack": item.reading.tokens_given_back,
                "problem": _error(item.reading.together),
                "secrets": [_secret(outcome) for outcome in item.reading.outcomes],
            }
            for item in checked
        ],
    }


def _secret(outcome: Outcome) -> dict[str, Any]:
    return {
        "target": outcome.target,
        "reference": outcome.reference,
        "provider": outcome.provider,
        "readable": outcome.error is None and not outcome.absent,
        "absent": outcome.absent,
        "identity": outcome.identity,
        "version": outcome.version,
        "storedBytes": outcome.stored,
        "writtenBytes": outcome.written,
        "servedBy": outcome.served_by,
        "problem": _error(outcome.error),
    }


def _error(error: InjectorError | None) -> dict[str, str] | None:
    if error is None:
        return None
    known = {"reason": str(error.reason), "cause": str(error)}
    if not isinstance(error, ProviderError):
        return known
    return known | {
        "step": error.step,
        "code": error.code,
        "requestId": error.request_id,
        "region": error.region,
        "remedy": error.remedy,
    }
