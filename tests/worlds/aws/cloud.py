"""What the tests of the AWS world share: policies in one line, and botocore clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from worlds.aws import AwsWorld
    from worlds.aws.credentials import AccessKey

REGION = "eu-west-1"
ELSEWHERE = "eu-central-1"
HOME = "111122223333"
AWAY = "444455556666"


def allow(*actions: str, on: str = "*", when: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make an identity policy of one statement."""
    return policy(statement(*actions, on=on, when=when))


def statement(
    *actions: str,
    on: str = "*",
    who: Any = None,  # noqa: ANN401 - what a Principal may be
    effect: str = "Allow",
    when: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Make one statement; `when` is its Condition."""
    made: dict[str, Any] = {"Effect": effect, "Action": list(actions), "Resource": on}
    if who is not None:
        made["Principal"] = who
    if when:
        made["Condition"] = when
    return made


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """Make a document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(principal: str, *actions: str, when: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make a trust policy for one AWS principal."""
    return trust_of({"AWS": principal}, *actions, when=when)


def trust_of(
    who: dict[str, Any], *actions: str, when: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Make a trust policy for any kind of principal; like every trust policy it has no resource."""
    made = statement(*(actions or ("sts:AssumeRole",)), who=who, when=when)
    del made["Resource"]
    return policy(made)


def refuses(code: str, words: str = "") -> pytest.RaisesExc[ClientError]:
    """Expect an AWS error with this code and, as a pattern, these words."""
    return pytest.raises(ClientError, match=rf"\({code}\) when calling .*{words}")


class Clients:
    """Makes botocore clients that try once and check nothing beforehand, and closes them."""

    def __init__(self, world: AwsWorld, session: botocore.session.Session) -> None:
        self.world = world
        self._session = session
        self._made: list[Any] = []

    def __call__(
        self, service: str, key: AccessKey | None = None, *, region: str = REGION, url: str = ""
    ) -> Any:  # noqa: ANN401 - botocore makes its clients' methods at run time
        """Make a client that signs with a key; unsigned without."""
        client = self._session.create_client(
            service,
            region_name=region,
            endpoint_url=url or self.world.endpoint(service),
            verify=str(self.world.ca_path),
            aws_access_key_id=key.id if key else None,
            aws_secret_access_key=key.secret if key else None,
            aws_session_token=(key.token or None) if key else None,
            config=Config(
                signature_version=None if key else UNSIGNED,
                retries={"total_max_attempts": 1},
                read_timeout=5,
                parameter_validation=False,
                proxies={},
            ),
        )
        self._made.append(client)
        return client

    def close(self) -> None:
        """Close what was made."""
        for client in self._made:
            client.close()
