"""`syrette render` and `explain` as a person types them."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from syrette.__main__ import main
from tests.house.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "examples"
CRON = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata:
          annotations:
            syrette.dev/aws.region: eu-west-1
            syrette.dev/file.key: aws-ssm:/prod/key
        spec:
          restartPolicy: Never
          containers: [{name: job, image: acme/job}]
"""


def _type(arguments: list[str], text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    return main([*arguments, "-f", "-"])


@pytest.mark.parametrize("example", ["first-secret.yaml", "two-accounts.yaml"])
def test_each_example_renders(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The examples of the README become manifests with our containers in them."""
    code = main(["render", "-f", str(EXAMPLES / example)])
    document = yaml.safe_load(capsys.readouterr().out)
    spec = document["spec"]["template"]["spec"]

    assert code == 0
    assert [item["name"] for item in spec["initContainers"]] == ["syrette-init", "syrette-sidecar"]


def test_rendering_what_was_rendered_changes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output is a manifest that the webhook would leave as it is."""
    main(["render", "-f", str(EXAMPLES / "first-secret.yaml")])
    once = capsys.readouterr().out
    code = _type(["render"], once, monkeypatch)

    assert code == 0
    assert capsys.readouterr().out == once


def test_a_cron_job_keeps_its_schedule_and_gets_its_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pod of a CronJob is found two templates deep."""
    code = _type(["render"], CRON, monkeypatch)
    spec = yaml.safe_load(capsys.readouterr().out)["spec"]

    assert code == 0
    assert spec["schedule"] == "0 3 * * *"
    containers = spec["jobTemplate"]["spec"]["template"]["spec"]["initContainers"]
    assert containers[0]["name"] == "syrette-init"


def test_a_list_and_other_documents_pass_through(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents that make no pods are printed as they came."""
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\n---\n{CRON}"
    code = _type(["render"], text, monkeypatch)
    kinds = [document["kind"] for document in yaml.safe_load_all(capsys.readouterr().out)]

    assert code == 0
    assert kinds == ["ConfigMap", "CronJob"]


def test_the_difference_only_adds(capsys: pytest.CaptureFixture[str]) -> None:
    """`--diff` shows added lines and takes none away."""
    code = main(["render", "--diff", "-f", str(EXAMPLES / "first-secret.yaml")])
    lines = capsys.readouterr().out.splitlines()[2:]

    assert code == 0
    assert any(line.startswith("+") for line in lines)
    assert not [line for line in lines if line.startswith("-")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Pod\n  bad: [", "line"),
        ("just a text", "no manifest"),
        ("kind: ConfigMap\n", "nothing that makes pods"),
        ("kind: Pod\nspec: {}\n", "no list of containers"),
        ("kind: Deployment\n", "`spec.template.spec` is missing"),
        ("kind: Pod\nkind: Pod\n", "there twice"),
        ("[" * 100_000, "nested deeper"),
        (
            (
                "kind: Pod\nmetadata: {name: p, annotations: {syrette.dev/mode: 0440}}\n"
                "spec: {containers: []}\n"
            ),
            "put it in quotes",
        ),
    ],
)
def test_bad_input_ends_with_two_and_prints_no_manifest(
    text: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong is said on standard error; standard output stays empty."""
    code = _type(["render"], text, monkeypatch)
    output = capsys.readouterr()

    assert code == 2
    assert output.out == ""
    assert said in output.err


def test_every_problem_of_every_workload_is_said_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two mistakes in one pod and one in another give three lines."""
    wrong = CRON.replace("syrette.dev/file.key", "syrette.dev/fiel.key").replace("eu-west-1", "EU")
    other = CRON.replace("aws-ssm:", "aws-sssm:")
    code = _type(["render"], f"{wrong}\n---\n{other}", monkeypatch)
    output = capsys.readouterr()

    assert code == 2
    assert output.out == ""
    assert "fiel.key" in output.err
    assert "aws.region" in output.err
    assert "aws-sssm" in output.err


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file that is not there ends with code 2 and its name."""
    code = main(["render", "-f", str(tmp_path / "none.yaml")])

    assert code == 2
    assert "none.yaml" in capsys.readouterr().err


def test_a_wrong_configuration_is_told_line_by_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Two unknown keys of the operator's configuration are two problems."""
    config = tmp_path / "operator.yaml"
    config.write_text("clutser: a\npolcy: []\n")
    example = str(EXAMPLES / "first-secret.yaml")
    code = main(["render", "--config", str(config), "-f", example])
    error = capsys.readouterr().err

    assert code == 2
    assert "clutser" in error
    assert "polcy" in error


def test_an_old_cluster_gets_a_classic_sidecar(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Below 1.29 there are no native sidecars."""
    example = str(EXAMPLES / "first-secret.yaml")
    code = main(["render", "--kubernetes-version", "1.28", "-f", example])
    spec = yaml.safe_load(capsys.readouterr().out)["spec"]["template"]["spec"]

    assert code == 0
    assert [item["name"] for item in spec["containers"]] == ["app", "syrette-sidecar"]


def test_facts_in_the_manifests_are_used(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ServiceAccount beside the workload gives its role to `explain`."""
    account = """
apiVersion: v1
kind: ServiceAccount
metadata:
  name: default
  namespace: shop
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/nightly"}
---
"""
    code = _type(["explain"], account + CRON, monkeypatch)
    words = capsys.readouterr().out

    assert code == 0
    assert "AssumeRoleWithWebIdentity arn:aws:iam::111122223333:role/nightly" in words
    assert "sts.amazonaws.com" in words
    assert "GetParameters" in words


def test_explain_names_roles_regions_and_calls(capsys: pytest.CaptureFixture[str]) -> None:
    """Two accounts in one pod are told apart, with the chain of the second."""
    code = main(["explain", "-f", str(EXAMPLES / "two-accounts.yaml")])
    words = capsys.readouterr().out

    assert code == 0
    assert "AssumeRole arn:aws:iam::444455556666:role/billing-reader" in words
    assert "Pod Identity" in words
    assert "eu-west-1" in words
    assert "file invoice.key" in words
    assert "variables PGPASSWORD, PGUSER of app" in words


def test_explain_tells_the_problems_of_a_denied_pod(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, on standard error and with code 2; the others are explained all the same."""
    text = f"{CRON.replace('aws-ssm:', 'sops:')}\n---\n{CRON}"
    code = _type(["explain"], text, monkeypatch)
    output = capsys.readouterr()

    assert code == 2
    assert "would be denied: invalid-reference" in output.out
    assert "GetParameters" in output.out
    assert "names no document" not in output.out
    assert output.err.count("names no document") == 1
