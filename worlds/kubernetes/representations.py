"""How objects look on the wire: whole, in part, as a table, as a line of a watch, as a Status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from worlds.server import Response

if TYPE_CHECKING:
    from worlds.kubernetes.store import ApiStatusError, Object


def selected(found: Object, namespace: str, query: dict[str, str]) -> bool:
    """Whether an object is in the namespace, and not in a phase that `fieldSelector` leaves out."""
    words = query.get("fieldSelector", "").split(",")
    left_out = {word.removeprefix("status.phase!=") for word in words}
    phase = found.get("status", {}).get("phase", "")
    inside = not namespace or found["metadata"].get("namespace") == namespace
    return inside and (not phase or phase not in left_out)


def table(nodes: list[Object]) -> Object:
    """Give nodes as `kubectl get` asks for them."""
    names = ("Name", "Status", "Roles", "Age", "Version")
    return {
        "columnDefinitions": [{"name": name} for name in names],
        "rows": [
            {
                "cells": [
                    node["metadata"]["name"],
                    "Ready",
                    "<none>",
                    "1d",
                    node.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", ""),
                ]
            }
            for node in nodes
        ],
    }


def shown(found: Object, accept: str) -> Object:
    """Give an object as the request accepts it."""
    if "PartialObjectMetadata" in accept:
        return {"kind": "PartialObjectMetadata", "metadata": found["metadata"]}
    return found


def bookmark(collection: str, version: int) -> Object:
    """As the real one: an empty object of the type, whose required lists are `null`."""
    made: Object = {"metadata": {"resourceVersion": str(version)}}
    return {**made, "spec": {"limits": None}} if collection.endswith("/limitranges") else made


def line(kind: str, found: Object) -> bytes:
    """Write one event of a watch."""
    return json.dumps({"type": kind, "object": found}).encode() + b"\n"


def answered(document: Object, status: int = 200) -> Response:
    """Answer with a document."""
    return Response(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


def refused(exc: ApiStatusError) -> Response:
    """Answer with a Status."""
    body = {
        "kind": "Status",
        "status": "Failure",
        "code": exc.code,
        "reason": exc.reason,
        "message": str(exc),
    }
    return Response(exc.code, json.dumps(body).encode(), {"Content-Type": "application/json"})
