"""Login methods of a namespace, set up as their documentation does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worlds.openbao.api import Api
    from worlds.tokens import Issuer

AUDIENCE: Final = "vault"


class Logins:
    """
    What makes login methods and their roles.

    Args:
        api: with a token that may do everything.
    """

    def __init__(self, api: Api) -> None:
        self.api = api

    def login_method(self, path: str, kind: str, **config: Any) -> str:  # noqa: ANN401 - of any method
        """Enable a login method below `auth/` and configure it; gives its path."""
        self.api.write(f"sys/auth/{path}", type=kind)
        if config:
            self.api.write(f"auth/{path}/config", **config)
        return path

    def kubernetes(
        self, host: str, ca_pem: str, reviewer: str = "", path: str = "kubernetes"
    ) -> str:
        """
        Enable `kubernetes` logins; gives the path.

        Args:
            host: of the API server, with `https://`.
            ca_pem: signed its certificate.
            reviewer: token of a service account that may create TokenReviews; without one the
                client's own token is used, which then needs the right.
            path: of the mount.
        """
        config = {"kubernetes_host": host, "kubernetes_ca_cert": ca_pem}
        if reviewer:
            config["token_reviewer_jwt"] = reviewer
        return self.login_method(path, "kubernetes", **config, disable_local_ca_jwt=True)

    def kubernetes_role(
        self,
        name: str,
        *policies: str,
        namespaces: Sequence[str] = ("shop",),
        service_accounts: Sequence[str] = ("web",),
        audience: str = AUDIENCE,
        path: str = "kubernetes",
        **token: Any,  # noqa: ANN401 - of a role
    ) -> str:
        """
        Make a role of a `kubernetes` method; gives its name.

        Args:
            name: of the role.
            policies: of its tokens.
            namespaces: whose service accounts may log in; `*` is any.
            service_accounts: that may; `*` is any.
            audience: that a token must have; empty for any.
            path: of the mount.
            token: its `token_ttl`, `token_max_ttl`, `token_type` and so on.
        """
        self.api.write(
            f"auth/{path}/role/{name}",
            bound_service_account_namespaces=list(namespaces),
            bound_service_account_names=list(service_accounts),
            **({"audience": audience} if audience else {}),
            **_token(policies, token),
        )
        return name

    def jwt(self, issuer: Issuer, path: str = "jwt", **config: Any) -> str:  # noqa: ANN401 - of the method
        """
        Enable `jwt` logins with tokens of an issuer; gives the path.

        Args:
            issuer: of the tokens.
            path: of the mount.
            config: in the place of the issuer's public key: `oidc_discovery_url` with
                `oidc_discovery_ca_pem`, or `jwks_url` with `jwks_ca_pem`.
        """
        keys = config or {"jwt_validation_pubkeys": [issuer.public_pem()]}
        return self.login_method(path, "jwt", bound_issuer=issuer.url, **keys)

    def jwt_role(
        self,
        name: str,
        *policies: str,
        subject: str = "system:serviceaccount:shop:web",
        audience: str = AUDIENCE,
        path: str = "jwt",
        **token: Any,  # noqa: ANN401 - of a role
    ) -> str:
        """Make a role of a `jwt` method, bound to one subject; gives its name."""
        self.api.write(
            f"auth/{path}/role/{name}",
            role_type="jwt",
            user_claim="sub",
            bound_subject=subject,
            bound_audiences=[audience],
            **_token(policies, token),
        )
        return name


def _token(policies: Sequence[str], given: dict[str, Any]) -> dict[str, Any]:
    return {"token_policies": list(policies), "token_ttl": "15m", **given}
