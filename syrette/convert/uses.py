"""
Uses of a Secret that another tool makes, by a pod, and what becomes of each.

A use is taken out of the pod and becomes an item of ours, or it stays as it is and is named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syrette.convert.podspec import containers, listed, mapping, mode, places, remove, whole
from webhook.annotations import parsers

Source = Mapping[str, Any]
"""What an item of ours says of where its content comes from: `from`, `decode`, `template`, …"""


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret that another tool makes, as far as it has an equivalent."""

    name: str
    keys: Mapping[str, Source | None]
    """None where a key has no equivalent."""
    rest: Source | None = None
    """A mapping in the store whose keys are the Secret's other ones."""
    complete: bool = True
    """Whether nobody else writes keys into it."""

    def key(self, name: str) -> Source | None:
        """What a key is made of, None where it has no equivalent."""
        if name in self.keys or self.rest is None:
            return self.keys.get(name)
        reference = str(self.rest["from"])
        deeper = "." if "#" in reference else "#"
        return {"from": f"{reference}{deeper}{name}"}

    def every(self) -> dict[str, Source]:
        """
        All keys by name.

        Raises:
            ValueError: when they are not all known, or one has no equivalent.
        """
        if self.rest is not None:
            raise ValueError("the names of its keys are in the store only: name each that is used")
        if not self.complete:
            raise ValueError("others write keys into the Secret, too: name each that is used")
        found = {key: it for key, it in self.keys.items() if it is not None}
        if len(found) != len(self.keys):
            raise ValueError("a key of it has no equivalent")
        return found


@dataclass(slots=True)
class Uses:
    """Uses of one Secret by one pod; each is taken, or said to be left."""

    secret: Secret
    taken: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def take(self, spec: dict[str, Any]) -> list[dict[str, Any]]:
        """Take uses out of the pod, and give an item for each."""
        made = self._volumes(spec)
        wanted: dict[tuple[str, str], tuple[Source, list[str]]] = {}
        names = [str(container.get("name")) for container in containers(spec)]
        for container in containers(spec):
            for name, source in self._of(container):
                key = (name, str(source))
                wanted.setdefault(key, (source, []))[1].append(str(container.get("name")))
        for (name, _), (source, chosen) in wanted.items():
            self.taken.append(f"env.{name}")
            limited = {} if sorted(chosen) == sorted(names) else {"containers": chosen}
            made.append({**source, "env": name} | limited)
        if any(it.get("name") == self.secret.name for it in listed(spec, "imagePullSecrets")):
            self.left.append("imagePullSecrets: the kubelet reads a Secret")
        return made

    @property
    def variables(self) -> list[str]:
        """Those of `taken` that are variables."""
        return [name for name in self.taken if name.startswith("env.")]

    def _of(self, container: dict[str, Any]) -> list[tuple[str, Source]]:
        where = f"the container {container.get('name')}"
        found: list[tuple[str, Source]] = []
        kept: list[Any] = []
        for variable in whole(container, "env"):
            chosen = mapping(mapping(variable, "valueFrom"), "secretKeyRef")
            if chosen.get("name") != self.secret.name:
                kept.append(variable)
                continue
            name, source = str(variable.get("name")), self.secret.key(str(chosen.get("key")))
            if source is None:
                self.left.append(f"{where}: `{name}` wants a key that no converted file has")
            elif _is_part(name, container):
                self.left.append(f"{where} puts $({name}) together, which ours cannot be part of")
            elif not is_variable(name):
                self.left.append(f"{where}: `{name[:60]}` cannot be a variable of ours")
            else:
                found.append((name, _optional(source, chosen)))
                continue
            kept.append(variable)
        _replace(container, "env", kept, changed=bool(found))
        return found + self._from(container, where)

    def _from(self, container: dict[str, Any], where: str) -> list[tuple[str, Source]]:
        found: list[tuple[str, Source]] = []
        kept: list[Any] = []
        own = {str(variable.get("name")) for variable in listed(container, "env")}
        for source in whole(container, "envFrom"):
            chosen = mapping(source, "secretRef")
            if chosen.get("name") != self.secret.name:
                kept.append(source)
                continue
            try:
                named = {
                    f"{source.get('prefix') or ''}{key}": _optional(it, chosen)
                    for key, it in self.secret.every().items()
                }
                if own & set(named) or not all(is_variable(name) for name in named):
                    raise ValueError("it has names that ours cannot be or keep")  # noqa: TRY301 - one way out for whatever is wrong
                if any(_is_part(name, container) for name in named):
                    raise ValueError("another variable or an argument is put together of it")  # noqa: TRY301 - as above
            except ValueError as exc:
                self.left.append(f"{where}: its envFrom: {exc}")
                kept.append(source)
                continue
            found.extend(named.items())
        _replace(container, "envFrom", kept, changed=bool(found))
        return found

    def _volumes(self, spec: dict[str, Any]) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for volume in listed(spec, "volumes"):
            name = str(volume.get("name"))
            given = mapping(volume, "secret")
            if given.get("secretName") == self.secret.name:
                try:
                    where = places(spec, name)
                    made.extend(
                        {**it, **place.where} for place in where for it in self._files(given)
                    )
                except ValueError as exc:
                    self.left.append(f"the volume {name}: {exc}")
                    continue
                remove(spec, name)
                self.taken.append(f"files in {', '.join(place.mount for place in where)}")
            elif any(
                mapping(it, "secret").get("name") == self.secret.name
                for it in listed(mapping(volume, "projected"), "sources")
            ):
                self.left.append(
                    f"the volume {name} projects the Secret beside others: give it a volume of its "
                    "own and convert again"
                )
        return made

    def _files(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Items for the files of a volume of the Secret, without where they are mounted."""
        default = mode(given.get("defaultMode"))
        if given.get("items") is None and self.secret.rest is not None:
            if self.secret.keys or not self.secret.complete:
                raise ValueError("its keys come from several places: choose them by `items`")
            whole = {"from": self.secret.rest["from"]}
            return [_with(_optional(whole, given), dir=".", mode=default)]
        if given.get("items") is None:
            chosen = [{"key": key, "path": key} for key in self.secret.every()]
        else:
            chosen = listed(given, "items")
        made: list[dict[str, Any]] = []
        for item in chosen:
            source = self.secret.key(str(item.get("key")))
            if source is None:
                raise ValueError(f"the key `{str(item.get('key'))[:60]}` has no equivalent")
            path = parsers.file_path(str(item.get("path")))
            own = mode(item.get("mode")) or default
            made.append(_with(_optional(source, given), file=path, mode=own))
        return made


def is_variable(name: str) -> bool:
    """Whether ours can give a variable of that name."""
    try:
        parsers.variable_name(name)
    except ValueError:
        return False
    return True


def _is_part(name: str, container: Mapping[str, Any]) -> bool:
    """Whether the kubelet puts a variable into other ones, which ours cannot be part of."""
    return f"$({name})" in json.dumps([container.get(key) for key in ("env", "command", "args")])


def _optional(source: Source, chosen: Mapping[str, Any]) -> Source:
    """A Secret or key that may be absent is a secret that may be absent in the store."""
    return {**source, "optional": True} if chosen.get("optional") is True else source


def _with(source: Source, **more: str) -> dict[str, Any]:
    return {**source, **{key: text for key, text in more.items() if text}}


def _replace(container: dict[str, Any], key: str, kept: list[Any], *, changed: bool) -> None:
    if changed and kept:
        container[key] = kept
    elif changed:
        del container[key]
