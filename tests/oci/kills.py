#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a runtime at random instants of its commands, and looks at what it leaves.

    kills.py COUNT RUNTIME ROOT BUNDLE MARK

In turn create, start, delete and exec are run and killed, each time a bit later in their life, and
in turn alone or with their process group. Then the container has a state that it may have, it can be
used or deleted, and after `delete --force` nothing is left: no process, no entry in ROOT, no mount, no
cgroup with MARK in its name. What is not so is told, and the end is 1.
"""
import ctypes
import json
import os
import random
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
SECONDS = 10
COMMANDS = ("create", "start", "delete", "exec")


class Failed(Exception):
    pass


def reap(kept=None):
    """
    Takes what has ended, but for the process `kept`; whether any child is left. Process 1 of a container does
    not end before whoever entered its pid namespace was taken, so this has to go on all the time.
    """
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None or ended.si_pid == kept:
                return True
            os.waitpid(ended.si_pid, 0)
        except ChildProcessError:
            return False


def wait_for(process):
    """Its status; everybody else is taken meanwhile."""
    until = time.monotonic() + 2 * SECONDS
    while process.poll() is None:
        if time.monotonic() > until:
            process.kill()
            raise Failed(f"{' '.join(process.args)} does not end")
        reap(process.pid)
        time.sleep(0.001)
    return process.returncode


def names_of_children():
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        for pid in file.read().split():
            try:
                with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as words:
                    yield f"{pid} {words.read()!r}"
            except OSError:
                pass


def wait_for_all():
    until = time.monotonic() + SECONDS
    while reap():
        if time.monotonic() > until:
            raise Failed(f"still there: {', '.join(names_of_children())}")
        time.sleep(0.005)


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return sorted(line.split()[4] for line in file)


def cgroups(mark):
    return [place for place, _, _ in os.walk("/sys/fs/cgroup") if mark in place]


class House:
    """One runtime, its root and the id that everything is tried with."""

    def __init__(self, runtime, root, bundle, mark):
        self.runtime, self.root, self.bundle, self.mark = runtime, root, bundle, mark
        self.id = mark
        self.mounts = mounts()
        self.beside = sorted(os.listdir(os.path.dirname(root)))

    def words(self, command):
        more = {"create": ["--bundle", self.bundle, self.id], "exec": [self.id, "true"]}
        return [self.runtime, "--root", self.root, command] + more.get(command, [self.id])

    def begin(self, words):
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, start_new_session=True)

    def run(self, *words):
        """Status and output of a command that nobody kills."""
        with open(os.path.join(os.path.dirname(self.root), "output"), "w+", encoding="utf-8") as file:
            status = wait_for(subprocess.Popen([self.runtime, "--root", self.root, *words],
                                               stdin=subprocess.DEVNULL, stdout=file, stderr=file))
            file.seek(0)
            text = file.read()
        os.unlink(file.name)
        return status, text

    def must(self, *words):
        status, text = self.run(*words)
        if status != 0:
            raise Failed(f"{' '.join(words)} ends with {status}: {text.strip()}")

    def status(self):
        """None where there is no such container."""
        status, text = self.run("state", self.id)
        if status == 0:
            return json.loads(text)["status"]
        if "does not exist" not in text:
            raise Failed(f"state ends with {status}: {text.strip()}")
        return None

    def await_status(self, *wanted):
        until = time.monotonic() + SECONDS
        while self.status() not in wanted:
            if time.monotonic() > until:
                raise Failed(f"it is {self.status()}, not {wanted}")
            time.sleep(0.01)

    def prepare(self, command):
        if command == "create":
            return
        self.must("create", "--bundle", self.bundle, self.id)
        if command == "start":
            return
        self.must("start", self.id)
        if command == "delete":
            self.must("kill", self.id, "KILL")
            self.await_status("stopped")

    def look(self, command):
        """What the container may be after its command was killed, and that it still works."""
        status, text = self.run("list", "-f", "json")
        if status != 0:
            raise Failed(f"list ends with {status}: {text.strip()}")
        json.loads(text)
        may = {
            "create": (None, "creating", "created", "stopped"),
            "start": ("created", "running", "stopped"),
            "delete": (None, "stopped"),
            "exec": ("running",),
        }[command]
        status = self.status()
        if status not in may:
            raise Failed(f"it is {status}")
        if status == "created":
            # It may have been told to start and not have come to it yet, or have died with its creator.
            self.run("start", self.id)
            self.await_status("running", "stopped" if command == "create" else "running")
        if command == "exec":
            self.must("exec", self.id, "true")

    def leave(self):
        self.must("delete", "--force", self.id)
        wait_for_all()
        left = os.listdir(self.root)
        if left:
            raise Failed(f"left in the root: {left}")
        if sorted(os.listdir(os.path.dirname(self.root))) != self.beside:
            raise Failed("something lies beside the root")
        if mounts() != self.mounts:
            raise Failed(f"mounts: {set(mounts()) ^ set(self.mounts)}")
        left = cgroups(self.mark)
        if left:
            raise Failed(f"cgroups: {left}")

    def life_of(self, command):
        self.prepare(command)
        began = time.monotonic()
        if wait_for(self.begin(self.words(command))) != 0:
            raise Failed(f"{command} fails by itself")
        life = time.monotonic() - began
        self.look(command)
        self.leave()
        return life


def main():
    count, house = int(sys.argv[1]), House(*sys.argv[2:])
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    failed = 0
    lives = {command: house.life_of(command) for command in COMMANDS}
    rounds = max(1, count // len(COMMANDS))
    for number in range(count):
        command = COMMANDS[number % len(COMMANDS)]
        share = (number // len(COMMANDS) + random.random()) / rounds
        instant = share * lives[command] * 1.2
        group = number // len(COMMANDS) % 2
        what = f"{command}, {'the group' if group else 'it'} killed after {instant * 1000:.1f} of {lives[command] * 1000:.1f} ms"
        try:
            house.prepare(command)
            process = house.begin(house.words(command))
            time.sleep(instant)
            if group:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            wait_for(process)
            house.look(command)
            house.leave()
        except (Failed, ValueError) as problem:
            failed += 1
            print(f"{what}: {problem}")
            house.run("delete", "--force", house.id)
            if failed == 5:
                break
    print(f"{count} times, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
