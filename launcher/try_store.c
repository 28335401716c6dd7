/* SPDX-License-Identifier: Apache-2.0 */
/* Where tries are kept, and what is cleaned there. */
#include "launcher/try.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "launcher/commands.h"
#include "launcher/state_files.h"
#include "launcher/state_home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the place ------------------------------------------------------------------------- */

/* overlayfs takes these for nothing to be written to (its documentation). */
static int check_file_system(int dir, const char *path, struct error *err)
{
	static const struct {
		unsigned int type;
		const char *name;
	} refused[] = {
		{ OVERLAYFS_SUPER_MAGIC, "an overlay itself" },
		{ NFS_SUPER_MAGIC, "NFS" },
		{ SMB2_SUPER_MAGIC, "SMB" },
		{ CIFS_SUPER_MAGIC, "SMB" },
		{ V9FS_MAGIC, "9p" },
		{ MSDOS_SUPER_MAGIC, "FAT" },
	};
	struct statfs where;

	if (fstatfs(dir, &where) < 0)
		return error_errno_id(err, ERROR_STATE, "look at %s", path);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		if ((unsigned int)where.f_type != refused[i].type)
			continue;
		error_set(err, ERROR_OVERLAY, "keep a layer in %s: the file system is %s",
			  path, refused[i].name);
		return error_hint(err, "XDG_STATE_HOME=DIR names a place on another one, "
				       "such as ext4, xfs, btrfs or tmpfs");
	}
	return 0;
}

int try_store_open(struct try_store *ret_store, bool make, struct arena *arena,
		   struct error *err)
{
	auto_close int dir = -1;

	*ret_store = (struct try_store){ .dir = -1 };
	if (state_home_open("try", make, arena, &dir, &ret_store->path, err) < 0)
		return -1;
	if (make && check_file_system(dir, ret_store->path, err) < 0)
		return -1;
	ret_store->dir = fd_take(&dir);
	return 0;
}

bool try_is_name(const char *name)
{
	return state_is_name(name);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_place(const struct try_store *store, struct arena *arena,
		      const char ***ret_names, size_t *ret_count, struct error *err)
{
	int again = store->dir < 0
			    ? -1
			    : openat(store->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = again < 0 ? NULL : fdopendir(again);
	const struct dirent *found;
	const char **names = NULL;
	size_t count = 0;

	*ret_names = NULL;
	*ret_count = 0;
	if (store->dir < 0)
		return 0;
	if (!directory)
		return error_errno_id(err, ERROR_STATE, "read %s", store->path);
	while ((found = readdir(directory)) != NULL) {
		names = arena_grow(arena, (const void *)names, count, sizeof(*names));
		names[count++] = arena_strdup(arena, found->d_name);
	}
	closedir(directory);
	if (count)
		qsort((void *)names, count, sizeof(*names), compare);
	*ret_names = names;
	*ret_count = count;
	return 0;
}

int try_store_names(const struct try_store *store, struct arena *arena,
		    const char ***ret_names, size_t *ret_count, struct error *err)
{
	const char **names;
	size_t count, used = 0;

	if (list_place(store, arena, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (try_is_name(names[i]))
			names[used++] = names[i];
	*ret_names = names;
	*ret_count = used;
	return 0;
}

/* ---- removing -------------------------------------------------------------------------- */

/* Files of subordinate ids can be removed by their owner alone, in the caller's id map. */
static int remove_as_owner(const char *path)
{
	const char *const words[] = { "--", "rm", "-rf", "--", path, NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		auto_close int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

		for (int fd = 0; fd <= 2; fd++)
			(void)dup2(nothing, fd);
		_exit(command_unshare(words, NULL));
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid < 0 || status != 0 ? -1 : 0;
}

static int remove_tree(const struct try_store *store, const char *name,
		       struct arena *arena)
{
	int errnum;

	if (files_remove_tree(store->dir, name) == 0)
		return 0;
	errnum = errno;
	if (errnum != EACCES && errnum != EPERM)
		return -1;
	if (remove_as_owner(arena_printf(arena, "%s/%s", store->path, name)) == 0 &&
	    faccessat(store->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	errno = errnum;
	return -1;
}

int try_entry_remove(const struct try_store *store, struct try_entry *entry,
		     struct arena *arena, struct error *err)
{
	const char *gone = arena_printf(arena, ".gone-%s", entry->name);

	/* What an earlier one could not remove whole. */
	if (faccessat(store->dir, gone, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		(void)remove_tree(store, gone, arena);
	if (renameat(store->dir, entry->name, store->dir, gone) < 0)
		return error_errno_id(err, ERROR_STATE, "remove %s", entry->name);
	try_entry_close(entry);
	if (remove_tree(store, gone, arena) == 0)
		return 0;
	error_errno_id(err, ERROR_STATE, "remove %s/%s", store->path, gone);
	return error_hint(err, "sbx unshare rm -rf %s/%s", store->path, gone);
}

/* ---- what was left --------------------------------------------------------------------- */

static void clean_one(const struct try_store *store, const char *name,
		      struct arena *arena)
{
	struct try_entry entry = { .dir = -1 };
	struct error ignored;

	if (try_entry_open(store, name, arena, &entry, &ignored) == 1 && entry.running &&
	    !entry.named)
		(void)try_entry_remove(store, &entry, arena, &ignored);
	try_entry_close(&entry);
}

void try_store_clean(const struct try_store *store, struct arena *arena)
{
	const char **names;
	struct error ignored;
	size_t count;

	if (list_place(store, arena, &names, &count, &ignored) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(names[i], ".gone-", 6) == 0)
			(void)remove_tree(store, names[i], arena);
		else if (try_is_name(names[i]))
			clean_one(store, names[i], arena);
	}
}
