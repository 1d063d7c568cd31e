"""The short form: one annotation a secret, `file.<name>`, `dir.<name>`, `env.<NAME>`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from injector.contract import references
from injector.contract.names import DOMAIN
from injector.contract.plan import Source, Variable
from injector.contract.reasons import Reason
from webhook.annotations import parsers, table
from webhook.annotations.intent import Origin, Wanted

if TYPE_CHECKING:
    from webhook.annotations.inheritance import Value
    from webhook.errors import Problems


# https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/
NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
"""A key without its domain."""


_NO_NAME: Final = (
    "Kubernetes allows 63 letters, digits and `-_.` here, ending in a letter or digit; other names "
    f"go into `{DOMAIN}/{table.SECRETS}`"
)


def read(name: str, value: Value, problems: Problems) -> Wanted | None:
    """
    Read one annotation.

    Args:
        name: the key without the domain.
        value: the reference.
        problems: where wrong ones are noted.
    """
    key, text = value.key, value.text
    kind, _, target = name.partition(".")
    wrong: list[tuple[Reason, str]] = []
    try:
        if not NAME.fullmatch(name):
            raise ValueError(_NO_NAME)  # noqa: TRY301 - one way out for whatever is wrong
        if name.startswith(table.VARIABLE):
            parsers.variable_name(target)
        else:
            parsers.file_path(target)
    except ValueError as exc:
        wrong.append((Reason.INVALID_ANNOTATION, str(exc)))
    try:
        reference = references.parse(text)
    except references.InvalidReferenceError as exc:
        wrong.append((Reason.INVALID_REFERENCE, str(exc)))
    for reason, message in wrong:
        problems.add(reason, key, message)
    if wrong:
        return None
    sources = (Source("value", reference),)
    if kind == "env":
        return Wanted(Origin(key), sources, "env", variables=(Variable(target),))
    return Wanted(Origin(key), sources, kind, target)
