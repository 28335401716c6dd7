/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_USERNS_CONTAINER_H
#define SBX_USERNS_CONTAINER_H

/*
 * The root of a container, as an engine wants it: inside of the user namespace wing only.
 *
 * Other than the trees of tree.h it is bound onto its own path: hooks that run before the
 * pivot know it by that name. What is missing is made in it. Its content is not ours: a
 * link in it may lead the place of a mount wherever it likes, but not out of the root, and
 * what the kernel or we rely on, below /dev, /proc and /sys, is reached through none.
 */

#include "userns/tree.h"

/* statfs(2) */
#define PROC_MAGIC  0x9fa0
#define SYSFS_MAGIC 0x62656572

struct container {
	struct tree tree; /* spec, proc, root, scratch, taken, covers and late ones */
	struct root_sources *sources; /* NULL: none */
	bool foreign_dev;             /* /dev is a bind: nothing is made in it */
};

/* container_places.c */

/*
 * The place at dest, opened with O_PATH; made if it is missing. nofollow: a link at its end
 * is the place.
 */
int container_place(const struct container *container, const char *dest, bool directory,
		    bool nofollow, struct error *err);

/* The same for what is there; -1 and errno. ELOOP: a link where none is allowed. */
int container_find(const struct container *container, const char *dest);

/* The directory that dest lies in, made if it is missing, and the last name. */
int container_parent(const struct container *container, const char *dest, char *ret_name,
		     struct error *err);

/* Without empty components, "." and ".."; -1 where it does not fit into PATH_MAX bytes. */
int container_clean(const char *dest, char *ret_path);

/* Whether a clean path is top or lies below. */
bool container_lies_in(const char *path, const char *top);

/* container_flags.c */

/* Adds and removes attributes (mount_setattr(2)); those that are locked stay. */
int container_change(const struct container *container, int mount_fd, uint64_t set,
		     uint64_t clear, bool recursive, struct error *err);

/* MS_SHARED, … with MS_REC. */
int container_propagate(const struct container *container, int mount_fd,
			unsigned long propagation, struct error *err);

/* Those that the entry asks for, of the mount itself. */
uint64_t container_attributes(const struct mount_entry *entry);

/* All that the entry says of its mount, which is attached. without: flags to leave out. */
int container_finish_mount(const struct container *container,
			   const struct mount_entry *entry, int mount_fd,
			   unsigned int without, struct error *err);

/* container_sources.c */

/* Where a mount's source was reached before, or NULL. */
int *container_reached(const struct container *container, size_t index);

/* Of the root, opened now where it was not before. */
int container_take_root(const struct container *container);

void container_close_sources(const struct container *container);

/* container_mounts.c */
int container_take_source(struct container *container, size_t index, struct error *err);
int container_mount(struct container *container, const struct mount_entry *entry,
		    int source, struct error *err);

/* MOUNT_MASK and MOUNT_READONLY. */
bool container_is_cover(const struct mount_entry *entry);
int container_cover(struct container *container, const struct mount_entry *entry,
		    struct error *err);

/* container_fs.c */

/*
 * A new file system with the entry's source and data, mounted on the place: its mount. mode: of a
 * tmpfs whose data name none; 0: the kernel's. -1: err->errnum says which call was refused.
 */
int container_new(const struct container *container, const struct mount_entry *entry,
		  const char *type, mode_t mode, int place, struct error *err);

/* container_dev.c */
int container_device(struct container *container, const struct mount_entry *entry,
		     struct error *err);

/* What is always in /dev, and a place for the console. */
int container_finish_dev(struct container *container, struct error *err);

/* container_cgroup.c */
int container_cgroup(struct container *container, const struct mount_entry *entry,
		     struct error *err);

/* Whether "KEY=..." is among the options of a file system. */
bool container_data_has(const char *data, const char *key);

/* container_copy.c: all that is in the directory, to another file system; owned: its owner too. */
int container_copy(int from_dir, int to_dir, bool owned, struct error *err);

#endif
