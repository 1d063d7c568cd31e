"""
The peer of the init container: what people write with boto3 when they have five secrets to fetch.

Configured by the SDK's own environment variables (role, token file, endpoints, CA bundle); writes
each secret to a file below its first argument.
"""

import sys
from pathlib import Path

import boto3


def main() -> None:
    """Fetch each named secret and write it."""
    out = Path(sys.argv[1])
    client = boto3.client("secretsmanager")
    for name in sys.argv[2:]:
        secret = client.get_secret_value(SecretId=name)
        (out / name.replace("/", "_")).write_text(secret["SecretString"])


main()
