"""`$(NAME)` as the kubelet expands it."""

from __future__ import annotations

import pytest

from worlds.pods.expansion import expand

VARIABLES = {"A": "one", "B": "$(A)", "EMPTY": "", "odd name": "odd"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "one"),
        ("<$(A)$(A)>", "<oneone>"),
        ("$(EMPTY)", ""),
        ("$(odd name)", "odd"),
        ("$(B)", "$(A)"),
        ("$(PATH)", "$(PATH)"),
        ("$()", "$()"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$one"),
        ("$$$$(A)", "$$(A)"),
        ("a$$b", "a$b"),
        ("$A ${A} $", "$A ${A} $"),
        ("$(A", "$(A"),
        ("$(A$(A))", "$(A$(A))"),
    ],
)
def test_expansion(text: str, expanded: str) -> None:
    """Known names are put in once; `$$` is one `$`; everything else stays."""
    assert expand(text, VARIABLES) == expanded
