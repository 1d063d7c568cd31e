"""
Who says what: the values of every scope, of which the nearest wins.

operator < annotations of other platforms < namespace < service account < pod. A key in our domain
that the table does not have is a problem wherever it stands, and so is a key where it does not
belong, such as a secret on a namespace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from injector.contract.names import DOMAIN
from injector.contract.reasons import Reason
from injector.contract.stores import FAMILIES
from webhook.annotations import table, vault
from webhook.annotations.intent import Scope
from webhook.annotations.suggestions import near

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webhook.context import Context
    from webhook.errors import Problems
    from webhook.settings import Settings

PREFIX: Final = f"{DOMAIN}/"
_SIZE: Final = len(PREFIX)
MAX_KEYS: Final = 256  # of one object
MAX_SIZE: Final = 256 * 1024  # characters of one object; Kubernetes allows as many bytes
MAX_OPTION: Final = 8 * 1024  # characters; a chain of ten roles has a fifth of it
_ALL: Final = "; docs/annotations.md has them all"
_HONOURED: Final = {
    scope: tuple(row for row in table.HONOURED if scope in row.scopes) for scope in Scope
}
_METHOD: Final = "vault.auth"
_MOUNT: Final = "vault.auth-mount"
_ON: Final = {
    Scope.POD: "a pod",
    Scope.SERVICE_ACCOUNT: "a service account",
    Scope.NAMESPACE: "a namespace",
}


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
    secrets: list[Value] = field(default_factory=list)
    """What asks for secrets, sorted by key."""
    inject: Value | None = None


def ours(annotations: Mapping[str, object]) -> dict[str, str]:
    """Our annotations of one object, without the domain; a value that is no text is empty."""
    return {
        key[_SIZE:]: value if isinstance(value, str) else ""
        for key, value in annotations.items()
        if key.startswith(PREFIX)
    }


def collect(found: Mapping[str, str], scope: Scope, place: str, problems: Problems) -> Given:
    """
    Sort one object's own keys into options, stores and secrets.

    Args:
        found: as `ours` gives them.
        scope: of the object.
        place: put behind the keys in messages; empty for the pod.
        problems: where unknown and misplaced keys are noted.
    """
    given = Given()
    if len(found) > MAX_KEYS:
        message = f"{len(found)} annotations of {DOMAIN}{place}; at most {MAX_KEYS} are read"
        problems.add(Reason.LIMIT_EXCEEDED, "", message)
        return given
    if sum(map(len, found.values())) > MAX_SIZE:
        message = f"the annotations of {DOMAIN}{place} have more than {MAX_SIZE // 1024} KiB"
        problems.add(Reason.LIMIT_EXCEEDED, "", message)
        return given
    for name, text in sorted(found.items()):
        value = Value(text, scope, f"{PREFIX}{name}{place}")
        row = table.OPTIONS.get(name) or table.form(name)
        if len(text) > MAX_OPTION and not isinstance(row, table.Form):
            message = f"has more than {MAX_OPTION // 1024} KiB"
            problems.add(Reason.LIMIT_EXCEEDED, value.key, message)
        elif name in table.STORE_OPTIONS:
            given.options[name] = value
        elif row is None:
            hint = _hint(name) if problems.spelled_out else ""
            problems.add(Reason.UNKNOWN_ANNOTATION, value.key, f"no such annotation{hint or _ALL}")
        elif scope not in row.scopes:
            message = f"does not belong on {_ON[scope]}; here go options and stores"
            problems.add(Reason.INVALID_ANNOTATION, value.key, message)
        elif isinstance(row, table.Annotation):
            given.options[name] = value
        else:
            _sort(row, value, given)
    return given


def _sort(form: table.Form, value: Value, given: Given) -> None:
    if form.secret:
        given.secrets.append(value)
    elif form.key == table.STORES:
        given.stores.append(value)
    elif form.key == table.INJECT:
        given.inject = value


def inherit(
    given: Given,
    context: Context,
    settings: Settings,
    annotations: Mapping[str, object],
    problems: Problems,
) -> None:
    """
    Put the defaults of the farther scopes under what the pod says.

    Args:
        given: what the pod says.
        context: with the annotations of namespace and service account.
        settings: with the operator's defaults.
        annotations: all of the pod's, for those of other platforms.
        problems: where wrong keys of those places are noted.
    """
    options = {
        name: Value(text, Scope.OPERATOR, f"defaults.{name}")
        for name, text in settings.defaults.items()
    }
    owner = f" (service account {context.service_account})"
    options.update(_honoured(context.service_account_annotations, Scope.SERVICE_ACCOUNT, owner))
    options.update(_honoured(annotations, Scope.POD, ""))
    stores: list[Value] = []
    space = f" (namespace {context.namespace})"
    for scope, place, theirs in (
        (Scope.NAMESPACE, space, context.namespace_annotations),
        (Scope.SERVICE_ACCOUNT, owner, context.service_account_annotations),
    ):
        found = ours(theirs)
        if found:
            default = collect(found, scope, place, problems)
            _override(options, default.options)
            stores.extend(default.stores)
    _override(options, given.options)
    given.options = options
    given.stores = stores + given.stores


def _override(options: dict[str, Value], nearer: Mapping[str, Value]) -> None:
    """Put nearer options over farther ones; the mount of another login method goes with it."""
    if _METHOD in nearer:
        farther, chosen = (
            (given[_METHOD].text if _METHOD in given else "") or vault.KUBERNETES
            for given in (options, nearer)
        )
        if farther != chosen:
            options.pop(_MOUNT, None)
    options.update(nearer)


def _honoured(annotations: Mapping[str, object], scope: Scope, place: str) -> dict[str, Value]:
    """Annotations of other platforms that people already have, as our options."""
    return {
        row.option: Value(text, scope, f"{row.key}{place}")
        for row in _HONOURED[scope]
        if isinstance(text := annotations.get(row.key), str) and text
    }


def _hint(name: str) -> str:
    head, dot, rest = name.partition(".")
    if head in FAMILIES and rest in table.FIELDS[head]:
        return f": `{rest}` is a field of named stores only (`{table.STORES}`), or the operator's"
    if dot and head not in FAMILIES:
        form = near(f"{head}.", table.SECRET_PREFIXES)
        return form.replace(".`", f".{rest[:60]}`") or near(name, table.KNOWN)
    return near(name, table.KNOWN)
