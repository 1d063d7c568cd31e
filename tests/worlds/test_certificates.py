"""Certificates of the worlds."""

from __future__ import annotations

import datetime as dt
import ssl
from ipaddress import ip_address

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from worlds.certificates import issue


def test_the_server_certificate_is_for_loopback_and_signed_by_the_authority() -> None:
    """A verifier of the web's rules takes it for each name of this machine."""
    made = issue("shop")
    store = Store(x509.load_pem_x509_certificates(made.ca.encode()))
    leaf = x509.load_pem_x509_certificate(made.chain.encode())

    for name in (x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))):
        chain = PolicyBuilder().store(store).build_server_verifier(name).verify(leaf, [])
        assert [one.subject.rfc4514_string() for one in chain] == ["CN=shop", "CN=shop CA"]


def test_validity_starts_when_it_is_asked_to() -> None:
    """An ended certificate can be made, for tests of refusal."""
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)

    leaf = x509.load_pem_x509_certificate(issue(valid_from=start).chain.encode())

    assert leaf.not_valid_before_utc == start
    assert leaf.not_valid_after_utc == start + dt.timedelta(days=31)


def test_the_context_serves_tls_1_2_and_up() -> None:
    """Servers offer nothing older, and hold the key that fits the chain."""
    context = issue().context()

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.protocol is ssl.PROTOCOL_TLS_SERVER
