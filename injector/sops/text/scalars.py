"""
How go-yaml v3 writes one scalar: plain, in quotes, or as a literal block.

SOPS encodes each scalar on its own, parses that, and writes the node into the document: the style
is chosen once from the text, and only a key that must stay on one line can change it later.
"""

from __future__ import annotations

import base64
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from injector.sops.text import golang, resolution
from injector.sops.tree import Time

if TYPE_CHECKING:
    from injector.sops.tree import Scalar

Style = Literal["plain", "single", "double", "literal"]

BREAKS: Final = "\n\r\x85\u2028\u2029"
"""What libyaml takes for the end of a line."""
_UNPRINTABLE: Final = "\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe-\U0010ffff"
"""
All but YAML 1.1's printable characters, with the byte order mark and everything beyond U+FFFF.

Written so, and not as what it leaves out: `re` counts up every range of a class below U+FFFF, which
for the printable ones was a twelfth of what an init container of a document took.
"""
_SPECIAL: Final = re.compile(f"[{_UNPRINTABLE}]")
_ESCAPED: Final = re.compile(f'[\t{_UNPRINTABLE}{BREAKS}"\\\\]')
_INDICATOR: Final = re.compile(
    "---|\\.\\.\\."  # looks like the end of a document
    "|[#,\\[\\]{}&*!|>'\"%@`]"
    "|[?:-](?:[ \t]|\\Z)"
)
"""At the beginning of a text: what YAML would read as its own."""
_INDICATOR_INSIDE: Final = re.compile(f":(?:[ \t]|\\Z)|(?<=[ \t{BREAKS}\0])#", re.DOTALL)
_SPACE_AT_BREAK: Final = re.compile(f" [{BREAKS}]")
_BREAK_BEFORE_SPACE: Final = re.compile(f"[{BREAKS}] ")
_BREAK: Final = re.compile(f"[{BREAKS}]")
_NAMED: Final = {
    0x00: "0",
    0x07: "a",
    0x08: "b",
    0x09: "t",
    0x0A: "n",
    0x0B: "v",
    0x0C: "f",
    0x0D: "r",
    0x1B: "e",
    0x22: '"',
    0x5C: "\\",
    0x85: "N",
    0xA0: "_",
    0x2028: "L",
    0x2029: "P",
}
_BYTE_ORDER_MARK: Final = "\ufeff"
_BASE64_LINE: Final = 70
_ONE_BYTE, _TWO_BYTES = 0xFF, 0xFFFF


@dataclass(frozen=True, slots=True)
class Presentation:
    """A scalar, ready to be placed."""

    text: str = field(repr=False)
    style: Style
    tag: str = ""
    """Of `!!binary` or `!!merge`; every other scalar says by its style what it is."""

    @property
    def multiline(self) -> bool:
        """Whether libyaml sees a line end in it."""
        return bool(_BREAK.search(self.text))

    @property
    def indicators(self) -> str:
        """What stands behind the bar of a literal block: a hint of indentation, and chomping."""
        hint = "4" if self.text[0] in f" {BREAKS}" else ""
        if self.text[-1] not in BREAKS:
            return f"{hint}-"
        kept = len(self.text) == 1 or self.text[-2] in BREAKS
        return f"{hint}+" if kept else hint


def presented(scalar: Scalar) -> Presentation:
    """Choose tag and style of a value."""
    match scalar.value:
        case None:
            return Presentation("null", "plain")
        case bool(flag):
            return Presentation("true" if flag else "false", "plain")
        case int(number):
            return Presentation(str(number), "plain")
        case float(number):
            return Presentation(_float(number), "plain")
        case Time(text):
            return Presentation(text, "plain")
        case str(value) | bytes(value):
            return present(golang.string(value))


def present(text: str) -> Presentation:
    """Choose tag and style of a Go string, which a key is too."""
    if not golang.is_text(text):
        text = _base64(golang.encoded(text))
        return Presentation(text, "literal" if "\n" in text else "plain", "binary")
    style = _style(text)
    # A plain << would merge mappings, so go-yaml says what it is.
    return Presentation(text, style, "merge" if text == "<<" else "")


def single(text: str) -> str:
    """Write the inside of single quotes."""
    return text.replace("'", "''")


def double(text: str) -> str:
    """Write the inside of double quotes; go-yaml escapes all of a text behind a U+FEFF."""
    if text.startswith(_BYTE_ORDER_MARK):
        return "".join(map(_escape, text))
    return _ESCAPED.sub(lambda match: _escape(match[0]), text)


def _escape(character: str) -> str:
    code = ord(character)
    if code in _NAMED:
        return f"\\{_NAMED[code]}"
    if code <= _ONE_BYTE:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= _TWO_BYTES else f"\\U{code:08X}"


def _style(text: str) -> Style:
    """Choose as go-yaml's encoder, corrected by what libyaml's emitter finds possible."""
    unquotable = bool(_SPECIAL.search(text) or _SPACE_AT_BREAK.search(text))
    if "\n" in text:
        # go-yaml cannot read back a literal block that begins with a tab, upon which SOPS prints
        # null: the one place where its bytes are not kept, since the value would be lost.
        return "double" if unquotable or text[-1] == " " or text[0] == "\t" else "literal"
    if not resolution.stays_text(text):
        return "double"
    if _can_be_plain(text, unquotable=unquotable):
        return "plain"
    if unquotable or "\t" in text or _BREAK_BEFORE_SPACE.search(text):
        return "double"
    return "single"


def _can_be_plain(text: str, *, unquotable: bool) -> bool:
    return not (
        unquotable
        or text[0] == " "
        or text[-1] == " "
        or "\t" in text
        or _BREAK.search(text)
        or _INDICATOR.match(text)
        or _INDICATOR_INSIDE.search(text, 1)
    )


def _base64(data: bytes) -> str:
    text = base64.b64encode(data).decode()
    if len(text) < _BASE64_LINE:
        return text
    starts = range(0, len(text), _BASE64_LINE)
    return "".join(f"{text[start : start + _BASE64_LINE]}\n" for start in starts)


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return golang.float_general(value)
