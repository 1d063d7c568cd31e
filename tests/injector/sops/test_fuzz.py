"""A little of the fuzzer at every run; `python -m tests.injector.sops.fuzz SECONDS` for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.injector.sops import fuzz

if TYPE_CHECKING:
    from pathlib import Path


def test_only_our_errors_come_out_of_broken_documents(tmp_path: Path) -> None:
    """Two seconds of mutations: bounded time, and no value in an error."""
    counts = fuzz.fuzz(2, tmp_path, seed=1)

    assert counts.refused.total() > 100
