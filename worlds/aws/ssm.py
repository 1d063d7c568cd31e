"""
Parameter Store: GetParameters and GetParametersByPath.

Names may be ARNs and carry `:version` or `:label`. A name that is denied, or a key that may not
decrypt, fails the whole call; names that do not exist are listed. The order of a reply is not that
of its request. Refused: more than ten names, one name twice.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worlds.aws.calls import Access, demand, denial
from worlds.aws.errors import (
    ACCESS_DENIED_JSON,
    INVALID_KEY,
    INVALID_NEXT_TOKEN,
    VALIDATION,
    AwsError,
    json_constraint,
)
from worlds.aws.kms import may_decrypt

if TYPE_CHECKING:
    from worlds.aws.calls import Call
    from worlds.aws.kms import Key
    from worlds.aws.parameters_kept import Parameter, Parameters, ParameterVersion

_MAX_NAMES: Final = 10
_MAX_PAGE: Final = 10
_FOREIGN_KEY: Final = (
    "The ciphertext refers to a customer master key that does not exist, does not exist in this "
    "region, or you are not allowed to access."
)
"""KMS's words to a caller of another account: they do not give away that there is such a key."""


@dataclass(slots=True)
class ParameterStore:
    """The service of one world."""

    parameters: Parameters
    partition: str = "aws"

    def get_parameters(self, call: Call) -> dict[str, Any]:
        """Answer GetParameters."""
        names = call.parameters.get("Names")
        if not isinstance(names, list) or not 1 <= len(names) <= _MAX_NAMES:
            raise json_constraint(field="names", rule="have length between 1 and 10")
        call.resources.extend(str(name) for name in names)
        if len(set(names)) != len(names):
            msg = "Duplicate parameter names are not allowed."
            raise AwsError(VALIDATION, msg)
        found: list[dict[str, Any]] = []
        invalid: list[str] = []
        decrypt = call.parameters.get("WithDecryption") is True
        for name in names:
            parameter, selector = self._permitted(call, name)
            version = parameter.select(selector) if parameter else None
            call.items.append((name, "ok" if version else "InvalidParameters"))
            if parameter is None or version is None:
                invalid.append(name)
                continue
            item = _item(call, parameter, version, decrypt=decrypt)
            found.append(item | ({"Selector": f":{selector}"} if selector else {}))
        found.sort(key=_scrambled)
        return {"Parameters": found, "InvalidParameters": invalid}

    def get_parameters_by_path(self, call: Call) -> dict[str, Any]:
        """Answer GetParametersByPath; its pages are as long as `MaxResults` at most."""
        path = call.parameters.get("Path", "")
        call.resources.append(str(path))
        if not isinstance(path, str) or not path.startswith("/"):
            msg = "The parameter path must begin with a forward slash /."
            raise AwsError(VALIDATION, msg)
        size = call.parameters.get("MaxResults", _MAX_PAGE)
        if not isinstance(size, int) or not 1 <= size <= _MAX_PAGE:
            raise json_constraint(field="maxResults", rule="have value between 1 and 10")
        account = call.principal.account
        recursive = call.parameters.get("Recursive") is True
        context = {"ssm:recursive": (str(recursive).lower(),)}
        arn = self._arn(path, account, call.region)
        demand(call, Access("ssm:GetParametersByPath", arn, account, context))
        below = [
            parameter
            for parameter in self.parameters.of(account, call.region)
            if _is_below(parameter.name, path, recursive=recursive)
        ]
        start = _offset(call.parameters.get("NextToken"), path, len(below))
        decrypt = call.parameters.get("WithDecryption") is True
        page = below[start : start + size]
        reply: dict[str, Any] = {
            "Parameters": [_item(call, one, one.versions[-1], decrypt=decrypt) for one in page]
        }
        if start + size < len(below):
            reply["NextToken"] = _next_token(path, start + size)
        return reply

    def _permitted(self, call: Call, name: object) -> tuple[Parameter | None, str]:
        if not isinstance(name, str) or not 1 <= len(name) <= 2048:
            raise json_constraint(field="names", rule="have length between 1 and 2048")
        account = call.principal.account
        whole, selector = _split(name.strip())
        if whole.startswith("arn:"):
            arn, parameter = whole, self.parameters.by_arn(whole)
        else:
            _check_name(whole)
            arn = self._arn(whole, account, call.region)
            parameter = self.parameters.named(whole, account, call.region)
        tags = parameter.tags if parameter else {}
        context: dict[str, tuple[str, ...]] = {}
        for key, value in tags.items():
            context[f"aws:resourcetag/{key.lower()}"] = (value,)
            context[f"ssm:resourcetag/{key.lower()}"] = (value,)
        # Sharing lets another account's identities in as far as their own policies go.
        demand(call, Access("ssm:GetParameters", arn, account, context))
        if parameter is not None and parameter.account != account:
            self._check_shared(call, parameter, account)
        here = parameter is not None and parameter.region == call.region
        return (parameter if here else None), selector

    def _check_shared(self, call: Call, parameter: Parameter, account: str) -> None:
        if account not in parameter.shared_with:
            because = "because no resource-based policy allows the ssm:GetParameters action"
            message = denial(call, "ssm:GetParameters", parameter.arn, because)
            raise AwsError(ACCESS_DENIED_JSON, message)

    def _arn(self, name: str, account: str, region: str) -> str:
        return parameter_arn(self.partition, region, account, name)


def parameter_arn(partition: str, region: str, account: str, name: str) -> str:
    """Write a parameter's ARN: the slash in front of a path is the one after `parameter`."""
    return f"arn:{partition}:ssm:{region}:{account}:parameter/{name.removeprefix('/')}"


def _check_name(name: str) -> None:
    if " " in name or ("/" in name and not name.startswith("/")):
        msg = (
            "Parameter name: can't be a path without a forward slash at its beginning, and can't "
            "have spaces within."
        )
        raise AwsError(VALIDATION, msg)


def _is_below(name: str, path: str, *, recursive: bool) -> bool:
    whole = name if name.startswith("/") else f"/{name}"  # a name without slash is at the root
    rest = whole.removeprefix(path.rstrip("/") + "/")
    return rest != whole and (recursive or "/" not in rest)


def _split(name: str) -> tuple[str, str]:
    colons = 5 if name.startswith("arn:") else 0
    parts = name.split(":")
    if len(parts) > colons + 1:
        return ":".join(parts[:-1]), parts[-1]
    return name, ""


def _item(
    call: Call, parameter: Parameter, version: ParameterVersion, *, decrypt: bool
) -> dict[str, Any]:
    value = version.value
    if parameter.key is not None:
        if decrypt:
            _check_key(call, parameter.key, parameter.arn)
        else:
            digest = hashlib.sha512(f"{parameter.arn}:{version.number}".encode()).digest()
            value = "AQICAH" + base64.b64encode(digest).decode()
    return {
        "Name": parameter.name,
        "ARN": parameter.arn,
        "Type": parameter.kind,
        "Value": value,
        "Version": version.number,
        "DataType": "text",
        "LastModifiedDate": version.created,
    }


def _check_key(call: Call, key: Key, arn: str) -> None:
    decision = may_decrypt(call, key, {"PARAMETER_ARN": arn})
    if not decision.allowed:
        message = denial(call, "kms:Decrypt", key.arn, decision.because)
        if key.account != call.principal.account:
            message = _FOREIGN_KEY
        suffix = f" (Service: Kms, Status Code: 400, Request ID: {call.request_id})"
        raise AwsError(ACCESS_DENIED_JSON, message + suffix)
    if not key.enabled:
        msg = f"{key.arn} is disabled."
        raise AwsError(INVALID_KEY, msg)


def _scrambled(item: dict[str, Any]) -> str:
    """Sort key of no meaning, the same at each run."""
    text = f"{item['ARN']}{item.get('Selector', '')}"
    return hashlib.sha256(text.encode()).hexdigest()


def _next_token(path: str, offset: int) -> str:
    return base64.b64encode(f"{offset} {path}".encode()).decode()


def _offset(token: object, path: str, count: int) -> int:
    if token is None:
        return 0
    valid = {_next_token(path, offset): offset for offset in range(1, count)}
    if not isinstance(token, str) or token not in valid:
        msg = "The specified token isn't valid."
        raise AwsError(INVALID_NEXT_TOKEN, msg)
    return valid[token]
