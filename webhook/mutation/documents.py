"""
What the kubelet mounts for us: Secrets of logins, ConfigMaps with documents, volumes of the pod.

Nobody needs a right to read Secrets or ConfigMaps for it. All of it is in our own containers only,
and each object is optional to the kubelet: a pod that waits for a mount says less than our init
container.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from injector.contract import names
from injector.contract.reasons import Reason
from injector.contract.sops import AGE_KEY, CONFIG_MAP, VOLUME, InvalidPathError, Place, parse_path
from webhook.mutation import prefixes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from injector.contract.plan import Plan
    from injector.contract.stores import Store
    from webhook.annotations.intent import Intent
    from webhook.errors import Problems
    from webhook.mutation.pod import Pod

_MODE: Final = 0o444
SECRET_FIELDS: Final = ("access-token-secret", "age-key-secret", "credentials-secret")
"""Fields of stores that name a key of a Kubernetes Secret."""


def volume(plan: Plan) -> dict[str, Any] | None:
    """Make the volume of Secrets and ConfigMaps; None where there are none."""
    secrets = {text for store in plan.logins for name in _secrets(store) if (text := name)}
    maps = {(place.name, place.path) for place in _places(plan) if place.kind == CONFIG_MAP}
    sources = [_secret(text) for text in sorted(secrets)]
    sources += [_config_map(name, key) for name, key in sorted(maps)]
    if not sources:
        return None
    return {
        "name": names.DOCUMENTS_VOLUME,
        "projected": {"defaultMode": _MODE, "sources": sources},
    }


def pod_volumes(plan: Plan) -> tuple[str, ...]:
    """Names of the pod's own volumes that hold documents."""
    return tuple(sorted({place.name for place in _places(plan) if place.kind == VOLUME}))


def check(pod: Pod, intent: Intent, problems: Problems) -> None:
    """Note every document on a volume that the pod does not have."""
    there = [str(item.get("name")) for item in pod.volumes]
    for wanted in intent.secrets:
        for source in wanted.sources:
            configured = intent.stores.get(source.reference.store)
            if configured is None or configured.store.family != "sops":
                continue
            place = _place(prefixes.final(source.reference, intent))
            if place is not None and place.kind == VOLUME and place.name not in there:
                known = ", ".join(f"`{name}`" for name in there[:8]) or "none"
                message = f"the pod has no volume `{place.name}`; its volumes are {known}"
                origin = wanted.origin
                problems.add(Reason.INVALID_REFERENCE, origin.key, message, origin.line)


def _secrets(store: Store) -> Iterable[str]:
    return (store.text(name) for name in SECRET_FIELDS)


def _places(plan: Plan) -> Iterator[Place]:
    stores = {store.name for store in plan.stores if store.family == "sops"}
    for secret in plan.secrets:
        for source in secret.sources:
            if source.reference.store in stores:
                place = _place(source.reference.path)
                if place is not None:
                    yield place


def _place(path: str) -> Place | None:
    try:
        return parse_path(path)
    except InvalidPathError:
        return None  # refused with its reason (`clouds`)


def _secret(text: str) -> dict[str, Any]:
    # A store with another mistake has not got its default key yet.
    name, key = text.split("/", 1) if "/" in text else (text, AGE_KEY)
    item = {"key": key, "path": names.secret_path(f"{name}/{key}")}
    return {"secret": {"name": name, "items": [item], "optional": True}}


def _config_map(name: str, key: str) -> dict[str, Any]:
    item = {"key": key, "path": names.config_map_path(name, key)}
    return {"configMap": {"name": name, "items": [item], "optional": True}}
