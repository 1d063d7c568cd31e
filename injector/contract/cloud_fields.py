"""The rows of Google Cloud, Azure and SOPS documents in the table of fields."""

from __future__ import annotations

from typing import Final

from injector.contract.field import (
    DATA_KEY,
    DNS_LABEL,
    GKE_CLUSTER,
    GOOGLE_ACCOUNT,
    GOOGLE_ACCOUNT_WORDS,
    OBJECT_NAME,
    SECRET_KEY,
    SECRET_KEY_WORDS,
    WORKLOAD_IDENTITY_PROVIDER,
    Kind,
    StoreField,
)

GCP: Final = (
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
        "providers/prod: with the project's number, and without //iam.googleapis.com/",
        inherited=True,
    ),
    StoreField(
        "gke-cluster",
        ("gcp",),
        "GKE cluster whose workload identity binding the pod logs in by.",
        pattern=GKE_CLUSTER,
        expected="a name such as projects/acme-prod/locations/europe-west3/clusters/prod",
        inherited=True,
    ),
    StoreField(
        "service-account",
        ("gcp",),
        "Service account to impersonate; else the Kubernetes service account's "
        "`iam.gke.io/gcp-service-account`.",
        pattern=GOOGLE_ACCOUNT,
        expected=GOOGLE_ACCOUNT_WORDS,
        inherited=True,
    ),
    StoreField(
        "delegates",
        ("gcp",),
        "Service accounts between the login and `service-account`, in order: each may make tokens "
        "of the next.",
        kind=Kind.NAMES,
        pattern=GOOGLE_ACCOUNT,
        expected=GOOGLE_ACCOUNT_WORDS,
        inherited=True,
    ),
    StoreField(
        "credentials-secret",
        ("gcp",),
        "Kubernetes Secret of the pod's namespace, `<name>/<key>`, with the JSON of a service "
        "account's key or of a user's credentials.",
        pattern=SECRET_KEY,
        expected=SECRET_KEY_WORDS,
        inherited=True,
    ),
    StoreField(
        "access-token-secret",
        ("gcp",),
        "Kubernetes Secret of the pod's namespace, `<name>/<key>`, with an access token that "
        "somebody else keeps fresh.",
        pattern=SECRET_KEY,
        expected=SECRET_KEY_WORDS,
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
)
AZURE: Final = (
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
        "`api://AzureADTokenExchange`, with `China` or `USGov` behind it in those clouds.",
        annotated=False,
        inherited=True,
    ),
)
SOPS: Final = (
    StoreField(
        "age-key-secret",
        ("sops",),
        "Kubernetes Secret of the pod's namespace, `<name>/<key>`, with identities of age: lines "
        "`AGE-SECRET-KEY-1…`, or a private key of SSH. The key is `age.agekey` where none is "
        "given.",
        pattern=rf"{OBJECT_NAME}(/{DATA_KEY})?",
        expected="a Secret's name, or its name and key such as sops-age/age.agekey",
        inherited=True,
    ),
    StoreField(
        "key-stores",
        ("sops",),
        "Names of the stores whose logins may decrypt data keys. Default: the built-in stores of "
        "AWS, Vault, Google and Azure for which there is what a login needs.",
        kind=Kind.NAMES,
        pattern=DNS_LABEL,
        expected="the name of a store",
        inherited=True,
    ),
    StoreField(
        "allowed-keys",
        ("sops",),
        "Patterns of keys that documents may name (ARNs, resource names, addresses, recipients); "
        "the operator's to give. Default: `sops-keys` of the configuration, and without it all "
        "that the key stores' logins are for.",
        kind=Kind.NAMES,
        annotated=False,
    ),
    StoreField(
        "mac",
        ("sops",),
        "Whether a document whose MAC is not the one of its content is refused: `verify` "
        "(default), or `ignore`, which is warned of.",
        choices=("verify", "ignore"),
    ),
)
