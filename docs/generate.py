"""
Write the generated pages: `python -m docs.generate`.

The prose of a page stands in `<page>.in`, and its tables come from the code, in the places that are
marked `<<name>>`. Nobody edits the pages; a test compares them with what this program would write.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docs import (
    annotation_tables,
    convert_tables,
    install_tables,
    operations_tables,
    operator_tables,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER: Final = Path(__file__).parent
PAGES: Final[dict[str, Callable[[], dict[str, str]]]] = {
    "annotations.md": annotation_tables.tables,
    "convert.md": convert_tables.tables,
    "install.md": install_tables.tables,
    "operations.md": operations_tables.tables,
    "operator-config.md": operator_tables.tables,
}
"""Generated pages by file name, with what makes their tables."""
_PLACE: Final = re.compile(r"<<([a-z-]+)>>")


def page(name: str) -> str:
    """
    Write one page.

    Raises:
        KeyError: if a place is marked that has no table.
        ValueError: if a table has no place.
    """
    prose = (FOLDER / f"{name}.in").read_text(encoding="utf-8")
    tables = PAGES[name]()
    unplaced = set(tables) - set(_PLACE.findall(prose))
    if unplaced:
        msg = f"{name}.in has no place for {', '.join(sorted(unplaced))}"
        raise ValueError(msg)
    return _PLACE.sub(lambda match: tables[match[1]], prose)


def main() -> None:
    """Write every page."""
    for name in PAGES:
        (FOLDER / name).write_text(page(name), encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
