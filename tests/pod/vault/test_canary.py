"""Values, projected tokens and Vault's own are where they must be, and nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.injector.supervisor.process import eventually, free_port
from tests.pod.test_canary import found, served, spellings, told
from tests.pod.tier import INIT, SIDECAR
from tests.pod.watching import Watch
from worlds import faults

if TYPE_CHECKING:
    from tests.pod.tier import Tier
    from tests.pod.vault.shop import Shop
    from worlds.pods import PodRunner
    from worlds.postgres import Postgres
    from worlds.vault import VaultWorld

OLD: Final = "c4nary-v4ult-0ld/+ &é"
NEW: Final = "c4nary-v4ult-n3w/+ &é"
REFERENCE: Final = "payments:secret/prod/db"


def tokens(runner: PodRunner) -> set[str]:
    """Those that Vault has given to a pod, from its snapshot."""
    session = runner.directory(SIDECAR, "/run/syrette/session")
    return {it["token"] for it in json.loads((session / "sessions").read_text())["records"]}


def test_nothing_confidential_of_vault_leaves_the_files(
    tier: Tier, shop: Shop, front: VaultWorld, postgres: Postgres
) -> None:
    """Through a whole life at debug level: a KV secret, a leased user, an answer that repeats."""
    shop.lease(postgres)
    shop.put(OLD)
    port = free_port()
    document = shop.pod(
        {
            "file.password": f"{REFERENCE}#password",
            "env.PASSWORD": f"{REFERENCE}#password",
            "file.leased": "payments:database/creds/app#password",
            "metrics-port": str(port),
            "log-level": "debug",
        }
    )
    answer = tier.webhook.admit(document)
    runner = tier.runner(document)
    ours = (runner.containers[INIT], runner.containers[SIDECAR])
    with Watch(lambda: [*(it.pid for it in ours), tier.webhook.process.pid]) as watch:
        runner.start()
        files = runner.directory("app", "/secrets")
        first = (files / "password").read_text()
        shop.put(NEW)
        eventually(lambda: (files / "password").read_text() != first)
        given = tokens(runner)
        words = {*spellings(OLD), *spellings(NEW), *tier.tokens, *given}
        words |= spellings((files / "leased").read_text())
        reflected = json.dumps({"errors": [NEW, *tier.tokens, *given]}).encode()
        front.faults.add(faults.status(403, body=reflected), on="secret.Read")
        eventually(lambda: "keeps its last good content" in told(runner))
        texts = {
            "answer": answer.raw.decode(),
            "pod": json.dumps(answer.pod, ensure_ascii=False),
            "webhook": tier.webhook.log() + tier.webhook.metrics(),
            "port": served(port),
            "containers": told(runner),
        }
        runner.stop()
    texts["processes"] = watch.text()

    assert (first, (files / "password").read_text()) == (OLD, NEW)
    assert runner.environment("app") == {"PASSWORD": OLD}
    assert len(given) == 1
    assert [name for name, text in texts.items() if found(words, text)] == []
    programs = {"injector\ninit", "supervisor.py", "injector\nworker", "webhook\n--listen"}
    assert found(programs, watch.text()) == programs


def test_a_refused_login_tells_nothing_confidential(
    tier: Tier, shop: Shop, front: VaultWorld
) -> None:
    """A Vault that is not there at first, and then says what it was sent."""

    def reflect() -> None:
        sent = json.dumps({"errors": [*tier.tokens, "permission denied"]}).encode()
        front.faults.add(faults.status(403, body=sent), on="jwt.Login")

    first = replace(faults.status(503), before=reflect)
    front.faults.add(first, on="jwt.Login", times=1)
    shop.put(OLD)
    failure = tier.failure(tier.runner(shop.pod({"file.a": REFERENCE, "log-level": "debug"})))
    words = {*tier.tokens, *(token.lower() for token in tier.tokens)}

    assert failure.exit_code == 11
    assert len(words) == 2
    assert found(words, failure.termination_message + failure.log) == set()
