"""
The AWS world as a program, for tests in a real cluster: `python -m worlds.aws.serving`.

It verifies the cluster's own tokens by the keys that the cluster publishes, and is changed and
asked through a control port (`worlds.control`): what `calls` names; `/journal`; `/ca`.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from worlds import faults
from worlds.aws.world import AwsWorld
from worlds.control import Control
from worlds.server import Server

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

    def access_key(user: str, *policies: dict[str, Any]) -> dict[str, str]:
        made = world.access_key(account.user(user, *policies))
        return {"id": made.id, "secret": made.secret}

    def break_down(code: int, service: str = "") -> None:
        world.go_down(service=service, fault=faults.status(code))

    def latency(seconds: float) -> None:
        world.faults.add(faults.latency(seconds))

    return {
        "role": role,
        "access_key": access_key,
        "kms_key": lambda: world.kms_key().arn,
        "put_secret": put_secret,
        "put_parameter": lambda name, value: world.put_parameter(name, value) and None,
        "rotate": lambda name, value: world.rotate(name, value) and None,
        "break_down": break_down,
        "latency": latency,
        "come_back": world.come_back,
        "clear_faults": world.faults.clear,
    }


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
        documents = {"/ca": lambda: world.ca_pem, "/journal": world.journal.documents}
        control = Server(Control(calls(world), documents).handle, address=("0.0.0.0", CONTROL_PORT))  # noqa: S104 - as above
        control.start()
        print("serving", flush=True)  # noqa: T201 - to the log of the pod
        ended.wait()
        control.stop()


if __name__ == "__main__":
    main()
