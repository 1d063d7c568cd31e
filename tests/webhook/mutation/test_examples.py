"""The examples that people copy are admitted, and become what their comments say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from syrette import manifests
from tests.webhook.mutation.pods import admit, container, patched, plan_of, pod, schema_errors
from webhook import settings
from webhook.context import Context
from webhook.review import Allowed

FOLDER = Path(__file__).parents[3] / "examples"
WORKLOADS = sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != "operator")


OPERATOR = settings.load((FOLDER / "operator.yaml").read_text())
NEEDS_THE_OPERATOR = {"vault"}
"""Addresses of Vault are the operator's to give."""


def _example(name: str) -> tuple[dict[str, Any], Context]:
    """The pod of an example's workload, in the namespace and with the account that it names."""
    documents = list(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text()))
    (workload,) = manifests.workloads(documents)
    found = {it["kind"]: it["metadata"].get("annotations", {}) for it in documents}
    account = workload.template["spec"]["serviceAccountName"]
    document = {"apiVersion": "v1", "kind": "Pod", **workload.template}
    return document, Context(
        "shop",
        namespace_annotations=found.get("Namespace", {}),
        service_account=account,
        service_account_annotations=found.get("ServiceAccount", {}),
    )


@pytest.mark.parametrize("name", WORKLOADS)
def test_an_example_is_admitted(name: str) -> None:
    """Nothing is wrong with it, and what it becomes is a pod of Kubernetes."""
    document, around = _example(name)
    operator = OPERATOR if name in NEEDS_THE_OPERATOR else settings.Settings()
    verdict = admit(document, around, operator)

    assert isinstance(verdict, Allowed), verdict
    assert schema_errors(patched(document, around, operator)) == []


def test_the_readme_s_secrets_of_vault_are_admitted() -> None:
    """What stands there is enough, with the operator's address."""
    blocks = re.findall(r"```yaml\n(.*?)```", (FOLDER.parent / "README.md").read_text(), re.DOTALL)
    (asked,) = [found for found in map(yaml.safe_load, blocks) if "kind" not in found]

    assert isinstance(admit(pod(asked), settings=OPERATOR), Allowed)


def test_variables_are_there_for_what_refers_to_them() -> None:
    """Only the selected container gets them, in front of the user's own."""
    result = patched(*_example("variables"))
    names = [entry["name"] for entry in container(result, "api")["env"]]

    assert names == ["API_TOKEN", "PGPASSWORD", "PGUSER", "DATABASE_URL"]
    assert [entry["name"] for entry in container(result, "metrics")["env"]] == ["API_TOKEN"]


def test_a_rotation_is_told_by_a_signal() -> None:
    """The sidecar runs as nginx does and sees its processes."""
    result = patched(*_example("rotation"))
    sidecar = container(result, "syrette-sidecar")

    assert result["spec"]["shareProcessNamespace"] is True
    assert sidecar["securityContext"]["runAsUser"] == 101
    assert plan_of(result).secrets[0].refresh == 60.0


def test_a_job_has_no_sidecar() -> None:
    """It fetches once."""
    result = patched(*_example("job"))

    assert [item["name"] for item in result["spec"]["initContainers"]] == ["syrette-init"]


def test_defaults_come_from_where_they_stand() -> None:
    """Role and prefix are not the pod's own."""
    plan = plan_of(patched(*_example("team-defaults")))

    assert plan.stores[0].text("role-arn") == "arn:aws:iam::111122223333:role/shop-web"
    assert [str(it.reference) for it in plan.secrets[0].sources] == [
        "aws-ssm:/prod/shop/db/password",
        "aws-ssm:/prod/shop/db/user",
    ]


def test_a_user_of_the_database_and_a_certificate_are_vault_s() -> None:
    """By the operator's Vault and role, under the operator's rule."""
    plan = plan_of(patched(*_example("vault"), OPERATOR))

    assert [store.text("role") for store in plan.logins] == ["shop_web"]
    assert [it.target for it in plan.secrets] == ["api-key", "db.conf", "tls"]
