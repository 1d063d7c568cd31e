"""
The `sops` entry of a document, typed: who can decrypt the data key, and what is encrypted.

Nothing of it is protected by the MAC: whoever writes the document writes this, and what it names
(addresses, roles, keys) is judged by those who would ask there. Source: getsops/sops
`stores/stores.go`, checked against the real `sops`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from injector.sops.errors import invalid
from injector.sops.fields import Fields
from injector.sops.limits import MAX_GROUPS, MAX_MASTER_KEYS, MAX_PATTERN, MAX_WRAPPED_KEY
from injector.sops.master_keys import READERS, MasterKey
from injector.sops.values import read_time, whole_seconds

if TYPE_CHECKING:
    from injector.sops.tree import Branch

RULES: Final = (
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
)
"""What may say which values are encrypted; a document has at most one of them."""
_MAX_VERSION: Final = 100
"""Characters."""
_NUMBER: Final = "(?:0|[1-9][0-9]{0,18})"
_PRE_RELEASE: Final = "(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION: Final = re.compile(
    rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
    rf"(?:-{_PRE_RELEASE}(?:\.{_PRE_RELEASE})*)?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
"""Semantic Versioning 2.0.0. A newer SOPS than we know is no fault."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which values are encrypted."""

    kind: str = RULES[0]
    """One of `RULES`."""
    text: str = "_unencrypted"
    """A suffix or a regular expression."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a document says about its own encryption."""

    groups: tuple[tuple[MasterKey, ...], ...]
    """Any key of a group gives the group's part; with one group, the part is the data key."""
    threshold: int
    """How many groups' parts make the data key; 0 when the document does not say."""
    rule: Rule
    mac: str = field(repr=False)
    """Encrypted; empty when there is none."""
    last_modified: str
    """As the MAC is bound to it: RFC 3339, whole seconds."""
    mac_only_encrypted: bool
    version: str


def read_metadata(branch: Branch | None) -> Metadata:
    """
    Type a document's `sops` entry.

    Args:
        branch: the entry; `None` when there is none.

    Raises:
        SopsError: when it is missing, contradicts itself, or asks for more than the bounds.
    """
    if branch is None:
        msg = "the document has no `sops` metadata: it is not encrypted, or in another format"
        raise invalid(msg)
    fields = Fields(branch, ("sops",))
    groups = _groups(fields)
    threshold = fields.integer("shamir_threshold")
    if not 0 <= threshold <= len(groups):
        msg = f"the threshold is {threshold}, and there are {len(groups)} key groups"
        raise invalid(msg, path=("sops", "shamir_threshold"))
    version = fields.text("version", _MAX_VERSION)
    if not _VERSION.fullmatch(version):
        msg = "this is no version of SOPS, such as 3.11.0; is the document cut off?"
        raise invalid(msg, path=("sops", "version"))
    return Metadata(
        groups=groups,
        threshold=threshold,
        rule=_rule(fields),
        mac=fields.text("mac", MAX_WRAPPED_KEY),
        last_modified=_last_modified(fields),
        mac_only_encrypted=fields.truth("mac_only_encrypted"),
        version=version,
    )


def _groups(fields: Fields) -> tuple[tuple[MasterKey, ...], ...]:
    keys = _keys(fields)
    groups = (keys,) if keys else tuple(_keys(group) for group in fields.listing("key_groups"))
    count = sum(len(group) for group in groups)
    if not count:
        msg = "the metadata names no key that could decrypt the document"
        raise invalid(msg, path=fields.path)
    if len(groups) > MAX_GROUPS or count > MAX_MASTER_KEYS:
        msg = f"more than {MAX_GROUPS} key groups or {MAX_MASTER_KEYS} keys"
        raise invalid(msg, path=fields.path)
    return groups


def _keys(fields: Fields) -> tuple[MasterKey, ...]:
    return tuple(read(entry) for kind, read in READERS.items() for entry in fields.listing(kind))


def _rule(fields: Fields) -> Rule:
    given = [Rule(kind, text) for kind in RULES if (text := fields.text(kind, MAX_PATTERN))]
    if len(given) > 1:
        msg = f"only one of {', '.join(rule.kind for rule in given)} can be used"
        raise invalid(msg, path=fields.path)
    return given[0] if given else Rule()


def _last_modified(fields: Fields) -> str:
    time = read_time(fields.text("lastmodified"))
    if time is None:
        msg = "this is no time as RFC 3339 says"
        raise invalid(msg, path=("sops", "lastmodified"))
    return whole_seconds(time)
