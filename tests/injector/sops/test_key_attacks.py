"""Hostile metadata: keys, groups of keys and parts of a data key, each attack by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.sops import parse, shamir
from injector.sops.datakey import data_key
from injector.sops.decrypt import decrypt
from injector.sops.errors import SopsError
from tests.injector.sops.hostile import METADATA, Fixed, document, refusal

if TYPE_CHECKING:
    from injector.sops.master_keys import MasterKey


def test_a_shamir_part_that_is_there_twice_is_refused() -> None:
    """Two parts of one x divide by zero."""
    part = bytes(32) + b"\x05"
    with pytest.raises(SopsError, match="the same part"):
        shamir.combine([part, part])


def test_a_shamir_part_at_zero_is_refused() -> None:
    """At x = 0 stands the secret itself: whoever gives that part chooses the data key."""
    with pytest.raises(SopsError, match="or one is none"):
        shamir.combine([bytes(32) + b"\x05", bytes(32) + b"\x00"])


def test_parts_of_groups_that_repeat_are_refused_as_a_document() -> None:
    """The attack by way of metadata: two groups with the same part."""
    groups = [{"age": METADATA["age"]}, {"age": METADATA["age"]}]
    data = document(age=[], key_groups=groups, shamir_threshold=2)

    assert "the same part" in str(refusal(data, key=bytes(32) + b"\x07"))


@pytest.mark.parametrize("size", [0, 16, 24, 31, 33, 64])
def test_a_data_key_of_the_wrong_size_is_refused(size: int) -> None:
    """AES takes 16 and 24 bytes, too: a service may not weaken the cipher."""
    told = str(refusal(document(), key=bytes(size)))

    assert f"gave {size} bytes, and 32 are expected" in told


@pytest.mark.parametrize("threshold", [-1, 2, 10**30, "x", [], {}])
def test_a_threshold_that_makes_no_sense_is_refused(threshold: object) -> None:
    """More than there are groups, negative, or no number."""
    assert "shamir_threshold" in str(refusal(document(shamir_threshold=threshold)))


@pytest.mark.parametrize("threshold", [256, 2**31])
def test_a_threshold_beyond_the_field_is_refused(threshold: int) -> None:
    """There are 255 parts at most, and never more than there are groups."""
    groups = [{"age": METADATA["age"]}] * 3
    data = document(age=[], key_groups=groups, shamir_threshold=threshold)

    assert "shamir_threshold" in str(refusal(data))


@pytest.mark.parametrize("threshold", [0, 1, None])
def test_a_threshold_below_two_makes_no_part_a_data_key(threshold: int | None) -> None:
    """With several groups, one part is never enough: it would be taken for the key itself."""
    groups = [{"age": METADATA["age"]}, {"pgp": [{"fp": "x", "enc": "x"}]}]
    data = document(age=[], key_groups=groups, shamir_threshold=threshold)

    told = str(refusal(data, key=bytes(32) + b"\x07"))
    assert "1 of 2 key groups" in told
    assert "gave 32 bytes, and 33 are expected" in str(refusal(data, key=bytes(32)))


def test_too_many_master_keys_are_refused() -> None:
    """Each would cost a call."""
    many = [{"recipient": "age1x", "enc": "x"}] * 65
    groups = [{"age": many[:10]}] * 7

    assert "at most 64 mappings" in str(refusal(document(age=many)))
    assert "or 64 keys" in str(refusal(document(age=[], key_groups=groups)))


@pytest.mark.parametrize("kind", ["kms", "gcp_kms", "azure_kv", "hc_vault", "age", "pgp"])
def test_ten_thousand_master_keys_are_asked_nothing(kind: str) -> None:
    """They are counted before the first service is called."""
    asked: list[MasterKey] = []
    with pytest.raises(SopsError, match="at most 64 mappings"):
        decrypt(document(**{kind: [{"enc": "x"}] * 10_000}), "json", asked.append)

    assert asked == []


@pytest.mark.parametrize(
    "groups",
    [
        [{"age": METADATA["age"]}] * 10_000,
        [{"age": METADATA["age"]}] * 33,
        [{}] * 33,
        [{"key_groups": [{"age": METADATA["age"]}] * 60}] * 60,
        {"age": METADATA["age"]},
    ],
    ids=["ten thousand", "more than the limit", "empty", "groups of groups", "no list"],
)
def test_a_bomb_of_key_groups_is_refused(groups: object) -> None:
    """Groups cost a call each, and parts grow with their square."""
    assert refusal(document(age=[], key_groups=groups)).reason is Reason.INVALID_DOCUMENT


def test_a_failure_names_every_key_with_its_cause() -> None:
    """Ids are no secrets; what was tried and what was not is what a person needs."""
    data = document(
        kms=[{"arn": "arn:aws:kms:eu-west-1:1:key/k", "enc": "x"}],
        pgp=[{"fp": "FBC7\x1b[2J", "enc": "x"}],
    )
    metadata = parse.read(data, "json").metadata
    with pytest.raises(SopsError) as refused:
        data_key(metadata, lambda key: Fixed(b"") if key.kind == "kms" else None)

    told = str(refused.value)
    assert "age age1x: nothing here may decrypt with it" in told
    assert "pgp FBC7?[2J: keys of this kind are not supported" in told
    assert "kms arn:aws:kms:eu-west-1:1:key/k: gave 0 bytes" in told
