"""
Final paths: the store's `path-prefix` in front of what the pod wrote, and names in full.

An ARN names its secret whole and takes no prefix. What a prefix makes of a path is checked again:
a joint must leave no empty, `.` or `..` segment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from injector.contract import azure, google
from injector.contract.reasons import Reason
from injector.contract.references import MAX_LENGTH

if TYPE_CHECKING:
    from injector.contract.references import Reference
    from injector.contract.stores import Store
    from webhook.annotations.intent import Intent
    from webhook.errors import Problems

FIELD: Final = "path-prefix"
_ODD: Final = frozenset({"", ".", ".."})


def final(reference: Reference, intent: Intent) -> str:
    """The path that is read; the reference's own where its store is not known."""
    configured = intent.stores.get(reference.store)
    prefix = configured.store.text(FIELD) if configured is not None else ""
    path = _joined(prefix, reference.path)
    family = configured.store.family if configured is not None else ""
    try:
        # An id alone is the same name in every project: what is permitted and what is read is
        # the whole of it. Vaults of Azure have no case.
        if configured is not None and family == "gcp":
            return str(google_name(reference, path, configured.store))
        return str(azure.parse_path(path)) if family == "azure" else path
    except (google.InvalidPathError, azure.InvalidPathError):
        return path


def google_name(reference: Reference, path: str, store: Store) -> google.SecretName:
    """
    The whole name of a secret of Google's, from its path with the prefix in front.

    Raises:
        InvalidPathError: for what is none; the text says what to write.
    """
    return google.parse_path(path, store.text("project"), reference.option("region") or "")


def _joined(prefix: str, path: str) -> str:
    if not prefix or path.startswith("arn:"):
        return path
    # A path of Parameter Store starts with a slash, and so may a prefix end with one.
    return prefix + (path.removeprefix("/") if prefix.endswith("/") else path)


def check(intent: Intent, problems: Problems) -> None:
    """Note every path that its prefix spoils."""
    for wanted in intent.secrets:
        for source in wanted.sources:
            wrong = _problem(source.reference, final(source.reference, intent))
            if wrong is not None:
                reason, message = wrong
                problems.add(reason, wanted.origin.key, message, wanted.origin.line)


def _problem(reference: Reference, path: str) -> tuple[Reason, str] | None:
    # The plan has the escaped text, which may be several times as long as what was written.
    if len(str(replace(reference, path=path))) > MAX_LENGTH:
        message = f"the reference is longer than {MAX_LENGTH} characters with prefix and escapes"
        return Reason.LIMIT_EXCEEDED, message
    if path == reference.path:
        return None
    inner = path.removeprefix("/").removesuffix("/")
    if path.startswith("arn:") or not _ODD.isdisjoint(inner.split("/")):
        message = (
            f"`{reference.path[:60]}` behind the prefix of the store `{reference.store}` "
            f"is `{path[:120]}`, which has an empty, `.` or `..` segment"
        )
        return Reason.INVALID_REFERENCE, message
    return None
