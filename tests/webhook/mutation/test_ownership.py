"""Who can read the files, and which warnings say so."""

from __future__ import annotations

from typing import Any

import pytest

from injector.contract import names
from tests.webhook.mutation.pods import container, context, patched, plan_of, pod, warnings

READABLE = "files are readable by every uid of the pod"
WIDENED = "other projected tokens of the pod become 0644"


def specification(pod_uid: int | None, *uids: int | None, group: int | None = None) -> Any:  # noqa: ANN401 - keyword arguments
    """A pod's specification with these uids."""
    level = {"runAsUser": pod_uid, "fsGroup": group}
    containers = [
        {"name": f"c{index}", "image": "c:1", "securityContext": {"runAsUser": uid} if uid else {}}
        for index, uid in enumerate(uids)
    ]
    return {
        "securityContext": {key: value for key, value in level.items() if value is not None},
        "containers": containers,
    }


@pytest.mark.parametrize(
    ("spec", "uid", "mode", "said"),
    [
        (specification(None, None), 65532, 0o444, [READABLE]),
        (specification(None, None, group=2000), 65532, 0o440, []),
        (specification(1000, None, None), 1000, 0o400, []),
        (specification(1000, None, None, group=2000), 1000, 0o440, []),
        (specification(None, 1001, 1001), 1001, 0o400, []),
        (specification(1000, None, 1001), 65532, 0o444, [READABLE]),
        (specification(1000, 1001), 1001, 0o400, []),
        (specification(0, None), 65532, 0o444, [READABLE, WIDENED]),
        (specification(0, None, group=0), 65532, 0o440, []),
        (specification(None, 1000, None), 65532, 0o444, [READABLE]),
    ],
)
def test_owner_and_mode_follow_from_the_pod(
    spec: dict[str, Any], uid: int, mode: int, said: list[str]
) -> None:
    """By group, by one known uid, or else by everybody, with a warning."""
    document = pod(**spec)
    result = patched(document)
    told = [text for text in warnings(document) if "Burstable" not in text]

    assert container(result, names.INIT_CONTAINER)["securityContext"]["runAsUser"] == uid
    assert container(result, names.SIDECAR_CONTAINER)["securityContext"]["runAsUser"] == uid
    assert plan_of(result).secrets[0].mode == mode
    assert [text[: len(start)] for text, start in zip(told, said, strict=True)] == said


def test_readers_alone_count() -> None:
    """A container without files does not widen their mode."""
    document = pod(
        {"syrette.dev/file.a": "aws-ssm:/a", "syrette.dev/containers": "c0"},
        **specification(None, 1000, 2000),
    )

    assert plan_of(patched(document)).secrets[0].mode == 0o400


def test_a_mode_that_is_given_is_taken() -> None:
    """The item's mode wins over the pod's, and nothing surprises any more."""
    items = "- {from: 'aws-ssm:/a', file: a, mode: '0400'}\n- {from: 'aws-ssm:/b', file: b}"
    document = pod({"syrette.dev/secrets": items, "syrette.dev/mode": "0440"})
    secrets = plan_of(patched(document)).secrets

    assert [secret.mode for secret in secrets] == [0o400, 0o440]
    assert not any(READABLE in text for text in warnings(document))


def test_openshift_gives_the_uid() -> None:
    """On OpenShift the uid is left out unless the pod has one."""
    around = context(openshift=True)
    left = patched(pod(), around)
    known = patched(pod(securityContext={"runAsUser": 1000680000}), around)

    assert "runAsUser" not in container(left, names.INIT_CONTAINER)["securityContext"]
    assert container(known, names.INIT_CONTAINER)["securityContext"]["runAsUser"] == 1000680000


def test_variables_are_nobodys_to_read() -> None:
    """An EnvFile is read by the kubelet only: 0400, mounted in none of the pod's containers."""
    result = patched(pod({"syrette.dev/env.A": "aws-ssm:/a"}))

    assert plan_of(result).secrets[0].mode == 0o400
    assert "volumeMounts" not in container(result, "web")
    assert not any(READABLE in text for text in warnings(pod({"syrette.dev/env.A": "aws-ssm:/a"})))


def test_the_uid_of_the_one_that_is_signalled_is_ours() -> None:
    """The container that is called like the process lends the sidecar its uid."""
    annotations = {"syrette.dev/file.a": "aws-ssm:/a", "syrette.dev/on-change": "signal:SIGHUP:c1"}
    result = patched(pod(annotations, **specification(None, 1000, 2000)))

    assert container(result, names.SIDECAR_CONTAINER)["securityContext"]["runAsUser"] == 2000
    assert plan_of(result).secrets[0].mode == 0o444
    assert result["spec"]["shareProcessNamespace"] is True


def test_a_signal_to_one_of_the_readers_keeps_the_modes() -> None:
    """When readers have one uid and the signalled container another, files are opened."""
    items = (
        "- {from: 'aws-ssm:/a', file: a, containers: [c0]}\n"
        "- {from: 'aws-ssm:/b', env: B, containers: [c1], on-change: 'signal:SIGHUP:x'}"
    )
    result = patched(pod({"syrette.dev/secrets": items}, **specification(None, 1000, 2000)))

    assert container(result, names.SIDECAR_CONTAINER)["securityContext"]["runAsUser"] == 2000
    assert [secret.mode for secret in plan_of(result).secrets] == [0o444, 0o400]
