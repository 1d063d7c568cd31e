"""Annotations of Vault's injector become ours, and whatever does not is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from syrette.convert import Converted, convert, table
from syrette.convert.findings import Fate
from tests.syrette.converting import SPEC, converted, ours, plan, pod

CASES = [
    case
    for path in sorted((Path(__file__).parent / "convert_cases" / "pods").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())
]
DOMAIN = "vault.hashicorp.com/"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"])
def test_annotations_become_these(case: dict[str, Any]) -> None:
    """Ours are those of the case, in their order, and the webhook admits the pod."""
    result = converted(case["theirs"], case.get("spec"))

    assert list(ours(result).items()) == list(case["ours"].items())
    assert plan(result) is not None or not _asks(result)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"])
def test_the_report_says_this(case: dict[str, Any]) -> None:
    """Findings, notes and what is left to do hold the words of the case."""
    result = converted(case["theirs"], case.get("spec"))
    (report,) = result.reports
    said = {it.key.removeprefix(DOMAIN): (str(it.fate), it.text) for it in report.findings}
    missing = {
        key: said[key]
        for key, (fate, words) in case.get("findings", {}).items()
        if said[key][0] != fate or words not in said[key][1]
    }

    assert missing == {}
    assert list(said) == list(case["theirs"])
    for given_lines, wanted in ((report.notes, "notes"), (result.todo, "todo")):
        assert _unsaid(given_lines, case.get(wanted, [])) == []
    assert len(result.todo) == len(case.get("todo", result.todo))


def _unsaid(lines: tuple[str, ...], wanted: list[str]) -> list[str]:
    return [start for start in wanted if not any(line.startswith(start) for line in lines)]


def _asks(result: Converted) -> bool:
    annotations = ours(result)
    return annotations.get("inject") != "false" and any(
        key.startswith(("file.", "secrets")) for key in annotations
    )


def test_every_annotation_of_theirs_is_in_the_table() -> None:
    """The 74 of the release that was read, of which one is a prefix and some have two rows."""
    both = {"preserve-secret-case", "secret-volume-path"}

    assert len(set(table.TABLE) - {f"{key}-" for key in both}) == 74


VALUES = {
    "agent-inject": ("true", "false", "1", "yes", ""),
    "agent-inject-containers": ("app", "app,worker", " app", ""),
    "agent-inject-template-": (
        '{{ with secret "secret/data/a" }}{{ .Data.data.x }}\n{{ end }}',
        '{{ with secret "kv/a" }}{{ .Data | toJSON }}{{ end }}',
        '{{ env "HOME" }}',
    ),
    "agent-inject-secret-": ("secret/data/a", "kv/a", "kv", "a b/c?d#e%41", "/"),
    "agent-inject-file-": ("x", "a/b", "../x", "/x", "a" * 300, "ü"),
    "agent-inject-perms-": ("0400", "0777", "000", "x"),
    "service": ("https://vault.acme.io:8200", "vault"),
    "secret-volume-path": ("/etc/x", "/", "x", "/proc"),
    "secret-volume-path-": ("/etc/y", "/vault/secrets", "y:z"),
    "auth-type": ("kubernetes", "jwt", "approle"),
    "auth-path": ("auth/kubernetes", "auth/x/y", "x", "auth/"),
    "agent-limits-mem": ("128Mi", "1", ""),
    "agent-requests-mem": ("64Mi", ""),
}
"""Values that mean something to an annotation, beside what means nothing to any."""
ODD = st.sampled_from(("", " ", "true", "false", "x", "10", "5m", "ü", "a\nb", "{{ x"))


@st.composite
def _annotations(draw: st.DrawFn) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in draw(st.lists(st.sampled_from([*table.TABLE, "bogus"]), max_size=12)):
        name = key + draw(st.sampled_from(("a", "B", "a.b"))) if key.endswith("-") else key
        meant = VALUES.get(key)
        found[name] = draw(st.sampled_from(meant) | ODD if meant else ODD)
    return found


@given(_annotations(), st.sampled_from(("app", "worker")))
def test_nothing_is_lost_and_everything_is_admitted(theirs: dict[str, str], name: str) -> None:
    """
    Each annotation is told of once, none of theirs is left, and what comes out is admitted.

    Twice the same, and what is converted has nothing left to convert.
    """
    spec = {**SPEC, "containers": [{"name": name, "image": "acme/web"}]}
    result = converted(theirs, spec)
    if not theirs:
        assert result.reports == ()
        return
    told = [it.key.removeprefix(DOMAIN) for it in result.reports[0].findings]
    if result.documents == [pod(theirs, spec)]:
        assert told == ["agent-inject"]
        return

    assert sorted(told) == sorted(theirs)
    assert not any(key.startswith(DOMAIN) for key in ours(result))
    assert result == converted(theirs, spec)
    assert convert(result.documents).reports == ()
    plan(result)


def test_what_is_there_already_is_kept() -> None:
    """An annotation of ours wins over what would become it, and lists are put together."""
    document = pod(
        {
            "agent-inject": "true",
            "role": "app",
            "secret-volume-path": "/etc/web",
            "agent-inject-secret-a": "kv/a",
            "agent-inject-perms-a": "0400",
        }
    )
    own = {
        "syrette.dev/mount-path": "/own",
        "syrette.dev/vault.role": "app",
        "syrette.dev/secrets": "[vault:kv/b]",
    }
    document["metadata"]["annotations"] = own | document["metadata"]["annotations"]
    result = convert([document])
    lost = [it for it in result.reports[0].findings if it.fate is Fate.NONE]

    assert ours(result) == {
        "mount-path": "/own",
        "vault.role": "app",
        "secrets": "[vault:kv/b]",
        "secrets.vault": "- from: vault:kv/a\n  file: a\n  mode: '0400'\n",
    }
    assert [it.key for it in lost] == ["syrette.dev/mount-path"]


@pytest.mark.parametrize(
    ("annotations", "spec", "said"),
    [
        ({"agent-inject": "yes"}, SPEC, "`yes` is no boolean"),
        (
            {"agent-inject": "true", "agent-inject-status": "injected"},
            {"containers": [{"name": "app"}, {"name": "vault-agent"}]},
            "the agent is in the pod already",
        ),
        (
            {"agent-inject": "true"},
            {"containers": [{"name": "app"}], "initContainers": [{"name": "vault-agent-init"}]},
            "the agent is in the pod already",
        ),
    ],
    ids=["no boolean", "a sidecar", "an init container"],
)
def test_a_pod_that_cannot_be_converted_stays_as_it_is(
    annotations: dict[str, str], spec: dict[str, Any], said: str
) -> None:
    """Not one of its annotations is touched, and the report says why."""
    given_pod = pod(annotations | {"role": "app", "agent-inject-secret-a": "kv/a"}, spec)
    result = convert([given_pod])

    assert result.documents == [given_pod]
    assert said in result.reports[0].findings[0].text
    assert not result.complete


def test_annotations_keep_their_places() -> None:
    """Ours stand where the first of theirs stood; those of others stay around them."""
    document = pod({"agent-inject": "true", "role": "app", "agent-inject-secret-a": "kv/a"})
    theirs = document["metadata"]["annotations"]
    document["metadata"]["annotations"] = {"first": "1", **theirs, "last": "2"}
    result = convert([document])

    assert list(ours(result)) == ["first", "vault.role", "file.a", "mount-path", "last"]


def test_the_documents_that_were_given_are_not_changed() -> None:
    """The conversion works on a copy."""
    document = pod({"agent-inject": "true", "agent-inject-secret-a": "kv/a"})
    convert([document])

    assert document == pod({"agent-inject": "true", "agent-inject-secret-a": "kv/a"})


def test_annotations_beside_the_pod_template_are_told_and_left() -> None:
    """Vault's injector has never seen them."""
    key = f"{DOMAIN}agent-inject"
    document = {
        "kind": "Deployment",
        "metadata": {"name": "web", "annotations": {key: "true"}},
        "spec": {"template": {"spec": SPEC}},
    }
    result = convert([document])

    assert result.documents == [document]
    assert f"{key}: stands on the Deployment itself" in result.reports[0].notes[0]
    assert result.complete


def test_a_kind_that_makes_pods_unknown_to_us_is_told() -> None:
    """Its annotations would otherwise be left there without a word."""
    rollout = {
        "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": pod({"agent-inject": "true"})},
    }
    account = {"kind": "ServiceAccount", "metadata": {"annotations": {f"{DOMAIN}alias": "x"}}}
    result = convert([rollout, account])

    assert result.documents == [rollout, account]
    assert [report.workload for report in result.reports] == ["Rollout/web"]
    assert not result.complete


def test_a_namespace_may_end_with_a_slash() -> None:
    """As Vault's own documents write it."""
    result = converted({"agent-inject-secret-a": "secret/data/a", "namespace": "acme/shop/"})

    assert ours(result)["vault.namespace"] == "acme/shop"


def test_a_token_is_not_asked_for() -> None:
    """The webhook would refuse it, too."""
    result = converted({"agent-inject-secret-a": "auth/token/lookup-self", "role": "web"})

    assert "file.a" not in ours(result)
