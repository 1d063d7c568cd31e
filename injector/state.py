"""
What short-lived workers leave to the next one: versions, due times, leases, last good material.

The state lies on the private volume (0600, replaced by rename) and belongs to one pod and one
plan. A damaged or foreign state is ignored with a reason, never trusted in part.
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from injector import files
from injector.contract import references
from injector.contract.reasons import Reason
from injector.material import Material, RenderedFile
from injector.render.interface import Rendered, Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from injector.contract.references import Reference

VERSION: Final = 2
MAX_BYTES: Final = 64 * 1024 * 1024
"""Far above 200 secrets of 64 KiB, read and rendered; a bound against a file that is not ours."""


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A time-bound right that a read carries."""

    id: str
    duration: float
    """Seconds, as last granted."""
    renewable: bool
    issued_at: float
    """Seconds since the epoch, of the last grant or renewal."""
    original: float
    """Seconds of the first grant: a renewal that grants much less is the end of the lease."""
    accessor: str = ""
    """Of the token that it belongs to."""
    due_at: float = 0.0
    """When it is renewed or replaced; its session may want to be looked at before."""


@dataclass(frozen=True, slots=True)
class ReadState:
    """What is known of one read. Times are seconds since the epoch; 0 is never."""

    version: str = ""
    served_by: str = ""
    value: Value | None = None
    """Last good bytes."""
    succeeded_at: float = 0.0
    """Last read that was not an error, `unchanged` included."""
    changed_at: float = 0.0
    due_at: float = 0.0
    failures: int = 0
    """Errors since the last success."""
    reason: Reason | None = None
    """Of the last failure; None after a success."""
    lease: HeldLease | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Everything that outlives a worker."""

    reads: Mapping[Reference, ReadState] = field(default_factory=dict)
    """By reference without selector."""
    denied: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """API actions that were found to be denied, by store."""
    superseded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ids of leases that are given back when nobody uses them any more, by store."""
    rendered: Mapping[int, Rendered] = field(default_factory=dict)
    """Last good content of each secret, by its index in the plan."""
    pending: frozenset[int] = frozenset()
    """Secrets whose `on-change` is still to be carried out, by index in the plan."""
    published_at: float = 0.0
    """Last publication that changed something."""
    restart_since: float = 0.0
    """When the pending restart was first wanted; 0 where none is."""


def load(path: Path, pod_uid: str, plan_hash: str, *, secrets: int) -> tuple[State, Reason | None]:
    """
    Read the state of this pod and plan.

    Args:
        path: of the file.
        pod_uid: whose it must be.
        plan_hash: whose it must be.
        secrets: how many the plan has; an index beyond is damage.

    Returns:
        The state, empty when there is none to use, and why one that is there was ignored.
    """
    data = files.read_private(path, MAX_BYTES)
    if data is None:
        there = path.exists() or path.is_symlink()
        return State(), Reason.SNAPSHOT_FOREIGN if there else None
    try:
        document = json.loads(data)
        belongs = _count(document["version"]), document["pod_uid"], document["plan_hash"]
        if belongs != (VERSION, pod_uid, plan_hash):
            return State(), Reason.SNAPSHOT_FOREIGN
        state = _load_state(document["state"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return State(), Reason.SNAPSHOT_DAMAGED
    if any(index >= secrets for index in (*state.rendered, *state.pending)):
        return State(), Reason.SNAPSHOT_DAMAGED
    return state, None


def save(path: Path, state: State, pod_uid: str, plan_hash: str) -> None:
    """
    Write the state (0600, by rename).

    Raises:
        PublicationError: when the volume cannot be written.
    """
    document = {
        "version": VERSION,
        "pod_uid": pod_uid,
        "plan_hash": plan_hash,
        "state": _dump_state(state),
    }
    files.write_private(path, json.dumps(document, separators=(",", ":")).encode())


def _dump_state(state: State) -> dict[str, Any]:
    return {
        "reads": {str(reference): _dump_read(read) for reference, read in state.reads.items()},
        "denied": {store: sorted(actions) for store, actions in state.denied.items()},
        "superseded": {store: list(ids) for store, ids in state.superseded.items()},
        "rendered": {str(index): _dump_rendered(item) for index, item in state.rendered.items()},
        "pending": sorted(state.pending),
        "published_at": state.published_at,
        "restart_since": state.restart_since,
    }


def _load_state(raw: dict[str, Any]) -> State:
    return State(
        reads={
            references.parse(_text(key)): _load_read(read) for key, read in _pairs(raw["reads"])
        },
        denied={
            _text(store): frozenset(map(_text, _list(actions)))
            for store, actions in _pairs(raw["denied"])
        },
        superseded={
            _text(store): tuple(map(_text, _list(ids))) for store, ids in _pairs(raw["superseded"])
        },
        rendered={
            _count(int(index)): _load_rendered(item) for index, item in _pairs(raw["rendered"])
        },
        pending=frozenset(map(_count, _list(raw["pending"]))),
        published_at=_seconds(raw["published_at"]),
        restart_since=_seconds(raw["restart_since"]),
    )


def _dump_read(read: ReadState) -> dict[str, Any]:
    value, lease = read.value, read.lease
    return {
        "version": read.version,
        "served_by": read.served_by,
        "value": None if value is None else _dump_value(value),
        "succeeded_at": read.succeeded_at,
        "changed_at": read.changed_at,
        "due_at": None if math.isinf(read.due_at) else read.due_at,
        "failures": read.failures,
        "reason": read.reason,
        "lease": None if lease is None else _dump_lease(lease),
    }


def _load_read(raw: dict[str, Any]) -> ReadState:
    value, lease, reason = raw["value"], raw["lease"], raw["reason"]
    return ReadState(
        version=_text(raw["version"]),
        served_by=_text(raw["served_by"]),
        value=None if value is None else _load_value(*_list(value)),
        succeeded_at=_seconds(raw["succeeded_at"]),
        changed_at=_seconds(raw["changed_at"]),
        due_at=math.inf if raw["due_at"] is None else _seconds(raw["due_at"]),
        failures=_count(raw["failures"]),
        reason=None if reason is None else Reason(reason),
        lease=None if lease is None else _load_lease(lease),
    )


def _dump_value(value: Value) -> list[object]:
    text = None if value.text is None else _dump_material(value.text)
    return [_dump_material(value.material), value.mapping, text, value.form]


def _load_value(material: object, mapping: object, text: object, form: object) -> Value:
    own = None if text is None else _load_material(text)
    return Value(_load_material(material), _flag(mapping), own, _text(form))


def _dump_lease(lease: HeldLease) -> dict[str, Any]:
    return {
        "id": lease.id,
        "duration": lease.duration,
        "renewable": lease.renewable,
        "issued_at": lease.issued_at,
        "original": lease.original,
        "accessor": lease.accessor,
        "due_at": lease.due_at,
    }


def _load_lease(raw: dict[str, Any]) -> HeldLease:
    return HeldLease(
        id=_text(raw["id"]),
        duration=_seconds(raw["duration"]),
        renewable=_flag(raw["renewable"]),
        issued_at=_seconds(raw["issued_at"]),
        original=_seconds(raw["original"]),
        accessor=_text(raw["accessor"]),
        due_at=_seconds(raw["due_at"]),
    )


def _dump_rendered(rendered: Rendered) -> dict[str, Any]:
    return {
        "files": [[file.path, _dump_material(file.material), file.mode] for file in rendered.files],
        "variables": [[name, _dump_material(material)] for name, material in rendered.variables],
    }


def _load_rendered(raw: dict[str, Any]) -> Rendered:
    return Rendered(
        files=tuple(
            RenderedFile(_text(path), _load_material(data), _count(mode))
            for path, data, mode in map(_list, _list(raw["files"]))
        ),
        variables=tuple(
            (_text(name), _load_material(data))
            for name, data in map(_list, _list(raw["variables"]))
        ),
    )


def _dump_material(material: Material) -> str:
    return base64.b64encode(material.reveal()).decode()


def _load_material(raw: object) -> Material:
    return Material(base64.b64decode(_text(raw), validate=True))


def _pairs(raw: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(raw.items())


def _list(raw: object) -> list[Any]:
    if not isinstance(raw, list):
        raise TypeError
    return raw


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError
    raw.encode()  # a lone surrogate is a ValueError here, and not where it is shown
    return raw


def _flag(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise TypeError
    return raw


def _count(raw: object) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or raw < 0:
        raise TypeError
    return raw


def _seconds(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise TypeError
    return float(raw)
