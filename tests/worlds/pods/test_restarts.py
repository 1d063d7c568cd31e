"""What follows the end of a container, by policy, kind and exit code."""

from __future__ import annotations

from typing import Any

import pytest

from tests.worlds.pods.pods import container, pod
from worlds.pods.restarts import After, after, pause
from worlds.pods.spec import read

IN = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [97, 98]}}
NOT_IN = {"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [0, 1]}}


def follows(field: str, policy: str, code: int, **fields: Any) -> After:  # noqa: ANN401 - of a container
    """What follows in a pod of this policy."""
    document = pod(container("app"), restartPolicy=policy)
    document["spec"].setdefault(field, []).append(container("it", **fields))
    return after(read(document).container("it"), code)


@pytest.mark.parametrize(
    ("policy", "code", "what"),
    [
        ("Always", 0, After.RESTART),
        ("Always", 1, After.RESTART),
        ("OnFailure", 0, After.NOTHING),
        ("OnFailure", 137, After.RESTART),
        ("Never", 0, After.NOTHING),
        ("Never", 1, After.NOTHING),
    ],
)
def test_a_regular_container_follows_the_pod(policy: str, code: int, what: After) -> None:
    """The pod's policy is that of its containers."""
    assert follows("containers", policy, code) is what


@pytest.mark.parametrize(
    ("policy", "code", "what"),
    [
        ("Always", 0, After.NOTHING),
        ("Always", 1, After.RESTART),
        ("OnFailure", 1, After.RESTART),
        ("Never", 1, After.NOTHING),
    ],
)
def test_an_init_container_has_to_succeed_once(policy: str, code: int, what: After) -> None:
    """`Always` does not start it again after a good end."""
    assert follows("initContainers", policy, code) is what


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never"])
@pytest.mark.parametrize("code", [0, 1])
def test_a_sidecar_is_always_restarted(policy: str, code: int) -> None:
    """In jobs, too."""
    assert follows("initContainers", policy, code, restartPolicy="Always") is After.RESTART


def test_a_container_may_have_a_policy_of_its_own() -> None:
    """It goes before the pod's."""
    assert follows("containers", "Never", 1, restartPolicy="OnFailure") is After.RESTART


@pytest.mark.parametrize(
    ("rules", "code", "what"),
    [
        ([IN], 97, After.RESTART_ALL),
        ([IN], 96, After.NOTHING),
        ([NOT_IN], 96, After.RESTART),
        ([NOT_IN], 1, After.NOTHING),
        ([NOT_IN, IN], 97, After.RESTART),
        ([IN, NOT_IN], 97, After.RESTART_ALL),
    ],
)
def test_the_first_rule_that_matches_decides(
    rules: list[dict[str, Any]], code: int, what: After
) -> None:
    """Rules over exit codes go before the policy."""
    found = follows("containers", "Always", code, restartPolicy="Never", restartPolicyRules=rules)

    assert found is what


def test_back_off_doubles_up_to_a_bound() -> None:
    """As the kubelet's 10 s that become five minutes."""
    assert [pause(restarts, 0.1) for restarts in (0, 1, 2, 5, 50)] == [0.1, 0.2, 0.4, 3.2, 3.2]
