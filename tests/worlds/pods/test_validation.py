"""What the API server would refuse, and what the runner cannot show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.pods.pods import container, pod, sidecar
from worlds.pods import InvalidPodError, UnsupportedPodError
from worlds.pods.validation import problems

if TYPE_CHECKING:
    from tests.worlds.pods.conftest import Make

VOLUMES = [{"name": "files", "emptyDir": {}}, {"name": "map", "configMap": {"name": "m"}}]
PROBE = {"exec": {"command": ["x"]}}


def mount(path: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - of a mount
    """A mount of the first volume."""
    return {"name": "files", "mountPath": path, **fields}


def variable(**source: Any) -> dict[str, Any]:  # noqa: ANN401 - kinds of sources
    """An entry with these sources."""
    return {"env": [{"name": "A", "valueFrom": source}]}


def test_a_sound_pod_has_no_problems() -> None:
    """Everything that the other tests break, whole."""
    app = container(
        "app",
        volumeMounts=[mount("/a"), mount("/b", subPath="x", readOnly=True)],
        ports=[{"name": "http", "containerPort": 80}],
        readinessProbe={"httpGet": {"port": "http"}},
        **variable(fileKeyRef={"volumeName": "files", "path": "a/b.env", "key": "A"}),
    )
    helper = sidecar("helper", startupProbe=PROBE, lifecycle={"preStop": PROBE})

    assert problems(pod(app, initContainers=[helper], volumes=VOLUMES)) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"volumeMounts": [{"name": "no", "mountPath": "/a"}]}, '.name: Not found: "no"'),
        ({"volumeMounts": [mount("/a"), mount("/a")]}, "must be unique"),
        ({"volumeMounts": [mount("")]}, "mountPath: Required value"),
        ({"volumeMounts": [mount("/a:b")]}, "must not contain ':'"),
        ({"volumeMounts": [mount("/a", subPath="../x")]}, "subPath: Invalid value"),
        ({"volumeMounts": [mount("/a", subPath="/x")]}, "subPath: Invalid value"),
        ({"volumeMounts": [mount("/a", subPath="x", subPathExpr="x")]}, "are exclusive"),
        (variable(fieldRef={"fieldPath": "spec.nope"}), "'spec.nope': not supported"),
        (variable(), "exactly one known source"),
        (variable(novelRef={}), "exactly one known source"),
        (variable(fileKeyRef={"volumeName": "no", "path": "a", "key": "A"}), 'Not found: "no"'),
        (variable(fileKeyRef={"volumeName": "map", "path": "a", "key": "A"}), "an emptyDir"),
        (variable(fileKeyRef={"volumeName": "files", "path": "/a", "key": "A"}), "path: Invalid"),
        (variable(fileKeyRef={"volumeName": "files", "path": "a"}), "key: Required value"),
        ({"env": [{"name": "", "value": "1"}]}, "env[0].name: Invalid value"),
        ({"name": "Not_Good"}, "not an RFC 1123 label"),
        ({"readinessProbe": {"httpGet": {"port": "no"}}}, "port: Not found: 'no'"),
        ({"restartPolicyRules": [{}]}, "must be set with restartPolicyRules"),
    ],
)
def test_a_wrong_container_is_refused(make: Make, fields: dict[str, Any], words: str) -> None:
    """As the API server does it, with the path of the field."""
    with pytest.raises(InvalidPodError) as caught:
        make(pod({**container("app"), **fields}, volumes=VOLUMES))

    assert [words in problem for problem in caught.value.problems] == [True]
    assert caught.value.problems[0].startswith("spec.containers[0].")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"containers": []}, "spec.containers: Required value"),
        ({"containers": [container("a"), container("a")]}, 'Duplicate value: "a"'),
        ({"initContainers": [container("app")]}, 'Duplicate value: "app"'),
        ({"initContainers": [container("i", readinessProbe=PROBE)]}, "only with restartPolicy"),
        ({"volumes": [*VOLUMES, {"name": "map"}]}, 'spec.volumes[2].name: Duplicate value: "map"'),
        ({"volumes": [{"name": "v", "emptyDir": {}, "secret": {}}]}, "more than 1 volume type"),
    ],
)
def test_a_wrong_pod_is_refused(spec: dict[str, Any], words: str) -> None:
    """Duplicates and what stands in the wrong place."""
    document = pod(container("app"))
    document["spec"] |= spec

    assert [words in problem for problem in problems(document)] == [True]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"serviceAccountToken": {"path": "t", "expirationSeconds": 599}}, "less than 10 min"),
        ({"serviceAccountToken": {"path": "../t"}}, "without '..'"),
        ({"serviceAccountToken": {"path": "taken"}}, "conflicting duplicate paths"),
        (
            {"downwardAPI": {"items": [{"path": "d", "fieldRef": {"fieldPath": "status.podIP"}}]}},
            "Unsupported value: 'status.podIP'",
        ),
    ],
)
def test_a_wrong_projection_is_refused(source: dict[str, Any], words: str) -> None:
    """Tokens of less than ten minutes, paths that leave the volume or meet."""
    sources = [{"serviceAccountToken": {"path": "taken"}}, source]
    volumes = [{"name": "v", "projected": {"sources": sources}}]

    assert [words in it for it in problems(pod(container("app"), volumes=volumes))] == [True]


def test_every_problem_is_told_at_once() -> None:
    """One refusal names all of it."""
    broken = container("app", volumeMounts=[{"name": "no"}], env=[{"name": ""}])

    assert len(problems(pod(broken, broken))) == 7


@pytest.mark.parametrize(
    "paths", [("/a", "/a/b"), ("/a/b", "/a-b", "/a"), ("/", "/a"), ("/a", "/a/")]
)
def test_a_mount_inside_a_mount_is_not_shown(make: Make, paths: tuple[str, ...]) -> None:
    """Links cannot show it without a trace in the outer volume."""
    app = container("app", volumeMounts=[mount(path) for path in paths])

    with pytest.raises(UnsupportedPodError, match=r"cannot mount .* inside"):
        make(pod(app, volumes=VOLUMES))
