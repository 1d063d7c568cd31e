"""The closed list of reasons."""

from __future__ import annotations

import re

from injector.contract.reasons import CONSEQUENCES, ExitCode, Reason


def test_every_reason_has_its_consequences() -> None:
    """Each word has a status, an exit code and a sentence, and no row is left over."""
    codes = {value for name, value in vars(ExitCode).items() if not name.startswith("_")}

    assert set(CONSEQUENCES) == set(Reason)
    assert all(400 <= row.status <= 503 for row in CONSEQUENCES.values())
    assert all(row.exit_code in codes - {ExitCode.OK} for row in CONSEQUENCES.values())
    assert all(re.fullmatch(r"[A-Z].+\.", row.meaning) for row in CONSEQUENCES.values())


def test_reasons_are_words_in_kebab_case() -> None:
    """The word is fit for a metric's label, a status and a table."""
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", reason) for reason in Reason)


def test_only_what_may_pass_by_itself_is_tried_again() -> None:
    """A definite no is never retried."""
    retried = {reason for reason, row in CONSEQUENCES.items() if row.retryable}

    assert retried == {
        Reason.TOKEN_UNAVAILABLE,
        Reason.UNAVAILABLE,
        Reason.THROTTLED,
        Reason.CLOCK_SKEW,
    }
