"""
The EKS Pod Identity agent of a node, with the service behind it.

`GET /v1/credentials` with the raw projected token in `Authorization`. Refused, in the agent's way
of writing: another scheme in front of the token, another audience or issuer, an ended token, a
service account without an association, and a role that does not let the service assume and tag it.
The agent itself looks only at the token's form and times, and its own refusals have no code.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from worlds.aws.assuming import Wish, assume
from worlds.aws.calls import Call, iso
from worlds.aws.errors import (
    ACCESS_DENIED_JSON,
    INVALID_TOKEN_JSON,
    NOT_FOUND,
    AwsError,
)
from worlds.aws.identities import session_of
from worlds.aws.policy import Case, Query, Who, decide
from worlds.server import Response
from worlds.tokens import InvalidTokenError, claims_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.aws.credentials import AccessKeys
    from worlds.aws.identities import Account, Principal, Role
    from worlds.server import Request
    from worlds.tokens import Issuer

SERVICE: Final = "pod-identity"
ACTION: Final = "AssumeRoleForPodIdentity"
PATH: Final = "/v1/credentials"
REFUSED_BY_AGENT: Final = "RefusedByAgent"
"""In the journal; on the wire such a refusal has no code."""
AUDIENCE: Final = "pods.eks.amazonaws.com"
_MAX_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Association:
    """Which role a service account has."""

    role_arn: str
    target_role_arn: str = ""
    """A role, mostly of another account, assumed from the first one."""
    external_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Sent to the target role."""
    tags: bool = True
    """Whether sessions carry the tags of cluster, namespace, service account and pod."""


@dataclass(slots=True)
class PodIdentity:
    """The agent and the service of one cluster."""

    issuer: Issuer
    accounts: Mapping[str, Account]
    keys: AccessKeys
    cluster_arn: str
    associations: dict[tuple[str, str], Association] = field(default_factory=dict)
    """By namespace and service account."""
    lifetime: int = 6 * 3600
    """Seconds that credentials last; AWS gives six hours, and one behind a target role."""

    @property
    def cluster(self) -> str:
        """Name of the cluster."""
        return self.cluster_arn.rpartition("/")[2]

    def credentials(self, request: Request, call: Call) -> dict[str, Any]:
        """Give credentials for the token of a request, or refuse."""
        if request.method != "GET" or request.path != PATH:
            msg = "404 page not found"
            raise AwsError(REFUSED_BY_AGENT, msg, status=404)
        token = request.headers.get("authorization", "")
        _look_at(token, call.now)
        claims = self._claims(token)
        call.asked_by = str(claims["sub"])
        pod = claims["kubernetes.io"]
        place = (pod["namespace"], pod["serviceaccount"]["name"])
        association = self.associations.get(place)
        if association is None:
            msg = f"No association found for service account {place[1]} in namespace {place[0]}"
            raise AwsError(NOT_FOUND, msg, status=404)
        call.resources.append(association.role_arn)
        tags = self._tags(pod) if association.tags else {}
        session = self._session(call, association, tags, pod["pod"]["name"])
        lifetime = self.lifetime
        if association.target_role_arn:
            lifetime = min(lifetime, 3600)
            session = self._target(call, association, session)
        return self._issued(call, session, lifetime)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            claims = self.issuer.verify(token)
        except InvalidTokenError as exc:
            msg = f"The token included in the request is not a valid service account token: {exc}"
            raise AwsError(INVALID_TOKEN_JSON, msg) from None
        if claims.get("iss") != self.issuer.url or AUDIENCE not in _listed(claims.get("aud")):
            msg = f"The token included in the request is not for {AUDIENCE} of this cluster"
            raise AwsError(INVALID_TOKEN_JSON, msg)
        bound = claims.get("kubernetes.io")
        if not isinstance(bound, dict) or "pod" not in bound:
            msg = "The token included in the request is not bound to a pod"
            raise AwsError(INVALID_TOKEN_JSON, msg)
        return claims

    def _tags(self, pod: dict[str, Any]) -> dict[str, str]:
        return {
            "eks-cluster-arn": self.cluster_arn,
            "eks-cluster-name": self.cluster,
            "kubernetes-namespace": pod["namespace"],
            "kubernetes-service-account": pod["serviceaccount"]["name"],
            "kubernetes-pod-name": pod["pod"]["name"],
            "kubernetes-pod-uid": pod["pod"]["uid"],
        }

    def _session(
        self, call: Call, association: Association, tags: dict[str, str], pod: str
    ) -> Principal:
        role = self._role(association.role_arn)
        name = f"eks-{self.cluster}-{pod}-{uuid.uuid4()}"[:_MAX_NAME]
        wish = Wish(association.role_arn, name, tags=tags, transitive=tuple(tags))
        if role is None or not self._trusts(role, wish, call):
            msg = (
                "Unauthorized Exception! EKS does not have permissions to assume the associated "
                "role."
            )
            raise AwsError(ACCESS_DENIED_JSON, msg)
        return replace(session_of(role, name), tags=tags, transitive=frozenset(tags))

    def _role(self, arn: str) -> Role | None:
        account = self.accounts.get(arn.split(":")[4])
        return account.roles.get(arn) if account else None

    def _trusts(self, role: Role, wish: Wish, call: Call) -> bool:
        context = {
            **call.context(),
            **wish.context(role),
            "aws:sourcearn": (self.cluster_arn,),
            "aws:sourceaccount": (self.cluster_arn.split(":")[4],),
        }
        actions = ["sts:AssumeRole", *(["sts:TagSession"] if wish.tags else [])]
        return all(
            decide(
                Case(
                    Query(action, role.arn, context),
                    Who(service=AUDIENCE),
                    resource=role.trust,
                    resource_account=role.account,
                    resource_decides=True,
                )
            ).allowed
            for action in actions
        )

    def _target(self, call: Call, association: Association, source: Principal) -> Principal:
        call.caller = source
        call.resources.append(association.target_role_arn)
        account = self.accounts.get(association.target_role_arn.split(":")[4])
        name = source.arn.rpartition("/")[2]
        wish = Wish(association.target_role_arn, name, external_id=association.external_id)
        try:
            return assume(call, account.roles if account else {}, wish)
        except AwsError as exc:
            raise AwsError(ACCESS_DENIED_JSON, exc.message) from None
        finally:
            call.caller = None

    def _issued(self, call: Call, session: Principal, lifetime: int) -> dict[str, Any]:
        key = self.keys.issue(session, call.now + lifetime)
        call.detail |= {"assumed": session.arn, "issued": key.id}
        return {
            "AccessKeyId": key.id,
            "SecretAccessKey": key.secret,
            "Token": key.token,
            "AccountId": session.account,
            "Expiration": iso(call.now + lifetime),
        }


def _look_at(token: str, now: float) -> None:
    if not token:
        msg = "Service account token cannot be empty"
        raise AwsError(REFUSED_BY_AGENT, msg)
    try:
        claims = claims_of(token)
    except InvalidTokenError as exc:
        msg = f"Service account token cannot be parsed: {exc}"
        raise AwsError(REFUSED_BY_AGENT, msg) from None
    late, early = claims.get("exp", now + 1) <= now, claims.get("nbf", now) > now
    if late or early:
        what = "is expired" if late else "is not valid yet"
        msg = f"Service account token failed basic claim validations: token {what}"
        raise AwsError(REFUSED_BY_AGENT, msg)


def _listed(audience: object) -> list[object]:
    return audience if isinstance(audience, list) else [audience]


def success(result: Mapping[str, Any]) -> Response:
    """Encode the agent's answer."""
    return Response(200, json.dumps(result).encode(), {"Content-Type": "application/json"})


def failure(error: AwsError, request_id: str) -> Response:
    """Encode the agent's refusal: plain text, with the code when it is the service's."""
    text = f"[{request_id}]: ({error.code}): {error.message}, fault: client\n"
    if error.code == REFUSED_BY_AGENT:
        text = f"{error.message}\n"
    return Response(error.status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
