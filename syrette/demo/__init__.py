"""
`syrette demo`: the main job, end to end, on this machine, on AWS or on Vault.

No root, no cluster, no cloud account: the webhook, the injector and the files are real, and so is
OpenBao; AWS, the API server and the kubelet are the simulators of `worlds`. Every step must come
out as it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syrette.demo.screen import Screen
from syrette.demo.stage import DEPLOYMENT, PATIENCE, Stage, deployment_of
from syrette.demo.steps import STEPS
from syrette.demo.waiting import StepError
from syrette.signals import ending_on_signals, undisturbed_end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_FAILED: Final = 1


def demo(
    steps: Sequence[Callable[[Stage], None]] = STEPS,
    *,
    deployment: Path = DEPLOYMENT,
    screen: Screen | None = None,
    patience: float = PATIENCE,
) -> int:
    """
    Run the steps, and end everything that they have started.

    Args:
        steps: in order; each one's docstring is its title.
        deployment: file of the Deployment that they apply.
        screen: where to print; standard output when absent.
        patience: seconds to wait for anything that should happen.

    Returns:
        0, or 1 when a step failed.
    """
    screen = screen or Screen()
    screen.title("Syrette: secrets for a pod, from its annotations to its files")
    stage = Stage(screen, patience, deployment_of(deployment))
    with ending_on_signals(), stage, undisturbed_end():
        for step in steps:
            screen.step(_title(step))
            try:
                step(stage)
            except StepError as exc:
                screen.failed(str(exc))
                return _FAILED
            screen.done()
    screen.end("all steps came out as they should, and nothing is left running")
    return 0


def demo_of_vault() -> int:
    """Run the steps on Vault; the exit code."""
    # The other demonstration does without its servers.
    from syrette.demo import vault, vault_steps  # noqa: PLC0415

    return demo(vault_steps.STEPS, deployment=vault.DEPLOYMENT)


def _title(step: Callable[[Stage], None]) -> str:
    return (step.__doc__ or step.__name__).strip().splitlines()[0].removesuffix(".")
