"""
The AWS world as a program, for tests in a real cluster: `python -m worlds.aws.serving`.

It verifies the cluster's own tokens by the keys that the cluster publishes, and is changed and
asked through a control port, with GET alone, which passes through the API server's proxy:
`/call?json={"call": NAME, "args": […], "kwargs": {…}}`, where the names are those of `calls`;
`/journal`; `/ca`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from worlds import faults
from worlds.aws.world import AwsWorld
from worlds.server import Request, Response, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HTTPS_PORT: Final = 8443
AGENT_PORT: Final = 8080
CONTROL_PORT: Final = 8081


def calls(world: AwsWorld) -> Mapping[str, Callable[..., object]]:
    """What the control port may call."""
    account = world.account()

    def role(name: str, namespace: str, service_account: str, *policies: dict[str, Any]) -> str:
        made = account.web_identity_role(name, world.issuer, namespace, service_account, *policies)
        return made.arn

    def put_secret(name: str, value: str, **options: Any) -> str:  # noqa: ANN401 - of a secret
        return world.put_secret(name, value, **options).arn

    def break_down(code: int, service: str = "") -> None:
        world.go_down(service=service, fault=faults.status(code))

    def latency(seconds: float) -> None:
        world.faults.add(faults.latency(seconds))

    return {
        "role": role,
        "put_secret": put_secret,
        "put_parameter": lambda name, value: world.put_parameter(name, value) and None,
        "rotate": lambda name, value: world.rotate(name, value) and None,
        "break_down": break_down,
        "latency": latency,
        "come_back": world.come_back,
        "clear_faults": world.faults.clear,
    }


class Control:
    """The control port's handler."""

    def __init__(self, world: AwsWorld) -> None:
        self._world = world
        self._calls = calls(world)

    def handle(self, request: Request) -> Response:
        """Answer one request; an error becomes a 400 with its text."""
        try:
            return _json(self._answer(request))
        except Exception as exc:  # noqa: BLE001 - to the test that asked
            return Response(400, f"{type(exc).__name__}: {exc}\n".encode())

    def _answer(self, request: Request) -> object:
        if request.path == "/ca":
            return self._world.ca_pem
        if request.path == "/journal":
            return [_shown(dataclasses.asdict(entry)) for entry in self._world.journal.entries]
        asked = json.loads(parse_qs(request.query)["json"][0])
        return self._calls[asked["call"]](*asked.get("args", ()), **asked.get("kwargs", {}))


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "detail": dict(entry["detail"])}


def _json(document: object) -> Response:
    return Response(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser("python -m worlds.aws.serving", description=__doc__)
    parser.add_argument("--issuer", required=True, help="of the cluster's tokens")
    parser.add_argument("--key-set", required=True, type=Path, help="file with its JWK set")
    parser.add_argument("--host", action="append", default=[], help="a name of this server")
    options = parser.parse_args(arguments)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    world = AwsWorld(
        issuer=options.issuer,
        key_set=json.loads(options.key_set.read_text()),
        hosts=options.host,
        listen=("0.0.0.0", HTTPS_PORT, AGENT_PORT),  # noqa: S104 - a pod of its own
    )
    with world:
        world.account().trust_issuer(world.issuer)
        control = Server(Control(world).handle, address=("0.0.0.0", CONTROL_PORT))  # noqa: S104 - as above
        control.start()
        print("serving", flush=True)  # noqa: T201 - to the log of the pod
        ended.wait()
        control.stop()


if __name__ == "__main__":
    main()
