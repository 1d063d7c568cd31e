"""What we add to a pod: tokens, documents, plan, order, selection."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import VALUE
from tests.e2e.kubectl import create, eventually, kubectl, statuses
from tests.e2e.workloads import KEEP, container, ended, is_ready, phase, pod, read, run

if TYPE_CHECKING:
    from tests.e2e.aws import Aws
    from tests.e2e.conftest import Place

DB = {"file.db.json": "aws-secretsmanager:prod/db"}
KEY = {"env.API_KEY": "aws-ssm:/prod/api-key"}
TOKENS = "/var/run/secrets/kubernetes.io/serviceaccount"
LIST = f"import json,os; print(json.dumps(sorted(os.listdir({TOKENS!r}))))"
SEES = """
import json, os
print(json.dumps([os.path.exists("/secrets"), "API_KEY" in os.environ]))
"""


def _claims(token: str) -> dict[str, Any]:
    """The claims of a token, unverified."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return found


def _names(found: dict[str, Any], field: str = "initContainers") -> list[str]:
    return [one["name"] for one in found["spec"][field]]


def _named(found: dict[str, Any], name: str) -> dict[str, Any]:
    held = [*found["spec"]["initContainers"], *found["spec"]["containers"]]
    return next(one for one in held if one["name"] == name)


def _touches_ours(part: dict[str, Any]) -> bool:
    """Whether a container mounts a volume of ours, or has a variable from one."""
    mounts = any(one["name"].startswith("syrette-") for one in part.get("volumeMounts", ()))
    return mounts or any("fileKeyRef" in one.get("valueFrom", {}) for one in part.get("env", ()))


@pytest.mark.parametrize("where", ["nowhere", "pod", "service account"])
def test_our_containers_have_no_token_of_the_api_server(place: Place, where: str) -> None:
    """They hold the token for the provider and no other, wherever the automount is switched off."""
    if where == "service account":
        patch = '{"automountServiceAccountToken": false}'
        kubectl("-n", place.namespace, "patch", "serviceaccount", "web", "-p", patch)
    spec = {"automountServiceAccountToken": False} if where == "pod" else {}
    create(pod("tokens", place.namespace, DB, **spec))
    found = is_ready(place.namespace, "tokens")
    files = json.loads(run(place.namespace, "tokens", LIST, "syrette-sidecar"))
    token = read(place.namespace, "tokens", f"{TOKENS}/sts.amazonaws.com", "syrette-sidecar")
    has_api_token = any(one["name"].startswith("kube-api-") for one in found["spec"]["volumes"])

    assert [name for name in files if not name.startswith("..")] == ["sts.amazonaws.com"]
    assert _claims(token)["aud"] == ["sts.amazonaws.com"]
    assert has_api_token == (where == "nowhere")
    for name in ("syrette-init", "syrette-sidecar"):
        mounted = [one["name"] for one in _named(found, name)["volumeMounts"]]
        assert not any(one.startswith("kube-api-access") for one in mounted)


def test_a_plan_with_dollars_arrives_unchanged(place: Place) -> None:
    """Kubernetes expands `$(NAME)` and `$$` in variables; a template keeps its own."""
    text = "$$ $(PATH) $$(HOME) $(KUBERNETES_PORT) $(SYRETTE_POD_NAME) ${x} $"
    item = {"from": "aws-ssm:/prod/api-key", "file": "out", "template": f"{text} {{{{ value }}}}"}
    create(pod("dollars", place.namespace, {"secrets": json.dumps([item])}))
    is_ready(place.namespace, "dollars")

    assert read(place.namespace, "dollars", "/secrets/out") == f"{text} {VALUE}"


def test_variables_arrive_behind_a_native_proxy(place: Place) -> None:
    """With `order: last` the proxy runs before us, gets nothing, and does not hang for it."""
    proxy = container("proxy", restartPolicy="Always")
    annotations = {**KEY, **DB, "order": "last"}
    app = container()
    create(pod("meshed", place.namespace, annotations, app, initContainers=[proxy]))
    found = is_ready(place.namespace, "meshed")
    environment = read(place.namespace, "meshed", "/proc/1/environ")

    assert _names(found) == ["proxy", "syrette-init", "syrette-sidecar"]
    assert f"API_KEY={VALUE}" in environment
    assert json.loads(run(place.namespace, "meshed", SEES, "proxy")) == [False, False]


def test_a_proxy_that_comes_after_us_is_a_container_like_others(place: Place) -> None:
    """In the default order our init runs first, and a native sidecar has its variables, too."""
    proxy = container("proxy", restartPolicy="Always")
    create(pod("first", place.namespace, KEY, container(), initContainers=[proxy]))
    found = is_ready(place.namespace, "first")

    assert _names(found) == ["syrette-init", "syrette-sidecar", "proxy"]
    for name in ("proxy", "app"):
        environment = read(place.namespace, "first", "/proc/1/environ", name)
        assert f"API_KEY={VALUE}" in environment


def test_a_config_map_that_is_not_there_is_named_by_init(place: Place) -> None:
    """The pod is started without it, so that init can say what is missing, and about hashes."""
    annotations = {"file.x": "sops:configmap/absent/secrets.enc.yaml#db"}
    create(pod("sops", place.namespace, annotations, restartPolicy="Never"))
    found = phase(place.namespace, "sops", "Failed")
    message = statuses(found)["syrette-init"]["state"]["terminated"]["message"]

    assert "the ConfigMap `absent` has no key `secrets.enc.yaml`, or is not there" in message
    assert "where Kustomize puts a hash behind its name" in message
    assert "`sops:volume/<volume>/secrets.enc.yaml`" in message


def test_a_classic_sidecar_is_the_last_container_and_rotates(world: Aws, place: Place) -> None:
    """Where it is asked for, the sidecar is a regular container that does the same work."""
    name = f"classic/{place.namespace}"
    world.call("put_secret", name, "one")
    annotations = {"file.v": f"aws-secretsmanager:{name}", "sidecar": "classic", "refresh": "1s"}
    create(pod("classic", place.namespace, annotations))
    found = is_ready(place.namespace, "classic")
    world.call("rotate", name, "two")
    eventually(lambda: read(place.namespace, "classic", "/secrets/v") == "two", seconds=30)

    assert _names(found) == ["syrette-init"]
    assert _names(found, "containers") == ["app", "syrette-sidecar"]
    assert statuses(found)["syrette-sidecar"]["restartCount"] == 0


def test_a_classic_sidecar_ends_with_its_pod(place: Place) -> None:
    """Told to stop together with the application, it stops by itself, and is not killed."""
    made = pod("ended", place.namespace, {**DB, "sidecar": "classic"})
    made["metadata"]["finalizers"] = [KEEP]
    create(made)
    is_ready(place.namespace, "ended")
    found = ended(place.namespace, "ended")

    assert found["syrette-sidecar"]["exitCode"] == 0


def test_in_the_last_place_we_leave_earlier_init_containers_alone(place: Place) -> None:
    """With `order: last` the user's init containers run before the secrets are there."""
    early = container("migrate", code="import os; assert not os.path.exists('/secrets')")
    annotations = {**DB, "order": "last"}
    create(pod("late", place.namespace, annotations, initContainers=[early]))
    found = is_ready(place.namespace, "late")

    assert _names(found) == ["migrate", "syrette-init", "syrette-sidecar"]
    assert not _touches_ours(_named(found, "migrate"))
    assert VALUE in read(place.namespace, "late", "/secrets/db.json")


def test_in_the_first_place_init_containers_have_the_files(place: Place) -> None:
    """By default the user's init containers start after ours, and read the files."""
    early = container("migrate", code="import os; assert open('/secrets/db.json').read()")
    create(pod("early", place.namespace, DB, initContainers=[early]))
    found = is_ready(place.namespace, "early")

    assert _names(found) == ["syrette-init", "syrette-sidecar", "migrate"]
    assert statuses(found)["migrate"]["state"]["terminated"]["exitCode"] == 0


def test_a_container_that_is_not_selected_sees_nothing(place: Place) -> None:
    """It has neither mount nor variable, in the object and inside."""
    annotations = {**DB, **KEY, "containers": "app"}
    both = container(), container("other")
    create(pod("chosen", place.namespace, annotations, *both))
    found = is_ready(place.namespace, "chosen")
    inside = [json.loads(run(place.namespace, "chosen", SEES, name)) for name in ("app", "other")]

    assert _touches_ours(_named(found, "app"))
    assert not _touches_ours(_named(found, "other"))
    assert inside == [[True, True], [False, False]]
