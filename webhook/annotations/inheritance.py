"""
Who says what: the values of every scope, of which the nearest wins.

operator < annotations of other platforms < namespace < service account < pod. A key in our domain
that the table does not have is a problem wherever it stands, and so is a secret outside a pod.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from injector.contract.names import DOMAIN
from injector.contract.reasons import Reason
from injector.contract.stores import FAMILIES
from webhook.annotations import table
from webhook.annotations.intent import Scope
from webhook.annotations.suggestions import near

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webhook.context import Context
    from webhook.errors import Problems
    from webhook.settings import Settings

PREFIX: Final = f"{DOMAIN}/"
MAX_KEYS: Final = 256  # of one object; an object's annotations may have 256 KiB in all


class Value(NamedTuple):
    """A text, where it stands, and what a message calls that place."""

    text: str
    scope: Scope
    key: str


@dataclass(slots=True)
class Given:
    """Everything that one admission's scopes say, before anything is parsed."""

    options: dict[str, Value] = field(default_factory=dict)
    """By key without domain: the nearest value, `""` included."""
    stores: list[Value] = field(default_factory=list)
    """`syrette.dev/stores`, farthest first."""
    secrets: list[tuple[str, str]] = field(default_factory=list)
    """Keys (without domain) and values of the pod that ask for secrets, sorted by key."""
    inject: str = ""


def ours(annotations: object) -> dict[str, str]:
    """Our annotations of one object, without the domain; a value that is no text becomes one."""
    if not annotations or not hasattr(annotations, "items"):
        return {}
    size = len(PREFIX)
    return {
        key[size:]: value if isinstance(value, str) else ""
        for key, value in annotations.items()
        if isinstance(key, str) and key.startswith(PREFIX)
    }


def collect_pod(found: Mapping[str, str], given: Given, problems: Problems) -> None:
    """Sort the pod's own keys into options, stores and secrets."""
    if _too_many(found, "", problems):
        return
    for name, text in sorted(found.items()):
        if name in table.OPTIONS or name in table.STORE_OPTIONS:
            given.options[name] = Value(text, Scope.POD, PREFIX + name)
        elif name == table.SECRETS or name.startswith(table.SECRET_PREFIXES):
            given.secrets.append((name, text))
        elif name == table.STORES:
            given.stores.append(Value(text, Scope.POD, PREFIX + name))
        elif name == table.INJECT:
            given.inject = text
            if text != "true":
                message = f'`{text[:60]}` is not "true" or "false"'
                problems.add(Reason.INVALID_ANNOTATION, PREFIX + name, message)
        elif name != table.INJECTED:
            _unknown(name, PREFIX + name, problems)


def collect_defaults(
    given: Given, context: Context, settings: Settings, problems: Problems
) -> None:
    """Put the defaults of the farther scopes under what the pod says."""
    nearest = given.options
    merged = {
        name: Value(text, Scope.OPERATOR, f"defaults.{name}")
        for name, text in settings.defaults.items()
    }
    merged.update(_honoured(context))
    places = (
        (Scope.NAMESPACE, context.namespace_annotations, f"namespace {context.namespace}"),
        (
            Scope.SERVICE_ACCOUNT,
            context.service_account_annotations,
            f"service account {context.service_account}",
        ),
    )
    stores: list[Value] = []
    for scope, theirs, place in places:
        found = ours(theirs)
        if found and not _too_many(found, f"{place}: ", problems):
            _collect_place(found, scope, place, (merged, stores, problems))
    merged.update(nearest)
    given.options = merged
    given.stores = stores + given.stores


def _collect_place(
    found: Mapping[str, str],
    scope: Scope,
    place: str,
    into: tuple[dict[str, Value], list[Value], Problems],
) -> None:
    options, stores, problems = into
    for name, text in sorted(found.items()):
        key = f"{PREFIX}{name} ({place})"
        if name in table.OPTIONS or name in table.STORE_OPTIONS:
            options[name] = Value(text, scope, key)
        elif name == table.STORES:
            stores.append(Value(text, scope, key))
        elif name in {table.SECRETS, table.INJECT} or name.startswith(table.SECRET_PREFIXES):
            message = "stands on a pod only; here go options and stores"
            problems.add(Reason.INVALID_ANNOTATION, key, message)
        elif name != table.INJECTED:
            _unknown(name, key, problems)


def _honoured(context: Context) -> dict[str, Value]:
    """Annotations that people already have on their service accounts, as our options."""
    annotations = context.service_account_annotations
    place = f"service account {context.service_account}"
    return {
        row.option: Value(annotations[row.key], Scope.SERVICE_ACCOUNT, f"{row.key} ({place})")
        for row in table.HONOURED
        if annotations.get(row.key)
    }


def _too_many(found: Mapping[str, str], place: str, problems: Problems) -> bool:
    if len(found) <= MAX_KEYS:
        return False
    message = f"{place}{len(found)} annotations in {DOMAIN}; at most {MAX_KEYS} are read"
    problems.add(Reason.LIMIT_EXCEEDED, "", message)
    return True


def _unknown(name: str, key: str, problems: Problems) -> None:
    hint = _hint(name) if problems.spelled_out else ""
    problems.add(Reason.UNKNOWN_ANNOTATION, key, f"no such annotation{hint}")


def _hint(name: str) -> str:
    head, dot, rest = name.partition(".")
    if dot and head not in FAMILIES:
        form = near(f"{head}.", table.SECRET_PREFIXES)
        return form.replace(".`", f".{rest[:60]}`") or near(name, table.KNOWN)
    return near(name, table.KNOWN)
