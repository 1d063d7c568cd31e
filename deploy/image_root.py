"""
Picks the files of the image: `python image_root.py DIRECTORY`, inside the build, as root.

Run by the interpreter of the virtual environment `/syrette` with the standard library only, beside
the packages `injector` and `webhook`. Of the installed distributions it takes those that the two
packages import, and what these require; of Debian the interpreter, its standard library and the
shared libraries that something taken is linked with. A library that cannot be found and an import
that nothing installed provides end the build.
"""

from __future__ import annotations

import ast
import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HERE: Final = Path(__file__).resolve().parent
PACKAGES: Final = ("injector", "webhook")
HOME: Final = Path("/syrette")
"""The virtual environment; ours lie beside its folders, where the webhook's patches name them."""
UID: Final = 65532

NOT_OF_THE_LIBRARY: Final = (
    "__pycache__",
    "curses",
    "dbm",
    "doctest.py",
    "ensurepip",
    "idlelib",
    "lib-dynload/_codecs_*",
    "lib-dynload/_curses*",
    "lib-dynload/_dbm*",
    "lib-dynload/_sqlite3*",
    "lib-dynload/_test*",
    "lib-dynload/_xxtestfuzz*",
    "lib-dynload/readline*",
    "lib-dynload/xx*",
    "mailbox.py",
    "pdb.py",
    "pydoc_data",
    "site-packages",
    "sqlite3",
    "test",
    "tkinter",
    "turtle*",
    "unittest",
    "venv",
    "xml/dom",
)
"""
Of Python's standard library: user interfaces, databases, mailboxes, debuggers, tests, installers,
and the character sets of East Asia, in which nothing is sent to us. `pydoc`, and of `_pyrepl` what
it imports, are no user interface: the client of Kubernetes reads docstrings with it.
"""
NOT_OF_DISTRIBUTIONS: Final = (
    # Service data of botocore: `injector/aws/data` is used.
    "botocore/data/*",
    # Its certificates: certifi's are there, to which a link leads.
    "botocore/cacert.pem",
    # What writes C: at run time cryptography needs the backend alone, a module of its own.
    "cffi/*",
    "pycparser/*",
    # Of a distribution that puts it beside the packages.
    "CHANGELOG.md",
    # Time zones: certificates and signatures are in UTC.
    "dateutil/zoneinfo/*.tar.gz",
    "*/tests/*",
    "*/test/*",
    "*_test.py",
    "multidict/_testcapi.*",
    "*/__pycache__/*",
    # What extensions were built from.
    *(f"*.{suffix}" for suffix in ("c", "h", "hash", "pxd", "pxi", "pyi", "pyx")),
    # What installers left; METADATA and licences stay, for people and for scanners.
    *(f"*.dist-info/{name}" for name in ("INSTALLER", "RECORD", "REQUESTED", "WHEEL")),
)
WITHOUT_SOURCE: Final = ("kubernetes_asyncio/client/api", "kubernetes_asyncio/client/models")
"""Generated code, 20 MB of it: byte code alone runs as well, and nobody debugs it."""
ETC: Final = {
    "passwd": f"root:x:0:0::/:/sbin/nologin\nsyrette:x:{UID}:{UID}::/:/sbin/nologin\n",
    "group": f"root:x:0:\nsyrette:x:{UID}:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
_REQUIREMENT: Final = re.compile(r"[A-Za-z0-9._-]+")
_LINKED: Final = re.compile(r"(?:\S+ => )?(?P<path>/\S+) \(0x|(?P<missing>\S+) => not found")
_CA_NAME: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")


class _Imports(ast.NodeVisitor):
    """Modules that a module imports when it runs, wherever in it."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.names |= {alias.name for alias in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.names.add(node.module or "")


def modules(packages: Iterable[Path]) -> set[str]:
    """Modules of others, Python's included, that the packages import, early or late."""
    found = _Imports()
    for package in packages:
        for module in package.rglob("*.py"):
            found.visit(ast.parse(module.read_text(encoding="utf-8")))
    return {name for name in found.names if name.partition(".")[0] not in {*PACKAGES, ""}}


def imported(packages: Iterable[Path]) -> set[str]:
    """Top-level names of distributions that the packages import, early or late."""
    return {name.partition(".")[0] for name in modules(packages)} - sys.stdlib_module_names


def distributions(names: Iterable[str]) -> list[metadata.Distribution]:
    """
    Distributions that provide the names, with everything that they require.

    Raises:
        SystemExit: if a name is provided by nothing.
    """
    providing = metadata.packages_distributions()
    missing = sorted(set(names) - set(providing))
    if missing:
        sys.exit(f"imported, and not in requirements/runtime.txt: {', '.join(missing)}")
    wanted = [name for found in (providing[name] for name in names) for name in found]
    taken: dict[str, metadata.Distribution] = {}
    while wanted:
        name = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if name in taken:
            continue
        try:
            taken[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            # A marker of the requirement is false here, or the hashed installation had failed.
            continue
        wanted += [
            _REQUIREMENT.match(line)[0]  # type: ignore[index]  # every requirement has a name
            for line in taken[name].requires or ()
            if "extra ==" not in line
        ]
    return [taken[name] for name in sorted(taken)]


def files(distribution: metadata.Distribution) -> Iterator[Path]:
    """Give a distribution's files that the image gets; no scripts, which lie outside."""
    for item in distribution.files or ():
        if ".." not in item.parts and not any(fnmatch(str(item), p) for p in NOT_OF_DISTRIBUTIONS):
            yield Path(str(distribution.locate_file(item)))


def library(folder: Path) -> Iterator[Path]:
    """Give the files of the standard library that the image gets."""
    for path in sorted(folder.iterdir()):
        yield from _kept(path, folder)


def _kept(path: Path, folder: Path) -> Iterator[Path]:
    inner = str(path.relative_to(folder))
    if any(fnmatch(name, pat) for name in (inner, path.name) for pat in NOT_OF_THE_LIBRARY):
        return
    if path.is_dir():
        for item in sorted(path.iterdir()):
            yield from _kept(item, folder)
    else:
        yield path


def linked(paths: Iterable[Path]) -> set[Path]:
    """
    Shared libraries outside `HOME` that these files need, the loader included.

    Raises:
        SystemExit: if one of them cannot be found.
    """
    found: set[Path] = set()
    for path in paths:
        if path.suffix != ".so" and ".so." not in path.name and path.parent.name != "bin":
            continue
        output = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607 - a file of ours, in the build
        for match in _LINKED.finditer(output):
            if match["missing"]:
                sys.exit(f"{path} needs {match['missing']}, which is not there")
            if not match["path"].startswith(f"{HOME}/"):
                found.add(Path(match["path"]))
    return found


class Root:
    """
    The tree that becomes the image.

    Args:
        folder: empty or absent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._debian: set[str] = set()

    def write(self, path: str, text: str) -> None:
        """Write a file of ours."""
        target = self._at(Path(path))
        target.write_text(text, encoding="utf-8")

    def copy(self, source: Path, path: Path | None = None) -> None:
        """Copy a file, what a link leads to included, to its own path or another one."""
        shutil.copyfile(source, self._at(path or source))
        shutil.copymode(source, self._at(path or source))

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link."""
        self._at(Path(path)).symlink_to(target)

    def describe(self, package: str) -> None:
        """Leave a Debian package's description where scanners look, and its copyright."""
        if package in self._debian:
            return
        self._debian.add(package)
        told = subprocess.run(  # noqa: S603 - a name that dpkg gave
            ["dpkg-query", "--status", package],  # noqa: S607 - in the build
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        name = package.partition(":")[0]
        self.write(f"/var/lib/dpkg/status.d/{name}", told)
        copyright_file = Path(f"/usr/share/doc/{name}/copyright")
        if copyright_file.is_file():
            self.copy(copyright_file)

    def _at(self, path: Path) -> Path:
        target = self.folder / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def packages_of(paths: Iterable[Path]) -> set[str]:
    """Debian packages that own the files."""
    output = subprocess.run(  # noqa: S603 - paths of Debian
        ["dpkg-query", "--search", *{str(path.resolve()) for path in paths}],  # noqa: S607 - in the build
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return {line.rpartition(": ")[0] for line in output.splitlines() if ": " in line}


def python(root: Root) -> set[Path]:
    """Copy interpreter, standard library and distributions; gives Debian's files among them."""
    interpreter = Path(sys.executable).resolve()
    of_debian = {interpreter, *library(Path(sysconfig.get_path("stdlib")))}
    of_others = {
        path
        for distribution in distributions(imported(HERE / name for name in PACKAGES))
        for path in files(distribution)
    }
    of_debian |= linked(of_debian | of_others)
    for path in of_debian | of_others:
        root.copy(path)
    strip(root.folder / str(path).lstrip("/") for path in of_others if path.suffix == ".so")
    root.link(f"{HOME}/bin/python3", str(interpreter))
    # The injector trusts them where a pod has others' folder in the place of the image's.
    root.link(f"{sysconfig.get_path('purelib')}/botocore/cacert.pem", "../certifi/cacert.pem")
    root.write(
        f"{HOME}/pyvenv.cfg",
        f"home = {interpreter.parent}\ninclude-system-site-packages = false\n",
    )
    return of_debian


def strip(extensions: Iterable[Path]) -> None:
    """Take the debugging information away that wheels carry: a fifth of the image."""
    subprocess.run(["strip", "--strip-unneeded", *extensions], check=True)  # noqa: S603, S607 - in the build


def ours(root: Root) -> None:
    """Copy our packages to where the patches name them, and let every interpreter find them."""
    for name in PACKAGES:
        for path in (HERE / name).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                root.copy(path, HOME / path.relative_to(HERE))
    root.write(f"{sysconfig.get_path('purelib')}/syrette.pth", f"{HOME}\n")


def trust(root: Root) -> None:
    """Copy the CA certificates by hash only: OpenSSL reads the one that it needs."""
    hashed = [p for p in Path("/etc/ssl/certs").iterdir() if _CA_NAME.fullmatch(p.name)]
    if not hashed:
        sys.exit("/etc/ssl/certs has no hashed certificates")
    for path in hashed:
        root.copy(path)
    root.link("/usr/lib/ssl/certs", "/etc/ssl/certs")
    root.copy(Path("/etc/ssl/openssl.cnf"))
    root.link("/usr/lib/ssl/openssl.cnf", "/etc/ssl/openssl.cnf")


def compile_all(folder: Path) -> None:
    """
    Compile everything, with the paths that the image will have.

    Byte code is not checked against its source at run time: both are read-only and of one build,
    and no time of a file can make an interpreter compile again in every pod.
    """
    packages = folder / str(sysconfig.get_path("purelib")).lstrip("/")
    for name in WITHOUT_SOURCE:
        generated = packages / name
        _compile(folder, generated, beside=True)
        for source in generated.rglob("*.py"):
            source.unlink()
    for part in (folder / "usr/lib", folder / str(HOME).lstrip("/")):
        _compile(folder, part, beside=False)


def _compile(folder: Path, part: Path, *, beside: bool) -> None:
    """Compile what is there; `beside` the source, byte code is found without it."""
    compiled = not part.is_dir() or compileall.compile_dir(
        part,
        quiet=1,
        maxlevels=50,
        stripdir=str(folder),
        prependdir="/",
        legacy=beside,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        sys.exit(f"not everything below {part} compiles")


def try_imports(folder: Path) -> None:
    """
    Import, in the finished tree, every module of ours and all that they import late.

    Raises:
        SystemExit: if something that was left out is needed.
    """
    program = (HERE / "image_imports.py").read_text(encoding="utf-8")
    names = sorted(modules(HERE / name for name in PACKAGES))
    chroot = ["chroot", str(folder), f"{HOME}/bin/python3", "-I", "-B", "-c", program]
    if subprocess.run([*chroot, str(HOME), *PACKAGES, *names], check=False).returncode:  # noqa: S603 - paths of ours, in the build
        sys.exit("the image lacks what the lines above name: see NOT_OF_THE_LIBRARY")


def settle(folder: Path, epoch: int) -> None:
    """Give every file the same time and no more rights than reading takes."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if not path.is_symlink():
            executable = path.is_dir() or os.access(path, os.X_OK)
            path.chmod(0o755 if executable and path.stat().st_mode & 0o111 else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    (folder / "tmp").chmod(0o1777)


def main(folder: Path) -> None:
    """Make the whole tree."""
    root = Root(folder)
    folder.mkdir(mode=0o755)
    for name in ("lib", "lib64", "bin"):
        (folder / "usr" / name).mkdir(parents=True)
        root.link(f"/{name}", f"usr/{name}")
    for name in ("dev", "proc", "run", "sys", "tmp"):
        (folder / name).mkdir()
    of_debian = python(root)
    ours(root)
    trust(root)
    for name, text in ETC.items():
        root.write(f"/etc/{name}", text)
    root.copy(Path("/etc/os-release"))
    for package in packages_of(of_debian) | {"base-files", "ca-certificates"}:
        root.describe(package)
    compile_all(folder)
    try_imports(folder)
    settle(folder, int(os.environ.get("SOURCE_DATE_EPOCH", "0")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
