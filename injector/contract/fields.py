"""
The table of fields that configure stores, by family of providers.

Each field is spelled once, here. The annotation `syrette.dev/<family>.<field>`, the key of a named
store, the operator's `defaults` and the plan are all generated from these rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The shape of a field's value."""

    TEXT = "text"
    NAMES = "names"
    """A list, or a comma list in an annotation."""
    PAIRS = "pairs"
    """A mapping, or `key=value,…` in an annotation."""
    HOPS = "hops"
    """A chain of roles: a comma list of ARNs, or a list of ARNs and mappings."""


@dataclass(frozen=True, slots=True)
class StoreField:
    """One row of the store-field table."""

    name: str
    families: tuple[str, ...]
    doc: str
    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    pattern: str = ""
    """The whole value must match; what becomes part of a host name has a DNS-label pattern."""
    expected: str = ""
    """What the pattern wants, in words."""
    endpoint: bool = False
    """Endpoints and trust are the operator's: others may give only what `allowed-addresses` has."""
    annotated: bool = True
    """Whether `syrette.dev/<family>.<name>` exists; otherwise only named stores have it."""
    inherited: bool = False
    """Whether a named store that does not give it takes the family's: where, and who the pod is."""


FAMILIES: Final = ("aws", "vault", "gcp", "azure", "sops")
ENDPOINTS: Final = {
    "aws": ("sts", "secretsmanager", "ssm", "pod-identity"),
    "gcp": ("sts", "iamcredentials", "oauth2", "secretmanager", "cloudkms", "metadata"),
}
"""Services whose addresses may be set, by family."""

DNS_LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
ROLE_ARN: Final = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}"
ROLE_WORDS: Final = "a role ARN such as arn:aws:iam::111122223333:role/web"
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
EXTERNAL_ID: Final = r"[\w+=,.@:/-]{2,1224}"
EXTERNAL_ID_WORDS: Final = "2 to 1224 of letters, digits and +=,.@:/-_"
# Namespaces and mounts of Vault have one spelling here, so that a policy's pattern cannot be
# escaped by another: no slash at the ends, no empty, `.` or `..` segment, and nothing to escape.
_VAULT_SEGMENT: Final = r"(?!\.{1,2}(/|$))[A-Za-z0-9_.@~+=:,-]+"
VAULT_PATH: Final = rf"{_VAULT_SEGMENT}(/{_VAULT_SEGMENT})*"
_VAULT_NAMESPACE_WORDS: Final = "a namespace such as acme/shop: no slash at its ends"
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and, of ConfigMaps and
# Secrets, `IsConfigMapKey` of apimachinery.
OBJECT_NAME: Final = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
DATA_KEY: Final = r"(?!\.{1,2}$)(?!\.\.)[-._A-Za-z0-9]{1,253}"
SECRET_KEY: Final = rf"{OBJECT_NAME}/{DATA_KEY}"
_SECRET_KEY_WORDS: Final = "a Secret's name and key such as google/key.json"  # noqa: S105 - words, no credential
WORKLOAD_IDENTITY_PROVIDER: Final = (
    r"projects/[0-9]{1,20}/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}"
    r"/providers/[a-z0-9-]{4,32}"
)
GKE_CLUSTER: Final = (
    r"projects/[a-z][-a-z0-9]{4,28}[a-z0-9]/locations/[a-z0-9-]{2,32}/clusters/[a-z0-9-]{1,40}"
)
GOOGLE_ACCOUNT: Final = r"[A-Za-z0-9.-]{1,64}@[a-z0-9.-]{1,190}"
_GOOGLE_ACCOUNT_WORDS: Final = "an e-mail address of a service account"
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
        "Endpoints by service (`sts`, `secretsmanager`, `ssm`, `pod-identity`).",
        kind=Kind.PAIRS,
        endpoint=True,
        annotated=False,
    ),
    StoreField(
        "path-prefix", ("aws", "vault", "gcp", "azure"), "Put in front of every path of the store."
    ),
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
        expected=_VAULT_NAMESPACE_WORDS,
        inherited=True,
    ),
    StoreField(
        "auth-namespace",
        ("vault",),
        "Vault namespace of the login.",
        pattern=VAULT_PATH,
        expected=_VAULT_NAMESPACE_WORDS,
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
    StoreField(
        "auth",
        ("gcp",),
        "Where the pod's Google token comes from. `auto` takes the first of these that something "
        "is given for: an access token, federation, the binding of a GKE cluster, mounted "
        "credentials; and else the metadata server.",
        choices=("auto", "access-token", "federation", "gke", "credentials", "metadata"),
        inherited=True,
    ),
    StoreField(
        "workload-identity-provider",
        ("gcp",),
        "Full name of the workload identity provider whose federation the pod logs in by.",
        pattern=WORKLOAD_IDENTITY_PROVIDER,
        expected="a name such as projects/123456789/locations/global/workloadIdentityPools/acme/"
        "providers/prod",
        inherited=True,
    ),
    StoreField(
        "gke-cluster",
        ("gcp",),
        "GKE cluster whose workload identity binding the pod logs in by.",
        pattern=GKE_CLUSTER,
        expected="a name such as projects/acme/locations/europe-west3/clusters/prod",
        inherited=True,
    ),
    StoreField(
        "service-account",
        ("gcp",),
        "Service account to impersonate; else the Kubernetes service account's "
        "`iam.gke.io/gcp-service-account`.",
        pattern=GOOGLE_ACCOUNT,
        expected=_GOOGLE_ACCOUNT_WORDS,
        inherited=True,
    ),
    StoreField(
        "delegates",
        ("gcp",),
        "Service accounts between the login and `service-account`, in order: each may make tokens "
        "of the next.",
        kind=Kind.NAMES,
        pattern=GOOGLE_ACCOUNT,
        expected=_GOOGLE_ACCOUNT_WORDS,
        inherited=True,
    ),
    StoreField(
        "credentials-secret",
        ("gcp",),
        "Kubernetes Secret of the pod's namespace, `<name>/<key>`, with the JSON of a service "
        "account's key or of a user's credentials.",
        pattern=SECRET_KEY,
        expected=_SECRET_KEY_WORDS,
        inherited=True,
    ),
    StoreField(
        "access-token-secret",
        ("gcp",),
        "Kubernetes Secret of the pod's namespace, `<name>/<key>`, with an access token that "
        "somebody else keeps fresh.",
        pattern=SECRET_KEY,
        expected=_SECRET_KEY_WORDS,
        inherited=True,
    ),
    StoreField(
        "audience",
        ("gcp",),
        "Audience of the projected token; default `https://iam.googleapis.com/` and the "
        "provider's name, which is the one that Google expects.",
        annotated=False,
        inherited=True,
    ),
    StoreField(
        "project",
        ("gcp",),
        "Project of secrets whose path has none.",
        pattern=r"[a-z][-a-z0-9:.]{4,61}[a-z0-9]",
        expected="a project id",
        inherited=True,
    ),
    StoreField(
        "quota-project",
        ("gcp",),
        "Project that is charged and limited for the calls; needs `serviceusage.services.use` "
        "there. Default: the project of the secret.",
        pattern=r"[a-z][-a-z0-9:.]{4,61}[a-z0-9]",
        expected="a project id",
        annotated=False,
    ),
    StoreField(
        "endpoints",
        ("gcp",),
        "Endpoints by service (`sts`, `iamcredentials`, `oauth2`, `secretmanager`, `cloudkms`, "
        "`metadata`).",
        kind=Kind.PAIRS,
        endpoint=True,
        annotated=False,
    ),
    StoreField(
        "tenant-id",
        ("azure",),
        "Tenant of the application or managed identity.",
        pattern=r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
        r"|[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+",
        expected="a tenant's id or its domain",
        inherited=True,
    ),
    StoreField(
        "client-id",
        ("azure",),
        "Client id of the application or managed identity.",
        pattern=r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
        expected="an id such as 00000000-1111-2222-3333-444444444444",
        inherited=True,
    ),
    StoreField(
        "cloud",
        ("azure",),
        "Azure cloud; default `public`.",
        choices=("public", "china", "us-government"),
        inherited=True,
    ),
    StoreField(
        "audience",
        ("azure",),
        "Audience of the projected token; must equal the federated credential's. Default "
        "`api://AzureADTokenExchange`.",
        annotated=False,
        inherited=True,
    ),
    StoreField(
        "age-key-secret",
        ("sops",),
        "Secret of the pod's namespace with the age identity.",
        inherited=True,
    ),
)


def fields_of(family: str) -> dict[str, StoreField]:
    """The fields that configure a store of `family`, by name."""
    return {row.name: row for row in FIELDS if family in row.families}
