"""
One AWS client: calls an API action, repeats what can be repeated, and raises only our errors.

An answer that lacks what the action always returns is a fault of the transport: botocore reads a
truncated body of status 200 as an empty success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from injector.aws.errors import STALE_CREDENTIALS, Failure, plain_code, provider_error
from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.transport import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.retry import Retry

EXPECTED: Final = {
    "AssumeRole": ("Credentials",),
    "AssumeRoleWithWebIdentity": ("Credentials",),
    "GetCallerIdentity": ("Arn",),
    "BatchGetSecretValue": ("SecretValues", "Errors"),
    "DescribeSecret": ("ARN",),
    "GetSecretValue": ("SecretString", "SecretBinary"),
    "GetParameters": ("Parameters", "InvalidParameters"),
    "GetParametersByPath": ("Parameters",),
    "Decrypt": ("Plaintext",),
}
"""What a whole answer of each action has, any of it."""
_CREDENTIALS: Final = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
"""What whole credentials have, all of it."""
_UNREADABLE: Final = "it is tried again; if it stays, look at proxies between pod and AWS"

Invoke = "Callable[[str, dict[str, Any], float], dict[str, Any]]"


class AwsClient:
    """
    Calls one service in one region with fixed credentials.

    Args:
        region: for error messages.
        invoke: sends one action once, until a moment of the monotonic clock, and gives the parsed
            reply; raises whatever the SDK raises.
        retry: how calls are repeated.
    """

    def __init__(
        self,
        region: str,
        invoke: Callable[[str, dict[str, Any], float], dict[str, Any]],
        retry: Retry,
    ) -> None:
        self.region = region
        self._invoke = invoke
        self._retry = retry

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - the SDK's shapes
        """
        Call an API action (`GetSecretValue`) with its parameters, as its reference spells them.

        Raises:
            ProviderError: with the action as its step, after the last attempt.
        """
        # With credentials that ended every attempt ends alike; who holds the session renews it.
        return self._retry.run(
            lambda until: self.once(action, parameters, until),
            again=lambda exc: exc.retryable and getattr(exc, "code", "") not in STALE_CREDENTIALS,
        )

    def once(self, action: str, parameters: dict[str, Any], until: float) -> dict[str, Any]:
        """
        Call an API action once, until a moment of the monotonic clock in seconds.

        Raises:
            ProviderError: with the action as its step.
        """
        try:
            reply = self._invoke(action, parameters, until)
        except Exception as exc:  # noqa: BLE001 - the promise of this class
            error = self._translated(action, exc)
        else:
            if _is_whole(action, reply):
                return reply
            error = ProviderError(
                Reason.UNAVAILABLE,
                "the reply was cut off or cannot be read",
                step=action,
                region=self.region,
                remedy=_UNREADABLE,
            )
        # Outside the handler: the SDK's exception holds the reply, and must not be the context.
        raise error

    def _translated(self, action: str, exc: Exception) -> ProviderError:
        if isinstance(exc, TransportError):
            return ProviderError(
                exc.reason, str(exc), step=action, region=self.region, remedy=exc.remedy
            )
        response = getattr(exc, "response", None)
        if isinstance(response, dict):
            return provider_error(_failure(action, self.region, response))
        name = type(exc).__name__
        if name == "ParamValidationError":
            return ProviderError(
                Reason.INVALID_REQUEST,
                "a parameter of the request is not what the API takes",
                step=action,
                region=self.region,
                remedy="check the reference's name and options, and the store's settings",
            )
        return ProviderError(Reason.INTERNAL, f"botocore: {name}", step=action, region=self.region)


def _is_whole(action: str, reply: dict[str, Any]) -> bool:
    if "Credentials" in EXPECTED[action]:
        given = reply.get("Credentials") or {}
        return all(given.get(name) for name in _CREDENTIALS)
    return any(reply.get(name) is not None for name in EXPECTED[action])


def _failure(action: str, region: str, response: dict[str, Any]) -> Failure:
    error = response.get("Error") or {}
    meta = response.get("ResponseMetadata") or {}
    headers = meta.get("HTTPHeaders") or {}
    request_id = meta.get("RequestId") or headers.get("x-amzn-requestid", "")
    return Failure(
        step=action,
        region=region,
        code=plain_code(error.get("Code", "")),
        status=int(meta.get("HTTPStatusCode", 0)),
        request_id="".join(c for c in str(request_id) if c.isalnum() or c == "-")[:64],
        text=str(error.get("Message", "")),
    )
