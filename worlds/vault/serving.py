"""
OpenBao and the world before it as a program, for tests in a real cluster.

`python -m worlds.vault.serving` waits for the program `bao` on its PATH, since no image holds it.
Then it serves with the `aws` method of an AWS world elsewhere in the cluster, and is set up and
asked through a control port (`worlds.control`): what `calls` names; `/audit`, `/tokens`,
`/journal`, `/ca`.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from worlds.control import Control
from worlds.openbao import OpenBao
from worlds.server import Server
from worlds.vault.world import VaultWorld

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from worlds.aws import Account

HTTPS_PORT: Final = 8200
CONTROL_PORT: Final = 8081
_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class DistantAws:
    """An AWS world in another pod, whose principals go by their ARN."""

    url: str
    ca_pem: str
    accounts: Mapping[str, Account] = field(default_factory=dict)

    def endpoint(self, _service: str) -> str:
        """Give the one address of all services."""
        return self.url


def calls(openbao: OpenBao, front: VaultWorld) -> Mapping[str, Callable[..., object]]:
    """What the control port may call, all in the root namespace."""
    vault = front.front_of(openbao.root)

    def enable_aws(**config: str) -> None:
        vault.login_method("aws", "aws")
        vault.api.write("auth/aws/config/client", **config)

    def aws_role(name: str, policy: str, arn: str, **token: str) -> None:
        vault.api.write(
            f"auth/aws/role/{name}",
            auth_type="iam",
            bound_iam_principal_arn=[arn],
            resolve_aws_unique_ids=False,
            token_policies=policy,
            **token,
        )

    return {
        "kv": vault.kv,
        "put": vault.put,
        "policy": vault.policy,
        "kubernetes": vault.kubernetes,
        "kubernetes_role": vault.kubernetes_role,
        "enable_aws": enable_aws,
        "aws_role": aws_role,
    }


def documents(openbao: OpenBao, front: VaultWorld) -> Mapping[str, Callable[[], object]]:
    """What the control port tells."""
    return {
        "/ca": lambda: front.ca_pem,
        "/audit": lambda: [dataclasses.asdict(entry) for entry in openbao.audit.entries],
        "/tokens": openbao.root.tokens,
        "/journal": front.journal.documents,
    }


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser("python -m worlds.vault.serving", description=__doc__)
    parser.add_argument("--aws", required=True, help="base URL of the AWS world")
    parser.add_argument("--aws-ca", required=True, type=Path, help="file with its authority")
    parser.add_argument("--host", action="append", default=[], help="a name of this server")
    options = parser.parse_args(arguments)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    while shutil.which("bao") is None:
        if ended.wait(_PAUSE_SECONDS):
            return
    aws = DistantAws(options.aws, options.aws_ca.read_text())
    everywhere = "0.0.0.0"  # noqa: S104 - a pod of its own
    with (
        OpenBao() as openbao,
        VaultWorld(openbao, aws, hosts=options.host, listen=(everywhere, HTTPS_PORT)) as front,
    ):
        handler = Control(calls(openbao, front), documents(openbao, front))
        control = Server(handler.handle, address=(everywhere, CONTROL_PORT))
        control.start()
        print("serving", flush=True)  # noqa: T201 - to the log of the pod
        ended.wait()
        control.stop()


if __name__ == "__main__":
    main()
