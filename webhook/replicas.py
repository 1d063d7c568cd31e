"""
Pods that come again: the answer to one pod of a template is the answer to the next.

A verdict depends on the pod's annotations, its spec, its namespace, the cluster's facts and the
operator's settings, and on nothing else. Replicas have the same annotations and the same spec, down
to the bytes, but for one name that the API server makes up. So whoever asks again, with the facts
unchanged, gets the same bytes around another uid, for a tenth of the work. Bounded in bytes; what
does not fit, or is no plain creation of a pod, is simply not known here.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections import OrderedDict
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from webhook import review
from webhook.decisions import Decision, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from webhook.context import Context

MAX_BYTES: Final = 16 << 20
"""Of all templates and answers together: about 800 templates of 10 KB."""
_NAME_LENGTH: Final = 253  # of an object; it is checked after us, and may be anything yet
_LARGEST: Final = MAX_BYTES // 64

# The ServiceAccount admission plugin runs before webhooks, and gives each pod a volume with a name
# of its own (names.SimpleNameGenerator: five letters and digits).
_TOKEN_VOLUME: Final = re.compile(rb"kube-api-access-[a-z0-9]{5}")
_ANY_TOKEN_VOLUME: Final = b"kube-api-access-"


class _Owner(msgspec.Struct):
    kind: str = ""


class _Metadata(msgspec.Struct, rename="camel"):
    name: str = ""
    generate_name: str = ""
    owner_references: list[_Owner] = []
    annotations: msgspec.Raw = msgspec.Raw(b"")


class _Object(msgspec.Struct):
    metadata: _Metadata
    spec: msgspec.Raw


class _Kind(msgspec.Struct):
    group: str
    kind: str


class _Request(msgspec.Struct, rename="camel"):
    uid: str
    kind: _Kind
    operation: str
    namespace: str
    object: _Object
    sub_resource: str = ""
    dry_run: bool | None = None


class _Review(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    request: _Request


class _Response(msgspec.Struct):
    patch: str = ""


class _Answer(msgspec.Struct):
    response: _Response


_decode = msgspec.json.Decoder(_Review).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode
_encode = msgspec.json.Encoder().encode

_VERSION: Final = (review.API_VERSION, review.KIND)

Template = tuple[str, bytes, bytes]
"""Namespace, annotations and spec as they came, without the name that is made up."""


@dataclass(frozen=True, slots=True)
class Replica:
    """What is a pod's own."""

    template: Template
    uid: str
    """Of the request."""
    pod: str
    """Name, or generateName."""
    owner_kind: str
    dry_run: bool


def read(body: bytes) -> Replica | None:
    """Tell a pod's own from its template's; None for all but a plain creation of a pod."""
    try:
        whole = _decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None  # what is wrong with it is said where it is decoded whole
    request = whole.request
    plain = (request.operation, request.sub_resource) == ("CREATE", "") and (
        (request.kind.group, request.kind.kind) == ("", "Pod")
    )
    if not plain or not request.uid or (whole.api_version, whole.kind) != _VERSION:
        return None
    metadata = request.object.metadata
    annotations, spec = bytes(metadata.annotations), bytes(request.object.spec)
    owners = metadata.owner_references
    return Replica(
        template=(request.namespace, annotations, _alike(spec, annotations)),
        uid=request.uid,
        pod=(metadata.name or metadata.generate_name)[:_NAME_LENGTH],
        owner_kind=owners[0].kind[:_NAME_LENGTH] if owners else "",
        dry_run=bool(request.dry_run),
    )


def _alike(spec: bytes, annotations: bytes) -> bytes:
    """
    Take the made-up part out of the volume's name, wherever the spec has it.

    One name only, and none that the annotations know: then specs that become equal differ in
    nothing but how that one volume is called.
    """
    found = _TOKEN_VOLUME.search(spec)
    if found is None or found[0] in annotations:
        return spec
    return _ANY_TOKEN_VOLUME.join(spec.split(found[0]))


@dataclass(frozen=True, slots=True)
class _Known:
    context: Context
    service_account: str
    head: bytes
    tail: bytes
    decision: Callable[..., Decision]
    """Makes one from a pod's own fields; `dataclasses.replace` takes as long as all the rest."""

    @property
    def size(self) -> int:
        return len(self.head) + len(self.tail)


class Replicas:
    """
    Answers by template, the latest used kept longest.

    Args:
        max_bytes: of templates and answers together.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._known: OrderedDict[Template, _Known] = OrderedDict()
        self._max_bytes = max_bytes
        self.bytes = 0
        """Of what is kept now."""

    def __len__(self) -> int:
        return len(self._known)

    def service_account(self, replica: Replica) -> str | None:
        """The service account of a known template, whose facts are to be looked up."""
        known = self._known.get(replica.template)
        return None if known is None else known.service_account

    def answer(self, replica: Replica, context: Context) -> tuple[bytes, Decision] | None:
        """Give the answer for one more pod, None unless it was decided on the same facts."""
        known = self._known.get(replica.template)
        if known is None or known.context != context:
            return None
        self._known.move_to_end(replica.template)
        decision = known.decision(
            uid=replica.uid,
            pod=replica.pod,
            owner_kind=replica.owner_kind,
            dry_run=replica.dry_run,
        )
        return b"".join((known.head, _uid(replica.uid), known.tail)), decision

    def keep(self, replica: Replica, context: Context, answer: bytes, decision: Decision) -> None:
        """
        Keep an answer for the pods that come after.

        Not a denial, which is rare and names what is wrong with this pod; and not one in which the
        volume with the made-up name occurs.
        """
        if decision.verdict is Outcome.DENIED or _names_the_volume(answer):
            return
        head, uid, tail = answer.partition(_uid(replica.uid))
        known = _Known(context, decision.service_account, head, tail, _shared(decision))
        size = _size(replica.template, known)
        if not uid or size > min(_LARGEST, self._max_bytes):
            return
        self._forget(replica.template)
        self._known[replica.template] = known
        self.bytes += size
        while self.bytes > self._max_bytes:
            self._forget(next(iter(self._known)))

    def _forget(self, template: Template) -> None:
        known = self._known.pop(template, None)
        if known is not None:
            self.bytes -= _size(template, known)


def _names_the_volume(answer: bytes) -> bool:
    patch = b64decode(_decode_answer(answer).response.patch)
    return _ANY_TOKEN_VOLUME in answer or _ANY_TOKEN_VOLUME in patch


def _shared(decision: Decision) -> Callable[..., Decision]:
    """Keep what a decision says of the template."""
    shared = {name: getattr(decision, name) for name in _FIELDS}
    return partial(Decision, **shared)


_FIELDS: Final = tuple(
    row.name for row in fields(Decision) if row.name not in {"uid", "pod", "owner_kind", "dry_run"}
)


def _uid(uid: str) -> bytes:
    """Write the member of the answer that is the request's own; its first one of that name."""
    return b'"uid":' + _encode(uid)


def _size(template: Template, known: _Known) -> int:
    _, annotations, spec = template
    return len(annotations) + len(spec) + known.size
