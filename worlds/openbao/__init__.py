"""The real OpenBao as a process on loopback TLS; see `OpenBao`."""

from worlds.openbao.api import Api, ApiError
from worlds.openbao.audit import AuditEntry, AuditLog
from worlds.openbao.namespace import Namespace
from worlds.openbao.server import OpenBao

__all__ = [
    "Api",
    "ApiError",
    "AuditEntry",
    "AuditLog",
    "Namespace",
    "OpenBao",
]
