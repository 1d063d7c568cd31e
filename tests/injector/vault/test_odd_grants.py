"""Grants that no sound Vault makes, and writes that grant nothing: no loop, no second grant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import ExitCode
from tests.injector.cycle.pod import file
from tests.injector.transport.peer import Peer
from tests.injector.vault.pod import VaultPod

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tests.injector.transport.peer import Script
    from tests.openbao import Cluster
    from worlds.openbao import Namespace

CREDS = file("vault:database/creds/app#username", "user")
MOUNT = {"data": {"path": "database/", "type": "database", "options": None}}
LOGIN = '{"auth":{"client_token":"s.x","accessor":"a","lease_duration":43200,"renewable":true}}'
GRANT = '{"lease_id":"database/creds/app/1","lease_duration":3600,"renewable":true,"data":{}}'


def server(login: str = LOGIN, grant: str = GRANT, mount: object = MOUNT) -> Script:
    """Answer like a Vault with one engine, as far as these texts let it."""
    grant = grant.replace('"data":{}', '"data":{"username":"u"}')
    answers = (("/login", login), ("ui/mounts", json.dumps(mount)), ("", grant))

    def script(sock: socket.socket, request: bytes) -> bool:
        path = request.split(b" ")[1].decode()
        body = next(text for mark, text in answers if mark in path).encode()
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return True

    return script


LIVES = ["NaN", "Infinity", "1e999", "1" + "0" * 400, '"3600"', "-5", "0", "true", "null", "[]"]
NAMES = ['"\\ud800"', "5", "null", '{"a": 1}']


@pytest.mark.parametrize(
    "spoilt",
    [
        *({"grant": GRANT.replace("3600", it)} for it in LIVES),
        *({"login": LOGIN.replace("43200", it)} for it in LIVES),
        *({"grant": GRANT.replace('"database/creds/app/1"', it)} for it in NAMES),
        *({"login": LOGIN.replace('"a"', it)} for it in NAMES),
    ],
    ids=lambda spoilt: str(spoilt)[:80],
)
def test_a_life_or_a_name_that_is_none_makes_neither_a_second_grant_nor_a_loop(
    vault: Namespace, cluster: Cluster, tmp_path: Path, spoilt: dict[str, str]
) -> None:
    """The next worker can read what init has left, and comes no sooner than in a second."""
    with Peer(server(**spoilt)) as peer:
        pod = VaultPod(vault, cluster, tmp_path, CREDS, address=f"http://127.0.0.1:{peer.port}")
        assert pod.init().exit_code == 0
        asleep = pod.work()["next"]
        paths = [request.split(b" ")[1] for request in peer.requests]

    assert asleep >= 1
    assert paths.count(b"/v1/database/creds/app") == 1
    assert paths.count(b"/v1/auth/kubernetes/login") == 1


@pytest.mark.parametrize("token", ['"s\\nX-Vault-Namespace: b"', '"\\ud800"', '""', '"ä"', '" s"'])
def test_a_token_that_no_header_can_carry_is_no_login(
    vault: Namespace, cluster: Cluster, tmp_path: Path, token: str
) -> None:
    """It is never sent, and the login is what failed."""
    with Peer(server(login=LOGIN.replace('"s.x"', token))) as peer:
        pod = VaultPod(vault, cluster, tmp_path, CREDS, address=f"http://127.0.0.1:{peer.port}")
        outcome = pod.init()

    assert outcome.exit_code == ExitCode.UNAVAILABLE
    assert "Vault login: the reply cannot be read" in outcome.message
    assert all(b"/login" in request for request in peer.requests)


@pytest.mark.parametrize(
    "told",
    [
        {"path": "database/", "type": "kv", "options": [1]},
        {"path": "database/", "type": "kv", "options": {"version": "x"}},
        {"path": "../../other/", "type": "kv", "options": {"version": "2"}},
        {"path": "other/", "type": ["kv"], "options": None},
    ],
    ids=str,
)
def test_a_mount_that_is_none_is_not_asked(
    vault: Namespace, cluster: Cluster, tmp_path: Path, told: dict[str, object]
) -> None:
    """It does not lie on the way to the path, or is no version of KV."""
    with Peer(server(mount={"data": told})) as peer:
        pod = VaultPod(vault, cluster, tmp_path, CREDS, address=f"http://127.0.0.1:{peer.port}")
        outcome = pod.init()

    assert outcome.exit_code == ExitCode.UNAVAILABLE
    assert "the reply cannot be read" in outcome.message
    assert not any(b"/data/" in request for request in peer.requests)


@pytest.mark.parametrize("path", ["auth/token/create", "old/app"])
def test_a_write_that_gives_nothing_is_done_once(
    vault: Namespace, cluster: Cluster, tmp_path: Path, path: str
) -> None:
    """A second try would give no more than another token, or another version."""
    vault.kv("old", version=1)
    vault.policy("shop", {path: ["create", "update"]})
    vault.kubernetes_role("web", "shop")
    pod = VaultPod(vault, cluster, tmp_path, file(f"vault:{path}?data.ttl=5m", "it"))

    outcome = pod.init()

    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert f"gave nothing that could become a file ({path})" in outcome.message
    assert len(vault.audit.calls(path)) == 1
