"""Errors as Entra and Key Vault word and number them."""

from __future__ import annotations

from typing import Final

FEDERATION: Final = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"


class AzureError(Exception):
    """
    A refusal.

    Args:
        code: Key Vault's code (`Forbidden`), or Entra's with its number (`AADSTS70021`).
        message: shown to the client; never holds a secret.
        status: HTTP status.
        inner: of Key Vault: the code of `innererror`, which says why.
        error: of Entra: the error of OAuth 2.0 (RFC 6749 §5.2).
    """

    def __init__(
        self, code: str, message: str, *, status: int = 400, inner: str = "", error: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.inner = inner
        self.error = error or _oauth_error(status)

    @property
    def outcome(self) -> str:
        """What the journal says of it: the code that tells most."""
        return self.inner or self.code

    @property
    def number(self) -> int:
        """Entra's number; 0 when the code has none."""
        digits = self.code.removeprefix("AADSTS")
        return int(digits) if digits.isdigit() else 0


def _oauth_error(status: int) -> str:
    if status >= 500 or status == 429:
        return "temporarily_unavailable"
    return "invalid_client" if status == 401 else "invalid_request"


def invalid_client(number: int, message: str) -> AzureError:
    """Make Entra's refusal of who asks."""
    return AzureError(f"AADSTS{number}", message, status=401, error="invalid_client")


def invalid_request(number: int, message: str, error: str = "invalid_request") -> AzureError:
    """Make Entra's refusal of what is asked."""
    return AzureError(f"AADSTS{number}", message, status=400, error=error)


def no_page() -> AzureError:
    """Make Entra's refusal of a path."""
    return AzureError("AADSTS900561", "this world has no such page", status=404)


def no_operation() -> AzureError:
    """Make Key Vault's refusal of a path or a method."""
    return AzureError("NotFound", "this world has no such operation", status=404)


def unauthorized(message: str) -> AzureError:
    """Make Key Vault's refusal of a token, which goes with a challenge."""
    return AzureError("Unauthorized", message, status=401)


def forbidden(message: str, inner: str) -> AzureError:
    """Make Key Vault's refusal of a known caller."""
    return AzureError("Forbidden", message, status=403, inner=inner)


def bad_parameter(message: str) -> AzureError:
    """Make Key Vault's refusal of a request's form."""
    return AzureError("BadParameter", message, status=400)


def not_found(kind: str, name: str) -> AzureError:
    """Make Key Vault's answer for what is not there, or deleted: `Secret`, `Key`, `Certificate`."""
    article = kind.lower()
    message = (
        f"A {article} with (name/id) {name} was not found in this key vault. If you recently "
        f"deleted this {article} you may be able to recover it using the correct recovery "
        "command. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125182"
    )
    return AzureError(f"{kind}NotFound", message, status=404)
