"""Tables of the page of annotations, from the annotation table and the contract."""

from __future__ import annotations

from typing import Final

from docs.tables import code, table
from injector.contract.names import DOMAIN
from injector.contract.plan import MAX_BYTES
from injector.contract.reasons import CONSEQUENCES, ExitCode, Reason
from injector.contract.stores import FAMILIES, PROVIDERS, StoreField
from injector.contract.templates import FILTERS
from webhook.annotations import (
    MAX_SECRETS,
    documents,
    inheritance,
    longform,
    parsers,
    reading,
    templates,
)
from webhook.annotations import table as rows
from webhook.annotations.intent import Scope
from webhook.errors import MAX_REPORTED

_SCOPES: Final = {
    Scope.POD: "pod",
    Scope.SERVICE_ACCOUNT: "service account",
    Scope.NAMESPACE: "namespace",
    Scope.OPERATOR: "operator",
}


def tables() -> dict[str, str]:
    """Every table of the page, by the name of its place."""
    return {
        "forms": _forms(),
        "items": _items(),
        "filters": ", ".join(code(name) for name in FILTERS),
        "reference-options": _reference_options(),
        "options": _options(),
        "stores": "\n\n".join(_family(family) for family in FAMILIES),
        "honoured": _honoured(),
        "limits": _limits(),
        "reasons": _reasons(),
    }


def _forms() -> str:
    lines = [
        (
            code(f"{DOMAIN}/{row.key}" + ("<name>" if row.key.endswith(".") else "")),
            _where(row.scopes),
            row.doc,
        )
        for row in rows.FORMS.values()
    ]
    return table(("annotation", "on", "meaning"), lines)


def _where(scopes: frozenset[Scope]) -> str:
    return ", ".join(_SCOPES[scope] for scope in sorted(scopes, reverse=True))


def _items() -> str:
    lines = [(code(name), meaning) for name, meaning in longform.ITEM_KEYS.items()]
    return table(("key of an item", "meaning"), lines)


def _reference_options() -> str:
    lines: list[tuple[str, str, str, str]] = []
    for provider in PROVIDERS.values():
        name = code(provider.name)
        for option in provider.options:
            row = reading.OPTIONS[provider.name, option]
            lines.append((name, code(option), row.expected, row.doc))
        lines.extend(
            (name, code(f"{prefix}<field>"), "a value", "Makes the read a write.")
            for prefix in provider.open_options
        )
        if not provider.options:
            lines.append((name, "none", "", ""))
    return table(("provider", "option", "value", "meaning"), lines)


def _options() -> str:
    lines = [
        (code(f"{DOMAIN}/{row.key}"), row.default, code(f'"{row.example}"'), row.doc)
        for row in rows.OPTIONS.values()
    ]
    return table(("annotation", "default", "example", "meaning"), lines)


def _family(family: str) -> str:
    names = [row.name for row in PROVIDERS.values() if row.family == family]
    title = f"### {family}: {', '.join(code(name) for name in names)}\n\n"
    lines = [
        (
            code(row.name),
            code(f"{DOMAIN}/{family}.{row.name}") if row.annotated else "named stores only",
            _value(row),
            row.doc + _marks(row),
        )
        for row in rows.FIELDS[family].values()
    ]
    return title + table(("field", "annotation", "value", "meaning"), lines)


def _value(row: StoreField) -> str:
    if row.choices:
        return ", ".join(code(choice) for choice in row.choices)
    words = {"text": "text", "names": "list", "pairs": "mapping", "hops": "list of roles"}
    return row.expected or words[row.kind]


def _marks(row: StoreField) -> str:
    return " *Inherited.*" * row.inherited + " *Operator's.*" * row.endpoint


def _honoured() -> str:
    lines = [
        (code(row.key), _where(row.scopes), code(f"{DOMAIN}/{row.option}")) for row in rows.HONOURED
    ]
    return table(("annotation", "on", "stands for"), lines)


def _limits() -> str:
    lines = [
        ("our annotations of one object", str(inheritance.MAX_KEYS)),
        ("text of our annotations of one object", f"{inheritance.MAX_SIZE // 1024} KiB"),
        ("an option", f"{inheritance.MAX_OPTION // 1024} KiB"),
        ("containers of a pod, and as many init containers", str(parsers.MAX_CONTAINERS)),
        ("secrets of a pod", str(MAX_SECRETS)),
        ("a YAML document", f"{documents.MAX_BYTES // 1024} KiB"),
        ("levels of a YAML document", str(documents.MAX_DEPTH)),
        ("a template", f"{templates.MAX_BYTES // 1024} KiB"),
        ("words and marks in all templates of a pod", str(templates.MAX_TOKENS)),
        ("the plan", f"{MAX_BYTES // 1024} KiB"),
        ("problems that a denial spells out", str(MAX_REPORTED)),
    ]
    return table(("what", "at most"), lines)


def _reasons() -> str:
    codes = {value: name.lower() for name, value in vars(ExitCode).items() if name.isupper()}
    admission = list(Reason)[: list(Reason).index(Reason.INVALID_PLAN)]
    lines = [
        (
            code(reason),
            str(row.status) if reason in admission else "",
            "" if reason in admission else f"{row.exit_code} ({codes[row.exit_code]})",
            "yes" if row.retryable else "",
            row.meaning,
        )
        for reason, row in CONSEQUENCES.items()
    ]
    return table(("reason", "HTTP", "exit code", "retried", "meaning"), lines)
