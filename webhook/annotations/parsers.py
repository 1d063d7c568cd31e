"""
Text to typed values, one function a type; each raises ValueError that says what is allowed.

The text of an error names at most the head of a value, since annotations may be long.
"""

from __future__ import annotations

import base64
import json
import posixpath
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from injector.contract import names, paths
from injector.contract.plan import Action

if TYPE_CHECKING:
    from collections.abc import Callable

CONTAINER_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DURATION: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|s|m|h)")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_MODE: Final = re.compile(r"0?[0-7]{3}")
_QUANTITY: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:m|k|Ki|M|Mi|G|Gi|T|Ti)?")
_SIGNALS: Final = ("SIGHUP", "SIGINT", "SIGTERM", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH")
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_MAX_POLICY: Final = 2048
_MAX_DIGITS: Final = 12
_MAX_DELIMITER: Final = 8
_OURS: Final = (names.RUN_DIRECTORY, names.TOKEN_DIRECTORY)
_CERTIFICATE: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----"
)
_METHODS: Final = ("GET", "POST", "PUT")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
MAX_CONTAINERS: Final = 256  # of one pod; real ones have a tenth
MAX_DURATION: Final = 366 * 86400.0  # seconds; longer intervals are mistakes


def _head(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004 - one line of a message


def _refuse(text: str, allowed: str) -> ValueError:
    return ValueError(f"`{_head(text)}` is not {allowed}")


def choice(*allowed: str) -> Callable[[str], str]:
    """One of a few words."""
    words = allowed[0] if len(allowed) == 1 else f"one of {', '.join(allowed)}"

    def parse(text: str) -> str:
        if text not in allowed:
            raise _refuse(text, words)
        return text

    return parse


def boolean(text: str) -> bool:
    """`"true"` or `"false"`."""
    if text not in {"true", "false"}:
        raise _refuse(text, '"true" or "false"')
    return text == "true"


def duration(text: str) -> float:
    """Seconds of a Go-style duration (`1h30m`, `500ms`)."""
    total, position = 0.0, 0
    # From where the last part ended: a search would try every place of a long text of digits.
    while match := _DURATION.match(text, position):
        total += float(match[1]) * _UNITS[match[2]]
        position = match.end()
    if not text or position != len(text) or not 0 < total <= MAX_DURATION:
        raise _refuse(text, "a duration such as 30s, 15m or 1h30m")
    return total


def refresh(text: str) -> float:
    """Seconds between reads, at least one; `never` is 0."""
    if text == "never":
        return 0.0
    seconds = duration(text)
    if seconds < 1:
        raise _refuse(text, "at least 1s, or `never`")
    return seconds


def mode(text: str) -> int:
    """Permission bits in octal; readable by somebody, writable by the owner at most."""
    if not _MODE.fullmatch(text):
        raise _refuse(text, 'an octal mode of three digits such as "0440"')
    bits = int(text, 8)
    if bits & 0o022 or not bits & 0o444:
        raise _refuse(text, "a mode that somebody may read and only the owner may write")
    return bits


def integer(low: int, high: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def parse(text: str) -> int:
        digits = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
        if not digits or not low <= int(text) <= high:
            raise _refuse(text, f"a whole number from {low} to {high}")
        return int(text)

    return parse


def quantity(text: str) -> str:
    """A Kubernetes quantity (`50m`, `64Mi`), kept as text."""
    if not _QUANTITY.fullmatch(text) or not text.strip("0.kKmMGTi"):
        raise _refuse(text, 'a quantity such as 50m or 64Mi; `""` leaves it unset')
    return text


def mount_path(text: str) -> str:
    """An absolute, normal directory."""
    if not text.startswith("/") or posixpath.normpath(text) != text or text == "/" or ":" in text:
        raise _refuse(text, "an absolute directory such as /secrets")
    wrong = paths.problem(text[1:])
    if wrong is not None:
        raise ValueError(wrong)
    if any(f"{text}/".startswith(f"{it}/") or it.startswith(f"{text}/") for it in _OURS):
        raise _refuse(text, f"free: {' and '.join(_OURS)} are Syrette's own and Kubernetes'")
    if text.split("/")[1] in {"proc", "sys", "dev"}:
        raise _refuse(text, "a place for files: /proc, /sys and /dev are the system's")
    return text


def file_path(text: str) -> str:
    """A path relative to the mount."""
    wrong = paths.problem(text)
    if wrong is not None:
        raise ValueError(wrong)
    return text


def variable_name(text: str) -> str:
    """A name of an environment variable that every shell can read."""
    if not VARIABLE_NAME.fullmatch(text):
        raise _refuse(text, "a variable's name: letters, digits and `_`, no digit first")
    if text.startswith("SYRETTE_"):
        raise _refuse(text, "free: names that start with SYRETTE_ are ours")
    return text


def container_name(text: str) -> str:
    """A container's name, a DNS label."""
    if not CONTAINER_NAME.fullmatch(text):
        raise _refuse(text, "a container's name")
    return text


def containers(text: str) -> tuple[str, ...]:
    """A comma list of container names."""
    return container_names([item.strip() for item in text.split(",")])


def container_names(items: list[str]) -> tuple[str, ...]:
    """A list of container names, each once."""
    if len(items) > MAX_CONTAINERS:
        msg = f"names {len(items)} containers; at most {MAX_CONTAINERS} are looked at"
        raise ValueError(msg)
    for item in items:
        container_name(item)
    if len(set(items)) != len(items):
        msg = "a container is named twice"
        raise ValueError(msg)
    return tuple(items)


def session_policy(text: str) -> str:
    """A JSON object of at most the size that AssumeRole takes, kept as text."""
    if len(text) > _MAX_POLICY:
        msg = f"a session policy has at most {_MAX_POLICY} characters"
        raise ValueError(msg)
    try:
        sound = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        sound = False
    if not sound:
        raise _refuse(text, "a JSON object")
    return text


def certificates(text: str) -> str:
    """PEM certificates, at least one and nothing else."""
    found = _CERTIFICATE.findall(text)
    if "PRIVATE KEY" in text:
        msg = "holds a private key; certificates only, since every pod's author may read it"
        raise ValueError(msg)
    if not found or "-----" in _CERTIFICATE.sub("", text):
        msg = "wants PEM certificates (`-----BEGIN CERTIFICATE-----` …)"
        raise ValueError(msg)
    for body in found:
        try:
            der = base64.b64decode("".join(body.split()), validate=True)
        except ValueError:
            der = b""
        if der[:1] != b"\x30":  # every certificate is an ASN.1 SEQUENCE
            msg = "a PEM block is no base64 of a certificate"
            raise ValueError(msg)
    return text


def delimiters(text: str) -> tuple[str, str]:
    """Two template delimiters, apart by a space."""
    pair = text.split()
    odd = any(len(part) > _MAX_DELIMITER or part[:2] in {"{%", "{#"} for part in pair)
    if len(pair) != 2 or pair[0] == pair[1] or odd or {"%}", "#}"} & set(pair):  # noqa: PLR2004 - a pair of marks
        raise _refuse(text, 'two delimiters such as "[[ ]]", not those of Jinja2\'s statements')
    return pair[0], pair[1]


def on_change(text: str) -> Action:
    """`signal:<SIG>:<process>`, `http:<METHOD> <loopback URL>` or `restart`."""
    kind, _, rest = text.partition(":")
    if text == "restart":
        return Action("restart")
    if kind == "signal":
        name, _, process = rest.partition(":")
        if name not in _SIGNALS:
            raise _refuse(name, f"one of {', '.join(_SIGNALS)}")
        # comm is at most 15 bytes (proc(5)); longer names never match.
        if not process or "/" in process or len(process.encode()) > 15:  # noqa: PLR2004 - see above
            raise _refuse(process, "a process name of at most 15 bytes, as in /proc/<pid>/comm")
        return Action("signal", signal=name, process=process)
    if kind == "http":
        return _http_action(rest)
    raise _refuse(text, "signal:<SIG>:<process>, http:<METHOD> <loopback URL> or restart")


def _http_action(text: str) -> Action:
    method, _, url = text.partition(" ")
    if method not in _METHODS:
        raise _refuse(method, f"one of {', '.join(_METHODS)}, a space, and a URL")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refuse(url, "a URL such as http://127.0.0.1:9000/reload") from None
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK or parts.username is not None:
        raise _refuse(url, "a URL of this pod, such as http://127.0.0.1:9000/reload")
    if port == 0 or not url.isprintable() or " " in url:
        raise _refuse(url, "a URL such as http://127.0.0.1:9000/reload")
    return Action("http", method=method, url=url)
