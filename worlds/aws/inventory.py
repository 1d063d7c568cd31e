"""What there is in a world: accounts, keys, secrets, parameters, and how tests change it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack

from worlds.aws.credentials import AccessKey, AccessKeys
from worlds.aws.documents import parse
from worlds.aws.identities import Account, Principal, Role, User, session_of
from worlds.aws.kms import Key, Kms
from worlds.aws.parameters_kept import Kind, Parameter, Parameters
from worlds.aws.pod_identity import Association, PodIdentity
from worlds.aws.secrets_kept import CURRENT, Secret, Secrets, Shared, suffix
from worlds.aws.ssm import parameter_arn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from worlds.aws.identities import Policy
    from worlds.clock import WorldClock
    from worlds.tokens import Issuer

ACCOUNT: Final = "111122223333"
REGION: Final = "eu-west-1"


class SecretOptions(TypedDict, total=False):
    """What a secret may have beside name and value."""

    account: str
    region: str
    kms_key: Key
    """A customer key; the managed key `aws/secretsmanager` when absent."""
    policy: Mapping[str, Any] | str
    """Resource policy (AWS's JSON)."""
    tags: Mapping[str, str]
    suffix: str
    """The six letters at the end of the ARN; random when absent."""
    replicas: Sequence[str]
    """Further regions; replicas are under the managed key there."""


class ParameterOptions(TypedDict, total=False):
    """What a parameter may have beside name and value."""

    account: str
    region: str
    kind: Kind
    """`SecureString` when absent."""
    kms_key: Key
    """A customer key; the managed key `aws/ssm` when absent."""
    tags: Mapping[str, str]
    shared_with: Iterable[str]
    """Accounts."""


class Inventory:
    """
    Accounts and what is in them.

    Args:
        clock: of the world.
        issuer: the cluster's issuer of tokens.
        partition: `aws`, `aws-cn` or `aws-us-gov`.
    """

    def __init__(self, clock: WorldClock, issuer: Issuer, partition: str) -> None:
        self.clock = clock
        self.issuer = issuer
        self.partition = partition
        self.lock = threading.RLock()
        """Held while a request is handled and while the inventory changes."""
        self.accounts: dict[str, Account] = {}
        self.keys = AccessKeys()
        self.kms = Kms(partition)
        self.secrets = Secrets()
        self.parameters = Parameters()
        cluster = f"arn:{partition}:eks:{REGION}:{ACCOUNT}:cluster/prod"
        self.pod_identity = PodIdentity(issuer, self.accounts, self.keys, cluster)

    def account(self, number: str = ACCOUNT) -> Account:
        """Give an account, new when it is asked for the first time."""
        return self.accounts.setdefault(number, Account(number, self.partition))

    def access_key(self, who: User | Role, *, lifetime: float | None = None) -> AccessKey:
        """
        Give keys without any login: a user's own, or a role's session named `test`.

        Args:
            who: a user or a role.
            lifetime: seconds; a user's keys without one are permanent, a role's last an hour.
        """
        if isinstance(who, Role):
            return self.keys.issue(session_of(who, "test"), self.clock.now() + (lifetime or 3600))
        principal = Principal(who.arn, who, who.id, base=who.arn)
        return self.keys.issue(principal, self.clock.now() + lifetime if lifetime else None)

    def associate(
        self, namespace: str, service_account: str, role: Role, *, target: Role | None = None
    ) -> Association:
        """Make a Pod Identity association, or replace it."""
        association = Association(role.arn, target.arn if target else "")
        with self.lock:
            self.pod_identity.associations[namespace, service_account] = association
        return association

    def principal_of(self, access_key_id: str) -> Principal | None:
        """Tell whose keys these are."""
        key = self.keys.find(access_key_id)
        return key.principal if key else None

    def expire_credentials(self, principal: str = "") -> int:
        """End temporary credentials now, all or those of one session's ARN; gives how many."""
        return self.keys.expire(self.clock.now(), principal)

    def kms_key(
        self,
        policy: Policy | None = None,
        *,
        account: str = ACCOUNT,
        region: str = REGION,
        key_id: str = "",
    ) -> Key:
        """Make a customer key; without a policy its account's IAM decides."""
        with self.lock:
            return self.kms.create(account, region, policy=policy, key_id=key_id)

    def kms_alias(self, name: str, key: Key) -> str:
        """Let `alias/<name>` mean a key; gives the alias's ARN."""
        with self.lock:
            return self.kms.alias(name, key)

    def put_secret(self, name: str, value: str | bytes, **options: Unpack[SecretOptions]) -> Secret:
        """Make a secret, or replace the one of that name."""
        account, region = options.get("account", ACCOUNT), options.get("region", REGION)
        policy = options.get("policy")
        shared = Shared(
            tags=dict(options.get("tags", {})),
            policy=None if policy is None else parse(policy, "resource"),
            primary_region=region,
        )
        end = options.get("suffix") or suffix()
        customer = options.get("kms_key")
        with self.lock:
            made = [
                self.secrets.put(
                    Secret(
                        name=name,
                        arn=f"arn:{self.partition}:secretsmanager:{where}:{account}:secret:{name}-{end}",
                        account=account,
                        region=where,
                        key=key or self.kms.managed("secretsmanager", account, where),
                        customer_key=key is not None,
                        shared=shared,
                        created=self.clock.now(),
                    )
                )
                for where, key in [(region, customer)]
                + [(one, None) for one in options.get("replicas", ())]
            ]
            made[0].add(value, now=self.clock.now())
        return made[0]

    def secret(self, name: str, *, account: str = ACCOUNT, region: str = REGION) -> Secret:
        """
        Look a secret up.

        Raises:
            KeyError: when there is none.
        """
        found = self.secrets.named(name, account, region)
        if found is None:
            raise KeyError(name)
        return found

    def rotate(
        self, secret: Secret | str, value: str | bytes, *, stages: Sequence[str] = (CURRENT,)
    ) -> str:
        """Put a new version of a secret (by name: of the default account); gives its id."""
        with self.lock:
            return self._secret(secret).add(value, now=self.clock.now(), stages=stages).id

    def move_stage(self, secret: Secret | str, stage: str, version_id: str) -> None:
        """Give a stage to another version."""
        with self.lock:
            self._secret(secret).move(stage, version_id)

    def delete(self, secret: Secret | str, *, at_once: bool = False) -> None:
        """Mark a secret for deletion, or remove it."""
        with self.lock:
            found = self._secret(secret)
            found.deleted = self.clock.now()
            if at_once:
                self.secrets.remove(found)

    def restore(self, secret: Secret | str) -> None:
        """Take the mark for deletion away."""
        with self.lock:
            self._secret(secret).deleted = None

    def set_secret_policy(self, secret: Secret | str, policy: Policy | None) -> None:
        """Replace or remove a secret's resource policy."""
        document = None if policy is None else parse(policy, "resource")
        with self.lock:
            self._secret(secret).shared.policy = document

    def _secret(self, secret: Secret | str) -> Secret:
        return self.secret(secret) if isinstance(secret, str) else secret

    def put_parameter(
        self, name: str, value: str, **options: Unpack[ParameterOptions]
    ) -> Parameter:
        """Make a parameter, or put its next version."""
        account, region = options.get("account", ACCOUNT), options.get("region", REGION)
        kind = options.get("kind", "SecureString")
        with self.lock:
            arn = parameter_arn(self.partition, region, account, name)
            found = self.parameters.by_arn(arn)
            if found is None:
                managed = self.kms.managed("ssm", account, region)
                key = options.get("kms_key") or managed
                found = Parameter(
                    name=name,
                    arn=arn,
                    account=account,
                    region=region,
                    kind=kind,
                    key=key if kind == "SecureString" else None,
                    shared_with=frozenset(options.get("shared_with", ())),
                    tags=dict(options.get("tags", {})),
                )
                self.parameters.put(found)
            found.add(value, now=self.clock.now())
        return found

    def label_parameter(self, parameter: Parameter, label: str, version: int) -> None:
        """Give a label to a version of a parameter."""
        with self.lock:
            parameter.label(label, version)

    def delete_parameter(self, parameter: Parameter) -> None:
        """Remove a parameter."""
        with self.lock:
            self.parameters.remove(parameter.arn)
