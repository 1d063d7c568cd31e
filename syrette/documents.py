"""
YAML streams in and out, as Kubernetes' own reader (sigs.k8s.io/yaml) takes them.

Timestamps and `22:22` stay text, duplicate keys are refused, and what is written means the same to
both readers. Limits come before any document is built. Comments are not kept.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from syrette.errors import InputError

MAX_DEPTH: Final = 64  # of nesting; deeper text can exhaust a YAML loader's stack
MAX_NODES: Final = (
    1_000_000  # aliases counted as what they stand for: nine lines can mean gigabytes
)

_ENDLESS: Final = (1, MAX_DEPTH + 1)
"""Nodes and depth of a collection that is not yet closed: an alias to it never ends."""

_INT: Final = "tag:yaml.org,2002:int"
_FLOAT: Final = "tag:yaml.org,2002:float"
_TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"
_INTEGERS: Final = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$")
_FLOATS: Final = re.compile(
    r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"
)
_READ_OTHERWISE: Final = re.compile(rf"[yYnN]$|0o[0-7]+$|{_FLOATS.pattern}")
"""Texts that PyYAML would write plain and Kubernetes would read as something else."""


_LINE_ENDS: Final = re.compile("[\x85\u2028\u2029]")
"""Line ends to YAML 1.1, which would come back as other ones unless they are escaped."""


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as Kubernetes reads it."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in seen and key != "<<":
                problem = f"the key `{str(key)[:60]}` is there twice"
                raise yaml.MarkedYAMLError(None, None, problem, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag not in {_INT, _FLOAT, _TIMESTAMP}]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# Without the sexagesimal numbers of YAML 1.1: a port mapping is no count of seconds.
_Loader.add_implicit_resolver(_INT, _INTEGERS, list("-+0123456789"))
_Loader.add_implicit_resolver(_FLOAT, _FLOATS, list("-+.0123456789"))


class _Dumper(yaml.SafeDumper):
    """Block style, long texts as literal blocks, no anchors."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else "'" if _READ_OTHERWISE.match(text) else None
    style = '"' if _LINE_ENDS.search(text) else style
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def load(text: str, source: str) -> list[Any]:
    """
    Read every document of a stream.

    Args:
        text: the stream.
        source: what a person calls it, for errors.

    Raises:
        InputError: names the source and line.
    """
    try:
        _Measure(source).check(text)
        return list(yaml.load_all(text, Loader=_Loader))
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise InputError(f"{source}: {_describe(exc)}") from exc


def dump(documents: list[Any]) -> str:
    """Write documents as one YAML stream, keys in the order in which they were read."""
    return yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=100_000,  # no folding: an annotation stays on its line
    )


class _Measure:
    """
    Nodes and depth of a stream, every alias counted as what it stands for.

    Args:
        source: what a person calls the stream.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._open: list[tuple[str | None, int]] = []
        """Collections that are not yet closed: their anchor, and the nodes before them."""
        self._depths = [0]
        """Depth below each open collection so far; the stream itself first."""
        self._nodes = 0
        self._anchors: dict[str, tuple[int, int]] = {}

    def check(self, text: str) -> None:
        """
        Walk through the events of the parser, which build nothing.

        Raises:
            InputError: for more than the limits.
            yaml.YAMLError: for text that is no YAML.
        """
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                self._open.append((event.anchor, self._nodes))
                self._depths.append(0)
                if event.anchor:
                    self._anchors[event.anchor] = _ENDLESS
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = self._open.pop()
                self._add(anchor, self._nodes - before + 1, self._depths.pop() + 1, counted=before)
            elif isinstance(event, yaml.ScalarEvent):
                self._add(event.anchor, 1, 0, counted=self._nodes)
            elif isinstance(event, yaml.AliasEvent):
                self._add(
                    None,
                    *self._anchors.get(event.anchor or "", (1, 0)),
                    counted=self._nodes,
                )
            self._refuse_excess()

    def _add(self, anchor: str | None, nodes: int, depth: int, *, counted: int) -> None:
        """Count one node with everything below it."""
        self._nodes = counted + nodes
        self._depths[-1] = max(self._depths[-1], depth)
        if anchor:
            self._anchors[anchor] = (nodes, depth)

    def _refuse_excess(self) -> None:
        if len(self._open) + self._depths[-1] > MAX_DEPTH:
            raise InputError(f"{self._source}: nested deeper than {MAX_DEPTH} levels")
        if self._nodes > MAX_NODES:
            raise InputError(f"{self._source}: more than {MAX_NODES} nodes, aliases counted")


def _describe(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return "not YAML"
