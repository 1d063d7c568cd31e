"""
The text of a session snapshot: what init leaves to the sidecar on their private volume.

It is read strictly: another version, another pod, another plan, or anything that this version
would not have written, and the whole snapshot is ignored. The caller writes it with mode 0600.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from injector.contract.reasons import Reason
from injector.identity.interface import AMBIENT, Credentials, SessionKey, SessionRecord
from injector.material import Material

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION: Final = 2
MAX_BYTES: Final = 1024 * 1024  # 64 sessions of 4 KiB and their certificates
MAX_CHAIN: Final = 16  # hops; keys are read recursively


class SnapshotError(Exception):
    """A snapshot that is ignored, with the reason; never with its text."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def dump(
    records: Sequence[SessionRecord],
    replaced: Sequence[SessionRecord],
    pod_uid: str,
    plan_hash: str,
) -> bytes:
    """Write the records, and those that are still to be given back; they hold credentials."""
    document = {
        "version": VERSION,
        "pod_uid": pod_uid,
        "plan_hash": plan_hash,
        "records": [_dump_record(record) for record in records],
        "replaced": [_dump_record(record) for record in replaced],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def load(
    data: bytes, pod_uid: str, plan_hash: str
) -> tuple[list[SessionRecord], list[SessionRecord]]:
    """
    Read the records of this pod and plan, and those that are still to be given back.

    Raises:
        SnapshotError: for anything else.
    """
    try:
        document = json.loads(data) if len(data) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        raise SnapshotError(Reason.SNAPSHOT_DAMAGED) from None
    if not isinstance(document, dict):
        raise SnapshotError(Reason.SNAPSHOT_DAMAGED)
    belongs = (document.get("version"), document.get("pod_uid"), document.get("plan_hash"))
    if belongs != (VERSION, pod_uid, plan_hash):
        raise SnapshotError(Reason.SNAPSHOT_FOREIGN)
    try:
        records = [_load_record(item) for item in document["records"]]
        replaced = [_load_record(item) for item in document["replaced"]]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise SnapshotError(Reason.SNAPSHOT_DAMAGED) from None
    return records, replaced


def _dump_record(record: SessionRecord) -> dict[str, Any]:
    credentials = record.credentials
    return {
        "key": _dump_key(record.key),
        "principal": record.principal,
        "token": credentials.token.reveal().decode(),
        "access_key_id": credentials.access_key_id,
        "secret_access_key": credentials.secret_access_key.reveal().decode(),
        "accessor": credentials.accessor,
        "issued_at": record.issued_at,
        "expires_at": record.expires_at,
        "lifetime": record.lifetime,
    }


def _dump_key(key: SessionKey) -> dict[str, Any]:
    return {
        "provider": key.provider,
        "method": key.method,
        "inputs": dict(key.inputs),
        "source": None if key.source is None else _dump_key(key.source),
    }


def _load_record(raw: dict[str, Any]) -> SessionRecord:
    key = _load_key(raw["key"], MAX_CHAIN)
    if key.root.method == AMBIENT:
        msg = "never written"
        raise ValueError(msg)
    return SessionRecord(
        key=key,
        principal=_text(raw["principal"]),
        credentials=Credentials(
            token=Material(_text(raw["token"]).encode()),
            access_key_id=_text(raw["access_key_id"]),
            secret_access_key=Material(_text(raw["secret_access_key"]).encode()),
            accessor=_text(raw["accessor"]),
        ),
        issued_at=_seconds(raw["issued_at"]),
        expires_at=_seconds(raw["expires_at"]),
        lifetime=_seconds(raw["lifetime"]),
    )


def _load_key(raw: dict[str, Any], depth: int) -> SessionKey:
    if depth == 0:
        msg = "too long a chain"
        raise ValueError(msg)
    inputs = {_text(name): _text(value) for name, value in raw["inputs"].items()}
    source = None if raw["source"] is None else _load_key(raw["source"], depth - 1)
    return SessionKey.of(_text(raw["provider"]), _text(raw["method"]), inputs, source)


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError
    return raw


def _seconds(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise TypeError
    return float(raw)
