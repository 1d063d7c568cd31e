"""Tables of the operators' page, from the programs' own flags, metrics, limits and reasons."""

from __future__ import annotations

import argparse
import math
from dataclasses import fields
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from docs.tables import code, table
from injector import metrics_port, status
from injector.contract.plan import Plan, Secret, Source
from injector.contract.reasons import CONSEQUENCES, ExitCode, Reason
from injector.contract.references import parse
from injector.cycle import CycleReport
from injector.providers.aws_secretsmanager import BATCH_SIZE
from injector.state import ReadState, State
from webhook.arguments import parser
from webhook.limits import Limits
from webhook.metrics import WATCHED, Metrics

DECISION_LINE: Final = {
    "time": "when, RFC 3339 in UTC",
    "level": "`info`",
    "message": "`decided`",
    "verdict": "`allowed`, `denied`, `passed` (not ours to decide) or `refused` (not decided)",
    "reason": "of a denial or refusal, else null",
    "uid": "of the admission request, as in the API server's audit log",
    "namespace": "of the pod",
    "pod": "its name, or its generateName",
    "owner_kind": "kind of its first owner",
    "service_account": "whose identity the secrets are fetched with",
    "secrets": "how many it asks for",
    "providers": "which ones it needs",
    "warnings": "how many the answer has",
    "policy_warnings": "how many things `enforce: warn` would have denied; left out at 0",
    "duration_ms": "from the request's last byte to the encoded answer",
    "references": "`store:path` of each secret; left out with `audit-references: false`",
    "dry_run": "true for a dry run, else left out",
}
"""Fields of the webhook's line of each decision, and what they hold."""

INTERVALS: Final = {"5 min": 300, "15 min": 900, "1 h": 3600}
_MONTH: Final = 30 * 86400  # seconds
PRICE: Final = 0.05 / 10_000
"""USD of one API call of AWS Secrets Manager, as the page says."""


def tables() -> dict[str, str]:
    """Every table of the page, by the name of its place."""
    return {
        "flags": _flags(),
        "webhook-metrics": _metrics(_webhook_text()),
        "decision-line": table(
            ("field", "holds"), [(code(name), text) for name, text in DECISION_LINE.items()]
        ),
        "limits": _limits(),
        "exit-codes": _exit_codes(),
        "sidecar-metrics": _metrics(_sidecar_text()),
        "calls": _calls(),
    }


def _flags() -> str:
    lines = [
        (
            code(f"{action.option_strings[0]} {_value(action)}"),
            "required" if action.required else _default(action.default),
            action.help or "",
        )
        for action in parser()._actions  # noqa: SLF001 - argparse has no other way to list them
        if not isinstance(action, argparse._HelpAction)  # noqa: SLF001 - likewise
    ]
    return table(("flag", "default", "meaning"), lines)


def _value(action: argparse.Action) -> str:
    if action.choices is None:
        return str(action.metavar)
    return "{" + ",".join(map(str, action.choices)) + "}"


def _default(value: object) -> str:
    if isinstance(value, tuple):
        return code(f"{value[0]}:{value[1]}")
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _webhook_text() -> str:
    metrics = Metrics()
    for name in WATCHED:
        metrics.watch(name, lambda: 0.0)
    return metrics.exposition().decode()


def _sidecar_text() -> str:
    """What a worker writes of one secret, with what the supervisor adds."""
    reference = parse("aws-secretsmanager:prod/db")
    secret = Secret((Source("value", reference),), "file", "db", volumes=("v",), refresh=900.0)
    plan = Plan((secret,), (), ("v",), max_stale=3600.0)
    read = ReadState(version="1", served_by="eu-west-1", succeeded_at=1.0, changed_at=1.0)
    state = State({reference.read: read}, published_at=1.0)
    report = CycleReport(state, complete=True, fetched={}, next=900.0)
    return status.metrics(plan, report, 1.0).decode() + metrics_port.OWN_METRICS % (0, 0)


def _metrics(text: str) -> str:
    """Tell the metrics of Prometheus text: name, type, labels, meaning; none of the process."""
    lines = [
        (
            code(f"{family.name}_total" if family.type == "counter" else family.name),
            family.type,
            ", ".join(
                code(name)
                for name in sorted({label for sample in family.samples for label in sample.labels})
                if name != "le"
            ),
            family.documentation,
        )
        for family in text_string_to_metric_families(text)
        if family.name.startswith("syrette_") and not family.name.endswith("_created")
    ]
    return table(("metric", "type", "labels", "meaning"), lines)


def _limits() -> str:
    limits = Limits()
    lines = [
        (row.name.replace("_", " "), _limit(row.name, getattr(limits, row.name)))
        for row in fields(limits)
    ]
    return table(("limit", "value"), lines)


def _limit(name: str, value: float) -> str:
    if name.endswith("_bytes"):
        return f"{int(value) >> 20} MiB"
    return f"{value:g} s" if name.endswith("_seconds") else str(value)


def _exit_codes() -> str:
    codes = {value: name for name, value in vars(ExitCode).items() if name.isupper()}
    ours = list(Reason)[list(Reason).index(Reason.INVALID_PLAN) :]
    lines = [("0", "ok", "", "")]
    for number, name in codes.items():
        for passing in (False, True):
            rows = [
                code(reason)
                for reason in ours
                if (CONSEQUENCES[reason].exit_code, CONSEQUENCES[reason].retryable)
                == (number, passing)
            ]
            if rows:
                again = "after `init-timeout`" if passing else "at once"
                word = name.lower().replace("_", " ")
                lines.append((str(number), word, ", ".join(rows), again))
    return table(("exit code", "class", "reasons", "ends"), lines)


def _calls() -> str:
    """Count calls, and what they cost: by batch, and if each secret of one is billed."""
    lines = []
    for pods in (10, 100, 1000):
        for secrets in (1, BATCH_SIZE):
            counts = [pods * _MONTH / seconds for seconds in INTERVALS.values()]
            batches = math.ceil(secrets / BATCH_SIZE)
            lines.append(
                (
                    f"{pods}",
                    f"{secrets}",
                    *(
                        f"{count * batches:,.0f} ({_usd(count, batches, secrets)})"
                        for count in counts
                    ),
                )
            )
    return table(("pods", "secrets in each", *(f"every {name}" for name in INTERVALS)), lines)


def _usd(count: float, batches: int, secrets: int) -> str:
    least, most = count * batches * PRICE, count * secrets * PRICE
    return f"${least:,.2f}" if least == most else f"${least:,.2f} to ${most:,.2f}"
