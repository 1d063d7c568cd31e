"""The provider of Vault: address and login, and paths of KV engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from injector.contract.references import Reference
from syrette.convert.external.opened import options, text
from syrette.convert.podspec import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrette.convert.external.opened import Opened, Reader, Remote

_DATA: Final = "data/"
_TOKEN: Final = "kubernetesServiceAccountToken"  # noqa: S105 - a key, no secret


def vault(store: Opened) -> Reader:
    """Vault's KV engines (docs/provider/hashicorp-vault.md)."""
    given, store.provider = store.given, "vault"
    store.option("server", "address", text(given, "server"))
    # Vault takes `acme/` for `acme`, and its own documents write it so.
    store.option("namespace", "namespace", text(given, "namespace").strip("/"))
    store.option("auth.namespace", "auth-namespace", text(given, "auth", "namespace").strip("/"))
    _login(store, mapping(given, "auth"))
    second = (text(given, "version") or "v2") != "v1"
    mount = text(given, "path").strip("/")
    if second:
        mount = mount.removesuffix("/data")

    def read(remote: Remote) -> Reference:
        path = _path(remote.key.strip("/"), mount, versioned=second)
        return Reference(store.provider, path, options(version=remote.version), remote.selector)

    return read


def _path(key: str, mount: str, *, versioned: bool) -> str:
    """As theirs is put together (providers/v1/vault/client_get.go, buildPath), without `data/`."""
    if mount:
        if key.startswith(f"{mount}/"):
            key = key.removeprefix(f"{mount}/")
            key = key.removeprefix(_DATA) if versioned else key
        return f"{mount}/{key}"
    if "/" not in key:
        raise ValueError(f"key: `{key[:60]}` names an engine and nothing in it")
    return key.replace(f"/{_DATA}", "/", 1) if versioned else key


def _login(store: Opened, auth: Mapping[str, Any]) -> None:
    kubernetes, jwt, iam = (mapping(auth, name) for name in ("kubernetes", "jwt", "iam"))
    if kubernetes:
        _mount(store, "auth.kubernetes.mountPath", "kubernetes")
        store.option("auth.kubernetes.role", "role", text(kubernetes, "role"))
        store.account("auth", "kubernetes", "serviceAccountRef")
        _audience(store, "auth.kubernetes.serviceAccountRef.audiences", kubernetes)
    elif jwt:
        store.option("auth.jwt", "auth", "jwt")
        _mount(store, "auth.jwt.path", "jwt")
        store.option("auth.jwt.role", "role", text(jwt, "role"))
        store.account("auth", "jwt", _TOKEN, "serviceAccountRef")
        token = mapping(jwt, _TOKEN)
        _audience(store, f"auth.jwt.{_TOKEN}.serviceAccountRef.audiences", token)
        if token.get("audiences"):
            _audience(store, f"auth.jwt.{_TOKEN}.audiences", {"serviceAccountRef": token})
    elif iam:
        store.option("auth.iam", "auth", "aws")
        _mount(store, "auth.iam.path", "aws")
        store.option("auth.iam.vaultRole", "role", text(iam, "vaultRole"))
        server = text(iam, "vaultAwsIamServerID")
        store.option("auth.iam.vaultAwsIamServerID", "aws-server-id", server)
        store.account("auth", "iam", "jwt", "serviceAccountRef")


def _mount(store: Opened, path: str, usual: str) -> None:
    mount = text(store.given, *path.split(".")).strip("/")
    if mount == usual:
        store.conversion.unneeded(store.key(path), "it is the default of the method")
    else:
        store.option(path, "auth-mount", mount)


def _audience(store: Opened, path: str, holder: Mapping[str, Any]) -> None:
    """One audience: theirs may have several, Vault is content with one of them."""
    given = mapping(holder, "serviceAccountRef").get("audiences")
    if isinstance(given, list) and given:
        store.option(path, "audience", str(given[0]))
    if isinstance(given, list) and len(given) > 1:
        store.conversion.unneeded(store.key(path), "one audience is enough: the first")
