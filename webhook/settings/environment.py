"""
The door to the operator's file and to this process's environment.

The environment says only what Kubernetes knows and the file cannot: our own namespace.
"""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from injector.contract import names
from webhook.errors import SettingsError
from webhook.settings.document import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from webhook.settings.shapes import Settings


def read(path: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """
    Read the operator's file, and the defaults when there is none.

    Args:
        path: of the YAML document.
        environment: `SYRETTE_NAMESPACE`, from the downward API, is our own namespace.

    Raises:
        SettingsError: when the file cannot be read or is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8") if path is not None else ""
    except OSError as exc:
        raise SettingsError([f"{path}: {exc.strerror}"]) from exc
    except UnicodeDecodeError as exc:
        raise SettingsError([f"{path}: not UTF-8 text"]) from exc
    try:
        settings = load(text)
    except SettingsError as exc:
        raise SettingsError([f"{path}: {problem}" for problem in exc.problems]) from exc
    own = environment.get(names.NAMESPACE_VARIABLE)
    return replace(settings, own_namespace=own) if own else settings


def pod_name(environment: Mapping[str, str] = os.environ) -> str:
    """Our own pod's name, from the downward API; outside a pod the host's name."""
    return environment.get(names.POD_NAME_VARIABLE) or socket.gethostname()
