"""Projects, service accounts and users, with the keys and grants that they log in by."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from worlds.gcp.iam import Principal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_CLIENT: Final = "764086051850-6qr4p6gpi6hn506pt8ejuq83di341hur.apps.googleusercontent.com"
"""Shaped like an OAuth client of the command line."""


@dataclass(slots=True, eq=False)
class Project:
    """A project; answers name it by its number."""

    id: str
    number: str
    disabled: set[str] = field(default_factory=set)
    """APIs that are not enabled, such as `secretmanager.googleapis.com`."""

    @property
    def name(self) -> str:
        """The resource that bindings of the whole project stand on."""
        return f"projects/{self.id}"


@dataclass(slots=True, eq=False)
class ServiceAccount:
    """A service account of a project."""

    email: str
    project: Project
    unique_id: str
    disabled: bool = False
    long_lived: bool = False
    """Whether the organisation lets its tokens live twelve hours instead of one."""
    keys: dict[str, RSAPublicKey] = field(default_factory=dict)
    """By key id; take one out to delete it."""

    @property
    def name(self) -> str:
        """The resource that bindings stand on."""
        return f"{self.project.name}/serviceAccounts/{self.email}"

    @property
    def member(self) -> str:
        """Itself, in bindings."""
        return f"serviceAccount:{self.email}"

    @property
    def principal(self) -> Principal:
        """Itself, as a caller."""
        return Principal(self.member, frozenset({self.member}), self.project.number)

    def new_key(self, token_uri: str) -> dict[str, Any]:
        """Make a key and give its file, as `gcloud iam service-accounts keys create` writes it."""
        key = rsa.generate_private_key(65537, 2048)
        key_id = uuid.uuid4().hex + secrets.token_hex(4)
        self.keys[key_id] = key.public_key()
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "type": "service_account",
            "project_id": self.project.id,
            "private_key_id": key_id,
            "private_key": pem.decode(),
            "client_email": self.email,
            "client_id": self.unique_id,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        }


@dataclass(slots=True, eq=False)
class User:
    """A person who logged in once and left a refresh token."""

    email: str
    scopes: frozenset[str]
    """What was consented to."""
    client_id: str = _CLIENT
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    refresh_token: str = field(
        default_factory=lambda: f"1//{secrets.token_urlsafe(48)}", repr=False
    )
    revoked: bool = False

    @property
    def member(self) -> str:
        """Itself, in bindings."""
        return f"user:{self.email}"

    @property
    def principal(self) -> Principal:
        """Itself, as a caller."""
        return Principal(self.member, frozenset({self.member}), "")

    def credentials(self) -> dict[str, str]:
        """Give the file that `gcloud auth application-default login` writes."""
        return {
            "type": "authorized_user",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
        }
