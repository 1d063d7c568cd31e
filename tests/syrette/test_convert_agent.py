"""The cases of the converter are true: the real agent renders their templates to their texts."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from injector.contract.references import Reference
from tests.syrette.agent import Agent
from tests.syrette.chance import SECRET, Chance
from tests.syrette.converting import converted, written
from tests.syrette.test_convert_templates import UNDERSTOOD
from worlds.openbao import OpenBao

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ = [
    case
    for case in UNDERSTOOD
    # What a write answers is not in the case's hands, and KV stores no empty secret.
    if not any("data." in path or not fields for path, fields in case["secrets"].items())
]

READS = {"secret/chance": SECRET}
"""What a converted template made by chance reads."""


@pytest.fixture(scope="module")
def authority(server: OpenBao) -> OpenBao:
    """The server, with a certificate authority."""
    server.root.pki()
    return server


def _is_text(item: dict[str, Any]) -> bool:
    """Whether the file is a text to the byte, and no document in a format."""
    return "template" in item or "#" in str(item["from"])


@pytest.fixture(scope="module")
def server() -> Iterator[OpenBao]:
    """One server for all."""
    with OpenBao() as running:
        yield running


def test_the_agent_writes_the_texts_of_the_cases(server: OpenBao, tmp_path: Path) -> None:
    """Each text that was worked out by hand is the agent's, byte by byte."""
    agent = Agent(server, tmp_path)
    for case in READ:
        agent.add(case["theirs"], case.get("delimiters", ("{{", "}}")), case["secrets"])
    found = dict(zip([case["says"] for case in READ], agent.files(), strict=True))
    wanted = {
        case["says"]: bytes(case["bytes"]) if "bytes" in case else case["text"].encode()
        for case in READ
    }
    documents = [case["says"] for case in READ if "text" in case and not _is_text(case["item"])]

    assert {k: v for k, v in found.items() if k not in documents} == {
        k: v for k, v in wanted.items() if k not in documents
    }
    assert [yaml.safe_load(found[says]) for says in documents] == [
        yaml.safe_load(wanted[says]) for says in documents
    ]


def test_templates_that_chance_has_made_are_rendered_as_the_agent_does(
    server: OpenBao, tmp_path: Path
) -> None:
    """Three hundred, whatever they are put together of."""
    server.root.kv("secret")
    server.root.api.write("secret/data/chance", data=SECRET)
    made = [Chance(seed).template() for seed in range(300)]
    agent = Agent(server, tmp_path)
    for template in made:
        agent.take(template)
    ours = [
        written(converted({"agent-inject": "true", "agent-inject-template-it": template}), READS)
        for template in made
    ]
    differing = [
        (template, wanted, found["it"])
        for template, wanted, found in zip(made, agent.files(), ours, strict=True)
        if found["it"] != wanted
    ]

    assert differing == []


CERTIFICATES = [
    (
        (
            '{{ with pkiCert "pki/issue/web" "common_name=web.svc" }}'
            "{{ .Data.Key }}{{ .Cert }}{{ .Data.CA }}{{ end }}"
        ),
        {"private_key": 0, "certificate": 1, "issuing_ca": 2},
    ),
    (
        (
            '{{ with secret "pki/issue/web" "common_name=web.svc" }}{{ .Data.private_key }};'
            "{{ .Data.certificate }};{{ range .Data.ca_chain }}{{ . }};{{ end }}{{ end }}"
        ),
        {"private_key": 0, "certificate": 1, "ca_chain": [2]},
    ),
]
"""Templates, and which PEM of the file is what in Vault's answer."""


@pytest.mark.parametrize(
    ("template", "fields"), CERTIFICATES, ids=["pkiCert", "secret with a parameter"]
)
def test_a_certificate_is_written_as_the_agent_does(
    template: str, fields: dict[str, Any], authority: OpenBao, tmp_path: Path
) -> None:
    """`pkiCert` puts a line feed behind each part, Vault itself none."""
    agent = Agent(authority, tmp_path)
    agent.take(template)
    (theirs,) = agent.files()
    parts = re.findall(r"-----BEGIN.*?-----END[^-]*-----", theirs.decode(), re.DOTALL)
    issued = {
        name: [parts[n] for n in place] if isinstance(place, list) else parts[place]
        for name, place in fields.items()
    }
    result = converted({"agent-inject": "true", "agent-inject-template-it": template})

    assert len(parts) == 3
    assert written(result, {"pki/issue/web?data.common_name=web.svc": issued}) == {"it": theirs}


def test_what_is_decrypted_is_written_as_the_agent_does(server: OpenBao, tmp_path: Path) -> None:
    """A write with a parameter whose value has signs of its own."""
    server.root.transit()
    plain = base64.b64encode("hällo".encode()).decode()
    sealed = server.root.encrypt("transit", "app", plain)
    template = (
        f'{{{{ with secret "transit/decrypt/app" "ciphertext={sealed}" }}}}'
        "{{ .Data.plaintext | base64Decode }}!{{ end }}"
    )
    agent = Agent(server, tmp_path)
    agent.take(template)
    result = converted({"agent-inject": "true", "agent-inject-template-it": template})
    asked = Reference("vault", "transit/decrypt/app", (("data.ciphertext", sealed),))
    secrets = {str(asked).removeprefix("vault:"): {"plaintext": plain}}

    assert list(written(result, secrets).values()) == agent.files()
