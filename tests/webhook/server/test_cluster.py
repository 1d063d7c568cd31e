"""Facts of the cluster: from a document, or none at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webhook.cluster import FileCluster, NoCluster
from webhook.context import NEWEST, Context, Kubelet, KubernetesVersion, LimitRange
from webhook.errors import ContextUnavailableError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = """\
kubernetes-version: 1.35
oldest-kubelet: {version: v1.33.2, node: ip-10-0-1-7}
openshift: true
namespaces:
  payments:
    labels: {team: pay}
    annotations: {syrette.dev/aws.region: eu-west-1}
    service-accounts:
      ledger: {annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::1:role/l"}}
      plain:
    limit-ranges:
    - {min: {cpu: 10m}, max: {memory: 1Gi}, max-limit-request-ratio: {cpu: "10"}}
    resource-quotas: [limits.memory, requests.cpu]
  empty:
"""


async def test_a_document_gives_everything() -> None:
    """Each fact of a pod's surroundings can be written down."""
    context = await FileCluster(DOCUMENT).context("payments", "ledger")

    assert context == Context(
        namespace="payments",
        namespace_labels={"team": "pay"},
        namespace_annotations={"syrette.dev/aws.region": "eu-west-1"},
        service_account="ledger",
        service_account_annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/l"},
        server_version=KubernetesVersion(1, 35),
        oldest_kubelet=Kubelet(KubernetesVersion(1, 33), "v1.33.2", "ip-10-0-1-7"),
        limit_ranges=(LimitRange({"cpu": "10m"}, {"memory": "1Gi"}, {"cpu": "10"}),),
        quota_resources=frozenset({"limits.memory", "requests.cpu"}),
        openshift=True,
    )


@pytest.mark.parametrize(
    ("namespace", "account"), [("payments", "plain"), ("payments", "default"), ("empty", "default")]
)
async def test_what_is_named_without_facts_has_none(namespace: str, account: str) -> None:
    """Every namespace has the service account `default`."""
    context = await FileCluster(DOCUMENT).context(namespace, account)

    assert (context.service_account, context.service_account_annotations) == (account, {})


@pytest.mark.parametrize(
    ("namespace", "account", "message"),
    [
        ("other", "default", "namespace `other` is not known"),
        ("payments", "other", "service account `payments/other` is not known"),
    ],
)
async def test_what_is_not_named_is_not_guessed(namespace: str, account: str, message: str) -> None:
    """An unknown namespace or service account is a denial, not an empty one."""
    with pytest.raises(ContextUnavailableError, match=message):
        await FileCluster(DOCUMENT).context(namespace, account)


def test_every_problem_of_a_document_is_reported() -> None:
    """One reading is enough to put a document right."""
    text = """\
kubernetes-version: new
namespace: {}
namespaces:
  a: {label: {}, service-accounts: {x: {annotation: {}}}}
  b: [1]
"""
    with pytest.raises(SettingsError) as caught:
        FileCluster(text)

    problems = "\n".join(caught.value.problems)
    for expected in (
        "line 1: kubernetes-version",
        "line 2: namespace",
        "namespaces.a.label",
        "service-accounts.x.annotation",
        "line 5: namespaces.b",
    ):
        assert expected in problems


@pytest.mark.parametrize(
    ("text", "message"), [("[1]", "wants a mapping"), ("a: {", "line 2: not YAML")]
)
def test_a_document_that_is_none_is_refused(text: str, message: str) -> None:
    """It has to be one mapping."""
    with pytest.raises(SettingsError, match=message):
        FileCluster(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A wrong path is found at the start."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")

    with pytest.raises(SettingsError, match="absent: No such file"):
        FileCluster.read(tmp_path / "absent")
    with pytest.raises(SettingsError, match="binary: not UTF-8"):
        FileCluster.read(tmp_path / "binary")


def test_problems_name_the_file(tmp_path: Path) -> None:
    """The operator knows which of the documents is meant."""
    (tmp_path / "facts").write_text("x: 1")

    with pytest.raises(SettingsError, match="facts: line 1: x: unknown key"):
        FileCluster.read(tmp_path / "facts")


async def test_a_given_version_stands_where_the_document_says_none() -> None:
    """The document has the last word."""
    version = KubernetesVersion(1, 30)
    silent = await FileCluster("namespaces: {a: {}}", version).context("a", "default")
    spoken = await FileCluster(DOCUMENT, version).context("empty", "default")

    assert silent.server_version == version
    assert spoken.server_version == KubernetesVersion(1, 35)


async def test_without_a_cluster_only_the_version_is_known() -> None:
    """Every namespace is there, and nothing is set on it."""
    assert await NoCluster().context("a", "b") == Context(namespace="a", service_account="b")
    assert (await NoCluster(KubernetesVersion(1, 28)).context("a", "b")).server_version < NEWEST
