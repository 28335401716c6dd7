# SPDX-License-Identifier: Apache-2.0
"""Hostile tars: names and links that lead out, kinds that change, odd ids, times and attributes."""
import os

from archives import (BLOCK, CHARACTER, DEVICE, DIRECTORY, FIFO, FILE, GNU_LONG_LINK, GNU_LONG_NAME, HARD_LINK,
                      SYMLINK, Tar, as_bytes, header, padded)
from hostile_case import EITHER, REFUSED, TAKEN, Case


def outside(bait):
    """Names and links that lead out of the target."""
    place, canary, up = bait.place, bait.canary, bait.up

    def case(name, tar, expect=EITHER, **more):
        return Case("out-" + name, expect, tar.bytes(), **more)

    t = bait.tar
    yield case("absolute", t().add(canary, "x").add("/etc/absolute", "x"), TAKEN, look=("cat /etc/absolute", "x"))
    yield case("double-slash", t().add(b"//" + canary, "x"), TAKEN)
    yield case("dotdot", t().add(up + canary[1:], "x"))
    yield case("dotdot-within", t().add(b"d/" + up + canary[1:], "x"))
    yield case("dotdot-itself", t().directory("..").directory("d/../..").directory("../.."))
    yield case("dotdot-new", t().add("../made-by-dotdot", "x").add("d/../../made-by-dotdot", "x"))
    yield case("dotdot-file", t().add("..", "x"))
    yield case("dot-file", t().add(".", "x").add("./", "x").add("", "x"))
    yield case("root-link", t().link(".", place).link("/", place).add("canary", "x"))
    yield case("root-hard", t().hard(".", canary).hard("/", "/etc"))
    yield case("root-fifo", t().add(".", kind=FIFO).add("/", kind=CHARACTER, major=1, minor=3))
    yield case("root-closed", t().directory(".", mode=0).directory("d", mode=0), TAKEN)
    for name, target in (("root", b"/"), ("up", up), ("absolute", place), ("proc-root", b"/proc/self/root"),
                         ("proc-1-root", b"/proc/1/root"), ("proc-cwd", b"/proc/self/cwd/" + up),
                         ("proc-fd", b"/proc/self/fd/3")):
        rest = b"/canary" if name == "absolute" else canary
        yield case("parent-link-" + name, t().link("l", target).add(b"l" + rest, "x").directory(b"l" + rest + b".d")
                   .link(b"l" + rest + b".l", "x").hard(b"l" + rest + b".h", "etc/file"))
    yield case("parent-chain", t().link("d/a", "../..").link("d/b", "a/..").link("d/c", "b/..").add(b"d/c" + canary, "x"))
    yield case("parent-swapped", t().add("d/f", "1").link("d", place).add("d/canary", "x").add("d/new", "x"))
    yield case("parent-link-made-before", Tar().link("l", place).add("l/canary", "x").raw(t().bytes()))
    yield case("loop", t().link("l", "l").add("l/x", "x"), message="l")
    yield case("loop-of-two", t().link("a", "b").link("b", "a").add("a/x", "x"))
    yield case("loop-41", t().link("l0", "d").raw(b"".join(
        header(f"l{n}", SYMLINK, link=f"l{n - 1}") for n in range(1, 60))).add("l59/x", "x"))
    yield case("last-link", t().link("f", canary).add("f", "x"), TAKEN, look=("cat /f; test -L /f || echo file", "xfile"))
    yield case("last-link-directory", t().link("f", place).directory("f", mode=0o700), TAKEN)
    yield case("last-link-fifo", t().link("f", canary).add("f", kind=FIFO))
    yield case("last-link-mode", t().link("f", canary, uid=1, gid=1), TAKEN)
    yield case("last-link-times", t().link("f", canary, mtime=1), TAKEN)
    yield case("last-link-attribute", t().add("f", kind=SYMLINK, link=canary, pax=[("SCHILY.xattr.user.x", "x")]))
    yield case("hard-absolute", t().hard("h", canary).add("h", "x"))
    yield case("hard-dotdot", t().hard("h", up + canary[1:]).add("h", "x"))
    yield case("hard-to-link", t().link("s", canary).hard("h", "s").add("h", "x", mode=0o777), TAKEN,
               look=("cat /h; test -L /h || echo file", "xfile"))
    yield case("hard-to-link-mode", t().link("s", canary).hard("h", "s", mode=0o777, uid=5))
    yield case("hard-through-link", t().link("s", place).hard("h", "s/canary"))
    yield case("hard-data", t().hard("h", "etc/file", size=0).add("h2", "data", kind=HARD_LINK, link="etc/file"))
    yield case("hard-data-out", t().link("s", canary).add("h", "data", kind=HARD_LINK, link="s"))
    yield case("hard-self", t().hard("h", "h"))
    yield case("hard-cycle", t().hard("g", "h").hard("h", "g"))
    yield case("hard-to-directory", t().hard("h", "d"))
    yield case("hard-to-root", t().hard("h", "/").hard("h", "."))
    yield case("hard-missing", t().hard("h", "nothing"), REFUSED)
    yield case("hard-proc", t().hard("h", "/proc/self/exe"))
    yield case("hard-over-itself", t().hard("etc/file", "etc/file"), EITHER)
    yield case("old-root", t().add(".old/x", "x").add("proc/self/mem", "x").add("proc/sys/kernel/core_pattern", "x"))


def kinds(bait):
    """Types, modes, ids, attributes, times."""
    t = bait.tar

    def case(name, tar, expect=EITHER, **more):
        return Case(name, expect, tar.bytes(), **more)

    every = (("f", FILE, {}), ("d", DIRECTORY, {}), ("l", SYMLINK, {"link": bait.place}), ("p", FIFO, {}),
             ("c", CHARACTER, {"major": 1, "minor": 3}), ("h", HARD_LINK, {"link": "etc/file"}))
    changing = t()
    for _, first, one in every:
        for _, second, other in every:
            changing.add("t", kind=first, **one).add("t", kind=second, **other)
    yield case("kind-changes", changing.add("t", "last"), TAKEN, look=("cat /t", "last"))
    full = t().directory("t").directory("t/u").add("t/u/v", "x")
    yield case("kind-over-full-directory", full.add("t", "file").add("t2", "x"), EITHER)
    yield case("kind-directory-keeps", t().add("d/kept", "x").directory("d"), TAKEN, look=("cat /d/kept", "x"))
    yield case("kind-parent-is-file", t().add("f", "x").add("f/g", "y"))
    devices = t().directory("dev")
    for number in range(6):
        devices.add(f"dev/c{number}", kind=CHARACTER, major=1, minor=number)
    devices.add("dev/sda", kind=DEVICE, major=8).add("dev/loop0", kind=DEVICE, major=7)
    yield case("devices", devices, TAKEN, look=("ls /dev/c0 /dev/sda 2>/dev/null | wc -l", "0"))
    yield case("device-is-whiteout", t().add("etc", kind=CHARACTER).add("etc/file", "inside\n"), EITHER)
    yield case("device-over-file", t().add("etc/file", kind=CHARACTER, major=1, minor=3))
    yield case("kind-unknown", b_kinds(t(), b"Z9@~"))
    yield case("kind-vendor", b_kinds(t(), b"ADMNVXEIs7"))
    yield case("setuid", t().add("su", "x", mode=0o6755).directory("sg", mode=0o3777), TAKEN,
               look=("stat -c %a /su /sg | tr '\\n' ' '", "6755 3777 "))
    yield case("mode-odd", t().add("m", "x", mode=0o177777).directory("md", mode=0o170000))
    for name, uid in (("2-31", 1 << 31), ("2-32", 1 << 32), ("2-32-less-1", (1 << 32) - 1), ("2-62", 1 << 62),
                      ("minus-1", -1), ("2-32-and-1000", (1 << 32) + 1000)):
        yield case("uid-" + name, t().add("owned", "x", uid=uid), REFUSED, message="owned")
        yield case("gid-" + name, t().add("owned", "x", gid=uid), REFUSED, message="owned")
    yield case("uid-pax", t().add("owned", "x", pax=[("uid", "99999999999999999999")]))
    yield case("uid-pax-negative", t().add("owned", "x", pax=[("uid", "-1"), ("gid", "-2")]))
    yield case("uid-squashed", t().add("owned", "x", uid=1 << 31), TAKEN, options=("--squash-ids",),
               look=("stat -c %u /owned", "0"))
    for name, mtime in (("negative", -1), ("past", -(1 << 62)), ("future", 1 << 62), ("2106", 1 << 32)):
        yield case("mtime-" + name, t().add("when", "x", mtime=mtime).directory("whend", mtime=mtime))
    for name, value in (("nan", "nan"), ("big", "9" * 60), ("float", "-1.999999999999"), ("words", "yesterday")):
        yield case("mtime-pax-" + name, t().add("when", "x", pax=[("mtime", value), ("atime", value)]))
    yield from attributes(bait)


def b_kinds(tar, letters):
    for letter in letters:
        tar.add("u%02x" % letter, kind=bytes([letter]))
    return tar


# Revision 2, CAP_NET_BIND_SERVICE.
CAPABILITY = bytes.fromhex("0000000200040000000000000000000000000000")


def attributes(bait):
    def case(name, pairs, expect=EITHER, kind=FILE, **more):
        records = [(b"SCHILY.xattr." + as_bytes(key), value) for key, value in pairs]
        return Case("xattr-" + name, expect, bait.tar().add("x", kind=kind, pax=records).bytes(), **more)

    overlay = [(kind + ".overlay." + key, value) for kind in ("trusted", "user")
               for key, value in (("opaque", "y"), ("redirect", "/etc"), ("metacopy", ""), ("origin", "x"),
                                  ("whiteout", "y"), ("impure", "y"), ("overlay.opaque", "y"))]
    yield case("user", [("user.test", "value"), ("user.empty", "")], TAKEN)
    yield case("overlay-directory", overlay, TAKEN, DIRECTORY, look=("ls -d /x", "/x"))
    yield case("overlay-file", overlay, TAKEN, look=("ls /x", "/x"))
    yield case("capability", [("security.capability", CAPABILITY)], EITHER)
    yield case("capability-odd", [("security.capability", b"\xff" * 24)])
    yield case("capability-short", [("security.capability", b"\0")])
    yield case("acl-odd", [("system.posix_acl_access", b"\2\0\0\0\xff\xff"), ("system.posix_acl_default", b"\xff")])
    yield case("selinux", [("security.selinux", "system_u:object_r:etc_t:s0"), ("security.ima", b"\3\4")])
    yield case("long-name", [("user." + "n" * 300, "x")])
    yield case("long-value", [("user.long", b"v" * 70_000)])
    yield case("many", [(f"user.n{n}", b"v" * 1000) for n in range(500)])
    yield case("no-namespace", [("nothing", "x"), ("", "x"), (".", "x")])
    yield case("names", [("user.\x1b]0;title\x07", "x"), (b"user.\xff\xfe", "x"), ("user.%00", "x")])
    yield Case("xattr-of-libarchive", EITHER, bait.tar().add("x", pax=[
        ("LIBARCHIVE.xattr.user.a%ZZ", "@@@@"), ("LIBARCHIVE.xattr.user.%62", "eA")]).bytes())


def names(bait):
    t = bait.tar

    def case(name, tar, expect=EITHER, **more):
        return Case("name-" + name, expect, tar.bytes(), **more)

    yield case("newline", t().add("a\nb", "x"), TAKEN, look=("cat '/a\nb'", "x"))
    yield case("escape", t().add("\x1b]0;owned\x07\x1b[31m\r\b", "x"), TAKEN)
    yield case("escape-refused", t().add("\x1b]0;owned\x07\x1b[31mred\nsbx: all is well", "x", uid=1 << 31), REFUSED)
    yield case("not-utf8", t().add(b"\xff\xfe\x80", "x"), TAKEN)
    yield case("not-utf8-pax", t().add("p", "x", pax=[("path", b"\xff\xfe\x80")]))
    yield case("not-utf8-link", t().add("p", kind=SYMLINK, pax=[("linkpath", b"\xff\xfe\x80")]))
    yield case("binary-pax", t().add("p", "x", pax=[("hdrcharset", "BINARY"), ("path", b"\xff\xfe\x80")]), TAKEN)
    yield case("charset-odd", t().add("p", "x", pax=[("hdrcharset", "EBCDIC"), ("path", "q")]))
    yield case("nul-pax", t().add("p", "x", pax=[("path", b"etc/x\0../../y")]))
    yield case("right-to-left", t().add("\u202etxt.exe", "x", uid=1 << 31), REFUSED)
    yield case("255", t().add("n" * 255, "x"), TAKEN)
    yield case("256", t().add("n" * 256, "x"), REFUSED)
    yield case("path-4095", t().add(long_path(4095), "x"))
    yield case("path-4096", t().add(long_path(4096), "x"), REFUSED)
    yield case("path-100000", t().add(long_path(100_000), "x"), REFUSED)
    yield case("link-4096", t().link("l", "x" * 4096))
    yield case("link-empty", t().link("l", ""))
    yield case("empty", t().add("", "x").directory("").add("///", "x"))
    yield case("dots", t().add("...", "x").add("d/./././f", "x").add("d//g", "x"), TAKEN, look=("cat /d/f /d/g", "xx"))
    yield case("blank", t().add(" ", "x").add("\t", "x").add("-rf", "x").add("*", "x"), TAKEN)
    yield case("gnu-long", long_by_gnu(t(), b"n" * 200), TAKEN)
    yield case("gnu-long-dotdot", long_by_gnu(t(), bait.up * 3 + bait.canary[1:]))
    yield case("gnu-long-link", t().raw(header("././@LongLink", GNU_LONG_LINK, len(bait.canary) + 1) + padded(
        bait.canary + b"\0")).add("l", kind=SYMLINK).add("l", "x"), TAKEN)
    yield case("gnu-long-huge", t().raw(header("././@LongLink", GNU_LONG_NAME, 1 << 40)))
    yield case("ustar-prefix", t().raw(prefixed(b"../../..", b"x")))
    yield case("whiteout-in-tar", t().add(".wh.etc", "").add("d/.wh..wh..opq", ""), TAKEN, look=("cat /etc/file", "inside"))
    # More than 75,000 take more links than anybody follows.
    yield Case("deep", EITHER, deep(t(), 38_000 if os.environ.get("SBX_TEST_FULL") else 3_800))
    yield Case("wide", TAKEN, wide(t(), 20_000))


def prefixed(prefix, name):
    block = bytearray(header(name))
    block[345:345 + len(prefix)] = prefix
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def long_path(length):
    part = b"p" * 99 + b"/"
    return (part * (length // 100 + 1))[:length - 1] + b"x"


def long_by_gnu(tar, name):
    return tar.raw(header("././@LongLink", GNU_LONG_NAME, len(name) + 1) + padded(name + b"\0")).add("short", "x")


def deep(tar, levels):
    """Directories within each other, each piece reached by a link to the end of the last."""
    piece, at = 1900, b"deep"
    tar.directory(at)
    for number in range(levels // piece):
        tar.directory(at + b"/d" * piece)
        tar.link(b"l%d" % number, at + b"/d" * piece)
        at = b"l%d" % number
    return tar.bytes()


def wide(tar, count):
    tar.directory("wide")
    return tar.bytes(end=False) + b"".join(header(f"wide/{n}") for n in range(count)) + bytes(2 * BLOCK)


def cases(bait):
    for part in (outside, kinds, names):
        yield from part(bait)
