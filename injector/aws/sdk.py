"""
botocore as this program uses it: one session a process, trimmed data, nothing of the environment.

Its configuration is constant, so that AWS_PROFILE, AWS_ENDPOINT_URL or ~/.aws of the pod cannot
leak in; it signs and parses, while our transport sends (through its public `before-send` event)
and our `Retry` repeats. botocore is imported at the first client, never with this module.
"""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from injector.aws import endpoints, manual
from injector.aws.client import AwsClient
from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.transport import Request, TransportError

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.session import Session as BotocoreSession

    from injector.identity.interface import Credentials, Session, SessionKey
    from injector.retry import Retry
    from injector.transport import Transport

DATA: Final = Path(__file__).parent / "data"
_BETWEEN: Final = (
    "AWS does not answer so: look at proxies between pod and AWS, and at the store's `endpoints`"
)


class Sdk:
    """
    Makes AWS clients; implements `ClientFactory`.

    Args:
        transport: sends every request.
        retry: how calls are repeated; its clock is the transport's.
    """

    def __init__(self, transport: Transport, retry: Retry) -> None:
        self.transport = transport
        self.retry = retry
        self._lock = threading.Lock()
        self._session: BotocoreSession | None = None

    def client(self, session: Session, service: str, region: str) -> AwsClient:
        """Make a client that signs with the credentials that the session has now."""
        return self.open(session.key, service, region, session.credentials)

    def open(
        self, key: SessionKey, service: str, region: str, credentials: Credentials | None
    ) -> AwsClient:
        """
        Make a client with the endpoints and trust of a key; unsigned without credentials.

        Raises:
            ProviderError: for a region or an endpoint that is none.
        """
        # botocore imports and builds clients under no lock of its own.
        with self._lock:
            invoke = _Invoke(self.transport, key.input("ca-bundle"))
            endpoint = key.input(f"endpoint.{service}")
            try:
                invoke.prepare(
                    self._botocore(), service, region, endpoint=endpoint, credentials=credentials
                )
            except Exception as exc:  # noqa: BLE001 - botocore has a type for each thing it dislikes
                raise _no_client(service, region, type(exc).__name__) from None
        return AwsClient(region, invoke, self.retry)

    def expect(self, key: SessionKey, service: str, region: str, *, login: bool) -> None:
        """Open early the connection that a read will want, and the login's when there is one."""
        ca_bundle = key.input("ca-bundle")
        wanted = [(service, region, key)]
        if login and key.method in {"web-identity", "assume-role"}:
            wanted.append(("sts", key.input("region"), key))
        for name, where, step in wanted:
            url = step.input(f"endpoint.{name}") or endpoints.guess(DATA, name, where)
            if url:
                self.transport.open_early(url, ca_bundle)

    def _botocore(self) -> BotocoreSession:
        if self._session is None:
            self._session = _build_session()
        return self._session


def _no_client(service: str, region: str, why: str) -> ProviderError:
    return ProviderError(
        Reason.INVALID_STORE,
        f"no client can be made for {service} with these settings: {why}",
        region=region,
        remedy="check the store's `region` and `endpoints`",
    )


def _build_session() -> BotocoreSession:
    manual.import_without()
    import botocore.session  # noqa: PLC0415 - only AWS pays for botocore
    from botocore.configprovider import (  # noqa: PLC0415 - only AWS pays for botocore
        BOTOCORE_DEFAUT_SESSION_VARIABLES,
        ConfigValueStore,
        ConstantProvider,
    )
    from botocore.loaders import Loader  # noqa: PLC0415 - only AWS pays for botocore

    session = botocore.session.Session()
    constants: dict[str, Any] = {
        name: row[2] for name, row in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    # No file of the image or the pod is a configuration of ours.
    constants |= {"config_file": "/dev/null", "credentials_file": "/dev/null"}
    session.register_component(
        "config_store",
        ConfigValueStore({name: ConstantProvider(value) for name, value in constants.items()}),
    )
    session.register_component(
        "data_loader",
        Loader(extra_search_paths=[str(DATA)], include_default_search_paths=False),
    )
    session.register_component("token_provider", _NoToken())
    return session


class _NoToken:
    """In place of botocore's bearer tokens, which are looked for in the environment."""

    def load_token(self, **_context: object) -> None:
        return None


# The published types of `Config` do not know this one yet.
_IGNORE_ENDPOINTS: Final[dict[str, Any]] = {"ignore_configured_endpoint_urls": True}


class _Invoke:
    """Calls actions of one botocore client through our transport."""

    def __init__(self, transport: Transport, ca_bundle: str) -> None:
        self._transport = transport
        self._ca_bundle = ca_bundle
        self._call = threading.local()
        self._client: Any = None

    def prepare(
        self,
        session: BotocoreSession,
        service: str,
        region: str,
        *,
        endpoint: str,
        credentials: Credentials | None,
    ) -> None:
        """Build the botocore client; `before-send` answers in place of botocore's own HTTP."""
        from botocore import UNSIGNED  # noqa: PLC0415 - only AWS pays for botocore
        from botocore.config import Config  # noqa: PLC0415 - only AWS pays for botocore

        options: dict[str, Any] = {
            "region_name": region,
            "endpoint_url": endpoint or None,
            "verify": True,
            "config": Config(
                signature_version=UNSIGNED if credentials is None else None,
                retries={"mode": "standard", "total_max_attempts": 1},
                proxies={},
                **_IGNORE_ENDPOINTS,
            ),
        }
        if credentials is not None:
            options["aws_access_key_id"] = credentials.access_key_id
            options["aws_secret_access_key"] = credentials.secret_access_key.reveal().decode()
            options["aws_session_token"] = credentials.token.reveal().decode()
        self._client = session.create_client(service, **options)
        self._client.meta.events.register("before-send", self._send)

    def __call__(self, action: str, parameters: dict[str, Any], until: float) -> dict[str, Any]:
        """
        Send one action once.

        Raises:
            TransportError: for no reply, or one that is none of the service.
            Exception: of botocore, for a refusal or a parameter that the action does not take.
        """
        from botocore import xform_name  # noqa: PLC0415 - only AWS pays for botocore

        self._call.until, self._call.status = until, 0
        method = getattr(self._client, xform_name(action))
        try:
            reply: dict[str, Any] = method(**parameters)
        except Exception as exc:
            # After the reply only botocore's parsers run, and what a peer can send makes them
            # raise anything, KeyError and UnicodeDecodeError among it.
            if not self._call.status or hasattr(exc, "response"):
                raise
            msg = f"the reply (HTTP {self._call.status}) cannot be read"
            raise TransportError(msg, remedy=_BETWEEN) from None
        return reply

    def _send(self, request: AWSPreparedRequest, **_context: object) -> AWSResponse:
        from botocore.awsrequest import AWSResponse  # noqa: PLC0415 - only AWS pays for botocore

        body: Any = request.body or b""
        reply = self._transport.send(
            Request(
                method=str(request.method),
                url=request.url,
                until=self._call.until,
                headers={name: _text(value) for name, value in request.headers.items()},
                body=body.encode() if isinstance(body, str) else body,
                ca_bundle=self._ca_bundle,
            )
        )
        if 300 <= reply.status < 400:  # noqa: PLR2004 - RFC 9110: a redirect
            msg = f"the reply is a redirect (HTTP {reply.status}), which is never followed"
            raise TransportError(msg, remedy=_BETWEEN)
        self._call.status = reply.status
        headers: Any = dict(reply.headers)
        return AWSResponse(request.url, reply.status, headers, _Body(reply.body))


class _Body(io.BytesIO):
    """What botocore reads a reply's body from."""

    def stream(self) -> list[bytes]:
        return [self.getvalue()]


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
