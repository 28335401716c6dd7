/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copy-on-write by fuse-overlayfs(1), for what the kernel's overlay cannot do: a kernel
 * that refuses it, and directories whose owner is not mapped. It shows every file as the
 * user's own.
 *
 * The child mounts the file system and asks the launcher for a server. That lives outside
 * of the sandbox's pid namespace, and in a user namespace beside the sandbox's, so that
 * the command has no power over it where it can see it (--proc host). The layers come to
 * it as a detached mount, which it attaches in a mount namespace of its own.
 */
#include "userns/tree.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "userns/fuse_server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *find_program(void)
{
	static const char *const paths[] = { "/usr/bin/fuse-overlayfs",
					     "/bin/fuse-overlayfs",
					     "/usr/local/bin/fuse-overlayfs" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

/* ---- in the child ---------------------------------------------------------------------- */

void fuse_take_device(struct tree *tree)
{
	int device;

	if (tree->fuse_count == TREE_FUSE_MAX)
		return;
	device = openat(tree->host_dev, "fuse", O_RDWR | O_CLOEXEC);
	if (device >= 0)
		tree->fuse[tree->fuse_count++] = device;
}

bool fuse_can_serve(const struct tree *tree)
{
	return tree->fuse_count > 0 && tree->server && find_program() != NULL;
}

static int refuse(const char *why, const char *remedy, struct error *err)
{
	error_set(err, ERROR_OVERLAY, "%s", why);
	return error_hint(err,
			  "--cwd ro or --cwd rw (--root-mode, --ro, --rw) needs no "
			  "copy-on-write; %s",
			  remedy);
}

int fuse_mount(int device, struct error *err)
{
	char fd[16], uid[16], gid[16];
	const char *const options[] = {
		"fd",
		fd,
		"rootmode",
		"40000",
		"user_id",
		uid,
		"group_id",
		gid,
		"allow_other",
		NULL,
		"default_permissions",
		NULL,
		NULL,
	};

	snprintf(fd, sizeof(fd), "%d", device);
	snprintf(uid, sizeof(uid), "%u", geteuid());
	snprintf(gid, sizeof(gid), "%u", getegid());
	return mount_new("fuse", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
}

int fuse_overlay_open(struct tree *tree, const char *why, struct error *err)
{
	struct fuse_layers layers = { .uid = geteuid(), .gid = getegid() };
	auto_close int device = -1;
	auto_close int place = -1;
	auto_close int mount = -1;
	struct stat status;

	if (!find_program())
		return refuse(why, "fuse-overlayfs, if installed, could do it too", err);
	if (tree->fuse_count == 0 || !tree->server)
		return refuse(why,
			      "fuse-overlayfs could do it if /dev/fuse were open to you",
			      err);
	device = tree->fuse[--tree->fuse_count];
	place = mount_clone(AT_FDCWD, ".", AT_RECURSIVE);
	if (place < 0)
		return error_errno(err, "clone the layers");
	mount = fuse_mount(device, err);
	if (mount < 0)
		return error_within(err, "%s; fuse-overlayfs", why);
	layers.device = device;
	layers.place = place;
	if (tree->server->ask(tree->server->context, &layers, err) < 0)
		return -1;
	/* The first look waits for the server, or is told that nobody serves any more. */
	fd_close(&device);
	if (fstat(mount, &status) < 0)
		return error_errno_id(err, ERROR_OVERLAY,
				      "%s; fuse-overlayfs does not serve", why);
	return fd_take(&mount);
}

/* ---- in the server --------------------------------------------------------------------- */

/* The mounts of the caller, once more, with the layers on /tmp. */
static int show_layers(const struct fuse_layers *layers, struct error *err)
{
	if (fuse_server_settle(layers->own_uid, layers->own_gid, err) < 0)
		return -1;
	if (sys_move_mount(layers->place, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH) <
	    0)
		return error_errno(err, "show the layers");
	return 0;
}

int fuse_overlay_serve(const struct fuse_layers *layers, struct error *err)
{
	const char *program = find_program();
	char options[256], place[32];
	const char *const argv[] = { program, "-f", "-o", options, place, NULL };

	if (!program || show_layers(layers, err) < 0 || fuse_server_drop_power(err) < 0)
		return -1;
	snprintf(options, sizeof(options),
		 "lowerdir=/tmp/l0,upperdir=/tmp/%s,workdir=/tmp/%s,squash_to_uid=%u,"
		 "squash_to_gid=%u",
		 access("/tmp/kept", F_OK) == 0 ? "kept/upper" : "upper",
		 access("/tmp/kept", F_OK) == 0 ? "kept/work" : "work", layers->uid,
		 layers->gid);
	snprintf(place, sizeof(place), "/dev/fd/%d", layers->device);
	return fuse_server_exec(argv, layers->device, err);
}
