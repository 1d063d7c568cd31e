"""
Dataclasses that are cheap to define, for processes that end within a second.

`dataclasses` writes the source of each class's methods and compiles it: for our sixty classes that
is a quarter of the instructions of an init container and of a worker. Here `dataclasses` finds the
fields, and methods that are the same for every class look at them. Instances take longer to make,
which pays as long as there are hundreds of them, not millions. A class that asks for more than
`frozen` and `slots`, and every class of somebody else, gets the real decorator.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

REAL: Final = dataclasses.dataclass
_OURS: Final = "injector."
_KNOWN: Final = frozenset({"frozen", "slots"})
_MISSING: Final = dataclasses.MISSING


def install() -> None:
    """Let modules that are imported from now on define their dataclasses so."""
    setattr(dataclasses, "dataclass", dataclass)  # noqa: B010 - types are as they were


def dataclass(cls: Any = None, /, **options: Any) -> Any:  # noqa: ANN401 - as the real one
    """Make a dataclass, as `dataclasses.dataclass` would."""
    if cls is None:
        return partial(dataclass, **options)
    if not cls.__module__.startswith(_OURS) or not options.keys() <= _KNOWN:
        return REAL(cls, **options)
    slots, frozen = options.get("slots", False), options.get("frozen", False)
    # One without a docstring would get its signature for one, which takes long and nobody reads.
    cls.__doc__ = cls.__doc__ or cls.__name__
    made = REAL(init=False, repr=False, eq=False, slots=slots)(cls)
    fields = dataclasses.fields(made)
    if any(not field.init or field.kw_only or field.hash is not None for field in fields):
        msg = f"{made.__qualname__} has a field that is not made here"
        raise TypeError(msg)
    for name, method in _methods(fields, frozen=frozen).items():
        # Python puts a `__hash__` of None beside an `__eq__` of the class's own.
        if cls.__dict__.get(name) is None:
            setattr(made, name, method)
    return made


def _methods(fields: tuple[dataclasses.Field[Any], ...], *, frozen: bool) -> dict[str, Any]:
    compared = _values([field.name for field in fields if field.compare])
    shown = [field.name for field in fields if field.repr]

    def equals(self: object, other: object) -> Any:  # noqa: ANN401 - or NotImplemented
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compared(self) == compared(other)

    def represent(self: object) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{self.__class__.__qualname__}({values})"

    methods = {"__init__": _initializer(fields), "__eq__": equals, "__repr__": represent}
    if not frozen:
        return {**methods, "__hash__": None}
    digest = {"__hash__": lambda self: hash(compared(self))}
    return {**methods, **digest, "__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}


def _values(names: list[str]) -> Callable[[object], tuple[Any, ...]]:
    """Give the values of fields as a tuple, however few they are."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def _initializer(fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    names = [field.name for field in fields]
    known = frozenset(names)
    assign = object.__setattr__

    def initialize(self: object, *given: object, **named: object) -> None:
        values = dict(zip(names, given, strict=False))
        if len(given) > len(names) or not named.keys() <= known or values.keys() & named.keys():
            raise _misused(self)
        values |= named
        for field in fields:
            name = field.name
            if name in values:
                value = values[name]
            elif field.default is not _MISSING:
                value = field.default
            elif field.default_factory is not _MISSING:
                value = field.default_factory()
            else:
                raise _misused(self)
            assign(self, name, value)

    return initialize


def _misused(self: object) -> TypeError:
    return TypeError(f"{type(self).__qualname__}() was given too few, too many or wrong arguments")


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    msg = f"cannot assign to field {name!r}"
    raise dataclasses.FrozenInstanceError(msg)


def _refuse_to_delete(_self: object, name: str) -> None:
    msg = f"cannot delete field {name!r}"
    raise dataclasses.FrozenInstanceError(msg)
