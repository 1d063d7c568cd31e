"""
The metadata server of a node: a VM's, or GKE's, which answers each pod with its own identity.

Every request needs `Metadata-Flavor: Google` and must not have come through a proxy. Tokens are
kept until five minutes before their end, so that asking again gives the same one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from worlds.gcp.access_tokens import CLOUD_PLATFORM, LIFETIME
from worlds.gcp.errors import GcpError
from worlds.server import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.gcp.access_tokens import AccessToken, AccessTokens
    from worlds.gcp.calls import Call
    from worlds.gcp.federation import Cluster
    from worlds.gcp.identities import Project, ServiceAccount
    from worlds.gcp.impersonation import IamCredentials

SERVICE: Final = "metadata"
REFUSED: Final = "Refused"
"""In the journal; on the wire such a refusal is text without a code."""
ROOT: Final = "/computeMetadata/v1"
_ACCOUNT: Final = f"{ROOT}/instance/service-accounts"
_KEPT: Final = 300  # seconds before its end in which a token is made anew
_FLAVOR: Final = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
_DENIED: Final = (
    "Unable to generate access token; IAM returned 403 Forbidden: {words}\n"
    "This error could be caused by a missing IAM policy binding on the target IAM service "
    "account.\nFor more information, refer to the Workload Identity documentation:\n\t"
    "https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity#authenticating_to\n\n"
)


@dataclass(frozen=True, slots=True)
class Attached:
    """A VM with a service account."""

    account: ServiceAccount


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod on GKE, with the service account that its own is annotated with, if any."""

    cluster: Cluster
    namespace: str
    service_account: str
    account: ServiceAccount | None = None


@dataclass(slots=True)
class Metadata:
    """The server of one node."""

    project: Project
    tokens: AccessTokens
    credentials: IamCredentials
    identity: Attached | Pod | None = None
    """Who asks; without one there is no service account."""
    attributes: dict[str, str] = field(default_factory=dict)
    """Of the instance: cluster-name, cluster-location."""
    _kept: dict[tuple[object, str], AccessToken] = field(default_factory=dict)

    def answer(self, call: Call) -> Response:
        """Answer one request, or refuse."""
        headers = call.request.headers
        path = call.request.path
        if path == "/":
            return _text("computeMetadata/\n")
        if headers.get("metadata-flavor") != "Google":
            msg = 'Missing required header "Metadata-Flavor": "Google"\n'
            raise GcpError(REFUSED, msg, status=403)
        if "x-forwarded-for" in headers:
            msg = "Request with the header X-Forwarded-For is refused\n"
            raise GcpError(REFUSED, msg, status=403)
        documents = self._documents()
        if path in documents:
            return _text(documents[path])
        if path.startswith(f"{_ACCOUNT}/"):
            return self._account(call)
        raise _missing(path)

    def _documents(self) -> dict[str, str]:
        place = f"{ROOT}/instance/attributes"
        return {
            f"{ROOT}/project/project-id": self.project.id,
            f"{ROOT}/project/numeric-project-id": self.project.number,
            f"{ROOT}/universe/universe-domain": "googleapis.com",
            **{f"{place}/{name}": value for name, value in self.attributes.items()},
        }

    def _account(self, call: Call) -> Response:
        who, _, what = call.request.path.removeprefix(f"{_ACCOUNT}/").partition("/")
        if self.identity is None or who not in {"default", self.email}:
            raise _missing(call.request.path)
        if what == "email":
            return _text(self.email)
        if what == "scopes":
            return _text(f"{CLOUD_PLATFORM}\n")
        if what == "":
            return _json({"aliases": ["default"], "email": self.email, "scopes": [CLOUD_PLATFORM]})
        if what != "token":
            raise _missing(call.request.path)
        token = self._token(call, self.identity)
        left = int(token.expires - call.now)
        return _json({"access_token": token.value, "expires_in": left - 1, "token_type": "Bearer"})

    @property
    def email(self) -> str:
        """What the default account is called: a pod without one is called by the pool."""
        if isinstance(self.identity, Pod) and self.identity.account is None:
            return self.identity.cluster.pool
        return self.identity.account.email if self.identity and self.identity.account else ""

    def _token(self, call: Call, identity: Attached | Pod) -> AccessToken:
        asked = parse_qs(call.request.query).get("scopes", [CLOUD_PLATFORM])[0]
        scopes = asked.split(",")
        kept = self._kept.get((identity, asked))
        if kept and not self.tokens.ended(kept, call.now + _KEPT):
            call.asked_by, call.detail["issued"] = kept.base, kept.id
            return kept
        if isinstance(identity, Attached):
            principal = identity.account.principal
            made = self.tokens.issue(principal, scopes, call.now + LIFETIME)
        else:
            made = self._of_pod(call, identity, scopes)
        call.asked_by = call.asked_by or made.principal.name
        call.detail["issued"] = made.id
        self._kept[identity, asked] = made
        return made

    def _of_pod(self, call: Call, pod: Pod, scopes: list[str]) -> AccessToken:
        caller = pod.cluster.caller(pod.namespace, pod.service_account)
        call.caller, call.asked_by = caller, caller.name
        if pod.account is None:
            return self.tokens.issue(caller, scopes, call.now + LIFETIME)
        try:
            return self.credentials.impersonate(
                call, pod.account, delegates=[], scopes=scopes, lifetime=LIFETIME
            )
        except GcpError as exc:
            msg = _DENIED.format(words=exc.message)
            raise GcpError(exc.code, msg, status=exc.status) from None


def failure(error: GcpError) -> Response:
    """Encode a refusal: text, whatever its code."""
    return _text(error.message, error.status)


def _missing(path: str) -> GcpError:
    return GcpError(
        REFUSED, f"GKE Metadata Server encountered an error: {path} not found\n", status=404
    )


def _text(text: str, status: int = 200) -> Response:
    return Response(status, text.encode(), {**_FLAVOR, "Content-Type": "application/text"})


def _json(content: Mapping[str, Any]) -> Response:
    headers = {**_FLAVOR, "Content-Type": "application/json"}
    return Response(200, json.dumps(content).encode(), headers)
