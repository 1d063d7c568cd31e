"""How long a pod takes to its application's start, with and without us: printed, not judged."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Final

from tests.e2e.conftest import VALUE
from tests.e2e.kubectl import create, eventually, kubectl
from tests.e2e.workloads import container, pod

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

DB: Final = {"file.db.json": "aws-secretsmanager:prod/db"}
KEY: Final = {"env.API_KEY": "aws-ssm:/prod/api-key"}
PODS: Final = 5
"""Of each kind, one after the other, in turn."""
TELLS: Final = """
import glob, os, time
now = time.time()
files = map(os.path.basename, glob.glob("/secrets/*"))
print(now, *files, os.environ.get("API_KEY", ""), flush=True)
time.sleep(3600)
"""


def test_an_application_starts_a_moment_later_with_its_secrets(place: Place) -> None:
    """
    The median of several pods each: from the request that creates one to its first line of Python.

    The beginning is this machine's time and the end the node's: where both are one machine the
    figures are exact, elsewhere as exact as the clocks agree.
    """
    spec = {"terminationGracePeriodSeconds": 0}
    seconds: dict[str, list[float]] = {"without": [], "with": []}
    said: dict[str, list[str]] = {"without": [], "with": []}
    for number in range(PODS):
        for kind, asked in (("without", {}), ("with", {**DB, **KEY})):
            made = pod(f"{kind}-{number}", place.namespace, asked, container(code=TELLS))
            made["spec"] |= spec
            began = time.time()
            create(made)
            started, *words = _first_line(place, f"{kind}-{number}").split()
            seconds[kind].append(float(started) - began)
            said[kind].append(" ".join(words))
            kubectl("-n", place.namespace, "delete", "pod", f"{kind}-{number}", "--wait=false")
    without, injected = (statistics.median(seconds[kind]) for kind in ("without", "with"))
    print(
        f"\nfrom a pod's creation to its application's start, median of {PODS}: "
        f"{without:.2f} s without injection, {injected:.2f} s with a file and a variable"
    )

    assert said["without"] == [""] * PODS
    assert said["with"] == [f"db.json {VALUE}"] * PODS


def _first_line(place: Place, name: str) -> str:
    words = ("-n", place.namespace, "logs", name, "-c", "app")
    return eventually(lambda: kubectl(*words, check=False).out, pause=0.1)
