"""A pod loads the client library and our own modules of its provider, and of no other."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.house.source import ROOT
from tests.injector.cycle.pod import Pod, file
from tests.injector.vault.pod import VaultPod

if TYPE_CHECKING:
    from pathlib import Path

    from tests.openbao import Cluster
    from worlds.aws import AwsWorld
    from worlds.openbao import Namespace

WATCHED = ("botocore", "hvac", "requests", "urllib3", "injector.aws", "injector.vault")
_RUN = f"""
import os, runpy, sys
sys.path.append({str(ROOT)!r})
end = os._exit
def told(code):
    print(*sorted(set({WATCHED!r}) & sys.modules.keys()), flush=True)
    end(code)
os._exit = told
runpy.run_module("injector", run_name="__main__", alter_sys=True)
"""


def _loaded(pod: Pod, *words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", _RUN, *words],
        env=pod.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_a_pod_of_aws_loads_nothing_of_vault(world: AwsWorld, tmp_path: Path) -> None:
    """Neither init nor the worker that reads again."""
    world.put_secret("prod/db", "s3cret")
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db"))

    for words in (("init",), ("worker", "now")):
        loaded = _loaded(pod, *words)
        assert {"botocore", "injector.aws"} <= loaded
        assert not {"hvac", "requests", "injector.vault"} & loaded


def test_a_pod_of_vault_loads_nothing_of_aws_and_one_http_client(
    vault: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """Neither init, nor the worker that reads again, nor what gives the token back."""
    vault.kv("secret")
    vault.put("secret", "prod/db", password="s3cret")
    vault.policy("shop", {"secret/data/prod/*": ["read"]})
    vault.kubernetes_role("web", "shop")
    pod = VaultPod(vault, cluster, tmp_path, file("vault:secret/prod/db#password"))

    for words in (("init",), ("worker", "now"), ("revoke",)):
        assert _loaded(pod, *words) == {"hvac", "injector.vault"}
