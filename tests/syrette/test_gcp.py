"""What `explain`, `check` and `fetch` say of secrets of Google Cloud."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
import yaml

from syrette.__main__ import main
from tests.syrette.place import Said
from worlds.gcp import GcpWorld
from worlds.kubernetes import KubernetesWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCESSOR = "roles/secretmanager.secretAccessor"
CREATOR = "roles/iam.serviceAccountTokenCreator"
VALUE = "s3cret-of-the-shop"
SECRET = {"file.pw": "gcp-secretmanager:db"}
KEY = {"gcp.credentials-secret": "google/key.json"}


class Place:
    """
    The account `web` of the namespace `shop`, in a cluster that a Google Cloud trusts.

    Args:
        gcp: with a secret that a service account of Google's may read.
        cluster: its API server.
        folder: for manifest and configuration.
        capture: what a command prints.
    """

    def __init__(
        self,
        gcp: GcpWorld,
        cluster: KubernetesWorld,
        folder: Path,
        capture: pytest.CaptureFixture[str],
    ) -> None:
        self.gcp, self.cluster, self._folder, self._capture = gcp, cluster, folder, capture
        self.reader = gcp.service_account("reader")
        gcp.grant(self.reader, ACCESSOR, gcp.put_secret("db", VALUE))
        cluster.apply("namespaces", "shop")
        cluster.apply("serviceaccounts", "web", namespace="shop")
        cluster.node("node-1", "v1.37.1")

    def explain(self, annotations: dict[str, str]) -> Said:
        """Type `syrette explain`."""
        return self._typed("explain", annotations)

    def check(self, annotations: dict[str, str]) -> Said:
        """Type `syrette check`."""
        whose = ["-n", "shop", "--service-account", "web"]
        return self._typed(
            "check", annotations, *whose, "--kubeconfig", str(self.cluster.kubeconfig)
        )

    def fetch(self, annotations: dict[str, str]) -> Said:
        """Type `syrette fetch`."""
        return self._typed("fetch", annotations, "--out", str(self._folder / "out"))

    def _typed(self, command: str, annotations: dict[str, str], *words: str) -> Said:
        metadata = {
            "name": "web",
            "namespace": "shop",
            "annotations": {f"syrette.dev/{key}": text for key, text in annotations.items()},
        }
        spec = {"serviceAccountName": "web", "containers": [{"name": "app", "image": "a/b"}]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        operator = {
            "ca-bundle": self.gcp.ca_pem,
            "endpoints": {f"gcp.{name}": url for name, url in self.gcp.endpoints.items()},
            "defaults": {
                "gcp.project": self.gcp.project().id,
                "gcp.workload-identity-provider": self.gcp.provider().name,
            },
        }
        files = {"pod.yaml": pod, "operator.yaml": operator}
        for name, document in files.items():
            (self._folder / name).write_text(yaml.safe_dump(document))
        manifest, config = (str(self._folder / name) for name in files)
        code = main([command, "-f", manifest, "--config", config, *words])
        said = self._capture.readouterr()
        return Said(code, said.out, said.err)


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Place]:
    """A cluster and a Google Cloud with one issuer."""
    with GcpWorld() as gcp, KubernetesWorld(issuer=gcp.issuer) as cluster:
        yield Place(gcp, cluster, tmp_path, capsys)


def test_explain_shows_the_source_its_order_and_every_step(place: Place) -> None:
    """Who the pod is to Google, through whom, and what is called."""
    via = {
        "gcp.service-account": place.reader.email,
        "gcp.delegates": "hop@x.iam.gserviceaccount.com",
    }
    said = place.explain({**SECRET, **via})

    assert said.code == 0
    for line in (
        "login: federation: exchanges the projected token at Google's STS",
        "in the order access-token, federation, gke, credentials, metadata",
        f"workload-identity-provider: {place.gcp.provider().name}",
        f"for audience https://iam.googleapis.com/{place.gcp.provider().name}",
        "then as the delegate hop@x.iam.gserviceaccount.com",
        f"then generateAccessToken of {place.reader.email}",
        "1 × AccessSecretVersion, checked by CRC32C",
        "← gcp-secretmanager:projects/shop-prod/secrets/db",
    ):
        assert line in said.out


def test_check_reads_as_the_account_that_is_impersonated(place: Place) -> None:
    """And names the binding that is missing until it is there."""
    via = {**SECRET, "gcp.service-account": place.reader.email}
    denied = place.check(via)
    place.gcp.grant(place.gcp.provider().member("shop", "web"), CREATOR, place.reader)
    said = place.check(via)

    assert denied.code != 0
    assert "add-iam-policy-binding" in denied.out
    assert (said.code, "readable" in said.out, place.reader.email in said.out) == (0, True, True)
    assert VALUE not in said.out + said.err


def test_check_logs_in_with_the_secret_that_the_kubelet_would_mount(place: Place) -> None:
    """Under the caller's own right to read it, which is named where it lacks."""
    missing = place.check({**SECRET, **KEY})
    key = json.dumps(place.gcp.key_file(place.reader)).encode()
    place.cluster.apply(
        "secrets", "google", namespace="shop", data={"key.json": base64.b64encode(key).decode()}
    )
    said = place.check({**SECRET, **KEY})
    place.cluster.permissions.deny("get", "secrets")
    refused = place.check({**SECRET, **KEY})

    assert "the key key.json of the Secret google in the namespace shop is missing" in missing.out
    assert (said.code, place.reader.email in said.out) == (0, True)
    assert "PRIVATE KEY" not in said.out + said.err
    assert refused.code == 2
    assert "verb `get` on `secrets` and `resourceNames: [google]`" in refused.err


def test_fetch_has_no_token_of_a_pod(place: Place, tmp_path: Path) -> None:
    """It is refused at once, with the command that can."""
    said = place.fetch(SECRET)

    assert said.code == 2
    assert "the Google token source `federation` is the pod's own" in said.err
    assert not (tmp_path / "out").exists()
