"""The table of the chart's values, from their schema and their defaults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from docs.tables import code, table

if TYPE_CHECKING:
    from collections.abc import Iterator

CHART: Final = Path(__file__).parents[1] / "deploy" / "helm" / "syrette"
_WHOLE: Final = {"config"}
"""Values with a page of their own."""


def tables() -> dict[str, str]:
    """Every table of the page, by the name of its place."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return {"values": table(("value", "default", "meaning"), _rows(schema, defaults, ""))}


def _rows(schema: dict[str, Any], defaults: dict[str, Any], path: str) -> Iterator[tuple[str, ...]]:
    for name, default in defaults.items():
        row = schema["properties"][name]
        if "properties" in row and name not in _WHOLE:
            yield from _rows(row, default, f"{path}{name}.")
        else:
            yield code(f"{path}{name}"), code(json.dumps(default)), row["description"]
