"""A listening socket of a world, and its end."""

from __future__ import annotations

import queue
import socket
import threading

import pytest

from worlds.listener import Listener


class House:
    """A listener whose connections wait for the end of the client, each on its thread."""

    def __init__(self) -> None:
        self.listener = Listener(self._serve, ("127.0.0.1", 0), "house")
        self.inside: queue.Queue[threading.Thread] = queue.Queue()

    def _serve(self, connection: socket.socket) -> None:
        self.inside.put(threading.current_thread())
        connection.recv(1)

    def connect(self) -> tuple[socket.socket, threading.Thread]:
        """Connect, and give the thread on the other side."""
        made = socket.create_connection(("127.0.0.1", self.listener.port), timeout=5)
        return made, self.inside.get(timeout=5)


def test_each_connection_has_its_thread_and_the_end_leaves_none() -> None:
    """Silent clients are sent away, and nothing listens."""
    house = House()
    house.listener.start()
    first, second = house.connect(), house.connect()
    assert first[1] is not second[1]

    house.listener.stop()
    house.listener.stop()

    assert not house.listener.listening
    for connection, thread in (first, second):
        with connection:
            assert connection.recv(1) == b""
        assert not thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        house.connect()


def test_it_comes_back_on_the_port_of_before() -> None:
    """Clients find it again."""
    house = House()
    house.listener.start()
    port = house.listener.port
    house.listener.stop()

    house.listener.start()

    assert (house.listener.port, house.listener.listening) == (port, True)
    connection, _ = house.connect()
    connection.close()
    house.listener.stop()


def test_a_connection_may_stop_it() -> None:
    """It waits for the threads of the others, not for its own."""
    stopped = threading.Event()

    def serve(_: socket.socket) -> None:
        listener.stop()
        stopped.set()

    listener = Listener(serve, ("127.0.0.1", 0), "test")
    listener.start()

    with socket.create_connection(("127.0.0.1", listener.port), timeout=5) as connection:
        assert connection.recv(1) == b""

    assert stopped.wait(5)


def test_what_is_kept_ends_with_it_and_is_not_begun_afterwards() -> None:
    """As the far side of a tunnel, which the client's end alone would not wake."""
    listener = Listener(lambda _: None, ("127.0.0.1", 0), "test")
    listener.start()
    ours, far = socket.socketpair()
    with far, listener.kept(ours):
        listener.stop()
        assert far.recv(1) == b""
    late, far = socket.socketpair()

    with far, pytest.raises(ConnectionAbortedError), listener.kept(late):
        pass

    assert (ours.fileno(), late.fileno()) == (-1, -1)
