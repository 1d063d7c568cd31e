"""The short form: one annotation a secret, `file.<name>`, `dir.<name>`, `env.<NAME>`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.contract import references
from injector.contract.plan import Source, Variable
from injector.contract.reasons import Reason
from webhook.annotations import parsers, table
from webhook.annotations.intent import Origin, Wanted

if TYPE_CHECKING:
    from webhook.errors import Problems


def read(name: str, key: str, text: str, problems: Problems) -> Wanted | None:
    """
    Read one annotation.

    Args:
        name: the key without the domain.
        key: the key as messages say it.
        text: the reference.
        problems: where wrong ones are noted.
    """
    kind, _, target = name.partition(".")
    wrong: list[tuple[Reason, str]] = []
    try:
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
