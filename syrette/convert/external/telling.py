"""What is said of fields that nothing else speaks of: each by its path, none dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syrette.convert.findings import Fate
from syrette.convert.table import parse_bool
from webhook.annotations.suggestions import near

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrette.convert.findings import Conversion
    from syrette.convert.table import Row


def tell(
    given: Mapping[str, Any],
    rows: Mapping[str, Row],
    where: str,
    conversion: Conversion,
    path: str = "",
) -> None:
    """
    Say of every field what its row says, unless somebody has said something of it.

    Args:
        given: the fields.
        rows: by path; a row of a mapping or list speaks for all that is in it.
        where: what the report calls `given`.
        conversion: gets the findings.
        path: of `given` in the rows.
    """
    said = {finding.key for finding in conversion.findings}
    for name, value in given.items():
        here = f"{path}{name}"
        shown = f"{where}.{str(name)[:60]}"
        row = rows.get(here)
        if row is not None:
            if shown not in said:
                _say(row, shown, value, conversion)
        elif isinstance(value, dict) and any(key.startswith(f"{here}.") for key in rows):
            tell(value, rows, shown, conversion, f"{here}.")
        elif isinstance(value, list) and any(key.startswith(f"{here}[].") for key in rows):
            for place, element in enumerate(value):
                inside = f"{shown}[{place}]"
                if isinstance(element, dict):
                    tell(element, rows, inside, conversion, f"{here}[].")
                else:
                    conversion.none(inside, "it is no mapping")
        else:
            known = near(str(name), [key.removeprefix(path) for key in rows])
            conversion.none(shown, f"no such field{known}")


def _say(row: Row, shown: str, value: object, conversion: Conversion) -> None:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    idle = row.asks is not None and parse_bool(text) is not row.asks
    if value in (None, "", [], {}) or str(value) in row.harmless or idle:
        conversion.unneeded(shown, "it asks for nothing")
    elif row.fate is Fate.NONE:
        conversion.none(shown, row.text)
    elif row.fate is Fate.UNNEEDED:
        conversion.unneeded(shown, row.text)
