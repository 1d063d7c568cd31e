"""What can be wrong with the installation itself: registration, certificate, replicas. Pure."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from syrette.doctor import questions
from syrette.doctor.findings import Finding, Level
from syrette.doctor.probe import Proof
from syrette.doctor.questions import Unasked
from webhook.tls import authority

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syrette.doctor.questions import Answers

LEASE_SECONDS: Final = 60.0
"""A leader renews every four seconds, and clocks may differ."""
ENDING_SECONDS: Final = 3 * 86400.0
"""A managed certificate is renewed ten days before its end."""
_UPGRADE: Final = "run `helm upgrade` with the values of the installation"
_MADE_AGAIN: Final = f"{_UPGRADE}: the chart makes it again, and the webhook fills it"
_CALLING: Final = (
    "see the cause: a certificate that is not trusted is one of caBundle; no answer is one of "
    "replicas, NetworkPolicy, or a firewall between control plane and nodes on the webhook's port"
)
_END: Final = "-----END CERTIFICATE-----"

# What a proof means: level, words, and what to do.
_PROOFS: Final = {
    Proof.REFUSED_BY_US: (Level.OK, "the API server reaches the webhook", ""),
    Proof.REFUSED_OTHERWISE: (
        Level.PROBLEM,
        "the webhook is reached, and refuses pods for a cause of its own",
        "see the cause, and the webhook's log",
    ),
    Proof.UNREACHED: (
        Level.PROBLEM,
        "the API server cannot call the webhook: pods that ask for secrets are refused",
        _CALLING,
    ),
    Proof.REFUSED_BY_POLICY: (
        Level.PROBLEM,
        "the webhook is not called; the admission policy refuses pods that ask for secrets",
        f"{_UPGRADE}: the registration is missing, or excludes the namespace",
    ),
    Proof.CREATED: (
        Level.PROBLEM,
        "nothing of Syrette looks at pods: those that ask for secrets start without them",
        f"{_UPGRADE}: registration and policies are missing, or exclude the namespace",
    ),
    Proof.REFUSED_BY_OTHERS: (
        Level.UNKNOWN,
        "somebody else refused the pod that the webhook should have refused",
        "name another namespace with --probe-namespace",
    ),
    Proof.UNPERMITTED: (
        Level.UNKNOWN,
        "you may not create pods, not even as a dry run, so that nothing is proven",
        "name a namespace where you may with --probe-namespace",
    ),
    Proof.NOWHERE: (
        Level.UNKNOWN,
        "the webhook's namespaceSelector takes no namespace of this cluster",
        "look at the labels of namespaces, and at `registration` in the chart's values",
    ),
}


def findings(answers: Answers, now: float) -> Iterator[Finding]:
    """
    Look at everything that `helm install` made.

    Args:
        answers: what is known.
        now: seconds since the epoch.
    """
    yield _reachable(answers)
    yield from _registration(answers)
    yield from _certificate(answers, now)
    yield from _policies(answers)
    yield _replicas(answers)
    yield from _lease(answers, now)


def _reachable(answers: Answers) -> Finding:
    probed = answers.probed
    level, said, remedy = _PROOFS[probed.proof]
    where = f" (tried in namespace {probed.namespace})" if probed.namespace else ""
    cause = f": {probed.said}" if level is not Level.OK and probed.said else ""
    return Finding("reachable", level, f"{said}{where}{cause}", remedy)


def _registration(answers: Answers) -> Iterator[Finding]:
    configuration = answers.configuration
    if isinstance(configuration, Unasked):
        yield Finding("registration", Level.UNKNOWN, configuration.said)
        return
    there = {entry.get("name") for entry in _entries(answers)}
    for name in (questions.PODS, questions.WORKLOADS):
        if name not in there:
            said = f"the webhook entry {name} is not there"
            yield Finding("registration", Level.PROBLEM, said, _UPGRADE)
    if {questions.PODS, questions.WORKLOADS} <= there:
        yield Finding("registration", Level.OK, "both webhook entries are there")


def _certificate(answers: Answers, now: float) -> Iterator[Finding]:
    """Compare what each entry trusts with what is served."""
    entries = _entries(answers)
    if not entries:
        return
    remedy = (
        "managed: see the webhook's log (`certificate`) and its RBAC; cert-manager: see its "
        "cainjector, and the annotation on the MutatingWebhookConfiguration"
    )
    bundles = {str(entry.get("name")): _bundle(entry) for entry in entries}
    empty = tuple(sorted(name for name, bundle in bundles.items() if not bundle))
    if empty:
        said = "webhook entries trust no authority (caBundle is empty)"
        yield Finding("certificate", Level.PROBLEM, said, remedy, empty)
        return
    secret = answers.secret
    if isinstance(secret, Unasked):
        yield _by_proof(answers, secret, set(bundles.values()))
        return
    if secret is None:
        said = f"the Secret {_secret_name(answers)} is not there; replicas serve what they have"
        yield Finding("certificate", Level.PROBLEM, said, _MADE_AGAIN)
        return
    chain = _chain(_data(secret, "tls.crt"))
    if not chain:
        said = f"the Secret {_secret_name(answers)} holds no certificate"
        yield Finding("certificate", Level.PROBLEM, said, remedy)
        return
    distrusting = tuple(sorted(name for name, b in bundles.items() if not verifies(chain, b, now)))
    if distrusting:
        said = "the caBundle of webhook entries does not verify the served certificate"
        yield Finding("certificate", Level.PROBLEM, said, remedy, distrusting)
        return
    yield _names_and_end(answers, chain[0], now)


def _by_proof(answers: Answers, secret: Unasked, bundles: set[bytes]) -> Finding:
    """Without the Secret, the API server's own handshake proves the bundle that all share."""
    if answers.probed.proof in {Proof.REFUSED_BY_US, Proof.REFUSED_OTHERWISE} and len(bundles) == 1:
        said = "the API server has verified the certificate with the caBundle of every entry"
        return Finding("certificate", Level.OK, said)
    return Finding("certificate", Level.UNKNOWN, f"{secret.said}, to compare it with caBundle")


def _names_and_end(answers: Answers, leaf: bytes, now: float) -> Finding:
    service = next(
        ((entry.get("clientConfig") or {}).get("service") for entry in _entries(answers)), None
    )
    host = f"{service['name']}.{service['namespace']}.svc" if service else ""
    if host and host not in _hosts(leaf):
        said = f"the served certificate does not name {host}"
        return Finding("certificate", Level.PROBLEM, said, f"issue it for {host}")
    left = authority.life_of(leaf).ends - now
    if left < ENDING_SECONDS:
        said = f"the served certificate ends in {left / 3600:.0f} hours and was not renewed"
        return Finding("certificate", Level.PROBLEM, said, "see the webhook's log (`certificate`)")
    return Finding("certificate", Level.OK, "the caBundle of every entry verifies what is served")


def verifies(chain: Sequence[bytes], bundle: bytes, now: float) -> bool:
    """Whether a bundle verifies the first certificate of a chain, through the others."""
    leaf, *others = chain
    if authority.trusted(leaf, bundle, now):
        return True
    return any(
        authority.trusted(leaf, other, now)
        and verifies([other, *others[:index], *others[index + 1 :]], bundle, now)
        for index, other in enumerate(others)
    )


def _policies(answers: Answers) -> Iterator[Finding]:
    kinds = (
        ("ValidatingAdmissionPolicy", answers.policies),
        ("ValidatingAdmissionPolicyBinding", answers.bindings),
    )
    lacking = []
    for kind, found in kinds:
        for name, answer in found.items():
            if isinstance(answer, Unasked):
                yield Finding("policies", Level.UNKNOWN, answer.said)
                return
            if answer is None:
                lacking.append(f"{kind}/{name}")
    if lacking:
        said = "without these nothing refuses what the webhook was not asked about"
        remedy = f"{_UPGRADE}, with `registration.policies: true`"
        yield Finding("policies", Level.PROBLEM, said, remedy, tuple(lacking))
    else:
        yield Finding("policies", Level.OK, "both admission policies and bindings are there")


def _replicas(answers: Answers) -> Finding:
    deployment = answers.deployment
    if isinstance(deployment, Unasked):
        return Finding("replicas", Level.UNKNOWN, deployment.said)
    if deployment is None:
        said = f"there is no Deployment `syrette` in namespace {answers.namespace}"
        return Finding("replicas", Level.PROBLEM, said, "name the installation's with --namespace")
    wanted = deployment["spec"].get("replicas", 1)
    ready = (deployment.get("status") or {}).get("readyReplicas") or 0
    said = f"{ready} of {wanted} replicas are ready"
    if ready < max(wanted, 1):
        remedy = f"see `kubectl -n {answers.namespace} describe pods` and the pods' logs"
        return Finding("replicas", Level.PROBLEM, said, remedy)
    return Finding("replicas", Level.OK, said)


def _lease(answers: Answers, now: float) -> Iterator[Finding]:
    if not questions.option(answers.deployment, "lease"):
        return
    lease = answers.lease
    if isinstance(lease, Unasked):
        yield Finding("lease", Level.UNKNOWN, lease.said)
        return
    if lease is None:
        said = "the Lease is not there, so that nobody renews the certificate"
        yield Finding("lease", Level.PROBLEM, said, _MADE_AGAIN)
        return
    remedy = "no replica leads, so that nobody renews the certificate: see their logs and RBAC"
    spec = lease.get("spec") or {}
    holder, renewed = spec.get("holderIdentity") or "", _moment(spec.get("renewTime"))
    if not holder or renewed is None:
        yield Finding("lease", Level.PROBLEM, "no replica holds the Lease", remedy)
    elif now - renewed > LEASE_SECONDS:
        said = f"{holder} holds the Lease and has not renewed it for {now - renewed:.0f} s"
        yield Finding("lease", Level.PROBLEM, said, remedy)
    else:
        yield Finding("lease", Level.OK, f"{holder} holds the Lease and renews it")


def _entries(answers: Answers) -> list[dict[str, Any]]:
    configuration = answers.configuration
    if not isinstance(configuration, dict):
        return []
    entries: list[dict[str, Any]] = configuration.get("webhooks") or []
    return entries


def _bundle(entry: dict[str, Any]) -> bytes:
    return _decoded((entry.get("clientConfig") or {}).get("caBundle"))


def _data(secret: dict[str, Any] | None, key: str) -> bytes:
    return _decoded(((secret or {}).get("data") or {}).get(key))


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(str(text or ""), validate=True)
    except binascii.Error:
        return b""


def _chain(pem: bytes) -> list[bytes]:
    parts = pem.decode("ascii", "replace").split(_END)
    return [f"{part}{_END}\n".encode() for part in parts if "-----BEGIN CERTIFICATE" in part]


def _hosts(leaf: bytes) -> list[str]:
    try:
        return authority.hosts_of(leaf)
    except ValueError:
        return []


def _secret_name(answers: Answers) -> str:
    return f"{answers.namespace}/{questions.certificate_secret(answers.deployment)}"


def _moment(text: object) -> float | None:
    try:
        return dt.datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None
