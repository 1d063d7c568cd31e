"""The server as a process: its start, its seal, its end."""

from __future__ import annotations

import os
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from tests.worlds.openbao.asking import refusal
from worlds.certificates import issue
from worlds.openbao import Api, OpenBao
from worlds.process import NotStartedError, free_port

if TYPE_CHECKING:
    from pathlib import Path


def test_it_serves_tls_of_its_own_authority(openbao: OpenBao) -> None:
    """Whoever trusts another one gets no answer; the file has the same authority."""
    Api(openbao.address, openbao.ca_path.read_text()).read("sys/health")
    with pytest.raises(ssl.SSLCertVerificationError):
        Api(openbao.address, issue().ca).read("sys/health")


def test_a_sealed_server_answers_503_until_it_is_unsealed(sealable: OpenBao) -> None:
    """What it has survives, and so do tokens."""
    sealable.root.kv("secret")
    sealable.root.put("secret", "prod/db", password="s3cret")
    sealable.root.policy("shop", {"secret/data/prod/*": ["read"]})
    client = sealable.root.api.having(sealable.root.token("shop"))
    sealable.seal()
    assert sealable.sealed
    assert refusal(lambda: client.read("secret/data/prod/db")) == (503, "Vault is sealed")

    sealable.unseal()
    assert client.read("secret/data/prod/db")["data"]["data"] == {"password": "s3cret"}


def test_it_can_start_sealed() -> None:
    """As a server does that nobody has unsealed yet; its audit log is empty."""
    with OpenBao(sealed=True) as server:
        assert server.sealed
        assert refusal(lambda: server.root.api.read("sys/mounts"))[0] == 503

        server.unseal()
        server.root.api.read("sys/mounts")
        assert [entry.path for entry in server.audit.calls("sys/mounts")] == ["sys/mounts"]


def test_data_on_disk_survives_a_restart_and_a_kill(durable: OpenBao) -> None:
    """At the same address, sealed both times, with the audit log of before."""
    durable.root.kv("secret")
    durable.root.put("secret", "prod/db", password="s3cret")
    address, first = durable.address, durable.pid
    durable.restart()
    assert (durable.sealed, durable.address) == (True, address)
    durable.unseal()
    second = durable.pid
    durable.kill()
    with pytest.raises(ConnectionRefusedError):
        durable.root.api.read("sys/health")
    durable.start()
    durable.unseal()

    assert len({first, second, durable.pid}) == 3
    found = durable.root.api.read("secret/data/prod/db")
    assert found["data"]["data"] == {"password": "s3cret"}
    assert len(durable.audit.calls("sys/mounts/secret", operation="update")) == 1


def test_nothing_is_left_when_it_has_ended() -> None:
    """No process, no file."""
    with OpenBao() as server:
        pid, folder = server.pid, server.folder

    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_start_that_fails_says_what_the_server_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the end of its log, and nothing is left."""
    broken = tmp_path / "bao"
    broken.write_text("#!/bin/sh\necho no such option >&2\nexit 3\n")
    broken.chmod(0o700)
    monkeypatch.setattr("worlds.openbao.server.binary", lambda: str(broken))

    with pytest.raises(NotStartedError, match=r"exit code 3:\nno such option"), OpenBao():
        pass


def test_a_port_that_somebody_took_is_left_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server looks for another one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1]]
        monkeypatch.setattr(
            "worlds.openbao.server.free_port", lambda: ports.pop() if ports else free_port()
        )
        with OpenBao() as server:
            assert server.address != f"https://127.0.0.1:{taken.getsockname()[1]}"
            assert not server.sealed
