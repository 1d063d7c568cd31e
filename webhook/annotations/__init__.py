"""
What a pod asks for: annotations of every scope to one intent. Pure and total.

`read` notes every problem at once and goes on; it never raises for what a user wrote. Nothing here
has met the policy or the pod's containers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from injector.contract.names import DOMAIN
from injector.contract.reasons import Reason
from injector.contract.stores import PROVIDERS
from webhook.annotations import (
    identity,
    inheritance,
    longform,
    options,
    shortform,
    table,
    targets,
    trust,
)
from webhook.annotations.inheritance import PREFIX, Given
from webhook.annotations.intent import Intent
from webhook.annotations.placeholders import Facts
from webhook.annotations.reading import References
from webhook.annotations.stores import Stores

if TYPE_CHECKING:
    from webhook.annotations.intent import ConfiguredStore, Options, Wanted
    from webhook.context import Context
    from webhook.errors import Problems
    from webhook.review import AdmissionRequest
    from webhook.settings import Settings

MAX_SECRETS: Final = 200


def read(
    request: AdmissionRequest, context: Context, settings: Settings, problems: Problems
) -> Intent | None:
    """
    Read what one pod asks for, None when it asks for nothing.

    Whatever is wrong or surprising is added to `problems`; an intent that comes with problems is
    what could be read in spite of them.
    """
    metadata = request.pod.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    found = inheritance.ours(annotations)
    if not found or found.get(table.INJECT) == "false":
        return None
    given = Given()
    inheritance.collect_pod(found, given, problems)
    if given.secrets:
        inheritance.collect_defaults(given, context, settings, problems)
    facts = Facts.of(context, settings.cluster)
    chosen = options.options(given.options, facts, problems)
    stores = Stores(given, settings, facts, problems)
    if not given.secrets:
        _nothing_asked(found, given, problems)
        return None
    options.check(chosen, problems)
    wanted = _wanted(given, chosen, problems)
    targets.check(wanted, chosen, problems)
    references = References(stores, problems)
    for secret in wanted:
        for source in secret.sources:
            references.check(source.reference, secret.origin)
    return Intent(tuple(wanted), chosen, _configured(wanted, stores, settings, problems))


def _nothing_asked(found: dict[str, str], given: Given, problems: Problems) -> None:
    if given.inject == "true":
        message = f"the pod asks for no secret; add `{PREFIX}{table.FILE}<name>: <reference>`"
        problems.add(Reason.INVALID_ANNOTATION, PREFIX + table.INJECT, message)
    elif set(found) - {table.INJECTED}:
        problems.warn(f"{DOMAIN} options without a secret: nothing is injected")


def _wanted(given: Given, chosen: Options, problems: Problems) -> list[Wanted]:
    """Every secret of the short and the long form, in the order of their keys."""
    wanted: list[Wanted] = []
    for name, text in given.secrets:
        key = PREFIX + name
        if name == table.SECRETS or name.startswith(f"{table.SECRETS}."):
            wanted.extend(longform.read(key, text, chosen.delimiters, problems))
        else:
            secret = shortform.read(name, key, text, problems)
            if secret is not None:
                wanted.append(secret)
    if len(wanted) > MAX_SECRETS:
        message = f"the pod asks for {len(wanted)} secrets; at most {MAX_SECRETS} are injected"
        problems.add(Reason.LIMIT_EXCEEDED, "", message)
        del wanted[MAX_SECRETS:]
    return wanted


def _configured(
    wanted: list[Wanted], stores: Stores, settings: Settings, problems: Problems
) -> dict[str, ConfiguredStore]:
    """Every store that is referred to or defined by the pod, resolved and checked."""
    names = {source.reference.store for secret in wanted for source in secret.sources}
    ready: dict[str, ConfiguredStore] = {}
    for name in sorted(names.union(stores.declared())):
        configured = stores.configure(name)
        if configured is None:
            continue
        if PROVIDERS[configured.store.provider].family == "aws":
            configured = identity.resolve(configured, settings.endpoints, problems)
        trust.check(configured, settings, problems)
        if name in names:
            ready[name] = configured
    return ready
