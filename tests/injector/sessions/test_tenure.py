"""Sessions that are renewed in place of a new login, and given back when nobody uses them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.sessions import Revocation
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
    assert len(following.revoke().given) == 3
    assert sorted(logins.revoked) == ["token-1", "token-2", "token-3"]
    assert not following.revocable()
    assert following.revoke() == Revocation()


def test_what_cannot_be_given_back_ends_by_itself(logins: Logins) -> None:
    """Neither a release nor the end of a pod fails of it, and it is said; it can be tried again."""
    cache = cache_of(logins)
    cache.get(base())
    cache.get(base("other"))
    logins.failures = [InjectorError(Reason.UNAVAILABLE, "down")]
    done = cache.revoke()

    assert (len(done.given), len(done.kept)) == (1, 1)
    assert hand_over(cache, logins).revoke().given == done.kept


def test_a_session_that_is_to_live_on_is_not_given_back(logins: Logins) -> None:
    """It is told among those that are left, by which their ends are known."""
    cache = cache_of(logins)
    cache.get(base())
    leased = cache.get(base("leased"))
    done = cache.revoke(keeping={leased.credentials.accessor})

    assert logins.revoked == ["token-1"]
    assert [record.key for record in done.kept] == [base("leased")]


def test_after_the_end_there_is_no_login(logins: Logins) -> None:
    """A thread that still reads would leave a session behind."""
    cache = cache_of(logins)
    cache.get(base())
    cache.revoke()

    with pytest.raises(InjectorError, match="were given back"):
        cache.get(base("other"))
    assert len(logins.journal) == 1


def test_a_login_under_way_is_waited_for_and_given_back(logins: Logins) -> None:
    """Its session is not there yet when the end comes."""
    cache = cache_of(logins)
    asked, answer = threading.Event(), threading.Event()

    def hold() -> None:
        asked.set()
        answer.wait(10)

    logins.hold = hold
    login = threading.Thread(target=cache.get, args=(base(),))
    login.start()
    asked.wait(10)
    ending = threading.Thread(target=cache.revoke, args=(20.0,))
    ending.start()
    while not cache._ended:
        time.sleep(0.002)
    answer.set()
    login.join(20)
    ending.join(20)

    assert logins.revoked == ["token-1"]


def test_sessions_without_tenure_are_neither(logins: Logins) -> None:
    """AWS's end by themselves."""
    logins.tenured = False
    cache = cache_of(logins)
    cache.get(base())
    logins.clock.now += 3500
    cache.get(base())

    assert not cache.revocable()
    assert cache.revoke() == Revocation()
    assert (len(logins.journal), logins.renewed, logins.revoked) == (2, [], [])


def test_a_session_says_until_when_it_is_used(logins: Logins) -> None:
    """So that whoever holds a lease of it looks again in time."""
    start = logins.clock.now

    assert cache_of(logins).get(base()).until == start + 2400
    logins.tenured = False
    assert cache_of(logins).get(base()).until == start + 3000
