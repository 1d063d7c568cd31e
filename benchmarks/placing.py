"""
A pod that the webhook has patched, put onto this machine: folders, token, environment.

What the kubelet does for our own containers, and no more. Everything comes from the patch.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import jsonpatch

from benchmarks import pods
from injector.contract import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Objects = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Texts by kind (`configMap`, `secret`), name and key."""


def patched(port: int, ca: Path, document: dict[str, Any]) -> dict[str, Any]:
    """
    Ask the admission server for a pod's patch, and apply it.

    Raises:
        RuntimeError: if the pod is denied.
    """
    context = ssl.create_default_context(cafile=str(ca))
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/mutate", pods.review(document), headers)
    response = json.loads(connection.getresponse().read())["response"]
    connection.close()
    if not response["allowed"]:
        msg = f"the webhook denied the pod: {response['status']['message']}"
        raise RuntimeError(msg)
    patch = json.loads(base64.b64decode(response["patch"]))
    whole: dict[str, Any] = jsonpatch.apply_patch(document, patch)
    return whole


@dataclass(frozen=True, slots=True)
class Placed:
    """One of our containers, ready to be started."""

    command: list[str]
    environment: dict[str, str]
    root: Path
    """In front of its paths."""

    def injector(self, *words: str) -> list[str]:
        """Give the command line of one of the injector's programs."""
        return [sys.executable, "-I", "-m", "injector", *words]


def place(
    pod: dict[str, Any],
    container: str,
    root: Path,
    mint: Callable[[str], str],
    objects: Objects = MappingProxyType({}),
) -> Placed:
    """
    Make the folders, tokens and mounted objects of a container of ours.

    Args:
        pod: the patched pod.
        container: its name.
        root: a folder in place of the file system; one for all containers of a pod.
        mint: gives a token for an audience.
        objects: of the pod's namespace.

    Raises:
        KeyError: for an object that is not there; here nothing is optional.
    """
    spec = pod["spec"]
    found = next(item for item in spec["initContainers"] if item["name"] == container)
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    for mount in found["volumeMounts"]:
        folder = root / mount["mountPath"].lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        for source in volumes[mount["name"]].get("projected", {}).get("sources", ()):
            for path, text in _projected(source, mint, objects):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text)
    message = root / found["terminationMessagePath"].lstrip("/")
    message.parent.mkdir(parents=True, exist_ok=True)
    message.touch()
    here = {
        names.IMAGE_PYTHON: sys.executable,
        names.IMAGE_SUPERVISOR: str(Path(__file__).parent.parent / "injector" / "supervisor.py"),
    }
    environment = {entry["name"]: _value(entry) for entry in found["env"]}
    environment[names.ROOT_VARIABLE] = str(root)
    return Placed([here.get(word, word) for word in found["command"]], environment, root)


def _projected(
    source: dict[str, Any], mint: Callable[[str], str], objects: Objects
) -> Iterator[tuple[str, str]]:
    """Give path and text of each file of one source of a projected volume."""
    ((kind, body),) = source.items()
    if kind == "serviceAccountToken":
        yield body["path"], mint(body["audience"])
        return
    for item in body["items"]:
        yield item["path"], objects[kind][body["name"]][item["key"]]


def _value(entry: dict[str, Any]) -> str:
    if "value" in entry:
        return str(entry["value"])
    return pods.downward(entry["valueFrom"]["fieldRef"]["fieldPath"])
