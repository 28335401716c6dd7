#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unpacks and runs hostile archives, and sees that nothing else happened.

    hostile.py list PART                   the names of the cases of a part
    hostile.py make PART NAME FILE         one of them (with a place of nowhere)
    hostile.py run PART PLACE [NAME...]    TAP; PLACE is an empty directory, SBX the sbx to test

Parts: tar bytes images. Whatever an archive is: the command ends in time and with a status of
its own, says nothing but printable lines, takes little memory, leaves no process, and all that
lies around is as it was, down to inode numbers and change times.

Each case is run in one of three ways in turn (unpacked, run from memory, run from the cache),
and with SBX_TEST_FULL=1 in all of them. SBX_TEST_UNMEASURED=1: memory is not measured.
"""
import ctypes
import hashlib
import importlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import peak  # noqa: E402
from hostile_case import EITHER, HIDDEN, REFUSED, TAKEN, Bait  # noqa: E402

PARTS = ("tar", "bytes", "images")
WAYS = ("unpack", "memory", "cache")
FULL = bool(os.environ.get("SBX_TEST_FULL"))
SECONDS = 60 if FULL else 20
# Of every process of ours in a case.
MEMORY_KB = 32 << 10
WINDOW_KB = 128 << 10
PR_SET_CHILD_SUBREAPER = 36
COMMAND = ("/bin/busybox", "echo", "alive")


def all_cases(part, bait):
    return importlib.import_module("hostile_" + part).cases(bait)


# ---- what lies around ----------------------------------------------------------------------


def describe(path):
    """Everything about one file but when it was read."""
    status = os.lstat(path)
    facts = [status.st_mode, status.st_ino, status.st_nlink, status.st_uid, status.st_gid, status.st_size,
             status.st_mtime_ns, status.st_ctime_ns]
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            facts.append(hashlib.sha256(file.read()).hexdigest())
    elif stat.S_ISLNK(status.st_mode):
        facts.append(os.readlink(path))
    return tuple(facts)


def snapshot(tops):
    found = {}
    for top in tops:
        found[top] = describe(top)
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                path = os.path.join(folder, name)
                found[path] = describe(path)
    return found


class Surroundings:
    """A house with a canary in each room; two of them are for sbx to use, and not the others."""

    def __init__(self, place):
        self.place = place
        for name in ("bait", "home", "work", "config", "tmp", "beside", "targets", "caches", "run", "input"):
            os.makedirs(self.path(name), mode=0o700)
            self.canary(name + "/canary")
        for name in ("bait/directory", "bait/empty", "home/.config", "work/d"):
            os.mkdir(self.path(name))
        for name in ("bait/directory/x", "home/.profile", "work/etc", "work/l", "targets/x"):
            self.canary(name)
        os.symlink("canary", self.path("bait/link"))
        os.mkfifo(self.path("bait/fifo"))
        self.environment = dict(os.environ, HOME=self.path("home"), XDG_CONFIG_HOME=self.path("config"),
                                XDG_RUNTIME_DIR=self.path("run"), TMPDIR=self.path("tmp"))
        self.watched = [self.path(name) for name in ("bait", "home", "work", "config", "tmp", "beside",
                                                     "caches/canary", "targets/canary", "targets/x")]
        self.before = snapshot(self.watched)
        self.told = set()

    def path(self, name):
        return os.path.join(self.place, name)

    def use_cache(self, name):
        self.cache = self.path("caches/" + name)
        self.environment["XDG_CACHE_HOME"] = self.cache
        os.makedirs(self.cache, mode=0o700, exist_ok=True)

    def canary(self, name):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write("a canary in " + name + "\n")

    def differences(self):
        now = snapshot(self.watched)
        return sorted(path for path in self.before.keys() | now.keys() if self.before.get(path) != now.get(path))

    def unexpected(self, target):
        """Names where sbx may write, that it should not have made."""
        allowed = {self.path("targets"): {"canary", "x", target}, self.path("run"): {"canary", "sbx"},
                   self.cache: {"sbx"}}
        found = [f"{room}/{name}" for room, names in allowed.items() for name in os.listdir(room) if name not in names]
        new = self.cache + "/sbx/images/new"
        found += ["new/" + name for name in (os.listdir(new) if os.path.isdir(new) else ())]
        # Each is told once, by the case that made it.
        found = [name for name in found if name not in self.told]
        self.told.update(found)
        return found


# ---- running -------------------------------------------------------------------------------


def adopt_orphans():
    """What is left of a case becomes a child of ours, whatever it does."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def orphans():
    """How many processes were left; they are gone afterwards."""
    count = 0
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return count
        if pid:
            continue
        with open(f"/proc/{os.getpid()}/task/{os.getpid()}/children", encoding="utf-8") as file:
            children = file.read().split()
        # A dying one is given the time to die.
        count += 1
        if count > 50:
            for child in children:
                os.kill(int(child), signal.SIGKILL)
            os.waitpid(-1, 0)
            return len(children)
        time.sleep(0.02)


class Ended:
    def __init__(self, status, said, seconds, memory_kb, late):
        self.status, self.said, self.seconds, self.memory_kb, self.late = status, said, seconds, memory_kb, late


def run(words, around):
    output, figures = around.path("input/output"), around.path("input/figures")
    begun = time.monotonic()
    with open(output, "w+b") as file:
        process = subprocess.Popen(peak.words(figures, words), cwd=around.path("work"), env=around.environment,
                                   stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)
        try:
            process.wait(SECONDS)
            late = False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            late = True
        file.seek(0)
        said = file.read()
    seconds = time.monotonic() - begun
    return Ended(process.returncode, said, seconds, 0 if late else peak.peak_kb(figures), late)


# ---- judging -------------------------------------------------------------------------------

LINE = re.compile(r"sbx: [^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


def odd_lines(said):
    """Lines that are not ours, or not to be shown to a terminal."""
    try:
        lines = said.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return [repr(said[:200])]
    return [repr(line) for line in lines if not LINE.fullmatch(line)]


def judge_refusal(case, ended):
    lines = ended.said.decode("utf-8", "replace").splitlines()
    problems = []
    if len([line for line in lines if line.startswith("sbx: cannot ")]) != 1:
        problems.append("not one line says what cannot be done: " + repr(ended.said[:300]))
    if re.search(r": (Operation not permitted|Function not implemented|Invalid argument)$", ended.said.decode(
            "utf-8", "replace"), re.M):
        problems.append("only the kernel's words: " + repr(ended.said[:300]))
    if re.search(rb"sbx-image (ended|was|died|is)|AddressSanitizer|runtime error", ended.said):
        problems.append("it died of it: " + repr(ended.said[:3000]))
    if case.message and case.message not in ended.said.decode("utf-8", "replace"):
        problems.append(f"no word of {case.message}: {ended.said[:300]!r}")
    return problems


def judge_status(case, way, ended):
    allowed = {REFUSED: (125,), TAKEN: (0,), EITHER: (0, 125) if way == "unpack" else (0, 125, 126, 127),
               HIDDEN: (0,) if way == "unpack" else (127,)}[case.expect]
    if ended.status not in allowed:
        return [f"{case.expect}, but status {ended.status}: {ended.said[:300]!r}"]
    return judge_refusal(case, ended) if ended.status == 125 else []


def judge_output(case, way, ended):
    if way == "unpack" or ended.status != 0:
        return odd_lines(ended.said)
    wanted = case.look[1] if case.look else "alive"
    printed = [line for line in ended.said.decode("utf-8", "replace").split("\n") if not line.startswith("sbx: ")]
    if "".join(printed).strip() != wanted.strip():
        return [f"it printed {printed!r}, not {wanted!r}"]
    return []


def judge(case, way, ended, around, target):
    if ended.late:
        return [f"it did not end within {SECONDS} s"]
    problems = judge_status(case, way, ended) + judge_output(case, way, ended)
    limit = MEMORY_KB + (WINDOW_KB if re.search("window|dictionary", case.name) else 0)
    if ended.memory_kb > limit and not os.environ.get("SBX_TEST_UNMEASURED"):
        problems.append(f"it took {ended.memory_kb} kB of memory, more than {limit}")
    problems += ["changed: " + path for path in around.differences()]
    problems += ["made: " + path for path in around.unexpected(target)]
    left = around.path("targets/" + target)
    if ended.status == 125 and os.path.isdir(left) and os.listdir(left):
        problems.append("half of it was left behind: " + " ".join(os.listdir(left)[:5]))
    if orphans():
        problems.append("a process was left")
    return problems


def words_of(case, way, operand, around, target):
    sbx = os.environ["SBX"]
    if way == "unpack":
        return [sbx, "image", "unpack", *case.options, operand, around.path("targets/" + target)]
    cache = ["--no-cache"] if way == "memory" else []
    command = ("/bin/busybox", "sh", "-c", case.look[0]) if case.look else COMMAND
    return [sbx, "run", "--no-config", "--net", "none", "--policy", "none", *cache, *case.options, "-R", operand, "--entrypoint", "",
            "--", *command]


def write_input(case, path):
    if case.make:
        os.mkdir(path)
        case.make(path)
        return
    with open(path, "wb") as file:
        file.write(case.content)


def clear(around, *names):
    """Trees of other ids."""
    if any(os.path.lexists(around.path(name)) for name in names):
        subprocess.run([os.environ["SBX"], "unshare", "rm", "-rf", *(around.path(name) for name in names)],
                       stdin=subprocess.DEVNULL, check=False, timeout=120)


def run_part(part, place, names):
    adopt_orphans()
    around = Surroundings(place)
    number = failed = 0
    for index, case in enumerate(all_cases(part, Bait(around.path("bait"), base_program()))):
        if names and case.name not in names:
            continue
        path = around.path("input/" + case.name)
        write_input(case, path)
        for way in WAYS if FULL or names else WAYS[index % 3:index % 3 + 1]:
            target = f"{case.name}.{way}"
            # What is known by its digest is not read again, and so not refused.
            around.use_cache(case.name if case.expect == REFUSED else "shared")
            ended = run(words_of(case, way, case.prefix + path, around, target), around)
            problems = judge(case, way, ended, around, target)
            number += 1
            failed += bool(problems)
            print(f"{'not ok' if problems else 'ok'} {number} - {case.name} ({case.expect}, {way}, "
                  f"{ended.seconds:.2f} s, {ended.memory_kb >> 10} MB)")
            for problem in problems:
                print("# " + problem)
            if names:
                print("# " + repr(ended.said[:1000]))
            if problems:
                around.before = snapshot(around.watched)
            if way == "unpack":
                clear(around, "targets/" + target)
            sys.stdout.flush()
        (shutil.rmtree if case.make else os.unlink)(path)
    clear(around, "caches", "targets", "run")
    print(f"1..{number}")
    return 1 if failed else 0


def base_program():
    with open(peak.busybox(), "rb") as file:
        return file.read()


def main():
    action, part, *rest = sys.argv[1:]
    assert part in PARTS, part
    if action == "run":
        return run_part(part, os.path.abspath(rest[0]), rest[1:])
    for case in all_cases(part, Bait("/nowhere/bait", base_program())):
        if action == "list":
            print(case.name, case.expect)
        elif case.name == rest[0]:
            write_input(case, rest[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
