"""One secret in each of five backends, and a pod of the cluster that asks all of them."""

from __future__ import annotations

import contextlib
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.e2e.conftest import VALUE
from tests.e2e.kubectl import apply, kubectl
from tests.e2e.operator import forwarded_aws
from tests.e2e.workloads import pod, run
from tests.injector.keyservices.sealing import sops
from tests.injector.sops.oracle import Oracle, x25519

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.aws import Aws
    from tests.e2e.azure import Azure
    from tests.e2e.conftest import Place
    from tests.e2e.gcp import Gcp
    from tests.e2e.vault import Vault

SERVERS: Final = ("aws", "azure", "gcp", "vault")
DOCUMENTS: Final = ("age", "kms")
"""One in a ConfigMap of a known name, one in a volume of the pod."""
FILES: Final = (*SERVERS, *DOCUMENTS)
_HASHED: Final = "app-7f5c9mh2k8"
"""A ConfigMap's name as Kustomize writes it."""
_READ: Final = f"""
import json, os
found = {{name: open(f"/secrets/{{name}}").read() for name in {FILES!r}}}
behind = sorted({{os.path.dirname(os.path.realpath(f"/secrets/{{name}}")) for name in {FILES!r}}})
print(json.dumps([found, behind, os.path.realpath("/secrets/..data")]))
"""
_WRITER: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}],
}


@dataclass(frozen=True, slots=True)
class Clouds:
    """What holds secrets in the cluster, besides the cluster."""

    aws: Aws
    azure: Azure
    gcp: Gcp
    vault: Vault


@dataclass(frozen=True, slots=True)
class Seen:
    """What an application finds."""

    content: dict[str, str]
    folders: list[str]
    """Where the files really are."""
    published: str
    """Where `..data` leads."""


class House:
    """
    The secrets of a place, each with the value `value(name, 0)`.

    Args:
        clouds: that hold them; the place may read.
        place: whose service account `web` does.
        folder: for sops, which encrypts as its users do: on this machine.
    """

    def __init__(self, clouds: Clouds, place: Place, folder: Path) -> None:
        self.clouds, self.place = clouds, place
        self._folder = folder
        self._name = place.namespace
        self._looks = itertools.count()
        self._age = Oracle(folder, x25519())
        clouds.aws.call("put_secret", f"five/{self._name}", value("aws", 0))
        clouds.azure.put_secret(self._name, value("azure", 0))
        self._google = clouds.gcp.put_secret(place, self._name, value("gcp", 0))
        clouds.vault.put(f"prod/{self._name}", password=value("vault", 0))
        metadata = {"name": "sops-age", "namespace": self._name}
        identity = {"age.agekey": self._age.identity.secret}
        apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": identity})
        self._writer = clouds.aws.call("access_key", f"writer-{self._name}", _WRITER)
        self._key = clouds.aws.call("kms_key")
        self.change_documents(0)

    def pod(self, name: str) -> dict[str, Any]:
        """A pod that asks all five, and both kinds of documents."""
        volume = {"name": "config", "configMap": {"name": _HASHED}}
        asked = {
            "file.aws": f"aws-secretsmanager:five/{self._name}",
            "file.azure": f"azure-keyvault:acme-kv/secrets/{self._name}",
            "file.gcp": f"gcp-secretmanager:{self._name}",
            "file.vault": f"team:secret/prod/{self._name}#password",
            "file.age": "sops:configmap/app/secrets.yaml#password",
            "file.kms": "sops:volume/config/secrets.yaml#password",
            "sops.age-key-secret": "sops-age",
            "refresh": "1s",
            **self.clouds.gcp.login,
            **self.clouds.azure.login(self.place),
            **self.clouds.vault.store(self.clouds.vault.kubernetes_role(self.place)),
        }
        return pod(name, self._name, asked, volumes=[volume])

    def change_servers(self, number: int) -> None:
        """Give each secret of a server its next value."""
        self.clouds.aws.call("rotate", f"five/{self._name}", value("aws", number))
        self.clouds.azure.put_secret(self._name, value("azure", number))
        self.clouds.gcp.call("rotate", self._google, value("gcp", number))
        self.clouds.vault.put(f"prod/{self._name}", password=value("vault", number))

    def change_documents(self, number: int) -> None:
        """Have the real sops encrypt the next values: to an age recipient, and to a key of AWS."""
        plain = f"password: {value('age', number)}\n".encode()
        self._write("app", self._age.encrypt(plain, "yaml").decode())
        path = self._folder / "plain.yaml"
        path.write_text(f"password: {value('kms', number)}\n")
        authority = self._folder / "aws.pem"
        authority.write_text(self.clouds.aws.ca)
        with forwarded_aws(self._folder) as endpoints:
            environment = {
                "AWS_ACCESS_KEY_ID": self._writer["id"],
                "AWS_SECRET_ACCESS_KEY": self._writer["secret"],
                "AWS_ENDPOINT_URL_KMS": endpoints["aws.kms"],
                "AWS_CA_BUNDLE": str(authority),
                "AWS_EC2_METADATA_DISABLED": "true",
            }
            keys = ("--kms", self._key)
            sealed = sops(self._folder, environment, "encrypt", *keys, str(path))
        self._write(_HASHED, sealed.decode())

    def _write(self, name: str, document: str) -> None:
        metadata = {"name": name, "namespace": self._name}
        data = {"secrets.yaml": document}
        apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})

    def hurry(self, pod: str) -> None:
        """
        Have the kubelet look for changed documents now, as any change of a pod's annotations does.

        It may look before it hears of a change itself, so this is done until the change is there.
        """
        look = f"example.com/look={next(self._looks)}"
        kubectl("-n", self._name, "annotate", "--overwrite", "pod", pod, look)

    def seen(self, pod: str) -> Seen:
        """Read the files as the application does."""
        return Seen(*json.loads(run(self._name, pod, _READ)))

    @contextlib.contextmanager
    def down(self, name: str) -> Iterator[None]:
        """Let one of the clouds answer 503 to everything."""
        call = {"azure": self.clouds.azure.call, "gcp": self.clouds.gcp.call}[name]
        call("break_down", 503)
        try:
            yield
        finally:
            call("come_back")


def value(name: str, number: int) -> str:
    """What a secret says after so many changes."""
    return f"{VALUE}-{name}-{number}"


def all_of(number: int, **others: int) -> dict[str, str]:
    """Content of all files after so many changes, and of some after others."""
    return {name: value(name, others.get(name, number)) for name in FILES}
