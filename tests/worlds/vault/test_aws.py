"""The aws method: whom its roles admit, and what Vault refuses in which words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.injector.tenant import trusting
from tests.openbao import run
from tests.worlds.openbao.asking import refusal
from tests.worlds.vault.signing import SERVER_ID, Login, encoded
from worlds.aws import AwsWorld
from worlds.vault import VaultWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worlds.aws.credentials import AccessKey
    from worlds.openbao import Api, Namespace, OpenBao

CALLER = "arn:aws:sts::111122223333:assumed-role/web/test"
REGIONAL = {"sts_endpoint": "https://sts.eu-west-1.amazonaws.com", "sts_region": "eu-west-1"}


class Setting:
    """
    An AWS with the role `web`, and an aws method that admits it to one secret.

    Args:
        aws: the world.
        front: of the server.
        vault: a namespace of it.
    """

    def __init__(self, aws: AwsWorld, front: VaultWorld, vault: Namespace) -> None:
        self.aws = aws
        self.world = front
        self.front = front.front_of(vault)
        self.behind = vault
        self.web = aws.account().role("web", trusting("*"), path="/apps/")
        vault.kv("secret")
        vault.put("secret", "prod/db", password="s3cret")
        vault.policy("shop", {"secret/data/prod/*": ["read"]})
        self.front.login_method("aws", "aws")
        self.configure(iam_server_id_header_value="vault.acme.io", **REGIONAL)
        self.role("web", self.web.arn)

    def configure(self, **config: Any) -> None:  # noqa: ANN401 - of the method
        """Write the method's configuration."""
        self.front.api.write("auth/aws/config/client", **config)

    def role(self, name: str, *arns: str, **content: Any) -> None:  # noqa: ANN401 - of a role
        """Write a role."""
        fields = {"auth_type": "iam", "token_policies": "shop", "token_ttl": "15m", **content}
        self.front.api.write(f"auth/aws/role/{name}", bound_iam_principal_arn=list(arns), **fields)

    def key(self) -> AccessKey:
        """Give keys of a session of `web`."""
        return self.aws.access_key(self.web, lifetime=900)

    def login(self, login: Login) -> dict[str, Any]:
        """Log in; gives the `auth` of the answer."""
        answer = self.front.api.having("").write("auth/aws/login", **login.fields())
        auth: dict[str, Any] = answer["auth"]
        return auth

    def client(self, login: Login) -> Api:
        """Log in, and ask with the token."""
        return self.front.api.having(self.login(login)["client_token"])


@pytest.fixture
def setting(openbao: OpenBao) -> Iterator[Setting]:
    """A setting of the test's own."""
    with AwsWorld() as aws, VaultWorld(openbao, aws) as front:
        yield Setting(aws, front, openbao.namespace())


def test_a_role_s_session_reads_what_the_policy_permits(setting: Setting) -> None:
    """The token is a real one of the mount, with the role's policies and life."""
    auth = setting.login(Login(setting.key()))
    client = setting.front.api.having(auth["client_token"])

    assert client.read("secret/data/prod/db")["data"]["data"] == {"password": "s3cret"}
    assert (auth["lease_duration"], auth["renewable"]) == (900, True)
    assert (auth["policies"], auth["orphan"]) == (["default", "shop"], True)
    assert auth["metadata"]["client_arn"].startswith("arn:aws:sts::111122223333:assumed-role/web/")
    assert auth["metadata"]["canonical_arn"] == "arn:aws:iam::111122223333:role/web"
    assert setting.behind.tokens()[auth["accessor"]]["path"] == "auth/aws/login"


def test_the_journals_and_the_audit_log_have_who_it_was(setting: Setting) -> None:
    """STS was asked by the session, the world noted it, and OpenBao one login of the mount."""
    setting.client(Login(setting.key())).read("secret/data/prod/db")

    (entry,) = setting.world.journal.calls("Login", service="aws")
    assert (entry.outcome, entry.region, entry.detail["role"]) == ("ok", "eu-west-1", "web")
    assert entry.principal == setting.aws.journal.principals("GetCallerIdentity")[0]
    (login,) = setting.behind.audit.logins("aws")
    assert login.metadata["client_arn"] == entry.principal
    assert [
        read.accessor for read in setting.behind.audit.calls("secret/data/", operation="read")
    ] == [login.issued]


def test_tokens_are_renewed_up_to_the_role_s_end_and_revoked(setting: Setting) -> None:
    """As those of any method of the server."""
    setting.role("web", setting.web.arn, token_ttl="60s", token_max_ttl="90s")
    client = setting.client(Login(setting.key()))
    renewed = client.write("auth/token/renew-self", increment="600s")

    assert renewed["auth"]["lease_duration"] <= 90
    client.write("auth/token/revoke-self")
    assert refusal(lambda: client.read("secret/data/prod/db"))[0] == 403


Change = Callable[[Login], Login]

REFUSED: dict[str, tuple[Change, str]] = {
    "no field": (
        lambda login: replace(login, altered={"iam_request_body": None}),
        "didn't supply required authentication values",
    ),
    "a method": (
        lambda login: replace(login, altered={"iam_http_request_method": "GET"}),
        "invalid iam_http_request_method; currently only 'POST' is supported",
    ),
    "no base64": (
        lambda login: replace(login, altered={"iam_request_url": "https://"}),
        "failed to base64 decode iam_request_url",
    ),
    "a query": (
        lambda login: replace(
            login, altered={"iam_request_url": encoded("https://sts.amazonaws.com/?Action=x")}
        ),
        "invalid request",
    ),
    "another action": (
        lambda login: replace(
            login, altered={"iam_request_body": encoded("Action=AssumeRole&Version=2011-06-15")}
        ),
        "iam request body is invalid",
    ),
    "no headers": (
        lambda login: replace(login, altered={"iam_request_headers": encoded("{}")}),
        "missing iam_request_headers",
    ),
    "no server id": (
        lambda login: replace(login, server_id=""),
        f'error validating {SERVER_ID} header: missing header "{SERVER_ID}"',
    ),
    "another server id": (
        lambda login: replace(login, server_id="vault.evil.io"),
        f'error validating {SERVER_ID} header: expected "vault.acme.io" but got "vault.evil.io"',
    ),
    "a server id that is not signed": (
        lambda login: replace(login, server_id="", late={SERVER_ID: "vault.acme.io"}),
        f"error validating {SERVER_ID} header: vault header wasn't signed",
    ),
    "a header of AWS": (
        lambda login: replace(login, late={"X-Amz-Meta": "1"}),
        "invalid request header: X-Amz-Meta",
    ),
    "an unknown role": (
        lambda login: replace(login, role="nobody"),
        "entry for role nobody not found",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_vault_refuses_in_its_own_words(setting: Setting, what: str) -> None:
    """Each with 400, and no token is made."""
    change, text = REFUSED[what]

    assert refusal(lambda: setting.login(change(Login(setting.key())))) == (400, text)
    assert setting.behind.audit.logins() == ()


def test_what_sts_refuses_is_refused(setting: Setting) -> None:
    """A changed header, and credentials that have ended: STS's own answer stands in the text."""
    altered = Login(setting.key(), late={"X-Amz-Date": "20260101T000000Z"})
    status, text = refusal(lambda: setting.login(altered))
    assert (status, "SignatureDoesNotMatch" in text) == (400, True)
    assert text.startswith("error making upstream request: received error code 403 from STS: <")

    login = Login(setting.key())
    setting.aws.expire_credentials()
    assert "ExpiredToken" in refusal(lambda: setting.login(login))[1]


@pytest.mark.parametrize(
    ("config", "region", "host", "admitted"),
    [
        (REGIONAL, "eu-west-1", "sts.eu-west-1.amazonaws.com", True),
        (REGIONAL, "us-east-1", "sts.amazonaws.com", False),
        ({}, "us-east-1", "sts.amazonaws.com", True),
        ({}, "eu-west-1", "sts.eu-west-1.amazonaws.com", False),
        ({}, "eu-west-1", "sts.amazonaws.com", False),
        ({"use_sts_region_from_client": True}, "eu-west-1", "sts.eu-west-1.amazonaws.com", True),
    ],
)
def test_the_signature_s_region_is_that_of_vault_s_endpoint(
    openbao: OpenBao, config: dict[str, Any], region: str, host: str, *, admitted: bool
) -> None:
    """Vault asks the endpoint that it is configured for, by default the global one."""
    with AwsWorld() as aws, VaultWorld(openbao, aws) as front:
        setting = Setting(aws, front, openbao.namespace())
        whole = {"sts_endpoint": "", "sts_region": "", **config}
        setting.configure(iam_server_id_header_value="vault.acme.io", **whole)
        login = Login(setting.key(), region=region, host=host)
        if admitted:
            setting.login(login)
        else:
            text = refusal(lambda: setting.login(login))[1]
            assert f"Credential should be scoped to a valid region, not '{region}'" in text


@pytest.mark.parametrize(
    ("bound", "resolve", "admitted"),
    [
        ("arn:aws:iam::111122223333:role/web", False, True),
        ("arn:aws:iam::111122223333:role/apps/web", False, False),
        ("arn:aws:iam::111122223333:role/apps/web", True, True),
        ("arn:aws:iam::111122223333:role/apps/*", True, True),
        ("arn:aws:iam::111122223333:role/*", False, True),
        ("arn:aws:iam::111122223333:role/web*", False, False),
        ("arn:aws:iam::111122223333:role/we*b", False, False),
        ("arn:aws:iam::111122223333:role/other", True, False),
        ("role/apps/*", True, False),
    ],
)
def test_a_role_is_bound_as_vault_reads_arns(
    setting: Setting, bound: str, *, resolve: bool, admitted: bool
) -> None:
    """By ARN without path, by the id of the role that was there, or by wildcard with its path."""
    setting.aws.account().role("other", trusting("*"))
    setting.role("web", bound, resolve_aws_unique_ids=resolve)
    login = Login(setting.key())
    if admitted:
        setting.login(login)
    else:
        status, text = refusal(lambda: setting.login(login))
        assert status == 400
        assert text.endswith('does not belong to the role "web"')


def test_a_role_that_was_made_again_is_another(setting: Setting) -> None:
    """The id of the one of before is bound, unless ids are not resolved."""
    canonical = "arn:aws:iam::111122223333:role/web"
    setting.role("web", canonical)
    setting.login(Login(setting.key()))
    setting.web = setting.aws.account().role("web", trusting("*"), path="/apps/")
    assert refusal(lambda: setting.login(Login(setting.key())))[0] == 400

    setting.role("web", canonical, resolve_aws_unique_ids=False)
    setting.login(Login(setting.key()))


def test_a_role_of_a_principal_that_iam_has_not_is_refused(setting: Setting) -> None:
    """When ids are resolved, at the time it is written."""
    absent = "arn:aws:iam::111122223333:role/absent"
    status, text = refusal(lambda: setting.role("absent", absent))

    assert status == 400
    assert text.startswith(f'unable to resolve ARN "{absent}" to internal ID: error fetching role')


def test_a_user_logs_in_too(setting: Setting) -> None:
    """By its own keys, which have no session."""
    user = setting.aws.account().user("robot")
    setting.role("robot", user.arn)
    auth = setting.login(Login(setting.aws.access_key(user), role="robot"))

    assert auth["metadata"]["client_arn"] == user.arn


def test_only_who_may_write_configures(setting: Setting) -> None:
    """A token of a login changes nothing, and sees no secret."""
    client = setting.client(Login(setting.key()))

    assert refusal(lambda: client.write("auth/aws/config/client", sts_region="x"))[0] == 403
    assert refusal(lambda: client.read("auth/aws/config/client"))[0] == 403
    refused = refusal(lambda: client.write("auth/aws/role/web", bound_iam_principal_arn="*"))
    assert refused[0] == 403
    setting.login(Login(setting.key()))
    setting.configure(secret_key="s3cret")
    shown = setting.front.api.read("auth/aws/config/client")["data"]
    assert (shown["iam_server_id_header_value"], "secret_key" in shown) == ("vault.acme.io", False)
    assert setting.front.api.read("auth/aws/role/web")["data"]["token_policies"] == "shop"


def test_vault_s_own_commands_set_it_up(openbao: OpenBao) -> None:
    """As its documentation has them, run by the real command line."""
    with AwsWorld() as aws, VaultWorld(openbao, aws) as front:
        vault = openbao.namespace()
        through = front.front_of(vault)
        role = aws.account().role("web", trusting("*"))
        run(through, "vault auth enable aws")
        run(
            through,
            "vault write auth/aws/config/client iam_server_id_header_value=vault.acme.io "
            "sts_endpoint=https://sts.eu-west-1.amazonaws.com sts_region=eu-west-1",
        )
        run(
            through,
            "vault write auth/aws/role/web auth_type=iam token_policies=shop token_ttl=15m "
            f"token_max_ttl=15m bound_iam_principal_arn={role.arn}",
        )
        shown = run(through, "vault read -field=sts_region auth/aws/config/client")
        login = Login(aws.access_key(role, lifetime=900))
        answer = through.api.having("").write("auth/aws/login", **login.fields())

        assert shown == "eu-west-1"
        assert answer["auth"]["policies"] == ["default", "shop"]
