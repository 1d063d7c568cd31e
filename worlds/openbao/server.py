"""One OpenBao: configured, started, initialised, unsealed."""

from __future__ import annotations

import contextlib
import itertools
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

from worlds.certificates import issue
from worlds.openbao.api import Api, ApiError
from worlds.openbao.binary import binary
from worlds.openbao.namespace import Namespace
from worlds.process import NotStartedError, Process, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worlds.openbao.audit import AuditLog

_TRIES: Final = 3
_FIRST_SECONDS: Final = 1.0
_TAKEN: Final = "address already in use"


class OpenBao:
    """
    The real OpenBao on loopback TLS, with an audit log that can be read.

    ```python
    with OpenBao() as server:                    # in memory, unsealed
        server.address, server.ca_pem            # for clients; `ca_path` is a file with it
        vault = server.root                      # the root namespace; see `Namespace`
        vault.kv("secret")
        vault.put("secret", "prod/db", password="s3cret")
        server.seal(); server.unseal()
        server.audit.calls("secret/data/")       # who asked, and what came of it
    ```

    With `storage="raft"` it keeps what it has on disk: `restart()` brings it back sealed, and so
    does `kill()` with `start()`.

    Args:
        storage: `inmem` or `raft`.
        sealed: leave it sealed after the start; it is initialised even so.
        hosts: further names in its certificate.
        log_level: of its own log.
    """

    def __init__(
        self,
        storage: Literal["inmem", "raft"] = "inmem",
        *,
        sealed: bool = False,
        hosts: Sequence[str] = (),
        log_level: str = "info",
    ) -> None:
        self._storage = storage
        self._sealed = sealed
        self._log_level = log_level
        self._certificates = issue("OpenBao", hosts=hosts)
        self._ports = (0, 0)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: Process | None = None
        self._root: Namespace | None = None
        self._token = ""
        self._key = ""
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="openbao-")
        try:
            self.ca_path.write_text(self.ca_pem)
            Path(self.folder, "server.pem").write_text(self._certificates.chain)
            Path(self.folder, "server.key").write_text(self._certificates.key)
            Path(self.folder, "data").mkdir()
            self.start()
            self._initialise()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def folder(self) -> Path:
        """Where its files are, while it exists."""
        if self._folder is None:
            msg = "the server is not started"
            raise NotStartedError(msg)
        return Path(self._folder.name)

    @property
    def address(self) -> str:
        """Base URL, as `VAULT_ADDR` has it; it stays when the server is restarted."""
        return f"https://127.0.0.1:{self._ports[0]}"

    @property
    def ca_pem(self) -> str:
        """Certificate of the authority that signed the server's."""
        return self._certificates.ca

    @property
    def ca_path(self) -> Path:
        """A file with it."""
        return self.folder / "ca.pem"

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.folder / "server.log"

    @property
    def pid(self) -> int:
        """Of the running process."""
        if self._process is None:
            msg = "the server does not run"
            raise NotStartedError(msg)
        return self._process.pid

    @property
    def audit(self) -> AuditLog:
        """What it was asked since the start, in every namespace."""
        return self.root.audit

    @property
    def root(self) -> Namespace:
        """The root namespace, with the root token."""
        if self._root is None:
            msg = "the server is not started"
            raise NotStartedError(msg)
        return self._root

    def namespace(self, path: str = "") -> Namespace:
        """Make a namespace in the root one, by default of a name that is new."""
        return self.root.make(path or f"t{next(self._numbers)}")

    @property
    def sealed(self) -> bool:
        """Whether it is sealed."""
        return bool(self._api().read("sys/seal-status")["sealed"])

    def seal(self) -> None:
        """Seal it: from now on it answers 503."""
        self._api(self._token).call("PUT", "sys/seal")

    def unseal(self) -> None:
        """Unseal it, and wait until it serves."""
        self._api().call("PUT", "sys/unseal", {"key": self._key})
        self._running().wait_until(self._serves)

    def start(self) -> None:
        """Start the process, on the port of before when it was stopped; it stays sealed."""
        for left in reversed(range(_TRIES)):
            fixed = self._ports[0] != 0
            ports = self._ports if fixed else (free_port(), free_port())
            try:
                self._start(ports)
            except NotStartedError as exc:
                if fixed or left == 0 or _TAKEN not in str(exc):
                    raise
                continue  # somebody else was quicker
            self._ports = ports
            return

    def stop(self) -> None:
        """End the process; what is in memory is lost."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def kill(self) -> None:
        """End it without a word."""
        process, self._process = self._running(), None
        process.kill()

    def restart(self) -> None:
        """End the process and start it again, sealed."""
        self.stop()
        self.start()

    def _start(self, ports: tuple[int, int]) -> None:
        config = self.folder / "server.json"
        config.write_text(json.dumps(self._config(ports)))
        process = Process([binary(), "server", f"-config={config}"], self.log)
        # Whoever has the port in its place may be silent.
        api = Api(f"https://127.0.0.1:{ports[0]}", self.ca_pem, seconds=_FIRST_SECONDS)
        try:
            process.wait_until(lambda: _answers(api))
        except NotStartedError:
            process.stop()
            raise
        self._process = process

    def _config(self, ports: tuple[int, int]) -> dict[str, object]:
        listener = {
            "address": f"127.0.0.1:{ports[0]}",
            "cluster_address": f"127.0.0.1:{ports[1]}",
            "tls_cert_file": str(self.folder / "server.pem"),
            "tls_key_file": str(self.folder / "server.key"),
        }
        audit = {"file_path": str(self.folder / "audit.log"), "hmac_accessor": "false"}
        # The least there is: an election, which a single node has to wait for, takes a second.
        data = {
            "path": str(self.folder / "data"),
            "node_id": "one",
            "performance_multiplier": "1",
        }
        return {
            "storage": {self._storage: data if self._storage == "raft" else {}},
            "listener": [{"tcp": listener}],
            "api_addr": f"https://127.0.0.1:{ports[0]}",
            "cluster_addr": f"https://127.0.0.1:{ports[1]}",
            "audit": [{"type": "file", "path": "file", "options": audit}],
            "log_level": self._log_level,
        }

    def _initialise(self) -> None:
        shares = {"secret_shares": 1, "secret_threshold": 1}
        made = self._api().call("PUT", "sys/init", shares)
        self._token = made["root_token"]
        self._key = made["keys_base64"][0]
        self._root = Namespace(self._api(self._token), self.folder / "audit.log")
        if not self._sealed:
            self.unseal()

    def _api(self, token: str = "") -> Api:
        return Api(self.address, self.ca_pem, token)

    def _running(self) -> Process:
        if self._process is None:
            msg = "the server does not run"
            raise NotStartedError(msg)
        return self._process

    def _serves(self) -> bool:
        try:
            health = self._api().read("sys/health")
            self._api(self._token).read("auth/token/lookup-self")
        except (ApiError, OSError):
            return False
        return not health["sealed"] and not health["standby"]


def _answers(api: Api) -> bool:
    with contextlib.suppress(ApiError, OSError):
        api.read("sys/seal-status")
        return True
    return False
