"""Reads what the webhook mounts of a Kubernetes Secret for a login, or to decrypt."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from injector.contract import names
from injector.contract.reasons import Reason
from injector.errors import ProviderError

MAX_BYTES: Final = 64 * 1024
"""A service account's key of Google's has about 2.3 KiB, an identity of age 74 bytes."""


def read(root: str, namespace: str, secret: str, step: str) -> bytes:
    """
    Read one key of a Secret, as it is mounted now.

    Args:
        root: in front of the path; empty in a pod.
        namespace: of the pod, for the message.
        secret: `<name>/<key>`.
        step: what it is for.

    Raises:
        ProviderError: when it is not there, is empty or is larger than any credentials.
    """
    name, _, entry = secret.partition("/")
    what = f"the key {entry} of the Secret {name} in the namespace {namespace}"
    try:
        with Path(root + names.secret_file(secret)).open("rb") as file:
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
