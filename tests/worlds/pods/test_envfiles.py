"""EnvFiles: what the kubelet of 1.35 reads, and what it refuses."""

from __future__ import annotations

import pytest

from injector.material import Material
from injector.render.envfile import env_file
from worlds.pods.envfiles import EnvFileError, value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("K='v'\n", "v"),
        ("K='v'", "v"),
        ("K='v'\r\n", "v"),
        ("  \tK='v'\n", "v"),
        ("# K='no'\n\n \t\nA='1'\nK='v'\n", "v"),
        ("K='1'\nK='2'\n", "1"),
        ("A='x'\n", ""),
        ("", ""),
        ("K=''\n", ""),
        ("K= 'v'\n", ""),
        ("K='a#b=c $(A) \\n \"q\"'\n", 'a#b=c $(A) \\n "q"'),
        ("K='v' # why\n", "v"),
        ("K='v'   \n", "v"),
        ("K='one\n  two\n\n# three\n'\nA='1'\n", "one\n  two\n\n# three\n"),
        ("A='\nK=no\n'\nK='v'\n", "v"),
        ("K='v'\nwrong\n", "v"),
    ],
)
def test_what_is_read(text: str, found: str) -> None:
    """Everything between the quotes is literal; what stands behind the name is not looked at."""
    assert value(text, "K") == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wrong\nK='v'\n", "line 1 is not NAME='value'"),
        ("='v'\nK='v'\n", "line 1 is not NAME='value'"),
        ("A='1'\nK ='v'\n", "line 2 is not NAME='value'"),
        ("K=v\n", "line 1 is not in single quotes"),
        ('K="v"\n', "line 1 is not in single quotes"),
        ("export K='v'\nK=\n", "line 2 is not in single quotes"),
        ("K='a''b'\n", "closing quote of line 1"),
        ("K='it'\\''s'\n", "closing quote of line 1"),
        ("K='v'# why\n", "closing quote of line 1"),
        ("K='v\nA='1'\n", "closing quote of line 1"),
        ("K='v\nmore\n", "quote of line 1 is not closed"),
        (f"K='{'x' * 64 * 1024}'\n", "line 1 is longer than 64 KiB"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    """A wrong line before the name's end is an error that names it, and no value."""
    with pytest.raises(EnvFileError, match=words) as caught:
        value(text, "K")

    assert "xxx" not in str(caught.value)


@pytest.mark.parametrize("secret", ["plain", "a\nb\n", "$(A) $$ `x` \\", " blank ", "#", "ü"])
def test_what_the_injector_writes_is_read_back(secret: str) -> None:
    """Both sides of the format agree on every value that it can carry."""
    written = env_file([("A", Material(b"1")), ("K", Material(secret.encode()))])

    assert value(written.reveal().decode(), "K") == secret
