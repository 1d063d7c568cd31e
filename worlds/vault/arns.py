"""ARNs of callers as Vault's aws method reads them, and the ARNs that its roles are bound to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence


class ArnError(ValueError):
    """An ARN of no user and no role; the text is Vault's."""


@dataclass(frozen=True, slots=True)
class Entity:
    """Who called STS."""

    partition: str
    account: str
    kind: str
    """`user`, `role` or `assumed-role`."""
    name: str
    session: str = ""

    @classmethod
    def parse(cls, arn: str) -> Self:
        """
        Take an ARN apart, as GetCallerIdentity gives it.

        Raises:
            ArnError: in Vault's words.
        """
        parts = arn.split(":")
        if len(parts) != 6:
            msg = f"unrecognized arn: contains {len(parts)} colon-separated parts, expected 6"
            raise ArnError(msg)
        if parts[2] not in {"iam", "sts"}:
            msg = f"unrecognized service: {parts[2]}, not one of iam or sts"
            raise ArnError(msg)
        kind, *names = parts[5].split("/")
        needed = 2 if kind == "assumed-role" else 1
        if len(names) < needed:
            fewer = needed + 1
            msg = (
                f'unrecognized arn: "{parts[5]}" contains fewer than {fewer} slash-separated parts'
            )
            raise ArnError(msg)
        if kind == "assumed-role":
            return cls(parts[1], parts[4], kind, names[0], names[1])
        if kind not in {"user", "role"}:
            msg = f'unrecognized principal type: "{kind}"'
            raise ArnError(msg)
        return cls(parts[1], parts[4], kind, names[-1])

    @property
    def canonical(self) -> str:
        """
        The ARN that roles are bound to: of the role instead of its session, and without a path.

        The ARN of a session does not have the path of its role, so that Vault drops it everywhere.
        """
        kind = "role" if self.kind == "assumed-role" else self.kind
        return f"arn:{self.partition}:iam::{self.account}:{kind}/{self.name}"

    @property
    def display_name(self) -> str:
        """As Vault names the token."""
        return f"{self.name}/{self.session}" if self.session else self.name


def is_wildcard(bound: str) -> bool:
    """Whether a bound ARN stands for several: only a star at its end does."""
    return bound.endswith("*")


def matches_wildcard(bound: Sequence[str], full_arn: str) -> bool:
    """Whether one of the wildcards stands for an ARN with its path."""
    return any(is_wildcard(one) and _glob(one, full_arn) for one in bound)


def _glob(pattern: str, text: str) -> bool:
    """As Vault's `GlobbedStringsMatch`: stars at the ends only, others are themselves."""
    inner = pattern.strip("*") if pattern.startswith("*") else pattern.rstrip("*")
    if pattern.startswith("*"):
        return inner in text
    return text.startswith(inner)
