"""Patches as the API server applies them: RFC 6902 with its tests, and RFC 7386."""

from __future__ import annotations

from typing import Any

import jsonpatch

from worlds.kubernetes.store import ApiStatusError

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


def patched(found: dict[str, Any], patch: Any, kind: str) -> dict[str, Any]:  # noqa: ANN401 - list or object
    """
    Apply one patch.

    Raises:
        ApiStatusError: 422 for a test that fails or an operation that does not fit, 415 for
            another kind of patch.
    """
    if kind == JSON_PATCH:
        try:
            made: dict[str, Any] = jsonpatch.apply_patch(found, patch)
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as exc:
            raise ApiStatusError(422, "Invalid", str(exc)) from exc
        return made
    if kind == MERGE_PATCH:
        merged: dict[str, Any] = _merged(found, patch)
        return merged
    raise ApiStatusError(415, "UnsupportedMediaType", f"{kind} is not supported")


def _merged(old: Any, new: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(new, dict):
        return new
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in new.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result
