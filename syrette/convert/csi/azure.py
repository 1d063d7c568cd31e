"""The provider of Azure Key Vault: secrets, certificates and the parts of those."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from injector.contract.azure import CERTIFICATES, SECRETS
from injector.contract.names import DOMAIN
from injector.contract.references import Reference
from syrette.convert.csi.reading import Item, decode, document, options, text
from syrette.convert.findings import AZURE
from syrette.convert.podspec import mode
from webhook.annotations.azure import NEEDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrette.convert.csi.reading import Class

_STORE: Final = "azure-keyvault"
_CLOUDS: Final = {
    "azurepubliccloud": "public",
    "azurecloud": "public",
    "azurechinacloud": "china",
    "azureusgovernmentcloud": "us-government",
    "azureusgovernment": "us-government",
}
_IDENTITY: Final = {
    "tenantId": "azure.tenant-id",
    "tenantID": "azure.tenant-id",
    "clientID": "azure.client-id",
}
_FORMATS: Final = ("", "pem", "pfx")
_KEY: Final = "tls.key"
_CHAIN: Final = "tls.crt"
_STORED: Final = (
    "a certificate that is stored as PFX and read as a secret was written as PEM; ours writes "
    "it as it is stored: read `certificates/<name>` then"
)


def azure(found: Class) -> None:
    """Azure Key Vault."""
    found.take(_IDENTITY)
    _identity(found)
    cloud = found.parameters.get("cloudName", "").strip()
    if cloud:
        found.option("cloudName", "azure.cloud", _CLOUDS.get(cloud.lower(), cloud))
    vault = found.parameters.get("keyvaultName", "").strip()
    if not vault:
        raise ValueError("keyvaultName is missing")
    found.filled(vault)
    found.conversion.becomes(found.key("keyvaultName"), f"{_STORE}:{vault}/…")

    def read(given: Mapping[str, Any], where: str) -> None:
        name, kind = text(given, "objectName"), text(given, "objectType")
        found.filled(name)
        history = text(given, "objectVersionHistory")
        if history not in ("", "0", "1"):
            raise ValueError("objectVersionHistory: one version is one file")
        item = Item(
            text(given, "objectAlias") or name,
            _reference(given, vault, name),
            mode(given.get("filePermission")),
            decode(text(given, "objectEncoding")),
            archive=text(given, "objectFormat").lower() == "pfx",
        )
        found.add(where, item)
        if kind == "cert":
            _certificate(found, vault, name)
        elif not item.archive and _STORED not in found.conversion.notes:
            found.conversion.notes.append(_STORED)

    objects = document(found.parameters.get("objects", ""))
    listed = objects.get("array") if isinstance(objects, dict) else None
    # Each element of the array is a text that holds YAML, or the mapping itself.
    found.objects(
        [document(it) if isinstance(it, str) else it for it in listed or []],
        read,
    )


def part(item: Item, key: str) -> Reference | None:
    """
    What the driver puts under a key of a Secret of the type `kubernetes.io/tls`.

    It takes the certificates of a file, or its private key (GetCertPart of
    pkg/util/secretutil/secret.go, kubernetes-sigs/secrets-store-csi-driver). A certificate of Key
    Vault has both; whether a secret is one's is a person's to say (`whose`).

    Returns:
        None where it has no equivalent.
    """
    vault, kind, name = item.reference.path.split("/")
    if key not in (_KEY, _CHAIN) or item.decode or item.archive:
        return None
    if kind == CERTIFICATES:
        return item.reference if key == _CHAIN else None
    return replace(item.reference, path=f"{vault}/{CERTIFICATES}/{name}", selector=key)


def whose(item: Item) -> str:
    """What is to be looked at in the vault when parts of a secret are read."""
    vault, _, name = item.reference.path.split("/")
    return (
        f"Key Vault {vault}: `{name}` must be a certificate whose policy lets its key be exported; "
        "import it as one if it is a mere secret that holds PEM"
    )


def _identity(found: Class) -> None:
    """Say what of the login's identity the class leaves open."""
    for field in NEEDED:
        option = f"azure.{field}"
        if {f"{DOMAIN}/{option}"} & {*found.conversion.ours, *found.annotations}:
            continue
        found.conversion.todo.append(AZURE.format(field))
        for parameter, name in _IDENTITY.items():
            given = found.parameters.get(parameter)
            if name == option and given is not None and not given.strip():
                found.conversion.none(
                    found.key(parameter), f"it is empty, and the login needs one: `{option}`"
                )


def _reference(given: Mapping[str, Any], vault: str, name: str) -> Reference:
    kind, shape = text(given, "objectType"), text(given, "objectFormat").lower()
    version = options(version=text(given, "objectVersion"))
    if shape not in _FORMATS:
        raise ValueError(f"objectFormat: `{shape[:20]}` is neither pem nor pfx")
    # An archive is written as it is stored, or decoded (pkg/provider/provider.go).
    if kind == "secret":
        return Reference(_STORE, f"{vault}/{SECRETS}/{name}", version)
    if shape == "pfx":
        raise ValueError("objectFormat: only a secret is written as PFX, `objectType: secret`")
    if kind == "cert":
        return Reference(_STORE, f"{vault}/{CERTIFICATES}/{name}", version, _CHAIN)
    raise ValueError(f"objectType: `{kind[:60]}` is not read; secrets and certificates are")


def _certificate(found: Class, vault: str, name: str) -> None:
    found.conversion.notes.append(
        f"`{vault}/{CERTIFICATES}/{name}#{_CHAIN}`: theirs wrote the certificate alone, ours "
        "writes those that sign it behind it"
    )
    found.conversion.todo.append(
        f"Key Vault {vault}: let the pod's identity read the secret `{name}`, too (`Key Vault "
        "Secrets User`, or the permission secrets/get): it is where the certificate is read, whose "
        "policy must let its key be exported"
    )
