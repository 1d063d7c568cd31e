"""The documents are true: links lead somewhere, commands exist, policies are JSON."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.house.source import ROOT

DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    if ".venv" not in path.parts
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_to_files(document: object) -> None:
    """Every relative link of a document names a file that is there."""
    path = ROOT / str(document)
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
    missing = [target for target in targets if not (path.parent / target).exists()]

    assert missing == []


def test_the_readme_names_commands_that_exist() -> None:
    """Each `make` target and `syrette` command of the README is a real one."""
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^make ([a-z0-9-]+)", readme, re.MULTILINE))
    commands = set(re.findall(r"bin/syrette ([a-z]+)", readme))
    makefile = (ROOT / "Makefile").read_text()
    usage = subprocess.run(
        [sys.executable, "-m", "syrette", "--help"], capture_output=True, text=True, check=True
    ).stdout

    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    assert all(command in usage for command in commands)


def test_every_policy_to_copy_is_json() -> None:
    """Each JSON block of the AWS page parses and is a policy document."""
    page = (ROOT / "docs/providers/aws.md").read_text()
    blocks = re.findall(r"<!-- policy: [a-z-]+ -->\n```json\n(.*?)```", page, re.DOTALL)

    assert len(blocks) == page.count("```json")
    assert all(json.loads(block)["Version"] == "2012-10-17" for block in blocks)
