"""What `python -m webhook` is told on its command line, parsed once."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from webhook.context import KubernetesVersion
from webhook.limits import Limits
from webhook.tls.interface import SETTLE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_PORT: Final = 65535
_MANAGED: Final = {
    "certificate-secret": "Secret with authority and certificate; must exist",
    "lease": "Lease by which replicas choose a leader; must exist",
    "webhook-configuration": "our MutatingWebhookConfiguration",
    "service": "our Service, in our own namespace",
}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments; whatever is wrong is said on standard error, with exit code 2."""
    made = parser()
    options = made.parse_args(arguments)
    if options.cluster_facts is not None and options.cluster == "kubernetes":
        made.error("--cluster-facts and --cluster kubernetes exclude each other")
    if options.certificate == "disk" and not (options.tls_cert and options.tls_key):
        made.error("--tls-cert and --tls-key are required, unless --certificate is managed")
    if options.certificate == "managed" and (options.tls_cert or options.tls_key):
        made.error("--certificate managed has its own certificate: leave out --tls-cert, --tls-key")
    return options


def parser() -> argparse.ArgumentParser:
    """Make the parser; the page for operators is written from it."""
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
    add(
        "--cluster",
        choices=("none", "kubernetes"),
        default="none",
        help="where facts come from: the Kubernetes API, or nowhere (see --cluster-facts)",
    )
    add("--cluster-facts", type=Path, metavar="FILE", help="namespaces, service accounts, limits")
    add("--kubernetes-version", type=_version, metavar="1.N", help="without --cluster kubernetes")
    add("--kubeconfig", type=Path, metavar="FILE", help="for the Kubernetes API, outside a cluster")
    add(
        "--certificate",
        choices=("disk", "managed"),
        default="disk",
        help="files of any PKI, or our own authority in a Secret",
    )
    add("--tls-cert", type=Path, metavar="FILE", help="certificate, PEM")
    add("--tls-key", type=Path, metavar="FILE", help="its key, PEM")
    managed = made.add_argument_group("--certificate managed")
    for name, what in _MANAGED.items():
        managed.add_argument(f"--{name}", default="syrette-webhook", metavar="NAME", help=what)
    managed.add_argument(
        "--settle-seconds",
        type=_seconds,
        default=SETTLE_SECONDS,
        metavar="N",
        help="between two steps of replacing the authority",
    )
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
