/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be a root: what it is instead, and what would make a root of it. */
#include "image/image.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

/* The descriptor of an ISO 9660 file system begins at byte 32768. */
enum { HEAD_SIZE = 32776 };

#define MOUNT_IT "mount it, and give -R the directory; or make a tar of what is in it"
#define RUN_IT   "sbx run -- COMMAND starts a program of the host"

/* Files that people have for roots. %s in a hint is the file. */
static const struct stranger {
	const char *name;
	size_t offset, length;
	const char *bytes;
	const char *hint;
} strangers[] = {
	{ "a zip archive", 0, 4, "PK\3\4", "unzip -d DIR %s && sbx run -R DIR" },
	{ "a 7z archive", 0, 6, "7z\xbc\xaf\x27\x1c", "7z x -oDIR %s && sbx run -R DIR" },
	{ "a Debian package", 0, 14, "!<arch>\ndebian",
	  "dpkg-deb -x %s DIR && sbx run -R DIR" },
	{ "an RPM package", 0, 4, "\xed\xab\xee\xdb", "rpm2cpio %s has the files in it" },
	{ "a disk image (qcow2)", 0, 4, "QFI\xfb",
	  "virt-tar-out -a %s / - | sbx run -R -" },
	{ "a disk image (VMDK)", 0, 4, "KDMV", "virt-tar-out -a %s / - | sbx run -R -" },
	{ "an ISO 9660 image", 32769, 5, "CD001", MOUNT_IT },
	{ "an ext2, ext3 or ext4 image", 1080, 2, "\x53\xef", MOUNT_IT },
	{ "a program", 0, 4,
	  "\x7f"
	  "ELF",
	  RUN_IT },
	{ "a script", 0, 2, "#!", RUN_IT },
	{ "a web page", 0, 9, "<!DOCTYPE", "it was fetched from the wrong address" },
	{ "a web page", 0, 9, "<!doctype", "it was fetched from the wrong address" },
	{ "a web page", 0, 5, "<html", "it was fetched from the wrong address" },
	{ "a disk image", 510, 2, "\x55\xaa", "virt-tar-out -a %s / - | sbx run -R -" },
};

static const struct stranger nothing = { "empty", 0, 0, "",
					 "its download may have failed" };

/* NULL: nothing that we know. */
static const struct stranger *find_stranger(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char head[HEAD_SIZE];
	struct stat file;
	ssize_t length;

	if (fd < 0 || fstat(fd, &file) < 0 || !S_ISREG(file.st_mode))
		return NULL;
	length = fd_read_all(fd, head, sizeof(head));
	if (length == 0)
		return &nothing;
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		const struct stranger *stranger = &strangers[i];

		if (length >= (ssize_t)(stranger->offset + stranger->length) &&
		    memcmp(head + stranger->offset, stranger->bytes, stranger->length) ==
			    0)
			return stranger;
	}
	return NULL;
}

/* A hint with the file in place of its %s. */
static int hint_with(struct error *err, const char *hint, const char *path)
{
	const char *place = strstr(hint, "%s");

	if (!place)
		return error_hint(err, "%s", hint);
	return error_hint(err, "%.*s%.120s%s", (int)(place - hint), hint, path,
			  place + 2);
}

static int refuse_registry(const char *operand, struct error *err)
{
	const char *file = strrchr(operand, '/');

	error_set(err, ERROR_ARCHIVE_UNSUPPORTED,
		  "use %.110s as root: images are not fetched", operand);
	if (strstr(operand, "://") && !text_starts_with(operand, "docker://"))
		return error_hint(err, "curl -fLO %.100s && sbx run -R %.60s", operand,
				  file + 1);
	return error_hint(err,
			  "skopeo copy %.90s oci:IMAGE:latest && sbx run -R "
			  "oci:IMAGE:latest",
			  operand);
}

int image_refuse(const char *operand, struct error *err)
{
	const struct stranger *stranger;
	enum image_kind kind;

	if (image_recognize(operand, &kind, err) < 0)
		return -1;
	if (kind == IMAGE_REGISTRY)
		return refuse_registry(operand, err);
	stranger = find_stranger(operand);
	if (!stranger)
		return error_set(
			err, ERROR_ROOT_NOT_DIRECTORY,
			"use %.180s as root: it is neither a directory nor an archive",
			operand);
	error_set(err, ERROR_ROOT_NOT_DIRECTORY, "use %.180s as root: it is %s", operand,
		  stranger->name);
	return hint_with(err, stranger->hint, operand);
}

/* ---- directories ----------------------------------------------------------------------- */

/* Directories with an image or a root in them, told by two names that they have. */
static const struct wrapper {
	const char *one, *other;
	const char *name, *hint;
} wrappers[] = {
	{ "oci-layout", "blobs", "an OCI image layout", "sbx run -R oci:%s" },
	{ "config.json", "rootfs", "a bundle of an OCI runtime", "sbx run -R %s/rootfs" },
	{ "manifest", "rootfs", "an unpacked ACI", "sbx run -R %s/rootfs" },
	{ "manifest.json", "repositories", "an unpacked image",
	  "tar -C %s -c . | sbx run -R -" },
};

static bool has(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int image_check_directory(const char *path, struct error *err)
{
	auto_close int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || has(dir, "bin") || has(dir, "usr"))
		return 0;
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		if (!has(dir, wrappers[i].one) || !has(dir, wrappers[i].other))
			continue;
		error_set(err, ERROR_ROOT_NOT_DIRECTORY,
			  "use %.180s as root: it is %s, not what is in it", path,
			  wrappers[i].name);
		return hint_with(err, wrappers[i].hint, path);
	}
	return 0;
}
