#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the caller of a bubblewrap sees: descriptors, locks, signals, the end.

    bwrap_life.py SCENE PROGRAM

Plays one scene with PROGRAM, sbx-bwrap or bubblewrap, and prints what was seen, without
numbers that differ from run to run, so that both can be compared. Every wait has an end.
"""
import ctypes
import fcntl
import json
import os
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time

PATIENCE = 10
CLONE_NEWUSER, CLONE_NEWPID = 0x10000000, 0x20000000
ROOT = ["--bind", "/", "/"]
OWN_PIDS = ["--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc"]
libc = ctypes.CDLL(None, use_errno=True)
program = sys.argv[2]


class Pipe:
    """One end goes to the program under a number that is well above the usual ones."""

    def __init__(self, number, given="write"):
        ends = os.pipe()
        self.given, self.kept = ends[::-1] if given == "write" else ends
        os.dup2(self.given, number)
        os.close(self.given)
        self.given = number

    def give_away(self):
        os.close(self.given)

    def read(self, patience=PATIENCE):
        """All until the end of the file; with a mark where it does not come in time."""
        text, until = b"", time.monotonic() + patience
        while select.select([self.kept], [], [], max(0, until - time.monotonic()))[0]:
            piece = os.read(self.kept, 4096)
            if not piece:
                return text.decode()
            text += piece
        return text.decode() + "(open)"

    def read_some(self):
        if not select.select([self.kept], [], [], PATIENCE)[0]:
            return "(nothing)"
        return os.read(self.kept, 4096).decode()

    def write(self, text=b"x"):
        os.write(self.kept, text)


def begin(words, pipes=(), **how):
    """Starts the program; our copies of what it was given are closed."""
    how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
           "stderr": subprocess.STDOUT, **how}
    process = subprocess.Popen([program, *words],
                               pass_fds=[pipe.given for pipe in pipes], **how)
    for pipe in pipes:
        pipe.give_away()
    return process


def finish(process, patience=PATIENCE):
    try:
        output = process.communicate(timeout=patience)[0] or b""
    except subprocess.TimeoutExpired:
        process.kill()
        return "hangs"
    return output.decode() + f"status {process.returncode}"


def run(words, pipes=(), **how):
    return finish(begin(words, pipes, **how))


def without_numbers(text):
    return re.sub(r"\d+", "N", text)


# ---- who is told ------------------------------------------------------------------------


def info_text():
    pipe = Pipe(500)
    print(run(["--unshare-all", "--info-fd", "500", *ROOT, "true"], [pipe]))
    print(without_numbers(pipe.read()))


def info_of_few():
    pipe = Pipe(500)
    print(run(["--unshare-net", "--info-fd", "500", *ROOT, "true"], [pipe]))
    print(without_numbers(pipe.read()))


def info_is_true():
    """And closed, while the command has not begun."""
    info, block = Pipe(500), Pipe(501, "read")
    process = begin(["--unshare-pid", "--unshare-uts", "--info-fd", "500",
                     "--block-fd", "501", *ROOT, "sleep", "0"], [info, block])
    told = json.loads(info.read())
    pid = told.pop("child-pid")
    for name, inode in told.items():
        kind = name.removesuffix("-namespace")
        print(kind, inode == os.stat(f"/proc/{pid}/ns/{kind}").st_ino)
    block.write()
    print(finish(process))


def status_of(*words):
    pipe = Pipe(400)
    print(run(["--json-status-fd", "400", *words], [pipe]))
    print(re.sub(r'("[a-z-]*(?:pid|namespace)": )\d+', r"\1N", pipe.read()))


def json_status():
    status_of(*ROOT, "--unshare-all", "sh", "-c", "exit 7")
    status_of(*ROOT, "sh", "-c", "exit 0")
    status_of(*OWN_PIDS, "sh", "-c", "kill -9 $$")


def json_status_without_exec():
    status_of(*ROOT, "/nosuch")
    status_of(*OWN_PIDS, "/nosuch")


def json_status_without_start():
    status_of(*ROOT, "--chdir", "/nosuch", "true")


# ---- who waits --------------------------------------------------------------------------


def block():
    blocked, out = Pipe(300, "read"), Pipe(301)
    process = begin([*ROOT, "--block-fd", "300", "sh", "-c", "echo up >/dev/fd/301; ls /proc/$$/fd"],
                    [blocked, out])
    print(out.read(0.5))
    blocked.write()
    print(out.read())
    print("300" in finish(process).split())


def block_until_closed():
    blocked = Pipe(300, "read")
    process = begin([*ROOT, "--block-fd", "300", "true"], [blocked])
    os.close(blocked.kept)
    print(finish(process))


def foreign_map():
    """The caller maps several ids by newuidmap(1) while the sandbox waits."""
    uid, gid = os.getuid(), os.getgid()
    first = {name: subordinate(name) for name in ("uid", "gid")}
    info, blocked = Pipe(500), Pipe(501, "read")
    process = begin(["--unshare-user", "--info-fd", "500", "--userns-block-fd", "501", *ROOT,
                     "cat", "/proc/self/uid_map", "/proc/self/gid_map"], [info, blocked])
    pid = str(json.loads(info.read())["child-pid"])
    for name, own in (("uid", uid), ("gid", gid)):
        subprocess.check_call([f"new{name}map", pid, "0", str(own), "1", "1", str(first[name]),
                               "10"])
    blocked.write()
    print(re.sub(" +", " ", finish(process)))


def subordinate(name):
    user = subprocess.check_output(["id", "-un"], text=True).strip()
    with open(f"/etc/sub{name}", encoding="ascii") as file:
        for line in file:
            owner, first, count = line.strip().split(":")
            if owner in (user, str(os.getuid())) and int(count) >= 10:
                return int(first)
    print("no subordinate ids")
    sys.exit()


# ---- what the process above the command holds ---------------------------------------------


BACKGROUND = ["sh", "-c", "(exec sleep 2 >&- 2>&- &); exit 5"]


def sync():
    """Open until the last process has ended, long after the launcher; not in the command."""
    pipe = Pipe(300)
    print("300" in run([*OWN_PIDS, "--sync-fd", "300", "ls", "/proc/self/fd"], [pipe]).split())
    pipe = Pipe(300)
    process = begin([*OWN_PIDS, "--sync-fd", "300", *BACKGROUND], [pipe], stdout=subprocess.DEVNULL)
    print(process.wait(PATIENCE), pipe.read(0.2), pipe.read() + "(end)")


def sync_as_process_1():
    pipe = Pipe(300)
    print("300" in run([*OWN_PIDS, "--as-pid-1", "--sync-fd", "300", "ls", "/proc/self/fd"],
                       [pipe]).split())


def sync_needs_no_pids():
    """There is a process above the command, which is not its parent by another name."""
    pipe = Pipe(300)
    print(run([*ROOT, "--sync-fd", "300", "sh", "-c", "exit 9"], [pipe]))
    print(pipe.read())


def can_lock(path):
    with open(path, "r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def lock():
    with tempfile.NamedTemporaryFile() as file:
        up, go = Pipe(300), Pipe(301, "read")
        process = begin([*OWN_PIDS, "--lock-file", file.name, "sh", "-c",
                         "echo up >/dev/fd/300; read line </dev/fd/301"], [up, go])
        print(up.read_some(), can_lock(file.name))
        go.write(b"x\n")
        print(finish(process), until(lambda: can_lock(file.name)))


def until(condition):
    for _ in range(100):
        if condition():
            return True
        time.sleep(0.05)
    return False


def lock_that_is_taken():
    with tempfile.NamedTemporaryFile() as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        print(run([*ROOT, "--lock-file", file.name, "true"]).replace(file.name, "FILE"))


def lock_that_is_missing():
    print(run([*ROOT, "--lock-file", "/nosuch", "true"]))


# ---- death --------------------------------------------------------------------------------


def kill_at(words, number, wait):
    """Which of the program and its parent is killed; then whether the command lives."""
    alive = Pipe(300)
    shell = 'echo $$ >/dev/fd/300; "$@" & echo $! >/dev/fd/300; wait'
    process = subprocess.Popen(
        ["sh", "-c", shell, "sh", program, *words, "sh", "-c", f"echo up >/dev/fd/300; exec sleep {wait}"],
        pass_fds=[300], stdin=subprocess.DEVNULL)
    alive.give_away()
    said = ""
    while "up" not in said and "(" not in said:
        said += alive.read_some()
    os.kill(int(said.split()[number]), signal.SIGKILL)
    process.wait()
    return "goes on" if "(open)" in alive.read(wait / 2) else "gone"


def die_with_parent():
    """Whoever of the two that is killed."""
    for words in (ROOT, OWN_PIDS, [*OWN_PIDS, "--as-pid-1"]):
        print(kill_at(["--die-with-parent", *words], 1, 3), end=", ")
        print(kill_at(["--die-with-parent", *words], 0, 3))


def live_without_parent():
    print(kill_at(ROOT, 1, 3), kill_at(ROOT, 0, 3), kill_at(OWN_PIDS, 1, 3))


def signalled(words, number):
    alive = Pipe(300)
    process = begin([*words, "sh", "-c", "echo up >/dev/fd/300; exec sleep 2"], [alive],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    alive.read_some()
    process.send_signal(number)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
    return f"{process.returncode} " + ("goes on" if "(open)" in alive.read(0.7) else "gone")


def signals():
    """They end the launcher alone, and are not forwarded."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        print(signalled(ROOT, number), signalled(["--die-with-parent", *OWN_PIDS], number))


def background():
    """Processes in the background keep the sandbox, and the launcher returns without them."""
    alive = Pipe(300)
    process = begin([*OWN_PIDS, *BACKGROUND], [alive], stdout=subprocess.DEVNULL)
    print(process.wait(PATIENCE), alive.read(0.2), alive.read() + "(end)")


def statuses():
    for words in (ROOT, OWN_PIDS, [*OWN_PIDS, "--as-pid-1"]):
        for script in ("exit 3", "exit 255", "kill -TERM $$", "kill -SEGV $$"):
            print(run([*words, "sh", "-c", script]))


# ---- what the command finds -----------------------------------------------------------------


def descriptors():
    """What nobody named is inherited, and only the command has it."""
    pipe = Pipe(777)
    words = ["sh", "-c", "echo here >&777; exec 777>&-; exec 500>&-; exec sleep 1"]
    for base in (ROOT, OWN_PIDS):
        pipe = Pipe(777)
        process = begin([*base, "bash", "-c", words[2]], [pipe])
        print(pipe.read(0.8), finish(process))


def number_of_descriptors():
    for base in (ROOT, OWN_PIDS, [*OWN_PIDS, "--as-pid-1"]):
        print(run([*base, "ls", "/proc/self/fd"]))


def session():
    own = f"{os.getsid(0)} {os.getpgid(0)}"
    script = ("import os; print(os.getsid(0), os.getpgid(0), "
              "os.getsid(0) == os.getpid())")
    got = run([*ROOT, "python3", "-c", script])
    print(got.startswith(own), got.split()[-2:])
    print(run([*ROOT, "--new-session", "python3", "-c", script]).split()[2:])


def process_1():
    for words in (["--as-pid-1"], []):
        print(run([*OWN_PIDS, *words, "sh", "-c", "echo $$ $PPID"]))


def secrets_of_process_1():
    env = {**os.environ, "SECRET": "hush"}
    print(run([*OWN_PIDS, "--unsetenv", "SECRET", "--setenv", "OTHER", "hush",
               "--unsetenv", "OTHER", "sh", "-c",
               "cat /proc/1/environ /proc/1/cmdline 2>&1 | grep -c 'hush\\|SECRET\\|OTHER'"], env=env))


def signal_states():
    """Ignored and blocked signals are the caller's."""
    def prepare():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    for base in (ROOT, OWN_PIDS):
        print(run([*base, "grep", "Sig[BI]", "/proc/self/status"], preexec_fn=prepare))


# ---- odd callers ----------------------------------------------------------------------------


def ignored_children():
    def prepare():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for base in (ROOT, OWN_PIDS):
        print(run([*base, "sh", "-c", "exit 7"], preexec_fn=prepare))


def limited(kind, number, words):
    return run(words, preexec_fn=lambda: resource.setrlimit(kind, (number, number)))


def binds(count):
    return [word for i in range(count) for word in ("--ro-bind", "/usr", f"/tmp/b{i}")]


def few_descriptors():
    for number in (64, 20):
        print(limited(resource.RLIMIT_NOFILE, number, [*ROOT, "--tmpfs", "/tmp", *binds(100), "true"]))


def fewer_descriptors():
    """Too few to live on: it ends in words, and does not hang."""
    for number in range(3, 20):
        got = limited(resource.RLIMIT_NOFILE, number, [*OWN_PIDS, "--dev", "/dev", "true"])
        if not re.fullmatch(r"status 0|(bwrap: .*\n)+status 1|true: .*\nstatus 127", got):
            print(number, got)


def little_memory():
    print(limited(resource.RLIMIT_AS, 16 << 20, [*OWN_PIDS, "--dev", "/dev", *binds(0), "true"]))


def no_environment():
    print(run([*ROOT, "/usr/bin/env"], env={}).replace(os.getcwd(), "DIR"))
    print(run([*ROOT, "--setenv", "PATH", "/usr/bin", "--chdir", "/", "env"], env={}))


def closed(*numbers):
    def prepare():
        for number in numbers:
            os.close(number)
    return prepare


def no_standard_descriptors():
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen([program, *OWN_PIDS, "sh", "-c",
                                    f"echo done >{directory}/out; exit 4"],
                                   preexec_fn=closed(0, 1, 2))
        print(process.wait(PATIENCE))
        with open(f"{directory}/out", encoding="ascii") as file:
            print(file.read())


def many_words():
    for count in (2990, 2997, 2998, 2999, 3000):
        words = ["--setenv", "A", "b"] * count
        print(run([*ROOT, *words, "true"]))
        for more in ("x", "y"):
            words.append(more) if more == "y" else words.extend(["--setenv", "C"])
        print(run([*ROOT, *words, "true"]))


# ---- foreign namespaces -----------------------------------------------------------------------


def write_file(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def new_userns(inside, outside):
    if libc.unshare(CLONE_NEWUSER) < 0:
        os._exit(1)
    write_file("/proc/self/setgroups", "deny")
    write_file("/proc/self/uid_map", f"{inside[0]} {outside[0]} 1")
    write_file("/proc/self/gid_map", f"{inside[1]} {outside[1]} 1")


def hold(prepare):
    """A process that has done prepare() and waits for its end."""
    up = os.pipe()
    pid = os.fork()
    if pid == 0:
        prepare()
        os.write(up[1], b"x")
        signal.pause()
        os._exit(0)
    os.close(up[1])
    if not os.read(up[0], 1):
        print("namespaces cannot be made here")
        sys.exit()
    return pid


def open_as(path, number):
    fd = os.open(path, os.O_RDONLY)
    os.dup2(fd, number)
    os.close(fd)
    return str(number)


IDS = (os.getuid(), os.getgid())


def join_userns():
    holder = hold(lambda: new_userns(IDS, IDS))
    fd = open_as(f"/proc/{holder}/ns/user", 600)
    print(run_with([fd], ["--userns", fd, *ROOT, "readlink", "/proc/self/ns/user"])
          == os.readlink(f"/proc/{holder}/ns/user") + "\nstatus 0")
    print(run_with([fd], ["--userns", fd, *ROOT, "sh", "-c", "id -u; grep Cap /proc/self/status"]))
    print(run_with([fd], ["--userns", fd, "--unshare-user", *ROOT, "true"]))
    os.kill(holder, signal.SIGKILL)


def run_with(fds, words):
    process = subprocess.Popen([program, *words], pass_fds=[int(fd) for fd in fds],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    return finish(process)


def join_another_id():
    """An id of the joined namespace that is not the one that the caller has in it."""
    holder = hold(lambda: new_userns((0, 0), IDS))
    fd = open_as(f"/proc/{holder}/ns/user", 600)
    print(run_with([fd], ["--userns", fd, "--uid", "0", *ROOT, "id", "-u"]))
    print(run_with([fd], ["--userns", fd, "--uid", "5", *ROOT, "id", "-u"]))
    os.kill(holder, signal.SIGKILL)


def join_two():
    """As flatpak does for a sandbox beside the first one."""
    first = hold(lambda: new_userns((0, 0), IDS))
    second = hold(lambda: (join(f"/proc/{first}/ns/user"), new_userns(IDS, (0, 0))))
    fds = [open_as(f"/proc/{first}/ns/user", 600), open_as(f"/proc/{second}/ns/user", 601)]
    print(run_with(fds, ["--userns", fds[0], "--userns2", fds[1], *ROOT,
                         "readlink", "/proc/self/ns/user"])
          == os.readlink(f"/proc/{second}/ns/user") + "\nstatus 0")
    print(run_with(fds, ["--userns", fds[0], "--userns2", fds[1], *ROOT, "id", "-u"]))
    for holder in (first, second):
        os.kill(holder, signal.SIGKILL)


def join(path):
    fd = os.open(path, os.O_RDONLY)
    if libc.setns(fd, CLONE_NEWUSER) < 0:
        os._exit(1)


def not_a_namespace():
    for option in ("--userns", "--userns2", "--pidns"):
        fd = open_as("/dev/null", 600)
        print(run_with([fd], [option, fd, *ROOT, "true"]))


def outer_sandbox():
    """A sandbox of the program that runs, and its process 1 as seen from here."""
    info, up = Pipe(500), Pipe(501)
    process = begin([*OWN_PIDS, "--info-fd", "500", "sh", "-c",
                     "echo up >/dev/fd/501; exec sleep 20"], [info, up],
                    stdout=subprocess.DEVNULL)
    up.read_some()
    return process, json.loads(info.read())["child-pid"]


def join_pids():
    """A sandbox in the process namespace of another one."""
    process, pid = outer_sandbox()
    fds = [open_as(f"/proc/{pid}/ns/user", 600), open_as(f"/proc/{pid}/ns/pid", 601)]
    words = ["--userns", fds[0], "--pidns", fds[1]]
    print(run_with(fds, [*words, *ROOT, "readlink", "/proc/self/ns/pid"])
          == os.readlink(f"/proc/{pid}/ns/pid") + "\nstatus 0")
    print(run_with(fds, [*words, *ROOT, "--proc", "/proc", "sh", "-c",
                         "test -e /proc/2 && echo seen; exit 6"]))
    print(run_with(fds, [*words, *ROOT, "--unshare-pid", "--proc", "/proc", "sh", "-c",
                         "echo $$; kill -9 $$"]))
    print(info_of_joined(fds, words))
    os.kill(pid, signal.SIGKILL)
    process.wait()


def info_of_joined(fds, words):
    """The pid that is told is that of the process inside, seen from here."""
    info, blocked = Pipe(500), Pipe(501, "read")
    process = subprocess.Popen(
        [program, *words, *ROOT, "--unshare-pid", "--info-fd", "500", "--block-fd", "501", "true"],
        pass_fds=[500, 501, *map(int, fds)], stdin=subprocess.DEVNULL)
    info.give_away()
    blocked.give_away()
    pid = json.loads(info.read())["child-pid"]
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        depth = [line.split()[1:] for line in file if line.startswith("NSpid")]
    blocked.write()
    return len(depth[0]), depth[0][-1], finish(process)


def main():
    signal.alarm(60)
    globals()[sys.argv[1]]()


main()
