"""
Opens the session cache of one worker: the transport, the SDK and the registry of logins.

The one place where those meet; everything in it is lazy, so that it costs nothing until a provider
asks for a session.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from injector.aws.sdk import Sdk
from injector.identity import aws
from injector.retry import Retry
from injector.sessions import SessionCache
from injector.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.contract.plan import Plan
    from injector.identity.interface import Identity


def open_sessions(
    plan: Plan,
    identity: Identity,
    *,
    retry: Retry | None = None,
    clock: Callable[[], float] = time.time,
) -> SessionCache:
    """
    Open an empty cache.

    Args:
        plan: for the operator's trust and proxy.
        identity: the pod that logs in.
        retry: repetition and its monotonic clock; `until` is the worker's deadline.
        clock: seconds since the epoch.
    """
    retry = retry or Retry()
    transport = Transport(ca_bundle=plan.ca_bundle, proxy=plan.proxy, clock=retry.clock)
    return sessions_over(transport, identity, retry=retry, clock=clock)


def sessions_over(
    transport: Transport, identity: Identity, *, retry: Retry, clock: Callable[[], float]
) -> SessionCache:
    """Open the same over a transport that the caller closes: whoever is no process of its own."""
    sdk = Sdk(transport, retry)
    return SessionCache(identity, aws.logins(sdk, clock, identity.root), sdk, clock=clock)
