"""
Writes `deploy/manifests/syrette.yaml` from the chart: `python -m deploy.render_manifests`.

The chart with its default values in the namespace `syrette`, for people who install without Helm.
A test compares; nobody edits the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import helm_python
import yaml

CHART: Final = Path(__file__).parent / "helm" / "syrette"
MANIFESTS: Final = Path(__file__).parent / "manifests" / "syrette.yaml"
NAMESPACE: Final = "syrette"
_HEAD: Final = f"""\
# Written from deploy/helm/syrette by `make manifests`; a test compares.
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""
# What others refer to comes first; the webhook is asked only when all the rest is there.
_ORDER: Final = (
    "PriorityClass",
    "NetworkPolicy",
    "ServiceAccount",
    "Secret",
    "Lease",
    "ConfigMap",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "PodDisruptionBudget",
    "Deployment",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
)


def render(values: dict[str, Any] | None = None, namespace: str = NAMESPACE) -> dict[str, str]:
    """
    Give the chart's texts by template, as Helm would install them.

    Raises:
        helm_python.HelmValuesError: if the schema refuses the values.
    """
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(values or {})
        rendered: dict[str, str] = chart.render(values, name="syrette", namespace=namespace)
    return rendered


def documents(values: dict[str, Any] | None = None, namespace: str = NAMESPACE) -> list[str]:
    """Give the text of every object."""
    rendered = render(values, namespace)
    texts = [text for name, text in sorted(rendered.items()) if name.endswith(".yaml")]
    parts = [part.strip("\n") for text in texts for part in text.split("\n---\n")]
    return [part + "\n" for part in parts if yaml.safe_load(part)]


def objects(
    values: dict[str, Any] | None = None, namespace: str = NAMESPACE
) -> list[dict[str, Any]]:
    """Give every object."""
    return [yaml.safe_load(text) for text in documents(values, namespace)]


def manifests() -> str:
    """Give the whole file."""
    texts = sorted(documents(), key=lambda text: _ORDER.index(yaml.safe_load(text)["kind"]))
    return "---\n".join([_HEAD, *texts])


def main() -> None:
    """Write the file."""
    MANIFESTS.write_text(manifests(), encoding="utf-8")


if __name__ == "__main__":
    main()
