/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

/* What a file begins with. A superblock of erofs begins at byte 1024. */
enum { HEAD_SIZE = 1028, TAR_BLOCK = 512, TAR_CHECKSUM = 148, TAR_CHECKSUM_SIZE = 8 };

struct head {
	unsigned char bytes[HEAD_SIZE];
	size_t length;
};

static const struct mark {
	const char *name;
	size_t offset, length;
	const char *bytes;
	bool filesystem;
} marks[] = {
	{ "a tar archive", 257, 5, "ustar", false },
	{ "a gzip file", 0, 2, "\x1f\x8b", false },
	{ "an xz file", 0, 6,
	  "\xfd"
	  "7zXZ\0",
	  false },
	{ "a zstd file", 0, 4, "\x28\xb5\x2f\xfd", false },
	{ "a bzip2 file", 0, 3, "BZh", false },
	{ "an lz4 file", 0, 4, "\x04\x22\x4d\x18", false },
	{ "an lzip file", 0, 4, "LZIP", false },
	{ "a compress file", 0, 2, "\x1f\x9d", false },
	{ "a squashfs image", 0, 4, "hsqs", true },
	{ "an erofs image", 1024, 4, "\xe2\xe1\xf5\xe0", true },
};

static const struct scheme {
	const char *prefix;
	enum image_kind kind;
	const char *name;
} schemes[] = {
	{ "oci:", IMAGE_LAYOUT, "an OCI image layout" },
	{ "oci-archive:", IMAGE_ARCHIVE, "an archive of an OCI image" },
	{ "docker-archive:", IMAGE_ARCHIVE, "an archive of a docker image" },
	{ "docker://", IMAGE_REGISTRY, "an image in a registry" },
	{ "docker-daemon:", IMAGE_REGISTRY, "an image of a daemon" },
	{ "containers-storage:", IMAGE_REGISTRY, "an image of podman" },
	{ "https://", IMAGE_REGISTRY, "an image in a registry" },
	{ "http://", IMAGE_REGISTRY, "an image in a registry" },
	{ "ftp://", IMAGE_REGISTRY, "an image in a registry" },
};

static const struct scheme *find_scheme(const char *operand)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (text_starts_with(operand, schemes[i].prefix))
			return &schemes[i];
	}
	return NULL;
}

/* The number in a tar header's checksum field; -1 if there is none. */
static long read_checksum(const unsigned char *field)
{
	size_t i = 0;
	long value = 0;

	while (i < TAR_CHECKSUM_SIZE && field[i] == ' ')
		i++;
	if (i == TAR_CHECKSUM_SIZE || field[i] < '0' || field[i] > '7')
		return -1;
	for (; i < TAR_CHECKSUM_SIZE && field[i] >= '0' && field[i] <= '7'; i++)
		value = value * 8 + (field[i] - '0');
	return value;
}

/* Archives of before POSIX have no mark, but the checksum of their header (tar(5)). */
static bool is_old_tar(const struct head *head)
{
	long sum = 0;

	if (head->length < TAR_BLOCK || head->bytes[0] == '\0')
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		bool is_blank = i >= TAR_CHECKSUM && i < TAR_CHECKSUM + TAR_CHECKSUM_SIZE;

		sum += is_blank ? ' ' : head->bytes[i];
	}
	return read_checksum(head->bytes + TAR_CHECKSUM) == sum;
}

static const struct mark old_tar = { "a tar archive", 0, 0, "", false };

/* What the file's first bytes say; NULL: nothing that we know. */
static const struct mark *find_mark(const struct head *head)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		const struct mark *mark = &marks[i];

		if (mark->offset + mark->length <= head->length &&
		    memcmp(head->bytes + mark->offset, mark->bytes, mark->length) == 0)
			return mark;
	}
	return is_old_tar(head) ? &old_tar : NULL;
}

/* Not blocking: opening a FIFO or a device must not wait for anybody. */
static int read_head(const char *path, struct head *ret_head)
{
	auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -1;
	length = fd_read_all(fd, ret_head->bytes, sizeof(ret_head->bytes));
	if (length < 0)
		return -1;
	ret_head->length = (size_t)length;
	return 0;
}

static int recognize_file(const char *path, enum image_kind *ret_kind, struct error *err)
{
	const struct mark *mark;
	struct head head;
	struct stat stat_buffer;

	if (stat(path, &stat_buffer) < 0)
		return error_errno_id(err, ERROR_SOURCE_MISSING, "use %s as the root",
				      path);
	if (S_ISDIR(stat_buffer.st_mode)) {
		*ret_kind = IMAGE_DIRECTORY;
		return 0;
	}
	if (S_ISFIFO(stat_buffer.st_mode)) {
		*ret_kind =
			IMAGE_ARCHIVE; /* a stream, as "-": looking would take from it */
		return 0;
	}
	if (!S_ISREG(stat_buffer.st_mode)) {
		*ret_kind = IMAGE_UNKNOWN;
		return 0;
	}
	if (read_head(path, &head) < 0)
		return error_errno(err, "use %s as the root", path);
	mark = find_mark(&head);
	*ret_kind = !mark              ? IMAGE_UNKNOWN
		    : mark->filesystem ? IMAGE_FILESYSTEM
				       : IMAGE_ARCHIVE;
	return 0;
}

static bool is_host(const char *operand)
{
	return strcmp(operand, "host") == 0 || strcmp(operand, "/") == 0;
}

int image_recognize(const char *operand, enum image_kind *ret_kind, struct error *err)
{
	const struct scheme *scheme = find_scheme(operand);

	if (is_host(operand)) {
		*ret_kind = IMAGE_HOST;
		return 0;
	}
	if (scheme) {
		*ret_kind = scheme->kind;
		return 0;
	}
	if (strcmp(operand, "-") == 0) {
		*ret_kind = IMAGE_ARCHIVE;
		return 0;
	}
	return recognize_file(operand, ret_kind, err);
}

const char *image_describe(const char *operand)
{
	const struct scheme *scheme = find_scheme(operand);
	struct stat stat_buffer;
	const struct mark *mark = NULL;
	struct head head;

	if (is_host(operand))
		return "the host's own root";
	if (scheme)
		return scheme->name;
	if (strcmp(operand, "-") == 0)
		return "an archive on standard input";
	if (stat(operand, &stat_buffer) < 0)
		return "missing";
	if (S_ISDIR(stat_buffer.st_mode))
		return "a directory";
	if (S_ISREG(stat_buffer.st_mode) && read_head(operand, &head) == 0)
		mark = find_mark(&head);
	if (S_ISFIFO(stat_buffer.st_mode))
		return "an archive in a pipe";
	return mark ? mark->name : "a file of another kind";
}
