"""Who can read the files: seen with the application's own uid, and its refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.e2e.conftest import VALUE
from tests.e2e.kubectl import create, logs
from tests.e2e.workloads import container, is_ready, phase, pod, run

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

DB = {"file.db.json": "aws-secretsmanager:prod/db"}
LOOK = """
import json, os
path = "/secrets/db.json"
found = os.stat(path)
held = {"uid": found.st_uid, "gid": found.st_gid, "mode": oct(found.st_mode & 0o7777)}
print(json.dumps(held | {"me": os.getuid(), "text": open(path).read()}))
"""
DROP = """
import os
os.setgroups([]); os.setgid(10002); os.setuid(10002)
try:
    print(len(open("/secrets/db.json").read()) > 0)
except PermissionError:
    print("refused")
"""
"""What gosu does: root gives away its groups, those of fsGroup too, and becomes somebody."""


def _as(uid: int) -> dict[str, Any]:
    return {"securityContext": {"runAsUser": uid}}


def _look(place: Place, name: str, of: str = "app") -> dict[str, Any]:
    """What a container sees of its file, its content included."""
    found: dict[str, Any] = json.loads(run(place.namespace, name, LOOK, of))
    return found


def test_one_uid_owns_its_files_alone(place: Place) -> None:
    """A pod of one uid gets files that this uid, and no other, may read."""
    create(pod("one", place.namespace, DB, securityContext={"runAsUser": 10001}))
    is_ready(place.namespace, "one")
    seen = _look(place, "one")

    assert (seen["me"], seen["uid"], seen["mode"]) == (10001, 10001, "0o400")
    assert VALUE in seen["text"]


def test_several_uids_all_read(place: Place) -> None:
    """Where uids differ the files are the injector's, and everybody's to read."""
    both = container("app", **_as(10001)), container("other", **_as(10002))
    said = create(pod("two", place.namespace, DB, *both, securityContext={}))
    is_ready(place.namespace, "two")
    first, second = _look(place, "two"), _look(place, "two", "other")

    assert "readable by every uid of the pod" in said.err
    assert (first["me"], second["me"]) == (10001, 10002)
    assert (first["uid"], first["mode"]) == (65532, "0o444")
    assert VALUE in first["text"]
    assert first["text"] == second["text"]


def test_root_reads_without_any_capability(place: Place) -> None:
    """Root that has dropped its capabilities cannot pass over a mode, and need not."""
    bare = {"runAsUser": 0, "capabilities": {"drop": ["ALL"]}}
    create(pod("root", place.namespace, DB, container(securityContext=bare), securityContext={}))
    is_ready(place.namespace, "root")
    seen = _look(place, "root")

    assert (seen["me"], seen["uid"], seen["mode"]) == (0, 65532, "0o444")
    assert VALUE in seen["text"]


def test_a_group_of_the_volumes_reads(place: Place) -> None:
    """With fsGroup the files are for that group only, whatever the uids are."""
    both = container("app", **_as(10001)), container("other", **_as(10002))
    group = {"fsGroup": 3000}
    create(pod("grouped", place.namespace, DB, *both, securityContext=group))
    is_ready(place.namespace, "grouped")
    first, second = _look(place, "grouped"), _look(place, "grouped", "other")

    assert (first["me"], second["me"]) == (10001, 10002)
    assert (first["gid"], first["mode"]) == (3000, "0o440")
    assert VALUE in first["text"]
    assert first["text"] == second["text"]


def test_who_gives_away_the_group_needs_a_mode_for_all(place: Place) -> None:
    """An image that drops from root to a user loses fsGroup's files; `mode: "0444"` cures it."""
    fields = {"securityContext": {"fsGroup": 3000, "runAsUser": 0}, "restartPolicy": "Never"}
    for name, extra in (("lost", {}), ("cured", {"mode": "0444"})):
        app = container(code=DROP)
        create(pod(name, place.namespace, {**DB, **extra}, app, **fields))
    for name in ("lost", "cured"):
        phase(place.namespace, name, "Succeeded", "Failed")

    assert logs(place.namespace, "lost", "app").strip() == "refused"
    assert logs(place.namespace, "cured", "app").strip() == "True"
