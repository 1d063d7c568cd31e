"""What `explain`, `check` and `fetch` say of SOPS documents."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
import yaml

from syrette.__main__ import main
from tests.injector.sops.oracle import Oracle, x25519
from tests.syrette.place import Said
from worlds.kubernetes import KubernetesWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VALUE = "s3cret-of-the-shop"
PLAIN = f"password: {VALUE}\n".encode()
AGE = {"sops.age-key-secret": "sops-age"}
HASHED = {"name": "config", "configMap": {"name": "app-7f5c9"}}
ITEM = {"key": "secrets.yaml", "path": "a/secrets.yaml"}
PROJECTED = {
    "name": "both",
    "projected": {"sources": [{"configMap": {"name": "app-7f5c9", "items": [ITEM]}}]},
}


class Place:
    """
    A namespace with a document in a ConfigMap, and the identity that opens it.

    Args:
        cluster: its API server.
        folder: for the manifest.
        capture: what a command prints.
    """

    def __init__(
        self, cluster: KubernetesWorld, folder: Path, capture: pytest.CaptureFixture[str]
    ) -> None:
        self.cluster, self._folder, self._capture = cluster, folder, capture
        (folder / "sops").mkdir()
        sops = Oracle(folder / "sops", x25519())
        self.identity = base64.b64encode(sops.identity.secret.encode()).decode()
        document = sops.encrypt(PLAIN, "yaml").decode()
        cluster.apply("namespaces", "shop")
        cluster.apply("serviceaccounts", "web", namespace="shop")
        cluster.node("node-1", "v1.37.1")
        self.put("app", document)
        self.put("app-7f5c9", document)
        self._applied("secrets", "sops-age", {"age.agekey": self.identity})

    def put(self, name: str, document: str) -> None:
        """Write a ConfigMap with a document."""
        self._applied("configmaps", name, {"secrets.yaml": document})

    def _applied(self, plural: str, name: str, data: dict[str, str]) -> None:
        self.cluster.apply(plural, name, namespace="shop", data=data)

    def typed(self, command: str, annotations: dict[str, str], *words: str) -> Said:
        """Type a command with a pod of these annotations."""
        metadata = {
            "name": "web",
            "namespace": "shop",
            "annotations": {f"syrette.dev/{key}": text for key, text in annotations.items()},
        }
        spec = {
            "serviceAccountName": "web",
            "containers": [{"name": "app", "image": "a/b"}],
            "volumes": [HASHED, PROJECTED],
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        manifest = self._folder / "pod.yaml"
        manifest.write_text(yaml.safe_dump(pod))
        code = main([command, "-f", str(manifest), *words])
        said = self._capture.readouterr()
        return Said(code, said.out, said.err)

    def check(self, annotations: dict[str, str]) -> Said:
        """Type `syrette check`."""
        whose = ["-n", "shop", "--service-account", "web"]
        return self.typed(
            "check", annotations, *whose, "--kubeconfig", str(self.cluster.kubeconfig)
        )


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Place]:
    """An API server with the objects of one namespace."""
    with KubernetesWorld() as cluster:
        yield Place(cluster, tmp_path, capsys)


def test_explain_says_who_decrypts_and_which_keys_may_be_named(place: Place) -> None:
    """The Secret, the logins with their audiences, and that a changed file is decrypted."""
    options = {
        "file.a": "sops:configmap/app/secrets.yaml",
        "aws.region": "eu-west-1",
        "aws.role-arn": "arn:aws:iam::111122223333:role/web",
        **AGE,
    }
    said = place.typed("explain", options)

    assert said.code == 0
    for line in (
        "identities of age: the Secret sops-age, key age.agekey",
        "data keys by the login of aws-secretsmanager:",
        "AssumeRoleWithWebIdentity arn:aws:iam::111122223333:role/web",
        "keys that a document may name: those of the logins above",
        "1 × file, decrypted where it has changed",
    ):
        assert line in said.out


@pytest.mark.parametrize("path", ["configmap/app", "volume/config", "volume/both/a"])
def test_check_reads_the_config_map_and_decrypts_it(place: Place, path: str) -> None:
    """Under the caller's own rights, and shows no value."""
    said = place.check({"file.a": f"sops:{path}/secrets.yaml#password", **AGE})

    assert (said.code, "readable" in said.out) == (0, True)
    assert f"becomes: {len(VALUE)} bytes" in said.out
    assert VALUE not in said.out + said.err


def test_check_says_what_is_missing_and_what_may_not_be_read(place: Place) -> None:
    """The ConfigMap by name; the right, with the verb and the object."""
    missing = place.check({"file.a": "sops:configmap/other/secrets.yaml", **AGE})
    place.cluster.permissions.deny("get", "configmaps")
    refused = place.check({"file.a": "sops:configmap/app/secrets.yaml", **AGE})

    assert "the ConfigMap `other` has no key `secrets.yaml`, or is not there" in missing.out
    assert missing.code != 0
    assert refused.code == 2
    assert "verb `get` on `configmaps` and `resourceNames: [app]`" in refused.err


def test_fetch_says_that_a_pod_reads_them(place: Place, tmp_path: Path) -> None:
    """And the command that decrypts a file here."""
    options = {"file.a": "sops:configmap/app/secrets.yaml", **AGE}
    said = place.typed("fetch", options, "--out", str(tmp_path / "out"))

    assert said.code == 2
    assert "`sops --decrypt` reads one here" in said.err
