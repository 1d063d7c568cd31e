"""
Patterns of policies: `*`, `?` and policy variables, as IAM matches them.

In an ARN the wildcards of the first five parts do not cross a colon. What a variable stands for is
taken literally: a `*` in a tag's value is a star, not a wildcard.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


_TOKEN: Final = re.compile(r"\$\{[^}]*\}|\*|\?|[^*?$]+|\$")
_VARIABLE: Final = re.compile(r"\$\{\s*([^},]+?)\s*(?:,\s*'([^']*)'\s*)?\}")
_LITERALS: Final = {"${*}": "*", "${?}": "?", "${$}": "$"}
_ARN_COLONS: Final = 5


def matches(
    pattern: str, value: str, context: Mapping[str, tuple[str, ...]], *, arn: bool = False
) -> bool:
    """
    Whether a value fits a pattern.

    Args:
        pattern: with wildcards and variables.
        value: what was asked for.
        context: gives the variables; an absent one without a default fits nothing.
        arn: match as an ARN, part by part.
    """
    if pattern == "*":
        return True
    expression: list[str] = []
    colons = 0
    for part in _TOKEN.findall(pattern):
        if part in {"*", "?"}:
            anything = "[^:]" if arn and colons < _ARN_COLONS else "."
            expression.append(f"{anything}*" if part == "*" else anything)
        elif part.startswith("${"):
            known = variable(part, context)
            if known is None:
                return False
            expression.append(re.escape(known))
        else:
            colons += part.count(":")
            expression.append(re.escape(part))
    return re.fullmatch("".join(expression), value, re.DOTALL) is not None


def expand(text: str, context: Mapping[str, tuple[str, ...]]) -> str | None:
    """Put variables in, without wildcards; none when one is absent."""
    parts: list[str] = []
    for token in re.findall(r"\$\{[^}]*\}|[^$]+|\$", text):
        known = variable(token, context) if token.startswith("${") else token
        if known is None:
            return None
        parts.append(known)
    return "".join(parts)


def variable(token: str, context: Mapping[str, tuple[str, ...]]) -> str | None:
    """Give what `${key}` or `${key, 'default'}` stands for; only keys of one value have one."""
    if token in _LITERALS:
        return _LITERALS[token]
    found = _VARIABLE.fullmatch(token)
    if found is None:
        return None
    values = context.get(found.group(1).lower(), ())
    return values[0] if len(values) == 1 else found.group(2)
