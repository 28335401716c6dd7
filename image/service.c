/* SPDX-License-Identifier: Apache-2.0 */
/* The front end's side of sbx-image's start: a child that has its namespaces becomes it. */
#include "image/image.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/own_program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

enum { STREAMS = 3 };

/* What a sanitizer has to say is for the tests. */
#ifdef SBX_SANITIZED
enum { STREAMS_CLOSED = 2 };
#else
enum { STREAMS_CLOSED = STREAMS };
#endif

static int find_program(char *ret_path, struct error *err)
{
	if (own_program_find("sbx-image", ret_path) == 0)
		return 0;
	error_set(err, ERROR_ARCHIVE_UNSUPPORTED, "read an image: %s is not there",
		  ret_path);
	return error_hint(err, "it is built where libarchive and libsodium are (Debian: "
			       "libarchive-dev libsodium-dev); a directory needs none of "
			       "it: tar -C DIR -xf FILE, then --root DIR");
}

int image_program_check(struct error *err)
{
	char path[PATH_MAX];

	return find_program(path, err);
}

/* Above the streams, and open for the new program; -1 stays -1. */
static int keep(int *fd, struct error *err)
{
	if (*fd < 0)
		return 0;
	if (*fd < STREAMS)
		*fd = fcntl(*fd, F_DUPFD, STREAMS);
	else if (fcntl(*fd, F_SETFD, 0) < 0)
		*fd = -1;
	return *fd < 0 ? error_errno(err, "keep a descriptor for sbx-image") : 0;
}

/*
 * For streams that nobody reads or feeds. Around us may be a mount of /dev that lets no
 * device be opened: the end of a pipe without another end serves as well.
 */
static int open_nothing(void)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int ends[2];

	if (null >= 0 || pipe2(ends, O_CLOEXEC) < 0)
		return null;
	close(ends[0]);
	return ends[1];
}

static int close_streams(struct error *err)
{
	auto_close int null = open_nothing();

	if (null < 0)
		return error_errno(err, "open /dev/null");
	for (int fd = 0; fd < STREAMS_CLOSED; fd++)
		if (dup2(null, fd) < 0)
			return error_errno(err, "close the streams of sbx-image");
	return 0;
}

/*
 * What a terminal sends to all processes of a job is for the front end, which ends this one
 * when it ends. A core would hold what nobody is to read.
 */
static void stand_alone(void)
{
	const struct rlimit none = { 0, 0 };
	sigset_t all;

	(void)setsid();
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)setrlimit(RLIMIT_CORE, &none);
}

int image_job_exec(const struct image_job *job, struct arena *arena, struct error *err)
{
	static char *const environment[] = { NULL };
	struct image_job kept = *job;
	const char *const *words;
	char path[PATH_MAX];

	if (find_program(path, err) < 0 || keep(&kept.socket, err) < 0 ||
	    keep(&kept.input_fd, err) < 0 || (kept.tee > 0 && keep(&kept.tee, err) < 0))
		return -1;
	words = image_job_words(&kept, arena);
	fd_close_all_but(
		STREAMS,
		(const int[]){ job->socket, kept.socket, kept.input_fd, kept.tee }, 4);
	if (close_streams(err) < 0)
		return -1;
	stand_alone();
	execve(path, (char *const *)(uintptr_t)words, environment);
	return error_errno_id(err, ERROR_IMAGE, "execute %s", path);
}
