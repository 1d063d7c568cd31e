"""Endpoints of services that may be set: https, or plain HTTP that cannot leave the node."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from injector.contract.stores import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.stores import Pairs, Store

NAMES: Final = tuple(f"{family}.{name}" for family, names in ENDPOINTS.items() for name in names)
"""As in the operator's `endpoints`."""


def url(text: str) -> str:
    """
    Parse the address of a service.

    Raises:
        ValueError: for another scheme, for parts that a service's address has not, and for plain
            HTTP to anything but a loopback or link-local address (the Pod Identity agent).
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", 0
    odd = not text.isprintable() or " " in text or "\\" in text
    if not host or port == 0 or odd or parts.scheme not in {"http", "https"}:
        msg = f"`{text[:60]}` is not an address such as https://sts.eu-west-1.amazonaws.com"
        raise ValueError(msg)
    if parts.username is not None or parts.query or parts.fragment:
        msg = f"`{host}`: an endpoint has scheme, host, port and path only"
        raise ValueError(msg)
    if parts.scheme == "http" and not _stays_on_the_node(host):
        msg = f"`{text[:60]}`: secrets and tokens travel by https only"
        raise ValueError(msg)
    return text


def of_family(store: Store, operators: Mapping[str, str]) -> Pairs:
    """
    Endpoints of a store: its own, and the operator's for the services that it says nothing of.

    Args:
        store: of any family that has endpoints.
        operators: by `<family>.<service>`.
    """
    prefix = f"{store.family}."
    theirs = {
        key.removeprefix(prefix): url for key, url in operators.items() if key.startswith(prefix)
    }
    return tuple(sorted((theirs | dict(store.pairs("endpoints"))).items()))


def _stays_on_the_node(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    # fd00:ec2::/32 is where EC2 and EKS put their link-local services on IPv6.
    return address.is_loopback or address.is_link_local or address in _EC2_IPV6


_EC2_IPV6: Final = ipaddress.ip_network("fd00:ec2::/32")
