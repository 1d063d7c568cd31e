"""Vault's address and the login: who the pod is to Vault, by what method."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from injector.contract.names import DOMAIN
from injector.contract.stores import parse_setting
from syrette.convert.table import PREFIX
from webhook.annotations import parsers
from webhook.annotations import table as ours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrette.convert.findings import Conversion
    from syrette.convert.options import Facts

_METHODS: Final = ours.STORE_OPTIONS["vault.auth"][1].choices
_AUTH: Final = "auth/"
_CONFIG: Final = "auth-config-"
_AUDIENCE: Final = "vault"
"""Of our tokens, unless somebody says another."""
_PARAMETERS: Final = {
    "role": "vault.role",
    "header_value": "vault.aws-server-id",
    "iam_server_id_header": "vault.aws-server-id",
    "region": "aws.region",
}
_DROPPED: Final = {
    "token_path": "the token is our own projected one",
    "path": "the token is our own projected one",
    "type": "the login is signed by the pod's own identity (`iam`)",
    "credential_poll_interval": "credentials are asked for when they are needed",
    "remove_jwt_after_reading": "the token is our own projected one",
}
_CREDENTIALS: Final = ("access_key", "secret_key", "session_token")


def convert(theirs: Mapping[str, str], facts: Facts, conversion: Conversion) -> None:
    """
    Convert what concerns Vault and the login.

    Args:
        theirs: annotations without their domain.
        facts: of the pod.
        conversion: gets ours, the findings and what is left to do.
    """
    method = theirs.get("auth-type", "") or "kubernetes"
    _address(theirs, conversion)
    for key, name in (("namespace", "vault.namespace"), ("role", "vault.role")):
        if key in theirs:
            # Vault takes `acme/` for `acme`, and its own documents write it so.
            _setting(key, name, theirs[key].strip().strip("/"), conversion)
    _method(theirs, method, conversion)
    for key, text in theirs.items():
        if key.startswith(_CONFIG) and key != _CONFIG:
            _parameter(key, text, method, conversion)
    if "client-timeout" in theirs:
        _timeout(theirs["client-timeout"], conversion)
    if "agent-service-account-token-volume-name" in theirs:
        volume = theirs["agent-service-account-token-volume-name"]
        _audience(volume, facts, method, conversion)
    _todo(method, conversion)


def _setting(key: str, name: str, text: str, conversion: Conversion) -> bool:
    """Write a field of the store, if our own parser takes it."""
    whole = PREFIX + key
    if not text.strip():
        conversion.unneeded(whole, "it is empty")
        return False
    try:
        parse_setting(ours.STORE_OPTIONS[name][1], text)
    except ValueError as exc:
        conversion.none(whole, str(exc))
        return False
    conversion.ours[f"{DOMAIN}/{name}"] = text.strip()
    conversion.becomes(whole, f"{DOMAIN}/{name}: {text.strip()}")
    return True


def _address(theirs: Mapping[str, str], conversion: Conversion) -> None:
    address = theirs.get("service", "")
    if "service" in theirs and _setting("service", "vault.address", address, conversion):
        conversion.todo.append(
            f"operator: permit {address.strip()} in `allowed-addresses`; better, give it once as "
            "`vault.address` in `defaults` and take the annotation away"
        )
    else:
        conversion.todo.append("operator: give `vault.address` in `defaults`")


def _method(theirs: Mapping[str, str], method: str, conversion: Conversion) -> None:
    if method not in _METHODS:
        conversion.none(
            f"{PREFIX}auth-type",
            f"`{method[:60]}` is no login of ours, which are {', '.join(_METHODS)}; make a role "
            "for one of them in Vault",
        )
        if "auth-path" in theirs:
            conversion.unneeded(f"{PREFIX}auth-path", "it is of a login that ours do not have")
        return
    if "auth-type" in theirs:
        _setting("auth-type", "vault.auth", method, conversion)
    if "auth-path" not in theirs:
        if method != "kubernetes":
            conversion.notes.append(
                "without auth-path Vault's injector logs in at the path of its own configuration, "
                f"by default auth/kubernetes; ours at auth/{method}, unless "
                f"`{DOMAIN}/vault.auth-mount` says another"
            )
        return
    path = theirs["auth-path"].strip("/")
    if path == f"{_AUTH}{method}":
        conversion.unneeded(f"{PREFIX}auth-path", "it is the default of the method")
    elif path and not path.startswith(_AUTH):
        conversion.none(f"{PREFIX}auth-path", f"`{path[:60]}` does not start with `{_AUTH}`")
    else:
        _setting("auth-path", "vault.auth-mount", path.removeprefix(_AUTH), conversion)


def _parameter(key: str, text: str, method: str, conversion: Conversion) -> None:
    parameter = key.removeprefix(_CONFIG).replace("-", "_")
    whole = PREFIX + key
    name = _PARAMETERS.get(parameter, "")
    if name and (parameter == "role" or method == "aws"):
        if f"{DOMAIN}/{name}" in conversion.ours:
            conversion.unneeded(whole, f"{DOMAIN}/{name} is there already")
        else:
            _setting(key, name, text, conversion)
    elif parameter in _DROPPED and (parameter != "type" or text == "iam"):
        conversion.unneeded(whole, _DROPPED[parameter])
    elif parameter in _CREDENTIALS:
        conversion.none(whole, "credentials never stand in an annotation; the pod has its own")
    else:
        conversion.none(whole, "the login has no such parameter")


def _timeout(text: str, conversion: Conversion) -> None:
    """Whole seconds, as many as ours may have."""
    try:
        seconds = parsers.duration(f"{text}s" if text.isdecimal() else text)
        least = str(math.ceil(seconds))
    except ValueError as exc:
        conversion.none(f"{PREFIX}client-timeout", str(exc))
        return
    _setting("client-timeout", "vault.timeout", least, conversion)


def _audience(volume: str, facts: Facts, method: str, conversion: Conversion) -> None:
    key = f"{PREFIX}agent-service-account-token-volume-name"
    audience = facts.audiences.get(volume, "")
    if not audience or method == "aws":
        conversion.unneeded(key, "the token is our own projected one")
        return
    conversion.ours[f"{DOMAIN}/vault.audience"] = audience
    conversion.becomes(key, f"{DOMAIN}/vault.audience: {audience}")
    conversion.todo.append(f"operator: permit the audience {audience} in `allowed-audiences`")


def _todo(method: str, conversion: Conversion) -> None:
    role = conversion.ours.get(f"{DOMAIN}/vault.role")
    if role is None:
        conversion.notes.append(f"no role is given: add `{DOMAIN}/vault.role`")
    shown = role or "<role>"
    mount = conversion.ours.get(f"{DOMAIN}/vault.auth-mount", method)
    audience = conversion.ours.get(f"{DOMAIN}/vault.audience", _AUDIENCE)
    if method == "kubernetes":
        conversion.todo.append(
            f"Vault: set audience={audience} on the role auth/{mount}/role/{shown}: our token is "
            "good for nobody else"
        )
    elif method == "jwt":
        conversion.todo.append(
            f"Vault: add {audience} to bound_audiences of the role auth/{mount}/role/{shown}"
        )
    elif method == "aws":
        conversion.todo.append(
            f"Vault: the role auth/{mount}/role/{shown} must bind the IAM role of the pod's "
            f"service account; `{DOMAIN}/aws.region` or the operator's `defaults` say its region, "
            "and `vault.aws-sts: global` that Vault asks the global STS"
        )
