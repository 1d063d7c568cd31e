"""The session cache by itself: copies, expiry, one flight at a time, bounds."""

from __future__ import annotations

import gc

import pytest

from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.identity.interface import Credentials, Session, SessionKey
from injector.material import Material
from injector.schedule import window
from injector.sessions import SessionCache
from tests.injector.sessions.logins import (
    IDENTITY,
    LIFE,
    Clock,
    Logins,
    NoClients,
    base,
    cache_of,
    in_threads,
    role,
)

THREADS = 50


@pytest.fixture
def logins() -> Logins:
    """Logins by a virtual clock."""
    return Logins(Clock())


def spoil(session: Session) -> None:
    """Do to a session what a careless caller may do."""
    session.credentials = Credentials(Material(b"another's"), "ASIAOTHER")
    session.principal = "another"
    session.key = base("another")
    session.expires_at = 0.0


def test_a3_changing_a_session_leaves_the_next_one_alone(logins: Logins) -> None:
    """What a caller does to a session it was given from the cache is its own business."""
    cache = cache_of(logins)
    cache.get(base())
    given = [cache.get(base()) for _ in range(3)]
    for session in given[:2]:
        spoil(session)

    fresh = cache.get(base())
    assert (fresh.principal, fresh.credentials.access_key_id) == ("base", "ASIA1")
    assert (given[2].principal, fresh.expires_at) == ("base", logins.clock.now + LIFE)
    assert len({id(session) for session in (*given, fresh)}) == 4


def test_a4_changing_the_session_of_the_miss_leaves_hits_alone(logins: Logins) -> None:
    """Neither is the very first one the cache's own."""
    cache = cache_of(logins)
    spoil(cache.get(base()))

    hits = [cache.get(base()) for _ in range(3)]
    assert [hit.principal for hit in hits] == ["base"] * 3
    assert logins.journal == [("base", "")]


def test_changed_source_never_reaches_a_derived_login(logins: Logins) -> None:
    """A caller that swaps its own credentials cannot make a role be assumed from them."""
    cache = cache_of(logins)
    for name in ("one", "two", "three"):
        spoil(cache.get(base()))
        cache.get(role(name, base()))

    assert [source for name, source in logins.journal if name != "base"] == ["base"] * 3


def test_a9_fifty_cold_threads_make_one_login_each_hop(logins: Logins) -> None:
    """Concurrent gets of a cold chain log in once, and all get their own session."""
    cache = cache_of(logins)
    got = in_threads(cache, role("role", base()), logins, THREADS)

    assert logins.journal == [("base", ""), ("role", "base")]
    assert len({id(item) for item in got}) == THREADS
    assert {item.principal for item in got if isinstance(item, Session)} == {"role"}


def test_a10_failure_reaches_every_waiter_and_is_not_kept(logins: Logins) -> None:
    """One failed login is everybody's error, and the next get tries again."""
    logins.failures = [InjectorError(Reason.UNAVAILABLE, "down")]
    cache = cache_of(logins)
    got = in_threads(cache, base(), logins, THREADS)

    assert [str(item) for item in got] == ["down"] * THREADS
    assert len(logins.journal) == 1
    assert cache.get(base()).principal == "base"
    assert len(logins.journal) == 2


def test_failure_of_the_source_is_the_failure_of_the_chain(logins: Logins) -> None:
    """A role is not assumed from a login that failed."""
    logins.failures = [InjectorError(Reason.IDENTITY_DENIED, "no trust")]
    cache = cache_of(logins)

    with pytest.raises(InjectorError, match="no trust"):
        cache.get(role("role", base()))
    assert logins.journal == [("base", "")]


def test_failure_that_is_no_error_of_ours_wakes_the_waiters(logins: Logins) -> None:
    """Even a defect in a login leaves no caller waiting for ever."""

    def broken(_key: SessionKey, _source: Session | None) -> None:
        msg = "defect"
        raise ZeroDivisionError(msg)

    cache = SessionCache(IDENTITY, {"web-identity": broken}, NoClients(), clock=logins.clock)  # type: ignore[dict-item]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match="defect"):
            cache.get(base())


def test_unknown_method_is_refused(logins: Logins) -> None:
    """A method that this version lacks is named."""
    cache = cache_of(logins)

    with pytest.raises(InjectorError, match="no login by `kerberos`") as caught:
        cache.get(SessionKey.of("aws", "kerberos", {}))
    assert caught.value.reason is Reason.NOT_IN_THIS_VERSION


def test_a11_one_refresh_inside_the_window_and_the_old_view_keeps_working(logins: Logins) -> None:
    """Near its end a session is replaced once; who holds the old one goes on with it."""
    cache = cache_of(logins)
    old = cache.get(base())
    logins.clock.now += LIFE - window(0, LIFE) - 1
    same = cache.get(base())
    logins.clock.now += 1
    new = [cache.get(base()) for _ in range(3)]

    assert (old.credentials.access_key_id, same.credentials.access_key_id) == ("ASIA1", "ASIA1")
    assert [session.credentials.access_key_id for session in new] == ["ASIA2"] * 3
    assert old.expires_at > logins.clock.now


def test_refresh_of_a_role_takes_its_source_from_the_cache(logins: Logins) -> None:
    """A derived session that ends is assumed again from the base, never from itself."""
    cache = cache_of(logins)
    for _ in range(4):
        cache.get(role("role", base()))
        logins.clock.now += LIFE

    assert [source for name, source in logins.journal if name == "role"] == ["base"] * 4


@pytest.mark.parametrize(
    ("life", "seconds"),
    [(43200, 600), (3600, 600), (1800, 300), (900, 150), (600, 120), (60, 30), (0, 0), (-5, 0)],
)
def test_window_is_a_bounded_fraction_of_life(life: float, seconds: float) -> None:
    """A sixth of its life, two to ten minutes, never more than half."""
    assert window(1000, 1000 + life) == seconds


def test_a14_bound_drops_the_oldest(logins: Logins) -> None:
    """One more than the bound costs the oldest, and no error."""
    cache = cache_of(logins, bound=3)
    keys = [base(f"n{number}") for number in range(4)]
    for key in keys:
        cache.get(key)

    assert [cache.holds(key) for key in keys] == [False, True, True, True]
    assert cache.get(keys[0]).principal == "n0"


def test_a_session_that_ends_at_once_is_given_but_not_kept(logins: Logins) -> None:
    """Static keys of the environment have no end of their own and are read every time."""
    logins.life = 0
    cache = cache_of(logins)
    ids = [cache.get(base()).credentials.access_key_id for _ in range(3)]

    assert ids == ["ASIA1", "ASIA2", "ASIA3"]


def test_forgetting_a_role_forgets_what_it_came_from(logins: Logins) -> None:
    """Credentials that the provider calls invalid are replaced from the ground up."""
    cache = cache_of(logins)
    key = role("role", base())
    cache.get(key)
    cache.forget(key)
    cache.get(key)

    assert logins.journal == [("base", ""), ("role", "base")] * 2


def test_what_was_put_in_its_place_meanwhile_is_not_forgotten(logins: Logins) -> None:
    """Two stores whose reads are refused at once cause one new login, not two."""
    cache = cache_of(logins)
    key = role("role", base())
    cache.get(key)
    seen_by_one, seen_by_another = cache.standing(key), cache.standing(base())
    cache.forget(key, seen_by_one)
    cache.get(key)
    cache.forget(base(), seen_by_another)
    cache.get(base())
    cache.get(key)

    assert logins.journal == [("base", ""), ("role", "base")] * 2
    cache.forget(base(), cache.standing(base()))
    cache.get(base())
    assert logins.journal[4:] == [("base", "")]


def test_expect_says_whether_a_login_is_needed(logins: Logins) -> None:
    """Connections to STS are opened early only when they will be used."""
    clients = NoClients()
    cache = SessionCache(IDENTITY, {"web-identity": logins}, clients, clock=logins.clock)
    cache.expect(base(), "ssm", "eu-west-1")
    cache.get(base())
    cache.expect(base(), "ssm", "eu-west-1")

    assert clients.expected == [("ssm", True), ("ssm", False)]


def test_login_in_progress_needs_no_second_connection(logins: Logins) -> None:
    """A second store that wants the same session opens nothing to STS while the first logs in."""
    clients = NoClients()
    cache = SessionCache(IDENTITY, {"web-identity": logins}, clients, clock=logins.clock)
    logins.hold = lambda: cache.expect(base(), "ssm", "eu-west-1")
    cache.get(base())

    assert clients.expected == [("ssm", False)]


def test_no_session_is_kept_alive_by_the_cache(logins: Logins) -> None:
    """The cache holds records only: no `Session` outlives its caller."""
    cache = cache_of(logins)
    for _ in range(3):
        cache.get(role("role", base()))
    gc.collect()

    held = [item for item in gc.get_referrers(Session) if type(item) is Session]
    assert not any(item.principal == "role" for item in held)


def test_sessions_and_records_print_no_credentials(logins: Logins) -> None:
    """Neither `repr` nor `str` of anything here shows a key or a token."""
    cache = cache_of(logins)
    session = cache.get(base())
    record = logins(base(), None)

    text = f"{session!r}{session.credentials!r}{record!r}{record.key!r}{cache!r}"
    assert "token-" not in text
    assert "ASIA" not in text
