"""Reads what the webhook mounts of a Kubernetes Secret for a login to Google."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from injector.contract.reasons import Reason
from injector.errors import ProviderError

if TYPE_CHECKING:
    from injector.identity.interface import SessionKey

MAX_BYTES: Final = 64 * 1024
"""A service account's key has about 2.3 KiB."""


def mounted(root: str, key: SessionKey, step: str) -> bytes:
    """
    Read the Secret's key that a login names.

    Args:
        root: in front of the path; empty in a pod.
        key: names the Secret and where it is mounted.
        step: what it is for.

    Raises:
        ProviderError: when it is not there, is empty or is larger than any credentials.
    """
    name, _, entry = key.input("secret").partition("/")
    what = f"the key {entry} of the Secret {name} in the namespace {key.input('namespace')}"
    try:
        with Path(root + key.input("secret-file")).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as exc:
        missing = isinstance(exc, FileNotFoundError)
        problem = "is missing" if missing else f"cannot be read: {type(exc).__name__}"
        remedy = "create it: the kubelet mounts it within a minute or two"
    else:
        if data.strip() and len(data) <= MAX_BYTES:
            return data
        problem = "is empty" if not data.strip() else f"is larger than {MAX_BYTES} bytes"
        remedy = "put the credentials in it"
    raise ProviderError(Reason.TOKEN_UNAVAILABLE, f"{what} {problem}", step=step, remedy=remedy)
