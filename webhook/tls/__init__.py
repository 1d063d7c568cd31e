"""
Where the served certificate comes from: files on disk, or our own authority in a Secret.

`ManagedCertificate` needs the Kubernetes API and is imported by who has one.
"""

from webhook.tls.disk import CertificateFiles
from webhook.tls.interface import CertificateError, CertificateSource

__all__ = ["CertificateError", "CertificateFiles", "CertificateSource"]
