"""
The steps on AWS, in order. Each shows one thing, and raises when it did not happen.

All values are made up, which is why they are printed: nothing else of Syrette ever prints one.
"""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from injector.contract import codec, names
from syrette.demo import cloud, pod
from syrette.demo.waiting import StepError
from worlds.pods import PodError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syrette.demo.stage import Stage
    from worlds.journal import Entry

PERIODS: Final = 3
"""Refreshes that fail before the outage ends."""
_DB: Final = "db.json"


def start(stage: Stage) -> None:
    """A simulated AWS that refuses what the real one refuses, and the real webhook."""
    stage.world = world = stage.enter(cloud.cloud())
    stage.issuer = world.issuer
    stage.screen.say(f"AWS      {world.endpoints['sts']}  (signatures, tokens, trust checked)")
    stage.start_webhook(cloud.operator(world), cloud.cluster(world))


def mistype(stage: Stage) -> None:
    """A mistake in an annotation is a clear no, before any pod exists."""
    wrong = copy.deepcopy(pod.of(stage.deployment))
    value = wrong["metadata"]["annotations"].pop("syrette.dev/file.db.json")
    wrong["metadata"]["annotations"]["syrette.dev/flie.db.json"] = value
    reply = stage.webhook.admit(wrong)
    if reply.allowed:
        msg = "a mistyped annotation was allowed"
        raise StepError(msg)
    stage.screen.lines(reply.message.splitlines(), "red")


def admit(stage: Stage) -> None:
    """The Deployment's pod goes to the webhook, and comes back with our containers."""
    stage.screen.say("asked for, on the pod template:")
    wanted = stage.deployment["spec"]["template"]["metadata"]["annotations"]
    stage.screen.lines(f"{key}: {value.splitlines()[0]}" for key, value in wanted.items())
    stage.sent = pod.of(stage.deployment)
    began = time.monotonic()
    reply = stage.webhook.admit(stage.sent)
    took = 1000 * (time.monotonic() - began)
    if not reply.allowed or not reply.operations:
        raise StepError(f"the pod was not patched: {reply.message}")
    admitted = pod.patched(stage.sent, reply.operations)
    stage.created = pod.stored(admitted)
    kinds = {operation["op"] for operation in reply.operations}
    stage.screen.say(
        f"answered in {took:.0f} ms: {len(reply.operations)} operations, all of them "
        f"`{'`, `'.join(kinds)}`; applied, they are"
    )
    stage.screen.diff(pod.difference(stage.sent, admitted))
    stage.screen.say(f"in {names.PLAN_VARIABLE} there are references, never values:")
    stage.screen.lines(_plan(stage))


def run(stage: Stage) -> None:
    """The pod starts: what the patch says, as processes, with the pod's own token."""
    try:
        stage.start_pod()
    except (PodError, TimeoutError) as exc:
        raise StepError(f"the pod did not start: {exc}") from exc
    runner = stage.runner
    rows = [
        [name, f"exit code {it.exit_code}" if it.pid is None else f"running, process {it.pid}"]
        for name, it in runner.containers.items()
    ]
    stage.screen.table(["container", "state"], rows)
    stage.screen.say("what the application finds (made-up values, so they may be shown):")
    for path in sorted(stage.published()):
        mode = (stage.secrets / path).stat().st_mode & 0o777
        stage.screen.say(f"/secrets/{path}  {mode:04o}", "bold")
        stage.screen.lines(stage.read(path).splitlines())
    stage.screen.say("environment of web", "bold")
    stage.screen.lines(f"{name}={value}" for name, value in runner.environment("web").items())


def rotate(stage: Stage) -> None:
    """The password is rotated at AWS, and the running sidecar publishes it."""
    began = time.monotonic()
    before = (stage.secrets / names.PAYLOAD_LINK).readlink()
    _put(stage, "swordfish:2")
    _await(stage, "swordfish:2", "the new password was not published")
    after = (stage.secrets / names.PAYLOAD_LINK).readlink()
    stage.screen.say(f"published {time.monotonic() - began:.1f} s later (the pod says: every 1 s)")
    stage.screen.say(f"one switch for both files: ..data {before} → {after}")
    _show(stage)


def outage(stage: Stage) -> None:
    """AWS goes away: the last good files stay, and nothing restarts."""
    sidecar = stage.runner.containers[names.SIDECAR_CONTAINER]
    process, files, said = sidecar.pid, stage.published(), len(sidecar.log().splitlines())
    stage.world.go_down()
    fail(stage, "aws-secretsmanager:prod/db")
    if stage.published() != files or sidecar.pid != process or sidecar.restarts:
        msg = "the outage changed the files or restarted the sidecar"
        raise StepError(msg)
    say_of(stage, _DB, said)
    stage.screen.say(f"same process {process}, no restart, and the files are as they were:")
    _show(stage)


def fail(stage: Stage, reference: str) -> None:
    """Wait for refreshes that fail."""
    stage.eventually(
        lambda: stage.failures(reference) >= PERIODS,
        f"{PERIODS} refreshes have to fail",
        f"{PERIODS} refreshes did not fail",
    )
    stage.screen.say(f"{stage.failures(reference)} refreshes in a row have failed")


def say_of(stage: Stage, target: str, past: int) -> None:
    """Show what the sidecar has said of a file last, behind so many lines."""
    log = stage.runner.containers[names.SIDECAR_CONTAINER].log().splitlines()
    lines = [json.loads(line) for line in log[past:]]
    last = next(line for line in reversed(lines) if line.get("target") == target)
    stage.screen.say(f"the sidecar says of {target}:")
    stage.screen.lines([f"{last['message']}: {last['reason']}: {last['cause']}"], "yellow")


def recover(stage: Stage) -> None:
    """AWS comes back with yet another password, and the files follow by themselves."""
    _put(stage, "open-sesame/3")
    began = time.monotonic()
    stage.world.come_back()
    _await(stage, "open-sesame/3", "the files did not follow")
    stage.screen.say(f"published {time.monotonic() - began:.1f} s after AWS was there again")
    _show(stage)


def journal(stage: Stage) -> None:
    """What AWS has seen: one login for init and sidecar together, and who asked for what."""
    entries = stage.world.journal.entries
    counted = Counter((entry.action, _who(entry), entry.outcome) for entry in entries)
    rows = [[str(times), action, who, how] for (action, who, how), times in counted.items()]
    stage.screen.table(["times", "action", "asked by", "outcome"], rows)
    logins = stage.world.journal.count("AssumeRoleWithWebIdentity")
    chained = stage.world.journal.count("AssumeRole")
    if (logins, chained) != (1, 1):
        raise StepError(f"{logins} logins and {chained} assumed roles, instead of one each")
    stage.screen.say("every later process of the sidecar started from that login's copy")


def stop(stage: Stage) -> None:
    """The pod is deleted, and everything ends in order."""
    past = len(stage.runner.history)
    stage.runner.stop()
    for event in stage.runner.history[past:]:
        code = "" if event.exit_code is None else f" with exit code {event.exit_code}"
        stage.screen.say(f"{event.container}: {event.what}{code}")
    codes = {name: it.exit_code for name, it in stage.runner.containers.items()}
    codes["webhook"] = stage.webhook.stop()
    stage.screen.say(f"webhook: ended with exit code {codes['webhook']}")
    if any(codes.values()):
        raise StepError(f"something did not end well: {codes}")


STEPS: Final[tuple[Callable[[Stage], None], ...]] = (
    start,
    mistype,
    admit,
    run,
    rotate,
    outage,
    recover,
    journal,
    stop,
)


def _plan(stage: Stage) -> Iterator[str]:
    init = stage.created["spec"]["initContainers"][0]
    text = next(it["value"] for it in init["env"] if it["name"] == names.PLAN_VARIABLE)
    for secret in codec.load(text).secrets:
        sources = ", ".join(str(source.reference) for source in secret.sources)
        yield f"{secret.target} ← {sources}"


def _put(stage: Stage, password: str) -> None:
    stage.world.rotate("prod/db", cloud.database(password))


def _await(stage: Stage, password: str, otherwise: str) -> None:
    stage.eventually(
        lambda: json.loads(stage.read(_DB))["password"] == password,
        "the sidecar's next refresh",
        otherwise,
    )


def _show(stage: Stage) -> None:
    """Print the two files that hold the password."""
    stage.screen.lines([f"{_DB}: {stage.read(_DB)}"])
    stage.screen.lines([f"conf/app.ini: {stage.read('conf/app.ini').splitlines()[-1]}"])


def _who(entry: Entry) -> str:
    return entry.principal.removeprefix("arn:aws:") or "nobody"
