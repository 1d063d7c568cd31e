"""
The long form: `syrette.dev/secrets`, a YAML list of items, to `Wanted`s.

An item is a reference, or a mapping with `from` and exactly one of `file`, `dir`, `env`. Whatever
is wrong is noted with the annotation's key and the line, and reading goes on with the next item.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from injector.contract import references
from injector.contract.plan import Source, Variable
from injector.contract.reasons import Reason
from webhook.annotations import documents, parsers
from webhook.annotations.documents import Mapping, Sequence, Text
from webhook.annotations.intent import Origin, Wanted
from webhook.annotations.suggestions import near

if TYPE_CHECKING:
    from collections.abc import Callable

    from webhook.annotations.documents import Node
    from webhook.annotations.inheritance import Value
    from webhook.annotations.templates import Templates
    from webhook.errors import Problems

FORMATS: Final = ("raw", "json", "yaml", "properties", "env")
TARGETS: Final = ("file", "dir", "env")
_SCALARS: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "format": ("format", parsers.choice(*FORMATS)),
    "template": ("template", str),
    "mode": ("mode", parsers.mode),
    "decode": ("decode", parsers.choice("base64")),
    "refresh": ("refresh", parsers.refresh),
    "mount": ("mount", parsers.mount_path),
    "on-change": ("on_change", parsers.on_change),
    "optional": ("optional", parsers.boolean),
}
MAX_ITEMS: Final = 200
ITEM_KEYS: Final[dict[str, str]] = {
    "from": "A reference, or a mapping of name to reference for a `template`.",
    "data": "Mapping of field to text: makes the read of one Vault reference a write with these "
    "parameters, as `?data.<field>=…` does.",
    "file": "Path of the file, relative to the mount; `/` makes directories.",
    "dir": "Directory for one file a top-level key of a mapping secret; `.` is the mount itself.",
    "env": "Name of a variable; or a mapping of variable to key, or a list of keys, of one "
    "mapping secret.",
    "format": f"One of {', '.join(FORMATS)}. Default: `raw` for a plain value; a mapping follows "
    "the file's extension (`.yaml`, `.properties`, `.env`), otherwise `json`.",
    "template": "Jinja2 template of the file or of one variable.",
    "mode": "Octal mode of the file, in quotes.",
    "decode": "`base64`: the stored value is decoded.",
    "refresh": "Time between reads of this secret, or `never`.",
    "containers": "List of the containers that get it.",
    "mount": "Another absolute directory than `mount-path`.",
    "on-change": "As the option, for this secret.",
    "optional": "`true`: may be absent in the store; the file is then not written.",
}
"""Keys of an item and what they mean."""


class _Item:
    """One item while it is read: notes problems under its key and line."""

    def __init__(self, key: str, checker: Templates, problems: Problems) -> None:
        self.key = key
        self.templates = checker
        self.problems = problems
        self.sound = True

    def refuse(self, line: int, message: str, reason: Reason = Reason.INVALID_ANNOTATION) -> None:
        self.sound = False
        self.problems.add(reason, self.key, message, line)


def read(value: Value, checker: Templates, problems: Problems) -> list[Wanted]:
    """
    Read one long-form annotation.

    Args:
        value: the document.
        checker: of the pod's templates.
        problems: where wrong items are noted.
    """
    key = value.key
    try:
        document = documents.read(value.text)
    except documents.DocumentError as exc:
        problems.add(exc.reason, key, str(exc), exc.line)
        return []
    if not isinstance(document, Sequence):
        what = "nothing" if document is None else documents.kind(document)
        line = 1 if document is None else document.line
        problems.add(Reason.INVALID_ANNOTATION, key, f"wants a list of items, and is {what}", line)
        return []
    if len(document.items) > MAX_ITEMS:
        message = f"{len(document.items)} items; a pod has at most {MAX_ITEMS} secrets"
        problems.add(Reason.LIMIT_EXCEEDED, key, message, document.items[MAX_ITEMS].line)
        return []
    found = (_item(_Item(key, checker, problems), node) for node in document.items)
    return [wanted for wanted in found if wanted is not None]


def _item(item: _Item, node: Node) -> Wanted | None:
    if isinstance(node, Text):
        return _only_a_reference(item, node)
    if not isinstance(node, Mapping):
        item.refuse(node.line, "an item is a reference or a mapping")
        return None
    for name, line in node.key_lines.items():
        if name not in ITEM_KEYS:
            hint = item.problems.spelled_out and near(name, ITEM_KEYS)
            allowed = hint or f"; allowed are {', '.join(ITEM_KEYS)}"
            item.refuse(line, f"unknown key `{name[:60]}`{allowed}")
    sources = _written(item, node, _sources(item, node))
    target = _target(item, node)
    values = _scalars(item, node)
    chosen = _containers(item, node)
    _check(item, node, sources)
    _template(item, node, sources)
    if not item.sound:
        return None
    return Wanted(Origin(item.key, node.line), sources, containers=chosen, **target, **values)


def _only_a_reference(item: _Item, node: Text) -> Wanted | None:
    """`aws-secretsmanager:prod/api-key` becomes the file `prod/api-key`."""
    try:
        found = references.parse(node.value)
        arn = found.arn
        name = (
            arn.resource.partition(":" if arn.service == "secretsmanager" else "/")[2]
            if arn
            else ""
        )
        path = parsers.file_path((name or found.path).strip("/"))
    except ValueError as exc:
        item.refuse(node.line, str(exc), Reason.INVALID_REFERENCE)
        return None
    if found.path.endswith("/"):
        item.refuse(node.line, "several parameters need `from` and `dir`, `file` or `env`")
        return None
    return Wanted(Origin(item.key, node.line), (Source("value", found),), "file", path)


def _sources(item: _Item, node: Mapping) -> tuple[Source, ...]:
    given = node.entries.get("from")
    if given is None:
        item.refuse(node.line, "`from` is missing: which reference?")
        return ()
    if isinstance(given, Text):
        pairs = {"value": given}
    elif isinstance(given, Mapping) and given.entries:
        pairs = {}
        for name, value in given.entries.items():
            if not parsers.VARIABLE_NAME.fullmatch(name):
                item.refuse(given.key_lines[name], f"`{name[:60]}` is no name for a template")
            elif isinstance(value, Text):
                pairs[name] = value
            else:
                item.refuse(
                    value.line, f"`{name}` wants a reference, and is {documents.kind(value)}"
                )
    else:
        item.refuse(given.line, "`from` is a reference, or a mapping of name to reference")
        return ()
    sources: list[Source] = []
    for name, value in sorted(pairs.items()):
        try:
            sources.append(Source(name, references.parse(value.value)))
        except ValueError as exc:
            item.refuse(value.line, str(exc), Reason.INVALID_REFERENCE)
    return tuple(sources)


def _written(item: _Item, node: Mapping, sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """Put the item's `data` into the options of its one reference."""
    data = node.entries.get("data")
    if data is None:
        return sources
    if not isinstance(data, Mapping) or not data.entries:
        item.refuse(data.line, "`data` wants a mapping of field to text")
        return sources
    if isinstance(node.entries.get("from"), Mapping):
        item.refuse(node.key_lines["data"], "`data` is for one reference; write `?data.<field>=…`")
        return sources
    if not sources:
        return sources
    (source,) = sources
    options = dict(source.reference.options)
    for name, value in data.entries.items():
        option = f"data.{name}"
        if not isinstance(value, Text):
            kind = documents.kind(value)
            item.refuse(value.line, f"`data`: `{name[:60]}` wants a text, and is {kind}")
        elif option in options:
            item.refuse(data.key_lines[name], f"the reference has `{option[:60]}`, too: give one")
        else:
            options[option] = value.value
    reference = replace(source.reference, options=tuple(sorted(options.items())))
    return (replace(source, reference=reference),)


def _target(item: _Item, node: Mapping) -> dict[str, Any]:
    given = [name for name in TARGETS if name in node.entries]
    if len(given) != 1:
        said = "both " + " and ".join(f"`{name}`" for name in given) if given else "none"
        item.refuse(node.line, f"wants exactly one of `file`, `dir`, `env`, and has {said}")
        return {"kind": "file"}
    name = given[0]
    value = node.entries[name]
    if name == "env":
        return {"kind": "env", "variables": _variables(item, value)}
    if not isinstance(value, Text):
        item.refuse(value.line, f"`{name}` wants a path, and is {documents.kind(value)}")
        return {"kind": name}
    try:
        path = "." if name == "dir" and value.value == "." else parsers.file_path(value.value)
    except ValueError as exc:
        item.refuse(value.line, f"`{name}`: {exc}")
        return {"kind": name}
    return {"kind": name, "path": path}


def _variables(item: _Item, value: Node) -> tuple[Variable, ...]:
    pairs: list[tuple[str, Node, int]] = []
    if isinstance(value, Text):
        pairs = [(value.value, Text("", value.line), value.line)]
    elif isinstance(value, Sequence):
        for entry in value.items:
            name = entry.value if isinstance(entry, Text) else ""
            pairs.append((name, entry, entry.line))
    else:
        pairs = [(name, key, value.key_lines[name]) for name, key in value.entries.items()]
    found: list[Variable] = []
    for name, key, line in pairs:
        try:
            parsers.variable_name(name)
        except ValueError as exc:
            item.refuse(line, f"`env`: {exc}")
            continue
        if not isinstance(key, Text) or not (key.value or isinstance(value, Text)):
            item.refuse(key.line, "`env` wants the name of a key")
            continue
        found.append(Variable(name, key.value))
    if not pairs:
        item.refuse(value.line, "`env` names no variable")
    return tuple(sorted(found, key=lambda variable: variable.name))


def _scalars(item: _Item, node: Mapping) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, (field, parse) in _SCALARS.items():
        value = node.entries.get(name)
        if value is None:
            continue
        if not isinstance(value, Text):
            item.refuse(value.line, f"`{name}` wants a text, and is {documents.kind(value)}")
            continue
        try:
            values[field] = parse(value.value)
        except ValueError as exc:
            item.refuse(value.line, f"`{name}`: {exc}")
    return values


def _containers(item: _Item, node: Mapping) -> tuple[str, ...] | None:
    value = node.entries.get("containers")
    if value is None:
        return None
    given = documents.plain(value)
    try:
        if isinstance(given, str):
            return parsers.containers(given)
        if isinstance(given, list) and given and all(isinstance(name, str) for name in given):
            return parsers.container_names(given)
    except ValueError as exc:
        item.refuse(value.line, f"`containers`: {exc}")
        return None
    item.refuse(value.line, "`containers` wants a list of container names")
    return None


def _check(item: _Item, node: Mapping, sources: tuple[Source, ...]) -> None:
    """Keys that contradict each other."""
    entries = node.entries
    several = any(source.name != "value" for source in sources)
    if several and "template" not in entries:
        item.refuse(node.line, "named references need a `template` that says what becomes of them")
    if "template" in entries and {"dir", "format", "decode"} & set(entries):
        item.refuse(node.line, "a `template` goes without `dir`, `format` and `decode`")
    if "template" in entries and isinstance(entries.get("env"), Mapping | Sequence):
        item.refuse(node.line, "a `template` makes one variable: `env` is then one name")
    if "env" in entries:
        for name in sorted({"mount", "mode", "format"} & set(entries)):
            item.refuse(node.key_lines[name], f"`{name}` is for files, not for variables")


def _template(item: _Item, node: Mapping, sources: tuple[Source, ...]) -> None:
    """What rendering would fail on, as far as the text alone tells."""
    template, given = node.entries.get("template"), node.entries.get("from")
    if not isinstance(template, Text):
        return
    names = {source.name for source in sources} if isinstance(given, Mapping) else None
    if isinstance(given, Mapping) and names != set(given.entries):
        names = None  # a wrong reference is told already; its name is not missing
    for message, line in item.templates.problems(template.value, names):
        item.refuse(template.first + line - 1, message)
