"""
From an intent and its layout to the plan: final paths, only the stores that are used.

The plan has references, never values, and says of each secret which volumes get it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from injector.contract import names
from injector.contract.plan import Plan, Proxy, Secret, Source
from injector.contract.stores import Store
from webhook.mutation import prefixes
from webhook.mutation.sidecar import Sidecar

if TYPE_CHECKING:
    from webhook.annotations.intent import ConfiguredStore, Intent, Options, Wanted
    from webhook.mutation.layout import Layout
    from webhook.mutation.selection import Selected
    from webhook.mutation.subject import Subject

_VARIABLES_MODE: Final = 0o400  # the kubelet reads EnvFiles as root, nobody else does
_LEAST_SPREAD: Final = 30.0  # seconds
_SPREAD: Final = 0.1  # of the refresh interval


def plan(subject: Subject, layout: Layout) -> Plan:
    """Write the plan of one pod."""
    intent, settings = subject.intent, subject.settings
    options = intent.options
    volumes = [volume.name for volume in layout.volumes]
    if layout.has_variables:
        volumes.append(names.ENV_VOLUME)
    secrets = _secrets(intent, layout)
    restarts = any(item.on_change and item.on_change.kind == "restart" for item in secrets)
    return Plan(
        secrets=secrets,
        stores=_stores(intent),
        volumes=tuple(volumes),
        init_timeout=options.init_timeout,
        max_stale=options.max_stale,
        restart_spread=_spread(options) if restarts else 0.0,
        metrics_port=options.metrics_port if layout.sidecar is not Sidecar.NONE else 0,
        log_level=options.log_level,
        delimiters=options.delimiters,
        ca_bundle=settings.ca_bundle,
        proxy=settings.proxy or Proxy(),
        init_only=layout.sidecar is Sidecar.NONE,
        classic=layout.sidecar is Sidecar.CLASSIC,
        grace_period=subject.pod.grace_period,
    )


def _stores(intent: Intent) -> tuple[Store, ...]:
    """Stores by name; their prefixes are in the paths already."""
    return tuple(_store(item) for _, item in sorted(intent.stores.items()))


def _store(configured: ConfiguredStore) -> Store:
    store, signer = configured.store, configured.signer
    key_stores = tuple(_store(item) for item in configured.key_stores)
    kept = {name: store.settings[name] for name in sorted(store.settings) if name != prefixes.FIELD}
    signed_by = _store(signer) if signer is not None else None
    return Store(store.name, store.provider, kept, signed_by, key_stores)


def _secrets(intent: Intent, layout: Layout) -> tuple[Secret, ...]:
    places: list[list[str]] = [[] for _ in layout.selected]
    for volume in layout.volumes:
        for position in volume.secrets:
            places[position].append(volume.name)
    return tuple(
        _secret(item, intent, layout, position, tuple(places[position]))
        for position, item in enumerate(layout.selected)
    )


def _secret(
    item: Selected, intent: Intent, layout: Layout, position: int, volumes: tuple[str, ...]
) -> Secret:
    wanted, options = item.wanted, intent.options
    is_env = wanted.kind == "env"
    refresh = layout.intervals[position]
    return Secret(
        sources=_sources(wanted, intent),
        kind=wanted.kind,
        path=wanted.path,
        variables=wanted.variables,
        containers=tuple(container.name for container in item.containers) if is_env else (),
        volumes=(names.ENV_VOLUME,) if is_env else volumes,
        mode=_VARIABLES_MODE if is_env else _mode(wanted, options, layout),
        format=wanted.format,
        template=wanted.template,
        decode=wanted.decode,
        refresh=refresh,
        optional=wanted.optional,
        on_change=(wanted.on_change or options.on_change) if refresh else None,
    )


def _sources(wanted: Wanted, intent: Intent) -> tuple[Source, ...]:
    return tuple(_source(source, intent) for source in wanted.sources)


def _source(source: Source, intent: Intent) -> Source:
    path = prefixes.final(source.reference, intent)
    if path == source.reference.path:
        return source
    return Source(source.name, replace(source.reference, path=path))


def _mode(wanted: Wanted, options: Options, layout: Layout) -> int:
    given = options.mode if wanted.mode is None else wanted.mode
    return layout.ownership.mode if given is None else given


def _spread(options: Options) -> float:
    if options.restart_spread is not None:
        return options.restart_spread
    return max(_LEAST_SPREAD, _SPREAD * options.refresh)
