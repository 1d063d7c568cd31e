"""
The pods that are admitted, as the API server posts them, and the operator's files. Pure.

A size is that of the whole review in bytes, filled up with what fills pods in reality: variables.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from benchmarks.world import NAMESPACE, POD, SERVICE_ACCOUNT, secret

if TYPE_CHECKING:
    from collections.abc import Callable

REGION: Final = "eu-west-1"
POD_UID: Final = "5b0c1a44-6f0e-4a51-9f0a-2f1c6c9d7e10"
SMALL: Final = 10 * 1000
LARGE: Final = 65 * 1000
TOKEN_VOLUME: Final = "kube-api-access-#####"  # noqa: S105 - a name
"""Of a name that each pod has for itself."""
_VARIABLES: Final = 400


def short_form(secrets: int, name: Callable[[int], str] = secret, **options: str) -> dict[str, str]:
    """Annotations of files, one a secret, with further options by their key."""
    files = {
        f"syrette.dev/file.s{number:02}": f"aws-secretsmanager:{name(number)}"
        for number in range(secrets)
    }
    return files | {f"syrette.dev/{key.replace('_', '-')}": text for key, text in options.items()}


def long_form() -> dict[str, str]:
    """Annotations of the same five secrets as YAML, one of them in a template."""
    text = f"""
- aws-secretsmanager:{secret(0)}
- from: aws-secretsmanager:{secret(1)}
  file: db/app.properties
  mode: "0440"
- from: aws-secretsmanager:{secret(2)}
  file: db/ca.pem
  refresh: 30m
  containers: [app]
- from:
    db: aws-secretsmanager:{secret(3)}
    ca: aws-secretsmanager:{secret(4)}
  file: conf.ini
  template: |
    [db]
    password={{{{ db }}}}
    {{% for line in ca.splitlines() %}}
    ca={{{{ line }}}}
    {{% endfor %}}
"""
    return {"syrette.dev/secrets": text}


def pod(annotations: dict[str, str], app: str = "web", revision: str = "") -> dict[str, Any]:
    """
    A pod of a Deployment with two containers, as the API server sends it to webhooks.

    Args:
        annotations: its own.
        app: name of the Deployment.
        revision: in a variable of the template; `#####` makes a template of each pod.
    """
    token = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
    mounts: list[dict[str, Any]] = [
        {"name": "cache", "mountPath": "/var/cache"},
        {"name": TOKEN_VOLUME, "mountPath": token, "readOnly": True},
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{app}-7d9f8b6c5-",
            "namespace": NAMESPACE,
            "labels": {"app": app, "pod-template-hash": "7d9f8b6c5"},
            "annotations": annotations,
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": f"{app}-7d9f8b6c5",
                    "uid": "0a3e5f52-58ae-4cb9-8bb5-0b6a2ed6b0c6",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "serviceAccountName": SERVICE_ACCOUNT,
            "restartPolicy": "Always",
            "securityContext": {"fsGroup": 2000, "runAsNonRoot": True},
            "volumes": [{"name": "cache", "emptyDir": {}}, _token_volume()],
            "containers": [
                _container("app", app, revision, mounts),
                _container("metrics", app, revision, mounts),
            ],
        },
    }


def _token_volume() -> dict[str, Any]:
    """The volume that the ServiceAccount admission plugin adds before webhooks are asked."""
    token = {"expirationSeconds": 3607, "path": "token"}
    bundle = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    return {
        "name": TOKEN_VOLUME,
        "projected": {
            "sources": [{"serviceAccountToken": token}, {"configMap": bundle}],
            "defaultMode": 420,
        },
    }


def _container(name: str, app: str, revision: str, mounts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "image": f"registry.acme.io/shop/{app}-{name}@sha256:{'ab' * 32}",
        "ports": [{"containerPort": 8000, "protocol": "TCP"}],
        "env": [{"name": "REVISION", "value": revision}],
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"memory": "256Mi"},
        },
        "volumeMounts": mounts,
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8000}, "periodSeconds": 5},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }


def review(document: dict[str, Any], size: int = 0) -> bytes:
    """
    Wrap a pod as the API server does, and fill it up.

    Args:
        document: the pod; it is filled up in place.
        size: of the review in bytes; 0 fills nothing up.

    Raises:
        ValueError: if it is larger already.
    """
    whole = {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "6f3c1b2e-9a41-4bd0-8f0e-1d2c3b4#####",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
            "requestResource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": NAMESPACE,
            "operation": "CREATE",
            "userInfo": {
                "username": "system:serviceaccount:kube-system:replicaset-controller",
                "groups": ["system:serviceaccounts", "system:authenticated"],
            },
            "object": document,
            "oldObject": None,
            "dryRun": False,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    }
    if size:
        _fill(document, size - len(_bytes(whole)))
    return _bytes(whole)


def _fill(document: dict[str, Any], missing: int) -> None:
    """Give both containers variables until the review has its size, to the byte."""
    if missing < _VARIABLES:
        msg = f"a review of this pod is larger than asked for, by {_VARIABLES - missing} bytes"
        raise ValueError(msg)
    containers = document["spec"]["containers"]
    number = 0
    while missing:
        variable = {"name": f"SETTING_{number:04}", "value": ""}
        variables = containers[number % len(containers)]["env"]
        comma = 1 if variables else 0
        cost = len(_bytes(variable)) + comma
        # The last one takes what is left, so that no rest is too small for another.
        length = missing - cost if missing < 3 * cost else min(cost, missing - cost)
        variable["value"] = "v" * length
        variables.append(variable)
        missing -= cost + length
        number += 1


def _bytes(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def operator_config(about: dict[str, Any]) -> dict[str, Any]:
    """Give an operator's document with policy, which YAML reads as JSON, for a world of AWS."""
    return {
        "cluster": "bench",
        "defaults": {"aws.region": REGION, "aws.session-name": "{namespace}_{service-account}"},
        "ca-bundle": about["ca"],
        "endpoints": {f"aws.{name}": url for name, url in about["endpoints"].items()},
        "policy": [
            {
                "name": "platform",
                "namespaces": ["platform"],
                "allow": {"stores": {"*": ["**"]}, "ambient": True},
            },
            {
                "name": "teams",
                "namespaces": {"labels": {"team": "*"}},
                "allow": {
                    "stores": {
                        "aws-ssm": ["/prod/{namespace.labels.team}/**"],
                        "aws-secretsmanager": ["prod/{namespace.labels.team}/**", "bench/*"],
                    },
                    "roles": ["arn:aws:iam::111122223333:role/*"],
                    "on-change": ["signal"],
                },
            },
        ],
    }


def cluster_facts(role: str) -> dict[str, Any]:
    """Give the cluster's facts: the namespace, its limits, and the account's role, if any."""
    annotations = {"eks.amazonaws.com/role-arn": role} if role else {}
    return {
        "kubernetes-version": "1.35",
        "namespaces": {
            NAMESPACE: {
                "labels": {"team": "shop"},
                "annotations": {"syrette.dev/refresh": "30m"},
                "service-accounts": {SERVICE_ACCOUNT: {"annotations": annotations}},
                "limit-ranges": [{"min": {"cpu": "10m"}, "max": {"memory": "4Gi"}}],
            }
        },
    }


def downward(name: str) -> str:
    """
    Give the value of a downward API field of the pod.

    Raises:
        KeyError: for a field that our containers do not ask for.
    """
    return {
        "metadata.name": POD,
        "metadata.uid": POD_UID,
        "metadata.namespace": NAMESPACE,
        "spec.serviceAccountName": SERVICE_ACCOUNT,
    }[name]
