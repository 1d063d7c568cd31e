"""
Reads a projected token: afresh at each login, since the kubelet rotates it.

A token that is missing or empty is worth another try, for the kubelet may be about to write it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.material import Material

MAX_BYTES = 64 * 1024  # a token has about 1 KiB


TokenReader = Callable[[str, str], Material]
"""`read_token` with its root."""


def read_token(root: str, path: str, step: str) -> Material:
    """
    Read the token without the white space around it.

    Args:
        root: in front of the path; empty in a pod.
        path: as the pod sees it, which is what a session key names.
        step: what it is for.

    Raises:
        ProviderError: when there is none.
    """
    try:
        with Path(root + path).open("rb") as file:
            token = file.read(MAX_BYTES).strip()
    except OSError as exc:
        problem = f"the projected token {path} cannot be read: {type(exc).__name__}"
    else:
        if token:
            return Material(token)
        problem = f"the projected token {path} is empty"
    raise ProviderError(
        Reason.TOKEN_UNAVAILABLE,
        problem,
        step=step,
        remedy="the kubelet writes it: see the pod's events, and that the audience is allowed",
    )
