"""One call with the session of a login; a session that was withdrawn is replaced once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from injector.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.identity.interface import Session, SessionKey
    from injector.sessions import SessionCache

T = TypeVar("T")


def asking(
    sessions: SessionCache,
    login: SessionKey,
    ask: Callable[[Session], T],
    is_stale: Callable[[ProviderError, Session], bool],
) -> T:
    """
    Ask with the session of a login, and once more with a new one where the kept one was at fault.

    Args:
        sessions: where it comes from.
        login: whose.
        ask: calls the API.
        is_stale: whether an error says that the session is no longer good.

    Raises:
        InjectorError: of the login or of the last call.
    """
    kept, seen = sessions.holds(login), sessions.standing(login)
    session = sessions.get(login)
    try:
        return ask(session)
    except ProviderError as exc:
        if not kept or not is_stale(exc, session):
            raise
    sessions.forget(login, seen)
    return ask(sessions.get(login))
