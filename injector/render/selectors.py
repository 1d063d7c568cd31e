"""
Selectors: the part of a reference after `#`.

A literal key comes first, then a dotted path of literal keys, then JMESPath; so `#tls.crt` and
`#/odd key` mean the key that is really there. Nothing found is an error which names the keys.
"""

from __future__ import annotations

from typing import Any, Final

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.render.documents import name_list, printable

_MISSING: Final = object()


def select(document: object, selector: str, where: str) -> Any:  # noqa: ANN401 - any JSON
    """
    Find what a selector points at.

    Args:
        document: as `documents.parse` gives it.
        selector: verbatim.
        where: what to call the secret in a message.

    Raises:
        RenderError: when nothing is found (JSON null is nothing), or there is nothing to select in.
    """
    shown = printable(selector)
    if not isinstance(document, dict | list):
        msg = f"{where}: `#{shown}` asks for a key, but the secret is no JSON object"
        raise RenderError(Reason.NOT_A_MAPPING, msg)
    found = _literal(document, selector)
    if found is _MISSING:
        found = _expression(document, selector, where)
    if found is None or found is _MISSING:
        keys = name_list(document) if isinstance(document, dict) else "none, it is a list"
        msg = f"{where}: `#{shown}` finds nothing; its keys are: {keys}"
        raise RenderError(Reason.SELECTOR_NOT_FOUND, msg)
    return found


def _literal(document: object, selector: str) -> object:
    """Walk the dots; at each step the whole rest may be one literal key."""
    rest = selector
    while isinstance(document, dict):
        if rest in document:
            return document[rest]
        key, dot, rest = rest.partition(".")
        if not dot or key not in document:
            return _MISSING
        document = document[key]
    return _MISSING


def _expression(document: object, selector: str, where: str) -> object:
    from injector.render import expressions  # noqa: PLC0415 - only what is no key pays for jmespath

    try:
        found = expressions.search(selector, document)
    except RenderError as exc:
        msg = f"{where}: `#{printable(selector)}` cannot be evaluated: {exc}"
        raise RenderError(exc.reason, msg) from None
    except Exception as exc:  # noqa: BLE001 - whatever the library raises may quote a value
        msg = f"{where}: `#{printable(selector)}` cannot be evaluated ({type(exc).__name__})"
        raise RenderError(Reason.SELECTOR_NOT_FOUND, msg) from None
    # A projection that matches nothing gives an empty list, not null.
    return _MISSING if found == [] else found
