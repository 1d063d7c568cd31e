"""
An application that reads a volume all the time: `reader.py VOLUME`.

For each number on standard input it reads on until that publication is there, and answers with
what it saw: `passes`, of which `old`, and everything that it should never see.
"""

from __future__ import annotations

import os
import sys

FILES = ("a", "b", "deep/c", "deep/er/d")


def content(path: str, directory: int | None = None) -> str:
    """Read one file at once."""
    descriptor = os.open(path, os.O_RDONLY, dir_fd=directory)
    try:
        return os.read(descriptor, 1 << 20).decode()
    finally:
        os.close(descriptor)


def look(volume: str) -> set[str]:
    """Read every file of the set that `..data` leads to, and each by its name at the top."""
    directory = os.open(f"{volume}/..data", os.O_RDONLY | os.O_DIRECTORY)
    try:
        inside = {content(path, directory) for path in FILES}
    finally:
        os.close(directory)
    for path in FILES:
        text = content(f"{volume}/{path}")
        number, _, rest = text.partition(":")
        if rest != number * 2000:
            print(f"torn {path} {text[:20]}", flush=True)
    return inside


def watch(volume: str, number: str) -> str:
    """Read on until the publication of that number is seen."""
    passes = old = 0
    while True:
        try:
            inside = look(volume)
        except FileNotFoundError as exc:
            return f"missing {exc.filename}"
        passes += 1
        if len(inside) > 1:
            return f"mixed {sorted(text[:10] for text in inside)}"
        if inside == {f"{number}:{number * 2000}"}:
            return f"{passes} {old}"
        old += 1


def main() -> None:
    """Answer one line for one line."""
    for line in sys.stdin:
        print("go", flush=True)
        print(watch(sys.argv[1], line.strip()), flush=True)


if __name__ == "__main__":
    main()
