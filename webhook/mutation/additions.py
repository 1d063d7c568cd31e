"""Everything that a pod must have for its plan to run; some of it may be there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from injector.contract import codec, names
from injector.contract.plan import MAX_BYTES, Plan
from injector.contract.reasons import Reason
from webhook.mutation import containers, documents, resources, variables, volumes
from webhook.mutation.containers import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webhook.errors import Problems
    from webhook.mutation.layout import Layout
    from webhook.mutation.sidecar import Sidecar
    from webhook.mutation.subject import Subject


@dataclass(frozen=True, slots=True)
class Additions:
    """What the pod needs."""

    plan: Plan
    plan_text: str
    init: Mapping[str, Any]
    sidecar: Mapping[str, Any] | None
    kind: Sidecar
    order: str
    volumes: tuple[Mapping[str, Any], ...]
    mounts: Mapping[str, list[Mapping[str, Any]]]
    """Of the pod's own containers, by name."""
    variables: Mapping[str, list[dict[str, Any]]]
    """Entries of `env`, by name of the container."""
    overrides: bool
    """Whether variables that are there are taken over."""
    shares_processes: bool
    pull_secret: str

    @property
    def our_mounts(self) -> list[dict[str, Any]]:
        """Mounts of our own containers."""
        documented = any(volume["name"] == names.DOCUMENTS_VOLUME for volume in self.volumes)
        return containers.mounts(
            self.plan.volumes, documents=documented, pod_volumes=documents.pod_volumes(self.plan)
        )

    @property
    def mark(self) -> str:
        """Value of the `injected` annotation."""
        return f"v{self.plan.version}.{codec.digest(self.plan_text)}"


def additions(subject: Subject, layout: Layout, plan: Plan, problems: Problems) -> Additions:
    """Make the parts; a plan that is too large is a problem."""
    text = codec.dump(plan)
    if len(text) > MAX_BYTES:
        message = (
            f"the plan has {len(text)} bytes, more than the {MAX_BYTES} that fit into a pod; "
            "shorten templates, or divide the secrets between pods"
        )
        problems.add(Reason.LIMIT_EXCEEDED, "", message)
    options = subject.intent.options
    ours = subject.settings.injector
    actions = {item.on_change.kind for item in plan.secrets if item.on_change is not None}
    own_volumes, file_bytes = _volumes(layout, plan, options.token_expiration)
    shape = Shape(
        plan_text=text,
        volumes=plan.volumes,
        documents=documents.volume(plan) is not None,
        pod_volumes=documents.pod_volumes(plan),
        ownership=layout.ownership,
        resources=resources.decide(subject, problems, file_bytes=file_bytes),
        sidecar=layout.sidecar,
        metrics_port=plan.metrics_port,
        probed=bool(options.max_stale_action),
        restarts="restart" in actions,
    )
    return Additions(
        plan=plan,
        plan_text=text,
        init=containers.init(shape, ours),
        sidecar=containers.sidecar(shape, ours),
        kind=layout.sidecar,
        order=options.order,
        volumes=own_volumes,
        mounts=_mounts(layout),
        variables=variables.entries(layout.selected),
        overrides=options.override_env,
        shares_processes="signal" in actions,
        pull_secret=ours.pull_secret,
    )


def _volumes(
    layout: Layout, plan: Plan, expiration: int
) -> tuple[tuple[Mapping[str, Any], ...], int]:
    """All volumes, and the bytes of those with files."""
    sizes = [(volume.name, volume.bytes) for volume in layout.volumes]
    if layout.has_variables:
        sizes.append((names.ENV_VOLUME, volumes.env_bound(layout.selected)))
    made = [volumes.memory(name, size) for name, size in sizes]
    session = volumes.session_bound(layout.selected)
    made.append(volumes.memory(names.SESSION_VOLUME, session))
    made.append(volumes.identity(plan.logins, expiration))
    mounted = documents.volume(plan)
    made += [mounted] if mounted is not None else []
    return tuple(made), sum(size for _, size in sizes)


def _mounts(layout: Layout) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for volume in layout.volumes:
        mount = {"name": volume.name, "mountPath": volume.mount, "readOnly": True}
        for container in volume.containers:
            found.setdefault(container.name, []).append(mount)
    return found
