"""Items of ours as annotations: short ones where they can be, the rest as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from injector.contract.names import DOMAIN
from injector.render import formats
from syrette import documents
from webhook.annotations import shortform
from webhook.annotations import table as ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syrette.convert.findings import Conversion

_USUAL: Final = "json"
"""Format of a mapping where the file's extension says no other."""
QUOTES: Final = (
    "{}: a variable cannot hold a single quote or a line end that an EnvFile has no sign for; the "
    "injector says so, by name"
)
"""A note beside variables."""


def write(items: Sequence[dict[str, Any]], conversion: Conversion, tool: str) -> None:
    """
    Write items into the annotations of a pod.

    The first directory becomes `mount-path` if the pod has none.

    Args:
        items: each with its `mount`, unless it is a variable.
        conversion: gets them.
        tool: whose conversion it is; ends the key of a list beside the pod's own.
    """
    key = f"{DOMAIN}/mount-path"
    rest: list[dict[str, Any]] = []
    for given in items:
        item = dict(given)
        if "mount" in item and key not in conversion.kept:
            conversion.ours.setdefault(key, item["mount"])
        if item.get("mount") == conversion.ours.get(key):
            item.pop("mount", None)
        if not _differs(item):
            item.pop("format", None)
        if not _short(item, conversion):
            rest.append(item)
    if rest:
        lists = f"{DOMAIN}/{ours.SECRETS}"
        lists = f"{lists}.{tool}" if lists in conversion.kept else lists
        lists = f"{lists}-converted" if lists in conversion.kept else lists
        conversion.ours[lists] = documents.dump([rest])


def _differs(item: dict[str, Any]) -> bool:
    """Whether the file's extension would make ours write another format than it has."""
    return "file" in item and formats.default(item["file"], {}) != _USUAL


def _short(item: dict[str, Any], conversion: Conversion) -> bool:
    """Put an item into an annotation of its own, if it can have one."""
    kind = next(name for name in ("file", "dir", "env") if name in item)
    short = f"{kind}.{item[kind]}"
    if set(item) != {"from", kind} or not isinstance(item["from"], str):
        return False
    if item[kind] == "." or "/" in short or not shortform.NAME.fullmatch(short):
        return False
    key = f"{DOMAIN}/{short}"
    if key in conversion.kept:
        conversion.none(key, "the pod has it already, which is kept")
    elif key in conversion.ours:
        return False
    else:
        conversion.ours[key] = item["from"]
    return True
