"""Keys as documents name them, and stores whose logins could decrypt with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.contract.stores import Hop, Store
from injector.keyservices.allowlist import Logins, judge
from injector.sops.master_keys import AzureKey, GcpKmsKey, KmsKey, VaultKey

if TYPE_CHECKING:
    from injector.contract.reasons import Reason
    from injector.sops.master_keys import MasterKey

ACCOUNT = "111122223333"
ARN = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WEB, SOPS = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("web", "sops"))
RESOURCE = "projects/shop-prod/locations/europe-west1/keyRings/prod/cryptoKeys/sops"
VERSION = "0123456789abcdef0123456789abcdef"

AWS = Store(
    "aws-secretsmanager",
    "aws-secretsmanager",
    {"region": "eu-west-1", "role-arn": WEB, "assume-role": (Hop(SOPS),)},
)
VAULT = Store("vault", "vault", {"address": "https://vault.acme.io:8200", "role": "web"})
GOOGLE = Store("gcp-secretmanager", "gcp-secretmanager", {"project": "shop-prod"})
AZURE = Store("azure-keyvault", "azure-keyvault", {"tenant-id": "acme.io"})
ALL = Logins((AWS, VAULT, GOOGLE, AZURE), age=True)


def aws(arn: str = ARN, role: str = "") -> KmsKey:
    """A key of AWS KMS."""
    return KmsKey(arn, role, (), "AQID")


def vault(
    address: str = "https://vault.acme.io:8200", engine: str = "transit", name: str = "app"
) -> VaultKey:
    """A key of transit."""
    return VaultKey(address, engine, name, "vault:v1:AQID")


def azure(
    url: str = "https://acme-kv.vault.azure.net", name: str = "sops", version: str = VERSION
) -> AzureKey:
    """A key of Key Vault."""
    return AzureKey(url, name, version, "AQID")


def google(resource: str = RESOURCE) -> GcpKmsKey:
    """A key of Cloud KMS."""
    return GcpKmsKey(resource, "AQID")


def allowed(key: MasterKey, logins: Logins = ALL) -> tuple[Store, ...]:
    """Judge a key that must be allowed."""
    verdict = judge(key, logins)
    assert verdict.allowed, verdict.why_not
    return verdict.stores


def refused(key: MasterKey, logins: Logins = ALL) -> tuple[Reason, str]:
    """Judge a key that must be refused."""
    verdict = judge(key, logins)
    assert verdict.reason is not None
    assert verdict.stores == ()
    assert verdict.why_not
    return verdict.reason, verdict.why_not
