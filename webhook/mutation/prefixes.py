"""
Final paths: the store's `path-prefix` in front of what the pod wrote.

An ARN names its secret whole and takes no prefix. What a prefix makes of a path is checked again:
a joint must leave no empty, `.` or `..` segment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from injector.contract.reasons import Reason

if TYPE_CHECKING:
    from injector.contract.references import Reference
    from webhook.annotations.intent import Intent
    from webhook.errors import Problems

FIELD: Final = "path-prefix"
_ODD: Final = frozenset({"", ".", ".."})


def final(reference: Reference, intent: Intent) -> str:
    """The path that is read; the reference's own where its store is not known."""
    configured = intent.stores.get(reference.store)
    prefix = configured.store.text(FIELD) if configured is not None else ""
    if not prefix or reference.path.startswith("arn:"):
        return reference.path
    # A path of Parameter Store starts with a slash, and so may a prefix end with one.
    if prefix.endswith("/"):
        return prefix + reference.path.removeprefix("/")
    return prefix + reference.path


def check(intent: Intent, problems: Problems) -> None:
    """Note every path that its prefix spoils."""
    for wanted in intent.secrets:
        for source in wanted.sources:
            reference = source.reference
            path = final(reference, intent)
            if path == reference.path:
                continue
            inner = path.removeprefix("/").removesuffix("/")
            if path.startswith("arn:") or not _ODD.isdisjoint(inner.split("/")):
                message = (
                    f"`{reference.path[:60]}` behind the prefix of the store `{reference.store}` "
                    f"is `{path[:120]}`, which has an empty, `.` or `..` segment"
                )
                origin = wanted.origin
                problems.add(Reason.INVALID_REFERENCE, origin.key, message, origin.line)
