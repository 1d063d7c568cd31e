"""
Set-atomic publication on a shared volume, and private files of our own.

A complete new directory is written first; one rename of the `..data` link then switches every file
at once, as the kubelet does it in its own volumes. Whatever fails, the old set stays as it was.
Everything below a volume is opened component by component without following links, so that a link
which somebody planted there cannot lead a write outside. Nothing is synced to a disk: the volumes
are tmpfs, and what has to be atomic is what a reader sees, not what outlives a power cut.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from injector.contract import names, paths
from injector.contract.reasons import Reason
from injector.errors import PublicationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from injector.material import RenderedFile

_Tree: TypeAlias = "dict[str, RenderedFile | _Tree]"
_Step: TypeAlias = "Callable[[str], None]"

_SET: Final = re.compile(r"\.\.[0-9]{4}(_[0-9]{2}){5}\.[0-9]+")
"""Name of a set: the moment of its publication and a number."""
_NEW_DATA: Final = "..data_new"
_NEW_LINK: Final = "..link_new."
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def publish(
    directory: Path,
    files: Sequence[RenderedFile],
    *,
    clock: Callable[[], float] = time.time,
    step: _Step = lambda _: None,
) -> bool:
    """
    Make `files` the whole content of a volume, in one switch.

    The replaced set stays beside the new one for readers that are just opening its files; call
    `sweep` at the end of the cycle (the next publication does so as well).

    Args:
        directory: where the volume is mounted; it must exist.
        files: the complete set; paths are checked again. The owner's read bit is always set.
        clock: seconds since the epoch, for the name of the set.
        step: called with a word after each change to the volume; tests stop there.

    Returns:
        Whether there was a switch; equal content and modes touch nothing.

    Raises:
        PublicationError: `disk-full`, `write-failed`, `unsafe-path` or `name-collision`.
    """
    tree = _tree(files)
    with _volume(directory) as root:
        current = _current(root)
        _sweep(root, current, step)
        changed = current is None or not _holds(root, current, files)
        name = _write_set(root, tree, clock, step) if changed else None
        try:
            links = _prepare_links(root, tree, step)
            if name is not None:
                os.symlink(name, _NEW_DATA, dir_fd=root)
                step("prepared the switch")
                os.rename(_NEW_DATA, names.PAYLOAD_LINK, src_dir_fd=root, dst_dir_fd=root)
        except OSError:
            if name is not None:
                _remove(root, name, step)
            raise
        if name is not None:
            step("switched")
        # Links come after the switch, so that a reader of a new path never meets a dangling one.
        for temporary, link in links:
            os.rename(temporary, link, src_dir_fd=root, dst_dir_fd=root)
            step("placed a link")
        _remove_stale_links(root, tree, step)
        return changed


def check(files: Sequence[RenderedFile]) -> None:
    """
    Check that files can stand beside each other in one volume.

    Raises:
        PublicationError: for a path that cannot be, and for one that is wanted twice.
    """
    _tree(files)


def differs(directory: Path, files: Sequence[RenderedFile]) -> bool:
    """
    Whether `publish` would switch: something to note down before it happens.

    Raises:
        PublicationError: as `publish`.
    """
    _tree(files)
    with _volume(directory) as root:
        current = _current(root)
        return current is None or not _holds(root, current, files)


def sweep(directory: Path) -> None:
    """
    Remove every set but the current one; what cannot be removed is left to the next time.

    Raises:
        PublicationError: when the volume is not there.
    """
    with _volume(directory) as root:
        _sweep(root, _current(root), lambda _: None)


def foreign(directory: Path) -> list[str]:
    """
    Name the entries that no publication has made.

    Raises:
        PublicationError: when the directory cannot be read.
    """
    with _volume(directory) as root:
        return _foreign(root)


def write_private(path: Path, data: bytes) -> None:
    """
    Write a file that only we may read (0600), by rename: the snapshot, the state.

    Raises:
        PublicationError: `disk-full` or `write-failed`; the old file is intact.
    """
    temporary = f"..{path.name}.new"
    with _volume(path.parent) as root:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=root)
        try:
            _write_file(root, temporary, data, 0o600)
            os.rename(temporary, path.name, src_dir_fd=root, dst_dir_fd=root)
        except OSError:
            with suppress(OSError):  # the first error is the one to tell
                os.unlink(temporary, dir_fd=root)
            raise


def read_private(path: Path, limit: int) -> bytes | None:
    """
    Read a private file of at most `limit` bytes.

    Returns:
        None when there is none, or when it is not ours alone (a link, another owner, a mode that
        lets others read or write, too large).
    """
    try:
        file = open(path, "rb", opener=lambda name, _: os.open(name, _READ))  # noqa: SIM115 - closed below
    except OSError:
        return None
    with file:
        status = os.fstat(file.fileno())
        private = (
            stat.S_ISREG(status.st_mode)
            and status.st_uid == os.geteuid()
            and not status.st_mode & 0o077
        )
        # Not `limit + 1`: Python reserves at once what it is asked for.
        data = file.read(min(status.st_size, limit) + 1) if private else None
    return data if data is not None and len(data) <= limit else None


@contextmanager
def _volume(directory: Path) -> Iterator[int]:
    """Open a volume; whatever the system refuses becomes a PublicationError."""
    try:
        # The mount point itself is ours, only what is in it is shared: a link to it is fine.
        root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield root
        finally:
            os.close(root)
    except OSError as exc:
        reason = Reason.DISK_FULL if exc.errno in _FULL else Reason.WRITE_FAILED
        where = exc.filename if isinstance(exc.filename, str) else ""
        msg = f"{directory}: {exc.strerror}{f' (`{where}`)' if where else ''}; the old files stay"
        raise PublicationError(reason, msg) from exc


def _tree(files: Sequence[RenderedFile]) -> _Tree:
    """Check the paths again, for the plan and the names in a secret are input."""
    tree: _Tree = {}
    for file in files:
        wrong = paths.problem(file.path)
        if wrong is not None:
            msg = f"`{file.path[:60]!a}` cannot be written: {wrong}"
            raise PublicationError(Reason.UNSAFE_PATH, msg)
        *parents, name = file.path.split("/")
        branch: RenderedFile | _Tree = tree
        for parent in parents:
            branch = branch.setdefault(parent, {}) if isinstance(branch, dict) else branch
        if not isinstance(branch, dict) or name in branch:
            msg = f"`{file.path[:60]}` is wanted twice, as a file and as a file or directory"
            raise PublicationError(Reason.NAME_COLLISION, msg)
        branch[name] = file
    return tree


def _current(root: int) -> str | None:
    """Name of the set that is published, if `..data` leads to one of ours."""
    target = _link_target(root, names.PAYLOAD_LINK)
    return target if target is not None and _SET.fullmatch(target) else None


def _link_target(root: int, name: str) -> str | None:
    try:
        return os.readlink(name, dir_fd=root)
    except OSError:  # absent, or no link
        return None


def _holds(root: int, current: str, files: Sequence[RenderedFile]) -> bool:
    """Whether the set has exactly these files with this content and these modes."""
    missing = {file.path: file for file in files}
    try:
        for path, _, found, directory in os.fwalk(current, dir_fd=root):
            for name in found:
                file = missing.pop(f"{path}/{name}".removeprefix(f"{current}/"), None)
                if file is None or not _is_same(directory, name, file):
                    return False
    except OSError:  # a file that we cannot read is one that we did not write
        return False
    return not missing


def _is_same(directory: int, name: str, file: RenderedFile) -> bool:
    with open(os.open(name, _READ, dir_fd=directory), "rb") as existing:  # noqa: PTH123 - a descriptor
        status = os.fstat(existing.fileno())
        expected = stat.S_IFREG | _mode(file)
        if status.st_mode != expected or status.st_size != len(file.material):
            return False
        return existing.read() == file.material.reveal()


def _mode(file: RenderedFile) -> int:
    # We must be able to compare later what we have written.
    return file.mode & 0o777 | stat.S_IRUSR


def _write_set(root: int, tree: _Tree, clock: Callable[[], float], step: _Step) -> str:
    stamp = time.strftime("..%Y_%m_%d_%H_%M_%S", time.gmtime(clock()))
    taken = set(os.listdir(root))
    name = next(f"{stamp}.{n}" for n in range(len(taken) + 1) if f"{stamp}.{n}" not in taken)
    try:
        _write_directory(root, name, tree, step)
    except OSError:
        _remove(root, name, step)
        raise
    return name


def _write_directory(parent: int, name: str, tree: _Tree, step: _Step) -> None:
    os.mkdir(name, 0o700, dir_fd=parent)
    # Whatever the umask is; the set-group-ID bit is the volume's.
    inherited = os.stat(name, dir_fd=parent).st_mode & stat.S_ISGID
    os.chmod(name, 0o700 | inherited, dir_fd=parent)
    step("made a directory")
    directory = os.open(name, _DIRECTORY, dir_fd=parent)
    try:
        for entry, item in tree.items():
            if isinstance(item, dict):
                _write_directory(directory, entry, item, step)
            else:
                _write_file(directory, entry, item.material.reveal(), _mode(item))
                step("wrote a file")
        # A volume with an fsGroup has the set-group-ID bit, by which our files get that group.
        os.fchmod(directory, _directory_mode(tree) | inherited)
        step("opened a directory")
    finally:
        os.close(directory)


def _directory_mode(tree: _Tree) -> int:
    """Whoever may read a file below may list and pass its directories."""
    mode = 0o700
    for item in tree.values():
        below = _directory_mode(item) if isinstance(item, dict) else item.mode
        mode |= below & 0o444 | (below & 0o444) >> 2
    return mode


def _write_file(directory: int, name: str, data: bytes, mode: int) -> None:
    descriptor = os.open(name, _CREATE, 0o600, dir_fd=directory)
    with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        # Not left to open(2), which applies the umask.
        os.fchmod(descriptor, mode)


def _prepare_links(root: int, tree: _Tree, step: _Step) -> list[tuple[str, str]]:
    """Make the missing links under names of our own: what needs space comes before the switch."""
    links = []
    for number, name in enumerate(tree):
        target = f"{names.PAYLOAD_LINK}/{name}"
        if _link_target(root, name) == target:
            continue
        if _is_directory(root, name):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        temporary = f"{_NEW_LINK}{number}"
        os.symlink(target, temporary, dir_fd=root)
        step("prepared a link")
        links.append((temporary, name))
    return links


def _is_directory(root: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _remove_stale_links(root: int, tree: _Tree, step: _Step) -> None:
    for name in os.listdir(root):
        if name not in tree and _link_target(root, name) == f"{names.PAYLOAD_LINK}/{name}":
            _remove(root, name, step)


def _foreign(root: int) -> list[str]:
    return sorted(name for name in os.listdir(root) if not _made(root, name))


def _made(root: int, name: str) -> bool:
    """Whether a publication has made an entry: a set, `..data`, a link into it, or half of one."""
    if _SET.fullmatch(name):
        return _is_directory(root, name)
    target = _link_target(root, name)
    temporary = name.startswith(_NEW_LINK) or name in {names.PAYLOAD_LINK, _NEW_DATA}
    return target is not None and (temporary or target == f"{names.PAYLOAD_LINK}/{name}")


def _sweep(root: int, current: str | None, step: _Step) -> None:
    """Remove what earlier publications left: replaced sets, and halves of one that was killed."""
    for name in os.listdir(root):
        left = name == _NEW_DATA or name.startswith(_NEW_LINK) or _SET.fullmatch(name)
        if left and name != current:
            _remove(root, name, step)


def _remove(root: int, name: str, step: _Step) -> None:
    """Remove a link or a tree, never following a link; what resists stays for the next time."""
    with suppress(OSError):
        if not _is_directory(root, name):
            os.unlink(name, dir_fd=root)
            step("removed a link")
            return
        for _, directories, files, directory in os.fwalk(name, topdown=False, dir_fd=root):
            for entry in files:
                os.unlink(entry, dir_fd=directory)
                step("removed a file")
            for entry in directories:
                # fwalk counts a link to a directory among the directories.
                remove = os.rmdir if _is_directory(directory, entry) else os.unlink
                remove(entry, dir_fd=directory)
        os.rmdir(name, dir_fd=root)
        step("removed a set")
