"""
`$(NAME)` in variables, commands and arguments, as the kubelet expands it.

`$$` stands for one `$` and protects what follows; a name that is not known stays as it was written.
Source: k8s.io/kubernetes/third_party/forked/golang/expansion.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# A `$` before anything else, or at the end, is an ordinary letter.
_REFERENCE: Final = re.compile(r"\$(?:(?P<escaped>\$)|\((?P<name>[^)]*)\))", re.DOTALL)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace each reference to one of `variables`; what is put in is not expanded again."""

    def replacement(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        return variables.get(found["name"], found[0])

    return _REFERENCE.sub(replacement, text)
