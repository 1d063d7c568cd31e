"""Kubernetes quantities (`50m`, `64Mi`, `1e3`), exactly, and the QoS class that follows of them."""

from __future__ import annotations

import re
from functools import lru_cache
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

ONE: Final = 10**9
"""What the quantity `1` is here: numbers are exact in thousand-millionths, Kubernetes' smallest."""
# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_QUANTITY: Final = re.compile(
    r"([0-9]{1,18})(?:\.([0-9]{0,9}))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?"
)
_UNITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "n": 1,
        "u": 10**3,
        "m": 10**6,
        "k": ONE * 10**3,
        **{unit: ONE * 10 ** (3 * power) for power, unit in enumerate("MGTPE", 2)},
        **{f"{unit}i": ONE << (10 * power) for power, unit in enumerate("KMGTPE", 1)},
    }
)


def parse(value: object) -> int:
    """
    The number that a quantity stands for, in thousand-millionths.

    What is none, as an absent one, is 0; numbers of the document count like their text.
    """
    return _parsed(str(value))


@lru_cache(maxsize=512)
def _parsed(text: str) -> int:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return 0
    decimals = match[2] or ""
    number = int(match[1] + decimals)
    if match[4] is not None:
        power = int(match[4])
        unit = ONE * _tens(power) if power >= 0 else ONE // _tens(-power)
    else:
        unit = _UNITS[match[3]] if match[3] else ONE
    return number * unit // _tens(len(decimals))


def _tens(power: int) -> int:
    return int(f"1{'0' * power}")


def cpu(number: int) -> str:
    """A quantity of CPU, in whole thousandths, rounded up."""
    thousandths = -(-number // 10**6)
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def memory(number: int) -> str:
    """A quantity of bytes, rounded up, in mebibytes where it is a multiple."""
    size = -(-number // ONE)
    return str(size) if size % (1 << 20) else f"{size >> 20}Mi"


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
    requests = dict.fromkeys(COUNTED, 0)
    limits = dict.fromkeys(COUNTED, 0)
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
