"""What became of each annotation of theirs, and what is left to do: the report's data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Fate(StrEnum):
    """What became of an annotation."""

    BECOMES = "becomes"
    UNNEEDED = "not needed"
    """Left out without a loss: it is ours' default, or about something that ours do not have."""
    NONE = "no equivalent"
    """Left out, and something is missing now that a person must decide on."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One annotation of theirs."""

    key: str
    fate: Fate
    text: str
    """What it became, or why it became nothing."""


GOOGLE: Final = (
    "operator: give `gcp.gke-cluster`, or `gcp.workload-identity-provider`, in `defaults`: whose "
    "binding or federation the pods log in to Google by"
)
"""What is left to do where nobody says how the pod logs in to Google."""
AZURE: Final = (
    "Azure: annotate the pod's service account with `azure.workload.identity/{0}` unless it is so "
    "already, or give `azure.{0}`: the login needs it"
)
"""What is left to do where nobody says who the pod is to Azure; takes a field of the store."""


@dataclass(slots=True)
class Conversion:
    """One pod while it is converted: each annotation of theirs ends in one finding."""

    kept: frozenset[str] = frozenset()
    """Keys of its annotations that are not theirs."""
    ours: dict[str, str] = field(default_factory=dict)
    """Annotations by their whole key."""
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a person should know of this pod."""
    todo: list[str] = field(default_factory=list)
    """What has to be done beside the manifest; the same for many pods."""

    def becomes(self, key: str, text: str) -> None:
        """Say what an annotation became."""
        self.findings.append(Finding(key, Fate.BECOMES, text))

    def unneeded(self, key: str, text: str) -> None:
        """Say why an annotation is left out without a loss."""
        self.findings.append(Finding(key, Fate.UNNEEDED, text))

    def none(self, key: str, text: str) -> None:
        """Say why an annotation has no equivalent."""
        self.findings.append(Finding(key, Fate.NONE, text))

    def add(self, more: Conversion) -> None:
        """Take what another source of the same pod has to tell."""
        self.findings.extend(more.findings)
        self.notes.extend(more.notes)
        self.todo.extend(more.todo)


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of one workload."""

    workload: str
    namespace: str
    """Empty when the manifest names none."""
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything has an equivalent."""
        return all(finding.fate is not Fate.NONE for finding in self.findings)
