"""
Whose a token is: TokenReview (authentication.k8s.io/v1), callers, and the published keys.

Order and words are those of the API server's own authenticator of service account tokens
(kubernetes/pkg/serviceaccount): signature, audience, end (with a minute of leeway), account, pod.
A pod that the world was never told of counts as running, since the pod runner's are unknown here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from worlds.kubernetes.store import ApiStatusError, Object, Store
from worlds.tokens import InvalidTokenError, claims_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from worlds.tokens import Issuer

REVIEWS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"
DISCOVERY: Final = "/.well-known/openid-configuration"
KEYS: Final = "/openid/v1/jwks"
_LEEWAY: Final = 60.0  # seconds
_INVALID: Final = "invalid bearer token"
_PREFIX: Final = "system:serviceaccount:"


class _RefusedError(Exception):
    """A token that is nobody's; the text says why."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """What a token is bound to; the pod is empty when it is bound to none."""

    namespace: str
    account: str
    account_uid: str
    pod: str
    pod_uid: str

    @classmethod
    def of(cls, claims: Mapping[str, Any]) -> Self:
        """Read the claims."""
        own = claims.get("kubernetes.io") or {}
        account, pod = own.get("serviceaccount") or {}, own.get("pod") or {}
        return cls(
            str(own.get("namespace", "")),
            str(account.get("name", "")),
            str(account.get("uid", "")),
            str(pod.get("name", "")),
            str(pod.get("uid", "")),
        )


@dataclass(frozen=True, slots=True)
class _Caller:
    """A service account that proved who it is."""

    username: str
    uid: str
    groups: tuple[str, ...]
    extra: Mapping[str, Sequence[str]]
    audiences: tuple[str, ...]


@dataclass(slots=True)
class Authentication:
    """
    What the API server knows of tokens.

    Args:
        store: where accounts and pods are.
        issuer: of the tokens; without one there are none.
        base: URL of the server.
    """

    store: Store
    issuer: Issuer | None = None
    base: str = ""
    anonymous_discovery: bool = False
    """Whether everybody may read the published keys, as a ClusterRoleBinding permits it."""
    reviewers: set[str] = field(default_factory=set)
    """User names of the service accounts that are bound to `system:auth-delegator`."""

    def permit_reviews(self, namespace: str, name: str) -> None:
        """Bind a service account to `system:auth-delegator`."""
        self.reviewers.add(f"{_PREFIX}{namespace}:{name}")

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Object | None:
        """
        Answer a service account, or somebody without a name; none for what is not theirs.

        Raises:
            ApiStatusError: 401 or 403, in the words of the real one.
        """
        username = self._username(authorization)
        if (method, path) in {("GET", DISCOVERY), ("GET", KEYS)}:
            # `system:service-account-issuer-discovery` is bound to all service accounts.
            if username.startswith(_PREFIX) or self.anonymous_discovery:
                return self._published(path)
            raise _forbidden(username, f'cannot get path "{path}"')
        if (method, path) == ("POST", REVIEWS) and username in self.reviewers:
            return self.review(json.loads(body))
        if username == "system:anonymous":
            raise ApiStatusError(401, "Unauthorized", "Unauthorized")
        if (method, path) == ("POST", REVIEWS):
            what = 'cannot create resource "tokenreviews" in API group "authentication.k8s.io"'
            raise _forbidden(username, f"{what} at the cluster scope", "tokenreviews")
        return None

    def review(self, request: Object) -> Object:
        """Answer one TokenReview."""
        spec = request.get("spec") or {}
        try:
            caller = self._authenticate(str(spec.get("token", "")), spec.get("audiences") or ())
        except _RefusedError as exc:
            status: dict[str, Any] = {"user": {}, "error": str(exc)}
        else:
            user = {
                "username": caller.username,
                "uid": caller.uid,
                "groups": list(caller.groups),
                "extra": dict(caller.extra),
            }
            status = {"authenticated": True, "user": user, "audiences": list(caller.audiences)}
        known = {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1"}
        return {**known, "metadata": {}, "spec": spec, "status": status}

    def _username(self, authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return "system:anonymous"
        try:
            return self._authenticate(token, ()).username
        except _RefusedError:
            raise ApiStatusError(401, "Unauthorized", "Unauthorized") from None

    def _authenticate(self, token: str, audiences: Sequence[str]) -> _Caller:
        claims = self._verify(token)
        wanted = list(audiences) or [self._own().url]
        named = claims.get("aud", [])
        found = [named] if isinstance(named, str) else list(named)
        fitting = tuple(one for one in found if one in wanted)
        trouble = (
            f"token audiences {_go(found)} is invalid for the target audiences {_go(wanted)}"
            if not fitting
            else self._ended(claims) or self._gone(_Bound.of(claims))
        )
        if trouble:
            # As the union of the API server's authenticators puts errors together.
            msg = f"[{_INVALID}, {trouble}]"
            raise _RefusedError(msg)
        return _caller(claims, fitting)

    def _verify(self, token: str) -> Mapping[str, Any]:
        try:
            if claims_of(token).get("iss") != self._own().url:
                raise _RefusedError(_INVALID)
            return self._own().verify(token)
        except InvalidTokenError:
            raise _RefusedError(_INVALID) from None

    def _ended(self, claims: Mapping[str, Any]) -> str:
        now = self._own().now()
        if claims.get("exp", 0) + _LEEWAY < now:
            return "service account token has expired"
        if claims.get("nbf", 0) - _LEEWAY > now:
            return "service account token is not valid yet"
        return ""

    def _gone(self, bound: _Bound) -> str:
        account = ("/api/v1/serviceaccounts", bound.namespace, bound.account)
        if not self.store.has(account):
            return f'serviceaccounts "{bound.account}" not found'
        real = self.store.get(account)["metadata"]["uid"]
        if real != bound.account_uid:
            return f"service account UID ({real}) does not match claim ({bound.account_uid})"
        pod = ("/api/v1/pods", bound.namespace, bound.pod)
        if not self.store.has(pod):
            return "service account token has been invalidated" if self.store.had(pod) else ""
        real = self.store.get(pod)["metadata"]["uid"]
        if real != bound.pod_uid:
            return (
                f"pod UID ({real}) does not match service account pod ref claim ({bound.pod_uid})"
            )
        return ""

    def _published(self, path: str) -> Object:
        if path == KEYS:
            return self._own().key_set()
        return {
            "issuer": self._own().url,
            "jwks_uri": f"{self.base}{KEYS}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self._own().algorithm],
        }

    def _own(self) -> Issuer:
        if self.issuer is None:
            raise _RefusedError(_INVALID)
        return self.issuer


def _caller(claims: Mapping[str, Any], audiences: tuple[str, ...]) -> _Caller:
    bound = _Bound.of(claims)
    extra = {"authentication.kubernetes.io/credential-id": [f"JTI={claims.get('jti', '')}"]}
    if bound.pod:
        extra["authentication.kubernetes.io/pod-name"] = [bound.pod]
        extra["authentication.kubernetes.io/pod-uid"] = [bound.pod_uid]
    groups = (
        "system:serviceaccounts",
        f"system:serviceaccounts:{bound.namespace}",
        "system:authenticated",
    )
    username = f"{_PREFIX}{bound.namespace}:{bound.account}"
    return _Caller(username, bound.account_uid, groups, extra, audiences)


def _forbidden(username: str, what: str, resource: str = "") -> ApiStatusError:
    shown = f"{resource}.authentication.k8s.io is forbidden" if resource else "forbidden"
    return ApiStatusError(403, "Forbidden", f'{shown}: User "{username}" {what}')


def _go(texts: Sequence[str]) -> str:
    """Write a list as Go's `%q` does."""
    return "[" + " ".join(json.dumps(text) for text in texts) + "]"
