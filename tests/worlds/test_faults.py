"""Which requests a fault hits, and how often."""

from __future__ import annotations

import pytest

from worlds import faults
from worlds.faults import Faults
from worlds.server import Response


def _names(orders: Faults, *asked: tuple[str, str, str]) -> list[str]:
    taken = [orders.take(*one) for one in asked]
    return [fault.name if fault else "" for fault in taken]


_GET = ("secretsmanager", "GetSecretValue", "eu-west-1")
_DESCRIBE = ("secretsmanager", "DescribeSecret", "eu-west-1")
_STS = ("sts", "AssumeRole", "eu-central-1")


@pytest.mark.parametrize(
    ("on", "region", "hit"),
    [
        ("", "", ["reset", "reset", "reset"]),
        ("secretsmanager", "", ["reset", "reset", ""]),
        ("secretsmanager.GetSecretValue", "", ["reset", "", ""]),
        ("AssumeRole", "", ["", "", "reset"]),
        ("", "eu-central-1", ["", "", "reset"]),
        ("sts", "eu-west-1", ["", "", ""]),
        ("sts.GetSecretValue", "", ["", "", ""]),
    ],
)
def test_a_fault_hits_what_it_is_meant_for(on: str, region: str, hit: list[str]) -> None:
    """Service, action and region each narrow it."""
    orders = Faults()
    orders.add(faults.reset(), on=on, region=region)

    assert _names(orders, _GET, _DESCRIBE, _STS) == hit


def test_times_and_skip_are_counted() -> None:
    """A fault lets some requests pass, hits so many, and is over."""
    orders = Faults()
    order = orders.add(faults.reset(), on="GetSecretValue", times=2, skip=1)

    found = _names(orders, _GET, _DESCRIBE, _GET, _GET, _GET)

    assert found == ["", "", "reset", "reset", ""]
    assert (order.hits, order.times) == (2, 0)


def test_the_first_fitting_order_wins_and_the_next_follows() -> None:
    """Faults queue up: one is used up before the other has its turn."""
    orders = Faults()
    orders.add(faults.latency(1), times=1)
    orders.add(faults.reset())

    assert _names(orders, _GET, _GET) == ["latency", "reset"]


def test_cancelled_and_cleared_orders_hit_nothing() -> None:
    """One order is taken back, or all."""
    orders = Faults()
    first = orders.add(faults.latency(1))
    orders.add(faults.reset())
    orders.cancel(first)

    assert _names(orders, _GET) == ["reset"]
    orders.clear()
    assert _names(orders, _GET) == [""]


@pytest.mark.parametrize(
    ("fault", "answers"),
    [
        (faults.latency(1), False),
        (faults.truncated(), False),
        (faults.before(list), False),
        (faults.after(list), False),
        (faults.reset(), True),
        (faults.error("InternalServiceError", status=500), True),
        (faults.throttled(), True),
        (faults.status(503), True),
        (faults.redirect("https://elsewhere.example/"), True),
        (faults.huge(10), True),
        (faults.not_utf8(), True),
    ],
)
def test_some_faults_answer_and_some_only_spoil(fault: faults.Fault, *, answers: bool) -> None:
    """What answers by itself leaves the request unhandled."""
    assert fault.answers is answers


def test_spoiling_adds_up() -> None:
    """A late and short answer keeps its status and its own delay."""
    spoiled = faults.truncated(3).spoil(faults.latency(2).spoil(Response(200, b"whole")))

    assert (spoiled.status, spoiled.body, spoiled.delay, spoiled.cut) == (200, b"whole", 2, 3)


@pytest.mark.parametrize(("seconds", "header"), [(None, {}), (1.5, {"Retry-After": "1.5"})])
def test_retry_after_is_said_when_asked_for(seconds: float | None, header: dict[str, str]) -> None:
    """Throttling and bare statuses carry it in whole or broken seconds."""
    assert faults.throttled(retry_after=seconds).headers == header
    assert faults.status(503, retry_after=seconds).headers == header
