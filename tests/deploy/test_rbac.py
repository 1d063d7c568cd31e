"""Everything that the webhook may do, as an exact list."""

from __future__ import annotations

from tests.deploy.chart import CERT_MANAGER, EVERYTHING, Object, objects

FACTS = {
    ("", resource, verb)
    for resource in ("namespaces", "serviceaccounts", "limitranges", "resourcequotas", "nodes")
    for verb in ("get", "list", "watch")
}
REGISTRATION = "admissionregistration.k8s.io", "mutatingwebhookconfigurations"


def _granted(values: Object | None = None) -> set[tuple[str, ...]]:
    """Give scope, group, resource, name and verb of every rule that is bound to the webhook."""
    made = objects(values)
    roles = {(i["kind"], i["metadata"]["name"]): i for i in made if i["kind"].endswith("Role")}
    return {
        (role["metadata"].get("namespace", "*"), group, resource, name, verb)
        for binding in made
        if binding["kind"].endswith("RoleBinding")
        for role in [roles[binding["roleRef"]["kind"], binding["roleRef"]["name"]]]
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", ["*"])
        for verb in rule["verbs"]
    }


def test_the_webhook_may_do_exactly_this() -> None:
    """Facts are read everywhere; its own Secret, Lease and configuration by name; nothing else."""
    own = {
        ("syrette", "", "secrets", "syrette-certificate", "get"),
        ("syrette", "", "secrets", "syrette-certificate", "update"),
        ("syrette", "coordination.k8s.io", "leases", "syrette-leader", "get"),
        ("syrette", "coordination.k8s.io", "leases", "syrette-leader", "update"),
        ("*", *REGISTRATION, "injection.syrette.dev", "get"),
        ("*", *REGISTRATION, "injection.syrette.dev", "patch"),
    }

    assert _granted() == own | {("*", group, kind, "*", verb) for group, kind, verb in FACTS}


def test_with_a_certificate_on_disk_it_only_reads_facts() -> None:
    """Where another renews the certificate, nothing may be written at all."""
    assert _granted(CERT_MANAGER) == {("*", group, kind, "*", verb) for group, kind, verb in FACTS}


def test_no_value_grants_more() -> None:
    """Switching everything on adds no permission."""
    assert _granted(EVERYTHING) == _granted()


def test_only_the_webhook_s_account_is_bound() -> None:
    """Every binding has one subject, in the namespace of the release."""
    bindings = [i for i in objects(None, "elsewhere") if i["kind"].endswith("RoleBinding")]
    subject = {"kind": "ServiceAccount", "name": "syrette", "namespace": "elsewhere"}

    assert bindings
    assert all(binding["subjects"] == [subject] for binding in bindings)
