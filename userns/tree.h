/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_USERNS_TREE_H
#define SBX_USERNS_TREE_H

/*
 * The tree that is being built: inside of the user namespace wing only.
 *
 * There are two ways to a new root. With the host's root nothing is copied: the mount
 * namespace's own copy of the tree is made private and read-only in place, and things are
 * mounted over it; nobody pivots. Every other root is stacked on "/", where a look-up
 * that starts at "/" does not see it, and pivoted into at the end. A host root whose top
 * directory needs a new mount point becomes the second kind on the way.
 *
 * Whatever is thrown away at the end lives in one tmpfs, the scratch space. Its top is
 * mounted where nobody inside can look (below the new /dev, or beneath the new root);
 * single directories of it are cloned to where they are wanted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "userns/userns.h"

enum {
	TREE_FUSE_MAX = 16,
	TREE_OWN_MAX = 64,
	TREE_LATE_MAX = 64,
	TREE_MOUNTS_MAX = 4096,
	TREE_LAYERS_MAX = 96, /* as many as their names have room: overlay.c */
};

struct tree {
	const struct rootfs_spec *spec;
	const struct namespaces_spec *namespaces;
	const struct fuse_server *server;     /* NULL: there is nobody to ask */
	const struct root_listener *listener; /* NULL: nobody wants to know */
	int entry;                            /* what is being done; 0: the root */
	bool console;                         /* /dev has a place for it */
	int root;                             /* O_PATH: the new root */
	bool pivots;  /* it is stacked on "/" and has to be entered by pivot_root(2) */
	int host_dev; /* the caller's /dev */
	int proc;     /* the caller's /proc, or -1: for who has to remount */
	int scratch;  /* top of the scratch space */
	unsigned int used;         /* counts what is made in it by a number */
	int empty_dir, empty_file; /* attached, read-only clones of what covers */
	dev_t own
		[TREE_OWN_MAX]; /* file systems made here: mount points may be made in them */
	size_t own_count;
	int late[TREE_LATE_MAX]; /* mounts that become read-only when all is done */
	size_t late_count;
	int fuse[TREE_FUSE_MAX]; /* open devices: below a nodev mount they could not be */
	size_t fuse_count;
	int detached; /* a layer that is mounted nowhere yet, or -1 */
	int *taken; /* one for each mount of the spec: its source, opened before all else */
};

/* flags.c */

/* MOUNT_ATTR_… of the MOUNT_F_… */
unsigned int mount_attributes(unsigned int flags);

/*
 * Adds and removes attributes of an attached mount, and of all below it if recursive, and
 * makes it private. Where mount_setattr(2) is missing (before 5.12) each mount is
 * remounted by itself, and the working directory changes.
 */
int mount_change(const struct tree *tree, int mount_fd, unsigned int add,
		 unsigned int clear, bool recursive, struct error *err);

/* remount.c */

/*
 * The same without mount_setattr(2), with the caller's /proc. propagation: of mount(2), 0:
 * as it is. -1 and errno.
 */
int remount_tree(int proc, int mount_fd, unsigned int add, unsigned int clear,
		 bool recursive, unsigned long propagation);

/* Calls visit with the place of each mount of the namespace, from the mount table. -1 and errno. */
int mounts_visit(int proc, void (*visit)(const char *point, void *context),
		 void *context);

/* mount(2) with these flags on an attached mount; the working directory changes. */
int remount_by_descriptor(int proc, int mount_fd, unsigned long flags);

/* rootfs.c */

/* Stacks the old root under the new one, which lies on "/", and lets go of it. */
int tree_pivot(int root, struct error *err);

/* Unmounts what is stacked on the working directory, which is the old root, and that. */
int tree_let_go(struct error *err);

/* Nothing of it is open yet; taken has room for TREE_MOUNTS_MAX. */
struct tree tree_begin(const struct rootfs_spec *spec,
		       const struct namespaces_spec *namespaces, bool console,
		       const struct root_listener *listener, int *taken);

/*
 * Builds with no umask, and with as many descriptors as the hard limit allows: one for each
 * source is needed at once. Then all that is open is closed, but for what serves.
 */
int tree_build(struct tree *tree, int (*build)(void *context, struct error *err),
	       void *context, struct error *err);

/* scratch.c */
int scratch_open(struct tree *tree, struct error *err);

/* A new directory of the scratch space, mode exactly as given; O_PATH. */
int scratch_dir(struct tree *tree, mode_t mode, struct error *err);

/* A detached mount of such a directory. */
int scratch_clone(int dir_fd, struct error *err);

/* Remembers that the file system of fd was made here. */
int tree_own(struct tree *tree, int fd, struct error *err);
bool tree_is_own(const struct tree *tree, const struct stat *status);

/* The mount becomes read-only when all is done. Takes the descriptor. */
int tree_close_late(struct tree *tree, int mount_fd, struct error *err);

/* Those of them below dir become so now: they are about to be cloned, flags and all. */
int tree_close_below(struct tree *tree, const struct stat *dir, struct error *err);

/* A new directory of the scratch space, mounted at dest: its mount. */
int scratch_place(struct tree *tree, const char *dest, mode_t mode, struct error *err);

/* dev.c */
int dev_do(struct tree *tree, const struct mount_entry *entry, int source,
	   struct error *err);

/* mountpoint.c */

/*
 * The place at dest in the new root, opened with O_PATH; made if it is missing, but never
 * in a directory of the host: there a read-only parent is replaced by a copy of itself
 * that has the new name too.
 */
int mountpoint_open(struct tree *tree, const char *dest, bool directory,
		    struct error *err);

/*
 * dest with the links followed that its last component is, one after another, also into
 * nothing. path holds PATH_MAX bytes, and dest is shorter.
 */
void mountpoint_follow(const struct tree *tree, const char *dest, char *path);

/* The place at dest, or -1 with err->errnum 0 and no text where there is none. */
int mountpoint_find(const struct tree *tree, const char *dest, bool nofollow);

/* Puts a detached mount on a place. */
int mount_attach(int mount_fd, int place_fd, const char *dest, struct error *err);

/* Both at once; on the root itself, where that is allowed, it becomes the new root. */
int mount_place(struct tree *tree, int mount_fd, const char *dest, bool directory,
		struct error *err);

/* overlay.c */

/*
 * A detached file system that shows the layers l0, upper and work (or kept/upper and
 * kept/work) of the current directory, by fuse-overlayfs. why: what the kernel's overlay
 * could not do, for the error.
 */
int fuse_overlay_open(struct tree *tree, const char *why, struct error *err);

/* There is a fuse-overlayfs, and a device left for it. */
bool fuse_can_serve(const struct tree *tree);

/* Opens /dev/fuse once, where it can be: for an overlay that may need it. */
void fuse_take_device(struct tree *tree);

/* A detached FUSE file system that is served through device. */
int fuse_mount(int device, struct error *err);

/* fuse_image.c: the image of the root, detached. */
int fuse_image_open(struct tree *tree, struct error *err);

/* A detached overlay. writable: into the scratch space, unless upper is given. */
int overlay_open(struct tree *tree, const int *lowers, size_t count, const char *upper,
		 const char *work, bool writable, struct error *err);

/*
 * The kernel's alone, with an upper layer that is read by us later. Before the root is built,
 * by the caller's own paths.
 */
int overlay_open_kept(struct tree *tree, int lower, const char *upper, const char *work,
		      struct error *err);

/* entries.c */
int entry_dir(struct tree *tree, const struct mount_entry *entry, int source,
	      struct error *err);
int entry_file(struct tree *tree, const struct mount_entry *entry, int source,
	       struct error *err);
int entry_data(struct tree *tree, const struct mount_entry *entry, int source,
	       struct error *err);
int entry_symlink(struct tree *tree, const struct mount_entry *entry, int source,
		  struct error *err);
int entry_chmod(struct tree *tree, const struct mount_entry *entry, int source,
		struct error *err);

/* mounts.c */

/* Opens what the entry will need, while the caller's tree is as it was. */
int mount_take_source(struct tree *tree, const struct mount_entry *entry, int *ret_fd,
		      struct error *err);

/* The same for a MOUNT_BIND whose source is open already; closes it. */
int mount_take_reached(const struct mount_entry *entry, int *source, struct error *err);

int mount_do(struct tree *tree, const struct mount_entry *entry, int source,
	     struct error *err);

/* The entry's mode, or the usual one where it has none. */
mode_t mount_mode(const struct mount_entry *entry, mode_t usual);

/* Covers the place so that nothing of it can be read. */
int mount_cover(struct tree *tree, int place, const char *dest, struct error *err);

/* Nothing is there, or it is out of reach for us, and so for the command. */
bool mount_is_absent(int errnum);

/* A detached clone of a mount; flags as for open_tree(2). -1 and errno. */
int mount_clone(int dir_fd, const char *path, unsigned int flags);

/* A new file system, detached. options: key, value, …, NULL; a NULL value is a flag. */
int mount_new(const char *type, const char *const *options, unsigned int attributes,
	      struct error *err);

#endif
