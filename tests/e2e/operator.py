"""A person at the command line, outside the cluster: `syrette` with a kubeconfig."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.e2e import aws
from tests.e2e.kubectl import Said, apply, eventually, kubectl

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = ROOT / "examples" / "guard-rails" / "check-per-tenant.yaml"
_FORWARDED: Final = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


def syrette(*words: str) -> Said:
    """Run one command of ours."""
    finished = subprocess.run(
        [sys.executable, "-m", "syrette", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Said(finished.returncode, finished.stdout, finished.stderr)


@contextlib.contextmanager
def forwarded_aws(folder: Path) -> Iterator[dict[str, str]]:
    """Open a way from this machine to the AWS world; gives endpoints for a configuration."""
    log = folder / "forwarding"
    words = ["kubectl", "-n", aws.NAMESPACE, "port-forward", f"pod/{aws.SERVICE}", ":8443"]
    with log.open("w") as out, subprocess.Popen(words, stdout=out, stderr=out) as process:
        try:
            found = eventually(lambda: _FORWARDED.search(log.read_text()), seconds=30)
            assert found is not None
            https = f"https://127.0.0.1:{found[1]}"
            yield {f"aws.{name}": https for name in ("sts", "secretsmanager", "ssm", "kms")}
        finally:
            process.terminate()


def tenant(namespace: str, folder: Path, *, permitted: bool) -> Path:
    """
    Make somebody who has the example's rights in a namespace, and only those, or none.

    Returns:
        A kubeconfig that is theirs.
    """
    name = "tenant" if permitted else "stranger"
    metadata = {"name": name, "namespace": namespace}
    apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    if permitted:
        apply(*(_for(one, name, namespace) for one in yaml.safe_load_all(EXAMPLE.read_text())))
    token = kubectl("-n", namespace, "create", "token", name).out
    config = kubectl("config", "view", "--raw", "--minify", "-o", "json").json
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    path = folder / f"{name}.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def _for(found: dict[str, Any], name: str, namespace: str) -> dict[str, Any]:
    """Write an object of the example for another namespace and another person."""
    made: dict[str, Any] = yaml.safe_load(yaml.safe_dump(found).replace("shop", namespace))
    if "subjects" in made:
        made["subjects"] = [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]
    return made
