"""The providers of the three clouds: a store's settings, and how its keys become references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from injector.contract.azure import CLOUDS, PUBLIC
from injector.contract.references import Reference
from syrette.convert.external.opened import options, text
from syrette.convert.podspec import listed, mapping

if TYPE_CHECKING:
    from syrette.convert.external.opened import Opened, Reader, Remote

_SERVICES: Final = {"SecretsManager": "aws-secretsmanager", "ParameterStore": "aws-ssm"}
_ENVIRONMENTS: Final = {
    "PublicCloud": "public",
    "ChinaCloud": "china",
    "USGovernmentCloud": "us-government",
}
_POOLS: Final = "//iam.googleapis.com/"
_PROJECTS: Final = "projects/"
_UUID: Final = "uuid/"


def aws(store: Opened) -> Reader:
    """Secrets Manager or Parameter Store (docs/provider/aws-secrets-manager.md, aws-access.md)."""
    given = store.given
    name = _SERVICES.get(text(given, "service"))
    if name is None:
        raise ValueError(f"service: `{text(given, 'service')[:60]}` is not read")
    store.provider = name
    store.option("region", "region", text(given, "region"))
    extra = given.get("additionalRoles")
    before = [str(role) for role in extra] if isinstance(extra, list) else []
    role = text(given, "role")
    if role or before:
        chain = [*before, role] if role else before
        store.option("role" if role else "additionalRoles", "assume-role", chain)
    tags = {text(tag, "key"): text(tag, "value") for tag in listed(given, "sessionTags")}
    for path, field, value in (
        ("externalID", "external-id", text(given, "externalID")),
        ("sessionTags", "session-tags", tags),
        ("transitiveTagKeys", "transitive-tags", given.get("transitiveTagKeys")),
    ):
        if value and "assume-role" not in store.settings:
            store.conversion.none(store.key(path), "no role is assumed, which it would be said to")
        else:
            store.option(path, field, value)
    store.option("prefix", "path-prefix", text(given, "prefix"))
    store.account("auth", "jwt", "serviceAccountRef")

    def read(remote: Remote) -> Reference:
        version = remote.version
        if name == "aws-ssm":
            named = {"version": version} if version.isdecimal() else {"label": version}
            return Reference(name, remote.key, options(**named), remote.selector)
        if version.startswith(_UUID):
            chosen = options(version=version.removeprefix(_UUID))
        else:
            chosen = options(stage=version)
        return Reference(name, remote.key, chosen, remote.selector)

    return read


def gcp(store: Opened) -> Reader:
    """Google Secret Manager (docs/provider/google-secrets-manager.md)."""
    given, store.provider = store.given, "gcp-secretmanager"
    workload = mapping(mapping(given, "auth"), "workloadIdentity")
    names = [text(workload, f"cluster{it}") for it in ("ProjectID", "Location", "Name")]
    if all(names):
        cluster = "projects/{}/locations/{}/clusters/{}".format(*names)
        store.option("auth.workloadIdentity.clusterName", "gke-cluster", cluster)
    elif any(names):
        store.conversion.unneeded(
            store.key("auth.workloadIdentity"), "the metadata server tells the rest of the cluster"
        )
    federation = mapping(mapping(given, "auth"), "workloadIdentityFederation")
    where = "auth.workloadIdentityFederation"
    audience = text(federation, "audience").removeprefix(_POOLS)
    store.option(f"{where}.audience", "workload-identity-provider", audience)
    email = text(federation, "gcpServiceAccountEmail")
    store.option(f"{where}.gcpServiceAccountEmail", "service-account", email)
    store.account("auth", "workloadIdentity", "serviceAccountRef")
    store.account("auth", "workloadIdentityFederation", "serviceAccountRef")
    _google_key(store)
    project, location = text(given, "projectID") or names[0], text(given, "location")
    if not project:
        raise ValueError("projectID: without it the project is that of ESO's own cluster; give it")
    place = f"projects/{project}/locations/{location}" if location else f"projects/{project}"

    def read(remote: Remote) -> Reference:
        # A whole name is what it says, and no id within the store's project.
        whole = remote.key.startswith(_PROJECTS)
        path = remote.key if whole else f"{place}/secrets/{remote.key}"
        chosen = options(version=remote.version)
        return Reference(store.provider, path, chosen, remote.selector)

    return read


def _google_key(store: Opened) -> None:
    path = "auth.secretRef.secretAccessKeySecretRef"
    chosen = mapping(mapping(mapping(store.given, "auth"), "secretRef"), "secretAccessKeySecretRef")
    namespace = text(chosen, "namespace")
    if namespace and namespace != store.pod.namespace:
        store.conversion.none(
            store.key(path), f"the Secret is in {namespace}; one of the pod's namespace is read"
        )
    elif chosen:
        secret = f"{text(chosen, 'name')}/{text(chosen, 'key')}"
        store.option(path, "credentials-secret", secret)


def azure(store: Opened) -> Reader:
    """Azure Key Vault (docs/provider/azure-key-vault.md)."""
    given, store.provider = store.given, "azure-keyvault"
    environment = text(given, "environmentType") or "PublicCloud"
    cloud = _ENVIRONMENTS.get(environment)
    if cloud is None:
        raise ValueError(f"environmentType: `{environment[:60]}` is no public cloud")
    if cloud != PUBLIC:
        store.option("environmentType", "cloud", cloud)
    store.option("tenantId", "tenant-id", text(given, "tenantId"))
    store.account("serviceAccountRef")
    if not text(given, "authType"):
        store.conversion.none(
            store.key("authType"),
            "it is ServicePrincipal when it is absent: federate the application with the pod's "
            "service account",
        )
    vault, _, suffix = (urlsplit(text(given, "vaultUrl")).hostname or "").partition(".")
    if suffix != CLOUDS[cloud].suffix:
        raise ValueError(f"vaultUrl: it is no vault under {CLOUDS[cloud].suffix}")

    def read(remote: Remote) -> Reference:
        # A type may stand before the name (pkg/provider/azure/keyvault/keyvault.go, getObjType).
        kind, slash, name = remote.key.partition("/")
        if not slash:
            kind, name = "secret", remote.key
        if kind == "cert":
            raise ValueError(
                "key: a certificate is written as DER by theirs; ours has it as PEM: "
                f"`azure-keyvault:{vault}/certificates/{name[:60]}#tls.crt`"
            )
        if kind != "secret":
            raise ValueError(f"key: `{kind[:60]}` is not read; secrets are")
        path = f"{vault}/secrets/{name}"
        return Reference(store.provider, path, options(version=remote.version), remote.selector)

    return read
