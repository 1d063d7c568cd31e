"""What to change when Google says no: one sentence for each case that people run into."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from injector.identity.interface import SessionKey

AGAIN: Final = "it is tried again; if it stays, look at Google's status page and the audit log"
QUOTA: Final = "raise the quota of the project, or read less often (`refresh`)"
SCOPE: Final = (
    "give the node pool or the credentials the scope https://www.googleapis.com/auth/cloud-platform"
)
AUDIENCE: Final = (
    "leave `audience` of the store out, or add the pod's to `--allowed-audiences` of the provider"
)
POOL: Final = (
    "check `gcp.workload-identity-provider` (with the project's number) or `gcp.gke-cluster`, and "
    "that the pool and the provider are enabled"
)
CLOCK: Final = (
    "compare the clock of the node with the time; the kubelet projects a new token well before the "
    "end of the old one"
)
ISSUER: Final = (
    "compare the provider's issuer URI and keys with the cluster's (`kubectl get --raw "
    "/.well-known/openid-configuration`)"
)
KEYS: Final = (
    "make the cluster's issuer reachable from the internet, or upload its keys to the provider "
    "(`--jwk-json-path`)"
)
KEY: Final = "make a new key or new credentials, or use workload identity federation in their place"
METADATA: Final = (
    "give the node a service account or enable Workload Identity on the node pool, or set "
    "`gcp.workload-identity-provider`, which needs no metadata server"
)
ABSENT: Final = "check the path and the options `region` and `version` of the reference"
STATES: Final = {
    "disabled": "enable the version, or refer to another one",
    "destroyed": "refer to another version: what was destroyed does not come back",
}
NO_KEY: Final = "check the project, the location, the key ring and the key in the document"
KEY_STATES: Final = {
    "disabled": "enable the version (`gcloud kms keys versions enable`)",
    "destroy": "restore the version while that is possible (`gcloud kms keys versions restore`), "
    "or encrypt the document anew with another key",
}
_USER: Final = "roles/iam.workloadIdentityUser"
_CREATOR: Final = "roles/iam.serviceAccountTokenCreator"
_FEDERATED: Final = re.compile(r"principal://iam\.googleapis\.com/\S+/subject/\S+")


def enable(service: str, project: str) -> str:
    """Say how an API is enabled."""
    flag = f" --project={project}" if project else ""
    return f"gcloud services enable {service}{flag}" if "." in service else "enable the API"


def condition(key: SessionKey) -> str:
    """Say what an attribute condition is compared with."""
    subject = f"system:serviceaccount:{key.input('namespace')}:{key.input('service-account')}"
    return f"the condition must allow the subject {subject}"


def impersonation(account: str, delegates: Sequence[str], principal: str) -> str:
    """Say which binding lets a principal make tokens of an account."""
    if not delegates:
        federated = _FEDERATED.fullmatch(principal) or ".svc.id.goog[" in principal
        return bind(account, _USER if federated else _CREATOR, member(principal))
    # A federated principal, too: the user's role does not let it pass through a delegate.
    said = [bind(delegates[0], _CREATOR, member(principal))]
    said += [
        bind(target, _CREATOR, member(by))
        for by, target in zip(delegates, (*delegates[1:], account), strict=True)
    ]
    return f"each link of the chain needs its binding: {'; '.join(said)}"


def bind(account: str, role: str, who: str) -> str:
    """Write the command that binds a role on a service account."""
    return (
        f"gcloud iam service-accounts add-iam-policy-binding {account} --role={role} "
        f'--member="{who}"'
    )


def accessor(name: str, principal: str) -> str:
    """Write the command that lets a principal read a secret."""
    parts = name.split("/")
    project, secret = parts[1], parts[-1]
    place = f" --location={parts[3]}" if parts[2] == "locations" else ""
    return (
        f"gcloud secrets add-iam-policy-binding {secret} --project={project}{place} "
        f'--role=roles/secretmanager.secretAccessor --member="{member(principal)}"'
    )


def decrypter(name: str, principal: str) -> str:
    """Write the command that lets a principal decrypt with a key."""
    _, project, _, location, _, ring, _, key = name.split("/")
    return (
        f"gcloud kms keys add-iam-policy-binding {key} --keyring={ring} --location={location} "
        f"--project={project} --role=roles/cloudkms.cryptoKeyDecrypter "
        f'--member="{member(principal)}"'
    )


def member(principal: str) -> str:
    """Write a principal as a member of a policy."""
    if not principal:
        return "<the pod's principal>"
    return f"serviceAccount:{principal}" if "@" in principal and ":" not in principal else principal
