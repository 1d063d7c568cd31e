"""
Paths of Vault: the mount of an engine, and something in it.

They are looked at with the store's prefix in front, since only then the engine is there. The mount
that `?engine=` names is the beginning of the path: the policy permits what is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from injector.contract.reasons import Reason
from webhook.annotations.vault import TOKENS
from webhook.mutation import prefixes

if TYPE_CHECKING:
    from injector.contract.references import Reference
    from injector.contract.stores import Store
    from webhook.annotations.intent import Intent
    from webhook.errors import Problems

_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_API: Final = ("data", "metadata")
"""Segments that KV 2 has behind its mount on the wire, and that nobody writes in a reference."""


def check(intent: Intent, problems: Problems) -> None:
    """Note every path that names no secret of an engine; warn of those of Vault's own API."""
    for wanted in intent.secrets:
        for source in wanted.sources:
            configured = intent.stores.get(source.reference.store)
            if configured is None or configured.store.family != "vault":
                continue
            origin, path = wanted.origin, prefixes.final(source.reference, intent)
            wrong = _token(path) or _problem(path, source.reference.option("engine"))
            if wrong is not None:
                problems.add(Reason.INVALID_REFERENCE, origin.key, wrong, origin.line)
                continue
            stray = _stray(path, source.reference, configured.store)
            if stray is not None:
                engine, segment = stray
                problems.warn(f"{origin}: leave out `{segment}/` if the engine `{engine}` is KV 2")


def _token(path: str) -> str | None:
    if not path.startswith(TOKENS):
        return None
    return f"`{path[:120]}` is about tokens, which are Syrette's own matter"


def _problem(path: str, engine: str) -> str | None:
    if path.startswith("/"):
        return "a path of Vault starts with its engine: leave out the `/` in front"
    if path.endswith("/"):
        return "nothing is listed in Vault: name one secret, without a `/` at the end"
    if _ESCAPE.search(path):
        # What is unescaped once more on its way would be another path than the policy has seen.
        return "the path is escaped twice"
    if engine and not path.startswith(f"{engine}/"):
        return f"the engine `{engine[:60]}` is not the beginning of the path `{path[:120]}`"
    if "/" not in path:
        return f"`{path[:60]}` names an engine and nothing in it; write `vault:<engine>/<path>`"
    return None


def _stray(path: str, reference: Reference, store: Store) -> tuple[str, str] | None:
    """Engine and segment of a path that was copied from a request of Vault's API."""
    if any(name == "ttl" or name.startswith("data.") for name, _ in reference.options):
        return None  # no KV secret
    if (reference.option("kv") or store.text("kv")) == "1":
        return None
    engine = reference.option("engine") or path.partition("/")[0]
    segment, slash, _ = path.removeprefix(f"{engine}/").partition("/")
    return (engine, segment) if slash and segment in _API else None
