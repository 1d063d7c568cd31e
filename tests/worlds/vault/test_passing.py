"""What the world passes on, and how it misbehaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worlds.openbao.asking import login, refusal
from worlds import faults
from worlds.aws import AwsWorld
from worlds.openbao import OpenBao
from worlds.vault import VaultWorld

if TYPE_CHECKING:
    from tests.openbao import Cluster
    from worlds.openbao import Namespace


@pytest.fixture
def web(vault: Namespace) -> Namespace:
    """A namespace with one secret, and a role that reads it."""
    vault.kv("secret")
    vault.put("secret", "prod/db", password="s3cret")
    vault.policy("shop", {"secret/data/prod/*": ["read"]})
    vault.kubernetes_role("web", "shop")
    return vault


def test_requests_and_answers_pass_unchanged(
    web: Namespace, front: VaultWorld, cluster: Cluster
) -> None:
    """Namespace, token, status and words are those of the server; each request is noted."""
    through = front.front_of(web)
    client = login(through, cluster.token())

    assert client.read("secret/data/prod/db")["data"] == web.api.read("secret/data/prod/db")["data"]
    assert refusal(lambda: client.read("secret/data/test")) == (
        403,
        "1 error occurred:\n\t* permission denied\n\n",
    )
    assert refusal(lambda: client.within("").read("secret/data/prod/db"))[0] == 403
    assert through.api.list("secret/metadata") == ["prod/"]
    noted = [(e.service, e.action, e.outcome, e.detail["namespace"]) for e in front.journal.entries]
    assert noted == [
        ("kubernetes", "Login", "ok", web.path),
        ("secret", "Read", "ok", web.path),
        ("secret", "Read", "403", web.path),
        ("secret", "Read", "403", ""),
        ("secret", "List", "ok", web.path),
    ]


def test_faults_hit_what_they_are_ordered_for(
    web: Namespace, front: VaultWorld, cluster: Cluster
) -> None:
    """A login twice, a read once, and nothing else; the server sees none of them."""
    through = front.front_of(web)
    front.faults.add(faults.status(503), on="kubernetes.Login", times=2)
    front.faults.add(
        faults.error("any", status=429, message="slow down"), on="secret.Read", times=1
    )
    for _ in range(2):
        assert refusal(lambda: login(through, cluster.token()))[0] == 503
    assert web.audit.logins() == ()
    client = login(through, cluster.token())

    assert refusal(lambda: client.read("secret/data/prod/db")) == (429, "slow down")
    client.read("secret/data/prod/db")
    assert len(web.audit.calls("secret/data/", operation="read")) == 1
    assert front.journal.count("Login", outcome="fault:status:503") == 2


def test_something_happens_between_a_request_and_its_answer(
    web: Namespace, front: VaultWorld
) -> None:
    """A version that came before a read is read, one that came after it is not."""
    through = front.front_of(web)

    def read() -> str:
        return str(through.api.read("secret/data/prod/db")["data"]["data"]["password"])

    second = faults.before(lambda: web.put("secret", "prod/db", password="second"))
    front.faults.add(second, on="secret.Read", times=1)
    assert read() == "second"
    third = faults.after(lambda: web.put("secret", "prod/db", password="third"))
    front.faults.add(third, on="secret.Read", times=1)
    assert (read(), read()) == ("second", "third")


def test_a_world_that_is_down_refuses_connections(web: Namespace, front: VaultWorld) -> None:
    """And comes back on its port."""
    through = front.front_of(web)
    front.go_down()
    with pytest.raises(ConnectionRefusedError):
        through.api.read("secret/data/prod/db")
    front.come_back()

    through.api.read("secret/data/prod/db")


def test_a_sealed_server_is_sealed_for_the_aws_method_too() -> None:
    """No method is asked then."""
    with OpenBao() as server, AwsWorld() as aws, VaultWorld(server, aws) as front:
        through = front.front_of(server.root)
        through.login_method("aws", "aws")
        server.seal()

        assert refusal(lambda: through.api.write("auth/aws/login")) == (503, "Vault is sealed")
