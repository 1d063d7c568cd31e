"""A document is opened once: its text, its data, and which version of it that was."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.sops.document import open_document
from injector.sops.errors import SopsError
from injector.sops.versions import version_of
from tests.injector.sops.hostile import fixed
from tests.injector.sops.mutations import SOURCES

if TYPE_CHECKING:
    from injector.sops.tree import Format
    from tests.injector.sops.oracle import Oracle


@pytest.mark.parametrize("name", list(SOURCES))
def test_the_text_is_what_sops_prints(sops: Oracle, name: Format) -> None:
    """In the format that the document came in."""
    encrypted = sops.encrypt(SOURCES[name], name)

    assert sops.opened(encrypted, name).text().reveal() == sops.decrypt(encrypted, name)


def test_the_data_is_there_for_selectors(sops: Oracle) -> None:
    """The same opened document gives both."""
    document = sops.opened(sops.encrypt(b"db: {password: hunter2, port: 5432}\n", "yaml"), "yaml")

    assert document.mapping() == {"db": {"password": "hunter2", "port": 5432}}
    assert document.text().reveal() == b"db:\n    password: hunter2\n    port: 5432\n"


def test_a_document_prints_no_secret(sops: Oracle) -> None:
    """Neither its values nor its text."""
    document = sops.opened(sops.encrypt(b"a: hunter2\nb: [5432, hunter3]\n", "yaml"), "yaml")
    shown = f"{document} {document!r} {document.text()}"

    assert "hunter" not in shown
    assert "5432" not in shown


def test_the_version_is_that_of_the_encrypted_file(sops: Oracle) -> None:
    """It is known before anything is decrypted, and says nothing of the content."""
    encrypted = sops.encrypt(b"a: b\n", "yaml")
    document = sops.opened(encrypted, "yaml")

    assert document.version == version_of(encrypted) == hashlib.sha256(encrypted).hexdigest()
    assert document.version != version_of(sops.encrypt(b"a: b\n", "yaml"))
    assert f'lastmodified: "{document.last_modified}"' in encrypted.decode()


def test_a_document_says_whether_its_mac_was_looked_at(sops: Oracle) -> None:
    """Whoever serves an unverified one can warn."""
    encrypted = sops.encrypt(b"a: b\nc: d\n", "yaml")
    shorter = encrypted.replace(encrypted.splitlines(keepends=True)[0], b"", 1)

    assert sops.opened(encrypted, "yaml").verified
    with pytest.raises(SopsError) as refused:
        sops.opened(shorter, "yaml")
    assert refused.value.reason is Reason.INTEGRITY_FAILED
    unverified = sops.opened(shorter, "yaml", verify_mac=False)
    assert not unverified.verified
    assert unverified.text().reveal() == b"c: d\n"


def test_an_unknown_format_is_refused_with_those_that_are_known() -> None:
    """A format may come from an annotation."""
    with pytest.raises(SopsError, match="`toml` is no format of SOPS; there are yaml, json"):
        open_document(b"", "toml", fixed(bytes(32)))


@pytest.mark.parametrize(
    ("name", "source"),
    [("binary", b"\xff"), ("yaml", b"a: b\n---\nc: d\n")],
    ids=["a file", "two documents"],
)
def test_what_is_no_mapping_is_still_a_text(sops: Oracle, name: str, source: bytes) -> None:
    """A selector cannot be asked of it; the whole can."""
    document = sops.opened(sops.encrypt(source, name), name)

    assert document.text().reveal() == source
    with pytest.raises(SopsError) as refused:
        document.mapping()
    assert refused.value.reason is Reason.NOT_A_MAPPING
