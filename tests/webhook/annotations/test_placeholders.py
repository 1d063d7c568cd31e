"""Placeholders: known, bounded, with a value, or an error."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.annotations import placeholders
from webhook.annotations.placeholders import Facts, PlaceholderError

FACTS = Facts("prod-eu", "shop", "web", {"team": "pay", "acme.io/unit": "a_b", "empty": ""})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("plain", "plain"),
        ("{cluster}", "prod-eu"),
        ("{namespace}_{service-account}", "shop_web"),
        ("prod/{namespace.labels.team}/", "prod/pay/"),
        ("a:{namespace.labels.acme.io/unit}/b", "a:a_b/b"),
        ('{"Version": "2012-10-17"}', '{"Version": "2012-10-17"}'),
        ("${aws:PrincipalTag/team}/${namespace}", "${aws:PrincipalTag/team}/${namespace}"),
        ("{{ }}", "{{ }}"),
    ],
)
def test_placeholders_become_facts(text: str, wanted: str) -> None:
    """Braces of JSON, of IAM's variables and of templates are left alone."""
    assert placeholders.fill(text, FACTS) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{namspace}", "unknown placeholder `{namspace}`; did you mean `namespace`?"),
        ("{x}", "there are {cluster}, {namespace}, {service-account}"),
        ("{namespace.labels.}", "unknown placeholder"),
        ("{namespace}-*", "must stand between"),
        ("x{namespace}", "must stand between"),
        ("{namespace}{cluster}", "must stand between"),
        ("{namespace}*", "must stand between"),
        ("{namespace.labels.other}", "the namespace `shop` has no label `other`"),
        ("{namespace.labels.empty}", "the namespace `shop` has no label `empty`"),
        ("{namespace.labels.acme.io/unit}_x", "holds `_`, which also bounds it"),
    ],
)
def test_a_placeholder_that_could_match_another_is_refused(text: str, said: str) -> None:
    """Unknown, unbounded, without a value, or with a value that holds its own bound."""
    with pytest.raises(PlaceholderError, match=re.escape(said)):
        placeholders.fill(text, FACTS)


def test_a_fact_that_nobody_said_is_an_error() -> None:
    """`{cluster}` without a configured cluster does not become nothing."""
    with pytest.raises(PlaceholderError, match=r"`\{cluster\}` has no value here"):
        placeholders.fill("{cluster}/x", Facts(namespace="shop"))


def test_the_names_in_a_text_are_known_before_their_values() -> None:
    """The operator's configuration is checked before any pod comes."""
    assert placeholders.used("{cluster}/{namespace}") == {"cluster", "namespace"}
    assert placeholders.used("cluster") == frozenset()


@given(st.text(alphabet="{}namespace/_:-x.$", max_size=40))
def test_a_bounded_namespace_never_reads_as_another(text: str) -> None:
    """A filled text has the namespace between bounds only, so `team` is never part of `team-b`."""
    marked = Facts("c", "QQ", "s", {})
    try:
        filled = placeholders.fill(text.replace("n", "{namespace}", 1), marked)
    except PlaceholderError:
        return

    assert re.fullmatch(r"(?:[^Q]|(?<![^/_:])QQ(?![^/_:]))*", filled)
