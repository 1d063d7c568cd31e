"""
`syrette fetch`: what the init container would do, here, with the developer's own credentials.

It decides as the webhook would and runs the injector's init below a temporary directory; when all
of it went well, one atomic switch makes the files the content of the wanted directory.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from injector import diagnostics, files, init
from injector.contract import codec, names
from injector.contract.reasons import Reason
from injector.diagnostics import Log
from injector.edges import Machine
from injector.errors import InjectorError, PublicationError
from injector.identity.interface import Identity
from injector.logins import sessions_over
from injector.material import Material, RenderedFile
from injector.settings import Settings
from injector.transport import Transport
from syrette import layout
from syrette.errors import InputError, printable
from syrette.local import local
from syrette.render import refusals
from syrette.signals import ending_on_signals
from webhook.review import Denied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from injector.contract.plan import Plan
    from injector.sessions import SessionCache
    from syrette.decisions import Decision

_PRIVATE: Final = 0o700
_IGNORE: Final = ".gitignore"
"""Ours in the directory, so that secrets are not committed."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The one pod whose secrets are fetched."""

    decision: Decision
    plan: Plan
    warnings: tuple[str, ...] = ()


def choose(strict: Sequence[Decision], lenient: Sequence[Decision], name: str | None) -> Chosen:
    """
    Choose the pod.

    Args:
        strict: as a cluster would decide.
        lenient: the same with `ambient` permitted; it counts.
        name: `KIND/NAME`; None takes the only workload that asks for secrets.

    Raises:
        InputError: when it is not one, or is denied.
    """
    pairs = list(zip(strict, lenient, strict=True))
    if name is not None:
        pairs = [pair for pair in pairs if pair[1].workload.name == name]
    asking = [pair for pair in pairs if isinstance(pair[1].verdict, Denied) or pair[1].plan]
    if not asking:
        there = ", ".join(decision.workload.name for decision in lenient)
        raise InputError(f"{name or 'none'} asks for a secret; there are {there}")
    if len(asking) > 1:
        there = ", ".join(decision.workload.name for _, decision in asking)
        raise InputError(f"one pod at a time: choose with --pod KIND/NAME among {there}")
    [(as_in_a_cluster, decision)] = asking
    if isinstance(decision.verdict, Denied) or decision.plan is None:
        raise refusals([decision]) or InputError(f"{decision.workload.name} asks for no secret")
    warnings = tuple(f"a cluster would deny this pod: {line}" for line in as_in_a_cluster.problems)
    return Chosen(decision, decision.plan, warnings)


def fetch(chosen: Chosen, out: Path, *, without_roles: bool = False) -> int:
    """
    Fetch every secret of a pod into a directory, all or nothing.

    Args:
        chosen: the pod.
        out: made when absent; else it must be empty or of an earlier fetch.
        without_roles: read with one's own role, without the stores' chains.

    Returns:
        The init container's exit code.

    Raises:
        InputError: for a directory that is not ours, or a store that only a pod opens.
    """
    try:
        _check_ours(out)
    except OSError as exc:
        raise InputError(f"{out}: {exc.strerror}") from exc
    for warning in chosen.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    plan = local(chosen.plan, without_roles=without_roles)
    try:
        with ending_on_signals(), ExitStack() as ended:
            opened: list[SessionCache] = []
            outcome, volumes = _init(chosen, plan, ended, opened)
            if outcome.exit_code:
                return _failed(outcome.message, outcome.exit_code)
            with _undone(opened):
                seen = layout.mounts(chosen.decision.patched or {}, chosen.plan)
                placed = layout.arrange(seen, volumes)
                _publish(out, placed)
    except InjectorError as exc:
        return _ended(exc)
    except Exception as exc:  # noqa: BLE001 - a library's text may quote a value
        return _ended(diagnostics.defect(exc))
    for file in placed:
        print(out / file.path)
    for file in volumes.get(names.ENV_VOLUME, ()):
        path = out / layout.env_file(file)
        for name in layout.unreadable_by_compose(path.read_bytes()):
            print(f"warning: {path}: docker compose cannot read {name} as it is", file=sys.stderr)
    return 0


class Words(Log):
    """The injector's log for a person: warnings, and why something is tried again."""

    def __init__(self) -> None:
        super().__init__("warning")
        self._cause = ""

    def write(self, level: str, message: str, **fields: str | float | Sequence[str]) -> None:
        """Say a warning; the cause of an error is kept for what is said next, or at the end."""
        if level == "error":
            self._cause = f": {fields.get('cause', message)}"
        elif level == "warning":
            said = ", ".join(f"{name} {value}" for name, value in fields.items() if value)
            details = f" ({said})" if said else ""
            print(f"warning: {message}{details}{self._cause}", file=sys.stderr)


def _ended(error: InjectorError) -> int:
    return _failed(diagnostics.message([], [error]), diagnostics.exit_code([error]))


def _failed(message: str, exit_code: int) -> int:
    for line in message.splitlines():
        print(f"syrette: {printable(line)}", file=sys.stderr)
    return exit_code


def _init(
    chosen: Chosen, plan: Plan, ended: ExitStack, opened: list[SessionCache]
) -> tuple[init.Outcome, dict[str, list[RenderedFile]]]:
    """
    Run the init container's program and take what it has published.

    Args:
        chosen: the pod.
        plan: for this machine.
        ended: takes away sessions and state of the run; only the files are kept.
        opened: gets the sessions, which live on where a lease needs them.
    """
    root = ended.enter_context(tempfile.TemporaryDirectory(prefix="syrette-"))
    settings = _settings(chosen, plan, Path(root))
    machine = Machine(open_sessions=partial(_open_sessions, ended, opened))
    outcome = init.run(settings, Words(), machine)
    volumes = {
        volume: list(_files(settings.volume(volume) / names.PAYLOAD_LINK))
        for volume in plan.volumes
    }
    return outcome, volumes


def _open_sessions(
    ended: ExitStack, opened: list[SessionCache], settings: Settings, machine: Machine
) -> SessionCache:
    plan, retry = settings.plan, machine.retry
    transport = Transport(ca_bundle=plan.ca_bundle, proxy=plan.proxy, clock=retry.clock)
    ended.callback(transport.close)
    sessions = sessions_over(transport, settings.identity, retry=retry, clock=machine.clock)
    opened.append(sessions)
    return sessions


@contextmanager
def _undone(opened: Sequence[SessionCache]) -> Iterator[None]:
    """Give back the leases of files that nobody gets."""
    try:
        yield
    except BaseException:
        for sessions in opened:
            sessions.revoke()
        raise


def _settings(chosen: Chosen, plan: Plan, root: Path) -> Settings:
    request = chosen.decision.request
    identity = Identity(
        namespace=request.namespace,
        service_account=request.service_account,
        pod=chosen.decision.workload.name.partition("/")[2],
    )
    settings = Settings(plan, codec.digest(codec.dump(plan)), identity, "", root)
    for directory in (settings.session_directory, *map(settings.volume, plan.volumes)):
        directory.mkdir(parents=True)
    return settings


def _files(top: Path) -> Iterator[RenderedFile]:
    """Read what was published, in the order of paths."""
    for path in sorted(top.resolve().rglob("*")):
        if path.is_file():
            material = Material(path.read_bytes())
            name = str(path.relative_to(top.resolve()))
            yield RenderedFile(name, material, path.stat().st_mode & 0o777)


def _check_ours(out: Path) -> None:
    """Refuse a directory with anything in it that no fetch has made."""
    if not out.exists() and not out.is_symlink():
        if not out.parent.is_dir():
            raise InputError(f"{out}: there is no directory {out.parent} to make it in")
        return
    if not out.is_dir():
        raise InputError(f"{out}: is no directory")
    try:
        others = [name for name in files.foreign(out) if name != _IGNORE]
    except PublicationError as exc:
        raise InputError(str(exc)) from exc
    if others:
        raise InputError(
            f"{out}: holds `{others[0]}`, which no fetch has written; give an empty directory, or "
            "one that is not there yet"
        )


def _publish(out: Path, placed: Sequence[RenderedFile]) -> None:
    made = not out.exists()
    try:
        out.mkdir(mode=_PRIVATE, exist_ok=True)
        out.chmod(_PRIVATE)
        (out / _IGNORE).write_text("*\n")
        files.publish(out, placed)
        files.sweep(out)
    except OSError as exc:
        raise PublicationError(Reason.WRITE_FAILED, f"{out}: {exc.strerror}") from exc
    except PublicationError:
        if made:
            shutil.rmtree(out, ignore_errors=True)
        raise
