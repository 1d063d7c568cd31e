"""The cases of the converter are true: the real agent renders their templates to their texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

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


def test_a_certificate_of_pki_cert_ends_its_parts_as_ours_does(
    server: OpenBao, tmp_path: Path
) -> None:
    """The function of theirs puts a line feed behind each part, Vault none."""
    server.root.pki()
    template = (
        '{{ with pkiCert "pki/issue/web" "common_name=web.svc" }}'
        "{{ .Data.Key }}{{ .Cert }}{{ .Data.CA }}{{ end }}"
    )
    agent = Agent(server, tmp_path)
    agent.take(template)
    (theirs,) = agent.files()
    parts = re.findall(r"-----BEGIN.*?-----END[^\n]*-----", theirs.decode(), re.DOTALL)
    issued = dict(zip(("private_key", "certificate", "issuing_ca"), parts, strict=True))
    result = converted({"agent-inject": "true", "agent-inject-template-it": template})

    assert written(result, {"pki/issue/web?data.common_name=web.svc": issued}) == {"it": theirs}
