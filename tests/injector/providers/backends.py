"""What the contract suite needs of each provider's world, one row a provider."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from worlds.aws import AwsWorld


@dataclass(frozen=True, slots=True)
class Backend:
    """How a test puts secrets where one provider reads them."""

    provider: str
    put: Callable[[AwsWorld, str], object]
    """Puts a first or next value of the one secret of the suite."""
    reference: str
    """Of that secret."""
    absent: str
    """Of one that is not there."""
    service: str
    """Where faults are ordered."""
    reads: tuple[str, ...]
    """API actions that transfer values."""


def _put_secret(world: AwsWorld, value: str) -> None:
    try:
        world.rotate("prod/db", value)
    except KeyError:
        world.put_secret("prod/db", value)


BACKENDS: Final[Mapping[str, Backend]] = MappingProxyType(
    {
        row.provider: row
        for row in (
            Backend(
                "aws-secretsmanager",
                _put_secret,
                "aws-secretsmanager:prod/db",
                "aws-secretsmanager:prod/absent",
                "secretsmanager",
                ("GetSecretValue", "BatchGetSecretValue"),
            ),
            Backend(
                "aws-ssm",
                lambda world, value: world.put_parameter("/prod/db", value),
                "aws-ssm:/prod/db",
                "aws-ssm:/prod/absent",
                "ssm",
                ("GetParameters", "GetParametersByPath"),
            ),
        )
    }
)
