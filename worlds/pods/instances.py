"""A container of a running pod: its folder, its process, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from worlds.pods.order import Phase, Status

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

    from worlds.pods.processes import Process
    from worlds.pods.spec import Container

_MESSAGE_BYTES: Final = 4096
_LOG_BYTES: Final = 2048  # of a log that takes the place of a message
_MESSAGE_PATH: Final = "/dev/termination-log"


class Instance:
    """
    One container.

    Args:
        spec: what the pod says of it.
        folder: for its root directory and log; made here.
    """

    def __init__(self, spec: Container, folder: Path) -> None:
        self.spec = spec
        self.root = folder / "root"
        """Its file system; a process finds it in `SYRETTE_ROOT`."""
        self.root.mkdir(parents=True)
        self.log_file = folder / "log"
        self.log_file.touch()
        self.environment: Mapping[str, str] = {}
        """Variables of its last start, as the pod says them."""
        self.exit_code: int | None = None
        """Of its last end; 128 and the number of a signal that ended it."""
        self.termination_message = ""
        """Of its last end."""
        self.starts = 0
        self.running: Process | None = None
        self.phase = Phase.WAITING
        self.started = False
        self.due_at = 0.0
        """Monotonic seconds: the end of its back-off."""

    @property
    def status(self) -> Status:
        """What the rules of order look at."""
        return Status(self.phase, self.exit_code, self.started)

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """Its first process while it runs."""
        return self.running.popen if self.running is not None else None

    @property
    def pid(self) -> int | None:
        """Of its first process while it runs."""
        return self.running.pid if self.running is not None else None

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return max(0, self.starts - 1)

    def log(self) -> str:
        """Everything that it wrote to standard output and standard error, restarts included."""
        return self.log_file.read_text(errors="replace")

    def clear_message(self) -> None:
        """Make the file for the next termination message, as a runtime does at each start."""
        path = self._message_file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")

    def end(self, exit_code: int) -> None:
        """Note an end; the phase is for who decides what follows."""
        self.running = None
        self.exit_code = exit_code
        self.termination_message = self._message(exit_code)

    def _message(self, exit_code: int) -> str:
        try:
            text = self._message_file.read_bytes()[:_MESSAGE_BYTES].decode(errors="replace")
        except OSError:
            text = ""
        policy = self.spec.document.get("terminationMessagePolicy")
        if not text and exit_code and policy == "FallbackToLogsOnError":
            return self.log()[-_LOG_BYTES:]
        return text

    @property
    def _message_file(self) -> Path:
        path: Any = self.spec.document.get("terminationMessagePath") or _MESSAGE_PATH
        return self.root / str(path).lstrip("/")
