"""
The injector's errors: each carries a reason from the closed list, and never a backend's body.

Edges translate library exceptions to these with `from None`, since a cause's text may hold a
response. Everything that a person needs is in the fields.
"""

from __future__ import annotations

from injector.contract.reasons import CONSEQUENCES, Reason


class InjectorError(Exception):
    """Something that ends or delays an injection, for a reason from the closed list."""

    pause: float = 0.0
    """Seconds that a provider asks to wait before another try."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    @property
    def retryable(self) -> bool:
        """Whether trying again can help without anybody changing anything."""
        return CONSEQUENCES[self.reason].retryable


class ProviderError(InjectorError):
    """
    A login or a read that failed.

    Args:
        reason: from the closed list.
        message: what happened, in our words; no value, token or body.
        step: the API action (`AssumeRole`, `GetSecretValue`).
        code: the provider's own error code (`AccessDeniedException`), checked to be a plain word.
        request_id: the provider's, for its support.
        region: which region answered or did not.
        remedy: what to change, in one sentence.
        pause: seconds that the provider asks to wait before another try.
    """

    def __init__(  # noqa: PLR0913 - the fields of one termination message line, keyword-only
        self,
        reason: Reason,
        message: str,
        *,
        step: str = "",
        code: str = "",
        request_id: str = "",
        region: str = "",
        remedy: str = "",
        pause: float = 0.0,
    ) -> None:
        super().__init__(reason, message)
        self.step = step
        self.code = code
        self.request_id = request_id
        self.region = region
        self.remedy = remedy
        self.pause = pause


class RenderError(InjectorError):
    """Fetched bytes that cannot become what was asked for; names keys, never values."""


class PublicationError(InjectorError):
    """Files that could not be written; the old set is intact."""
