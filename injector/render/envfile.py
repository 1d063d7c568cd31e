"""
EnvFiles as the kubelet reads them (KEP-3721, pkg/kubelet/util/env).

Every value stands between single quotes, everything in there is literal, new lines included, and
there is no escape: a value with a single quote cannot be carried at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.material import Material

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LINE: Final = 64 * 1024 - 1
"""Bytes: Go's bufio.Scanner takes tokens of 64 KiB, the new line included."""
MAX_VARIABLE: Final = 128 * 1024 - 1
"""Bytes of `NAME=value`: Linux takes strings of 128 KiB (MAX_ARG_STRLEN), the NUL included."""
_FORBIDDEN: Final = {b"'": "a single quote", b"\0": "a NUL", b"\r": "a CR"}
_NAME: Final = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*", re.ASCII)


def env_file(variables: Sequence[tuple[str, Material]]) -> Material:
    """
    Write an EnvFile: `NAME='value'` lines, each name once.

    Raises:
        RenderError: `unsafe-variable` for what it cannot carry, with the variable's name;
            `name-collision` for a name that comes twice.
    """
    lines: list[bytes] = []
    seen: set[str] = set()
    for name, material in variables:
        if name in seen:
            msg = f"the variable {name} comes from two secrets"
            raise RenderError(Reason.NAME_COLLISION, msg)
        seen.add(name)
        line = b"%s='%s'" % (name.encode(errors="replace"), material.reveal())
        wrong = _problem(name, material.reveal(), line)
        if wrong is not None:
            msg = f"the variable {name} {wrong}; mount it as a file instead"
            raise RenderError(Reason.UNSAFE_VARIABLE, msg)
        lines.append(line + b"\n")
    return Material(b"".join(lines))


def _problem(name: str, value: bytes, line: bytes) -> str | None:
    if not _NAME.fullmatch(name):
        return "is no name of an environment variable"
    if not value:
        return "is empty, which the kubelet takes for absent"
    for character, called in _FORBIDDEN.items():
        if character in value:
            return f"holds {called}, which an EnvFile cannot carry"
    if max(map(len, line.split(b"\n"))) > MAX_LINE:
        return "has a line of more than 64 KiB"
    if len(name) + 1 + len(value) > MAX_VARIABLE:
        return "is larger than Linux takes, 128 KiB"
    # Variables travel to the container runtime in protobuf strings, which are UTF-8.
    return None if _is_utf8(value) else "is not UTF-8"


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
