"""
A real OpenBao, and a Kubernetes API server that reviews tokens, below a process of their own.

Run as `python -m benchmarks.vault_world`. Prints one line of JSON about itself, then answers one
line of JSON for each line of standard input, until that ends: `token AUDIENCE` mints a pod's token,
`calls` says what was asked since the last time, `database` makes an engine with leases of a real
PostgreSQL.
"""

from __future__ import annotations

import json
import signal
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from benchmarks.world import NAMESPACE, POD, SECRET_BYTES, SECRETS, SERVICE_ACCOUNT, secret
from worlds.kubernetes import KubernetesWorld
from worlds.openbao import OpenBao
from worlds.postgres import Postgres
from worlds.process import NotStartedError
from worlds.tokens import Issuer

if TYPE_CHECKING:
    from worlds.openbao import Namespace

ROLE: Final = "web"
BRIEF_ROLE: Final = "brief"
"""Of tokens that live `BRIEF_SECONDS`."""
BRIEF_SECONDS: Final = 6
ENGINE: Final = "secret"
CREDENTIALS: Final = "database/creds/app"
"""With leases of `BRIEF_SECONDS`, after `database`."""
_LONG_SECONDS: Final = 3600
_POLICY: Final = "bench"
_ROOT: Final = "root"


def main() -> None:
    """Serve until standard input ends."""
    # Whoever started us closes it and says SIGTERM as well, which would leave the servers running.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    issuer = Issuer()
    with ExitStack() as stack:
        cluster = stack.enter_context(KubernetesWorld(issuer=issuer))
        server = stack.enter_context(OpenBao())
        vault = server.root
        _furnish(vault, cluster)
        about = {"ca": vault.ca_pem, "address": vault.address, "pid": server.pid}
        print(json.dumps(about), flush=True)
        for line in sys.stdin:
            match line.split():
                case ["token", audience]:
                    reply: object = issuer.mint(NAMESPACE, SERVICE_ACCOUNT, audience, pod=POD)
                case ["database"]:
                    reply = _database(vault, stack)
                case _:
                    reply = _calls(vault)
            print(json.dumps(reply), flush=True)


def _furnish(vault: Namespace, cluster: KubernetesWorld) -> None:
    """Make the secrets, and let the pod's service account read them."""
    cluster.service_account(NAMESPACE, SERVICE_ACCOUNT)
    vault.kv(ENGINE)
    for number in range(SECRETS):
        password = f"{number:02}".ljust(SECRET_BYTES, "x")
        vault.put(ENGINE, secret(number), username=f"user-{number}", password=password)
    readable = (f"{ENGINE}/data/bench/*", f"{ENGINE}/metadata/bench/*", CREDENTIALS)
    vault.policy(_POLICY, {path: ["read"] for path in readable})
    vault.kubernetes(cluster.url, cluster.ca_pem, cluster.reviewer())
    vault.kubernetes_role(ROLE, _POLICY, token_ttl=_LONG_SECONDS)
    vault.kubernetes_role(BRIEF_ROLE, _POLICY, token_ttl=BRIEF_SECONDS)


def _database(vault: Namespace, stack: ExitStack) -> str:
    """Make the engine; gives what kept it from being made, or nothing."""
    try:
        postgres = stack.enter_context(Postgres())
    except NotStartedError as exc:
        return str(exc)
    vault.database(postgres, ttl=f"{BRIEF_SECONDS}s")
    return ""


def _calls(vault: Namespace) -> dict[str, Any]:
    asked = [entry for entry in vault.audit.entries if entry.display_name != _ROOT]
    asked = [entry for entry in asked if entry.remote_port]
    vault.audit.clear()
    return {
        "actions": [f"{entry.operation} {entry.path}" for entry in asked],
        "connections": len({entry.remote_port for entry in asked}),
    }


if __name__ == "__main__":
    main()
