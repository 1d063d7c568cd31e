"""
A pod that uses one provider pays for one: what init and each worker have imported when they end.

The operator has set up all five, so that a document could be opened by any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.imports import imported, packages
from benchmarks.placing import place
from tests.injector.sops.oracle import Oracle, x25519
from tests.pod.tier import INIT, SIDECAR, pod

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pod.everything.house import House
    from tests.pod.tier import Tier

FAMILIES = {f"injector.{name}" for name in ("aws", "azure", "gcp", "keyservices", "sops", "vault")}
IDENTITIES = {f"injector.identity.{name}" for name in ("aws", "azure", "gcp", "vault")}
AWS = {"file.aws": "aws-secretsmanager:prod/db"}
AZURE = {"file.azure": "azure-keyvault:acme-kv/secrets/db"}
GOOGLE = {"file.gcp": "gcp-secretmanager:db"}
DOCUMENT = {"file.sops": "sops:configmap/app/secrets.yaml"}
"""Its key is in AWS KMS."""
AGE = {"sops.age-key-secret": "sops-age"}
OF_OTHERS = {
    "aws": {"botocore", "dateutil", "jmespath", "urllib3"},
    "gcp": {"google_crc32c"},
    "sops": {"cryptography", "pyrage", "re2", "yaml"},
    "vault": {"hvac", "requests"},
}


class Loading:
    """Runs the programs of one pod, and tells what each of them has imported."""

    def __init__(self, tier: Tier, house: House, folder: Path) -> None:
        self._tier, self._house, self._folder = tier, house, folder
        self.objects: dict[str, Any] = {"configMap": {"app": house.config_map}, "secret": {}}

    def modules(self, annotations: dict[str, str]) -> tuple[frozenset[str], frozenset[str]]:
        """Run init, then a worker that reads all again and finds nothing changed."""
        patched = self._tier.patched(pod(annotations))
        issuer = self._house.aws.issuer

        def mint(audience: str) -> str:
            return issuer.mint("shop", "web", audience, pod="web-1")

        init, sidecar = (
            place(patched, name, self._folder, mint, self.objects) for name in (INIT, SIDECAR)
        )
        first = imported(init.environment, "init")
        return first, imported(sidecar.environment, "worker", "now")


@pytest.fixture
def loading(tier: Tier, house: House, tmp_path: Path) -> Loading:
    """Pods of one provider each."""
    return Loading(tier, house, tmp_path / "root")


def _libraries(loading: Loading, annotations: dict[str, str]) -> set[str]:
    """Give the packages of others that init has loaded, beyond which no worker goes."""
    first, again = (set(packages(modules)) for modules in loading.modules(annotations))
    assert again <= first
    return first


@pytest.mark.parametrize(
    ("annotations", "families"),
    [
        (AWS, {"aws"}),
        (AZURE, {"azure"}),
        (GOOGLE, {"gcp"}),
        ({"file.vault": "vault:secret/db#password"}, {"vault"}),
        (DOCUMENT, {"aws", "keyservices", "sops"}),
    ],
    ids=["aws", "azure", "gcp", "vault", "sops"],
)
def test_a_pod_loads_our_own_modules_of_its_family_and_of_no_other(
    loading: Loading, house: House, annotations: dict[str, str], families: set[str]
) -> None:
    """A document logs in where its key is, and nowhere else where it might have been."""
    first, again = loading.modules({**annotations, "vault.namespace": house.vault.path})

    assert FAMILIES & first == {f"injector.{name}" for name in families}
    assert IDENTITIES & first == {f"injector.identity.{name}" for name in families} & IDENTITIES
    assert FAMILIES & again <= FAMILIES & first
    # It goes on with the login that init has left.
    assert not {"injector.identity.aws", "injector.identity.gcp"} & again


def test_a_pod_of_aws_loads_no_library_of_another(loading: Loading) -> None:
    """What botocore itself brings along is not counted here."""
    libraries = _libraries(loading, AWS)

    assert "botocore" in libraries
    others = OF_OTHERS["gcp"] | OF_OTHERS["sops"] | OF_OTHERS["vault"]
    assert not libraries & others


def test_a_pod_of_google_loads_its_checksum_in_c_and_nothing_else(loading: Loading) -> None:
    """Neither botocore nor hvac, pyrage, re2 or cryptography."""
    for modules in loading.modules(GOOGLE):
        assert set(packages(modules)) == OF_OTHERS["gcp"]
        assert "google_crc32c._crc32c" in modules


def test_a_pod_of_azure_loads_no_library_at_all(loading: Loading) -> None:
    """Not even cryptography, which a certificate needs."""
    assert _libraries(loading, AZURE) == set()


def test_a_pod_of_vault_loads_hvac_and_nothing_else(loading: Loading, house: House) -> None:
    """Without the HTTP library that hvac would bring along."""
    asked = {"file.vault": "vault:secret/db#password", "vault.namespace": house.vault.path}

    assert _libraries(loading, asked) == {"hvac"}


@pytest.mark.parametrize(
    ("form", "plain"),
    [
        ("yaml", b"password: s3cret\n"),
        ("json", b'{"password": "s3cret"}'),
        ("dotenv", b"password=s3cret\n"),
        ("ini", b"[one]\npassword = s3cret\n"),
        ("binary", b"s3cret"),
    ],
)
def test_a_document_of_age_loads_pyrage_and_its_format(
    loading: Loading, tmp_path: Path, form: str, plain: bytes
) -> None:
    """YAML has a library, the others do without; nothing of AWS, and no pattern."""
    libraries = _libraries(loading, _document(loading, tmp_path, form, plain))

    assert libraries == {"cryptography", "pyrage"} | ({"yaml"} if form == "yaml" else set())


def test_a_document_that_has_not_changed_loads_nothing_to_decrypt_it(loading: Loading) -> None:
    """A worker knows that by the encrypted file."""
    _, again = loading.modules(DOCUMENT)

    assert packages(again) == []
    assert {"injector.sops.decrypt", "injector.keyservices"} & again == set()


def test_a_document_loads_re2_when_its_rule_is_a_pattern(loading: Loading, tmp_path: Path) -> None:
    """Which a suffix, the usual rule, is not."""
    pattern = ("--encrypted-regex", "^password$")
    asked = _document(loading, tmp_path, "json", b'{"password": "s3cret"}', *pattern)

    assert "re2" in _libraries(loading, asked)


def test_a_document_of_aws_kms_loads_botocore_and_no_age(loading: Loading) -> None:
    """Nor anything of the three others whose keys it might have had."""
    libraries = _libraries(loading, DOCUMENT)

    assert {"botocore", "cryptography", "yaml"} <= libraries
    assert not libraries & {"pyrage", "re2", *OF_OTHERS["gcp"], *OF_OTHERS["vault"]}


def _document(
    loading: Loading, folder: Path, form: str, plain: bytes, *options: str
) -> dict[str, str]:
    """Have the real sops encrypt to a new identity, which the pod has."""
    directory = folder / "sops"
    directory.mkdir()
    sops = Oracle(directory, x25519())
    loading.objects["configMap"]["app"] = {"a": sops.encrypt(plain, form, *options).decode()}
    loading.objects["secret"]["sops-age"] = {"age.agekey": sops.identity.secret}
    return {"file.secret": f"sops:configmap/app/a?type={form}", **AGE}
