"""Tables of the page of the converter, from its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.tables import code, table
from syrette.convert.csi import table as csi
from syrette.convert.external import store_table
from syrette.convert.external import table as external
from syrette.convert.findings import Fate
from syrette.convert.table import GROUPS, Row
from syrette.convert.templates import functions

if TYPE_CHECKING:
    from collections.abc import Mapping


def tables() -> dict[str, str]:
    """Every table of the page, by the name of its place."""
    return {
        "annotations": _annotations(),
        "functions": _functions(functions.FUNCTIONS),
        "csi": _csi(),
    } | {
        "external": _external(),
        "sprig": _functions(functions.SPRIG),
    }


def _csi() -> str:
    head = ("parameter", "fate", "ours")
    return "\n\n".join(
        f"### {title} of `{provider}`\n\n" + table(head, [_row(row) for row in rows.values()])
        for provider, parameters in csi.PARAMETERS.items()
        for title, rows in (("Parameters", parameters), ("Objects", csi.OBJECTS[provider]))
    )


def _external() -> str:
    unknown = [Row(kind, Fate.NONE, text) for kind, text in external.KINDS.items()]
    unknown.append(Row("generators", Fate.NONE, external.GENERATED))
    groups = {
        "`spec` of an ExternalSecret": external.EXTERNAL_SECRET.values(),
        "`spec` of a ClusterExternalSecret": external.CLUSTER.values(),
        "`spec` of a SecretStore or ClusterSecretStore": external.STORE.values(),
        **{
            f"`spec.provider.{name}` of a store": rows.values()
            for name, rows in store_table.PROVIDERS.items()
        },
        "Other kinds": unknown,
    }
    return "\n\n".join(
        f"### {title}\n\n" + table(("field", "fate", "ours"), [_row(row) for row in rows])
        for title, rows in groups.items()
    )


def _annotations() -> str:
    return "\n\n".join(
        f"### {group}\n\n" + table(("annotation", "fate", "ours"), [_row(row) for row in rows])
        for group, rows in GROUPS.items()
    )


def _row(row: Row) -> tuple[str, str, str]:
    name = code(f"{row.key}<name>" if row.key.endswith("-") else row.key)
    switch = "" if row.asks is None else f" (where it is {str(row.asks).lower()})"
    but = f" (but for {', '.join(map(code, row.harmless))})" if row.harmless else ""
    return name, row.fate + switch + but, row.text


def _functions(known: Mapping[str, functions.Row]) -> str:
    rows = [(code(row.name), row.becomes) for row in known.values()]
    return table(("function", "ours"), rows)
