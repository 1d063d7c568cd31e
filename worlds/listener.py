"""A listening socket whose connections each have a thread, and an end that leaves none of them."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IDLE_SECONDS: Final = 60.0
"""A connection that is silent for so long is given up."""
_JOIN_SECONDS: Final = 5.0
_BACKLOG: Final = 512
_ABORT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds."""

S = TypeVar("S", bound=socket.socket)


class Listener:
    """
    Accepts connections, and ends them.

    Args:
        serve: does all of one connection, on a thread of its own; the connection is closed
            afterwards, and an OSError means that one side went away.
        address: host and port; port 0 is a free one.
        name: of the accepting thread, before `:<port>`.
    """

    def __init__(
        self, serve: Callable[[socket.socket], None], address: tuple[str, int], name: str
    ) -> None:
        self._serve = serve
        self._host, self.port = address
        self._name = name
        self._lock = threading.Lock()
        self._listening: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._open: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self.ending = threading.Event()
        """Set while it stops; every start has its own."""

    @property
    def listening(self) -> bool:
        """Whether it takes connections."""
        return self._listening is not None

    def start(self) -> None:
        """Listen; on the port of before when it was stopped."""
        listening = socket.create_server((self._host, self.port), backlog=_BACKLOG)
        self.port = listening.getsockname()[1]
        self.ending = threading.Event()
        self._listening = listening
        self._acceptor = threading.Thread(
            target=self._accept,
            args=(listening, self.ending),
            name=f"{self._name}:{self.port}",
            daemon=True,
        )
        self._acceptor.start()

    def stop(self) -> None:
        """Refuse new connections, end the open ones and wait for their threads."""
        listening, self._listening = self._listening, None
        if listening is None or self._acceptor is None:
            return
        self.ending.set()
        # A connection of our own wakes accept() on every system; closing alone does not.
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            self._acceptor.join(_JOIN_SECONDS)
        listening.close()
        with self._lock:
            left, threads = set(self._open), set(self._threads)
        for connection in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads - {threading.current_thread()}:
            thread.join(_JOIN_SECONDS)

    @contextlib.contextmanager
    def kept(self, connection: S) -> Iterator[S]:
        """
        Close a connection in the end, which is no later than ours.

        Raises:
            ConnectionAbortedError: we are stopping already.
        """
        with self._lock:
            self._open.add(connection)
        try:
            if self.ending.is_set():
                raise ConnectionAbortedError
            yield connection
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _accept(self, listening: socket.socket, ending: threading.Event) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            if ending.is_set():
                connection.close()
                return
            thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
            with self._lock:
                self._threads.add(thread)
                self._open.add(connection)
            thread.start()

    def _run(self, connection: socket.socket) -> None:
        try:
            with self.kept(connection):
                connection.settimeout(IDLE_SECONDS)
                self._serve(connection)
        except OSError:
            return  # one side went away, or we are stopping
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())


def reset_on_close(connection: socket.socket) -> None:
    """Let closing send a reset instead of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
