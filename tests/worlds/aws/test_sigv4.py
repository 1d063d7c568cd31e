"""Signatures: what botocore signs is taken, and every way to alter it is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.worlds.aws.cloud import ELSEWHERE, HOME, REGION, allow, trust
from tests.worlds.aws.wire import Ask, send, to_json, to_sts
from worlds.aws.sigv4 import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.worlds.aws.cloud import Clients
    from worlds.aws import AwsWorld
    from worlds.aws.credentials import AccessKey

MISMATCH = ("InvalidSignatureException", "SignatureDoesNotMatch")
INCOMPLETE = ("IncompleteSignatureException", "IncompleteSignature")
UNKNOWN = ("UnrecognizedClientException", "InvalidClientTokenId")
MISSING = ("MissingAuthenticationTokenException", "MissingAuthenticationToken")


@pytest.fixture
def key(world: AwsWorld) -> AccessKey:
    """Temporary credentials that may read every secret."""
    role = world.account().role("web", trust(HOME), allow("secretsmanager:*"))
    world.put_secret("prod/db", "s3cret")
    return world.access_key(role)


def _secret(world: AwsWorld) -> Ask:
    return to_json(world, "secretsmanager.GetSecretValue", {"SecretId": "prod/db"})


def test_what_botocore_signs_is_taken(world: AwsWorld, key: AccessKey) -> None:
    """Both protocols, with a session token, by whole requests."""
    secret = send(world, _secret(world).signed(key, "secretsmanager"))
    identity = send(world, to_sts(world).signed(key, "sts"))

    assert (secret.status, identity.status) == (200, 200)
    assert b'"SecretString": "s3cret"' in secret.body
    assert b"assumed-role/web/test" in identity.body


def test_a_users_own_keys_need_no_session_token(world: AwsWorld) -> None:
    """Permanent keys sign without one, and one that is not theirs spoils them."""
    key = world.access_key(world.account().user("ci"))
    ask = to_sts(world).signed(key, "sts")

    assert send(world, ask).status == 200
    assert send(world, to_sts(world).signed(replace(key, token="x"), "sts")).code == UNKNOWN[1]


def test_paths_queries_and_blanks_are_signed_as_they_are(world: AwsWorld, key: AccessKey) -> None:
    """A path of a regional endpoint, a query in any order, and inner blanks of a header."""
    ask = replace(_secret(world), url=world.endpoint("ssm", REGION) + "/a%20b?b=2&a=%2F&c")
    ask = ask.having(x_amz_note="two   blanks")
    signed = ask.signed(key, "secretsmanager")

    assert send(world, replace(signed, url=signed.url.replace("&c", "&c="))).status == 200


def _other_secret(key: AccessKey) -> AccessKey:
    return replace(key, secret=key.secret[:-1] + ("A" if key.secret[-1] != "A" else "B"))


def _other_token(key: AccessKey) -> AccessKey:
    return replace(key, token=key.token[:-1] + ("A" if key.token[-1] != "A" else "B"))


@pytest.mark.parametrize(
    ("spoil", "codes", "words"),
    [
        (_other_secret, MISMATCH, "does not match the signature you provided"),
        (_other_token, UNKNOWN, "security token included in the request is invalid"),
        (lambda key: replace(key, token=""), UNKNOWN, "token included in the request is invalid"),
        (lambda key: replace(key, id="ASIAAAAAAAAAAAAAAAAA"), UNKNOWN, "token .* is invalid"),
    ],
    ids=["secret", "token", "no token", "unknown id"],
)
def test_wrong_credentials_are_refused(
    world: AwsWorld,
    key: AccessKey,
    spoil: Callable[[AccessKey], AccessKey],
    codes: tuple[str, str],
    words: str,
) -> None:
    """Each part of the credentials counts."""
    wrong = spoil(key)
    answers = [
        send(world, _secret(world).signed(wrong, "secretsmanager")),
        send(world, to_sts(world).signed(wrong, "sts")),
    ]

    assert [(one.status, one.code) for one in answers] == [(400, codes[0]), (403, codes[1])]
    assert all(re.search(words, one.message) for one in answers)


_WRONG_DAY = "19990101"
ALTERED: dict[str, tuple[Callable[[Ask], Ask], tuple[str, str]]] = {
    "body": (lambda ask: replace(ask, body=ask.body.replace(b"e", b"E")), MISMATCH),
    "method": (lambda ask: replace(ask, method="PUT"), MISMATCH),
    "path": (lambda ask: replace(ask, url=ask.url + "x"), MISMATCH),
    "query": (lambda ask: replace(ask, url=ask.url + "?x=1"), MISMATCH),
    "signed header": (lambda ask: ask.having(x_amz_user="two"), MISMATCH),
    "host": (lambda ask: ask.having(host="secretsmanager.eu-west-1.amazonaws.com"), MISMATCH),
    "unsigned header": (lambda ask: ask.having(x_amz_other="new"), MISMATCH),
    "signed header left out": (lambda ask: ask.lacking("x-amz-user"), INCOMPLETE),
    "host not signed": (lambda ask: ask.authorized("host;", ""), MISMATCH),
    "names not in order": (
        lambda ask: ask.authorized("host;x-amz-date", "x-amz-date;host"),
        INCOMPLETE,
    ),
    "signature": (
        lambda ask: ask.having(authorization=ask.headers["Authorization"][:-4] + "0000"),
        MISMATCH,
    ),
    "service of the scope": (lambda ask: _scoped(ask, -2, "s3"), MISMATCH),
    "region of the scope": (lambda ask: _scoped(ask, -3, ELSEWHERE), MISMATCH),
    "day of the scope": (lambda ask: _scoped(ask, -4, _WRONG_DAY), MISMATCH),
    "date": (lambda ask: ask.having(x_amz_date=ask.headers["X-Amz-Date"][:-1] + "X"), INCOMPLETE),
    "no date": (lambda ask: ask.lacking("x-amz-date"), INCOMPLETE),
    "other scheme": (lambda ask: ask.authorized("AWS4-HMAC-SHA256", "AWS3"), INCOMPLETE),
    "no authorization": (lambda ask: ask.lacking("authorization"), MISSING),
}


def _scoped(ask: Ask, index: int, value: str) -> Ask:
    scope = ask.headers["Authorization"].partition("Credential=")[2].partition(",")[0]
    parts = scope.split("/")
    parts[index] = value
    return ask.authorized(scope, "/".join(parts))


@pytest.mark.parametrize("what", ALTERED)
def test_an_altered_request_is_refused(world: AwsWorld, key: AccessKey, what: str) -> None:
    """Whatever is changed after signing, each service says so with its own code."""
    alter, codes = ALTERED[what]
    secret = _secret(world).having(x_amz_user="one").signed(key, "secretsmanager")
    identity = to_sts(world).having(x_amz_user="one").signed(key, "sts")

    answers = [send(world, alter(secret)), send(world, alter(identity))]

    assert [one.code for one in answers] == list(codes)
    assert answers[0].status == 400
    assert answers[1].status == (400 if codes == INCOMPLETE else 403)
    assert {entry.outcome for entry in world.journal.entries} == set(codes)
    assert {entry.principal for entry in world.journal.entries} == {""}


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("day of the scope", "Date in Credential scope does not match .*'19990101' != "),
        ("service of the scope", "scoped to correct service: 'sts'"),
        ("host not signed", "present in the request which were not signed: host"),
        ("unsigned header", "present in the request which were not signed: x-amz-other"),
        ("signed header left out", "'SignedHeaders' must be sorted and name headers"),
        ("no date", "existence of a valid 'X-Amz-Date' header"),
        ("other scheme", "requires 'Credential', 'SignedHeaders' and 'Signature'"),
        ("no authorization", "missing Authentication Token"),
        ("signature", "calculated does not match the signature you provided"),
    ],
)
def test_what_is_wrong_is_said(world: AwsWorld, key: AccessKey, what: str, words: str) -> None:
    """Before the signature is computed at all, as far as it can be seen without."""
    alter, _ = ALTERED[what]

    answer = send(world, alter(to_sts(world).having(x_amz_user="one").signed(key, "sts")))

    assert re.search(words, answer.message)


def test_a_target_cannot_be_exchanged(world: AwsWorld, key: AccessKey) -> None:
    """A signature for one action is not good for another."""
    signed = _secret(world).signed(key, "secretsmanager")

    answer = send(world, signed.having(x_amz_target="secretsmanager.DescribeSecret"))

    assert answer.code == MISMATCH[0]


def test_another_services_signature_is_refused(world: AwsWorld, key: AccessKey) -> None:
    """The scope names the service that it is good for."""
    answers = [
        send(world, _secret(world).signed(key, "ssm")),
        send(world, to_sts(world).signed(key, "secretsmanager")),
    ]

    assert [one.code for one in answers] == list(MISMATCH)
    assert "scoped to correct service: 'sts'" in answers[1].message


@pytest.mark.parametrize(
    ("host", "region", "status"),
    [
        ("sts.amazonaws.com", "us-east-1", 200),
        ("sts.amazonaws.com", REGION, 403),
        ("sts.eu-west-1.amazonaws.com", REGION, 200),
        ("sts.eu-west-1.amazonaws.com", "us-east-1", 403),
    ],
)
def test_an_endpoint_by_name_wants_its_region(
    world: AwsWorld, key: AccessKey, host: str, region: str, status: int
) -> None:
    """A request that was signed for a name of AWS and sent on to the world, as Vault does it."""
    ask = replace(to_sts(world), url=f"https://{host}/").signed(key, "sts", region)

    assert send(world, replace(ask, url=to_sts(world).url)).status == status


def test_a_regional_endpoint_wants_its_own_region(world: AwsWorld, key: AccessKey) -> None:
    """A signature for Ireland is not good in Frankfurt."""
    ask = to_sts(world, region=ELSEWHERE)

    assert send(world, ask.signed(key, "sts", ELSEWHERE)).status == 200
    answer = send(world, ask.signed(key, "sts", REGION))
    assert (answer.code, "valid region" in answer.message) == (MISMATCH[1], True)


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (290, ""),
        (-290, ""),
        (310, "Signature expired: .* is now earlier than .* - 5 min"),
        (-310, "Signature not yet current: .* is still later than .* 5 min"),
    ],
)
def test_a_date_off_by_more_than_five_minutes_is_refused(
    world: AwsWorld, key: AccessKey, skew: float, words: str
) -> None:
    """The message names both times, from which a client tells that a clock is wrong."""
    world.skew = skew
    answers = [
        send(world, _secret(world).signed(key, "secretsmanager")),
        send(world, to_sts(world).signed(key, "sts")),
    ]

    assert world.skew == skew
    assert [one.code for one in answers] == (list(MISMATCH) if words else ["", ""])
    assert all(re.search(words, one.message) for one in answers)


def test_ended_credentials_are_refused_and_signatures_stay_good(
    world: AwsWorld, key: AccessKey
) -> None:
    """Time that passes in the world ends what should end, and nothing else."""
    user = world.access_key(world.account().user("ci"))
    world.advance(3599)
    assert send(world, to_sts(world).signed(key, "sts")).status == 200

    world.advance(1)
    answers = [
        send(world, _secret(world).signed(key, "secretsmanager")),
        send(world, to_sts(world).signed(key, "sts")),
    ]

    assert [(a.status, a.code) for a in answers] == [
        (400, "ExpiredTokenException"),
        (403, "ExpiredToken"),
    ]
    assert "token included in the request is expired" in answers[0].message
    assert send(world, to_sts(world).signed(user, "sts")).status == 200


def test_credentials_can_be_ended_at_once(world: AwsWorld, key: AccessKey) -> None:
    """All temporary ones, or those of one session; permanent keys never."""
    user = world.access_key(world.account().user("ci"))
    other = world.access_key(world.account().role("other", trust(HOME)))

    assert world.expire_credentials(key.principal.arn) == 1
    assert send(world, to_sts(world).signed(key, "sts")).code == "ExpiredToken"
    assert send(world, to_sts(world).signed(other, "sts")).status == 200
    assert world.expire_credentials() == 2
    assert send(world, to_sts(world).signed(other, "sts")).code == "ExpiredToken"
    assert send(world, to_sts(world).signed(user, "sts")).status == 200


def test_keys_do_not_show_what_signs(world: AwsWorld, key: AccessKey) -> None:
    """Neither secret nor token stands in what is printed of them."""
    assert key.secret not in repr(key)
    assert key.token not in repr(key)
    assert world.principal_of(key.id) == key.principal
    assert world.principal_of("AKIA") is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer x",
        "AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/sts/aws4_request",
        "AWS4-ECDSA-P256-SHA256 Credential=A/20260101/eu-west-1/sts/aws4_request, "
        "SignedHeaders=host, Signature=" + "0" * 64,
    ],
)
def test_other_authorizations_are_not_of_this_version(header: str) -> None:
    """Only a whole header of version 4 is taken apart."""
    assert parse(header) is None


def test_botocore_itself_is_served(client: Clients, key: AccessKey) -> None:
    """Its clients sign and understand what comes back."""
    assert client("sts", key).get_caller_identity()["Account"] == HOME
    assert client("secretsmanager", key).get_secret_value(SecretId="prod/db")["Name"] == "prod/db"
