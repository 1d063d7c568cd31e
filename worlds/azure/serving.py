"""
The Azure world as a program, for tests in a real cluster: `python -m worlds.azure.serving`.

It verifies the cluster's own tokens by the keys that the cluster publishes, and is changed and
asked through a control port (`worlds.control`): what `calls` names; `/journal`; `/ca`; `/egress`.

Azure's clients take no endpoint: pods reach it by its true host names, through an egress proxy
(`worlds.egress`) beside it that leads those names here and all others nowhere.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from worlds import faults
from worlds.azure.world import AzureWorld
from worlds.control import Control
from worlds.egress import Egress
from worlds.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HTTPS_PORT: Final = 8443
CONTROL_PORT: Final = 8081
EGRESS_PORT: Final = 3128


def calls(world: AzureWorld) -> Mapping[str, Callable[..., object]]:
    """What the control port may call; vaults go by their names."""

    def workload(name: str, namespace: str, service_account: str) -> dict[str, str]:
        made = world.workload(name, namespace, service_account)
        return {"client_id": made.client_id, "tenant_id": made.tenant.id}

    def grant(vault: str, name: str, *permissions: str) -> str:
        found = world.vault(vault)
        found.grant(world.tenant().identity(name), *permissions)
        return found.url

    def put_secret(vault: str, name: str, value: str, content_type: str = "") -> str:
        return world.put_secret(world.vault(vault), name, value, content_type).id

    def put_certificate(vault: str, name: str, content_type: Any) -> str:  # noqa: ANN401 - from JSON
        return world.put_certificate(world.vault(vault), name, content_type).id

    def break_down(code: int, service: str = "") -> None:
        world.go_down(service=service, fault=faults.status(code))

    return {
        "workload": workload,
        "grant": grant,
        "put_secret": put_secret,
        "put_certificate": put_certificate,
        "put_key": lambda vault, name: world.put_key(world.vault(vault), name).id,
        "break_down": break_down,
        "come_back": world.come_back,
        "expire_tokens": world.expire_tokens,
        "clear_faults": world.faults.clear,
    }


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser("python -m worlds.azure.serving", description=__doc__)
    parser.add_argument("--issuer", required=True, help="of the cluster's tokens")
    parser.add_argument("--key-set", required=True, type=Path, help="file with its JWK set")
    parser.add_argument("--host", action="append", default=[], help="a name of this server")
    parser.add_argument("--address", default="0.0.0.0", help="to listen on")  # noqa: S104 - a pod of its own
    parser.add_argument("--port", default=HTTPS_PORT, type=int, help="of HTTPS")
    parser.add_argument("--control-port", default=CONTROL_PORT, type=int)
    parser.add_argument("--egress-port", default=EGRESS_PORT, type=int, help="of the proxy")
    options = parser.parse_args(arguments)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    world = AzureWorld(
        issuer=options.issuer,
        key_set=json.loads(options.key_set.read_text()),
        hosts=options.host,
        listen=(options.address, options.port),
    )
    with world, Egress(world.routes, (options.address, options.egress_port)) as egress:
        documents: dict[str, Callable[[], object]] = {
            "/ca": lambda: world.ca_pem,
            "/journal": world.journal.documents,
            "/egress": lambda: egress.targets,
        }
        handle = Control(calls(world), documents).handle
        control = Server(handle, address=(options.address, options.control_port))
        control.start()
        print(f"serving {world.port} {control.port} {egress.port}", flush=True)  # noqa: T201 - to the log of the pod
        ended.wait()
        control.stop()


if __name__ == "__main__":
    main()
