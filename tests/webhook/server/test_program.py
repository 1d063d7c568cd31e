"""`python -m webhook`: what it is told, what it refuses, and that it decides real reviews."""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.webhook.server.client import PATIENCE, Client, Reply, post
from tests.webhook.server.house import PKI
from tests.webhook.server.test_admission import pod, response
from tests.webhook.server.test_workloads import review

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTS = "namespaces: {payments: {service-accounts: {ledger: {}}}}\n"
HOSTILE = {
    "brackets": {"syrette.dev/secrets": "[" * 100_000},
    "braces": {"syrette.dev/secrets": "{a: " * 50_000},
    "anchors": {"syrette.dev/secrets": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"},
    "keys": {f"syrette.dev/unknown-{number}": "x" for number in range(10_000)},
    "template": {"syrette.dev/template.a": "{{ 10 ** 10 ** 10 }}"},
    "reference": {"syrette.dev/file.a": "aws-ssm:/" + "%" * 100_000},
    "control": {"syrette.dev/file.a": "\x00\x1b[2J\ud7ff"},
}


class Webhook:
    """The real program."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.pki = PKI(folder)
        (folder / "facts.yaml").write_text(FACTS)
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "webhook", "--listen", "127.0.0.1:0"),
                *("--metrics-listen", "127.0.0.1:0", "--drain-seconds", "0"),
                *("--tls-cert", str(self.pki.certificate), "--tls-key", str(self.pki.key)),
                *("--cluster-facts", str(folder / "facts.yaml"), *arguments),
            ],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        line = msgspec.json.decode(self._process.stdout.readline())
        self._port: int = line["port"]
        self._metrics_port: int = line["metrics_port"]

    def ask(self, body: bytes, path: str = "/mutate?timeout=5s") -> Reply:
        """Post one body."""
        with Client(self._port, self.pki.client()) as client:
            return client.ask(post(body, path=path))

    def plain(self) -> Client:
        """A TCP connection to the admission port."""
        return Client(self._port)

    def metrics(self) -> list[str]:
        """The lines of /metrics."""
        with Client(self._metrics_port) as client:
            reply = client.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        return reply.body.decode().splitlines()

    def limit_descriptors(self, number: int) -> None:
        """Let it have that many."""
        resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, (number, number))

    def end(self) -> tuple[int, bytes]:
        """End it; gives exit code and log."""
        self._process.send_signal(signal.SIGTERM)
        output, _ = self._process.communicate(timeout=PATIENCE)
        return self._process.returncode, output

    def close(self) -> None:
        """Leave nothing behind."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def webhook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    """One server for the module; no test harms it."""
    with contextlib.closing(Webhook(tmp_path_factory.mktemp("webhook"))) as webhook:
        yield webhook


def test_a_real_review_is_decided(webhook: Webhook) -> None:
    """A pod that names no region learns what is missing."""
    reply = webhook.ask(pod())

    assert reply.status == 200
    assert response(reply.body)["uid"] == "u-1"
    assert response(reply.body)["allowed"] is False


def test_a_pod_that_asks_for_nothing_passes(webhook: Webhook) -> None:
    """It is not touched."""
    plain = {"metadata": {"name": "web"}, "spec": {"serviceAccountName": "ledger"}}
    reply = webhook.ask(pod(change={"object": {**plain, "apiVersion": "v1", "kind": "Pod"}}))

    assert response(reply.body) == {"uid": "u-1", "allowed": True}


@pytest.mark.parametrize("annotations", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_annotations_are_denied_and_survived(
    webhook: Webhook, annotations: dict[str, str]
) -> None:
    """Each is a readable denial, and the next pod is decided."""
    spec = {"serviceAccountName": "ledger", "containers": [{"name": "app", "image": "x"}]}
    metadata = {"name": "web", "annotations": annotations}
    whole = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    body = pod(change={"object": whole})
    reply = webhook.ask(body)

    assert reply.status == 200
    assert response(reply.body)["allowed"] is False
    assert response(reply.body)["status"]["reason"] != "internal"
    assert len(reply.body) < 64 * 1024
    assert webhook.ask(pod()).status == 200


def test_a_workloads_problems_are_warnings(webhook: Webhook) -> None:
    """The second route never denies."""
    template = {
        "metadata": {"annotations": {"syrette.dev/nonsense": "x"}},
        "spec": {"serviceAccountName": "ledger", "containers": [{"name": "app"}]},
    }
    reply = webhook.ask(review("Deployment", {"template": template}), "/review-workload")

    assert response(reply.body)["allowed"] is True
    assert any("nonsense" in warning for warning in response(reply.body)["warnings"])


def test_it_ends_cleanly_and_logged_no_value(tmp_path: Path) -> None:
    """Exit code 0 after SIGTERM, and no annotation's value in the log."""
    with contextlib.closing(Webhook(tmp_path)) as webhook:
        value = {"syrette.dev/file.a": "SENTINEL"}
        metadata = {"name": "web", "annotations": value}
        odd = {"metadata": metadata, "spec": {"serviceAccountName": "ledger"}}
        webhook.ask(pod(change={"object": {"apiVersion": "v1", "kind": "Pod", **odd}}))
        code, output = webhook.end()

    assert code == 0
    assert b'"decided"' in output
    assert b"SENTINEL" not in output


def test_what_a_policy_only_warns_of_is_counted(tmp_path: Path) -> None:
    """The operator sees how much would break before the rule denies."""
    (tmp_path / "config.yaml").write_text(
        "defaults: {aws.region: eu-west-1}\npolicy: [{name: all, enforce: warn, allow: {}}]\n"
    )
    annotations = {f"syrette.dev/file.f{number}": f"aws-ssm:/{number}" for number in range(40)}
    spec = {"serviceAccountName": "ledger", "containers": [{"name": "app", "image": "x"}]}
    whole = {"metadata": {"name": "web", "annotations": annotations}, "spec": spec}
    with contextlib.closing(
        Webhook(tmp_path, "--config", str(tmp_path / "config.yaml"))
    ) as webhook:
        reply = response(webhook.ask(pod(change={"object": whole})).body)
        counted = webhook.metrics()
        _, output = webhook.end()

    assert reply["allowed"] is True
    assert (len(reply["warnings"]), reply["warnings"][-1]) == (31, "and 12 more warnings")
    assert "syrette_policy_warnings_total 40.0" in counted
    assert b'"policy_warnings":40' in output


def test_without_descriptors_it_serves_again(tmp_path: Path) -> None:
    """Half a handshake on every descriptor there is: who asks honestly is answered."""
    with contextlib.closing(Webhook(tmp_path)) as webhook, contextlib.ExitStack() as stack:
        webhook.limit_descriptors(40)
        for _ in range(60):
            client = stack.enter_context(webhook.plain())
            client.send(b"\x16\x03\x01\x02\x00\x01")

        assert webhook.ask(pod()).status == 200
        assert webhook.end()[0] == 0


def test_without_a_standard_output_nobody_gets_our_lines() -> None:
    """The number 1 does not go to the next thing that is opened."""
    opened = subprocess.run(
        [
            *("sh", "-c", 'exec "$0" "$@" >&-', sys.executable, "-c"),
            (
                "import os; from webhook.log import standard_output\n"
                "standard_output(); os.write(2, os.readlink('/proc/self/fd/1').encode())"
            ),
        ],
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        timeout=PATIENCE * 3,
        check=True,
    )

    assert opened.stderr == b"/dev/null"


def _refused(*arguments: str) -> str:
    """Start with wrong arguments; gives what was said."""
    finished = subprocess.run(
        [sys.executable, "-m", "webhook", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "Traceback" not in finished.stderr
    return finished.stderr


def test_every_wrong_file_is_reported_at_once(tmp_path: Path) -> None:
    """Configuration, facts and certificate, in one go."""
    (tmp_path / "config.yaml").write_text("nonsense: 1\nenv-files: maybe\n")
    (tmp_path / "facts.yaml").write_text("kubernetes-version: new\n")
    said = _refused(
        *("--config", str(tmp_path / "config.yaml")),
        *("--cluster-facts", str(tmp_path / "facts.yaml")),
        *("--tls-cert", str(tmp_path / "absent.crt"), "--tls-key", str(tmp_path / "absent.key")),
    )

    for expected in ("line 1: nonsense", "line 2: env-files", "kubernetes-version", "absent.crt"):
        assert expected in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--listen", "8443"), "is not HOST:PORT"),
        (("--listen", ":99999"), "is not HOST:PORT"),
        (("--drain-seconds", "-1"), "is not a number of seconds"),
        (("--drain-seconds", "nan"), "is not a number of seconds"),
        (("--kubernetes-version", "new"), "is no Kubernetes version"),
        (("--nonsense",), "unrecognized arguments"),
        ((), "--tls-cert and --tls-key are required"),
    ],
    ids=["no-port", "big-port", "negative", "nan", "version", "unknown", "none"],
)
def test_a_wrong_argument_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    """With exit code 2 and one readable line."""
    from webhook.__main__ import main  # noqa: PLC0415 - replaces the log handlers when it runs

    required = ("--tls-cert", "x", "--tls-key", "y") if arguments else ()
    with pytest.raises(SystemExit) as caught:
        main([*required, *arguments])

    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_an_address_in_use_is_named(tmp_path: Path) -> None:
    """The program says so and serves nothing."""
    pki = PKI(tmp_path)
    with contextlib.closing(Webhook(tmp_path)) as webhook:
        said = _refused(
            *("--tls-cert", str(pki.certificate), "--tls-key", str(pki.key)),
            *("--listen", f"127.0.0.1:{webhook._port}", "--metrics-listen", "127.0.0.1:0"),
        )

    assert "cannot listen: Address already in use" in said
