"""Independent readers of what we write: properties by Java's rules, and real shells."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SHELLS = [
    command
    for command in (["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"])
    if shutil.which(command[0])
]


def properties(text: str) -> dict[str, str]:
    """
    Read properties as `java.util.Properties.load(Reader)` says.

    https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)
    """
    found = {}
    lines = iter(re.split(r"\r\n|\n|\r", text))
    for natural in lines:
        line = natural.lstrip(" \t\f")
        if not line or line[0] in "#!":
            continue
        while len(re.search(r"\\*$", line)[0]) % 2:  # type: ignore[index]
            line = line[:-1] + next(lines, "").lstrip(" \t\f")
        end = re.match(r"(?:\\.|[^\\=: \t\f])*", line, re.DOTALL).end()  # type: ignore[union-attr]
        value = re.sub(r"^[ \t\f]*[=:]?[ \t\f]*", "", line[end:], count=1)
        found[_unescaped(line[:end])] = _unescaped(value)
    return found


def _unescaped(text: str) -> str:
    named = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}

    def one(match: re.Match[str]) -> str:
        escape = match[1]
        return chr(int(escape[1:], 16)) if len(escape) > 1 else named.get(escape, escape)

    units = re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", one, text, flags=re.DOTALL)
    # Java's characters are UTF-16 units.
    return units.encode("utf-16", "surrogatepass").decode("utf-16")


def sourced(shell: list[str], file: Path) -> dict[str, str]:
    """Give what a shell has in its environment after `set -a; . FILE`, and nothing it said."""
    script = f"set -aeu; . {file}; exec env -0"
    ended = subprocess.run(
        [*shell, "-c", script], check=True, capture_output=True, env={"PATH": "/usr/bin:/bin"}
    )
    assert ended.stderr == b""
    pairs = (entry.partition(b"=") for entry in ended.stdout.split(b"\0") if entry)
    return {name.decode(): value.decode() for name, _, value in pairs}
