# SPDX-License-Identifier: Apache-2.0
"""The most memory that a command and all it waited for had at once in one process.

A child of python's own would count python's memory, because what a process had before it
executed another program stays in its figure (getrusage(2)): busybox starts it instead.
"""
import functools
import os
import shutil
import subprocess
import tempfile


@functools.cache
def busybox():
    return os.environ.get("BUSYBOX") or shutil.which("busybox") or "busybox"


def words(report, command):
    """The command line that runs the command, by its path, and writes the report."""
    return [busybox(), "time", "-v", "-o", report, shutil.which(command[0]) or command[0], *command[1:]]


def reported_kb(report):
    with open(report, encoding="utf-8", errors="replace") as file:
        found = [int(line.rpartition(":")[2]) for line in file if "Maximum resident" in line]
    return found[0] if found else 0


@functools.cache
def unit():
    """busybox 1.35 takes kilobytes for pages; whether this one does, a known process says."""
    ask = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    with tempfile.NamedTemporaryFile() as report:
        done = subprocess.run(words(report.name, ["python3", "-c", ask]), stdout=subprocess.PIPE, check=True)
        return max(1, round(reported_kb(report.name) / int(done.stdout)))


def peak_kb(report):
    return reported_kb(report) // unit()
