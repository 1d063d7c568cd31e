"""What one decision is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webhook.annotations.intent import Intent
    from webhook.context import Context
    from webhook.mutation.pod import Pod
    from webhook.settings import Settings


@dataclass(frozen=True, slots=True)
class Subject:
    """One pod, what it asks for, where, and under whose rules."""

    intent: Intent
    pod: Pod
    context: Context
    settings: Settings
