"""Tables of the page of the converter, from its own."""

from __future__ import annotations

from docs.tables import code, table
from syrette.convert.csi import table as csi
from syrette.convert.table import GROUPS, Row
from syrette.convert.templates import functions


def tables() -> dict[str, str]:
    """Every table of the page, by the name of its place."""
    return {"annotations": _annotations(), "functions": _functions(), "csi": _csi()}


def _csi() -> str:
    head = ("parameter", "fate", "ours")
    return "\n\n".join(
        f"### {title} of `{provider}`\n\n" + table(head, [_row(row) for row in rows.values()])
        for provider, parameters in csi.PARAMETERS.items()
        for title, rows in (("Parameters", parameters), ("Objects", csi.OBJECTS[provider]))
    )


def _annotations() -> str:
    return "\n\n".join(
        f"### {group}\n\n" + table(("annotation", "fate", "ours"), [_row(row) for row in rows])
        for group, rows in GROUPS.items()
    )


def _row(row: Row) -> tuple[str, str, str]:
    name = code(f"{row.key}<name>" if row.key.endswith("-") else row.key)
    switch = "" if row.asks is None else f" (where it is {str(row.asks).lower()})"
    return name, row.fate + switch, row.text


def _functions() -> str:
    rows = [(code(row.name), row.becomes) for row in functions.FUNCTIONS.values()]
    return table(("function", "ours"), rows)
