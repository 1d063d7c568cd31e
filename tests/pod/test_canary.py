"""
Values of secrets, tokens and keys are where they must be, and nowhere else.

One distinctive value goes through everything: admission, init, sidecar, a failure, a rotation.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tests.injector.supervisor.process import ask, eventually, free_port
from tests.pod.tier import INIT, REFRESH, SIDECAR, pod
from tests.pod.watching import Watch
from worlds import faults

if TYPE_CHECKING:
    from tests.pod.tier import Tier
    from worlds.aws import AwsWorld
    from worlds.pods import PodRunner

OLD: Final = "c4nary-0ld/+ &é"
NEW: Final = "c4nary-n3w/+ &é"
DB: Final = "aws-secretsmanager:prod/db"


def spellings(value: str) -> set[str]:
    """Ways in which a value may stand in a text."""
    return {
        value,
        json.dumps(value)[1:-1],
        quote(value, safe=""),
        base64.b64encode(value.encode()).decode(),
        repr(value.encode())[2:-1],
    }


def confidential(tier: Tier, world: AwsWorld) -> set[str]:
    """Everything that must not be told: values, projected tokens, keys of every session."""
    keys = [key for key in world.keys._keys.values() if key.token]
    return {
        *spellings(OLD),
        *spellings(NEW),
        *tier.tokens,
        *(key.secret for key in keys),
        *(key.token for key in keys),
    }


def found(words: set[str], text: str) -> set[str]:
    """Which of the words stand in a text."""
    return {word for word in words if word in text}


def served(port: int) -> str:
    """All that the sidecar's port tells."""
    paths = ("/status", "/metrics", "/healthz")
    return "".join(ask(port, f"GET {path} HTTP/1.1\r\n\r\n".encode()).decode() for path in paths)


def told(runner: PodRunner) -> str:
    """What a person can see of our containers: logs and last words."""
    ours = [runner.containers[name] for name in (INIT, SIDECAR) if name in runner.containers]
    return "".join(it.log() + it.termination_message for it in ours)


def test_nothing_confidential_leaves_the_files(tier: Tier, world: AwsWorld) -> None:
    """Through a whole life, at debug level; what must hold a value does, or nothing is proven."""
    world.put_secret("prod/db", json.dumps({"password": OLD}))
    port = free_port()
    document = pod(
        {
            "file.password": f"{DB}#password",
            "env.PASSWORD": f"{DB}#password",
            "metrics-port": str(port),
            "log-level": "debug",
            **REFRESH,
        }
    )
    answer = tier.webhook.admit(document)
    runner = tier.runner(document)
    ours = (runner.containers[INIT], runner.containers[SIDECAR])
    with Watch(lambda: [*(it.pid for it in ours), tier.webhook.process.pid]) as watch:
        runner.start()
        file = runner.directory("app", "/secrets") / "password"
        first = file.read_text()
        world.rotate("prod/db", json.dumps({"password": NEW}))
        eventually(lambda: file.read_text() != first)
        world.go_down(service="secretsmanager", fault=faults.status(503, body=NEW.encode()))
        eventually(lambda: "keeps its last good content" in told(runner))
        words = confidential(tier, world)
        texts = {
            "answer": answer.raw.decode(),
            "pod": json.dumps(answer.pod, ensure_ascii=False),
            "webhook": tier.webhook.log() + tier.webhook.metrics(),
            "port": served(port),
            "containers": told(runner),
        }
        runner.stop()
    texts["processes"] = watch.text()

    assert (first, file.read_text()) == (OLD, NEW)
    assert runner.environment("app") == {"PASSWORD": OLD}
    assert [name for name, text in texts.items() if found(words, text)] == []
    assert len(words) >= 10
    programs = {"injector\ninit", "supervisor.py", "injector\nworker", "webhook\n--listen"}
    assert found(programs, watch.text()) == programs


def test_a_failure_tells_nothing_confidential(tier: Tier, world: AwsWorld) -> None:
    """A value that cannot be rendered, and an answer that repeats what was sent."""
    world.put_secret("prod/db", OLD)
    failure = tier.failure(
        tier.runner(pod({"file.a": f"{DB}#password", "refresh": "never", "log-level": "debug"}))
    )
    reflected = faults.status(400, body=json.dumps({"message": OLD}).encode())
    world.go_down(service="secretsmanager", fault=reflected)
    other = tier.failure(tier.runner(pod({"file.a": DB, "refresh": "never"})))
    words = confidential(tier, world)

    for it in (failure, other):
        assert it.termination_message
        assert found(words, it.termination_message + it.log) == set()
    assert found(words, tier.webhook.log()) == set()


def test_sessions_are_for_our_containers_only(tier: Tier, world: AwsWorld) -> None:
    """Snapshot and state are private files on a volume that no application mounts."""
    world.put_secret("prod/db", OLD)
    runner = tier.start(pod({"file.a": DB}))
    session = runner.directory(SIDECAR, "/run/syrette/session")
    mounted = {mount.volume for mount in runner.pod.container("app").mounts}

    assert {path.stat().st_mode & 0o777 for path in session.iterdir()} == {0o600}
    assert mounted == {"syrette-secrets"}
    assert [mount.read_only for mount in runner.pod.container("app").mounts] == [True]
    assert found(confidential(tier, world), (session / "sessions").read_text()) != set()
