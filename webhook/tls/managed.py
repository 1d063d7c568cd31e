"""
The managed certificate: our own authority in a Secret, shared by all replicas.

Every replica reads the Secret and serves what is in it. The leader also keeps the Secret fresh and
writes the authorities into every entry of our MutatingWebhookConfiguration. A certificate is
served only if what is published there verifies it; until then we are not ready, and on a change
the old one goes on being served.
"""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from webhook.cluster.api import ApiError
from webhook.tls import authority
from webhook.tls.contexts import load, server_context
from webhook.tls.interface import SETTLE_SECONDS, CertificateError
from webhook.tls.rotation import Kept, Situation, renewed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from webhook.cluster.api import Api
    from webhook.cluster.lease import Lease
    from webhook.log import Log
    from webhook.metrics import Metrics

LOOK_SECONDS: Final = 4.0
"""Between two looks; a third of the lease, so that a renewal may fail once."""
_SHORTEST_LOOK: Final = 0.1
ROTATE: Final = "syrette.dev/rotate"
"""Annotation of the Secret: a new value asks for a new authority."""
_JSON_PATCH: Final = "application/json-patch+json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the certificate is kept and published, and who we are called."""

    namespace: str
    secret: str
    configuration: str
    """Name of our MutatingWebhookConfiguration."""
    service: str

    @property
    def hosts(self) -> list[str]:
        """Names that the API server may verify; it uses the first."""
        base = f"{self.service}.{self.namespace}"
        return [f"{base}.svc", base, self.service, f"{base}.svc.cluster.local"]

    @property
    def secret_path(self) -> str:
        """Of the Secret."""
        return f"/api/v1/namespaces/{self.namespace}/secrets/{self.secret}"

    @property
    def configuration_path(self) -> str:
        """Of the configuration."""
        base = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
        return f"{base}/{self.configuration}"


class ManagedCertificate:
    """
    Serves what is in the Secret, and as leader keeps it fresh and published.

    Args:
        api: to the API server.
        place: where things are.
        lease: for leadership.
        metrics: told of the end of the certificate and of failures.
        log: told of steps.
        settle: seconds between two steps of a rotation.
        look: seconds between two looks; fewer where steps follow each other faster.
        clock: seconds since the epoch.
    """

    def __init__(  # noqa: PLR0913 - keyword-only, each its own edge
        self,
        api: Api,
        place: Place,
        lease: Lease,
        *,
        metrics: Metrics,
        log: Log,
        settle: float = SETTLE_SECONDS,
        look: float = LOOK_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._place = place
        self._lease = lease
        self._metrics = metrics
        self._log = log
        self._settle = settle
        # Whoever looks less often than a step takes would miss one, and be trusted no more.
        self._look = max(_SHORTEST_LOOK, min(look, settle))
        self._clock = clock
        self._served = b""
        self._bundles: tuple[bytes, ...] = ()
        self._published = b"", clock()
        self._complaint = ""
        self.context = server_context()
        self.leading = False
        metrics.watch("leader", lambda: float(self.leading))

    @property
    def ready(self) -> bool:
        """Whether what is served verifies against what is published in every entry."""
        return bool(self._served) and self._trusted(self._served)

    async def watch(self) -> None:
        """Look for ever; a failure is said and tried again."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(self._look)
        finally:
            if self.leading:
                await self._lease.release()

    async def look(self) -> None:
        """Lead if we can, then serve what may be served."""
        try:
            problem = await self._elect()
            secret = _decoded(await self._api.get(self._place.secret_path))
            configuration = _decoded(await self._api.get(self._place.configuration_path))
            self._bundles = _bundles(configuration)
            kept = Kept.read(_data(secret))
            if self.leading:
                kept = await self._lead(secret, kept, configuration)
            self._adopt(kept)
        except ApiError as exc:
            # Somebody else was faster: the next look sees what they did.
            self._complain("" if exc.conflict else str(exc))
            self.leading = False
        except (CertificateError, ValueError, msgspec.DecodeError) as exc:
            shown = str(exc) if isinstance(exc, CertificateError) else type(exc).__name__
            self._complain(f"the managed certificate cannot be used: {shown}")
        else:
            self._complain(problem)

    async def _elect(self) -> str:
        """Lead if we can; gives what is wrong with the Lease. To serve, nobody needs to lead."""
        try:
            self.leading = await self._lease.held()
        except ApiError as exc:
            self.leading = False
            return str(exc)
        return ""

    async def _lead(
        self, secret: dict[str, Any], kept: Kept, configuration: dict[str, Any]
    ) -> Kept:
        now = self._clock()
        situation = Situation(
            hosts=self._place.hosts,
            now=now,
            wish=str((secret["metadata"].get("annotations") or {}).get(ROTATE, ""))[:63],
            published=b"".join(dict.fromkeys(self._bundles)),
            published_for=self._published_for(kept.bundle, now),
            settle=self._settle,
        )
        wanted = renewed(kept, situation)
        if wanted != kept:
            data = {name: base64.b64encode(v).decode() for name, v in wanted.data().items()}
            await self._api.write("PUT", self._place.secret_path, {**secret, "data": data})
            self._log.event("info", "certificate: a step of its renewal was written down")
        if not self._bundles or any(bundle != wanted.bundle for bundle in self._bundles):
            await self._publish(configuration, wanted.bundle)
        return wanted

    def _published_for(self, bundle: bytes, now: float) -> float:
        """Seconds since we first saw it in every entry; 0 if it is not."""
        if not self._bundles or any(found != bundle for found in self._bundles):
            self._published = b"", now
        elif self._published[0] != bundle:
            self._published = bundle, now
        return now - self._published[1]

    async def _publish(self, configuration: dict[str, Any], bundle: bytes) -> None:
        """Write the authorities into every entry, if nobody has changed the object meanwhile."""
        entries: Sequence[Any] = configuration.get("webhooks") or []
        text = base64.b64encode(bundle).decode()
        version = configuration["metadata"]["resourceVersion"]
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            *(
                {"op": "add", "path": f"/webhooks/{index}/clientConfig/caBundle", "value": text}
                for index in range(len(entries))
            ),
        ]
        data = await self._api.write(
            "PATCH", self._place.configuration_path, patch, kind=_JSON_PATCH
        )
        self._bundles = _bundles(_decoded(data))
        self._log.event("info", "certificate: authorities were published", entries=len(entries))

    def _adopt(self, kept: Kept) -> None:
        leaf = kept.served.certificate
        if not leaf or leaf == self._served or not self._trusted(leaf):
            return
        expires = load(self.context, leaf, kept.served.key, "the Secret's certificate and key")
        self._served = leaf
        self._metrics.certificate_expires(expires)
        self._log.event("info", "certificate: a new one is served")

    def _trusted(self, leaf: bytes) -> bool:
        now = self._clock()
        return bool(self._bundles) and all(
            authority.trusted(leaf, bundle, now) for bundle in self._bundles
        )

    def _complain(self, problem: str) -> None:
        if problem and problem != self._complaint:
            self._metrics.reload_failed()
            self._log.event("error", "certificate", problem=problem)
        self._complaint = problem


def _decoded(data: bytes) -> dict[str, Any]:
    return msgspec.json.decode(data, type=dict[str, Any])


def _data(secret: dict[str, Any]) -> dict[str, bytes]:
    return {name: base64.b64decode(value) for name, value in (secret.get("data") or {}).items()}


def _bundles(configuration: dict[str, Any]) -> tuple[bytes, ...]:
    """Give what each entry trusts; nothing for an entry that has no authorities yet."""
    entries = configuration.get("webhooks") or []
    texts = [(entry.get("clientConfig") or {}).get("caBundle") or "" for entry in entries]
    return tuple(base64.b64decode(text) for text in texts)
