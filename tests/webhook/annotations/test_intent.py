"""From a pod's annotations to an intent."""

from __future__ import annotations

import pytest

from injector.contract.plan import Action, Source, Variable
from injector.contract.references import parse
from tests.webhook.annotations.pods import admission, context, intent, reading
from webhook.annotations import read
from webhook.annotations.intent import Origin, Scope, Wanted
from webhook.errors import Problems
from webhook.settings import Settings

REGION = {"syrette.dev/aws.region": "eu-west-1"}
LONG = """
- aws-secretsmanager:prod/api-key
- arn:aws:ssm:eu-west-1:111122223333:parameter/shared/ca
- from: aws-secretsmanager:prod/db
  file: db/app.properties
  mode: 0440
  format: properties
  refresh: 1h30m
  containers: [web, api]
  mount: /config
  on-change: signal:SIGHUP:nginx
  optional: true
- from: aws-ssm:/password
  env: WEB_PASSWORD
  decode: base64
  containers: web
- {from: aws-ssm:/pg, env: {PGUSER: username, PGPASSWORD: password}}
- {from: aws-ssm:/keys, env: [A, B]}
- {from: aws-ssm:/app/, dir: .}
- from: {db: aws-ssm:/db, ca: aws-ssm:/ca}
  file: conf.ini
  template: |
    password={{ db.password }}
    ca={{ ca }}
"""


def _wanted(text: str) -> list[Wanted]:
    return list(intent({**REGION, "syrette.dev/secrets": text}).secrets)


def _sources(text: str) -> tuple[Source, ...]:
    return (Source("value", parse(text)),)


@pytest.mark.parametrize(
    "annotations",
    [
        {},
        {"prometheus.io/scrape": "true"},
        {"syrette.dev/inject": "false", "syrette.dev/flie.x": "[", "syrette.dev/file.a": "x"},
        {"syrette.dev/injected": "v1.0123456789abcdef"},
    ],
)
def test_a_pod_that_asks_for_nothing_has_no_intent(annotations: dict[str, str]) -> None:
    """Without our keys, or switched off, nothing is read, refused or warned of."""
    found, problems = reading(annotations)

    assert (found, problems.found, problems.warnings) == (None, [], [])


@pytest.mark.parametrize("pod", [{}, {"metadata": None}, {"metadata": {"annotations": None}}])
def test_a_pod_without_annotations_has_no_intent(pod: dict[str, object]) -> None:
    """What Kubernetes leaves out is nothing."""
    problems = Problems()

    assert read(admission(pod), context(), Settings(), problems) is None
    assert not problems


def test_options_without_a_secret_are_allowed_with_a_warning() -> None:
    """A pod may carry options for nothing, but its author is told."""
    found, problems = reading({"syrette.dev/refresh": "1m"})

    assert (found, problems.found) == (None, [])
    assert problems.warnings == ["syrette.dev annotations, but no secret: nothing is injected"]


def test_the_short_form_is_one_annotation_a_secret() -> None:
    """Files, directories and variables, in the order of their keys."""
    found = intent(
        {
            **REGION,
            "syrette.dev/inject": "true",
            "syrette.dev/file.db.json": "aws-secretsmanager:prod/db",
            "syrette.dev/dir.app": "aws-ssm:/prod/app/",
            "syrette.dev/env.API_TOKEN": "aws-ssm:/token#value",
        }
    )

    assert found.secrets == (
        Wanted(Origin("syrette.dev/dir.app"), _sources("aws-ssm:/prod/app/"), "dir", "app"),
        Wanted(
            Origin("syrette.dev/env.API_TOKEN"),
            _sources("aws-ssm:/token#value"),
            "env",
            variables=(Variable("API_TOKEN"),),
        ),
        Wanted(
            Origin("syrette.dev/file.db.json"),
            _sources("aws-secretsmanager:prod/db"),
            "file",
            "db.json",
        ),
    )


def test_an_item_that_is_only_a_reference_is_a_file_of_its_name() -> None:
    """The path or the ARN's own name is the file."""
    plain, arn = _wanted(LONG)[:2]

    assert (plain.kind, plain.path) == ("file", "prod/api-key")
    assert (arn.kind, arn.path, arn.origin.line) == ("file", "shared/ca", 3)


def test_an_item_says_what_the_short_form_cannot() -> None:
    """Every key of an item is typed by its own parser; YAML's types decide nothing."""
    assert _wanted(LONG)[2] == Wanted(
        Origin("syrette.dev/secrets", 4),
        _sources("aws-secretsmanager:prod/db"),
        "file",
        "db/app.properties",
        format="properties",
        mode=0o440,
        refresh=5400.0,
        containers=("web", "api"),
        mount="/config",
        on_change=Action("signal", signal="SIGHUP", process="nginx"),
        optional=True,
    )


def test_variables_come_one_by_one_or_from_the_keys_of_one_secret() -> None:
    """A name, a mapping of variable to key, or a list of keys."""
    one, mapping, listed = _wanted(LONG)[3:6]

    assert (one.variables, one.decode, one.containers) == (
        (Variable("WEB_PASSWORD"),),
        "base64",
        ("web",),
    )
    assert mapping.variables == (Variable("PGPASSWORD", "password"), Variable("PGUSER", "username"))
    assert listed.variables == (Variable("A", "A"), Variable("B", "B"))


def test_a_directory_may_be_the_mount_itself() -> None:
    """`.` spreads a mapping's keys over the mount."""
    found = _wanted(LONG)[6]

    assert (found.kind, found.path) == ("dir", ".")


def test_a_template_joins_several_references() -> None:
    """Names are the template's; sources are sorted, so that one pod has one plan."""
    found = _wanted(LONG)[7]

    assert [source.name for source in found.sources] == ["ca", "db"]
    assert found.template == "password={{ db.password }}\nca={{ ca }}\n"


def test_every_list_of_items_counts() -> None:
    """`secrets` and any number of `secrets.<id>` are put together."""
    found = intent(
        {
            **REGION,
            "syrette.dev/secrets": "- aws-ssm:/a",
            "syrette.dev/secrets.two": "- aws-ssm:/b",
            "syrette.dev/secrets.one": "- aws-ssm:/c",
        }
    )

    assert [secret.path for secret in found.secrets] == ["a", "c", "b"]


def test_the_order_of_annotations_decides_nothing() -> None:
    """Two equal pods have equal intents."""
    annotations = {
        **REGION,
        "syrette.dev/file.b": "aws-ssm:/b",
        "syrette.dev/file.a": "aws-ssm:/a",
        "syrette.dev/secrets": "- aws-ssm:/c",
    }

    assert intent(annotations) == intent(dict(reversed(annotations.items())))


def test_stores_are_those_that_are_referred_to() -> None:
    """A store that no secret names does not reach the plan."""
    found = intent(
        {
            "syrette.dev/stores": "{used: {provider: aws-ssm, region: eu-west-1}, "
            "unused: {provider: aws-ssm}}",
            "syrette.dev/file.a": "used:/a",
        }
    )

    assert list(found.stores) == ["used"]
    assert found.stores["used"].scope is Scope.POD
    assert found.stores["used"].origin == Origin("syrette.dev/stores", 1)


def test_templates_use_the_pods_delimiters() -> None:
    """A chart's own marks pass, and Jinja2's are then plain text."""
    text = "- {from: {a: aws-ssm:/a}, file: f, template: '[[ a ]] {{ not ours'}"
    found = intent(
        {**REGION, "syrette.dev/template-delimiters": "[[ ]]", "syrette.dev/secrets": text}
    )

    assert found.options.delimiters == ("[[", "]]")
    assert found.secrets[0].template == "[[ a ]] {{ not ours"
