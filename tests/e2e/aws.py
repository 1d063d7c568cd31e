"""The AWS world as a pod of the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.e2e import worlds
from tests.e2e.worlds import Control

NAMESPACE: Final = "aws-world"
SERVICE: Final = "aws"
HOST: Final = f"{SERVICE}.{NAMESPACE}.svc"
URL: Final = f"https://{HOST}:8443"
_CONTROL: Final = Control(NAMESPACE, SERVICE)
READ_ALL: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:*", "ssm:*", "kms:Decrypt"],
            "Resource": "*",
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Aws:
    """The running world."""

    ca: str

    def call(self, name: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - JSON
        """Change the world."""
        return _CONTROL.call(name, *args, **kwargs)

    def journal(self, action: str = "") -> list[dict[str, Any]]:
        """What it was asked."""
        entries: list[dict[str, Any]] = _CONTROL.read("/journal")
        return [entry for entry in entries if action in {"", entry["action"]}]

    @property
    def endpoints(self) -> dict[str, str]:
        """For the operator's configuration."""
        return {f"aws.{name}": URL for name in ("sts", "secretsmanager", "ssm", "kms")}


def start(image: str) -> Aws:
    """Start it, with the cluster's own issuer, and give it the time that it needs."""
    ports = {"https": 8443, "agent": 8080}
    return Aws(worlds.start(_CONTROL, image, "worlds.aws.serving", ports))
