"""
Who the pod is to AWS, decided here so that the plan is explicit.

`auto` becomes web identity where a role is known and Pod Identity where none is; the audience and
the operator's endpoints are written into the store. Settings that AWS's APIs cannot carry are
refused with the reason: AssumeRoleWithWebIdentity takes neither external id nor session tags
(https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html).
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from injector.contract.names import DOMAIN
from injector.contract.stores import Store
from webhook.annotations import endpoints
from webhook.annotations.intent import ConfiguredStore, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.stores import Pairs, Setting
    from webhook.errors import Problems

WEB_IDENTITY: Final = "web-identity"
POD_IDENTITY: Final = "pod-identity"
AMBIENT: Final = "ambient"
WEB_IDENTITY_AUDIENCE: Final = "sts.amazonaws.com"
POD_IDENTITY_AUDIENCE: Final = "pods.eks.amazonaws.com"

_ASSUMED: Final = ("external-id", "session-tags", "transitive-tags")
_OWN_TAGS: Final = (
    "eks-cluster-arn",
    "eks-cluster-name",
    "kubernetes-namespace",
    "kubernetes-pod-name",
    "kubernetes-pod-uid",
    "kubernetes-service-account",
)
_CHECKED: Final = frozenset({"assume-role", "duration", "session-tags", "transitive-tags"})
# Limits of AssumeRole: 50 tags, keys of 128 and values of 256 characters.
_MAX_TAGS: Final = 50
_MAX_TAG_KEY: Final = 128
_MAX_TAG_VALUE: Final = 256
_DURATIONS: Final = (900, 43_200)  # seconds, of AssumeRole


def resolve(
    configured: ConfiguredStore, operators: Mapping[str, str], problems: Problems
) -> ConfiguredStore:
    """Write method, audience and endpoints of an AWS store into its settings."""
    store = configured.store
    settings: dict[str, Setting] = dict(store.settings)
    scopes = dict(configured.field_scopes)
    method = _method(configured, problems)
    settings["auth"] = method
    if method != WEB_IDENTITY:
        settings.pop("role-arn", None)
        scopes.pop("role-arn", None)
    if method == WEB_IDENTITY:
        settings.setdefault("audience", WEB_IDENTITY_AUDIENCE)
    else:
        settings.pop("audience", None)
        scopes.pop("audience", None)
    if method == POD_IDENTITY:
        # The agent accepts no other audience.
        settings["audience"] = POD_IDENTITY_AUDIENCE
    addresses = endpoints.of_family(store, operators)
    if addresses:
        settings["endpoints"] = addresses
        scopes.setdefault("endpoints", Scope.OPERATOR)
    _check_audience(configured, method, problems)
    _check_chain(configured, method, problems)
    _check_values(configured, problems)
    return ConfiguredStore(
        Store(store.name, store.provider, settings),
        configured.scope,
        configured.origin,
        scopes,
        configured.field_origins,
    )


def _method(configured: ConfiguredStore, problems: Problems) -> str:
    store, scopes = configured.store, configured.field_scopes
    chosen, role = store.text("auth", "auto"), store.text("role-arn")
    if chosen == "auto":
        return WEB_IDENTITY if role else POD_IDENTITY
    if chosen == WEB_IDENTITY and not role:
        configured.refuse(
            "auth",
            "web identity needs a role: annotate the service account with "
            f"`eks.amazonaws.com/role-arn` or give `{DOMAIN}/aws.role-arn`",
            problems,
        )
    ours = not configured.origin_of("role-arn").key.startswith("eks.")
    if chosen != WEB_IDENTITY and role and ours and scopes["role-arn"] >= scopes["auth"]:
        configured.refuse(
            "role-arn",
            f"is the role of a web identity login, and the login is {chosen}; a role that is "
            "assumed after it goes into `assume-role`",
            problems,
        )
    return chosen


def _check_audience(configured: ConfiguredStore, method: str, problems: Problems) -> None:
    """Only web identity has an audience to choose; one of another platform is simply not used."""
    ours = not configured.origin_of("audience").key.startswith("eks.")
    given = configured.store.text("audience")
    if given and ours and method != WEB_IDENTITY and given != POD_IDENTITY_AUDIENCE:
        configured.refuse("audience", f"{method} takes no audience; remove it", problems)


def _check_chain(configured: ConfiguredStore, method: str, problems: Problems) -> None:
    """What only AssumeRole can carry needs a role to assume."""
    store = configured.store
    if store.hops():
        return
    for name in _ASSUMED:
        if name not in store.settings:
            continue
        if method == WEB_IDENTITY:
            why = (
                "AssumeRoleWithWebIdentity takes no external id and no session tags; they go to "
                "a role that is assumed after it"
            )
        else:
            why = f"{method} assumes no role by itself"
        configured.refuse(name, f"{why}: give `assume-role`, or remove this", problems)
    if "session-policy" in store.settings and method != WEB_IDENTITY:
        why = f"{method} assumes no role that it could narrow: give `assume-role`, or remove this"
        configured.refuse("session-policy", why, problems)


def _check_values(configured: ConfiguredStore, problems: Problems) -> None:
    store = configured.store
    if _CHECKED.isdisjoint(store.settings):
        return
    low, high = _DURATIONS
    if (duration := store.text("duration")) and not low <= int(duration) <= high:
        configured.refuse("duration", f"`{duration}` is not {low} to {high} seconds", problems)
    own = store.pairs("session-tags")
    for name, tags in (
        ("session-tags", own),
        *(("assume-role", hop.session_tags) for hop in store.hops()),
    ):
        wrong = _tags_problem(tags)
        if wrong is not None:
            configured.refuse(name, wrong, problems)
    known = {key for key, _ in own} | {key for hop in store.hops() for key, _ in hop.session_tags}
    stray = sorted(set(store.names("transitive-tags")) - known - set(_OWN_TAGS))
    if stray and store.hops():
        configured.refuse("transitive-tags", f"`{stray[0][:60]}` is no session tag", problems)


def _tags_problem(tags: Pairs) -> str | None:
    if len(tags) > _MAX_TAGS - len(_OWN_TAGS):
        return f"at most {_MAX_TAGS - len(_OWN_TAGS)} session tags fit beside the pod's own"
    for key, value in tags:
        # IAM compares keys without regard to case, so that `Team` and `team` are one.
        if key.lower() in _OWN_TAGS:
            return f"the session tag `{key[:60]}` is the pod's own; remove it"
        if key.lower().startswith("aws:") or not (_is_tag_text(key) and _is_tag_text(value)):
            return (
                f"the session tag `{key[:60]}` is not AWS's: letters, digits, spaces and "
                "`_.:/=+-@`, and not `aws:` in front"
            )
        if len(key) > _MAX_TAG_KEY or len(value) > _MAX_TAG_VALUE:
            return (
                f"the session tag `{key[:60]}` is longer than AWS allows: {_MAX_TAG_KEY} "
                f"characters of key, {_MAX_TAG_VALUE} of value"
            )
    if len({key.lower() for key, _ in tags}) < len(tags):
        return "two session tags differ by case only, and AWS takes them for one"
    return None


def _is_tag_text(text: str) -> bool:
    return all(it in "_.:/=+-@" or unicodedata.category(it)[0] in "LNZ" for it in text)
