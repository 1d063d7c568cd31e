"""A developer's machine before a simulated AWS: credentials in the environment, a configuration."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import yaml

from syrette.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from worlds.aws import AwsWorld

ALL = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:*", "ssm:*", "kms:Decrypt", "sts:*"],
            "Resource": "*",
        }
    ],
}
POD = """
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  annotations:
    syrette.dev/aws.region: eu-west-1
%s
spec:
  serviceAccountName: web
  containers:
    - {name: app, image: acme/web}
    - {name: worker, image: acme/web}
"""


def pod(**annotations: str) -> str:
    """Write a pod of two containers; `_` in a key stands for `.`, `__` for `-`."""
    lines = (
        f"    syrette.dev/{key.replace('__', '-').replace('_', '.', 1)}: {value!r}"
        for key, value in annotations.items()
    )
    return POD % "\n".join(lines)


class Machine:
    """
    Runs `syrette fetch` as a developer who is an IAM user of the world.

    Args:
        world: its AWS.
        folder: where files go.
        patch: sets the environment of the process.
    """

    def __init__(self, world: AwsWorld, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.out = folder / "out"
        self._patch = patch
        self._config = folder / "operator.yaml"
        self.operator()
        self.user = world.account().user("developer", ALL)
        key = world.access_key(self.user)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, str(folder / "none"))
        patch.delenv("AWS_PROFILE", raising=False)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_ACCESS_KEY_ID", key.id)
        patch.setenv("AWS_SECRET_ACCESS_KEY", key.secret)

    def operator(self, **further: object) -> None:
        """Write the operator's configuration: the world's endpoints and CA, and what is given."""
        endpoints = {f"aws.{name}": url for name, url in self.world.endpoints.items()}
        document = {"ca-bundle": self.world.ca_pem, "endpoints": endpoints, **further}
        self._config.write_text(yaml.safe_dump(document))

    def arguments(self, filename: str) -> list[str]:
        """Give the words of the command."""
        return ["fetch", "-f", filename, "--config", str(self._config), "--out", str(self.out)]

    def fetch(self, manifest: str, *arguments: str) -> int:
        """Type the command with a manifest on standard input; gives the exit code."""
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(manifest.encode())))
        return main([*self.arguments("-"), *arguments])

    @property
    def files(self) -> dict[str, str]:
        """What a person sees in the directory, by path, with the content."""
        data = self.out / "..data"
        return {
            str(path.relative_to(data)): path.read_text()
            for path in sorted(data.rglob("*"))
            if path.is_file()
        }
