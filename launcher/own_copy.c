/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/own_copy.h"

#include "base/failpoint.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN_FILE "/proc/self/exe"
#define NAME     "sbx-oci"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* since 6.3, where vm.memfd_noexec may ask for it */
#endif

enum {
	SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
	STACK_SIZE = 16384,
};

/* ---- whether it is needed ---------------------------------------------------------------- */

static bool is_sealed(void)
{
	auto_close int own = open(OWN_FILE, O_RDONLY | O_CLOEXEC);
	const int seals = own < 0 ? -1 : fcntl(own, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

/* On a read-only mount the answer is EROFS; for a file of root's, to a user, EACCES. */
static bool is_exposed(void)
{
	return faccessat(AT_FDCWD, OWN_FILE, W_OK, AT_EACCESS) == 0 && !is_sealed();
}

/* ---- a read-only mount of it --------------------------------------------------------------- */

static int clone_mount(const char *path)
{
	const struct sys_mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	auto_close int mount =
		sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (mount < 0 || sys_mount_setattr(mount, "", AT_EMPTY_PATH, &read_only) < 0)
		return -1;
	return fd_take(&mount);
}

struct errand {
	const char *path;
	int mount;
};

static int run_errand(void *context)
{
	struct errand *errand = context;

	errand->mount = clone_mount(errand->path);
	_exit(0);
}

/*
 * Who may not mount may in a user namespace: a child makes the mount there, in our own table
 * of descriptors. The magic link would lead to a mount of the namespace that it left, so it
 * goes by path, and what it found is compared.
 */
static int clone_mount_inside(const char *path)
{
	char stack[STACK_SIZE] __attribute__((aligned(16)));
	struct errand errand = { path, -1 };
	struct files_identity own, found;
	auto_close int mount = -1;
	char name[32];
	const int child = clone(run_errand, stack + sizeof(stack),
				CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWUSER |
					CLONE_NEWNS | SIGCHLD,
				&errand);

	if (child < 0)
		return -1;
	(void)waitpid(child, NULL, 0);
	mount = errand.mount;
	if (mount < 0)
		return -1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", mount);
	if (files_identify(OWN_FILE, &own) < 0 || files_identify(name, &found) < 0)
		return -1;
	/* One file, whatever the mounts. */
	own.has_mount = found.has_mount = false;
	return files_identical(&own, &found) ? fd_take(&mount) : -1;
}

/* ---- a copy in memory ------------------------------------------------------------------ */

static int make_memory(void)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	const int fd = memfd_create(NAME, flags | MFD_EXEC);

	return fd >= 0 ? fd : memfd_create(NAME, flags);
}

static int copy_to_memory(void)
{
	auto_close int own = open(OWN_FILE, O_RDONLY | O_CLOEXEC);
	auto_close int copy = make_memory();
	struct stat status;
	off_t at = 0;

	if (own < 0 || copy < 0 || fstat(own, &status) < 0)
		return -1;
	while (at < status.st_size)
		if (sendfile(copy, own, &at, (size_t)(status.st_size - at)) <= 0)
			return -1;
	return fcntl(copy, F_ADD_SEALS, SEALS) < 0 ? -1 : fd_take(&copy);
}

/* ---- the execution ----------------------------------------------------------------------- */

static void become(int file, const char *path, char *const *argv)
{
	const char **words = (const char **)(uintptr_t)argv;
	const char *first = words[0];

	if (file < 0)
		return;
	words[0] = path;
	(void)syscall(SYS_execveat, file, "", words, environ, AT_EMPTY_PATH);
	words[0] = first;
}

void own_copy_become(char *const *argv)
{
	char path[PATH_MAX];
	ssize_t length;

	if (protection_is_off("own copy"))
		return;
	if (!is_exposed()) {
		/* Older kernels name what a descriptor executes by its number. */
		(void)prctl(PR_SET_NAME, NAME, 0, 0, 0);
		return;
	}
	length = readlink(OWN_FILE, path, sizeof(path) - 1);
	if (length <= 0)
		return;
	path[length] = '\0';
	become(clone_mount(OWN_FILE), path, argv);
	become(clone_mount_inside(path), path, argv);
	become(copy_to_memory(), path, argv);
}
