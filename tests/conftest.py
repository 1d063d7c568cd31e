"""What holds for every test."""

from __future__ import annotations

import signal

from hypothesis import settings

pytest_plugins = ["tests.openbao"]

# No test asserts a time: on a busy machine one example may take long.
settings.register_profile("syrette", deadline=None)
settings.load_profile("syrette")


def pytest_configure() -> None:
    """
    Take Ctrl-C and hang-ups as a terminal's foreground does.

    What a shell runs in the background, or `nohup` runs, ignores them, and so would every process
    under test.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
