/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/record_streams.h"

#include "base/error.h"
#include "base/fd.h"
#include "launcher/record.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	INPUT_MAX = 1 << 30,
	PIECE = 65536,
	DRAIN_MS = 10000, /* everybody who could write is gone by then */
};

/* Seen by both processes; the copier writes it. */
struct copied {
	char sha256[SHA256_HEX + 1];
};

/* ---- the input ------------------------------------------------------------------------- */

static int copy_input(int memory, struct error *err)
{
	char piece[PIECE];
	size_t total = 0;
	ssize_t got;

	for (;;) {
		got = read(STDIN_FILENO, piece, sizeof(piece));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		total += (size_t)got;
		if (total > INPUT_MAX)
			return error_set(err, ERROR_RESOURCES,
					 "keep the standard input for --repeat: it is "
					 "longer than %d bytes",
					 INPUT_MAX);
		if (fd_write_all(memory, piece, (size_t)got) < 0)
			return error_errno(err, "keep the standard input");
	}
	return got < 0 ? error_errno(err, "read the standard input") : 0;
}

/* A device gives the same each time, or nobody expects it to; nobody types twice. */
static int keep_input(struct streams *streams, struct error *err)
{
	struct stat status;

	if (fstat(STDIN_FILENO, &status) < 0)
		return error_errno(err, "look at the standard input");
	if (S_ISREG(status.st_mode)) {
		streams->start = lseek(STDIN_FILENO, 0, SEEK_CUR);
		return 0;
	}
	if (isatty(STDIN_FILENO)) {
		streams->input = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return streams->input < 0 ? error_errno(err, "open /dev/null") : 0;
	}
	if (S_ISCHR(status.st_mode))
		return 0;
	streams->input = memfd_create("input", MFD_CLOEXEC);
	if (streams->input < 0)
		return error_errno(err, "keep the standard input");
	return copy_input(streams->input, err);
}

/* For reading alone, and from the beginning: a description of its own. */
static int place_input(const struct streams *streams, struct error *err)
{
	auto_close int again = -1;
	char path[32];

	if (streams->start >= 0 && lseek(STDIN_FILENO, streams->start, SEEK_SET) < 0)
		return error_errno(err, "read the standard input again");
	if (streams->input < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", streams->input);
	again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0 || dup2(again, STDIN_FILENO) < 0)
		return error_errno(err, "read the standard input again");
	return 0;
}

/* ---- the output ------------------------------------------------------------------------ */

static _Noreturn void copy_output(int from, int to, struct copied *copied)
{
	struct sha256 sha256;
	char piece[PIECE];
	ssize_t got;

	sha256_begin(&sha256);
	for (;;) {
		got = read(from, piece, sizeof(piece));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		sha256_add(&sha256, piece, (size_t)got);
		/* Who has closed it does not want to see more; the digest goes on. */
		if (to >= 0 && fd_write_all(to, piece, (size_t)got) < 0)
			to = -1;
	}
	sha256_end(&sha256, copied->sha256);
	_exit(0);
}

static int start_copier(struct streams *streams, bool first, struct error *err)
{
	auto_close int reading = -1;
	auto_close int writing = -1;
	const pid_t launcher = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe for the standard output");
	reading = ends[0];
	writing = ends[1];
	streams->copied->sha256[0] = '\0';
	streams->copier = fork();
	if (streams->copier < 0)
		return error_errno(err, "make a process for the standard output");
	if (streams->copier == 0) {
		fd_close(&writing);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
		    getppid() != launcher)
			_exit(1);
		(void)signal(SIGPIPE, SIG_IGN);
		copy_output(reading, first ? streams->output : -1, streams->copied);
	}
	if (dup2(writing, STDOUT_FILENO) < 0)
		return error_errno(err, "replace the standard output");
	return 0;
}

static void await_copier(struct streams *streams)
{
	for (int waited = 0; waited < DRAIN_MS; waited += 5) {
		if (waitpid(streams->copier, NULL, WNOHANG) != 0)
			return;
		(void)poll(NULL, 0, 5);
	}
	(void)kill(streams->copier, SIGKILL);
	(void)waitpid(streams->copier, NULL, 0);
}

/* ---- what a later run says ------------------------------------------------------------- */

static int hide_error(struct streams *streams, struct error *err)
{
	streams->later_error = memfd_create("error", MFD_CLOEXEC);
	if (streams->later_error < 0 || dup2(streams->later_error, STDERR_FILENO) < 0)
		return error_errno(err, "replace the standard error");
	return 0;
}

/* Only where the run did not come about. */
static void show_error(struct streams *streams, bool wanted)
{
	char piece[4096];
	off_t at = 0;

	while (wanted) {
		const ssize_t got = pread(streams->later_error, piece, sizeof(piece), at);

		if (got <= 0 || fd_write_all(STDERR_FILENO, piece, (size_t)got) < 0)
			break;
		at += got;
	}
	fd_close(&streams->later_error);
}

/* ---- the door -------------------------------------------------------------------------- */

int streams_open(struct streams *streams, bool digests, struct error *err)
{
	*streams = (struct streams){ .output = -1,
				     .error = -1,
				     .input = -1,
				     .start = -1,
				     .later_error = -1,
				     .copier = -1,
				     .digests = digests };
	streams->output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	streams->error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (streams->output < 0 || streams->error < 0)
		return error_errno(err, "keep the standard streams");
	streams->copied = mmap(NULL, sizeof(*streams->copied), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (streams->copied == MAP_FAILED) {
		streams->copied = NULL;
		return error_errno(err, "share memory");
	}
	return keep_input(streams, err);
}

void streams_close(struct streams *streams)
{
	fd_close(&streams->output);
	fd_close(&streams->error);
	fd_close(&streams->input);
	fd_close(&streams->later_error);
	if (streams->copied)
		(void)munmap(streams->copied, sizeof(*streams->copied));
}

int streams_begin(struct streams *streams, bool first, struct error *err)
{
	if (place_input(streams, err) < 0 || (!first && hide_error(streams, err) < 0))
		return -1;
	return streams->digests ? start_copier(streams, first, err) : 0;
}

void streams_end(struct streams *streams, bool first, struct result *result)
{
	(void)dup2(streams->output, STDOUT_FILENO);
	(void)dup2(streams->error, STDERR_FILENO);
	if (!first && streams->later_error >= 0)
		show_error(streams, !result->ran);
	if (streams->copier <= 0)
		return;
	await_copier(streams);
	streams->copier = -1;
	memcpy(result->output, streams->copied->sha256, sizeof(result->output));
}
