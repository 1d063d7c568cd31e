"""
Templates at admission: parsed, never compiled.

Jinja2's compiler folds constants, which runs the template's own code in the webhook; its parser
only builds a tree. Size and nesting are bounded before, since the parser is recursive. The tree is
then asked for what rendering would fail on: names that no reference has, unknown filters, and
statements that load other templates, of which there are none.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from injector.contract.templates import FILTERS, LEFT_OUT_FILTERS, LEFT_OUT_GLOBALS
from webhook.annotations.suggestions import near
from webhook.errors import MAX_REPORTED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from jinja2 import Environment, nodes

MAX_BYTES: Final = 32 * 1024
MAX_DEPTH: Final = 32  # of brackets and of blocks; a configuration file needs three
MAX_STATEMENTS: Final = 500
MAX_TOKENS: Final = 4000  # of all templates of a pod, white space included


class Templates:
    """
    The templates of one pod, which share a bound, since parsing costs about 10 µs a token.

    Args:
        delimiters: of variables.
    """

    def __init__(self, delimiters: tuple[str, str]) -> None:
        self._delimiters = delimiters
        self._left = MAX_TOKENS

    def problems(self, template: str, names: Collection[str] | None) -> list[tuple[str, int]]:
        """
        Say what is wrong with a template, each with its line from 1.

        Args:
            template: the text.
            names: what the references are called; None when a mapping's keys are names, too.
        """
        from jinja2 import TemplateError, TemplateSyntaxError  # noqa: PLC0415 - few pods need it

        if len(template.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            return [(f"a template may have {MAX_BYTES // 1024} KiB", 1)]
        deep = _too_deep(template)
        if deep is not None:
            return [(f"the template nests deeper than {MAX_DEPTH} levels", deep)]
        environment = _environment(self._delimiters)
        try:
            self._left -= sum(1 for _ in islice(environment.lex(template), self._left + 1))
            if self._left < 0:
                return [(f"a pod's templates may have {MAX_TOKENS} words and marks", 1)]
            tree = environment.parse(template)
        except TemplateSyntaxError as exc:
            # The first sentence says it; a second one explains Jinja2's grammar.
            said = (exc.message or "syntax error").partition(". ")[0].rstrip(".")
            return [(f"the template does not parse: {said[:120]}", exc.lineno)]
        except (TemplateError, RecursionError, ValueError, OverflowError):
            return [("the template does not parse", 1)]
        return list(islice(_meaning(tree, environment, names), MAX_REPORTED))


def _too_deep(template: str) -> int | None:
    """The line where brackets, operators or blocks nest too deep for a recursive parser."""
    depth = 0
    for line, text in enumerate(template.split("\n"), 1):
        for character in text:
            if character in "([{":
                depth += 1
            elif character in ")]}":
                depth = max(0, depth - 1)
            if depth > MAX_DEPTH:
                return line
    return 1 if template.count("{%") > MAX_STATEMENTS else None


def _meaning(
    tree: nodes.Template, environment: Environment, names: Collection[str] | None
) -> Iterator[tuple[str, int]]:
    from jinja2 import nodes  # noqa: PLC0415 - few pods have templates

    loading = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
    found = list(_walk(tree))
    stored = {node.name for node in found if isinstance(node, nodes.Name) and node.ctx != "load"}
    stored.update(node.name for node in found if isinstance(node, nodes.Macro))
    known = {*stored, *environment.globals, "loop", "self", "caller", "varargs", "kwargs"}
    for node in found:
        if isinstance(node, loading):
            yield "there are no other templates to include, import or extend", node.lineno
        elif isinstance(node, nodes.Filter | nodes.Test):
            held = environment.filters if isinstance(node, nodes.Filter) else environment.tests
            if node.name not in held:
                what = type(node).__name__.lower()
                yield f"unknown {what} `{node.name[:60]}`{near(node.name, held)}", node.lineno
        elif (
            isinstance(node, nodes.Name)
            and names is not None
            and node.ctx == "load"
            and node.name not in known.union(names)
        ):
            hint = near(node.name, names) or f"; `from` has {', '.join(sorted(names))}"
            yield f"the template uses `{node.name[:60]}`{hint}", node.lineno


def _walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Every node, without recursion: a tree may be deeper than the stack."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(list(node.iter_child_nodes())))


@lru_cache(maxsize=8)
def _environment(delimiters: tuple[str, str]) -> Environment:
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - few pods need it

    start, end = delimiters
    environment = ImmutableSandboxedEnvironment(
        variable_start_string=start, variable_end_string=end, optimized=False
    )
    # Only the names count here: nothing is ever rendered.
    environment.filters.update(dict.fromkeys(FILTERS, str))
    for left_out, names in (
        (LEFT_OUT_FILTERS, environment.filters),
        (LEFT_OUT_GLOBALS, environment.globals),
    ):
        for name in left_out:
            names.pop(name, None)
    return environment
