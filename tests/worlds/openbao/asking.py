"""Logins and requests as clients make them, and their refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from worlds.openbao import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from worlds.openbao import Api, Namespace


def login(vault: Namespace, jwt: str, role: str = "web", mount: str = "kubernetes") -> Api:
    """Log in; gives what asks with the new token."""
    client = vault.api.having("")
    answer = client.write(f"auth/{mount}/login", role=role, jwt=jwt)
    return client.having(answer["auth"]["client_token"])


def refusal(ask: Callable[[], Any]) -> tuple[int, str]:
    """Ask for what is refused; gives the status and the words."""
    with pytest.raises(ApiError) as refused:
        ask()
    return refused.value.status, "; ".join(refused.value.errors)
