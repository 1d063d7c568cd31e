"""Manifests of every kind and shape, and input that is odd or hostile."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from syrette.__main__ import main
from tests.house.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE: dict[str, Any] = {
    "metadata": {
        "annotations": {
            "syrette.dev/aws.region": "eu-west-1",
            "syrette.dev/file.key": "aws-ssm:/prod/key",
        }
    },
    "spec": {"containers": [{"name": "app", "image": "acme/web"}]},
}
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def workload(kind: str, template: object = TEMPLATE, *path: str) -> dict[str, Any]:
    """Write a document of a kind that keeps its template at a path."""
    spec = template
    for key in reversed(path or ("spec", "template")):
        spec = {key: spec}
    return {"kind": kind, "metadata": {"name": "web"}, **spec}  # type: ignore[dict-item]


class Terminal:
    """Types commands with something on standard input."""

    def __init__(self, patch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._output = output

    def type(self, text: str, *words: str) -> tuple[int, str, str]:
        """Give the exit code and both outputs."""
        stream = io.TextIOWrapper(io.BytesIO(text.encode()))
        self._patch.setattr(sys, "stdin", stream)
        code = main([*(words or ("render",)), "-f", "-"])
        output = self._output.readouterr()
        return code, output.out, output.err

    def render(self, *documents: object) -> list[Any]:
        """Render documents that are good."""
        code, text, error = self.type(yaml.safe_dump_all(documents))
        assert code == 0, error
        return list(yaml.safe_load_all(text))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal."""
    return Terminal(monkeypatch, capsys)


def _named(annotations: dict[str, str]) -> dict[str, object]:
    return {"name": "web", "annotations": annotations}


def _containers(document: dict[str, Any], *path: str) -> list[str]:
    part: Any = document
    for key in path or ("spec", "template"):
        part = part[key]
    return [item["name"] for item in part["spec"]["initContainers"]]


@pytest.mark.parametrize(
    "kind",
    ["Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet"],
)
def test_every_kind_that_keeps_pods_running_is_patched(kind: str, terminal: Terminal) -> None:
    """Their templates get both containers."""
    [found] = terminal.render(workload(kind))

    assert _containers(found) == ["syrette-init", "syrette-sidecar"]


def test_pods_jobs_and_templates_are_patched(terminal: Terminal) -> None:
    """Wherever the kind keeps its pod; a Job gets what a Job can have."""
    job = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
    pod = {"kind": "Pod", **TEMPLATE}
    path = ("spec", "jobTemplate", "spec", "template")
    found = terminal.render(
        pod,
        workload("Job", job),
        workload("CronJob", job, *path),
        workload("PodTemplate", TEMPLATE, "template"),
    )

    assert found[0]["spec"]["initContainers"][0]["name"] == "syrette-init"
    assert _containers(found[1])[0] == "syrette-init"
    assert _containers(found[2], *path)[0] == "syrette-init"
    assert _containers(found[3], "template")[0] == "syrette-init"


def test_lists_are_taken_apart(terminal: Terminal) -> None:
    """A `List` of anything, lists in lists, and the API's lists whose items do not say a kind."""
    bare = {key: value for key, value in workload("Deployment").items() if key != "kind"}
    inner = {"kind": "List", "items": [workload("DaemonSet"), {"kind": "ConfigMap"}]}
    found = terminal.render(
        {"kind": "List", "items": [inner]},
        {"kind": "DeploymentList", "apiVersion": "apps/v1", "items": [bare]},
        {"kind": "AllowList", "items": ["10.0.0.0/8"]},
    )

    assert [item["kind"] for item in found] == ["DaemonSet", "ConfigMap", "Deployment", "AllowList"]
    assert _containers(found[0]) == _containers(found[2])
    assert found[2]["apiVersion"] == "apps/v1"


def test_a_workload_that_asks_for_nothing_is_printed_as_it_came(terminal: Terminal) -> None:
    """Not even empty metadata is added to its template."""
    plain = workload("Deployment", {"spec": TEMPLATE["spec"]})

    assert terminal.render(plain, workload("Job"))[0] == plain


def test_texts_and_numbers_stay_what_kubernetes_takes_them_for(terminal: Terminal) -> None:
    """No sexagesimal numbers; what Kubernetes would read as a number or boolean is quoted."""
    code, text, _ = terminal.type(
        "kind: Pod\nspec:\n  containers:\n  - name: app\n    args: "
        "[22:22, '12e4567', 1e3, 'y', '0o17', 010, 2026-01-01, 'yes', 1_000, .5]\n"
    )
    written = text.partition("args:\n")[2].split("    - ")[1:]
    args = [line.strip() for line in written]

    assert code == 0
    assert args == [
        "'22:22'",
        "'12e4567'",
        "1000.0",
        "'y'",
        "'0o17'",
        "8",
        "'2026-01-01'",
        "'yes'",
        "1000",
        "0.5",
    ]


def test_annotations_beside_the_template_are_refused(terminal: Terminal) -> None:
    """A cluster's admission policy denies them, with whatever else is wrong; on both they pass."""
    annotations = TEMPLATE["metadata"]["annotations"]
    extra = {**annotations, "syrette.dev/refresh": "5m", "a": "b"}
    wrong = {**TEMPLATE, "metadata": {"annotations": {**annotations, "syrette.dev/modee": "0440"}}}
    text = yaml.safe_dump({**workload("Job", wrong), "metadata": _named(extra)})
    code, _, error = terminal.type(text)
    problems = [line for line in error.splitlines() if line.startswith("syrette: ")]
    passed = terminal.render(
        {**workload("Job"), "metadata": _named(annotations)},
        {**workload("Job"), "metadata": _named({**extra, "syrette.dev/inject": "false"})},
    )

    assert code == 2
    assert problems[0] == (
        "syrette: Job/web: syrette.dev/refresh: stands on the Job itself; it counts only in "
        "`spec.template.metadata.annotations`"
    )
    assert "syrette.dev/modee: no such annotation" in problems[1]
    assert len(passed) == 2


def test_an_alias_is_written_out(terminal: Terminal) -> None:
    """Anchors are YAML's own affair: what is printed has none."""
    code, text, _ = terminal.type(
        "kind: Pod\nmetadata: {labels: &l {app: web}}\nspec: {containers: [], nodeSelector: *l}\n"
    )

    assert code == 0
    assert yaml.safe_load(text)["spec"]["nodeSelector"] == {"app": "web"}
    assert "*" not in text


LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
MERGES = "a0: &a0 {x: y}\n" + "".join(
    f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)
)
STAIRS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 2000))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(LAUGHS, "aliases counted", id="a billion laughs"),
        pytest.param(MERGES, "aliases counted", id="merged for ever"),
        pytest.param(STAIRS, "nested deeper", id="deep by aliases"),
        pytest.param("a: &a [*a]\n", "nested deeper", id="within itself"),
        pytest.param("[" * 1_000_000, "nested deeper", id="brackets"),
        pytest.param("{a: " * 100_000, "nested deeper", id="braces"),
        pytest.param("- " * 100_000, "nested deeper", id="dashes"),
        pytest.param("a: *b\n", "undefined alias", id="alias of nothing"),
        pytest.param("kind: !!python/object:os.system x\n", "line 1", id="python"),
        pytest.param("kind: \x01\n", "not YAML", id="control character"),
        pytest.param(f"kind: {'9' * 10_000}\n", "not YAML", id="huge number"),
        pytest.param("? [a]\n: b\n", "line 1", id="key that is a list"),
        pytest.param("\tkind: Pod\n", "line 1", id="tab"),
        pytest.param("# nothing\n---\n", "nothing that makes pods", id="comments only"),
        pytest.param("", "nothing that makes pods", id="empty"),
        pytest.param("kind: Pod\nmetadata: []\nspec: {containers: []}\n", "", id="metadata"),
        pytest.param("kind: List\nitems: [1]\n", "no manifest", id="list of numbers"),
        pytest.param("kind: Job\nspec: {template: text}\n", "is missing", id="template"),
        pytest.param(
            "kind: Pod\nmetadata: {annotations: [a]}\nspec: {containers: []}\n",
            "no mapping",
            id="annotations",
        ),
    ],
)
@pytest.mark.parametrize("command", ["render", "explain"])
def test_hostile_input_ends_in_words(
    text: str, said: str, command: str, terminal: Terminal
) -> None:
    """Quickly, with code 2, on standard error."""
    code, output, error = terminal.type(text if said else f"kind: Pod\n{text}", command)

    assert (code, output) == (2, "")
    assert error.startswith("syrette: standard input: ") or "Pod/" in error or "Job/" in error
    assert said in error


def test_an_endless_file_ends(capsys: pytest.CaptureFixture[str]) -> None:
    """No more is read than is taken."""
    code = main(["render", "-f", "/dev/zero"])

    assert code == 2
    assert "/dev/zero: larger than 16 MiB" in capsys.readouterr().err


def test_text_in_another_encoding_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the API server would; a byte order mark of UTF-8 is none."""
    (tmp_path / "utf-16").write_bytes("kind: Pod\n".encode("utf-16"))
    marked = yaml.safe_dump({"kind": "Pod", "spec": {"containers": []}}).encode("utf-8-sig")
    (tmp_path / "marked").write_bytes(marked)
    codes = [main(["render", "-f", str(tmp_path / name)]) for name in ("utf-16", "marked")]

    assert codes == [2, 0]
    assert "utf-16: not UTF-8 text" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("render",), ("render", "--diff"), ("explain",)])
def test_a_closed_pipe_is_nobody_s_failure(words: tuple[str, ...]) -> None:
    """`syrette render … | head -1` says nothing on standard error."""
    # Larger than a pipe's buffer, and small: both ways of noticing.
    documents = yaml.safe_dump_all([workload("Deployment")] * 100)
    command = [sys.executable, "-m", "syrette", *words, "-f", "-"]
    for text in (documents, yaml.safe_dump(workload("Deployment"))):
        with subprocess.Popen(
            command, cwd=ROOT, env=BUFFERED, stdin=-1, stdout=-1, stderr=-1, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            process.stdin.write(text)
            process.stdin.close()
            error = process.stderr.read()

        assert "Traceback" not in error
        assert "BrokenPipe" not in error
        assert process.returncode == 1


def test_output_is_utf_8_whatever_the_locale() -> None:
    """A manifest keeps its letters; half a surrogate pair is no reason to fail."""
    labels = '{a: "grün", b: "\\ud800"}'
    text = f"kind: Pod\nmetadata: {{name: p, labels: {labels}}}\nspec: {{containers: []}}\n"
    done = subprocess.run(
        [sys.executable, "-m", "syrette", "render", "-f", "-"],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        input=text.encode(),
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert "a: grün\n" in done.stdout.decode()


def test_a_region_may_come_from_the_operator(tmp_path: Path, terminal: Terminal) -> None:
    """An annotation, a store or the configuration: one must say it, none is guessed."""
    config = tmp_path / "operator.yaml"
    config.write_text("defaults: {aws.region: eu-central-1}\n")
    pod = {
        "kind": "Pod",
        "metadata": {"name": "p", "annotations": {"syrette.dev/file.k": "aws-ssm:/k"}},
    }
    text = yaml.safe_dump({**pod, "spec": TEMPLATE["spec"]})
    without = terminal.type(text, "explain")
    given = terminal.type(text, "explain", "--config", str(config))

    assert without[0] == 2
    assert "region" in without[2]
    assert given[0] == 0
    assert "region: eu-central-1" in given[1]


def test_the_kubernetes_version_decides_on_variables(terminal: Terminal) -> None:
    """Old kubelets cannot read EnvFiles; a version that is none is told."""
    text = yaml.safe_dump(workload("Deployment")).replace("file.key", "env.KEY")
    codes = {
        version: terminal.type(text, "render", "--kubernetes-version", version)[0]
        for version in ("1.37", "1.33", "new")
    }

    assert codes == {"1.37": 0, "1.33": 2, "new": 2}


def test_warnings_go_where_they_cannot_be_piped(terminal: Terminal) -> None:
    """`render` warns on standard error; in `explain` they are part of the text, once."""
    text = yaml.safe_dump(workload("Deployment"))
    _, rendered, warned = terminal.type(text, "render")
    _, explained, silent = terminal.type(text, "explain")

    assert "warning: Deployment/web: " in warned
    assert "warning" not in rendered
    assert "  warning: " in explained
    assert silent == ""
