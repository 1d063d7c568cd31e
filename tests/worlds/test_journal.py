"""The journal's questions."""

from __future__ import annotations

from worlds.journal import Entry, Journal


def _entry(action: str, principal: str, outcome: str = "ok") -> Entry:
    return Entry(1.0, "sts", action, "eu-west-1", outcome, 200, principal)


def _journal() -> Journal:
    journal = Journal()
    journal.add(_entry("AssumeRole", "web"))
    journal.add(_entry("GetCallerIdentity", "web"))
    journal.add(_entry("AssumeRole", "shop", "AccessDenied"))
    return journal


def test_calls_are_found_by_action_and_any_field() -> None:
    """A question may name an action, fields that must be equal, both or nothing."""
    journal = _journal()

    assert [entry.principal for entry in journal.calls("AssumeRole")] == ["web", "shop"]
    assert journal.count("AssumeRole", outcome="AccessDenied") == 1
    assert journal.count(principal="web") == 2
    assert journal.count() == 3
    assert journal.count("AssumeRole", principal="nobody") == 0


def test_order_is_kept() -> None:
    """Actions and principals come in the order in which the requests ended."""
    journal = _journal()

    assert journal.actions() == ("AssumeRole", "GetCallerIdentity", "AssumeRole")
    assert journal.principals("AssumeRole") == ("web", "shop")


def test_a_cleared_journal_is_empty() -> None:
    """After a clear only what comes later is there."""
    journal = _journal()

    journal.clear()
    journal.add(_entry("AssumeRole", "late"))

    assert [entry.principal for entry in journal.entries] == ["late"]
