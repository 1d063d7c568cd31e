"""
`syrette doctor`: what is wrong with an installation, seen from the API server, and what to do.

It changes nothing: everything is read, and the one pod that is created is a dry run which must be
refused. What the caller may not ask is said and never taken for good news.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syrette.doctor import findings, installation, questions, workloads
from syrette.errors import InputError
from webhook.cluster.api import Api, ApiError

if TYPE_CHECKING:
    from pathlib import Path

    from syrette.doctor.questions import Answers


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was told."""

    namespace: str
    """Of the installation."""
    probe_namespace: str | None
    """Where to try whether a pod is refused; None looks for a namespace."""
    kubeconfig: Path | None
    output: str
    """`text` or `json`."""


def doctor(asked: Asked) -> int:
    """
    Ask the cluster and say what was found.

    Returns:
        0 when nothing is wrong, 1 when something is, 2 when nothing is known to be wrong but not
        everything could be asked.

    Raises:
        InputError: if the API server cannot be asked at all.
    """
    try:
        answers = asyncio.run(_ask(asked))
    except ApiError as exc:
        raise InputError(f"the cluster cannot be asked: {exc}") from exc
    found = [
        *installation.findings(answers, time.time()),
        *workloads.findings(answers),
    ]
    if asked.output == "json":
        print(json.dumps(findings.document(found, asked.namespace), indent=2))
    else:
        sys.stdout.write(findings.text(found))
    return findings.exit_code(found)


async def _ask(asked: Asked) -> Answers:
    api = await Api.connect(asked.kubeconfig, person=True)
    try:
        return await questions.ask(api, asked.namespace, asked.probe_namespace)
    finally:
        await api.close()
