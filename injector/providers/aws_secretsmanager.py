"""
AWS Secrets Manager: many secrets in few calls, one secret without moving its value for nothing.

Two or more unpinned secrets go into `BatchGetSecretValue` (20 a call); one alone is looked at by
`DescribeSecret` and read only if its version moved. Where the role may do neither, plain
`GetSecretValue` is enough, and the denial is remembered. An empty value is never taken for one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from injector.aws.errors import Failure, plain_code, provider_error
from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.providers.aws_region import AwsProvider, material_of
from injector.providers.interface import Fetched, Read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from injector.aws.client import AwsClient
    from injector.contract.stores import Store

BATCH: Final = "BatchGetSecretValue"
DESCRIBE: Final = "DescribeSecret"
BATCH_SIZE: Final = 20  # API reference of BatchGetSecretValue
CURRENT: Final = "AWSCURRENT"
PARALLEL: Final = 4
"""Single reads at once: enough to hide round trips, far below the service's rate limits."""


class SecretsManager(AwsProvider):
    """Secrets by name or ARN, by version id or staging label."""

    service = "secretsmanager"

    def _fetch_region(
        self, reads: Sequence[Read], store: Store, client: AwsClient, denied: frozenset[str]
    ) -> list[Fetched]:
        batched: dict[int, Fetched] = {}
        plain = [index for index, read in enumerate(reads) if _unpinned(read)]
        refused: tuple[str, ...] = ()
        if len(plain) > 1 and store.text("batch", "auto") != "never" and BATCH not in denied:
            wanted = {index: reads[index] for index in plain}
            batched, refused = _batch(client, wanted)
        rest = [index for index in range(len(reads)) if index not in batched]
        single = _parallel([_single(client, reads[index], denied) for index in rest])
        results = batched | dict(zip(rest, single, strict=True))
        return [_remembering(results[index], refused) for index in range(len(reads))]


def _unpinned(read: Read) -> bool:
    reference = read.reference
    return not reference.option("version") and reference.option("stage") in {"", CURRENT}


def _remembering(item: Fetched, refused: tuple[str, ...]) -> Fetched:
    if not refused:
        return item
    return replace(item, remembered=tuple(sorted({*item.remembered, *refused})))


def _parallel(calls: list[Callable[[], Fetched]]) -> list[Fetched]:
    if len(calls) < 2:  # noqa: PLR2004 - nothing to do at once
        return [call() for call in calls]
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - most pods need no threads

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(lambda call: call(), calls))


def _batch(client: AwsClient, reads: dict[int, Read]) -> tuple[dict[int, Fetched], tuple[str, ...]]:
    """
    Read in batches what batches give.

    Returns:
        What was read or definitely cannot be, by index; the rest is for single reads. And the
        action, if it was denied as a whole.
    """
    found: dict[int, Fetched] = {}
    ids = sorted({read.reference.path for read in reads.values()})
    for start in range(0, len(ids), BATCH_SIZE):
        chunk = ids[start : start + BATCH_SIZE]
        mine = {index: read for index, read in reads.items() if read.reference.path in chunk}
        try:
            reply = client.call(BATCH, SecretIdList=chunk)
        except ProviderError as exc:
            if exc.reason is Reason.ACCESS_DENIED:
                return found, (BATCH,)
            if exc.reason is Reason.INVALID_REQUEST:
                continue  # one odd name spoils a batch: single reads tell which
            found.update({i: Fetched(read.reference, error=exc) for i, read in mine.items()})
            continue
        for index, read in mine.items():
            item = _from_batch(client, read, reply)
            if item is not None:
                found[index] = item
    return found, ()


def _from_batch(client: AwsClient, read: Read, reply: dict[str, Any]) -> Fetched | None:
    path = read.reference.path
    for value in filter(None, reply.get("SecretValues") or ()):
        if _is(path, value):
            return _fetched(client, read, value, BATCH)
    for error in filter(None, reply.get("Errors") or ()):
        if error.get("SecretId") == path:
            failure = Failure(
                step=BATCH,
                region=client.region,
                code=plain_code(error.get("ErrorCode", "")),
                status=0,
                request_id=str(reply.get("ResponseMetadata", {}).get("RequestId", "")),
                text=str(error.get("Message", "")),
            )
            made = provider_error(failure)
            # Batches do not cross accounts: an ARN may still be readable by itself.
            if made.reason is Reason.ACCESS_DENIED and read.reference.arn is not None:
                return None
            return Fetched(read.reference, error=made)
    return None


_SUFFIX: Final = 7  # `-` and six random characters at the end of a secret's full ARN


def _is(path: str, value: dict[str, Any]) -> bool:
    """Whether a value of a batch is the secret of that name, ARN, or ARN without its suffix."""
    arn = value.get("ARN", "")
    return path in {value.get("Name"), arn, arn[:-_SUFFIX]}


def _single(client: AwsClient, read: Read, denied: frozenset[str]) -> Callable[[], Fetched]:
    def run() -> Fetched:
        try:
            return _read_one(client, read, denied)
        except ProviderError as exc:
            return Fetched(read.reference, error=exc)

    return run


def _read_one(client: AwsClient, read: Read, denied: frozenset[str]) -> Fetched:
    reference = read.reference
    version, stage = reference.option("version"), reference.option("stage")
    if version and version == read.known_version:
        return Fetched(reference, version=version, unchanged=True)
    refused: tuple[str, ...] = ()
    if read.known_version and not version and DESCRIBE not in denied:
        try:
            if _still(client, reference.path, stage or CURRENT, read.known_version):
                return Fetched(reference, version=read.known_version, unchanged=True)
        except ProviderError as exc:
            if exc.reason is not Reason.ACCESS_DENIED:
                raise
            refused = (DESCRIBE,)
    parameters = {"SecretId": reference.path}
    if version:
        parameters["VersionId"] = version
    if stage:
        parameters["VersionStage"] = stage
    try:
        reply = client.call("GetSecretValue", **parameters)
    except ProviderError as exc:
        return Fetched(reference, error=exc, remembered=refused)
    return _remembering(_fetched(client, read, reply, "GetSecretValue"), refused)


def _still(client: AwsClient, path: str, stage: str, known: str) -> bool:
    reply = client.call(DESCRIBE, SecretId=path)
    if reply.get("DeletedDate") is not None:
        return False  # the read that follows gets AWS's definite no
    return stage in (reply.get("VersionIdsToStages") or {}).get(known, ())


def _fetched(client: AwsClient, read: Read, value: dict[str, Any], step: str) -> Fetched:
    text = value.get("SecretString")
    material = material_of(value.get("SecretBinary") if text is None else text)
    version = str(value.get("VersionId", ""))
    if material is None:
        error = ProviderError(
            Reason.UNAVAILABLE,
            "the reply holds no value that can be read",
            step=step,
            region=client.region,
            remedy="it is tried again; if it stays, put a value into the secret",
        )
        return Fetched(read.reference, error=error)
    if version and version == read.known_version:
        return Fetched(read.reference, version=version, unchanged=True)
    return Fetched(read.reference, material=material, version=version)
