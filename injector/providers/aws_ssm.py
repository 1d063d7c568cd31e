"""
AWS Systems Manager Parameter Store: parameters ten a call, matched by name and selector.

Replies come in any order, and one parameter may be asked for with two selectors. A path with a
slash at its end is a mapping of the parameters below it. Values are always asked for decrypted.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from injector.contract.reasons import Reason
from injector.contract.references import parse_arn
from injector.errors import ProviderError
from injector.material import Material
from injector.providers.aws_region import AwsProvider, material_of
from injector.providers.interface import Fetched, Read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from injector.aws.client import AwsClient
    from injector.contract.references import Reference
    from injector.contract.stores import Store

GET: Final = "GetParameters"
BY_PATH: Final = "GetParametersByPath"
BATCH_SIZE: Final = 10  # API references of both actions
MAX_PAGES: Final = 200  # 2000 parameters below one path


class ParameterStore(AwsProvider):
    """Parameters by name or ARN, by version or label, or all below a path."""

    service = "ssm"

    def _fetch_region(
        self, reads: Sequence[Read], store: Store, client: AwsClient, denied: frozenset[str]
    ) -> list[Fetched]:
        del denied  # nothing here has a cheaper form that could be denied
        results: dict[int, Fetched] = {}
        asked: dict[str, list[int]] = {}
        for index, read in enumerate(reads):
            if read.reference.path.endswith("/"):
                results[index] = _below(client, read)
            elif _is_known(read, client.region):
                version = read.reference.option("version")
                results[index] = Fetched(read.reference, version=version, unchanged=True)
            else:
                asked.setdefault(_name(read.reference), []).append(index)
        size = 1 if store.text("batch", "auto") == "never" else BATCH_SIZE
        names = sorted(asked)
        for start in range(0, len(names), size):
            for name, item in _get(client, names[start : start + size]).items():
                for index in asked[name]:
                    results[index] = _fetched(client, reads[index], item)
        return [results[index] for index in range(len(reads))]


def _name(reference: Reference) -> str:
    """Name with selector, as `GetParameters` takes it."""
    selector = reference.option("version") or reference.option("label")
    return f"{reference.path}:{selector}" if selector else reference.path


def _known_version(read: Read, region: str) -> str:
    """The held version, if this region gave it: each region counts its own."""
    return read.known_version if read.served_by in {"", region} else ""


def _is_known(read: Read, region: str) -> bool:
    version = read.reference.option("version")
    return bool(version) and version == _known_version(read, region)


_Item = dict[str, Any] | ProviderError


def _get(client: AwsClient, names: list[str]) -> dict[str, _Item]:
    try:
        reply = client.call(GET, Names=names, WithDecryption=True)
    except ProviderError as exc:
        if exc.retryable or len(names) == 1:
            return dict.fromkeys(names, exc)
        # One parameter or key that is denied fails the whole call: ask for each by itself.
        return {name: _get(client, [name])[name] for name in names}
    missing = frozenset(filter(None, reply.get("InvalidParameters") or ()))
    found = list(filter(None, reply.get("Parameters") or ()))
    return {name: _match(client, name, found, missing) for name in names}


def _match(
    client: AwsClient, name: str, found: list[dict[str, Any]], missing: frozenset[str]
) -> _Item:
    for parameter in found:
        selector = parameter.get("Selector") or ""
        owners = (parameter.get("Name", ""), parameter.get("ARN", ""))
        if any(name == f"{owner}{selector}" for owner in owners if owner):
            return parameter
    if name in missing:
        listed = ", ".join(sorted(missing))
        return ProviderError(
            Reason.NOT_FOUND,
            f"there is no such parameter, version or label: {listed}",
            step=GET,
            code="InvalidParameters",
            region=client.region,
            remedy="check the name, the region, and the version or label",
        )
    return _damaged(client, GET, "the reply lacks a parameter that was asked for")


def _damaged(client: AwsClient, step: str, what: str) -> ProviderError:
    remedy = "it is tried again; if it stays, look at proxies between pod and AWS"
    return ProviderError(Reason.UNAVAILABLE, what, step=step, region=client.region, remedy=remedy)


def _fetched(client: AwsClient, read: Read, item: _Item) -> Fetched:
    if isinstance(item, ProviderError):
        return Fetched(read.reference, error=item)
    version = str(item.get("Version", ""))
    if version and version == _known_version(read, client.region):
        return Fetched(read.reference, version=version, unchanged=True)
    material = material_of(item.get("Value"))
    if material is None:
        error = _damaged(client, GET, "the reply holds no value that can be read")
        return Fetched(read.reference, error=error)
    return Fetched(read.reference, material=material, version=version)


def _below(client: AwsClient, read: Read) -> Fetched:
    try:
        parameters = _pages(client, read.reference)
        _check_below(client, read.reference, parameters)
    except ProviderError as exc:
        return Fetched(read.reference, error=exc)
    stem = _path(read.reference).rstrip("/") + "/"
    values = {item["Name"].removeprefix(stem): item["Value"] for item in parameters}
    if not values:
        error = ProviderError(
            Reason.NOT_FOUND,
            "there is no parameter below the path",
            step=BY_PATH,
            region=client.region,
            remedy="check the path and the region; `?recursive=true` takes deeper levels along",
        )
        return Fetched(read.reference, error=error)
    # A path has no version of its own: the versions of what it holds, digested.
    held = sorted((item["Name"], item.get("Version", 0)) for item in parameters)
    version = hashlib.sha256(json.dumps(held).encode()).hexdigest()[:16]
    if version == _known_version(read, client.region):
        return Fetched(read.reference, version=version, unchanged=True, mapping=True)
    material = Material(json.dumps(values, sort_keys=True).encode())
    return Fetched(read.reference, material=material, version=version, mapping=True)


def _check_below(client: AwsClient, reference: Reference, parameters: list[dict[str, Any]]) -> None:
    for item in parameters:
        if not item or not item.get("Name") or material_of(item.get("Value")) is None:
            raise _damaged(client, BY_PATH, "the reply holds a parameter that cannot be read")
        asked, given = reference.arn, parse_arn(str(item.get("ARN", "")))
        # The API takes a path without an account, and would give that of the caller's own.
        if asked is not None and given is not None and asked.account != given.account:
            raise ProviderError(
                Reason.INVALID_REQUEST,
                f"account {asked.account}'s path was asked for, and the caller's is "
                f"{given.account}",
                step=BY_PATH,
                region=client.region,
                remedy="GetParametersByPath reads the caller's account only: assume a role of the "
                "other one, or name its shared parameters one by one",
            )


def _path(reference: Reference) -> str:
    arn = reference.arn
    path = reference.path if arn is None else arn.resource.removeprefix("parameter")
    return path.rstrip("/") or "/"


def _pages(client: AwsClient, reference: Reference) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    request: dict[str, Any] = {
        "Path": _path(reference),
        "Recursive": reference.option("recursive") == "true",
        "WithDecryption": True,
        "MaxResults": BATCH_SIZE,
    }
    for _ in range(MAX_PAGES):
        reply = client.call(BY_PATH, **request)
        parameters.extend(reply.get("Parameters") or ())
        if not reply.get("NextToken"):
            return parameters
        request["NextToken"] = reply["NextToken"]
    raise ProviderError(
        Reason.LIMIT_EXCEEDED,
        f"more than {MAX_PAGES * BATCH_SIZE} parameters are below the path",
        step=BY_PATH,
        region=client.region,
        remedy="name a narrower path",
    )
