/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runsc sees of the world: a small root on a tmpfs of its own, with its binary, the
 * sandbox's root as a whole, a procfs of the sandbox's pid namespace, and four devices. The
 * host's tree is gone by then: who breaks out of gVisor's kernel finds nothing of it.
 */
#include "launcher/gvisor.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "launcher/child.h"
#include "plan/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMPANIONS "/gvisor-bin"

/* A path of the new root, for calls that start at its descriptor. */
#define BELOW(path) (&(path)[1])

/* ---- what is taken along ----------------------------------------------------------------- */

static int take(const char *path, struct error *err)
{
	int mount = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (mount < 0)
		return error_errno(err, "take %s along for runsc", path);
	return mount;
}

static int make_readonly(int mount, struct error *err)
{
	const struct sys_mount_attr attributes = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	};

	if (sys_mount_setattr(mount, "", AT_EMPTY_PATH, &attributes) < 0)
		return error_errno(err, "make runsc read-only");
	return 0;
}

/* The file that was checked is what was taken, whatever has been renamed since. */
static int check_binary(int mount, const struct gvisor_choice *choice, struct error *err)
{
	const struct files_identity *checked = &choice->binary.identity;
	struct files_identity found;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", mount);
	if (files_identify(path, &found) < 0)
		return error_errno_id(err, ERROR_RUNSC_MISSING, "look at %s",
				      choice->binary.path);
	if (found.inode == checked->inode &&
	    memcmp(found.device, checked->device, sizeof(found.device)) == 0)
		return 0;
	return error_set(err, ERROR_RUNSC_CHECKSUM,
			 "use %s: it has been replaced since it was checked",
			 choice->binary.path);
}

static int take_readonly(const char *path, struct error *err)
{
	auto_close int mount = take(path, err);

	if (mount < 0 || make_readonly(mount, err) < 0)
		return -1;
	return fd_take(&mount);
}

/* Of its folder only what belongs to it: that may be anything, as the caller's home. */
static int take_binary(struct gvisor_start *start, struct error *err)
{
	const char *path = start->choice.binary.path;
	struct gvisor_world *world = &start->world;
	char companions[PATH_MAX + sizeof(COMPANIONS)];

	world->binary = take_readonly(path, err);
	if (world->binary < 0 || check_binary(world->binary, &start->choice, err) < 0)
		return -1;
	if (!start->choice.binary.companions)
		return 0;
	snprintf(companions, sizeof(companions), "%.*s%s",
		 (int)(strrchr(path, '/') - path), path, COMPANIONS);
	world->companions = take_readonly(companions, err);
	return world->companions < 0 ? -1 : 0;
}

int gvisor_take_world(struct child *child, struct error *err)
{
	struct gvisor_world *world = &child->gvisor->world;

	*world = (struct gvisor_world){ -1, -1, -1, -1, -1, -1 };
	if (take_binary(child->gvisor, err) < 0)
		return -1;
	world->proc = namespaces_open_proc(err);
	world->null = world->proc < 0 ? -1 : take("/dev/null", err);
	world->zero = world->null < 0 ? -1 : take("/dev/zero", err);
	if (world->zero < 0)
		return -1;
	if (child->gvisor->choice.platform != PLATFORM_KVM)
		return 0;
	world->kvm = take("/dev/kvm", err);
	return world->kvm < 0 ? -1 : 0;
}

/* ---- the new root ------------------------------------------------------------------------ */

static int new_mount(const char *type, const char *key, const char *value,
		     unsigned int attributes, struct error *err)
{
	auto_close int fs = sys_fsopen(type, FSOPEN_CLOEXEC);
	int mount = -1;

	if (fs >= 0 && sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, key, value, 0) == 0 &&
	    sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) == 0)
		mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	if (mount < 0)
		return error_errno(err, "make a %s for runsc", type);
	return mount;
}

/* Consumes mount. */
static int put(int root, int mount, const char *name, struct error *err)
{
	auto_close int taken = mount;

	if (taken < 0)
		return -1;
	if (sys_move_mount(taken, "", root, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "mount /%s for runsc", name);
	return 0;
}

static int put_file(int root, int *mount, const char *name, struct error *err)
{
	auto_close int file = -1;

	if (*mount < 0)
		return 0;
	file = openat(root, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0)
		return error_errno(err, "make /%s for runsc", name);
	return put(root, fd_take(mount), name, err);
}

static int put_terminals(int root, struct error *err)
{
	int mount = new_mount("devpts", "ptmxmode", "0666",
			      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);

	if (put(root, mount, "dev/pts", err) < 0)
		return -1;
	if (symlinkat("pts/ptmx", root, "dev/ptmx") < 0)
		return error_errno(err, "make /dev/ptmx for runsc");
	return 0;
}

static int put_binary(struct gvisor_world *world, int root, struct error *err)
{
	if (put_file(root, &world->binary, BELOW(GVISOR_DIR "/runsc"), err) < 0)
		return -1;
	if (world->companions < 0)
		return 0;
	if (mkdirat(root, BELOW(GVISOR_DIR COMPANIONS), 0755) < 0)
		return error_errno(err, "make " GVISOR_DIR COMPANIONS " for runsc");
	return put(root, fd_take(&world->companions), BELOW(GVISOR_DIR COMPANIONS), err);
}

/*
 * gvisor#10704: a runsc of before August 2024 takes any network namespace that shows this file
 * for the machine's own, and since Linux 6.11 all of them do.
 */
static int hide_net_core(int root, struct error *err)
{
	int mount =
		new_mount("tmpfs", "mode", "0555",
			  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY, err);

	return put(root, mount, "proc/sys/net/core", err);
}

/* What gVisor complains of while it runs is bounded, and takes no room from its state. */
static int put_logs(int root, struct error *err)
{
	int mount =
		new_mount("tmpfs", "size", "2m",
			  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);

	return put(root, mount, BELOW(GVISOR_LOGS), err);
}

static int make_places(int root, struct error *err)
{
	static const struct {
		const char *name;
		mode_t mode;
	} places[] = {
		{ BELOW(GVISOR_DIR), 0755 },
		{ BELOW(GVISOR_ROOT), 0755 },
		{ BELOW(GVISOR_BUNDLE), 0700 },
		{ BELOW(GVISOR_LOGS), 0700 },
		{ "proc", 0755 },
		{ "dev", 0755 },
		{ "dev/pts", 0755 },
		{ "tmp", 01777 },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (mkdirat(root, places[i].name, places[i].mode) < 0 ||
		    fchmodat(root, places[i].name, places[i].mode, 0) < 0)
			return error_errno(err, "make /%s for runsc", places[i].name);
	return 0;
}

static int make_state_place(int root, const char *path, struct error *err)
{
	auto_close int place = files_make_dirs_in_root(root, path, 0700);

	if (place < 0)
		return error_errno(err, "make %s for runsc", path);
	if (strcmp(path, GVISOR_STATE) != 0 &&
	    symlinkat(path, root, BELOW(GVISOR_STATE)) < 0)
		return error_errno(err, "make %s for runsc", GVISOR_STATE);
	return 0;
}

static int fill(struct child *child, int root, int tree, struct error *err)
{
	struct gvisor_start *start = child->gvisor;
	struct gvisor_world *world = &start->world;

	if (make_places(root, err) < 0 || make_state_place(root, start->state, err) < 0 ||
	    put_binary(world, root, err) < 0 ||
	    put(root, tree, BELOW(GVISOR_ROOT), err) < 0 ||
	    put(root, fd_take(&world->proc), "proc", err) < 0 ||
	    put_file(root, &world->null, "dev/null", err) < 0 ||
	    put_file(root, &world->zero, "dev/zero", err) < 0 ||
	    put_file(root, &world->kvm, "dev/kvm", err) < 0 ||
	    put_terminals(root, err) < 0 || put_logs(root, err) < 0)
		return -1;
	return start->choice.hides_net_core ? hide_net_core(root, err) : 0;
}

int gvisor_enter_world(struct child *child, struct error *err)
{
	auto_close int tree = -1;
	auto_close int root = -1;
	const mode_t mask = umask(0);
	int failed;

	/* Before anything is stacked on it. */
	tree = sys_open_tree(AT_FDCWD, "/",
			     AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return error_errno(err, "take the root for runsc");
	root = new_mount("tmpfs", "mode", "0755", MOUNT_ATTR_NOSUID, err);
	if (root < 0 || rootfs_stack(root, err) < 0)
		return -1;
	failed = fill(child, root, fd_take(&tree), err);
	(void)umask(mask);
	return failed ? -1 : rootfs_change(root, err);
}
