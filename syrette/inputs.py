"""What the commands read: manifests and the operator's configuration, from files or a pipe."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from syrette import manifests
from syrette.errors import InputError
from webhook import settings
from webhook.context import KubernetesVersion
from webhook.errors import SettingsError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from webhook.settings import Settings

MAX_BYTES: Final = 16 << 20  # of one input; etcd takes 1.5 MiB an object
STANDARD_INPUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a decision needs, read and checked."""

    source: str
    """What a person calls the manifests' files."""
    manifests: list[dict[str, Any]]
    settings: Settings
    namespace: str
    """Of manifests that name none."""
    version: KubernetesVersion | None
    """Of the cluster; None is the newest known."""


def read(parsed: Namespace) -> Inputs:
    """
    Read what the arguments name.

    Raises:
        InputError: every problem of the configuration, or the first of the manifests.
    """
    source, documents = read_manifests(parsed.filenames)
    return Inputs(
        source=source,
        manifests=documents,
        settings=_settings(parsed.config),
        namespace=parsed.namespace,
        version=_version(parsed.kubernetes_version),
    )


def read_manifests(filenames: Sequence[str]) -> tuple[str, list[dict[str, Any]]]:
    """
    Read manifests alone, and say what a person calls their files.

    Raises:
        InputError: names the file, and the line if there is one.
    """
    texts = [_text(filename) for filename in filenames]
    source = ", ".join(source for _, source in texts)
    return source, [item for text, source in texts for item in manifests.load(text, source)]


def _settings(path: Path | None) -> Settings:
    if path is None:
        return settings.load("")
    text, source = _text(str(path))
    try:
        return settings.load(text)
    except SettingsError as exc:
        raise InputError(*(f"{source}: {problem}" for problem in exc.problems)) from exc


def _version(text: str | None) -> KubernetesVersion | None:
    try:
        return KubernetesVersion.parse(text) if text else None
    except ValueError as exc:
        raise InputError(f"--kubernetes-version: {exc}") from exc


def _text(filename: str) -> tuple[str, str]:
    piped = filename == STANDARD_INPUT
    source = "standard input" if piped else filename
    # One byte more than is taken: an endless file ends here, too.
    most = MAX_BYTES + 1
    try:
        if piped and sys.stdin is None:
            raise InputError(f"{source}: is closed")
        if piped:
            data = sys.stdin.buffer.read(most)
        else:
            with Path(filename).open("rb") as file:
                data = file.read(most)
    except OSError as exc:
        raise InputError(f"{source}: {exc.strerror}") from exc
    if len(data) == most:
        raise InputError(f"{source}: larger than {MAX_BYTES >> 20} MiB")
    try:
        return data.decode(), source
    except UnicodeDecodeError as exc:
        raise InputError(f"{source}: not UTF-8 text") from exc
