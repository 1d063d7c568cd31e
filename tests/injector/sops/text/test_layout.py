"""Where YAML's comments, documents and nested lists stand, as the real SOPS prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from injector.sops.text import emit
from injector.sops.tree import Branch, Comment, Entry, Listing, Scalar

if TYPE_CHECKING:
    from injector.sops.tree import Documents, Node
    from tests.injector.sops.text.real import Sops

C, D = Comment(" c"), Comment("d # e")


def branch(*items: Entry | Comment) -> Branch:
    """Shorten a mapping."""
    return Branch(items)


def at(key: str, value: Node | str = "v") -> Entry:
    """Shorten an entry."""
    return Entry(key, Scalar(value) if isinstance(value, str) else value)


def items(*values: Node | Comment | str) -> Listing:
    """Shorten a list."""
    return Listing(tuple(Scalar(value) if isinstance(value, str) else value for value in values))


STABLE: dict[str, tuple[Documents, str]] = {
    "above the first key": ((branch(C, at("a"), at("b")),), "# c\na: v\nb: v\n"),
    "above another key": ((branch(at("a"), C, D, at("b")),), "a: v\n# c\n#d # e\nb: v\n"),
    "below the last key": ((branch(at("a"), C),), "a: v\n# c\n"),
    "in a mapping": (
        (branch(at("a", branch(C, at("b"), D, at("c"))), at("d")),),
        "a:\n    # c\n    b: v\n    #d # e\n    c: v\nd: v\n",
    ),
    "below a mapping": (
        (branch(at("a", branch(at("b"), C)), at("d")),),
        "a:\n    b: v\n    # c\nd: v\n",
    ),
    "in a list": (
        (branch(at("a", items(C, "x", D, "y")), at("b")),),
        'a:\n    # c\n    - x\n    #d # e\n    - "y"\nb: v\n',
    ),
    "below a list": (
        (branch(at("a", items("x", C)), at("b")),),
        "a:\n    - x\n    # c\nb: v\n",
    ),
    "above a mapping in a list": (
        (branch(at("a", items("x", C, branch(at("b"), at("c"))))),),
        "a:\n    - x\n    # c\n    - b: v\n      c: v\n",
    ),
    "in a mapping in a list": (
        (branch(at("a", items(branch(at("b"), C, at("c")), "x"))),),
        "a:\n    - b: v\n      # c\n      c: v\n    - x\n",
    ),
    "above documents": (
        (branch(C, at("a")), branch(D, at("b")), branch(at("c"), C)),
        "# c\na: v\n---\n#d # e\nb: v\n---\nc: v\n# c\n",
    ),
    "without keys": ((branch(), branch(at("a")), branch()), "{}\n---\na: v\n---\n{}\n"),
    "around a block": (
        (branch(at("a", "x\n"), D, at("b", "z\n\n"), at("l", items("p\nq", C, "r"))),),
        "a: |\n    x\n#d # e\nb: |+\n    z\n\nl:\n    - |-\n      p\n      q\n    # c\n    - r\n",
    ),
    "on a deep way": (
        (branch(at("a", items(items(items("x"), items(branch(at("b", items("y")))))))),),
        'a:\n    - - - x\n      - - b:\n            - "y"\n',
    ),
}


@pytest.mark.parametrize("case", STABLE)
def test_a_comment_stands_where_sops_puts_it(sops: Sops, case: str) -> None:
    """Encrypting and decrypting the text leaves it as it is."""
    documents, text = STABLE[case]

    assert emit(documents, "yaml").decode() == text
    assert sops.again(text.encode(), "yaml").decode() == text


MOVED: dict[str, tuple[Documents, str]] = {
    "the foot of a mapping that ends a list waits for the next value": (
        (branch(at("a", items(branch(at("b")), C)), at("d"), at("e")),),
        "a:\n    - b: v\nd: v\n# c\n\ne: v\n",
    ),
    "the foot of a mapping that ends a document stands apart": (
        (branch(at("a", items(branch(at("b")), C))), branch(at("d"))),
        "a:\n    - b: v\n\n# c\n---\nd: v\n",
    ),
    "the comment of an empty list waits for the next key": (
        (branch(at("a", items(C)), at("b")),),
        "a: []\n# c\nb: v\n",
    ),
    "the comment of an empty mapping stands between its brackets": (
        (branch(at("a", branch(C)), at("b")),),
        "a: {\n    # c\n}\nb: v\n",
    ),
    "the comment of a list is lost to the one of its first item": (
        (branch(at("a", items(C, branch(D, at("b"))))),),
        "a:\n    #d # e\n    - b: v\n",
    ),
    "a comment without text keeps its mark": (
        (branch(Comment(""), at("a"), Comment("#"), at("b")),),
        "#\na: v\n##\nb: v\n",
    ),
    "an exotic line end in a comment gets a mark behind it": (
        (branch(at("a", branch(Comment(" x\u2028y"), at("b")))),),
        "a:\n    # x\u2028    # y\n    b: v\n",
    ),
    "the comment of an empty list at the end stays in its document": (
        (branch(at("a", items(C))), branch(at("b"))),
        "a: []\n# c\n---\nb: v\n",
    ),
    "an item that begins with a blank has go-yaml's wrong indentation": (
        (branch(at("a", items(" x\ny"))),),
        "a:\n    - |4-\n       x\n      y\n",
    ),
}


@pytest.mark.parametrize("case", MOVED)
def test_a_quirk_of_go_yaml_is_kept(case: str) -> None:
    """The texts were printed by go-yaml v3.0.4 through SOPS' store, for the very same trees."""
    documents, text = MOVED[case]

    assert emit(documents, "yaml").decode() == text


def test_sixty_four_levels_are_printed(sops: Sops) -> None:
    """As deep as the limit goes."""
    node: Node = Scalar("v")
    for level in range(63):
        node = branch(at("a", node)) if level % 2 else items(node)
    text = emit((branch(at("a", node)),), "yaml")

    assert sops.again(text, "yaml") == text
