"""What to change when Vault says no: one sentence for each case that people run into."""

from __future__ import annotations

from typing import Final

from injector.contract.reasons import Reason

_STANDBY: Final = (
    "give the address of the active server or of a load balancer that forwards: a redirect would "
    "carry the token to another host"
)
_DATA: Final = "leave `data/` out of the path: it is added for a KV v2 engine"
_AGAIN: Final = "it is tried again; if it stays, look at the server"


def remedy(reason: Reason, step: str, path: str, text: str) -> str:
    """
    Give the cure of a refusal.

    Args:
        reason: what it was classified as.
        step: of the failure.
        path: API path below `/v1/`.
        text: Vault's errors in lower case.
    """
    own = _OF_STEP.get(step)
    if own is not None and (cure := own(reason, path, text)):
        return cure
    if reason is Reason.ACCESS_DENIED:
        return _denied(step, path)
    if reason is Reason.NOT_FOUND:
        return _absent(path, text)
    if reason is Reason.UNAVAILABLE:
        return "unseal it" if "sealed" in text else f"{_AGAIN}; {_STANDBY}"
    if reason is Reason.INVALID_REQUEST and step in {"read", "write"}:
        return "check the path and the options of the reference (`data.…`, `ttl`, `version`)"
    return _AGAIN if reason is Reason.THROTTLED else ""


def _login(reason: Reason, path: str, text: str) -> str:
    if reason is Reason.UNAVAILABLE:
        return "unseal it" if "sealed" in text else f"{_AGAIN}; {_STANDBY}"
    if reason in _PASSING:
        return _PASSING[reason]
    mount = path.removeprefix("auth/").removesuffix("/login")
    cure = next((cure for mark, cure in _LOGINS if mark in text), _BOUNDS)
    return cure.replace("<mount>", mount)


_PASSING: Final = {
    Reason.THROTTLED: _AGAIN,
    Reason.TOKEN_UNAVAILABLE: "compare the clocks of the node and of Vault; the kubelet projects a "
    "new token well before the end of the old one",
}
_NO_ROLE: Final = "create the role at auth/<mount>, or set `vault.role` and `vault.auth-mount`"
_NO_NAMESPACE: Final = "check `vault.namespace` and `vault.auth-namespace`"
_LOGINS: Final = (
    ("namespace not found", _NO_NAMESPACE),
    (
        "no handler for route",
        (
            "enable the login method at `<mount>`, or set `vault.auth-mount` (and "
            "`vault.auth-namespace`, where the mount is in another namespace)"
        ),
    ),
    (
        "iam-server-id",
        "`vault.aws-server-id` must equal `iam_server_id_header_value` of auth/<mount>",
    ),
    (
        "from sts",
        (
            "the endpoint that was signed must be the one that Vault asks: compare `sts_endpoint` "
            "and `sts_region` of auth/<mount>/config/client with `vault.aws-sts` and `aws.region`"
        ),
    ),
    ("invalid role name", _NO_ROLE),
    ("could not be found", _NO_ROLE),
    ("entry for role", _NO_ROLE),
    (
        "audience",
        (
            "`vault.audience` must equal the audience of the role at auth/<mount> (`audience`, "
            "`bound_audiences`)"
        ),
    ),
)
_BOUNDS: Final = (
    # Vault answers "permission denied" for a mount that is not there, too.
    "see that a login method is enabled at `<mount>` in this namespace (`vault.auth-mount`), and "
    "compare `vault.role`, `vault.auth-mount` and `vault.audience` with the role at auth/<mount>: "
    "its bound service accounts, namespaces, claims or principals; a kubernetes mount outside the "
    "cluster needs a `token_reviewer_jwt` that may create TokenReviews"
)


def _decrypt(reason: Reason, path: str, text: str) -> str:
    """Give the cure of a refusal by transit, where it is one of its own."""
    mount, _, key = path.partition("/decrypt/")
    if "disallowed by policy" in text:
        return (
            f"encrypt the document anew (`sops updatekeys`), or lower `min_decryption_version` of "
            f"`{mount}/keys/{key}`"
        )
    if reason is Reason.NOT_FOUND and "encryption key" in text:
        return f"see that `{mount}/keys/{key}` is there, and check `vault.namespace`"
    if reason is Reason.INVALID_DOCUMENT:
        return (
            f"`{mount}/keys/{key}` may have been deleted and made again: encrypt the document anew"
        )
    return ""


_OF_STEP: Final = {"login": _login, "decrypt": _decrypt}


def _denied(step: str, path: str) -> str:
    if step == "renew" and path.endswith("-self"):
        return "the token's policies must allow `update` on auth/token/renew-self"
    capability = {"read": "read", "write": "update"}.get(step, "update")
    said = (
        f"a policy of the role must allow `{capability}` on `{path}`; Vault says the same of a "
        "mount that is not there"
    )
    return f"{said}, or: {_DATA}" if _is_doubled(path) else said


def _absent(path: str, text: str) -> str:
    if "namespace not found" in text:
        return _NO_NAMESPACE
    if "no handler for route" in text:
        return (
            "check the mount in front of the path and `vault.namespace`; `?engine=` names a "
            "mount that has a `/`"
        )
    if "version destroyed" in text:
        return "it cannot be had again: write the secret anew, or refer to another `version`"
    if "version deleted" in text:
        return "undelete the version, write the secret anew, or refer to another `version`"
    return _DATA if _is_doubled(path) else "check the path, its version, and `vault.namespace`"


def _is_doubled(path: str) -> bool:
    """Whether somebody wrote the API's `data/` and a KV v2 read has added its own."""
    return "/data/data/" in f"/{path}"
