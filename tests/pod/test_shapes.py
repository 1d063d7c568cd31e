"""Pods of several shapes: who gets what, in which order, and what is already there."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.injector.supervisor.process import eventually
from tests.pod.tier import INIT, SIDECAR, pod, python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pod.tier import Tier
    from worlds.aws import AwsWorld
    from worlds.pods import PodRunner

DB = "aws-secretsmanager:prod/db"
NEVER = {"refresh": "never"}
DUMP = python("import json; print(json.dumps(dict(os.environ)), flush=True); time.sleep(600)")


def container(name: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """A container of an image that is not here."""
    return {"name": name, "image": f"{name}:1", **fields}


def seen(directory: Path) -> list[str]:
    """What an application sees at the top of a mount."""
    return sorted(path.name for path in directory.iterdir() if not path.name.startswith(".."))


def started(runner: PodRunner) -> list[str]:
    """Which containers started, in order."""
    return [event.container for event in runner.history if event.what == "started"]


@pytest.fixture(autouse=True)
def secrets(world: AwsWorld) -> None:
    """A mapping and a plain value."""
    world.put_secret("prod/db", json.dumps({"user": "u", "password": "p$(USER)'"}))
    world.put_parameter("/prod/token", "t$$(HOME) x")


def test_one_container_of_three_is_left_out(tier: Tier) -> None:
    """It has neither mount nor variable; the two others have both."""
    asked = {
        "file.db": DB,
        "env.TOKEN": "aws-ssm:/prod/token",
        "containers": "web, worker",
    }
    containers = [container(name) for name in ("web", "proxy", "worker")]
    runner = tier.start(pod({**asked, **NEVER}, containers=containers))

    for name in ("web", "worker"):
        assert seen(runner.directory(name, "/secrets")) == ["db"]
        assert runner.environment(name) == {"TOKEN": "t$$(HOME) x"}
    assert runner.environment("proxy") == {}
    assert runner.pod.container("proxy").mounts == ()
    assert list(runner.containers["proxy"].root.glob("secrets")) == []


def test_containers_see_exactly_the_files_selected_for_them(tier: Tier) -> None:
    """Two sets of files in two volumes, each at its container's mount."""
    items = f"""
- {{from: {DB}, dir: db, containers: [web]}}
- {{from: "aws-ssm:/prod/token", file: token}}
- {{from: "aws-ssm:/prod/token", file: other, containers: [worker], mount: /etc/other}}
"""
    containers = [container("web"), container("worker")]
    runner = tier.start(pod({"secrets": items, **NEVER}, containers=containers))

    assert seen(runner.directory("web", "/secrets")) == ["db", "token"]
    assert seen(runner.directory("web", "/secrets") / "db") == ["password", "user"]
    assert seen(runner.directory("worker", "/secrets")) == ["token"]
    assert seen(runner.directory("worker", "/etc/other")) == ["other"]


def test_variables_arrive_as_they_are_stored(tier: Tier) -> None:
    """In front of the user's own, which may refer to them; nothing in them is expanded."""
    own = [{"name": "URL", "value": "https://$(USER):$(TOKEN)@$(HOST)/$$(USER)"}]
    asked = {"env.TOKEN": "aws-ssm:/prod/token", "env.USER": f"{DB}#user", **NEVER}
    runner = tier.start(
        pod(asked, containers=[container("app", env=own)]), applications={"app": DUMP}
    )
    log = runner.containers["app"].log
    eventually(lambda: log().endswith("\n"))
    environment = json.loads(log())

    assert environment["TOKEN"] == "t$$(HOME) x"
    assert environment["USER"] == "u"
    assert environment["URL"] == "https://u:t$$(HOME) x@$(HOST)/$(USER)"
    assert [entry["name"] for entry in runner.pod.container("app").document["env"]] == [
        *("TOKEN", "USER", "URL"),
    ]


def test_a_value_that_no_variable_can_carry_fails_by_name(tier: Tier) -> None:
    """A single quote: the init container says which variable, and not its value."""
    failure = tier.failure(tier.runner(pod({"env.PASSWORD": f"{DB}#password", **NEVER})))

    assert failure.exit_code == 15
    assert "the variable PASSWORD holds a single quote" in failure.termination_message
    assert "p$(USER)" not in failure.termination_message + failure.log


def test_a_variable_that_is_there_is_denied_or_taken_over(tier: Tier) -> None:
    """A third-party chart's own variable: refused by name, overridden when asked."""
    own = [{"name": "TOKEN", "value": "mine"}, {"name": "HINT", "value": "$(TOKEN)"}]
    asked = {"env.TOKEN": "aws-ssm:/prod/token", **NEVER}
    containers = [container("app", env=own)]
    answer = tier.webhook.admit(pod(asked, containers=copy.deepcopy(containers)))
    runner = tier.start(pod({**asked, "override-env": "true"}, containers=containers))

    assert (answer.allowed, answer.reason) == (False, "name-collision")
    assert "the container `app` defines `TOKEN` already" in answer.message
    assert runner.environment("app")["TOKEN"] == "t$$(HOME) x"


def test_init_containers_get_files_when_they_start_after_ours(tier: Tier) -> None:
    """A migration reads the database's password before the application starts."""
    read = python("print(open(root + '/secrets/user').read())")
    document = pod({"file.user": f"{DB}#user"}, initContainers=[container("migrate")])
    runner = tier.start(document, applications={"migrate": read})

    assert started(runner) == [INIT, SIDECAR, "migrate", "app"]
    assert runner.containers["migrate"].log() == "u\n"


def test_order_last_starts_behind_the_mesh(tier: Tier) -> None:
    """A native-sidecar proxy is up before; it starts without the secrets."""
    proxy = container("proxy", restartPolicy="Always")
    document = pod({"file.db": DB, "order": "last"}, initContainers=[proxy])
    runner = tier.start(document)

    assert started(runner) == ["proxy", INIT, SIDECAR, "app"]
    assert runner.pod.container("proxy").mounts == ()
    assert seen(runner.directory("app", "/secrets")) == ["db"]


def test_a_pod_that_has_our_containers_is_left_as_it_is(tier: Tier) -> None:
    """The second pass of a reinvocation changes nothing, and says the same."""
    document = pod({"file.db": DB, "env.TOKEN": "aws-ssm:/prod/token"})
    first = tier.webhook.admit(document)
    second = tier.webhook.admit(first.pod)

    assert first.patch
    assert {operation["op"] for operation in first.patch} == {"add"}
    assert (second.allowed, second.patch) == (True, [])
    assert second.pod == first.pod


def test_a_container_that_came_after_us_is_provided_for(tier: Tier) -> None:
    """Another webhook added one: its mount is repaired, and the pod runs."""
    once = tier.patched(pod({"file.db": DB, **NEVER}))
    once["spec"]["containers"].append(container("late"))
    runner = tier.start(once)

    assert seen(runner.directory("late", "/secrets")) == ["db"]


@pytest.mark.parametrize("field", ["initContainers", "containers"])
def test_a_container_with_our_name_is_denied(tier: Tier, field: str) -> None:
    """A hand-written `syrette-init` buys nothing."""
    document = pod({"file.db": DB})
    forged = container(INIT, command=["/bin/sh", "-c", "cat /run/syrette/session/*"])
    document["spec"].setdefault(field, []).append(forged)
    answer = tier.webhook.admit(document)

    assert (answer.allowed, answer.reason) == (False, "already-injected")
    assert answer.patch == []
    assert "remove the injected parts" in answer.message


def test_a_mount_of_our_sessions_is_denied(tier: Tier) -> None:
    """The application's way to our sessions: refused even in a pod that is ours otherwise."""
    once = tier.patched(pod({"file.db": DB}))
    mount = {"name": "syrette-session", "mountPath": "/x"}
    once["spec"]["containers"][0]["volumeMounts"].append(mount)
    answer = tier.webhook.admit(once)

    assert (answer.allowed, answer.reason) == (False, "already-injected")
    assert "syrette-session" in answer.message


def test_a_pod_of_many_parts_runs(tier: Tier) -> None:
    """Own volumes, variables, probes, hooks, sub-paths and a sidecar of its own beside ours."""
    app = container(
        "app",
        envFrom=[{"configMapRef": {"name": "settings"}}],
        volumeMounts=[
            {"name": "data", "mountPath": "/data"},
            {"name": "config", "mountPath": "/etc/app/app.conf", "subPath": "app.conf"},
        ],
        lifecycle={"preStop": {"exec": {"command": ["/bin/drain"]}}},
        readinessProbe={"httpGet": {"path": "/", "port": 8080}},
    )
    spec: dict[str, Any] = {
        "containers": [app],
        "initContainers": [container("logs", restartPolicy="Always")],
        "volumes": [
            {"name": "data", "emptyDir": {}},
            {"name": "config", "configMap": {"name": "settings"}},
        ],
        "securityContext": {"fsGroup": 2000, "runAsUser": 1000},
    }
    read = python("print(open(root + '/etc/app/app.conf').read(), flush=True); signal.pause()")
    runner = tier.start(
        pod({"file.db": DB, **NEVER}, **spec),
        config_maps={"settings": {"app.conf": "c"}},
        applications={"app": read},
    )

    assert started(runner)[:3] == [INIT, "logs", "app"]
    eventually(lambda: runner.containers["app"].log() == "c\n")
    assert runner.environment("app") == {"app.conf": "c"}
    assert seen(runner.directory("logs", "/secrets")) == ["db"]
