"""
What to change, in one sentence, for each way in which AWS says no.

Pure text chosen by reason, step, code and marks in AWS's message; it repeats nothing of that.
"""

from __future__ import annotations

from typing import Final

from injector.contract.reasons import Reason

KMS: Final = (
    "the KMS key's policy lacks this role: allow it kms:Decrypt there, and for another account's "
    "key also in the role's own policy"
)
DECRYPT: Final = (
    "allow the role kms:Decrypt on the key in the key's policy or, where that leaves it to the "
    "account, in the role's own policy (for another account's key in both); conditions on "
    "kms:EncryptionContext must fit the document's context"
)
CROSS_ACCOUNT: Final = (
    "a secret of another account needs all of: the secret's resource policy, the role's identity "
    "policy, and a customer managed KMS key whose key policy allows the role kms:Decrypt"
)
MANAGED_KEY: Final = "default KMS service key"
"""Mark in AWS's message: the secret of another account is under the key that AWS manages there."""
TAG_SESSION: Final = "allow sts:TagSession beside sts:AssumeRole in the target role's trust policy"
POD_TAGS: Final = (
    "Pod Identity's session tags are transitive and come along to every role of a chain"
)
CLOCK: Final = "set the node's clock (chrony or the hypervisor's time source); AWS allows 5 minutes"

_ANEW: Final = "encrypt the document anew with that key (`sops updatekeys`)"
_BY_CODE: Final = {
    "DisabledException": "enable the KMS key, or use another one",
    "KMSInvalidStateException": (
        "see the key's state: cancel its deletion (`aws kms cancel-key-deletion`), or import its "
        "material again"
    ),
    "IncorrectKeyException": f"the document names another key than encrypted its data key: {_ANEW}",
    "InvalidCiphertextException": (
        f"`enc` or the encryption context of the document was changed: {_ANEW}"
    ),
    "NotFoundException": "check the key's ARN in the document: it may be of a deleted key or alias",
    "InvalidKeyUsageException": "the key must be a symmetric one for encryption and decryption",
    "PackedPolicyTooLarge": "shorten the session policy and the session tags: AWS packs both",
    "MalformedPolicyDocument": "`session-policy` is no valid IAM policy document",
    "RegionDisabledException": "activate the region's STS in the account's IAM settings",
    "IDPRejectedClaim": "the cluster's OIDC provider rejected the token; see its audience list",
    "OptInRequired": "the account has not enabled this region",
}

# Marks in AWS's message, for codes that say too little.
_BY_MARK: Final = (
    (
        "conflicts with a transitive tag key",
        "an earlier session of the chain carries this tag already, transitively: remove it here",
    ),
    (
        "DurationSeconds exceeds",
        "lower `duration`: the role's own maximum session duration ends it, or one hour in a chain",
    ),
)

_BY_STEP: Final = {
    "AssumeRole": (
        "the target role's trust policy must allow the calling role sts:AssumeRole with this "
        "external id, and the calling role's own policy must allow sts:AssumeRole on the target"
    ),
    "AssumeRoleWithWebIdentity": (
        "the role's trust policy must name the cluster's OIDC provider with this audience and "
        "this service account"
    ),
    "GetCredentials": (
        "check the Pod Identity association of this service account, and that its role trusts "
        "pods.eks.amazonaws.com with sts:AssumeRole and sts:TagSession"
    ),
}

_BY_REASON: Final = {
    Reason.NOT_FOUND: "check the name, the region, the account, and the version or label",
    Reason.CLOCK_SKEW: CLOCK,
    Reason.THROTTLED: "it is tried again; a longer `syrette.dev/refresh` lowers the rate",
    Reason.UNAVAILABLE: "it is tried again; see the AWS Health Dashboard for the region",
    Reason.INVALID_REQUEST: "check the reference's name and options, and the store's settings",
    Reason.TOKEN_UNAVAILABLE: "it is tried again with a fresh token",
    Reason.IDENTITY_DENIED: (
        "AWS does not know these credentials here: check that the account has enabled the region, "
        "and that nothing between pod and AWS changes requests"
    ),
}
_RESTORE: Final = "the secret is scheduled for deletion; restore it with RestoreSecret"
_REFUSALS: Final = frozenset({Reason.ACCESS_DENIED, Reason.INVALID_REQUEST, Reason.NOT_FOUND})
_LOGIN_SETTINGS: Final = (
    "check the store's settings of the login: roles, session name, tags, policy and duration"
)
_NOT_OF_AWS: Final = (
    "AWS names an error code: look at proxies between pod and AWS, at the VPC endpoint's policy, "
    "and at the store's `endpoints`"
)


def remedy(reason: Reason, step: str, code: str, text: str, action: str) -> str:
    """Choose the sentence; the narrowest that fits."""
    candidates = (
        _BY_CODE.get(code, ""),
        next((words for mark, words in _BY_MARK if mark in text), ""),
        _RESTORE if reason is Reason.NOT_FOUND and "marked" in text else "",
        TAG_SESSION if action == "sts:TagSession" else "",
        DECRYPT if step == "Decrypt" and reason is Reason.ACCESS_DENIED else "",
        _at_login(reason, step),
        _NOT_OF_AWS if not code and reason in _REFUSALS else "",
        _access(code, text, action) if reason is Reason.ACCESS_DENIED else "",
        _BY_REASON.get(reason, ""),
    )
    return next(filter(None, candidates), "")


def _at_login(reason: Reason, step: str) -> str:
    if step not in _BY_STEP:
        return ""
    return {Reason.IDENTITY_DENIED: _BY_STEP[step], Reason.INVALID_REQUEST: _LOGIN_SETTINGS}.get(
        reason, ""
    )


def _access(code: str, text: str, action: str) -> str:
    if MANAGED_KEY in text:
        return CROSS_ACCOUNT
    # KMS does not say to another account's caller whether there is such a key.
    if "customer master key" in text:
        return KMS
    if "KMS" in text or code in {"DecryptionFailure", "InvalidKeyId"} or action == "kms:Decrypt":
        return KMS
    if "resource-based policy" in text:
        return CROSS_ACCOUNT
    wanted = action or "the read"
    return f"allow the role {wanted} on this secret in its identity policy"
