"""The `sops` entry of a document, typed, in every form in which it comes."""

from __future__ import annotations

import json

import pytest

from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.material import Material
from injector.sops import master_keys, parse
from injector.sops.datakey import data_key
from injector.sops.errors import SopsError
from injector.sops.metadata import RULES, Metadata, Rule

BASE = {"lastmodified": "2026-01-02T03:04:05Z", "mac": "ENC[x]", "version": "3.11.0"}
AGE = [{"recipient": "age1x", "enc": "a"}]
EVERY = {
    "kms": [
        {
            "arn": "arn:aws:kms:eu-west-1:1:key/k",
            "role": "arn:aws:iam::1:role/r",
            "context": {"env": "prod"},
            "created_at": "2026-01-01T00:00:00Z",
            "enc": "a",
            "aws_profile": "",
        }
    ],
    "gcp_kms": [{"resource_id": "projects/p/locations/l/keyRings/r/cryptoKeys/k", "enc": "g"}],
    "hckms": [{"key_id": "region:id", "enc": "h"}],
    "azure_kv": [
        {"vault_url": "https://v.vault.azure.net", "name": "n", "version": "", "enc": "z"}
    ],
    "hc_vault": [
        {"vault_address": "https://v:8200/", "engine_path": "a/b", "key_name": "k", "enc": "v"}
    ],
    "pgp": [{"fp": "FBC7", "enc": "p"}],
    "age": AGE,
}


def read(**fields: object) -> Metadata:
    """Type metadata that is given as data."""
    return parse.read(json.dumps({"sops": BASE | fields}).encode(), "json").metadata


def test_every_kind_of_master_key_is_typed() -> None:
    """In the order in which SOPS reads them; two kinds are known and not supported."""
    (group,) = read(**EVERY).groups

    assert group == (
        master_keys.KmsKey(
            "arn:aws:kms:eu-west-1:1:key/k", "arn:aws:iam::1:role/r", (("env", "prod"),), "a"
        ),
        master_keys.GcpKmsKey("projects/p/locations/l/keyRings/r/cryptoKeys/k", "g"),
        master_keys.UnsupportedKey("hckms", "region:id"),
        master_keys.AzureKey("https://v.vault.azure.net", "n", "", "z"),
        master_keys.VaultKey("https://v:8200/", "a/b", "k", "v"),
        master_keys.UnsupportedKey("pgp", "FBC7"),
        master_keys.AgeKey("age1x", "a"),
    )


def test_flat_formats_give_the_same_metadata() -> None:
    """`__map_` and `__list_` unfold to what JSON has; all texts are typed."""
    flat = {
        "shamir_threshold": "1",
        "key_groups__list_0__map_age__list_0__map_recipient": "age1x",
        "key_groups__list_0__map_age__list_0__map_enc": "a\\nb",
        "key_groups__list_0__map_kms__list_0__map_arn": "arn",
        "key_groups__list_0__map_kms__list_0__map_context__map_env": "prod",
        "mac_only_encrypted": "true",
        **BASE,
    }
    lines = "".join(f"sops_{key}={value}\n" for key, value in flat.items())
    section = "[sops]\n" + "".join(f"{key} = {value}\n" for key, value in flat.items())
    group = {
        "age": [{"recipient": "age1x", "enc": "a\nb"}],
        "kms": [{"arn": "arn", "context": {"env": "prod"}}],
    }
    expected = read(key_groups=[group], shamir_threshold=1, mac_only_encrypted=True)

    assert parse.read(lines.encode(), "dotenv").metadata == expected
    assert parse.read(section.encode(), "ini").metadata == expected


def test_yaml_that_looks_like_numbers_stays_text() -> None:
    """A number is no number, an unquoted time no time."""
    text = """\
sops:
    age: [{recipient: 0x1F, enc: 1_0}]
    lastmodified: 2026-01-02T03:04:05.5+00:00
    version: 3.10.0
    mac: 1e3
    kms: null
"""
    metadata = parse.read(text.encode(), "yaml").metadata

    assert metadata.version == "3.10.0"
    assert metadata.groups == ((master_keys.AgeKey("0x1F", "1_0"),),)
    assert (metadata.last_modified, metadata.mac) == ("2026-01-02T03:04:05Z", "1e3")


def test_key_groups_are_ignored_when_there_are_keys_beside_them() -> None:
    """So does SOPS: a document cannot say both."""
    metadata = read(age=AGE, key_groups=[{"age": AGE}, {"age": AGE}])

    assert len(metadata.groups) == 1


def test_without_a_rule_the_suffix_is_the_known_one() -> None:
    """And any of the six can be named, one at a time."""
    assert read(age=AGE).rule == Rule("unencrypted_suffix", "_unencrypted")
    for kind in RULES:
        assert read(age=AGE, **{kind: "x"}).rule == Rule(kind, "x")
    with pytest.raises(SopsError, match="only one of unencrypted_suffix, encrypted_regex"):
        read(age=AGE, unencrypted_suffix="x", encrypted_regex="y")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "names no key"),
        ({"age": [], "key_groups": [{}]}, "names no key"),
        ({"age": "x"}, "`sops.age`: "),
        ({"age": ["x"]}, "`sops.age`: "),
        ({"age": [{"recipient": [], "enc": "x"}]}, "`sops.age.recipient`: "),
        ({"age": [{"recipient": "x" * 5000, "enc": "x"}]}, "more than 2048"),
        ({"age": [{"recipient": "x", "enc": "x" * 20_000}]}, "more than 16384"),
        ({"kms": [{"arn": "a", "context": "x"}]}, "`sops.kms.context`: "),
        ({"age": AGE, "lastmodified": "yesterday"}, "`sops.lastmodified`: "),
        ({"age": AGE, "lastmodified": "2026-02-30T00:00:00Z"}, "`sops.lastmodified`: "),
        ({"age": AGE, "mac_only_encrypted": "perhaps"}, "`sops.mac_only_encrypted`: "),
        ({"age": AGE, "version": ""}, "`sops.version`: "),
        ({"age": AGE, "version": "3.11"}, "`sops.version`: "),
        ({"age": AGE, "version": "3.011.0"}, "`sops.version`: "),
        ({"age": AGE, "version": "3.11.0-"}, "`sops.version`: "),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(
    fields: dict[str, object], told: str
) -> None:
    """With the path of the field."""
    with pytest.raises(SopsError, match=told) as refused:
        read(**fields)

    assert refused.value.reason is Reason.INVALID_DOCUMENT


class _Failing:
    """A key service that fails in a given way."""

    def __init__(self, error: InjectorError) -> None:
        self._error = error

    def decrypt(self, key: master_keys.MasterKey) -> Material:
        """Fail."""
        del key
        raise self._error


def test_age_is_tried_first_and_the_first_success_ends_it() -> None:
    """It needs no call; whoever succeeds, nobody else is asked."""
    asked: list[str] = []

    class Whole:
        def decrypt(self, key: master_keys.MasterKey) -> Material:
            asked.append(key.kind)
            return Material(bytes(32))

    def service_for(key: master_keys.MasterKey) -> Whole | None:
        return None if key.kind == "kms" else Whole()

    assert len(data_key(read(**EVERY), service_for)) == 32
    assert asked == ["age"]


def test_a_failure_that_may_pass_makes_the_whole_worth_a_retry() -> None:
    """One provider is down, the other refuses: trying again can help, after its pause."""
    down = InjectorError(Reason.UNAVAILABLE, "no answer")
    down.pause = 7.0
    denied = InjectorError(Reason.ACCESS_DENIED, "not allowed")
    metadata = read(age=AGE, kms=[{"arn": "arn", "enc": "x"}])
    with pytest.raises(SopsError) as failed:
        data_key(metadata, lambda key: _Failing(down if key.kind == "kms" else denied))

    assert (failed.value.reason, failed.value.pause) == (Reason.UNAVAILABLE, 7.0)
    assert "age age1x: not allowed; kms arn: no answer" in str(failed.value)


def test_parts_are_asked_for_up_to_the_threshold() -> None:
    """The third group is not asked when two have given their part."""
    asked: list[str] = []

    class Part:
        def decrypt(self, key: master_keys.MasterKey) -> Material:
            assert isinstance(key, master_keys.AgeKey)
            asked.append(key.recipient)
            return Material(bytes(32) + bytes([int(key.recipient)]))

    groups = [{"age": [{"recipient": str(number), "enc": "x"}]} for number in (1, 2, 3)]
    service = Part()

    data_key(read(key_groups=groups, shamir_threshold=2), lambda _: service)
    assert asked == ["1", "2"]
    data_key(read(key_groups=groups), lambda _: service)
    assert asked == ["1", "2", "1", "2", "3"], "without a threshold, every part may be needed"
