/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run of `sbx try`: each directory that the plan shows copy-on-write gets a layer that is
 * kept until somebody has decided about it.
 */
#include "launcher/try.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "launcher/command_words.h"
#include "launcher/commands.h"
#include "launcher/images.h"
#include "launcher/report.h"
#include "launcher/run.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* One run, from the words to the end. */
struct trial {
	const struct try_request *request;
	struct arena *arena;
	struct plan plan;
	struct try_store store;
	struct try_entry entry;
	int64_t began;
	bool fresh; /* the entry was made for this run */
	int output; /* the standard output, which the run lets go of */
};

/* ---- time ------------------------------------------------------------------------------ */

static int64_t now(clockid_t clock)
{
	struct timespec time = { 0 };

	(void)clock_gettime(clock, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/*
 * Files get their times from the coarse clock, which ticks some hundred times a second: once it
 * has passed the moment when we began, whatever is written later has a later time than
 * whatever was written before.
 */
static void await_tick(int64_t began)
{
	for (int i = 0; i < 100 && now(CLOCK_REALTIME_COARSE) <= began; i++)
		poll(NULL, 0, 1);
}

/* ---- the directories ------------------------------------------------------------------- */

/* Whether dir is the directory, or lies below it. */
static bool lies_in(int dir, const struct stat *directory)
{
	int at = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat here = { 0 }, before = { 0 };
	bool found = false;

	while (at >= 0 && !found && fstat(at, &here) == 0 &&
	       (here.st_ino != before.st_ino || here.st_dev != before.st_dev)) {
		const int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		found = here.st_ino == directory->st_ino &&
			here.st_dev == directory->st_dev;
		before = here;
		close(at);
		at = up;
	}
	fd_close(&at);
	return found;
}

static int refuse_twice(const char *path, struct error *err)
{
	return error_set(err, ERROR_USAGE,
			 "try %s twice: its changes could not be told "
			 "apart",
			 path);
}

static int check_directory(const struct trial *trial, const struct stat *status,
			   const char *path, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (trial->entry.directories[i].inode == status->st_ino)
			return refuse_twice(path, err);
	if (!lies_in(trial->store.dir, status))
		return 0;
	error_set(err, ERROR_STATE, "try %s: its layer would lie in it, at %s", path,
		  trial->store.path);
	return error_hint(err, "XDG_STATE_HOME=DIR keeps it elsewhere");
}

static int make_layer(struct trial *trial, size_t i, int lower, struct error *err)
{
	const char *number = arena_printf(trial->arena, "%zu", i);
	auto_close int place = -1;

	if (mkdirat(trial->entry.dir, number, 0700) < 0)
		return error_errno_id(err, ERROR_STATE, "make a layer");
	place = openat(trial->entry.dir, number,
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place < 0)
		return error_errno_id(err, ERROR_STATE, "make a layer");
	return layer_make(lower, place, err);
}

/* The one of a kept try, which has to be there already. */
static int match_directory(const struct trial *trial, size_t i, const char *path,
			   const struct stat *status, struct error *err)
{
	const struct try_entry *entry = &trial->entry;

	if (i < entry->count && entry->directories[i].inode == status->st_ino)
		return 0;
	error_set(err, ERROR_USAGE, "go on with %s in %s: it is a try of %s", entry->name,
		  path, entry->count ? entry->directories[0].path : "nothing");
	return error_hint(err, "--in %s, or another name",
			  entry->count ? entry->directories[0].path : "DIR");
}

/* What the kernel has left there says that nothing of it was synced, and may not be used again. */
static int renew_work(const struct trial *trial, size_t i, struct error *err)
{
	const char *number = arena_printf(trial->arena, "%zu", i);
	auto_close int place = openat(trial->entry.dir, number,
				      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (place < 0 || files_remove_tree(place, "work") < 0 ||
	    mkdirat(place, "work", 0700) < 0)
		return error_errno_id(err, ERROR_STATE, "go on with the layer of %s",
				      trial->entry.name);
	return 0;
}

static int take_directory(struct trial *trial, struct mount_entry *mount, size_t i,
			  struct error *err)
{
	struct try_entry *entry = &trial->entry;
	auto_close int lower = open(mount->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	if (lower < 0 || fstat(lower, &status) < 0)
		return error_errno_id(err, ERROR_SOURCE_MISSING, "open %s",
				      mount->source);
	if (!trial->fresh &&
	    (match_directory(trial, i, mount->source, &status, err) < 0 ||
	     renew_work(trial, i, err) < 0))
		return -1;
	if (trial->fresh) {
		if (check_directory(trial, &status, mount->source, i, err) < 0 ||
		    make_layer(trial, i, lower, err) < 0)
			return -1;
		entry->directories[i] = (struct try_directory){
			.path = mount->source,
			.inode = status.st_ino,
			.place = -1,
			.lower = -1,
			.upper = -1,
		};
		entry->count++;
	}
	mount->upper = arena_printf(trial->arena, "%s/%s/%zu/upper", trial->store.path,
				    entry->name, i);
	mount->work = arena_printf(trial->arena, "%s/%s/%zu/work", trial->store.path,
				   entry->name, i);
	return 0;
}

/* What was thrown away by the plan is kept by a copy of its list. */
static int take_directories(struct trial *trial, struct error *err)
{
	struct rootfs_spec *rootfs = &trial->plan.rootfs;
	struct mount_entry *mounts =
		arena_alloc_array(trial->arena, rootfs->mount_count + 1, sizeof(*mounts));
	size_t count = 0;

	memcpy(mounts, rootfs->mounts, rootfs->mount_count * sizeof(*mounts));
	if (trial->fresh)
		trial->entry.directories =
			arena_alloc_array(trial->arena, rootfs->mount_count + 1,
					  sizeof(*trial->entry.directories));
	for (size_t i = 0; i < rootfs->mount_count; i++)
		if (mounts[i].kind == MOUNT_COW &&
		    take_directory(trial, &mounts[i], count++, err) < 0)
			return -1;
	rootfs->mounts = mounts;
	if (count == trial->entry.count)
		return 0;
	error_set(err, ERROR_USAGE, "go on with %s: it is a try of more directories",
		  trial->entry.name);
	return error_hint(err, "name the same ones with --cow");
}

/* ---- before the run -------------------------------------------------------------------- */

static int take_entry(struct trial *trial, struct error *err)
{
	const char *name = trial->request->keep;
	int found = name ? try_entry_open(&trial->store, name, trial->arena,
					  &trial->entry, err)
			 : 0;

	if (found < 0)
		return -1;
	trial->fresh = !found;
	if (found)
		return 0;
	return try_entry_make(&trial->store, name, trial->plan.process.argv[0],
			      trial->arena, &trial->entry, err);
}

/*
 * The originals of a run that was killed are noted before the next one begins, which looks
 * at later times alone.
 */
static int note_before(struct trial *trial, struct error *err)
{
	if (trial->fresh || !trial->entry.running)
		return 0;
	if (try_entry_open_layers(&trial->entry, trial->arena, err) < 0)
		return -1;
	return try_find(&trial->entry, true, trial->arena, err);
}

static int prepare(void *context, struct error *err)
{
	struct trial *trial = context;

	trial->output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (trial->output < 0)
		return error_errno(err, "keep the standard output");
	if (try_store_open(&trial->store, true, trial->arena, err) < 0)
		return -1;
	try_store_clean(&trial->store, trial->arena);
	if (take_entry(trial, err) < 0 || note_before(trial, err) < 0 ||
	    take_directories(trial, err) < 0)
		return -1;
	trial->entry.running = true;
	trial->entry.began = trial->began;
	trial->entry.command = trial->plan.process.argv;
	if (try_entry_save(&trial->entry, trial->arena, err) < 0)
		return -1;
	await_tick(trial->began);
	return 0;
}

static bool has_directory(const struct plan *plan)
{
	for (size_t i = 0; i < plan->rootfs.mount_count; i++)
		if (plan->rootfs.mounts[i].kind == MOUNT_COW)
			return true;
	return false;
}

static int check_plan(const struct plan *plan, struct error *err)
{
	if (plan->life.detach)
		return error_set(err, ERROR_USAGE,
				 "try with --detach: who tells the changes has to wait");
	if (life_is_recorded(&plan->life))
		return error_set(
			err, ERROR_USAGE,
			"try with --record, --expect or --repeat: sbx run has them");
	if (has_directory(plan))
		return 0;
	error_set(err, ERROR_USAGE, "try: no directory is copy-on-write");
	return error_hint(err, "leave --cwd out, or name one with --cow DIR");
}

/* ---- behind it ------------------------------------------------------------------------- */

static void become_ordinary(const struct trial *trial)
{
	sigset_t none;

	(void)dup2(trial->output, STDOUT_FILENO);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int fail(const struct trial *trial, const struct error *err)
{
	report_error(err, trial->plan.life.log_format == LOG_JSON);
	return error_status(err);
}

/* From here on what the command did is the user's to decide about, whoever is killed. */
static int end_run(struct trial *trial, int status, struct error *err)
{
	struct try_entry *entry = &trial->entry;

	if (try_entry_open_layers(entry, trial->arena, err) < 0 ||
	    try_find(entry, true, trial->arena, err) < 0)
		return -1;
	entry->running = false;
	entry->status = status;
	return try_entry_save(entry, trial->arena, err);
}

/* What could not be listed is not thrown away. */
static void keep_unlisted(struct trial *trial)
{
	struct error ignored;

	trial->entry.named = true;
	(void)try_entry_save(&trial->entry, trial->arena, &ignored);
	report_notes(arena_printf(trial->arena, "kept as %s\n", trial->entry.name));
}

static int follow(struct trial *trial, const struct caller_text *caller, pid_t parent)
{
	struct outcome outcome = { .init = -1 };
	struct error err = { 0 };
	int status = run_prepared(&trial->plan, caller, parent, prepare, trial, &outcome);

	if (!outcome.command_started) {
		if (trial->fresh && trial->entry.dir >= 0)
			(void)try_entry_remove(&trial->store, &trial->entry, trial->arena,
					       &err);
		return status;
	}
	if (end_run(trial, status, &err) < 0) {
		keep_unlisted(trial);
		return fail(trial, &err);
	}
	become_ordinary(trial);
	if (try_conclude(trial->request, &trial->store, &trial->entry,
			 trial->entry.directories[0].path, status, trial->arena,
			 &err) < 0)
		return fail(trial, &err);
	run_end_as(&outcome);
	return status;
}

static int refuse(const struct trial *trial, const struct error *err)
{
	const char *const *words = trial->request->words;

	report_failed(plan_status_fd(words), err, -1, false);
	report_error(err, plan_log_format(words) == LOG_JSON);
	return error_status(err);
}

/* Where the words that help a run would help no try. */
static void advise(struct error *err)
{
	if (err->id == ERROR_CWD_UNSUITABLE)
		error_hint(err, "start in a subdirectory, or name one: --in DIR");
	if (err->id == ERROR_NO_COMMAND)
		error_hint(err, "usage: sbx try [OPTIONS] [--] COMMAND [ARG...]");
}

static int start(struct trial *trial, const struct caller_text *caller, pid_t parent)
{
	struct error err = { 0 };

	if (trial->request->in && chdir(trial->request->in) < 0) {
		error_errno_id(&err, ERROR_CWD_UNSUITABLE, "enter %s",
			       trial->request->in);
		return refuse(trial, &err);
	}
	if (plan_from_args(trial->request->words, &images_roots, false, &trial->plan,
			   &err) < 0 ||
	    check_plan(&trial->plan, &err) < 0) {
		advise(&err);
		return refuse(trial, &err);
	}
	if (trial->plan.life.dry_run)
		return say(plan_describe(&trial->plan, &trial->plan.arena));
	run_tell_notes(&trial->plan);
	return follow(trial, caller, parent);
}

int try_run(const struct try_request *request, const struct caller_text *caller,
	    pid_t parent, struct arena *arena)
{
	struct trial trial = {
		.request = request,
		.arena = arena,
		.store = { .dir = -1 },
		.entry = { .dir = -1 },
		.output = -1,
		.began = now(CLOCK_REALTIME),
	};
	int status = start(&trial, caller, parent);

	try_entry_close(&trial.entry);
	fd_close(&trial.store.dir);
	fd_close(&trial.output);
	plan_free(&trial.plan);
	return status;
}
