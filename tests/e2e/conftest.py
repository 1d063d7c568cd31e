"""Syrette installed once in the cluster of KUBECONFIG, and a namespace for each test."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e import aws, installation, vault
from tests.e2e.kubectl import apply, kubectl
from tests.e2e.workloads import ROLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.aws import Aws
    from tests.e2e.vault import Vault

VALUE = "s3cret-value-of-the-cluster-tier"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def world() -> Aws:
    """The AWS world in the cluster, with the image loaded."""
    assert os.environ.get("KUBECONFIG"), "KUBECONFIG is not set: `make e2e` needs a cluster"
    installation.load_image()
    made = aws.start(installation.IMAGE)
    made.call("put_secret", "prod/db", f'{{"username": "shop", "password": "{VALUE}"}}')
    made.call("put_parameter", "/prod/api-key", VALUE)
    return made


@pytest.fixture(scope="session")
def syrette(world: Aws) -> dict[str, object]:
    """The chart, installed with the world as its AWS; gives the operator's configuration."""
    config: dict[str, object] = {
        "cluster": "e2e",
        "defaults": {"aws.region": "eu-west-1"},
        "endpoints": world.endpoints,
        "ca-bundle": world.ca,
        "allowed-addresses": [vault.ADDRESS],
    }
    installation.install(config)
    return config


@pytest.fixture(scope="session")
def openbao(world: Aws) -> Vault:
    """An OpenBao with one secret."""
    made = vault.start(installation.IMAGE, world)
    made.put("prod/db", password=VALUE)
    return made


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace of one test, whose service account `web` has a role."""

    namespace: str
    role: str


@pytest.fixture
def place(world: Aws, syrette: dict[str, object]) -> Iterator[Place]:
    """A namespace with a service account that may read everything."""
    assert syrette
    namespace = f"e2e-{next(_numbers)}"
    kubectl("delete", "namespace", namespace, "--ignore-not-found")
    name = f"web-{namespace}"
    world.call("role", name, namespace, "web", aws.READ_ALL)
    apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {
                "name": "web",
                "namespace": namespace,
                "annotations": {"eks.amazonaws.com/role-arn": f"{ROLE}/{name}"},
            },
        },
    )
    yield Place(namespace, name)
    kubectl("delete", "namespace", namespace, "--wait=false")
