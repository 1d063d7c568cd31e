"""Pods whose secrets are in the real OpenBao, by a TokenReview of the real API server or by AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e import vault
from tests.e2e.conftest import VALUE
from tests.e2e.kubectl import all_text, create, eventually, kubectl
from tests.e2e.workloads import is_ready, pod, read

if TYPE_CHECKING:
    from tests.e2e.conftest import Place
    from tests.e2e.vault import Vault


def shown(namespace: str, name: str) -> str:
    """Everything that is said of a pod anywhere but in its files."""
    return (
        all_text("-n", namespace, "get", "pods", "-o", "yaml")
        + all_text("-n", namespace, "get", "events", "-o", "yaml")
        + all_text("-n", namespace, "logs", name, "-c", "syrette-init")
        + all_text("-n", namespace, "logs", name, "-c", "syrette-sidecar")
        + all_text("-n", "syrette", "logs", "-l", "app.kubernetes.io/name=syrette", "--tail=-1")
    )


def test_a_pod_logs_in_by_its_service_account_once_for_its_life(
    openbao: Vault, place: Place
) -> None:
    """The API server has said whose token it is; what is rotated comes by the same token."""
    name = f"prod/{place.namespace}"
    openbao.put(name, password=VALUE)
    annotations = {
        "file.db": f"team:secret/{name}#password",
        "refresh": "2s",
        **openbao.store(openbao.kubernetes_role(place)),
    }
    create(pod("reads", place.namespace, annotations))
    is_ready(place.namespace, "reads")
    first = read(place.namespace, "reads", "/secrets/db")
    openbao.put(name, password=f"{VALUE}-rotated")
    eventually(lambda: read(place.namespace, "reads", "/secrets/db") == f"{VALUE}-rotated")
    text = shown(place.namespace, "reads")
    known = {"service_account_name": "web", "service_account_namespace": place.namespace}
    accessors = {entry["accessor"] for entry in openbao.audit(f"secret/data/{name}", **known)}
    living = openbao.tokens()
    kubectl("-n", place.namespace, "delete", "pod", "reads")

    assert first == VALUE
    assert "syrette-sidecar" in text
    assert VALUE not in text
    [accessor] = accessors
    assert accessor in living
    assert accessor not in openbao.tokens()
    [end] = openbao.audit("auth/token/revoke-self", **known)
    assert end["accessor"] == accessor


def test_a_pod_logs_in_by_its_aws_role(openbao: Vault, place: Place) -> None:
    """The world replays what the pod has signed to the cluster's AWS, which says who it is."""
    annotations = {
        "file.db": "team:secret/prod/db#password",
        **openbao.store(openbao.aws_role(place), auth="aws", aws_server_id=vault.SERVER_ID),
    }
    create(pod("signs", place.namespace, annotations))
    is_ready(place.namespace, "signs")
    content = read(place.namespace, "signs", "/secrets/db")
    text = shown(place.namespace, "signs")
    session = f":assumed-role/{place.role}/"
    logins = [entry for entry in openbao.journal("Login") if session in entry["principal"]]
    known = {"role": f"aws-{place.namespace}"}
    accessors = {entry["accessor"] for entry in openbao.audit("secret/data/prod/db", **known)}
    kubectl("-n", place.namespace, "delete", "pod", "signs")

    assert content == VALUE
    assert VALUE not in text
    assert "AWS4-HMAC" not in text
    assert [entry["outcome"] for entry in logins] == ["ok"]
    [accessor] = accessors
    assert accessor not in openbao.tokens()
    assert len(openbao.audit("auth/token/revoke-self", **known)) == 1


def test_a_pod_that_reads_once_leaves_no_token(openbao: Vault, place: Place) -> None:
    """Without a sidecar init gives its token back, and the pod works on."""
    annotations = {
        "file.db": "team:secret/prod/db#password",
        "refresh": "never",
        **openbao.store(openbao.kubernetes_role(place)),
    }
    create(pod("once", place.namespace, annotations))
    found = is_ready(place.namespace, "once")
    known = {"service_account_namespace": place.namespace}
    [entry] = openbao.audit("secret/data/prod/db", **known)

    assert [one["name"] for one in found["spec"]["initContainers"]] == ["syrette-init"]
    assert read(place.namespace, "once", "/secrets/db") == VALUE
    assert entry["accessor"] not in openbao.tokens()
