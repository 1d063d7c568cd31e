"""
The metrics port of the supervisor: whole files of the worker, to a bounded number of clients.

As in the supervisor, built-in modules only. It renders nothing: the worker has written what is
served, and only staleness is compared with the present. Slow clients are dropped by a deadline.
"""

# Without `from __future__ import annotations`: that is a module, too.
import _socket
import os
import select
import time

METRICS_FILE, STATUS_FILE = "metrics.prom", "status.json"
CLIENTS = 8
CLIENT_SECONDS = 5.0
"""Connections at once, the oldest out, and how long one may take over request and reply."""
MAX_REQUEST = 4096  # bytes of a request's headers
MAX_FILE = 1 << 22  # bytes; 200 secrets have about 200 KiB of metrics
NEVER = float("inf")

OWN_METRICS = """\
# HELP syrette_sidecar_stale Whether a secret is older than max-stale.
# TYPE syrette_sidecar_stale gauge
syrette_sidecar_stale %d
# HELP syrette_sidecar_worker_failures Workers that died in a row.
# TYPE syrette_sidecar_worker_failures gauge
syrette_sidecar_worker_failures %d
"""


class Client:
    """One connection to the metrics port."""

    __slots__ = ("fd", "request", "rest", "until")

    def __init__(self, fd: int, until: float) -> None:
        self.fd = fd
        self.until = until
        self.request = b""
        self.rest: memoryview | None = None  # to send; None while the request is incomplete

    def receive(self) -> bool:
        """Read on; whether the request is complete. Raises OSError for one that never will be."""
        data = os.read(self.fd, MAX_REQUEST)
        self.request += data
        complete = b"\r\n\r\n" in self.request or b"\n\n" in self.request
        if not complete and (not data or len(self.request) > MAX_REQUEST):
            raise ConnectionAbortedError
        return complete

    def send(self) -> bool:
        """Send on; whether all was sent."""
        if self.rest:
            self.rest = self.rest[os.write(self.fd, self.rest) :]
        return not self.rest


class Port:
    """The metrics port: whole files of the worker, to a bounded number of bounded clients."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._listener: _socket.socket | None = None
        self._clients: dict[int, Client] = {}
        self._number = 0
        self.stale_at = NEVER
        self.failures = 0

    def listen(self, number: int) -> bool:
        """Listen on a TCP port of every address (0 is off); False if it cannot be had just now."""
        if self._listener is not None:
            if number == self._number:
                return True
            self._listener.close()
        self._number, self._listener = number, None
        for family, host in ((_socket.AF_INET6, "::"), (_socket.AF_INET, "0.0.0.0")):  # noqa: S104 - Prometheus asks from outside
            if number and self._listener is None:
                self._listener = _listener(family, host, number)
        return self._listener is not None or not number

    def register(self, poll: "select.poll") -> float:
        """Add the descriptors to wait for; returns when the first client times out."""
        if self._listener is not None:
            poll.register(self._listener.fileno(), select.POLLIN)
        for client in self._clients.values():
            poll.register(client.fd, select.POLLIN if client.rest is None else select.POLLOUT)
        return min((client.until for client in self._clients.values()), default=NEVER)

    def handle(self, fd: int, now: float) -> None:
        """Go on with whatever a descriptor is ready for."""
        try:
            if self._listener is not None and fd == self._listener.fileno():
                self._accept(self._listener, now)
            elif fd in self._clients and self._serve(self._clients[fd]):
                self._drop(fd)
        except BlockingIOError:
            return
        except OSError:
            self._drop(fd)

    def expire(self, now: float) -> None:
        """Drop clients that took too long."""
        for fd in [client.fd for client in self._clients.values() if now >= client.until]:
            self._drop(fd)

    def _accept(self, listener: "_socket.socket", now: float) -> None:
        try:
            fd, _ = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001 - what socket.accept calls
        except OSError as exc:
            if not isinstance(exc, BlockingIOError | ConnectionAbortedError):
                time.sleep(0.1)  # no descriptor or memory: poll(2) would report it again at once
            return
        os.set_blocking(fd, False)
        if len(self._clients) >= CLIENTS:
            # Silent connections must not keep a probe out, which waits for a second only.
            silent = (old for old, client in self._clients.items() if client.rest is None)
            self._drop(next(silent, next(iter(self._clients))))
        self._clients[fd] = Client(fd, now + CLIENT_SECONDS)

    def _drop(self, fd: int) -> None:
        if self._clients.pop(fd, None) is not None:
            os.close(fd)

    def _serve(self, client: Client) -> bool:
        """Whether the connection is done with."""
        if client.rest is None:
            if not client.receive():
                return False
            client.rest = memoryview(self._reply(client.request.split(b"\n", 1)[0]))
        return client.send()

    def _reply(self, start: bytes) -> bytes:
        words = start.split()
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):  # noqa: PLR2004 - method, target, version
            return _response("400 Bad Request", b"not HTTP/1.1\n")
        if words[0] != b"GET":
            return _response("405 Method Not Allowed", b"only GET\n")
        return self._get(words[1].split(b"?", 1)[0])

    def _get(self, path: bytes) -> bytes:
        stale = time.time() >= self.stale_at
        if path == b"/healthz":
            status, word = ("503 Service Unavailable", b"stale") if stale else ("200 OK", b"ok")
            return _response(status, word + b"\n")
        if path == b"/metrics":
            # Staleness is compared with the present here, for no worker may run when it comes.
            own = (OWN_METRICS % (stale, self.failures)).encode()
            body = read_file(f"{self._directory}/{METRICS_FILE}") + own
            return _response("200 OK", body, "text/plain; version=0.0.4; charset=utf-8")
        if path == b"/status":
            body = read_file(f"{self._directory}/{STATUS_FILE}")
            return _response("200 OK", body or b"{}\n", "application/json")
        return _response("404 Not Found", b"/metrics, /healthz and /status are here\n")


def _listener(family: int, host: str, number: int) -> "_socket.socket | None":
    try:
        listener = _socket.socket(family, _socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        if family == _socket.AF_INET6:
            listener.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 0)
        listener.setblocking(False)  # noqa: FBT003 - its name says what
        listener.bind((host, number))
        listener.listen(CLIENTS)
    except OSError:
        listener.close()
        return None
    return listener


def _response(status: str, body: bytes, kind: str = "text/plain; charset=utf-8") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def read_file(path: str) -> bytes:
    """Read a file of the session volume, never following a link; nothing when there is none."""
    data = b""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return data
    try:
        while len(data) < MAX_FILE and (chunk := os.read(fd, 1 << 16)):
            data += chunk
    except OSError:
        data = b""
    os.close(fd)
    return data
