"""
Secret bytes in memory, the one type that may hold them, and the file that they become.

Nothing here prints, pickles, copies or hashes a secret: what a program writes by accident is a
size.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import NoReturn


class Material:
    """
    Secret bytes.

    `repr`, `str` and every format give only the size; pickling, copying and `bytes()` raise.
    `reveal` is called where bytes must leave: logins, rendering, files, the state.
    """

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        if type(data) is not bytes:
            msg = f"Material is made of bytes, not of {type(data).__name__}"
            raise TypeError(msg)
        self._data = data

    def reveal(self) -> bytes:
        """Give the bytes away. A house test counts who calls this."""
        return self._data

    def __len__(self) -> int:
        return len(self._data)

    def __bool__(self) -> bool:
        """Always true, as of any object: an empty secret is still a secret that was read."""
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Material):
            return NotImplemented
        return hmac.compare_digest(self._data, other._data)

    def __hash__(self) -> NoReturn:
        msg = "Material is not hashable: a hash of a short secret is the secret"
        raise TypeError(msg)

    def __repr__(self) -> str:
        return f"<Material {len(self._data)} bytes>"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bytes__(self) -> NoReturn:
        msg = "Material does not turn into bytes by itself; call reveal() where they leave"
        raise TypeError(msg)

    def __iter__(self) -> NoReturn:
        msg = "Material cannot be iterated"
        raise TypeError(msg)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # The one door of pickle, copy and deepcopy, and so of dataclasses.asdict.
        msg = "Material cannot be pickled or copied"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """One file of a publication."""

    path: str
    """Relative to the volume; see `injector.contract.paths`."""
    material: Material
    mode: int = 0o444
    """Permission bits."""
