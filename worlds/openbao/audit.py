"""
What a server was asked, by whom and with what outcome: the file of its audit device, parsed.

The server writes an entry before it answers, so that whoever has the answer finds the entry. It
hashes what is secret; token accessors stay readable, since only they tell which token a login
made and a revocation ended.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

HASHED: Final = "refused, in words that the audit device has hashed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One answered request."""

    at: str
    """RFC 3339."""
    request_id: str
    operation: str
    """`read`, `create`, `update`, `delete`, `list`, `renew`, `revoke`, `rollback`."""
    path: str
    """Below `/v1/` and the namespace: `secret/data/prod/db`."""
    namespace: str
    """Without slashes at its ends; empty for the root namespace."""
    mount: str
    """`secret/`, `auth/kubernetes/`."""
    mount_type: str
    error: str
    """OpenBao's words, or `HASHED` where it hides them; empty when it went well."""
    display_name: str
    """Of the token that asked; empty for none, as in a login."""
    policies: tuple[str, ...]
    entity: str
    accessor: str
    """Of the token that asked."""
    metadata: dict[str, str]
    """Of the token that asked: `role`, `service_account_name`, `service_account_namespace`."""
    issued: str
    """Accessor of the token that the answer brought."""
    lease: str
    """Lease id that the answer brought."""
    remote_port: int
    """Of who asked: one for each connection."""

    @property
    def ok(self) -> bool:
        """Whether it went well."""
        return not self.error


def parse(line: str) -> AuditEntry | None:
    """Read one line; none for the entry of a request that has no answer yet."""
    found = json.loads(line)
    if found["type"] != "response":
        return None
    request = found.get("request") or {}
    response = found.get("response") or {}
    auth = found.get("auth") or {}
    namespace = (request.get("namespace") or {}).get("path", "")
    return AuditEntry(
        at=found["time"],
        request_id=request.get("id", ""),
        operation=request.get("operation", ""),
        path=request.get("path", ""),
        namespace=namespace.strip("/"),
        mount=request.get("mount_point", "").removeprefix(namespace),
        mount_type=request.get("mount_type", ""),
        error=found.get("error")
        or (HASHED if set(response.get("data") or ()) == {"error"} else ""),
        display_name=auth.get("display_name", ""),
        policies=tuple(auth.get("policies") or ()),
        entity=auth.get("entity_id", ""),
        accessor=auth.get("accessor", "") or request.get("client_token_accessor", ""),
        metadata=auth.get("metadata") or {},
        issued=(response.get("auth") or {}).get("accessor", ""),
        lease=(response.get("secret") or {}).get("lease_id", ""),
        remote_port=request.get("remote_port", 0),
    )


class AuditLog:
    """
    The entries of one server, or of one of its namespaces, since the last `clear`.

    Args:
        file: that the server writes.
        namespace: only this one and those in it; empty is all.
    """

    def __init__(self, file: Path, namespace: str = "") -> None:
        self._file = file
        self._namespace = namespace
        self._start = 0

    def clear(self) -> None:
        """Forget what was."""
        self._start = self._file.stat().st_size if self._file.exists() else 0

    @property
    def entries(self) -> tuple[AuditEntry, ...]:
        """Everything since then, in the order of the answers."""
        with self._file.open("rb") as stream:
            stream.seek(self._start)
            lines = stream.read().splitlines(keepends=True)
        whole = (line.decode() for line in lines if line.endswith(b"\n"))
        found = (parse(line) for line in whole)
        return tuple(entry for entry in found if entry is not None and self._inside(entry))

    def calls(self, path: str = "", **equal: Any) -> tuple[AuditEntry, ...]:  # noqa: ANN401 - of any field
        """
        Entries whose path begins so, with further fields that must be equal.

        Example: `audit.calls("secret/data/", operation="read", ok=True)`.
        """
        return tuple(
            entry
            for entry in self.entries
            if entry.path.startswith(path)
            and all(getattr(entry, name) == value for name, value in equal.items())
        )

    def logins(self, mount: str = "") -> tuple[AuditEntry, ...]:
        """Logins that succeeded, at one mount of `auth/` or at any."""
        return tuple(
            entry
            for entry in self.calls(f"auth/{mount}/login" if mount else "auth/")
            if entry.issued and entry.path.endswith("/login")
        )

    def revocations(self) -> tuple[AuditEntry, ...]:
        """Tokens and leases that somebody gave back."""
        ends = ("auth/token/revoke", "sys/leases/revoke", "sys/revoke")
        return tuple(entry for entry in self.entries if entry.ok and entry.path.startswith(ends))

    def _inside(self, entry: AuditEntry) -> bool:
        return not self._namespace or f"{entry.namespace}/".startswith(f"{self._namespace}/")
