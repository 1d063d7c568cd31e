"""
Problems and errors of the webhook: whose fault, where, and the reason from the closed list.

A bad request to us is a `RequestError` and becomes an HTTP status; a bad pod is a list of
`Problem`s and becomes one `Denied`. The two are never mixed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from injector.contract.reasons import CONSEQUENCES, Reason

MAX_REPORTED: Final = 20
"""Problems that a denial spells out; a pod with more has one cause, and events have bounds."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what a pod asks for."""

    reason: Reason
    key: str
    """The annotation's key, or the field of the pod; empty when it is about the pod as a whole."""
    message: str
    """What is wrong, what is allowed, what to do; never an annotation's whole value."""
    line: int | None = None
    """Line of the YAML document in the annotation, from 1."""

    def __str__(self) -> str:
        where = f"{self.key} line {self.line}" if self.line is not None else self.key
        return _in_one_line(f"{where}: {self.message}" if where else self.message)


@dataclass(slots=True)
class Problems:
    """
    Everything wrong and everything surprising that one decision found; filled phase by phase.

    A phase adds and goes on, so that the user reads all of it at once.
    """

    found: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    violations: int = 0
    """What a rule of the policy that only warns would have denied."""
    _known: set[Problem] = field(default_factory=set)

    def add(self, reason: Reason, key: str, message: str, line: int | None = None) -> None:
        """Note a problem, once: stores that share a field share what is wrong with it."""
        problem = Problem(reason, key, message, line)
        if problem not in self._known:
            self._known.add(problem)
            self.found.append(problem)

    def warn(self, message: str) -> None:
        """Note a warning, once."""
        message = _in_one_line(message)
        if message not in self.warnings:
            self.warnings.append(message)

    @property
    def spelled_out(self) -> bool:
        """Whether one more problem will be read by anybody; a hint costs time."""
        return len(self.found) < MAX_REPORTED

    def __bool__(self) -> bool:
        return bool(self.found)


def _in_one_line(text: str) -> str:
    """Spell out what breaks a line or hides in one, for values are quoted as they were written."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def denial_message(problems: Problems) -> str:
    """One readable message: a line for each of the first problems, and how many more there are."""
    found = problems.found
    lines = [str(problem) for problem in found[:MAX_REPORTED]]
    if len(found) > MAX_REPORTED:
        lines.append(f"and {len(found) - MAX_REPORTED} more")
    if len(lines) == 1:
        return f"syrette: {lines[0]}"
    return f"syrette: {len(found)} problems\n" + "\n".join(f"- {line}" for line in lines)


class RequestError(Exception):
    """A request that is no admission review; `status` is the HTTP answer."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = CONSEQUENCES[reason].status


class ContextUnavailableError(Exception):
    """A fact of the cluster that the decision needs could not be had in time."""


class SettingsError(Exception):
    """The operator's configuration is wrong; `problems` has a line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
