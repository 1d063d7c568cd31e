"""`syrette check` against a simulated API server whose tokens a simulated AWS verifies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import ExitCode
from tests.syrette.machine import pod
from tests.syrette.place import EVERYTHING, Place, allow
from worlds import faults
from worlds.aws import AwsWorld
from worlds.kubernetes import KubernetesWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VALUE = "s3cret-of-the-shop"
DB = json.dumps({"username": "shop", "password": VALUE})
MANIFEST = pod(file_db="aws-secretsmanager:prod/db#password", file_key="aws-ssm:/prod/key")


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Place]:
    """A cluster and an AWS with a secret and a parameter; temporary files are watched."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    with AwsWorld() as aws, KubernetesWorld(issuer=aws.issuer) as cluster:
        aws.put_secret("prod/db", DB)
        aws.put_parameter("/prod/key", VALUE)
        yield Place(cluster, aws, tmp_path, patch=monkeypatch, capture=capsys)


def test_every_secret_is_read_as_the_account_and_measured(place: Place) -> None:
    """Identity, version, sizes and region of each; no value, on any channel."""
    said = place.check(MANIFEST)

    assert said.code == 0
    assert "db ← aws-secretsmanager:prod/db#password (aws-secretsmanager): readable" in said.out
    assert said.out.count(":assumed-role/web/syrette-shop-web") == 2
    assert f"{len(DB)} bytes, served by eu-west-1" in said.out
    assert f"becomes: {len(VALUE)} bytes" in said.out
    assert place.aws.journal.principals("GetSecretValue") == (
        "arn:aws:sts::111122223333:assumed-role/web/syrette-shop-web",
    )
    assert VALUE not in said.out + said.err


def test_the_document_says_the_same(place: Place) -> None:
    """`-o json` for programs, with the same exit code in it."""
    said = place.check(MANIFEST, "-o", "json")
    [workload] = said.json["workloads"]
    db, key = workload["secrets"]

    assert (said.code, said.json["exitCode"]) == (0, 0)
    assert (said.json["namespace"], said.json["serviceAccount"]) == ("shop", "web")
    assert workload["name"] == "Pod/web"
    assert db["identity"].endswith(":assumed-role/web/syrette-shop-web")
    assert (db["readable"], db["storedBytes"], db["writtenBytes"]) == (True, len(DB), len(VALUE))
    assert (key["version"], key["servedBy"], key["problem"]) == ("1", "eu-west-1", None)
    assert VALUE not in said.out


def test_a_token_is_asked_for_once_an_audience_and_nothing_stays(
    place: Place, tmp_path: Path
) -> None:
    """Two secrets of one audience need one token, which its owner alone can read meanwhile."""
    folder = tmp_path / "temporary"
    seen: list[tuple[str, int, int]] = []

    def look() -> None:
        for path in folder.glob("syrette-check-*"):
            found = [file for file in path.rglob("*") if file.is_file()]
            seen.extend((file.name, _mode(path), _mode(file)) for file in found)

    place.aws.faults.add(faults.before(look), on="sts")
    said = place.check(MANIFEST)
    left = list(folder.glob("syrette-check-*"))

    assert said.code == 0
    assert place.cluster.journal.count("post serviceaccounts/token") == 1
    assert place.aws.journal.count("AssumeRoleWithWebIdentity") == 1
    assert seen == [("sts.amazonaws.com", 0o700, 0o600)]
    assert left == []


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_without_the_right_to_tokens_it_says_what_to_ask_for(place: Place) -> None:
    """A Role with resourceNames, and the example; AWS is not asked."""
    place.cluster.permissions.deny("create", "serviceaccounts/token", but="other")
    said = place.check(MANIFEST)

    assert said.code == 2
    for word in ("Role in namespace `shop`", "`create`", "serviceaccounts/token"):
        assert word in said.err
    assert "`resourceNames: [web]`, as in examples/guard-rails/check-per-tenant.yaml" in said.err
    assert place.aws.journal.entries == ()


def test_a_right_to_tokens_of_the_named_account_suffices(place: Place) -> None:
    """With `resourceNames: [web]` and nothing of nodes and limits: notes, and the answer."""
    place.cluster.permissions.deny("create", "serviceaccounts/token", but="web")
    for resource in ("nodes", "limitranges", "resourcequotas"):
        place.cluster.permissions.deny("list", resource)
    said = place.check(MANIFEST)

    assert said.code == 0
    assert said.err.count("warning: you may not list") == 3


def test_no_other_account_than_the_named_one_gets_a_token(place: Place) -> None:
    """A manifest of somebody else's cannot choose the account, nor the namespace."""
    other = MANIFEST.replace("serviceAccountName: web", "serviceAccountName: admin")
    codes = [place.check(other), place.check(MANIFEST.replace("namespace: shop", "namespace: ops"))]

    assert [said.code for said in codes] == [2, 2]
    assert "Pod/web: runs as service account `admin`, not `web`" in codes[0].err
    assert "Pod/web: is in namespace `ops`, not `shop`" in codes[1].err
    assert place.cluster.journal.entries == ()


def test_annotations_of_the_cluster_are_defaults(place: Place) -> None:
    """Those of the cluster's namespace count, not those of a manifest beside the pod."""
    place.cluster.apply(
        "namespaces", "shop", metadata={"annotations": {"syrette.dev/aws.region": "eu-central-1"}}
    )
    place.aws.put_secret("prod/eu", "x", region="eu-central-1")
    manifest = pod(file_x="aws-secretsmanager:prod/eu").replace(
        "    syrette.dev/aws.region: eu-west-1\n", ""
    )
    beside = (
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"
        "  annotations: {syrette.dev/aws.region: us-east-1}\n---\n"
    )
    said = place.check(beside + manifest, "-o", "json")

    assert said.code == 0
    assert said.json["workloads"][0]["secrets"][0]["servedBy"] == "eu-central-1"


def test_limits_of_the_namespace_are_facts_of_the_decision(place: Place) -> None:
    """What the webhook would warn of is said here; limits of other namespaces are not ours."""
    place.cluster.apply(
        "limitranges",
        "tight",
        namespace="shop",
        spec={"limits": [{"type": "Container", "max": {"memory": "1Mi"}}]},
    )
    tight = place.check(MANIFEST)
    place.cluster.delete("limitranges", "tight", namespace="shop")
    place.cluster.apply(
        "limitranges",
        "tight",
        namespace="ops",
        spec={"limits": [{"type": "Container", "max": {"memory": "1Mi"}}]},
    )
    wide = place.check(MANIFEST)

    assert (tight.code, wide.code) == (0, 0)
    assert "warning: Pod/web: a LimitRange leaves the injector 1Mi of memory" in tight.err
    assert "LimitRange" not in wide.err


def test_a_pod_that_would_be_denied_is_not_read(place: Place) -> None:
    """The denial's lines, on standard error; nobody is asked for a token."""
    said = place.check(pod(file_key="aws-ssm:/prod/key", fil_e="aws-ssm:/prod/key"))

    assert said.code == 2
    assert "Pod/web: syrette.dev/fil.e: no such annotation" in said.err
    assert place.cluster.journal.count("post serviceaccounts/token") == 0


@pytest.mark.parametrize("missing", ["audience", "trust", "policy", "kms", "name"])
def test_what_is_missing_is_said_with_the_injectors_reason(place: Place, missing: str) -> None:
    """Login, permission, key or name: its own class of exit code, and what to do."""
    code, words = _take_away(place, missing)
    said = place.check(MANIFEST, "-o", "json")
    db = said.json["workloads"][0]["secrets"][0]
    told = place.check(MANIFEST).out

    assert said.code == code
    assert not db["readable"]
    assert db["problem"]["reason"] in told
    for word in words:
        assert word in db["problem"]["remedy"]
        assert word in told
    assert f"to do: {db['problem']['remedy']}" in told


def _take_away(place: Place, missing: str) -> tuple[int, tuple[str, ...]]:
    account, issuer = place.aws.account(), place.aws.issuer
    if missing == "audience":
        account.trust_issuer(issuer, ("somebody-else",))
        return ExitCode.IDENTITY, ('<issuer>:aud": "sts.amazonaws.com"',)
    if missing == "trust":
        account.web_identity_role("web", issuer, "shop", "another", EVERYTHING)
        return ExitCode.IDENTITY, ("trust policy",)
    if missing == "policy":
        place.role.set_policies(allow("ssm:*"))
        return ExitCode.DENIED, ("secretsmanager:GetSecretValue",)
    if missing == "kms":
        place.aws.put_secret("prod/db", DB, kms_key=place.aws.kms_key())
        place.role.set_policies(allow("secretsmanager:*", "ssm:*"))
        return ExitCode.DENIED, ("kms:Decrypt",)
    place.aws.delete("prod/db")
    return ExitCode.NOT_FOUND, ()


def test_one_that_fails_hides_no_other(place: Place) -> None:
    """The parameter is readable all the same, and the count is at the end."""
    place.role.set_policies(allow("ssm:*"))
    said = place.check(MANIFEST)

    assert said.code == ExitCode.DENIED
    assert "key ← aws-ssm:/prod/key (aws-ssm): readable" in said.out
    assert "1 of 2 failed" in said.out


def test_every_source_that_fails_is_said(place: Place) -> None:
    """A person mends all of them, where the injector names the first."""
    item = (
        '[{"from": {"a": "aws-secretsmanager:prod/none", "b": "aws-ssm:/prod/none"}, "file": "x", '
        '"template": "{{ a }} {{ b }}"}]'
    )
    said = place.check(pod(secrets=item))

    assert said.code == ExitCode.NOT_FOUND
    assert "aws-secretsmanager:prod/none (aws-secretsmanager): not-found" in said.out
    assert "aws-ssm:/prod/none (aws-ssm): not-found" in said.out
    assert "2 of 2 failed" in said.out


def test_a_network_that_is_closed_is_its_own_class(place: Place) -> None:
    """The injector's words for what refuses connections in clusters."""
    place.aws.go_down()
    said = place.check(pod(file_key="aws-ssm:/prod/key"))

    assert said.code == ExitCode.UNAVAILABLE
    assert "refused the connection" in said.out
    assert "NetworkPolicy" in said.out


def test_what_cannot_be_rendered_is_no_success(place: Place) -> None:
    """The secret can be read, its size is said, and yet the pod would not start."""
    said = place.check(pod(file_db="aws-secretsmanager:prod/db#pasword"))

    assert said.code == ExitCode.RENDER
    assert "selector-not-found" in said.out
    assert f"{len(DB)} bytes" in said.out
    assert VALUE not in said.out + said.err


def test_an_optional_secret_may_be_absent(place: Place) -> None:
    """The pod would start, so that it is no failure; it is said."""
    item = '[{"from": "aws-secretsmanager:prod/none", "file": "x", "optional": true}]'
    said = place.check(pod(secrets=item))

    assert said.code == 0
    assert "absent, which the pod allows" in said.out


def test_pod_identity_is_said_to_need_a_node(place: Place) -> None:
    """Its agent is on nodes; what a laptop cannot reach is no fault of the role."""
    said = place.check(pod(aws_auth="pod-identity", file_key="aws-ssm:/prod/key"))

    assert "answers on nodes of EKS only" in said.out


@pytest.mark.parametrize("absent", ["namespaces", "serviceaccounts"])
def test_what_is_not_there_is_bad_input(place: Place, absent: str) -> None:
    """A namespace or an account by another name is a mistake of whoever typed it."""
    name, namespace = ("shop", "") if absent == "namespaces" else ("web", "shop")
    place.cluster.delete(absent, name, namespace=namespace)
    said = place.check(MANIFEST)

    assert said.code == 2
    assert "there is no " in said.err


def test_a_cluster_that_does_not_answer_is_said(place: Place) -> None:
    """Nothing is known of the secrets then: neither success nor a class of failure."""
    place.cluster.go_down()
    said = place.check(MANIFEST)

    assert said.code == 2
    assert "the cluster cannot be asked: GET /api/v1/namespaces/shop" in said.err
    assert said.out == ""
