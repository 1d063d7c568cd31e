"""JSON over HTTPS with a bearer: what is sent, what is repeated, what never travels in an error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.material import Material
from injector.rest import MAX_REPLY, Call, Refusal, Rest
from injector.retry import Retry
from injector.transport import Transport
from worlds.certificates import issue
from worlds.server import Request, Response, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TOKEN = "ya29.bearer-of-the-test"


class Api:
    """A server that answers what it is told, in turn, and keeps what it was asked."""

    def __init__(self) -> None:
        self.certificate = issue()
        self.replies: list[Response] = []
        self.asked: list[Request] = []
        self.server = Server(self._answer, self.certificate.context())

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://127.0.0.1:{self.server.port}"

    def _answer(self, request: Request) -> Response:
        self.asked.append(request)
        return self.replies.pop(0) if self.replies else Response(200, b"{}")


@pytest.fixture
def api() -> Iterator[Api]:
    """One that listens."""
    api = Api()
    api.server.start()
    yield api
    api.server.stop()


@pytest.fixture
def pauses() -> list[float]:
    """Seconds that were waited between attempts."""
    return []


@pytest.fixture
def rest(api: Api, pauses: list[float]) -> Iterator[Rest]:
    """A client with a token, which waits for nothing."""
    retry = Retry(sleep=pauses.append, jitter=lambda: 0.0)
    transport = Transport(ca_bundle=api.certificate.ca, clock=retry.clock)
    yield Rest(transport, retry, Material(TOKEN.encode()))
    transport.close()


def _refused(refusal: Refusal) -> ProviderError:
    throttled = refusal.status in {429, 503}
    reason = Reason.THROTTLED if throttled else Reason.ACCESS_DENIED
    return ProviderError(reason, "refused", step=refusal.call.step, pause=refusal.pause)


def _json(document: object, status: int = 200, **headers: str) -> Response:
    return Response(status, json.dumps(document).encode(), headers)


def test_the_token_is_shown_as_bearer_and_a_login_shows_none(api: Api, rest: Rest) -> None:
    """Who logs in has none yet."""
    rest.call(Call("Get", "GET", f"{api.url}/a"), _refused)
    rest.bearing(None, "").call(Call("Get", "GET", f"{api.url}/a"), _refused)

    assert [item.headers.get("authorization") for item in api.asked] == [f"Bearer {TOKEN}", None]


def test_forms_and_documents_are_made_anew_at_each_attempt(api: Api, rest: Rest) -> None:
    """A projected token may have been replaced between two attempts."""
    texts = iter(["one&", "two"])
    api.replies = [_json({}, 503), _json({"a": 1})]
    form: Callable[[], Mapping[str, str]] = lambda: {"assertion": next(texts)}  # noqa: E731 - a call's own

    assert rest.call(Call("Token", "POST", api.url, form=form), _refused) == {"a": 1}
    assert [item.body for item in api.asked] == [b"assertion=one%26", b"assertion=two"]
    assert api.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"

    rest.call(Call("Decrypt", "POST", api.url, document=lambda: {"a": "ü"}), _refused)
    assert json.loads(api.asked[-1].body) == {"a": "ü"}
    assert api.asked[-1].headers["content-type"] == "application/json"


def test_retry_after_is_waited_for_and_bounded(api: Api, rest: Rest, pauses: list[float]) -> None:
    """In seconds; a date or nonsense is no pause, and a day is no reason to wait a day."""
    api.replies = [
        _json({}, 429, **{"Retry-After": "7"}),
        _json({}, 429, **{"Retry-After": "soon"}),
    ]
    rest.call(Call("Get", "GET", api.url), _refused)

    assert pauses == [7.0, 0.0]

    api.replies = [_json({}, 429, **{"Retry-After": "86400"})]
    with pytest.raises(ProviderError):  # there is no time left for it
        rest.call(Call("Get", "GET", api.url), _refused)


def test_a_definite_no_is_asked_once(api: Api, rest: Rest) -> None:
    """What nobody has changed is not asked again, unless the API's own words say so."""
    api.replies = [_json({"error": "x"}, 403)] * 9
    with pytest.raises(ProviderError):
        rest.call(Call("Get", "GET", api.url), _refused)
    assert len(api.asked) == 1

    with pytest.raises(ProviderError):
        rest.call(Call("Get", "GET", api.url), _refused, again=lambda _: True)
    assert len(api.asked) == 1 + 4


@pytest.mark.parametrize(
    "reply",
    [
        Response(200, b""),
        Response(200, b'{"a": "cut'),
        Response(200, b"[1]"),
        Response(200, b"\xff\xfe"),
        Response(200, b"[" * 100_000),
        Response(200, b"<html>login here</html>"),
        Response(200, b'{"a": "' + b"x" * MAX_REPLY + b'"}'),
        Response(200, b'{"a": 1}', cut=3),
        Response(200, reset=True),
    ],
    ids=["empty", "cut", "a list", "bytes", "deep", "a page", "huge", "truncated", "reset"],
)
def test_a_success_that_is_no_object_is_tried_again(api: Api, rest: Rest, reply: Response) -> None:
    """A damaged reply is a fault on the way, never an empty secret."""
    api.replies = [reply, _json({"a": 2})]

    assert rest.call(Call("Get", "GET", api.url), _refused) == {"a": 2}


def test_a_redirect_is_not_followed_with_the_token(api: Api, rest: Rest) -> None:
    """It is a refusal like any other."""
    api.replies = [Response(302, b"", {"Location": f"{api.url}/elsewhere"})]
    with pytest.raises(ProviderError):
        rest.call(Call("Get", "GET", f"{api.url}/a"), _refused)

    assert [item.path for item in api.asked] == ["/a"]


def test_neither_token_nor_body_is_in_an_error_or_a_repr(api: Api, rest: Rest) -> None:
    """Whatever is logged of a call, a refusal or the client, no secret stands in it."""
    seen: list[Refusal] = []

    def refused(refusal: Refusal) -> ProviderError:
        seen.append(refusal)
        return _refused(refusal)

    api.replies = [_json({"error": "body-of-the-backend"}, 403, **{"X-Trace": "header-of-it"})]
    call = Call("Get", "GET", api.url, document=lambda: {"assertion": "sent-by-us"})
    with pytest.raises(ProviderError) as failed:
        rest.call(call, refused)

    said: Any = (rest, call, seen, failed.value, failed.value.__cause__, failed.value.__context__)
    for secret in (TOKEN, "body-of-the-backend", "header-of-it", "sent-by-us"):
        assert secret not in repr(said) + str(failed.value)
    assert seen[0].document == {"error": "body-of-the-backend"}
