"""Whole pods: annotated, admitted, run as processes, with Google and AWS behind them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.injector.supervisor.process import eventually
from tests.pod.gcp.conftest import ACCESSOR
from tests.pod.tier import REFRESH, pod
from worlds import faults
from worlds.gcp import wrong_checksum

if TYPE_CHECKING:
    from tests.pod.tier import Tier
    from worlds.aws import AwsWorld
    from worlds.gcp import GcpWorld, Secret

SECRET = "gcp-secretmanager:db"


def test_a_pod_finds_its_google_secrets_and_follows_them(
    tier: Tier, gcp: GcpWorld, secret: Secret
) -> None:
    """As a file and as a variable, with one login for init and sidecar."""
    runner = tier.start(pod({"file.pw": SECRET, "env.PW": SECRET, **REFRESH}))
    files = runner.directory("app", "/secrets")
    assert (files / "pw").read_text() == "s3cret"
    gcp.rotate(secret, "fresh")

    eventually(lambda: (files / "pw").read_text() == "fresh")
    assert gcp.journal.count("ExchangeToken") == 1
    readers = set(gcp.journal.principals("AccessSecretVersion"))
    assert readers == {gcp.provider().member("shop", "web")}


def test_one_provider_that_is_down_tears_nothing(
    tier: Tier, gcp: GcpWorld, secret: Secret, world: AwsWorld
) -> None:
    """AWS moves on, Google's file stays, and it follows when Google is back."""
    world.put_secret("prod/db", "aws-0")
    asked = {"file.g": SECRET, "file.aws": "aws-secretsmanager:prod/db"}
    runner = tier.start(pod({**asked, **REFRESH}))
    files = runner.directory("app", "/secrets")
    assert ((files / "g").read_text(), (files / "aws").read_text()) == ("s3cret", "aws-0")
    gcp.faults.add(faults.status(503))
    gcp.rotate(secret, "fresh")
    world.rotate("prod/db", "aws-1")
    eventually(lambda: (files / "aws").read_text() == "aws-1")
    assert (files / "g").read_text() == "s3cret"
    gcp.faults.clear()

    eventually(lambda: (files / "g").read_text() == "fresh")


def test_a_payload_with_a_wrong_checksum_is_never_published(
    tier: Tier, gcp: GcpWorld, secret: Secret
) -> None:
    """What was there stays until the right one comes."""
    runner = tier.start(pod({"file.pw": SECRET, **REFRESH}))
    file = runner.directory("app", "/secrets") / "pw"
    gcp.faults.add(wrong_checksum(), on="secretmanager")
    gcp.rotate(secret, "fresh")
    asked = gcp.journal.count("AccessSecretVersion")
    eventually(lambda: gcp.journal.count("AccessSecretVersion") > asked + 2)
    assert file.read_text() == "s3cret"
    gcp.faults.clear()

    eventually(lambda: file.read_text() == "fresh")


def test_a_pod_that_google_refuses_says_what_to_change(
    tier: Tier, gcp: GcpWorld, secret: Secret
) -> None:
    """In the termination message, where people look."""
    runner = tier.runner(pod({"file.pw": SECRET}, serviceAccountName="plain"))

    failure = str(tier.failure(runner))

    assert "gcloud secrets add-iam-policy-binding db" in failure
    assert gcp.provider().member("shop", "plain") in failure
    assert secret.name not in ("", failure)


def test_a_pod_logs_in_by_a_mounted_key_and_as_the_account_that_it_names(
    tier: Tier, gcp: GcpWorld
) -> None:
    """The Secret is in our containers only, and the account of the key is who reads."""
    reader = gcp.service_account("reader")
    made = gcp.put_secret("keyed", "by key")
    gcp.grant(reader, ACCESSOR, made)
    key = json.dumps(gcp.key_file(reader))
    asked = {"file.pw": "gcp-secretmanager:keyed", "gcp.credentials-secret": "google/key.json"}
    runner = tier.start(pod(asked), secrets={"google": {"key.json": key}})

    assert (runner.directory("app", "/secrets") / "pw").read_text() == "by key"
    assert gcp.journal.principals("AccessSecretVersion") == (reader.member,)
    assert gcp.journal.count("ExchangeToken") == 0


def test_a_missing_secret_of_a_login_is_told_by_name(tier: Tier, secret: Secret) -> None:
    """The pod starts, so that init can say it."""
    asked = {
        "file.pw": SECRET,
        "gcp.credentials-secret": "google/key.json",
        "init-timeout": "5s",
    }

    failure = str(tier.failure(tier.runner(pod(asked))))

    assert "the key key.json of the Secret google in the namespace shop is missing" in failure
    assert secret.name
