"""
Who may decrypt with a key that a document names: pure, and no by default.

A document is data. It names servers, roles and keys, and whoever can write it would else choose
where the pod shows its token. So only the configured stores count: an address must be a store's
own, a role must be in a store's chain. Patterns narrow that further and never widen it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from injector.contract.azure import CLOUDS, PUBLIC
from injector.contract.patterns import matches_any
from injector.contract.reasons import Reason
from injector.keyservices import addresses
from injector.sops.errors import SopsError, printable
from injector.sops.master_keys import AgeKey, AzureKey, GcpKmsKey, KmsKey, VaultKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from injector.contract.stores import Store
    from injector.sops.master_keys import MasterKey

_SHOWN: Final = 120


@dataclass(frozen=True, slots=True)
class Logins:
    """What the pod can decrypt with at all."""

    stores: tuple[Store, ...] = ()
    """As admission left them; of families that have no keys, too."""
    age: bool = False
    """Whether identities of age are mounted."""
    patterns: tuple[str, ...] = ()
    """
    Keys that are allowed (`contract.patterns`); empty allows all. They are compared with what
    `spellings` gives.
    """


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who may decrypt with a key, or why nobody may."""

    stores: tuple[Store, ...] = ()
    """Those whose login may, each other login once; empty for age."""
    reason: Reason | None = None
    """None where it is allowed."""
    why_not: str = ""
    """With what to change; names what the document says, and no secret."""

    @property
    def allowed(self) -> bool:
        """Whether anybody may."""
        return self.reason is None


def judge(key: MasterKey, logins: Logins) -> Verdict:
    """Decide who may decrypt with a key."""
    try:
        verdict = _by_family(key, logins)
        if verdict.allowed and logins.patterns and not _matches(key, logins.patterns):
            return _refused(
                f"`{printable(spellings(key)[0], _SHOWN)}` is none of the allowed keys: "
                f"{', '.join(logins.patterns)[:_SHOWN]}"
            )
    except SopsError as exc:
        return Verdict(reason=exc.reason, why_not=str(exc))
    return verdict


def spellings(key: MasterKey) -> tuple[str, ...]:
    """
    Write what patterns are compared with: ARN, resource, URL or recipient.

    A server's default port may be written or not, a version of Azure's may be left out; all else
    has one form.

    Raises:
        SopsError: for what is no key.
    """
    if isinstance(key, VaultKey):
        origin, place = addresses.origin(key.vault_address), addresses.transit(key)
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        rest = f"{origin.path}/v1/{place.mount}/keys/{place.key}"
        bare = (f"{origin.scheme}://{host}{rest}",) if origin.has_default_port else ()
        return (*bare, f"{origin.scheme}://{host}:{origin.port}{rest}")
    if isinstance(key, AzureKey):
        found = addresses.azure(key)
        whole = f"https://{found.vault}.{found.suffix}/keys/{found.name}"
        return (whole, f"{whole}/{found.version}") if found.version else (whole,)
    return (key.identifier,)


def _matches(key: MasterKey, patterns: Iterable[str]) -> bool:
    return any(matches_any(patterns, shown) for shown in spellings(key))


def _by_family(key: MasterKey, logins: Logins) -> Verdict:
    if isinstance(key, KmsKey):
        return _aws(key, logins)
    if isinstance(key, VaultKey):
        return _vault(key, logins)
    if isinstance(key, AzureKey):
        return _azure(key, logins)
    if isinstance(key, GcpKmsKey):
        addresses.google(key)
        return _any_of("gcp", "Google", logins, lambda _: True, "")
    if not isinstance(key, AgeKey):
        return _refused(f"keys of the kind {key.kind} are not supported")
    missing = "no identity of age is mounted: name a Secret with one in `sops.age-key-secret`"
    return Verdict() if logins.age else _refused(missing)


def _aws(key: KmsKey, logins: Logins) -> Verdict:
    place = addresses.kms(key)
    mine = [store for store in logins.stores if _in_partition(store, place.partition)]
    if not mine and any(store.family == "aws" for store in logins.stores):
        return _refused(
            f"the key is in the partition {place.partition}, and no AWS store is: "
            "credentials are of one partition only"
        )
    if not key.role:
        return _any_of("aws", "AWS", logins, mine.__contains__, "")
    return _any_of(
        "aws",
        "AWS",
        logins,
        lambda store: store in mine and key.role in roles(store),
        f"the document wants to assume `{printable(key.role, _SHOWN)}`, which is in no AWS store's "
        "chain: add it to `aws.assume-role`, or remove it from the document",
    )


def roles(store: Store) -> tuple[str, ...]:
    """Roles that an AWS store's login comes to have, in order."""
    hops = tuple(hop.role_arn for hop in store.hops())
    first = store.text("role-arn")
    return (first, *hops) if first else hops


def _in_partition(store: Store, partition: str) -> bool:
    """Whether a store's login is of a partition, as far as its settings say."""
    if store.family != "aws":
        return False
    known = {role.split(":")[1] for role in roles(store)}
    if not known and store.text("region"):
        known = {addresses.partition_of(store.text("region"))}
    return not known or known == {partition}


def _vault(key: VaultKey, logins: Logins) -> Verdict:
    asked = addresses.origin(key.vault_address)
    addresses.transit(key)
    return _any_of(
        "vault",
        "Vault",
        logins,
        lambda store: _same_server(store, asked),
        f"`{printable(key.vault_address, _SHOWN)}` is the address of no Vault store: the pod's "
        "token is shown to `vault.address` only",
    )


def _same_server(store: Store, asked: addresses.Origin) -> bool:
    try:
        return addresses.origin(store.text("address")) == asked
    except SopsError:
        return False


def _azure(key: AzureKey, logins: Logins) -> Verdict:
    place = addresses.azure(key)
    return _any_of(
        "azure",
        "Azure",
        logins,
        lambda store: CLOUDS[store.text("cloud", PUBLIC)].suffix == place.suffix,
        f"`{printable(key.vault_url, _SHOWN)}` is no vault of an Azure store's cloud: its host "
        "must end with the cloud's own suffix (`azure.cloud`)",
    )


def _any_of(
    family: str, name: str, logins: Logins, fits: Callable[[Store], bool], why_not: str
) -> Verdict:
    """Allow the stores of a family that fit."""
    mine = [store for store in logins.stores if store.family == family]
    if not mine:
        return _refused(f"the pod has no {name} store whose login could decrypt with it")
    fitting: list[Store] = []
    for store in filter(fits, mine):
        same = [it for it in fitting if (it.settings, it.signer) == (store.settings, store.signer)]
        fitting += [] if same else [store]
    return Verdict(tuple(fitting)) if fitting else _refused(why_not)


def _refused(why_not: str) -> Verdict:
    return Verdict(reason=Reason.POLICY_DENIED, why_not=why_not)
