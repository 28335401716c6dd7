#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills launchers at random instants, several side by side, and waits for all that they had.

    kills.py COUNT WORKERS SECONDS COMMAND...

COMMAND says a line when its sandbox runs. It is started COUNT times in all, and its process killed: two
times in three while it starts, otherwise later. Each worker is the reaper of its descendants (prctl(2),
PR_SET_CHILD_SUBREAPER), so whatever outlives a launcher becomes its child; what is there SECONDS after the
kill is told, and the end is 1. The longest time that anything took is told as well.
"""
import ctypes
import os
import random
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 30


def begin(command):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()


def reap():
    """Takes what has ended; whether any child is left."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return True
        except ChildProcessError:
            return False


def children():
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def describe(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return f"{pid}: {file.read().replace(bytes(1), b' ')!r}"
    except OSError:
        return f"{pid}: gone"


def end_all():
    """Children of the killed become ours in their turn."""
    while reap():
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def wait_for_all(seconds):
    """Seconds until nothing lives any more; None: something does still."""
    began = time.monotonic()
    while reap():
        if time.monotonic() > began + seconds:
            return None
        time.sleep(0.005)
    return time.monotonic() - began


def time_of_start(command):
    began = time.monotonic()
    process = begin(command)
    if not process.stdout.readline():
        sys.exit(f"the command does not start: status {process.wait()}")
    passed = time.monotonic() - began
    kill(process)
    return passed if wait_for_all(PATIENCE) is not None else sys.exit("the first does not end")


def instant(start):
    if random.random() < 2 / 3:
        return random.uniform(0, 1.1 * start)
    return random.uniform(start, start + 0.2)


def work(count, seconds, command):
    """Status of a worker."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    start = time_of_start(command)
    longest = failed = 0
    for _ in range(count):
        process, when = begin(command), instant(start)
        time.sleep(when)
        kill(process)
        took = wait_for_all(seconds)
        if took is None:
            failed = 1
            print(f"killed after {when * 1000:.0f} of {start * 1000:.0f} ms, left:", *map(describe, children()),
                  sep="\n", flush=True)
            end_all()
        longest = max(longest, took or 0)
    print(f"start {start * 1000:.0f} ms; {count} killed, the last process gone after {longest * 1000:.0f} ms at most",
          flush=True)
    return failed


def main():
    count, workers, seconds, command = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
    pids = []
    for number in range(workers):
        pid = os.fork()
        if pid == 0:
            os._exit(work((count + number) // workers, seconds, command))
        pids.append(pid)
    return max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)


if __name__ == "__main__":
    sys.exit(main())
