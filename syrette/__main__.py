"""
Composition root of the command line: arguments in, one command, an exit code out.

Exit codes: 0 done, 1 a step failed (`demo`), something is wrong (`doctor`) or the output could not
be written, 2 bad input or a cluster that cannot be asked, with every problem on standard error, 3
something has no equivalent (`convert`); `fetch` and `check` end with the init container's exit
codes.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from syrette.errors import InputError, OutputError, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syrette.decisions import Decision
    from syrette.inputs import Inputs
    from webhook.settings import Settings

FAILED: Final = 1
BAD_INPUT: Final = 2
INCOMPLETE: Final = 3
INTERRUPTED: Final = 128 + 2  # what a shell says of a program that SIGINT has ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    _prepare_streams()
    parsed = _parser().parse_args(arguments)
    try:
        code = int(parsed.run(parsed))
        _write("")
    except InputError as exc:
        for problem in exc.problems:
            print(f"syrette: {printable(problem)}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        # The reader of our output went away (`syrette … | head`): nobody is left to tell.
        _silence_output()
        return FAILED
    except OutputError as exc:
        print(f"syrette: {exc}", file=sys.stderr)
        _silence_output()
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _prepare_streams() -> None:
    # A stream that the caller has closed is None: what is said there is lost, as the caller wished.
    if sys.stdout is None:
        sys.stdout = io.StringIO()
    if sys.stderr is None:
        sys.stderr = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Manifests are UTF-8 whatever the locale, and what cannot be said is no reason to fail.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _write(text: str) -> None:
    """Write all of it now; before the problems, where both go to one terminal."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as exc:
        raise OutputError(f"standard output: {exc.strerror}") from exc


def _silence_output() -> None:
    # The interpreter must not try once more at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="syrette",
        description="Secrets for pods: what an annotation does, and what a cluster makes of it.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    render = commands.add_parser(
        "render", help="print the manifests as the webhook would make them"
    )
    _manifest_arguments(render)
    render.add_argument("--diff", action="store_true", help="print the difference only")
    render.set_defaults(run=_render)
    explain = commands.add_parser(
        "explain", help="say which identity, roles and calls each secret will use"
    )
    _manifest_arguments(explain)
    explain.set_defaults(run=_explain)
    fetch = commands.add_parser(
        "fetch", help="write the secrets here, with your own cloud credentials"
    )
    _manifest_arguments(fetch)
    fetch.add_argument("--out", required=True, type=Path, metavar="DIR", help="where to write")
    fetch.add_argument("--pod", metavar="KIND/NAME", help="which workload, when there are several")
    fetch.add_argument(
        "--without-roles",
        action="store_true",
        help="leave out the role chains of the stores and read with your own role",
    )
    fetch.set_defaults(run=_fetch)
    convert = commands.add_parser(
        "convert",
        help="print manifests of Vault's Agent Injector, the Secrets Store CSI driver or the "
        "External Secrets Operator with annotations of ours",
    )
    _filename_argument(convert)
    convert.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="of the report"
    )
    convert.set_defaults(run=_convert)
    _cluster_commands(commands)
    demo = commands.add_parser("demo", help="the main job, end to end, on this machine")
    demo.add_argument(
        "--vault", action="store_true", help="on the real OpenBao, in place of a simulated AWS"
    )
    demo.set_defaults(run=_demo)
    return parser


def _cluster_commands(commands: Any) -> None:  # noqa: ANN401 - argparse does not name the type
    check = commands.add_parser(
        "check", help="read every secret as a service account of a cluster, and show no value"
    )
    _input_arguments(check)
    check.add_argument("-n", "--namespace", required=True, help="of the service account")
    check.add_argument(
        "--service-account", required=True, metavar="NAME", help="tokens are asked for it alone"
    )
    check.set_defaults(run=_check, kubernetes_version=None)
    doctor = commands.add_parser(
        "doctor", help="say what is wrong with the installation in a cluster, and what to do"
    )
    doctor.add_argument(
        "--namespace", default="syrette", help="of the installation; default syrette"
    )
    doctor.add_argument(
        "--probe-namespace", metavar="NAME", help="for the pod that is refused; default any"
    )
    doctor.set_defaults(run=_doctor)
    for command in (check, doctor):
        command.add_argument(
            "--kubeconfig", type=Path, metavar="FILE", help="default what kubectl would use"
        )
        command.add_argument("-o", "--output", choices=("text", "json"), default="text")


def _filename_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-f",
        "--filename",
        action="append",
        dest="filenames",
        required=True,
        metavar="FILE",
        help="manifests; - is standard input; may be given again",
    )


def _input_arguments(command: argparse.ArgumentParser) -> None:
    _filename_argument(command)
    command.add_argument("--config", type=Path, metavar="FILE", help="the operator's configuration")


def _manifest_arguments(command: argparse.ArgumentParser) -> None:
    _input_arguments(command)
    command.add_argument(
        "-n", "--namespace", default="default", help="for manifests that name none"
    )
    command.add_argument(
        "--kubernetes-version", metavar="X.Y", help="of the cluster; default the newest known"
    )


def _decided(inputs: Inputs, settings: Settings | None = None) -> list[Decision]:
    from syrette import decisions  # noqa: PLC0415 - `--help` need not wait for it

    decided = decisions.decide(
        inputs.manifests,
        settings or inputs.settings,
        namespace=inputs.namespace,
        version=inputs.version,
    )
    if not decided:
        raise InputError(f"{inputs.source}: no Pod and nothing that makes pods")
    return decided


def _render(parsed: argparse.Namespace) -> int:
    from syrette import inputs  # noqa: PLC0415 - as above
    from syrette.render import render, warnings  # noqa: PLC0415 - only this command needs it

    given = inputs.read(parsed)
    decided = _decided(given)
    for warning in warnings(decided):
        print(f"warning: {printable(warning)}", file=sys.stderr)
    _write(render(given.manifests, decided, diff=parsed.diff))
    return 0


def _explain(parsed: argparse.Namespace) -> int:
    from syrette import inputs  # noqa: PLC0415 - as above
    from syrette.explain import explain  # noqa: PLC0415 - only this command needs it
    from syrette.render import refusals  # noqa: PLC0415 - as above

    decided = _decided(inputs.read(parsed))
    _write(printable(explain(decided)))
    refused = refusals(decided)
    if refused:
        raise refused
    return 0


def _fetch(parsed: argparse.Namespace) -> int:
    from syrette import fetch, inputs  # noqa: PLC0415 - only this command needs them
    from syrette.local import permitting_ambient  # noqa: PLC0415 - as above

    given = inputs.read(parsed)
    strict = _decided(given)
    lenient = _decided(given, permitting_ambient(given.settings))
    chosen = fetch.choose(strict, lenient, parsed.pod)
    return fetch.fetch(chosen, parsed.out, without_roles=parsed.without_roles)


def _convert(parsed: argparse.Namespace) -> int:
    from syrette import documents, inputs, manifests  # noqa: PLC0415 - only this command needs them
    from syrette.convert import convert, report  # noqa: PLC0415 - as above

    source, given = inputs.read_manifests(parsed.filenames)
    converted = convert(given)
    if not converted.reports and not any(manifests.workloads(given)):
        raise InputError(f"{source}: no Pod and nothing that makes pods")
    _write(documents.dump(converted.documents))
    if parsed.output == "json":
        print(report.as_json(converted.reports, converted.todo), file=sys.stderr)
    else:
        print(printable(report.text(converted.reports, converted.todo)), file=sys.stderr)
    return 0 if converted.complete else INCOMPLETE


def _check(parsed: argparse.Namespace) -> int:
    from syrette import inputs  # noqa: PLC0415 - as above
    from syrette.check import Asked, check  # noqa: PLC0415 - only this command needs it

    given = inputs.read(parsed)
    return check(Asked(given, parsed.service_account, parsed.kubeconfig, parsed.output))


def _doctor(parsed: argparse.Namespace) -> int:
    from syrette.doctor import Asked, doctor  # noqa: PLC0415 - only this command needs it

    return doctor(Asked(parsed.namespace, parsed.probe_namespace, parsed.kubeconfig, parsed.output))


def _demo(parsed: argparse.Namespace) -> int:
    from syrette.demo import demo, demo_of_vault  # noqa: PLC0415 - only this command needs them

    return demo_of_vault() if parsed.vault else demo()


if __name__ == "__main__":
    sys.exit(main())
