"""
Every field of an ExternalSecret and of a store's frame, and what becomes of it.

Read from external-secrets/external-secrets: apis/externalsecrets/v1 (externalsecret_types.go,
clusterexternalsecret_types.go, secretstore_types.go; v1beta1 has the same names) and docs/guides.
docs/convert.md is generated from these rows. `[]` stands for every element of a list.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from syrette.convert.findings import Fate
from syrette.convert.table import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NO_LIST: Final = "no list is asked for: name each secret of the pod"
_METADATA: Final = "tags and labels of a secret are not read, only its value"
_GENERATOR: Final = (
    "nothing is generated: `vault:database/creds/…` and other engines of Vault make credentials "
    "for one pod"
)
_NAMES: Final = "names of keys are used as they are"
_SECRET: Final = "it is about the Secret, which is made no more when nobody reads it"  # noqa: S105 - words, no secret


def _reference(path: str) -> Iterator[Row]:
    """`remoteRef` of one key, or what is extracted."""
    yield Row(
        f"{path}.key",
        Fate.BECOMES,
        "the path of the reference; of Google's a whole name (`projects/…`) as it is",
    )
    yield Row(
        f"{path}.property",
        Fate.BECOMES,
        "`#<key>` or `#<key>.<key>`; other gjson has none: write it as JMESPath behind the `#`",
    )
    yield Row(
        f"{path}.version",
        Fate.BECOMES,
        "`?version=`; of Secrets Manager `?stage=`, and `?version=` behind `uuid/`",
    )
    yield Row(
        f"{path}.decodingStrategy",
        Fate.BECOMES,
        "`Base64`: `decode: base64`; `Base64URL` and `Auto` have none",
        harmless=("None",),
    )
    yield Row(f"{path}.conversionStrategy", Fate.NONE, _NAMES, harmless=("Default",))
    yield Row(f"{path}.metadataPolicy", Fate.NONE, _METADATA, harmless=("None",))
    yield Row(f"{path}.nullBytePolicy", Fate.UNNEEDED, "a file may hold any byte")


EXTERNAL_SECRET: Final[Mapping[str, Row]] = MappingProxyType(
    {
        row.key: row
        for row in (
            Row("secretStoreRef", Fate.BECOMES, "the store, see below"),
            Row(
                "refreshInterval",
                Fate.BECOMES,
                "`refresh` of files; variables are read once; 0: `never`; absent it is 15m, not 1h",
            ),
            Row(
                "refreshPolicy",
                Fate.BECOMES,
                "`CreatedOnce` and `OnChange`: `refresh: never`",
                harmless=("Periodic",),
            ),
            Row("syncWindows", Fate.NONE, "a refresh has no hours of the day"),
            Row("target.name", Fate.BECOMES, "the Secret whose uses are converted"),
            Row(
                "target.creationPolicy",
                Fate.BECOMES,
                "`Merge`: only keys that are named by the pod; `None` has none",
                harmless=("Owner", "Orphan"),
            ),
            Row(
                "target.deletionPolicy",
                Fate.NONE,
                "a secret that is gone from the store is an error; `optional: true` lets it "
                "be absent",
                harmless=("Retain",),
            ),
            Row("target.immutable", Fate.BECOMES, "`refresh: never` where it is true"),
            Row("target.manifest", Fate.NONE, "only Secrets are converted"),
            Row(
                "target.template.engineVersion",
                Fate.NONE,
                "templates of engine v2 are translated",
                harmless=("v2",),
            ),
            Row("target.template.type", Fate.UNNEEDED, _SECRET),
            Row("target.template.metadata", Fate.UNNEEDED, _SECRET),
            Row(
                "target.template.mergePolicy",
                Fate.BECOMES,
                "`Merge`: the other keys are there, too",
                harmless=("Replace",),
            ),
            Row("target.template.data", Fate.BECOMES, "`template`, with the functions below"),
            Row(
                "target.template.templateFrom",
                Fate.NONE,
                "put its text into `target.template.data` and convert again",
            ),
            Row("data[].secretKey", Fate.BECOMES, "the key that the pod reads"),
            *_reference("data[].remoteRef"),
            Row("data[].sourceRef.storeRef", Fate.BECOMES, "the store, see below"),
            Row("data[].sourceRef.generatorRef", Fate.NONE, _GENERATOR),
            *_reference("dataFrom[].extract"),
            Row("dataFrom[].find", Fate.NONE, _NO_LIST),
            Row(
                "dataFrom[].rewrite",
                Fate.NONE,
                "keys are not renamed: `env` and `file` of an item say how each is called",
            ),
            Row("dataFrom[].sourceRef.storeRef", Fate.BECOMES, "the store, see below"),
            Row("dataFrom[].sourceRef.generatorRef", Fate.NONE, _GENERATOR),
        )
    }
)
"""Of `spec` of an ExternalSecret, and of `externalSecretSpec` of a ClusterExternalSecret."""

CLUSTER: Final[Mapping[str, Row]] = MappingProxyType(
    {
        row.key: row
        for row in (
            Row("externalSecretSpec", Fate.BECOMES, "as of an ExternalSecret"),
            Row("externalSecretName", Fate.BECOMES, "the Secret's name, if no other is given"),
            Row("externalSecretMetadata", Fate.UNNEEDED, _SECRET),
            Row("namespaceSelector", Fate.UNNEEDED, "the pods that are given are converted"),
            Row("namespaceSelectors", Fate.UNNEEDED, "the pods that are given are converted"),
            Row("namespaces", Fate.UNNEEDED, "the pods that are given are converted"),
            Row("refreshTime", Fate.UNNEEDED, _SECRET),
        )
    }
)
"""Of `spec` of a ClusterExternalSecret."""

STORE: Final[Mapping[str, Row]] = MappingProxyType(
    {
        row.key: row
        for row in (
            Row("provider", Fate.BECOMES, "options of the family, or a named store of `stores`"),
            Row("controller", Fate.UNNEEDED, "one installation serves the cluster"),
            Row("retrySettings", Fate.UNNEEDED, "retries are bounded by `init-timeout`"),
            Row("refreshInterval", Fate.UNNEEDED, "a store is not asked by itself"),
            Row(
                "conditions",
                Fate.NONE,
                "who may use it is the cloud's or Vault's own trust; the operator's `policy` is a "
                "guard rail",
            ),
        )
    }
)
"""Of `spec` of a SecretStore and of a ClusterSecretStore."""

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PushSecret": "nothing of ours writes to a store",
        "ClusterPushSecret": "nothing of ours writes to a store",
    }
)
"""Kinds of external-secrets.io that have no equivalent at all."""
GENERATORS: Final = "generators.external-secrets.io"
GENERATED: Final = _GENERATOR
