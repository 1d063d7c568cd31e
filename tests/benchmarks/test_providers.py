"""A pod of each provider is allowed and asks for one secret; objects are mounted as projected."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks import imports, instructions, provider_world
from benchmarks.placing import place
from benchmarks.providers import Counted
from injector.contract import names
from injector.contract.fields import FAMILIES

if TYPE_CHECKING:
    from pathlib import Path


def test_every_family_has_a_pod_of_its_own_and_is_in_the_one_of_all() -> None:
    """A new family is not forgotten here."""
    alone = {
        text.partition(":")[0].partition("-")[0]
        for pod, asked in provider_world.PODS.items()
        if pod != provider_world.ALL
        for key, text in asked.items()
        if key.startswith("file.")
    }
    together = provider_world.PODS[provider_world.ALL]

    assert alone == set(FAMILIES)
    assert len(together) == len(FAMILIES)


def test_instructions_and_imports_stand_beside_the_floor() -> None:
    """In millions, and with the packages of others by their names."""
    floor = Counted(200e6, frozenset({"json"}))
    ours = Counted(500e6, frozenset({"json", "injector.vault", "hvac", "hvac.api", "_yaml"}))
    effort, loaded = ours.beside("vault", floor)

    assert (effort.value, effort.beside_value, effort.ratio) == (500, 200, 2.5)
    assert loaded.what == "init, vault: modules imported (hvac)"
    assert loaded.ratio == 5


def test_a_machine_that_counts_nothing_has_imports_all_the_same() -> None:
    """Neither counters of the processor nor Valgrind are everywhere."""
    nothing = Counted(0.0, frozenset({"json"}))

    assert [row.what for row in nothing.beside("azure", nothing)] == [
        "init, azure: modules imported (no package)"
    ]


def test_packages_are_those_of_others() -> None:
    """Neither the standard library's, nor ours, nor the parts that stand outside of a package."""
    modules = {"ssl", "injector.init", "hvac.api", "hvac", "_cffi_backend", "cython_runtime"}

    assert imports.packages(modules) == ["hvac"]


@pytest.mark.parametrize(
    ("pattern", "report"),
    [
        (instructions.PERF, "# started on Sun\n\n1234567,,instructions:u,100,100.00,,\n"),
        (instructions.VALGRIND, "==7== Command: x\n==7== \n==7== I   refs:      1,234,567\n"),
    ],
)
def test_a_count_is_read_from_its_report(pattern: instructions.Pattern, report: str) -> None:
    """As perf-stat(1) and Cachegrind write it."""
    counter = instructions.Counter("x", (sys.executable, "-c", _WRITES, "{}"), pattern, slow=False)

    assert counter.count([report], {}) == 1234567


def test_a_processor_that_counts_nothing_is_no_count() -> None:
    """A virtual machine may hide the counters."""
    words = (sys.executable, "-c", _WRITES, "{}")
    counter = instructions.Counter("perf", words, instructions.PERF, slow=False)

    with pytest.raises(RuntimeError, match="perf"):
        counter.count(["<not supported>,,instructions:u,0,100.00,,\n"], {})


def test_objects_lie_where_they_are_projected(tmp_path: Path) -> None:
    """A document of a ConfigMap and a Secret's key, as the kubelet mounts them."""
    item = {"key": "a.yaml", "path": "configmap/app/a.yaml"}
    key = {"key": "age.agekey", "path": "secret/sops-age/age.agekey"}
    sources = [
        {"configMap": {"name": "app", "items": [item], "optional": True}},
        {"secret": {"name": "sops-age", "items": [key], "optional": True}},
    ]
    container = {
        "name": names.INIT_CONTAINER,
        "command": [names.IMAGE_PYTHON],
        "env": [],
        "terminationMessagePath": names.TERMINATION_MESSAGE_PATH,
        "volumeMounts": [{"name": "documents", "mountPath": names.DOCUMENTS_DIRECTORY}],
    }
    volume = {"name": "documents", "projected": {"sources": sources}}
    pod = {"spec": {"initContainers": [container], "volumes": [volume]}}
    objects = {"configMap": {"app": {"a.yaml": "d"}}, "secret": {"sops-age": {"age.agekey": "k"}}}
    placed = place(pod, names.INIT_CONTAINER, tmp_path, lambda audience: audience, objects)
    folder = placed.root / names.DOCUMENTS_DIRECTORY[1:]

    assert (folder / "configmap/app/a.yaml").read_text() == "d"
    assert (folder / "secret/sops-age/age.agekey").read_text() == "k"


_WRITES = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
