"""
What follows the end of a container: pure rules over its policy and its exit code.

Sources: ShouldContainerBeRestarted in pkg/kubelet/container, KEP-753 (sidecars), KEP-5307
(`restartPolicyRules`), KEP-5532 (RestartAllContainers).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from worlds.pods.spec import ALWAYS, NEVER, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.pods.spec import Container

LONGEST: Final = 32
"""Of a back-off, in first pauses: the kubelet's 10 s become five minutes."""


class After(StrEnum):
    """What follows."""

    NOTHING = "nothing"
    RESTART = "restart"
    RESTART_ALL = "restart all"
    """Every container of the pod starts anew, in place."""


def after(container: Container, exit_code: int) -> After:
    """Say what follows the end of a container with this code."""
    for rule in container.rules:
        if _matches(rule.get("exitCodes") or {}, exit_code):
            everything = rule.get("action") == "RestartAllContainers"
            return After.RESTART_ALL if everything else After.RESTART
    policy = container.restart_policy
    if container.kind is Kind.INIT:
        # `Always` is about regular containers: init has to succeed once.
        again = exit_code != 0 and policy != NEVER
    else:
        again = policy == ALWAYS or (policy != NEVER and exit_code != 0)
    return After.RESTART if again else After.NOTHING


def pause(restarts: int, first: float) -> float:
    """Seconds of back-off before the next start, after `restarts` of them: doubled each time."""
    return first * min(2.0**restarts, LONGEST)


def _matches(exit_codes: Mapping[str, Any], exit_code: int) -> bool:
    among = exit_code in (exit_codes.get("values") or ())
    return among if exit_codes.get("operator") == "In" else not among
