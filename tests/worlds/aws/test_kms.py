"""KMS keys: who may have a secret or a parameter decrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.aws.cloud import AWAY, HOME, allow, policy, refuses, statement, trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.worlds.aws.cloud import Clients
    from worlds.aws import AwsWorld, Key, Role
    from worlds.aws.credentials import AccessKey

WEB = f"arn:aws:iam::{HOME}:role/web"
THROUGH = {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}


@pytest.fixture
def role(world: AwsWorld) -> Role:
    """A role that may read everything and decrypt nothing."""
    return world.account().role("web", trust(HOME), allow("secretsmanager:*", "ssm:*"))


def _read_secret(client: Clients, key: AccessKey) -> str:
    reply = client("secretsmanager", key).get_secret_value(SecretId="db")
    return str(reply["SecretString"])


def _read_parameter(client: Clients, key: AccessKey) -> str:
    reply = client("ssm", key).get_parameters(Names=["/db"], WithDecryption=True)
    return str(reply["Parameters"][0]["Value"])


BOTH = pytest.mark.parametrize("read", [_read_secret, _read_parameter], ids=["secret", "parameter"])


def _keep(world: AwsWorld, kms_key: Key | None = None) -> None:
    """Put one secret and one parameter, under a customer key or the managed ones."""
    if kms_key is None:
        world.put_secret("db", "s3cret")
        world.put_parameter("/db", "s3cret")
        return
    world.put_secret("db", "s3cret", kms_key=kms_key)
    world.put_parameter("/db", "s3cret", kms_key=kms_key)


@BOTH
def test_the_managed_keys_need_no_permission(
    world: AwsWorld, client: Clients, role: Role, read: Callable[[Clients, AccessKey], str]
) -> None:
    """Who may read through the service in the same account may decrypt."""
    _keep(world)

    assert read(client, world.access_key(role)) == "s3cret"


def _policies(role: Role, name: str) -> tuple[dict[str, Any] | None, bool]:
    """Key policy (none is the usual one) by name, and whether the role may decrypt by itself."""
    named = policy(statement("kms:Decrypt", who={"AWS": role.arn}))
    other = policy(statement("kms:Decrypt", who={"AWS": f"{role.arn}-2"}))
    deny = policy(*named["Statement"], statement("kms:*", who="*", effect="Deny"))
    return {
        "left to the account, whose role may": (None, True),
        "left to the account, whose role may not": (None, False),
        "the key names the role": (named, False),
        "the key names another role": (other, True),
        "the key denies": (deny, True),
    }[name]


@BOTH
@pytest.mark.parametrize(
    ("case", "because"),
    [
        ("left to the account, whose role may", ""),
        ("left to the account, whose role may not", "because no identity-based policy allows"),
        ("the key names the role", ""),
        ("the key names another role", "because no resource-based policy allows"),
        ("the key denies", "with an explicit deny in a resource-based policy"),
    ],
)
def test_a_customer_key_must_consent(
    client: Clients,
    role: Role,
    read: Callable[[Clients, AccessKey], str],
    case: str,
    because: str,
) -> None:
    """Its policy names the role, or leaves it to the account where the role's own policy allows."""
    world = client.world
    key_policy, may = _policies(role, case)
    kms_key = world.kms_key(key_policy)
    _keep(world, kms_key)
    if may:
        role.allow(allow("kms:Decrypt", on=kms_key.arn))
    key = world.access_key(role)

    if not because:
        assert read(client, key) == "s3cret"
        return
    denial = f"kms:Decrypt on resource: {kms_key.arn} {because}.* .Service: Kms, Status Code: 400"
    words = "Access to KMS is not allowed$" if read is _read_secret else denial
    with refuses("AccessDeniedException", words):
        read(client, key)
    assert world.journal.count(outcome="AccessDeniedException") == 1


def test_a_key_may_be_bound_to_service_and_secret(
    world: AwsWorld, client: Clients, role: Role
) -> None:
    """Through which service, for whom, and for which secret are conditions of a key policy."""
    kms_key = world.kms_key()
    _keep(world, kms_key)
    secret = world.secret("db")
    when = {
        "StringEquals": {
            **THROUGH["StringEquals"],
            "kms:CallerAccount": HOME,
            "kms:EncryptionContext:SecretARN": secret.arn,
        },
        "ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "SecretVersionId"},
    }
    kms_key.set_policy(policy(statement("kms:Decrypt", who={"AWS": role.arn}, when=when)))
    key = world.access_key(role)

    assert _read_secret(client, key) == "s3cret"
    with refuses("AccessDeniedException", "kms:Decrypt"):
        _read_parameter(client, key)
    arn = f"arn:aws:ssm:eu-west-1:{HOME}:parameter/db"
    only = {"StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": arn}}
    other = policy(statement("kms:Decrypt", who={"AWS": role.arn}, when=only))
    kms_key.set_policy(other)
    assert _read_parameter(client, key) == "s3cret"
    with refuses("AccessDeniedException", "Access to KMS is not allowed"):
        _read_secret(client, key)


@pytest.mark.parametrize(
    ("read", "code"),
    [(_read_secret, "DecryptionFailure"), (_read_parameter, "InvalidKeyId")],
    ids=["secret", "parameter"],
)
def test_a_disabled_key_decrypts_nothing(
    world: AwsWorld,
    client: Clients,
    role: Role,
    read: Callable[[Clients, AccessKey], str],
    code: str,
) -> None:
    """Each service says it with its own code, and works again with the key."""
    kms_key = world.kms_key(key_id="1234abcd-12ab-34cd-56ef-1234567890ab")
    _keep(world, kms_key)
    role.allow(allow("kms:Decrypt"))
    kms_key.enabled = False

    with refuses(code):
        read(client, world.access_key(role))
    kms_key.enabled = True
    assert read(client, world.access_key(role)) == "s3cret"
    assert kms_key.arn.endswith("key/1234abcd-12ab-34cd-56ef-1234567890ab")


def test_describing_needs_no_key(world: AwsWorld, client: Clients, role: Role) -> None:
    """What is not decrypted is not asked for; a customer key is named, a managed one is not."""
    kms_key = world.kms_key()
    _keep(world, kms_key)
    world.put_secret("managed", "x")
    secrets = client("secretsmanager", world.access_key(role))

    assert secrets.describe_secret(SecretId="db")["KmsKeyId"] == kms_key.arn
    assert "KmsKeyId" not in secrets.describe_secret(SecretId="managed")


def _shared(world: AwsWorld, role: Role, **options: Any) -> str:  # noqa: ANN401
    """Put a secret of another account that lets the role in; gives its ARN."""
    shared = policy(statement("secretsmanager:GetSecretValue", who={"AWS": role.arn}))
    return world.put_secret("db", "theirs", account=AWAY, policy=shared, **options).arn


def test_another_accounts_managed_key_is_of_no_use(
    world: AwsWorld, client: Clients, role: Role
) -> None:
    """Secrets Manager says so, and no policy helps."""
    arn = _shared(world, role)
    role.allow(allow("kms:Decrypt"))

    with refuses("InvalidRequestException", "different AWS account .* default KMS service key"):
        client("secretsmanager", world.access_key(role)).get_secret_value(SecretId=arn)


@pytest.mark.parametrize("missing", ["", "key policy", "identity policy", "both name the account"])
def test_another_accounts_key_needs_both_sides(
    world: AwsWorld, client: Clients, role: Role, missing: str
) -> None:
    """The key policy, and the role's own policy, whichever way the first names it."""
    who = WEB if missing != "both name the account" else HOME
    kms_key = world.kms_key(policy(statement("kms:Decrypt", who={"AWS": who})), account=AWAY)
    arn = _shared(world, role, kms_key=kms_key)
    if missing == "key policy":
        kms_key.set_policy(policy(statement("kms:Decrypt", who={"AWS": AWAY})))
    if missing != "identity policy":
        role.allow(allow("kms:Decrypt", on=kms_key.arn))
    secrets = client("secretsmanager", world.access_key(role))

    if missing in {"key policy", "identity policy"}:
        with refuses("AccessDeniedException", "Access to KMS is not allowed$"):
            secrets.get_secret_value(SecretId=arn)
    else:
        assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "theirs"


@pytest.mark.parametrize("consents", [True, False])
def test_a_shared_parameters_key_must_be_shared_too(
    world: AwsWorld, client: Clients, role: Role, *, consents: bool
) -> None:
    """KMS does not say to a stranger whether there is such a key."""
    who = WEB if consents else f"arn:aws:iam::{AWAY}:root"
    kms_key = world.kms_key(policy(statement("kms:Decrypt", who={"AWS": who})), account=AWAY)
    shared = world.put_parameter("/db", "theirs", account=AWAY, kms_key=kms_key, shared_with=[HOME])
    role.allow(allow("kms:Decrypt"))
    parameters = client("ssm", world.access_key(role))

    if consents:
        reply = parameters.get_parameters(Names=[shared.arn], WithDecryption=True)
        assert reply["Parameters"][0]["Value"] == "theirs"
        return
    with refuses("AccessDeniedException", "customer master key that does not exist.*Service: Kms"):
        parameters.get_parameters(Names=[shared.arn], WithDecryption=True)


def test_a_shared_parameter_under_a_managed_key_stays_shut(
    world: AwsWorld, client: Clients, role: Role
) -> None:
    """The key that AWS manages lets in its own account only."""
    shared = world.put_parameter("/db", "theirs", account=AWAY, shared_with=[HOME])
    role.allow(allow("kms:Decrypt"))
    parameters = client("ssm", world.access_key(role))

    assert parameters.get_parameters(Names=[shared.arn])["Parameters"]
    with refuses("AccessDeniedException", "customer master key"):
        parameters.get_parameters(Names=[shared.arn], WithDecryption=True)
