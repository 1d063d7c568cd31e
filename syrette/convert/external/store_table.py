"""
Every field of the four providers of a SecretStore, and what becomes of it.

Read from external-secrets/external-secrets: apis/externalsecrets/v1/secretstore_aws_types.go,
secretstore_vault_types.go, secretstore_gcpsm_types.go and secretstore_azurekv_types.go (with their
applyconfiguration), and docs/provider. docs/convert.md is generated from these rows.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from syrette.convert.findings import Fate
from syrette.convert.table import Row

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACCOUNT: Final = "the pod's own service account, if it is this one"
_KEYS: Final = "no keys are kept in the cluster: the pod logs in as its service account"
_TRUST: Final = (
    "whom to trust is the operator's: `ca-bundle` of the operator's configuration or of a store"
)
_PUSH: Final = "it is about pushing secrets"
_LOGIN: Final = "no login of ours: make a role for `kubernetes`, `jwt` or `aws` in Vault"
_NODE: Final = "federate the managed identity or application with the pod's service account"
_TAGS: Final = (
    "sessions have tags of their own, `kubernetes-namespace` and others: write conditions with them"
)
_ENDPOINTS: Final = "only the three public clouds are known: `azure.cloud`"

_AWS: Final = (
    Row("service", Fate.BECOMES, "`aws-secretsmanager:` or `aws-ssm:`"),
    Row("region", Fate.BECOMES, "`aws.region`"),
    Row("role", Fate.BECOMES, "the last of `aws.assume-role`"),
    Row("additionalRoles", Fate.BECOMES, "`aws.assume-role`, before it"),
    Row("externalID", Fate.BECOMES, "`aws.external-id`"),
    Row("sessionTags", Fate.BECOMES, "`aws.session-tags`"),
    Row("transitiveTagKeys", Fate.BECOMES, "`transitive-tags` of a named store"),
    Row("sessionTagsPolicy", Fate.NONE, _TAGS, harmless=("None",)),
    Row("customSessionTags", Fate.NONE, _TAGS),
    Row("prefix", Fate.BECOMES, "`aws.path-prefix`"),
    Row("secretsManager", Fate.UNNEEDED, _PUSH),
    Row("auth.jwt.serviceAccountRef", Fate.BECOMES, _ACCOUNT),
    Row("auth.secretRef", Fate.NONE, _KEYS),
)
_VAULT: Final = (
    Row("server", Fate.BECOMES, "`vault.address`, if `allowed-addresses` has it"),
    Row("path", Fate.BECOMES, "the beginning of the references' paths"),
    Row("version", Fate.UNNEEDED, "Vault tells it"),
    Row("namespace", Fate.BECOMES, "`vault.namespace`"),
    Row("caBundle", Fate.NONE, _TRUST),
    Row("caProvider", Fate.NONE, _TRUST),
    Row("tls", Fate.NONE, "there are no client certificates: the login is the identity"),
    Row("readYourWrites", Fate.UNNEEDED, "a read that comes too early is retried"),
    Row("forwardInconsistent", Fate.UNNEEDED, "a read that comes too early is retried"),
    Row("headers", Fate.NONE, "requests have no headers of others"),
    Row("checkAndSet", Fate.UNNEEDED, _PUSH),
    Row("auth.namespace", Fate.BECOMES, "`vault.auth-namespace`"),
    Row("auth.kubernetes.mountPath", Fate.BECOMES, "`vault.auth-mount`"),
    Row("auth.kubernetes.role", Fate.BECOMES, "`vault.role`"),
    Row("auth.kubernetes.serviceAccountRef", Fate.BECOMES, f"{_ACCOUNT}; `vault.audience`"),
    Row("auth.kubernetes.secretRef", Fate.NONE, _KEYS),
    Row("auth.jwt.path", Fate.BECOMES, "`vault.auth-mount`"),
    Row("auth.jwt.role", Fate.BECOMES, "`vault.role`"),
    Row(
        "auth.jwt.kubernetesServiceAccountToken.serviceAccountRef",
        Fate.BECOMES,
        f"{_ACCOUNT}; `vault.audience`",
    ),
    Row("auth.jwt.kubernetesServiceAccountToken.audiences", Fate.BECOMES, "`vault.audience`"),
    Row(
        "auth.jwt.kubernetesServiceAccountToken.expirationSeconds",
        Fate.UNNEEDED,
        "`token-expiration` has a life that lasts",
    ),
    Row("auth.jwt.secretRef", Fate.NONE, _KEYS),
    Row("auth.iam.path", Fate.BECOMES, "`vault.auth-mount`"),
    Row("auth.iam.vaultRole", Fate.BECOMES, "`vault.role`"),
    Row("auth.iam.vaultAwsIamServerID", Fate.BECOMES, "`vault.aws-server-id`"),
    Row("auth.iam.region", Fate.NONE, "`aws.region` is that of the login, too: give it"),
    Row(
        "auth.iam.role",
        Fate.NONE,
        "`vault.aws-store` names a store whose `assume-role` has it: add one to `stores`",
    ),
    Row("auth.iam.externalID", Fate.NONE, "as of `role`: `external-id` of that store"),
    Row("auth.iam.jwt.serviceAccountRef", Fate.BECOMES, _ACCOUNT),
    Row("auth.iam.secretRef", Fate.NONE, _KEYS),
    Row("auth.appRole", Fate.NONE, _LOGIN),
    Row("auth.tokenSecretRef", Fate.NONE, _LOGIN),
    Row("auth.ldap", Fate.NONE, _LOGIN),
    Row("auth.userPass", Fate.NONE, _LOGIN),
    Row("auth.cert", Fate.NONE, _LOGIN),
    Row("auth.gcp", Fate.NONE, _LOGIN),
)
_FEDERATION: Final = "auth.workloadIdentityFederation"
_GCP: Final = (
    Row("projectID", Fate.BECOMES, "`projects/…` of the references' paths"),
    Row("location", Fate.BECOMES, "`locations/…` of the references' paths"),
    Row(
        "secretVersionSelectionPolicy",
        Fate.NONE,
        "a version that is disabled is an error",
        harmless=("LatestOrFail",),
    ),
    Row("getLatestEnabledSecret", Fate.NONE, "a version that is disabled is an error", asks=True),
    Row("auth.workloadIdentity.serviceAccountRef", Fate.BECOMES, _ACCOUNT),
    Row("auth.workloadIdentity.clusterProjectID", Fate.BECOMES, "`gcp.gke-cluster`, of all three"),
    Row("auth.workloadIdentity.clusterLocation", Fate.BECOMES, "`gcp.gke-cluster`, of all three"),
    Row("auth.workloadIdentity.clusterName", Fate.BECOMES, "`gcp.gke-cluster`, of all three"),
    Row(f"{_FEDERATION}.audience", Fate.BECOMES, "`gcp.workload-identity-provider`"),
    Row(f"{_FEDERATION}.serviceAccountRef", Fate.BECOMES, _ACCOUNT),
    Row(f"{_FEDERATION}.gcpServiceAccountEmail", Fate.BECOMES, "`gcp.service-account`"),
    Row(
        f"{_FEDERATION}.credConfig",
        Fate.NONE,
        "what is in the ConfigMap is not read here: give `gcp.workload-identity-provider`",
    ),
    Row(f"{_FEDERATION}.awsSecurityCredentials", Fate.NONE, _KEYS),
    Row(f"{_FEDERATION}.externalTokenEndpoint", Fate.NONE, "the token is the pod's own"),
    Row(
        "auth.secretRef.secretAccessKeySecretRef",
        Fate.BECOMES,
        "`gcp.credentials-secret`, a Secret of the pod's namespace",
    ),
)
_AZURE: Final = (
    Row("vaultUrl", Fate.BECOMES, "the vault's name, the first part of the references' paths"),
    Row("tenantId", Fate.BECOMES, "`azure.tenant-id`"),
    Row("environmentType", Fate.BECOMES, "`azure.cloud`"),
    Row("authType", Fate.NONE, _NODE, harmless=("WorkloadIdentity",)),
    Row("serviceAccountRef", Fate.BECOMES, _ACCOUNT),
    Row("authSecretRef", Fate.NONE, f"no client secret is used: {_NODE}"),
    Row("identityId", Fate.NONE, _NODE),
    Row("useAzureSDK", Fate.UNNEEDED, "ours has its own client"),
    Row("customCloudConfig", Fate.NONE, _ENDPOINTS),
)
PROVIDERS: Final[Mapping[str, Mapping[str, Row]]] = MappingProxyType(
    {
        provider: {row.key: row for row in rows}
        for provider, rows in (
            ("aws", _AWS),
            ("vault", _VAULT),
            ("gcpsm", _GCP),
            ("azurekv", _AZURE),
        )
    }
)
"""Of `spec.provider.<name>`, by that name."""
