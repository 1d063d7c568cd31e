"""
Which way a connection takes: straight, or through the operator's egress proxy.

Link-local addresses (the Pod Identity agent, metadata), loopback and names inside the cluster are
never sent to a proxy, whatever it is told; neither is plain HTTP, which only those use.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from injector.contract.plan import Proxy

_AGENT_IPV6: Final = "fd00:ec2::23"
_ALWAYS_STRAIGHT: Final = ("localhost", ".svc", ".svc.cluster.local")


@dataclass(frozen=True, slots=True)
class Route:
    """Where to connect, whose certificate to expect, and what to ask a proxy for."""

    host: str
    port: int
    name: str
    """Host of the origin, which its certificate must have."""
    tls: bool
    target: str = ""
    """`host:port` to ask a proxy for; empty goes straight."""
    proxy_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def route(origin: str, proxy: Proxy) -> Route:
    """
    Find the way to an origin such as `https://sts.eu-west-1.amazonaws.com`.

    Raises:
        ValueError: for an origin or a proxy without a host, or with a port that is no number.
    """
    parts = urlsplit(origin)
    tls = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if tls else 80)
    if not host:
        msg = "an address without a host"
        raise ValueError(msg)
    if not tls or not proxy.https or goes_straight(host, proxy.no_proxy):
        return Route(host, port, host, tls)
    through = urlsplit(proxy.https)
    if through.scheme != "http" or not through.hostname:
        msg = "a proxy is an address such as http://proxy.acme.io:3128"
        raise ValueError(msg)
    headers: tuple[tuple[str, str], ...] = ()
    if through.username is not None:
        pair = f"{unquote(through.username)}:{unquote(through.password or '')}"
        headers = (("Proxy-Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"),)
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Route(through.hostname, through.port or 3128, host, tls, target, headers)


def goes_straight(host: str, no_proxy: tuple[str, ...]) -> bool:
    """Whether a host is reached without the proxy: a name, a domain suffix, an address or CIDR."""
    import ipaddress  # noqa: PLC0415 - only where there is a proxy

    host = host.lower().rstrip(".")
    given = [item.strip().lower() for item in no_proxy if item.strip()]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return any(_names(host, item) for item in (*_ALWAYS_STRAIGHT, *given))
    if address.is_link_local or address.is_loopback or host == _AGENT_IPV6:
        return True
    for item in given:
        try:
            if item == "*" or address in ipaddress.ip_network(item, strict=False):
                return True
        except ValueError:
            continue  # a name among the addresses
    return False


def _names(host: str, item: str) -> bool:
    bare = item.lstrip("*").lstrip(".")
    return item == "*" or host == bare or host.endswith(f".{bare}")
