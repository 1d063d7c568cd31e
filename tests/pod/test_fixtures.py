"""Every fixture's patch gives a pod that an API server takes: names, mounts, sources, probes."""

from __future__ import annotations

import pytest

from tests.webhook.mutation.pods import fixture, fixtures, patched
from worlds.pods import spec, validation


@pytest.mark.parametrize("name", fixtures())
def test_a_patched_pod_is_a_pod(name: str) -> None:
    """Nothing refers to what is not there, and nothing is there twice."""
    pod = patched(fixture(name))

    assert validation.problems(pod) == []
    assert spec.read(pod).containers
