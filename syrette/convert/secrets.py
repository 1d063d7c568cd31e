"""The secrets of a pod: each becomes a short annotation, or an item of the long form."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from injector.contract.names import DOMAIN
from injector.render import formats
from syrette import documents
from syrette.convert import paths, templates
from syrette.convert.options import MOUNT, mount_path
from syrette.convert.table import PREFIX, parse_bool
from syrette.convert.templates import ALONE, Content
from webhook.annotations import parsers, shortform
from webhook.annotations import table as ours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrette.convert.findings import Conversion

_SECRET: Final = "agent-inject-secret-"  # noqa: S105 - a key, no secret
_TEMPLATE: Final = "agent-inject-template-"
_TEMPLATE_FILE: Final = "agent-inject-template-file-"
_FILE: Final = "agent-inject-file-"
_PERMISSIONS: Final = "agent-inject-perms-"
_MOUNT: Final = "secret-volume-path-"
_CASE: Final = "preserve-secret-case"
_DELIMITERS: Final = ("agent-template-left-delim-", "agent-template-right-delim-")
KEYS: Final = frozenset(
    {_SECRET, _TEMPLATE, _TEMPLATE_FILE, _FILE, _PERMISSIONS, _MOUNT, f"{_CASE}-", *_DELIMITERS}
)
"""What stands before the name of a secret and says something of its file."""
_WRITABLE: Final = 0o022  # by group and others; the mount is read-only
_SAYS: Final = {
    _FILE: "the path of the file",
    _MOUNT: "the directory of the file",
    f"{_CASE}-": "the spelling of the file's name",
    **dict.fromkeys(_DELIMITERS, "the template is read with it"),
}
_BESIDE: Final = {
    _SECRET: "the template says what is read",
    _TEMPLATE_FILE: "the inline template is the one that is used",
}
_MAPPINGS: Final = (
    "without a template Vault Agent writes `key: value` lines (of KV version 2 `data: map[…]`, "
    "which nobody can use); ours is json, or the format of the file's extension"
)


@dataclass(frozen=True, slots=True)
class Named:
    """The annotations of one secret."""

    name: str
    given: Mapping[str, str]
    """By what stands before the name."""

    def text(self, key: str) -> str:
        """A value, empty when it is not given."""
        return self.given.get(key, "")

    def key(self, key: str) -> str:
        """The whole key of an annotation."""
        return f"{PREFIX}{key}{self.name}"


@dataclass(frozen=True, slots=True)
class _Defaults:
    """What holds for all secrets of a pod."""

    mount: str
    keeps_case: bool


def convert(theirs: Mapping[str, str], named: list[Named], conversion: Conversion) -> None:
    """
    Convert every secret.

    Args:
        theirs: annotations without their domain.
        named: those that name a secret.
        conversion: gets ours and the findings.
    """
    defaults = _Defaults(_mount(theirs), bool(parse_bool(theirs.get(_CASE, ""))))
    if _CASE in theirs:
        conversion.becomes(f"{PREFIX}{_CASE}", "the spelling of the files' names")
    targets: set[tuple[str, str]] = set()
    items: list[dict[str, Any]] = []
    for secret in named:
        main = next((key for key in (_TEMPLATE, _SECRET) if secret.text(key).strip()), "")
        if not main:
            _leave_out(secret, "no secret and no inline template has this name", conversion)
            continue
        try:
            content = _content(secret, main)
            target = _target(secret, defaults, targets)
        except ValueError as exc:
            conversion.none(secret.key(main), f"the secret is left out: {exc}")
            _leave_out(secret, "its secret is left out", conversion, main)
            continue
        targets.add(target)
        conversion.notes.extend(content.doubts)
        item = _item(secret, content, target, defaults, conversion)
        conversion.becomes(secret.key(main), _place(item, items, conversion))
        _say_rest(secret, main, conversion)
    if items:
        conversion.ours[_long_key(conversion)] = documents.dump([items])
    if "secret-volume-path" not in theirs and any(mount == MOUNT for mount, _ in targets):
        conversion.ours[f"{DOMAIN}/mount-path"] = MOUNT


def leave_out(named: list[Named], why: str, conversion: Conversion) -> None:
    """Leave out every secret, for a reason that is told elsewhere."""
    for secret in named:
        _leave_out(secret, why, conversion)


def _content(secret: Named, main: str) -> Content:
    if main == _TEMPLATE:
        left, right = (secret.text(key) for key in _DELIMITERS)
        default = templates.DELIMITERS
        return templates.translate(
            secret.text(_TEMPLATE), (left or default[0], right or default[1])
        )
    if secret.text(_TEMPLATE_FILE).strip():
        raise ValueError("its template is a file in the agent's container")
    request = paths.request(secret.text(_SECRET))
    found = paths.reference(request, versioned=request.versioned)
    doubts = paths.doubts(request, versioned=True)
    if request.versioned:
        doubts.append(
            f"`{request.path}` is taken for a path of KV version 2; of version 1 it is "
            f"`{paths.reference(request, versioned=False)}`"
        )
    return Content(((ALONE, found),), doubts=(*doubts, _MAPPINGS))


def _target(secret: Named, defaults: _Defaults, taken: set[tuple[str, str]]) -> tuple[str, str]:
    """Mount and path of the file."""
    own = secret.given.get(f"{_CASE}-")
    kept = defaults.keeps_case if own is None else bool(parse_bool(own))
    name = secret.name if kept else secret.name.lower()
    # Joined and cleaned as theirs is (filepath.Join).
    path = posixpath.normpath((secret.text(_FILE) or name).lstrip("/"))
    parsers.file_path(path)
    mount = secret.text(_MOUNT)
    target = (mount_path(mount) if mount else defaults.mount), path
    for other in (path for mount, path in sorted(taken) if mount == target[0]):
        if f"{path}/".startswith(f"{other}/") or other.startswith(f"{path}/"):
            raise ValueError(
                f"the file {posixpath.join(*target)} is in the way of another secret's, {other}"
            )
    return target


def _item(
    secret: Named,
    content: Content,
    target: tuple[str, str],
    defaults: _Defaults,
    conversion: Conversion,
) -> dict[str, Any]:
    mount, path = target
    sources: Any = {name: str(reference) for name, reference in content.sources}
    if set(sources) == {ALONE}:
        sources = sources[ALONE]
    usual = formats.default(path, {})
    given = {
        "format": content.format if content.format != usual else "",
        "template": content.template,
        "decode": content.decode,
        "mode": _mode(secret, conversion),
        "mount": mount if mount != defaults.mount else "",
    }
    return {"from": sources, "file": path} | {key: text for key, text in given.items() if text}


def _place(item: dict[str, Any], items: list[dict[str, Any]], conversion: Conversion) -> str:
    """Put an item into its own annotation if it can, else into the list; say where."""
    short = f"{ours.FILE}{item['file']}"
    if set(item) == {"from", "file"} and "/" not in short and shortform.NAME.fullmatch(short):
        conversion.ours[f"{DOMAIN}/{short}"] = item["from"]
        return f"{DOMAIN}/{short}: {item['from']}"
    items.append(item)
    sources = item["from"].values() if isinstance(item["from"], dict) else [item["from"]]
    return f"{_long_key(conversion)}: the file {item['file']}, from {', '.join(sources)}"


def _mode(secret: Named, conversion: Conversion) -> str:
    text = secret.text(_PERMISSIONS)
    if not text:
        return ""
    try:
        if set(text) - set("01234567"):
            raise ValueError(f"`{text[:20]}` is no octal mode")  # noqa: TRY301 - one way out for whatever is wrong
        mode = f"{int(text, 8) & ~_WRITABLE:04o}"
        parsers.mode(mode)
    except ValueError as exc:
        conversion.none(secret.key(_PERMISSIONS), str(exc))
        return ""
    conversion.becomes(secret.key(_PERMISSIONS), f"mode: {mode}")
    return mode


def _say_rest(secret: Named, main: str, conversion: Conversion) -> None:
    said = {finding.key for finding in conversion.findings}
    for key in secret.given:
        if key == main or secret.key(key) in said:
            continue
        if key in _SAYS:
            conversion.becomes(secret.key(key), _SAYS[key])
        else:
            conversion.unneeded(secret.key(key), _BESIDE.get(key, "it is empty"))


def _leave_out(secret: Named, why: str, conversion: Conversion, main: str = "") -> None:
    for key in secret.given:
        if key == _TEMPLATE_FILE and not main:
            conversion.none(secret.key(key), "the template is a file in the agent's container")
        elif key != main:
            conversion.unneeded(secret.key(key), why)


def _mount(theirs: Mapping[str, str]) -> str:
    try:
        return mount_path(theirs.get("secret-volume-path", MOUNT))
    except ValueError:
        return ours.OPTIONS["mount-path"].default


def _long_key(conversion: Conversion) -> str:
    """Lists of several annotations are put together: what is there already stays."""
    key = f"{DOMAIN}/{ours.SECRETS}"
    return f"{key}.vault" if key in conversion.kept else key
