"""What a test in a real cluster may call through the control port."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.worlds.aws.cloud import REGION, allow
from worlds.aws.serving import calls
from worlds.control import Control
from worlds.server import Request

if TYPE_CHECKING:
    import botocore.session

    from worlds.aws import AwsWorld


def _call(world: AwsWorld, name: str, *args: object) -> Any:  # noqa: ANN401 - any JSON
    """Ask the control port as a cluster's API server passes it on."""
    query = urlencode({"json": json.dumps({"call": name, "args": args})})
    request = Request("GET", "/call", query, {"host": "x"}, b"", 1)
    response = Control(calls(world), {}).handle(request)
    assert response.status == 200, response.body
    return json.loads(response.body)


def test_a_cluster_test_encrypts_with_a_key_as_a_person_does(
    world: AwsWorld, session: botocore.session.Session
) -> None:
    """By keys of a user who may do that, and no more."""
    key = _call(world, "kms_key")
    access = _call(world, "access_key", "writer", allow("kms:Encrypt"))
    kms: Any = session.create_client(
        "kms",
        REGION,
        endpoint_url=world.endpoint("kms"),
        verify=str(world.ca_path),
        aws_access_key_id=access["id"],
        aws_secret_access_key=access["secret"],
    )
    kms.encrypt(KeyId=key, Plaintext=b"data key")
    kms.close()

    assert world.journal.principals("Encrypt") == ("arn:aws:iam::111122223333:user/writer",)
