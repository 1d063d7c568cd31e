"""
The grammar of references: `<store>:<path>[?<option>=<value>&…][#<selector>]`.

Rules, in order: the text is cut at the first `#` (the selector is taken verbatim), then the left
part at the first `?`; `%` escapes (RFC 3986 §2.1) are undone in the path and in option values, so
that a path may hold `?`, `#` or `%`. An ARN may stand in place of `aws-…:<name>`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from injector.contract.fields import DNS_LABEL

STORE_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""A store's name is a DNS label (RFC 1123)."""
MAX_LENGTH: Final = 2048  # characters; an ARN has at most 2048 (AWS general reference)
_ODD_SEGMENTS: Final = frozenset({"", ".", ".."})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?P<service>[a-z0-9-]*):(?P<region>[a-z0-9-]*)"
    r":(?P<account>[0-9]*):(?P<resource>.+)"
)
_ACCOUNT = re.compile(r"[0-9]{12}")
ARN_STORES: Final = {"secretsmanager": "aws-secretsmanager", "ssm": "aws-ssm"}
_ARN_RESOURCES: Final = {"secretsmanager": "secret:", "ssm": "parameter/"}


class InvalidReferenceError(ValueError):
    """A reference that does not follow the grammar; the text says where and what to write."""


@dataclass(frozen=True, slots=True)
class Arn:
    """The parts of an Amazon Resource Name that a read needs."""

    partition: str
    service: str
    region: str
    account: str
    resource: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A pointer to one secret in a store."""

    store: str
    path: str
    """Unescaped. After admission it is the final path, with the store's prefix in front."""
    options: tuple[tuple[str, str], ...] = ()
    """Sorted by name, unescaped."""
    selector: str = ""
    """As written; empty selects the whole secret."""

    @property
    def read(self) -> Reference:
        """What is asked of the provider: references that are equal here are one read."""
        return replace(self, selector="")

    @property
    def arn(self) -> Arn | None:
        """The path's ARN, if it is one."""
        return parse_arn(self.path) if self.path.startswith("arn:") else None

    def option(self, name: str) -> str:
        """The value of an option, empty when it is not given."""
        return dict(self.options).get(name, "") if self.options else ""

    def __str__(self) -> str:
        """Write the canonical form, which parses to an equal reference."""
        text = f"{self.store}:{quote(self.path, safe=_PATH_SAFE)}"
        if self.options:
            pairs = (f"{name}={quote(value, safe=_OPTION_SAFE)}" for name, value in self.options)
            text += "?" + "&".join(pairs)
        return f"{text}#{self.selector}" if self.selector else text


# A space is escaped, for at the end of a reference it would be trimmed.
_PATH_SAFE: Final = "/:@!$&'()*+,;=~"
_OPTION_SAFE: Final = "/:@!$'()*+,;~"


def parse_arn(text: str) -> Arn | None:
    """Take an ARN apart, or None when `text` is no ARN."""
    match = _ARN.fullmatch(text)
    return Arn(**match.groupdict()) if match else None


def parse(text: str) -> Reference:
    """
    Parse one reference.

    Raises:
        InvalidReferenceError: for anything that does not follow the grammar.
    """
    text = text.strip()
    if not text:
        msg = "the reference is empty; write `<store>:<path>`, as in `aws-secretsmanager:prod/db`"
        raise InvalidReferenceError(msg)
    if len(text) > MAX_LENGTH:
        msg = f"the reference is longer than {MAX_LENGTH} characters"
        raise InvalidReferenceError(msg)
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        msg = "the reference is not valid Unicode"
        raise InvalidReferenceError(msg) from exc
    left, hash_mark, selector = text.partition("#")
    if hash_mark and not selector.strip():
        msg = "nothing follows the `#`; leave it out to take the whole secret"
        raise InvalidReferenceError(msg)
    location, question_mark, query = left.partition("?")
    options = _options(query) if question_mark else ()
    store, path = _store_and_path(location)
    return Reference(store, path, options, selector)


def _store_and_path(location: str) -> tuple[str, str]:
    if location.startswith("arn:"):
        path = _unescape(location, "path")
        return _arn_store(path), path
    store, colon, raw = location.partition(":")
    if not colon:
        msg = f"`{location[:60]}` names no store; write `<store>:<path>`"
        raise InvalidReferenceError(msg)
    if not STORE_NAME.fullmatch(store):
        msg = f"`{store[:60]}` is no store name: lower case letters, digits and `-`"
        raise InvalidReferenceError(msg)
    path = _unescape(raw, "path")
    if path.startswith("arn:"):
        _arn_store(path)
        return store, path
    _check_path(path)
    return store, path


def _arn_store(text: str) -> str:
    arn = parse_arn(text)
    if arn is None:
        msg = "malformed ARN; write `arn:<partition>:<service>:<region>:<account>:<resource>`"
        raise InvalidReferenceError(msg)
    store = ARN_STORES.get(arn.service)
    if store is None:
        msg = f"ARN of the service `{arn.service}`; only secretsmanager and ssm hold secrets here"
        raise InvalidReferenceError(msg)
    kind = _ARN_RESOURCES[arn.service]
    name = arn.resource.removeprefix(kind)
    placed = re.fullmatch(DNS_LABEL, arn.region) and _ACCOUNT.fullmatch(arn.account)
    if not arn.resource.startswith(kind) or not name or not placed:
        msg = f"an ARN of {arn.service} reads `arn:…:{arn.service}:<region>:<account>:{kind}<name>`"
        raise InvalidReferenceError(msg)
    _check_path(name)
    return store


def _check_path(path: str) -> None:
    if not path:
        msg = "the path after the store is empty"
        raise InvalidReferenceError(msg)
    if "://" in path:
        msg = f"`{path[:60]}` is an address: where a store is, its own fields say; write the path"
        raise InvalidReferenceError(msg)
    # A leading slash belongs to Parameter Store's names, a trailing one asks for what is below.
    inner = path.removeprefix("/").removesuffix("/")
    if path != "/" and not _ODD_SEGMENTS.isdisjoint(inner.split("/")):
        msg = "empty, `.` and `..` segments are not allowed in a path"
        raise InvalidReferenceError(msg)
    if _CONTROL.search(path):
        msg = "control characters are not allowed in a path"
        raise InvalidReferenceError(msg)


def _options(query: str) -> tuple[tuple[str, str], ...]:
    options: dict[str, str] = {}
    for pair in query.split("&"):
        name, equals, raw = pair.partition("=")
        if not name or not equals:
            msg = f"`{pair[:60]}` is no option; write `?<option>=<value>&…`"
            raise InvalidReferenceError(msg)
        if name in options:
            msg = f"the option `{name}` is given twice"
            raise InvalidReferenceError(msg)
        options[name] = _unescape(raw, f"option `{name}`")
    return tuple(sorted(options.items()))


def _unescape(text: str, where: str) -> str:
    if "%" not in text:
        return text
    if _BAD_ESCAPE.search(text):
        msg = f"a `%` in the {where} must start an escape such as `%25`"
        raise InvalidReferenceError(msg)
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as exc:
        msg = f"the escapes in the {where} are not UTF-8"
        raise InvalidReferenceError(msg) from exc
