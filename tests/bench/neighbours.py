# SPDX-License-Identifier: Apache-2.0
"""The programs that are measured, each with the words that make it isolate as nearly as
it can what the others do. What they really do is for the probe to say."""
import json
import os
import shutil
import subprocess

PAYLOAD = "@"

# A host with many mounts, made by an ordinary user: in a user and mount namespace of its
# own, then one user namespace further in, where the caller is nobody special again.
# Some versions of crun refuse hosts with cgroups of both versions, so there are none.
MANY_MOUNTS = """
mount -t tmpfs bench /sys/fs/cgroup
mount -t tmpfs bench /mnt
for n in $(seq "$1"); do mkdir "/mnt/$n"; mount -t tmpfs bench "/mnt/$n"; done
for n in $(seq "$2"); do mkdir -p "/mnt/to/$n"; done
shift 2
exec "$@"
"""


class Program:
    """A command line with a place for the command that runs inside."""

    def __init__(self, name, *template):
        self.name = name
        self.template = template

    def words(self, payload):
        found = []
        for word in self.template:
            found += payload if word == PAYLOAD else [word]
        return found


class Crun(Program):
    """Takes its command from a file: a bundle for each."""

    def __init__(self, bench, binds=()):
        super().__init__("crun")
        self.bench = bench
        self.binds = binds

    def words(self, payload):
        bundle = os.path.join(self.bench.work, "bundle-" + os.path.basename(payload[0]))
        os.makedirs(os.path.join(bundle, "rootfs"), exist_ok=True)
        with open(os.path.join(bundle, "config.json"), "w", encoding="utf-8") as file:
            json.dump(self.config(bundle, payload), file)
        # Hundreds of quick starts would use up the quota of keyrings.
        return ["crun", "--root", os.path.join(self.bench.work, "crun"),
                "--cgroup-manager=disabled", "run", "--no-new-keyring", "-b", bundle, "bench"]

    def config(self, bundle, payload):
        mounts = [*own_tree(os.path.join(bundle, "rootfs")), *CRUN_MOUNTS,
                  *({"destination": to, "source": source, "type": "none",
                     "options": ["rbind", "ro"]} for source, to in self.binds)]
        kinds = ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")
        return {
            "ociVersion": "1.0.0",
            "process": {"user": {"uid": os.getuid(), "gid": os.getgid()}, "args": payload,
                        "env": ["PATH=/usr/bin:/bin"], "cwd": "/", "capabilities": {},
                        "noNewPrivileges": True},
            "root": {"path": "rootfs", "readonly": True},
            "mounts": mounts,
            "linux": {"uidMappings": [one_id(os.getuid())],
                      "gidMappings": [one_id(os.getgid())],
                      "namespaces": [{"type": kind} for kind in kinds]},
        }


CRUN_MOUNTS = (
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "mode=755"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs",
     "options": ["ro", "nosuid", "noexec", "nodev"]},
)


def one_id(number):
    return {"containerID": number, "hostID": number, "size": 1}


def own_tree(rootfs):
    """The host's root for a runtime that cannot take "/" itself: its parts, bound."""
    for name in sorted(os.listdir("/")):
        path, inside = os.path.join("/", name), os.path.join(rootfs, name)
        if os.path.islink(path):
            if not os.path.islink(inside):
                os.symlink(os.readlink(path), inside)
        elif os.path.isdir(path):
            os.makedirs(inside, exist_ok=True)
            if name not in ("proc", "dev", "sys"):
                yield {"destination": path, "source": path, "type": "none",
                       "options": ["rbind", "ro", "nosuid", "nodev"]}


def as_nobody_special(words):
    """One user namespace further in, with the ids that the caller has outside."""
    uid = os.environ.setdefault("SBX_BENCH_UID", str(os.getuid()))
    gid = os.environ.setdefault("SBX_BENCH_GID", str(os.getgid()))
    return ["unshare", "-U", f"--map-user={uid}", f"--map-group={gid}", *words]


def on_a_busy_host(mounts, targets):
    """The words in front of a command that shall find many mounts, and places for more."""
    return ["unshare", "-Urm", "sh", "-ec", MANY_MOUNTS, "sh", mounts, targets,
            *as_nobody_special([])]


def bwrap(name, *words):
    return Program(name, "bwrap", "--ro-bind", "/", "/", "--unshare-all", "--proc", "/proc",
                   "--dev", "/dev", *words, PAYLOAD)


def bwrap_like_sbx(bench):
    """As near to the defaults of sbx as its options go; older ones have no overlay."""
    cow = ["--tmpfs", bench.cwd]
    if shutil.which("bwrap") and "--tmp-overlay" in subprocess.run(
            ["bwrap", "--help"], capture_output=True, text=True, check=False).stdout:
        cow = ["--overlay-src", bench.cwd, "--tmp-overlay", bench.cwd]
    return bwrap("bwrap-like-sbx", "--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs",
                 os.path.expanduser("~"), *cow, "--clearenv", "--new-session")


def floor(bench, name, *words):
    return Program(name, bench.tool("floor"), *words, "--", PAYLOAD)


def bare_floor(bench, *words):
    """What the design says that a sandbox on the host's root has."""
    return floor(bench, "floor", "--keyring", "--scratch", "/tmp", "--scratch", "/run",
                 "--scratch", os.path.expanduser("~"), "--cow", bench.cwd, "--dev", "/dev",
                 "--proc", "/proc", "--sys", "/sys", *words)


def floor_like_sbx(bench, *words):
    """The same, and what sbx covers besides on this host."""
    covers = []
    for point in bench.covers:
        kind = "--cover" if os.path.isdir(point) else "--mask"
        covers += ["--scratch" if point == "/dev/shm" else kind, point]
    return bare_floor(bench, *covers, *words)


def sbx(bench, *words):
    """The built one, and the one with the other C library where there is one."""
    found = [Program("sbx", bench.sbx, "run", "--net", "none", *words, "--", PAYLOAD)]
    if os.environ.get("SBX_MUSL"):
        found.append(Program("sbx-musl", os.environ["SBX_MUSL"], "run", "--net", "none", *words, "--",
                             PAYLOAD))
    return found


def for_start(bench):
    return [
        *sbx(bench),
        floor_like_sbx(bench),
        floor(bench, "floor-like-bwrap", "--proc", "/proc", "--dev", "/dev"),
        bwrap("bwrap"),
        bwrap_like_sbx(bench),
        Program("firejail", "firejail", "--quiet", "--noprofile", "--net=none",
                "--ipc-namespace", "--private-dev", "--private-tmp", "--keep-var-tmp",
                "--writable-var", "--caps.drop=all", "--nonewprivs", "--read-only=/", "--", PAYLOAD),
        Program("unshare", "unshare", "-UimnpuCf", "--map-current-user", "--mount-proc",
                PAYLOAD),
        Program("no sandbox", PAYLOAD),
    ]


def for_binds(bench, binds):
    return [
        *sbx(bench, *(f"--ro={source}:{to}" for source, to in binds)),
        floor_like_sbx(bench, *(word for pair in binds for word in ("--bind", *pair))),
        bwrap("bwrap", *(word for pair in binds for word in ("--ro-bind", *pair))),
        Crun(bench, binds),
    ]


def for_crun(bench):
    return [*sbx(bench), floor_like_sbx(bench), bwrap("bwrap"), Crun(bench)]


def for_memory(bench):
    return [
        *sbx(bench),
        floor_like_sbx(bench),
        bwrap("bwrap", "--die-with-parent"),
    ]
