/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_USERNS_USERNS_H
#define SBX_USERNS_USERNS_H

/*
 * The door of the user namespace wing: who one is inside, which namespaces are made or
 * joined, and what the file system looks like. Everything runs as an ordinary user.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/key_value.h"

struct error;

/* ---- identity ---------------------------------------------------------------------- */

/* One line of uid_map or gid_map (user_namespaces(7)). */
struct id_range {
	uint32_t inside, outside, count;
};

struct id_map {
	const struct id_range *ranges;
	size_t count;
};

enum {
	ID_RANGES_MAX = 340 /* user_namespaces(7), since 4.15 */
};

/*
 * How ids and groups are mapped. A map of one range of one id that is the caller's own is
 * written by the child itself; anything else goes through newuidmap(1) and newgidmap(1),
 * unless the caller may write it (CAP_SETUID in its own namespace).
 */
struct ids_spec {
	struct id_map uids, gids;
	bool keep_groups; /* leave the caller's supplementary groups */
};

/* Empty maps, ranges that overlap inside or outside, counts of 0, ids above 2^32 - 2. */
int id_map_check(const struct id_map *map, struct error *err);

/* Whether an id of the caller's is in the map. */
bool id_map_covers(const struct id_map *map, uint32_t outside);

/*
 * Whether the launcher has to write the maps: true but for one id of the caller's own
 * without groups that must be dropped.
 */
bool ids_mapped_by_parent(const struct ids_spec *ids);

/*
 * Whether newuidmap and newgidmap are needed: the caller may not write these maps itself.
 */
bool ids_need_helper(const struct ids_spec *ids);

/* Their set-id bits have no effect under no_new_privs (prctl(2)). */
bool ids_helpers_are_powerless(void);

/*
 * Run by the launcher while the child waits: writes both maps of the process, by the
 * helpers side by side or directly.
 */
int ids_map_child(const struct ids_spec *ids, pid_t child, struct error *err);

/* Run by the child for itself, where ids_mapped_by_parent() is false. */
int ids_map_self(const struct ids_spec *ids, struct error *err);

/*
 * Whether the caller has groups beyond its gid. With a map of one id they can only be
 * dropped if the gid map has a second range, written by newgidmap.
 */
bool ids_has_extra_groups(void);

/* In the child, after the maps: setgroups to none, where the map allows it. */
int ids_drop_groups(const struct ids_spec *ids, struct error *err);

/* Absolute path of newuidmap or newgidmap, or NULL; looks where the packages put it. */
const char *ids_helper_path(const char *name);

/* ---- namespaces --------------------------------------------------------------------- */

enum ns_kind {
	NS_USER,
	NS_MOUNT,
	NS_PID,
	NS_IPC,
	NS_UTS,
	NS_CGROUP,
	NS_NET,
	NS_TIME,
	NS_COUNT,
};

enum ns_mode {
	NS_PRIVATE, /* the zeroed value: a namespace of its own */
	NS_SHARED,  /* the caller's */
	NS_JOINED,  /* the one at path */
};

struct ns_choice {
	enum ns_mode mode;
	/*
	 * NS_JOINED: an nsfs file, as /proc/PID/ns/net. Of a NS_PRIVATE NS_PID: the pid
	 * namespace that the new one lies below; NULL: the caller's.
	 */
	const char *path;
};

/* Of a clock; nanoseconds below 1,000,000,000 (time_namespaces(7)). */
struct time_offset {
	int64_t seconds;
	uint32_t nanoseconds;
};

/*
 * NS_TIME is never part of the clone: offsets could not be written then. Its choice is
 * not looked at, new_time makes one.
 */
struct namespaces_spec {
	struct ns_choice kinds[NS_COUNT];
	bool new_time;
	/* new_time: monotonic and boottime clocks begin at 0 (time_namespaces(7)) */
	bool time_from_zero;
	struct time_offset monotonic, boottime; /* new_time: added to the caller's */
	/* nobody asked for it: where a filter around us refuses it, the outer one stays */
	bool hostname_optional;
	const char *hostname;   /* NULL: as outside */
	const char *domainname; /* of NIS, setdomainname(2); NULL: as outside */
	const struct key_value
		*sysctls; /* keys with dots or slashes, namespaced ones only */
	size_t sysctl_count;
};

/* "net" for NS_NET, as below /proc/PID/ns (user mnt pid ipc uts cgroup net time). */
const char *ns_name(enum ns_kind kind);

/* Its flag of clone(2) and setns(2). */
int ns_flag(enum ns_kind kind);

/* The kind of that name, NS_COUNT if there is none. */
enum ns_kind ns_by_name(const char *name);

/* The flags for clone3(2): all that are private, without the time namespace. */
uint64_t namespaces_clone_flags(const struct namespaces_spec *spec);

/* Path is a namespace of that kind that this user may enter. Changes nothing. */
int namespaces_check_joinable(enum ns_kind kind, const char *path, struct error *err);

/*
 * Of a spec: a pid namespace can only be joined together with the user namespace that
 * owns it, where that is not ours.
 */
int namespaces_check_pid(const struct namespaces_spec *spec, struct error *err);

/*
 * Run by the launcher before the clone: enters every NS_JOINED one, the owning user
 * namespace first. After it the caller's ids are those of that user namespace.
 */
int namespaces_join(const struct namespaces_spec *spec, struct error *err);

/* Why the clone failed: turns its errno into the named cause and the hint. Returns -1. */
int namespaces_explain_refusal(int errnum, struct error *err);

/*
 * In the child, while the caller's /proc can be seen: a private time namespace, for the
 * processes that it makes from then on, but not by vfork(2) (time_namespaces(7)). The clock
 * of the day is that of the machine in every namespace.
 */
int namespaces_make_time(const struct namespaces_spec *spec, struct error *err);

/*
 * After it, with a single thread: that time is the calling process's own too, and that of what
 * it executes (setns(2)).
 */
int namespaces_enter_time(const struct namespaces_spec *spec, struct error *err);

/* In the child, with a private UTS namespace: host and domain name. */
int namespaces_set_hostname(const struct namespaces_spec *spec, struct error *err);

/* In the child, with its capabilities; needs a pid namespace of its own. */
int namespaces_write_sysctls(const struct namespaces_spec *spec, struct error *err);

/*
 * A procfs of the pid namespace that one is in, mounted nowhere: its descriptor, or -1.
 */
int namespaces_open_proc(struct error *err);

/* Whether a key belongs to a namespace that is private here. */
int sysctl_check(const struct namespaces_spec *spec, const char *key, struct error *err);

/* ---- the root and what is mounted in it --------------------------------------------- */

enum root_kind {
	ROOT_HOST,      /* the caller's own root, read-only */
	ROOT_DIRECTORY, /* a directory */
	ROOT_EMPTY,     /* a new tmpfs */
	ROOT_MOUNT,     /* a detached mount that somebody has filled; never ROOT_RW */
	ROOT_SERVED,    /* a squashfs or erofs image, through FUSE; never ROOT_RW */
};

enum root_mode { ROOT_COW, ROOT_RO, ROOT_RW };

enum mount_kind {
	MOUNT_BIND, /* source on dest, always recursive */
	MOUNT_COW, /* source on dest, what is written goes to the scratch space or to upper */
	MOUNT_OVERLAY, /* lowers (first = lowest) with upper and work; without both: read-only,
			  or with MOUNT_F_THROWAWAY written to the scratch space */
	MOUNT_TMPFS,   /* a tmpfs of its own: size, mode */
	MOUNT_SCRATCH, /* a directory of the shared scratch tmpfs: mode */
	MOUNT_PROC,  /* a new procfs; source "pids": subset=pid; "host": the outer one */
	MOUNT_SYSFS, /* a new sysfs, or the outer one where the kernel refuses it */
	MOUNT_DEV, /* nodes, links, pts, shm, ptmx; size is that of shm, 0: scratch; mode is
			that of shm, 0: 1777 */
	MOUNT_MQUEUE,
	MOUNT_CGROUP, /* cgroup2 of the new cgroup namespace */
	MOUNT_MASK,   /* covers dest so that nothing of it can be read */
	MOUNT_READONLY, /* makes what is mounted at and below dest read-only; missing: skipped */
	MOUNT_REMOUNT_RO, /* the mount at dest, which must be one, becomes read-only */
	MOUNT_DIR,        /* makes a directory: mode */
	MOUNT_FILE,       /* makes a file: mode; content, or what can be read from fd */
	MOUNT_DATA, /* a nameless file with content, or what can be read from fd, on dest: mode */
	MOUNT_SYMLINK,    /* dest is a link to source */
	MOUNT_CHMOD,      /* dest gets mode */
	MOUNT_FILESYSTEM, /* a new file system: type, source, data (fsopen(2)) */
	MOUNT_DEVICE, /* a device or a FIFO: node; bound from the host where none can be made */
};

enum mount_flag {
	MOUNT_F_RDONLY = 1 << 0,
	MOUNT_F_NOSUID = 1 << 1,
	MOUNT_F_NODEV = 1 << 2,
	MOUNT_F_NOEXEC = 1 << 3,
	MOUNT_F_OPTIONAL =
		1
		<< 4, /* a missing source, or for covers a missing dest: skipped; MOUNT_DATA:
			   a dest that is missing and cannot be made */
	MOUNT_F_NOFOLLOW = 1 << 5,  /* a dest that is a symlink: skipped */
	MOUNT_F_FD = 1 << 6,        /* the source is the descriptor fd */
	MOUNT_F_MODE = 1 << 7,      /* mode counts even where it is 0 */
	MOUNT_F_THROWAWAY = 1 << 8, /* MOUNT_OVERLAY: what is written is thrown away */
	MOUNT_F_OPEN = 1 << 9,      /* MOUNT_DEV: it takes new files */
	MOUNT_F_SHALLOW =
		1 << 10, /* MOUNT_BIND: without what is mounted below the source */
	MOUNT_F_COPYUP = 1 << 11, /* MOUNT_TMPFS: begins with what dest has (tmpcopyup) */
	MOUNT_F_SRC_NOFOLLOW = 1 << 12, /* a source that is a symlink: bound as such */
};

/*
 * What a container's mount says of itself beyond the flags: words of MOUNT_ATTR_… of
 * mount_setattr(2). Those of the whole tree come behind those of the top.
 */
struct mount_attributes {
	uint64_t set, clear;             /* of the mount itself */
	uint64_t set_below, clear_below; /* of it and all below (AT_RECURSIVE) */
	/* MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE, with MS_REC: in order; 0: no more */
	unsigned long propagation[4];
};

/* mount_setattr(2), MOUNT_ATTR_IDMAP. No ranges: the mount is not mapped. */
struct mount_id_map {
	struct id_map uids, gids;
	bool recursive;
};

/* mknod(2) */
struct device_node {
	char type; /* 'c', 'b', 'u' as 'c', 'p' */
	unsigned int major, minor;
	bool has_mode, has_uid, has_gid; /* else 0666 and the first ids inside */
	mode_t mode;
	uint32_t uid, gid;
};

/*
 * One file-system operation. They are done strictly in order. A source is a path of the
 * caller's view, opened once; a dest is absolute and resolved inside the new root. The
 * flags of the source's mounts are kept, those here are added, recursively.
 */
struct mount_entry {
	enum mount_kind kind;
	unsigned int flags; /* MOUNT_F_… */
	const char *source;
	/* Device and inode of the source when the plan was made; 0: nobody looked. */
	uint64_t source_device, source_inode;
	const char *dest;
	int fd;        /* with MOUNT_F_FD; O_PATH is enough for a bind */
	mode_t mode;   /* 0: the kind's own default */
	uint64_t size; /* bytes; 0: the kernel's default */
	const char *const *lowers;
	size_t lower_count;
	const char *upper, *work;
	const char *content; /* MOUNT_FILE, MOUNT_DATA */
	size_t content_size;
	const struct mount_attributes *attributes; /* NULL: only the flags */
	const struct mount_id_map *id_map;         /* NULL: as its source */
	const struct device_node *node;            /* MOUNT_DEVICE */
	const char *type,
		*data; /* MOUNT_FILESYSTEM; data: "key=value,word", may be NULL */
};

struct rootfs_spec {
	enum root_kind kind;
	enum root_mode mode;
	/* ROOT_DIRECTORY: absolute; of several layers the lowest. ROOT_SERVED: the image */
	const char *path;
	/* ROOT_DIRECTORY: what is laid over path, the next one first; never written to. */
	const char *const *layers;
	size_t layer_count;
	int mount; /* ROOT_MOUNT: detached, and used once */
	int image; /* ROOT_SERVED: the file at path, open: no other is served */
	/* ROOT_MOUNT, ROOT_COW: nobody needs it afterwards, so it takes what is written */
	bool mount_is_spare;
	const char *
		upper; /* ROOT_COW: keep the layer in this directory; NULL: thrown away */
	uint64_t
		scratch_size; /* bytes for everything that is thrown away; 0: half of memory */
	bool devices;         /* device files of a host root, or of a bound one, work */
	/*
	 * What is missing of a dest is made wherever it lies, in directories of the host too,
	 * and a dest may be the root itself.
	 */
	bool makes_everywhere;
	bool tolerates_submounts; /* flags that a submount refuses are left out */
	/*
	 * Descriptors are few: sources are opened one at a time, just before they are mounted.
	 * They are named as realpath(3) would, and the root is not ROOT_HOST.
	 */
	bool opens_late;
	const struct mount_entry *mounts;
	size_t mount_count;
	const char *machine; /* programs are for this one, by qemu-user; NULL: our own */
	/*
	 * As container engines want it (runtime-spec): missing places are made in the root
	 * itself, beneath it and through no link that leads elsewhere; what is mounted keeps
	 * its propagation; MOUNT_DEV is not theirs: they name each mount.
	 */
	bool container;
	unsigned long
		propagation; /* container: of the root, as MS_SLAVE | MS_REC; 0: that */
	bool no_pivot;       /* container: MS_MOVE and chroot(2), for a ramfs as root */
	const char *label; /* container: context="…" of what is mounted new; NULL: none */
};

/*
 * What a server of fuse-overlayfs(1) needs. The descriptors stay the caller's.
 */
struct fuse_layers {
	int device; /* /dev/fuse, with the mount behind it */
	int place;  /* a detached mount that holds the layers; -1: it is an image */
	uint32_t uid, gid;         /* whom all files belong to */
	uint32_t own_uid, own_gid; /* in the server: the caller's */
};

/*
 * How rootfs_enter() gets such a server: ask() hands device, place and ids to a process
 * outside of the sandbox, which calls fuse_overlay_serve().
 */
struct fuse_server {
	int (*ask)(void *context, const struct fuse_layers *layers, struct error *err);
	void *context;
};

/*
 * Who is told how the root comes about; what nobody wants to know is NULL.
 */
struct root_listener {
	/*
	 * A layer that takes what is written: its directory as a detached mount, which shows it
	 * for as long as it is open, and stays the caller's. entry is the number of its
	 * operation in the list of mounts, from 1; 0 is the root.
	 */
	int (*tell)(void *context, int entry, int layer, struct error *err);
	/* All is mounted, and the caller's tree still there: hooks run then (runtime-spec). */
	int (*mounted)(void *context, struct error *err);
	/*
	 * container: ids of this detached mount have to be mapped as its operation says, and only
	 * somebody with power over its file system can (mount_map_ids()).
	 */
	int (*map_ids)(void *context, int entry, int mount, struct error *err);
	void *context;
};

/* For clone3(2): what namespaces a server has of its own, its user namespace among them. */
uint64_t fuse_server_clone_flags(void);

/*
 * Becomes the server, in a process that was cloned with these: shows itself the layers, drops
 * its power and executes fuse-overlayfs. Returns only on failure.
 */
int fuse_overlay_serve(const struct fuse_layers *layers, struct error *err);

/*
 * The same for an image of a file system: executes squashfuse or erofsfuse, which sees the
 * image and what it is made of itself, nothing else of the caller's.
 */
int fuse_image_serve(const struct rootfs_spec *spec, const struct fuse_layers *layers,
		     struct error *err);

/* Whether a program is installed that can; the error names what to install. */
int fuse_image_check(const char *image, struct error *err);

/* How programs for another machine (uname(2)'s word) can run here. Changes nothing. */
enum binfmt_way {
	BINFMT_NONE,
	BINFMT_HOST, /* the host's binfmt_misc knows them */
	BINFMT_OWN,  /* binfmt_register() may do, since 6.7 */
};
enum binfmt_way binfmt_find(const char *machine);

/* The machine of an ELF file's e_machine and class (32 or 64 bits). NULL: qemu knows none. */
const char *binfmt_machine(unsigned int number, unsigned int bits);

/*
 * In the child, with its capabilities and the caller's tree: from now on programs for that
 * machine run by qemu-user in this user namespace, as long as the descriptor that is returned
 * stays open.
 */
int binfmt_register(const char *machine, struct error *err);

/*
 * Builds the whole tree of the spec in the calling process's new mount namespace and
 * makes it the root. Needs CAP_SYS_ADMIN in the namespace's owner and mapped ids. Before
 * it the caller's tree is the root, after it nothing of that tree that the plan does not
 * name can be reached; the working directory is "/". console: MOUNT_DEV leaves a place
 * for /dev/console. server: who serves what the kernel's overlay cannot, or NULL;
 * listener as above, or NULL. A failing entry is named by err->entry.
 */
int rootfs_enter(const struct rootfs_spec *spec, const struct namespaces_spec *namespaces,
		 bool console, const struct fuse_server *server,
		 const struct root_listener *listener, struct error *err);

/*
 * What a container's root is made of, where one could come there; -1: not yet. As the user who
 * creates it, who may be nobody in the container's user namespace afterwards.
 */
struct root_sources {
	int root;
	int mounts[64]; /* of the first in the list */
};

/* In the new mount namespace, before the ids are mapped. */
void container_root_reach(const struct rootfs_spec *spec,
			  struct root_sources *ret_sources);

/*
 * The same for a container, and the only way in for one: spec->container and a
 * ROOT_DIRECTORY. In order: the list of mounts and devices; the nodes and links of /dev that
 * every container has (runtime-spec, config-linux.md), unless /dev is a bind;
 * listener->mounted; what MOUNT_MASK and MOUNT_READONLY name; the root read-only with ROOT_RO;
 * the pivot.
 *
 * A MOUNT_BIND is recursive without MOUNT_F_SHALLOW. MOUNT_FILESYSTEM, and the kinds that
 * stand for a single file system (MOUNT_TMPFS, MOUNT_PROC, MOUNT_SYSFS, MOUNT_MQUEUE,
 * MOUNT_CGROUP), take data; nothing is added to flags and attributes. MOUNT_DEVICE comes
 * behind the mounts. Places of /dev, /proc and /sys are reached through no symbolic link,
 * other places through none that leads out or to a procfs. sources: closed here, whatever
 * happens; NULL: nothing was reached before.
 */
int container_root_enter(const struct rootfs_spec *spec,
			 const struct namespaces_spec *namespaces, bool console,
			 struct root_sources *sources,
			 const struct root_listener *listener, struct error *err);

/*
 * Another root in the place of one that was entered: a detached mount comes to lie on "/",
 * where things can be mounted in it by its descriptor, and is changed into; what was the root
 * cannot be reached afterwards.
 */
int rootfs_stack(int mount, struct error *err);
int rootfs_change(int mount, struct error *err);

/* Maps the ids of a detached mount, in a process that may (mount_setattr(2)). */
int mount_map_ids(int mount, const struct mount_id_map *map, struct error *err);

/*
 * For a command that keeps CAP_SYS_ADMIN: in its process, a user and a mount namespace
 * further in, where every mount and its flags are locked. It then has to wait until
 * mounts_lock_child() of its parent has written its maps, each id onto itself; its
 * capabilities are those of the new user namespace.
 */
int mounts_lock_self(struct error *err);
int mounts_lock_child(const struct ids_spec *ids, pid_t child, struct error *err);

/*
 * A read-only standard input that cannot be opened for writing through /proc: opens the
 * regular file behind fd again through a read-only mount, with the same offset. 0: done,
 * 1: it cannot be reached by path (deleted, hidden): the launcher must use a pipe.
 * path is what /proc/self/fd says of it. Before rootfs_enter(), in the child.
 */
int stdin_seal(int fd, const char *path, struct error *err);

#endif
