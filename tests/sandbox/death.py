#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills launchers at random instants and looks for what they leave.

    death.py COUNT COMMAND...

Starts COMMAND that many times and sends SIGKILL to its process: two times in three at an
instant of its start, otherwise later. With COUNT 0 it is started once and ends by itself: its
status is then what this ends with. This process is the reaper of all its descendants
(prctl(2), PR_SET_CHILD_SUBREAPER): whatever outlives a launcher becomes its child, with
whatever session or name. Ends with 1 if three seconds after the end there is one.
"""
import ctypes
import os
import random
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
SECONDS = 3


def reap():
    """Takes what has ended; whether any child is left."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return True
        except ChildProcessError:
            return False


def begin(command):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()


def time_of_start(command):
    """From the call until the command says its first word."""
    began = time.monotonic()
    process = begin(command)
    if not process.stdout.readline():
        sys.exit(f"the command does not start: status {process.wait()}")
    passed = time.monotonic() - began
    kill(process)
    return passed


def instant(start):
    if random.random() < 2 / 3:
        return random.uniform(0, 1.2 * start)
    return random.uniform(start, start + 0.3)


def children():
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return file.read().split()


def end_all():
    """Children of the killed become ours in their turn."""
    while reap():
        for pid in children():
            os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.02)


def describe(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return f"{pid}: {file.read().replace(bytes(1), b' ')!r}"
    except OSError:
        return f"{pid}: gone"


def kill_some(count, command):
    start = max(time_of_start(command) for _ in range(3))
    for _ in range(count):
        process = begin(command)
        time.sleep(instant(start))
        kill(process)
    return 0


def main():
    count, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    status = kill_some(count, command) if count else subprocess.call(command)
    until = time.monotonic() + SECONDS
    while reap():
        if time.monotonic() > until:
            print("left over:", *map(describe, children()), sep="\n")
            end_all()
            return 1
        time.sleep(0.02)
    return status


sys.exit(main())
