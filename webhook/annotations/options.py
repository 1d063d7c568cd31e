"""Options: the nearest texts of every scope, typed; `""` stands for the default again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from injector.contract.names import DOMAIN
from injector.contract.reasons import Reason
from webhook.annotations import placeholders, table
from webhook.annotations.intent import Options, Origin, Scope

if TYPE_CHECKING:
    from webhook.annotations.inheritance import Value
    from webhook.annotations.placeholders import Facts
    from webhook.errors import Problems


def filled(value: Value, facts: Facts) -> str:
    """
    The value's text with its placeholders filled, where its scope may have them.

    Raises:
        PlaceholderError: as `placeholders.fill` does.
    """
    if value.scope > Scope.NAMESPACE or "{" not in value.text:
        return value.text
    return placeholders.fill(value.text, facts)


def options(given: dict[str, Value], facts: Facts, problems: Problems) -> Options:
    """Type every option that somebody gives; a wrong one keeps its default and is a problem."""
    typed: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for key, value in given.items():
        row = table.OPTIONS.get(key)
        if row is None or (not value.text and key not in table.RESOURCE_OPTIONS):
            continue
        origins[key] = Origin(value.key)
        try:
            text = filled(value, facts)
            typed[row.field] = row.parse(text) if text else ""
        except ValueError as exc:
            problems.add(Reason.INVALID_ANNOTATION, value.key, str(exc))
    return Options(**typed, given=origins)


def check(chosen: Options, problems: Problems) -> None:
    """Options that contradict or need each other."""
    given = chosen.given
    if "max-stale-action" in given and "max-stale" not in given:
        message = f"needs `{DOMAIN}/max-stale`: after how long?"
        problems.add(Reason.INVALID_ANNOTATION, given["max-stale-action"].key, message)
    if chosen.max_stale and not (chosen.metrics_port or chosen.max_stale_action):
        message = (
            f"nobody could read it: add `{DOMAIN}/metrics-port` or "
            f"`{DOMAIN}/max-stale-action: unready`"
        )
        problems.add(Reason.INVALID_ANNOTATION, given["max-stale"].key, message)
    other = chosen.on_change.kind != "restart" if chosen.on_change else "on-change" not in given
    if "restart-spread" in given and other:
        problems.warn(f"{given['restart-spread'].key} is for `on-change: restart` and unused")
    if chosen.on_change is not None and not chosen.refresh:
        problems.warn(f"{given['on-change'].key} never happens with `refresh: never`")
