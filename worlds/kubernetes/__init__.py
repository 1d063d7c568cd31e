"""A simulated Kubernetes API server: lists, watches and writes with resourceVersions."""

from worlds.kubernetes.world import KubernetesWorld

__all__ = ["KubernetesWorld"]
