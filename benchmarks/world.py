"""
The AWS world in a process of its own, so that its CPU is not counted as anybody else's.

Run as `python -m benchmarks.world`. Prints one line of JSON about itself, then answers one line of
JSON for each line of standard input, until that ends: `token AUDIENCE` mints a pod's token,
`calls` says what was asked since the last time.
"""

from __future__ import annotations

import json
import sys
from typing import Final

from worlds.aws import AwsWorld

NAMESPACE: Final = "shop"
SERVICE_ACCOUNT: Final = "web"
POD: Final = "web-1"
SECRETS: Final = 20
SECRET_BYTES: Final = 600
LARGE_BYTES: Final = 60_000
"""The service takes 65 536."""
_READ_ALL: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["secretsmanager:*", "kms:Decrypt"], "Resource": "*"}
    ],
}


def secret(number: int) -> str:
    """Name a secret."""
    return f"bench/{number:02}"


def large(number: int) -> str:
    """Name one of the large secrets."""
    return f"bench/large-{number:02}"


def main() -> None:
    """Serve until standard input ends."""
    with AwsWorld() as world:
        account = world.account()
        account.trust_issuer(world.issuer)
        role = account.web_identity_role("web", world.issuer, NAMESPACE, SERVICE_ACCOUNT, _READ_ALL)
        for number in range(SECRETS):
            world.put_secret(secret(number), f"{number:02}".ljust(SECRET_BYTES, "x"))
            world.put_secret(large(number), f"{number:02}".ljust(LARGE_BYTES, "x"))
        port = world.endpoints["sts"].rpartition(":")[2]
        about = {
            "role": role.arn,
            "ca": world.ca_pem,
            # Two origins, as AWS's services are: each needs a TLS connection of its own.
            "endpoints": {
                "sts": f"https://127.0.0.1:{port}",
                "secretsmanager": f"https://localhost:{port}",
            },
        }
        print(json.dumps(about), flush=True)
        before = 0
        for line in sys.stdin:
            match line.split():
                case ["token", audience]:
                    mint = world.issuer.mint
                    reply: object = mint(NAMESPACE, SERVICE_ACCOUNT, audience, pod=POD)
                case _:
                    reply = {
                        "actions": world.journal.actions(),
                        "connections": world.connections - before,
                    }
                    before = world.connections
                    world.journal.clear()
            print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
