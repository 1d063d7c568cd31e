"""
ExternalSecrets of the External Secrets Operator, and the pods that use their Secrets.

A use of such a Secret becomes a file or variable of ours, which the pod reads with its own
identity; or it stays as it is, the ExternalSecret goes on making the Secret, and the report says
why. ExternalSecrets and stores stay among the manifests, for other pods may use them.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from injector.contract.names import DOMAIN
from syrette.convert import items, podspec
from syrette.convert.external import secrets, table
from syrette.convert.external.opened import Pod, text
from syrette.convert.external.stores import GROUP, Stores
from syrette.convert.findings import Conversion, Fate, Finding, Report
from syrette.convert.podspec import mapping
from syrette.convert.uses import Uses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syrette.convert.external.secrets import External

_REFRESH: Final = f"{DOMAIN}/refresh"


def convert(
    spec: dict[str, Any],
    annotations: Mapping[str, str],
    given: list[dict[str, Any]],
    namespace: str,
) -> tuple[dict[str, str], Conversion]:
    """
    Convert what one pod reads from Secrets that ExternalSecrets make.

    Args:
        spec: of the pod; uses that are converted are taken out of it.
        annotations: of the pod; they are read only.
        given: every manifest, among them ExternalSecrets and stores.
        namespace: of the pod, empty when its manifest names none.

    Returns:
        All annotations, and what there is to tell.
    """
    conversion = Conversion(kept=frozenset(annotations))
    names = frozenset(podspec.secrets(spec))
    chosen = [
        it for it in secrets.find(given) if any(_is_of(it, name, namespace) for name in names)
    ]
    if not chosen:
        return dict(annotations), conversion
    account = str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default")
    stores = Stores(given, Pod(namespace, account))
    for external in chosen:
        for ref in external.stores():
            stores.open(ref)
    tried = _made(chosen, stores, copy.deepcopy(spec), Conversion())
    stores.settle(_sources(tried), annotations, conversion)
    made = _made(chosen, stores, spec, conversion)
    if made:
        if any("template" in item for _, item in made):
            _delimiters(annotations, conversion)
        _tell_refresh(made, conversion)
        items.write(_refreshed(made, conversion), conversion, "external")
        stores.write(_sources(made), conversion)
    return {**annotations, **conversion.ours}, conversion


def elsewhere(document: dict[str, Any], used: frozenset[tuple[str, str]]) -> Iterator[Report]:
    """
    Tell of a document that no pod among the manifests has to do with.

    Args:
        document: of any kind.
        used: namespace and name of the Secrets that pods among them read.
    """
    group = str(document.get("apiVersion") or "").partition("/")[0]
    kind = str(document.get("kind"))
    name = f"{kind}/{text(mapping(document, 'metadata'), 'name') or '?'}"
    why = ""
    if group == GROUP and kind in table.KINDS:
        why = table.KINDS[kind]
    elif group == table.GENERATORS:
        why = table.GENERATED
    elif group == GROUP:
        for external in secrets.find([document]):
            if not any(_is_of(external, name, namespace) for namespace, name in used):
                why = f"no pod among the manifests reads the Secret {external.target}"
    if why:
        namespace = text(mapping(document, "metadata"), "namespace")
        yield Report(name, namespace, (Finding(name, Fate.NONE, f"nothing is converted: {why}"),))


def _is_of(external: External, name: str, namespace: str) -> bool:
    """Whether it makes the Secret of that name; who names no namespace may be in any."""
    known = external.namespace and namespace
    return external.target == name and (not known or external.namespace == namespace)


def _made(
    chosen: list[External], stores: Stores, spec: dict[str, Any], conversion: Conversion
) -> list[tuple[External, dict[str, Any]]]:
    found: list[tuple[External, dict[str, Any]]] = []
    for external in chosen:
        several = [it for it in chosen if it.target == external.target]
        found.extend((external, it) for it in _take(external, several, stores, spec, conversion))
    return found


def _sources(made: list[tuple[External, dict[str, Any]]]) -> frozenset[str]:
    """Every reference of items."""
    found = [item["from"] for _, item in made]
    return frozenset(
        source for it in found for source in (it.values() if isinstance(it, dict) else (it,))
    )


def _take(
    external: External,
    several: list[External],
    stores: Stores,
    spec: dict[str, Any],
    conversion: Conversion,
) -> list[dict[str, Any]]:
    whole = f"{external.shown} Secret {external.target}"
    if len(several) > 1:
        names = ", ".join(it.shown for it in several)
        conversion.none(whole, f"it stays as it is: {names} write it")
        return []
    try:
        secret = secrets.read(external, stores, conversion)
    except ValueError as exc:
        conversion.none(whole, f"it stays as it is: {exc}")
        return []
    wanted = Uses(secret)
    made = wanted.take(spec)
    for where in wanted.left:
        conversion.none(whole, f"{where}: it still needs the Secret")
    if wanted.taken:
        conversion.becomes(whole, ", ".join(wanted.taken))
        if not wanted.left:
            conversion.todo.append(f"{external.shown}: delete it when nobody reads its Secret")
    if wanted.variables:
        conversion.notes.append(items.QUOTES.format(", ".join(wanted.variables)))
    return made


def _tell_refresh(made: list[tuple[External, dict[str, Any]]], conversion: Conversion) -> None:
    """Say what became of each interval that is given, and has not been said to be none of ours."""
    for external in {id(it): it for it, _ in made}.values():
        if not text(external.spec, "refreshInterval") or not external.refresh:
            continue
        where = f"{external.where}.refreshInterval"
        if any("env" not in item for it, item in made if it is external):
            conversion.becomes(where, f"refresh: {external.refresh}")
        else:
            conversion.unneeded(where, "a variable is read once, when its container starts")


def _refreshed(
    made: list[tuple[External, dict[str, Any]]], conversion: Conversion
) -> list[dict[str, Any]]:
    """Write how often is read: once for the pod if all say the same, else on each file."""
    files = [external.refresh for external, item in made if "env" not in item]
    alone = not any(key.startswith(f"{DOMAIN}/") for key in conversion.kept)
    if alone and len(set(files)) == 1 and files[0]:
        conversion.ours[_REFRESH] = files[0]
        return [item for _, item in made]
    return [
        {**item, "refresh": external.refresh} if "env" not in item and external.refresh else item
        for external, item in made
    ]


def _delimiters(annotations: Mapping[str, str], conversion: Conversion) -> None:
    key = f"{DOMAIN}/template-delimiters"
    if annotations.get(key, "{{ }}") != "{{ }}":
        conversion.none(key, "the pod has other delimiters than the templates of this conversion")
