"""What a user sees: annotated pods start with their secrets, and nobody else sees those."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.e2e.conftest import VALUE, Place
from tests.e2e.kubectl import (
    all_text,
    apply,
    create,
    eventually,
    execute,
    get,
    kubectl,
    pods,
    ready,
)
from tests.e2e.workloads import (
    KEEP,
    PYTHON,
    container,
    deployment,
    ended,
    is_ready,
    phase,
    pod,
    read,
)

if TYPE_CHECKING:
    from tests.e2e.aws import Aws

DB = {"file.db.json": "aws-secretsmanager:prod/db"}
SHOW = (
    "import os,sys,time; print(open('/secrets/db.json').read(), os.environ['API_KEY'], flush=True)"
)


def test_a_deployment_starts_with_files_and_variables(place: Place) -> None:
    """The application finds both, and no value is anywhere else."""
    url = {"name": "URL", "value": "https://api.internal/?key=$(API_KEY)"}
    app = container(code=f"{SHOW}; time.sleep(3600)", env=[url])
    annotations = {**DB, "env.API_KEY": "aws-ssm:/prod/api-key"}
    apply(deployment("web", pod("web", place.namespace, annotations, app)))
    found = eventually(lambda: [one for one in pods(place.namespace, "app=web") if ready(one)])[0]
    name = found["metadata"]["name"]
    ours = {c["name"]: c for c in found["spec"]["initContainers"]}
    token = next(v for v in found["spec"]["volumes"] if v["name"] == "syrette-identity")
    mounted = {m["mountPath"] for m in ours["syrette-init"]["volumeMounts"]}

    assert json.loads(read(place.namespace, name, "/secrets/db.json"))["password"] == VALUE
    environment = read(place.namespace, name, "/proc/1/environ").split("\0")
    assert f"API_KEY={VALUE}" in environment
    assert f"URL=https://api.internal/?key={VALUE}" in environment
    assert token["projected"]["sources"][0]["serviceAccountToken"]["audience"] == (
        "sts.amazonaws.com"
    )
    assert not any(
        m["name"].startswith("kube-api-access") for m in ours["syrette-init"]["volumeMounts"]
    )
    assert "/var/run/secrets/kubernetes.io/serviceaccount" in mounted
    shown = (
        all_text("-n", place.namespace, "get", "pods", "-o", "yaml")
        + all_text("-n", place.namespace, "get", "events", "-o", "yaml")
        + all_text("-n", place.namespace, "logs", name, "-c", "syrette-init")
        + all_text("-n", place.namespace, "logs", name, "-c", "syrette-sidecar")
        + all_text("-n", "syrette", "logs", "-l", "app.kubernetes.io/name=syrette", "--tail=-1")
    )
    assert "syrette-sidecar" in shown
    assert VALUE not in shown


def test_the_application_starts_after_its_files_and_the_sidecar_stops_after_it(
    place: Place,
) -> None:
    """Native order, seen from the kubelet's own timestamps."""
    code = (
        "import signal,sys,time; assert open('/secrets/db.json').read();"
        "signal.signal(15, lambda *_: (time.sleep(2), sys.exit(0))); signal.pause()"
    )
    made = pod("ordered", place.namespace, DB, container(code=code))
    made["metadata"]["finalizers"] = [KEEP]
    create(made)
    found = is_ready(place.namespace, "ordered")
    init = next(s for s in found["status"]["initContainerStatuses"] if s["name"] == "syrette-init")
    app = found["status"]["containerStatuses"][0]
    stopped = ended(place.namespace, "ordered")

    assert init["state"]["terminated"]["exitCode"] == 0
    assert init["state"]["terminated"]["finishedAt"] <= app["state"]["running"]["startedAt"]
    assert app["restartCount"] == 0
    assert stopped["app"]["exitCode"] == stopped["syrette-sidecar"]["exitCode"] == 0
    assert stopped["app"]["finishedAt"] <= stopped["syrette-sidecar"]["finishedAt"]


def test_a_job_completes_beside_the_sidecar(place: Place) -> None:
    """The Job is done when its container is; the sidecar does not hold it up."""
    template = pod("job", place.namespace, DB, container(code="open('/secrets/db.json').read()"))
    template["spec"]["restartPolicy"] = "Never"
    metadata = template["metadata"]
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job", "namespace": place.namespace},
        "spec": {
            "template": {
                "metadata": {"annotations": metadata["annotations"]},
                "spec": template["spec"],
            }
        },
    }
    apply(job)
    kubectl("-n", place.namespace, "wait", "--for=condition=complete", "job/job", "--timeout=60s")
    found = get("job", "job", place.namespace)

    assert found["status"]["succeeded"] == 1


def test_a_rotation_reaches_the_file_and_a_restart_the_variable(world: Aws, place: Place) -> None:
    """The sidecar publishes what was rotated; a container that restarts sees the new variable."""
    world.call("put_secret", f"rot/{place.namespace}", "one")
    reference = f"aws-secretsmanager:rot/{place.namespace}"
    annotations = {"file.value": reference, "env.VALUE": reference, "refresh": "2s"}
    create(pod("rotating", place.namespace, annotations))
    is_ready(place.namespace, "rotating")
    world.call("rotate", f"rot/{place.namespace}", "two")
    eventually(lambda: read(place.namespace, "rotating", "/secrets/value") == "two", seconds=30)
    before = read(place.namespace, "rotating", "/proc/1/environ")
    kill = "import os,signal; os.kill(1, signal.SIGTERM)"
    execute(place.namespace, "rotating", "app", PYTHON, "-c", kill)
    eventually(
        lambda: (
            get("pod", "rotating", place.namespace)["status"]["containerStatuses"][0][
                "restartCount"
            ]
            == 1
        )
    )
    is_ready(place.namespace, "rotating")
    after = read(place.namespace, "rotating", "/proc/1/environ")

    assert "VALUE=one" in before
    assert "VALUE=two" in after


def test_an_outage_of_the_provider_restarts_nothing(world: Aws, place: Place) -> None:
    """Ten failed refreshes later the files are there and no container was restarted."""
    create(pod("calm", place.namespace, {**DB, "refresh": "1s"}))
    is_ready(place.namespace, "calm")
    world.call("break_down", 503)
    try:
        eventually(
            lambda: (
                kubectl("-n", place.namespace, "logs", "calm", "-c", "syrette-sidecar").out.count(
                    "keeps its last good content"
                )
                >= 10
            )
        )
        found = get("pod", "calm", place.namespace)
        content = read(place.namespace, "calm", "/secrets/db.json")
    finally:
        world.call("come_back")

    assert VALUE in content
    assert ready(found)
    restarts = [
        s["restartCount"]
        for s in (
            *found["status"]["initContainerStatuses"],
            *found["status"]["containerStatuses"],
        )
    ]
    assert restarts == [0, 0, 0]


def test_a_missing_secret_fails_at_once_and_says_which(place: Place) -> None:
    """A definite no ends init with its exit code and a message that names everything."""
    annotations = {"file.x": "aws-secretsmanager:prod/missing"}
    create(pod("lost", place.namespace, annotations, restartPolicy="Never"))
    found = phase(place.namespace, "lost", "Failed")
    ended = found["status"]["initContainerStatuses"][0]["state"]["terminated"]

    assert ended["exitCode"] == 13
    for word in ("not-found", "prod/missing", "aws-secretsmanager", "eu-west-1"):
        assert word in ended["message"]
