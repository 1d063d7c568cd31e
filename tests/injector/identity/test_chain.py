"""Chains of roles on the AWS world: what is said at each hop, what a session may, who says no."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from injector.contract.reasons import Reason
from injector.contract.stores import Hop
from tests.injector.cycle.pod import READ_ALL
from tests.injector.tenant import POD_TRUST, Tenant, allowing, session_arn, trusting
from worlds import faults

if TYPE_CHECKING:
    from injector.contract.stores import Store
    from injector.errors import ProviderError
    from worlds.aws import AwsWorld
    from worlds.journal import Entry

DB = "aws-secretsmanager:prod/db"
SKEW = 600.0
OWN_TAGS = {
    "kubernetes-namespace=shop",
    "kubernetes-pod-name=web-1",
    "kubernetes-service-account=web",
}


def hops(world: AwsWorld) -> tuple[Entry, ...]:
    """Every AssumeRole so far."""
    return world.journal.calls("AssumeRole")


def fails(tenant: Tenant, store: Store) -> ProviderError:
    """Read and give the error."""
    error = tenant.fetch(store, DB)[0].error
    assert error is not None
    return error


def test_external_id_is_said_at_its_own_hop(world: AwsWorld, tenant: Tenant) -> None:
    """Each hop's trust may ask for one of its own; the store's goes to the last."""
    first = tenant.reader("first", StringEquals={"sts:ExternalId": "first"})
    asked = {"sts:ExternalId": "last"}
    last = tenant.reader("last", first.arn, account="444455556666", StringEquals=asked)
    chain = (Hop(first.arn, external_id="first"), last.arn)
    session = tenant.get(tenant.store(assume_role=chain, external_id="last"))

    assert tenant.who(session) == session_arn(last)
    assert [entry.detail["external-id"] for entry in hops(world)] == ["first", "last"]


def test_every_hop_is_named_for_the_pods_owner(world: AwsWorld, tenant: Tenant) -> None:
    """CloudTrail of each account shows the same name."""
    first = tenant.reader("first")
    chain = (first.arn, tenant.reader("last", first.arn).arn)
    tenant.get(tenant.store(assume_role=chain, session_name="mine"))

    assert [entry.detail["session-name"] for entry in hops(world)] == ["mine", "mine"]


def test_tags_of_the_pod_come_along_and_decide(world: AwsWorld, tenant: Tenant) -> None:
    """One ABAC policy on the namespace's tag lets this pod's secrets be read and no other's."""
    for namespace in ("shop", "other"):
        world.put_secret(f"{namespace}/db", "s3cret", tags={"kubernetes-namespace": namespace})
    own = "${aws:PrincipalTag/kubernetes-namespace}"
    policy = allowing("secretsmanager:GetSecretValue")
    tagged = {"StringEquals": {"secretsmanager:ResourceTag/kubernetes-namespace": own}}
    policy["Statement"][0]["Condition"] = tagged
    reader = tenant.reader("reader")
    reader.set_policies(policy)
    store = tenant.store(
        assume_role=reader.arn, session_tags=(("team", "payments"),), batch="never"
    )
    mine, other = tenant.fetch(store, "aws-secretsmanager:shop/db", "aws-secretsmanager:other/db")

    assert mine.error is None
    assert other.error is not None
    assert other.error.reason is Reason.ACCESS_DENIED
    assert set(hops(world)[0].detail["tags"].split(",")) == {"team=payments", *OWN_TAGS}


def test_no_tags_are_said_where_none_are_asked_for(world: AwsWorld, tenant: Tenant) -> None:
    """A trust without sts:TagSession is enough for a store without tags."""
    reader = tenant.reader("reader", tags=False)
    tenant.get(tenant.store(assume_role=reader.arn))

    assert hops(world)[0].detail["tags"] == ""


@pytest.mark.parametrize(
    "tag", ["kubernetes-namespace", "Kubernetes-Namespace", "eks-cluster-name", "EKS-Cluster-ARN"]
)
@pytest.mark.parametrize("auth", ["web-identity", "pod-identity"])
def test_tag_that_pretends_to_be_the_pods_is_refused_unasked(
    world: AwsWorld, tenant: Tenant, tag: str, auth: str
) -> None:
    """In any letter case, since IAM's conditions know none; it is the store's fault, not ours."""
    reader = tenant.reader("reader")
    store = tenant.store(auth=auth, assume_role=reader.arn, session_tags=((tag, "other"),))
    error = fails(tenant, store)

    assert error.reason is Reason.INVALID_STORE
    assert f"`{tag}` is the pod's own" in str(error)
    assert world.journal.entries == ()


def test_transitive_tags_reach_the_last_hop_and_are_said_once(
    world: AwsWorld, tenant: Tenant
) -> None:
    """A tag that goes on by itself cannot be said again: not even the pod's own."""
    first = tenant.reader("first")
    last = tenant.reader("last", first.arn)
    tagged = Hop(
        first.arn,
        session_tags=(("team", "payments"),),
        transitive_tags=("team", "kubernetes-namespace"),
    )
    store = tenant.store(
        assume_role=(tagged, last.arn),
        session_tags=(("project", "x"),),
        transitive_tags=("project", "kubernetes-namespace"),
    )
    session = tenant.get(store)
    principal = world.principal_of(session.credentials.access_key_id)
    assert principal is not None

    assert dict(principal.tags) == {
        "team": "payments",
        "project": "x",
        "kubernetes-namespace": "shop",
        "kubernetes-pod-name": "web-1",
        "kubernetes-service-account": "web",
    }
    said = [set(entry.detail["tags"].split(",")) for entry in hops(world)]
    assert said == [
        {"team=payments", *OWN_TAGS},
        {"project=x", *OWN_TAGS - {"kubernetes-namespace=shop"}},
    ]
    assert [entry.detail["transitive"] for entry in hops(world)] == [
        "kubernetes-namespace,team",
        "project",
    ]


def test_the_pods_own_tags_alone_may_be_transitive(world: AwsWorld, tenant: Tenant) -> None:
    """Naming one of them as transitive is asking for them."""
    reader = tenant.reader("reader")
    tenant.get(tenant.store(assume_role=reader.arn, transitive_tags=("kubernetes-namespace",)))

    assert set(hops(world)[0].detail["tags"].split(",")) == OWN_TAGS
    assert hops(world)[0].detail["transitive"] == "kubernetes-namespace"


def test_tag_that_is_carried_already_says_so(tenant: Tenant) -> None:
    """AWS refuses it; which of the settings is wrong is in the remedy."""
    first = tenant.reader("first")
    last = tenant.reader("last", first.arn)
    tags = (("team", "payments"),)
    tagged = Hop(first.arn, session_tags=tags, transitive_tags=("team",))
    error = fails(tenant, tenant.store(assume_role=(tagged, last.arn), session_tags=tags))

    assert error.reason is Reason.INVALID_REQUEST
    assert "carries this tag already" in error.remedy


def test_pod_identitys_tags_come_along_by_themselves(world: AwsWorld, tenant: Tenant) -> None:
    """The agent has put them on its session, transitively: only the user's own are said."""
    pod = tenant.associate()
    reader = tenant.reader("reader", pod.arn)
    store = tenant.store(
        auth="pod-identity",
        assume_role=reader.arn,
        session_tags=(("team", "payments"),),
        transitive_tags=("team", "kubernetes-namespace"),
    )
    session = tenant.get(store)
    principal = world.principal_of(session.credentials.access_key_id)
    assert principal is not None

    assert hops(world)[0].detail["tags"] == "team=payments"
    assert principal.tags["kubernetes-namespace"] == "shop"
    assert principal.tags["eks-cluster-name"] == "prod"


def test_missing_tag_session_behind_pod_identity_is_explained(tenant: Tenant) -> None:
    """A chain that works with web identity fails here for tags that nobody asked for."""
    pod = tenant.associate()
    reader = tenant.reader("reader", pod.arn, tags=False)
    error = fails(tenant, tenant.store(auth="pod-identity", assume_role=reader.arn))

    assert error.reason is Reason.IDENTITY_DENIED
    assert "sts:TagSession" in error.remedy
    assert "transitive" in error.remedy
    assert reader.arn in str(error)


def test_missing_tag_session_of_a_tagged_store_blames_no_pod_identity(tenant: Tenant) -> None:
    """Under web identity the tags are the store's own."""
    reader = tenant.reader("reader", tags=False)
    error = fails(
        tenant, tenant.store(assume_role=reader.arn, session_tags=(("team", "payments"),))
    )

    assert error.reason is Reason.IDENTITY_DENIED
    assert "sts:TagSession beside sts:AssumeRole" in error.remedy
    assert "Pod Identity" not in error.remedy


def test_denied_trust_behind_pod_identity_names_the_tags_as_well(tenant: Tenant) -> None:
    """Whoever writes the missing trust policy writes both actions at once."""
    tenant.associate()
    stranger = tenant.reader("stranger", "arn:aws:iam::111122223333:user/nobody")
    error = fails(tenant, tenant.store(auth="pod-identity", assume_role=stranger.arn))

    assert error.reason is Reason.IDENTITY_DENIED
    assert f"may not sts:AssumeRole on {stranger.arn}" in str(error)
    assert "trust policy must allow the calling role" in error.remedy
    assert "sts:TagSession" in error.remedy


def test_session_policy_narrows_the_last_role(world: AwsWorld, tenant: Tenant) -> None:
    """What the role may and the policy does not is denied, and the policy is named."""
    world.put_secret("prod/db", "s3cret")
    world.put_secret("prod/other", "s3cret")
    arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-*"
    policy = json.dumps(allowing("secretsmanager:GetSecretValue", resource=arn))
    reader = tenant.reader("reader")
    store = tenant.store(assume_role=reader.arn, session_policy=policy, batch="never")
    inside, outside = tenant.fetch(store, DB, "aws-secretsmanager:prod/other")

    assert inside.error is None
    assert outside.error is not None
    assert "the session policy does not allow it" in str(outside.error)


def test_session_policy_narrows_web_identity_itself(world: AwsWorld, tenant: Tenant) -> None:
    """AssumeRoleWithWebIdentity takes one, so no second role is needed."""
    world.put_secret("prod/db", "s3cret")
    policy = json.dumps(allowing("ssm:GetParameters"))
    error = fails(tenant, tenant.store(session_policy=policy))

    assert error.reason is Reason.ACCESS_DENIED
    assert hops(world) == ()


def test_policy_of_a_skipped_self_assume_still_narrows(world: AwsWorld, tenant: Tenant) -> None:
    """Leaving out a role never widens what the pod may."""
    world.put_secret("prod/db", "s3cret")
    policy = json.dumps(allowing("ssm:GetParameters"))
    store = tenant.store(assume_role=tenant.role.arn, session_policy=policy)
    fetched = tenant.fetch(store, DB)[0]

    assert fetched.error is not None
    assert fetched.error.reason is Reason.ACCESS_DENIED
    assert "is not assumed again" in fetched.warnings[0]


@pytest.mark.parametrize("auth", ["pod-identity", "ambient"])
def test_session_policy_that_nothing_takes_is_refused(
    world: AwsWorld, tenant: Tenant, auth: str
) -> None:
    """Dropping it in silence would widen the session."""
    error = fails(tenant, tenant.store(auth=auth, session_policy="{}"))

    assert error.reason is Reason.INVALID_STORE
    assert f"a session policy under {auth} needs `assume-role`" in str(error)
    assert world.journal.entries == ()


def test_chained_session_lasts_an_hour_at_most(world: AwsWorld, tenant: Tenant) -> None:
    """AWS refuses more in a chain, whatever the role itself allows."""
    reader = tenant.reader("reader")
    reader.max_session = 43200
    tenant.get(tenant.store(assume_role=reader.arn, duration="43200"))

    assert hops(world)[0].detail["duration"] == "3600"


def test_derived_session_ends_with_its_source(world: AwsWorld, tenant: Tenant) -> None:
    """A role that is assumed late from a base does not outlive the base."""
    base = tenant.get(tenant.store())
    tenant.pass_time(1800)
    reader = tenant.reader("reader")
    derived = tenant.get(tenant.store(assume_role=reader.arn))

    assert world.journal.count("AssumeRoleWithWebIdentity") == 1
    assert derived.expires_at == base.expires_at


def test_denied_trust_reads_otherwise_than_a_self_assume(tenant: Tenant) -> None:
    """Whose trust lacks whom, and what else must allow it."""
    stranger = tenant.reader("stranger", "arn:aws:iam::111122223333:user/nobody")
    error = fails(tenant, tenant.store(assume_role=stranger.arn))

    assert error.reason is Reason.IDENTITY_DENIED
    assert f"{session_arn(tenant.role)} may not sts:AssumeRole on {stranger.arn}" in str(error)
    assert "target role's trust policy must allow the calling role" in error.remedy
    assert "assume-role" not in error.remedy.replace("sts:AssumeRole", "")


def test_self_assume_under_pod_identity_is_explained_after_the_no(
    world: AwsWorld, tenant: Tenant
) -> None:
    """Only AWS's message says which role the pod has: the chain's first is that one."""
    pod = tenant.associate()
    error = fails(tenant, tenant.store(auth="pod-identity", assume_role=pod.arn))

    assert error.reason is Reason.SELF_ASSUME
    assert f"the pod already has {pod.arn}" in str(error)
    assert "remove it from `assume-role`" in error.remedy
    assert len(hops(world)) == 1


def test_role_that_may_assume_itself_but_not_tag_is_not_called_a_self_assume(
    tenant: Tenant, world: AwsWorld
) -> None:
    """Its trust lets it in: what lacks is sts:TagSession, and that is what is said."""
    trust = {**POD_TRUST, "Statement": [*POD_TRUST["Statement"]]}
    pod = world.account().role("pod", trust, READ_ALL)
    itself = trusting(pod.arn, tags=False)["Statement"]
    pod.set_trust({**trust, "Statement": [*trust["Statement"], *itself]})
    tenant.associate(pod)
    error = fails(tenant, tenant.store(auth="pod-identity", assume_role=pod.arn))

    assert error.reason is Reason.IDENTITY_DENIED
    assert "sts:TagSession" in error.remedy


def test_hop_that_fails_for_a_while_is_tried_again(world: AwsWorld, tenant: Tenant) -> None:
    """STS under load refuses a hop: the base is not logged in anew for it."""
    world.faults.add(faults.throttled("Throttling"), on="AssumeRole", times=2)
    tenant.get(tenant.store(assume_role=tenant.reader("reader").arn))

    assert len(hops(world)) == 3
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_revoked_base_is_logged_in_anew(world: AwsWorld, tenant: Tenant) -> None:
    """A base whose credentials ended early is replaced once, and the chain works."""
    world.put_secret("prod/db", "s3cret")
    tenant.get(tenant.store())
    world.expire_credentials()
    fetched = tenant.fetch(tenant.store(assume_role=tenant.reader("reader").arn), DB)[0]

    assert fetched.error is None
    assert [entry.outcome for entry in hops(world)] == ["ExpiredToken", "ok"]
    assert tenant.time.slept == []


def test_revoked_sessions_are_replaced_once_and_not_for_ever(
    world: AwsWorld, tenant: Tenant
) -> None:
    """Credentials that stay refused are an error after one new login, with no pauses between."""
    world.faults.add(faults.error("UnrecognizedClientException"), on="GetSecretValue")
    error = fails(tenant, tenant.store())

    assert error.reason is Reason.IDENTITY_DENIED
    assert "enabled the region" in error.remedy
    assert world.journal.count("AssumeRoleWithWebIdentity") == 2
    assert world.journal.count("GetSecretValue") == 2


@pytest.mark.parametrize("skew", [SKEW, -SKEW])
@pytest.mark.parametrize("step", ["AssumeRole", "GetSecretValue"])
def test_clock_that_differs_is_named(
    world: AwsWorld, tenant: Tenant, skew: float, step: str
) -> None:
    """STS and the services word it differently: the node's clock is what is wrong."""
    world.put_secret("prod/db", "s3cret")
    world.skew = skew
    settings: dict[str, Any] = {}
    if step == "AssumeRole":
        settings["assume_role"] = tenant.reader("reader").arn
    error = fails(tenant, tenant.store(**settings))

    assert (error.reason, error.step) == (Reason.CLOCK_SKEW, step)
    assert "node's clock" in error.remedy


def test_own_extras_of_a_hop_stand_before_the_stores(world: AwsWorld, tenant: Tenant) -> None:
    """The last hop in mapping form keeps what it says itself."""
    last = Hop(tenant.reader("last").arn, external_id="mine", session_tags=(("team", "own"),))
    store = tenant.store(assume_role=last, external_id="stores", session_tags=(("team", "stores"),))
    tenant.get(store)

    assert hops(world)[0].detail["external-id"] == "mine"
    assert "team=own" in hops(world)[0].detail["tags"].split(",")
