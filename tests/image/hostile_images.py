# SPDX-License-Identifier: Apache-2.0
"""Hostile images: layers that take away what is not theirs, and manifests that lie."""
import os

import archives
from archives import (CHARACTER, DIRECTORY, HARD_LINK, LAYER_TYPE, SYMLINK, Layout, Tar, digest, docker_archive,
                      gzipped, image_config, text)
from hostile_case import EITHER, HIDDEN, REFUSED, TAKEN, Case

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def layered(name, tars, expect=EITHER, **more):
    """An image of these layers, as an OCI archive."""
    layout = Layout()
    layout.image([tar.bytes() for tar in tars])
    return Case(name, expect, layout.archive(), **more)


def whiteouts(bait):
    t = bait.tar
    marker = ".wh."
    intact = ("cat /etc/file", "inside")
    for name, entries in (("dot", [".wh.."]), ("dotdot", [".wh..."]), ("nothing", [".wh."]),
                          ("within", ["d/.wh..", "d/.wh..."]), ("slash", [".wh./"]), ("dotted", ["./.wh.", "d/../.wh.."]),
                          ("up", ["../.wh.canary", "d/../../.wh.canary"]), ("aufs", [".wh..wh.plnk", ".wh..wh.aufs"]),
                          ("long", [marker + "n" * 251]), ("itself", [".wh..wh.x", ".wh..wh..wh..opq"])):
        second = Tar()
        for entry in entries:
            second.add(entry)
        yield layered("whiteout-" + name, [t(), second])
    yield layered("whiteout-missing", [t(), Tar().add("etc/.wh.nothing").add("no/.wh.where")], TAKEN, look=intact)
    yield layered("whiteout-opaque-root", [t(), Tar().add(".wh..wh..opq")], HIDDEN)
    yield layered("whiteout-opaque-root-dot", [t(), Tar().add("./.wh..wh..opq")], HIDDEN)
    yield layered("whiteout-all", [t(), Tar().add(".wh.bin").add(".wh.etc").add(".wh.d")], HIDDEN)
    for name, second in (("before", Tar().add(".wh.etc").add("etc/file", "new\n")),
                         ("after", Tar().add("etc/file", "new\n").add("etc/.wh.file")),
                         ("opaque-before", Tar().add("etc/.wh..wh..opq").add("etc/file", "new\n")),
                         ("opaque-after", Tar().add("etc/file", "new\n").add("etc/.wh..wh..opq"))):
        yield layered("whiteout-" + name, [t(), second], TAKEN, look=("cat /etc/file", "new"))
    place = t().link("l", bait.place).link("k", bait.canary)
    for name, second in (("through-link", Tar().add("l/.wh.canary")), ("opaque-link", Tar().add("l/.wh..wh..opq")),
                         ("of-link", Tar().add(".wh.l").add(".wh.k")),
                         ("opaque-directory-over-link", Tar().directory("l").add("l/.wh..wh..opq")),
                         ("through-up", Tar().link("u", bait.up + bait.place[1:]).add("u/.wh.canary"))):
        yield layered("whiteout-" + name, [place, second])
    for name, kind in (("directory", DIRECTORY), ("link", SYMLINK), ("device", CHARACTER), ("hard", HARD_LINK)):
        yield layered("whiteout-is-" + name, [t(), Tar().add("etc/.wh.file", kind=kind, link=bait.canary)
                                              .add("etc/.wh..wh..opq", kind=kind, link=bait.canary)])
    yield layered("whiteout-as-parent", [t(), Tar().add(".wh.etc/file", "x").add(".wh..wh..opq/x", "x")])
    yield layered("whiteout-again", [t(), Tar().add(".wh.etc"), Tar().add("etc", "file now\n"), Tar().add(".wh.etc"),
                                     Tar().directory("etc").add("etc/new", "last\n")], TAKEN,
                  look=("cat /etc/new; ! test -e /etc/file", "last"))
    yield layered("whiteout-of-directory-again", [t().add("d/x", "x"), Tar().add(".wh.d").directory("d")], TAKEN,
                  look=("ls /d | wc -l", "0"))


def merging(bait):
    t = bait.tar
    attributes = [("SCHILY.xattr." + kind + ".overlay." + key, value) for kind in ("user", "trusted")
                  for key, value in (("opaque", "y"), ("redirect", "/d"), ("metacopy", ""), ("whiteouts", "x"))]
    yield layered("layer-claims-overlay", [t(), Tar().add("etc", kind=DIRECTORY, pax=attributes).add("etc/new", "2\n")],
                  TAKEN, look=("cat /etc/file /etc/new", "inside2"))
    yield layered("layer-claims-metacopy", [t(), Tar().add("etc/file", "2\n", pax=attributes)], TAKEN,
                  look=("cat /etc/file", "2"))
    yield layered("layer-device-0", [t(), Tar().add("etc/file", kind=CHARACTER)], EITHER)
    yield layered("layer-link-over-directory", [t(), Tar().link("etc", bait.place).add("etc/canary", "x")])
    yield layered("layer-file-over-directory", [t(), Tar().add("etc", "file\n")], TAKEN, look=("cat /etc", "file"))
    yield layered("layer-directory-over-link", [t().link("l", "d"), Tar().directory("l").add("l/x", "x")], TAKEN,
                  look=("cat /l/x", "x"))
    yield layered("layer-link-parent", [t().link("l", "d"), Tar().add("l/x", "x")], TAKEN, look=("cat /d/x", "x"))
    yield layered("layer-hard-below", [t(), Tar().hard("h", "etc/file")], TAKEN, look=("cat /h", "inside"))
    yield layered("layer-hard-to-link-below", [t().link("s", bait.canary), Tar().hard("h", "s").add("h", "x")], TAKEN,
                  look=("cat /h", "x"))
    yield layered("layer-root-closed", [t(), Tar().directory(".", mode=0)], TAKEN)
    yield layered("layer-root-link", [t(), Tar().link(".", bait.place)])
    yield layered("layer-empty", [t(), Tar(), Tar()], TAKEN)
    # As umoci writes it: without the zeros behind the last file. What it is its digest says.
    layout = Layout()
    unpadded = [t().bytes(), Tar().add("f", "x").bytes(end=False)[:-511]]
    layout.image(unpadded, compression=".gz")
    yield Case("layer-unpadded", TAKEN, layout.archive(), look=("cat /f", "x"))
    yield Case("layer-unpadded-plain", TAKEN, docker_archive(unpadded), look=("cat /f", "x"))
    yield layered("layers-130", [t()] + [Tar().add(f"n{n}", f"{n}\n") for n in range(129)], TAKEN,
                  look=("cat /n0 /n128", "0128"))
    yield layered("layers-600", [t()] + [Tar().add(f"n{n}", f"{n}\n") for n in range(599)])


def changed(layout, change, **arguments):
    """The manifest of its one image after `change`, with digests that are right again."""
    import json
    name = "blobs/sha256/" + layout.manifests[0]["digest"][7:]
    manifest = json.loads(layout.files.pop(name))
    change(manifest, **arguments)
    layout.manifests = []
    layout.point(manifest, "latest")
    return layout


def manifests(bait):
    layer = bait.small().bytes()

    def one(**settings):
        layout = Layout()
        layout.image([bait.tar().bytes() if settings else layer], **settings)
        return layout

    def case(name, layout, expect=REFUSED, **more):
        return Case("oci-" + name, expect, layout.archive(), **more)

    def with_manifest(name, expect=REFUSED, **fields):
        return case(name, changed(one(), lambda manifest: manifest.update(fields)), expect)

    def with_layer(name, expect=REFUSED, **fields):
        return case(name, changed(one(), lambda manifest: manifest["layers"][0].update(fields)), expect)

    def with_config(name, expect=EITHER, **settings):
        return case("config-" + name, one(**settings), expect)

    for name, value in (("traversal", "sha256:../../../../" + bait.canary.decode()), ("absolute", bait.canary.decode()),
                        ("empty", ""), ("no-hex", "sha256:"), ("short", "sha256:abcd"), ("md5", "md5:" + "0" * 32),
                        ("missing", "sha256:" + "0" * 64), ("upper", digest(layer).upper()), ("number", 5),
                        ("null", None), ("newline", digest(layer) + "\n"), ("escape", "sha256:\x1b[31m")):
        yield with_layer("digest-" + name, digest=value)
    yield with_layer("size-wrong", size=len(layer) + 1)
    yield with_layer("size-small", size=512)
    for name, value in (("negative", -1), ("huge", 1 << 70), ("text", "x")):
        yield with_layer("size-" + name, EITHER, size=value)
    yield with_layer("type-unknown", EITHER, mediaType="application/x-nothing")
    yield with_layer("type-encrypted", mediaType=LAYER_TYPE + "+encrypted")
    yield with_layer("urls", EITHER, urls=["http://127.0.0.1:1/layer"])
    for name, value in (("text", "x"), ("object", {}), ("null", None), ("numbers", [1, 2]), ("none", [])):
        yield with_manifest("layers-" + name, EITHER if name == "none" else REFUSED, layers=value)
    yield with_manifest("config-missing", config={"digest": "sha256:" + "1" * 64, "size": 2})
    yield with_manifest("config-text", config="x")
    yield with_manifest("schema-1", EITHER, schemaVersion=1)
    described = {"mediaType": LAYER_TYPE, "digest": digest(layer), "size": len(layer)}
    yield with_manifest("layers-10000", layers=[described] * 10_000)
    yield case("layers-10000-said", many_layers(layer, 10_000))
    wrong = one()
    wrong.files["blobs/sha256/" + digest(layer)[7:]] = layer[:-512] + b"x" * 512
    yield case("digest-mismatch", wrong)
    for name in ("manifest", "config"):
        yield case("digest-mismatch-" + name, mismatched(one(), name))
    for name, ids in (("wrong", ["sha256:" + "2" * 64]), ("few", []), ("many", [digest(layer)] * 3), ("words", ["x"]),
                      ("numbers", [1])):
        config = image_config([layer])
        config["rootfs"]["diff_ids"] = ids
        layout = Layout()
        layout.image([layer], config=config)
        yield case("diff-ids-" + name, layout)
    yield with_config("env", Env=["A=\n\x1b]0;x\x07", "=x", "novalue", "PATH=/nowhere", "LD_PRELOAD=/x", "A\n=b", ""])
    yield with_config("user-escape", User="\x1b[31mroot")
    for name, value in (("big", "4294967296"), ("last", "4294967295"), ("negative", "-1"), ("newline", "root\n"),
                        ("slash", "../../root"), ("colons", ":::")):
        yield with_config("user-" + name, User=value)
    for name, value in (("up", "../../.." + bait.place.decode()), ("relative", "d"), ("missing", "/not/there"),
                        ("newline", "/d\nx"), ("file", "/etc/file"), ("long", "/x" * 3000)):
        yield with_config("workdir-" + name, WorkingDir=value)
    yield with_config("command-number", Cmd=[1, 2], Entrypoint="x")
    yield with_config("command-huge", Cmd=["x" * 3_000_000])
    yield with_config("command-many", Cmd=["x"] * 100_000)
    yield with_config("ports", ExposedPorts={"99999999/tcp": {}, "abc": {}, "-1/udp": {}, "80/sctp": {}, "": {}, "1-65535": {}})
    yield with_config("volumes", Volumes={"../../x": {}, bait.place.decode(): {}, "": {}, "\n": {}})
    yield with_config("signal", StopSignal="SIGNOTHING\x1b[0m")
    yield from texts(bait, one, case)
    yield from directories(bait, one)


def many_layers(layer, count):
    layout = Layout()
    small = Tar().bytes()
    layout.image([layer] + [small] * count)
    return layout


def mismatched(layout, which):
    manifest_name = "blobs/sha256/" + layout.manifests[0]["digest"][7:]
    if which == "manifest":
        layout.files[manifest_name] += b" "
    else:
        for name, data in layout.files.items():
            if b'"diff_ids"' in data[:5000]:
                layout.files[name] = data + b" "
    return layout


def with_index(layout, data):
    layout.files["index.json"] = data
    return layout


class Raw(Layout):
    """Whose index is whatever it is said to be."""

    def all_files(self):
        return self.files


def texts(bait, one, case):
    """Texts that are no index, no manifest, or too much of one."""
    for name, data in (("empty", b""), ("not-json", b"hello"), ("null", b"null"), ("list", b"[]"), ("nul", b"{}\0{}"),
                       ("deep", b"[" * 200_000), ("deep-object", b'{"a":' * 100_000), ("latin1", b'{"manifests":["\xff"]}'),
                       ("exponent", b'{"schemaVersion":1e99999,"manifests":[]}'), ("none", b'{"manifests":[]}'),
                       ("huge", b'{"manifests":[],"x":"' + b"x" * (20 << 20) + b'"}'),
                       ("many", text({"schemaVersion": 2, "manifests": [{"digest": "sha256:" + "0" * 64}] * 50_000}))):
        layout = Raw()
        layout.files.update(one().files, **{"index.json": data})
        yield case("index-" + name, layout)
    # An index cannot hold its own digest, so one that refers to itself is one that lies.
    own = "sha256:" + "5" * 64
    layout = Layout()
    layout.manifests = [{"mediaType": INDEX_TYPE, "digest": own, "size": 200}]
    layout.files["blobs/sha256/" + own[7:]] = text(layout.index())
    yield case("index-of-itself", layout)
    layout = one()
    for _ in range(1000):
        inner = layout.blob(text(layout.index()))
        layout.manifests = [dict(inner, mediaType=INDEX_TYPE)]
    yield case("index-in-index", layout, EITHER)
    layout = one()
    layout.manifests[0]["platform"] = {"architecture": "nothing64", "os": "linux"}
    yield case("other-platform", layout, EITHER)
    layout = one()
    layout.manifests[0]["size"] = 5
    yield case("manifest-size", layout)
    layout = one()
    layout.manifests = layout.manifests * 2
    yield case("same-twice", layout, EITHER)
    layout = Raw()
    layout.files.update(one().files)
    # A tar then, in which there is nothing to run.
    yield case("no-index", layout, EITHER)


def directories(bait, one):
    """Layouts on the disk, whose files are not what they seem."""
    place = bait.place.decode()

    def case(name, spoil, expect=REFUSED):
        layout = one()

        def make(directory):
            layout.write(directory)
            manifest = layout.manifests[0]["digest"][7:]
            spoil(directory, os.path.join(directory, "blobs/sha256"), manifest)
        return Case("layout-" + name, expect, None, make, "oci:")

    def replaced(path, target):
        os.rename(path, path + ".was")
        os.symlink(target, path)

    def fifo(path):
        os.rename(path, path + ".was")
        os.mkfifo(path)

    def big(path):
        with open(path, "wb") as file:
            file.truncate(1 << 40)

    yield case("index-link", lambda top, blobs, manifest: replaced(top + "/index.json", place + "/canary"))
    yield case("index-fifo", lambda top, blobs, manifest: fifo(top + "/index.json"))
    yield case("index-huge", lambda top, blobs, manifest: big(top + "/index.json"))
    yield case("manifest-link", lambda top, blobs, manifest: replaced(f"{blobs}/{manifest}", place + "/canary"))
    yield case("manifest-fifo", lambda top, blobs, manifest: fifo(f"{blobs}/{manifest}"))
    yield case("manifest-huge", lambda top, blobs, manifest: big(f"{blobs}/{manifest}"))
    yield case("all-fifos", lambda top, blobs, manifest: [fifo(f"{blobs}/{name}") for name in os.listdir(blobs)])
    yield case("blobs-link", lambda top, blobs, manifest: replaced(blobs, place), EITHER)
    yield case("blobs-loop", lambda top, blobs, manifest: replaced(top + "/blobs", "blobs"))
    # It is the caller's own all the same.
    yield case("no-read", lambda top, blobs, manifest: os.chmod(f"{blobs}/{manifest}", 0), EITHER)
    yield case("version", lambda top, blobs, manifest: replaced(top + "/oci-layout", "/dev/null"), EITHER)


def docker(bait):
    layer = bait.tar().bytes()
    small = bait.small().bytes()
    config = text(image_config([layer]))
    place = bait.place

    def case(name, entries, manifest, expect=REFUSED, prefix="docker-archive:", **more):
        tar = Tar()
        for entry in entries:
            tar.add(*entry[:2], **(entry[2] if len(entry) > 2 else {}))
        if manifest is not None:
            tar.add("manifest.json", manifest if isinstance(manifest, bytes) else text(manifest))
        return Case("docker-" + name, expect, tar.bytes(), prefix=prefix, **more)

    def manifest(layers=("l.tar",), config_name="c.json", **more):
        return [dict({"Config": config_name, "RepoTags": ["a:b"], "Layers": list(layers)}, **more)]

    good = [("l.tar", layer), ("c.json", config)]
    up = "../../../../../../../.." + place.decode() + "/canary"
    yield case("good", good, manifest(), TAKEN)
    for name, path in (("passwd", "../../etc/passwd"), ("canary", up), ("absolute", place.decode() + "/canary"),
                       ("missing", "no.tar"), ("itself", "manifest.json"), ("empty", ""), ("dot", "."), ("config", "c.json")):
        yield case("layer-" + name, good, manifest([path]))
        if name != "config":
            yield case("config-" + name, good, manifest(config_name=path))
    link = {"kind": SYMLINK}
    yield case("link-within", [("x/layer.tar", layer), ("y/layer.tar", b"", dict(link, link="../x/layer.tar")), good[1]],
               manifest(["y/layer.tar"]), TAKEN)
    for name, target in (("passwd", "/etc/passwd"), ("canary", up), ("itself", "l.tar"), ("two", "m.tar"),
                         ("directory", "."), ("long", "../" * 1000)):
        yield case("link-" + name, [("l.tar", b"", dict(link, link=target)), ("m.tar", b"", dict(link, link="l.tar")),
                                    good[1]], manifest())
        yield case("config-link-" + name, [good[0], ("c.json", b"", dict(link, link=target)),
                                           ("m.tar", b"", dict(link, link="c.json"))], manifest())
    yield case("hard-out", [("l.tar", b"", {"kind": HARD_LINK, "link": place + b"/canary"}), good[1]], manifest())
    yield case("chain-of-links", [("l0", layer)] + [(f"l{n}", b"", dict(link, link=f"l{n - 1}")) for n in range(1, 500)]
               + [good[1]], manifest(["l499"]), EITHER)
    yield case("layer-gzip", [("l.tar", gzipped(layer)), good[1]], manifest(), EITHER)
    yield case("layer-tampered", [("l.tar", layer[:600] + b"x" + layer[601:]), good[1]], manifest())
    yield case("layer-no-tar", [("l.tar", b"root:x:0:0\n" * 100), good[1]], manifest())
    for name, text_ in (("none", None), ("empty", b""), ("list", b"[]"), ("object", b"[{}]"), ("text", b'["x"]'),
                        ("number", b"5"), ("huge", b"[" + b" " * (20 << 20) + b"]"), ("deep", b"[" * 100_000)):
        yield case("manifest-" + name, good, text_)
    yield case("manifest-twice", good + [("manifest.json", text(manifest(["../../etc/passwd"])))], manifest(), EITHER)
    yield case("names-escape", good, manifest(["\x1b]0;x\x07\n"]))
    yield case("tags", good, manifest(RepoTags=["\x1b[31m", 5, None, "x" * 100_000]), EITHER)
    yield case("many-members", [(f"f{n}", b"") for n in range(20_000)] + good, manifest(), EITHER)
    yield case("unsaid", good, manifest(), EITHER, prefix="")
    yield Case("docker-recognized", TAKEN, docker_archive([layer]))
    yield Case("docker-as-oci", REFUSED, docker_archive([layer]), prefix="oci-archive:")
    yield Case("docker-is-oci", REFUSED, oci_archive(layer), prefix="docker-archive:")


def oci_archive(layer):
    layout = Layout()
    layout.image([layer])
    return layout.archive()


def containers(bait):
    """App container images."""
    def fill(tar, place):
        tar.directory(place + "bin").add(place + "bin/busybox", bait.base, mode=0o755).link(place + "bin/sh", "busybox")

    def raw(name, tar, expect=REFUSED):
        return Case("aci-" + name, expect, gzipped(tar.bytes()))

    manifest = {"acKind": "ImageManifest", "acVersion": "0.8.11", "name": "example.com/x",
                "labels": [{"name": "os", "value": "linux"}, {"name": "arch", "value": archives.host_architecture()}]}

    def start(**fields):
        return Tar().add("manifest", text(dict(manifest, **fields)))

    def whole(**fields):
        tar = start(**fields)
        fill(tar, "rootfs/")
        return tar

    yield raw("good", whole(), TAKEN)
    late = Tar()
    fill(late, "rootfs/")
    yield raw("manifest-last", late.add("manifest", text(manifest)), EITHER)
    yield raw("rootfs-link", start().link("rootfs", bait.place).add("rootfs/canary", "x"), EITHER)
    linked = start().link("rootfs", "real")
    fill(linked, "real/")
    yield raw("rootfs-link-within", linked, EITHER)
    yield raw("rootfs-file", start().add("rootfs", "x"), EITHER)
    yield raw("rootfs-up", whole().add("rootfs/../x", "x").add("rootfs/../../canary", "x"), EITHER)
    yield raw("beside", whole().add("canary", "x").add("root", "x").add("rootfsx", "x"), EITHER)
    yield raw("manifest-link", Tar().link("manifest", bait.canary).add("rootfs/x", "x"), EITHER)
    yield raw("manifest-directory", Tar().directory("manifest").add("rootfs/x", "x"), EITHER)
    yield raw("manifest-huge", Tar().add("manifest", b" " * (20 << 20)).add("rootfs/x", "x"))
    yield raw("manifest-not-json", Tar().add("manifest", "hello").add("rootfs/x", "x"), EITHER)
    yield raw("manifest-deep", Tar().add("manifest", b"[" * 100_000).add("rootfs/x", "x"), EITHER)
    yield raw("manifest-twice", whole().add("manifest", "{}"), EITHER)
    yield raw("kind-other", whole(acKind="PodManifest"))
    # It can be unpacked, if not run.
    yield raw("other-arch", whole(labels=[{"name": "arch", "value": "nothing64"}]), EITHER)
    yield raw("dependencies", whole(dependencies=[{"imageName": "example.com/base"}]), EITHER)
    yield raw("hard-out", whole().hard("rootfs/h", "rootfs/../../" + bait.canary.decode()), EITHER)
    yield raw("hard-manifest", whole().hard("rootfs/h", "manifest"), EITHER)
    yield raw("app-odd", whole(app={"exec": [1, {}], "user": 5, "group": [], "environment": ["x", {}], "workingDirectory": 7,
                                    "mountPoints": [{"path": "../.."}], "ports": [{"port": -1}]}), EITHER)
    yield raw("app-escape", whole(app={"exec": ["\x1b[31m"], "user": "\x1b]0;x\x07", "group": "0"}), EITHER)


def cases(bait):
    for part in (whiteouts, merging, manifests, docker, containers):
        yield from part(bait)
