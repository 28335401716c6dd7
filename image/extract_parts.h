/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_EXTRACT_PARTS_H
#define SBX_IMAGE_EXTRACT_PARTS_H

/*
 * The inside of image/extract.h, for image/extract*.c and their tests.
 *
 * A name goes through these hands: entry_path() makes it relative to the root, parents_enter()
 * opens the directory that it is in, one function for each kind of file makes it there
 * (O_EXCL, never through a link), and metadata of directories waits in `later`.
 *
 * All of it may lean on one thing: nobody else changes the tree meanwhile, and "/" of the
 * process is the tree's root. So the kernel resolves the links on the way to a parent, and
 * none leads out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "image/extract.h"

/* ---- keys of paths: extract_keys.c ----------------------------------------------------- */

/*
 * A path below the root without links in it, as a number: the keyed hash of the key of its
 * parent and its name. An archive cannot know the secret, so it cannot make two paths meet.
 */
enum { PATH_KEY_ROOT = 1, PATH_KEY_SECRET = 16 };

uint64_t path_key(const unsigned char secret[PATH_KEY_SECRET], uint64_t parent,
		  const char *name, size_t length);

/* Zeroed memory is an empty set. A key takes 11 to 22 bytes. */
struct key_set {
	uint64_t *slots;
	size_t size, count;
};

void key_set_free(struct key_set *set);
/* 1: it is new; 0: it was there; -1: errno. */
int key_set_add(struct key_set *set, uint64_t key);
bool key_set_has(const struct key_set *set, uint64_t key);

/* ---- what directories wait for: extract_later.c ----------------------------------------- */

/*
 * Paths with modes and times, each without what it shares with the one before it. As in most
 * archives a directory is followed by its neighbours, one takes some 35 bytes. Beyond
 * LATER_MAX all are applied and forgotten: then a directory that is written into again
 * later has a time of its own.
 */
enum { LATER_MAX = 16 << 20, LATER_KEEPS_MODE = 0xffff };

struct later {
	unsigned char *bytes;
	size_t size, used;
	char last[EXTRACT_PATH_MAX + 1]; /* the path that was added last */
};

void later_free(struct later *later);
/* mode: LATER_KEEPS_MODE: as it is. What is added later wins. */
int later_add(struct later *later, int root, const char *path, unsigned int mode,
	      struct timespec time, struct error *err);
int later_apply(struct later *later, int root, struct error *err);

/* ---- the extractor ----------------------------------------------------------------------- */

struct extractor {
	struct extract_options options;
	struct extracted counts;
	uint64_t implied; /* directories that no entry told of yet */
	int root;         /* O_PATH of "." */
	bool fresh;       /* nothing said yet what the root is like */
	bool layered;     /* there is something that this layer's whiteouts may hide */
	unsigned char secret[PATH_KEY_SECRET];
	struct key_set
		made; /* by this layer, with the directories on the way; if layered */
	struct key_set skipped; /* names of devices and sockets: a hard link may follow */
	struct later later;
	uint64_t read_before,
		read_here; /* bytes of input: of layers before, of this one */
	/* The directory of the last entry, which is most often the next one's too. */
	int parent;
	char parent_path[EXTRACT_PATH_MAX + 1];
	uint64_t parent_key;  /* if layered */
	bool parent_recorded; /* its directories are in `made` */
	bool parent_stale;    /* something went away: its path may lead elsewhere now */
};

/* An entry on its way into the tree. */
struct making {
	struct extractor *x;
	struct archive *archive;
	struct archive_entry *entry;
	const char *path; /* from the root; "" is the root */
	int parent;
	const char *name; /* the last component */
	mode_t mode;      /* 07777 */
	uid_t uid, gid;
	struct timespec times[2]; /* as for utimensat(2) */
	int fd;                   /* of a new file, for a moment */
	const char *target;       /* of a hard link, from the root */
};

/*
 * "VERB PATH" with errno, ERROR_RESOURCES where the place is full. A long path loses its
 * beginning.
 */
int extract_failed(const char *verb, const char *path, struct error *err);
/* One more entry, or directory that one needs, of those that are allowed together. */
int extract_count(struct extractor *x, uint64_t *counter, struct error *err);
/* Where all limits come through: 0 is the usual one. */
static inline uint64_t extract_limit(uint64_t limit, uint64_t usual)
{
	return limit != 0 ? limit : usual;
}

/* A path for a message: its end, where it is long. Within path, or in buffer. */
enum { SHOWN_MAX = 120 };
const char *extract_shown(const char *path, char buffer[SHOWN_MAX + 4]);

/* ---- names: extract_names.c ------------------------------------------------------------------ */

/*
 * The path of an entry from the root: without slashes at its ends, "." and empty components.
 * ".." takes the component before it away, as a text; above the root it is refused, and so
 * is what is longer than EXTRACT_PATH_MAX. strip: see struct extract_options. 1: it is to be
 * made; 0: it is beside strip.
 */
int entry_path(const char *raw, const char *strip, char ret_path[EXTRACT_PATH_MAX + 1],
	       struct error *err);

enum whiteout { WHITEOUT_NONE, WHITEOUT_NAME, WHITEOUT_OPAQUE, WHITEOUT_IGNORED };

/* What a path is by the rules of layers; *ret_hidden is the name that WHITEOUT_NAME hides. */
int entry_whiteout(const char *path, enum whiteout *ret_kind, const char **ret_hidden,
		   struct error *err);

/* ---- directories on the way: extract_parents.c ------------------------------------------------ */

/*
 * Opens the directory that path is in, and finds its last component. Links on the way are
 * followed; what is missing is made (make), with the time of what comes into it. 1: x->parent
 * is it; 0: it is missing.
 */
int parents_enter(struct extractor *x, const char *path, bool make, struct timespec time,
		  const char **ret_name, struct error *err);
/* Something went away: the next entry looks again. */
void parents_forget(struct extractor *x);
/* The layer made NAME in x->parent. */
int parents_record(struct extractor *x, const char *name, struct error *err);

/* ---- kinds of files: extract_kinds.c ------------------------------------------------------------ */

int make_root(struct making *making, struct error *err);
int make_directory(struct making *making, struct error *err);
int make_file(struct making *making, struct error *err);
int make_symlink(struct making *making, struct error *err);
int make_fifo(struct making *making, struct error *err);
/* Nothing is made, and what was there goes: devices and sockets. */
int make_nothing(struct making *making, struct error *err);
int make_link(struct making *making, struct error *err);

/* ---- data: extract_data.c --------------------------------------------------------------------------- */

/* Bytes of input that were read so far. */
uint64_t data_input(struct extractor *x, struct archive *archive);

int data_write(struct making *making, int fd, struct error *err);

/* ---- metadata: extract_metadata.c --------------------------------------------------------------------- */

/* Mode, owner and times of the entry, squashed where that is asked for. */
int metadata_read(struct making *making, struct error *err);
/* The owner of parent/name, no link followed. */
int metadata_own(const struct making *making, struct error *err);
/* fd is parent/name; 0 even where an attribute could not be kept: that is counted. */
void metadata_add_xattrs(const struct making *making, int fd);
bool metadata_has_xattrs(const struct making *making);
/* Attributes that an older layer gave a directory. */
void metadata_clear_xattrs(int fd);

/* ---- what goes: extract_layer.c extract_remove.c -------------------------------------------------------- */

int layer_hide(struct extractor *x, enum whiteout kind, const char *path,
	       const char *hidden, struct error *err);

/*
 * Removes dir/name, whatever it is, with what is in it, however deep. ENOENT is success.
 * -1 and errno.
 */
int tree_remove(int dir, const char *name);

#endif
