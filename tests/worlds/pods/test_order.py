"""Which containers may start, and where a pod is: the pure rules."""

from __future__ import annotations

import pytest

from tests.worlds.pods.pods import container, pod, sidecar
from worlds.pods.order import Phase, PodPhase, Status, failed_init, phase, startable
from worlds.pods.spec import read

POD = read(
    pod(
        container("app"),
        container("web"),
        initContainers=[container("first"), sidecar("proxy"), container("second")],
    )
)
WAITS, RUNS, STARTED = Status(), Status(Phase.RUNNING), Status(Phase.RUNNING, started=True)
DONE, FAILED = Status(Phase.ENDED, 0, started=True), Status(Phase.ENDED, 3, started=True)
AGAIN = Status(Phase.WAITING, 1, started=True)


def those(*statuses: Status) -> dict[str, Status]:
    """Statuses in the order first, proxy, second, app, web; those that are not given wait."""
    names = ("first", "proxy", "second", "app", "web")
    return dict(zip(names, [*statuses, *[WAITS] * 5], strict=False))


@pytest.mark.parametrize(
    ("statuses", "names"),
    [
        ([], ["first"]),
        ([RUNS], []),
        ([AGAIN], ["first"]),
        ([FAILED], []),
        ([DONE], ["proxy"]),
        ([DONE, RUNS], []),
        ([DONE, STARTED], ["second"]),
        ([DONE, AGAIN], ["proxy", "second"]),
        ([DONE, STARTED, RUNS], []),
        ([DONE, STARTED, DONE], ["app", "web"]),
        ([DONE, STARTED, DONE, STARTED], ["web"]),
        ([DONE, AGAIN, DONE, AGAIN, STARTED], ["proxy", "app"]),
        ([DONE, STARTED, DONE, DONE, DONE], []),
    ],
)
def test_what_may_start(statuses: list[Status], names: list[str]) -> None:
    """One init container after the other, a sidecar once it started, the others together."""
    assert [container.name for container in startable(POD, those(*statuses))] == names


@pytest.mark.parametrize(
    ("statuses", "where"),
    [
        ([], PodPhase.PENDING),
        ([AGAIN], PodPhase.PENDING),
        ([FAILED], PodPhase.FAILED),
        ([DONE, STARTED, DONE, STARTED, RUNS], PodPhase.PENDING),
        ([DONE, STARTED, DONE, STARTED, STARTED], PodPhase.RUNNING),
        ([DONE, STARTED, DONE, STARTED, FAILED], PodPhase.RUNNING),
        ([DONE, STARTED, DONE, DONE, FAILED], PodPhase.FAILED),
        ([DONE, FAILED, DONE, DONE, DONE], PodPhase.SUCCEEDED),
    ],
)
def test_where_a_pod_is(statuses: list[Status], where: PodPhase) -> None:
    """Its regular containers decide, and an init container that failed for good."""
    assert phase(POD, those(*statuses)) is where


def test_only_a_failure_for_good_counts() -> None:
    """An init container that is tried again has not failed."""
    found = [failed_init(POD, those(*given)) for given in ([FAILED], [AGAIN], [DONE, FAILED])]

    assert [container and container.name for container in found] == ["first", None, None]
