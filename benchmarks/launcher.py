"""
Start one command and report what it cost, from a process that is itself tiny.

Run as `python -I -S launcher.py CORES COMMAND…`, where CORES are numbers with commas, or `any`.
Writes JSON with `wall`, `cpu` (seconds), `peak` (bytes) and `code` as the last line of standard
error. A child's ru_maxrss starts at its parent's resident size (getrusage(2)), hence the separate
process.
"""

import os
import sys
import time


def main() -> None:
    """Spawn, wait, report."""
    cores, command = sys.argv[1], sys.argv[2:]
    if cores != "any":
        os.sched_setaffinity(0, [int(core) for core in cores.split(",")])
    started = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - started
    cpu = usage.ru_utime + usage.ru_stime
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    code = os.waitstatus_to_exitcode(status)
    line = f'\n{{"wall":{wall:.6f},"cpu":{cpu:.6f},"peak":{peak},"code":{code}}}\n'
    os.write(2, line.encode())


main()
