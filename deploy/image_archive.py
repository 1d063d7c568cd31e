"""
Looks into an archive of the image: `python -m deploy.image_archive size|unpack ARCHIVE [DIR]`.

Reads what `docker save`, `podman save` and `buildah push` write, OCI layouts and Docker's own
format. `size` prints what nodes download and keep; `unpack` writes the files for a look or a run.
Files that a layer takes away from an earlier one are refused: the image has one layer.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_COMPRESSED: Final = 32_000_000
MAX_UNPACKED: Final = 120_000_000
"""Bytes; the goals of the image."""
_GZIP: Final = b"\x1f\x8b"
_ZSTANDARD: Final = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Size:
    """Sizes in bytes, of the layers compressed by gzip and of all files."""

    compressed: int
    unpacked: int


class ArchiveError(Exception):
    """The file is no archive of one image that this program can read."""


def layers(archive: Path) -> list[bytes]:
    """
    Give the layers of an archive, the lowest first, as they stand in it.

    Raises:
        ArchiveError: if the file is not an image's.
    """
    with tarfile.open(archive) as bundle:
        names = set(bundle.getnames())
        if "manifest.json" in names:
            found = json.loads(_read(bundle, "manifest.json"))[0]["Layers"]
        elif "index.json" in names:
            index = json.loads(_read(bundle, "index.json"))
            manifest = json.loads(_read(bundle, _blob(index["manifests"][0])))
            found = [_blob(layer) for layer in manifest["layers"]]
        else:
            msg = f"{archive} has neither manifest.json nor index.json: is it an image's archive?"
            raise ArchiveError(msg)
        return [_read(bundle, name) for name in found]


def size(archive: Path) -> Size:
    """Measure an archive; a layer that is not compressed is, as a registry's client does."""
    compressed = unpacked = 0
    for layer in layers(archive):
        packed = layer if layer.startswith(_GZIP) else gzip.compress(layer, 6)
        compressed += len(packed)
        with _opened(layer) as files:
            unpacked += sum(member.size for member in files)
    return Size(compressed, unpacked)


def unpack(archive: Path, folder: Path) -> None:
    """
    Write the files of all layers.

    Raises:
        ArchiveError: if a layer deletes files.
    """
    for layer in layers(archive):
        with _opened(layer) as files:
            if any(Path(name).name.startswith(".wh.") for name in files.getnames()):
                msg = f"{archive} has a layer that deletes files; build the image in one layer"
                raise ArchiveError(msg)
            # Of an image that was just built here, which has absolute links and a sticky /tmp.
            files.extractall(folder, filter="fully_trusted")  # noqa: S202 - said above


def _opened(layer: bytes) -> tarfile.TarFile:
    if layer.startswith(_ZSTANDARD):
        msg = "a layer is compressed by Zstandard; save the image with gzip"
        raise ArchiveError(msg)
    return tarfile.open(fileobj=io.BytesIO(layer))


def _blob(descriptor: dict[str, str]) -> str:
    return "blobs/" + descriptor["digest"].replace(":", "/")


def _read(bundle: tarfile.TarFile, name: str) -> bytes:
    member = bundle.extractfile(name)
    if member is None:
        msg = f"{name} is no file"
        raise ArchiveError(msg)
    return member.read()


def main(arguments: list[str]) -> int:
    """Run one command; 1 when the image is larger than its goals."""
    match arguments:
        case ["unpack", archive, folder]:
            unpack(Path(archive), Path(folder))
            return 0
        case ["size", archive]:
            measured = size(Path(archive))
        case _:
            sys.stderr.write("usage: python -m deploy.image_archive size|unpack ARCHIVE [DIR]\n")
            return 2
    rows = (
        ("compressed", measured.compressed, MAX_COMPRESSED),
        ("unpacked", measured.unpacked, MAX_UNPACKED),
    )
    for name, found, limit in rows:
        sys.stdout.write(f"{name:<12}{found / 1e6:7.1f} MB, goal {limit / 1e6:.0f} MB\n")
    return int(any(found > limit for _, found, limit in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
