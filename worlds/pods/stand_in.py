"""
The built-in stand-in for an application: waits for SIGTERM and ends well.

Started as a script under `-I -S`. With `--end` it ends at once, as an init container does.
"""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__" and "--end" not in sys.argv:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    signal.sigwait({signal.SIGTERM})
