"""A simulated cluster with the chart's own objects in it, as healthy as a test leaves it."""

from __future__ import annotations

import base64
import datetime as dt
import time
from typing import TYPE_CHECKING, Any, Final

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from syrette.__main__ import main
from tests.house.source import ROOT
from tests.syrette.place import Said
from webhook import settings
from webhook.context import Context
from webhook.mutation import mutate
from webhook.review import AdmissionRequest, Denied
from webhook.tls import authority
from webhook.tls.authority import Pair
from worlds.kubernetes.store import ApiStatusError

if TYPE_CHECKING:
    import pytest

    from worlds.kubernetes import KubernetesWorld
    from worlds.kubernetes.store import Object

REGISTRATION: Final = "/apis/admissionregistration.k8s.io/v1"
LEASES: Final = "/apis/coordination.k8s.io/v1"
HOST: Final = "syrette.syrette.svc"
_PLURALS: Final = {"ValidatingAdmissionPolicy": "validatingadmissionpolicies"}


class Installed:
    """
    What `helm install` leaves, and a person who asks the doctor.

    Args:
        cluster: its API server.
        capture: what the command prints.
    """

    def __init__(self, cluster: KubernetesWorld, capture: pytest.CaptureFixture[str]) -> None:
        self.cluster = cluster
        self._capture = capture
        manifests = yaml.safe_load_all((ROOT / "deploy/manifests/syrette.yaml").read_text())
        self._objects = {(one["kind"], one["metadata"]["name"]): one for one in manifests if one}
        for kind, name in self._objects:
            self.put(kind, name)
        self.deployed(ready=2)
        self.authority = authority.make_authority(time.time())
        self.serve(authority.issue(self.authority, [HOST], time.time()))
        self.trust(self.authority.certificate, self.authority.certificate)
        self.renew(time.time())
        for name in ("default", "kube-system", "shop", "syrette"):
            cluster.apply("namespaces", name)
        cluster.node("node-1", "v1.37.1")
        cluster.admission = self.webhook

    def put(self, kind: str, name: str, **fields: Any) -> None:  # noqa: ANN401 - of any object
        """Apply an object of the chart, with some fields changed."""
        found = {**self._objects[kind, name], **fields}
        version = found["apiVersion"]
        self.cluster.apply(
            _PLURALS.get(kind, f"{kind.lower()}s"),
            name,
            namespace=found["metadata"].get("namespace", ""),
            base=f"/apis/{version}" if "/" in version else f"/api/{version}",
            **{key: value for key, value in found.items() if key not in {"apiVersion", "kind"}},
        )

    def deployed(self, ready: int) -> None:
        """Say how many of two replicas are ready."""
        self.put("Deployment", "syrette", status={"readyReplicas": ready})

    def serve(self, pair: Pair, *further: bytes) -> None:
        """Put a certificate, and what leads to its authority, into the Secret."""
        chain = b"".join((pair.certificate, *further))
        data = {"tls.crt": base64.b64encode(chain).decode()}
        self.put("Secret", "syrette-certificate", data=data)

    def trust(self, *bundles: bytes) -> None:
        """Give each webhook entry a caBundle; entries beyond are left out."""
        entries = self._objects["MutatingWebhookConfiguration", "injection.syrette.dev"]["webhooks"]
        webhooks = [
            {**entry, "clientConfig": {**entry["clientConfig"], "caBundle": _base64(bundle)}}
            for entry, bundle in zip(entries, bundles, strict=False)
        ]
        self.put("MutatingWebhookConfiguration", "injection.syrette.dev", webhooks=webhooks)

    def renew(self, moment: float, holder: str = "syrette-1") -> None:
        """Let a replica have renewed the Lease then (seconds since the epoch)."""
        said = dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": holder, "renewTime": said}
        self.put("Lease", "syrette-leader", spec=spec)

    def pod(self, name: str, phase: str = "Running", **annotations: str) -> None:
        """Put a pod into `shop`; `_` in a key stands for `.`."""
        given = {f"syrette.dev/{key.replace('_', '.')}": text for key, text in annotations.items()}
        metadata = {"annotations": given}
        self.cluster.apply(
            "pods", name, namespace="shop", metadata=metadata, status={"phase": phase}
        )

    def webhook(self, pod: Object, namespace: str) -> Object:
        """Decide as our webhook does, and refuse in the API server's words."""
        request = AdmissionRequest("1", "CREATE", namespace, "default", pod)
        verdict = mutate(request, Context(namespace), settings.load(""))
        if isinstance(verdict, Denied):
            head = 'admission webhook "pods.injection.syrette.dev" denied the request: '
            raise ApiStatusError(400, "BadRequest", head + verdict.message)
        return pod

    def ask(self, *words: str) -> Said:
        """Type `syrette doctor`."""
        code = main(["doctor", "--kubeconfig", str(self.cluster.kubeconfig), *words])
        said = self._capture.readouterr()
        return Said(code, said.out, said.err)

    def finding(self, check: str, *words: str) -> dict[str, Any]:
        """Give the first finding that is not good about one thing, with the exit code in it."""
        said = self.ask("-o", "json", *words)
        found = [one for one in said.json["findings"] if one["check"] == check]
        bad = [one for one in found if one["level"] != "ok"]
        return {**(bad or found)[0], "code": said.code}


def intermediate(root: Pair) -> Pair:
    """Make an authority that another one has signed."""
    made = authority.make_authority(time.time())
    found = x509.load_pem_x509_certificate(made.certificate)
    signer = x509.load_pem_x509_certificate(root.certificate)
    key = serialization.load_pem_private_key(root.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder(
        signer.subject,
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "between")]),
        found.public_key(),
        found.serial_number,
        found.not_valid_before_utc,
        found.not_valid_after_utc,
    )
    for extension in found.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    signed = builder.sign(key, hashes.SHA256())
    return Pair(signed.public_bytes(serialization.Encoding.PEM), made.key)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
