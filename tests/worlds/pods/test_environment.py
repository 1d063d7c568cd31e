"""The environment of a container: what the pod says, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from injector.contract import names
from tests.worlds.pods.pods import DONE, PYTHON, container, pod
from worlds.pods import ContainerConfigError
from worlds.pods.launching import ROOT_VARIABLE

if TYPE_CHECKING:
    from tests.worlds.pods.conftest import Make

DUMP = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv[1:]]))"
CONFIG = {"config_maps": {"config": {"A": "map", "B": "map"}}, "secrets": {"keys": {"B": "key"}}}


def of(make: Make, *entries: dict[str, Any], **options: Any) -> dict[str, str]:  # noqa: ANN401 - of the runner
    """The environment of a container with these entries, which is not started."""
    return make(pod(container("app", env=list(entries))), **options).environment("app")


def plain(name: str, value: str) -> dict[str, Any]:
    """An entry with a value."""
    return {"name": name, "value": value}


def field(name: str, path: str) -> dict[str, Any]:
    """An entry from the downward API."""
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def key(name: str, kind: str, source: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - of the reference
    """An entry from a ConfigMap or Secret."""
    return {"name": name, "valueFrom": {f"{kind}KeyRef": {"name": source, "key": name, **fields}}}


def test_a_process_gets_what_the_pod_says_and_two_more(make: Make) -> None:
    """PATH of the machine and the container's root, but nothing else of the caller's."""
    app = container("app", DUMP, args=["$(A)", "$$(A)", "$(PATH)"], env=[plain("A", "1")])
    runner = make(pod(app, restartPolicy="Never"))
    runner.start()
    runner.wait()
    environment, arguments = json.loads(runner.containers["app"].log())

    assert environment.keys() - {"LC_CTYPE"} == {"A", "PATH", "SYRETTE_ROOT"}
    assert environment["SYRETTE_ROOT"] == str(runner.containers["app"].root)
    assert arguments == ["1", "$(A)", "$(PATH)"]


def test_the_root_is_named_as_the_injector_names_it() -> None:
    """Both rooms spell the variable on their own."""
    assert ROOT_VARIABLE == names.ROOT_VARIABLE


def test_a_value_sees_the_variables_before_it(make: Make) -> None:
    """References go back only, and the later of two equal names holds."""
    found = of(
        make,
        plain("A", "1"),
        plain("B", "$(A)-$(C)-$$(A)-$(PATH)"),
        plain("C", "3"),
        plain("A", "2"),
        plain("D", "$(A)"),
        {"name": "E"},
    )

    assert found == {"A": "2", "B": "1-$(C)-$(A)-$(PATH)", "C": "3", "D": "2", "E": ""}


def test_fields_of_the_pod(make: Make) -> None:
    """The downward API's field paths."""
    entries = [
        field("NAME", "metadata.name"),
        field("NAMESPACE", "metadata.namespace"),
        field("UID", "metadata.uid"),
        field("ACCOUNT", "spec.serviceAccountName"),
        field("LABEL", "metadata.labels['app']"),
        field("NOTE", "metadata.annotations['note']"),
        field("NONE", "metadata.labels['absent']"),
        field("IP", "status.podIP"),
    ]
    found = make(pod(container("app", env=entries), serviceAccountName="web")).environment("app")

    assert found == {
        "NAME": "web-1",
        "NAMESPACE": "shop",
        "UID": "u-1",
        "ACCOUNT": "web",
        "LABEL": "web",
        "NOTE": "hello",
        "NONE": "",
        "IP": "127.0.0.1",
    }


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", "", "2"),
        ("limits.cpu", "1m", "1500"),
        ("limits.memory", "", "134217728"),
        ("limits.memory", "1Mi", "128"),
        ("requests.memory", "1M", "68"),
        ("requests.cpu", "", "0"),
    ],
)
def test_resources_of_a_container(make: Make, resource: str, divisor: str, value: str) -> None:
    """Whole divisors, rounded up."""
    resources = {
        "limits": {"cpu": "1500m", "memory": "128Mi"},
        "requests": {"memory": "64Mi"},
    }
    source = {"resourceFieldRef": {"resource": resource, "divisor": divisor}}
    app = container("app", resources=resources, env=[{"name": "R", "valueFrom": source}])

    assert make(pod(app)).environment("app") == {"R": value}


def test_objects_come_before_entries(make: Make) -> None:
    """`envFrom` in its order, then `env`, which may refer to it."""
    sources = [
        {"configMapRef": {"name": "config"}},
        {"secretRef": {"name": "keys"}},
        {"configMapRef": {"name": "config"}, "prefix": "X_"},
        {"secretRef": {"name": "absent", "optional": True}},
    ]
    entries = [plain("A", "own"), plain("C", "$(B)$(X_A)")]
    app = container("app", envFrom=sources, env=entries)
    found = make(pod(app), **CONFIG).environment("app")

    assert found == {"A": "own", "B": "key", "X_A": "map", "X_B": "map", "C": "keymap"}


def test_optional_keys_may_be_absent(make: Make) -> None:
    """The variable is then left out, not empty."""
    found = of(
        make,
        key("A", "configMap", "config"),
        key("Z", "configMap", "config", optional=True),
        key("Y", "secret", "absent", optional=True),
        **CONFIG,
    )

    assert found == {"A": "map"}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (key("A", "configMap", "absent"), 'configMap "absent" not found'),
        (key("Z", "configMap", "config"), "couldn't find key Z in config"),
        (key("Z", "secret", "keys"), "couldn't find key Z in keys"),
    ],
)
def test_a_source_that_is_absent_hangs_the_container(
    make: Make, entry: dict[str, Any], words: str
) -> None:
    """CreateContainerConfigError, and the name of what is missing."""
    with pytest.raises(ContainerConfigError, match=words):
        of(make, entry, **CONFIG)


def _with_file(make: Make, written: str, **reference: Any) -> dict[str, Any]:  # noqa: ANN401 - of a fileKeyRef
    """Start a pod whose init container writes an EnvFile; gives the application's environment."""
    source = {"volumeName": "env", "path": "env/app.env", "key": "A", **reference}
    write = f"""
import os
folder = os.environ["SYRETTE_ROOT"] + "/out/env"
os.mkdir(folder)
open(folder + "/app.env", "w").write({written!r})
"""
    mounts = [{"name": "env", "mountPath": "/out"}]
    runner = make(
        pod(
            container("app", DONE, env=[{"name": "A", "valueFrom": {"fileKeyRef": source}}]),
            initContainers=[container("write", write, volumeMounts=mounts)],
            volumes=[{"name": "env", "emptyDir": {"medium": "Memory"}}],
            restartPolicy="Never",
        )
    )
    runner.start()
    return runner.environment("app")


def test_a_variable_from_a_file(make: Make) -> None:
    """Read when the container starts, after the init container that wrote it; no mount needed."""
    assert _with_file(make, "A='it is $(B)'\n") == {"A": "it is $(B)"}


def test_an_optional_key_may_be_absent_in_its_file(make: Make) -> None:
    """Then there is no variable."""
    assert _with_file(make, "B='1'\n", optional=True) == {}


@pytest.mark.parametrize(
    ("written", "reference", "words"),
    [
        ("B='1'\n", {}, 'key "A" not found'),
        ("A=''\n", {}, 'key "A" not found'),
        ("A=1\n", {}, "not in single quotes"),
        ("A=1\n", {"optional": True}, "not in single quotes"),
        ("A='1'\n", {"path": "env/other.env"}, "couldn't parse env file `env/other.env`"),
        ("A='1'\n", {"path": "other.env", "optional": True}, "couldn't parse env file"),
    ],
)
def test_a_file_that_does_not_serve_hangs_the_container(
    make: Make, written: str, reference: dict[str, Any], words: str
) -> None:
    """`optional` is about the key: a file that is absent or wrong is an error either way."""
    with pytest.raises(ContainerConfigError, match=words):
        _with_file(make, written, **reference)


def test_a_command_that_the_image_lacks_is_refused(make: Make) -> None:
    """What has the image's directory in its path is never replaced by a stand-in."""
    runner = make(pod({"name": "app", "command": [f"{PYTHON}9"]}))

    with pytest.raises(ContainerConfigError, match=r"/img/python9.*no such file in the image"):
        runner.start()
