"""botocore without its manual: clients work, and a version that wants more gets the real one."""

from __future__ import annotations

import subprocess
import sys

from tests.house.source import ROOT

_CLIENT = f"""
import sys
sys.path.append({str(ROOT)!r})
from injector.aws import manual, sdk
manual.NAMES = {{names!r}} or manual.NAMES
session = sdk._build_session()
keys = dict(aws_access_key_id="a", aws_secret_access_key="b")
client = session.create_client("secretsmanager", region_name="eu-west-1", **keys)
print(client.get_secret_value.__doc__ is None, "botocore.docs.service" in sys.modules)
"""


def _made(names: tuple[str, ...] = ()) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-c", _CLIENT.format(names=names)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_clients_have_no_docstrings_and_what_writes_them_is_not_loaded() -> None:
    """The modules that write documentation stay on the disk."""
    assert _made() == "True False"


def test_a_botocore_that_wants_more_gets_the_real_package() -> None:
    """An import that our stand-in cannot satisfy falls back, instead of failing in every pod."""
    assert _made(("Unknown",)) == "False True"
