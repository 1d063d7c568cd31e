"""
What the operator permits, of the final paths and of everything that a pod logs in as.

The first rule whose namespaces match decides and is named; rules but no match is a denial. Some
things need a rule's leave whether there are rules or not: ambient credentials, plain HTTP and
audiences of one's own. Nothing in a pod, service account or namespace can widen any of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from injector.contract import google
from injector.contract.names import DOMAIN
from injector.contract.patterns import matches
from injector.contract.reasons import Reason
from webhook.annotations.intent import Origin, Scope
from webhook.annotations.placeholders import Facts
from webhook.annotations.trust import is_usual
from webhook.mutation import prefixes
from webhook.mutation.patterns import matches_any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from injector.contract.references import Reference
    from webhook.annotations.intent import ConfiguredStore, Intent
    from webhook.context import Context
    from webhook.errors import Problems
    from webhook.settings import Allow, Rule, Settings

_NOTHING: Final = "nothing"
_ROOT: Final = "root"
"""What Vault calls the namespace that has no name in requests."""
# Names that no pattern can spell, for whatever a recursive read finds two levels below its path.
_ANYTHING_BELOW: Final = "\0/\0"


def check(intent: Intent, context: Context, settings: Settings, problems: Problems) -> None:
    """Note everything that is not permitted; under a rule that warns, warn of it."""
    rule = next((rule for rule in settings.policy if applies(rule, context)), None)
    if rule is None and settings.policy:
        message = (
            f"no rule of the operator's policy is for the namespace `{context.namespace}`, so "
            "nothing is permitted here"
        )
        problems.add(Reason.POLICY_DENIED, "", message)
        return
    _check_defaults(intent, rule, problems)
    if rule is not None:
        facts = Facts.of(context, settings.cluster)
        _Ruling(rule, facts, problems).check(intent)


def applies(rule: Rule, context: Context) -> bool:
    """Whether a rule is for the pod's namespace: a name and every label must match."""
    names, labels = rule.namespaces.names, rule.namespaces.labels
    if names and not any(matches(pattern, context.namespace) for pattern in names):
        return False
    return all(
        key in context.namespace_labels and matches(pattern, context.namespace_labels[key])
        for key, pattern in labels.items()
    )


def _check_defaults(intent: Intent, rule: Rule | None, problems: Problems) -> None:
    """What is denied unless a rule says otherwise, and by no `enforce: warn` softened."""
    allow = rule.allow if rule is not None else None
    for configured in _logins(intent):
        store, name = configured.store, configured.store.name
        if not (allow and allow.ambient):
            _check_ambient(configured, rule, problems)
        if store.text("address").startswith("http://") and not (allow and allow.http):
            _deny(configured, "address", rule, f"plain HTTP to the store `{name}`", problems)
        audience = store.text("audience")
        # Without a rule the operator's lists are all there is, and they were asked already.
        if (
            allow is not None
            and audience
            and not is_usual(store)
            and configured.field_scopes.get("audience", Scope.OPERATOR) is not Scope.OPERATOR
            and audience not in allow.audiences
        ):
            _deny(configured, "audience", rule, f"the audience `{audience[:80]}`", problems)


def _check_ambient(configured: ConfiguredStore, rule: Rule | None, problems: Problems) -> None:
    """What is the node's identity, or may be: AWS's default chain and Google's metadata server."""
    store, auth = configured.store, configured.store.text("auth")
    if store.family == "gcp" and auth == google.METADATA and "auth" not in configured.field_origins:
        who = f"the rule `{rule.name}`" if rule is not None else "the operator's policy"
        message = (
            f"nobody says where the Google token of `{store.name}` comes from: add "
            f"`{DOMAIN}/gcp.workload-identity-provider`, or one of "
            f"{', '.join(google.SOURCE_FIELDS)}; the metadata server, whose account may be the "
            f"node's, needs `ambient: true` in {who}"
        )
        origin = configured.origin_of("auth")
        problems.add(Reason.INVALID_STORE, origin.key, message, origin.line)
    elif auth in {"ambient", google.METADATA}:
        what = "`ambient` credentials" if auth == "ambient" else "the metadata server's account"
        _deny(configured, "auth", rule, f"{what} of the store `{store.name}`", problems)


def _deny(
    configured: ConfiguredStore, name: str, rule: Rule | None, what: str, problems: Problems
) -> None:
    origin = configured.origin_of(name)
    who = f"the rule `{rule.name}`" if rule is not None else "the operator's policy"
    message = f"{who} does not permit {what}; it must be allowed there by name"
    problems.add(Reason.POLICY_DENIED, origin.key, message, origin.line)


@dataclass(frozen=True, slots=True)
class _Ruling:
    """One rule applied to one intent."""

    rule: Rule
    facts: Facts
    problems: Problems

    def check(self, intent: Intent) -> None:
        """Check everything that the intent refers to, logs in as and does."""
        allow = self.rule.allow
        for wanted in intent.secrets:
            for source in wanted.sources:
                self._check_path(source.reference, intent, wanted.origin)
            if wanted.on_change is not None:
                self._check_action(wanted.on_change.kind, wanted.origin)
        options = intent.options
        if options.on_change is not None:
            self._check_action(
                options.on_change.kind, options.given.get("on-change", Origin("on-change"))
            )
        for configured in _logins(intent):
            vault = configured.store.family == "vault"
            permitted = allow.vault_roles if vault else allow.roles
            for name, role in _roles(configured):
                if not matches_any(permitted, role, self.facts):
                    origin = configured.origin_of(name)
                    self._refuse(f"the role `{role[:200]}`", permitted, origin)
            if vault:
                self._check_namespaces(configured)
                self._check_mount(configured)

    def _check_path(self, reference: Reference, intent: Intent, origin: Origin) -> None:
        path = prefixes.final(reference, intent)
        permitted = _paths(self.rule.allow, reference.store)
        # An ARN names account and region too, which a pattern of names does not speak of.
        spoken = [it for it in permitted if it.startswith("arn:")] if _is_arn(path) else permitted
        below = reference.option("recursive") == "true"
        wanted = (path, *([path + _ANYTHING_BELOW] if below else ()))
        if not all(matches_any(spoken, it, self.facts) for it in wanted):
            everything = " and all below it" if below else ""
            what = f"the path `{path[:200]}`{everything} of the store `{reference.store}`"
            self._refuse(what, permitted, origin)

    def _check_namespaces(self, configured: ConfiguredStore) -> None:
        """Those of the reads and of the login; a rule that names none permits the root only."""
        permitted, store = self.rule.allow.vault_namespaces, configured.store
        reads = store.text("namespace")
        places = {reads: "namespace"}
        places.setdefault(store.text("auth-namespace", reads), "auth-namespace")
        for namespace, name in places.items():
            if not namespace and not permitted:
                continue
            if not matches_any(permitted, namespace or _ROOT, self.facts):
                root = "Vault's root namespace"
                said = f"the Vault namespace `{namespace}`" if namespace else root
                self._refuse(said, permitted, configured.origin_of(name))

    def _check_mount(self, configured: ConfiguredStore) -> None:
        """Where the login is; a rule that names none permits the operator's and the usual one."""
        permitted, store = self.rule.allow.vault_auth_mounts, configured.store
        mount = store.text("auth-mount")
        scope = configured.field_scopes.get("auth-mount", Scope.OPERATOR)
        usual = scope is Scope.OPERATOR or mount == store.text("auth")
        # A malformed store has none yet, and is refused for what is wrong with it.
        if mount and not (matches_any(permitted, mount, self.facts) if permitted else usual):
            self._refuse(
                f"the login mount `{mount}`", permitted, configured.origin_of("auth-mount")
            )

    def _check_action(self, kind: str, origin: Origin) -> None:
        if kind not in self.rule.allow.on_change:
            self._refuse(f"`on-change: {kind}`", self.rule.allow.on_change, origin)

    def _refuse(self, what: str, permitted: Iterable[str], origin: Origin) -> None:
        if self.rule.enforce == "warn":
            self.problems.violations += 1
            self.problems.warn(f"rule `{self.rule.name}` will not permit {what}")
            return
        allowed = ", ".join(f"`{item}`" for item in permitted) or _NOTHING
        message = f"the rule `{self.rule.name}` does not permit {what}; it permits {allowed[:300]}"
        self.problems.add(Reason.POLICY_DENIED, origin.key, message, origin.line)


def _logins(intent: Intent) -> Iterator[ConfiguredStore]:
    """
    Every store that the pod logs in to.

    One that signs another's login, or decrypts for it, is held to the same.
    """
    for configured in intent.stores.values():
        yield from configured.logins


def _paths(allow: Allow, store: str) -> tuple[str, ...]:
    return (*allow.stores.get(store, ()), *allow.stores.get("*", ()))


def _is_arn(path: str) -> bool:
    return path.startswith("arn:")


def _roles(configured: ConfiguredStore) -> list[tuple[str, str]]:
    """Every identity that a store takes on, with the field that says so."""
    store = configured.store
    family = store.family
    if family == "aws":
        found = [("role-arn", store.text("role-arn"))]
        found.extend(("assume-role", hop.role_arn) for hop in store.hops())
    elif family == "vault":
        found = [("role", store.text("role"))]
    elif family == "gcp":
        found = [("delegates", name) for name in store.names("delegates")]
        found.append(("service-account", store.text("service-account")))
    elif family == "azure":
        found = [("client-id", store.text("client-id"))]
    else:
        found = []
    return [(name, role) for name, role in found if role]
