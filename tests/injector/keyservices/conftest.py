"""Sessions of a pod that end with the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from injector.identity.interface import Identity
from injector.logins import sessions_over
from injector.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from injector.sessions import SessionCache
    from tests.injector.cycle.pod import Pod


@pytest.fixture
def log_in() -> Iterator[Callable[..., SessionCache]]:
    """Opens the sessions of a pod of its plan, with further trust where it is given."""
    opened: list[Transport] = []

    def log_in(pod: Pod, ca_pem: str = "") -> SessionCache:
        trust = ca_pem or pod.plan.ca_bundle
        retry = pod.time.retry
        transport = Transport(ca_bundle=trust, proxy=pod.plan.proxy, clock=retry.clock)
        opened.append(transport)
        identity = Identity("shop", "web", "web-1", str(pod.root))
        return sessions_over(transport, identity, retry=retry, clock=pod.time)

    yield log_in
    for transport in opened:
        transport.close()
