/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image of a file system as root: squashfs by squashfuse(1), erofs by erofsfuse(1),
 * because the kernel mounts neither for a user. The child mounts, and the launcher starts
 * the server, as for fuse-overlayfs (fuse.c).
 */
#include "userns/tree.h"

#include "base/error.h"
#include "base/fd.h"
#include "userns/fuse_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct file_system {
	const char *name;
	off_t offset; /* of its mark */
	const char *mark;
	const char *programs[3];
	const char *package;
} file_systems[] = {
	{ "squashfs",
	  0,
	  "hsqs",
	  { "/usr/bin/squashfuse_ll", "/usr/bin/squashfuse" },
	  "squashfuse" },
	{ "erofs", 1024, "\xe2\xe1\xf5\xe0", { "/usr/bin/erofsfuse" }, "erofsfuse" },
};

enum { COUNT = sizeof(file_systems) / sizeof(*file_systems), MARK_SIZE = 4 };

static int open_image(const char *image, struct error *err)
{
	const int fd = open(image, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return error_errno_id(err, ERROR_SOURCE_MISSING, "use the image %s",
				      image);
	return fd;
}

static const struct file_system *recognize(int fd, const char *image, struct error *err)
{
	char mark[MARK_SIZE];

	for (size_t i = 0; i < COUNT; i++) {
		if (pread(fd, mark, MARK_SIZE, file_systems[i].offset) == MARK_SIZE &&
		    memcmp(mark, file_systems[i].mark, MARK_SIZE) == 0)
			return &file_systems[i];
	}
	error_set(err, ERROR_IMAGE, "use the image %s: it is neither squashfs nor erofs",
		  image);
	return NULL;
}

static const char *find_program(const struct file_system *file_system)
{
	for (size_t i = 0; file_system->programs[i]; i++)
		if (access(file_system->programs[i], X_OK) == 0)
			return file_system->programs[i];
	return NULL;
}

int fuse_image_check(const char *image, struct error *err)
{
	auto_close int fd = open_image(image, err);
	const struct file_system *file_system = fd < 0 ? NULL : recognize(fd, image, err);

	if (!file_system)
		return -1;
	if (!find_program(file_system)) {
		error_set(err, ERROR_IMAGE, "use the image %s: %s is not installed",
			  image, file_system->package);
		return error_hint(err, "as root: apt install %s", file_system->package);
	}
	if (access("/dev/fuse", R_OK | W_OK) < 0) {
		error_errno_id(err, ERROR_DEVICE_MISSING,
			       "use the image %s: open /dev/fuse", image);
		return error_hint(err, "as root: modprobe fuse && chmod 666 /dev/fuse");
	}
	return 0;
}

int fuse_image_open(struct tree *tree, struct error *err)
{
	const struct fuse_layers image = { .place = -1, .uid = 0, .gid = 0 };
	struct fuse_layers layers = image;
	auto_close int device = -1;
	auto_close int mount = -1;
	struct stat status;

	if (tree->fuse_count == 0 || !tree->server)
		return error_set(err, ERROR_DEVICE_MISSING,
				 "use the image %s: /dev/fuse is not open to you",
				 tree->spec->path);
	device = tree->fuse[--tree->fuse_count];
	mount = fuse_mount(device, err);
	if (mount < 0)
		return -1;
	layers.device = device;
	if (tree->server->ask(tree->server->context, &layers, err) < 0)
		return -1;
	fd_close(&device);
	if (fstat(mount, &status) < 0)
		return error_errno_id(err, ERROR_IMAGE,
				      "use the image %s: its server does not serve",
				      tree->spec->path);
	return fd_take(&mount);
}

/* By its path once more, since a mount of another namespace cannot be cloned (open_tree(2)). */
static int open_same(const struct rootfs_spec *spec, struct error *err)
{
	auto_close int fd = open_image(spec->path, err);
	struct stat wanted, found;

	if (fd < 0)
		return -1;
	if (fstat(spec->image, &wanted) < 0 || fstat(fd, &found) < 0)
		return error_errno(err, "look at the image %s", spec->path);
	if (wanted.st_dev != found.st_dev || wanted.st_ino != found.st_ino)
		return error_set(err, ERROR_IMAGE, "use the image %s: it was replaced",
				 spec->path);
	return fd_take(&fd);
}

int fuse_image_serve(const struct rootfs_spec *spec, const struct fuse_layers *layers,
		     struct error *err)
{
	const struct file_system *file_system;
	const char *argv[] = { NULL, "-f", FUSE_SERVER_IMAGE, NULL, NULL };
	auto_close int fd = -1;
	char place[32];

	if (fuse_server_settle(layers->own_uid, layers->own_gid, err) < 0)
		return -1;
	fd = open_same(spec, err);
	file_system = fd < 0 ? NULL : recognize(fd, spec->path, err);
	argv[0] = file_system ? find_program(file_system) : NULL;
	if (!argv[0] || fuse_server_see(fd, err) < 0 || fuse_server_limit(err) < 0 ||
	    fuse_server_drop_power(err) < 0)
		return -1;
	snprintf(place, sizeof(place), "/dev/fd/%d", layers->device);
	argv[3] = place;
	return fuse_server_exec(argv, layers->device, err);
}
