# SPDX-License-Identifier: Apache-2.0
"""Archives byte by byte: tar with any field and any lie, and the frames of compressors.

Nothing here knows what is sane; make_images.py makes sane images of it and hostile.py others.
Everything is a function of its arguments: no clock, no random number, no name of a user.
Sources: POSIX.1-2017 pax (Interchange Format), tar(5), RFC 8878, lz4_Frame_format.md.
"""
import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import struct

BLOCK = 512
FILE, HARD_LINK, SYMLINK, CHARACTER, DEVICE, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
PAX, PAX_GLOBAL, GNU_LONG_NAME, GNU_LONG_LINK, GNU_SPARSE = b"x", b"g", b"L", b"K", b"S"


def as_bytes(text):
    return text if isinstance(text, bytes) else str(text).encode()


# ---- tar -----------------------------------------------------------------------------------


def number(value, width):
    """Octal where it fits; else GNU's base 256."""
    if 0 <= value < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, value)
    return (value & (1 << 8 * width - 1) - 1 | 1 << 8 * width - 1).to_bytes(width, "big")


def header(name, kind=FILE, size=0, mode=0o644, uid=0, gid=0, mtime=0, link=b"", major=0, minor=0,
           magic=b"ustar\x0000"):
    block = bytearray(BLOCK)
    link = as_bytes(link)

    def put(offset, value):
        block[offset:offset + len(value)] = value

    put(0, as_bytes(name)[:100])
    put(100, number(mode, 8))
    put(108, number(uid, 8))
    put(116, number(gid, 8))
    put(124, number(size, 12))
    put(136, number(mtime, 12))
    put(148, b" " * 8)
    put(156, kind)
    put(157, link[:100])
    put(257, magic)
    put(329, number(major, 8))
    put(337, number(minor, 8))
    put(148, b"%06o\0 " % sum(block))
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def pax_record(key, value):
    """LENGTH KEY=VALUE\\n, where LENGTH counts itself."""
    body = b" " + as_bytes(key) + b"=" + as_bytes(value) + b"\n"
    length = len(body)
    while length != len(body) + len(b"%d" % length):
        length = len(body) + len(b"%d" % length)
    return b"%d" % length + body


def pax_header(records, kind=PAX):
    data = records if isinstance(records, bytes) else b"".join(
        pax_record(key, value) for key, value in records)
    return header("pax", kind, len(data)) + padded(data)


class Tar:
    """A tar in memory. Names and links too long for a header get pax records."""

    def __init__(self):
        self.parts = []

    def raw(self, data):
        self.parts.append(data)
        return self

    def add(self, name, data=b"", kind=FILE, pax=(), **fields):
        """xattrs go into pax as the pair ("SCHILY.xattr.NAME", VALUE)."""
        name, link, data = as_bytes(name), as_bytes(fields.get("link", b"")), as_bytes(data)
        records = list(pax)
        if len(name) > 100:
            records.append(("path", name))
        if len(link) > 100:
            records.append(("linkpath", link))
        if records:
            self.parts.append(pax_header(records))
        fields.setdefault("size", len(data))
        self.parts.append(header(name, kind, **fields) + padded(data))
        return self

    def directory(self, name, mode=0o755, **fields):
        return self.add(name, kind=DIRECTORY, mode=mode, **fields)

    def link(self, name, target, **fields):
        return self.add(name, kind=SYMLINK, mode=0o777, link=target, **fields)

    def hard(self, name, target, **fields):
        return self.add(name, kind=HARD_LINK, link=target, **fields)

    def bytes(self, end=True):
        return b"".join(self.parts) + (bytes(2 * BLOCK) if end else b"")


# ---- compressors ---------------------------------------------------------------------------


def gzipped(data):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as file:
        file.write(data)
    return out.getvalue()


def zstd_block(kind, size, last):
    """Kind 0: as they are, 1: one byte so often."""
    return struct.pack("<I", int(last) | kind << 1 | size << 3)[:3]


def zstd_frame_header(window=0x38):
    """No size said, no checksum, a window descriptor: exponent << 3 | mantissa; 0x38 is 128 KiB."""
    return struct.pack("<I", 0xFD2FB528) + bytes([0, window])


def zstd(data, window=0x38):
    """A frame of stored blocks."""
    out = [zstd_frame_header(window)]
    chunk = 1 << 17
    for at in range(0, len(data) or 1, chunk):
        part = data[at:at + chunk]
        out.append(zstd_block(0, len(part), at + chunk >= len(data)) + part)
    return b"".join(out)


def zstd_run(byte, count, last=True):
    """Blocks that say `count` times the same byte: 4 bytes for 128 KiB."""
    chunk = 1 << 17
    whole, rest = divmod(count, chunk)
    block = zstd_block(1, chunk, False) + byte
    return block * whole + zstd_block(1, rest, last) + byte


def xxh32(data, seed=0):
    p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    mask = 0xFFFFFFFF

    def rotate(value, bits):
        return (value << bits | value >> 32 - bits) & mask

    assert len(data) < 16, "only what a header needs"
    value = seed + p5 + len(data) & mask
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        value = rotate(value + struct.unpack_from("<I", data, at)[0] * p3 & mask, 17) * p4 & mask
    for byte in data[whole:]:
        value = rotate(value + byte * p5 & mask, 11) * p1 & mask
    value = (value ^ value >> 15) * p2 & mask
    value = (value ^ value >> 13) * p3 & mask
    return value ^ value >> 16


def lz4(data):
    """A frame of stored blocks of 4 MiB."""
    descriptor = bytes([0x60, 0x70])
    out = [struct.pack("<I", 0x184D2204), descriptor, bytes([xxh32(descriptor) >> 8 & 255])]
    chunk = 4 << 20
    for at in range(0, len(data), chunk):
        part = data[at:at + chunk]
        out.append(struct.pack("<I", len(part) | 1 << 31) + part)
    return b"".join(out) + bytes(4)


def xz(data):
    return lzma.compress(data, preset=0)


COMPRESSORS = {"": bytes, ".gz": gzipped, ".bz2": lambda data: bz2.compress(data, 1), ".xz": xz,
               ".zst": zstd, ".lz4": lz4}


# ---- images --------------------------------------------------------------------------------

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def text(value):
    return json.dumps(value, sort_keys=True).encode()


def image_config(layers, **settings):
    """The config blob. layers: tars as they are, uncompressed."""
    architecture = settings.pop("architecture", None) or host_architecture()
    return {"architecture": architecture, "os": "linux", "config": settings,
            "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]}}


def host_architecture():
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


class Layout:
    """The files of an OCI layout by name: what is wrong with it is put in by hand."""

    def __init__(self):
        self.files = {"oci-layout": text({"imageLayoutVersion": "1.0.0"})}
        self.manifests = []

    def blob(self, data):
        self.files["blobs/sha256/" + digest(data)[7:]] = data
        return {"digest": digest(data), "size": len(data)}

    def image(self, layers, tag="latest", compression="", config=None, **settings):
        """Adds an image of these tars; its descriptor goes to the index."""
        config = config or image_config(layers, **settings)
        suffix = {"": "", ".gz": "+gzip", ".zst": "+zstd"}[compression]
        manifest = {
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": dict(self.blob(text(config)),
                           mediaType="application/vnd.oci.image.config.v1+json"),
            "layers": [dict(self.blob(COMPRESSORS[compression](layer)),
                            mediaType=LAYER_TYPE + suffix) for layer in layers]}
        return self.point(manifest, tag, config)

    def point(self, manifest, tag, config=None):
        described = dict(self.blob(text(manifest)), mediaType=manifest["mediaType"],
                         annotations={"org.opencontainers.image.ref.name": tag})
        if config:
            described["platform"] = {"architecture": config["architecture"], "os": config["os"]}
        self.manifests.append(described)
        return described

    def index(self):
        return {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                "manifests": self.manifests}

    def all_files(self):
        return dict({"index.json": text(self.index())}, **self.files)

    def write(self, place):
        for name, data in self.all_files().items():
            path = os.path.join(place, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)

    def archive(self):
        tar = Tar()
        for name, data in sorted(self.all_files().items()):
            tar.add(name, data)
        return tar.bytes()


def docker_archive(layers, tag="sbx/test:latest", manifest_last=True, config=None, **settings):
    """What `docker save` writes: layers by name, and a manifest that says in which order."""
    config = text(config or image_config(layers, **settings))
    config_name = digest(config)[7:] + ".json"
    names = [digest(layer)[7:] + "/layer.tar" for layer in layers]
    manifest = text([{"Config": config_name, "RepoTags": [tag], "Layers": names}])
    members = list(zip(names, layers)) + [(config_name, config)]
    members.insert(len(members) if manifest_last else 0, ("manifest.json", manifest))
    tar = Tar()
    for name, data in members:
        tar.add(name, data)
    return tar.bytes()


def aci(tar, name="example.com/test", app=None, labels=None, **fields):
    """An app container image: `tar` fills rootfs/ of the Tar that it is given."""
    labels = labels or {"os": "linux", "arch": host_architecture(), "version": "1"}
    manifest = {"acKind": "ImageManifest", "acVersion": "0.8.11", "name": name,
                "labels": [{"name": key, "value": value} for key, value in labels.items()]}
    if app:
        manifest["app"] = app
    manifest.update(fields)
    whole = Tar().add("manifest", text(manifest))
    tar(whole, "rootfs/")
    return gzipped(whole.bytes())
