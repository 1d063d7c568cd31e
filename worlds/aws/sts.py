"""
The Security Token Service: web identity, AssumeRole, GetCallerIdentity.

A web identity token is verified (key, issuer, audience, end) before the role's trust is asked.
Refused: parameters that the real action does not have, such as an external id or tags for a web
identity, and managed session policies, of which this world has none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from worlds.aws.assuming import (
    ROLE_ARN,
    Wish,
    assume,
    check_duration,
    check_form,
    session_policy,
)
from worlds.aws.calls import iso
from worlds.aws.errors import (
    ACCESS_DENIED,
    EXPIRED_TOKEN,
    INVALID_TOKEN,
    INVALID_VALUE,
    NO_IDP,
    AwsError,
    constraint,
    validation,
)
from worlds.aws.identities import session_of
from worlds.aws.policy import Case, Query, Who, decide
from worlds.tokens import InvalidTokenError, claims_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.aws.calls import Call
    from worlds.aws.credentials import AccessKeys
    from worlds.aws.identities import Account, Principal, Role

_MAX_TOKEN: Final = 20_000
_COMMON: Final = {"Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds", "Policy"}
_ASSUME_ROLE: Final = _COMMON | {"ExternalId", "Tags", "TransitiveTagKeys"}
_WEB_IDENTITY: Final = _COMMON | {"WebIdentityToken", "ProviderId"}


@dataclass(slots=True)
class Sts:
    """The service of one world."""

    accounts: Mapping[str, Account]
    keys: AccessKeys

    def assume_role(self, call: Call) -> dict[str, Any]:
        """Answer AssumeRole."""
        given = call.parameters
        _check_known(given, _ASSUME_ROLE)
        wish = replace(
            _wish(given),
            external_id=given.get("ExternalId", ""),
            tags=_tags(_listed(given, "Tags", dict)),
            transitive=tuple(_listed(given, "TransitiveTagKeys", str)),
        )
        _note(call, wish)
        account = self.accounts.get(_account_of(wish.role_arn))
        session = assume(call, account.roles if account else {}, wish)
        return self._issued(call, session, wish.duration)

    def assume_role_with_web_identity(self, call: Call) -> dict[str, Any]:
        """Answer AssumeRoleWithWebIdentity."""
        given = call.parameters
        _check_known(given, _WEB_IDENTITY)
        wish = _wish(given)
        _note(call, wish)
        check_form(wish)
        policies = session_policy(wish.policy)
        token = given.get("WebIdentityToken", "")
        if not 4 <= len(token) <= _MAX_TOKEN:
            raise constraint(field="webIdentityToken", rule="have length between 4 and 20000")
        account = self.accounts.get(_account_of(wish.role_arn))
        federation = _verify(token, account, call)
        call.asked_by = federation.subject
        role = account.roles.get(wish.role_arn) if account else None
        if role is None or not _trusts(role, federation, wish, call):
            msg = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
            raise AwsError(ACCESS_DENIED, msg, status=403)
        check_duration(role, wish.duration, chained=False)
        session = replace(session_of(role, wish.session_name), policies=policies)
        return {
            "SubjectFromWebIdentityToken": federation.subject,
            "Audience": federation.audience,
            "Provider": federation.provider,
            **self._issued(call, session, wish.duration),
        }

    def get_caller_identity(self, call: Call) -> dict[str, Any]:
        """Answer GetCallerIdentity, which nobody may be denied."""
        caller = call.principal
        return {"Arn": caller.arn, "UserId": caller.user_id, "Account": caller.account}

    def _issued(self, call: Call, session: Principal, duration: int) -> dict[str, Any]:
        key = self.keys.issue(session, call.now + duration)
        call.detail["assumed"] = session.arn
        call.detail["issued"] = key.id
        return {
            "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
            "Credentials": {
                "AccessKeyId": key.id,
                "SecretAccessKey": key.secret,
                "SessionToken": key.token,
                "Expiration": iso(call.now + duration),
            },
        }


def _check_known(given: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        msg = f"this action has no parameter {unknown[0]}"
        raise validation(msg)


def _wish(given: Mapping[str, Any]) -> Wish:
    duration = given.get("DurationSeconds", "3600")
    if not duration.isdigit():
        msg = "DurationSeconds is not a number"
        raise validation(msg)
    return Wish(
        role_arn=given.get("RoleArn", ""),
        session_name=given.get("RoleSessionName", ""),
        duration=int(duration),
        policy=given.get("Policy", ""),
    )


def _listed(given: Mapping[str, Any], name: str, kind: type) -> list[Any]:
    found = given.get(name) or []  # botocore writes an empty list as an empty text
    if not isinstance(found, list) or not all(isinstance(one, kind) for one in found):
        msg = f"{name} is a list written as {name}.member.1 and so on"
        raise validation(msg)
    return found


def _tags(given: list[dict[str, str]]) -> dict[str, str]:
    tags = {one.get("Key", ""): one.get("Value", "") for one in given}
    if len({key.lower() for key in tags}) != len(given):
        msg = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        raise AwsError(INVALID_VALUE, msg)
    return tags


def _account_of(role_arn: str) -> str:
    found = ROLE_ARN.fullmatch(role_arn)
    return found.group(1) if found else ""


def _note(call: Call, wish: Wish) -> None:
    call.resources.append(wish.role_arn)
    call.detail |= {
        "session-name": wish.session_name,
        "duration": str(wish.duration),
        "external-id": wish.external_id,
        "tags": ",".join(f"{key}={value}" for key, value in sorted(wish.tags.items())),
        "transitive": ",".join(sorted(wish.transitive)),
    }


@dataclass(frozen=True, slots=True)
class _Federation:
    """A verified web identity."""

    subject: str
    audience: str
    provider: str
    """ARN of the OIDC provider."""
    host: str
    """Prefix of its condition keys."""


def _verify(token: str, account: Account | None, call: Call) -> _Federation:
    try:
        url = str(claims_of(token).get("iss", ""))
    except InvalidTokenError:
        msg = (
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an "
            "Access Token)"
        )
        raise AwsError(INVALID_TOKEN, msg) from None
    if account is None or url not in account.issuers:
        msg = f"No OpenIDConnect provider found in your account for {url}"
        raise AwsError(INVALID_TOKEN, msg)
    issuer, audiences = account.issuers[url]
    if not issuer.reachable:
        msg = "Could not connect to your identity provider, please try again later"
        raise AwsError(NO_IDP, msg)
    try:
        claims = issuer.verify(token)
    except InvalidTokenError:
        msg = (
            "Couldn't retrieve verification key from your identity provider, please reference "
            "AssumeRoleWithWebIdentity documentation for requirements"
        )
        raise AwsError(INVALID_TOKEN, msg) from None
    _check_claims(claims, call.now)
    named = claims.get("aud", [])
    fitting = [one for one in (named if isinstance(named, list) else [named]) if one in audiences]
    if not fitting:
        msg = "Incorrect token audience"
        raise AwsError(INVALID_TOKEN, msg)
    return _Federation(claims["sub"], fitting[0], account.provider_arn(issuer), issuer.host)


def _check_claims(claims: Mapping[str, Any], now: float) -> None:
    for name, kind in (("sub", str), ("exp", int), ("iat", int)):
        if not isinstance(claims.get(name), kind):
            msg = f"Missing a required claim: {name}"
            raise AwsError(INVALID_TOKEN, msg)
    if claims["exp"] <= now:
        msg = (
            f"Token expired: current date/time {int(now)} must be before the expiration date/time "
            f"{claims['exp']}"
        )
        raise AwsError(EXPIRED_TOKEN, msg)
    if max(claims["iat"], claims.get("nbf", 0)) > now + 300:
        msg = "Token issued in the future"
        raise AwsError(INVALID_TOKEN, msg)


def _trusts(role: Role, federation: _Federation, wish: Wish, call: Call) -> bool:
    host = federation.host.lower()
    context = {
        **call.context(),
        **wish.context(role),
        f"{host}:sub": (federation.subject,),
        f"{host}:aud": (federation.audience,),
        "aws:federatedprovider": (federation.provider,),
    }
    query = Query("sts:AssumeRoleWithWebIdentity", role.arn, context)
    who = Who(federated=federation.provider)
    case = Case(
        query, who, resource=role.trust, resource_account=role.account, resource_decides=True
    )
    return decide(case).allowed
