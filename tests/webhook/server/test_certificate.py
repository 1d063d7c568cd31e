"""The certificate on disk: loaded, watched, replaced in place."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING

import pytest

from tests.webhook.server.client import post
from tests.webhook.server.house import PKI, REVIEW, Running, serving
from webhook.log import Log
from webhook.metrics import Metrics
from webhook.tls import CertificateError, CertificateFiles

if TYPE_CHECKING:
    from pathlib import Path


def _serial(running: Running) -> str:
    """The serial number that a new connection is shown."""
    with running.client() as client:
        certificate = client.peer.getpeercert()
        assert certificate is not None
        return str(certificate["serialNumber"])


def _changed(running: Running, before: str) -> bool:
    for _ in range(200):
        if _serial(running) != before:
            return True
        time.sleep(0.01)
    return False


def test_a_new_pair_is_served_without_a_restart(tmp_path: Path) -> None:
    """New connections get it; those that are open go on."""
    with serving(tmp_path) as running, running.client() as client:
        before = _serial(running)
        running.pki.issue()

        assert _changed(running, before)
        assert client.ask(post(REVIEW)).status == 200


def test_a_swapped_volume_is_noticed(tmp_path: Path) -> None:
    """Kubernetes swaps the link `..data`, through which both files are seen."""
    first, second = tmp_path / "..first", tmp_path / "..second"
    for folder in (first, second):
        folder.mkdir()
    with serving(first) as running:
        for name in ("tls.crt", "tls.key"):
            (tmp_path / name).symlink_to(f"..data/{name}")
        (tmp_path / "..data").symlink_to("..first")
        files = CertificateFiles(
            tmp_path / "tls.crt", tmp_path / "tls.key", metrics=Metrics(), log=Log(2)
        )
        assert not files.refresh()
        PKI(second)
        (tmp_path / "..new").symlink_to("..second")
        (tmp_path / "..new").replace(tmp_path / "..data")

        assert files.refresh()
        assert not files.refresh()
        assert running.ask(post(REVIEW)).status == 200


def test_half_a_new_pair_keeps_the_old_one(tmp_path: Path) -> None:
    """Until the key belongs to the certificate nothing changes, and it is said once."""
    with serving(tmp_path) as running:
        before = _serial(running)
        old_key = running.pki.key.read_bytes()
        running.pki.issue()
        new_key = running.pki.key.read_bytes()
        running.pki.put(running.pki.key, old_key)
        while running.metric("syrette_certificate_reload_failures_total") < 1:
            time.sleep(0.01)
        between = _serial(running)
        running.pki.put(running.pki.key, new_key)
        changed = _changed(running, before)
        lines = running.lines()

    assert between == before
    assert changed
    problems = [str(x["problem"]) for x in lines if x["message"] == "certificate not reloaded"]
    assert "no usable pair: key values mismatch" in problems[-1]
    assert "PRIVATE" not in str(lines)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\ncut", b"garbage"])
def test_a_damaged_file_keeps_the_old_pair(tmp_path: Path, content: bytes) -> None:
    """A truncated or empty file is not served, and a repaired one is."""
    pki = PKI(tmp_path)
    metrics = Metrics()
    files = CertificateFiles(pki.certificate, pki.key, metrics=metrics, log=Log(2))
    good = pki.certificate.read_bytes()
    pki.certificate.write_bytes(content)

    assert not files.refresh()
    pki.certificate.write_bytes(good)
    assert files.refresh()
    assert b"syrette_certificate_reload_failures_total 1.0" in metrics.exposition()


def test_missing_files_are_named(tmp_path: Path) -> None:
    """A wrong path is found at the start."""
    with pytest.raises(CertificateError, match=r"tls\.crt cannot be read: No such file"):
        CertificateFiles(tmp_path / "tls.crt", tmp_path / "tls.key", metrics=Metrics(), log=Log(2))


def test_an_encrypted_key_is_refused(tmp_path: Path) -> None:
    """Nobody is there to type a password."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - only here

    pki = PKI(tmp_path)
    key = serialization.load_pem_private_key(pki.key.read_bytes(), None)
    pki.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )

    with pytest.raises(CertificateError, match="the key is encrypted"):
        CertificateFiles(pki.certificate, pki.key, metrics=Metrics(), log=Log(2))


def test_the_end_of_the_certificate_is_a_metric(tmp_path: Path) -> None:
    """An alert can be made of it."""
    with serving(tmp_path) as running:
        with running.client() as client:
            certificate = client.peer.getpeercert()
            assert certificate is not None
            end = ssl.cert_time_to_seconds(str(certificate["notAfter"]))

        assert running.metric("syrette_certificate_expiry_timestamp_seconds") == end
