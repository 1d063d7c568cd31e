"""
One client of one Vault: the calls that we make, by hvac, repeated where that can help.

It reads nothing of the environment: address, token, namespace and trust are given. Whatever fails
is a `ProviderError` without a byte of the reply.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from http.client import NO_CONTENT
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from injector.errors import InjectorError
from injector.vault import replies
from injector.vault.errors import DECRYPT, LOGIN
from injector.vault.http import Http, unreadable
from injector.vault.without_requests import import_hvac

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import hvac

    from injector.identity.interface import SessionKey
    from injector.material import Material
    from injector.retry import Retry
    from injector.transport import Transport

READ: Final = "read"
WRITE: Final = "write"
RENEW: Final = "renew"
REVOKE: Final = "revoke"


@dataclass(frozen=True, slots=True)
class Vault:
    """
    Opens clients.

    Args:
        transport: sends every request.
        retry: how calls are repeated; its clock is the transport's.
    """

    transport: Transport
    retry: Retry

    def open(
        self, key: SessionKey, token: Material | None, namespace: str, seconds: float = 0.0
    ) -> VaultClient:
        """
        Open a client of the server that a key names.

        Args:
            key: address and trust.
            token: none for a login.
            namespace: Vault's, of the calls.
            seconds: of one request at most; 0 is our own bound.
        """
        http = Http(self.transport, key.input("ca-bundle"))
        return VaultClient(http, key.input("address"), token, namespace, self.retry, seconds)

    def trying_once(self, seconds: float) -> Vault:
        """Give the same for calls that have so many seconds from now, and no second try."""
        until = self.retry.clock() + seconds
        return replace(self, retry=replace(self.retry, attempts=1, until=until))

    def expect(self, key: SessionKey) -> None:
        """Open early the connection that a login or a read will want."""
        self.transport.open_early(key.input("address"), key.input("ca-bundle"))


class VaultClient:
    """Calls one Vault in one namespace with a fixed token, or with none."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a client of Vault is made of
        self,
        http: Http,
        address: str,
        token: Material | None,
        namespace: str,
        retry: Retry,
        seconds: float,
    ) -> None:
        self._http = http
        self._retry = retry
        self._seconds = seconds or float("inf")
        self._vault = _hvac(http, address, token, namespace)

    def log_in(self, mount: str, body: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """
        Log in at a mount; the body is made anew at each attempt.

        Returns:
            Vault's `auth`, which has a `client_token`.

        Raises:
            ProviderError: of the step `Vault login`.
        """
        path = f"/v1/auth/{quote(mount)}/login"

        def once() -> dict[str, Any]:
            reply = self._vault.adapter.login(path, use_token=False, json=dict(body()))
            auth = reply.get("auth") if isinstance(reply, dict) else None
            # A 200 without a token is what a proxy in between, or a wrong address, answers.
            if not isinstance(auth, dict) or not replies.is_token(auth.get("client_token")):
                raise unreadable(LOGIN)
            return auth

        return self._repeated(LOGIN, once)

    def read(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Read a path of any engine; gives the whole reply."""
        call = partial(self._vault.adapter.get, f"/v1/{quote(path)}", params=dict(params or {}))
        return self._repeated(READ, call)

    def write(self, path: str, data: Mapping[str, str]) -> dict[str, Any]:
        """Write to a path of any engine; gives the whole reply, empty where there was none."""
        call = partial(self._vault.adapter.post, f"/v1/{quote(path)}", json=dict(data))

        def once() -> Any:  # noqa: ANN401 - hvac's replies
            reply = call()
            return {} if getattr(reply, "status_code", 0) == NO_CONTENT else reply

        return self._repeated(WRITE, once)

    def transit_decrypt(self, mount: str, key: str, ciphertext: str) -> dict[str, Any]:
        """Decrypt with a key of a transit engine; gives the whole reply."""
        path = f"/v1/{quote(mount)}/decrypt/{quote(key, safe='')}"
        body = {"ciphertext": ciphertext}
        return self._repeated(DECRYPT, partial(self._vault.adapter.post, path, json=body))

    def mount_of(self, path: str) -> dict[str, Any]:
        """Ask which engine serves a path: its `path`, `type` and `options`."""
        return self.read(f"sys/internal/ui/mounts/{path}")

    def kv2_metadata(self, mount: str, path: str) -> dict[str, Any]:
        """Read what is known of a KV v2 secret but not its values."""
        read = self._vault.secrets.kv.v2.read_secret_metadata
        return self._repeated(READ, partial(read, path, mount_point=mount))

    def kv2_version(self, mount: str, path: str, version: str) -> dict[str, Any]:
        """Read one version of a KV v2 secret; an empty one is the newest."""
        read = partial(
            self._vault.secrets.kv.v2.read_secret_version,
            path,
            version=version or None,
            mount_point=mount,
            raise_on_deleted_version=True,
        )
        return self._repeated(READ, read)

    def renew_lease(self, lease_id: str, seconds: float) -> dict[str, Any]:
        """Extend a lease; gives the whole reply."""
        return self._repeated(
            RENEW, partial(self._vault.sys.renew_lease, lease_id, increment=int(seconds))
        )

    def revoke_lease(self, lease_id: str) -> None:
        """Give a lease back before its end."""
        self._call(REVOKE, partial(self._vault.sys.revoke_lease, lease_id))

    def renew_self(self) -> dict[str, Any]:
        """Extend the token; gives Vault's `auth`."""
        reply = self._repeated(RENEW, self._vault.auth.token.renew_self)
        auth = reply.get("auth")
        if not isinstance(auth, dict):
            raise unreadable(RENEW)
        return auth

    def revoke_self(self) -> None:
        """End the token, and with it every lease that was given to it."""
        self._call(REVOKE, self._vault.auth.token.revoke_self)

    def lookup_self(self) -> None:
        """Ask whether the token is still good; every token may by the `default` policy."""
        self._call(READ, self._vault.auth.token.lookup_self)

    def _repeated(self, step: str, call: Callable[[], Any]) -> dict[str, Any]:
        reply = self._call(step, call)
        if not isinstance(reply, dict):
            raise unreadable(step)
        return reply

    def _call(self, step: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - hvac's replies
        """
        Call, again while that can help.

        Raises:
            ProviderError: always ours, whatever hvac raises of a reply that it cannot read.
        """

        def once(until: float) -> Any:  # noqa: ANN401 - hvac's replies
            self._http.step = step
            self._http.until = min(until, self._retry.clock() + self._seconds)
            try:
                return call()
            except InjectorError:
                raise
            except Exception:  # noqa: BLE001 - hvac takes replies apart without looking first
                error = unreadable(step)
            # Outside the handler: hvac's exception holds the reply, and must not be the context.
            raise error

        return self._retry.run(once)


def _hvac(http: Http, address: str, token: Material | None, namespace: str) -> hvac.Client:
    made: hvac.Client = import_hvac().Client(
        url=address.rstrip("/"),
        # None would make hvac look for a token in the environment and in the home directory.
        token="" if token is None else token.reveal().decode("latin-1"),
        namespace=namespace or None,
        session=http,
        allow_redirects=False,
    )
    return made
