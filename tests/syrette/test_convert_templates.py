"""Templates of Vault Agent: what ours renders is what consul-template would write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from syrette.convert.templates import Content, NotUnderstoodError, translate
from tests.syrette.converting import converted, ours, written
from webhook.annotations.templates import Templates

CASES = yaml.safe_load((Path(__file__).parent / "convert_cases" / "templates.yaml").read_text())
UNDERSTOOD = [case for case in CASES if "item" in case]
REFUSED = [case for case in CASES if "refused" in case]
WORDS = (
    *("{{ ", "{{- ", " }}", " -}}", "{{/*", "*/}}", "|", "(", ")", ":=", "=", ",", " ", "\n"),
    *("with", "range", "if", "else", "end", "define", "$k, $v", "$x", ".", ".Data", ".data"),
    *(".x", "secret", "pkiCert", "index", "printf", "toJSON", "or", "eq", "not", "indent", "2"),
    *('"kv/a"', '"secret/data/a"', '"k=v"', '"%s"', "`", '"', "\\", "{", "}", "%}", "{#", "é"),
)
"""What a template is made of, so that some of what is put together means something."""


def _annotations(case: dict[str, Any]) -> dict[str, str]:
    left, right = case.get("delimiters", ["{{", "}}"])
    return {
        "agent-inject": "true",
        "agent-inject-template-it": case["theirs"],
        "agent-inject-file-it": case.get("file", "it"),
        "agent-template-left-delim-it": left,
        "agent-template-right-delim-it": right,
    }


@pytest.mark.parametrize("case", UNDERSTOOD, ids=lambda case: case["says"])
def test_a_template_becomes_this(case: dict[str, Any]) -> None:
    """References, template, format and decoding are those of the case."""
    left, right = case.get("delimiters", ["{{", "}}"])
    found = translate(case["theirs"], (left, right))
    sources = {name: str(reference) for name, reference in found.sources}
    item = {"from": sources["value"] if set(sources) == {"value"} else sources}
    item |= {"template": found.template, "decode": found.decode}
    item["format"] = found.format if "format" in case["item"] else ""

    assert {key: value for key, value in item.items() if value} == case["item"]


@pytest.mark.parametrize("case", UNDERSTOOD, ids=lambda case: case["says"])
def test_the_file_is_what_consul_template_writes(case: dict[str, Any]) -> None:
    """The webhook admits the pod, and the injector renders the text of the case."""
    wanted = bytes(case["bytes"]) if "bytes" in case else case["text"].encode()
    (found,) = written(converted(_annotations(case)), case["secrets"]).values()

    if "template" in case["item"] or "#" in str(case["item"]["from"]):
        assert found == wanted
    else:
        assert yaml.safe_load(found) == yaml.safe_load(wanted)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["says"])
def test_what_is_not_understood_is_named(case: dict[str, Any]) -> None:
    """The secret is left out of the manifest, and the report has the reason."""
    result = converted(_annotations(case))
    (finding,) = [it for it in result.reports[0].findings if it.key.endswith("-template-it")]

    assert case["refused"] in finding.text
    assert not result.complete
    assert set(ours(result)) & {"file.it", "secrets"} == set()


@given(st.lists(st.sampled_from(WORDS), max_size=40).map("".join) | st.text())
def test_any_text_is_translated_or_refused(text: str) -> None:
    """Nothing else comes of it, twice the same, and what is translated is a template of ours."""
    once, twice = _outcome(text), _outcome(text)

    assert once == twice
    if isinstance(once, Content):
        names = {name for name, _ in once.sources}
        problems = Templates(("{{", "}}")).problems(once.template, names)
        assert [said for said, _ in problems] == []


def _outcome(text: str) -> Content | str:
    try:
        return translate(text)
    except NotUnderstoodError as exc:
        return str(exc)


@given(st.text(st.sampled_from("{%#}-\r\n \t\"'\\a$é"), max_size=30), st.booleans())
@example(text="{{{", before=False)
def test_text_between_actions_comes_out_as_it_was(text: str, before: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever Jinja2 would take for a tag of its own is not one."""
    field = '{{ with secret "kv/a" }}{{ .Data.x }}{{ end }}'
    told = re.sub(r"\{+", "{", text)  # two of them open an action of Vault Agent's
    told = told.rstrip("{") if before else told
    template = f"{told}{field}!" if before else f"{field}{told}!"
    secrets = {"kv/a": {"x": "1"}}
    (found,) = written(converted({"agent-inject-template-it": template} | ON), secrets).values()

    assert found.decode() == (f"{told}1!" if before else f"1{told}!")


ON = {"agent-inject": "true"}


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters='`\r"\\\n')))
@example("one\x85two\u2028three\u2029")
def test_a_text_that_is_printed_is_that_text(text: str) -> None:
    """In quotes and between back quotes."""
    template = f'{{{{ "{text}" }}}}{{{{ `{text}` }}}}{{{{ with secret "kv/a" }}}}!{{{{ end }}}}'
    found = translate(template)

    assert found.template.endswith("!")
    rendered = written(converted({"agent-inject-template-it": template} | ON), {"kv/a": {"x": "1"}})
    assert rendered["it"].decode() == f"{text}{text}!"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ if true }}" * 100, "nest deeper"),
        ("{{ " + "(" * 100 + " }}", "nest deeper"),
        ("x" * 70_000, "more than 64 KiB"),
        ("{{" + " .x" * 10_001 + "}}", "more than 10000 words"),
        ("\ud800", "not valid Unicode"),
        (
            '{{ with secret "kv/a" }}{{ $a := .Data.x }}'
            + '{{ $a := printf "%s%s" $a $a | toUpper }}' * 30
            + "{{ end }}",
            "too long",
        ),
        (
            '{{ with secret "kv/a" }}{{ $a := .Data.x }}'
            + '{{ $a := printf "%s%s" $a $a }}' * 30
            + "{{ end }}",
            "too long",
        ),
        ('{{ with secret "kv/a" }}{{ .Data.x }}{{ end }}' + "x" * 40_000, "more than 32 KiB"),
    ],
)
def test_bounds_come_before_work(template: str, said: str) -> None:
    """A template that is too much is refused and harms nobody."""
    with pytest.raises(NotUnderstoodError, match=said):
        translate(template)
