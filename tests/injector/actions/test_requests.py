"""Requests to the application: on loopback, once answered well, without redirects."""

from __future__ import annotations

import pytest

from injector.actions import Teller
from injector.contract.plan import Action
from injector.errors import InjectorError
from tests.injector.cycle.pod import Time
from tests.injector.transport.peer import Peer, reply

TELLER = Teller(sleep=lambda _: None)


def test_a_request_is_sent_as_it_was_asked_for() -> None:
    """Method and path are the user's."""
    with Peer(reply(b"")) as peer:
        TELLER.tell(Action("http", method="PUT", url=f"http://127.0.0.1:{peer.port}/reload?a=b"))

        assert peer.requests[0].startswith(b"PUT /reload?a=b HTTP/1.1\r\n")
        assert len(peer.requests) == 1


@pytest.mark.parametrize("status", ["500 No", "404 Not Found", "302 Found"])
def test_any_other_answer_is_a_failure(status: str) -> None:
    """It is repeated, then reported; where a redirect leads is never asked."""
    with (
        Peer(reply(b"c4nary")) as elsewhere,
        Peer(reply(b"c4nary", status, f"Location: {elsewhere.url}/")) as peer,
    ):
        with pytest.raises(InjectorError, match=f"answered {status[:3]}$") as caught:
            TELLER.tell(Action("http", method="POST", url=f"http://127.0.0.1:{peer.port}/"))

        assert len(peer.requests) == 3
        assert elsewhere.requests == []
        assert "c4nary" not in str(caught.value)


def test_nobody_listening_is_a_failure() -> None:
    """The application is not up yet: the next cycle tells it."""
    with Peer(reply(b"")) as peer:
        port = peer.port

    with pytest.raises(InjectorError, match=r"POST failed: 127\.0\.0\.1:[0-9]+ refused"):
        TELLER.tell(Action("http", method="POST", url=f"http://127.0.0.1:{port}/"))


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://example.com/", "http://169.254.169.254/", "http:///x", ""]
)
def test_addresses_outside_the_pod_are_never_asked(url: str) -> None:
    """The plan is input: what is not loopback is refused here as well."""
    with pytest.raises(InjectorError, match="not on loopback"):
        TELLER.tell(Action("http", method="GET", url=url))


def test_nothing_is_tried_after_the_workers_deadline() -> None:
    """A dead application must not cost the worker its life, and with it the status."""
    moment = Time(100.0)
    with Peer(reply(b"", "500 No")) as peer:
        action = Action("http", method="POST", url=f"http://127.0.0.1:{peer.port}/")
        teller = Teller(clock=moment, sleep=moment.sleep, until=102.0)
        with pytest.raises(InjectorError, match=r"answered 500$"):
            teller.tell(action)
        asked = len(peer.requests)
        moment.now = 102.0
        with pytest.raises(InjectorError, match="no time was left in this cycle"):
            teller.tell(action)

        assert (asked, len(peer.requests)) == (2, 2)
