"""What may be loaded with what; import-linter says the rest."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house.source import ROOT, modules

_STANDARD_LIBRARY_ONLY = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import {{module}}
print(" ".join(sorted(name.partition(".")[0] for name in sys.modules)))
"""


def _loaded(code: str, *flags: str) -> set[str]:
    finished = subprocess.run(
        [sys.executable, *flags, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(finished.stdout.split())


@pytest.mark.parametrize(
    "module", ["codec", "names", "paths", "plan", "reasons", "references", "stores"]
)
def test_the_contract_needs_the_standard_library_only(module: str) -> None:
    """Each module of the contract imports in an interpreter without site-packages."""
    name = f"injector.contract.{module}"
    loaded = _loaded(_STANDARD_LIBRARY_ONLY.format(module=name), "-I", "-S")

    assert loaded <= set(sys.stdlib_module_names) | {"__main__", "injector"}


def test_the_supervisor_imports_nothing_that_costs_memory() -> None:
    """The resident process loads only built-in and tiny modules, not even the contract."""
    path = str(ROOT / "injector" / "supervisor.py")
    code = f"""
import sys
before = set(sys.modules)
import importlib.util as u
spec = u.spec_from_file_location("supervisor", {path!r})
between = set(sys.modules)
module = u.module_from_spec(spec); spec.loader.exec_module(module)
print(" ".join(sorted(set(sys.modules) - between | (set(sys.modules) & {{"enum", "signal"}}))))
"""
    added = _loaded(code, "-I", "-S")

    ours = {"injector", "injector.supervision", "injector.metrics_port"}
    assert added == ours | {"select", "_socket"}


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("webhook.mutation", "aiohttp uvloop kubernetes_asyncio boto3 botocore hvac asyncio ssl"),
        ("webhook.annotations", "aiohttp uvloop kubernetes_asyncio boto3 botocore hvac asyncio"),
        ("webhook.review", "aiohttp uvloop kubernetes_asyncio boto3 botocore hvac asyncio ssl"),
        ("webhook.__main__", "boto3 botocore hvac kubernetes_asyncio jsonpatch cryptography rich"),
        ("injector.cycle", "boto3 botocore hvac cryptography jinja2 yaml jmespath aiohttp"),
        ("injector.__main__", "boto3 botocore hvac cryptography jinja2 yaml jmespath aiohttp"),
        ("injector.providers", "boto3 botocore hvac cryptography jinja2"),
        ("injector.sessions", "boto3 botocore hvac cryptography jinja2"),
        ("injector.render", "boto3 botocore hvac cryptography jinja2 yaml jmespath socket ssl"),
        ("injector.schedule", "socket ssl subprocess threading boto3"),
    ],
)
def test_a_room_does_not_load_what_it_may_not_use(module: str, forbidden: str) -> None:
    """Pure rooms load no I/O library, and expensive libraries wait until they are needed."""
    code = f"import sys, {module}; print(' '.join(sys.modules))"

    assert _loaded(code) & set(forbidden.split()) == set()


def test_every_module_imports_alone() -> None:
    """No module depends on another one having been imported first."""
    names = [
        str(path.with_suffix("")).replace("/", ".").removesuffix(".__init__")
        for path in modules("webhook", "injector", "syrette", "worlds")
        if path.name != "supervisor.py"
    ]
    code = f"""
import sys, importlib
for name in {names!r}:
    for loaded in [m for m in sys.modules if m.partition(".")[0] in
                   ("webhook", "injector", "syrette", "worlds")]:
        del sys.modules[loaded]
    importlib.import_module(name)
print("done")
"""

    assert _loaded(code) == {"done"}
