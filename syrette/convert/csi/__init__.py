"""
Volumes of the Secrets Store CSI driver: a SecretProviderClass and the pods that mount it.

A volume is converted with all its mounts or stays as it is, and the report says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from injector.contract.names import DOMAIN
from syrette import documents
from syrette.convert.csi import mounts
from syrette.convert.csi.mounts import Place, Variables
from syrette.convert.csi.providers import PROVIDERS
from syrette.convert.csi.reading import Class
from syrette.convert.findings import Conversion
from webhook.annotations import shortform
from webhook.annotations import table as ours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrette.convert.csi.reading import Item

KIND: Final = "SecretProviderClass"


def convert(
    spec: dict[str, Any],
    annotations: Mapping[str, str],
    given: list[dict[str, Any]],
    namespace: str,
) -> tuple[dict[str, str], Conversion]:
    """
    Convert the volumes of one pod.

    Args:
        spec: of the pod; volumes, mounts and variables that are converted are taken out of it.
        annotations: of the pod; they are read only.
        given: every manifest, among them the classes.
        namespace: of the pod, empty when its manifest names none.

    Returns:
        All annotations, and what there is to tell.
    """
    conversion = Conversion(kept=frozenset(annotations))
    items: list[dict[str, Any]] = []
    for volume, name in mounts.volumes(spec):
        whole = f"volume {volume}"
        try:
            places = mounts.places(spec, volume)
            found = _read(given, name, namespace)
            _join(conversion, found.conversion, annotations)
        except ValueError as exc:
            conversion.none(whole, f"it stays as it is: {exc}")
            continue
        used = _variables(_class(given, name, namespace), found, spec, conversion)
        _files(found.items, places, items, conversion)
        items.extend(used)
        mounts.remove(spec, volume)
        conversion.becomes(whole, f"files in {', '.join(place.mount for place in places)}")
        conversion.todo.append(
            f"{KIND}/{name}: delete it when no pod mounts it; its Secrets go with the last one"
        )
    for item in items:
        _place(item, conversion)
    rest = [item for item in items if item]
    if rest:
        key = f"{DOMAIN}/{ours.SECRETS}"
        key = f"{key}.csi" if key in annotations else key
        conversion.ours[key] = documents.dump([rest])
    return {**annotations, **conversion.ours}, conversion


def _class(given: list[dict[str, Any]], name: str, namespace: str) -> dict[str, Any]:
    for document in given:
        metadata = document.get("metadata") or {}
        own = str(metadata.get("namespace") or "")
        if (
            document.get("kind") == KIND
            and metadata.get("name") == name
            and (not own or not namespace or own == namespace)
        ):
            spec = document.get("spec")
            return spec if isinstance(spec, dict) else {}
    raise ValueError(f"{KIND}/{name} is not among the manifests; give it with them")


def _read(given: list[dict[str, Any]], name: str, namespace: str) -> Class:
    spec = _class(given, name, namespace)
    provider = str(spec.get("provider") or "")
    read = PROVIDERS.get(provider)
    if read is None:
        raise ValueError(f"the provider `{provider[:60]}` is none of {', '.join(PROVIDERS)}")
    parameters = spec.get("parameters") or {}
    if not isinstance(parameters, dict) or not all(isinstance(v, str) for v in parameters.values()):
        raise ValueError(f"the parameters of {KIND}/{name} are no texts")
    found = Class(name, provider, parameters)
    read(found)
    found.rest()
    if not found.items:
        why = "; ".join(finding.text for finding in found.conversion.findings[:3])
        raise ValueError(f"none of its files has an equivalent ({why})")
    return found


def _join(conversion: Conversion, more: Conversion, annotations: Mapping[str, str]) -> None:
    """
    Take what a class has become.

    Raises:
        ValueError: when the pod, or another volume of it, says otherwise.
    """
    for key, text in more.ours.items():
        other = annotations.get(key, conversion.ours.get(key, text))
        if other != text:
            raise ValueError(f"the pod has {key}: {other} already; give a store of its own")
    conversion.ours |= more.ours
    known = set(conversion.findings)
    conversion.findings.extend(it for it in more.findings if it not in known)
    conversion.notes.extend(more.notes)
    conversion.todo.extend(more.todo)


def _files(
    found: list[Item], places: list[Place], items: list[dict[str, Any]], conversion: Conversion
) -> None:
    key = f"{DOMAIN}/mount-path"
    for place in places:
        if key not in conversion.kept:
            conversion.ours.setdefault(key, place.mount)
        main = conversion.ours.get(key)
        for item in found:
            made: dict[str, Any] = {**item.source, "file": item.file}
            made |= {"mode": item.mode} if item.mode else {}
            made |= {"mount": place.mount} if place.mount != main else {}
            made |= {"containers": list(place.containers)} if place.containers else {}
            items.append(made)


def _variables(
    spec_of_class: Mapping[str, Any], found: Class, spec: dict[str, Any], conversion: Conversion
) -> list[dict[str, Any]]:
    """Items for variables of the pod that are read from Secrets that the class makes."""
    files = {item.file: item for item in found.items}
    made: list[dict[str, Any]] = []
    listed = spec_of_class.get("secretObjects")
    for secret in listed if isinstance(listed, list) else []:
        name = str(secret.get("secretName") or "")
        whole = f"{KIND}/{found.name} secretObjects {name}"
        keys = {
            str(it.get("key")): files.get(str(it.get("objectName")))
            for it in secret.get("data") or []
        }
        variables = Variables(name, keys)
        made.extend(variables.take(spec))
        for where in variables.left:
            conversion.none(whole, f"{where}: the Secret is made no more")
        shown = ", ".join(f"env.{variable}" for variable in variables.taken)
        if variables.taken:
            conversion.becomes(whole, shown)
            conversion.notes.append(
                f"{shown}: a variable cannot hold a single quote or a line end that an EnvFile has "
                "no sign for; the injector says so, by name"
            )
        elif not variables.left:
            conversion.none(
                whole,
                "no variable of this pod is read from the Secret, which is made no more: whoever "
                "else uses it (imagePullSecrets, an Ingress, another pod) needs another source",
            )
    return made


def _place(item: dict[str, Any], conversion: Conversion) -> None:
    """Put an item into its own annotation if it can, and leave nothing of it then."""
    kind = "file" if "file" in item else "env"
    short = f"{kind}.{item[kind]}"
    if set(item) == {"from", kind} and "/" not in short and shortform.NAME.fullmatch(short):
        key = f"{DOMAIN}/{short}"
        if key in conversion.kept:
            conversion.none(key, "the pod has it already, which is kept")
            item.clear()
            return
        conversion.ours[key] = item["from"]
        item.clear()
