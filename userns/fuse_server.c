/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server of files is left with. One that reads an image reads the bytes of strangers,
 * and answers the command besides: so it is taken for taken over. It has namespaces of its
 * own, beside the sandbox's, where it is the caller without any power, and sees of the
 * caller's files the programs and libraries of the system and the image alone.
 */
#include "userns/fuse_server.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "userns/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the view -------------------------------------------------------------------------- */

/* Where programs and their libraries lie, with the links that lead there (ld.so(8)). */
static const char *const system_paths[] = {
	"bin", "lib", "lib32", "lib64", "nix/store", "usr", "gnu/store",
};

#define LINKER_CACHE "etc/ld.so.cache"

static int attach(int mount, const char *place, struct error *err)
{
	if (sys_move_mount(mount, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "show the server %s", place);
	return 0;
}

/* A place for a mount below ".", in the memory that becomes the server's root. */
static int make_place(const char *path, bool directory, struct error *err)
{
	char parent[PATH_MAX];
	const char *slash = strchr(path, '/');
	int made;

	if (slash) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
		if (mkdir(parent, 0755) < 0 && errno != EEXIST)
			return error_errno(err, "make a place for %s", path);
	}
	made = directory ? mkdir(path, 0755) : mknod(path, S_IFREG | 0444, 0);
	return made < 0 ? error_errno(err, "make a place for %s", path) : 0;
}

/* The clone of what lies at "/" and path, or the link that it is; what is not there is left out. */
static int show_path(const char *path, struct error *err)
{
	char whole[PATH_MAX], link[PATH_MAX];
	auto_close int clone = -1;
	struct stat status;
	ssize_t length;

	snprintf(whole, sizeof(whole), "/%s", path);
	if (lstat(whole, &status) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : error_errno(err, "look at %s", whole);
	if (S_ISLNK(status.st_mode)) {
		length = readlink(whole, link, sizeof(link) - 1);
		if (length < 0)
			return error_errno(err, "read the link %s", whole);
		link[length] = '\0';
		return symlink(link, path) < 0
			       ? error_errno(err, "make the link %s", path)
			       : 0;
	}
	clone = mount_clone(AT_FDCWD, whole, AT_RECURSIVE);
	if (clone < 0)
		return error_errno(err, "clone %s", whole);
	if (make_place(path, S_ISDIR(status.st_mode), err) < 0)
		return -1;
	return attach(clone, path, err);
}

/* The image alone, by what was opened: its name may lead elsewhere by now. */
static int show_image(int image, struct error *err)
{
	auto_close int clone = mount_clone(image, "", AT_EMPTY_PATH);

	if (clone < 0)
		return error_errno(err, "clone the image");
	if (make_place(&FUSE_SERVER_IMAGE[1], false, err) < 0)
		return -1;
	return attach(clone, &FUSE_SERVER_IMAGE[1], err);
}

static int show_all(int image, struct error *err)
{
	for (size_t i = 0; i < sizeof(system_paths) / sizeof(*system_paths); i++)
		if (show_path(system_paths[i], err) < 0)
			return -1;
	return show_path(LINKER_CACHE, err) < 0 ? -1 : show_image(image, err);
}

/* Before 5.12 a mount keeps what flags it has; then the caller's own rights are what it has. */
static int close_view(int root, struct error *err)
{
	const struct sys_mount_attr closed = { .attr_set = MOUNT_ATTR_RDONLY |
							   MOUNT_ATTR_NOSUID |
							   MOUNT_ATTR_NODEV };

	if (sys_mount_setattr(root, "", AT_EMPTY_PATH | AT_RECURSIVE, &closed) < 0 &&
	    errno != ENOSYS)
		return error_errno(err, "make the server's view read-only");
	return 0;
}

int fuse_server_see(int image, struct error *err)
{
	static const char *const options[] = { "size", "65536", "nr_inodes", "64",
					       "mode", "0755",  NULL };
	auto_close int root = mount_new("tmpfs", options, 0, err);

	if (root < 0)
		return -1;
	if (sys_move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(root) < 0)
		return error_errno(err, "make a root for the server");
	if (show_all(image, err) < 0 || close_view(root, err) < 0)
		return -1;
	return tree_pivot(root, err);
}

/* ---- namespaces ------------------------------------------------------------------------ */

uint64_t fuse_server_clone_flags(void)
{
	return CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
	       CLONE_NEWUTS;
}

int fuse_server_settle(uint32_t uid, uint32_t gid, struct error *err)
{
	const struct sys_mount_attr private = { .propagation = MS_PRIVATE };
	const struct id_range uids = { uid, uid, 1 };
	const struct id_range gids = { gid, gid, 1 };
	const struct ids_spec ids = { .uids = { &uids, 1 }, .gids = { &gids, 1 } };
	int mapped;

	/* Who has joined a user namespace is not dumpable, and has no maps to write. */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	mapped = ids_map_self(&ids, err);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (mapped < 0)
		return -1;
	if (sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private) < 0 &&
	    mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		return error_errno(err, "cut the mounts off");
	return 0;
}

/* ---- power ----------------------------------------------------------------------------- */

int fuse_server_drop_power(struct error *err)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct nothing[2] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &header, nothing) < 0)
		return error_errno(err, "drop the server's capabilities");
	return 0;
}

/* setrlimit(2) and getrlimit(2), whose resource is an int for musl and an enum for glibc. */
static int own_limit(int resource, const struct rlimit *wanted,
		     struct rlimit *ret_present)
{
	return (int)syscall(SYS_prlimit64, 0, resource, wanted, ret_present);
}

/* Who only reads one file needs little of anything. */
int fuse_server_limit(struct error *err)
{
	static const struct {
		int resource;
		rlim_t most;
	} limits[] = {
		{ RLIMIT_CORE, 0 },    { RLIMIT_FSIZE, 0 },
		{ RLIMIT_MEMLOCK, 0 }, { RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_NOFILE, 64 }, { RLIMIT_DATA, (rlim_t)1 << 30 },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct rlimit limit;

		if (own_limit(limits[i].resource, NULL, &limit) < 0)
			return error_errno(err, "read a limit");
		if (limit.rlim_max > limits[i].most)
			limit.rlim_max = limits[i].most;
		limit.rlim_cur = limit.rlim_max;
		if (own_limit(limits[i].resource, &limit, NULL) < 0)
			return error_errno(err, "limit the server");
	}
	return 0;
}

int fuse_server_exec(const char *const *argv, int device, struct error *err)
{
	static const char *const environment[] = { NULL };

	fd_close_all_but(STDERR_FILENO + 1, &device, 1);
	if (fcntl(device, F_SETFD, 0) < 0)
		return error_errno(err, "hand the device over");
	execve(argv[0], (char *const *)(uintptr_t)argv,
	       (char *const *)(uintptr_t)environment);
	return error_errno(err, "start %s", argv[0]);
}
