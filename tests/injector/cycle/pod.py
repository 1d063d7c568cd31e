"""One pod on the AWS world: volumes and token in a folder, a plan, and its programs in memory."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from injector import init, worker
from injector.contract import codec, names, references
from injector.contract.plan import Plan, Secret, Source, Variable
from injector.contract.stores import Store
from injector.diagnostics import Log
from injector.edges import Machine
from injector.logins import sessions_over
from injector.retry import Retry
from injector.settings import Settings, load
from injector.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from injector.init import Outcome
    from injector.sessions import SessionCache
    from worlds.aws import AwsWorld

NAMESPACE, SERVICE_ACCOUNT, NAME, UID = "shop", "web", "web-1", "c0ffee"
VOLUME = names.SECRETS_VOLUME
READ_ALL = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["secretsmanager:*", "ssm:*", "kms:Decrypt"], "Resource": "*"}
    ],
}


def file(reference: str, path: str = "", **fields: Any) -> Secret:  # noqa: ANN401 - of Secret
    """Make a secret that becomes one file, refreshed every 15 minutes."""
    parsed = references.parse(reference)
    made = Secret(
        sources=(Source("value", parsed),),
        kind="file",
        path=path or parsed.path,
        volumes=(VOLUME,),
        refresh=900.0,
    )
    return replace(made, **fields)


def item(path: str, template: str, **sources: str) -> Secret:
    """Make a secret of several sources."""
    parsed = {name: references.parse(text) for name, text in sources.items()}
    return replace(
        file("aws-ssm:/x", path),
        sources=tuple(Source(name, reference) for name, reference in parsed.items()),
        template=template,
    )


def variable(reference: str, name: str, key: str = "", container: str = "app") -> Secret:
    """Make a secret that becomes one variable."""
    return replace(
        file(reference),
        kind="env",
        path="",
        variables=(Variable(name, key),),
        containers=(container,),
        volumes=(names.ENV_VOLUME,),
    )


@dataclass(slots=True)
class Time:
    """Virtual time for both clocks; sleeping moves it."""

    now: float
    slept: list[float] = field(default_factory=list)
    draw: float = 0.5

    def __call__(self) -> float:
        """Give the present moment."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds

    @property
    def retry(self) -> Retry:
        """The policy of repetition on this time."""
        return Retry(clock=self, sleep=self.sleep, jitter=lambda: self.draw)


@contextmanager
def machine(moment: Time) -> Iterator[Machine]:
    """Give a machine whose connections are closed afterwards, as the end of a process does."""
    opened: list[Transport] = []

    def open_sessions(settings: Settings, machine: Machine) -> SessionCache:
        plan = settings.plan
        transport = Transport(ca_bundle=plan.ca_bundle, proxy=plan.proxy, clock=machine.retry.clock)
        opened.append(transport)
        return sessions_over(transport, settings.identity, retry=machine.retry, clock=machine.clock)

    try:
        yield Machine(moment.retry, moment, open_sessions)
    finally:
        for transport in opened:
            transport.close()


class Pod:
    """
    A pod with one role that may read everything, by web identity.

    Args:
        world: where it logs in.
        root: a folder for its volumes.
        secrets: of its plan.
        fields: other fields of the plan.
    """

    def __init__(self, world: AwsWorld, root: Path, *secrets: Secret, **fields: Any) -> None:  # noqa: ANN401 - of Plan
        self.world = world
        self.root = root
        self.time = Time(world.clock.now())
        account = world.account()
        account.trust_issuer(world.issuer)
        self.role = account.web_identity_role(
            "web", world.issuer, NAMESPACE, SERVICE_ACCOUNT, READ_ALL
        )
        self.plan = Plan(
            secrets=secrets,
            stores=self.stores(),
            volumes=tuple(sorted({volume for secret in secrets for volume in secret.volumes})),
            ca_bundle=world.ca_pem,
            **fields,
        )
        self.prepare()

    def prepare(self) -> None:
        """Make what the kubelet mounts."""
        root = self.root
        for volume in self.plan.volumes:
            (root / names.volume_directory(volume)[1:]).mkdir(parents=True, exist_ok=True)
        (root / names.SESSION_DIRECTORY[1:]).mkdir(parents=True, exist_ok=True)
        (root / "dev").mkdir(exist_ok=True)
        (root / names.TERMINATION_MESSAGE_PATH[1:]).touch()
        self.rotate_token()

    def stores(self, **settings: Any) -> tuple[Store, ...]:  # noqa: ANN401 - of a store
        """Give the two AWS stores."""
        shared = {
            "region": "eu-west-1",
            "role-arn": self.role.arn,
            "audience": "sts.amazonaws.com",
            "endpoints": tuple(sorted(self.world.endpoints.items())),
            **settings,
        }
        return tuple(Store(name, name, shared) for name in ("aws-secretsmanager", "aws-ssm"))

    def with_stores(self, **settings: Any) -> Plan:  # noqa: ANN401 - of a store
        """Give the plan with further settings of its stores."""
        return replace(self.plan, stores=self.stores(**settings))

    def rotate_token(self) -> None:
        """Project a new token, as the kubelet does."""
        folder = self.root / names.TOKEN_DIRECTORY[1:]
        folder.mkdir(parents=True, exist_ok=True)
        token = self.world.issuer.mint(NAMESPACE, SERVICE_ACCOUNT, "sts.amazonaws.com", pod=NAME)
        (folder / names.token_file("sts.amazonaws.com")).write_text(token + "\n")

    @property
    def environment(self) -> dict[str, str]:
        """What the webhook writes into our containers."""
        return {
            names.PLAN_VARIABLE: codec.dump(self.plan),
            names.POD_NAME_VARIABLE: NAME,
            names.POD_UID_VARIABLE: UID,
            names.NAMESPACE_VARIABLE: NAMESPACE,
            names.SERVICE_ACCOUNT_VARIABLE: SERVICE_ACCOUNT,
            names.ROOT_VARIABLE: str(self.root),
        }

    @property
    def settings(self) -> Settings:
        """The same, read."""
        return load(self.environment)

    def init(self, level: str = "error") -> Outcome:
        """Run the init container."""
        with machine(self.time) as here:
            return init.run(self.settings, Log(level), here)

    def work(self, *, everything: bool = False) -> Mapping[str, float]:
        """Run one worker; gives its report."""
        with machine(self.time) as here:
            line = worker.run(self.settings, Log("error"), here, everything=everything)
        return {name: float(value) for name, _, value in (w.partition("=") for w in line.split())}

    def work_after(self, seconds: float) -> Mapping[str, float]:
        """Run one worker later."""
        self.time.now += seconds
        return self.work()

    def read(self, path: str, volume: str = VOLUME) -> str:
        """Read a published file."""
        return (self.volume(volume) / path).read_text()

    @property
    def names(self) -> list[str]:
        """What an application sees at the top of the first volume."""
        found = (path.name for path in self.volume().iterdir())
        return sorted(name for name in found if not name.startswith(".."))

    def volume(self, volume: str = VOLUME) -> Path:
        """Where a volume is."""
        return self.settings.volume(volume)

    @property
    def status(self) -> dict[str, Any]:
        """The status document."""
        path = self.settings.session_directory / "status.json"
        document: dict[str, Any] = json.loads(path.read_text())
        return document
