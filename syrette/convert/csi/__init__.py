"""
Volumes of the Secrets Store CSI driver: a SecretProviderClass and the pods that mount it.

A volume is converted with all its mounts or stays as it is, and the report says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from syrette.convert import items, podspec
from syrette.convert.csi import mounts, synced
from syrette.convert.csi.providers import PROVIDERS
from syrette.convert.csi.reading import Class
from syrette.convert.findings import GOOGLE, Conversion, Fate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrette.convert.csi.mounts import Volume
    from syrette.convert.csi.reading import Item
    from syrette.convert.podspec import Place

KIND: Final = "SecretProviderClass"
_SAME: Final = {"gke": "gcp"}
"""Providers that are another one under a name of their own."""


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
    made: list[dict[str, Any]] = []
    for volume in mounts.volumes(spec):
        whole = f"volume {volume.name}"
        try:
            places = podspec.places(spec, volume.name)
            found = _open(given, volume, namespace, annotations)
            _read(found, volume, conversion)
            _join(conversion, found.conversion, annotations)
        except ValueError as exc:
            conversion.none(whole, f"it stays as it is: {exc}")
            continue
        wanted = synced.take(_class(given, volume.kind, namespace), found, spec, conversion)
        made.extend(_files(found.items, places))
        made.extend(wanted)
        podspec.remove(spec, volume.name)
        conversion.becomes(whole, f"files in {', '.join(place.mount for place in places)}")
        conversion.todo.append(
            f"{KIND}/{volume.kind}: delete it when no pod mounts it; its Secrets go with the last "
            "one"
        )
    items.write(made, conversion, "csi")
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


def _open(
    given: list[dict[str, Any]], volume: Volume, namespace: str, annotations: Mapping[str, str]
) -> Class:
    name = volume.kind
    spec = _class(given, name, namespace)
    provider = str(spec.get("provider") or "")
    if provider not in PROVIDERS:
        raise ValueError(f"the provider `{provider[:60]}` is none of {', '.join(PROVIDERS)}")
    parameters = spec.get("parameters") or {}
    if not isinstance(parameters, dict) or not all(isinstance(v, str) for v in parameters.values()):
        raise ValueError(f"the parameters of {KIND}/{name} are no texts")
    return Class(name, _SAME.get(provider, provider), parameters, annotations)


def _read(found: Class, volume: Volume, conversion: Conversion) -> None:
    """
    Read a class.

    Raises:
        ValueError: when its volume has no equivalent; what is to fill in is told all the same.
    """
    try:
        PROVIDERS[found.provider](found)
    finally:
        conversion.todo.extend(found.unfilled)
    found.rest()
    if volume.credentials:
        _credentials(found, volume)
    if not found.items:
        lost = [it.text for it in found.conversion.findings if it.fate is Fate.NONE]
        why = "; ".join(lost[:3])
        raise ValueError(f"none of its files has an equivalent ({why})")


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


def _credentials(found: Class, volume: Volume) -> None:
    """
    The Secret that the driver hands to the provider with a volume.

    Google's takes the key `key.json` of it (docs/authentication.md), Azure's the secret of a
    service principal (configurations/identity-access-modes/service-principal-mode).
    """
    where = f"volume {volume.name} nodePublishSecretRef"
    if found.provider == "gcp":
        found.option(where, "gcp.credentials-secret", f"{volume.credentials}/key.json")
        found.conversion.todo.remove(GOOGLE)
    elif found.provider == "azure":
        found.conversion.none(
            found.key(where),
            "no client secret is used: federate the application with the pod's service account",
        )
    else:
        found.conversion.unneeded(found.key(where), f"the provider {found.provider} reads none")


def _files(found: list[Item], places: list[Place]) -> list[dict[str, Any]]:
    return [
        {**item.source, "file": item.file}
        | ({"mode": item.mode} if item.mode else {})
        | place.where
        for place in places
        for item in found
    ]
