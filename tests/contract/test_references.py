"""The grammar of references."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.contract import references
from injector.contract.references import InvalidReferenceError, Reference, parse

ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "aws-secretsmanager:prod/db#password",
            Reference("aws-secretsmanager", "prod/db", (), "password"),
        ),
        (
            "aws-secretsmanager:prod/db?stage=AWSPREVIOUS",
            Reference("aws-secretsmanager", "prod/db", (("stage", "AWSPREVIOUS"),)),
        ),
        (
            "aws-ssm:/prod/db/password?version=3",
            Reference("aws-ssm", "/prod/db/password", (("version", "3"),)),
        ),
        (
            "aws-ssm:/prod/app/?recursive=true",
            Reference("aws-ssm", "/prod/app/", (("recursive", "true"),)),
        ),
        ("aws-ssm:/", Reference("aws-ssm", "/")),
        ("vault:secret/app/web#tls.crt", Reference("vault", "secret/app/web", (), "tls.crt")),
        (
            "vault:pki/issue/web?data.ttl=1h&data.common_name=a.b#/odd key",
            Reference(
                "vault",
                "pki/issue/web",
                (("data.common_name", "a.b"), ("data.ttl", "1h")),
                "/odd key",
            ),
        ),
        ("app:a%3Fb%23c%25d#e?f#g", Reference("app", "a?b#c%d", (), "e?f#g")),
        ("app:x?a=1%262", Reference("app", "x", (("a", "1&2"),))),
        ("  aws-ssm:/a \n", Reference("aws-ssm", "/a")),
        (ARN, Reference("aws-secretsmanager", ARN)),
        (f"billing:{ARN}#key", Reference("billing", ARN, (), "key")),
        (
            "arn:aws-cn:ssm:cn-north-1:111122223333:parameter/a/b",
            Reference("aws-ssm", "arn:aws-cn:ssm:cn-north-1:111122223333:parameter/a/b"),
        ),
    ],
)
def test_a_reference_is_cut_at_the_first_marks(text: str, wanted: Reference) -> None:
    """Selector after the first `#`, options after the first `?` before it, escapes undone."""
    assert parse(text) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the reference is empty"),
        ("aws-ssm:" + "a" * 2048, "longer than 2048 characters"),
        ("aws-ssm:\ud800", "not valid Unicode"),
        ("aws-ssm:/a#", "nothing follows the `#`"),
        ("aws-ssm:/a# ", "nothing follows the `#`"),
        ("prod/db", "names no store"),
        ("AWS:x", "no store name"),
        ("-a:x", "no store name"),
        ("aws-ssm:", "the path after the store is empty"),
        ("aws-ssm:a//b", "empty, `.` and `..` segments"),
        ("aws-ssm:a/%2e%2e/b", "empty, `.` and `..` segments"),
        ("aws-ssm:a/./b", "empty, `.` and `..` segments"),
        ("aws-ssm://a", "empty, `.` and `..` segments"),
        ("aws-ssm:a%0ab", "control characters"),
        ("aws-ssm:a%7f", "control characters"),
        ("aws-ssm:a?", "is no option"),
        ("aws-ssm:a?b", "is no option"),
        ("aws-ssm:a?=b", "is no option"),
        ("aws-ssm:a?b=1&b=2", "is given twice"),
        ("aws-ssm:a?b=%", "a `%` in the option `b`"),
        ("aws-ssm:a%2", "a `%` in the path"),
        ("aws-ssm:a%ff", "not UTF-8"),
        ("arn:aws:x", "malformed ARN"),
        ("app:arn:x", "malformed ARN"),
        ("arn:aws:s3:::bucket/x", "ARN of the service `s3`"),
        ("arn:aws:ssm:eu-west-1:111122223333:secret:x", "parameter/<name>"),
        ("arn:aws:ssm::111122223333:parameter/x", "parameter/<name>"),
        ("arn:aws:ssm:eu-west-1::parameter/x", "parameter/<name>"),
        ("arn:aws:ssm:eu-west-1:11112222333:parameter/x", "parameter/<name>"),
        ("arn:aws:ssm:-evil-:111122223333:parameter/x", "parameter/<name>"),
        (f"arn:aws:ssm:{'a' * 64}:111122223333:parameter/x", "parameter/<name>"),
        ("arn:aws:ssm:eu-west-1:111122223333:parameter/", "parameter/<name>"),
        ("arn:aws:secretsmanager:eu-west-1:111122223333:secret:a/../b", "segments"),
    ],
)
def test_what_is_no_reference_is_refused_by_its_fault(text: str, said: str) -> None:
    """The error says which rule of the grammar is broken."""
    with pytest.raises(InvalidReferenceError, match=said):
        parse(text)


def test_references_that_differ_in_the_selector_are_one_read() -> None:
    """User name and password of one lease always belong together."""
    user = parse("vault:database/creds/ro?kv=1#username")
    password = parse("vault:database/creds/ro?kv=1#password")

    assert user != password
    assert user.read == password.read


def test_the_parts_of_an_arn_are_known() -> None:
    """An ARN implies its service, region and account."""
    arn = parse(ARN).arn

    assert arn is not None
    assert (arn.partition, arn.service, arn.region) == ("aws", "secretsmanager", "eu-west-1")
    assert (arn.account, arn.resource) == ("111122223333", "secret:prod/db-AbCdEf")
    assert parse("aws-ssm:/a").arn is None


def test_an_option_that_is_not_given_is_empty() -> None:
    """Options are looked up by name."""
    reference = parse("aws-ssm:/a?version=3")

    assert (reference.option("version"), reference.option("label")) == ("3", "")


@given(
    store=st.from_regex(references.STORE_NAME, fullmatch=True),
    path=TEXTS,
    options=st.dictionaries(st.from_regex(r"[a-z.]{1,8}", fullmatch=True), TEXTS, max_size=3),
    selector=TEXTS,
)
def test_the_canonical_text_parses_to_an_equal_reference(
    store: str, path: str, options: dict[str, str], selector: str
) -> None:
    """Whatever path, options and selector hold, writing and parsing gives the same reference."""
    reference = Reference(store, path, tuple(sorted(options.items())), selector.strip())
    try:
        parsed = parse(str(reference))
    except InvalidReferenceError:
        return  # a path that no grammar allows, such as one with an empty segment

    assert parsed == reference


@given(st.text())
def test_any_text_is_a_reference_or_an_error_of_ours(text: str) -> None:
    """No text makes the parser fail in another way, and what it accepts is stable."""
    try:
        reference = parse(text)
    except InvalidReferenceError:
        return

    assert parse(str(reference)) == reference
