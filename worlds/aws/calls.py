"""One request on its way through the world, and the question whether its caller may."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from worlds.aws.errors import ACCESS_DENIED_JSON, AwsError
from worlds.aws.policy import Case, Decision, Document, Query, decide

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.aws.identities import Principal

_ISO: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(slots=True)
class Call:
    """A request whose service, action and region are known; filled further as it is handled."""

    service: str
    action: str
    region: str
    parameters: Mapping[str, Any]
    now: float
    request_id: str = ""
    connection: int = 0
    caller: Principal | None = None
    """Set once the signature is verified."""
    asked_by: str = ""
    """For the journal: the caller's ARN, or the subject of a verified token."""
    access_key_id: str = ""
    resources: list[str] = field(default_factory=list)
    items: list[tuple[str, str]] = field(default_factory=list)
    detail: dict[str, str] = field(default_factory=dict)

    @property
    def principal(self) -> Principal:
        """The verified caller; asking before verification is a mistake of this program."""
        if self.caller is None:
            msg = "an unsigned action asked for its caller"
            raise RuntimeError(msg)
        return self.caller

    def context(self) -> dict[str, tuple[str, ...]]:
        """Give the condition keys that every request has."""
        return {
            "aws:requestedregion": (self.region,),
            "aws:currenttime": (iso(self.now),),
            "aws:epochtime": (str(int(self.now)),),
            "aws:securetransport": ("true",),
            "aws:sourceip": ("127.0.0.1",),
        }


@dataclass(frozen=True, slots=True)
class Access:
    """One thing that a caller wants to do."""

    action: str
    resource: str
    """ARN, or `*`."""
    account: str
    """Of the resource."""
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further condition keys, in lower case."""
    policy: Document | None = None
    """The resource's own policy."""
    policy_decides: bool = False
    """Whether nothing helps without the resource policy's consent (trust, keys)."""


def judge(call: Call, access: Access) -> Decision:
    """Decide whether the verified caller may."""
    caller = call.principal
    context = {
        **call.context(),
        **caller.context(),
        "aws:resourceaccount": (access.account,),
        **access.context,
    }
    return decide(
        Case(
            query=Query(access.action, access.resource, context),
            who=caller.who(),
            identity=tuple(caller.identity.policies),
            session=caller.policies,
            resource=access.policy,
            resource_account=access.account,
            resource_decides=access.policy_decides,
        )
    )


def demand(call: Call, access: Access, *, shown: str = "") -> None:
    """
    Let the caller pass, or refuse in the words of the JSON services.

    Raises:
        AwsError: AccessDeniedException.
    """
    decision = judge(call, access)
    if not decision.allowed:
        message = denial(call, access.action, shown or access.resource, decision.because)
        raise AwsError(ACCESS_DENIED_JSON, message)


def denial(call: Call, action: str, resource: str, because: str = "") -> str:
    """Word a denial as AWS does."""
    message = f"User: {call.principal.arn} is not authorized to perform: {action}"
    return f"{message} on resource: {resource}" + (f" {because}" if because else "")


def iso(moment: float) -> str:
    """Write a time as AWS's XML and the Pod Identity agent do."""
    return time.strftime(_ISO, time.gmtime(moment))
