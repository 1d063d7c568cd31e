"""From fetched values to the files and variables of one secret."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from injector import render
from injector.contract import paths, references
from injector.contract.plan import Secret, Source, Variable
from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.material import Material
from injector.render.interface import Rendered, Value
from tests.injector.cycle.pod import file, item, variable

if TYPE_CHECKING:
    from collections.abc import Mapping

DB = "aws-secretsmanager:prod/db"
STORED = b'{ "user": "app", "password": "c4nary", "port": 5432, "db": {"ratio": 1.10} }'


def rendered(secret: Secret, data: bytes = STORED, *, mapping: bool = False) -> Rendered:
    """Render with the same bytes for every source."""
    value = Value(Material(data), mapping)
    return render.render(secret, {source.reference.read: value for source in secret.sources})


def text(secret: Secret, data: bytes = STORED) -> bytes:
    """Give the one file's bytes."""
    (made,) = rendered(secret, data).files
    return made.material.reveal()


def tree(secret: Secret, data: bytes = STORED) -> dict[str, bytes]:
    """Give every file of a directory."""
    return {made.path: made.material.reveal() for made in rendered(secret, data).files}


def directory(path: str = "db", **fields: Any) -> Secret:  # noqa: ANN401 - of Secret
    """Make a secret that becomes a directory."""
    return replace(file(DB, path), kind="dir", **fields)


@given(st.binary(), st.sampled_from(["db", "db.json", "db.txt", "a/b.crt"]))
def test_what_nobody_touches_stays_byte_for_byte(data: bytes, path: str) -> None:
    """Text, binary, and JSON with its white space, where no other format is asked for."""
    assert text(file(DB, path), data) == data


@pytest.mark.parametrize("form", ["raw", "json"])
def test_a_stored_document_keeps_its_white_space(form: str) -> None:
    """It is JSON already."""
    assert text(file(DB, "db.yaml", format=form)) == STORED


@pytest.mark.parametrize(
    ("path", "form", "written"),
    [
        ("db.yaml", "", yaml.safe_dump(json.loads(STORED), sort_keys=False).encode()),
        ("db.properties", "", b"user=app\npassword=c4nary\nport=5432\ndb.ratio=1.10\n"),
        ("db.env", "", b"user='app'\npassword='c4nary'\nport='5432'\ndb='{\"ratio\":1.10}'\n"),
        ("db.json", "env", b"user='app'\npassword='c4nary'\nport='5432'\ndb='{\"ratio\":1.10}'\n"),
    ],
)
def test_a_mapping_takes_the_form_of_its_file(path: str, form: str, written: bytes) -> None:
    """By extension, or as asked for."""
    found = text(file(DB, path, format=form))

    assert found.replace(b"1.10", b"1.1") == written.replace(b"1.10", b"1.1")


@pytest.mark.parametrize(
    ("selector", "path", "written"),
    [
        ("password", "p", b"c4nary"),
        ("password", "p.json", b"c4nary"),
        ("port", "p", b"5432"),
        ("db.ratio", "p", b"1.10"),
        ("db", "p", b'{"ratio":1.10}\n'),
        ("db", "p.yaml", b"ratio: 1.10\n"),
        ("keys(@)", "p.env", b'["user","password","port","db"]\n'),
    ],
)
def test_a_selected_value_is_written(selector: str, path: str, written: bytes) -> None:
    """A scalar raw, whatever the extension; a mapping in a format."""
    assert text(file(f"{DB}#{selector}", path)) == written


def test_a_scalar_can_be_asked_for_in_a_format() -> None:
    """As text of that format."""
    assert text(file(f"{DB}#port", "p", format="json")) == b"5432\n"
    assert text(file(DB, "p", format="json"), b'it"s') == b'"it\\"s"\n'
    assert text(file(DB, "p", format="yaml"), b"yes") == b'"yes"\n'


@pytest.mark.parametrize("form", ["json", "yaml", "env", "properties"])
def test_a_format_that_cannot_is_named_with_the_secret(form: str) -> None:
    """Binary goes into none of them."""
    with pytest.raises(RenderError, match=f"^{DB}: ") as caught:
        text(file(DB, "p", format=form), b"\xffc4nary")

    assert "c4nary" not in str(caught.value)


def test_encoded_values_are_decoded() -> None:
    """Before a format, after a selector."""
    data = json.dumps({"p12": base64.b64encode(b"\xff\x00").decode()}).encode()
    whole = base64.b64encode(STORED)

    assert text(file(f"{DB}#p12", "p", decode="base64"), data) == b"\xff\x00"
    assert text(file(DB, "p.yaml", decode="base64"), whole).startswith(b"user: app\n")
    assert tree(directory(decode="base64"), data) == {"db/p12": b"\xff\x00"}


def test_a_directory_has_a_file_for_each_key() -> None:
    """Scalars as they are, mappings in the format of the key's extension."""
    data = b'{"user": "app", "port": 1, "none": null, "a.yaml": {"a": "b"}, "t/k": "K", "l": [1]}'
    found = {
        "user": b"app",
        "port": b"1",
        "none": b"",
        "a.yaml": b"a: b\n",
        "t/k": b"K",
        "l": b"[1]\n",
    }

    assert tree(directory(".", mode=0o400), data) == found
    assert tree(directory("d/e"), data) == {f"d/e/{path}": data for path, data in found.items()}
    assert {made.mode for made in rendered(directory(mode=0o400), data).files} == {0o400}
    assert tree(directory(format="yaml"), data)["db/l"] == b"- 1\n"


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "..",
        "../x",
        "/etc/passwd",
        "a/../b",
        "a//b",
        "a/",
        "a\0",
        "a\n",
        "x" * 256,
        "\ud800",
    ],
)
@pytest.mark.parametrize("path", [".", "db"])
def test_a_key_that_is_no_file_name_is_refused(key: str, path: str) -> None:
    """The key is named, cut and printable; its value is not."""
    data = json.dumps({"good": "x", key: "c4nary"}).encode()
    with pytest.raises(RenderError, match=r"the key `.*` is no file name: ") as caught:
        rendered(directory(path), data)

    assert caught.value.reason is Reason.UNSAFE_PATH
    assert str(caught.value).isprintable()
    assert "c4nary" not in str(caught.value)


@pytest.mark.parametrize("key", ["..data", "..x", "..2025_01_02_03_04_05.0"])
def test_a_name_of_the_publication_is_refused_at_the_top_alone(key: str) -> None:
    """Below a directory of ours it is a name like any other."""
    data = json.dumps({key: "x"}).encode()
    with pytest.raises(RenderError, match="reserved for publication"):
        rendered(directory("."), data)

    assert tree(directory("db"), data) == {f"db/{key}": b"x"}


@pytest.mark.parametrize("keys", [("a", "a/b"), ("a/b", "a"), ("a/b/c", "x", "a")])
def test_a_key_cannot_be_a_file_and_a_directory(keys: tuple[str, ...]) -> None:
    """It is this secret's error, and holds up no other secret of the volume."""
    with pytest.raises(RenderError, match="the key `a` is a file, and the directory") as caught:
        rendered(directory(), json.dumps(dict.fromkeys(keys, "c4nary")).encode())

    assert caught.value.reason is Reason.NAME_COLLISION


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=3), max_size=6))
def test_whatever_the_keys_are_the_paths_are_safe(data: dict[str, str]) -> None:
    """Or the secret is refused."""
    try:
        made = rendered(directory("."), json.dumps(data).encode()).files
    except RenderError:
        made = ()

    assert [one.path for one in made if paths.problem(one.path)] == []


@pytest.mark.parametrize("data", [b"plain", b"[1, 2]", b""])
def test_a_directory_needs_a_mapping(data: bytes) -> None:
    """The secret is named."""
    with pytest.raises(RenderError, match=f"^{DB}: a directory needs a mapping") as caught:
        rendered(directory(), data)

    assert caught.value.reason is Reason.NOT_A_MAPPING


def test_variables_are_taken_from_the_whole_or_from_keys() -> None:
    """As bytes, not yet in the form of an EnvFile."""
    keys = replace(
        variable(DB, "A"), variables=(Variable("PGUSER", "user"), Variable("PGPORT", "port"))
    )

    assert rendered(variable(DB, "A")).variables == (("A", Material(STORED)),)
    assert rendered(variable(f"{DB}#db.ratio", "R")).variables == (("R", Material(b"1.10")),)
    assert rendered(keys).variables == (
        ("PGUSER", Material(b"app")),
        ("PGPORT", Material(b"5432")),
    )


def test_a_variable_whose_key_is_not_there_names_the_keys() -> None:
    """As a selector does."""
    with pytest.raises(RenderError, match="`#absent` finds nothing; its keys are: `db`, `pass"):
        rendered(variable(DB, "A", "absent"))


def test_a_template_takes_several_sources() -> None:
    """Each by its name; the result goes into the file as it is, whatever its extension."""
    secret = item("conf.yaml", "{{ db.user }}:{{ ca.port }}", db=DB, ca="aws-ssm:/ca")

    assert text(secret) == b"app:5432"
    assert rendered(replace(secret, kind="env", variables=(Variable("X"),), path="")).variables == (
        ("X", Material(b"app:5432")),
    )


def test_a_template_has_the_plans_delimiters() -> None:
    """And a clock that bounds it."""
    secret = item("c", "{% for i in range(9) %}[[ db ]]{% endfor %}{{ db }}", db=DB)
    values: Mapping[references.Reference, Value] = {references.parse(DB): Value(Material(b"x"))}
    ticks = iter(range(0, 100, 3))

    made = render.render(secret, values, delimiters=("[[", "]]"), clock=lambda: 0.0).files[0]
    assert made.material.reveal() == b"xxxxxxxxx{{ db }}"
    with pytest.raises(RenderError, match="takes longer than 2 s"):
        render.render(secret, values, clock=lambda: float(next(ticks)))


def test_several_sources_need_a_template() -> None:
    """A plan without one is not ours."""
    with pytest.raises(RenderError, match="several sources need a template") as caught:
        rendered(item("c", "", db=DB, ca="aws-ssm:/ca"))

    assert caught.value.reason is Reason.INVALID_PLAN


@pytest.mark.parametrize("data", [b"plain", b"[1]", b'{"a":' * 70 + b"1" + b"}" * 70])
def test_a_mapping_of_a_provider_is_an_object(data: bytes) -> None:
    """Anything else is a defect of the provider, and is said without a byte of it."""
    with pytest.raises(RenderError, match="a mapping that is no JSON object") as caught:
        rendered(file(DB, "p"), data, mapping=True)

    assert caught.value.reason is Reason.INTERNAL


def test_what_a_message_calls_a_secret_is_short_and_printable() -> None:
    """A reference may have 2048 characters, and its selector any of them."""
    secret = replace(
        file(DB, "p"),
        sources=(Source("value", references.parse(f"{DB}#{'x' * 1000}\n\x1b[31m")),),
    )
    with pytest.raises(RenderError, match="finds nothing") as caught:
        rendered(secret)

    assert len(str(caught.value)) < 250
    assert str(caught.value).isprintable()


OWN = b"# kept\nuser:   app\n"


@pytest.mark.parametrize(
    ("path", "form", "written"),
    [
        ("db.yaml", "", OWN),
        ("db.yml", "", OWN),
        ("db", "", OWN),
        ("db.conf", "", OWN),
        ("db.json", "raw", OWN),
        ("db.json", "yaml", OWN),
        ("db.json", "", b'{"user":"app"}\n'),
        ("db.env", "", b"user='app'\n"),
        ("db.yaml", "json", b'{"user":"app"}\n'),
    ],
)
def test_a_document_goes_as_it_is_to_a_file_of_its_own_format_or_of_none(
    path: str, form: str, written: bytes
) -> None:
    """Any other format is made of its data."""
    secret = file(DB, path, format=form)
    value = Value(Material(b'{"user": "app"}'), mapping=True, text=Material(OWN), form="yaml")
    (made,) = render.render(secret, {secret.sources[0].reference.read: value}).files

    assert made.material.reveal() == written


def test_keys_and_templates_take_a_documents_data() -> None:
    """A whole variable takes its text."""
    value = Value(Material(b'{"user": "app"}'), mapping=True, text=Material(OWN), form="yaml")
    key, whole = variable(DB, "USER", key="user"), variable(DB, "ALL")
    found = []
    for secret in (key, whole):
        made = render.render(secret, {secret.sources[0].reference.read: value})
        found += [data.reveal() for _, data in made.variables]

    assert found == [b"app", OWN]


@pytest.mark.parametrize(("path", "form"), [("m.json", ""), ("m", "json"), ("m.env", "")])
def test_a_document_without_keys_is_not_written_as_another_format(path: str, form: str) -> None:
    """Several documents of YAML in one file are no JSON; as they are they can be had."""
    value = Value(Material(b"a: 1\n---\nb: 2\n"), form="yaml")

    def made(secret: Secret) -> bytes:
        (written,) = render.render(secret, {secret.sources[0].reference.read: value}).files
        return written.material.reveal()

    for kept in (file(DB, "m.yaml"), file(DB, "m"), file(DB, "m.json", format="raw")):
        assert made(kept) == value.material.reveal()
    with pytest.raises(RenderError, match="to be written as"):
        made(file(DB, path, format=form))
    with pytest.raises(RenderError, match="has no keys, or not once each; take it as a whole"):
        made(file(f"{DB}#a", path))
