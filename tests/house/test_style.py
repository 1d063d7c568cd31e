"""Words, sizes and places that no linter knows of."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.source import PACKAGES, ROOT, functions, modules, tree

MAX_FUNCTION_LINES = 50
MAX_MODULE_LINES = 400

REVEALING = {
    "injector/files.py",
    "injector/state.py",
    "injector/snapshots.py",
    "injector/aws/sdk.py",
    "injector/aws/signing.py",
    "injector/rest.py",
    "injector/vault/client.py",
    "injector/identity",
    "injector/render",
    "injector/sops",
    "injector/material.py",
}
"""Where secret bytes may leave `Material`: logins, requests, rendering, files, the state."""

ENVIRONMENT = {"webhook/settings/environment.py", "injector/settings.py", "injector/supervisor.py"}


def test_no_module_is_named_for_nothing() -> None:
    """A module says what it holds; the four empty names do not occur."""
    empty = re.compile(r"(utils?|helpers?|managers?|common)(\.py)?")
    named = [path for path in modules(*PACKAGES) if any(empty.fullmatch(p) for p in path.parts)]

    assert named == []


def test_functions_and_modules_stay_small() -> None:
    """No function over 50 lines, no module over 400; modules of tests are modules, too."""
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path in modules(*PACKAGES)
        for node in functions(path)
        if (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    every = modules(*PACKAGES, "tests", "benchmarks", "deploy", "docs")
    large = [
        path for path in every if len((ROOT / path).read_text().splitlines()) > MAX_MODULE_LINES
    ]

    assert (long, large) == ([], [])


def test_material_is_revealed_only_where_bytes_must_leave() -> None:
    """`reveal()` is called in the allowed modules of the injector and nowhere else."""
    callers = {
        str(path)
        for path in modules("webhook", "injector", "syrette")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "reveal"
    }
    strangers = {c for c in callers if not any(c.startswith(allowed) for allowed in REVEALING)}

    assert strangers == set()


def test_the_environment_is_read_at_the_door_only() -> None:
    """`os.environ` stands in the settings modules and the supervisor only."""
    readers = {
        str(path)
        for path in modules("webhook", "injector")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"}
    }

    assert readers <= ENVIRONMENT


def test_every_test_says_its_behaviour_in_a_sentence() -> None:
    """Each test function has a docstring that ends like a sentence."""
    silent = [
        f"{path}:{node.lineno} {node.name}"
        for path in modules("tests")
        for node in functions(path)
        if node.name.startswith("test_") and not (ast.get_docstring(node) or "").endswith(".")
    ]

    assert silent == []


def test_nothing_is_skipped() -> None:
    """No test is skipped or expected to fail."""
    marks = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b")
    skipping = [
        str(path)
        for path in modules("tests")
        if path.parts[1:] != ("house", "test_style.py") and marks.search((ROOT / path).read_text())
    ]

    assert skipping == []


def test_no_private_way_to_end_a_line_of_thought() -> None:
    """No exception is swallowed by a lone `pass` in the programs."""
    swallowed = [
        f"{path}:{node.lineno}"
        for path in modules("webhook", "injector", "syrette")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and len(node.body) == 1
        and isinstance(node.body[0], ast.Pass)
    ]

    assert swallowed == []


@pytest.mark.parametrize("package", ["webhook", "injector"])
def test_every_noqa_gives_its_reason(package: str) -> None:
    """A silenced rule names its code and says why."""
    bare = [
        f"{path}: {line.strip()}"
        for path in modules(package)
        for line in (ROOT / path).read_text().splitlines()
        if "# noqa" in line
        and not re.search(r"# noqa: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)* - .{8,}", line)
    ]

    assert bare == []
