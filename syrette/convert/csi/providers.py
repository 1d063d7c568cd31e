"""The providers: what each makes of its parameters and objects."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from injector.contract.references import Reference, parse_arn
from syrette.convert.csi import table
from syrette.convert.csi.azure import azure
from syrette.convert.csi.reading import Item, document, options, text
from syrette.convert.csi.vault import vault
from syrette.convert.findings import GOOGLE
from syrette.convert.podspec import mode
from syrette.convert.table import parse_bool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syrette.convert.csi.reading import Class

_AWS_TYPES: Final = {"secretsmanager": "aws-secretsmanager", "ssmparameter": "aws-ssm"}
_SERVICES: Final = {"secretsmanager": "secretsmanager", "ssm": "ssmparameter"}
"""What an ARN's service is called as a type (provider/secret_descriptor.go, typeMap)."""
_GCP_NAME: Final = re.compile(
    r"(?P<path>projects/[^/]+/(?:locations/[^/]+/)?secrets/[^/]+)/versions/(?P<version>[^/]+)"
)


def aws(found: Class) -> None:
    """Secrets Manager and Parameter Store."""
    found.take({"region": "aws.region", "failoverRegion": "aws.failover-region"})
    if not found.parameters.get("region", "").strip():
        found.conversion.todo.append(
            "operator: give `aws.region` in `defaults`: theirs asks the node"
        )
    if parse_bool(found.parameters.get("usePodIdentity", "")):
        found.option("usePodIdentity", "aws.auth", "pod-identity")
    slash = found.parameters.get("pathTranslation", "") or "_"
    if "pathTranslation" in found.parameters:
        found.conversion.becomes(found.key("pathTranslation"), "the names of the files")

    def name(given: str) -> str:
        # Theirs translates aliases, too (provider/secret_descriptor.go, GetFileName).
        return given.lstrip("/") if slash.lower() == "false" else given.replace("/", slash)

    def read(given: Mapping[str, Any], where: str) -> None:
        found.filled(text(given, "objectName"))
        reference = _aws_reference(given)
        permissions = mode(given.get("filePermission"))
        alias = text(given, "objectAlias") or text(given, "objectName")
        if _other_failover(given):
            found.tell(where, "failoverObject")
        if text(given, "objectTemplate"):
            found.tell(where, "objectTemplate")
        whole = Item(name(alias), reference, permissions)
        found.add(where, whole)
        entries = given.get("jmesPath")
        for place, entry in enumerate(entries if isinstance(entries, list) else []):
            _aws_entry(found, f"{where}.jmesPath[{place}]", entry, whole, name)

    found.objects(document(found.parameters.get("objects", "")), read)


def _other_failover(given: Mapping[str, Any]) -> bool:
    """Whether the other region has another secret, or another version of it."""
    failover = given.get("failoverObject")
    if not isinstance(failover, dict):
        return False
    arns = [parse_arn(text(it, "objectName")) for it in (given, failover)]
    names = [replace(arn, region="") if arn else None for arn in arns]
    same = text(failover, "objectName") == text(given, "objectName")
    label = text(failover, "objectVersionLabel")
    return not (same or (names[0] and names[0] == names[1])) or (
        label not in ("", text(given, "objectVersionLabel"))
    )


def _aws_entry(
    found: Class, where: str, entry: object, whole: Item, name: Callable[[str], str]
) -> None:
    try:
        if not isinstance(entry, dict) or not text(entry, "path"):
            raise ValueError("it has no `path`")  # noqa: TRY301 - one way out for whatever is wrong
        chosen = replace(whole.reference, selector=text(entry, "path"))
        own = mode(entry.get("filePermission")) or whole.mode
        found.add(where, Item(name(text(entry, "objectAlias")), chosen, own))
    except ValueError as exc:
        found.conversion.none(found.key(where), f"it is left out: {exc}")


def _aws_reference(given: Mapping[str, Any]) -> Reference:
    path, kind = text(given, "objectName"), text(given, "objectType")
    arn = parse_arn(path)
    kind = kind or (_SERVICES.get(arn.service, arn.service) if arn else "")
    store = _AWS_TYPES.get(kind)
    if store is None:
        raise ValueError(f"its type `{kind[:60]}` is none of {', '.join(_AWS_TYPES)}")
    version, label = text(given, "objectVersion"), text(given, "objectVersionLabel")
    if store == "aws-ssm":
        if version and label:
            raise ValueError("a parameter has a version or a label, not both")
        return Reference(store, path, options(version=version, label=label))
    return Reference(store, path, options(version=version, stage=label))


def gcp(found: Class) -> None:
    """Google Secret Manager."""
    if found.parameters.get("auth") == "pod-adc":
        found.conversion.unneeded(found.key("auth"), "the pod's own identity is used")
    found.conversion.todo.append(GOOGLE)

    def read(given: Mapping[str, Any], where: str) -> None:
        found.filled(text(given, "resourceName"))
        match = _GCP_NAME.fullmatch(text(given, "resourceName"))
        if given.get("labels"):
            raise ValueError(f"labels: {table.OBJECTS['gcp']['labels'].text}")
        if "/parameters/" in text(given, "resourceName"):
            raise ValueError("resourceName: Parameter Manager is not read; make it a secret")
        if match is None:
            raise ValueError("its resourceName is no `projects/…/secrets/…/versions/…`")
        if text(given, "extractYAMLKey"):
            raise ValueError("extractYAMLKey: a key is read from JSON only; store it as JSON")
        reference = Reference(
            "gcp-secretmanager",
            match["path"],
            options(version=match["version"]),
            text(given, "extractJSONKey"),
        )
        file = text(given, "path") or text(given, "fileName")
        encoding = "base64" if given.get("decodeBase64") is True else ""
        found.add(where, Item(file, reference, mode(given.get("mode")), encoding))

    found.objects(document(found.parameters.get("secrets", "")), read)


PROVIDERS: Final = {"aws": aws, "gcp": gcp, "gke": gcp, "azure": azure, "vault": vault}
"""`gke` is what Google's managed add-on calls its own; the rest of the class is the same."""
