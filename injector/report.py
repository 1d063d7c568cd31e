"""
The one line that a worker leaves to the supervisor, and init to the first of them.

Numbers only, `name=value` with blanks between, so that a process without any library can read it;
a reader skips names that it does not know. Moments are epoch seconds, `inf` is never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from injector.contract.plan import Plan

FILE: Final = "report"
"""Name within the session volume."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the supervisor has to know until the next cycle."""

    at: float
    """When this was written."""
    next: float
    """Seconds from then until the next cycle."""
    stale: float
    """From when on a secret is stale, if no read succeeds before."""
    revoke: bool = False
    """Whether there are sessions of ours to give back at the end, and leases with them."""
    restart: bool = False
    """Whether the pod's containers are to be restarted now."""

    def line(self, plan: Plan) -> str:
        """Write the line, with what the supervisor needs of the plan."""
        words = {
            "next": self.next,
            "at": self.at,
            "stale": self.stale,
            "revoke": int(self.revoke),
            "restart": int(self.restart),
            "port": plan.metrics_port,
            "classic": int(plan.classic),
            "grace": plan.grace_period,
        }
        # repr: `:g` would round the seconds of an epoch.
        return " ".join(f"{name}={value!r}" for name, value in words.items()) + "\n"
