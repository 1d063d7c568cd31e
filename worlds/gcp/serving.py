"""
The Google Cloud world as a program, for tests in a real cluster: `python -m worlds.gcp.serving`.

It verifies the cluster's own tokens by the keys that the cluster publishes, and is changed and
asked through a control port (`worlds.control`): what `calls` names; `/journal`; `/ca`.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from worlds import faults
from worlds.control import Control
from worlds.gcp.wire import base64_of
from worlds.gcp.world import GcpWorld
from worlds.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HTTPS_PORT: Final = 8443
METADATA_PORT: Final = 8080
CONTROL_PORT: Final = 8081


def calls(world: GcpWorld) -> Mapping[str, Callable[..., object]]:
    """What the control port may call; things are named by their resources."""

    def provider(name: str = "prod") -> str:
        return world.provider(name).audience

    def member(namespace: str, service_account: str, name: str = "prod") -> str:
        return world.pool().providers[name].member(namespace, service_account)

    def put_secret(name: str, value: str, location: str = "") -> str:
        return world.put_secret(name, value, location=location).name

    def seal(key: str, text: str) -> str:
        """Encrypt text with a key by name; gives base64."""
        return base64_of(world.crypto_key(key).seal(text.encode()))

    def break_down(code: int, service: str = "") -> None:
        world.go_down(service=service, fault=faults.status(code))

    def latency(seconds: float) -> None:
        world.faults.add(faults.latency(seconds))

    return {
        "provider": provider,
        "member": member,
        "service_account": lambda name: world.service_account(name).email,
        "service_account_name": lambda name: world.service_account(name).name,
        "grant": world.grant,
        "revoke": world.revoke,
        "put_secret": put_secret,
        "rotate": lambda name, value: world.rotate(world.secrets[name], value),
        "crypto_key": lambda name: world.crypto_key(name).name,
        "seal": seal,
        "break_down": break_down,
        "latency": latency,
        "come_back": world.come_back,
        "clear_faults": world.faults.clear,
    }


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser("python -m worlds.gcp.serving", description=__doc__)
    parser.add_argument("--issuer", required=True, help="of the cluster's tokens")
    parser.add_argument("--key-set", required=True, type=Path, help="file with its JWK set")
    parser.add_argument("--host", action="append", default=[], help="a name of this server")
    options = parser.parse_args(arguments)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    world = GcpWorld(
        issuer=options.issuer,
        key_set=json.loads(options.key_set.read_text()),
        hosts=options.host,
        listen=("0.0.0.0", HTTPS_PORT, METADATA_PORT),  # noqa: S104 - a pod of its own
    )
    with world:
        world.provider()
        documents = {"/ca": lambda: world.ca_pem, "/journal": world.journal.documents}
        control = Server(Control(calls(world), documents).handle, address=("0.0.0.0", CONTROL_PORT))  # noqa: S104 - as above
        control.start()
        print("serving", flush=True)  # noqa: T201 - to the log of the pod
        ended.wait()
        control.stop()


if __name__ == "__main__":
    main()
