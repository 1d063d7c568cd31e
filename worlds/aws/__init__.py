"""A simulated AWS that verifies what the real one verifies; see `AwsWorld`."""

from worlds.aws.conditions import MalformedPolicyError
from worlds.aws.identities import Account, Role, User
from worlds.aws.kms import Key
from worlds.aws.secrets_kept import Secret
from worlds.aws.world import AwsWorld

__all__ = ["Account", "AwsWorld", "Key", "MalformedPolicyError", "Role", "Secret", "User"]
