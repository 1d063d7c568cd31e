"""Which hosts go through the operator's proxy."""

from __future__ import annotations

import pytest

from injector.contract.plan import Proxy
from injector.proxying import goes_straight, route

PROXY = Proxy(https="http://proxy.acme.io:3128", no_proxy=("internal.acme.io", "10.0.0.0/8"))


@pytest.mark.parametrize(
    ("host", "straight"),
    [
        ("sts.eu-west-1.amazonaws.com", False),
        ("169.254.170.23", True),
        ("fd00:ec2::23", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("vault.vault.svc", True),
        ("vault.vault.svc.cluster.local", True),
        ("notsvc", False),
        ("internal.acme.io", True),
        ("a.internal.acme.io", True),
        ("notinternal.acme.io", False),
        ("10.1.2.3", True),
        ("192.0.2.1", False),
    ],
)
def test_only_hosts_outside_go_through_the_proxy(host: str, straight: bool) -> None:  # noqa: FBT001 - a table
    """Link-local, loopback, cluster names and what the operator excludes never do."""
    assert goes_straight(host, PROXY.no_proxy) is straight


def test_star_excludes_everything() -> None:
    """`*` switches the proxy off."""
    assert goes_straight("a.test", ("*",))
    assert goes_straight("192.0.2.1", ("*",))


def test_plain_http_never_goes_through_the_proxy() -> None:
    """The proxy is for https; what speaks http is on the node or in the cluster."""
    assert route("http://a.test", PROXY).host == "a.test"


def test_proxy_credentials_are_not_in_the_repr() -> None:
    """A route can be logged."""
    found = route("https://a.test", Proxy(https="http://me:hidden@proxy.test:3128"))

    assert found.target == "a.test:443"
    assert "Basic" not in repr(found)


@pytest.mark.parametrize("address", ["https://proxy.test", "proxy.test:3128", "http://"])
def test_address_that_is_no_http_proxy_is_refused(address: str) -> None:
    """A proxy is spoken to in plain HTTP, by an address with a host."""
    with pytest.raises(ValueError, match="a proxy is an address"):
        route("https://a.test", Proxy(https=address))
