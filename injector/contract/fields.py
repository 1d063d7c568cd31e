"""
The table of fields that configure stores, by family of providers.

Each field is spelled once, here. The annotation `syrette.dev/<family>.<field>`, the key of a named
store, the operator's `defaults` and the plan are all generated from these rows.
"""

from __future__ import annotations

from typing import Final

from injector.contract.cloud_fields import AZURE, GCP, SOPS
from injector.contract.field import (
    DNS_LABEL,
    EXTERNAL_ID,
    EXTERNAL_ID_WORDS,
    ROLE_ARN,
    ROLE_WORDS,
    VAULT_NAMESPACE_WORDS,
    VAULT_PATH,
    Kind,
    StoreField,
)

__all__ = [
    "DNS_LABEL",
    "ENDPOINTS",
    "EXTERNAL_ID",
    "EXTERNAL_ID_WORDS",
    "FAMILIES",
    "FIELDS",
    "ROLE_ARN",
    "ROLE_WORDS",
    "VAULT_PATH",
    "Kind",
    "StoreField",
    "fields_of",
]


FAMILIES: Final = ("aws", "vault", "gcp", "azure", "sops")
ENDPOINTS: Final = {
    "aws": ("sts", "secretsmanager", "ssm", "kms", "pod-identity"),
    "gcp": ("sts", "iamcredentials", "oauth2", "secretmanager", "cloudkms", "metadata"),
}
"""Services whose addresses may be set, by family."""

_REGION = StoreField(
    "region",
    ("aws",),
    "Region of the secrets and of the regional STS.",
    pattern=DNS_LABEL,
    expected="a region such as eu-west-1",
    inherited=True,
)

FIELDS: Final[tuple[StoreField, ...]] = (
    _REGION,
    StoreField(
        "auth",
        ("aws",),
        "How the pod logs in to AWS. `auto`: a known role ARN means web identity, none means Pod "
        "Identity; `ambient` is the SDK's own chain and needs the policy's leave.",
        choices=("auto", "web-identity", "pod-identity", "ambient"),
        inherited=True,
    ),
    StoreField(
        "role-arn",
        ("aws",),
        "Role of the web identity login; else the service account's `eks.amazonaws.com/role-arn`.",
        pattern=ROLE_ARN,
        expected=ROLE_WORDS,
        inherited=True,
    ),
    StoreField(
        "assume-role",
        ("aws",),
        "Chain of roles to assume after the login, in order.",
        kind=Kind.HOPS,
    ),
    StoreField(
        "external-id",
        ("aws",),
        "External id of the last AssumeRole.",
        pattern=EXTERNAL_ID,
        expected=EXTERNAL_ID_WORDS,
    ),
    StoreField(
        "session-tags",
        ("aws",),
        "Session tags of the last AssumeRole, beside `kubernetes-namespace`, "
        "`kubernetes-service-account` and `kubernetes-pod-name`.",
        kind=Kind.PAIRS,
    ),
    StoreField(
        "transitive-tags",
        ("aws",),
        "Keys of session tags that later hops inherit.",
        kind=Kind.NAMES,
        annotated=False,
    ),
    StoreField(
        "session-policy",
        ("aws",),
        "Session policy (JSON) that narrows the last role's permissions.",
        annotated=False,
    ),
    StoreField(
        "session-name",
        ("aws",),
        "Role session name in CloudTrail; default `syrette-<namespace>-<service account>`.",
        pattern=r"[\w+=,.@-]{2,64}",
        expected="2 to 64 of letters, digits and +=,.@-_",
        inherited=True,
    ),
    StoreField(
        "duration",
        ("aws",),
        "Life of the assumed session in seconds, 900 to 43200; at most 3600 in a chain.",
        pattern=r"[0-9]{3,5}",
        expected="seconds, 900 to 43200",
        annotated=False,
    ),
    StoreField(
        "failover-region",
        ("aws",),
        "Asked only when the primary region fails with 5xx, time-out or throttling.",
        pattern=DNS_LABEL,
        expected="a region such as eu-central-1",
        inherited=True,
    ),
    StoreField(
        "batch",
        ("aws",),
        "Whether BatchGetSecretValue is tried for two or more secrets.",
        choices=("auto", "never"),
        annotated=False,
    ),
    StoreField(
        "audience",
        ("aws",),
        "Audience of the projected token; default `sts.amazonaws.com`.",
        annotated=False,
        inherited=True,
    ),
    StoreField(
        "endpoints",
        ("aws",),
        "Endpoints by service (`sts`, `secretsmanager`, `ssm`, `kms`, `pod-identity`).",
        kind=Kind.PAIRS,
        endpoint=True,
        annotated=False,
    ),
    StoreField("path-prefix", FAMILIES, "Put in front of every path of the store."),
    StoreField(
        "ca-bundle",
        ("aws", "vault", "gcp", "azure"),
        "PEM certificates to trust instead of the image's.",
        endpoint=True,
        annotated=False,
    ),
    StoreField(
        "address",
        ("vault",),
        "Address of Vault or OpenBao.",
        pattern=r"https?://[^\s/?#@]+(/[^\s?#]*)?",
        expected="an address such as https://vault.acme.io:8200",
        endpoint=True,
        inherited=True,
    ),
    StoreField(
        "namespace",
        ("vault",),
        "Vault namespace of the reads and, by default, the login.",
        pattern=VAULT_PATH,
        expected=VAULT_NAMESPACE_WORDS,
        inherited=True,
    ),
    StoreField(
        "auth-namespace",
        ("vault",),
        "Vault namespace of the login.",
        pattern=VAULT_PATH,
        expected=VAULT_NAMESPACE_WORDS,
        inherited=True,
    ),
    StoreField(
        "auth",
        ("vault",),
        "Login method of Vault; default `kubernetes`.",
        choices=("kubernetes", "jwt", "aws"),
        inherited=True,
    ),
    StoreField(
        "auth-mount",
        ("vault",),
        "Mount path of the login method; default the method's name.",
        pattern=rf"(?!auth/){VAULT_PATH}",
        expected="a mount path such as kubernetes-eu: without `auth/`, no slash at its ends",
        inherited=True,
    ),
    StoreField(
        "role",
        ("vault",),
        "Vault role of the login; required.",
        # What Vault takes for a role's name (sdk/framework, GenericNameWithAtRegex).
        pattern=r"\w([\w.@-]{0,254}\w)?",
        expected="a role's name: letters, digits and `_.@-`",
        inherited=True,
    ),
    StoreField(
        "audience",
        ("vault",),
        "Audience of the projected token; must equal the role's. Default `vault`; the method `aws` "
        "has none.",
        inherited=True,
    ),
    StoreField(
        "aws-server-id",
        ("vault",),
        "Value of the signed X-Vault-AWS-IAM-Server-ID.",
        pattern=r"[!-~]{1,256}",
        expected="the value of a header: no spaces",
        inherited=True,
    ),
    StoreField(
        "aws-sts",
        ("vault",),
        "Which STS Vault asks who signed: `regional` (default), of the signing store's region, or "
        "`global`.",
        choices=("regional", "global"),
        inherited=True,
    ),
    StoreField(
        "aws-store",
        ("vault",),
        "Name of the AWS store whose identity signs the login; default the built-in one, which the "
        "`aws.*` options configure.",
        pattern=DNS_LABEL,
        expected="the name of a store",
        inherited=True,
    ),
    StoreField(
        "kv",
        ("vault",),
        "Version of the KV engines, where Vault does not tell it.",
        choices=("1", "2"),
        inherited=True,
    ),
    StoreField(
        "timeout",
        ("vault",),
        "Time of one request in seconds, 1 to 60.",
        pattern=r"[1-9]|[1-5][0-9]|60",
        expected="seconds, 1 to 60",
        inherited=True,
    ),
    *GCP,
    *AZURE,
    *SOPS,
)


def fields_of(family: str) -> dict[str, StoreField]:
    """The fields that configure a store of `family`, by name."""
    return {row.name: row for row in FIELDS if family in row.families}
