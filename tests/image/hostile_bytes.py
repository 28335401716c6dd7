# SPDX-License-Identifier: Apache-2.0
"""Archives that lie about themselves, bombs, and what is no tar at all."""
import zlib

from archives import (BLOCK, GNU_LONG_NAME, GNU_SPARSE, PAX, PAX_GLOBAL, Tar, gzipped, header, lz4, padded, pax_header,
                      pax_record, xz, zstd, zstd_frame_header, zstd_run)
from hostile_case import EITHER, REFUSED, TAKEN, Case


def lies(bait):
    """Sizes, maps and records that are not true."""
    t = bait.tar

    def case(name, content, expect=REFUSED, **more):
        return Case("lie-" + name, expect, content if isinstance(content, bytes) else content.bytes(), **more)

    for name, size in (("2-40", 1 << 40), ("2-63-less-1", (1 << 63) - 1), ("2-64-less-1", (1 << 64) - 1),
                       ("2-80", 1 << 80), ("negative", -512)):
        yield case("size-" + name, t().add("big", "x", size=size), EITHER if name == "negative" else REFUSED)
        yield case("pax-size-" + name, t().add("big", "x", pax=[("size", str(size))]), EITHER)
    yield case("size-of-directory", t().directory("dd", size=5000).add("after", "x"), EITHER)
    yield case("size-of-link", t().link("dd", "x", size=5000).add("after", "x"), EITHER)
    yield case("no-octal", t().raw(damaged(header("f"), 124, b"99999999999")), EITHER)
    yield case("checksum", t().raw(damaged(header("f"), 0, b"g", False)))
    huge = (1 << 63) - 1
    for version, records in (("0.0", [("GNU.sparse.size", str(huge)), ("GNU.sparse.numblocks", "1"),
                                      ("GNU.sparse.offset", str(huge - 1)), ("GNU.sparse.numbytes", "1")]),
                             ("0.1", [("GNU.sparse.size", str(huge)), ("GNU.sparse.map", f"{huge - 1},1")]),
                             ("negative", [("GNU.sparse.size", "-5"), ("GNU.sparse.map", "-9,5,3,-1")]),
                             ("words", [("GNU.sparse.size", "x"), ("GNU.sparse.map", "a,b,,,,")]),
                             ("overlap", [("GNU.sparse.size", "9000"), ("GNU.sparse.map", "0,1,0,1,5,1,2,1")]),
                             ("many", [("GNU.sparse.size", "90000000"),
                                       ("GNU.sparse.map", ",".join(f"{n * 900},0" for n in range(90_000)))]),
                             ("real", [("GNU.sparse.realsize", str(huge))])):
        yield case("sparse-" + version, t().add("s", "x", pax=records), EITHER)
    yield case("sparse-1.0", t().add("s", padded(f"1\n{huge - 1}\n1\n".encode()) + b"x", pax=[
        ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "s"),
        ("GNU.sparse.realsize", str(huge))]), EITHER)
    yield case("sparse-1.0-endless", t().add("s", padded(b"9" * 5000), pax=[
        ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "5")]), EITHER)
    yield case("sparse-1.0-count", t().add("s", padded(b"99999999999\n" + b"0\n" * 500), pax=[
        ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "5")]), EITHER)
    yield case("sparse-name", t().add("s", "x", pax=[("GNU.sparse.name", bait.up + bait.canary[1:]),
                                                      ("GNU.sparse.size", "1"), ("GNU.sparse.map", "0,1")]), EITHER)
    yield case("sparse-gnu", t().raw(old_sparse("s", 1 << 62)), EITHER)
    sparse = [("GNU.sparse.size", str(1 << 30)), ("GNU.sparse.map", f"{(1 << 30) - 1},1")]
    yield case("sparse-true", t().add("s", "x", pax=sparse), TAKEN, look=("stat -c '%s %b' /s | sed 's/ [0-9]$/ few/'",
                                                                          f"{1 << 30} few"))
    for name, record in (("too-long", b"99 path=x\n"), ("too-short", b"3 path=x\n"), ("zero", b"0 path=x\n"),
                         ("no-equals", b"9 pathx\n\n"), ("no-newline", b"9 path=xx"), ("no-number", b"path=x\n"),
                         ("negative", b"-9 path=x\n"), ("overflow", b"18446744073709551626 path=x\n"),
                         ("nul", b"9 pa\0h=x\n"), ("blank", b" " * 100)):
        yield case("pax-" + name, t().raw(pax_header(record)).add("after", "x"), EITHER)
    yield case("pax-huge", t().raw(header("pax", PAX, 1 << 40)), EITHER)
    yield case("pax-1g", t().raw(header("pax", PAX, 1 << 30)), EITHER)
    yield case("pax-of-pax", t().raw(pax_header([("size", "1000000")]) * 50).add("after", "x"), EITHER)
    yield case("pax-global-path", t().raw(pax_header([("path", bait.up + bait.canary[1:]), ("size", "3")],
                                                     PAX_GLOBAL)).add("a", "x").add("b", "x"), EITHER)
    yield case("pax-comment-million", t().raw(pax_header(pax_record("comment", "x") * 100_000)).add("a", "x"), EITHER)
    yield case("header-only", t().bytes(end=False) + b"x" * 100, EITHER)
    yield case("garbage-after", t().bytes() + b"\xde\xad\xbe\xef" * 5000, EITHER)
    yield case("two-archives", t().bytes() + Tar().add("second", "x").bytes(), EITHER)
    yield case("garbage-within", t().bytes(end=False) + b"\xde\xad\xbe\xef" * 5000)
    whole = t().bytes()
    packed = gzipped(whole)
    for share in (1, 3, 5, 7, 8):
        yield case(f"truncated-{share}", whole[:len(whole) * share // 9 // BLOCK * BLOCK])
        yield case(f"truncated-{share}-odd", whole[:len(whole) * share // 9 + 77])
        yield case(f"truncated-{share}.gz", packed[:len(packed) * share // 9])
        yield case(f"truncated-{share}.zst", zstd(whole)[:len(whole) * share // 9])
    for size in (0, 1, 100, 511, 512, 513):
        yield case(f"truncated-to-{size}", whole[:size], EITHER)
    yield case("truncated.xz", xz(whole)[:200_000])
    yield case("truncated.lz4", lz4(whole)[:200_000])


def damaged(block, offset, value, sum_again=True):
    block = bytearray(block)
    block[offset:offset + len(value)] = value
    if sum_again:
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def old_sparse(name, size):
    """GNU's old form: the map in the header, the real size beside it."""
    block = header(name, GNU_SPARSE, 1, magic=b"ustar  \0")
    block = damaged(block, 386, b"%011o\0" % 0 + b"%011o\0" % 1)
    block = damaged(block, 483, b"\x80" + size.to_bytes(11, "big"))
    return block + padded(b"x")


def bombs(bait):
    """Much out of little, and decoders that want much."""
    t = bait.tar
    whole = t().bytes()
    ten, hundred = 10 << 30, 100 << 30

    def case(name, content, expect=REFUSED, **more):
        return Case("bomb-" + name, expect, content, **more)

    start = zstd(bait.small().add("big", size=hundred).bytes(end=False))
    yield case("zstd-file", start + zstd_frame_header() + zstd_run(b"\0", hundred))
    yield case("zstd-many-files", start_of_many(bait.small(), ten))
    yield case("zstd-after-the-end", zstd(whole) + zstd_frame_header() + zstd_run(b"\0", hundred), EITHER)
    yield case("zstd-pax", zstd(t().raw(header("pax", PAX, hundred)).bytes(end=False)) + zstd_frame_header() +
               zstd_run(b"\0", hundred))
    yield case("zstd-long-name", zstd(t().raw(header("././@LongLink", GNU_LONG_NAME, hundred)).bytes(end=False)) +
               zstd_frame_header() + zstd_run(b"n", ten))
    yield case("zstd-nothing", zstd_frame_header() + zstd_run(b"\0", hundred), EITHER)
    yield case("zstd-letters", zstd_frame_header() + zstd_run(b"n", hundred))
    yield case("zstd-empty-frames", zstd(b"") * 200_000 + zstd(whole), EITHER)
    yield case("zstd-skippable", b"\x50\x2a\x4d\x18\xff\xff\xff\x7f" + zstd(whole), EITHER)
    yield case("zstd-window-128m", zstd(whole, window=17 << 3), TAKEN)
    yield case("zstd-window-256m", zstd(whole, window=18 << 3))
    yield case("zstd-window-2g", zstd(whole, window=21 << 3))
    yield case("zstd-window-most", zstd(whole, window=0xff))
    yield case("zstd-one-segment", b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little") + zstd(whole)[6:])
    yield case("zstd-dictionary", b"\x28\xb5\x2f\xfd\x03\x38" + b"\1\2\3\4" + zstd(whole)[6:])
    small = xz(bait.small().bytes())
    yield case("xz-dictionary-1.5g", xz_of_dictionary(small, 37))
    yield case("xz-dictionary-4g", xz_of_dictionary(small, 40))
    nested = bait.small().bytes()
    for level in range(1, 61):
        nested = gzipped(nested)
        if level in (2, 20, 60):
            yield case(f"gzip-{level}-times", nested, EITHER)
    # libarchive does not look at it, and neither does bsdtar.
    yield case("gzip-crc", gzipped(whole)[:-8] + bytes(8), EITHER)
    yield case("gzip-garbage-after", gzipped(whole) + b"\xde\xad" * 5000, EITHER)
    yield case("gzip-of-zeros", gzip_zeros(64 << 20), EITHER)
    yield case("gzip-file-of-zeros", gzip_of_file(t(), 64 << 20), EITHER)
    yield from foreign(bait)


def start_of_many(tar, size):
    """10,000 files of 10 GiB each would be 100 TB: said by blocks of RLE, file after file."""
    out = [zstd(tar.bytes(end=False))]
    for number in range(12):
        out += [zstd(header(f"big{number}", size=size)), zstd_frame_header(), zstd_run(b"\0", size)]
    return b"".join(out)


def xz_of_dictionary(data, bits):
    """The size of the dictionary is one byte of the block's header, which has a CRC of its own."""
    out = bytearray(data)
    size = (out[12] + 1) * 4
    assert out[14] == 0x21 and out[15] == 1
    out[16] = bits
    out[12 + size - 4:12 + size] = zlib.crc32(bytes(out[12:12 + size - 4])).to_bytes(4, "little")
    return bytes(out)


def gzip_stream(parts):
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return b"".join(packer.compress(part) for part in parts) + packer.flush()


def gzip_zeros(size):
    return gzip_stream(bytes(1 << 20) for _ in range(size >> 20))


def gzip_of_file(tar, size):
    start = tar.add("big", size=size).bytes(end=False)
    return gzip_stream([start] + [bytes(1 << 20)] * (size >> 20) + [bytes(2 * BLOCK)])


def foreign(bait):
    """What libarchive would read, and we do not."""
    def case(name, content, expect=REFUSED):
        return Case("foreign-" + name, expect, content)

    canary = bait.canary
    yield case("mtree", b"#mtree\n./x type=file contents=" + canary + b"\n./y type=link link=" + canary + b"\n")
    yield case("mtree.gz", gzipped(b"#mtree\n./x type=file contents=" + canary + b"\n"))
    yield case("cpio", b"070707" + b"000000" * 8 + b"00000000000" + b"000014" + b"00000000005" + b"x" * 20)
    yield case("cpio.gz", gzipped(b"0707010000000100008180" + b"0" * 80 + b"TRAILER!!!\0" + bytes(400)))
    yield case("zip", b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18))
    yield case("iso.gz", gzipped(bytes(32768) + b"\1CD001\1" + bytes(4096)), EITHER)
    yield case("7z", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(24))
    yield case("rar", b"Rar!\x1a\x07\x01\0" + bytes(100))
    yield case("ar", b"!<arch>\ndebian-binary   1 0 0 100644 4         `\n2.0\n")
    yield case("xar", b"xar!\0\x1c\0\1" + bytes(100))
    yield case("warc.gz", gzipped(b"WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n"))
    yield case("lrzip", b"LRZI\0\6" + bytes(100))
    yield case("grzip", b"GRZipII\0\2\4:)" + bytes(100))
    yield case("lzop", b"\x89LZO\0\r\n\x1a\n" + bytes(100))
    yield case("compress", b"\x1f\x9d\x90" + bytes(100))
    yield case("uuencode", b"begin 644 x\n" + b"#0V%T\n" + b"`\nend\n")
    yield case("rpm", b"\xed\xab\xee\xdb\3\0" + bytes(200))
    yield case("lzma", b"\x5d\0\0\0\xff" + b"\xff" * 8 + bytes(100))
    yield case("lzip", b"LZIP\1\x1d" + bytes(100))
    yield case("zeros", bytes(1 << 20))
    yield case("text", b"root:x:0:0:root:/root:/bin/sh\n" * 100)
    yield case("gzip-of-text", gzipped(b"root:x:0:0:root:/root:/bin/sh\n" * 100))
    yield case("elf", bait.base)


def cases(bait):
    for part in (lies, bombs):
        yield from part(bait)
