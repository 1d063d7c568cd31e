"""
What Vault's engines answer, taken apart: which one serves a path, and the secret of a reply.

Vault tells the mount of a path to whoever may read below it (`sys/internal/ui/mounts`), so that no
policy has to be added for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.material import Material
from injector.vault.client import READ, WRITE
from injector.vault.errors import is_denied
from injector.vault.http import unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.references import Reference
    from injector.vault.client import VaultClient


KV: Final = frozenset({"kv", "generic"})
"""Types of KV engines."""
VERSIONS: Final = frozenset({"1", "2"})


@dataclass(frozen=True, slots=True)
class Engine:
    """A mounted engine."""

    mount: str
    """Its path, with the slash at its end."""
    version: int
    """1 or 2 for KV; 0 for every other."""


@dataclass(frozen=True, slots=True)
class Place:
    """An API path, cut where its engine ends."""

    mount: str
    """Without a slash at its end."""
    path: str
    version: int


def api_path(reference: Reference) -> str:
    """
    The path below `/v1/`, which is the reference's.

    Raises:
        ProviderError: where it is not below the engine that the reference names. Admission has
            refused that, for no policy would have seen what is read.
    """
    engine, path = reference.option("engine"), reference.path.strip("/")
    if engine and not path.startswith(f"{engine}/"):
        msg = f"`{path}` is not below the engine `{engine}`"
        raise ProviderError(Reason.INVALID_REFERENCE, msg, remedy="write the engine in front of it")
    return path


def place(reference: Reference, fallback: str, known: list[Engine], client: VaultClient) -> Place:
    """
    Find the engine of a reference, asking Vault unless the reference says its version of KV.

    Args:
        reference: what is to be read.
        fallback: version of KV, where Vault does not tell.
        known: engines that were found before; what is found is added.
        client: asks.

    Raises:
        ProviderError: when Vault does not tell, and nobody else does.
    """
    path, given = api_path(reference), reference.option("kv")
    mount = f"{reference.option('engine') or path.partition('/')[0]}/"
    if given:
        found = Engine(mount, int(given))
    else:
        kept = next((item for item in known if path.startswith(item.mount)), None)
        found = kept or _asked(path, mount, fallback, client)
        known += [] if kept else [found]
    return Place(found.mount.rstrip("/"), path.removeprefix(found.mount).strip("/"), found.version)


def _asked(path: str, mount: str, fallback: str, client: VaultClient) -> Engine:
    try:
        reply = client.mount_of(path)
    except ProviderError as exc:
        if not is_denied(exc):
            raise
        if fallback:
            return Engine(mount, int(fallback))
        raise _untold(path, exc) from None
    told = reply.get("data")
    if not isinstance(told, dict) or not isinstance(told.get("path"), str):
        raise unreadable(READ)
    options = told.get("options") or {}
    version = str(options.get("version") or 1) if isinstance(options, dict) else ""
    if not path.startswith(told["path"]) or version not in VERSIONS:
        raise unreadable(READ)
    return Engine(told["path"], int(version) if str(told.get("type")) in KV else 0)


def _untold(path: str, exc: ProviderError) -> ProviderError:
    return ProviderError(
        Reason.ACCESS_DENIED,
        f"access denied: no policy of the role allows anything below the mount of `{path}`",
        step=exc.step,
        code=exc.code,
        request_id=exc.request_id,
        remedy="a policy of the role must allow `read` on the secret (for KV v2 with `data/` after "
        "the mount); where the engine shall not be looked up, give `?kv=` or `vault.kv`",
    )


def check_unversioned(reference: Reference, place: Place) -> None:
    """
    See that no version is asked for where an engine keeps none.

    Raises:
        ProviderError: in place of another value than the one that was asked for.
    """
    version = reference.option("version")
    if version:
        kind = "is KV 1" if place.version == 1 else "is none of KV"
        raise ProviderError(
            Reason.INVALID_REFERENCE,
            f"the engine `{place.mount}` {kind} and has no version {version} of anything",
            remedy="leave out `version`",
        )


def is_current(metadata: Mapping[str, Any], pinned: str, known: str) -> bool:
    """Whether the version that is held is the one that a read would give now."""
    told = metadata.get("data")
    if not isinstance(told, dict):
        return False
    versions = told.get("versions") or {}
    mine = versions.get(known) if isinstance(versions, dict) else None
    if not isinstance(mine, dict) or mine.get("destroyed") or mine.get("deletion_time"):
        return False  # the read that follows gets Vault's definite no
    return known == (pinned or str(told.get("current_version")))


def kv2(reply: Mapping[str, Any]) -> tuple[str, Material]:
    """
    Take the version and the values out of a KV v2 reply.

    Raises:
        ProviderError: for a reply without values.
    """
    told = reply.get("data")
    metadata = told.get("metadata") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(metadata, dict):
        raise unreadable(READ)
    version = metadata.get("version")
    return str(version) if isinstance(version, int) else "", data(told)


def granting(reply: dict[str, Any], path: str) -> dict[str, Any]:
    """
    Give the reply to a write back.

    Raises:
        ProviderError: a definite one, where the write was done and gave nothing: to do it again
            would not give more, and each time there would be another token, say, or version.
    """
    if isinstance(reply.get("data"), dict):
        return reply
    raise ProviderError(
        Reason.INVALID_REQUEST,
        f"the write was done, and gave nothing that could become a file ({path})",
        step=f"Vault {WRITE}",
        remedy="name a path whose reply has data, as pki/issue and transit/decrypt have; "
        "a reference without `data.…` reads",
    )


def data(reply: Mapping[str, Any]) -> Material:
    """
    Take the mapping out of a reply.

    Raises:
        ProviderError: for a reply without one.
    """
    told = reply.get("data")
    if not isinstance(told, dict):
        raise unreadable(READ)
    return Material(json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def expiration(reply: Mapping[str, Any]) -> float:
    """When a certificate of a reply ends, in seconds since the epoch; 0 where there is none."""
    told = reply.get("data")
    if not isinstance(told, dict) or not isinstance(told.get("certificate"), str):
        return 0.0
    end = told.get("expiration")
    return float(end) if isinstance(end, int) else 0.0
