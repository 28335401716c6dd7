/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sbx image unpack`: the files of an image in a directory. It has all of them in the end, or
 * is as it was: the work is done by a child, and whatever becomes of that, what it wrote is
 * removed again, under the ids that it was written with.
 */
#include "launcher/commands_image.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/image.h"
#include "launcher/images.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MODE = 0755 };

/* Where it goes, and what that was like before. */
struct target {
	const char *path; /* absolute, without links */
	int fd;           /* its lock is held */
	bool made;
	struct stat before;
};

/* ---- the directory --------------------------------------------------------------------- */

static bool is_empty(int fd)
{
	const int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = copy < 0 ? NULL : fdopendir(copy);
	int count = 0;

	if (!names) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	while (count < 3 && readdir(names))
		count++;
	closedir(names);
	return count == 2; /* "." and ".." */
}

static int check_target(const struct target *target, const char *name, struct error *err)
{
	if (flock(target->fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return error_errno(err, "lock %s", name);
		return error_set(err, ERROR_PLAIN,
				 "unpack into %s: another process does that", name);
	}
	if (is_empty(target->fd))
		return 0;
	error_set(err, ERROR_PLAIN, "unpack into %s: it is not empty", name);
	return error_hint(err, "name a new directory, or an empty one");
}

static int open_target(const char *name, struct arena *arena, struct target *ret_target,
		       struct error *err)
{
	struct target target = { .fd = -1 };
	auto_free char *path = NULL;

	target.made = mkdir(name, MODE) == 0;
	if (!target.made && errno != EEXIST) {
		error_errno(err, "make %s", name);
		return -1;
	}
	path = realpath(name, NULL);
	if (path)
		target.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target.fd < 0 || fstat(target.fd, &target.before) < 0) {
		error_errno(err, "open %s", name);
		return -1;
	}
	if (check_target(&target, name, err) < 0) {
		fd_close(&target.fd);
		return -1;
	}
	target.path = arena_strdup(arena, path);
	*ret_target = target;
	return 0;
}

/* The directory itself may have got the owner, mode and times of the image's "/". */
static void restore(const struct target *target)
{
	const struct timespec times[] = { target->before.st_atim,
					  target->before.st_mtim };

	if (target->made && rmdir(target->path) == 0)
		return;
	(void)fchmod(target->fd, target->before.st_mode & 07777);
	(void)futimens(target->fd, times);
}

static void undo(const struct target *target, const struct ids_spec *ids,
		 struct arena *arena, struct error *err)
{
	struct image_job job = {
		.task = IMAGE_TASK_REMOVE,
		.socket = -1,
		.input_fd = -1,
		.into = target->path,
	};
	struct images_result result;
	struct error ignored;

	if (!is_empty(target->fd) &&
	    images_do(ids, &job, NULL, arena, &result, &ignored) == 0)
		images_result_close(&result);
	restore(target);
	if (!is_empty(target->fd) && access(target->path, F_OK) == 0)
		error_hint(err, "sbx unshare rm -r %s removes what is left of it",
			   target->path);
}

/* ---- the work -------------------------------------------------------------------------- */

struct work {
	const struct ids_spec *ids;
	struct image_job *job;
	const char *title;
	struct arena *arena;
	int errors; /* the child's end of the pipe */
	pid_t launcher;
};

static _Noreturn void work(const struct work *work, const sigset_t *mask)
{
	struct images_result result;
	struct error err = { 0 };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != work->launcher)
		_exit(EXIT_FAILURE);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	if (images_do(work->ids, work->job, work->title, work->arena, &result, &err) == 0)
		_exit(EXIT_SUCCESS);
	(void)fd_write_all(work->errors, &err, sizeof(err));
	_exit(EXIT_FAILURE);
}

/* The signals that end us otherwise: first there is something to put in order. */
static void fill_awaited(sigset_t *set)
{
	static const int awaited[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(awaited) / sizeof(awaited[0]); i++)
		sigaddset(set, awaited[i]);
}

/* 0: it is done; else the signal that has to end us, or -1. */
static int await_end(pid_t child, const sigset_t *awaited)
{
	int stopped_by = 0, status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		const int signal = sigwaitinfo(awaited, NULL);

		if (signal <= 0 || signal == SIGCHLD)
			continue;
		stopped_by = signal;
		(void)kill(child, SIGKILL);
	}
	/* sbx-image dies with it, but a moment later. */
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	if (stopped_by)
		return stopped_by;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? 0 : -1;
}

static int take_error(int errors, struct error *err)
{
	if (fd_read_all(errors, err, sizeof(*err)) == (ssize_t)sizeof(*err))
		return -1;
	return error_set(err, ERROR_IMAGE, "unpack the image: the work was ended");
}

/* As await_end(). err where it is -1. */
static int run_work(struct work *job, const sigset_t *awaited, const sigset_t *mask,
		    struct error *err)
{
	auto_close int errors = -1;
	int ends[2], said;
	pid_t child;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return error_errno(err, "adopt orphans");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	errors = ends[0];
	job->errors = ends[1];
	job->launcher = getpid();
	child = fork();
	if (child == 0)
		work(job, mask);
	fd_close(&job->errors);
	if (child < 0)
		return error_errno(err, "make a process");
	said = await_end(child, awaited);
	return said < 0 ? take_error(errors, err) : said;
}

/* Ends as if the signal had come now. */
static void end_of(int signal, const sigset_t *mask)
{
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	(void)raise(signal);
}

static int unpack(struct work *job, const struct target *target, struct error *err)
{
	sigset_t awaited, mask;
	int said;

	fill_awaited(&awaited);
	if (sigprocmask(SIG_BLOCK, &awaited, &mask) < 0)
		return error_errno(err, "block signals");
	said = run_work(job, &awaited, &mask, err);
	if (said > 0)
		error_set(err, ERROR_PLAIN, "go on: signal %d has come", said);
	if (said != 0)
		undo(target, job->ids, job->arena, err);
	if (said > 0)
		end_of(said, &mask);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	return said == 0 ? 0 : -1;
}

int image_unpack(struct image_request *request, struct error *err)
{
	struct arena *arena = &request->arena;
	struct image_job job;
	struct work work = { .job = &job, .title = request->words[0], .arena = arena };
	struct target target = { .fd = -1 };
	struct ids_spec ids;
	bool single;
	int failed;

	if (images_input(request->words[0], request->tag, arena, &job, err) < 0 ||
	    images_default_ids(arena, &ids, &single, err) < 0 ||
	    image_verify_input(request, &job, err) < 0 ||
	    open_target(request->words[1], arena, &target, err) < 0)
		return -1;
	work.ids = &ids;
	job.task = IMAGE_TASK_EXTRACT;
	job.into = target.path;
	/* With one id there is nobody else whom a file could belong to. */
	job.squash = request->squash_ids || single;
	failed = unpack(&work, &target, err);
	fd_close(&target.fd);
	return failed;
}
