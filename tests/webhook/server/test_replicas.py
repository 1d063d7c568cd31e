"""Pods that come again get the bytes that a decision would give, and only they."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from benchmarks import pods
from injector.contract.reasons import Reason
from tests.webhook.server.test_admission import INJECTED, Decider, admission, pod
from webhook import replicas, review, settings
from webhook.admission import PodAdmission
from webhook.cluster import FileCluster
from webhook.context import Context
from webhook.decisions import Decision, Outcome
from webhook.log import Log
from webhook.replicas import Replicas
from webhook.review import Allowed, Denied, Operation

if TYPE_CHECKING:
    from webhook.replicas import Replica

FIXTURES = {
    path.stem: path.read_text()
    for path in sorted((Path(__file__).parents[2] / "fixtures" / "pods").glob("*.yaml"))
}
FACTS: dict[str, Any] = {"namespaces": {"shop": {"service-accounts": {"web": {}}}}}


def _again(first: bytes, **changes: tuple[str, str]) -> bytes:
    """Change a review's text."""
    text = first.decode()
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def _replica(body: bytes) -> Replica:
    found = replicas.read(body)
    assert found is not None
    return found


async def test_the_second_pod_of_a_template_is_not_decided_again() -> None:
    """It gets the same bytes around its own uid, and its own names in the decision line."""
    decider = Decider()
    server = admission(decider)
    first = await server.mutate(pod())
    body = _again(pod(), uid=("u-1", "u-2"), name=("web-", "web-2-"), owner=("ReplicaSet", "Job"))
    second = await server.mutate(body)

    assert len(decider.asked) == 1
    assert second.body == first.body.replace(b'"u-1"', b'"u-2"')
    assert (second.decision.uid, second.decision.pod) == ("u-2", "web-2-")
    assert second.decision.owner_kind == "Job"
    assert second.decision.secrets == first.decision.secrets == 2


@pytest.mark.parametrize(
    "change",
    [
        ('"name":"app"', '"name":"other"'),
        ("aws-ssm:/a", "aws-ssm:/b"),
        ('"ledger"', '"default"'),
        ('"CREATE"', '"UPDATE"'),
    ],
    ids=["spec", "annotations", "service-account", "operation"],
)
async def test_whatever_decides_is_decided_anew(change: tuple[str, str]) -> None:
    """Another spec, annotation, account or operation is another template, or none."""
    decider = Decider()
    server = admission(decider)
    first = await server.mutate(pod())
    decider.verdict = Allowed()
    second = await server.mutate(_again(pod(), change=change))

    assert b'"patch"' in first.body
    assert b'"patch"' not in second.body


async def test_facts_that_changed_are_decided_on() -> None:
    """The same bytes in a namespace with another label are another decision."""
    decider = Decider()
    server = admission(decider)
    await server.mutate(pod())
    server._cluster = FileCluster(
        "namespaces: {payments: {labels: {team: x}, service-accounts: {ledger: }}}"
    )
    await server.mutate(pod())
    server._cluster = FileCluster("{}")
    unknown = await server.mutate(pod())

    assert len(decider.asked) == 2
    assert unknown.decision.reason is Reason.CONTEXT_UNAVAILABLE


@pytest.mark.parametrize("verdict", [Denied(Reason.POLICY_DENIED, "no"), RuntimeError("x")])
async def test_a_denial_is_never_remembered(verdict: Denied | Exception) -> None:
    """A defect or a policy that is mended is seen by the next pod."""
    decider = Decider(verdict)
    server = admission(decider)
    first = await server.mutate(pod())
    decider.verdict = INJECTED
    second = await server.mutate(pod())

    assert (first.decision.verdict, second.decision.verdict) == (Outcome.DENIED, Outcome.ALLOWED)


def _with_token_volume(name: str, **more: object) -> bytes:
    spec = {
        "serviceAccountName": "ledger",
        "volumes": [{"name": name}],
        "containers": [{"name": "app", "volumeMounts": [{"name": name}]}],
        **more,
    }
    annotations = {"syrette.dev/file.a": "aws-ssm:/a"}
    return pod(change={"object": {"metadata": {"annotations": annotations}, "spec": spec}})


def test_the_volume_that_the_api_server_names_makes_no_difference() -> None:
    """Pods that differ in its five letters are of one template; any other difference counts."""
    first = _replica(_with_token_volume("kube-api-access-abcde")).template

    assert _replica(_with_token_volume("kube-api-access-xyz12")).template == first
    assert _replica(_with_token_volume("kube-api-access-xyz123")).template != first
    assert _replica(_with_token_volume("cache")).template != first


def test_two_such_names_stay_two() -> None:
    """Names that differ within one pod are not made one: what mounts which would be lost."""
    both = _with_token_volume("kube-api-access-abcde", hostname="kube-api-access-fghij")
    same = _with_token_volume("kube-api-access-abcde", hostname="kube-api-access-abcde")

    assert _replica(both).template != _replica(same).template


def test_a_name_that_the_annotations_know_is_kept() -> None:
    """An annotation may name a container that is called so."""
    one, other = (
        _again(_with_token_volume(f"kube-api-access-{end}"), key=("/file.a", f"/file.{named}"))
        for end, named in (
            ("abcde", "kube-api-access-abcde"),
            ("fghij", "kube-api-access-abcde"),
        )
    )

    assert _replica(one).template != _replica(other).template


async def test_an_answer_with_the_name_in_it_is_not_given_to_others() -> None:
    """The next pod would get its predecessor's name."""
    named = Operation("/spec/containers/0/env/0", {"value": "kube-api-access-abcde"})
    decider = Decider(Allowed(operations=(named,)))
    server = admission(decider)
    await server.mutate(_with_token_volume("kube-api-access-abcde"))
    await server.mutate(_with_token_volume("kube-api-access-fghij"))

    assert len(decider.asked) == 1 + 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        pod(change={"subResource": "ephemeralcontainers"}),
        pod(change={"operation": "DELETE"}),
        pod(change={"kind": {"group": "apps", "version": "v1", "kind": "Pod"}}),
        pod(change={"object": None}),
        pod(change={"object": {"metadata": {"name": 1}, "spec": {}}}),
        pod(change={"uid": ""}),
        pod().replace(b"admission.k8s.io/v1", b"admission.k8s.io/v2"),
    ],
    ids=range(10),
)
def test_what_is_no_plain_creation_is_not_known(body: bytes) -> None:
    """It takes the long way, where it is said what is wrong with it."""
    assert replicas.read(body) is None


def _answer(uid: str, size: int) -> bytes:
    return b'{"response":{"uid":' + json.dumps(uid).encode() + b',"x":"' + b"x" * size + b'"}}'


def _kept(known: Replicas, number: int, size: int = 1000) -> Replica:
    replica = _replica(_again(pod(), spec=('"app"', f'"app{number:02}"')))
    decision = Decision(Outcome.ALLOWED, service_account="ledger")
    known.keep(replica, Context("payments"), _answer(replica.uid, size), decision)
    return replica


def test_what_is_remembered_is_bounded_and_the_latest_used_stays() -> None:
    """Bytes are counted; the one that was not asked for longest goes first."""
    known = Replicas(max_bytes=4500)
    first, second, third = (_kept(known, number) for number in range(3))
    asked = known.answer(first, Context("payments"))
    for number in range(3, 6):
        _kept(known, number)

    assert asked is not None
    assert known.bytes <= 4500
    assert known.answer(first, Context("payments")) is not None
    assert known.answer(second, Context("payments")) is None
    assert known.answer(third, Context("payments")) is None


def test_keeping_the_same_again_takes_no_more() -> None:
    """A template whose facts changed takes the place of what was known of it."""
    known = Replicas()
    _kept(known, 1)
    before = known.bytes
    _kept(known, 1)

    assert (len(known), known.bytes) == (1, before)


def test_the_decision_line_says_of_a_replica_what_it_said_of_the_first() -> None:
    """All fields but the pod's own, whatever fields there are."""
    known = Replicas()
    replica = _replica(pod())
    values = {row.name: f"x-{row.name}" for row in fields(Decision)}
    first = Decision(**{**values, "verdict": Outcome.ALLOWED})  # type: ignore[arg-type]
    known.keep(replica, Context("payments"), _answer(replica.uid, 10), first)
    found = known.answer(replica, Context("payments"))
    own = {"uid": "u-1", "pod": "web-", "owner_kind": "ReplicaSet", "dry_run": False}

    assert found is not None
    assert found[1] == replace(first, **own)  # type: ignore[arg-type]


def test_a_giant_is_not_kept() -> None:
    """One pod cannot push all others out."""
    known = Replicas()
    _kept(known, 1, size=1 << 20)

    assert len(known) == 0


def test_a_uid_that_looks_like_the_answer_is_put_in_its_place_only() -> None:
    """Whatever a uid is called, it is the answer's first one."""
    known = Replicas()
    replica = _replica(pod(change={"uid": "response"}))
    body = review.encode("response", INJECTED)
    known.keep(replica, Context("payments"), body, Decision(Outcome.ALLOWED))
    found = known.answer(_replica(_again(pod())), Context("payments"))

    assert found is not None
    assert found[0] == review.encode("u-1", INJECTED)


def _server() -> PodAdmission:
    return PodAdmission(settings.load(""), FileCluster(json.dumps(FACTS)), log=Log(2))


def _posted(document: dict[str, Any], number: int) -> bytes:
    """Wrap a fixture as the API server does, with a token volume of this pod's own."""
    name = f"kube-api-access-{number:05}"
    spec = dict(document["spec"])
    spec["serviceAccountName"] = "web"
    spec["volumes"] = [*(spec.get("volumes") or []), {"name": name, "projected": {}}]
    return pods.review({**document, "spec": spec}).replace(b"#####", f"{number:05}".encode())


@pytest.mark.parametrize("text", FIXTURES.values(), ids=FIXTURES.keys())
async def test_a_remembered_answer_is_what_a_decision_would_have_been(text: str) -> None:
    """For pods of every shape: byte for byte, whether the server knew the template or not."""
    document = yaml.safe_load(text)
    if document["kind"] != "Pod":
        template = document["spec"]["template"]
        document = {"apiVersion": "v1", "kind": "Pod", **template}
    server = _server()
    await server.mutate(_posted(document, 1))
    second = await server.mutate(_posted(document, 2))
    fresh = await _server().mutate(_posted(document, 2))

    assert second == fresh
    assert re.search(rb'"uid":"[^"]*00002"', second.body)
