"""Does the same for several things at once, in threads, and in none where one is enough."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

PARALLEL: Final = 8
"""At once; a pod has one or two stores or sessions, and each opens its own connections."""


def each(run: Callable[[T], None], items: Sequence[T]) -> None:
    """
    Run for every item, and wait for all.

    Args:
        run: raises nothing, for nobody would hear it.
        items: in the order in which they are begun.
    """
    if len(items) < 2:  # noqa: PLR2004 - a single one needs no thread
        for item in items:
            run(item)
        return
    left = iter(items)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                item = next(left, None)
            if item is None:
                return
            run(item)

    threads = []
    with suppress(RuntimeError):  # the pod has as many processes as it may have: one does it all
        for _ in range(min(PARALLEL, len(items)) - 1):
            thread = threading.Thread(target=work)
            thread.start()
            threads.append(thread)
    work()
    for thread in threads:
        thread.join()
