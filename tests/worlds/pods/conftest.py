"""Runs pods for the length of a test."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.worlds.pods.pods import IMAGE, mint
from worlds.pods import PodRunner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Make(Protocol):
    """Makes a runner that ends with the test."""

    def __call__(self, pod: dict[str, Any], **options: Any) -> PodRunner:  # noqa: ANN401 - of the runner
        """Make it, without starting anything."""
        ...


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes runners, without starting anything."""
    with ExitStack() as stack:

        def runner(pod: dict[str, Any], **options: Any) -> PodRunner:  # noqa: ANN401 - of the runner
            return stack.enter_context(PodRunner(pod, tmp_path, image=IMAGE, mint=mint, **options))

        yield runner
