"""
Whether requests wait longer for the CPU than their sender will wait for us.

The queue of an overloaded event loop is in the kernel's buffers, where no counter of ours sees
it. A late heartbeat says that there may be a queue; the socket then says how long ago its data
came. Refuses nothing itself.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

# linux/tcp.h, struct tcp_info: tcpi_last_data_recv, milliseconds.
_LAST_DATA: Final = struct.Struct("52xI")


class Pulse:
    """
    The heartbeat of an event loop, which a periodic task beats.

    What is being answered came after the beat before the last one: both the turn that runs and
    the one before it are younger.
    """

    def __init__(self, now: float) -> None:
        self._last = self._before = now

    def beat(self, now: float) -> None:
        """Note a beat at `now` (monotonic seconds)."""
        self._before, self._last = self._last, now

    def longest_wait(self, now: float) -> float:
        """Seconds that a request which is answered now may have waited, at most."""
        return now - self._before


def waited(transport: asyncio.BaseTransport | None) -> float | None:
    """Seconds since the kernel received the latest data of a connection; None if it won't say."""
    peer = None if transport is None else transport.get_extra_info("socket")
    if peer is None or not hasattr(socket, "TCP_INFO"):
        return None
    try:
        information = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA.size)
    except OSError:
        return None
    if len(information) < _LAST_DATA.size:
        return None
    (milliseconds,) = _LAST_DATA.unpack(information)
    return float(milliseconds) / 1000
