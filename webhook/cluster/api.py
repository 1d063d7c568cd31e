"""
The one door to the Kubernetes API: requests with deadlines, lists in pages, watches as lines.

kubernetes-asyncio brings the configuration (in the cluster, or a kubeconfig), tokens that are read
again, and TLS. Its models and its Watch are not used: we decode only what a decision needs, and
its Watch does not list again after a 410 (docs/adr/0008). It is imported when a client is made.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import aiohttp
import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

METADATA_LIST: Final = (
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
)
METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
TABLE: Final = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json"
JSON: Final = "application/json"
PAGES: Final = 500, 20, 2
"""
Objects of one page of a list: as many as kubectl asks for, and fewer where they are large. Whoever
may write service accounts in one namespace may write thousands with 256 KiB of annotations each.
"""
_LIST_SECONDS: Final = 30.0
_CONNECT_SECONDS: Final = 5.0
_GOODBYE_SECONDS: Final = 0.1
_MAX_REFUSAL: Final = 64 << 10  # bytes of a refusal's Status that are looked at
_MAX_BODY: Final = 8 << 20
"""Bytes of one reply: a usual page has 1 MiB, the largest object that etcd holds 3 as JSON."""


class _ListMetadata(msgspec.Struct):
    continue_: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct):
    """What we read of a list to find the next page."""

    metadata: _ListMetadata


class _Refusal(msgspec.Struct):
    """What we read of a Status object."""

    message: str = ""


class ApiError(Exception):
    """
    A request that the API server refused or that got no answer.

    Args:
        message: method, path and cause; never a body.
        status: HTTP status, 0 when there was no answer.
        said: `message` of the Status object that came with it, for a person at a command line. It
            may quote what was sent, so that it is no part of the text.
        too_large: whether the answer was larger than we read.
    """

    def __init__(
        self, message: str, status: int = 0, said: str = "", *, too_large: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.said = said
        self.too_large = too_large

    @property
    def gone(self) -> bool:
        """Whether a resourceVersion or a continue token is too old, so that we must list again."""
        return self.status == 410  # noqa: PLR2004 - RFC 9110, as Kubernetes uses it

    @property
    def absent(self) -> bool:
        """Whether the object is not there."""
        return self.status == 404  # noqa: PLR2004 - RFC 9110

    @property
    def forbidden(self) -> bool:
        """Whether the caller lacks a permission, or an admission policy refused what was sent."""
        return self.status == 403  # noqa: PLR2004 - RFC 9110

    @property
    def conflict(self) -> bool:
        """Whether somebody else changed the object, or made it, before us."""
        return self.status in {409, 422}


_list = msgspec.json.Decoder(_List).decode


@dataclass(frozen=True, slots=True)
class Api:
    """
    A client; close it when done.

    Make it with `connect`. `client` is kubernetes-asyncio's ApiClient.
    """

    client: Any

    @classmethod
    async def connect(cls, kubeconfig: Path | None = None, *, person: bool = False) -> Api:
        """
        Make a client.

        Args:
            kubeconfig: a file; without it the pod's own service account is used.
            person: without a file, use what kubectl would: `KUBECONFIG` or `~/.kube/config`, and
                the pod's account only where neither is there.

        Raises:
            ApiError: if the configuration is not there or cannot be read.
        """
        # 38 MB and a third of a second (docs/adr/0008): only who talks to a cluster pays.
        from kubernetes_asyncio import client, config  # noqa: PLC0415 - said above

        settings = client.Configuration()
        if kubeconfig is None and person:
            kubeconfig = _usual(config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION)
        try:
            if kubeconfig is None:
                config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
            else:
                await config.load_kube_config(str(kubeconfig), client_configuration=settings)
        except Exception as exc:  # noqa: BLE001 - the library lets through what its parsers raise
            source = "in-cluster configuration" if kubeconfig is None else str(kubeconfig)
            msg = f"{source}: no usable access to the API server ({type(exc).__name__})"
            raise ApiError(msg) from None
        return cls(client.ApiClient(settings))

    async def close(self) -> None:
        """Close every connection."""
        await self.client.close()
        # TLS says goodbye after the session is closed (aiohttp's "Graceful Shutdown").
        await asyncio.sleep(_GOODBYE_SECONDS)

    async def get(self, path: str, accept: str = JSON, *, seconds: float = _LIST_SECONDS) -> bytes:
        """
        Read one document.

        Raises:
            ApiError: with the status.
        """
        async with self._answer("GET", path, {"Accept": accept}, seconds=seconds) as response:
            return await _read(response, "GET", path)

    async def pages(self, path: str, accept: str, query: str = "") -> AsyncIterator[bytes]:
        """
        Read a list, page by page; where one is too large, with fewer objects from there on.

        Args:
            path: of the collection.
            accept: media type.
            query: more of it, encoded.

        Raises:
            ApiError: with the status.
        """
        sizes, following = list(PAGES), ""
        while True:
            words = [f"limit={sizes[0]}", query, f"continue={following}" if following else ""]
            try:
                data = await self.get(f"{path}?{'&'.join(filter(None, words))}", accept)
            except ApiError as exc:
                if not exc.too_large or len(sizes) == 1:
                    raise
                sizes.pop(0)
                continue
            yield data
            following = _list(data).metadata.continue_
            if not following:
                return

    async def write(
        self, method: str, path: str, body: object, *, kind: str = JSON, seconds: float = 10.0
    ) -> bytes:
        """
        Create, replace or patch one object.

        Args:
            method: `POST`, `PUT` or `PATCH`.
            path: of the object.
            body: JSON.
            kind: media type; a patch's says which kind of patch it is.
            seconds: deadline.

        Raises:
            ApiError: with the status; `conflict` when somebody else was faster.
        """
        headers = {"Accept": JSON, "Content-Type": kind}
        async with self._answer(method, path, headers, body=body, seconds=seconds) as response:
            return await _read(response, method, path)

    async def lines(
        self, path: str, query: Mapping[str, str], accept: str, *, seconds: float
    ) -> AsyncIterator[bytes]:
        """
        Give the lines of a watch until the server ends it.

        Raises:
            ApiError: if it is refused, breaks off, or outlives `seconds`.
        """
        whole = f"{path}?{urlencode(query)}"
        async with self._answer("GET", whole, {"Accept": accept}, seconds=seconds) as response:
            try:
                async for line in response.content:
                    yield line
            except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as exc:
                raise _unanswered(response.method, path, exc) from None

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        *,
        body: object = None,
        seconds: float,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            response = await self.client.call_api(
                path,
                method,
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=aiohttp.ClientTimeout(
                    total=seconds, sock_connect=_CONNECT_SECONDS
                ),
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise _unanswered(method, path, exc) from None
        async with response:
            if response.status >= 400:  # noqa: PLR2004 - RFC 9110
                plain = path.partition("?")[0]
                msg = f"{method} {plain}: the API server answered {response.status}"
                raise ApiError(msg, response.status, await _said(response))
            yield response


def _usual(locations: str) -> Path | None:
    """Give the first file of `KUBECONFIG`, or of its default, if it is there."""
    first = Path(locations.partition(os.pathsep)[0]).expanduser()
    return Path(locations) if first.exists() else None


async def _said(response: aiohttp.ClientResponse) -> str:
    """Read the message of a refusal; empty when there is none that can be read."""
    try:
        data = await response.content.read(_MAX_REFUSAL)
        while len(data) < _MAX_REFUSAL and not response.content.at_eof():
            data += await response.content.read(_MAX_REFUSAL - len(data))
        return msgspec.json.decode(data, type=_Refusal).message
    except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError):
        return ""


async def _read(response: aiohttp.ClientResponse, method: str, path: str) -> bytes:
    try:
        data = await response.content.read(_MAX_BODY + 1)
        while len(data) <= _MAX_BODY and not response.content.at_eof():
            data += await response.content.read(_MAX_BODY + 1 - len(data))
    except (aiohttp.ClientError, TimeoutError, OSError) as exc:
        raise _unanswered(method, path, exc) from None
    if len(data) > _MAX_BODY:
        msg = f"{method} {path}: the API server's answer is larger than {_MAX_BODY} bytes"
        raise ApiError(msg, too_large=True)
    return data


def _unanswered(method: str, path: str, exc: BaseException) -> ApiError:
    what = "no answer in time" if isinstance(exc, TimeoutError) else type(exc).__name__
    return ApiError(f"{method} {path.partition('?')[0]}: {what}")
