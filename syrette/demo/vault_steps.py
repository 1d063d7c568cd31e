"""The steps on Vault, in order; what both demonstrations show is in `steps`."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from injector.contract import names
from syrette.demo import vault
from syrette.demo.steps import admit, fail, run, say_of, stop
from syrette.demo.waiting import StepError
from worlds.process import NotStartedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from syrette.demo.stage import Stage
    from worlds.openbao import AuditEntry

_DB: Final = "db.json"
_CONF: Final = "conf/app.ini"


def start(stage: Stage) -> None:
    """The real OpenBao with a real PostgreSQL, a simulated API server, and the real webhook."""
    try:
        with stage.screen.waiting("OpenBao and PostgreSQL start"):
            stage.servers = servers = stage.enter(vault.servers())
    except NotStartedError as exc:
        raise StepError(str(exc)) from exc
    stage.issuer = servers.issuer
    where, process = servers.openbao.address, servers.openbao.pid
    stage.screen.say(f"OpenBao  {where}  (process {process}, KV, database, Kubernetes login)")
    stage.screen.say(f"API server  {servers.cluster.url}  (TokenReviews of OpenBao)")
    stage.start_webhook(vault.operator(servers), vault.cluster_facts())


def start_pod(stage: Stage) -> None:
    """The pod starts with one login: its own token, reviewed by the API server."""
    run(stage)
    user = _user(stage)
    if user not in stage.servers.postgres.users():
        raise StepError(f"PostgreSQL does not know the user {user}")
    stage.screen.say(f"PostgreSQL knows that user: {user}")


def change(stage: Stage) -> None:
    """A new version of the KV secret is published by the running sidecar."""
    user, began = _user(stage), time.monotonic()
    stage.servers.put("swordfish:2")
    _await(stage, "swordfish:2", "the new version was not published")
    stage.screen.say(f"published {time.monotonic() - began:.1f} s later (the pod says: every 1 s)")
    stage.screen.lines([f"{_DB}: {stage.read(_DB)}"])
    if _user(stage) != user:
        msg = "the change of one secret has changed the leased user"
        raise StepError(msg)
    stage.screen.say(f"the leased user stays the same: {user}")


def outage(stage: Stage) -> None:
    """Vault is sealed: the last good files stay, the leased user too, and nothing restarts."""
    sidecar = stage.runner.containers[names.SIDECAR_CONTAINER]
    process, files, said = sidecar.pid, stage.published(), len(sidecar.log().splitlines())
    stage.servers.openbao.seal()
    fail(stage, "vault:secret/prod/db")
    if stage.published() != files or sidecar.pid != process or sidecar.restarts:
        msg = "the outage changed the files or restarted the sidecar"
        raise StepError(msg)
    say_of(stage, _DB, said)
    stage.screen.say(f"same process {process}, no restart, and the files are as they were:")
    stage.screen.lines([f"{_DB}: {stage.read(_DB)}"])
    stage.screen.lines([f"{_CONF}: {stage.read(_CONF).splitlines()[-1]}"])


def recover(stage: Stage) -> None:
    """Vault is unsealed and has a newer version, and the files follow by themselves."""
    began = time.monotonic()
    stage.servers.openbao.unseal()
    stage.servers.put("open-sesame/3")
    _await(stage, "open-sesame/3", "the files did not follow")
    stage.screen.say(f"published {time.monotonic() - began:.1f} s after Vault was there again")
    stage.screen.lines([f"{_DB}: {stage.read(_DB)}"])


def audit(stage: Stage) -> None:
    """Vault's own audit log: one login for init and sidecar together, and who asked for what."""
    counted = Counter(_told(entry) for entry in stage.servers.asked())
    rows = [[str(times), *told] for told, times in counted.items()]
    stage.screen.table(["times", "operation", "path", "asked by", "outcome"], rows)
    logins = len(stage.servers.vault.audit.logins())
    users = len(stage.servers.vault.leases(vault.CREDENTIALS))
    if (logins, users) != (1, 1):
        raise StepError(f"{logins} logins and {users} users of the database, instead of one each")
    stage.screen.say("a version that did not change is asked for its metadata only")


def end(stage: Stage) -> None:
    """The pod is deleted: its token is revoked, and its user of the database is gone."""
    user = _user(stage)
    stop(stage)
    servers = stage.servers
    if servers.vault.tokens():
        msg = "a token has outlived its pod"
        raise StepError(msg)
    stage.eventually(
        lambda: user not in servers.postgres.users(), "OpenBao drops the user", f"{user} is left"
    )
    stage.screen.lines("  ".join(_told(it)) for it in servers.vault.audit.revocations())
    stage.screen.say(f"no token lives, and PostgreSQL does not know {user}")


STEPS: Final[tuple[Callable[[Stage], None], ...]] = (
    start,
    admit,
    start_pod,
    change,
    outage,
    recover,
    audit,
    end,
)


def _user(stage: Stage) -> str:
    return stage.read(_CONF).partition("://")[2].partition(":")[0]


def _await(stage: Stage, password: str, otherwise: str) -> None:
    stage.eventually(
        lambda: json.loads(stage.read(_DB))["password"] == password,
        "the sidecar's next refresh",
        otherwise,
    )


def _told(entry: AuditEntry) -> tuple[str, str, str, str]:
    outcome = "ok" if entry.ok else entry.error
    return entry.operation, entry.path, entry.display_name or "nobody", outcome
