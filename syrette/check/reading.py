"""
Reads a pod's secrets as its init container would, in this process, and keeps no byte of them.

The injector's own logins, providers and rendering run on the plan; what it would publish is only
measured. On disk there is nothing but what logs in, in a private directory that is removed. What
Vault has granted for it, tokens and leases, is given back at the end, whatever happened.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from injector import cycle, files, publication
from injector.contract import codec
from injector.edges import Edges
from injector.errors import InjectorError
from injector.identity.interface import Identity
from injector.identity.keys import POD_IDENTITY
from injector.logins import sessions_over
from injector.retry import Retry
from injector.settings import Settings
from injector.state import State
from injector.transport import Transport
from syrette.check import outcomes
from syrette.check.outcomes import Outcome, Reading
from syrette.signals import ending_on_signals, undisturbed_end

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from injector.contents import Contents
    from injector.contract.plan import Plan, Secret, Source
    from injector.cycle import CycleReport
    from injector.sessions import Revocation, SessionCache
    from syrette.decisions import Decision

LIMIT_SECONDS: Final = 60.0
"""For one pod; a person waits. Each call has the injector's own, shorter budget."""
GIVING_BACK_SECONDS: Final = 5.0
"""For all tokens of one pod at once."""
_AGENT: Final = (
    "store `{}` logs in through the EKS Pod Identity agent, which answers on nodes of EKS only: "
    "elsewhere its login fails, whatever the association is"
)


def read(decision: Decision, plan: Plan, files: Mapping[str, bytes]) -> Reading:
    """
    Read everything that the plan names.

    Args:
        decision: on the pod, which gives its name, namespace and account.
        plan: as the webhook wrote it.
        files: what the kubelet would mount for the logins, by path.
    """
    with ending_on_signals(), ExitStack() as ended:
        root = Path(ended.enter_context(tempfile.TemporaryDirectory(prefix="syrette-check-")))
        _lay(files, root)
        settings = _settings(decision, plan, root)
        retry = Retry(until=time.monotonic() + LIMIT_SECONDS)
        transport = Transport(ca_bundle=plan.ca_bundle, proxy=plan.proxy, clock=retry.clock)
        ended.callback(transport.close)
        sessions = sessions_over(transport, settings.identity, retry=retry, clock=time.time)
        with _giving_back(sessions) as given_back:
            report, made = cycle.gather(plan, State(), Edges(sessions, settings.volume))
    [revocation] = given_back
    return Reading(
        tuple(_outcomes(plan, report, made)),
        _together(plan, made),
        (*_warnings(plan, report), *outcomes.left(report, revocation)),
        len(revocation.given),
    )


@contextmanager
def _giving_back(sessions: SessionCache) -> Iterator[list[Revocation]]:
    """Give back what Vault has granted meanwhile; who ends us early reads on standard error how."""
    done: list[Revocation] = []
    try:
        with undisturbed_end():
            yield done
    except BaseException:
        revocation = sessions.revoke(GIVING_BACK_SECONDS)
        for line in (outcomes.given_back(len(revocation.given)), *outcomes.kept(revocation)):
            if line:
                print(f"syrette: {line}", file=sys.stderr)
        raise
    done.append(sessions.revoke(GIVING_BACK_SECONDS))


def _lay(files: Mapping[str, bytes], root: Path) -> None:
    """Put files where the injector looks for the kubelet's, readable by us alone."""
    for name, data in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)


def _settings(decision: Decision, plan: Plan, root: Path) -> Settings:
    request = decision.request
    identity = Identity(
        namespace=request.namespace,
        service_account=request.service_account,
        pod=decision.workload.name.partition("/")[2],
        root=str(root),
    )
    return Settings(plan, codec.digest(codec.dump(plan)), identity, "", root)


def _outcomes(plan: Plan, report: CycleReport, made: Contents) -> Iterator[Outcome]:
    """Say of every source of every secret what became of it."""
    failed = {(failure.index, failure.source): failure.error for failure in report.failures}
    for index, secret in enumerate(plan.secrets):
        for source in secret.sources:
            error = failed.get((index, source))
            yield _outcome(plan, (secret, source), report, error, _size(made, index))


def _outcome(
    plan: Plan,
    wanted: tuple[Secret, Source],
    report: CycleReport,
    error: InjectorError | None,
    written: int | None,
) -> Outcome:
    secret, source = wanted
    item = report.fetched[source.reference.read]
    absent = item.material is None and error is None and secret.optional
    if not absent and error is None:
        # Of several sources the injector names the first that fails; a person mends all of them.
        error = item.error
    return Outcome(
        target=secret.target,
        reference=str(source.reference),
        provider=plan.store(source.reference.store).provider,
        identity=item.principal,
        version=item.version,
        stored=None if item.material is None else len(item.material),
        written=written,
        served_by=item.served_by if item.error is None else "",
        absent=absent,
        error=error,
    )


def _size(made: Contents, index: int) -> int | None:
    rendered = made.rendered.get(index)
    if rendered is None:
        return None
    files = sum(len(file.material) for file in rendered.files)
    return files + sum(len(value) for _, value in rendered.variables)


def _together(plan: Plan, made: Contents) -> InjectorError | None:
    """Put the sets of files together in memory, which may fail where each file alone is good."""
    try:
        for wanted in publication.complete_sets(plan, made.rendered).values():
            files.check(wanted)
    except InjectorError as exc:
        return exc
    return None


def _warnings(plan: Plan, report: CycleReport) -> Iterator[str]:
    yield from sorted({text for item in report.fetched.values() for text in item.warnings})
    for reference, item in report.fetched.items():
        if item.served_by and item.served_by == plan.store(reference.store).text("failover-region"):
            yield f"{reference}: served by the failover region {item.served_by}"
    by_agent = {store.name for store in plan.logins if store.text("auth") == POD_IDENTITY}
    yield from (_AGENT.format(name) for name in sorted(by_agent))
