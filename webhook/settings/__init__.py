"""
The operator's configuration: one YAML document to frozen settings and policy.

Unknown keys and wrong values are errors, all reported at once; nothing falls back to a default in
silence. `environment` is the only module of the webhook that reads the environment.
"""

from webhook.settings.document import KEYS, load
from webhook.settings.environment import pod_name, read
from webhook.settings.policy import ALLOW
from webhook.settings.shapes import (
    Allow,
    InjectorSettings,
    NamespaceSelector,
    Rule,
    Settings,
)

__all__ = [
    "ALLOW",
    "KEYS",
    "Allow",
    "InjectorSettings",
    "NamespaceSelector",
    "Rule",
    "Settings",
    "load",
    "pod_name",
    "read",
]
