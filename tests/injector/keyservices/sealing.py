"""Documents that the real sops has encrypted with a key of a cloud, and what the injector reads."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from injector.sops import parse, plain
from injector.sops.decrypt import decrypt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.sops.datakey import KeyService
    from injector.sops.master_keys import MasterKey

SOPS = Path(sys.executable).parent / "sops"
DATA_KEY = bytes(range(32))
PLAIN = b"password: s3cret\nport: 5432\n"
CONTENT = {"password": "s3cret", "port": 5432}
_numbers = count()


def sealed(directory: Path, environment: Mapping[str, str], *keys: str) -> bytes:
    """Have sops encrypt `PLAIN` with keys, named by its options."""
    path = directory / f"plain-{next(_numbers)}.yaml"
    path.write_bytes(PLAIN)
    return sops(directory, environment, "encrypt", *keys, str(path))


def sops(directory: Path, environment: Mapping[str, str], *arguments: str) -> bytes:
    """Run sops; it must succeed."""
    done = subprocess.run(
        [str(SOPS), "--disable-version-check", *arguments],
        env={"HOME": str(directory), **environment},
        capture_output=True,
        cwd=directory,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def opened(document: bytes, services: Callable[[MasterKey], KeyService | None]) -> dict[str, Any]:
    """Decrypt as the injector does; what it raises comes through."""
    return plain.mapping(decrypt(document, "yaml", services))


def master_key(document: bytes) -> MasterKey:
    """Give the first key of a document."""
    return parse.read(document, "yaml").metadata.groups[0][0]


def altered(document: bytes, kind: str, **fields: Any) -> bytes:  # noqa: ANN401 - of YAML
    """Change fields of a document's first key of a kind, as an attacker or a mistake would."""
    content = yaml.safe_load(document)
    content["sops"][kind][0] |= fields
    return yaml.safe_dump(content, sort_keys=False).encode()


def moved(document: bytes, kind: str, **fields: str) -> bytes:
    """Put a key in the place of all that a document has: metadata is not under its MAC."""
    content = yaml.safe_load(document)
    for name in ("kms", "gcp_kms", "azure_kv", "hc_vault", "age", "pgp"):
        content["sops"].pop(name, None)
    content["sops"][kind] = [fields]
    return yaml.safe_dump(content, sort_keys=False).encode()
