"""What gets into the image, and how its archive is measured."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest

from deploy import image_archive, image_root
from injector.contract import names
from tests.house.source import ROOT

COMMAND_LINE = {"rich", "jsonpatch", "markdown-it-py", "pygments", "hypothesis", "pytest"}
"""Of the command line and the tests: nothing that runs in a cluster imports them."""


def _distributions() -> set[str]:
    packages = [ROOT / name for name in image_root.PACKAGES]
    found = image_root.distributions(image_root.imported(packages))
    return {item.name.lower() for item in found}


def test_the_image_has_what_the_programs_import() -> None:
    """Early or late imports and what they require, and nothing of the command line."""
    found = _distributions()

    assert {"aiohttp", "msgspec", "uvloop", "botocore", "hvac", "jinja2", "cryptography"} <= found
    assert {"yarl", "urllib3", "markupsafe", "cffi", "requests"} <= found
    assert found & COMMAND_LINE == set()


def test_an_import_that_nothing_provides_ends_the_build(tmp_path: Path) -> None:
    """A requirement that is missing in the hashed list is named; types are no imports."""
    (tmp_path / "late.py").write_text(
        "if TYPE_CHECKING:\n    import only_a_type\n"
        "def late():\n    import not_in_any_index\n    from os import path\n"
    )
    imported = image_root.imported([tmp_path])

    assert imported == {"not_in_any_index"}
    with pytest.raises(SystemExit, match=r"runtime\.txt: not_in_any_index"):
        image_root.distributions(imported)


def test_of_botocore_the_code_is_kept_and_the_data_left() -> None:
    """The injector brings the service data that it uses."""
    found = image_root.distributions({"botocore"})
    paths = [str(p) for item in found if item.name == "botocore" for p in image_root.files(item)]

    assert any(path.endswith("botocore/session.py") for path in paths)
    assert any(path.endswith("dist-info/METADATA") for path in paths)
    assert not [path for path in paths if "/data/" in path or "__pycache__" in path]


def test_the_standard_library_is_whole_but_for_what_a_server_never_runs() -> None:
    """Codecs, TLS and the loop are there; tests, user interfaces and databases are not."""
    folder = Path(sysconfig.get_path("stdlib"))
    found = {str(path.relative_to(folder)) for path in image_root.library(folder)}

    assert {"ssl.py", "encodings/idna.py", "asyncio/events.py", "json/decoder.py"} <= found
    assert "pydoc.py" in found
    assert not [p for p in found if p.startswith(("test/", "tkinter/", "sqlite3/", "idlelib/"))]


def test_what_a_library_needs_of_what_is_left_out_ends_the_build(tmp_path: Path) -> None:
    """Every module of ours and all that they import late are tried in the finished tree."""
    package = tmp_path / "ours"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "early.py").write_text("import left_out\n")
    (package / "__main__.py").write_text("raise SystemExit('it was run')\n")
    program = [sys.executable, str(ROOT / "deploy/image_imports.py"), str(tmp_path), "json"]
    environment = {"PYTHONPATH": str(tmp_path)}

    def tried(*names: str) -> tuple[int, str]:
        words = [*program, *names]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    assert tried("ours", "left_out.late") == (
        1,
        "ours.early: No module named 'left_out'\nleft_out.late: No module named 'left_out'\n",
    )
    assert tried("email.message") == (0, "")
    assert image_root.modules([package]) == {"left_out"}


@pytest.fixture
def ldd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a program in the place of ldd that prints what a test writes into it."""
    program = tmp_path / "ldd"
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return program


def test_libraries_are_followed_to_their_files(ldd: Path) -> None:
    """The loader and the system's libraries are found; those within the environment are ours."""
    lines = (
        "linux-vdso.so.1 (0x1)",
        "libssl.so.3 => /lib/libssl.so.3 (0x2)",
        "libown.so => /syrette/lib/libown.so (0x3)",
        "/lib64/ld-linux-x86-64.so.2 (0x4)",
    )
    ldd.write_text("#!/bin/sh\n" + "".join(f"echo '\t{line}'\n" for line in lines))
    ldd.chmod(0o755)

    assert image_root.linked([Path("a.so"), Path("a.py")]) == {
        Path("/lib/libssl.so.3"),
        Path("/lib64/ld-linux-x86-64.so.2"),
    }


def test_a_library_that_is_not_there_ends_the_build(ldd: Path) -> None:
    """An image that would fail at its first import is not made."""
    ldd.write_text("#!/bin/sh\necho '\tlibgone.so.1 => not found'\n")
    ldd.chmod(0o755)

    with pytest.raises(SystemExit, match=r"a\.so needs libgone\.so\.1"):
        image_root.linked([Path("a.so")])


def test_byte_code_is_of_the_final_paths_and_never_checked(tmp_path: Path) -> None:
    """Tracebacks name the image's files, and no time of a file makes a pod compile again."""
    module = tmp_path / "syrette" / "injector" / "a.py"
    module.parent.mkdir(parents=True)
    (tmp_path / "usr/lib").mkdir(parents=True)
    module.write_text("def f(): pass\n")
    image_root.compile_all(tmp_path)
    code = next(module.parent.glob("__pycache__/*.pyc")).read_bytes()

    # PEP 552: bit 0 says "by hash", bit 1 "look at the source".
    assert int.from_bytes(code[4:8], "little") == 0b01
    assert b"/syrette/injector/a.py" in code
    assert str(tmp_path).encode() not in code


def test_generated_code_runs_without_its_source(tmp_path: Path) -> None:
    """Its modules are there as byte code only, and are found."""
    packages = tmp_path / sysconfig.get_path("purelib").lstrip("/")
    folder = packages / image_root.WITHOUT_SOURCE[0]
    folder.mkdir(parents=True)
    (tmp_path / "usr/lib").mkdir(parents=True)
    (folder / "made.py").write_text("ANSWER = 42\n")
    image_root.compile_all(tmp_path)
    code = f"import sys; sys.path[:0] = [{str(folder)!r}]; import made; print(made.ANSWER)"
    output = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert [path.name for path in folder.iterdir()] == ["made.pyc"]
    assert output == "42\n"


def test_files_of_the_image_have_one_time_and_no_more_rights(tmp_path: Path) -> None:
    """Two builds give the same tree; nobody but root can write, and nothing runs as its owner."""
    (tmp_path / "tmp").mkdir()
    for name, mode in (("plain", 0o600), ("program", 0o4775)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    image_root.settle(tmp_path, 1000)
    modes = {path.name: path.stat().st_mode & 0o7777 for path in tmp_path.iterdir()}

    assert modes == {"plain": 0o644, "program": 0o755, "tmp": 0o1777}
    assert {path.stat().st_mtime for path in tmp_path.iterdir()} == {1000}


def test_the_image_s_paths_are_those_of_the_patch() -> None:
    """The environment lies where the webhook's patches call it, and the entry point runs it."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    home = str(image_root.HOME)

    assert f"{home}/bin/python3" == names.IMAGE_PYTHON
    assert f"{home}/injector/supervisor.py" == names.IMAGE_SUPERVISOR
    assert (ROOT / "injector/supervisor.py").is_file()
    assert f'ENTRYPOINT ["{names.IMAGE_PYTHON}", "-I", "-m", "webhook"]' in dockerfile
    assert f"USER {image_root.UID}:{image_root.UID}" in dockerfile


def _layer(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as files:
        _add(files, "bin/program", content)
    return packed.getvalue()


def _add(files: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    files.addfile(member, io.BytesIO(content))


def _oci(folder: Path, layer: bytes) -> Path:
    manifest = {"layers": [{"digest": "sha256:layer"}]}
    with tarfile.open(folder / "oci.tar", "w") as bundle:
        _add(bundle, "index.json", b'{"manifests": [{"digest": "sha256:manifest"}]}')
        _add(bundle, "blobs/sha256/manifest", json.dumps(manifest).encode())
        _add(bundle, "blobs/sha256/layer", layer)
    return folder / "oci.tar"


def _docker(folder: Path, layer: bytes) -> Path:
    with tarfile.open(folder / "docker.tar", "w") as bundle:
        _add(bundle, "manifest.json", b'[{"Layers": ["abc/layer.tar"]}]')
        _add(bundle, "abc/layer.tar", layer)
    return folder / "docker.tar"


@pytest.mark.parametrize("archive", [_oci, _docker])
@pytest.mark.parametrize("compress", [gzip.compress, bytes], ids=["gzip", "plain"])
def test_both_kinds_of_archives_are_measured_alike(
    tmp_path: Path,
    archive: object,
    compress: object,
) -> None:
    """A layer that is saved unpacked counts as a registry would get it."""
    assert callable(archive)
    assert callable(compress)
    content = b"a" * 100_000
    found = image_archive.size(archive(tmp_path, compress(_layer(content))))

    assert found.unpacked == len(content)
    assert found.compressed == pytest.approx(len(gzip.compress(_layer(content))), rel=0.2)


def test_an_archive_is_unpacked(tmp_path: Path) -> None:
    """Its files can be looked at and run."""
    image_archive.unpack(_oci(tmp_path, gzip.compress(_layer(b"x"))), tmp_path / "root")

    assert (tmp_path / "root/bin/program").read_bytes() == b"x"


def test_too_large_an_image_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command prints both sizes, and ends with 1 above the goals."""
    archive = str(_oci(tmp_path, _layer(b"x" * 1000)))
    fits = image_archive.main(["size", archive])
    monkeypatch.setattr(image_archive, "MAX_UNPACKED", 999)

    assert (fits, image_archive.main(["size", archive])) == (0, 1)
    assert "unpacked" in capsys.readouterr().out


def test_another_file_is_no_archive(tmp_path: Path) -> None:
    """A tar file that holds no image is told apart."""
    with tarfile.open(tmp_path / "other.tar", "w") as bundle:
        _add(bundle, "README", b"")

    with pytest.raises(image_archive.ArchiveError, match=r"neither manifest\.json nor index\.json"):
        image_archive.layers(tmp_path / "other.tar")


def test_a_layer_that_deletes_is_refused(tmp_path: Path) -> None:
    """The image has one layer; unpacking would otherwise leave what is gone."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as files:
        _add(files, "bin/.wh.program", b"")

    with pytest.raises(image_archive.ArchiveError, match="deletes files"):
        image_archive.unpack(_oci(tmp_path, packed.getvalue()), tmp_path / "root")


def test_nothing_but_what_is_named_gets_into_the_build() -> None:
    """The list of what may be copied begins with "nothing"."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    copied = {
        source
        for name in ("Dockerfile", "deploy/image_test.Dockerfile")
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }

    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied
