"""Addresses, and what the loop's lateness says."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from webhook.listener import bind
from webhook.overload import Pulse, waited


@pytest.mark.parametrize("host", ["127.0.0.1", "", "localhost"])
def test_an_address_is_listened_on(host: str) -> None:
    """Any free port will do, and the kernel keeps silent peers to itself."""
    with bind(host, 0, silent_seconds=2.5) as listening:
        deferred = listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT)

        assert listening.getsockname()[1] > 0
        assert deferred > 0


def test_an_address_is_had_once() -> None:
    """A second server on the port is an error at the start."""
    with bind("127.0.0.1", 0, silent_seconds=1) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            bind("127.0.0.1", port, silent_seconds=1)


def test_the_pulse_reaches_back_two_beats() -> None:
    """A request that is answered now came after the beat before the last."""
    pulse = Pulse(0.0)
    pulse.beat(1.0)
    pulse.beat(5.0)

    assert pulse.longest_wait(5.5) == 4.5


class _Transport(asyncio.BaseTransport):
    """Gives its socket."""

    def __init__(self, peer: socket.socket | None) -> None:
        super().__init__({"socket": peer})


def test_a_socket_knows_when_its_data_came() -> None:
    """The kernel's clock runs while ours is busy."""
    with (
        bind("127.0.0.1", 0, silent_seconds=1) as listening,
        socket.create_connection(listening.getsockname()) as client,
    ):
        client.send(b"x")
        listening.settimeout(5)
        accepted, _ = listening.accept()
        with accepted:
            time.sleep(0.1)
            since = waited(_Transport(accepted))

    assert since is not None
    assert 0.05 < since < 60


def test_a_socket_that_does_not_know_says_so() -> None:
    """Then the pulse alone decides."""
    closed = socket.socket()
    closed.close()

    assert waited(_Transport(closed)) is None
    assert waited(_Transport(None)) is None
    assert waited(None) is None
