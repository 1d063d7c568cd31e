"""Who may do what, tokens of service accounts, and what looks at a pod before it is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worlds.kubernetes.store import ApiStatusError, Object

if TYPE_CHECKING:
    from worlds.kubernetes.store import Key
    from worlds.tokens import Issuer

USER: Final = "world"
SHORTEST: Final = 600  # seconds (authentication.k8s.io/v1, TokenRequestSpec)
Admission = Callable[[Object, str], Object]
"""Takes a pod and its namespace; gives the pod as admitted, or raises ApiStatusError."""


def admit_all(pod: Object, _namespace: str) -> Object:
    """Change nothing."""
    return pod


@dataclass(frozen=True, slots=True)
class _Denial:
    verb: str
    resource: str
    namespace: str
    names: tuple[str, ...]


class Permissions:
    """What the one user of the world may not do; everything else is permitted."""

    def __init__(self) -> None:
        self._denials: list[_Denial] = []

    def deny(self, verb: str, resource: str, *, namespace: str = "", but: str = "") -> None:
        """
        Take a permission away.

        Args:
            verb: `get`, `list`, `watch`, `create`, `update` or `patch`.
            resource: as rules name it, `serviceaccounts/token`.
            namespace: only there.
            but: the one name that stays permitted, as by `resourceNames`.
        """
        self._denials.append(_Denial(verb, resource, namespace, (but,) if but else ()))

    def check(self, verb: str, resource: str, key: Key) -> None:
        """
        Check one request.

        Raises:
            ApiStatusError: 403, in the words of the real one.
        """
        for denial in self._denials:
            here = not denial.namespace or denial.namespace == key[1]
            if (denial.verb, denial.resource) == (verb, resource) and here:
                if key[2] and key[2] in denial.names:
                    continue
                raise ApiStatusError(403, "Forbidden", _forbidden(verb, resource, key))


def _forbidden(verb: str, resource: str, key: Key) -> str:
    plural = resource.partition("/")[0]
    group = "" if key[0].startswith("/api/") else key[0].split("/")[2]
    shown = f'{plural} "{key[2]}"' if key[2] else plural
    where = f'in the namespace "{key[1]}"' if key[1] else "at the cluster scope"
    what = f'cannot {verb} resource "{resource}" in API group "{group}" {where}'
    return f'{shown} is forbidden: User "{USER}" {what}'


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Answers TokenRequests with tokens of an issuer."""

    issuer: Issuer

    def answer(self, request: dict[str, Any], key: Key, uid: str) -> Object:
        """
        Make a token of the account that the path names, of that uid; it is bound to no pod.

        Raises:
            ApiStatusError: 422 for a life that is too short.
        """
        spec = request["spec"]
        seconds = int(spec.get("expirationSeconds", 3600))
        if seconds < SHORTEST:
            message = "spec.expirationSeconds: may not specify a duration less than 10 minutes"
            raise ApiStatusError(422, "Invalid", message)
        own = {"namespace": key[1], "serviceaccount": {"name": key[2], "uid": uid}}
        token = self.issuer.mint(
            key[1],
            key[2],
            spec.get("audiences") or [self.issuer.url],
            lifetime=seconds,
            claims={"kubernetes.io": own},
        )
        return {**request, "status": {"token": token}}
