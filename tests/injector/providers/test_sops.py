"""SOPS documents as a provider reads them: where they are, what of them is read again, attacks."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from injector.contract import references
from injector.contract.reasons import Reason
from injector.contract.stores import Store
from injector.identity import mounted_secrets
from injector.identity.interface import Identity
from injector.logins import sessions_over
from injector.providers import PROVIDERS
from injector.providers.interface import Provider, Read
from injector.retry import Retry
from injector.sops.limits import MAX_DOCUMENT
from injector.transport import Transport
from tests.injector.sops.oracle import Oracle, ssh, x25519

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from injector.errors import ProviderError
    from injector.providers.interface import Fetched
    from injector.sessions import SessionCache

PLAIN = b"# kept\ndb:\n    password: s3cret\nport: 1.5\n"
AGE = "sops-age/age.agekey"
DOCUMENT = "sops:configmap/app/secrets.yaml"


@pytest.fixture(scope="module")
def sops(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    """The real sops."""
    return Oracle(tmp_path_factory.mktemp("sops"), x25519())


class Place:
    """Our containers of one pod, with an identity of age."""

    def __init__(self, root: Path, sessions: SessionCache, sops: Oracle) -> None:
        self.root, self.sessions, self.sops = root, sessions, sops
        self.store = Store("sops", "sops", {"age-key-secret": AGE})
        self.identity = self.write(f"documents/secret/{AGE}", sops.identity.secret.encode())

    def write(self, path: str, data: bytes) -> Path:
        """Put a file where the kubelet would."""
        file = self.root / "run" / "syrette" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    def mount(self, data: bytes = PLAIN, name: str = "secrets.yaml", form: str = "yaml") -> Path:
        """Encrypt, and put into the ConfigMap `app`."""
        return self.write(f"documents/configmap/app/{name}", self.sops.encrypt(data, form))

    def read(self, reference: str = DOCUMENT, known: str = "") -> Fetched:
        """Read one document."""
        read = Read(references.parse(reference), known)
        (found,) = PROVIDERS["sops"].fetch([read], self.store, self.sessions)
        return found

    def error(self, reference: str = DOCUMENT) -> ProviderError:
        """Read one that cannot be; its error shows nothing of what it holds."""
        error = self.read(reference).error
        assert error is not None
        shown = str(error) + error.remedy + repr(error)
        assert "s3cret" not in shown
        assert self.sops.identity.secret not in shown
        return error


@pytest.fixture
def place(tmp_path: Path, sops: Oracle) -> Iterator[Place]:
    """Containers whose root is a folder."""
    transport = Transport()
    identity = Identity("shop", "web", "web-1", str(tmp_path))
    sessions = sessions_over(transport, identity, retry=Retry(), clock=lambda: 0.0)
    yield Place(tmp_path, sessions, sops)
    transport.close()


def test_fetch_is_final() -> None:
    """The promise is the base class's: no provider has a `fetch` of its own."""
    assert type(PROVIDERS["sops"]).fetch is Provider.fetch


def test_a_document_is_its_text_and_its_data(place: Place) -> None:
    """One for files of its own format, the other for selectors and other formats."""
    place.mount()
    found = place.read()

    assert found.material is not None
    assert found.text is not None
    assert json.loads(found.material.reveal()) == {"db": {"password": "s3cret"}, "port": 1.5}
    assert (found.text.reveal(), found.form, found.mapping) == (PLAIN, "yaml", True)


@pytest.mark.parametrize(
    ("form", "name", "data", "mapping"),
    [
        ("json", "a.json", b'{\n\t"a": "s3cret"\n}\n', True),
        ("binary", "a.bin", b"\x00s3cret", False),
        ("yaml", "a.yaml", b"a: s3cret\n---\nb: 2\n", False),
    ],
)
def test_a_document_that_is_data_already_or_has_no_keys_is_its_text_alone(
    place: Place, form: str, name: str, data: bytes, *, mapping: bool
) -> None:
    """JSON needs no second form; a binary file and several documents have no keys."""
    place.mount(data, name, form)
    found = place.read(f"sops:configmap/app/{name}")

    assert found.material is not None
    assert (found.material.reveal(), found.text, found.mapping) == (data, None, mapping)


def test_what_has_not_changed_is_not_decrypted_again(place: Place) -> None:
    """It needs no identity then; a document that was encrypted anew is another version."""
    place.mount()
    first = place.read()
    place.identity.unlink()
    again = place.read(known=first.version)
    place.mount()
    changed = place.read(known=first.version)

    assert (again.unchanged, again.error) == (True, None)
    assert changed.error is not None
    assert changed.error.reason is Reason.TOKEN_UNAVAILABLE


def test_the_option_type_is_stronger_than_the_name(place: Place) -> None:
    """As `--input-type` of sops."""
    place.mount(b"[one]\na = s3cret\n", "app.conf", "ini")
    found = place.read("sops:configmap/app/app.conf?type=ini#one.a")

    assert (found.form, found.mapping) == ("ini", True)


def test_missing_things_are_told_by_name(place: Place) -> None:
    """The ConfigMap and its key, the file of a volume, the Secret and its key."""
    missing = place.error()
    nowhere = place.error("sops:volume/config/a.yaml")
    place.mount()
    place.identity.unlink()
    lacking = place.error()

    assert missing.reason is Reason.NOT_FOUND
    assert "the ConfigMap `app` has no key `secrets.yaml`, or is not there" in str(missing)
    assert "sops:volume/<volume>/secrets.yaml" in missing.remedy
    assert "the volume `config` has no file `a.yaml`" in str(nowhere)
    assert "the key age.agekey of the Secret sops-age in the namespace shop is missing" in str(
        lacking
    )
    assert lacking.retryable


def test_a_store_without_an_identity_says_where_to_give_one(place: Place) -> None:
    """And is no reason to try again."""
    place.mount()
    place.store = Store("sops", "sops")
    error = place.error()

    assert "no identity of age is mounted: name a Secret with one in `sops.age-key-secret`" in str(
        error
    )
    assert not error.retryable


def test_a_value_that_was_changed_is_refused(place: Place) -> None:
    """By the cipher, whatever is said of the MAC."""
    file = place.mount()
    file.write_text(file.read_text().replace("AES256_GCM,data:", "AES256_GCM,data:AAAA"))
    place.store = replace(place.store, settings={**place.store.settings, "mac": "ignore"})

    assert place.error().reason is Reason.INTEGRITY_FAILED


def test_a_value_that_was_taken_out_is_refused_by_the_mac(place: Place) -> None:
    """Unless the store says that nobody looks at it."""
    file = place.mount()
    lines = [line for line in file.read_text().splitlines() if not line.startswith("port:")]
    file.write_text("\n".join(lines) + "\n")
    refused = place.error()
    place.store = replace(place.store, settings={**place.store.settings, "mac": "ignore"})

    assert refused.reason is Reason.INTEGRITY_FAILED
    assert place.read().error is None


def test_one_broken_document_spoils_no_other(place: Place) -> None:
    """Each read has its own outcome, in order."""
    place.mount()
    place.write("documents/configmap/app/b.yaml", b"a: 1\n")
    reads = [
        Read(references.parse(f"sops:configmap/app/{name}"))
        for name in ("b.yaml", "secrets.yaml", "none.yaml")
    ]
    found = PROVIDERS["sops"].fetch(reads, place.store, place.sessions)

    assert [item.error and item.error.reason for item in found] == [
        Reason.INVALID_DOCUMENT,
        None,
        Reason.NOT_FOUND,
    ]


def test_attack_by_a_link_out_of_the_volume(place: Place) -> None:
    """A file of the application's volume leads to our token: it is not even read."""
    token = place.write("token", b"eyJ.projected.token")
    link = place.write("volumes/config/a.yaml", b"")
    link.unlink()
    link.symlink_to(token)
    error = place.error("sops:volume/config/a.yaml")

    assert error.reason is Reason.UNAVAILABLE
    assert "cannot be read: PermissionError" in str(error)


def test_attack_by_a_folder_that_is_a_link(place: Place) -> None:
    """The whole path counts, not its end."""
    place.write("secret/a.yaml", b"")
    (place.root / "run" / "syrette" / "volumes" / "config").mkdir(parents=True)
    (place.root / "run/syrette/volumes/config/sub").symlink_to(place.root / "run/syrette/secret")

    assert "PermissionError" in str(place.error("sops:volume/config/sub/a.yaml"))


def test_links_within_a_volume_are_followed(place: Place) -> None:
    """As the kubelet's own: a key is a link to a link."""
    file = place.write("volumes/config/..2026/a.yaml", place.sops.encrypt(PLAIN, "yaml"))
    volume = file.parent.parent
    (volume / "..data").symlink_to("..2026")
    (volume / "a.yaml").symlink_to("..data/a.yaml")

    assert place.read("sops:volume/config/a.yaml").error is None


def test_attack_by_a_pipe_that_never_ends(place: Place) -> None:
    """Whoever fills a volume could else hold the sidecar up."""
    pipe = place.write("volumes/config/a.yaml", b"")
    pipe.unlink()
    os.mkfifo(pipe)

    assert "PermissionError" in str(place.error("sops:volume/config/a.yaml"))


def test_attack_by_a_file_without_end(place: Place) -> None:
    """No more of it is read than a document may have."""
    file = place.write("volumes/config/a.yaml", b"")
    os.truncate(file, 1 << 34)
    error = place.error("sops:volume/config/a.yaml")

    assert error.reason is Reason.INVALID_DOCUMENT
    assert f"at most {MAX_DOCUMENT} are read" in str(error)


def test_a_file_that_is_switched_while_it_is_read_is_read_the_next_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not known then whether what was opened is within the volume."""
    file = place.mount()
    real = os.path.realpath

    def switching(path: str) -> str:
        if path == str(file):
            file.unlink()
            file.write_bytes(b"another")
        return real(path)

    monkeypatch.setattr(os.path, "realpath", switching)
    error = place.error()

    assert (error.reason, error.retryable) == (Reason.UNAVAILABLE, True)


def test_a_secret_that_is_too_large_for_identities_is_told(place: Place) -> None:
    """It is not cut and used."""
    place.mount()
    place.identity.write_bytes(b"#" * (mounted_secrets.MAX_BYTES + 1))

    assert f"is larger than {mounted_secrets.MAX_BYTES} bytes" in str(place.error())


def test_keys_beyond_the_operators_patterns_decrypt_nothing(place: Place) -> None:
    """Though the identity is there."""
    place.mount()
    allowed = {**place.store.settings, "allowed-keys": ("arn:aws:kms:**",)}
    place.store = replace(place.store, settings=allowed)

    assert "is none of the allowed keys: arn:aws:kms:**" in str(place.error())


def test_attack_by_a_recipient_that_is_allowed_in_the_place_of_the_real_one(place: Place) -> None:
    """Nothing ties a document's `recipient` to its wrapped key: the mounted identity's counts."""
    file, other = place.mount(), x25519().recipient
    allowed = {**place.store.settings, "allowed-keys": (other,)}
    place.store = replace(place.store, settings=allowed)
    file.write_text(file.read_text().replace(place.sops.identity.recipient, other))
    error = place.error()
    mine = {**place.store.settings, "allowed-keys": (other, place.sops.identity.recipient)}
    place.store = replace(place.store, settings=mine)

    assert error.reason is Reason.POLICY_DENIED
    assert "the recipient of no mounted identity of age is one of the allowed keys" in str(error)
    assert place.read().error is None


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_an_identity_of_ssh_is_allowed_by_its_public_key(place: Place, kind: str) -> None:
    """Without a comment, as it stands in the document."""
    identity = ssh(kind)
    place.identity.write_text(identity.secret)
    keys = ("--age", identity.recipient)
    document = place.sops.encrypt(PLAIN, "yaml", keys=keys)
    place.write("documents/configmap/app/secrets.yaml", document)
    found = {}
    for pattern in (f"ssh-{kind} **", "ssh-dss **"):
        settings = {**place.store.settings, "allowed-keys": (pattern,)}
        place.store = replace(place.store, settings=settings)
        found[pattern[:7]] = place.read().error is None

    assert found == {f"ssh-{kind} **"[:7]: True, "ssh-dss": False}
