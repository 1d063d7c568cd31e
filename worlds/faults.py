"""
Misbehaviour on demand: which requests it hits, how often, and what happens to them.

A fault is data; the world that owns it applies it after it knows service, action and region.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from worlds.server import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens; use the functions of this module to make one."""

    name: str
    delay: float = 0.0
    code: str = ""
    """An error of the service's own protocol with this code."""
    message: str = ""
    status: int = 0
    body: bytes | None = None
    """A body as it is, in the place of any protocol's."""
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False
    cut: int | None = None
    before: Callable[[], object] | None = None
    """Done before the request is handled: rotate a secret between two reads, say."""
    after: Callable[[], object] | None = None
    """Done after the request was handled and before its answer is sent."""

    @property
    def answers(self) -> bool:
        """Whether the request is answered by the fault and never handled."""
        return bool(self.code or self.status or self.reset or self.body is not None)

    def spoil(self, response: Response) -> Response:
        """Make a handled request's response late or short."""
        return replace(response, delay=response.delay + self.delay, cut=self.cut)


Handled = tuple["Response", str]
"""What a request is answered, and its outcome for the journal."""


def handled(
    fault: Fault | None, handle: Callable[[], Handled], refuse: Callable[[Fault], Response]
) -> Handled:
    """
    Handle a request, or do what was ordered instead.

    Args:
        fault: of the request; None for none.
        handle: handles it rightly.
        refuse: writes a fault's code and message as an error in the endpoint's protocol.
    """
    if fault is None:
        return handle()
    if fault.before is not None:
        fault.before()
    if fault.answers:
        return _instead(fault, refuse), f"fault:{fault.name}"
    response, outcome = handle()
    if fault.after is not None:
        fault.after()
    spoilt = fault.spoil(response)
    same = spoilt.cut is None and spoilt.body == response.body
    return spoilt, outcome if same else f"fault:{fault.name}"


def _instead(fault: Fault, refuse: Callable[[Fault], Response]) -> Response:
    if fault.code:
        made = refuse(fault)
        return replace(made, headers={**made.headers, **fault.headers}, delay=fault.delay)
    return Response(
        fault.status or 200,
        fault.body or b"",
        fault.headers,
        delay=fault.delay,
        reset=fault.reset,
    )


def latency(seconds: float) -> Fault:
    """Answer late, else rightly."""
    return Fault("latency", delay=seconds)


def reset() -> Fault:
    """Reset the connection after the request came in."""
    return Fault("reset", reset=True)


def truncated(keep: int = 10) -> Fault:
    """Send the right headers and only the first bytes of the right body."""
    return Fault("truncated", cut=keep)


def throttled(code: str = "ThrottlingException", *, retry_after: float | None = None) -> Fault:
    """Refuse for too many requests, in the service's own words."""
    fault = error(code, status=400, message="Rate exceeded")
    return replace(fault, name="throttled", headers=_retry(retry_after))


def error(code: str, *, status: int = 400, message: str = "as the test asked") -> Fault:
    """Answer an error of the service's own protocol."""
    return Fault(f"error:{code}", code=code, status=status, message=message)


def status(number: int, *, retry_after: float | None = None, body: bytes = b"") -> Fault:
    """Answer a bare HTTP status, as a load balancer in front of the service does."""
    return Fault(f"status:{number}", status=number, body=body, headers=_retry(retry_after))


def redirect(location: str, *, code: int = 307) -> Fault:
    """Send the client to another host."""
    return Fault("redirect", status=code, body=b"", headers={"Location": location})


def huge(size: int = 64 * 1024 * 1024) -> Fault:
    """Answer 200 with so many bytes of one letter."""
    return Fault("huge", status=200, body=b"a" * size)


def not_utf8() -> Fault:
    """Answer 200 with JSON that is not UTF-8."""
    return Fault("not-utf8", status=200, body=b'{"SecretString": "\xff\xfe\x80"}')


def before(act: Callable[[], object]) -> Fault:
    """Do something in the world right before the request is handled."""
    return Fault("before", before=act)


def after(act: Callable[[], object]) -> Fault:
    """Do something in the world right after the request was handled."""
    return Fault("after", after=act)


def _retry(seconds: float | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": f"{seconds:g}"}


@dataclass(slots=True)
class Order:
    """A fault that waits for its requests."""

    fault: Fault
    service: str = ""
    action: str = ""
    region: str = ""
    times: int | None = None
    """How many requests it still hits; none is until cancelled."""
    skip: int = 0
    """How many matching requests it lets pass first."""
    hits: int = 0

    def matches(self, service: str, action: str, region: str) -> bool:
        """Whether it is meant for such a request; empty is any."""
        return (
            self.service in {"", service}
            and self.action in {"", action}
            and self.region in {"", region}
            and self.times != 0
        )


class Faults:
    """The orders of one world."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Order] = []

    def add(
        self,
        fault: Fault,
        *,
        on: str = "",
        region: str = "",
        times: int | None = None,
        skip: int = 0,
    ) -> Order:
        """
        Order a fault.

        Args:
            fault: what happens.
            on: `service`, `service.Action` or `Action`; empty is everything.
            region: only there; empty is everywhere.
            times: for so many requests; none is until cancelled.
            skip: let so many matching requests pass first.
        """
        service, dot, action = on.rpartition(".")
        if not dot:
            service, action = ("", on) if on[:1].isupper() else (on, "")
        order = Order(fault, service, action, region, times, skip)
        with self._lock:
            self._orders.append(order)
        return order

    def cancel(self, order: Order) -> None:
        """Take one order back."""
        with self._lock:
            self._orders = [kept for kept in self._orders if kept is not order]

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._orders.clear()

    def take(self, service: str, action: str, region: str) -> Fault | None:
        """Give the first fault ordered for such a request, and count it."""
        with self._lock:
            for order in self._orders:
                if not order.matches(service, action, region):
                    continue
                if order.skip:
                    order.skip -= 1
                    continue
                order.hits += 1
                if order.times is not None:
                    order.times -= 1
                return order.fault
        return None
