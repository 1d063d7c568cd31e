"""Secrets engines of a namespace, set up as their documentation does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from worlds.openbao.api import ApiError

if TYPE_CHECKING:
    from worlds.openbao.api import Api
    from worlds.postgres import Postgres

_UPGRADE_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.02
_UPGRADING: Final = "Upgrading from non-versioned to versioned data"
_CREATE_ROLE: Final = (
    "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"
)


class Engines:
    """
    What makes engines and their content.

    Args:
        api: with a token that may do everything.
    """

    def __init__(self, api: Api) -> None:
        self.api = api
        self._kv_versions: dict[str, int] = {}

    def mount(self, path: str, kind: str, **settings: Any) -> str:  # noqa: ANN401 - of any engine
        """Enable an engine; gives its path. `settings` are those of `sys/mounts`."""
        self.api.write(f"sys/mounts/{path}", type=kind, **settings)
        return path

    def kv(self, path: str = "secret", version: int = 2) -> str:
        """Enable a KV engine; gives its path."""
        self._kv_versions[path] = version
        self.mount(path, "kv", options={"version": str(version)})
        if version == 2:
            self._wait_for_versions(path)
        return path

    def put(self, mount: str, name: str, **fields: Any) -> int:  # noqa: ANN401 - any JSON
        """Write a secret of a KV engine that `kv` enabled; gives its version, 0 for KV v1."""
        if self._kv_versions[mount] == 1:
            self.api.write(f"{mount}/{name}", **fields)
            return 0
        return int(self.api.write(f"{mount}/data/{name}", data=fields)["data"]["version"])

    def delete_version(self, mount: str, name: str, version: int) -> None:
        """Delete one version of a KV v2 secret; it can be undeleted."""
        self.api.write(f"{mount}/delete/{name}", versions=[version])

    def destroy_version(self, mount: str, name: str, version: int) -> None:
        """Destroy one version of a KV v2 secret for good."""
        self.api.write(f"{mount}/destroy/{name}", versions=[version])

    def _wait_for_versions(self, path: str) -> None:
        """Wait until a new KV v2 engine serves: it starts as version 1, and then is upgraded."""
        end = time.monotonic() + _UPGRADE_SECONDS
        while True:
            try:
                self.api.read(f"{path}/config")
            except ApiError as exc:
                if _UPGRADING not in str(exc) or time.monotonic() > end:
                    raise
                time.sleep(_PAUSE_SECONDS)
            else:
                return

    def transit(self, path: str = "transit", *keys: str) -> str:
        """Enable transit with keys (`app` when none is named); gives its path."""
        self.mount(path, "transit")
        for key in keys or ("app",):
            self.api.write(f"{path}/keys/{key}")
        return path

    def encrypt(self, mount: str, key: str, plaintext: str) -> str:
        """Encrypt with a transit key; `plaintext` is base64. Gives `vault:v1:…`."""
        answer = self.api.write(f"{mount}/encrypt/{key}", plaintext=plaintext)
        return str(answer["data"]["ciphertext"])

    def pki(self, path: str = "pki", **role: Any) -> str:  # noqa: ANN401 - of a role
        """
        Enable PKI with a root CA and the role `web`; gives its path.

        Args:
            path: of the mount.
            role: fields of the role put over ours: names below `svc`, an hour, P-256.
        """
        self.mount(path, "pki", config={"max_lease_ttl": "24h"})
        self.api.write(f"{path}/root/generate/internal", common_name="root", key_type="ec")
        ours = {"allowed_domains": ["svc"], "allow_subdomains": True, "max_ttl": "1h"}
        self.api.write(f"{path}/roles/web", **{**ours, "key_type": "ec", "key_bits": 256, **role})
        return path

    def database(
        self,
        postgres: Postgres,
        path: str = "database",
        *,
        ttl: str = "1h",
        max_ttl: str = "24h",
        role: str = "app",
    ) -> str:
        """
        Enable the database engine on a PostgreSQL, with one role; gives its path.

        Args:
            postgres: where its users are made.
            path: of the mount.
            ttl: default life of credentials.
            max_ttl: their longest life, renewals included.
            role: name of the role.
        """
        self.mount(path, "database")
        self.api.write(
            f"{path}/config/postgres",
            plugin_name="postgresql-database-plugin",
            connection_url=postgres.template_url,
            username=postgres.user,
            password=postgres.password,
            allowed_roles="*",
        )
        self.api.write(
            f"{path}/roles/{role}",
            db_name="postgres",
            creation_statements=[_CREATE_ROLE],
            default_ttl=ttl,
            max_ttl=max_ttl,
        )
        return path
