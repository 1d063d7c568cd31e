"""Templates at admission: parsed, never run, and bounded before they are parsed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.annotations.templates import Templates

USUAL = ("{{", "}}")


@pytest.mark.parametrize(
    "template",
    [
        "",
        "plain {{ db.password }} {{ db['odd key'] | urlquote }}",
        "{% for key, value in db.items() %}{{ loop.index }}={{ value }}{% endfor %}",
        "{% set a = db %}{% if a is mapping %}{{ a | b64encode }}{% endif %}",
        "{% macro m(x) %}{{ x }}{{ varargs }}{% endmacro %}{{ m(db) }}",
        "{# a comment #}{% raw %}{{ nothing }}{% endraw %}",
        "{{ db" + ".a" * 900 + " }}",
        "{{ 'x' * 10 ** 9 }}{{ 9 ** 9 ** 9 }}{{ range(10 ** 9) | list | length }}",
    ],
)
def test_what_can_be_rendered_is_accepted_without_running_it(template: str) -> None:
    """Even what explodes when compiled is only a tree here; the worker bounds its rendering."""
    assert Templates(USUAL).problems(template, {"db"}) == []


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("x" * 40_000, "a template may have 32 KiB"),
        ("{{ " + "(" * 10_000 + "1" + ")" * 10_000 + " }}", "nests deeper than 32 levels"),
        ("{{ " + "[" * 33, "nests deeper than 32 levels"),
        ("{% if db %}" * 600 + "{% endif %}" * 600, "nests deeper than 32 levels"),
        ("{{ " + "not " * 1900 + "db }}", "does not parse"),
        ("{{ " + "-" * 3900 + "1 }}", "does not parse"),
        ("{{ " + "1 if db else " * 490 + "2 }}", ""),
        ("{{ " + "1 ** " * 900 + "2 }}", ""),
        ("{{ " + "1 ** " * 5000 + "2 }}", "templates may have 4000 words and marks"),
        ("{{ [" + "a," * 10_000 + "] }}", "templates may have 4000 words and marks"),
        ("{{ db", "does not parse"),
        ("{% nothing %}", "does not parse"),
        ("{{ 1" + "0" * 5000 + " }}", "does not parse"),
    ],
    ids=lambda value: value[:20],
)
def test_a_hostile_template_is_a_problem_and_not_a_crash(template: str, said: str) -> None:
    """Size and nesting are bounded; what still goes too deep ends in a message."""
    found = Templates(USUAL).problems(template, {"db"})

    assert bool(found) == bool(said)
    assert all(said in message for message, _ in found)


@pytest.mark.parametrize("block", ["if db", "for x in db", "call db()", "filter upper"])
def test_blocks_that_nest_too_deep_are_a_problem(block: str) -> None:
    """Blocks in blocks are bounded by their number and by the stack."""
    end = "end" + block.partition(" ")[0].partition("(")[0]
    text = f"{{% {block} %}}" * 250 + f"{{% {end} %}}" * 250

    assert len(Templates(USUAL).problems(text, {"db"})) <= 1


def test_what_rendering_would_fail_on_is_told_with_its_line() -> None:
    """Names, filters, tests and statements that are not there, in the order of the text."""
    text = "{{ dv }}\n{{ db | base64 }}\n{{ db is odd_thing }}\n{% import 'x' as x %}\n{{ other }}"
    found = Templates(USUAL).problems(text, {"db", "ca"})

    assert found == [
        ("the template uses `dv`; `from` has ca, db", 1),
        ("unknown filter `base64`", 2),
        ("unknown test `odd_thing`", 3),
        ("there are no other templates to include, import or extend", 4),
        ("the template uses `other`; `from` has ca, db", 5),
    ]


def test_a_single_reference_may_bring_any_key() -> None:
    """The keys of a mapping secret are names that admission cannot know."""
    assert Templates(USUAL).problems("{{ username }}", None) == []


def test_delimiters_decide_what_is_a_variable() -> None:
    """A chart's marks are ours, and Jinja2's are text."""
    assert Templates(("[[", "]]")).problems("{{ nothing [[ db ]]", {"db"}) == []
    assert Templates(("[[", "]]")).problems("[[ dv ]]", {"db"})


def test_no_more_is_told_than_is_read() -> None:
    """A template full of mistakes does not fill the memory with messages."""
    found = Templates(USUAL).problems("{{ a.b }}" * 200, {"db"})

    assert len(found) == 20


@given(st.text(alphabet="{}%#[]().|-+*~ \"'abif=,:\n", max_size=120))
def test_any_text_is_a_template_or_a_problem(text: str) -> None:
    """The parser never fails in another way."""
    for _, line in Templates(USUAL).problems(text, {"a"}):
        assert line >= 1


def test_all_templates_of_a_pod_share_one_bound() -> None:
    """Many templates cost no more time than one."""
    checker = Templates(USUAL)
    found = [checker.problems("{{ db }}" * 200, {"db"}) for _ in range(5)]

    assert found[:3] == [[], [], []]
    assert "a pod's templates may have 4000 words" in found[4][0][0]
