"""age's identities and what they can decrypt."""

from __future__ import annotations

import pyrage
import pytest

from injector.contract.reasons import Reason
from injector.material import Material
from injector.sops.age import AgeKeyService
from injector.sops.errors import SopsError
from injector.sops.master_keys import AgeKey, GcpKmsKey
from tests.injector.sops.oracle import ssh, x25519


def _encrypted(recipient: str, data: bytes = b"k" * 32) -> AgeKey:
    to: pyrage.x25519.Recipient | pyrage.ssh.Recipient = (
        pyrage.ssh.Recipient.from_str(recipient)
        if recipient.startswith("ssh-")
        else pyrage.x25519.Recipient.from_str(recipient)
    )
    return AgeKey(recipient, pyrage.encrypt(data, [to], armored=True).decode())


def _service(*texts: str) -> AgeKeyService:
    return AgeKeyService([Material(text.encode()) for text in texts])


def test_a_file_of_identities_may_have_comments_and_blank_lines() -> None:
    """As `age-keygen` writes it; any of its identities will do."""
    one, other = x25519(), x25519()
    text = f"# created: now\r\n# public key: {one.recipient}\r\n{one.secret}\r\n\r\n{other.secret}"

    assert _service(text).decrypt(_encrypted(other.recipient)).reveal() == b"k" * 32


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_private_key_of_ssh_is_an_identity(kind: str) -> None:
    """Beside native ones."""
    identity = ssh(kind)
    service = _service(x25519().secret, f"\n{identity.secret}\n")

    assert service.decrypt(_encrypted(identity.recipient)).reveal() == b"k" * 32


def test_another_ones_document_is_told_from_a_broken_one() -> None:
    """The first is a matter of access, the second of the document."""
    ours, theirs = x25519(), x25519()
    with pytest.raises(SopsError, match="none of our age identities") as denied:
        _service(ours.secret).decrypt(_encrypted(theirs.recipient))
    with pytest.raises(SopsError, match="was changed") as broken:
        _service(ours.secret).decrypt(AgeKey(ours.recipient, "no file of age"))

    assert denied.value.reason is Reason.ACCESS_DENIED
    assert broken.value.reason is Reason.INVALID_DOCUMENT


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("AGE-SECRET-KEY-PQ-1QQQQ", "line 1 of an identity file is a post-quantum identity"),
        ("# x\nAGE-PLUGIN-YUBIKEY-1QQQ", "line 2 of an identity file is a plugin's identity"),
        ("AGE-SECRET-KEY-1QQQQ", "line 1 of an identity file is no `AGE-SECRET-KEY-1…`"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nQQQQ\n", "a private key of SSH is neither"),
        ("# nothing", "there is no identity"),
        ("", "there is no identity"),
    ],
)
def test_an_identity_that_cannot_be_used_is_named_by_its_line(text: str, told: str) -> None:
    """And by its kind; never by what it holds."""
    with pytest.raises(SopsError, match=told) as refused:
        _service(text)

    assert refused.value.reason is Reason.INVALID_SETTINGS
    assert "QQQQ" not in str(refused.value)


def test_a_key_of_another_kind_is_not_ages() -> None:
    """Whoever asks has mixed something up."""
    with pytest.raises(SopsError, match="gcp_kms"):
        _service(x25519().secret).decrypt(GcpKmsKey("projects/p", "x"))
