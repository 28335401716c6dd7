/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <string.h>

/*
 * How much memory a compressed file asks for, by its first header. Further frames and blocks
 * may ask for more: libzstd has a bound of its own, and the process one for all.
 */

struct head {
	const unsigned char *bytes;
	size_t length;
};

static bool begins_with(const struct head *head, const char *mark, size_t length)
{
	return head->length >= length && memcmp(head->bytes, mark, length) == 0;
}

static uint64_t little_endian(const unsigned char *bytes, size_t count)
{
	uint64_t value = 0;

	for (size_t i = count; i > 0; i--)
		value = value << 8 | bytes[i - 1];
	return value;
}

/* ---- zstd: RFC 8878 ------------------------------------------------------------------ */

enum { ZSTD_MAGIC_SIZE = 4, ZSTD_SKIP_HEAD = 8 };

static const uint32_t zstd_magic = 0xfd2fb528;
static const uint32_t zstd_skip_magic = 0x184d2a50;

/* 3.1.1.1: descriptor, window descriptor or not, dictionary id, content size. */
static uint64_t zstd_frame_window(const unsigned char *frame, size_t length)
{
	static const size_t id_sizes[] = { 0, 1, 2, 4 };
	static const size_t content_sizes[] = { 1, 2, 4, 8 };
	size_t at;
	size_t content;

	if (length < 2)
		return 0;
	if (!(frame[0] & 0x20)) {
		uint64_t base = UINT64_C(1) << (10 + (frame[1] >> 3));

		return base + base / 8 * (frame[1] & 7);
	}
	at = 1 + id_sizes[frame[0] & 3];
	content = content_sizes[frame[0] >> 6];
	if (length < at + content)
		return 0;
	return little_endian(frame + at, content) + (content == 2 ? 256 : 0);
}

static uint64_t zstd_window(struct head head)
{
	while (head.length >= ZSTD_SKIP_HEAD &&
	       (little_endian(head.bytes, ZSTD_MAGIC_SIZE) & 0xfffffff0U) ==
		       zstd_skip_magic) {
		uint64_t skip = ZSTD_SKIP_HEAD + little_endian(head.bytes + 4, 4);

		if (skip > head.length)
			return 0;
		head.bytes += skip;
		head.length -= (size_t)skip;
	}
	if (head.length < ZSTD_MAGIC_SIZE ||
	    little_endian(head.bytes, ZSTD_MAGIC_SIZE) != zstd_magic)
		return 0;
	return zstd_frame_window(head.bytes + ZSTD_MAGIC_SIZE,
				 head.length - ZSTD_MAGIC_SIZE);
}

/* ---- xz: the .xz file format --------------------------------------------------------- */

enum { XZ_STREAM_HEADER = 12, XZ_LZMA2 = 0x21, XZ_DICTIONARY_MAX = 40 };

/* 1.2, "multibyte integers". false: there is none. */
static bool take_number(struct head *head, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (size_t i = 0; i < 9 && i < head->length; i++) {
		number |= (uint64_t)(head->bytes[i] & 0x7f) << (7 * i);
		if (head->bytes[i] & 0x80)
			continue;
		*ret_number = number;
		head->bytes += i + 1;
		head->length -= i + 1;
		return true;
	}
	return false;
}

/* 5.3.1 */
static uint64_t lzma2_dictionary(unsigned int bits)
{
	if (bits >= XZ_DICTIONARY_MAX)
		return UINT32_MAX;
	return (uint64_t)(2 | (bits & 1)) << (bits / 2 + 11);
}

static uint64_t xz_filters_window(struct head *head, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		uint64_t id;
		uint64_t size;

		if (!take_number(head, &id) || !take_number(head, &size) ||
		    size > head->length)
			return 0;
		if (id == XZ_LZMA2 && size == 1)
			return lzma2_dictionary(head->bytes[0]);
		head->bytes += size;
		head->length -= (size_t)size;
	}
	return 0;
}

/* 3.1: size, flags, perhaps two sizes, filters. */
static uint64_t xz_window(struct head head)
{
	unsigned int flags;
	uint64_t number;

	if (head.length < XZ_STREAM_HEADER + 2)
		return 0;
	flags = head.bytes[XZ_STREAM_HEADER + 1];
	head.bytes += XZ_STREAM_HEADER + 2;
	head.length -= XZ_STREAM_HEADER + 2;
	if (flags & 0x40 && !take_number(&head, &number))
		return 0;
	if (flags & 0x80 && !take_number(&head, &number))
		return 0;
	return xz_filters_window(&head, (flags & 3) + 1);
}

/* ---- lzip: "LZIP", version, and a power of two less some sixteenths -------------------- */

static uint64_t lzip_window(struct head head)
{
	uint64_t base;

	if (head.length < 6)
		return 0;
	base = UINT64_C(1) << (head.bytes[5] & 0x1f);
	return base - base / 16 * (head.bytes[5] >> 5);
}

static const struct format {
	const char *name;
	const char *mark;
	size_t length;
	uint64_t (*window)(struct head head);
} formats[] = {
	{ "gzip", "\x1f\x8b", 2, NULL },
	{ "xz",
	  "\xfd"
	  "7zXZ\0",
	  6, xz_window },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, zstd_window },
	{ "bzip2", "BZh", 3, NULL },
	{ "lz4", "\x04\x22\x4d\x18", 4, NULL },
	{ "lzip", "LZIP", 4, lzip_window },
	{ "compress", "\x1f\x9d", 2, NULL },
};

static bool is_zstd_skippable(const struct head *head)
{
	return head->length >= ZSTD_MAGIC_SIZE &&
	       (little_endian(head->bytes, ZSTD_MAGIC_SIZE) & 0xfffffff0U) ==
		       zstd_skip_magic;
}

uint64_t window_of(const void *bytes, size_t length, const char **ret_name)
{
	const struct head head = { bytes, length };

	*ret_name = NULL;
	/* A tar may begin with a member of any name. */
	if (length >= 262 && memcmp(head.bytes + 257, "ustar", 5) == 0)
		return 0;
	if (is_zstd_skippable(&head)) {
		*ret_name = "zstd";
		return zstd_window(head);
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!begins_with(&head, formats[i].mark, formats[i].length))
			continue;
		*ret_name = formats[i].name;
		return formats[i].window ? formats[i].window(head) : 0;
	}
	return 0;
}
