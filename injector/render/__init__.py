"""
From fetched bytes to the bytes of files: selectors, formats, templates. Pure.

Errors name references, keys, variables and lines, never values. What a secret was stored as stays
as it was, byte for byte, unless another format, a selector or a template asks for something else.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from injector.contract import paths
from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.material import Material, RenderedFile
from injector.render import decoding, documents, formats, selectors
from injector.render.envfile import env_file
from injector.render.interface import MAX_OUTPUT, Rendered, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from injector.contract.plan import Secret, Source
    from injector.contract.references import Reference

__all__ = ["MAX_OUTPUT", "Rendered", "RenderedFile", "Value", "env_file", "render"]


@dataclass(frozen=True, slots=True)
class _Content:
    """One value on its way: as data, and as the store holds it while nobody touched it."""

    where: str
    """What to call it in a message."""
    data: object = field(repr=False)
    stored: bytes | None = field(default=None, repr=False)
    form: str = "json"
    """Format of what is stored, where that is a container."""
    whole: bool = False
    """A document that can only be had as it is."""

    def bytes(self) -> bytes:
        return documents.to_bytes(self.data) if self.stored is None else self.stored


def render(
    secret: Secret,
    values: Mapping[Reference, Value],
    *,
    delimiters: tuple[str, str] = ("{{", "}}"),
    clock: Callable[[], float] = time.monotonic,
) -> Rendered:
    """
    Make of fetched values what one secret of the plan asks for.

    Args:
        secret: sources with their selectors, and the target.
        values: what each read gave, by `Reference.read` (the reference without selector); every
            source of the secret must be there. The caller leaves out optional secrets that are
            absent.
        delimiters: of template variables (`Plan.delimiters`).
        clock: monotonic seconds, for the time that a template may take.

    Raises:
        RenderError: for a selector that finds nothing, keys asked of a plain value, a wrong
            encoding, a template that fails, a variable or file name that cannot be.
    """
    contents = {source.name: _content(source, values, secret.decode) for source in secret.sources}
    if secret.template:
        content = _from_template(secret, contents, delimiters, clock)
    elif len(contents) == 1:
        content = next(iter(contents.values()))
    else:
        msg = f"{secret.target}: several sources need a template"
        raise RenderError(Reason.INVALID_PLAN, msg)
    if secret.kind == "env":
        return Rendered(variables=_variables(secret, content))
    return Rendered(
        files=_file(secret, content) if secret.kind == "file" else _dir(secret, content)
    )


def _content(source: Source, values: Mapping[Reference, Value], decode: str) -> _Content:
    where = documents.printable(str(source.reference.read))
    value = values[source.reference.read]
    stored = value.material.reveal()
    data = documents.parse(stored)
    if value.mapping and not isinstance(data, dict):
        msg = f"{where}: the provider gave a mapping that is no JSON object"
        raise RenderError(Reason.INTERNAL, msg)
    whole = bool(value.form) and value.text is None
    if source.reference.selector and whole:
        msg = f"{where}: the document has no keys, or not once each; take it as a whole"
        raise RenderError(Reason.NOT_A_MAPPING, msg)
    if source.reference.selector:
        data = selectors.select(data, source.reference.selector, where)
        where = f"{where}#{documents.printable(source.reference.selector)}"
    if decode:
        data = decoding.apply(data, where)
    if source.reference.selector or decode:
        return _Content(where, data)
    if value.text is not None:
        return _Content(where, data, value.text.reveal(), value.form)
    return _Content(where, data, stored, value.form or "json", whole)


def _from_template(
    secret: Secret,
    contents: Mapping[str, _Content],
    delimiters: tuple[str, str],
    clock: Callable[[], float],
) -> _Content:
    from injector.render import templates  # noqa: PLC0415 - only a template pays for jinja2

    named = {name: content.data for name, content in contents.items()}
    text = templates.render(secret.template, named, delimiters=delimiters, clock=clock)
    return _Content("the template's result", documents.encode(text))


def _file(secret: Secret, content: _Content) -> tuple[RenderedFile, ...]:
    asked = secret.format or formats.of_name(secret.path)
    if content.whole and asked not in {"", "raw", content.form}:
        msg = f"{content.where}: the document has no keys, or not once each, to be written as"
        raise RenderError(Reason.NOT_A_MAPPING, f"{msg} {asked}")
    own = content.form if content.stored is not None else "json"
    chosen = secret.format or formats.default(secret.path, content.data, own)
    container = isinstance(content.data, dict | list)
    try:
        if chosen == "raw" or secret.template or (chosen == own and content.stored and container):
            data = content.bytes()
        else:
            data = formats.dump(_text(content.data), chosen)
    except RenderError as exc:
        raise RenderError(exc.reason, f"{content.where}: {exc}") from None
    return (_rendered(secret.path, data, secret.mode),)


def _text(data: object) -> object:
    """A plain value is text to every format but raw."""
    return documents.to_text(data) if isinstance(data, bytes) else data


def _dir(secret: Secret, content: _Content) -> tuple[RenderedFile, ...]:
    if not isinstance(content.data, dict):
        msg = f"{content.where}: a directory needs a mapping, one file per key"
        raise RenderError(Reason.NOT_A_MAPPING, msg)
    prefix = "" if secret.path == "." else f"{secret.path}/"
    files = []
    for key, item in content.data.items():
        path = f"{prefix}{key}"
        wrong = paths.problem(path)
        if wrong is not None:
            msg = f"{content.where}: the key `{documents.printable(key)}` is no file name: {wrong}"
            raise RenderError(Reason.UNSAFE_PATH, msg)
        above = _above(key, content.data)
        if above is not None:
            msg = f"{content.where}: the key `{above}` is a file, and the directory of another key"
            raise RenderError(Reason.NAME_COLLISION, msg)
        nested = isinstance(item, dict | list)
        form = (secret.format or formats.default(path, item)) if nested else "raw"
        files.append(_rendered(path, formats.dump(item, form), secret.mode))
    return tuple(files)


def _above(key: str, keys: Container[str]) -> str | None:
    """Find a key that would have to be the directory of this one: names may keep their `/`."""
    parts = key.split("/")
    above = ("/".join(parts[:n]) for n in range(1, len(parts)))
    return next((documents.printable(name) for name in above if name in keys), None)


def _rendered(path: str, data: bytes, mode: int) -> RenderedFile:
    return RenderedFile(path, Material(data), mode)


def _variables(secret: Secret, content: _Content) -> tuple[tuple[str, Material], ...]:
    variables = []
    for variable in secret.variables:
        if variable.key:
            found = selectors.select(content.data, variable.key, content.where)
            data = documents.to_bytes(found)
        else:
            data = content.bytes()
        variables.append((variable.name, Material(data)))
    return tuple(variables)
