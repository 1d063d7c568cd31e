"""The provider of Vault: address and login, and a file for each field that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from injector.contract.names import DOMAIN
from syrette.convert import paths
from syrette.convert.csi.reading import Item, decode, document, text
from syrette.convert.podspec import mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrette.convert.csi.reading import Class


def vault(found: Class) -> None:
    """Vault."""
    found.take(
        {
            "vaultAddress": "vault.address",
            "roleName": "vault.role",
            "vaultKubernetesMountPath": "vault.auth-mount",
            "vaultAuthMountPath": "vault.auth-mount",
            "vaultNamespace": "vault.namespace",
            "audience": "vault.audience",
        },
    )
    if found.parameters.get("auth", "").strip():
        _login(found, document(found.parameters["auth"]))

    def read(given: Mapping[str, Any], where: str) -> None:
        key = text(given, "secretKey")
        if not key:
            raise ValueError("secretKey: the whole answer has no equivalent; name a key")
        request = _request(given)
        reference = paths.reference(request, versioned=request.versioned, selector=key)
        permissions = mode(given.get("filePermission"))
        encoding = decode(text(given, "encoding"))
        found.add(where, Item(text(given, "objectName"), reference, permissions, encoding))
        found.conversion.notes.extend(paths.doubts(request, versioned=True))

    found.objects(document(found.parameters.get("objects", "")), read)
    _todo(found)


def _login(found: Class, block: object) -> None:
    """The login as the newest source has it (internal/config/config.go, Auth)."""
    if not isinstance(block, dict):
        raise ValueError("auth is no mapping")  # noqa: TRY004 - one error type for every wrong value
    signed = block.get("aws")
    signed = signed if isinstance(signed, dict) else {}
    for name, option, holder in (
        ("type", "vault.auth", block),
        ("mouthPath", "vault.auth-mount", block),
        ("xVaultAWSIAMServerID", "vault.aws-server-id", signed),
        ("region", "aws.region", signed),
    ):
        if text(holder, name):
            found.option(
                f"auth.{'' if holder is block else 'aws.'}{name}", option, text(holder, name)
            )
    if text(signed, "awsIAMRole"):
        found.conversion.none(
            found.key("auth.aws.awsIAMRole"), "the login is signed by the pod's own role"
        )
    for name in block:
        if name not in {"type", "mouthPath", "aws", "jwt", "k8s"}:
            found.conversion.none(found.key(f"auth.{str(name)[:60]}"), "no such field")
    found.conversion.becomes(found.key("auth"), "the login")


def _request(given: Mapping[str, Any]) -> paths.Request:
    method = text(given, "method").upper() or "GET"
    arguments = given.get("secretArgs") or {}
    if not isinstance(arguments, dict):
        raise ValueError("secretArgs is no mapping")  # noqa: TRY004 - one error type for every wrong value
    if any(isinstance(value, dict | list) for value in arguments.values()):
        raise ValueError("secretArgs: lists and mappings are not translated")
    path = text(given, "secretPath")
    if method in {"PUT", "POST"}:
        return paths.request(path, [f"{name}={_plain(it)}" for name, it in arguments.items()])
    if method != "GET":
        raise ValueError(f"method: `{method[:20]}` is not translated")
    query = "&".join(f"{name}={value}" for name, value in arguments.items())
    return paths.request(f"{path}?{query}" if query else path)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _todo(found: Class) -> None:
    ours = found.conversion.ours
    address = ours.get(f"{DOMAIN}/vault.address")
    found.conversion.todo.append(
        f"operator: permit {address} in `allowed-addresses`"
        if address
        else "operator: give `vault.address` in `defaults`"
    )
    audience = ours.get(f"{DOMAIN}/vault.audience")
    if audience:
        found.conversion.todo.append(
            f"operator: permit the audience {audience} in `allowed-audiences`"
        )
    method = ours.get(f"{DOMAIN}/vault.auth", "kubernetes")
    mount = ours.get(f"{DOMAIN}/vault.auth-mount", method)
    role = ours.get(f"{DOMAIN}/vault.role", "<role>")
    if method != "kubernetes":
        found.conversion.todo.append(
            f"Vault: the role auth/{mount}/role/{role} must take the pod's own login"
        )
        return
    found.conversion.todo.append(
        f"Vault: set audience={audience or 'vault'} on the role auth/{mount}/role/{role}: our "
        "token is good for nobody else"
    )
