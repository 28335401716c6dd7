/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of all containers of a user.
 *
 * Records are believed, so nobody else may write there. Who is root only in the user
 * namespace of an engine cannot use /run, which is the host's, but has the
 * XDG_RUNTIME_DIR of the user who started the engine.
 */
#include "launcher/container.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "launcher/container_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* podman makes status 126 and 127 of these words wherever they stand. */
const char *container_reason(int errnum)
{
	switch (errnum) {
	case EACCES:
	case EPERM:
		return "this user may not";
	case ENOENT:
		return "it is not there";
	default:
		return strerror(errnum);
	}
}

int container_refuse(struct error *err, const char *format, ...)
{
	const int errnum = errno;
	char what[sizeof(err->text)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	error_set(err, ERROR_STATE, "%.180s: %s", what, container_reason(errnum));
	err->errnum = errnum;
	err->explained = true;
	return -1;
}

/* ---- one place -------------------------------------------------------------------------- */

/* parent/sbx-oci or the like, in a directory that this user or the system owns. */
static int open_below(const char *parent, const char *name, bool make)
{
	auto_close int above = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int fd = -1;

	if (above < 0)
		return -1;
	if (make && mkdirat(above, name, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || files_check_owner(fd, S_IRWXG | S_IRWXO) < 0)
		return -1;
	return fd_take(&fd);
}

/* The number of this user outside of its user namespace, if there is one. */
static uid_t find_outer_uid(bool *ret_namespace)
{
	char map[256];
	unsigned long inside, outside, count;
	char *end;

	*ret_namespace = false;
	if (files_read(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map) - 1) < 0)
		return geteuid();
	inside = strtoul(map, &end, 10);
	outside = strtoul(end, &end, 10);
	count = strtoul(end, &end, 10);
	*ret_namespace = inside != 0 || outside != 0 || count != UINT32_MAX;
	if (geteuid() < inside || geteuid() - inside >= count)
		return geteuid();
	return (uid_t)(geteuid() - inside + outside);
}

static int open_runtime_place(bool make)
{
	const char *path = getenv("XDG_RUNTIME_DIR");
	struct stat status;

	if (!path || path[0] != '/') {
		errno = ENOENT;
		return -1;
	}
	if (stat(path, &status) < 0)
		return -1;
	if (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH))) {
		errno = EPERM;
		return -1;
	}
	return open_below(path, "sbx-oci", make);
}

/* ---- the one that serves ---------------------------------------------------------------- */

static int refuse_places(struct error *err)
{
	container_refuse(err, "keep containers in XDG_RUNTIME_DIR, /run or /tmp");
	return error_hint(err,
			  "sbx-oci --root DIR says where, in a directory of this user's");
}

static int open_usual(bool make, struct error *err)
{
	bool namespace;
	const uid_t outer = find_outer_uid(&namespace);
	const bool is_root = geteuid() == 0;
	char name[32];
	int fd = -1;

	if (!is_root || namespace)
		fd = open_runtime_place(make);
	if (fd < 0 && is_root)
		fd = open_below("/run", "sbx-oci", make);
	if (fd < 0 && (!is_root || namespace)) {
		snprintf(name, sizeof(name), "sbx-oci-%u", outer);
		fd = open_below("/tmp", name, make);
	}
	return fd < 0 ? refuse_places(err) : fd;
}

/* With what is missing on the way, as runc does. *ret_refused: why one was not made, if so. */
static int make_directories(const char *path, int *ret_refused)
{
	char part[PATH_MAX];
	const size_t length = strlen(path);

	if (length >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) == 0 || errno == EEXIST)
			continue;
		if (errno != EROFS && errno != EACCES)
			return -1;
		*ret_refused = errno;
	}
	return 0;
}

int container_open_root(const char *root, bool make, struct error *err)
{
	auto_close int fd = -1;
	int refused = 0;

	if (!root)
		return open_usual(make, err);
	if (!*root || (make && make_directories(root, &refused) < 0)) {
		container_refuse(err, "make the directory %.100s for containers", root);
		return error_hint(err, "--root names a directory that can be made");
	}
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		errno = errno == ENOENT && refused ? refused : errno;
		container_refuse(err, "keep containers in %.100s", root);
		return error_hint(err, "--root names a directory of this user's");
	}
	if (files_check_owner(fd, S_IWGRP | S_IWOTH) < 0) {
		error_set(err, ERROR_STATE,
			  "keep containers in %.100s: others can write to it, or own it",
			  root);
		return error_hint(err, "--root names a directory of this user's, as mode "
				       "0700");
	}
	return fd_take(&fd);
}
