#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a command at instants spread over its whole life, and looks at what it leaves.

    kills.py COUNT CHECK COMMAND...

COMMAND is run once to its end, then COUNT times until it is killed: each time a bit later, at
random within its share of that time, and in turn it alone and all of its process group. When
nothing of it lives any more, the shell line CHECK has to succeed. What outlives it by three
seconds, or makes CHECK fail, is told, and the end is 1.
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
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True)


def life_of(command):
    began = time.monotonic()
    status = begin(command).wait(60)
    if status != 0:
        sys.exit(f"the command ends with {status} by itself")
    return time.monotonic() - began


def wait_for_all():
    until = time.monotonic() + SECONDS
    while reap():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def children():
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def check(line):
    done = subprocess.run(["sh", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          check=False)
    return done.returncode == 0, done.stdout + done.stderr


def main():
    count, line, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    life = life_of(command)
    good, said = check(line)
    if not good:
        sys.exit(f"without a kill: {said}")
    failed = 0
    for number in range(count):
        instant = random.uniform(number, number + 1) / count * life * 1.1
        process = begin(command)
        time.sleep(instant)
        if number % 2:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        what = f"{'the group' if number % 2 else 'it'} was killed after {instant * 1000:.0f} of {life * 1000:.0f} ms"
        if not wait_for_all():
            failed += 1
            print(f"{what}: {len(children())} processes are left")
            for pid in children():
                os.kill(pid, signal.SIGKILL)
        good, said = check(line)
        if not good:
            failed += 1
            print(f"{what}: {said.strip()}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
