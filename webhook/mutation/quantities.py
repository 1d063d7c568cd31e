"""Kubernetes quantities (`50m`, `64Mi`, `1e3`), exactly, and the QoS class that follows of them."""

from __future__ import annotations

import re
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from webhook.mutation.pod import INIT, REGULAR, documents, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webhook.mutation.pod import Document

GUARANTEED: Final = "Guaranteed"
BURSTABLE: Final = "Burstable"
BEST_EFFORT: Final = "BestEffort"
COUNTED: Final = ("cpu", "memory")
"""Resources that the QoS class looks at."""

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_QUANTITY: Final = re.compile(
    r"([+-]?[0-9]{1,18}(?:\.[0-9]{0,9})?)([a-zA-Z]{0,2}|[eE][+-]?[0-9]{1,2})"
)
_UNITS: Final[Mapping[str, Fraction]] = MappingProxyType(
    {
        "": Fraction(1),
        "n": Fraction(1, 10**9),
        "u": Fraction(1, 10**6),
        "m": Fraction(1, 10**3),
        "k": Fraction(10**3),
        **{unit: Fraction(10 ** (3 * power)) for power, unit in enumerate("MGTPE", 2)},
        **{f"{unit}i": Fraction(1 << (10 * power)) for power, unit in enumerate("KMGTPE", 1)},
    }
)


def parse(value: object) -> Fraction:
    """
    The number that a quantity stands for; 0 for what is none, as an absent one.

    Numbers of the document count like their text.
    """
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return Fraction(0)
    number, unit = Fraction(match[1].rstrip(".")), match[2]
    if unit in _UNITS:
        return number * _UNITS[unit]
    if unit[0] in "eE" and len(unit) > 1:
        return number * Fraction(10) ** int(unit[1:])
    return Fraction(0)


def cpu(number: Fraction) -> str:
    """A quantity of CPU, in whole thousandths, rounded up."""
    thousandths = -(-number * 1000 // 1)
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


def memory(number: Fraction) -> str:
    """A quantity of bytes, rounded up, in mebibytes where it is a multiple."""
    size = -(-number // 1)
    return f"{size >> 20}Mi" if size % (1 << 20) == 0 else str(size)


def quality(spec: Document) -> str:
    """The QoS class of a pod, as the API server computes it."""
    level = mapping(spec, "resources")
    if any(mapping(level, field) for field in ("requests", "limits")):
        return _quality([level])
    return _quality(
        [
            mapping(container, "resources")
            for field in (INIT, REGULAR)
            for container in documents(spec, field)
        ]
    )


def _quality(resources: list[Document]) -> str:
    requests = dict.fromkeys(COUNTED, Fraction(0))
    limits = dict.fromkeys(COUNTED, Fraction(0))
    complete = True
    for item in resources:
        own, bounds = mapping(item, "requests"), mapping(item, "limits")
        for name in COUNTED:
            limit = parse(bounds.get(name, 0))
            complete = complete and limit > 0
            limits[name] += limit
            # The API server takes an absent request from the limit.
            requests[name] += parse(own.get(name, bounds.get(name, 0)))
    if not any(requests.values()) and not any(limits.values()):
        return BEST_EFFORT
    return GUARANTEED if complete and requests == limits else BURSTABLE
