"""The state between workers: whole or not at all, ours or ignored with a reason."""

from __future__ import annotations

import copy
import json
import math
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from injector import state
from injector.contract import references
from injector.contract.reasons import Reason
from injector.errors import PublicationError
from injector.material import Material, RenderedFile
from injector.render.interface import Rendered, Value
from injector.state import VERSION, HeldLease, ReadState, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POD, PLAN, SECRETS = "c0ffee", "a1b2", 3
FULL = State(
    reads={
        references.parse("aws-secretsmanager:prod/db?stage=AWSPREVIOUS"): ReadState(
            version="v1",
            served_by="eu-west-1",
            value=Value(Material(b"\x00\xff secret"), mapping=False),
            succeeded_at=1.5e9,
            changed_at=1.4e9,
            due_at=1.6e9,
            failures=2,
            reason=Reason.THROTTLED,
        ),
        references.parse("vault:database/creds/ro"): ReadState(
            value=Value(Material(b"{}"), mapping=True),
            due_at=math.inf,
            lease=HeldLease(
                "database/creds/ro/x",
                3600.0,
                renewable=True,
                issued_at=1e9,
                original=7200.5,
                accessor="Tk3",
                due_at=1e9 + 2400,
            ),
        ),
        references.parse("aws-ssm:/absent"): ReadState(),
        references.parse("sops:configmap/app/a.yaml"): ReadState(
            value=Value(Material(b"{}"), mapping=True, text=Material(b"# none\n"), form="yaml")
        ),
    },
    denied={"aws-secretsmanager": frozenset({"BatchGetSecretValue", "DescribeSecret"})},
    superseded={"vault": ("database/creds/ro/w",)},
    rendered={
        0: Rendered(
            (RenderedFile("db/a", Material(b"x"), 0o440), RenderedFile("b", Material(b"")))
        ),
        2: Rendered(variables=(("NAME", Material(b"\xfe")),)),
    },
    pending=frozenset({0, 2}),
    published_at=1_764_000_000.123456,
)


def test_everything_comes_back(tmp_path: Path) -> None:
    """Equal in every field, moments of never and bytes that are no text included."""
    state.save(tmp_path / "state", FULL, POD, PLAN)

    assert _load(tmp_path) == (FULL, None)


def test_nothing_comes_back_as_nothing(tmp_path: Path) -> None:
    """Before the first cycle there is no file, and no reason to complain."""
    assert _load(tmp_path) == (State(), None)

    state.save(tmp_path / "state", State(), POD, PLAN)

    assert _load(tmp_path) == (State(), None)


_moments = st.floats(0, 4e9)
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_materials = st.binary(max_size=8).map(Material)
_reads = st.builds(
    ReadState,
    version=_texts,
    served_by=_texts,
    value=st.none() | st.builds(Value, _materials, st.booleans()),
    succeeded_at=_moments,
    changed_at=_moments,
    due_at=_moments | st.just(math.inf),
    failures=st.integers(0, 10**6),
    reason=st.none() | st.sampled_from(Reason),
    lease=st.none()
    | st.builds(
        HeldLease,
        id=_texts,
        duration=_moments,
        renewable=st.booleans(),
        issued_at=_moments,
        original=_moments,
    ),
)
_files = st.builds(RenderedFile, _texts, _materials, st.integers(0, 0o777))
_rendered = st.builds(
    Rendered,
    st.lists(_files, max_size=2).map(tuple),
    st.lists(st.tuples(_texts, _materials), max_size=2).map(tuple),
)
_indexes = st.integers(0, SECRETS - 1)
_paths = st.text("abz09/ %?#é", min_size=1, max_size=10).map(
    lambda path: f"a{path.replace('/', '')}b"
)
_references = st.builds(references.Reference, st.sampled_from(["aws-ssm", "x"]), _paths)
_states = st.builds(
    State,
    reads=st.dictionaries(_references, _reads, max_size=3),
    denied=st.dictionaries(_texts, st.frozensets(_texts, max_size=2), max_size=2),
    superseded=st.dictionaries(_texts, st.lists(_texts, max_size=2).map(tuple), max_size=2),
    rendered=st.dictionaries(_indexes, _rendered),
    pending=st.frozensets(_indexes),
    published_at=_moments,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_states)
def test_any_state_comes_back(tmp_path: Path, known: State) -> None:
    """Whatever a cycle can leave."""
    state.save(tmp_path / "state", known, POD, PLAN)

    assert _load(tmp_path) == (known, None)


@pytest.mark.parametrize(
    ("pod", "plan"), [("other", PLAN), (POD, "other"), ("", PLAN), (POD, ""), (POD.upper(), PLAN)]
)
def test_what_belongs_to_another_is_foreign(tmp_path: Path, pod: str, plan: str) -> None:
    """Another pod's, or this pod's under another plan; nothing of it is used."""
    state.save(tmp_path / "state", FULL, pod, plan)

    assert _load(tmp_path) == (State(), Reason.SNAPSHOT_FOREIGN)


@pytest.mark.parametrize("version", [0, VERSION + 1, 10**6])
def test_another_version_is_foreign(tmp_path: Path, version: int) -> None:
    """A later Syrette may write what this one would misread."""
    _write(tmp_path, _document() | {"version": version})

    assert _load(tmp_path) == (State(), Reason.SNAPSHOT_FOREIGN)


_WRONG: list[object] = [
    None,
    True,
    -1,
    1.5,
    10**400,
    math.nan,
    math.inf,
    "",
    "x",
    "\ud800",
    [],
    {},
    [[]],
    ["x"],
    [None, None],
    {"x": None},
    {"x": []},
]


def _places(node: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path of every value in a document."""
    if path:
        yield path
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, child in items:
        yield from _places(child, (*path, key))


def _document() -> dict[str, Any]:
    document: dict[str, Any] = {
        "version": VERSION,
        "pod_uid": POD,
        "plan_hash": PLAN,
        "state": state._dump_state(FULL),
    }
    return copy.deepcopy(document)


PLACES = list(_places(_document()))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: "/".join(map(str, place)))
def test_damage_in_any_field_is_seen(tmp_path: Path, place: tuple[Any, ...]) -> None:
    """Each value replaced by what it cannot be: ignored with a reason, or as good as before."""
    for wrong in _WRONG:
        document = _document()
        branch = document
        for key in place[:-1]:
            branch = branch[key]
        before, branch[place[-1]] = branch[place[-1]], wrong
        _write(tmp_path, document)
        found, reason = _load(tmp_path)

        assert (reason is None) or (found == State()), (place, wrong)
        if type(wrong) is not type(before) and not _interchangeable(before, wrong):
            assert reason is not None, (place, wrong)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: "/".join(map(str, place)))
def test_a_missing_field_is_seen(tmp_path: Path, place: tuple[Any, ...]) -> None:
    """Each value taken away: ignored with a reason, unless it was one of several."""
    document = _document()
    branch = document
    for key in place[:-1]:
        branch = branch[key]
    several = place[-2:-1] in {("reads",), ("denied",), ("rendered",), ("pending",), ("files",)}
    several |= place[-2:-1] == ("variables",) or place[-3:-1] == ("denied", "aws-secretsmanager")
    several |= place[-2:-1] == ("superseded",) or place[-3:-1] == ("superseded", "vault")
    del branch[place[-1]]
    _write(tmp_path, document)
    found, reason = _load(tmp_path)

    assert (reason is None) == several
    assert reason is None or found == State()


def _interchangeable(before: object, wrong: object) -> bool:
    """Whether a field may hold either: a moment in any number, or something that may be absent."""
    numbers = isinstance(before, int | float) and not isinstance(before, bool)
    finite = isinstance(wrong, int | float) and not isinstance(wrong, bool)
    if numbers and finite:
        return True
    return wrong is None or before is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 100,
        b"\xff\xfe{}",
        b"[" * 200_000,
        b'{"state":' * 50_000,
        b"9" * 5000,
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"version": 2, "pod_uid": "c0ffee", "plan_hash": "a1b2", "state": null}',
        b'{"version": 2, "pod_uid": "c0ffee", "plan_hash": "a1b2", "state": {}}',
        b'{"version": 2, "pod_uid": "c0ffee", "plan_hash": "a1b2"}',
    ],
    ids=lambda data: repr(data[:12]),
)
def test_hostile_bytes_are_damage(tmp_path: Path, data: bytes) -> None:
    """No text, no JSON, too deep, too long a number, or another document."""
    _put(tmp_path, data)

    assert _load(tmp_path) == (State(), Reason.SNAPSHOT_DAMAGED)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_any_flipped_byte_is_survived(tmp_path: Path, place: int, byte: int) -> None:
    """Loaded whole or ignored whole; nothing is raised."""
    data = bytearray(json.dumps(_document()).encode())
    data[place % len(data)] = byte
    _put(tmp_path, bytes(data))
    found, reason = _load(tmp_path)

    assert reason is None or found == State()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10_000))
def test_a_cut_document_is_damage(tmp_path: Path, length: int) -> None:
    """Wherever it ends before its end."""
    data = json.dumps(_document()).encode()
    _put(tmp_path, data[: length % len(data)])

    assert _load(tmp_path) == (State(), Reason.SNAPSHOT_DAMAGED)


@pytest.mark.parametrize(
    "change", [{"pending": [SECRETS]}, {"rendered": {str(SECRETS): {"files": [], "variables": []}}}]
)
def test_an_index_beyond_the_plan_is_damage(tmp_path: Path, change: dict[str, Any]) -> None:
    """A cycle looks secrets up by it."""
    document = _document()
    document["state"] |= change
    _write(tmp_path, document)

    assert _load(tmp_path) == (State(), Reason.SNAPSHOT_DAMAGED)


@pytest.mark.parametrize("field", ["version", "served_by"])
def test_text_that_nobody_can_write_is_damage(tmp_path: Path, field: str) -> None:
    """A lone surrogate would end the writing of the status, and so each cycle."""
    document = _document()
    document["state"]["reads"]["aws-ssm:/absent"][field] = "\ud800"
    _write(tmp_path, document)

    assert _load(tmp_path) == (State(), Reason.SNAPSHOT_DAMAGED)


def test_the_file_is_ours_alone(tmp_path: Path) -> None:
    """0600, and nothing beside it."""
    state.save(tmp_path / "state", FULL, POD, PLAN)

    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_what_others_could_write_or_read_is_foreign(tmp_path: Path, mode: int) -> None:
    """It is not looked into."""
    state.save(tmp_path / "state", FULL, POD, PLAN)
    (tmp_path / "state").chmod(mode)

    assert _load(tmp_path) == (State(), Reason.SNAPSHOT_FOREIGN)


@pytest.mark.parametrize("target", ["real", "nowhere"])
def test_a_link_is_not_followed(tmp_path: Path, target: str) -> None:
    """Neither to a good state nor to nothing; the next save replaces the link."""
    state.save(tmp_path / "real", FULL, POD, PLAN)
    (tmp_path / "state").symlink_to(target)
    before = _load(tmp_path)
    state.save(tmp_path / "state", State(published_at=5.0), POD, PLAN)

    assert before == (State(), Reason.SNAPSHOT_FOREIGN)
    assert _load(tmp_path) == (State(published_at=5.0), None)
    assert state.load(tmp_path / "real", POD, PLAN, secrets=SECRETS) == (FULL, None)


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    """A sparse file of a terabyte is not a state."""
    _put(tmp_path, b"{")
    os.truncate(tmp_path / "state", 1 << 40)

    assert _load(tmp_path) == (State(), Reason.SNAPSHOT_FOREIGN)


def test_the_largest_plan_fits() -> None:
    """Two hundred secrets of 64 KiB, read and rendered, in base64."""
    assert state.MAX_BYTES > 200 * 2 * 64 * 1024 * 4 / 3


def test_a_directory_in_its_place_is_foreign(tmp_path: Path) -> None:
    """And cannot be replaced, which is an error of writing."""
    (tmp_path / "state").mkdir()

    assert _load(tmp_path) == (State(), Reason.SNAPSHOT_FOREIGN)
    with pytest.raises(PublicationError, match="Is a directory"):
        state.save(tmp_path / "state", FULL, POD, PLAN)


def _load(folder: Path) -> tuple[State, Reason | None]:
    return state.load(folder / "state", POD, PLAN, secrets=SECRETS)


def _put(folder: Path, data: bytes) -> None:
    (folder / "state").write_bytes(data)
    (folder / "state").chmod(0o600)


def _write(folder: Path, document: dict[str, Any]) -> None:
    _put(folder, json.dumps(document).encode())
