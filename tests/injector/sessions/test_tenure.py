"""Sessions that are renewed in place of a new login, and given back when nobody uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.errors import InjectorError
from tests.injector.sessions.logins import Clock, Logins, base, cache_of, token

if TYPE_CHECKING:
    from injector.sessions import SessionCache

POD, PLAN = "uid-1", "hash-1"


@pytest.fixture
def logins() -> Logins:
    """Logins that grant an hour and can be renewed."""
    return Logins(Clock(), tenured=True)


def hand_over(cache: SessionCache, logins: Logins) -> SessionCache:
    """Give what a cache has to the next worker."""
    following = cache_of(logins)
    assert following.restore(cache.snapshot(POD, PLAN), POD, PLAN) is None
    return following


def test_a_session_is_renewed_at_two_thirds_of_its_life(logins: Logins) -> None:
    """For ever, without another login, and its token stays."""
    cache = cache_of(logins)
    for _ in range(10):
        assert token(cache.get(base())) == "token-1"
        logins.clock.now += 2500

    assert len(logins.journal) == 1
    assert logins.renewed == ["token-1"] * 9


def test_a_session_that_is_young_is_not_renewed(logins: Logins) -> None:
    """Each renewal is a line in an audit log."""
    cache = cache_of(logins)
    cache.get(base())
    logins.clock.now += 2399
    cache.get(base())

    assert logins.renewed == []


def test_a_renewed_session_goes_from_worker_to_worker(logins: Logins) -> None:
    """Also after the moment from which on it is not handed out as it is."""
    cache = cache_of(logins)
    for _ in range(4):
        cache.get(base())
        logins.clock.now += 3500
        cache = hand_over(cache, logins)
    assert token(cache.get(base())) == "token-1"
    assert len(logins.journal) == 1


@pytest.mark.parametrize("granted", [-1.0, 600.0, 0.0])
def test_a_renewal_that_comes_to_the_end_is_a_new_login(logins: Logins, granted: float) -> None:
    """Refused, or much shorter than at first: the old session is given back afterwards."""
    logins.grants = [granted]
    cache = cache_of(logins)
    cache.get(base())
    logins.clock.now += 2500

    assert token(cache.get(base())) == "token-2"
    assert logins.revoked == []
    cache.release()
    assert logins.revoked == ["token-1"]
    cache.release()
    assert logins.revoked == ["token-1"]


def test_a_replaced_session_is_given_back_by_the_next_worker(logins: Logins) -> None:
    """When the one that has replaced it could not."""
    logins.grants = [-1.0]
    cache = cache_of(logins)
    cache.get(base())
    logins.clock.now += 2500
    cache.get(base())
    following = hand_over(cache, logins)
    following.release()

    assert logins.revoked == ["token-1"]


def test_a_session_that_has_ended_is_neither_renewed_nor_given_back(logins: Logins) -> None:
    """It is no more."""
    cache = cache_of(logins)
    cache.get(base())
    logins.clock.now += 3600
    following = hand_over(cache, logins)
    following.get(base())
    following.release()

    assert (logins.renewed, logins.revoked) == ([], [])
    assert len(logins.journal) == 2


def test_all_are_given_back_at_the_end(logins: Logins) -> None:
    """Those in use and those that were replaced; what is refused is not counted."""
    logins.grants = [-1.0]
    cache = cache_of(logins)
    cache.get(base())
    logins.clock.now += 2500
    cache.get(base())
    cache.get(base("other"))
    following = hand_over(cache, logins)

    assert following.revocable()
    assert following.revoke() == 3
    assert sorted(logins.revoked) == ["token-1", "token-2", "token-3"]
    assert not following.revocable()
    assert following.revoke() == 0


def test_what_cannot_be_given_back_ends_by_itself(logins: Logins) -> None:
    """Neither a release nor the end of a pod fails of it."""
    cache = cache_of(logins)
    cache.get(base())
    cache.get(base("other"))
    logins.failures = [InjectorError(Reason.UNAVAILABLE, "down")]

    assert cache.revoke() == 1


def test_sessions_without_tenure_are_neither(logins: Logins) -> None:
    """AWS's end by themselves."""
    logins.tenured = False
    cache = cache_of(logins)
    cache.get(base())
    logins.clock.now += 3500
    cache.get(base())

    assert not cache.revocable()
    assert cache.revoke() == 0
    assert (len(logins.journal), logins.renewed, logins.revoked) == (2, [], [])


def test_a_session_says_until_when_it_is_used(logins: Logins) -> None:
    """So that whoever holds a lease of it looks again in time."""
    start = logins.clock.now

    assert cache_of(logins).get(base()).until == start + 2400
    logins.tenured = False
    assert cache_of(logins).get(base()).until == start + 3000
