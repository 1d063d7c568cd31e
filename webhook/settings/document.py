"""The whole document: text to settings, every problem with its line."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from injector.contract import references
from injector.contract.plan import Proxy
from injector.contract.stores import PROVIDERS
from webhook.annotations import documents, endpoints, parsers, placeholders, table, trust
from webhook.annotations.documents import Mapping
from webhook.annotations.stores import apart, filled, parse
from webhook.annotations.suggestions import near
from webhook.errors import SettingsError
from webhook.settings import policy
from webhook.settings.sections import Section
from webhook.settings.shapes import InjectorSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.contract.stores import StoreField

MAX_BYTES: Final = 1024 * 1024  # a ConfigMap holds no more
KEYS: Final[dict[str, str]] = {
    "cluster": "Name of the cluster, `{cluster}` in placeholders.",
    "defaults": "Options without `syrette.dev/`, the farthest scope: pods, service accounts and "
    "namespaces may say otherwise.",
    "ca-bundle": "PEM certificates that our containers trust instead of the image's; they are "
    "copied into each plan.",
    "stores": "Named stores; nobody nearer may define these names again.",
    "endpoints": f"Addresses of services: {', '.join(f'`{name}`' for name in endpoints.NAMES)}. "
    "https only, except on loopback and link-local addresses.",
    "allowed-addresses": "Addresses (https, `*.` for one label) that pods, service accounts and "
    "namespaces may name. Default: none.",
    "allowed-audiences": "Audiences that they may name, beside their provider's usual ones and "
    "those of the operator's defaults and stores.",
    "ignored-containers": "Containers that get nothing unless a pod names them.",
    "env-files": "`auto`: variables from files where every kubelet is 1.35 or newer; `always`; "
    "`never`.",
    "sops-keys": "Patterns of the keys that SOPS documents may name, of every kind: ARNs of AWS, "
    "resource names of Google (`projects/…/cryptoKeys/…`), `https://<vault>.vault.azure.net/keys/"
    "<name>`, `https://<address of Vault>/v1/<mount>/keys/<name>`, recipients of age. Hosts are "
    "in lower case.",
    "proxy": "`https`: egress proxy of our containers; `no-proxy`: list of hosts, domains and "
    "networks. Link-local addresses and `.svc` never go through it.",
    "audit-references": "Whether `store:path` of each secret stands in the decision line.",
    "injector": "Our containers: `image`, `pull-policy`, `pull-secret`, `uid`, `memory-limit`, "
    "`memory-request`, `cpu-limit`, `cpu-request`.",
    "policy": "Rules; the first whose namespaces match decides. With rules, no match is a denial.",
}
"""Keys of the document and what they mean."""
_CLUSTER: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,98}[A-Za-z0-9])?")
_IMAGE: Final = re.compile(r"[a-z0-9]([A-Za-z0-9._/-]|:[A-Za-z0-9])*(@sha256:[0-9a-f]{64})?")
_OBJECT_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
# Stands in for what is known at admission only, while the rest of a value is checked.
_SAMPLE: Final = "sample"


def load(text: str) -> Settings:
    """
    Read the operator's document; an empty one gives the defaults.

    Raises:
        SettingsError: with everything that is wrong, a line each.
    """
    try:
        node = documents.read(text, MAX_BYTES)
    except documents.DocumentError as exc:
        raise SettingsError([f"line {exc.line}: {exc}"]) from exc
    if node is None:
        return Settings()
    if not isinstance(node, Mapping):
        said = f"line {node.line}: wants a mapping of settings, and is {documents.kind(node)}"
        raise SettingsError([said])
    problems: list[str] = []
    settings = _settings(Section(node, "", problems))
    if problems:
        raise SettingsError(sorted(problems, key=_line))
    return settings


def _line(problem: str) -> int:
    return int(problem.removeprefix("line ").partition(":")[0])


def _settings(document: Section) -> Settings:
    document.only(*KEYS)
    default = Settings()
    cluster = document.text("cluster", "", _matching(_CLUSTER, "a name such as prod-eu"))
    return Settings(
        cluster=cluster,
        defaults=_defaults(document.section("defaults"), cluster),
        stores=_stores(document.section("stores"), cluster),
        endpoints=_endpoints(document.section("endpoints")),
        ca_bundle=document.text("ca-bundle", "", parsers.certificates),
        allowed_addresses=document.texts("allowed-addresses", (), trust.address),
        allowed_audiences=document.texts("allowed-audiences", (), trust.audience),
        ignored_containers=document.texts(
            "ignored-containers", default.ignored_containers, parsers.container_name
        ),
        env_files=document.text(
            "env-files", default.env_files, parsers.choice("auto", "always", "never")
        ),
        sops_keys=document.texts("sops-keys", (), policy.key_pattern),
        proxy=_proxy(document.section("proxy")),
        audit_references=document.boolean("audit-references", default=True),
        injector=_injector(document.section("injector"), default.injector),
        policy=policy.rules(document),
    )


def _defaults(section: Section, cluster: str) -> dict[str, str]:
    section.only(*table.OPTIONS, *table.STORE_OPTIONS)
    found: dict[str, str] = {}
    for key, node in section.items():
        if key in table.OPTIONS or key in table.STORE_OPTIONS:
            text = section.parsed(key, node, partial(_default, key, cluster))
            if text is not None:
                found[key] = text
    return found


def _default(key: str, cluster: str, text: str) -> str:
    if not text:
        return text
    _check_cluster(text, cluster)
    if key in table.STORE_OPTIONS:
        _check_field(table.STORE_OPTIONS[key][1], text, cluster)
        return text
    placeholders.check(text)
    if not placeholders.used(text):
        table.OPTIONS[key].parse(text)
    return text


def _stores(section: Section, cluster: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for name, line in section.node.key_lines.items():
        if name in PROVIDERS:
            message = f"is a built-in store; configure it with `defaults`, {_family(name)}.…"
            section.refuse(name, line, message)
        elif not references.STORE_NAME.fullmatch(name):
            section.refuse(name[:60], line, "is no store name: lower case letters, digits and `-`")
        else:
            found[name] = _store(section.section(name), cluster)
    for name, fields in found.items():
        _check_named(section, name, fields, (*PROVIDERS, *found))
    return found


def _check_named(
    section: Section, name: str, fields: dict[str, object], known: tuple[str, ...]
) -> None:
    """Refuse a store that names one which nobody has: a pod's of that name is not meant."""
    for field in ("aws-store", "key-stores"):
        given = fields.get(field)
        names = given.split(",") if isinstance(given, str) else given
        for wanted in names if isinstance(names, list) else ():
            if isinstance(wanted, str) and wanted.strip() not in known and "{" not in wanted:
                hint = near(wanted, known) or f"; there are {', '.join(known)}"
                line = section.node.key_lines[name]
                section.refuse(f"{name}.{field}", line, f"no store `{wanted[:60]}`{hint}")


def _store(section: Section, cluster: str) -> dict[str, object]:
    provider = section.text("provider", "", str)
    if provider not in PROVIDERS:
        hint = near(provider, PROVIDERS) or f"; there are {', '.join(PROVIDERS)}"
        what = f"unknown provider `{provider[:60]}`" if provider else "is missing"
        section.refuse("provider", section.node.line, f"{what}{hint}")
        return {}
    rows = table.FIELDS[_family(provider)]
    section.only("provider", *rows)
    fields: dict[str, object] = {"provider": provider}
    for key, node in section.items():
        if key not in rows:
            continue
        raw = documents.plain(node)
        try:
            _check_field(rows[key], raw, cluster)
        except ValueError as exc:
            section.refuse(key, node.line, str(exc))
        fields[key] = raw
    return fields


def _check_field(row: StoreField, raw: object, cluster: str) -> None:
    """Check a field with sample values in place of its placeholders."""
    facts = placeholders.Facts(cluster, _SAMPLE, _SAMPLE, _Sampled())
    value = parse(row, filled(apart(row, raw), facts))
    if row.name == "audience" and isinstance(value, str):
        trust.audience(value)


class _Sampled(dict[str, str]):
    """Labels that are all there."""

    def get(self, key: str, default: object = None) -> str:  # noqa: ARG002 - as of a dict
        return _SAMPLE


def _check_cluster(text: str, cluster: str) -> None:
    if not cluster and "cluster" in placeholders.used(text):
        msg = "`{cluster}` needs the setting `cluster`"
        raise ValueError(msg)


def _family(provider: str) -> str:
    return PROVIDERS[provider].family


def _endpoints(section: Section) -> dict[str, str]:
    section.only(*endpoints.NAMES)
    found: dict[str, str] = {}
    for key, node in section.items():
        url = section.parsed(key, node, endpoints.url)
        if url is not None and key in endpoints.NAMES:
            found[key] = url
    return found


def _proxy(section: Section) -> Proxy | None:
    section.only("https", "no-proxy")
    https = section.text("https", "", _proxy_url)
    excluded = section.texts("no-proxy", (), _matching(_NO_PROXY, "a host, a domain or a network"))
    return Proxy(https, excluded) if https else None


_NO_PROXY: Final = re.compile(r"[A-Za-z0-9.*:\[\]/_-]+")


def _proxy_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not text.isprintable() or " " in text:
        msg = f"`{text[:60]}` is not a proxy such as http://proxy.acme.io:3128"
        raise ValueError(msg)
    if parts.username is not None or parts.path.strip("/") or parts.query:
        # The plan is readable for everybody who may read pods.
        msg = "a proxy has scheme, host and port only; a password would be readable in every pod"
        raise ValueError(msg)
    return text


def _injector(section: Section, default: InjectorSettings) -> InjectorSettings:
    quantities = ("memory-limit", "memory-request", "cpu-limit", "cpu-request")
    section.only("image", "pull-policy", "pull-secret", "uid", *quantities)
    name = _matching(_OBJECT_NAME, "a Secret's name")
    policies = parsers.choice("Always", "IfNotPresent", "Never")
    chosen = {
        key.replace("-", "_"): section.text(key, "", parsers.quantity)
        for key in quantities
        if key in section.node.entries
    }
    return InjectorSettings(
        image=section.text("image", default.image, _matching(_IMAGE, "an image")),
        pull_policy=section.text("pull-policy", default.pull_policy, policies),
        pull_secret=section.text("pull-secret", default.pull_secret, name),
        # 0 is root, which no Pod Security profile but privileged allows.
        uid=section.text("uid", default.uid, parsers.integer(1, 2**31 - 1)),
        **chosen,
    )


def _matching(pattern: re.Pattern[str], words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            msg = f"`{text[:60]}` is not {words}"
            raise ValueError(msg)
        return text

    return parse
