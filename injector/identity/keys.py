"""
From a store and a pod to a session key: pure, so that what decides an identity is in one place.

It refuses what would silently change who we are: a tag that pretends to be the pod's own, a chain
that would outlive its hour. A role that would assume itself is left out, with a warning.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from injector.contract import names
from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.identity.interface import AMBIENT, Identity, SessionKey

if TYPE_CHECKING:
    from injector.contract.stores import Hop, Store

WEB_IDENTITY: Final = "web-identity"
POD_IDENTITY: Final = "pod-identity"
ASSUME_ROLE: Final = "assume-role"
VAULT_KUBERNETES: Final = "vault-kubernetes"
VAULT_JWT: Final = "vault-jwt"
VAULT_AWS: Final = "vault-aws"

WEB_IDENTITY_AUDIENCE: Final = "sts.amazonaws.com"
POD_IDENTITY_AUDIENCE: Final = "pods.eks.amazonaws.com"
VAULT_AUDIENCE: Final = "vault"
MAX_CHAINED: Final = 3600
"""Seconds: AWS's limit for a role that is assumed with another role's credentials."""
MAX_SESSION_NAME: Final = 64
POD_TAGS: Final = ("kubernetes-namespace", "kubernetes-pod-name", "kubernetes-service-account")
"""EKS Pod Identity's own names, so that one ABAC policy fits both ways to log in."""
_AUTOMATIC_TAGS: Final = (*POD_TAGS, "eks-cluster-arn", "eks-cluster-name", "kubernetes-pod-uid")
_NOT_IN_SESSION_NAME: Final = re.compile(r"[^\w+=,.@-]", re.ASCII)
_ROLE: Final = re.compile(
    r"arn:aws[a-z-]*:iam::(?P<account>[0-9]{12}):role/(?:.*/)?(?P<name>[^/]+)"
)


@dataclass(frozen=True, slots=True)
class _Chain:
    base_policy: str
    hops: tuple[Hop, ...]
    warnings: tuple[str, ...]


def session_key(store: Store, identity: Identity, region: str) -> SessionKey:
    """
    Name the login that a store's reads need.

    Args:
        store: an AWS store.
        identity: the pod.
        region: of the regional STS.

    Raises:
        InjectorError: for settings that contradict each other.
    """
    chain = _chain(store)
    shared = _shared(store, region)
    key = _base(store, identity, shared, chain)
    # Tags that the session has already and gives to the next one: they cannot be said again.
    carried = frozenset(_AUTOMATIC_TAGS if method(store) == POD_IDENTITY else ())
    for hop in chain.hops:
        inputs = _hop(hop, store, identity) | shared | _tagging(hop, store, identity, carried)
        key = SessionKey.of("aws", ASSUME_ROLE, inputs, key)
        carried |= {name.lower() for name in hop.transitive_tags}
    return key


def vault_key(store: Store, identity: Identity) -> SessionKey:
    """
    Name the login that the reads of a Vault store need; what only reads differ in is not in it.

    Args:
        store: a Vault store, as admission left it.
        identity: the pod.

    Raises:
        InjectorError: for a store that logs in by AWS without a store that signs.
    """
    chosen = store.text("auth", "kubernetes")
    inputs = {
        "address": store.text("address"),
        "ca-bundle": store.text("ca-bundle"),
        "namespace": store.text("auth-namespace", store.text("namespace")),
        "auth-mount": store.text("auth-mount", chosen),
        "role": store.text("role"),
        "pod-namespace": identity.namespace,
        "service-account": identity.service_account,
        "pod": identity.pod,
    }
    if chosen != "aws":
        audience = store.text("audience", VAULT_AUDIENCE)
        inputs["audience"] = audience
        inputs["token-file"] = f"{names.TOKEN_DIRECTORY}/{names.token_file(audience)}"
        return SessionKey.of("vault", f"vault-{chosen}", inputs)
    signer = store.signer
    if signer is None:
        msg = f"store `{store.name}`: no AWS store signs its login"
        raise InjectorError(Reason.INVALID_STORE, msg)
    region = signer.text("region")
    inputs |= {
        "aws-region": region,
        "aws-server-id": store.text("aws-server-id"),
        "aws-sts": store.text("aws-sts", "regional"),
    }
    return SessionKey.of("vault", VAULT_AWS, inputs, session_key(signer, identity, region))


def warnings(store: Store) -> tuple[str, ...]:
    """What was left out of the store's chain of roles, and why."""
    return _chain(store).warnings


def method(store: Store) -> str:
    """How the pod logs in; `auto` is web identity when a role is known, else Pod Identity."""
    chosen = store.text("auth", "auto")
    if chosen == "auto":
        return WEB_IDENTITY if store.text("role-arn") else POD_IDENTITY
    return chosen


def same_role(one: str, other: str) -> bool:
    """Whether two ARNs are one role: account and name count, the path does not."""
    left, right = _ROLE.fullmatch(one), _ROLE.fullmatch(other)
    return left is not None and right is not None and left.groups() == right.groups()


def session_name(store: Store, identity: Identity) -> str:
    """Role session name, by which CloudTrail names the pod's owner."""
    default = f"syrette-{identity.namespace}-{identity.service_account}"
    return _NOT_IN_SESSION_NAME.sub("-", store.text("session-name", default))[:MAX_SESSION_NAME]


def _chain(store: Store) -> _Chain:
    """Give the last hop the settings of the store itself; leave out self-assumes."""
    hops = list(store.hops())
    if hops:
        hops[-1] = _with_store_settings(hops[-1], store)
    base_policy = "" if hops else store.text("session-policy")
    known = store.text("role-arn") if method(store) == WEB_IDENTITY else ""
    kept: list[Hop] = []
    said: list[str] = []
    for index, hop in enumerate(hops):
        alone = not kept and index + 1 == len(hops)
        # A policy narrows the role: the hop that carries one may go only if the policy can move.
        if known and same_role(known, hop.role_arn) and (alone or not hop.session_policy):
            base_policy = hop.session_policy if alone else base_policy
            said.append(
                f"store `{store.name}`: the pod already has {hop.role_arn} at this "
                "point, so it is not assumed again; remove it from `assume-role`"
            )
            continue
        kept.append(hop)
        known = hop.role_arn
    return _Chain(base_policy, tuple(kept), tuple(said))


def _with_store_settings(hop: Hop, store: Store) -> Hop:
    return replace(
        hop,
        external_id=hop.external_id or store.text("external-id"),
        session_tags=hop.session_tags or store.pairs("session-tags"),
        transitive_tags=hop.transitive_tags or store.names("transitive-tags"),
        session_policy=hop.session_policy or store.text("session-policy"),
    )


def _shared(store: Store, region: str) -> dict[str, str]:
    """Inputs of every login of the store."""
    endpoints = {f"endpoint.{service}": url for service, url in store.pairs("endpoints")}
    return {"region": region, "ca-bundle": store.text("ca-bundle"), **endpoints}


def _base(store: Store, identity: Identity, shared: dict[str, str], chain: _Chain) -> SessionKey:
    chosen = method(store)
    if chain.base_policy and chosen != WEB_IDENTITY:
        msg = f"store `{store.name}`: a session policy under {chosen} needs `assume-role`"
        raise InjectorError(Reason.INVALID_STORE, msg)
    if chosen == AMBIENT:
        return SessionKey.of("aws", AMBIENT, shared)
    owner = {"namespace": identity.namespace, "service-account": identity.service_account}
    default = WEB_IDENTITY_AUDIENCE if chosen == WEB_IDENTITY else POD_IDENTITY_AUDIENCE
    audience = store.text("audience", default)
    token = {
        "audience": audience,
        "token-file": f"{names.TOKEN_DIRECTORY}/{names.token_file(audience)}",
    }
    if chosen == POD_IDENTITY:
        # The agent is on the node: its credentials are the same whatever the region.
        return SessionKey.of(
            "aws", POD_IDENTITY, {**shared, **owner, **token, "region": "", "pod": identity.pod}
        )
    return SessionKey.of(
        "aws",
        WEB_IDENTITY,
        {
            **shared,
            **owner,
            **token,
            "role-arn": store.text("role-arn"),
            "session-name": session_name(store, identity),
            "session-policy": chain.base_policy,
            "duration": "" if chain.hops else store.text("duration"),
        },
    )


def _hop(hop: Hop, store: Store, identity: Identity) -> dict[str, str]:
    duration = store.text("duration")
    return {
        "role-arn": hop.role_arn,
        "external-id": hop.external_id,
        "session-name": session_name(store, identity),
        "session-policy": hop.session_policy,
        "duration": str(min(int(duration), MAX_CHAINED)) if duration else "",
    }


def _tagging(hop: Hop, store: Store, identity: Identity, carried: frozenset[str]) -> dict[str, str]:
    """Give the tags (the pod's own where any are asked for, then the user's) as sorted JSON."""
    tags = dict(hop.session_tags)
    # IAM's condition keys do not tell `Kubernetes-Namespace` from `kubernetes-namespace`.
    stolen = sorted(name for name in tags if name.lower() in _AUTOMATIC_TAGS)
    if stolen:
        msg = f"store `{store.name}`: the session tag `{stolen[0]}` is the pod's own; remove it"
        raise InjectorError(Reason.INVALID_STORE, msg)
    values = (identity.namespace, identity.pod, identity.service_account)
    own = {n: v for n, v in zip(POD_TAGS, values, strict=True) if n not in carried}
    transitive = sorted(name for name in hop.transitive_tags if name.lower() not in carried)
    if tags or not own.keys().isdisjoint(transitive):
        tags |= own
    return {
        "session-tags": json.dumps(sorted(tags.items())) if tags else "",
        "transitive-tags": json.dumps(transitive) if transitive else "",
    }
