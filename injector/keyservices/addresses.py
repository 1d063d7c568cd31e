"""
Where the keys are that a document names, taken apart strictly: pure, and without any default.

All of it was written by whoever wrote the document. What a cloud would not call a name is refused
before anything is made of it: a host, a path, a region.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from injector.sops.errors import SopsError, invalid, printable

if TYPE_CHECKING:
    from injector.sops.master_keys import AzureKey, GcpKmsKey, KmsKey, VaultKey

_SHOWN: Final = 120
_KMS: Final = re.compile(
    r"arn:(?P<partition>aws(-[a-z]+)*):kms:(?P<region>[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2})"
    r":(?P<account>[0-9]{12}):(?P<resource>key/[A-Za-z0-9-]{1,128}|alias/[A-Za-z0-9/_-]{1,250})",
    re.ASCII,
)
# https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html;
# the longest prefix first.
_PARTITIONS: Final = (
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-iso-", "aws-iso"),
    ("us-gov-", "aws-us-gov"),
    ("cn-", "aws-cn"),
    ("eusc-", "aws-eusc"),
)
_GOOGLE: Final = re.compile(
    r"projects/[a-z0-9][-a-z0-9:.]{0,62}/locations/[a-z][a-z0-9-]{0,62}"
    r"/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}",
    re.ASCII,
)
_AZURE: Final = re.compile(
    r"https://(?P<vault>(?![^.]*--)[a-z][a-z0-9-]{1,22}[a-z0-9])\.(?P<suffix>[a-z0-9.-]+?)(:443)?/?",
    re.ASCII | re.IGNORECASE,
)
_AZURE_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,127}", re.ASCII)
_AZURE_VERSION: Final = re.compile(r"[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
_SEGMENT: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.-]{1,128}", re.ASCII)
_ENGINE_SEGMENTS: Final = 16
_NO_ENGINES: Final = frozenset({"auth", "cubbyhole", "identity", "sys"})
"""Mounts that every Vault has: what is called there is never a decryption."""
# What parsers agree on: no userinfo, query, escape, backslash, or control character, which urlsplit
# drops without a word.
_URL: Final = re.compile(r"[A-Za-z0-9:/\[\]._~-]+", re.ASCII)
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class KmsPlace:
    """A key or an alias of AWS KMS."""

    partition: str
    region: str
    account: str
    resource: str
    """`key/…` or `alias/…`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a server is, in one form for all that mean the same."""

    scheme: str
    host: str
    port: int
    path: str = ""
    """Without a slash at its end."""

    @property
    def has_default_port(self) -> bool:
        """Whether the port is the scheme's own."""
        return self.port == _PORTS[self.scheme]


@dataclass(frozen=True, slots=True)
class AzurePlace:
    """A key of Azure Key Vault."""

    vault: str
    """The vault's name, in lower case."""
    suffix: str
    """What follows it and a dot in the host."""
    name: str
    version: str
    """Empty for the newest."""


@dataclass(frozen=True, slots=True)
class TransitPlace:
    """A key of Vault's transit engine, without its server."""

    mount: str
    key: str


def kms(key: KmsKey) -> KmsPlace:
    """
    Take the ARN of a KMS key apart.

    Raises:
        SopsError: for what is no ARN of a key or an alias, or names a region of another partition.
    """
    match = _KMS.fullmatch(key.arn)
    if match is None:
        raise _no(key.arn, "no ARN of a KMS key: `arn:<partition>:kms:<region>:<account>:key/<id>`")
    place = KmsPlace(match["partition"], match["region"], match["account"], match["resource"])
    if partition_of(place.region) != place.partition:
        raise _no(key.arn, f"of the partition {place.partition}, which has no {place.region}")
    return place


def partition_of(region: str) -> str:
    """Name the partition that a region is in."""
    return next((name for prefix, name in _PARTITIONS if region.startswith(prefix)), "aws")


def google(key: GcpKmsKey) -> str:
    """
    Give the resource of a Google key.

    Raises:
        SopsError: for what is none.
    """
    if not _GOOGLE.fullmatch(key.resource_id):
        raise _no(
            key.resource_id,
            "no key of Cloud KMS: `projects/<project>/locations/<location>/keyRings/<ring>/"
            "cryptoKeys/<key>`",
        )
    return key.resource_id


def azure(key: AzureKey) -> AzurePlace:
    """
    Take the place of an Azure key apart; whether the suffix is a cloud's own is not looked at.

    Raises:
        SopsError: for an address that is not `https://<vault>.<suffix>`, or no name or version.
    """
    match = _AZURE.fullmatch(key.vault_url)
    if match is None:
        raise _no(key.vault_url, "no address of a vault: `https://<vault>.vault.azure.net`")
    if not _AZURE_NAME.fullmatch(key.name):
        raise _no(key.name, "no name of a key: 1 to 127 letters, digits and `-`")
    if key.version and not _AZURE_VERSION.fullmatch(key.version):
        raise _no(key.version, "no version of a key: 32 hexadecimal digits")
    vault, suffix = match["vault"].lower(), match["suffix"].lower()
    return AzurePlace(vault, suffix, key.name, key.version.lower())


def transit(key: VaultKey) -> TransitPlace:
    """
    Give mount and name of a transit key.

    Raises:
        SopsError: for a path that could be anything but `<mount>/decrypt/<key>`.
    """
    segments = key.engine_path.strip("/").split("/")
    if len(segments) > _ENGINE_SEGMENTS or not all(map(_SEGMENT.fullmatch, segments)):
        raise _no(key.engine_path, "no path of an engine: letters, digits, `_`, `.`, `-` and `/`")
    if segments[0] in _NO_ENGINES:
        raise _no(key.engine_path, "Vault's own, and no transit engine")
    if not _SEGMENT.fullmatch(key.key_name):
        raise _no(key.key_name, "no name of a transit key: letters, digits, `_`, `.` and `-`")
    return TransitPlace("/".join(segments), key.key_name)


def origin(address: str) -> Origin:
    """
    Bring the address of a server into one form.

    Raises:
        SopsError: for what is no plain address: userinfo, a query, an escape, another scheme.
    """
    what = "no address of a server such as https://vault.acme.io:8200"
    if not _URL.fullmatch(address):
        raise _no(address, what)
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise _no(address, what) from None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise _no(address, what)
    return Origin(
        parts.scheme, parts.hostname, port or _PORTS[parts.scheme], parts.path.rstrip("/")
    )


def _no(text: str, what: str) -> SopsError:
    return invalid(f"`{printable(text, _SHOWN)}` is {what}")
