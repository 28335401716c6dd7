/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file-system operations of bubblewrap's command line, one entry for each, in the
 * order of the words; and what the root is, which bubblewrap has no word for: a first bind
 * of / on / is the root itself.
 */
#include "base/error.h"
#include "base/text.h"
#include "plan/bwrap.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	MODE_MAX = 07777,
	DIRECTORY_MODE = 0755,
	FILE_MODE = 0666,
	DATA_MODE = 0600,
	DESCRIPTORS_SPARE = 64, /* what else is open, and what a mount needs meanwhile */
};

#define SIZE_LIMIT (SIZE_MAX / 2)

static const char *inside(const struct bwrap_reader *reader, const char *dest)
{
	struct arena *arena = &reader->plan->arena;

	return path_clean(arena, arena_printf(arena, "/%s", dest));
}

/* What lies below a destination, which may be the root. */
static const char *below(const struct bwrap_reader *reader, const char *dest,
			 const char *name)
{
	return arena_printf(&reader->plan->arena, "%s/%s", strcmp(dest, "/") ? dest : "",
			    name);
}

static int add(struct bwrap_reader *reader, const struct mount_entry *entry)
{
	reader->mounts = arena_grow(&reader->plan->arena, reader->mounts,
				    reader->mount_count, sizeof(*entry));
	reader->mounts[reader->mount_count++] = *entry;
	return 0;
}

/* ---- what waits for the option behind it ---- */

int bwrap_hold_mode(struct bwrap_reader *reader, const struct bwrap_option *option,
		    const char *const *operands, struct error *err)
{
	struct bwrap_waiting *waiting = &reader->waiting;

	if (waiting->has_mode)
		return error_set(err, ERROR_USAGE, "%s given twice for the same action",
				 option->name);
	if (text_to_octal(operands[0], MODE_MAX, &waiting->mode) < 0)
		return error_set(err, ERROR_USAGE, "%s takes an octal argument <= 07777",
				 option->name);
	waiting->has_mode = true;
	return 0;
}

int bwrap_hold_size(struct bwrap_reader *reader, const struct bwrap_option *option,
		    const char *const *operands, struct error *err)
{
	struct bwrap_waiting *waiting = &reader->waiting;

	if (waiting->has_size)
		return error_set(err, ERROR_USAGE, "%s given twice for the same action",
				 option->name);
	if (text_to_u64(operands[0], 0, &waiting->size) < 0 || !waiting->size)
		return error_set(err, ERROR_USAGE, "%s takes a non-zero number of bytes",
				 option->name);
	if (waiting->size > SIZE_LIMIT)
		return error_set(err, ERROR_USAGE, "%s (for tmpfs) is limited to %zu",
				 option->name, SIZE_LIMIT);
	waiting->has_size = true;
	return 0;
}

int bwrap_hold_layer(struct bwrap_reader *reader, const struct bwrap_option *option,
		     const char *const *operands, struct error *err)
{
	(void)option;
	(void)err;
	reader->layers = arena_grow(&reader->plan->arena, reader->layers,
				    reader->layer_count, sizeof(*reader->layers));
	reader->layers[reader->layer_count++] = operands[0];
	return 0;
}

int bwrap_check_waiting(const struct bwrap_reader *reader,
			const struct bwrap_option *option, struct error *err)
{
	if (reader->layer_count && !(option && option->flags & BWRAP_LAYERS))
		return error_set(err, ERROR_USAGE,
				 "--overlay-src must be followed by another "
				 "--overlay-src or one of --overlay, --tmp-overlay, "
				 "or --ro-overlay");
	if (!option || option->flags & BWRAP_WAITS)
		return 0;
	if (reader->waiting.has_mode)
		return error_set(
			err, ERROR_USAGE,
			"--perms must be followed by an option that creates a file");
	if (reader->waiting.has_size)
		return error_set(err, ERROR_USAGE, "--size must be followed by --tmpfs");
	return 0;
}

/* The mode of --perms, or the operation's own. */
static void take_mode(struct bwrap_reader *reader, struct mount_entry *entry, mode_t mode)
{
	entry->mode = mode;
	if (!reader->waiting.has_mode)
		return;
	entry->mode = reader->waiting.mode;
	entry->flags |= MOUNT_F_MODE;
	reader->waiting.has_mode = false;
}

/* ---- operations ---- */

int bwrap_add_bind(struct bwrap_reader *reader, const struct bwrap_option *option,
		   const char *const *operands, struct error *err)
{
	const struct mount_entry entry = {
		.kind = MOUNT_BIND,
		.flags = MOUNT_F_NOSUID | option->value,
		.source = operands[0],
		.dest = inside(reader, operands[1]),
	};

	(void)err;
	return add(reader, &entry);
}

int bwrap_add_bind_fd(struct bwrap_reader *reader, const struct bwrap_option *option,
		      const char *const *operands, struct error *err)
{
	struct mount_entry entry = {
		.kind = MOUNT_BIND,
		.flags = MOUNT_F_NOSUID | MOUNT_F_FD | option->value,
		.dest = inside(reader, operands[1]),
	};

	if (bwrap_to_fd(operands[0], &entry.fd, err) < 0)
		return -1;
	bwrap_own_fd(reader, entry.fd);
	return add(reader, &entry);
}

static int take_layers(struct bwrap_reader *reader, const struct bwrap_option *option,
		       struct mount_entry *entry, struct error *err)
{
	bool writable = entry->upper || entry->flags & MOUNT_F_THROWAWAY;

	if (reader->layer_count < (writable ? 1 : 2))
		return error_set(err, ERROR_USAGE,
				 "%s requires at least %s --overlay-src", option->name,
				 writable ? "one" : "two");
	entry->lowers = reader->layers;
	entry->lower_count = reader->layer_count;
	reader->layers = NULL;
	reader->layer_count = 0;
	return add(reader, entry);
}

/* Without an upper layer of the host. */
int bwrap_add_overlay(struct bwrap_reader *reader, const struct bwrap_option *option,
		      const char *const *operands, struct error *err)
{
	struct mount_entry entry = {
		.kind = MOUNT_OVERLAY,
		.flags = option->value,
		.dest = inside(reader, operands[0]),
	};

	return take_layers(reader, option, &entry, err);
}

int bwrap_add_layered_overlay(struct bwrap_reader *reader,
			      const struct bwrap_option *option,
			      const char *const *operands, struct error *err)
{
	struct mount_entry entry = {
		.kind = MOUNT_OVERLAY,
		.upper = operands[0],
		.work = operands[1],
		.dest = inside(reader, operands[2]),
	};

	return take_layers(reader, option, &entry, err);
}

int bwrap_add_plain(struct bwrap_reader *reader, const struct bwrap_option *option,
		    const char *const *operands, struct error *err)
{
	const struct mount_entry entry = {
		.kind = (enum mount_kind)option->value,
		.dest = inside(reader, operands[0]),
	};

	(void)err;
	return add(reader, &entry);
}

/* Root could write to the kernel through these, whichever its user namespace is. */
static void add_proc_covers(struct bwrap_reader *reader, const char *proc)
{
	static const char *const names[] = { "sys", "sysrq-trigger", "irq", "bus" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct mount_entry cover = {
			.kind = MOUNT_READONLY,
			.flags = MOUNT_F_OPTIONAL,
			.dest = below(reader, proc, names[i]),
		};

		add(reader, &cover);
	}
}

int bwrap_add_proc(struct bwrap_reader *reader, const struct bwrap_option *option,
		   const char *const *operands, struct error *err)
{
	const struct mount_entry entry = {
		.kind = MOUNT_PROC,
		.dest = inside(reader, operands[0]),
	};

	(void)option;
	(void)err;
	add(reader, &entry);
	if (reader->caller_uid == 0)
		add_proc_covers(reader, entry.dest);
	return 0;
}

/* The terminal on standard output, if there is one. */
static void add_console(struct bwrap_reader *reader, const char *dev)
{
	char terminal[PATH_MAX];
	struct mount_entry entry = { .kind = MOUNT_BIND, .flags = MOUNT_F_NOSUID };

	if (ttyname_r(STDOUT_FILENO, terminal, sizeof(terminal)) != 0)
		return;
	entry.source = arena_strdup(&reader->plan->arena, terminal);
	entry.dest = below(reader, dev, "console");
	add(reader, &entry);
}

int bwrap_add_dev(struct bwrap_reader *reader, const struct bwrap_option *option,
		  const char *const *operands, struct error *err)
{
	const struct mount_entry entry = {
		.kind = MOUNT_DEV,
		.flags = MOUNT_F_OPEN,
		.mode = DIRECTORY_MODE,
		.dest = inside(reader, operands[0]),
	};

	(void)option;
	(void)err;
	add(reader, &entry);
	add_console(reader, entry.dest);
	return 0;
}

int bwrap_add_tmpfs(struct bwrap_reader *reader, const struct bwrap_option *option,
		    const char *const *operands, struct error *err)
{
	struct mount_entry entry = {
		.kind = MOUNT_TMPFS,
		.flags = MOUNT_F_NOSUID | MOUNT_F_NODEV,
		.dest = inside(reader, operands[0]),
	};

	(void)option;
	(void)err;
	take_mode(reader, &entry, DIRECTORY_MODE);
	if (reader->waiting.has_size)
		entry.size = reader->waiting.size;
	reader->waiting.has_size = false;
	return add(reader, &entry);
}

int bwrap_add_dir(struct bwrap_reader *reader, const struct bwrap_option *option,
		  const char *const *operands, struct error *err)
{
	struct mount_entry entry = {
		.kind = MOUNT_DIR,
		.dest = inside(reader, operands[0]),
	};

	(void)option;
	(void)err;
	take_mode(reader, &entry, DIRECTORY_MODE);
	return add(reader, &entry);
}

int bwrap_add_file(struct bwrap_reader *reader, const struct bwrap_option *option,
		   const char *const *operands, struct error *err)
{
	struct mount_entry entry = {
		.kind = (enum mount_kind)option->value,
		.flags = MOUNT_F_FD | (unsigned int)option->field,
		.dest = inside(reader, operands[1]),
	};

	if (bwrap_to_fd(operands[0], &entry.fd, err) < 0)
		return -1;
	bwrap_own_fd(reader, entry.fd);
	take_mode(reader, &entry, entry.kind == MOUNT_FILE ? FILE_MODE : DATA_MODE);
	return add(reader, &entry);
}

int bwrap_add_symlink(struct bwrap_reader *reader, const struct bwrap_option *option,
		      const char *const *operands, struct error *err)
{
	const struct mount_entry entry = {
		.kind = MOUNT_SYMLINK,
		.source = operands[0],
		.dest = inside(reader, operands[1]),
	};

	(void)option;
	(void)err;
	return add(reader, &entry);
}

int bwrap_add_chmod(struct bwrap_reader *reader, const struct bwrap_option *option,
		    const char *const *operands, struct error *err)
{
	struct mount_entry entry = {
		.kind = MOUNT_CHMOD,
		.flags = MOUNT_F_MODE,
		.dest = inside(reader, operands[1]),
	};
	uint32_t mode;

	if (text_to_octal(operands[0], MODE_MAX, &mode) < 0)
		return error_set(err, ERROR_USAGE, "%s takes an octal argument <= 07777",
				 option->name);
	entry.mode = mode;
	return add(reader, &entry);
}

/* ---- the root ---- */

static bool is_root_bind(const struct bwrap_reader *reader)
{
	const struct mount_entry *first = reader->mounts;

	return reader->mount_count && first->kind == MOUNT_BIND &&
	       !(first->flags & MOUNT_F_FD) && !strcmp(first->dest, "/") &&
	       first->source[0] == '/' &&
	       !strcmp(path_clean(&reader->plan->arena, first->source), "/");
}

static bool climbs(const char *path)
{
	for (; *path; path += strcspn(path, "/")) {
		path++;
		if (!strncmp(path, "..", 2) && (path[2] == '/' || path[2] == '\0'))
			return true;
	}
	return false;
}

/* Whether it changes what the root is, rather than something in it. */
static bool replaces_root(const struct mount_entry *entry)
{
	if (entry->kind == MOUNT_OVERLAY)
		return true;
	return !strcmp(entry->dest, "/") && entry->kind != MOUNT_REMOUNT_RO &&
	       entry->kind != MOUNT_CHMOD;
}

/* What is opened while the mounts are made must be the host's still. */
static bool is_opened_late(const struct bwrap_reader *reader)
{
	for (size_t i = 0; i < reader->mount_count; i++)
		if (reader->mounts[i].kind == MOUNT_OVERLAY)
			return true;
	return reader->plan->rootfs.opens_late;
}

/*
 * A host root is the caller's own tree with a /dev of its own: what these operations make
 * of it, if nothing is done in /dev before that one is there.
 */
static bool makes_host_root(const struct mount_entry *mounts, size_t count)
{
	bool has_dev = false;

	for (size_t i = 0; i < count; i++) {
		const struct mount_entry *entry = &mounts[i];

		if (replaces_root(entry))
			return false;
		if (has_dev)
			continue;
		if (entry->kind == MOUNT_DEV && !strcmp(entry->dest, "/dev"))
			has_dev = true;
		else if (path_is_within(entry->dest, "/dev") || climbs(entry->dest))
			return false;
	}
	return has_dev;
}

static void take_root(struct bwrap_reader *reader)
{
	struct rootfs_spec *rootfs = &reader->plan->rootfs;
	const struct mount_entry *first = reader->mounts;

	rootfs->mode = first->flags & MOUNT_F_RDONLY ? ROOT_RO : ROOT_RW;
	rootfs->devices = !(first->flags & MOUNT_F_NODEV);
	reader->mounts++;
	reader->mount_count--;
	if (!is_opened_late(reader) &&
	    makes_host_root(reader->mounts, reader->mount_count)) {
		rootfs->kind = ROOT_HOST;
		return;
	}
	rootfs->kind = ROOT_DIRECTORY;
	rootfs->path = "/";
}

/* ---- descriptors ------------------------------------------------------------------------ */

/* One for each source at once is what the limit may not allow. */
static bool descriptors_are_few(const struct bwrap_reader *reader)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	       limit.rlim_max < reader->mount_count + DESCRIPTORS_SPARE;
}

/* As it is without links, or as it was where there is no such file: that is told later. */
static const char *resolve(const struct bwrap_reader *reader, const char *path)
{
	char resolved[PATH_MAX];

	if (!path || !realpath(path, resolved))
		return path;
	return arena_strdup(&reader->plan->arena, resolved);
}

static void resolve_layers(const struct bwrap_reader *reader, struct mount_entry *entry)
{
	const char **lowers = arena_alloc_array(&reader->plan->arena, entry->lower_count,
						sizeof(*lowers));

	for (size_t i = 0; i < entry->lower_count; i++)
		lowers[i] = resolve(reader, entry->lowers[i]);
	entry->lowers = lowers;
	entry->upper = resolve(reader, entry->upper);
	entry->work = resolve(reader, entry->work);
}

/*
 * What is opened when the new root lies on the old one must not come by "..", not even by
 * that of a link: there it would get into the new one.
 */
static void resolve_sources(const struct bwrap_reader *reader)
{
	const bool few = reader->plan->rootfs.opens_late;

	for (size_t i = 0; i < reader->mount_count; i++) {
		struct mount_entry *entry = &reader->mounts[i];

		if (few && entry->kind == MOUNT_BIND && !(entry->flags & MOUNT_F_FD))
			entry->source = resolve(reader, entry->source);
		if (entry->kind == MOUNT_OVERLAY)
			resolve_layers(reader, entry);
	}
}

void bwrap_settle_mounts(struct bwrap_reader *reader)
{
	struct rootfs_spec *rootfs = &reader->plan->rootfs;

	rootfs->kind = ROOT_EMPTY;
	rootfs->mode = ROOT_RW;
	rootfs->makes_everywhere = true;
	rootfs->opens_late = descriptors_are_few(reader);
	resolve_sources(reader);
	if (is_root_bind(reader))
		take_root(reader);
	if (reader->plan->namespaces.kinds[NS_PID].mode == NS_SHARED) {
		for (size_t i = 0; i < reader->mount_count; i++) {
			if (reader->mounts[i].kind == MOUNT_PROC)
				reader->mounts[i].source = "host";
		}
	}
	rootfs->mounts = reader->mounts;
	rootfs->mount_count = reader->mount_count;
}
