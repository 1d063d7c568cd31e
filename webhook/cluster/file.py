"""
A cluster described by one YAML document, in Kubernetes' own field names.

    kubernetes-version: "1.35"
    oldest-kubelet: {version: v1.33.2, node: ip-10-0-1-7}
    openshift: false
    namespaces:
      payments:
        labels: {team: pay}
        annotations: {syrette.dev/aws.region: eu-west-1}
        service-accounts:
          ledger: {annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/l"}}
        limit-ranges:
        - {min: {cpu: 10m}, max: {memory: 1Gi}, max-limit-request-ratio: {cpu: "10"}}
        resource-quotas: [limits.memory, requests.cpu]

The document is the whole truth: a namespace or service account that it does not name is unknown,
as one that the API server has not told us of. Unknown keys are errors, all reported at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from webhook.annotations import documents
from webhook.context import NEWEST, Context, Kubelet, KubernetesVersion, LimitRange
from webhook.errors import ContextUnavailableError, SettingsError
from webhook.settings.sections import Section

if TYPE_CHECKING:
    from pathlib import Path

_MAX_BYTES = 1 << 20  # a ConfigMap holds no more
_IMPLICIT = "default"  # the service account that every namespace has


_Contexts = dict[str, Context]  # by service account


class FileCluster:
    """
    Facts from a document.

    Args:
        text: the document.
        version: of the API server, where the document does not say.

    Raises:
        SettingsError: with everything that is wrong, a line each.
    """

    def __init__(self, text: str, version: KubernetesVersion | None = None) -> None:
        try:
            node = documents.read(text, _MAX_BYTES)
        except documents.DocumentError as exc:
            raise SettingsError([f"line {exc.line}: {exc}"]) from exc
        if node is None:
            node = documents.Mapping({}, {}, 1)
        if not isinstance(node, documents.Mapping):
            raise SettingsError([f"line {node.line}: wants a mapping of cluster facts"])
        problems: list[str] = []
        self._namespaces = _namespaces(Section(node, "", problems), version or NEWEST)
        if problems:
            raise SettingsError(problems)

    @classmethod
    def read(cls, path: Path, version: KubernetesVersion | None = None) -> FileCluster:
        """
        Read the document from a file.

        Raises:
            SettingsError: if it cannot be read or is wrong.
        """
        try:
            return cls(path.read_text(encoding="utf-8"), version)
        except OSError as exc:
            raise SettingsError([f"{path}: {exc.strerror}"]) from exc
        except UnicodeDecodeError as exc:
            raise SettingsError([f"{path}: not UTF-8 text"]) from exc
        except SettingsError as exc:
            raise SettingsError([f"{path}: {problem}" for problem in exc.problems]) from exc

    @property
    def ready(self) -> bool:
        """Nothing has to be waited for."""
        return True

    async def run(self) -> None:
        """Nothing changes: wait until the server ends."""
        await asyncio.Event().wait()

    async def context(self, namespace: str, service_account: str) -> Context:
        """
        Give what the document says.

        Raises:
            ContextUnavailableError: if it does not name the namespace or the service account.
        """
        known = self._namespaces.get(namespace)
        if known is None:
            msg = f"namespace `{namespace}` is not known"
            raise ContextUnavailableError(msg)
        context = known.get(service_account)
        if context is None:
            msg = f"service account `{namespace}/{service_account}` is not known"
            raise ContextUnavailableError(msg)
        return context


def _namespaces(document: Section, version: KubernetesVersion) -> dict[str, _Contexts]:
    document.only("kubernetes-version", "oldest-kubelet", "openshift", "namespaces")
    shared = Context(
        namespace="",
        server_version=document.text("kubernetes-version", version, KubernetesVersion.parse),
        oldest_kubelet=_kubelet(document.section("oldest-kubelet")),
        openshift=document.boolean("openshift", default=False),
    )
    namespaces = document.section("namespaces")
    return {
        name: _namespace(namespaces.section(name), name, shared) for name in namespaces.node.entries
    }


def _kubelet(section: Section) -> Kubelet | None:
    section.only("version", "node")
    text = section.text("version", "", str)
    version = section.text("version", None, KubernetesVersion.parse)
    return None if version is None else Kubelet(version, text, section.text("node", "", str))


def _namespace(section: Section, namespace: str, shared: Context) -> _Contexts:
    section.only("labels", "annotations", "service-accounts", "limit-ranges", "resource-quotas")
    accounts = section.section("service-accounts")
    context = replace(
        shared,
        namespace=namespace,
        namespace_labels=_texts(section.section("labels")),
        namespace_annotations=_texts(section.section("annotations")),
        limit_ranges=tuple(_limit_range(item) for item in section.sections("limit-ranges")),
        quota_resources=frozenset(section.texts("resource-quotas", (), str)),
    )
    found: dict[str, dict[str, str]] = {_IMPLICIT: {}}
    found.update((name, _account(accounts.section(name))) for name in accounts.node.entries)
    return {
        name: replace(context, service_account=name, service_account_annotations=annotations)
        for name, annotations in found.items()
    }


def _account(section: Section) -> dict[str, str]:
    section.only("annotations")
    return _texts(section.section("annotations"))


def _limit_range(section: Section) -> LimitRange:
    section.only("min", "max", "max-limit-request-ratio")
    return LimitRange(
        minimum=_texts(section.section("min")),
        maximum=_texts(section.section("max")),
        max_ratio=_texts(section.section("max-limit-request-ratio")),
    )


def _texts(section: Section) -> dict[str, str]:
    found = {key: section.parsed(key, node, str) for key, node in section.items()}
    return {key: value for key, value in found.items() if value is not None}
