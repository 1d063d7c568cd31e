"""
Every parameter of a SecretProviderClass, by provider, and what becomes of it.

Checked against the providers' own documents:

- AWS: README.md of aws/secrets-store-csi-driver-provider-aws, "SecretProviderClass options", and
  https://docs.aws.amazon.com/secretsmanager/latest/userguide/ascp-examples.html. `objectTemplate`
  is in some versions of provider/secret_descriptor.go and in no document.
- Google: config/config.go, server/resourcefetcher.go, docs/authentication.md and examples/ of
  GoogleCloudPlatform/secrets-store-csi-driver-provider-gcp; labels and `decodeBase64` are in its
  examples and tests only.
- Azure: website/content/en/getting-started/usage and configurations/identity-access-modes of
  Azure/secrets-store-csi-driver-provider-azure, and its pkg/provider/types. `resourceGroup` and
  `subscriptionId` are of its first versions.
- Vault: https://developer.hashicorp.com/vault/docs/platform/k8s/csi/configurations and
  internal/config/config.go of hashicorp/vault-csi-provider. `auth` is in its newest source;
  `vaultCAPem` and `KubernetesServiceAccountPath` are in versions before 1.0.

A parameter that is missing here is reported, never dropped.
docs/convert.md is generated from these rows.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from syrette.convert.findings import Fate
from syrette.convert.table import Row

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE: Final = "the path of the file"
_MODE: Final = "`mode`, without write permissions of others"
_TRUST: Final = (
    "whom to trust is the operator's: `ca-bundle` of the operator's configuration or of a store"
)
_CLIENT: Final = "there are no client certificates: the login is the identity"
_IDENTITY: Final = (
    "the node's identities are never used: federate the managed identity with the pod's service "
    "account and give `azure.client-id`"
)

_AWS: Final = (
    Row("objects", Fate.BECOMES, "secrets: a file for each, see below"),
    Row("region", Fate.BECOMES, "`aws.region`"),
    Row("failoverRegion", Fate.BECOMES, "`aws.failover-region`"),
    Row("pathTranslation", Fate.BECOMES, "the names of the files"),
    Row("usePodIdentity", Fate.BECOMES, "`aws.auth: pod-identity` where it is true"),
    Row("preferredAddressType", Fate.UNNEEDED, "both addresses of the agent are tried"),
)
_AWS_OBJECTS: Final = (
    Row("objectName", Fate.BECOMES, "the path of the reference; an ARN stays one"),
    Row("objectType", Fate.BECOMES, "`aws-secretsmanager:` or `aws-ssm:`"),
    Row("objectAlias", Fate.BECOMES, _FILE),
    Row("objectVersion", Fate.BECOMES, "`?version=`"),
    Row("objectVersionLabel", Fate.BECOMES, "`?stage=`, of a parameter `?label=`"),
    Row("jmesPath", Fate.BECOMES, "a file more for each entry, `#<path>` behind its reference"),
    Row("filePermission", Fate.BECOMES, _MODE),
    Row(
        "failoverObject",
        Fate.NONE,
        "`aws.failover-region` asks for the same name in the other region: replicate the secret",
    ),
    Row("objectTemplate", Fate.NONE, "write it as `template` of an item of `secrets`"),
)
_GCP: Final = (
    Row("secrets", Fate.BECOMES, "secrets: a file for each, see below"),
    Row("auth", Fate.NONE, "the pod's own identity is used, as with `pod-adc`"),
)
_LABELS: Final = "no list is asked for: name each secret of the pod"
_GCP_SECRETS: Final = (
    Row("resourceName", Fate.BECOMES, "`gcp-secretmanager:projects/…/secrets/…?version=…`"),
    Row("path", Fate.BECOMES, _FILE),
    Row("fileName", Fate.BECOMES, _FILE),
    Row("mode", Fate.BECOMES, _MODE),
    Row("extractJSONKey", Fate.BECOMES, "`#<key>` behind the reference"),
    Row("extractYAMLKey", Fate.NONE, "a key is read from JSON only: store the secret as JSON"),
    Row("decodeBase64", Fate.BECOMES, "`decode: base64` where it is true"),
    Row("projectID", Fate.NONE, _LABELS),
    Row("labels", Fate.NONE, _LABELS),
    Row("versions", Fate.NONE, _LABELS),
)
_AZURE: Final = (
    Row("objects", Fate.BECOMES, "secrets: a file for each of its `array`, see below"),
    Row("keyvaultName", Fate.BECOMES, "the first part of the references' paths"),
    Row("tenantId", Fate.BECOMES, "`azure.tenant-id`"),
    Row("tenantID", Fate.BECOMES, "`azure.tenant-id`"),
    Row("clientID", Fate.BECOMES, "`azure.client-id`"),
    Row("cloudName", Fate.BECOMES, "`azure.cloud`"),
    Row("cloudEnvFileName", Fate.NONE, "only the three public clouds are known: `azure.cloud`"),
    Row("usePodIdentity", Fate.NONE, _IDENTITY, asks=True),
    Row("useVMManagedIdentity", Fate.NONE, _IDENTITY, asks=True),
    Row("userAssignedIdentityID", Fate.NONE, _IDENTITY),
    Row(
        "useAzureTokenProxy",
        Fate.NONE,
        "AKS's identity bindings are not used: federate the managed identity with the pod's "
        "service account",
        asks=True,
    ),
    Row("resourceGroup", Fate.UNNEEDED, "the vault's name is enough"),
    Row("subscriptionId", Fate.UNNEEDED, "the vault's name is enough"),
)
_AZURE_OBJECTS: Final = (
    Row("objectName", Fate.BECOMES, "`azure-keyvault:<vault>/secrets/<name>`"),
    Row(
        "objectType",
        Fate.BECOMES,
        "`cert`: `/certificates/<name>#tls.crt`, with its chain; `key` has none",
    ),
    Row("objectAlias", Fate.BECOMES, _FILE),
    Row("objectVersion", Fate.BECOMES, "`?version=`"),
    Row("objectVersionHistory", Fate.NONE, "one version is one file: give each its `?version=`"),
    Row(
        "objectFormat",
        Fate.BECOMES,
        "`pfx`: `/secrets/<name>` as it is stored; the archive with `objectEncoding: base64`",
    ),
    Row("objectEncoding", Fate.BECOMES, "`decode: base64`; `hex` has none"),
    Row("filePermission", Fate.BECOMES, _MODE),
)
_VAULT: Final = (
    Row("objects", Fate.BECOMES, "secrets: a file for each, see below"),
    Row("roleName", Fate.BECOMES, "`vault.role`"),
    Row("vaultAddress", Fate.BECOMES, "`vault.address`, if `allowed-addresses` has it"),
    Row("vaultNamespace", Fate.BECOMES, "`vault.namespace`"),
    Row("vaultAuthMountPath", Fate.BECOMES, "`vault.auth-mount`"),
    Row("vaultKubernetesMountPath", Fate.BECOMES, "`vault.auth-mount`"),
    Row("audience", Fate.BECOMES, "`vault.audience`, if `allowed-audiences` has it"),
    Row(
        "auth",
        Fate.BECOMES,
        "its `type`: `vault.auth`; `mouthPath`: `vault.auth-mount`; of `aws` the region and the "
        "server's id; its `awsIAMRole` has none",
    ),
    Row("KubernetesServiceAccountPath", Fate.UNNEEDED, "the token is our own projected one"),
    Row("vaultSkipTLSVerify", Fate.NONE, f"the server is always verified; {_TRUST}", asks=True),
    Row("vaultCACertPath", Fate.NONE, _TRUST),
    Row("vaultCADirectory", Fate.NONE, _TRUST),
    Row("vaultCAPem", Fate.NONE, _TRUST),
    Row("vaultTLSServerName", Fate.NONE, "the server is verified by the name in `vault.address`"),
    Row("vaultTLSClientCertPath", Fate.NONE, _CLIENT),
    Row("vaultTLSClientKeyPath", Fate.NONE, _CLIENT),
)
_VAULT_OBJECTS: Final = (
    Row("objectName", Fate.BECOMES, _FILE),
    Row("secretPath", Fate.BECOMES, "the path of the reference, without `data/` of KV version 2"),
    Row("secretKey", Fate.BECOMES, "`#<key>`; without one the whole answer has no equivalent"),
    Row("method", Fate.BECOMES, "`PUT` and `POST`: a write"),
    Row("secretArgs", Fate.BECOMES, "`?data.<field>=` of a write, `?version=` of a read"),
    Row("filePermission", Fate.BECOMES, _MODE),
    Row("encoding", Fate.BECOMES, "`decode: base64`; `hex` has none"),
)
PARAMETERS: Final[Mapping[str, Mapping[str, Row]]] = MappingProxyType(
    {
        provider: {row.key: row for row in rows}
        for provider, rows in (
            ("aws", _AWS),
            ("gcp", _GCP),
            ("azure", _AZURE),
            ("vault", _VAULT),
        )
    }
)
"""Of the class, by provider."""
OBJECTS: Final[Mapping[str, Mapping[str, Row]]] = MappingProxyType(
    {
        provider: {row.key: row for row in rows}
        for provider, rows in (
            ("aws", _AWS_OBJECTS),
            ("gcp", _GCP_SECRETS),
            ("azure", _AZURE_OBJECTS),
            ("vault", _VAULT_OBJECTS),
        )
    }
)
"""Of one object, by provider."""
