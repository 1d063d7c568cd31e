"""In words: where and as whom a pod logs in to a store, and who signs for it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from injector.contract import google

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from injector.contract.stores import Store

WEB_IDENTITY_AUDIENCE: Final = "sts.amazonaws.com"
POD_IDENTITY_AUDIENCE: Final = "pods.eks.amazonaws.com"


def words(store: Store, account: str) -> Iterator[str]:
    """
    Say how a store is logged in to, a line each step.

    Args:
        store: as it stands in the plan.
        account: the pod's service account.
    """
    yield from _WORDS[store.family](store, account)


def _azure(store: Store, account: str) -> Iterator[str]:
    tenant, cloud = store.text("tenant-id"), store.text("cloud")
    yield f"login: client {store.text('client-id')} of the tenant {tenant}, in the cloud {cloud}"
    yield f"with the token of {account} for audience {store.text('audience')}"


def _gcp(store: Store, account: str) -> Iterator[str]:
    source = google.source(store.text("auth"))
    yield f"login: {source.name}: {source.doc}"
    order = ", ".join(row.name for row in google.SOURCES)
    yield f"  looked for in the order {order}; a nearer scope's before a farther one's"
    if source.field:
        yield f"  {source.field}: {store.text(source.field)}"
    if audience := store.text("audience"):
        yield f"with the token of {account} for audience {audience}"
    for name in store.names("delegates"):
        yield f"then as the delegate {name}"
    if target := store.text("service-account"):
        yield f"then generateAccessToken of {target}"
    if project := store.text("quota-project"):
        yield f"charged to the project {project}"
    yield from _endpoints(store)


def _aws(store: Store, account: str) -> Iterator[str]:
    yield f"login: {_aws_method(store, account)}"
    for hop in store.hops():
        extra = []
        if hop.external_id:
            extra.append("external id given")
        if hop.session_tags:
            extra.append("session tags " + ", ".join(key for key, _ in hop.session_tags))
        yield f"then AssumeRole {hop.role_arn}" + (f" ({'; '.join(extra)})" if extra else "")
    last = [name for name in ("external-id", "session-tags") if name in store.settings]
    if last and store.hops():
        yield f"with {' and '.join(last)} at the last AssumeRole"
    if region := store.text("region"):
        failover = store.text("failover-region")
        yield f"region: {region}" + (f", failing over to {failover}" if failover else "")
    yield from _endpoints(store)


def _endpoints(store: Store) -> Iterator[str]:
    for service, endpoint in store.pairs("endpoints"):
        yield f"endpoint of {service}: {endpoint}"


def _aws_method(store: Store, account: str) -> str:
    auth = store.text("auth")
    if auth == "web-identity":
        audience = store.text("audience", WEB_IDENTITY_AUDIENCE)
        return (
            f"AssumeRoleWithWebIdentity {store.text('role-arn')} with the token of {account} "
            f"for audience {audience}"
        )
    if auth == "pod-identity":
        return (
            f"the EKS Pod Identity agent, with the token of {account} for audience "
            f"{POD_IDENTITY_AUDIENCE}; the association names the role"
        )
    return "the SDK's default chain of the node or pod (ambient)"


def _vault(store: Store, account: str) -> Iterator[str]:
    reads = store.text("namespace")
    yield f"address: {store.text('address')}"
    yield f"login: {store.text('auth')} at auth/{store.text('auth-mount')}, as the role " + (
        store.text("role") + _in_namespace(store.text("auth-namespace", reads))
    )
    signer = store.signer
    if signer is None:
        yield f"with the token of {account} for audience {store.text('audience')}"
    else:
        yield from _signature(store, signer, account)
    if reads:
        yield f"reads in the namespace {reads}"
    if kv := store.text("kv"):
        yield f"KV engines are version {kv} where Vault does not tell"


def _in_namespace(namespace: str) -> str:
    return f" in the namespace {namespace}" if namespace else ""


def _signature(store: Store, signer: Store, account: str) -> Iterator[str]:
    region = signer.text("region")
    sts = "the global STS" if store.text("aws-sts") == "global" else f"the STS of {region}"
    server = store.text("aws-server-id")
    header = f", good for the server id {server} only" if server else ""
    yield f"with a GetCallerIdentity for {sts}{header}, signed by the identity of {signer.name}:"
    yield from (f"  {line}" for line in _aws(signer, account))


def _sops(store: Store, account: str) -> Iterator[str]:
    if secret := store.text("age-key-secret"):
        yield f"identities of age: the Secret {secret.replace('/', ', key ', 1)}"
    for inner in store.key_stores:
        yield f"data keys by the login of {inner.name}:"
        yield from (f"  {line}" for line in words(inner, account))
    if not store.key_stores and not secret:
        yield "nothing decrypts: give `sops.age-key-secret`, or a store in `sops.key-stores`"
    allowed = store.names("allowed-keys")
    yield "keys that a document may name: " + (
        ", ".join(allowed) if allowed else "those of the logins above"
    )
    if store.text("mac") == "ignore":
        yield "the MAC of documents is not verified"


_WORDS: Final[Mapping[str, Callable[[Store, str], Iterator[str]]]] = MappingProxyType(
    {"aws": _aws, "azure": _azure, "gcp": _gcp, "sops": _sops, "vault": _vault}
)
