"""Whole pods: a document is mounted by the kubelet, decrypted by our containers, and followed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.injector.supervisor.process import eventually
from tests.pod.tier import REFRESH, pod

if TYPE_CHECKING:
    from tests.injector.sops.oracle import Oracle
    from tests.pod.tier import Tier

PLAIN = b"# who may\ndb:\n    user: shop\n    password: s3cret\nport: 5432\n"
AGE = {"sops.age-key-secret": "sops-age"}
DOCUMENT = "sops:configmap/app/secrets.yaml"


def _objects(
    sops: Oracle, data: bytes, name: str = "secrets.yaml", form: str = "yaml"
) -> dict[str, Any]:
    return {
        "secrets": {"sops-age": {"age.agekey": sops.identity.secret}},
        "config_maps": {"app": {name: sops.encrypt(data, form).decode()}},
    }


def test_a_whole_document_is_what_sops_decrypts_and_keys_are_asked_of_it(
    tier: Tier, sops: Oracle
) -> None:
    """To a file of its own format byte for byte, else as the file's name says."""
    asked = {
        "file.whole.yaml": DOCUMENT,
        "file.plain": DOCUMENT,
        "file.whole.json": DOCUMENT,
        "file.pw": f"{DOCUMENT}#db.password",
        "env.PORT": f"{DOCUMENT}#port",
        "dir.db": f"{DOCUMENT}#db",
    }
    runner = tier.start(pod({**asked, **AGE}), **_objects(sops, PLAIN))
    files = runner.directory("app", "/secrets")
    encrypted = sops.encrypt(PLAIN, "yaml")

    assert (files / "whole.yaml").read_bytes() == sops.decrypt(encrypted, "yaml") == PLAIN
    assert (files / "plain").read_bytes() == PLAIN
    assert json.loads((files / "whole.json").read_text())["port"] == 5432
    assert (files / "pw").read_text() == "s3cret"
    assert sorted(path.name for path in (files / "db").iterdir()) == ["password", "user"]


@pytest.mark.parametrize(
    ("form", "name", "plain"),
    [
        ("json", "a.json", b'{\n\t"b": [1.50, null],\n\t"a": "\\u00e9"\n}\n'),
        ("dotenv", "a.env", b"#c\nB=1 2\nA=x\n"),
        ("ini", "a.ini", b"[one]\nb = 1\na = x\n"),
        ("binary", "a.key", bytes(range(1, 128))),
    ],
)
def test_every_format_is_written_as_sops_writes_it(
    tier: Tier, sops: Oracle, form: str, name: str, plain: bytes
) -> None:
    """What a document's name says of its format counts, as for sops."""
    objects = _objects(sops, plain, name, form)
    runner = tier.start(pod({f"file.{name}": f"sops:configmap/app/{name}", **AGE}), **objects)
    written = (runner.directory("app", "/secrets") / name).read_bytes()

    assert written == sops.decrypt(objects["config_maps"]["app"][name].encode(), form)


def test_a_document_that_changes_is_followed(tier: Tier, sops: Oracle) -> None:
    """The kubelet switches the file; one that is broken meanwhile changes nothing."""
    objects = _objects(sops, PLAIN)
    asked = {"file.pw": f"{DOCUMENT}#db.password", **AGE, **REFRESH}
    runner = tier.start(pod(asked), **objects)
    file = runner.directory("app", "/secrets") / "pw"
    log = runner.containers["syrette-sidecar"].log
    held = objects["config_maps"]["app"]
    held["secrets.yaml"] = held["secrets.yaml"].replace(
        "password: ENC[AES256_GCM,data:", "password: ENC[AES256_GCM,data:AAAA"
    )
    runner.rotate_tokens()
    eventually(lambda: "integrity-failed" in log() or "invalid-document" in log())
    assert file.read_text() == "s3cret"
    held["secrets.yaml"] = sops.encrypt(PLAIN.replace(b"s3cret", b"fresh"), "yaml").decode()
    runner.rotate_tokens()

    eventually(lambda: file.read_text() == "fresh")


def test_a_missing_config_map_is_told_by_name_with_kustomizes_hashes(
    tier: Tier, sops: Oracle
) -> None:
    """The pod starts, so that init can say it."""
    objects = {**_objects(sops, PLAIN), "config_maps": {}}
    failure = str(tier.failure(tier.runner(pod({"file.pw": DOCUMENT, **AGE}), **objects)))

    assert "the ConfigMap `app` has no key `secrets.yaml`, or is not there" in failure
    assert "sops:volume/<volume>/secrets.yaml" in failure


def test_a_missing_identity_is_told_by_name(tier: Tier, sops: Oracle) -> None:
    """The Secret, its key and the namespace."""
    objects = {**_objects(sops, PLAIN), "secrets": {}}
    asked = {"file.pw": DOCUMENT, **AGE, "init-timeout": "5s"}
    failure = str(tier.failure(tier.runner(pod(asked), **objects)))

    assert "the key age.agekey of the Secret sops-age in the namespace shop is missing" in failure


def test_a_document_of_the_pods_own_volume_is_read_in_our_containers(
    tier: Tier, sops: Oracle
) -> None:
    """As for a ConfigMap whose name Kustomize has hashed; the mount is read-only."""
    objects = _objects(sops, PLAIN)
    objects["config_maps"] = {"app-7f5c9": objects["config_maps"]["app"]}
    volume = {"name": "config", "configMap": {"name": "app-7f5c9"}}
    document = pod(
        {"file.pw": "sops:volume/config/secrets.yaml#db.password", **AGE}, volumes=[volume]
    )
    runner = tier.start(document, **objects)
    ours = [
        it
        for it in tier.patched(document)["spec"]["initContainers"]
        if it["name"] == "syrette-init"
    ]

    assert (runner.directory("app", "/secrets") / "pw").read_text() == "s3cret"
    assert {
        "name": "config",
        "mountPath": "/run/syrette/volumes/config",
        "readOnly": True,
    } in ours[0]["volumeMounts"]
