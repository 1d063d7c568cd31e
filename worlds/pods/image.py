"""
What is run for a container: the command of its specification where this machine has it.

The files of one image are known by their paths in it; its containers run the command that the pod
says. Every other container's image is not here, and a stand-in process takes its place.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from worlds.pods.errors import ContainerConfigError
from worlds.pods.expansion import expand
from worlds.pods.spec import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from worlds.pods.spec import Container

_STAND_IN: Final = Path(__file__).with_name("stand_in.py")


@dataclass(frozen=True, slots=True)
class Application:
    """A process that stands in for a container of an image that is not here."""

    command: Sequence[str]
    """On this machine. It gets the container's environment and finds its root in `SYRETTE_ROOT`."""


@dataclass(frozen=True, slots=True)
class Image:
    """Where the files of an image are on this machine."""

    paths: Mapping[str, str]
    """By absolute path in the image."""

    def holds(self, path: str) -> bool:
        """Whether a path is the image's own: it has files in the same directory of its root."""
        tops = {known.split("/")[1] for known in self.paths}
        return path.startswith("/") and path.split("/")[1] in tops

    def find(self, path: str) -> str | None:
        """Where a file of the image is on this machine."""
        return self.paths.get(path)


def runs(container: Container, image: Image) -> bool:
    """Whether a container runs its own command."""
    return bool(container.words) and image.holds(str(container.words[0]))


def command(
    container: Container, words: Sequence[str], image: Image, environment: Mapping[str, str]
) -> list[str]:
    """
    Give a command of a container of the image, with `$(NAME)` expanded and paths found.

    Raises:
        ContainerConfigError: for a file that the image does not have; a container runtime says so.
    """
    found = []
    for number, written in enumerate(words):
        word = expand(written, environment)
        here = image.find(word)
        if here is None and (number == 0 or image.holds(word)):
            raise ContainerConfigError(container.name, f'"{word}": no such file in the image')
        found.append(here or word)
    return found


def stand_in(container: Container) -> Application:
    """Give the process for a container that nobody gave one for: init containers end at once."""
    ends = ["--end"] if container.kind is Kind.INIT else []
    return Application([sys.executable, "-I", "-S", str(_STAND_IN), *ends])
