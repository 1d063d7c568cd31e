"""The secrets of Secrets Manager: versions, stages, replicas, deletion. No permissions here."""

from __future__ import annotations

import secrets
import string
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from worlds.aws.kms import Key
    from worlds.aws.policy import Document

CURRENT: Final = "AWSCURRENT"
PREVIOUS: Final = "AWSPREVIOUS"
SUFFIX_LENGTH: Final = 7
"""`-` and six letters or digits at the end of every secret's ARN."""
_LETTERS: Final = string.ascii_letters + string.digits


@dataclass(slots=True)
class Version:
    """One value of a secret."""

    id: str
    value: str | bytes = field(repr=False)
    created: float
    stages: set[str] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Shared:
    """What replicas of a secret have in common."""

    versions: dict[str, Version] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    policy: Document | None = None
    primary_region: str = ""


@dataclass(slots=True, eq=False)
class Secret:
    """One secret in one region."""

    name: str
    arn: str
    account: str
    region: str
    key: Key
    customer_key: bool
    shared: Shared
    created: float
    deleted: float | None = None
    """When it was marked for deletion."""

    def add(self, value: str | bytes, *, now: float, stages: Iterable[str] = (CURRENT,)) -> Version:
        """Put a new version; a stage that it takes is taken from the one that had it."""
        version = Version(str(uuid.uuid4()), value, now)
        self.shared.versions[version.id] = version
        for stage in stages:
            self.move(stage, version.id)
        return version

    def move(self, stage: str, version_id: str) -> None:
        """Give a stage to a version; moving AWSCURRENT leaves AWSPREVIOUS behind."""
        holder = self.at(stage)
        target = self.shared.versions[version_id]
        if holder is not None and holder is not target:
            holder.stages.discard(stage)
            if stage == CURRENT:
                self.move(PREVIOUS, holder.id)
        target.stages.add(stage)

    def at(self, stage: str) -> Version | None:
        """Give the version that has a stage."""
        found = (v for v in self.shared.versions.values() if stage in v.stages)
        return next(found, None)


class Secrets:
    """All secrets of one world, by account, region and name."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str, str], Secret] = {}

    def put(self, secret: Secret) -> Secret:
        """Add one, in the place of one with that name."""
        self._all[secret.account, secret.region, secret.name] = secret
        return secret

    def named(self, name: str, account: str, region: str) -> Secret | None:
        """Look one up by name."""
        return self._all.get((account, region, name))

    def by_arn(self, arn: str, *, partial: bool) -> Secret | None:
        """Look one up by full ARN, or by one without its last seven letters."""
        whole = (one for one in self._all.values() if one.arn == arn)
        cut = (one for one in self._all.values() if partial and one.arn[:-SUFFIX_LENGTH] == arn)
        return next(whole, None) or next(cut, None)

    def replicas(self, secret: Secret) -> list[Secret]:
        """Give a secret's copies in other regions."""
        same = (one for one in self._all.values() if one.shared is secret.shared)
        return [one for one in same if one is not secret]

    def remove(self, secret: Secret) -> None:
        """Take one away altogether."""
        del self._all[secret.account, secret.region, secret.name]


def suffix() -> str:
    """Make the random end of an ARN."""
    return "".join(secrets.choice(_LETTERS) for _ in range(SUFFIX_LENGTH - 1))
