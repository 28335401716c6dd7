/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_FILES_H
#define SBX_BASE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct error;

/*
 * Opens path as if root_fd were "/": absolute links and ".." stay inside, magic links of
 * procfs are not followed (openat2(2), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS). Where
 * openat2 is missing or refused (ENOSYS, EPERM of a filter) a walk with
 * O_PATH | O_NOFOLLOW gives the same answer. flags as for open(2); O_CLOEXEC is added.
 * Returns a descriptor, or -1 and errno (ELOOP after 40 links).
 */
int files_open_in_root(int root_fd, const char *path, int flags, mode_t mode);

/*
 * As files_open_in_root() with O_PATH on the parent of path's last component, after every
 * link on the way *and* a link as last component were followed inside the root: what
 * could not be found is at most that one name. *ret_name (NAME_MAX + 1 bytes) is it; it
 * is empty when path names the root itself. ENOENT: a component before it is missing.
 */
int files_open_parent_in_root(int root_fd, const char *path, char *ret_name);

/*
 * Makes path and its missing parents as directories (parents 0755 whatever the umask,
 * the last one with mode), links followed inside the root as above; an existing directory
 * is left as it is. Returns an O_PATH descriptor of it, or -1 and errno.
 */
int files_make_dirs_in_root(int root_fd, const char *path, mode_t mode);

/*
 * Reads a whole file of at most max bytes into buffer and ends it with NUL (so buffer
 * holds max + 1). Returns the length, or -1 and errno (EFBIG when it is longer). dir_fd as
 * for openat(2).
 */
ssize_t files_read(int dir_fd, const char *path, char *buffer, size_t max);

struct arena;

/*
 * Everything that can be read from fd, at most max bytes, in the arena and NUL-ended. NULL
 * and errno (EFBIG when it is more).
 */
char *files_read_all(struct arena *arena, int fd, size_t max, size_t *ret_length);

/* Opens for writing (no create), writes text, closes. -1 and errno. For /proc and /sys. */
int files_write(int dir_fd, const char *path, const char *text);

/*
 * Writes text to a temporary name beside path, mode 0600 less nothing, fsync is not
 * called, and renames it onto path. -1 and errno, nothing is left.
 */
int files_replace(int dir_fd, const char *path, const char *text, size_t length,
		  mode_t mode);

/* A file that is written later: where its directory is found cannot change any more. */
struct files_place {
	int dir; /* O_PATH */
	const char *name;
};

/*
 * Holds the place of path, so that whoever may write on the way to it cannot lead it
 * elsewhere meanwhile. name points into path. -1 and errno.
 */
int files_hold_place(const char *path, struct files_place *ret_place);

/*
 * Removes everything below dir_fd/name and name itself without following a link and
 * without crossing onto another file system. ENOENT is success. -1 and errno.
 */
int files_remove_tree(int dir_fd, const char *name);

/* Which file it is, and on which mount it is seen. */
struct files_identity {
	uint32_t device[2];
	uint64_t inode, mount;
	mode_t mode;
	bool has_mount; /* statx(2) tells the mount since 5.8 */
};

/* Identifies the file at path, links followed. -1 and errno. */
int files_identify(const char *path, struct files_identity *ret_identity);

/* Whether both are one file on one mount; where the kernel tells no mount, it is the same. */
bool files_identical(const struct files_identity *a, const struct files_identity *b);

/*
 * The mount that fd, which may be O_PATH, lies on (statx(2), STATX_MNT_ID, since 5.8);
 * false where the kernel does not tell.
 */
bool files_mount_id(int fd, uint64_t *ret_id);

/*
 * Whether both descriptors lie on one mount (statx(2), STATX_MNT_ID, since 5.8). Where the
 * kernel does not tell, they do.
 */
bool files_same_mount(int a, int b);

/* Whether both descriptors are the same file (device and inode). */
int files_same(const struct stat *a, const struct stat *b);

/*
 * What others could write to is not believed. 0: it is this user's, with none of the mode's
 * bits; -1 and errno, EPERM where it is not.
 */
int files_check_owner(int fd, mode_t forbidden);

#endif
