"""A simulated cluster whose tokens a simulated AWS trusts, and a person at its command line."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from syrette.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from worlds.aws import AwsWorld
    from worlds.aws.identities import Role
    from worlds.kubernetes import KubernetesWorld

NAMESPACE = "shop"
ACCOUNT = "web"


def allow(*actions: str) -> dict[str, Any]:
    """Write an identity policy that permits these actions on everything."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


EVERYTHING = allow("secretsmanager:*", "ssm:*", "kms:Decrypt", "sts:*")


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - any document
        """What `-o json` gave."""
        return json.loads(self.out)


class Place:
    """
    Namespace `shop` with the service account `web`, which has a role in AWS.

    Args:
        cluster: its API server.
        aws: trusts the cluster's issuer.
        folder: for the operator's configuration.
        patch: sets standard input.
        capture: what the command prints.
    """

    def __init__(
        self,
        cluster: KubernetesWorld,
        aws: AwsWorld,
        folder: Path,
        *,
        patch: pytest.MonkeyPatch,
        capture: pytest.CaptureFixture[str],
    ) -> None:
        self.cluster = cluster
        self.aws = aws
        self._config = folder / "operator.yaml"
        self._patch = patch
        self._capture = capture
        account = aws.account()
        account.trust_issuer(aws.issuer)
        self.role: Role = account.web_identity_role(
            "web", aws.issuer, NAMESPACE, ACCOUNT, EVERYTHING
        )
        cluster.apply("namespaces", NAMESPACE)
        cluster.apply(
            "serviceaccounts",
            ACCOUNT,
            namespace=NAMESPACE,
            metadata={"annotations": {"eks.amazonaws.com/role-arn": self.role.arn}},
        )
        cluster.node("node-1", "v1.37.1")
        endpoints = {f"aws.{name}": url for name, url in aws.endpoints.items()}
        document = {"ca-bundle": aws.ca_pem, "endpoints": endpoints}
        self._config.write_text(yaml.safe_dump(document))

    def check(self, manifest: str, *words: str) -> Said:
        """Type `syrette check` with a manifest on standard input; further words win."""
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(manifest.encode())))
        given = ["check", "-f", "-", "-n", NAMESPACE, "--service-account", ACCOUNT]
        given += ["--config", str(self._config), "--kubeconfig", str(self.cluster.kubeconfig)]
        code = main([*given, *words])
        said = self._capture.readouterr()
        return Said(code, said.out, said.err)
