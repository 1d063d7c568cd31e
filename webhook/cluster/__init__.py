"""
Facts of the cluster that a decision needs, behind one interface.

`FileCluster` reads them from a document, for tests and for trying things out; `NoCluster` knows
one Kubernetes version and nothing else.
"""

from webhook.cluster.file import FileCluster
from webhook.cluster.interface import Cluster
from webhook.cluster.none import NoCluster

__all__ = ["Cluster", "FileCluster", "NoCluster"]
