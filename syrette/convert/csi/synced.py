"""Secrets that the driver makes beside the files (`secretObjects`), and the pod's uses of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from syrette.convert import items, podspec
from syrette.convert.csi import azure
from syrette.convert.uses import Secret, Uses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrette.convert.csi.reading import Class, Item
    from syrette.convert.findings import Conversion
    from syrette.convert.uses import Source

_TLS: Final = "kubernetes.io/tls"
_APART: Final = (
    f"; of a Secret of the type {_TLS} the driver takes certificates and key of one file apart, "
    "ours does so with certificates of Key Vault only: store the two as two secrets, and give each "
    "a file"
)
_SPELLING: Final = (
    "tls.key is PKCS#8 in PEM (`PRIVATE KEY`), the driver wrote it as `RSA PRIVATE KEY`; tls.crt "
    "is the certificate, then those that sign it"
)


def take(
    spec_of_class: Mapping[str, Any], found: Class, spec: dict[str, Any], conversion: Conversion
) -> list[dict[str, Any]]:
    """Items for what the pod reads from Secrets that the class makes."""
    files = {item.file: item for item in found.items}
    made: list[dict[str, Any]] = []
    for secret in podspec.listed(spec_of_class, "secretObjects"):
        name = str(secret.get("secretName") or "")
        tls = str(secret.get("type") or "").strip() == _TLS
        whole = f"SecretProviderClass/{found.name} secretObjects {name}"
        rows = {
            str(row.get("key")): files.get(str(row.get("objectName")))
            for row in podspec.listed(secret, "data")
        }
        keys = {key: _source(found, item, key, tls=tls) for key, item in rows.items()}
        wanted = Uses(Secret(name, keys))
        made.extend(wanted.take(spec))
        why = _APART if tls and None in keys.values() else ""
        for where in wanted.left:
            conversion.none(whole, f"{where}: the Secret is made no more{why}")
        if wanted.taken:
            conversion.becomes(whole, ", ".join(wanted.taken))
        elif not wanted.left:
            conversion.none(
                whole,
                "this pod reads nothing from the Secret, which is made no more: whoever else uses "
                "it (imagePullSecrets, an Ingress, another pod) needs another source",
            )
        if wanted.taken and tls:
            conversion.notes.append(f"{whole}: {_SPELLING}")
            conversion.todo.extend(
                azure.whose(item) for key, item in rows.items() if item and keys[key]
            )
        if wanted.variables:
            conversion.notes.append(items.QUOTES.format(", ".join(wanted.variables)))
    return made


def _source(found: Class, item: Item | None, key: str, *, tls: bool) -> Source | None:
    if item is None or not tls:
        return item.source if item else None
    reference = azure.part(item, key) if found.provider == "azure" else None
    return {"from": str(reference)} if reference else None
