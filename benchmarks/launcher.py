"""
Start one command and report what it cost, from a process that is itself tiny.

Run as `python -I -S launcher.py COMMAND…`. Prints JSON with `wall`, `cpu` (seconds), `peak` (bytes)
and `code`. A child's ru_maxrss starts at its parent's resident size (getrusage(2)), hence the
separate process.
"""

import os
import sys
import time


def main() -> None:
    """Spawn, wait, report on file descriptor 3's stand-in: the last line of standard error."""
    started = time.perf_counter()
    pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - started
    cpu = usage.ru_utime + usage.ru_stime
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    code = os.waitstatus_to_exitcode(status)
    line = f'\n{{"wall":{wall:.6f},"cpu":{cpu:.6f},"peak":{peak},"code":{code}}}\n'
    os.write(2, line.encode())


main()
