"""Templates: what people write works, and nothing that anybody writes escapes or explodes."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from itertools import count
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.render import documents, templates
from tests.injector.render.readers import SHELLS

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = documents.parse(
    b'{"user": "app", "password": "c4n/ry \'$(id)", "port": 5432, "ratio": 1.10, "tls": true,'
    b' "none": null, "hosts": ["a", "b"], "db": {"api-key": "k", "items": "mine", "pop": "up"}}'
)
EXAMPLE = """[db]
password={{ db.password }}
ca={{ ca }}
"""


def render(template: str, **values: object) -> str:
    """Render with the usual secret, on a clock that stands still."""
    return templates.render(template, values or {"value": SECRET}, clock=lambda: 0.0)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ user }}:{{ value.user }}:{{ value['user'] }}", "app:app:app"),
        ("{{ port }} {{ ratio }} {{ tls }} [{{ none }}]", "5432 1.10 true []"),
        ("{{ port + 1 }} {{ port // 1000 }} {{ port % 10 }} {{ 2 ** 10 }}", "5433 5 2 1024"),
        ("{{ db['api-key'] }} {{ db.items }} {{ db.pop }}", "k mine up"),
        ("{{ hosts }} {{ hosts | join(',') }} {{ hosts[0] }}", '["a","b"] a,b a'),
        ("{% for host in hosts %}{{ loop.index }}{{ host }}{% endfor %}", "1a2b"),
        ("{% for key, item in db.api.items() %}{% endfor %}", None),
        ("{% for key in db %}{{ key }} {% endfor %}", "api-key items pop "),
        ("{% if tls %}on{% else %}off{% endif %}", "on"),
        ("{% set url = 'x://' ~ user ~ '@' ~ hosts[1] %}{{ url }}", "x://app@b"),
        ("{% macro m(k, v=0) %}{{ k }}{{ v }}{% endmacro %}{{ m('a') }}{{ m('b', 1) }}", "a0b1"),
        ("{% raw %}{{ kept }}{% endraw %}{# gone #}", "{{ kept }}"),
        ("a\n", "a\n"),
        ("a\r\nb", "a\nb"),
        ("{{ user | upper }} {{ user.upper() }} {{ 'a,b'.split(',') }}", 'APP APP ["a","b"]'),
        ("{{ missing | default('d') }}{{ missing is defined }}", "dfalse"),
        ("{{ [1, 2] | sum }}{{ [[1]] | sum(start=[2]) }}{{ [{'n': 2}] | sum('n') }}", "3[2,1]2"),
        ("{{ [3, 1, 2] | sort | first }}{{ range(3) | list }}{{ range(3) }}", "1[0,1,2][0,1,2]"),
        ("{{ value.db.keys() }} {{ {'a': (1, 'b')} }}", '["api-key","items","pop"] {"a":[1,"b"]}'),
        ("{{ 'aaa' | replace('a', 'b') }}{{ 'aaa' | replace('a', 'b', 2) }}", "bbbbba"),
        ("{{ 'aa' | replace('a', 'b', -1) }}{{ 'ab' | replace('', '-') }}", "bb-a-b-"),
        ("{{ 'a\nb' | indent(2) }}{{ 'a\nb' | indent('>', true) }}", "a\n  b>a\n>b"),
        ("{{ 2.567 | round(2) }} {{ '5' | int + 1 }} {{ hosts | length }}", "2.57 6 2"),
        ("{{ db | tojson }} {{ '<' | tojson }}", '{"api-key":"k","items":"mine","pop":"up"} "<"'),
        ("{{ hosts | map('upper') | join }}{{ [1, 2, 3] | select('odd') | list }}", "AB[1,3]"),
        ("{% autoescape true %}<a>{{ '<' }}{% endautoescape %}<", "<a>&lt;<"),
        ("{% for a, b in [(1, 2)] %}{{ a + b }}{% endfor %}{{ 'abc'[1:] }}", "3bc"),
    ],
)  # fmt: skip
def test_what_people_write(template: str, text: str | None) -> None:
    """Keys before methods, literals as they were written, JSON for what is no scalar."""
    if text is None:
        with pytest.raises(RenderError, match="`api` is not there"):
            render(template)
        return
    assert render(template) == text


def test_several_sources_have_names() -> None:
    """A mapping among them is read by its keys, which are no names of their own."""
    values = {"db": {"password": "p"}, "ca": b"PEM"}

    assert render(EXAMPLE, **values) == "[db]\npassword=p\nca=PEM\n"
    with pytest.raises(RenderError, match="`password` is not there"):
        render("{{ password }}", **values)


def test_the_name_value_is_always_the_whole() -> None:
    """Also when the secret has a key of that name."""
    assert render("{{ value.value }}", value={"value": "inner"}) == "inner"
    assert render("{{ value }}", value=b"plain") == "plain"


def test_delimiters_can_be_others() -> None:
    """For manifests that pass through a templating of their own."""
    text = templates.render("{{ kept }} [[ user ]]", {"value": SECRET}, delimiters=("[[", "]]"))

    assert text == "{{ kept }} app"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_encodings_are_undone_by_others(text: str) -> None:
    """By the standard library's readers."""
    assert unquote(render("{{ value | urlquote }}", value=text)) == text
    assert base64.b64decode(render("{{ value | b64encode }}", value=text)).decode() == text
    assert render("{{ value | b64encode | b64decode }}", value=text) == text
    assert json.loads(render("{{ [value] }}", value=text)) == [text]
    assert render("{{ value }}", value=text) == text


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_quoted_word_is_one_word_of_a_shell(tmp_path: Path, text: str) -> None:
    """Whatever it holds."""
    script = tmp_path / "script"
    script.write_text(render("printf %s {{ value | shquote }}", value=text), newline="")
    for shell in SHELLS:
        assert (
            subprocess.run([*shell, script], check=True, capture_output=True).stdout
            == text.encode()
        )


def test_urls_are_quoted_whole() -> None:
    """A password with `/`, `@` and `:` goes into an address; unreserved characters stay."""
    assert render("{{ 'a/b@c:d e~é' | urlquote }}") == "a%2Fb%40c%3Ad%20e~%C3%A9"


def test_binary_goes_through_b64encode_alone() -> None:
    """As text it is an error."""
    assert render("{{ value | b64encode }}", value=b"\xff") == "/w=="
    assert render("{{ '/w==' | b64decode | b64encode }}") == "/w=="
    for template in ("{{ value }}", "{{ value ~ '' }}", "{{ [value] }}", "{{ value | tojson }}"):
        with pytest.raises(RenderError, match="the value is binary"):
            render(template, value=b"\xffc4nary")


ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ value.__class__.__mro__ }}",
    "{{ value['__init__'] }}",
    "{{ (1).__class__ }}{{ 1.5.__class__ }}",
    "{{ ratio.literal }}",
    "{{ ratio.__class__ }}",
    "{{ tls.real }}",
    "{{ [].append }}",
    "{{ hosts.append('x') }}",
    "{{ hosts.sort() }}",
    "{{ value.update({}) }}",
    "{{ value.clear() }}",
    "{{ value.setdefault('a', 1) }}",
    "{{ value.pop('user') }}",
    "{{ value | attr('__class__') }}",
    "{{ [value] | map(attribute='__class__') | list }}",
    "{{ [value] | map('attr', '__class__') | list }}",
    "{{ [value] | groupby('__class__') }}",
    "{{ [value] | sum('__class__') }}",
    "{{ [value] | join(',', '__class__') }}",
    "{{ [value] | sort(attribute='__class__.x') }}",
    "{{ [value] | selectattr('__class__.x') | list }}",
    "{{ '{0.__class__}'.format(value) }}",
    "{{ '{x.__class__}'.format_map({'x': value}) }}",
    "{{ '%s' | format(value) }}",
    "{{ 'x'.encode('idna') }}",
    "{{ 'x'.translate({}) }}",
    "{{ range.__globals__ }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ joiner.__init__ }}",
    "{{ namespace.__init__ }}",
    "{{ dict.__base__ }}",
    "{{ dict.mro() }}",
    "{{ self.__dict__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ loop.__class__ }}",
    "{% for x in [1] %}{{ loop._iterator }}{% endfor %}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func }}",
    "{% macro m() %}{{ caller.__class__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% set x = namespace() %}{% set x.__class__ = 1 %}{{ x.__class__ }}",
    "{{ value.items().mapping.__class__ }}",
    "{{ (range(3) | map('string')).gi_frame }}",
    "{{ missing.__class__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ get_flashed_messages() }}",
    "{{ environment }}",
    "{{ context }}",
    "{{ resolve('x') }}",
    "{% include '/etc/passwd' %}",
    "{% import '/etc/passwd' as x %}",
    "{% from '/etc/passwd' import x %}",
    "{% extends '/etc/passwd' %}",
    "{% extends value %}",
    "{{ [1] | each item }}",
    "{% debug %}",
    "{% do 1 %}",
]


@pytest.mark.parametrize("template", ESCAPES)
def test_there_is_no_way_out(template: str) -> None:
    """Into Python, into the secret to change it, or to another file."""
    before = json.dumps(SECRET)
    with pytest.raises(RenderError, match=r"^template") as caught:
        render(template)

    assert caught.value.reason is Reason.TEMPLATE_FAILED
    assert "c4n" not in str(caught.value)
    assert json.dumps(SECRET) == before


@pytest.mark.parametrize(
    "template",
    [
        "{{ range }}",
        "{{ hosts | map('upper') }}",
        "{{ [range] }}",
        "{{ dict | tojson }}",
        "{{ namespace() }}",
        "{{ cycler('a') ~ '' }}",
        "{% macro m() %}{% endmacro %}{{ m }}",
    ],
)
def test_what_is_no_data_is_not_written(template: str) -> None:
    """Python's text for it holds an address, so that each cycle would publish another file."""
    with pytest.raises(RenderError, match="a function or a generator is no value") as caught:
        render(template)

    assert caught.value.reason is Reason.TEMPLATE_FAILED


REFUSED = (
    r"is larger than \d+ bytes|a number beyond 64 bits|is for numbers only|keeps away"
    r"|does not parse|too deep|(Overflow|Syntax|Indentation)Error|goes to 30 digits|is not there"
)
DOUBLED = "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(40) %}"
LONG = "{% set s %}{% for i in range(9000) %}xxxxxxxxxx{% endfor %}{% endset %}"
LIST = "{% set l = range(90000) | list %}"
EXPLOSIONS = [
    Template(line).safe_substitute(DOUBLED=DOUBLED, LONG=LONG, LIST=LIST)
    for line in (Path(__file__).parent / "explosions.txt").read_text().splitlines()
] + [
    LONG + "{{ s | indent(s) }}" * 2 + "{{ s | indent(s, true) | indent(s, true) }}" * 60,
    LONG + "".join(f"{{% set s{n} = s[::-1] %}}" for n in range(200)),
    LIST + "".join(f"{{% set l{n} = l[::-1] %}}" for n in range(200)),
    "{{ " + "(" * 20000 + "1" + ")" * 20000 + " }}",
    "{{ " + "[" * 20000 + "]" * 20000 + " }}",
    "{{ " + "not " * 20000 + "1 }}",
    "{{ " + "1+" * 20000 + "1 }}",
    "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "{% for i in [1] %}" * 100 + "{% endfor %}" * 100,
]


@pytest.mark.parametrize("template", EXPLOSIONS, ids=lambda text: text[-70:])
def test_nothing_explodes(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a few megabytes and a moment, on a clock that never says stop."""
    monkeypatch.setattr(templates, "MAX_MADE", 2**20)
    with pytest.raises(RenderError, match=REFUSED) as caught:
        render(template)

    assert caught.value.reason in {Reason.TEMPLATE_FAILED, Reason.OUTPUT_TOO_LARGE}
    assert len(str(caught.value)) < 200


LASTING = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) if b > a %}{% endfor %}{% endfor %}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    LIST + "{{ range(99999) | select('in', l) | list | length }}",
    LIST + "{{ range(99999) | reject('in', l) | list | length }}",
    LIST + "{% for i in range(99999) %}{% set x = -i in l %}{% endfor %}",
    LIST + "".join(f"{{% set a = {-n} in l %}}" for n in range(1, 300)),
    LIST + "{% set m = l[:] %}{% if l " + "== m " * 3000 + "%}{% endif %}",
    LIST + "{% for i in range(99999) %}{{ l.count(-1) }}{% endfor %}",
    LIST
    + "{% set e = range(9000) | map(attribute='x', default=[]) | list %}{{ e | sum(start=l) }}",
    "{% for i in range(99999) %}{{ range(99999) | map('string') | first }}{% endfor %}",
    "{% for i in range(99999) %}{% set x = 'abc' | upper %}{% endfor %}" * 30,
]


@pytest.mark.parametrize("template", LASTING, ids=lambda text: text[-70:])
def test_nothing_lasts(template: str) -> None:
    """Whatever takes time looks at the clock: here it strikes for each look."""
    clock = count(step=0.01)
    with pytest.raises(RenderError, match="the template takes longer than 2 s") as caught:
        templates.render(template, {"value": SECRET}, clock=lambda: float(next(clock)))

    assert caught.value.reason is Reason.TEMPLATE_FAILED
    assert next(clock) < 2.1


def test_nothing_is_computed_while_it_compiles() -> None:
    """Constant expressions are evaluated where they stand, if ever."""
    never = (
        "{% if false %}{{ 'x' | replace('x', 5) | int }}{{ 1 // 0 }}{{ [1] | sum }}{% endif %}ok"
    )

    assert render(never) == "ok"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("\n\n{{ value.nope }}", "template line 3: `nope` is not there"),
        ("{{ nope.x }}", "template line 1: `nope` is not there"),
        ("{{ value[password] }}", "template line 1: a computed name is not there"),
        ("\n{{ password + 1 }}", "template line 2: an expression failed (TypeError)"),
        ("{{ 1 // 0 }}", "template line 1: an expression failed (ZeroDivisionError)"),
        ("{{ password | b64decode }}", "`b64decode` was given something that is not base64"),
        ("{{ password * 2 }}", "`*` is for numbers only"),
        ("{{ password % 2 }}", "`%` is for numbers only"),
        ("\n{% if %}", "template line 2: the template does not parse"),
        ("{{ x | nope }}", "template line 1: the template does not parse"),
        (
            "{{ value.__class__ }}",
            "template line 1: the template asks for what the sandbox keeps away",
        ),
        ("{{ password() }}", "template line 1: an expression failed (TypeError)"),
        (
            "{% for a, b in [password] %}{% endfor %}",
            "template line 1: an expression failed (ValueError)",
        ),
    ],
)
def test_an_error_has_its_line_and_no_value(template: str, message: str) -> None:
    """Names that stand in the template may be told, and nothing that was computed."""
    with pytest.raises(RenderError, match=f"^{re.escape(message)}$") as caught:
        render(template)

    assert "c4n" not in str(caught.value)


@pytest.mark.parametrize(
    "values", [{"value": SECRET}, {"value": b"\xff"}, {"db": SECRET, "ca": "x"}]
)
@given(st.text("{}%-#|[]()'\" \n.,~+*/=_abdefilnorstu0123456789", max_size=60))
def test_any_text_is_survived(values: Mapping[str, object], template: str) -> None:
    """It renders, or fails as a template."""
    try:
        text = templates.render(template, values)
    except RenderError as exc:
        text = ""
        reason = exc.reason
    else:
        reason = Reason.TEMPLATE_FAILED

    assert isinstance(text, str)
    assert reason in {Reason.TEMPLATE_FAILED, Reason.OUTPUT_TOO_LARGE, Reason.DECODE_FAILED}


def test_each_rendering_has_its_own_bounds() -> None:
    """What one template used up is not missed by the next."""
    large = f"{{% for i in range(900) %}}{'x' * 1000}{{% endfor %}}"

    assert [len(render(large)) for _ in range(8)] == [900_000] * 8
