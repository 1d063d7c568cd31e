"""The world as a program beside a cluster."""

from __future__ import annotations

import http.client
import json
import signal
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from worlds.tokens import Issuer

if TYPE_CHECKING:
    from pathlib import Path


def _read(port: int, path: str) -> Any:  # noqa: ANN401 - any JSON
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert response.status == 200, body
    return json.loads(body)


def _call(port: int, name: str, *args: object) -> Any:  # noqa: ANN401 - any JSON
    asked = json.dumps({"call": name, "args": args})
    return _read(port, f"/call?json={quote(asked)}")


def _status(egress: int, host: str, ca: str) -> int:
    """Ask a true host name for the root, through the egress proxy."""
    context = ssl.create_default_context(cadata=ca)
    connection = http.client.HTTPSConnection("127.0.0.1", egress, timeout=10, context=context)
    connection.set_tunnel(host, 443)
    connection.request("GET", "/")
    status = connection.getresponse().status
    connection.close()
    return status


def test_it_is_set_up_through_its_control_port_and_ends_when_asked(tmp_path: Path) -> None:
    """A cluster's key set in; CA, journal and what went through the proxy out; SIGTERM ends it."""
    cluster = Issuer("https://cluster.example")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(cluster.key_set()))
    command = [sys.executable, "-m", "worlds.azure.serving", "--issuer", cluster.url]
    command += ["--key-set", str(keys), "--address", "127.0.0.1"]
    command += ["--port", "0", "--control-port", "0", "--egress-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        serving, _, control, egress = process.stdout.readline().split()
        port = int(control)
        made = _call(port, "workload", "web", "shop", "web")
        url = _call(port, "grant", "acme-kv", "web", "secrets/get")
        versions = [
            _call(port, "put_secret", "acme-kv", "db", "one"),
            _call(port, "put_certificate", "acme-kv", "tls", "application/x-pkcs12"),
            _call(port, "put_key", "acme-kv", "sops"),
        ]

        assert serving == "serving"
        assert set(made) == {"client_id", "tenant_id"}
        assert url == "https://acme-kv.vault.azure.net"
        assert {len(version) for version in versions} == {32}
        ca = _read(port, "/ca")

        assert ca.startswith("-----BEGIN CERTIFICATE-----")
        assert _read(port, "/journal") == []
        assert _status(int(egress), "acme-kv.vault.azure.net", ca) in range(400, 500)
        with pytest.raises(OSError, match="403 Forbidden"):
            _status(int(egress), "sts.googleapis.com", ca)
        assert _read(port, "/egress") == ["acme-kv.vault.azure.net:443", "sts.googleapis.com:443"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
