"""Tables of the page of the operator's configuration, from the keys of the document."""

from __future__ import annotations

from docs.tables import code, table
from webhook import settings


def tables() -> dict[str, str]:
    """Every table of the page, by the name of its place."""
    return {
        "keys": table(("key", "meaning"), [(code(k), doc) for k, doc in settings.KEYS.items()]),
        "allow": table(
            ("`allow`", "meaning"), [(code(k), doc) for k, doc in settings.ALLOW.items()]
        ),
    }
