"""
Which containers get which secrets.

A container that is named must be there and start after our init container; under the default, all
but the operator's ignored ones are taken and those that start earlier are left out, since a
variable from a file that is not there yet would hang the pod for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from injector.contract.names import DOMAIN
from injector.contract.reasons import Reason
from webhook.annotations.intent import Origin
from webhook.annotations.suggestions import near

if TYPE_CHECKING:
    from webhook.annotations.intent import Intent, Wanted
    from webhook.errors import Problems
    from webhook.mutation.pod import Container, Pod
    from webhook.settings import Settings

_SHOWN: Final = 10  # names of containers in a message


@dataclass(frozen=True, slots=True)
class Selected:
    """One secret with the containers that get it."""

    wanted: Wanted
    containers: tuple[Container, ...]
    """In the order of their start."""
    by_default: bool
    """Whether nobody named the containers."""


def select(
    intent: Intent, pod: Pod, settings: Settings, problems: Problems
) -> tuple[Selected, ...]:
    """Find the containers of every secret; names that lead nowhere are problems."""
    order = intent.options.order
    later = [item for item in pod.containers if pod.starts_after_ours(item, order)]
    default = tuple(item for item in later if item.name not in settings.ignored_containers)
    found: dict[tuple[str, ...], tuple[Container, ...]] = {}
    if intent.options.containers is not None:
        chosen = intent.options.containers
        origin = intent.options.given.get("containers", Origin(f"{DOMAIN}/containers"))
        found[chosen] = _named(chosen, origin, pod, later, problems)
    selected: list[Selected] = []
    for wanted in intent.secrets:
        named = intent.options.containers if wanted.containers is None else wanted.containers
        if named is None:
            selected.append(Selected(wanted, default, by_default=True))
            continue
        if named not in found:
            found[named] = _named(named, wanted.origin, pod, later, problems)
        selected.append(Selected(wanted, found[named], by_default=False))
    if not default and any(item.by_default for item in selected):
        message = (
            "no container gets the secrets: all are ignored by the operator or start before "
            f"Syrette; name them in `{DOMAIN}/containers`"
        )
        problems.add(Reason.UNSUPPORTED_POD, "", message)
    return tuple(selected)


def _named(
    chosen: tuple[str, ...],
    origin: Origin,
    pod: Pod,
    later: list[Container],
    problems: Problems,
) -> tuple[Container, ...]:
    held = sorted({item.name for item in pod.containers})
    known = ", ".join(held[:_SHOWN]) + (", …" if len(held) > _SHOWN else "")
    for name in chosen:
        if name not in held:
            hint = (problems.spelled_out and near(name, held)) or f"; there are {known}"
            message = f"the pod has no container `{name}`{hint}"
            problems.add(Reason.INVALID_ANNOTATION, origin.key, message, origin.line)
        elif not any(item.name == name for item in later):
            message = (
                f"the container `{name}` starts before the secrets are there; leave it out, or "
                f"set `{DOMAIN}/order: first`"
            )
            problems.add(Reason.UNSUPPORTED_POD, origin.key, message, origin.line)
    return tuple(item for item in later if item.name in chosen)
