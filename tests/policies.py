"""
The policies of docs/providers/aws.md, so that what users copy is what the tests used.

On the page each JSON block stands below a line `<!-- policy: NAME -->`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

PAGE: Final = Path(__file__).parent.parent / "docs" / "providers" / "aws.md"
_BLOCK: Final = re.compile(
    r"(?:^<!-- policy: (?P<name>[a-z-]+) -->\n)?^```json\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def document(name: str) -> dict[str, Any]:
    """
    Read one policy of the page.

    Returns:
        The parsed document, the caller's own to change.

    Raises:
        KeyError: when the page has no policy of that name.
    """
    made: dict[str, Any] = json.loads(texts()[name])
    return made


def names() -> tuple[str, ...]:
    """Give the names of all policies, in the page's order."""
    return tuple(texts())


def texts() -> dict[str, str]:
    """
    Give every policy's JSON text by name.

    Raises:
        ValueError: when a block has no name, or the name of another one.
    """
    found: dict[str, str] = {}
    for block in _BLOCK.finditer(PAGE.read_text()):
        name = block["name"]
        if name is None or name in found:
            line = block.string.count("\n", 0, block.start()) + 1
            msg = f"{PAGE.name}:{line}: a JSON block needs a name of its own: {name}"
            raise ValueError(msg)
        found[name] = block["text"]
    return found
