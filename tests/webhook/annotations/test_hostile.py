"""Whatever a pod says, reading it ends, in bounds, with an answer."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from injector.contract.reasons import Reason
from tests.webhook.annotations.pods import admission, context, reading
from webhook.annotations import read, table
from webhook.errors import Problems, denial_message
from webhook.settings import Settings

REGION = {"syrette.dev/aws.region": "eu-west-1"}
KEYS = st.sampled_from(
    [f"syrette.dev/{key}" for key in (*table.KNOWN, "file.a", "env.A", "dir.d", "secrets.x", "x")]
    + [row.key for row in table.HONOURED]
    + ["other.io/x"]
) | st.text(max_size=20).map(lambda text: f"syrette.dev/{text}")
VALUES = (
    st.sampled_from(
        [
            "",
            "true",
            "false",
            "aws-ssm:/a",
            "aws-secretsmanager:a?version=1#b",
            "arn:aws:ssm:eu-west-1:111122223333:parameter/x",
            "app:x",
            "aws",
            "vault:secret/a?data.x=1&version=1",
            "{app: {provider: vault, auth: aws, aws-store: app}}",
            "- {from: vault:secret/a, file: a, data: {x: '1'}}",
            "- aws-ssm:/a",
            "- {from: aws-ssm:/a, file: a, template: '{{ value }}'}",
            "{app: {provider: aws-ssm, region: '{namespace}'}}",
            "{cluster}",
            "1m",
            "0440",
        ]
    )
    | st.text(max_size=60)
    | st.text(alphabet="[]{}:,- \n\"'|&*ab", max_size=60)
)
ANNOTATIONS = st.dictionaries(KEYS, VALUES, max_size=8)
NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(pod=ANNOTATIONS, namespace=ANNOTATIONS, service_account=ANNOTATIONS)
def test_reading_is_total_and_repeatable(
    pod: dict[str, str], namespace: dict[str, str], service_account: dict[str, str]
) -> None:
    """Any annotations anywhere give an intent or nothing, with the same problems each time."""
    around = context(namespace, service_account, {"team": "a"})
    found, problems = reading(pod, around)
    again, others = reading(dict(reversed(pod.items())), around)

    assert (found, problems.found, problems.warnings) == (again, others.found, others.warnings)
    assert all(problem.message and isinstance(problem.reason, Reason) for problem in problems.found)
    assert all(len(warning) <= 120 for warning in problems.warnings)


@given(metadata=NONSENSE, value=NONSENSE)
def test_a_pod_of_any_shape_is_read(metadata: object, value: object) -> None:
    """What the API server would never send is no reason to fail either."""
    for pod in (
        {"metadata": metadata},
        {"metadata": {"annotations": metadata}},
        {"metadata": {"annotations": {"syrette.dev/file.a": value}}},
    ):
        read(admission(pod), context(), Settings(), Problems())


def test_more_keys_than_anybody_needs_are_not_read() -> None:
    """Beyond 256 keys nothing is parsed: one problem, whatever they hold."""
    _, problems = reading({f"syrette.dev/file.f{index}": "[" for index in range(10_000)})

    assert [(it.reason, it.key) for it in problems.found] == [(Reason.LIMIT_EXCEEDED, "")]
    assert "10000 annotations of syrette.dev; at most 256" in problems.found[0].message


def test_more_keys_on_a_namespace_are_refused_by_its_name() -> None:
    """The limit holds for each object."""
    space = {f"syrette.dev/x{index}": "" for index in range(257)}
    _, problems = reading({**REGION, "syrette.dev/file.a": "aws-ssm:/a"}, context(space))

    assert [str(it) for it in problems.found] == [
        "257 annotations of syrette.dev (namespace shop); at most 256 are read"
    ]


def test_two_hundred_secrets_are_enough() -> None:
    """The limit counts short and long form together."""
    items = "\n".join(f"- aws-ssm:/i{index}" for index in range(150))
    pod = {f"syrette.dev/file.f{index}": f"aws-ssm:/f{index}" for index in range(60)}
    found, problems = reading({**REGION, **pod, "syrette.dev/secrets": items})
    _, many = reading({**REGION, "syrette.dev/secrets": items + "\n" + items})

    assert found is not None
    assert len(found.secrets) == 200
    assert [str(it) for it in problems.found] == [
        "the pod asks for 210 secrets; at most 200 are injected"
    ]
    assert [str(it) for it in many.found] == [
        "syrette.dev/secrets line 201: 300 items; a pod has at most 200 secrets"
    ]


@pytest.mark.parametrize("text", ["[" * 60_000, "[" * 100_000, "- " * 30_000, "{a: " * 15_000])
@pytest.mark.parametrize("key", ["secrets", "stores"])
def test_a_document_of_brackets_is_one_problem(key: str, text: str) -> None:
    """Depth and size are limits of admission, for both kinds of documents."""
    pod = {"syrette.dev/file.a": "aws-ssm:/a?region=eu-west-1", f"syrette.dev/{key}": text}
    _, problems = reading(pod)

    assert len(problems.found) == 1
    assert problems.found[0].key == f"syrette.dev/{key}"


def test_the_first_problems_are_told_and_the_rest_counted() -> None:
    """A denial is read by a person: twenty lines, and how many more there are."""
    _, problems = reading({f"syrette.dev/refresh{index:02}": "" for index in range(30)})
    lines = denial_message(problems).splitlines()

    assert lines[0] == "syrette: 30 problems"
    assert lines[1] == ("- syrette.dev/refresh00: no such annotation; did you mean `refresh`?")
    assert (len(lines), lines[-1]) == (22, "- and 10 more")


def test_one_problem_is_one_line() -> None:
    """The usual typing error is told without ceremony."""
    _, problems = reading({"syrette.dev/inject": "on"})

    assert denial_message(problems) == (
        'syrette: syrette.dev/inject: `on` is not "true" or "false"'
    )


def test_a_warning_is_given_once() -> None:
    """Two secrets with one surprise surprise once."""
    problems = Problems()
    problems.warn("once")
    problems.warn("once")

    assert (problems.warnings, bool(problems)) == (["once"], False)


def test_no_message_repeats_a_whole_value() -> None:
    """An annotation may hold what was pasted by mistake; messages show its head at most."""
    secret = "hunter2-" * 20
    pod = {
        "syrette.dev/file.a": f"{secret}:x",
        "syrette.dev/mode": secret,
        "syrette.dev/secrets": f"- {{from: 'aws-ssm:/a?region={secret}', file: a, {secret}: x}}",
        "syrette.dev/stores": f"{{app: {{provider: aws-ssm, region: {secret}}}}}",
        "syrette.dev/env.A": "app:/x",
    }
    _, problems = reading(pod)

    assert len(problems.found) >= 4
    assert secret not in denial_message(problems)


def test_more_text_than_kubernetes_allows_is_not_read() -> None:
    """An API server takes 256 KiB of annotations; whoever sends more is none."""
    items = "- aws-ssm:/a\n" * 4000
    _, problems = reading({**REGION, **{f"syrette.dev/secrets.{n}": items for n in range(6)}})

    assert [str(it) for it in problems.found] == [
        "the annotations of syrette.dev have more than 256 KiB"
    ]


@pytest.mark.parametrize("key", ["refresh", "containers", "aws.session-tags", "no-such-option"])
def test_a_long_option_is_not_parsed(key: str) -> None:
    """Only documents are long."""
    pod = {**REGION, "syrette.dev/file.a": "aws-ssm:/a", f"syrette.dev/{key}": "1" * 10_000}
    _, problems = reading(pod)

    assert [(it.reason, str(it)) for it in problems.found] == [
        (Reason.LIMIT_EXCEEDED, f"syrette.dev/{key}: has more than 8 KiB")
    ]


def test_a_problem_is_told_once() -> None:
    """Two stores that share a field share what is wrong with it."""
    problems = Problems()
    for line in (1, 1, 2):
        problems.add(Reason.INVALID_STORE, "syrette.dev/stores", "wrong", line)

    assert [it.line for it in problems.found] == [1, 2]
