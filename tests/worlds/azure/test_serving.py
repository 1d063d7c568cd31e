"""The world as a program beside a cluster."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

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


def test_it_is_set_up_through_its_control_port_and_ends_when_asked(tmp_path: Path) -> None:
    """A cluster's key set in; CA and journal out; SIGTERM ends it well."""
    cluster = Issuer("https://cluster.example")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(cluster.key_set()))
    command = [sys.executable, "-m", "worlds.azure.serving", "--issuer", cluster.url]
    command += ["--key-set", str(keys), "--address", "127.0.0.1"]
    command += ["--port", "0", "--control-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        serving, _, control = process.stdout.readline().split()
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
        assert _read(port, "/ca").startswith("-----BEGIN CERTIFICATE-----")
        assert _read(port, "/journal") == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
