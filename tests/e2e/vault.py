"""The real OpenBao as a pod of the cluster, which asks the real API server who logs in."""

from __future__ import annotations

import gzip
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.e2e import aws
from tests.e2e.kubectl import PATIENCE, apply, eventually, kubectl, pods
from tests.e2e.worlds import Control, objects
from worlds.openbao.binary import binary

if TYPE_CHECKING:
    from tests.e2e.aws import Aws
    from tests.e2e.conftest import Place

NAMESPACE: Final = "vault-world"
SERVICE: Final = "vault"
ADDRESS: Final = f"https://{SERVICE}.{NAMESPACE}.svc:8200"
SERVER_ID: Final = "vault.acme.io"
REVIEWER: Final = "reviewer"
_API_SERVER: Final = "https://kubernetes.default.svc"
_CONTROL: Final = Control(NAMESPACE, SERVICE)
# The program is not in any image: it comes through the API server, and is there when it is whole.
_TAKE: Final = """
import gzip, os, shutil, sys
with gzip.open(sys.stdin.buffer) as source, open("/tmp/part", "wb") as target:
    shutil.copyfileobj(source, target, 1 << 20)
os.chmod("/tmp/part", 0o755)
os.rename("/tmp/part", "/tmp/bao")
"""


@dataclass(frozen=True, slots=True)
class Vault:
    """The running server."""

    ca: str

    def put(self, name: str, **fields: str) -> None:
        """Write a secret of the KV engine."""
        _CONTROL.call("put", "secret", name, **fields)

    def kubernetes_role(self, place: Place) -> str:
        """Let the service account of a place log in by its token; gives the role."""
        name = f"kubernetes-{place.namespace}"
        given = {"namespaces": [place.namespace], "service_accounts": ["web"]}
        _CONTROL.call("kubernetes_role", name, "shop", **given, token_ttl="1h")
        return name

    def aws_role(self, place: Place) -> str:
        """Let the AWS role of a place log in; gives Vault's role."""
        name = f"aws-{place.namespace}"
        arn = f"arn:aws:iam::111122223333:role/{place.role}"
        _CONTROL.call("aws_role", name, "shop", arn, token_ttl="1h")
        return name

    def audit(self, path: str, **metadata: str) -> list[dict[str, Any]]:
        """What it was asked below a path by tokens of a login with this metadata, and granted."""
        entries: list[dict[str, Any]] = _CONTROL.read("/audit")
        return [
            entry
            for entry in entries
            if entry["path"].startswith(path)
            and not entry["error"]
            and metadata.items() <= entry["metadata"].items()
        ]

    def tokens(self) -> set[str]:
        """Accessors of the tokens that live."""
        return set(_CONTROL.read("/tokens"))

    def journal(self, action: str) -> list[dict[str, Any]]:
        """What the world before it saw."""
        entries: list[dict[str, Any]] = _CONTROL.read("/journal")
        return [entry for entry in entries if entry["action"] == action]

    def store(self, role: str, **settings: str) -> dict[str, str]:
        """Give the annotation that makes it a pod's store `team`, with its own authority."""
        given = {"provider": "vault", "address": ADDRESS, "ca-bundle": self.ca, "role": role}
        given |= {name.replace("_", "-"): text for name, text in settings.items()}
        return {"stores": yaml.safe_dump({"team": given})}


def start(image: str, world: Aws) -> Vault:
    """Start it, with a secret engine, a policy and both login methods."""
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
    apply(*_objects(image, world.ca), *_reviewer(), large=True)
    eventually(lambda: any(_runs(pod) for pod in pods(NAMESPACE)))
    _send(Path(binary()))
    vault = Vault(eventually(_CONTROL.ca))
    _CONTROL.call("kv")
    _CONTROL.call("policy", "shop", {"secret/data/prod/*": ["read"]})
    authority = kubectl(
        "-n", NAMESPACE, "get", "configmap", "kube-root-ca.crt", "-o", r"jsonpath={.data.ca\.crt}"
    ).out
    token = kubectl("-n", NAMESPACE, "create", "token", REVIEWER, "--duration=2h").out
    _CONTROL.call("kubernetes", _API_SERVER, authority, token)
    sts = {"sts_endpoint": "https://sts.eu-west-1.amazonaws.com", "sts_region": "eu-west-1"}
    _CONTROL.call("enable_aws", iam_server_id_header_value=SERVER_ID, **sts)
    return vault


def _objects(image: str, authority: str) -> list[dict[str, Any]]:
    return objects(
        NAMESPACE,
        SERVICE,
        image,
        ["worlds.vault.serving", "--aws", aws.URL, "--aws-ca", "/world/aws.pem"],
        files={"aws.pem": authority},
        ports={"https": 8200, "control": 8081},
    )


def _reviewer() -> list[dict[str, Any]]:
    """The account by whose token Vault asks for TokenReviews, as its documentation has it."""
    subject = {"kind": "ServiceAccount", "name": REVIEWER, "namespace": NAMESPACE}
    group = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": REVIEWER, "namespace": NAMESPACE},
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{NAMESPACE}-{REVIEWER}"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "system:auth-delegator"},
            "subjects": [subject],
        },
    ]


def _runs(pod: dict[str, Any]) -> bool:
    statuses = pod["status"].get("containerStatuses", [])
    return any("running" in status["state"] for status in statuses)


def _send(program: Path) -> None:
    """Bring the program into the pod."""
    words = ["kubectl", "-n", NAMESPACE, "exec", "-i", SERVICE, "-c", "world", "--"]
    with tempfile.TemporaryFile() as packed:
        with gzip.open(packed, "wb", compresslevel=1) as archive:
            archive.write(program.read_bytes())
        packed.seek(0)
        subprocess.run(
            [*words, "/syrette/bin/python3", "-c", _TAKE],
            stdin=packed,
            check=True,
            timeout=PATIENCE,
        )
