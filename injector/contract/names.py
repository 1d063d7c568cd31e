"""
Names that both programs write or look for, spelled once.

Volumes, containers and paths of ours are reserved: a pod that has one which we would not have
written is denied.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

DOMAIN: Final = "syrette.dev"
INJECTED: Final = f"{DOMAIN}/injected"

INIT_CONTAINER: Final = "syrette-init"
SIDECAR_CONTAINER: Final = "syrette-sidecar"

SECRETS_VOLUME: Final = "syrette-secrets"
"""First volume of files; the second distinct set is `syrette-secrets-2`, and so on."""
ENV_VOLUME: Final = "syrette-env"
"""EnvFiles, read by the kubelet only: no application container mounts it."""
SESSION_VOLUME: Final = "syrette-session"
IDENTITY_VOLUME: Final = "syrette-identity"
DOCUMENTS_VOLUME: Final = "syrette-documents"
"""Secrets that a login needs and ConfigMaps with documents, mounted in our own containers only."""
RESERVED_PREFIX: Final = "syrette-"
"""Every container and volume name that starts so is ours."""

RUN_DIRECTORY: Final = "/run/syrette"
SESSION_DIRECTORY: Final = f"{RUN_DIRECTORY}/session"
DOCUMENTS_DIRECTORY: Final = f"{RUN_DIRECTORY}/documents"
"""Where objects of the pod's namespace that a login needs are mounted in our own containers."""
TOKEN_DIRECTORY: Final = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path, no credential
"""
Where our projected tokens are mounted in our containers: the ServiceAccount admission plugin adds
no API-server token to a container that already mounts something there.
"""
TERMINATION_MESSAGE_PATH: Final = "/dev/termination-log"
PAYLOAD_LINK: Final = "..data"
"""The symlink whose rename is the publication, as in the kubelet's own volumes."""

# Environment variables of our containers, all written by the webhook.
PLAN_VARIABLE: Final = "SYRETTE_PLAN"
POD_NAME_VARIABLE: Final = "SYRETTE_POD_NAME"
POD_UID_VARIABLE: Final = "SYRETTE_POD_UID"
NAMESPACE_VARIABLE: Final = "SYRETTE_NAMESPACE"
SERVICE_ACCOUNT_VARIABLE: Final = "SYRETTE_SERVICE_ACCOUNT"
ROOT_VARIABLE: Final = "SYRETTE_ROOT"
"""
A directory in front of every path that the injector uses; empty in a pod. The pod runner and
`syrette fetch` give it, the webhook never does.
"""

RESTART_EXIT_CODE: Final = 97
"""
With this code the sidecar asks the kubelet to restart all containers of the pod
(`restartPolicyRules`, action RestartAllContainers, Kubernetes 1.36).
"""

IMAGE_PYTHON: Final = "/syrette/bin/python3"
"""The interpreter of the image; it runs everything of ours without a shell."""
IMAGE_SUPERVISOR: Final = "/syrette/injector/supervisor.py"
INIT_COMMAND: Final = (IMAGE_PYTHON, "-I", "-m", "injector", "init")
SIDECAR_COMMAND: Final = (IMAGE_PYTHON, "-I", "-S", IMAGE_SUPERVISOR)
"""By absolute path and without site-packages: what is not imported takes no memory."""
METRICS_PORT: Final = "syrette-metrics"
"""Name of the sidecar's container port; Kubernetes allows 15 characters."""
READY_PATH: Final = "/healthz"
"""What a readiness probe asks of the sidecar where `max-stale-action` is `unready`."""

_FILE_SAFE = re.compile(r"[^A-Za-z0-9._-]")


def volume_directory(volume: str) -> str:
    """Where a volume of ours is mounted in our own containers."""
    return f"{RUN_DIRECTORY}/{volume}"


def env_file(container: str) -> str:
    """Path of a container's EnvFile within `ENV_VOLUME`."""
    return f"env/{container}.env"


def secret_path(name_and_key: str) -> str:
    """Where a key of a Kubernetes Secret (`<name>/<key>`) lies within `DOCUMENTS_VOLUME`."""
    return f"secret/{name_and_key}"


def secret_file(name_and_key: str) -> str:
    """Path of the same in our own containers."""
    return f"{DOCUMENTS_DIRECTORY}/{secret_path(name_and_key)}"


def config_map_path(name: str, key: str) -> str:
    """Where a key of a ConfigMap lies within `DOCUMENTS_VOLUME`."""
    return f"configmap/{name}/{key}"


def pod_volume_directory(volume: str) -> str:
    """Where a volume of the pod's own is mounted in our own containers, to read documents."""
    return f"{RUN_DIRECTORY}/volumes/{volume}"


def token_file(audience: str) -> str:
    """
    File name of the projected token for `audience`, within `TOKEN_DIRECTORY`.

    An audience that is no plain file name gets a digest, so that two never share a file.
    """
    plain = _FILE_SAFE.sub("_", audience)
    if plain == audience and audience not in {"", ".", ".."} and not audience.startswith(".."):
        return audience
    digest = hashlib.sha256(audience.encode()).hexdigest()[:8]
    return f"{plain.lstrip('.')[:64]}-{digest}"
