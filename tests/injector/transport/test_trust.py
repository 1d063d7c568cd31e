"""Whose certificates are trusted: what the image has, in whichever form."""

from __future__ import annotations

import hashlib
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from injector.connections import trust_image, trusting

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    """A certificate of an authority as PEM."""
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return path


def digests(context: ssl.SSLContext) -> set[str]:
    """Tell which certificates a context has read so far."""
    return {hashlib.sha256(der).hexdigest() for der in context.get_ca_certs(binary_form=True)}


def test_hashed_directory_is_read_only_when_it_is_needed(ca: Path, tmp_path: Path) -> None:
    """146 certificates cost nothing until a server shows one: the bundle beside is not read."""
    hashed = tmp_path / "certs"
    hashed.mkdir()
    (hashed / "0a1b2c3d.0").write_bytes(ca.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust_image(context, hashed, ca)

    assert digests(context) == set()


def test_bundle_is_read_where_there_is_no_hashed_directory(ca: Path, tmp_path: Path) -> None:
    """An image with a bundle only works as well."""
    (tmp_path / "empty").mkdir()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust_image(context, tmp_path / "empty", ca)

    der = ssl.PEM_cert_to_DER_cert(ca.read_text())
    assert digests(context) == {hashlib.sha256(der).hexdigest()}


def test_image_without_certificates_uses_botocores(tmp_path: Path) -> None:
    """No image is without trust in AWS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust_image(context, tmp_path / "none", tmp_path / "none.pem")

    names = {dict(pair[0] for pair in cert["subject"]).get("commonName") for cert in _all(context)}
    assert "Amazon Root CA 1" in names


def test_given_certificates_stand_in_place_of_the_images(ca: Path) -> None:
    """`ca-bundle` trusts its own and nothing else, and TLS is 1.2 at least."""
    context = trusting(ca.read_text())

    assert len(digests(context)) == 1
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.check_hostname


def _all(context: ssl.SSLContext) -> list[dict[str, tuple[tuple[tuple[str, str], ...], ...]]]:
    return [dict(cert) for cert in context.get_ca_certs()]  # type: ignore[arg-type]
