#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes small images that are as they should be.

    make_images.py DIR BUSYBOX all|NAME...

DIR gets all of these, or those that are named:

    root                a directory: /bin/busybox and its links, /etc/passwd, /etc/os-release,
                        /data/{file,link,hard,fifo}, /data/owned (1000:1000), /data/setuid
    root.tar root.tar.gz .xz .bz2 .zst .lz4
                        the same, as `docker export` writes it
    layers-1.tar -2 -3  three layers, see LAYERS
    oci                 an OCI layout of them, tag "latest", and "small", which has the first alone
    oci.tar oci-zst.tar oci-gz.tar
                        OCI archives of them, layers compressed so
    docker.tar          what `docker save` writes of them, manifest last; docker-first.tar: first
    other.tar           an OCI archive for an architecture that does not exist
    app.aci             an app container image
    one.tar             a root that is one static file, /busybox
    many.tar            root.tar and 1000 small files
"""
import os
import sys

sys.dont_write_bytecode = True
import archives  # noqa: E402 (it must not leave a cache in the source tree)
from archives import CHARACTER, COMPRESSORS, DEVICE, FIFO, Layout, Tar  # noqa: E402

APPLETS = ("sh", "cat", "cut", "date", "echo", "env", "false", "find", "hostname", "id", "ln", "ls", "mkdir", "mount",
           "mv", "pwd", "readlink", "rm", "sha256sum", "sleep", "sort", "stat", "sync", "tar", "test", "touch", "true",
           "uname", "wc")
PASSWD = "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n"
GROUP = "root:x:0:\nuser:x:1000:\n"
# What R17 asks for: a static /dev as old tars have it.
DEVICES = (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
           ("console", 5, 1))
SETTINGS = {"Entrypoint": ["/bin/sh", "-c"], "Cmd": ["echo \"$GREETING $PWD $(id -u):$(id -g)\""],
            "Env": ["PATH=/usr/bin:/bin", "GREETING=hello"], "User": "1000:1000", "WorkingDir": "/srv",
            "ExposedPorts": {"8080/tcp": {}, "53/udp": {}}, "Labels": {"maintainer": "nobody"}}
MTIME = 1_500_000_000


def add_base(tar, busybox, place=""):
    """A root in which a shell runs."""
    tar.directory(place or "./", mtime=MTIME)
    for name in ("bin", "etc", "srv", "tmp", "home", "home/user", "usr", "usr/bin"):
        tar.directory(place + name + "/", mtime=MTIME, mode=0o1777 if name == "tmp" else 0o755)
    tar.add(place + "bin/busybox", busybox, mode=0o755, mtime=MTIME)
    for name in APPLETS:
        tar.link(place + "bin/" + name, "busybox", mtime=MTIME)
    tar.add(place + "etc/passwd", PASSWD, mtime=MTIME)
    tar.add(place + "etc/group", GROUP, mtime=MTIME)
    tar.add(place + "etc/os-release", "ID=test\nPRETTY_NAME=\"a root for tests\"\n", mtime=MTIME)
    return tar


def add_data(tar, place=""):
    """One of each kind, and what must survive of it."""
    tar.directory(place + "data", mode=0o750, mtime=MTIME)
    tar.add(place + "data/file", "content\n", mode=0o640, mtime=MTIME)
    tar.link(place + "data/link", "/etc/passwd", mtime=MTIME)
    tar.hard(place + "data/hard", place + "data/file")
    tar.add(place + "data/fifo", kind=FIFO, mode=0o600, mtime=MTIME)
    tar.add(place + "data/owned", "owned\n", uid=1000, gid=1000, mtime=MTIME)
    tar.add(place + "data/setuid", "#!/bin/sh\n", mode=0o4755, mtime=MTIME)
    tar.add(place + "data/attributed", pax=[("SCHILY.xattr.user.test", "value")], mtime=MTIME)
    return tar


def add_devices(tar):
    tar.directory("dev", mtime=MTIME)
    for name, major, minor in DEVICES:
        tar.add("dev/" + name, kind=CHARACTER, mode=0o666, major=major, minor=minor, mtime=MTIME)
    return tar.add("dev/loop0", kind=DEVICE, mode=0o660, major=7, minor=0, mtime=MTIME)


def root_tar(busybox):
    return add_devices(add_data(add_base(Tar(), busybox))).bytes()


# The second takes away and changes, the third brings back.
def LAYERS(busybox):
    first = add_base(Tar(), busybox)
    first.directory("app", mtime=MTIME).directory("app/old", mtime=MTIME)
    for name in ("kept", "removed", "changed", "old/a", "old/b"):
        first.add("app/" + name, f"{name} of 1\n", mtime=MTIME)
    first.link("app/way", "old", mtime=MTIME)
    second = Tar().directory("app", mtime=MTIME)
    second.add("app/.wh.removed").add("app/changed", "changed of 2\n", mtime=MTIME)
    second.directory("app/old", mtime=MTIME).add("app/old/.wh..wh..opq").add("app/old/c", "c of 2\n", mtime=MTIME)
    second.hard("app/again", "app/kept").add("app/way/d", "d of 2\n", mtime=MTIME)
    third = Tar().add("app/removed", "removed of 3\n", mtime=MTIME).add("srv/third", "3\n", mtime=MTIME)
    return [first.bytes(), second.bytes(), third.bytes()]


def app_image(busybox):
    app = {"exec": ["/bin/sh", "-c", "echo \"$GREETING $PWD $(id -u):$(id -g)\""], "user": "1000", "group": "1000",
           "environment": [{"name": "GREETING", "value": "hello"}], "workingDirectory": "/srv",
           "mountPoints": [{"name": "data", "path": "/data", "readOnly": False}],
           "ports": [{"name": "http", "protocol": "tcp", "port": 8080}]}
    return archives.aci(lambda tar, place: add_base(tar, busybox, place), app=app)


def make_layout(place, layers):
    layout = Layout()
    layout.image(layers[:1], tag="small", compression=".gz", **SETTINGS)
    layout.image(layers, compression=".gz", **SETTINGS)
    layout.write(place)


def layout_archive(layers, compression="", **settings):
    layout = Layout()
    layout.image(layers, compression=compression, **dict(SETTINGS, **settings))
    return layout.archive()


def make_root(place, busybox):
    """The same files by hand, as far as an ordinary user can make them."""
    for name in ("bin", "etc", "srv", "tmp", "home/user", "usr/bin", "data"):
        os.makedirs(os.path.join(place, name))
    for name, data, mode in (("bin/busybox", busybox, 0o755), ("etc/passwd", PASSWD.encode(), 0o644),
                             ("etc/group", GROUP.encode(), 0o644), ("data/file", b"content\n", 0o640)):
        write(os.path.join(place, name), data)
        os.chmod(os.path.join(place, name), mode)
    for name in APPLETS:
        os.symlink("busybox", os.path.join(place, "bin", name))
    os.symlink("/etc/passwd", os.path.join(place, "data/link"))


def many_files(busybox):
    tar = add_base(Tar(), busybox)
    for number in range(1000):
        if number % 100 == 0:
            tar.directory(f"many/{number // 100}", mtime=MTIME)
        tar.add(f"many/{number // 100}/{number}", f"{number}\n" * 100, mtime=MTIME)
    return tar.bytes()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def makers(busybox):
    """What each name is made by: a function of no arguments that gives bytes, or takes a place."""
    layers = LAYERS(busybox)
    files = {"root.tar" + suffix: (lambda pack=pack: pack(root_tar(busybox))) for suffix, pack in COMPRESSORS.items()}
    files.update({f"layers-{n + 1}.tar": (lambda n=n: layers[n]) for n in range(3)})
    files.update({f"oci{name}.tar": (lambda how=how: layout_archive(layers, how))
                  for name, how in (("", ""), ("-gz", ".gz"), ("-zst", ".zst"))})
    files.update({
        "docker.tar": lambda: archives.docker_archive(layers, **SETTINGS),
        "docker-first.tar": lambda: archives.docker_archive(layers, manifest_last=False, **SETTINGS),
        "other.tar": lambda: layout_archive(layers[:1], architecture="nothing64"),
        "app.aci": lambda: app_image(busybox),
        "many.tar": lambda: many_files(busybox),
        "one.tar": lambda: Tar().add("busybox", busybox, mode=0o755).bytes(),
    })
    places = {"root": lambda place: make_root(place, busybox), "oci": lambda place: make_layout(place, layers)}
    return files, places


def main():
    place, program, *names = sys.argv[1:]
    with open(program, "rb") as file:
        files, places = makers(file.read())
    os.makedirs(place, exist_ok=True)
    for name in [*files, *places] if names == ["all"] else names:
        path = os.path.join(place, name)
        if name in places:
            places[name](path)
        else:
            write(path, files[name]())


if __name__ == "__main__":
    main()
