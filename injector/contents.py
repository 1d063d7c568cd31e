"""
What each secret of the plan becomes, with last good content where something failed.

Secrets that share a read, directly or through an item with several sources, move together: when
one of them cannot be brought up to date, all of them stay as they are, for a new password beside an
old user name is worse than both old. Others are not held up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from injector import render
from injector.contract.reasons import Reason
from injector.errors import InjectorError, RenderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from injector.contract.plan import Plan, Secret, Source
    from injector.contract.references import Reference
    from injector.render.interface import Rendered
    from injector.state import State


@dataclass(frozen=True, slots=True)
class Failure:
    """One secret that could not be brought up to date, and why."""

    index: int
    """In the plan."""
    secret: Secret
    source: Source
    provider: str
    error: InjectorError
    served: bool
    """Whether its last good content is there all the same."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What there is to publish after the reads of a cycle."""

    rendered: Mapping[int, Rendered]
    """By index in the plan; an optional secret that is absent has none."""
    changed: frozenset[int]
    """Secrets whose content is another one than before."""
    failures: tuple[Failure, ...]
    unrendered: Mapping[Reference, Reason]
    """Reads whose bytes could not be made into what was asked for."""

    @property
    def complete(self) -> bool:
        """Whether everything that is required has content, new or last good."""
        return all(failure.served for failure in self.failures)


def contents(
    plan: Plan,
    state: State,
    fetched: Iterable[Reference],
    errors: Mapping[Reference, InjectorError],
) -> Contents:
    """
    Render what the reads of this cycle touch; keep the rest.

    Args:
        plan: the secrets.
        state: with the reads of this cycle noted; its `rendered` is what was good before.
        fetched: the reads of this cycle.
        errors: of those, the ones that failed.
    """
    tried = frozenset(fetched)
    rendered = dict(state.rendered)
    failures: list[Failure] = []
    unrendered: dict[Reference, Reason] = {}
    for group in groups(plan):
        untouched = all(
            index in rendered and tried.isdisjoint(_reads(plan.secrets[index])) for index in group
        )
        if untouched:
            continue
        fresh, failed = _group(plan, group, state, errors)
        failures.extend(failed)
        for failure in failed:
            if isinstance(failure.error, RenderError):
                unrendered |= dict.fromkeys(_reads(failure.secret), failure.error.reason)
        if not failed:
            rendered |= fresh
    changed = {index for index, item in rendered.items() if state.rendered.get(index) != item}
    return Contents(rendered, frozenset(changed), tuple(failures), unrendered)


def groups(plan: Plan) -> list[list[int]]:
    """Indexes of the secrets that are connected by reads, in the plan's order."""
    found: list[tuple[set[Reference], list[int]]] = []
    for index, secret in enumerate(plan.secrets):
        reads, members = set(_reads(secret)), [index]
        apart = []
        for group in found:
            if reads.isdisjoint(group[0]):
                apart.append(group)
            else:
                reads |= group[0]
                members = group[1] + members
        found = [*apart, (reads, members)]
    return sorted(sorted(members) for _, members in found)


def _reads(secret: Secret) -> list[Reference]:
    return [source.reference.read for source in secret.sources]


def _group(
    plan: Plan, group: list[int], state: State, errors: Mapping[Reference, InjectorError]
) -> tuple[dict[int, Rendered], list[Failure]]:
    fresh: dict[int, Rendered] = {}
    failures = []
    for index in group:
        secret = plan.secrets[index]
        source, error = _problem(secret, state, errors)
        if error is None:
            try:
                content = _render(plan, secret, state)
            except RenderError as exc:
                error = exc
            else:
                if content is not None:
                    fresh[index] = content
                continue
        provider = plan.store(source.reference.store).provider
        # What was published without an optional secret has its absence as last good content.
        served = index in state.rendered or (secret.optional and state.published_at > 0)
        failures.append(Failure(index, secret, source, provider, error, served))
    return fresh, failures


def _problem(
    secret: Secret, state: State, errors: Mapping[Reference, InjectorError]
) -> tuple[Source, InjectorError | None]:
    """Find the first source that failed, in this cycle or before."""
    for source in secret.sources:
        read = source.reference.read
        if read in errors and state.reads[read].reason is not None:
            return source, errors[read]
        reason = state.reads[read].reason
        if reason is not None:
            return source, InjectorError(reason, "it failed before and is not yet due again")
    return secret.sources[0], None


def _render(plan: Plan, secret: Secret, state: State) -> Rendered | None:
    """Render; None for an optional secret that is absent."""
    values = {}
    for read in _reads(secret):
        value = state.reads[read].value
        if value is None:
            if secret.optional:
                return None
            # Of a state that is not ours; the file that is there must not go for it.
            raise RenderError(Reason.INTERNAL, "the state has no value of a read that succeeded")
        values[read] = value
    try:
        made = render.render(secret, values, delimiters=plan.delimiters)
        if made.variables:
            render.env_file(made.variables)  # says now, and of this secret, what would fail later
    except InjectorError as exc:
        raise exc if isinstance(exc, RenderError) else RenderError(exc.reason, str(exc)) from None
    except Exception as exc:  # noqa: BLE001 - a library's text may quote a value
        msg = f"rendering failed: {type(exc).__name__}"
        raise RenderError(Reason.INTERNAL, msg) from None
    return made
