"""What tests ask of a read, and of the calls that it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from injector.errors import ProviderError
    from injector.providers.interface import Fetched
    from worlds.aws import AwsWorld


def value(fetched: Fetched) -> bytes:
    """The bytes of a read that succeeded."""
    assert fetched.error is None
    assert fetched.material is not None
    return fetched.material.reveal()


def error(fetched: Fetched) -> ProviderError:
    """The error of a read that failed."""
    assert fetched.error is not None
    return fetched.error


def calls(world: AwsWorld) -> list[str]:
    """Actions after the logins."""
    logins = {"AssumeRoleWithWebIdentity", "AssumeRole"}
    return [action for action in world.journal.actions() if action not in logins]
