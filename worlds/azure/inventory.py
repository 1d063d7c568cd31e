"""What there is in a world: tenants, vaults and what lies in them, and how tests change it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Unpack

from cryptography.hazmat.primitives.asymmetric import rsa

from worlds.azure import issuing
from worlds.azure.access_tokens import AccessTokens
from worlds.azure.clouds import CLOUDS
from worlds.azure.directory import Tenant, tenant_id
from worlds.azure.keyvault import KEY_OPERATIONS
from worlds.azure.objects import Attributes, Certificate, Key, Secret
from worlds.azure.vaults import Vault

if TYPE_CHECKING:
    from worlds.azure.directory import Identity
    from worlds.azure.issuing import ContentType
    from worlds.azure.vaults import Model
    from worlds.clock import WorldClock
    from worlds.tokens import Issuer

TENANT: Final = "acme"
_EXPONENT: Final = 65537


class Inventory:
    """
    Tenants and vaults.

    Args:
        clock: of the world.
        issuer: the cluster's issuer of tokens.
        cloud: of tenants that name none: `public`, `china` or `us-government`.
    """

    def __init__(self, clock: WorldClock, issuer: Issuer, cloud: str) -> None:
        self.clock = clock
        self.issuer = issuer
        self.cloud = CLOUDS[cloud]
        self.lock = threading.RLock()
        """Held while a request is handled and while the inventory changes."""
        self.tokens = AccessTokens(clock)
        self.tenants: dict[str, Tenant] = {}
        """By id."""
        self.vaults: dict[str, Vault] = {}
        """By host."""

    def tenant(self, name: str = TENANT, cloud: str = "") -> Tenant:
        """Give a tenant, new when it is asked for the first time; its id depends on the name."""
        place = CLOUDS[cloud] if cloud else self.cloud
        chosen = tenant_id(name, place)
        return self.tenants.setdefault(chosen, Tenant(chosen, name, place))

    def workload(self, name: str, namespace: str, service_account: str) -> Identity:
        """Give an identity of the tenant that the world's issuer's service account may be."""
        identity = self.tenant().identity(name)
        identity.federate(self.issuer, f"system:serviceaccount:{namespace}:{service_account}")
        return identity

    def vault(self, name: str, tenant: Tenant | None = None, *, model: Model = "rbac") -> Vault:
        """Give a vault, new when it is asked for the first time."""
        made = Vault(name.lower(), tenant or self.tenant(), model)
        return self.vaults.setdefault(made.host, made)

    def put_secret(
        self,
        vault: Vault,
        name: str,
        value: str,
        content_type: str = "",
        **attributes: Unpack[Attributes],
    ) -> Secret:
        """Make a secret, or its next version."""
        now = self.clock.now()
        made = Secret(created=now, value=value, content_type=content_type, **attributes)
        with self.lock:
            return vault.secrets.put(name, made)

    def put_key(
        self,
        vault: Vault,
        name: str,
        *,
        size: int = 2048,
        operations: tuple[str, ...] = KEY_OPERATIONS,
        **attributes: Unpack[Attributes],
    ) -> Key:
        """Make an RSA key, or its next version."""
        private = rsa.generate_private_key(_EXPONENT, size)
        made = Key(created=self.clock.now(), private=private, operations=operations, **attributes)
        with self.lock:
            return vault.keys.put(name, made)

    def put_certificate(
        self,
        vault: Vault,
        name: str,
        content_type: ContentType = issuing.PKCS12,
        *,
        exportable: bool = True,
        **attributes: Unpack[Attributes],
    ) -> Certificate:
        """
        Make a certificate with its two authorities and P-256 key, or its next version.

        The secret of the same name and version holds all of it, without the key unless it is
        `exportable`; what is given back has chain and key to compare with.
        """
        now = self.clock.now()
        issued = issuing.issue(name)
        made = Certificate(created=now, issued=issued, content_type=content_type, **attributes)
        secret = Secret(
            id=made.id,
            created=now,
            value=issued.secret(content_type, exportable=exportable),
            content_type=content_type,
            certificate=f"{name}/{made.id}",
            **attributes,
        )
        with self.lock:
            vault.secrets.put(name, secret)
            return vault.certificates.put(name, made)

    def delete_secret(self, vault: Vault, name: str) -> None:
        """Delete a secret softly."""
        with self.lock:
            vault.secrets.delete(name)

    def recover_secret(self, vault: Vault, name: str) -> None:
        """Take a deletion back."""
        with self.lock:
            vault.secrets.recover(name)

    def delete_key(self, vault: Vault, name: str) -> None:
        """Delete a key softly."""
        with self.lock:
            vault.keys.delete(name)

    def expire_tokens(self) -> None:
        """End every access token given so far: vaults answer 401 to them."""
        with self.lock:
            self.tokens.expire_all()
