"""
Condition operators of policies, by their documented rules for absent and many-valued keys.

An operator that IAM does not have is refused when the policy is read, since one that is silently
never true (or always) would make a test worthless.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from worlds.aws.patterns import expand, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Test = Callable[[str, str, Mapping[str, tuple[str, ...]]], bool]


class MalformedPolicyError(ValueError):
    """A policy document that IAM would not take; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a condition block."""

    qualifier: str
    """`forallvalues`, `foranyvalue` or nothing."""
    operator: str
    if_exists: bool
    key: str
    """In lower case."""
    values: tuple[str, ...]

    def holds(self, context: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether a request with this context fulfils it."""
        given = context.get(self.key)
        if self.operator == "null":
            return any((given is None) == (value.lower() == "true") for value in self.values)
        if given is None:
            return self._absent()
        base = _NEGATED.get(self.operator)
        test = _TESTS[base or self.operator]
        found = [any(test(one, wanted, context) for wanted in self.values) for one in given]
        if self.qualifier == "forallvalues":
            return all(one != bool(base) for one in found)
        if self.qualifier == "foranyvalue":
            return any(one != bool(base) for one in found)
        return not any(found) if base else any(found)

    def _absent(self) -> bool:
        if self.if_exists or self.qualifier == "forallvalues":
            return True
        return self.operator in _NEGATED and self.qualifier != "foranyvalue"


def parse(operator: str, key: str, values: object) -> Condition:
    """
    Read one line.

    Raises:
        MalformedPolicyError: on an operator or a value that does not exist.
    """
    qualifier, _, name = operator.lower().rpartition(":")
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    known = name in _TESTS or name in _NEGATED or (name == "null" and not if_exists)
    if not known or qualifier not in {"", "forallvalues", "foranyvalue"}:
        msg = f"condition operator {operator!r} does not exist"
        raise MalformedPolicyError(msg)
    listed = values if isinstance(values, list) else [values]
    if not listed or not all(isinstance(value, str | bool | int | float) for value in listed):
        msg = f"condition {operator} {key}: values are texts, numbers or booleans"
        raise MalformedPolicyError(msg)
    texts = tuple(str(v).lower() if isinstance(v, bool) else str(v) for v in listed)
    return Condition(qualifier, name, if_exists, key.lower(), texts)


def _equals(given: str, wanted: str, context: Mapping[str, tuple[str, ...]]) -> bool:
    return given == expand(wanted, context)


def _equals_ignoring_case(given: str, wanted: str, context: Mapping[str, tuple[str, ...]]) -> bool:
    expanded = expand(wanted, context)
    return expanded is not None and given.lower() == expanded.lower()


def _like(given: str, wanted: str, context: Mapping[str, tuple[str, ...]]) -> bool:
    return matches(wanted, given, context)


def _arn_like(given: str, wanted: str, context: Mapping[str, tuple[str, ...]]) -> bool:
    return matches(wanted, given, context, arn=True)


def _boolean(given: str, wanted: str, _context: Mapping[str, tuple[str, ...]]) -> bool:
    return given.lower() == wanted.lower()


def _in_network(given: str, wanted: str, _context: Mapping[str, tuple[str, ...]]) -> bool:
    try:
        return ipaddress.ip_address(given) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _ordered(compare: Callable[[float, float], bool], number: Callable[[str], float]) -> Test:
    def test(given: str, wanted: str, _context: Mapping[str, tuple[str, ...]]) -> bool:
        try:
            return compare(number(given), number(wanted))
        except ValueError:
            return False

    return test


def _seconds(text: str) -> float:
    if text.isdigit():
        return float(text)
    moment = dt.datetime.fromisoformat(text)
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC).timestamp()


_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "equals": lambda given, wanted: given == wanted,
    "lessthan": lambda given, wanted: given < wanted,
    "lessthanequals": lambda given, wanted: given <= wanted,
    "greaterthan": lambda given, wanted: given > wanted,
    "greaterthanequals": lambda given, wanted: given >= wanted,
}

_TESTS: Final[dict[str, Test]] = {
    "stringequals": _equals,
    "stringequalsignorecase": _equals_ignoring_case,
    "stringlike": _like,
    "arnequals": _arn_like,
    "arnlike": _arn_like,
    "bool": _boolean,
    "ipaddress": _in_network,
    **{f"numeric{name}": _ordered(test, float) for name, test in _COMPARISONS.items()},
    **{f"date{name}": _ordered(test, _seconds) for name, test in _COMPARISONS.items()},
}
_NEGATED: Final = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
}
"""Negated operators are true for an absent key, and for many values if none of them fits."""
