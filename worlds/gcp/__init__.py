"""A simulated Google Cloud that refuses what the real one refuses; see `GcpWorld`."""

from worlds.gcp.federation import Cluster, Pool, Provider
from worlds.gcp.iam import Principal
from worlds.gcp.identities import Project, ServiceAccount, User
from worlds.gcp.kms import CryptoKey
from worlds.gcp.metadata import Attached, Pod
from worlds.gcp.misbehaviour import quota_exceeded, unavailable, wrong_checksum
from worlds.gcp.secrets_kept import Secret
from worlds.gcp.world import GcpWorld

__all__ = [
    "Attached",
    "Cluster",
    "CryptoKey",
    "GcpWorld",
    "Pod",
    "Pool",
    "Principal",
    "Project",
    "Provider",
    "Secret",
    "ServiceAccount",
    "User",
    "quota_exceeded",
    "unavailable",
    "wrong_checksum",
]
