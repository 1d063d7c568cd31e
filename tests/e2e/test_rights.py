"""What the webhook's account may do, and what the examples' guard rail lets others do."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.e2e.installation import NAMESPACE
from tests.e2e.kubectl import apply, create, eventually, kubectl
from tests.e2e.load import DB, injected, unscheduled
from tests.e2e.operator import ROOT

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

PARAMETER = {"file.key": "aws-ssm:/prod/api-key"}
GUARD_RAIL = ROOT / "examples" / "guard-rails" / "stores-by-service-account.yaml"


def test_the_guard_rail_of_the_examples_holds(place: Place) -> None:
    """A service account asks for the stores that its namespace's list has, and for no others."""
    text = GUARD_RAIL.read_text(encoding="utf-8").replace("namespace: shop", "namespace: HERE")
    rail = list(yaml.safe_load_all(text.replace("HERE", place.namespace)))
    rail[-1]["data"] = {"web": "^aws-ssm:"}
    kubectl("label", "namespace", place.namespace, "acme.io/stores=limited")
    apply(*rail)
    numbers = itertools.count()

    def refused() -> str:
        made = unscheduled(f"other-{next(numbers)}", place.namespace, DB)
        return create(made, check=False).err

    try:
        said = eventually(lambda: text if "may not use a store" in (text := refused()) else "")
        made = create(unscheduled("own", place.namespace, PARAMETER)).json
    finally:
        for one in rail[:2]:
            kubectl("delete", one["kind"], one["metadata"]["name"])

    assert "the service account web may not use a store that the pod asks for" in said
    assert injected(made)


def _rules(account: str, namespace: str) -> set[tuple[str, ...]]:
    """Ask the API server what an account may do there: group, resource, name and verb."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    found = kubectl(
        *("create", "-o", "json", "-f", "-", "--validate=false"),
        f"--as=system:serviceaccount:{NAMESPACE}:{account}",
        "--as-group=system:authenticated",
        "--as-group=system:serviceaccounts",
        f"--as-group=system:serviceaccounts:{NAMESPACE}",
        stdin=str(review).replace("'", '"'),
    ).json["status"]
    assert not found["incomplete"]
    return {
        (group, resource, name, verb)
        for rule in found["resourceRules"]
        for group in rule.get("apiGroups", [""])
        for resource in rule.get("resources", [])
        for name in rule.get("resourceNames", ["*"])
        for verb in rule["verbs"]
    }


FACTS = {
    ("", resource, "*", verb)
    for resource in ("namespaces", "serviceaccounts", "limitranges", "resourcequotas", "nodes")
    for verb in ("get", "list", "watch")
}
REGISTRATION = {
    (
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
        "injection.syrette.dev",
        verb,
    )
    for verb in ("get", "patch")
}
OWN = {
    (*what, verb)
    for what in (
        ("", "secrets", "syrette-certificate"),
        ("coordination.k8s.io", "leases", "syrette-leader"),
    )
    for verb in ("get", "update")
}


@pytest.mark.parametrize(
    ("namespace", "wanted"),
    [(NAMESPACE, FACTS | REGISTRATION | OWN), ("default", FACTS | REGISTRATION)],
)
def test_the_webhook_may_do_exactly_this(
    syrette: dict[str, object], namespace: str, wanted: set[tuple[str, ...]]
) -> None:
    """The API server's own list, without what it lets every service account do."""
    assert syrette
    assert _rules("syrette", namespace) - _rules("nobody", namespace) == wanted
