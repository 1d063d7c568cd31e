"""What the Secret of the managed certificate should hold, step by step on a virtual clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from webhook.tls import authority
from webhook.tls.authority import AUTHORITY_LIFE, LEAF_LIFE, Pair
from webhook.tls.rotation import FAREWELL, NOTHING, Kept, Situation, renewed

HOSTS = ("syrette-webhook.syrette.svc", "syrette-webhook.syrette")
START = 1_800_000_000.0
SETTLE = 30.0
LONG = SETTLE * FAREWELL


def _at(seconds: float, *, published: float = LONG, wish: str = "") -> Situation:
    return Situation(HOSTS, START + seconds, wish, published, SETTLE)


@pytest.fixture(scope="module")
def fresh() -> Kept:
    """The content after the first look at an empty Secret."""
    return renewed(Kept(), _at(0, published=0.0))


def test_an_empty_secret_gets_authority_and_certificate(fresh: Kept) -> None:
    """Both are made at once, belong together, and name the Service."""
    assert authority.matches(fresh.ca)
    assert authority.matches(fresh.served)
    assert authority.trusted(fresh.served.certificate, fresh.bundle, START)
    assert authority.hosts_of(fresh.served.certificate) == list(HOSTS)


def test_what_is_fresh_stays_as_it_is(fresh: Kept) -> None:
    """Nothing is written while nothing is due, however often one looks."""
    for seconds in (0.0, 60.0, LEAF_LIFE / 2):
        assert renewed(fresh, _at(seconds)) is fresh


def test_writing_and_reading_a_secret_loses_nothing(fresh: Kept) -> None:
    """In every state of a rotation."""
    begun = renewed(fresh, _at(60, wish="now"))
    for kept in (Kept(), fresh, begun, renewed(begun, _at(99))):
        assert Kept.read(kept.data()) == kept


def test_the_leaf_is_renewed_at_two_thirds(fresh: Kept) -> None:
    """With the same authority, so that no bundle has to change."""
    early = renewed(fresh, _at(LEAF_LIFE * 0.66))
    later = renewed(fresh, _at(LEAF_LIFE * 0.67))

    assert early is fresh
    assert later.served != fresh.served
    assert later.ca == fresh.ca
    assert authority.trusted(later.served.certificate, fresh.bundle, START + LEAF_LIFE)


def test_other_names_need_another_leaf(fresh: Kept) -> None:
    """A Service that was renamed is served with its new name."""
    named = renewed(fresh, replace(_at(60), hosts=("other.ns.svc",)))

    assert authority.hosts_of(named.served.certificate) == ["other.ns.svc"]


def test_an_authority_is_replaced_in_three_steps(fresh: Kept) -> None:
    """At every moment what is served verifies with the bundle of this step and of the last one."""
    due = AUTHORITY_LIFE * 0.67
    kept = renewed(fresh, _at(due))  # the leaf first: it ends sooner
    begun = renewed(kept, _at(due))
    waiting = renewed(begun, _at(due + 1, published=1.0))
    switched = renewed(begun, _at(due + 31, published=31.0))
    staying = renewed(switched, _at(due + 70, published=39.0))
    done = renewed(switched, _at(due + 700, published=LONG))

    assert begun.next != NOTHING
    assert begun.served == kept.served
    assert waiting is begun
    assert switched.ca == begun.next
    assert switched.previous == kept.ca.certificate
    assert staying is switched
    assert (done.previous, done.ca) == (b"", switched.ca)
    for served, bundle in (
        (kept, begun),
        (begun, begun),
        (switched, begun),
        (switched, switched),
        (begun, switched),
        (switched, done),
    ):
        assert authority.trusted(served.served.certificate, bundle.bundle, START + due + 700)


def test_nothing_moves_before_the_bundle_is_published(fresh: Kept) -> None:
    """A leader that cannot publish never serves what nobody trusts."""
    begun = renewed(fresh, _at(60, wish="now"))

    assert renewed(begun, _at(9999, published=0.0)) is begun


def test_a_wish_is_followed_once(fresh: Kept) -> None:
    """The same value asks for nothing more, another one does, even during the farewell."""
    begun = renewed(fresh, _at(60, wish="a"))
    switched = renewed(begun, _at(99, wish="a", published=SETTLE))
    again = renewed(switched, _at(200, wish="b", published=SETTLE))

    assert renewed(switched, _at(150, wish="a", published=SETTLE)) is switched
    assert again.next != NOTHING
    assert again.previous == fresh.ca.certificate


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: replace(kept, ca=Pair(b"junk", kept.ca.key)),
        lambda kept: replace(kept, ca=Pair(kept.ca.certificate, b"junk")),
        lambda kept: replace(kept, ca=Pair(kept.ca.certificate, kept.served.key)),
        lambda kept: replace(kept, next=Pair(b"junk", b"junk")),
    ],
)
def test_an_authority_that_cannot_issue_is_made_anew(fresh: Kept, damage: object) -> None:
    """Whoever edited the Secret gets a working one back."""
    assert callable(damage)
    made = renewed(damage(fresh), _at(60))

    assert made.ca.certificate not in {b"junk", fresh.ca.certificate}
    assert authority.trusted(made.served.certificate, made.bundle, START + 60)


@pytest.mark.parametrize("leaf", [NOTHING, Pair(b"junk", b"junk")])
def test_a_damaged_leaf_is_issued_again(fresh: Kept, leaf: Pair) -> None:
    """By the same authority: the bundle stays."""
    made = renewed(replace(fresh, served=leaf), _at(60, published=0.0))

    assert made.ca == fresh.ca
    assert authority.trusted(made.served.certificate, fresh.bundle, START + 60)


def test_a_leaf_of_another_authority_is_issued_again(fresh: Kept) -> None:
    """A foreign certificate in the Secret is not served."""
    stranger = authority.make_authority(START)
    foreign = replace(fresh, served=authority.issue(stranger, HOSTS, START))
    made = renewed(foreign, _at(60))

    assert authority.trusted(made.served.certificate, fresh.bundle, START + 60)


def test_an_authority_that_has_ended_is_made_anew(fresh: Kept) -> None:
    """After a year without a leader."""
    made = renewed(fresh, _at(AUTHORITY_LIFE + 1))

    assert made.ca != fresh.ca
    assert made.previous == b""


def test_who_was_trusted_stays_so_beside_an_authority_that_is_made_anew(fresh: Kept) -> None:
    """Authorities that hold, each once; what has ended, and what is none, is not carried along."""
    ended = authority.make_authority(START - AUTHORITY_LIFE, life=60.0).certificate
    published = fresh.bundle + ended + fresh.bundle
    made = renewed(Kept(), replace(_at(60), published=published))
    junk = renewed(Kept(), replace(_at(60), published=b"junk"))

    assert made.previous == fresh.ca.certificate
    assert junk.previous == b""


def test_a_bundle_does_not_grow_with_every_secret_that_is_lost() -> None:
    """Whoever empties it again and again leaves a few authorities behind, not all."""
    kept, now = renewed(Kept(), _at(0)), 0.0
    for _ in range(20):
        now += 1
        kept = renewed(Kept(), replace(_at(now), published=kept.bundle))

    assert kept.bundle.count(b"BEGIN CERTIFICATE") == 1 + authority.MOST_KEPT


def test_what_a_leader_issues_whose_clock_is_ahead_is_trusted() -> None:
    """Twelve hours: API servers and the other replicas would otherwise wait as long."""
    made = renewed(Kept(), _at(12 * 3600))

    assert authority.trusted(made.served.certificate, made.bundle, START)


def test_a_leaf_never_outlives_its_authority() -> None:
    """It ends with who signed it."""
    ca = authority.make_authority(START, life=1000.0)
    leaf = authority.issue(ca, HOSTS, START + 400)

    assert authority.life_of(leaf.certificate).ends == START + 1000


def test_trust_needs_signature_and_time(fresh: Kept) -> None:
    """Another authority, another moment or no certificate at all is no trust."""
    leaf, bundle = fresh.served.certificate, fresh.bundle
    other = authority.make_authority(START).certificate

    assert authority.trusted(leaf, other + bundle, START)
    assert not authority.trusted(leaf, other, START)
    assert not authority.trusted(leaf, bundle, START + LEAF_LIFE + 1)
    assert not authority.trusted(leaf, bundle, START - 2 * authority.BACKDATED)
    assert not authority.trusted(leaf, b"", START)
    assert not authority.trusted(b"junk", bundle, START)
