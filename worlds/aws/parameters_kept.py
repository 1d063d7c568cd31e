"""The parameters of Parameter Store: versions, labels, sharing. No permissions here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worlds.aws.kms import Key

Kind = Literal["String", "StringList", "SecureString"]
_MAX_LABELS: Final = 10  # of one version


@dataclass(slots=True)
class ParameterVersion:
    """One value of a parameter."""

    number: int
    value: str = field(repr=False)
    created: float
    labels: set[str] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Parameter:
    """One parameter in one region."""

    name: str
    arn: str
    account: str
    region: str
    kind: Kind
    key: Key | None
    """Of a SecureString."""
    shared_with: frozenset[str] = frozenset()
    """Accounts that it is shared with through Resource Access Manager."""
    tags: dict[str, str] = field(default_factory=dict)
    versions: list[ParameterVersion] = field(default_factory=list)

    def add(self, value: str, *, now: float) -> ParameterVersion:
        """Put a new version."""
        version = ParameterVersion(len(self.versions) + 1, value, now)
        self.versions.append(version)
        return version

    def label(self, name: str, number: int) -> None:
        """
        Give a label to a version, taking it from another.

        Raises:
            ValueError: when it looks like a version number, or there are ten already.
        """
        target = self.versions[number - 1]
        if name[:1].isdigit() or len(target.labels) >= _MAX_LABELS:
            msg = f"the label {name!r} cannot be given to version {number} of {self.name}"
            raise ValueError(msg)
        for version in self.versions:
            version.labels.discard(name)
        target.labels.add(name)

    def select(self, selector: str) -> ParameterVersion | None:
        """Give the version of a number or label; the newest for an empty selector."""
        if not selector:
            return self.versions[-1]
        if selector.isdigit():
            number = int(selector)
            return self.versions[number - 1] if 0 < number <= len(self.versions) else None
        return next((v for v in self.versions if selector in v.labels), None)


class Parameters:
    """All parameters of one world."""

    def __init__(self) -> None:
        self._all: dict[str, Parameter] = {}

    def put(self, parameter: Parameter) -> Parameter:
        """Add one, in the place of one with that ARN."""
        self._all[parameter.arn] = parameter
        return parameter

    def by_arn(self, arn: str) -> Parameter | None:
        """Look one up."""
        return self._all.get(arn)

    def named(self, name: str, account: str, region: str) -> Parameter | None:
        """Look one up by its very name: `db` and `/db` are two, though their ARNs look alike."""
        return next((one for one in self.of(account, region) if one.name == name), None)

    def remove(self, arn: str) -> None:
        """Take one away."""
        del self._all[arn]

    def of(self, account: str, region: str) -> Iterator[Parameter]:
        """Give all of an account and region, by name."""
        found = (p for p in self._all.values() if (p.account, p.region) == (account, region))
        yield from sorted(found, key=lambda parameter: parameter.name)
