"""
SOPS documents: files that the kubelet mounts, decrypted here with the pod's own identity.

The version is the encrypted file's: one that has not changed is not decrypted again, asks no key
service, and loads nothing that could decrypt it. A document's author chooses its text, so nothing
of it leads to another file or address than the store's.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from injector.contract.reasons import Reason
from injector.contract.sops import CONFIG_MAP, InvalidPathError, Place, parse_path
from injector.errors import ProviderError
from injector.identity import mounted_secrets
from injector.material import Material
from injector.providers.interface import Fetched, Provider, Read, singly
from injector.sops.errors import SopsError
from injector.sops.limits import MAX_DOCUMENT
from injector.sops.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from injector.contract.stores import Store
    from injector.keyservices.services import KeyServices
    from injector.sessions import SessionCache
    from injector.sops.datakey import KeyService
    from injector.sops.document import Document
    from injector.sops.master_keys import MasterKey

STEP: Final = "SOPS"
# The name of a document's format in those of files (`render.formats`); others have no such form.
_FORMS: Final = {"dotenv": "env", "ini": "ini", "json": "json", "yaml": "yaml"}


class Documents(Provider):
    """Reads of one store of documents."""

    def _fetch(
        self,
        reads: Sequence[Read],
        store: Store,
        sessions: SessionCache,
        _denied: frozenset[str],
    ) -> list[Fetched]:
        return singly(reads, _Desk(store, sessions).one, STEP)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What stays the same over all reads of one fetch."""

    store: Store
    sessions: SessionCache

    def one(self, read: Read) -> Fetched:
        try:
            place = parse_path(read.reference.path)
        except InvalidPathError as exc:
            raise ProviderError(Reason.INVALID_REQUEST, str(exc), step=STEP) from None
        root = self.sessions.identity.root
        try:
            data = contained(root + place.base, root + place.file, MAX_DOCUMENT)
        except FileNotFoundError:
            raise _missing(place) from None
        except OSError as exc:
            problem = f"the document cannot be read: {type(exc).__name__}"
            raise ProviderError(Reason.UNAVAILABLE, problem, step=STEP) from None
        version = version_of(data)
        if version == read.known_version:
            return Fetched(read.reference, version=version, unchanged=True)
        from injector.sops.document import open_document  # noqa: PLC0415 - paid by what changed

        document = open_document(
            data,
            place.format(read.reference.option("type")),
            self.services(),
            verify_mac=self.store.text("mac") != "ignore",
        )
        return _fetched(read, document)

    def services(self) -> _Services:
        """Give the key services of one document, with the identities that are mounted now."""
        from injector.keyservices.services import KeyServices  # noqa: PLC0415 - paid by what changed

        identities, missing = self._identities()
        services = KeyServices(
            self.store.key_stores, self.sessions, identities, self.store.names("allowed-keys")
        )
        return _Services(services, missing)

    def _identities(self) -> tuple[tuple[Material, ...], str]:
        """Give texts of age, or say what is wrong with the Secret that holds them."""
        secret, identity = self.store.text("age-key-secret"), self.sessions.identity
        if not secret:
            return (), ""
        try:
            text = mounted_secrets.read(identity.root, identity.namespace, secret, STEP)
        except ProviderError as exc:
            return (), str(exc)
        return (Material(text),), ""


@dataclass(frozen=True, slots=True)
class _Services:
    """Key services, of which age's may lack its identities."""

    known: KeyServices
    missing: str

    def __call__(self, key: MasterKey) -> KeyService:
        if self.missing and key.kind == "age":
            return _Without(self.missing)
        return self.known(key)


@dataclass(frozen=True, slots=True)
class _Without:
    """age without the identities that the store names: the kubelet may mount them yet."""

    why_not: str

    def decrypt(self, _key: MasterKey) -> Material:
        raise SopsError(Reason.TOKEN_UNAVAILABLE, self.why_not)


def contained(base: str, path: str, limit: int) -> bytes:
    """
    Read a regular file that is within a directory, whatever links lead to it.

    Args:
        base: the directory.
        path: the file.
        limit: bytes; of a larger file so many and one more are read.

    Raises:
        FileNotFoundError: when there is none.
        OSError: when it cannot be read, is no regular file or leads out of the directory.
    """
    # A pipe in a volume of the application's would keep us waiting.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        opened = os.fstat(descriptor)
        real, home = os.path.realpath(path), os.path.realpath(base)
        if not Path(real).is_relative_to(home) or not stat.S_ISREG(opened.st_mode):
            msg = "it is no regular file of its volume"
            raise PermissionError(msg)
        # What the kubelet, or somebody else, has switched meanwhile is read the next time.
        if not os.path.samestat(opened, os.stat(real)):  # noqa: PTH116 - as it was resolved
            msg = "it was replaced while it was read"
            raise BlockingIOError(msg)
        return file.read(limit + 1)


def _missing(place: Place) -> ProviderError:
    if place.kind != CONFIG_MAP:
        problem = f"the volume `{place.name}` has no file `{place.path[:120]}`"
        remedy = "a volume that another container fills is empty while secrets come first"
    else:
        problem = f"the ConfigMap `{place.name}` has no key `{place.path}`, or is not there"
        remedy = (
            "create it, and the kubelet mounts it within a minute or two; where Kustomize puts a "
            "hash behind its name, mount it as a volume of the pod and write "
            f"`sops:volume/<volume>/{place.path}`"
        )
    return ProviderError(Reason.NOT_FOUND, problem, step=STEP, remedy=remedy)


def _fetched(read: Read, document: Document) -> Fetched:
    """The document's own text, and its content as data where it has keys."""
    text, form = document.text(), _FORMS.get(document.format, "")
    try:
        mapping = document.mapping()
    except SopsError:
        # It has no keys, or not once each: as a whole it can be had.
        return Fetched(read.reference, text, document.version, form=form)
    if form == "json":
        return Fetched(read.reference, text, document.version, mapping=True)
    data = Material(json.dumps(mapping, ensure_ascii=False, allow_nan=False).encode())
    return Fetched(read.reference, data, document.version, mapping=True, text=text, form=form)
