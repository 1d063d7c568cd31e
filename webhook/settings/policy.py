"""
The policy's rules, validated: patterns whose placeholders are bounded, known words, no empty rule.

A pattern's `*` stops at `/`, its `**` does not. Nothing here decides a pod; that is the mutation's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from injector.contract import references
from webhook.annotations import parsers, placeholders, trust
from webhook.annotations.documents import Mapping, Sequence, Text
from webhook.settings.shapes import Allow, NamespaceSelector, Rule

if TYPE_CHECKING:
    from webhook.settings.sections import Section

ACTIONS: Final = ("signal", "http", "restart")
ALLOW: Final = {
    "stores": "Store name (or `*`) to a list of path patterns.",
    "roles": "Patterns of every role of a chain, every Google service account and Azure client id.",
    "vault-roles": "Patterns of Vault roles.",
    "vault-namespaces": "Patterns of Vault namespaces, of reads and of logins; the one without a "
    "name is `root`. Left out: that one only.",
    "vault-auth-mounts": "Patterns of the mounts of Vault logins. Left out: those that the "
    "operator gives, and those that are called as their method.",
    "on-change": "Any of `signal`, `http`, `restart`.",
    "audiences": "Audiences beyond the providers' usual ones.",
    "ambient": "`true`: the SDK's own credential chain.",
    "http": "`true`: addresses without TLS.",
}
"""Keys of a rule's `allow` and what they mean."""
_KEYS: Final = ("arn:", "projects/", "https://", "http://", "age1", "ssh-", "*")
_RULE_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_NAMESPACE: Final = re.compile(r"[a-z0-9*]([-a-z0-9*]{0,61}[a-z0-9*])?")
# A label's key (an optional prefix and a name) and the pattern of its value.
_LABEL: Final = re.compile(
    r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
)
_LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9._*-]{1,63}")


def rules(document: Section) -> tuple[Rule, ...]:
    """Read the rules, in their order."""
    found: list[Rule] = []
    for section in document.sections("policy"):
        rule = _rule(section)
        if any(rule.name and rule.name == other.name for other in found):
            section.refuse("name", section.node.line, f"two rules are called `{rule.name}`")
        found.append(rule)
    return tuple(found)


def pattern(text: str) -> str:
    """
    Parse a pattern of paths, roles or names.

    Raises:
        ValueError: says what is wrong with it.
    """
    if not text or not text.isprintable() or " " in text:
        msg = f"`{text[:60]}` is not a pattern: no spaces, at least `*`"
        raise ValueError(msg)
    if "***" in text:
        msg = f"`{text[:60]}`: `*` stops at `/`, `**` does not, and there is no `***`"
        raise ValueError(msg)
    if {".", ".."} & set(text.split("/")):
        msg = f"`{text[:60]}`: `.` and `..` never match, since no path has them"
        raise ValueError(msg)
    placeholders.check(text)
    return text


def key_pattern(text: str) -> str:
    """
    Parse a pattern of keys that SOPS documents may name.

    Raises:
        ValueError: for one that no key can match, as far as its beginning tells.
    """
    pattern(text)
    host = text.split("/")[2] if text.startswith(("https://", "http://")) else ""
    if not text.startswith(_KEYS):
        msg = f"`{text[:60]}` names no key: a pattern begins with {', '.join(_KEYS)}"
        raise ValueError(msg)
    if text.endswith("/") or host != host.lower():
        msg = f"`{text[:60]}` matches no key: hosts are in lower case, and no `/` is at the end"
        raise ValueError(msg)
    if host and "/v1/" not in text and ".vault." not in host and "*" not in text:
        msg = f"`{text[:60]}` is no key of Vault's: write `https://<host>/v1/<mount>/keys/<name>`"
        raise ValueError(msg)
    return text


def _rule(section: Section) -> Rule:
    section.only("name", "namespaces", "enforce", "allow")
    name = section.text("name", "", _rule_name)
    if "name" not in section.node.entries:
        section.refuse("name", section.node.line, "is missing; denials name the rule")
    enforce = section.text("enforce", "deny", parsers.choice("deny", "warn"))
    return Rule(name, _namespaces(section), _allow(section.section("allow")), enforce)


def _namespaces(section: Section) -> NamespaceSelector:
    node = section.node.entries.get("namespaces")
    if node is None:
        return NamespaceSelector()
    if isinstance(node, Sequence | Text):
        names = section.texts("namespaces", (), _namespace)
        if isinstance(node, Sequence) and not node.items:
            section.refuse("namespaces", node.line, "names none; leave it out to mean all")
        return NamespaceSelector(names=names)
    below = section.section("namespaces")
    below.only("names", "labels")
    if not node.entries:
        section.refuse("namespaces", node.line, "selects nothing; leave it out to mean all")
    labels = below.section("labels")
    patterns: dict[str, str] = {}
    for key, item in labels.items():
        if not _LABEL.fullmatch(key):
            labels.refuse(key[:60], labels.node.key_lines[key], "is no label's key")
        elif (value := labels.parsed(key, item, _label_value)) is not None:
            patterns[key] = value
    return NamespaceSelector(below.texts("names", (), _namespace), patterns)


def _allow(section: Section) -> Allow:
    section.only(*ALLOW)
    return Allow(
        stores=_stores(section),
        roles=section.texts("roles", (), pattern),
        vault_roles=section.texts("vault-roles", (), pattern),
        vault_namespaces=section.texts("vault-namespaces", (), pattern),
        vault_auth_mounts=section.texts("vault-auth-mounts", (), pattern),
        on_change=section.texts("on-change", (), parsers.choice(*ACTIONS)),
        audiences=section.texts("audiences", (), trust.audience),
        ambient=section.boolean("ambient", default=False),
        http=section.boolean("http", default=False),
    )


def _stores(section: Section) -> dict[str, tuple[str, ...]]:
    node = section.node.entries.get("stores")
    if node is not None and not isinstance(node, Mapping):
        section.refuse("stores", node.line, 'wants a mapping such as {app: ["**"]}')
        return {}
    stores = section.section("stores")
    found: dict[str, tuple[str, ...]] = {}
    for name, line in stores.node.key_lines.items():
        if name != "*" and not references.STORE_NAME.fullmatch(name):
            stores.refuse(name[:60], line, "is no store name, nor `*`")
        else:
            found[name] = stores.texts(name, (), pattern)
    return found


def _rule_name(text: str) -> str:
    if not _RULE_NAME.fullmatch(text):
        msg = f"`{text[:60]}` is not a name of letters, digits and `-_.`"
        raise ValueError(msg)
    return text


def _namespace(text: str) -> str:
    if not _NAMESPACE.fullmatch(text):
        msg = f"`{text[:60]}` is not a namespace's name, or a pattern such as team-*"
        raise ValueError(msg)
    return text


def _label_value(text: str) -> str:
    if not _LABEL_VALUE.fullmatch(text):
        msg = f"`{text[:60]}` is not a label's value, or a pattern such as `*`"
        raise ValueError(msg)
    return text
