"""One pod template: which annotations are theirs, and what stands there after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from syrette.convert import login, options, secrets, table
from syrette.convert.findings import Conversion, Fate
from syrette.convert.options import Facts
from syrette.convert.secrets import Named
from syrette.convert.table import PREFIX, parse_bool
from webhook.annotations.suggestions import near

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_AGENTS: Final = frozenset({"vault-agent", "vault-agent-init"})
_SWITCH: Final = "agent-inject"


def convert(
    annotations: Mapping[str, str], spec: Mapping[str, Any]
) -> tuple[dict[str, str], Conversion]:
    """
    Convert the annotations of one pod.

    Args:
        annotations: all of them.
        spec: of the pod; it is read only.

    Returns:
        All annotations with ours in place of theirs, and what there is to tell. They are unchanged
        where the pod cannot be converted as a whole.
    """
    theirs = {
        key.removeprefix(PREFIX): text for key, text in annotations.items() if _is_theirs(key)
    }
    conversion = Conversion(kept=frozenset(key for key in annotations if not _is_theirs(key)))
    if not theirs:
        return dict(annotations), conversion
    why = _obstacle(theirs, spec)
    if why:
        conversion.none(PREFIX + _SWITCH, f"nothing is converted: {why}")
        return dict(annotations), conversion
    facts = _facts(spec)
    named = _named(theirs)
    options.convert(theirs, facts, conversion)
    login.convert(theirs, facts, conversion)
    if "agent-inject-containers" in theirs and not _has(conversion, "containers"):
        secrets.leave_out(named, "nobody would read its file", conversion)
    else:
        secrets.convert(theirs, named, conversion)
    _say_rest(theirs, conversion)
    order = {PREFIX + name: place for place, name in enumerate(theirs)}
    conversion.findings.sort(key=lambda finding: order.get(finding.key, len(order)))
    return _replaced(annotations, conversion), conversion


def _is_theirs(key: str) -> bool:
    return key.startswith(PREFIX)


def _has(conversion: Conversion, name: str) -> bool:
    return any(key.endswith(f"/{name}") for key in conversion.ours)


def _obstacle(theirs: Mapping[str, str], spec: Mapping[str, Any]) -> str:
    found = {name for name, _ in _containers(spec, "containers")}
    found |= {name for name, _ in _containers(spec, "initContainers")}
    if found & _AGENTS:
        return "the agent is in the pod already; convert the manifest that it was made from"
    switch = theirs.get(_SWITCH, "")
    if parse_bool(switch) is None:
        return f"`{switch[:60]}` is no boolean, and Vault's injector denies the pod"
    return ""


def _facts(spec: Mapping[str, Any]) -> Facts:
    audiences: dict[str, str] = {}
    for name, volume in _containers(spec, "volumes"):
        projected = volume.get("projected")
        sources = projected.get("sources") if isinstance(projected, dict) else None
        for source in sources if isinstance(sources, list) else []:
            token = source.get("serviceAccountToken") if isinstance(source, dict) else None
            if isinstance(token, dict):
                audiences[name] = str(token.get("audience") or "")
    return Facts(
        tuple(name for name, _ in _containers(spec, "containers")),
        tuple(name for name, _ in _containers(spec, "initContainers")),
        audiences,
    )


def _containers(spec: Mapping[str, Any], key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Named things of a pod's spec, whatever else stands there."""
    listed = spec.get(key)
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            yield item["name"], item


def _named(theirs: Mapping[str, str]) -> list[Named]:
    """Sort what names a secret by that name, in the order in which they stand there."""
    found: dict[str, dict[str, str]] = {}
    for key, text in theirs.items():
        row = table.find(key)
        if row is not None and row[0].key in secrets.KEYS:
            found.setdefault(row[1], {})[row[0].key] = text
    return [Named(name, given) for name, given in found.items()]


def _say_rest(theirs: Mapping[str, str], conversion: Conversion) -> None:
    """Say why what nobody has converted becomes nothing."""
    said = {finding.key for finding in conversion.findings}
    for name, text in theirs.items():
        key = PREFIX + name
        if key in said:
            continue
        found = table.find(name)
        if found is None:
            known = near(name, table.TABLE) or "; docs/convert.md has them all"
            conversion.none(key, f"Vault's injector has no such annotation{known}")
            continue
        row, _ = found
        value = parse_bool(text) if row.asks is not None else None
        if row.fate is Fate.UNNEEDED:
            conversion.unneeded(key, row.text)
        elif not text.strip() or (value is not None and value != row.asks):
            conversion.unneeded(key, "it asks for nothing")
        else:
            conversion.none(key, row.text)


def _replaced(annotations: Mapping[str, str], conversion: Conversion) -> dict[str, str]:
    """Put ours where the first of theirs stood; what is there already is kept."""
    for key, text in conversion.ours.items():
        if annotations.get(key, text) != text:
            conversion.none(key, "the pod has it already, with another value, which is kept")
    replaced: dict[str, str] = {}
    for key, text in annotations.items():
        if _is_theirs(key):
            replaced |= {own: it for own, it in conversion.ours.items() if own not in annotations}
        else:
            replaced[key] = text
    return replaced
