"""Who a request's bearer token speaks for, and whether it may use the API at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from worlds.gcp.access_tokens import CLOUD_PLATFORM, IAM, KMS
from worlds.gcp.errors import (
    PERMISSION_DENIED,
    UNAUTHENTICATED,
    GcpError,
    info,
    service_disabled,
)
from worlds.gcp.iam import USE_SERVICE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.gcp.access_tokens import AccessTokens
    from worlds.gcp.calls import Call
    from worlds.gcp.iam import Bindings, Principal
    from worlds.gcp.identities import Project
    from worlds.gcp.oauth2 import OAuth2

_TITLES: Final = {
    "secretmanager": "Secret Manager API",
    "cloudkms": "Cloud Key Management Service (KMS) API",
    "iamcredentials": "IAM Service Account Credentials API",
}
_SCOPES: Final = {
    "secretmanager": {CLOUD_PLATFORM},
    "cloudkms": {CLOUD_PLATFORM, KMS},
    "iamcredentials": {CLOUD_PLATFORM, IAM},
}
"""Any one of them is enough."""
_METHODS: Final = {
    "secretmanager": "google.cloud.secretmanager.v1.SecretManagerService",
    "cloudkms": "google.cloud.kms.v1.KeyManagementService",
    "iamcredentials": "google.iam.credentials.v1.IAMCredentials",
}
_REALM: Final = 'Bearer realm="https://accounts.google.com/"'
_MORE: Final = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project."
)


@dataclass(slots=True)
class Bearers:
    """The check that every API does first; projects by id and number."""

    projects: Mapping[str, Project]
    bindings: Bindings
    tokens: AccessTokens
    oauth2: OAuth2

    def admit(self, call: Call) -> None:
        """
        Find out who asks, and whether the token and the projects are good for this API.

        Raises:
            GcpError: UNAUTHENTICATED or PERMISSION_DENIED.
        """
        scheme, _, value = call.request.headers.get("authorization", "").partition(" ")
        if not value or scheme.lower() != "bearer":
            message = f"Request is missing required authentication credential. {_MORE}"
            raise _unauthenticated(call, message, "CREDENTIALS_MISSING")
        if value.count(".") == 2 and not value.startswith("ya29."):
            scopes = self._self_signed(call, value)
        else:
            scopes = self._given_out(call, value)
        if not scopes & _SCOPES[call.service]:
            raise _narrow(call)
        self._check_projects(call)

    def _given_out(self, call: Call, value: str) -> frozenset[str]:
        token = self.tokens.find(value)
        if token is None:
            raise _invalid(call, "ACCESS_TOKEN_TYPE_UNSUPPORTED")
        call.token_id = token.id
        if self.tokens.ended(token, call.now):
            call.asked_by = token.principal.name
            raise _invalid(call, "ACCESS_TOKEN_EXPIRED")
        self._is(call, token.principal, token.base)
        return token.scopes

    def _self_signed(self, call: Call, value: str) -> frozenset[str]:
        """Take a JWT that a service account signed for this API itself (AIP-4111)."""
        try:
            account, claims = self.oauth2.verify(value, call.wall)
        except GcpError:
            raise _invalid(call, "ACCESS_TOKEN_TYPE_UNSUPPORTED") from None
        self._is(call, account.principal, account.member)
        if "scope" in claims:
            return frozenset(str(claims["scope"]).split())
        if claims.get("aud") != f"https://{call.service}.googleapis.com/":
            raise _invalid(call, "ACCESS_TOKEN_TYPE_UNSUPPORTED")
        return frozenset({CLOUD_PLATFORM})

    def _is(self, call: Call, principal: Principal, base: str) -> None:
        call.caller, call.asked_by, call.base = principal, principal.name, base

    def _check_projects(self, call: Call) -> None:
        """Ask that the API is enabled where the request counts, and where the resource is."""
        wanted = call.request.headers.get("x-goog-user-project", "")
        if wanted:
            call.detail["quota-project"] = wanted
            self._check_quota(call, wanted)
        for name in (wanted or call.principal.project, call.names.get("project", "")):
            project = self.projects.get(name)
            if project and f"{call.service}.googleapis.com" in project.disabled:
                service = f"{call.service}.googleapis.com"
                raise service_disabled(service, _TITLES[call.service], project.number)

    def _check_quota(self, call: Call, wanted: str) -> None:
        project = self.projects.get(wanted)
        if project and self.bindings.allows(call.principal, USE_SERVICE, project.name):
            return
        url = f"https://console.developers.google.com/iam-admin/iam/project?project={wanted}"
        message = (
            f"Caller does not have required permission to use project {wanted}. Grant the caller "
            "the roles/serviceusage.serviceUsageConsumer role, or a custom role with the "
            f"serviceusage.services.use permission, by visiting {url} and then retry. Propagation "
            "of the new permission may take a few minutes."
        )
        reason = info(
            "USER_PROJECT_DENIED",
            "googleapis.com",
            service=f"{call.service}.googleapis.com",
            consumer=f"projects/{wanted}",
        )
        raise GcpError(PERMISSION_DENIED, message, details=[reason])


def _invalid(call: Call, reason: str) -> GcpError:
    return _unauthenticated(
        call, f"Request had invalid authentication credentials. {_MORE}", reason
    )


def _unauthenticated(call: Call, message: str, reason: str) -> GcpError:
    error = "" if reason == "CREDENTIALS_MISSING" else ', error="invalid_token"'
    return GcpError(
        UNAUTHENTICATED,
        message,
        details=[_about(call, reason)],
        headers={"WWW-Authenticate": f"{_REALM}{error}"},
    )


def _narrow(call: Call) -> GcpError:
    scopes = " ".join(sorted(_SCOPES[call.service]))
    return GcpError(
        PERMISSION_DENIED,
        "Request had insufficient authentication scopes.",
        details=[_about(call, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")],
        headers={"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{scopes}"'},
    )


def _about(call: Call, reason: str) -> dict[str, object]:
    return info(
        reason,
        "googleapis.com",
        service=f"{call.service}.googleapis.com",
        method=f"{_METHODS[call.service]}.{call.action}",
    )
