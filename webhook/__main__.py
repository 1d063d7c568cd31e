"""
The admission server: settings → logging → certificate → cluster → admission → serve → drain.

`python -m webhook --tls-cert FILE --tls-key FILE [--config FILE] …`. Whatever is wrong with the
arguments and files is said at once on standard error, with exit code 2; nothing is served then.
"""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import uvloop

from webhook import settings as configuration
from webhook.admission import PodAdmission
from webhook.cluster import FileCluster, NoCluster
from webhook.context import NEWEST, KubernetesVersion
from webhook.drain import Ports, Service, live
from webhook.errors import SettingsError
from webhook.limits import Limits
from webhook.log import LibraryHandler, Log, standard_output
from webhook.metrics import Metrics
from webhook.tls import CertificateError, CertificateFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from webhook.cluster import Cluster

T = TypeVar("T")

_WRONG: Final = 2
_MAX_PORT: Final = 65535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until it is told to end; gives the exit code."""
    options = parser().parse_args(arguments)
    log = Log(standard_output())
    logging.basicConfig(handlers=[LibraryHandler(log)], force=True)
    problems: list[str] = []
    composed = _compose(options, log, problems)
    if composed is None:
        print("\n".join(problems), file=sys.stderr)  # noqa: T201 - to the person who started us
        return _WRONG
    service, ports = composed
    uvloop.run(live(service, ports, log))
    return 0


def _compose(
    options: argparse.Namespace, log: Log, problems: list[str]
) -> tuple[Service, Ports] | None:
    """Make every part, or note everything that is wrong."""
    metrics = Metrics()
    limits = replace(Limits(), drain_seconds=options.drain_seconds)
    settings = _noted(problems, lambda: configuration.read(options.config))
    cluster = _noted(problems, lambda: _cluster(options))
    certificate = _noted(
        problems,
        lambda: CertificateFiles(options.tls_cert, options.tls_key, metrics=metrics, log=log),
    )
    if settings is None or cluster is None or certificate is None:
        return None
    ports = _noted(problems, lambda: Ports(options.listen, options.metrics_listen, limits))
    if ports is None:
        return None
    admission = PodAdmission(settings, cluster, log=log)
    return Service(admission, certificate, limits=limits, metrics=metrics, log=log), ports


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


def _cluster(options: argparse.Namespace) -> Cluster:
    version: KubernetesVersion | None = options.kubernetes_version
    if options.cluster_facts is not None:
        return FileCluster.read(options.cluster_facts, version)
    return NoCluster(version or NEWEST)


def parser() -> argparse.ArgumentParser:
    """Make the parser of the arguments; the page for operators is written from it."""
    made = argparse.ArgumentParser("python -m webhook", description="Syrette's admission server.")
    add = made.add_argument
    add("--config", type=Path, metavar="FILE", help="the operator's configuration")
    add("--listen", type=_address, default=("", 8443), metavar="[HOST]:PORT", help="admissions")
    add(
        "--metrics-listen",
        type=_address,
        default=("", 8080),
        metavar="[HOST]:PORT",
        help="/healthz, /readyz and /metrics, in plain HTTP",
    )
    add("--tls-cert", type=Path, required=True, metavar="FILE", help="certificate, PEM")
    add("--tls-key", type=Path, required=True, metavar="FILE", help="its key, PEM")
    add("--cluster-facts", type=Path, metavar="FILE", help="namespaces, service accounts, limits")
    add("--kubernetes-version", type=_version, metavar="1.N", help="of the API server")
    add(
        "--drain-seconds",
        type=_seconds,
        default=Limits().drain_seconds,
        metavar="N",
        help="how long to serve on after SIGTERM",
    )
    return made


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdecimal() or int(port) > _MAX_PORT:
        msg = f"`{text}` is not HOST:PORT, :PORT or [IPv6]:PORT"
        raise argparse.ArgumentTypeError(msg)
    return host.removeprefix("[").removesuffix("]"), int(port)


def _version(text: str) -> KubernetesVersion:
    try:
        return KubernetesVersion.parse(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _seconds(text: str) -> float:
    # An hour is more than Kubernetes' longest sensible grace period.
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:  # noqa: PLR2004 - said above
        msg = f"`{text}` is not a number of seconds between 0 and 3600"
        raise argparse.ArgumentTypeError(msg)
    return seconds


if __name__ == "__main__":
    sys.exit(main())
