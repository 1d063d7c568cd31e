"""Kubernetes Secrets that a login needs: mounted by the kubelet, in our own containers only."""

from __future__ import annotations

from injector.contract import names
from injector.contract.plan import Plan
from injector.contract.stores import Store
from webhook.mutation import containers, documents


def _google(**settings: str) -> Store:
    given = {name.replace("_", "-"): value for name, value in settings.items()}
    return Store("gcp-secretmanager", "gcp-secretmanager", given)


def test_each_secret_is_one_optional_source_at_the_path_that_the_injector_reads() -> None:
    """A pod whose Secret is missing starts, so that our init container can say which one."""
    stores = (
        _google(credentials_secret="google/key.json"),
        _google(credentials_secret="google/key.json", access_token_secret="google/token"),
    )
    volume = documents.volume(Plan((), stores, ()))

    assert volume is not None
    assert volume["projected"]["sources"] == [
        {
            "secret": {
                "name": "google",
                "items": [{"key": key, "path": f"secret/google/{key}"}],
                "optional": True,
            }
        }
        for key in ("key.json", "token")
    ]
    assert names.secret_file("google/token") == f"{names.DOCUMENTS_DIRECTORY}/secret/google/token"


def test_where_no_login_needs_one_there_is_neither_volume_nor_mount() -> None:
    """And where one does, its mount is read-only."""
    assert documents.volume(Plan((), (_google(project="acme-prod"),), ())) is None
    plain = containers.mounts([])
    (mount,) = [it for it in containers.mounts([], documents=True) if it not in plain]

    assert mount == {
        "name": names.DOCUMENTS_VOLUME,
        "mountPath": names.DOCUMENTS_DIRECTORY,
        "readOnly": True,
    }
