"""Volumes as directories: what is in them, who sees them where, and how tokens rotate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.pods.pods import DONE, container, pod
from worlds.pods import ContainerConfigError, VolumeError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds.pods.conftest import Make
    from worlds.pods import PodRunner

OBJECTS = {"config_maps": {"m": {"a": "1", "b": "2"}}, "secrets": {"s": {"a": "3"}}}


def token(audience: str, path: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - of the source
    """A projected token."""
    return {"serviceAccountToken": {"audience": audience, "path": path, **fields}}


def started(make: Make, volume: dict[str, Any], *mounts: dict[str, Any]) -> PodRunner:
    """A pod with one volume at /v, and perhaps elsewhere."""
    all_mounts = [{"name": "v", "mountPath": "/v"}, *mounts]
    app = container("app", volumeMounts=all_mounts)
    runner = make(pod(app, volumes=[{"name": "v", **volume}], serviceAccountName="web"), **OBJECTS)
    runner.start()
    return runner


def content(directory: Path) -> dict[str, str]:
    """What a reader sees."""
    return {
        path.name: path.read_text()
        for path in directory.iterdir()
        if not path.name.startswith("..")
    }


def test_tokens_are_projected_one_an_audience(make: Make) -> None:
    """Each in its file, for the pod's service account, through the kubelet's own links."""
    sources = [token("sts.amazonaws.com", "sts"), token("vault", "vault", expirationSeconds=600)]
    runner = started(make, {"projected": {"defaultMode": 0o444, "sources": sources}})
    directory = runner.directory("app", "/v")

    assert (directory / "sts").read_text().startswith("shop/web/sts.amazonaws.com/")
    assert (directory / "vault").read_text().startswith("shop/web/vault/")
    assert (directory / "sts").readlink().as_posix() == "..data/sts"
    assert (directory / "sts").stat().st_mode & 0o777 == 0o444


def test_rotation_switches_all_files_at_once(make: Make) -> None:
    """A new directory takes the old one's place; an open file keeps what it had."""
    runner = started(make, {"projected": {"sources": [token("a", "a"), token("b", "b")]}})
    directory = runner.directory("app", "/v")
    before = content(directory)
    payload = (directory / "..data").readlink()
    with (directory / "a").open() as held:
        runner.rotate_tokens()

        assert held.read() == before["a"]
    after = content(directory)
    assert before.keys() == after.keys() == {"a", "b"}
    assert not set(before.values()) & set(after.values())
    assert (directory / "..data").readlink() != payload
    assert not (directory / payload).exists()


def test_a_projection_of_everything(make: Make) -> None:
    """Keys of objects, chosen or all, and fields of the pod, nested paths included."""
    fields = {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}
    sources = [
        {"configMap": {"name": "m", "items": [{"key": "b", "path": "x/y", "mode": 0o400}]}},
        {"secret": {"name": "s"}},
        {"secret": {"name": "absent", "optional": True}},
        {"downwardAPI": fields},
    ]
    directory = started(make, {"projected": {"sources": sources}}).directory("app", "/v")

    assert (directory / "x" / "y").read_text() == "2"
    assert (directory / "x" / "y").stat().st_mode & 0o777 == 0o400
    assert (directory / "a").read_text() == "3"
    assert (directory / "name").read_text() == "web-1"


@pytest.mark.parametrize(
    ("volume", "files"),
    [
        ({"configMap": {"name": "m"}}, {"a": "1", "b": "2"}),
        ({"secret": {"secretName": "s"}}, {"a": "3"}),
        ({"configMap": {"name": "absent", "optional": True}}, {}),
        ({"configMap": {"name": "m", "items": [{"key": "a", "path": "z"}]}}, {"z": "1"}),
        ({"emptyDir": {"medium": "Memory"}}, {}),
        ({"persistentVolumeClaim": {"claimName": "data"}}, {}),
        ({}, {}),
    ],
)
def test_other_volumes(make: Make, volume: dict[str, Any], files: dict[str, str]) -> None:
    """Objects have their keys; what is not known here is an empty directory."""
    assert content(started(make, volume).directory("app", "/v")) == files


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        ({"configMap": {"name": "absent"}}, 'volume v: configMap "absent" not found'),
        ({"secret": {"secretName": "absent"}}, 'volume v: secret "absent" not found'),
        ({"configMap": {"name": "m", "items": [{"key": "z", "path": "z"}]}}, 'no key "z"'),
    ],
)
def test_a_volume_without_its_object_fails(make: Make, volume: dict[str, Any], words: str) -> None:
    """FailedMount: nothing is started."""
    with pytest.raises(VolumeError, match=words):
        started(make, volume)


def test_containers_share_a_volume_at_paths_of_their_own(make: Make) -> None:
    """What one writes the other reads; sub-paths and odd spellings of paths included."""
    write = "import os; open(os.environ['SYRETTE_ROOT'] + '/out/x', 'w').write('here')"
    mounts = [{"name": "v", "mountPath": "//in/./put//"}, {"name": "v", "mountPath": "relative"}]
    below = {"name": "v", "mountPath": "/out", "subPath": "deep/er"}
    runner = make(
        pod(
            container("app", volumeMounts=mounts),
            initContainers=[container("write", write, volumeMounts=[below])],
            volumes=[{"name": "v", "emptyDir": {}}],
        )
    )
    runner.start()

    assert (runner.directory("app", "/in/put") / "deep" / "er" / "x").read_text() == "here"
    assert (runner.directory("app", "/relative") / "deep").is_dir()


def test_a_sub_path_takes_variables(make: Make) -> None:
    """`subPathExpr` is expanded with the container's own environment."""
    mounts = [{"name": "v", "mountPath": "/v", "subPathExpr": "$(WHO)"}]
    app = container("app", volumeMounts=mounts, env=[{"name": "WHO", "value": "me"}])
    runner = make(pod(app, volumes=[{"name": "v", "emptyDir": {}}]))
    runner.start()

    assert runner.directory("app", "/v").resolve().name == "me"


@pytest.mark.parametrize("who", ["..", "in/../side", "link"])
def test_a_sub_path_does_not_leave_its_volume(make: Make, who: str) -> None:
    """Neither by `..` in a variable, harmless or not, nor through a link that somebody planted."""
    plant = "import os; os.symlink('/', os.environ['SYRETTE_ROOT'] + '/v/link')"
    volume = [{"name": "v", "mountPath": "/v"}]
    mounts = [{"name": "v", "mountPath": "/v", "subPathExpr": "$(WHO)"}]
    runner = make(
        pod(
            container("app", DONE, volumeMounts=mounts, env=[{"name": "WHO", "value": who}]),
            initContainers=[container("plant", plant, volumeMounts=volume)],
            volumes=[{"name": "v", "emptyDir": {}}],
        )
    )

    with pytest.raises(ContainerConfigError, match="leaves its volume"):
        runner.start()


def test_a_path_that_is_no_mount_is_not_given(make: Make) -> None:
    """A test that asks for a mount which the pod does not have fails."""
    runner = started(make, {"emptyDir": {}})

    with pytest.raises(KeyError, match="app mounts nothing at /secrets"):
        runner.directory("app", "/secrets")


def test_read_only_is_recorded(make: Make) -> None:
    """Whoever cares can look; a process of this machine is not kept from writing."""
    runner = started(make, {"emptyDir": {}}, {"name": "v", "mountPath": "/w", "readOnly": True})
    mounts = runner.pod.container("app").mounts

    assert [(mount.path, mount.read_only) for mount in mounts] == [("/v", False), ("/w", True)]
