/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An overlay as the root of sbx-image, so that a layer is written over those below it: then
 * what it removes and what it links to come out as overlayfs(5) wants an upper directory.
 * Layers are mounted side by side in a directory of memory and named relative to it, with one
 * byte each: no path needs quoting, and fsconfig(2) takes 255 bytes for all names.
 */
#include "image/confine_parts.h"
#include "image/tasks.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes that mean nothing to the kernel: neither '/' nor ':' nor a backslash is among them. */
enum { FIRST_NAME = 0x80, NAMES_MAX = 255 };
_Static_assert(FIRST_NAME + CONFINE_LOWERS_MAX <= 0x100 &&
		       2 * CONFINE_LOWERS_MAX - 1 <= NAMES_MAX,
	       "each layer has a name, and they have room");

/* At a new name below ".". */
static int place(int clone, const char *path, const char *name, struct error *err)
{
	if (mkdir(name, 0700) < 0 ||
	    sys_move_mount(clone, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno_id(err, ERROR_OVERLAY, "place the layer %s", path);
	return 0;
}

/* overlayfs wants the topmost first; ours come with the lowest first. */
static int place_lowers(const char *const *lowers, const int *clones, size_t count,
			char *ret_names, struct error *err)
{
	size_t used = 0;

	for (size_t i = count; i-- > 0;) {
		const char name[] = { (char)(FIRST_NAME + i), '\0' };

		if (place(clones[i], lowers[i], name, err) < 0)
			return -1;
		if (used)
			ret_names[used++] = ':';
		ret_names[used++] = name[0];
	}
	ret_names[used] = '\0';
	return 0;
}

static int set_text(int fs, const char *key, const char *value)
{
	return sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, key, value, 0);
}

/*
 * Hard links into a lower layer are new files without an index, which is what a layer is to
 * have in it; an index would be tied to these layers. Kernels built without it refuse the
 * word, and need none. What is not finished is thrown away, so nothing has to be synced.
 */
static int configure(int fs, const char *names, const char *upper)
{
	if (set_text(fs, "lowerdir", names) < 0 || set_text(fs, "upperdir", upper) < 0 ||
	    set_text(fs, "workdir", "kept/work") < 0 ||
	    sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0 ||
	    sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0)
		return -1;
	(void)set_text(fs, "index", "off");
	return sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0);
}

static int mount_overlay(const char *names, const char *upper, struct error *err)
{
	auto_close int fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);
	int mount;

	if (fs < 0 || configure(fs, names, upper) < 0) {
		error_errno_id(err, ERROR_OVERLAY,
			       "lay an image's layers over each other");
		return error_hint(err, "--no-cache unpacks them into one");
	}
	mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mount < 0)
		return error_errno_id(err, ERROR_OVERLAY, "mount an image's layers");
	return mount;
}

/* "kept/NAME" for path, and its directory mounted as kept: upper and work on one mount. */
static int place_upper(int parent, const char *path, char *ret_upper, struct error *err)
{
	const char *slash = strrchr(path, '/');

	if ((size_t)snprintf(ret_upper, NAME_MAX + sizeof("kept/"), "kept/%s",
			     slash ? slash + 1 : path) >= NAME_MAX + sizeof("kept/"))
		return error_set(err, ERROR_IMAGE, "write into %s: its name is too long",
				 path);
	if (place(parent, path, "kept", err) < 0)
		return -1;
	if (mkdir("kept/work", 0700) < 0 && errno != EEXIST)
		return error_errno_id(err, ERROR_OVERLAY, "make a directory beside %s",
				      path);
	return 0;
}

/* Before the root is changed: the kernel clones no mount of a tree that was let go of. */
static int clone_path(const char *path, struct error *err)
{
	auto_close int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return error_errno_id(err, ERROR_IMAGE, "open %s", path);
	return confine_clone_directory(dir, path, err);
}

static int clone_parent(const char *path, struct error *err)
{
	char parent[PATH_MAX];
	char *slash;

	if ((size_t)snprintf(parent, sizeof(parent), "%s", path) >= sizeof(parent))
		return error_set(err, ERROR_IMAGE, "open %s: its name is too long", path);
	slash = strrchr(parent, '/');
	if (!slash || slash[1] == '\0')
		return error_set(err, ERROR_IMAGE,
				 "write into %s: it is no absolute path", path);
	*(slash == parent ? slash + 1 : slash) = '\0';
	return clone_path(parent, err);
}

static int clone_layers(const char *const *lowers, size_t count, int *ret_clones,
			struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		ret_clones[i] = clone_path(lowers[i], err);
		if (ret_clones[i] < 0)
			return -1;
	}
	return 0;
}

/* In the new directory of memory, which is the root already. */
static int assemble(const char *const *lowers, const int *clones, size_t count,
		    int parent, const char *path, struct error *err)
{
	char names[NAMES_MAX + 1], upper[NAME_MAX + sizeof("kept/")];
	auto_close int overlay = -1;

	if (place_lowers(lowers, clones, count, names, err) < 0 ||
	    place_upper(parent, path, upper, err) < 0)
		return -1;
	overlay = mount_overlay(names, upper, err);
	return overlay < 0 ? -1 : confine_enter(overlay, err);
}

int confine_to_layers(const char *const *lowers, size_t count, const char *path,
		      struct error *err)
{
	int clones[CONFINE_LOWERS_MAX];
	auto_close int parent = -1;
	int failed;

	if (count == 0)
		return confine_to_directory(path, err);
	if (count > CONFINE_LOWERS_MAX)
		return error_set(err, ERROR_OVERLAY,
				 "lay more than %d layers over each other",
				 CONFINE_LOWERS_MAX + 1);
	memset(clones, 0xff, sizeof(clones));
	parent = clone_parent(path, err);
	failed = parent < 0 || clone_layers(lowers, count, clones, err) < 0 ||
		 confine_to_memory(1 << 20, err) < 0 ||
		 assemble(lowers, clones, count, parent, path, err) < 0;
	for (size_t i = 0; i < count; i++)
		fd_close(&clones[i]);
	return failed ? -1 : 0;
}
