"""
Logins to AWS: web identity, Pod Identity, the SDK's own chain, and roles assumed from those.

Each takes a key, which holds every input, and gives a record of plain keys. Only `ambient` looks
at the environment. A token is read at each exchange and sent nowhere but to STS or the agent.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from injector.aws import remedies
from injector.aws.sdk import DATA
from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.identity import pod_identity
from injector.identity.interface import AMBIENT, Credentials, Login, Session, SessionRecord
from injector.identity.keys import ASSUME_ROLE, POD_IDENTITY, WEB_IDENTITY, same_role
from injector.identity.tokens import read_token
from injector.material import Material

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.aws.sdk import Sdk
    from injector.identity.interface import SessionKey
    from injector.identity.tokens import TokenReader

_ASSUMED_ROLE: Final = re.compile(r"arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role/([\w+=,.@-]+)/")


def logins(sdk: Sdk, clock: Callable[[], float], root: str = "") -> dict[str, Login]:
    """
    AWS's rows of the registry of logins.

    Args:
        sdk: makes the STS clients.
        clock: seconds since the epoch, for `issued_at`.
        root: in front of the paths of tokens (`Identity.root`).
    """
    tokens = partial(read_token, root)
    return {
        WEB_IDENTITY: partial(_web_identity, sdk, clock, tokens),
        POD_IDENTITY: partial(pod_identity.log_in, sdk, clock, tokens),
        AMBIENT: partial(_ambient, clock),
        ASSUME_ROLE: partial(_assume_role, clock),
    }


def _web_identity(
    sdk: Sdk,
    clock: Callable[[], float],
    tokens: TokenReader,
    key: SessionKey,
    _source: Session | None,
) -> SessionRecord:
    step = "AssumeRoleWithWebIdentity"
    client = sdk.open(key, "sts", key.input("region"), None)
    parameters = _role(key)

    def exchange(until: float) -> SessionRecord:
        # Read at each attempt: the kubelet may have put a fresh one there meanwhile.
        token = tokens(key.input("token-file"), step).reveal().decode("latin-1")
        issued_at = clock()
        reply = client.once(step, {**parameters, "WebIdentityToken": token}, until)
        return _record(key, reply, issued_at)

    try:
        return sdk.retry.run(exchange)
    except ProviderError as exc:
        raise _with_trust(exc, key) from None


def _assume_role(
    clock: Callable[[], float], key: SessionKey, source: Session | None
) -> SessionRecord:
    if source is None:
        msg = "a role is assumed with a source"
        raise ProviderError(Reason.INTERNAL, msg, step="AssumeRole")
    issued_at = clock()
    client = source.client("sts", key.input("region"))
    parameters = _role(key)
    if key.input("external-id"):
        parameters["ExternalId"] = key.input("external-id")
    if key.input("session-tags"):
        tags = json.loads(key.input("session-tags"))
        parameters["Tags"] = [{"Key": name, "Value": value} for name, value in tags]
    if key.input("transitive-tags"):
        parameters["TransitiveTagKeys"] = json.loads(key.input("transitive-tags"))
    try:
        reply = client.call("AssumeRole", **parameters)
    except ProviderError as exc:
        raise _explained(exc, key, source) from None
    record = _record(key, reply, issued_at)
    # What was derived ends with what it came from: a source that was withdrawn or replaced does
    # not live on in it.
    return replace(record, expires_at=min(record.expires_at, source.expires_at))


def _ambient(clock: Callable[[], float], key: SessionKey, _source: Session | None) -> SessionRecord:
    import botocore.session  # noqa: PLC0415 - only where botocore's own chain is asked for
    from botocore.loaders import Loader  # noqa: PLC0415 - only AWS pays for botocore

    step = "ambient credentials"
    issued_at = clock()
    session = botocore.session.Session()
    # For its own STS client; the image has no other data of botocore's.
    session.register_component("data_loader", Loader(extra_search_paths=[str(DATA)]))
    if key.input("region"):
        session.set_config_variable("region", key.input("region"))
    try:
        found = session.get_credentials()
        frozen = None if found is None else found.get_frozen_credentials()
    except Exception as exc:  # noqa: BLE001 - any of the chain's own clients may raise anything
        raise _no_ambient(step, type(exc).__name__) from None
    if found is None or frozen is None or not frozen.access_key or not frozen.secret_key:
        raise _no_ambient(step, "none was found")
    ends = getattr(found, "_expiry_time", None)
    return SessionRecord(
        key=key,
        principal=f"ambient:{found.method}",
        credentials=_credentials(frozen.access_key, frozen.secret_key, frozen.token or ""),
        issued_at=issued_at,
        # Static keys have no end and may be replaced at any time: they are read at every login.
        expires_at=issued_at if ends is None else ends.timestamp(),
    )


def _no_ambient(step: str, why: str) -> ProviderError:
    return ProviderError(
        Reason.IDENTITY_DENIED,
        f"the SDK's default chain gave no credentials: {why}",
        step=step,
        remedy="`ambient` takes what the SDK finds where it runs (AWS_PROFILE, `aws sso login`, "
        "keys, an instance's role); in a pod, leave out `aws.auth: ambient` to use its own token",
    )


def _role(key: SessionKey) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "RoleArn": key.input("role-arn"),
        "RoleSessionName": key.input("session-name"),
    }
    if key.input("session-policy"):
        parameters["Policy"] = key.input("session-policy")
    if key.input("duration"):
        parameters["DurationSeconds"] = int(key.input("duration"))
    return parameters


def _record(key: SessionKey, reply: Mapping[str, Any], issued_at: float) -> SessionRecord:
    given = reply["Credentials"]
    return SessionRecord(
        key=key,
        principal=str((reply.get("AssumedRoleUser") or {}).get("Arn", "")),
        credentials=_credentials(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
        ),
        issued_at=issued_at,
        expires_at=given["Expiration"].timestamp(),
    )


def _credentials(access_key_id: str, secret_access_key: str, token: str) -> Credentials:
    return Credentials(
        token=Material(token.encode()),
        access_key_id=access_key_id,
        secret_access_key=Material(secret_access_key.encode()),
    )


def _with_trust(exc: ProviderError, key: SessionKey) -> ProviderError:
    """Say what the trust policy must hold, as the one thing that people get wrong."""
    if exc.reason is not Reason.IDENTITY_DENIED or exc.code == "RegionDisabledException":
        return exc
    subject = f"system:serviceaccount:{key.input('namespace')}:{key.input('service-account')}"
    return _changed(
        exc,
        message=f"{exc} for {key.input('role-arn')}",
        remedy=(
            f"the trust policy of {key.input('role-arn')} must allow sts:AssumeRoleWithWebIdentity "
            f'to the cluster\'s OIDC provider with "<issuer>:aud": "{key.input("audience")}" and '
            f'"<issuer>:sub": "{subject}"'
        ),
    )


def _explained(exc: ProviderError, key: SessionKey, source: Session) -> ProviderError:
    """Tell a role that would assume itself from one that does not trust the caller."""
    if exc.reason is not Reason.IDENTITY_DENIED:
        return exc
    role = key.input("role-arn")
    # Under Pod Identity only AWS's message says which role the pod has.
    callers = _ASSUMED_ROLE.findall(f"{exc} {source.principal}")
    tagging = exc.remedy == remedies.TAG_SESSION
    if not tagging and any(
        same_role(f"arn:{part}:iam::{acc}:role/{name}", role) for part, acc, name in callers
    ):
        return _changed(
            exc,
            reason=Reason.SELF_ASSUME,
            message=f"the pod already has {role}, and a role may not assume itself",
            remedy="remove it from `assume-role` (`aws.assume-role`): nothing else is needed",
        )
    remedy = exc.remedy
    if key.root.method == POD_IDENTITY and not tagging:
        remedy = f"{remedy}; {remedies.TAG_SESSION}"
    return _changed(exc, message=f"{exc} (assuming {role})", remedy=remedy)


def _changed(
    exc: ProviderError, *, message: str, reason: Reason | None = None, remedy: str = ""
) -> ProviderError:
    return ProviderError(
        reason or exc.reason,
        message,
        step=exc.step,
        code=exc.code,
        request_id=exc.request_id,
        region=exc.region,
        remedy=remedy or exc.remedy,
    )
