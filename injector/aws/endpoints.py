"""
A guess at a service's host, good enough to open a connection to it before botocore is imported.

botocore's own rules decide where a request goes; a wrong guess costs one unused connection.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def guess(data: Path, service: str, region: str) -> str:
    """The regional endpoint by the partition's pattern; empty for a region that fits none."""
    partitions = json.loads((data / "partitions.json").read_text(encoding="utf-8"))["partitions"]
    for partition in partitions:
        if re.match(partition["regionRegex"], region):
            return f"https://{service}.{region}.{partition['outputs']['dnsSuffix']}"
    return ""
