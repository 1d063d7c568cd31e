"""
The admission server: settings → logging → certificate → cluster → admission → serve → drain.

`python -m webhook --tls-cert FILE --tls-key FILE [--config FILE] …`; `webhook.arguments` has the
rest. Whatever is wrong with the arguments and files is said at once on standard error, with exit
code 2; nothing is served then.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

import uvloop

from webhook import settings as configuration
from webhook.admission import PodAdmission
from webhook.arguments import parse
from webhook.cluster import FileCluster, NoCluster
from webhook.context import NEWEST
from webhook.drain import Ports, Service, live
from webhook.errors import SettingsError
from webhook.limits import Limits
from webhook.log import LibraryHandler, Log, standard_output
from webhook.metrics import Metrics
from webhook.tls import CertificateError, CertificateFiles

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from webhook.cluster import Cluster
    from webhook.cluster.api import Api
    from webhook.context import KubernetesVersion
    from webhook.tls import CertificateSource

T = TypeVar("T")

_WRONG: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until it is told to end; gives the exit code."""
    options = parse(arguments)
    log = Log(standard_output())
    logging.basicConfig(handlers=[LibraryHandler(log)], force=True)
    return uvloop.run(_run(options, log))


async def _run(options: argparse.Namespace, log: Log) -> int:
    problems: list[str] = []
    api = None
    try:
        if options.cluster == "kubernetes" or _managed(options):
            api = await _connected(options, problems)
        composed = None if problems else _compose(options, api, log, problems)
        if composed is None:
            print("\n".join(problems), file=sys.stderr)  # noqa: T201 - to the person who started us
            return _WRONG
        service, ports = composed
        await live(service, ports, log)
    finally:
        if api is not None:
            await api.close()
    return 0


async def _connected(options: argparse.Namespace, problems: list[str]) -> Api | None:
    from webhook.cluster.api import Api, ApiError  # noqa: PLC0415 - only who talks to a cluster

    try:
        return await Api.connect(options.kubeconfig)
    except ApiError as exc:
        problems.append(str(exc))
    return None


def _compose(
    options: argparse.Namespace, api: Api | None, log: Log, problems: list[str]
) -> tuple[Service, Ports] | None:
    """Make every part, or note everything that is wrong."""
    metrics = Metrics()
    limits = replace(Limits(), drain_seconds=options.drain_seconds)
    settings = _noted(problems, lambda: configuration.read(options.config))
    cluster = _noted(problems, lambda: _cluster(options, api, metrics, log))
    if settings is None or cluster is None:
        _noted(problems, lambda: _certificate(options, api, "", metrics, log))
        return None
    certificate = _noted(
        problems, lambda: _certificate(options, api, settings.own_namespace, metrics, log)
    )
    if certificate is None:
        return None
    ports = _noted(problems, lambda: Ports(options.listen, options.metrics_listen, limits))
    if ports is None:
        return None
    service = Service(
        PodAdmission(settings, cluster, log=log),
        certificate,
        limits=limits,
        metrics=metrics,
        log=log,
        ready=lambda: cluster.ready,
        beside=[cluster.run],
    )
    return service, ports


def _noted(problems: list[str], make: Callable[[], T]) -> T | None:
    try:
        return make()
    except SettingsError as exc:
        problems.extend(exc.problems)
    except CertificateError as exc:
        problems.append(str(exc))
    except OSError as exc:
        problems.append(f"cannot listen: {exc.strerror}")
    return None


def _cluster(options: argparse.Namespace, api: Api | None, metrics: Metrics, log: Log) -> Cluster:
    if options.cluster == "kubernetes" and api is not None:
        from webhook.cluster.kubernetes import KubernetesCluster  # noqa: PLC0415 - as above

        return KubernetesCluster(api, metrics=metrics, log=log)
    version: KubernetesVersion | None = options.kubernetes_version
    if options.cluster_facts is not None:
        return FileCluster.read(options.cluster_facts, version)
    return NoCluster(version or NEWEST)


def _managed(options: argparse.Namespace) -> bool:
    return bool(options.certificate == "managed")


def _certificate(
    options: argparse.Namespace, api: Api | None, namespace: str, metrics: Metrics, log: Log
) -> CertificateSource:
    if not _managed(options) or api is None:
        return CertificateFiles(options.tls_cert, options.tls_key, metrics=metrics, log=log)
    from webhook.cluster.lease import Lease  # noqa: PLC0415 - as above
    from webhook.tls.managed import ManagedCertificate, Place  # noqa: PLC0415 - as above

    place = Place(
        namespace, options.certificate_secret, options.webhook_configuration, options.service
    )
    lease = Lease(api, namespace, options.lease, configuration.pod_name())
    return ManagedCertificate(
        api, place, lease, metrics=metrics, log=log, settle=options.settle_seconds
    )


if __name__ == "__main__":
    sys.exit(main())
