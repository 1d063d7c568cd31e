"""
Placeholders in the operator's configuration and on namespaces.

There are `{cluster}`, `{namespace}`, `{service-account}` and `{namespace.labels.<key>}`. One must
be bounded by `/`, `_`, `:` or an end of the text, since `{namespace}-*` would let the namespace
`team` match what is meant for `team-b`. For the same reason a label's value may not hold the `_`
that bounds it. Pods and service accounts cannot use placeholders: there a brace is a brace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from webhook.annotations.suggestions import near

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webhook.context import Context

BOUNDS: Final = "/_:"
NAMES: Final = ("cluster", "namespace", "service-account")
LABEL: Final = "namespace.labels."
# `${…}` is a variable of an IAM policy, and JSON has no word right after its brace.
_PLACEHOLDER: Final = re.compile(r"(?<!\$)\{(?P<name>[A-Za-z][A-Za-z0-9._/-]{0,330})\}")


class PlaceholderError(ValueError):
    """A placeholder that is unknown, unbounded or has no value; the text says which."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What placeholders stand for, for one pod."""

    cluster: str = ""
    namespace: str = ""
    service_account: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the namespace."""

    @classmethod
    def of(cls, context: Context, cluster: str) -> Facts:
        """The facts of one admission."""
        return cls(cluster, context.namespace, context.service_account, context.namespace_labels)


def check(text: str) -> None:
    """
    Check the placeholders of a text before any value is known.

    Raises:
        PlaceholderError: for an unknown or unbounded one.
    """
    for match in _PLACEHOLDER.finditer(text):
        name = match["name"]
        if name not in NAMES and not (name.startswith(LABEL) and len(name) > len(LABEL)):
            hint = near(name, NAMES) or f"; there are {{{'}, {'.join(NAMES)}}} and {{{LABEL}<key>}}"
            msg = f"unknown placeholder `{{{name}}}`{hint}"
            raise PlaceholderError(msg)
        before, after = _neighbours(text, match)
        if (before and before not in BOUNDS) or (after and after not in BOUNDS):
            msg = (
                f"`{{{name}}}` must stand between `/`, `_`, `:` or the ends, so that no other "
                "name can match"
            )
            raise PlaceholderError(msg)


def used(text: str) -> frozenset[str]:
    """Names of the placeholders in a text."""
    return frozenset(match["name"] for match in _PLACEHOLDER.finditer(text))


def fill(text: str, facts: Facts) -> str:
    """
    Put the facts in place of the placeholders.

    Raises:
        PlaceholderError: for an unknown or unbounded placeholder, and for one without a value,
            such as a label that the namespace does not have.
    """
    if "{" not in text:
        return text
    check(text)
    return _PLACEHOLDER.sub(lambda match: _value(text, match, facts), text)


def filled(pattern: str, facts: Facts) -> str | None:
    """
    Fill a pattern, in which what a placeholder stands for is literal.

    Returns:
        None where a placeholder has no value, or one that would widen the pattern: no name or
        label of Kubernetes has a star.
    """
    try:
        text = fill(pattern, facts)
    except PlaceholderError:
        return None
    return text if text.count("*") == pattern.count("*") else None


def _value(text: str, match: re.Match[str], facts: Facts) -> str:
    name = match["name"]
    if name.startswith(LABEL):
        value = facts.labels.get(name.removeprefix(LABEL), "")
        if not value:
            msg = f"the namespace `{facts.namespace}` has no label `{name.removeprefix(LABEL)}`"
            raise PlaceholderError(msg)
        if "_" in value and "_" in _neighbours(text, match):
            msg = f"the value of `{{{name}}}` holds `_`, which also bounds it here"
            raise PlaceholderError(msg)
        return value
    value = {
        "cluster": facts.cluster,
        "namespace": facts.namespace,
        "service-account": facts.service_account,
    }[name]
    if not value:
        msg = f"`{{{name}}}` has no value here"
        raise PlaceholderError(msg)
    return value


def _neighbours(text: str, match: re.Match[str]) -> tuple[str, str]:
    return text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 1]
