"""What the command line says when it cannot do what it was asked."""

from __future__ import annotations


class InputError(Exception):
    """Bad input: every problem, a line each. The command prints them and leaves with code 2."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class OutputError(Exception):
    """What the command has to say cannot be written: a full disk. It leaves with code 1."""


def printable(text: str) -> str:
    r"""
    Spell out control characters but the line feed, as `\x1b`.

    A manifest from elsewhere may hold escape sequences, which a terminal would obey.
    """
    return "".join(
        character if character == "\n" or character.isprintable() else _spelled(character)
        for character in text
    )


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode()
