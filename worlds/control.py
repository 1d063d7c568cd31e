"""
How a world in a cluster is changed and asked: a port with GET alone, which API servers pass on.

`/call?json={"call": NAME, "args": […], "kwargs": {…}}` calls something and answers what it gives;
every other path is a document.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from worlds.server import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Control:
    """
    The port's handler.

    Args:
        calls: what may be called, by name.
        documents: what may be read, by path.
    """

    def __init__(
        self,
        calls: Mapping[str, Callable[..., object]],
        documents: Mapping[str, Callable[[], object]],
    ) -> None:
        self._calls = calls
        self._documents = documents

    def handle(self, request: Request) -> Response:
        """Answer one request; an error becomes a 400 with its text."""
        try:
            return _json(self._answer(request))
        except Exception as exc:  # noqa: BLE001 - to the test that asked
            return Response(400, f"{type(exc).__name__}: {exc}\n".encode())

    def _answer(self, request: Request) -> object:
        if request.path in self._documents:
            return self._documents[request.path]()
        asked = json.loads(parse_qs(request.query)["json"][0])
        return self._calls[asked["call"]](*asked.get("args", ()), **asked.get("kwargs", {}))


def _json(document: object) -> Response:
    return Response(200, json.dumps(document).encode(), {"Content-Type": "application/json"})
