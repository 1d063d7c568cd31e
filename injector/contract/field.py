"""What a row of the table of fields is, and the patterns that rows share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The shape of a field's value."""

    TEXT = "text"
    NAMES = "names"
    """A list, or a comma list in an annotation."""
    PAIRS = "pairs"
    """A mapping, or `key=value,…` in an annotation."""
    HOPS = "hops"
    """A chain of roles: a comma list of ARNs, or a list of ARNs and mappings."""


@dataclass(frozen=True, slots=True)
class StoreField:
    """One row of the store-field table."""

    name: str
    families: tuple[str, ...]
    doc: str
    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    pattern: str = ""
    """The whole value must match; what becomes part of a host name has a DNS-label pattern."""
    expected: str = ""
    """What the pattern wants, in words."""
    endpoint: bool = False
    """Endpoints and trust are the operator's: others may give only what `allowed-addresses` has."""
    annotated: bool = True
    """Whether `syrette.dev/<family>.<name>` exists; otherwise only named stores have it."""
    inherited: bool = False
    """Whether a named store that does not give it takes the family's: where, and who the pod is."""


DNS_LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
ROLE_ARN: Final = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}"
ROLE_WORDS: Final = "a role ARN such as arn:aws:iam::111122223333:role/web"
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
EXTERNAL_ID: Final = r"[\w+=,.@:/-]{2,1224}"
EXTERNAL_ID_WORDS: Final = "2 to 1224 of letters, digits and +=,.@:/-_"
# Namespaces and mounts of Vault have one spelling here, so that a policy's pattern cannot be
# escaped by another: no slash at the ends, no empty, `.` or `..` segment, and nothing to escape.
_VAULT_SEGMENT: Final = r"(?!\.{1,2}(/|$))[A-Za-z0-9_.@~+=:,-]+"
VAULT_PATH: Final = rf"{_VAULT_SEGMENT}(/{_VAULT_SEGMENT})*"
VAULT_NAMESPACE_WORDS: Final = "a namespace such as acme/shop: no slash at its ends"
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and, of ConfigMaps and
# Secrets, `IsConfigMapKey` of apimachinery.
OBJECT_NAME: Final = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
DATA_KEY: Final = r"(?!\.{1,2}$)(?!\.\.)[-._A-Za-z0-9]{1,253}"
SECRET_KEY: Final = rf"{OBJECT_NAME}/{DATA_KEY}"
SECRET_KEY_WORDS: Final = "a Secret's name and key such as google/key.json"  # noqa: S105 - words, no credential
WORKLOAD_IDENTITY_PROVIDER: Final = (
    r"projects/[0-9]{1,20}/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}"
    r"/providers/[a-z0-9-]{4,32}"
)
GKE_CLUSTER: Final = (
    r"projects/[a-z][-a-z0-9]{4,28}[a-z0-9]/locations/[a-z0-9-]{2,32}/clusters/[a-z0-9-]{1,40}"
)
GOOGLE_ACCOUNT: Final = r"[A-Za-z0-9.-]{1,64}@[a-z0-9.-]{1,190}"
GOOGLE_ACCOUNT_WORDS: Final = "an e-mail address of a service account"
