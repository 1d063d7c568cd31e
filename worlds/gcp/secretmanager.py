"""Secret Manager: versions of secrets for those who may have them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worlds.gcp.calls import iso
from worlds.gcp.errors import (
    FAILED_PRECONDITION,
    NOT_FOUND,
    GcpError,
    invalid,
    permission_denied,
)
from worlds.gcp.iam import ACCESS, GET_VERSION
from worlds.gcp.wire import base64_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.gcp.calls import Call
    from worlds.gcp.iam import Bindings
    from worlds.gcp.identities import Project
    from worlds.gcp.secrets_kept import Secret, Version

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")


@dataclass(slots=True)
class SecretManager:
    """The service; projects by id and by number, secrets by resource."""

    projects: Mapping[str, Project]
    secrets: Mapping[str, Secret]
    bindings: Bindings

    def access_secret_version(self, call: Call) -> dict[str, Any]:
        """Give a value, or refuse."""
        secret, version = self._find(call, ACCESS)
        name = f"{secret.shown}/versions/{version.number}"
        if version.state != "ENABLED":
            msg = f"Secret Version [{name}] is in {version.state} state."
            raise GcpError(FAILED_PRECONDITION, msg)
        call.detail["version"] = str(version.number)
        payload = {"data": base64_of(version.value), "dataCrc32c": str(version.checksum)}
        return {"name": name, "payload": payload}

    def get_secret_version(self, call: Call) -> dict[str, Any]:
        """Tell about a version without its value, or refuse."""
        secret, version = self._find(call, GET_VERSION)
        call.detail["version"] = str(version.number)
        replicated: dict[str, Any] = (
            {} if secret.location else {"replicationStatus": {"automatic": {}}}
        )
        ended = {} if version.destroyed is None else {"destroyTime": iso(version.destroyed)}
        return {
            "name": f"{secret.shown}/versions/{version.number}",
            "createTime": iso(version.created),
            "state": version.state,
            **ended,
            **replicated,
            "etag": f'"{secret.id}-{version.number}-{version.state.lower()}"',
        }

    def _find(self, call: Call, permission: str) -> tuple[Secret, Version]:
        names = call.names
        place = f"/locations/{names['location']}" if "location" in names else ""
        asked = f"projects/{names['project']}{place}/secrets/{names['secret']}"
        call.resources.append(asked)
        if not _ID.fullmatch(names["secret"]):
            msg = f"Resource ID [{asked}] is not in a valid format."
            raise invalid(msg)
        project = self.projects.get(names["project"])
        resource = f"{project.name}{place}/secrets/{names['secret']}" if project else ""
        if not resource or not self.bindings.allows(call.principal, permission, resource):
            shown = f"{asked}/versions/{names['version']}"
            words = (
                f"Permission '{permission}' denied for resource '{shown}' (or it may not exist)."
            )
            raise permission_denied(permission, shown, words=words)
        secret = self.secrets.get(resource)
        shown = f"projects/{project.number}{place}/secrets/{names['secret']}" if project else ""
        if secret is None or not secret.versions:
            raise GcpError(NOT_FOUND, f"Secret [{shown}] not found or has no versions.")
        version = secret.find(names["version"])
        if version is None:
            named = f"{shown}/versions/{names['version']}"
            raise GcpError(NOT_FOUND, f"Secret Version [{named}] not found.")
        return secret, version
