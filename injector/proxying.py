"""
Which way a connection takes: straight, or through the operator's egress proxy.

Link-local addresses (the Pod Identity agent, metadata), loopback and names inside the cluster are
never sent to a proxy, whatever it is told; neither is plain HTTP, which only those use.
"""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from injector.contract.plan import Proxy

_ALWAYS_STRAIGHT: Final = ("localhost", ".svc", ".svc.cluster.local")


@dataclass(frozen=True, slots=True)
class Route:
    """Where to connect, and what to ask a proxy to connect to."""

    host: str
    port: int
    tls: bool
    tunnel_host: str = ""
    tunnel_port: int = 0
    tunnel_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


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
        return Route(host, port, tls)
    through = urlsplit(proxy.https)
    if not through.hostname:
        msg = "the proxy's address has no host"
        raise ValueError(msg)
    headers: tuple[tuple[str, str], ...] = ()
    if through.username is not None:
        pair = f"{unquote(through.username)}:{unquote(through.password or '')}"
        headers = (("Proxy-Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"),)
    return Route(through.hostname, through.port or 3128, tls, host, port, headers)


def goes_straight(host: str, no_proxy: tuple[str, ...]) -> bool:
    """Whether a host is reached without the proxy: a name, a domain suffix, an address or CIDR."""
    host = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        wanted = (*_ALWAYS_STRAIGHT, *(item.strip().lower() for item in no_proxy))
        return any(_names(host, item) for item in wanted if item)
    if address.is_link_local or address.is_loopback or host == "fd00:ec2::23":
        return True
    return any(_contains(item.strip(), address) for item in no_proxy)


def _names(host: str, item: str) -> bool:
    bare = item.lstrip("*").lstrip(".")
    return item == "*" or host == bare or host.endswith(f".{bare}")


def _contains(item: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return item == "*" or address in ipaddress.ip_network(item, strict=False)
    except ValueError:
        return False
