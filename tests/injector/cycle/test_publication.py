"""Complete sets, one publication a volume, and which volumes were overtaken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from injector import cycle, publication
from injector.contract import names
from injector.contract.plan import Plan, Secret
from injector.contract.reasons import Reason
from injector.contract.stores import Store
from injector.edges import Edges
from injector.errors import InjectorError
from injector.material import Material, RenderedFile
from injector.render.interface import Rendered
from injector.state import ReadState, State
from tests.injector.cycle.pod import VOLUME, file, variable
from tests.injector.files.volume import rendered, seen, sets
from tests.injector.sessions.logins import Clock, Logins, cache_of

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "syrette-secrets-2"
VARIABLES = (("X", Material(b"x")),)


def edges(root: Path) -> Edges:
    """Give doors to volumes in a folder."""
    return Edges(cache_of(Logins(Clock())), lambda name: root / name, clock=lambda: 1e9)


def plan(*secrets: Secret, volumes: tuple[str, ...] = (VOLUME,)) -> Plan:
    """Make a plan of these secrets."""
    return Plan(secrets, (Store("aws-ssm", "aws-ssm", {}),), volumes)


def paths(found: publication.Sets) -> dict[str, list[str]]:
    """Give the paths of each set."""
    return {volume: [one.path for one in wanted] for volume, wanted in found.items()}


def test_a_file_is_in_each_of_its_volumes() -> None:
    """And an absent optional one in none; a volume without files has an empty set."""
    pod = plan(
        file("aws-ssm:/a", volumes=(VOLUME, OTHER)),
        file("aws-ssm:/b"),
        volumes=(VOLUME, OTHER, "syrette-secrets-3"),
    )
    made = {0: Rendered((RenderedFile("a", Material(b"x")),))}

    assert paths(publication.complete_sets(pod, made)) == {
        VOLUME: ["a"],
        OTHER: ["a"],
        "syrette-secrets-3": [],
    }


def test_each_container_has_one_env_file() -> None:
    """With the variables of all its secrets; also where it has none, for the kubelet waits."""
    pod = plan(
        replace(variable("aws-ssm:/a", "X"), containers=("app", "web")),
        variable("aws-ssm:/b", "Y", container="web"),
        variable("aws-ssm:/c", "Z", container="job"),
        volumes=(names.ENV_VOLUME,),
    )
    made = {0: Rendered(variables=VARIABLES), 1: Rendered(variables=(("Y", Material(b"y")),))}
    found = publication.complete_sets(pod, made)[names.ENV_VOLUME]

    assert {one.path: one.material.reveal() for one in found} == {
        names.env_file("app"): b"X='x'\n",
        names.env_file("web"): b"X='x'\nY='y'\n",
        names.env_file("job"): b"",
    }
    assert {one.mode for one in found} == {0o400}


def test_one_volume_that_cannot_be_written_holds_up_no_other(tmp_path: Path) -> None:
    """It is named with its reason, and the others are switched."""
    (tmp_path / OTHER).mkdir()
    wanted = {VOLUME: rendered({"a": "1"}), OTHER: rendered({"b": "1"})}
    switched, problems = publication.publish(wanted, edges(tmp_path))
    again, _ = publication.publish(wanted, edges(tmp_path))

    assert (switched, again) == ([OTHER], [])
    assert {name: error.reason for name, error in problems.items()} == {VOLUME: Reason.WRITE_FAILED}
    assert seen(tmp_path / OTHER) == {"b": "1"}


def test_replaced_sets_are_swept(tmp_path: Path) -> None:
    """In every volume that is there; one that is not is the next publication's problem."""
    (tmp_path / OTHER).mkdir()
    for number in "12":
        publication.publish({OTHER: rendered({"b": number})}, edges(tmp_path))
    before = len(sets(tmp_path / OTHER))
    publication.sweep([VOLUME, OTHER], edges(tmp_path))

    assert (before, len(sets(tmp_path / OTHER))) == (2, 1)


def test_volumes_with_another_content_are_overtaken(tmp_path: Path) -> None:
    """One that was never published is not, nor one that cannot be looked at."""
    wanted = {name: rendered({"a": "2"}) for name in ("old", "same", "fresh", "broken", "absent")}
    for name, text in {"old": "1", "same": "2", "broken": "1"}.items():
        (tmp_path / name).mkdir()
        publication.publish({name: rendered({"a": text})}, edges(tmp_path))
    (tmp_path / "fresh").mkdir()
    wanted["broken"] = rendered({"../a": "2"})

    assert publication.overtaken(wanted, edges(tmp_path).volume) == {"old"}


def test_secrets_are_touched_by_their_volumes() -> None:
    """By any of them."""
    pod = [(0, file("aws-ssm:/a")), (1, file("aws-ssm:/b", volumes=(OTHER, VOLUME)))]

    assert publication.touched(pod, [OTHER]) == {1}
    assert publication.touched(pod, [VOLUME, OTHER]) == {0, 1}
    assert publication.touched(pod, []) == set()


def test_two_secrets_for_one_variable_are_an_error() -> None:
    """The variable is named."""
    pod = plan(
        variable("aws-ssm:/a", "X"), variable("aws-ssm:/b", "X"), volumes=(names.ENV_VOLUME,)
    )
    made = {0: Rendered(variables=VARIABLES), 1: Rendered(variables=VARIABLES)}
    with pytest.raises(InjectorError, match="the variable X comes from two secrets"):
        publication.complete_sets(pod, made)


def test_a_cycle_with_two_secrets_for_one_variable_publishes_nothing(tmp_path: Path) -> None:
    """It says why, for all volumes; a plan of ours has no such thing."""
    pod = plan(
        variable("aws-ssm:/a", "X"), variable("aws-ssm:/b", "X"), volumes=(names.ENV_VOLUME,)
    )
    (tmp_path / names.ENV_VOLUME).mkdir()
    made = {0: Rendered(variables=VARIABLES), 1: Rendered(variables=VARIABLES)}
    reads = {
        source.reference.read: ReadState(succeeded_at=1e9, due_at=2e9)
        for secret in pod.secrets
        for source in secret.sources
    }
    with_clock = replace(edges(tmp_path), clock=lambda: 2e9 - 899)
    report = cycle.run(pod, State(reads, rendered=made, published_at=1.0), with_clock)

    assert not report.complete
    assert {name: error.reason for name, error in (report.unpublished or {}).items()} == {
        "": Reason.NAME_COLLISION
    }
    assert list((tmp_path / names.ENV_VOLUME).iterdir()) == []
    assert report.next <= cycle.PUBLISH_AGAIN
