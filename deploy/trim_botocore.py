"""
Writes `injector/aws/data`: botocore's own service data, cut down to what the injector calls.

botocore reads 1.25 MB of endpoints and whole service models at each start; a worker that lives for
a second pays for that every time. Run by hand after an upgrade of botocore
(`python deploy/trim_botocore.py`); a test compares the result with the botocore that is installed.
It changes nothing in botocore and refuses services that it does not know.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from botocore.loaders import Loader

DATA: Final = Path(__file__).resolve().parents[1] / "injector" / "aws" / "data"

OPERATIONS: Final = {
    "kms": ("Decrypt",),
    "secretsmanager": ("BatchGetSecretValue", "DescribeSecret", "GetSecretValue"),
    "ssm": ("GetParameters", "GetParametersByPath"),
    "sts": ("AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"),
}
"""Operations that some login, provider or key service of the injector calls."""

_PROSE: Final = frozenset({"documentation", "documentationUrl", "examples"})


def _without_prose(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {
            key: _without_prose(item)
            for key, item in value.items()
            if not (key in _PROSE and isinstance(item, str | list))
        }
    if isinstance(value, list):
        return [_without_prose(item) for item in value]
    return value


def _shape_names(value: Any) -> set[str]:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        found = {value["shape"]} if isinstance(value.get("shape"), str) else set()
        return found.union(*(_shape_names(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_shape_names(item) for item in value))
    return set()


def trim_model(model: dict[str, Any], operations: tuple[str, ...]) -> dict[str, Any]:
    """Keep the named operations of a service model, and the shapes that they reach."""
    kept = {name: _without_prose(model["operations"][name]) for name in operations}
    wanted = _shape_names(kept)
    shapes: dict[str, Any] = {}
    while wanted:
        name = wanted.pop()
        shapes[name] = _without_prose(model["shapes"][name])
        wanted |= _shape_names(shapes[name]) - set(shapes)
    rest = {key: value for key, value in model.items() if key not in {"operations", "shapes"}}
    return {**_without_prose(rest), "operations": kept, "shapes": shapes}


def trim_endpoints(endpoints: dict[str, Any]) -> dict[str, Any]:
    """Keep the partitions with their regions, and of the services only ours."""
    partitions = [
        {
            **partition,
            "services": {
                name: partition["services"][name]
                for name in OPERATIONS
                if name in partition["services"]
            },
        }
        for partition in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def files() -> dict[str, str]:
    """Every file below `DATA` by relative path, made from the installed botocore."""
    loader = Loader(include_default_search_paths=True)
    documents: dict[str, Any] = {
        "endpoints.json": trim_endpoints(loader.load_data("endpoints")),
        "partitions.json": loader.load_data("partitions"),
        "sdk-default-configuration.json": _without_prose(
            loader.load_data("sdk-default-configuration")
        ),
    }
    for service, operations in OPERATIONS.items():
        version = loader.determine_latest_version(service, "service-2")
        model = loader.load_service_model(service, "service-2", version)
        rules = loader.load_service_model(service, "endpoint-rule-set-1", version)
        documents[f"{service}/{version}/service-2.json"] = trim_model(model, operations)
        documents[f"{service}/{version}/endpoint-rule-set-1.json"] = _without_prose(rules)
    return {
        path: json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n"
        for path, document in documents.items()
    }


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        target = DATA / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
