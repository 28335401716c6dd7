/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/oci_make.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "launcher/oci_gvisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONFIG_MAX = 16 << 20 };

struct make_words {
	const char *bundle, *config, *preserve;
	struct container_options options;
	bool no_pivot, no_subreaper;
	unsigned int preserved;
};

/* ---- words ----------------------------------------------------------------------------- */

#define MAKE_OPTIONS(read)                                                               \
	{ .name = "bundle",                                                              \
	  .letter = 'b',                                                                 \
	  .takes_value = true,                                                           \
	  .value = &(read)->bundle,                                                      \
	  .help = "the directory with config.json; else the current one" },              \
		{ .name = "config",                                                      \
		  .letter = 'f',                                                         \
		  .takes_value = true,                                                   \
		  .value = &(read)->config,                                              \
		  .help = "this file in place of config.json" },                         \
		{ .name = "console-socket",                                              \
		  .takes_value = true,                                                   \
		  .value = &(read)->options.console_socket,                              \
		  .help = "a socket that takes the master of the terminal" },            \
		{ .name = "pid-file",                                                    \
		  .takes_value = true,                                                   \
		  .value = &(read)->options.pid_file,                                    \
		  .help = "a file for the pid of process 1" },                           \
		{ .name = "pidfd-socket",                                                \
		  .takes_value = true,                                                   \
		  .value = &(read)->options.pidfd_socket,                                \
		  .help = "a socket that takes a pidfd of process 1" },                  \
		{ .name = "preserve-fds",                                                \
		  .takes_value = true,                                                   \
		  .value = &(read)->preserve,                                            \
		  .help = "hand on so many descriptors from 3 on" },                     \
		{ .name = "no-pivot",                                                    \
		  .flag = &(read)->no_pivot,                                             \
		  .help = "for a root in a ramfs: move the mount, and chroot" },         \
	{                                                                                \
		.name = "no-new-keyring", .flag = &(read)->options.no_new_keyring,       \
		.help = "stay in the caller's session keyring"                           \
	}

static int read_words(const char *const **words, struct make_words *read,
		      struct oci_run_words *run, struct arena *arena, struct error *err)
{
	struct oci_run_words none;
	struct oci_run_words *of_run = run ? run : &none;
	const struct oci_option options[] = {
		MAKE_OPTIONS(read),
		{ .name = "detach",
		  .letter = 'd',
		  .flag = &of_run->detach,
		  .help = "return as soon as it runs" },
		{ .name = "keep",
		  .flag = &of_run->keep,
		  .help = "do not delete it when it has ended" },
		{ .name = "no-subreaper", .flag = &read->no_subreaper },
	};
	enum { OF_RUN = 3 };
	const size_t count = sizeof(options) / sizeof(*options);

	return oci_read_words(words, options, run ? count : count - OF_RUN,
			      run ? "run [OPTIONS] ID" : "create [OPTIONS] ID", arena,
			      err);
}

static int read_all(const struct oci_globals *globals, const char *const **words,
		    struct make_words *read, struct oci_run_words *run,
		    struct arena *arena, struct error *err)
{
	if (read_words(words, read, run, arena, err) < 0)
		return -1;
	if (read->preserve && text_to_u32(read->preserve, &read->preserved) < 0)
		return error_set(err, ERROR_USAGE,
				 "read --preserve-fds '%.60s': it is no number",
				 read->preserve);
	read->options.systemd_cgroup = globals->manager == GROUP_SYSTEMD;
	read->options.no_cgroup = globals->manager == GROUP_DISABLED;
	read->options.best_effort = globals->best_effort;
	read->options.attached = run && !run->detach;
	return 0;
}

/* ---- the bundle -------------------------------------------------------------------------- */

static int find_bundle(const struct make_words *read, struct arena *arena,
		       const char **ret_bundle, struct error *err)
{
	const char *name = read->bundle ? read->bundle : ".";
	char path[PATH_MAX];

	if (!realpath(name, path)) {
		error_errno_id(err, ERROR_CONFIG, "find the bundle %s", name);
		return error_hint(err,
				  "--bundle names the directory that has config.json");
	}
	*ret_bundle = arena_strdup(arena, path);
	return 0;
}

/* The directory of the bundle is what its relative paths begin at, wherever the file lies. */
static int read_bundle(const struct make_words *read, struct oci_made *made,
		       const char **ret_text, size_t *ret_length, struct error *err)
{
	struct arena *arena = &made->plan.arena;
	const char *path = read->config;
	auto_close int fd = -1;
	const char *bundle = NULL;

	if (find_bundle(read, arena, &bundle, err) < 0)
		return -1;
	if (!path)
		path = arena_printf(arena, "%s/config.json", bundle);
	/* A FIFO in a bundle would keep us; one that is named may be a shell's <(...). */
	fd = open(path,
		  O_RDONLY | O_NOCTTY | O_CLOEXEC | (read->config ? 0 : O_NONBLOCK));
	if (fd < 0 && errno == ENOENT && !read->config) {
		error_errno_id(err, ERROR_CONFIG, "read %s", path);
		return error_hint(err, "sbx-oci spec writes one; --bundle names another "
				       "directory");
	}
	*ret_text = fd < 0 ? NULL : files_read_all(arena, fd, CONFIG_MAX, ret_length);
	if (!*ret_text)
		return error_errno_id(err, ERROR_CONFIG, "read %s", path);
	made->record.bundle = bundle;
	return plan_from_bundle(*ret_text, *ret_length, path, bundle, &made->plan, err);
}

/* ---- what is kept ------------------------------------------------------------------------ */

static const char *const *list_streams(struct arena *arena)
{
	const char **list = arena_alloc_array(arena, 4, sizeof(*list));

	for (int fd = 0; fd <= 2; fd++) {
		char link[32], target[PATH_MAX];
		ssize_t length;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		length = readlink(link, target, sizeof(target) - 1);
		list[fd] = arena_strndup(arena, target, length > 0 ? (size_t)length : 0);
	}
	return list;
}

static void fill_record(struct oci_made *made, const char *id)
{
	struct container_record *record = &made->record;
	const struct plan *plan = &made->plan;
	struct arena *arena = &made->arena;

	/* The caller's words are wiped in process 1, which tells its hooks of itself. */
	record->id = arena_strdup(arena, id);
	record->version = plan->container.version;
	record->rootfs = plan->rootfs.path;
	record->created = text_now(arena, 9);
	record->owner = geteuid() ? arena_printf(arena, "%u", geteuid()) : "root";
	record->external = list_streams(arena);
	record->annotations = plan->container.annotations;
	record->annotation_count = plan->container.annotation_count;
	record->terminal = plan->process.terminal;
}

/* ---- the whole --------------------------------------------------------------------------- */

static void warn(void *context, const struct error *warning)
{
	const struct oci_globals *globals = context;

	oci_warn_of(globals, warning);
}

static int create(const struct oci_globals *globals, const struct make_words *read,
		  struct oci_made *made, struct error *err)
{
	if (container_pass_notify(&made->entry, &made->plan, err) < 0)
		return -1;
	return container_create(&made->plan, &read->options, globals->caller,
				&made->entry, &made->record, &made->arena, &made->handle,
				err);
}

/* The bundle is read by runsc itself, from where it lies. */
static int create_gvisor(const struct oci_globals *globals, const struct make_words *read,
			 struct oci_made *made, struct error *err)
{
	const char *differences = plan_compare_bundle(&made->plan);

	if (read->config) {
		error_set(err, ERROR_USAGE, "hand %.100s to runsc: it reads config.json",
			  read->config);
		return error_hint(err, "--bundle names the directory that has it");
	}
	if (differences)
		oci_warn(globals, "gVisor differs: %s", differences);
	return oci_gvisor_create(&made->plan, &read->options, &made->entry, &made->record,
				 &made->arena, &made->handle, err);
}

static int make(const struct oci_globals *globals, struct make_words *read,
		struct oci_made *made, const char *id, struct error *err)
{
	const char *text = NULL;
	size_t length = 0;
	int fds = container_take_fds(read->preserved, err);
	bool by_runsc = false;

	if (fds < 0 || container_check_id(id, err) < 0 ||
	    read_bundle(read, made, &text, &length, err) < 0 ||
	    oci_gvisor_wanted(globals, &made->plan, &by_runsc, err) < 0)
		return -1;
	made->plan.rootfs.no_pivot |= read->no_pivot;
	made->plan.process.no_init = true;
	container_pass_fds(&made->plan, fds);
	fill_record(made, id);
	for (const char *const *at = made->plan.container.ignored; at && *at; at++)
		oci_debug(globals, "config.json: not obeyed: %s", *at);
	made->entry.place = container_open_root(globals->root, true, err);
	if (made->entry.place < 0 ||
	    container_take(made->entry.place, id, &made->entry, err) < 0)
		return -1;
	if (container_keep_config(&made->entry, text, length, err) == 0 &&
	    (by_runsc ? create_gvisor(globals, read, made, err)
		      : create(globals, read, made, err)) == 0)
		return 0;
	(void)container_remove(&made->entry, &(struct error){ 0 });
	return -1;
}

int oci_make(const struct oci_globals *globals, const char *const *words,
	     struct oci_run_words *run, struct oci_made *made, struct error *err)
{
	struct make_words read = { 0 };
	const char *id;

	*made = (struct oci_made){
		.entry = { .place = -1, .dir = -1 },
		.handle = { .pid = -1, .pidfd = -1, .console = -1, .notify = -1 }
	};
	if (read_all(globals, &words, &read, run, &made->arena, err) < 0)
		return -1;
	id = oci_only_id(words, run ? "run [OPTIONS] ID" : "create [OPTIONS] ID", err);
	if (!id)
		return -1;
	read.options.warn = warn;
	read.options.context = (void *)(uintptr_t)globals;
	return make(globals, &read, made, id, err);
}

void oci_made_free(struct oci_made *made)
{
	container_let_go(&made->handle);
	container_close(&made->entry);
	fd_close(&made->entry.place);
	plan_free(&made->plan);
	arena_free(&made->arena);
}
