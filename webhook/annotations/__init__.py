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
from webhook.annotations import inheritance, longform, options, shortform, table, targets
from webhook.annotations.inheritance import PREFIX
from webhook.annotations.intent import Intent, Scope
from webhook.annotations.placeholders import Facts
from webhook.annotations.reading import References
from webhook.annotations.resolution import Resolution
from webhook.annotations.stores import Stores
from webhook.annotations.templates import Templates

if TYPE_CHECKING:
    from webhook.annotations.inheritance import Given
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
    annotations = _annotations(request)
    found = inheritance.ours(annotations)
    if not found or found.get(table.INJECT) == "false":
        return None
    given = inheritance.collect(found, Scope.POD, "", problems)
    if given.secrets:
        inheritance.inherit(given, context, settings, annotations, problems)
    facts = Facts.of(context, settings.cluster)
    chosen = options.options(given.options, facts, problems)
    stores = Stores(given, settings, facts, problems)
    _check_inject(given, problems)
    if not given.secrets:
        stores.check_own()
        if set(found) - {table.INJECT, table.INJECTED}:
            problems.warn(f"{DOMAIN} annotations, but no secret: nothing is injected")
        return None
    options.check(chosen, problems)
    wanted = _wanted(given, chosen, problems)
    targets.check(wanted, chosen, problems)
    references = References(stores, problems)
    for secret in wanted:
        for source in secret.sources:
            references.check(source.reference, secret.origin)
    configured = _configured(wanted, stores, settings, problems)
    stores.check_own()
    return Intent(tuple(wanted), chosen, configured)


def _annotations(request: AdmissionRequest) -> Mapping[str, object]:
    metadata = request.pod.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    return annotations if isinstance(annotations, Mapping) else {}


def _check_inject(given: Given, problems: Problems) -> None:
    value = given.inject
    if value is None:
        return
    if value.text != "true":
        message = f'`{value.text[:60]}` is not "true" or "false"'
        problems.add(Reason.INVALID_ANNOTATION, value.key, message)
    elif not given.secrets:
        message = f"the pod asks for no secret; add `{PREFIX}{table.FILE}<name>: <reference>`"
        problems.add(Reason.INVALID_ANNOTATION, value.key, message)


def _wanted(given: Given, chosen: Options, problems: Problems) -> list[Wanted]:
    """Every secret of the short and the long form, in the order of their keys."""
    wanted: list[Wanted] = []
    templates = Templates(chosen.delimiters)
    for value in given.secrets:
        name = value.key.removeprefix(PREFIX)
        if name.startswith((table.FILE, table.DIRECTORY, table.VARIABLE)):
            secret = shortform.read(name, value, problems)
            if secret is not None:
                wanted.append(secret)
        else:
            wanted.extend(longform.read(value, templates, problems))
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
    resolution = Resolution(stores, settings, problems)
    ready: dict[str, ConfiguredStore] = {}
    for name in sorted(names.union(stores.declared())):
        configured = resolution.resolve(name)
        if configured is not None and name in names:
            ready[name] = configured
    return ready
