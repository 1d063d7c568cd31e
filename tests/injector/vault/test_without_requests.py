"""hvac without the library that it would send with: it works, and one that wants more gets it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.house.source import ROOT
from tests.injector.cycle.pod import file
from tests.injector.vault.pod import VaultPod

if TYPE_CHECKING:
    from pathlib import Path

    from tests.openbao import Cluster
    from worlds.openbao import Namespace

_IMPORTED = f"""
import sys
sys.path.append({str(ROOT)!r})
from injector.vault import without_requests
{{before}}
hvac = without_requests.import_hvac()
held = hvac.adapters.requests
print(type(held).__name__, "requests" in sys.modules, "urllib3" in sys.modules)
{{after}}
"""
_INIT = f"""
import runpy, sys
sys.path.append({str(ROOT)!r})
{{before}}
sys.argv = ["injector", "init"]
runpy.run_module("injector", run_name="__main__", alter_sys=True)
"""


def _told(code: str, environment: dict[str, str] | None = None) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _imported(before: str = "", after: str = "") -> list[str]:
    return _told(_IMPORTED.format(before=before, after=after))


@pytest.mark.parametrize("before", ["", "import requests"], ids=["without", "with"])
def test_a_pod_gets_its_secret_with_the_library_and_without_it(
    vault: Namespace, cluster: Cluster, tmp_path: Path, before: str
) -> None:
    """Login, read and file are the same; where it is loaded already, hvac gets it."""
    vault.kv("secret")
    vault.put("secret", "prod/db", password="s3cret")
    vault.policy("shop", {"secret/data/prod/*": ["read"]})
    vault.kubernetes_role("web", "shop")
    pod = VaultPod(vault, cluster, tmp_path, file("vault:secret/prod/db#password", "password"))

    _told(_INIT.format(before=before), pod.environment)

    assert pod.read("password") == "s3cret"


def test_afterwards_the_library_is_for_others_what_it_was() -> None:
    """Nobody else ever meets the stand-in, wherever they import."""
    code = "import requests; print(requests.Session.__module__, requests is held)"

    assert _imported(after=code) == ["StandIn False False", "requests.sessions False"]


def test_what_else_hvac_asks_of_it_is_answered_by_the_real_one() -> None:
    """A session where nobody gives one, and an error of the library's, are the library's own."""
    code = """
print(type(hvac.adapters.JSONAdapter().session).__module__)
print(sys.modules["requests"].exceptions is held.exceptions)
print(without_requests.StandIn("requests.exceptions").Timeout.__module__)
"""

    assert _imported(after=code)[1:] == ["requests.sessions", "True", "requests.exceptions"]


@pytest.mark.parametrize(
    "before",
    [
        "del without_requests.StandIn.Response",
        "without_requests.MODULES = ('requests',)",
    ],
    ids=["a name", "a module"],
)
def test_an_hvac_that_wants_more_at_its_import_gets_the_real_library(before: str) -> None:
    """A version that the stand-in cannot satisfy loads the library, instead of failing in pods."""
    code = "import requests; print(held.Response is requests.Response, held.exceptions.Timeout)"

    told = _imported(before, code)

    assert told[0].endswith("True True")
    assert told[1] == "True <class 'requests.exceptions.Timeout'>"
