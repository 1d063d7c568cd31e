r"""
The plan's text: JSON in one environment variable.

Every `$` is written `\u0024`, since Kubernetes expands `$(VAR)` and `$$` in values. Values equal
to a field's default are left out. Reading is strict: unknown keys, wrong types, unknown stores and
unsafe paths are refused, for the plan is input to the injector.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, fields, replace
from typing import TYPE_CHECKING, Any, Final

from injector.contract import paths, references, stores
from injector.contract.plan import VERSION, Action, Plan, Proxy, Secret, Source, Variable
from injector.contract.references import Reference
from injector.contract.stores import Store

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS: Final = ("file", "dir", "env")
_ACTIONS: Final = ("signal", "http", "restart")
_MAX_MODE: Final = 0o777
_MAX_SECONDS: Final = 1e9  # thirty years: what is longer is a mistake
_FORMATS: Final = ("", "raw", "json", "yaml", "properties", "env")


class InvalidPlanError(ValueError):
    """A plan that this version cannot read; the text names the field."""


def dump(plan: Plan) -> str:
    """Write the plan's one canonical text: sorted keys, no white space, no `$`, ASCII only."""
    document = _dump(plan)
    document["version"] = plan.version
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return text.replace("$", "\\u0024")


def digest(text: str) -> str:
    """Short hash of a plan's text, for people and for the session snapshot."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(text: str) -> Plan:
    """
    Read a plan.

    Raises:
        InvalidPlanError: for anything but a plan of this version.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as exc:
        msg = "the plan is no JSON document"
        raise InvalidPlanError(msg) from exc
    if not isinstance(document, dict):
        msg = "the plan is no JSON object"
        raise InvalidPlanError(msg)
    if document.get("version") != VERSION:
        msg = (
            f"the plan has version {str(document.get('version'))[:20]}, this injector reads "
            f"version {VERSION}: use one image for webhook and injector, and create the pod again"
        )
        raise InvalidPlanError(msg)
    plan: Plan = _load(Plan, document, "plan")
    _check(plan)
    return plan


# Fields of each shape with their defaults: asking `dataclasses` for them takes most of the time.
_SHAPES: Final[dict[type, tuple[tuple[str, object], ...]]] = {
    kind: tuple((row.name, row.default) for row in fields(kind))
    for kind in (Plan, Secret, Source, Variable, Action, Proxy)
}


def _dump(value: object) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple):
        return [_dump(item) for item in value]
    if isinstance(value, Reference):
        return str(value)
    if isinstance(value, Store):
        return _dump_store(value)
    return {
        name: _dump(held)
        for name, default in _SHAPES[type(value)]
        if (held := getattr(value, name)) != default
    }


def _dump_store(store: Store) -> dict[str, object]:
    settings = {name: stores.dump_setting(item) for name, item in store.settings.items()}
    document: dict[str, object] = {
        "name": store.name,
        "provider": store.provider,
        "settings": settings,
    }
    if store.signer is not None:
        document["signer"] = _dump_store(store.signer)
    if store.key_stores:
        document["key_stores"] = [_dump_store(inner) for inner in store.key_stores]
    return document


_STORE_KEYS: Final = frozenset({"name", "provider", "settings"})


def _store(raw: object, where: str) -> Store:
    """Read a store with its signer, which is there exactly where a signature logs in."""
    if not isinstance(raw, dict):
        raise _no_store(where)
    if "key_stores" in raw:
        return _documents_store(raw, where)
    inner = raw.get("signer")
    store = _unsigned({key: item for key, item in raw.items() if key != "signer"}, where)
    if (store.provider == "vault" and store.text("auth") == "aws") != ("signer" in raw):
        msg = f"{where}: `signer` goes with a Vault store whose `auth` is aws, and only there"
        raise InvalidPlanError(msg)
    if "signer" not in raw:
        return store
    signer = _unsigned(inner, f"{where}.signer")
    if signer.family != "aws":
        msg = f"{where}.signer: an AWS store is wanted"
        raise InvalidPlanError(msg)
    return replace(store, signer=signer)


def _documents_store(raw: dict[str, object], where: str) -> Store:
    """Read a store of documents with those whose logins may decrypt."""
    store = _unsigned({key: item for key, item in raw.items() if key != "key_stores"}, where)
    inner = raw["key_stores"]
    if store.family != "sops" or not isinstance(inner, list):
        msg = f"{where}: `key_stores` is a list, and goes with a store of documents only"
        raise InvalidPlanError(msg)
    held = tuple(_store(item, f"{where}.key_stores") for item in inner)
    if any(it.family == "sops" for it in held):
        msg = f"{where}.key_stores: a store of documents decrypts nothing"
        raise InvalidPlanError(msg)
    return replace(store, key_stores=held)


def _no_store(where: str) -> InvalidPlanError:
    return InvalidPlanError(f"{where}: a store has name, provider and settings")


def _unsigned(raw: object, where: str) -> Store:
    if not isinstance(raw, dict) or set(raw) != _STORE_KEYS:
        raise _no_store(where)
    name, provider, settings = raw["name"], raw["provider"], raw["settings"]
    known = isinstance(provider, str) and provider in stores.PROVIDERS
    if not known or not isinstance(settings, dict):
        msg = f"{where}: unknown provider or malformed settings"
        raise InvalidPlanError(msg)
    rows = stores.fields_of(stores.PROVIDERS[provider].family)
    try:
        parsed = {key: stores.parse_setting(rows[key], item) for key, item in settings.items()}
    except KeyError as exc:
        msg = f"{where}: unknown field {exc}"
        raise InvalidPlanError(msg) from exc
    except ValueError as exc:
        msg = f"{where}: {exc}"
        raise InvalidPlanError(msg) from exc
    return Store(_text(name, where), provider, parsed)


def _reference(raw: object, where: str) -> Reference:
    try:
        return references.parse(_text(raw, where))
    except references.InvalidReferenceError as exc:
        msg = f"{where}: {exc}"
        raise InvalidPlanError(msg) from exc


def _text(raw: object, where: str) -> str:
    if not isinstance(raw, str):
        msg = f"{where}: a text is wanted"
        raise InvalidPlanError(msg)
    return raw


def _number(raw: object, where: str) -> float:
    # NaN is no number of seconds, though JSON's text may say it.
    if not isinstance(raw, int | float) or isinstance(raw, bool) or not 0 <= raw <= _MAX_SECONDS:
        msg = f"{where}: a number of seconds is wanted"
        raise InvalidPlanError(msg)
    return float(raw)


def _integer(raw: object, where: str) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool):
        msg = f"{where}: a whole number is wanted"
        raise InvalidPlanError(msg)
    return raw


def _boolean(raw: object, where: str) -> bool:
    if not isinstance(raw, bool):
        msg = f"{where}: true or false is wanted"
        raise InvalidPlanError(msg)
    return raw


def _each(item: Callable[[object, str], Any]) -> Callable[[object, str], Any]:
    def read(raw: object, where: str) -> tuple[Any, ...]:
        if not isinstance(raw, list):
            msg = f"{where}: a list is wanted"
            raise InvalidPlanError(msg)
        return tuple(item(element, f"{where}[{index}]") for index, element in enumerate(raw))

    return read


def _object(kind: type) -> Callable[[object, str], Any]:
    return lambda raw, where: _load(kind, raw, where)


def _delimiters(raw: object, where: str) -> tuple[str, str]:
    pair = _each(_text)(raw, where)
    if len(pair) != 2 or not all(pair):  # noqa: PLR2004 - a pair of two
        msg = f"{where}: two delimiters are wanted"
        raise InvalidPlanError(msg)
    return pair[0], pair[1]


# How each annotated type of the plan's dataclasses is read.
_READERS: Final[dict[str, Callable[[object, str], Any]]] = {
    "str": _text,
    "int": _integer,
    "float": _number,
    "bool": _boolean,
    "tuple[str, ...]": _each(_text),
    "tuple[str, str]": _delimiters,
    "tuple[Secret, ...]": _each(_object(Secret)),
    "tuple[Store, ...]": _each(_store),
    "tuple[Source, ...]": _each(_object(Source)),
    "tuple[Variable, ...]": _each(_object(Variable)),
    "Reference": _reference,
    "Action | None": _object(Action),
    "Proxy": _object(Proxy),
}


def _load(kind: type, raw: object, where: str) -> Any:  # noqa: ANN401 - one reader for every shape
    if not isinstance(raw, dict):
        msg = f"{where}: an object is wanted"
        raise InvalidPlanError(msg)
    rows = {row.name: row for row in fields(kind)}
    unknown = sorted(set(raw) - set(rows))
    if unknown:
        msg = f"{where}: unknown field `{unknown[0][:60]}`"
        raise InvalidPlanError(msg)
    missing = sorted(n for n, row in rows.items() if row.default is MISSING and n not in raw)
    if missing:
        msg = f"{where}: `{missing[0]}` is missing"
        raise InvalidPlanError(msg)
    values = {
        name: _READERS[str(rows[name].type)](item, f"{where}.{name}") for name, item in raw.items()
    }
    return kind(**values)


def _check(plan: Plan) -> None:
    """What the shapes alone do not say: closed words, safe paths, names that lead somewhere."""
    known = {store.name for store in plan.stores}
    if len(known) != len(plan.stores):
        msg = "plan.stores: a name is there twice"
        raise InvalidPlanError(msg)
    for volume in plan.volumes:
        _check_component(volume, "plan.volumes")
    for index, secret in enumerate(plan.secrets):
        where = f"plan.secrets[{index}]"
        _check_secret(secret, where)
        stray = {source.reference.store for source in secret.sources} - known
        if stray:
            msg = f"{where}: the store `{min(stray)}` is not in the plan"
            raise InvalidPlanError(msg)
        if set(secret.volumes) - set(plan.volumes) or not secret.volumes:
            msg = f"{where}: a volume is not in the plan"
            raise InvalidPlanError(msg)


def _check_secret(secret: Secret, where: str) -> None:
    if secret.kind not in _KINDS or secret.format not in _FORMATS or not secret.sources:
        msg = f"{where}: unknown kind or format, or no source"
        raise InvalidPlanError(msg)
    if secret.on_change is not None and secret.on_change.kind not in _ACTIONS:
        msg = f"{where}.on_change: unknown kind"
        raise InvalidPlanError(msg)
    if not 0 <= secret.mode <= _MAX_MODE:
        msg = f"{where}.mode: not permission bits"
        raise InvalidPlanError(msg)
    wrong = None if secret.path in {"", "."} else paths.problem(secret.path)
    if wrong is not None or (secret.kind != "env") != bool(secret.path):
        msg = f"{where}.path: {wrong or 'a path is for files and directories'}"
        raise InvalidPlanError(msg)
    if (secret.kind == "env") != bool(secret.variables and secret.containers):
        msg = f"{where}: variables and containers are for `env`, which needs both"
        raise InvalidPlanError(msg)
    for container in secret.containers:
        _check_component(container, where)


def _check_component(name: str, where: str) -> None:
    """Volumes and containers become parts of paths."""
    if paths.component_problem(name) is not None or "/" in name:
        msg = f"{where}: `{name[:60]}` cannot be part of a path"
        raise InvalidPlanError(msg)
