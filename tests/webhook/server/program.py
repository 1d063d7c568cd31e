"""The real program with a fake admission: what `python -m webhook` does after its composition."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import uvloop

from tests.webhook.server.house import SHORT, Fake
from webhook.drain import Ports, Service, live
from webhook.log import Log
from webhook.metrics import Metrics
from webhook.tls import CertificateFiles


async def _pause(_: bytes) -> None:
    await asyncio.sleep(0.005)  # requests are always in flight


def main(folder: Path, drain_seconds: float) -> None:
    """Serve until SIGTERM."""
    log, metrics = Log(), Metrics()
    limits = replace(
        SHORT,
        drain_seconds=drain_seconds,
        first_request_seconds=5,
        header_seconds=5,
        decision_seconds=5,
    )
    loopback = ("127.0.0.1", 0)
    certificate = CertificateFiles(folder / "tls.crt", folder / "tls.key", metrics=metrics, log=log)
    ports = Ports(loopback, loopback, limits)
    service = Service(Fake(before=_pause), certificate, limits=limits, metrics=metrics, log=log)
    uvloop.run(live(service, ports, log))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
