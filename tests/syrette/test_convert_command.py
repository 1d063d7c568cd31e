"""`syrette convert` as a person types it: manifests on one stream, the report on the other."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from syrette.__main__ import main
from syrette.convert import table
from tests.house.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "convert.md").read_text(encoding="utf-8")
CRON = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec:
  schedule: "0 3 * * *"   # comments are not kept
  jobTemplate:
    spec:
      template:
        metadata:
          annotations:
            vault.hashicorp.com/agent-inject: "true"
            vault.hashicorp.com/role: nightly
            vault.hashicorp.com/agent-inject-secret-key: kv/key
        spec:
          restartPolicy: Never
          containers: [{name: job, image: acme/job, ports: [{containerPort: 22}]}]
"""
COMMAND = "vault.hashicorp.com/agent-inject-command-key: reload"


def _type(arguments: list[str], text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    return main(["convert", *arguments, "-f", "-"])


def test_a_cron_job_is_converted_and_nothing_else_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the annotations of its pods differ."""
    code = _type([], CRON, monkeypatch)
    before, after = yaml.safe_load(CRON), yaml.safe_load(capsys.readouterr().out)
    pods = after["spec"]["jobTemplate"]["spec"]["template"]["metadata"]
    annotations = pods["annotations"]
    pods["annotations"] = before["spec"]["jobTemplate"]["spec"]["template"]["metadata"][
        "annotations"
    ]

    assert code == 0
    assert after == before
    assert annotations == {
        "syrette.dev/vault.role": "nightly",
        "syrette.dev/file.key": "vault:kv/key",
        "syrette.dev/mount-path": "/vault/secrets",
    }


def test_the_report_names_the_workload_and_what_is_left_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On standard error, line by line."""
    _type([], CRON, monkeypatch)
    lines = capsys.readouterr().err.splitlines()

    assert lines[0] == "CronJob/nightly in shop"
    assert "  role → syrette.dev/vault.role: nightly" in lines
    assert lines[-3] == "to do:"
    assert lines[-2] == "  - operator: give `vault.address` in `defaults`"


def test_what_has_no_equivalent_ends_with_three_and_is_written_all_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script can tell that a person must look at it."""
    role = "vault.hashicorp.com/role: nightly"
    told = CRON.replace(role, f"{role}\n            {COMMAND}")
    code = _type([], told, monkeypatch)
    output = capsys.readouterr()

    assert code == 3
    assert "syrette.dev/file.key: vault:kv/key" in output.out
    assert "  agent-inject-command-key NO EQUIVALENT: no command is run" in output.err


def test_lists_and_other_documents_pass_through(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists are taken apart; what has none of the annotations is written as it came."""
    plain = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": []}}
    text = yaml.safe_dump({"kind": "List", "items": [{"kind": "ConfigMap"}, plain]})
    code = _type([], f"{text}---\n{CRON}", monkeypatch)
    output = capsys.readouterr()
    found = list(yaml.safe_load_all(output.out))

    assert code == 0
    assert [document["kind"] for document in found] == ["ConfigMap", "Pod", "CronJob"]
    assert found[1] == plain
    assert "Pod/p" not in output.err


def test_a_manifest_without_any_of_them_is_told_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is converted, and nobody wonders why."""
    code = _type([], CRON.replace("vault.hashicorp.com", "acme.io"), monkeypatch)

    assert code == 0
    assert capsys.readouterr().err == (
        "no annotation of vault.hashicorp.com, no volume of secrets-store.csi.k8s.io and no Secret "
        "of an ExternalSecret was found\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Pod\n  bad: [", "line"),
        ("kind: ConfigMap\n", "nothing that makes pods"),
        ("kind: Deployment\n", "`spec.template.spec` is missing"),
        (CRON.replace('"true"', "true"), "put it in quotes"),
    ],
    ids=["no YAML", "no pods", "no template", "no text"],
)
def test_bad_input_ends_with_two_and_writes_nothing(
    text: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard output stays empty, as of the other commands."""
    code = _type([], text, monkeypatch)
    output = capsys.readouterr()

    assert code == 2
    assert output.out == ""
    assert said in output.err


def test_the_report_is_a_document_for_programs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-o json` says the same, and standard output is the manifests as before."""
    code = _type(["-o", "json"], CRON, monkeypatch)
    output = capsys.readouterr()
    report = json.loads(output.err)
    (workload,) = report["workloads"]

    assert code == 0
    assert yaml.safe_load(output.out)["kind"] == "CronJob"
    assert (workload["workload"], workload["complete"]) == ("CronJob/nightly", True)
    assert workload["annotations"][1] == {
        "key": "vault.hashicorp.com/role",
        "fate": "becomes",
        "text": "syrette.dev/vault.role: nightly",
    }
    assert len(report["toDo"]) == 2


def test_escape_sequences_of_a_manifest_do_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report spells them out."""
    _type([], CRON.replace("kv/key", '"kv/\\e[2J"'), monkeypatch)

    assert "\x1b" not in capsys.readouterr().err


def test_the_example_of_the_page_is_what_the_command_does(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Before, after and report are those of the documentation."""
    before, after = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (report,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "deployment.yaml"
    file.write_text(before)
    code = main(["convert", "-f", str(file)])
    output = capsys.readouterr()

    assert code == 3
    assert yaml.safe_load(output.out) == yaml.safe_load(after)
    assert output.err == report


def test_every_annotation_is_on_the_page() -> None:
    """A person who looks for one finds what becomes of it."""
    assert [key for key in table.TABLE if f"`{key}" not in PAGE] == []
