"""
Fields of the metadata, which is weakly typed: flat formats have texts only.

A field that is missing or null is empty. A field that nobody asks for is ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.sops.errors import invalid
from injector.sops.limits import MAX_IDENTIFIER, MAX_MASTER_KEYS
from injector.sops.tree import Branch, Entry, Listing, Scalar, Time
from injector.sops.values import read_bool, read_int, write_float

if TYPE_CHECKING:
    from injector.sops.tree import Node


class Fields:
    """The fields of one mapping, and where it stands."""

    def __init__(self, branch: Branch, path: tuple[str, ...]) -> None:
        self.path = path
        self._nodes: dict[str, Node] = {
            item.key: item.value for item in branch.items if isinstance(item, Entry)
        }

    def text(self, name: str, limit: int = MAX_IDENTIFIER) -> str:
        """
        Give a text; numbers and truth are written out.

        Raises:
            SopsError: for a mapping or sequence, or a text over the limit.
        """
        text = self._text(name)
        if len(text) > limit:
            msg = f"the text has more than {limit} characters"
            raise invalid(msg, path=(*self.path, name))
        return text

    def _text(self, name: str) -> str:
        match self._nodes.get(name):
            case None | Scalar(value=None):
                return ""
            case Scalar(value=str() as text) | Scalar(value=Time(text=text)):
                return text
            case Scalar(value=bool() as truth):
                return "true" if truth else "false"
            case Scalar(value=int() as number):
                return str(number)
            case Scalar(value=float() as number):
                return write_float(number)
            case _:
                msg = "this is no text"
                raise invalid(msg, path=(*self.path, name))

    def integer(self, name: str) -> int:
        """
        Give an integer; 0 when there is none.

        Raises:
            SopsError: for anything else.
        """
        text = self.text(name)
        number = read_int(text) if text else 0
        if number is None:
            msg = "this is no integer"
            raise invalid(msg, path=(*self.path, name))
        return number

    def truth(self, name: str) -> bool:
        """
        Give yes or no; no when there is none.

        Raises:
            SopsError: for anything else.
        """
        text = self.text(name)
        truth = read_bool(text) if text else False
        if truth is None:
            msg = "this is neither true nor false"
            raise invalid(msg, path=(*self.path, name))
        return truth

    def listing(self, name: str) -> list[Fields]:
        """
        Give the mappings of a sequence; none when it is missing, null or an empty text.

        Raises:
            SopsError: for anything else, and for a longer sequence than there may be keys.
        """
        path = (*self.path, name)
        match self._nodes.get(name):
            case None | Scalar(value=None | ""):
                return []
            case Listing(items=items) if len(items) <= MAX_MASTER_KEYS:
                found = [item for item in items if isinstance(item, Branch)]
                nodes = [item for item in items if isinstance(item, Branch | Listing | Scalar)]
                if len(found) == len(nodes):
                    return [Fields(item, path) for item in found]
            case _:
                pass
        msg = f"this is no sequence of at most {MAX_MASTER_KEYS} mappings"
        raise invalid(msg, path=path)

    def texts(self, name: str) -> tuple[tuple[str, str], ...]:
        """
        Give a mapping of texts, in order.

        Raises:
            SopsError: for anything else.
        """
        match self._nodes.get(name):
            case None | Scalar(value=None | ""):
                return ()
            case Branch(items=items):
                inner = Fields(Branch(items), (*self.path, name))
                return tuple((key, inner.text(key)) for key in inner._nodes)
            case _:
                msg = "this is no mapping"
                raise invalid(msg, path=(*self.path, name))
