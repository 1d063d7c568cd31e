"""What the command line says when it cannot do what it was asked."""

from __future__ import annotations


class InputError(Exception):
    """Bad input: every problem, a line each. The command prints them and leaves with code 2."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
