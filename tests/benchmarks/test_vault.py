"""Vault's rows have their goals, and its pods are allowed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import pods, servers, vault
from benchmarks.processes import Cost
from benchmarks.rows import Goal
from webhook import review, settings
from webhook.cluster import FileCluster
from webhook.mutation import mutate
from webhook.review import AdmissionRequest, Allowed
from worlds.certificates import issue

ABOUT = {"address": "https://127.0.0.1:8200", "ca": issue().ca}


@pytest.mark.parametrize("annotations", [vault.templates(5), vault.values(20)])
def test_the_pods_are_allowed_and_ask_for_each_secret(annotations: dict[str, str]) -> None:
    """A pod that is denied, or one with fewer secrets, would be measured at less."""
    request = review.decode(pods.review(pods.pod(annotations)))
    assert isinstance(request, AdmissionRequest)
    cluster = FileCluster(json.dumps(pods.cluster_facts("")))
    facts = cluster.context(request.namespace, request.service_account)
    with pytest.raises(StopIteration) as found:
        facts.send(None)
    config = settings.load(json.dumps(vault.operator_config(ABOUT)))
    verdict = mutate(request, found.value.value, config)

    assert isinstance(verdict, Allowed)
    assert verdict.summary.secrets == (5 if "syrette.dev/secrets" in annotations else 20)


def test_goals_are_of_cpu_and_of_memory_and_wall_has_none() -> None:
    """CPU is compared round by round, memory by its medians."""
    ours = [Cost(3.0, 1.0, 30_000_000), Cost(6.0, 2.0, 30_000_000)]
    theirs = [Cost(2.0, 1.0, 80_000_000), Cost(4.0, 1.0, 80_000_000)]
    goals = Goal(1.0, of_ratio=True), Goal(0.45, of_ratio=True)
    cpu, wall, memory = vault.beside("init", ours, "peer", theirs, *goals)

    assert (cpu.ratio, cpu.reached) == (1.5, False)
    assert (wall.ratio, wall.reached) == (1.5, None)
    assert (memory.ratio, memory.reached) == (0.375, True)


def test_the_world_of_a_run_leaves_no_server(tmp_path: Path) -> None:
    """Neither the OpenBao nor its folder outlives the process that has started it."""
    arguments = ["-m", "benchmarks.vault_world"]
    with servers.Process(arguments, servers.other_cores(), tmp_path / "errors") as world:
        pid = world.line()["pid"]
        assert Path(f"/proc/{pid}").exists()

    assert not Path(f"/proc/{pid}").exists()
