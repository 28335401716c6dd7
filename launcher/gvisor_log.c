/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/gvisor_log.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "launcher/gvisor.h"
#include "launcher/state_home.h"
#include "launcher/sync.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	FILES_MAX = 16,         /* of one start; runsc makes four */
	HEAD_BYTES = 16 * 1024, /* of each file: how it began, and how it ended */
	TAIL_BYTES = 48 * 1024,
	LOG_BYTES = 1024 * 1024, /* of what is kept of one start, whoever made it */
	LOGS_KEPT = 8,
};

/* ---- in the sandbox ---------------------------------------------------------------------- */

static int copy_part(int from, off_t offset, size_t size, int to)
{
	char bytes[4096];

	while (size > 0) {
		const size_t wanted = size < sizeof(bytes) ? size : sizeof(bytes);
		const ssize_t got = pread(from, bytes, wanted, offset);

		if (got <= 0)
			return (int)got;
		if (fd_write_all(to, bytes, (size_t)got) < 0)
			return -1;
		offset += got;
		size -= (size_t)got;
	}
	return 0;
}

static int copy_ends(int from, off_t size, int to)
{
	const off_t most = HEAD_BYTES + TAIL_BYTES;

	if (size <= most)
		return copy_part(from, 0, (size_t)size, to);
	if (copy_part(from, 0, HEAD_BYTES, to) < 0 ||
	    dprintf(to, "\n[%lld bytes left out]\n", (long long)(size - most)) < 0)
		return -1;
	return copy_part(from, size - TAIL_BYTES, TAIL_BYTES, to);
}

/* Only files: nothing that is opened there may wait for anybody, or lead elsewhere. */
static int copy_file(int dir, const char *name, int to)
{
	auto_close int file =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (file < 0 || fstat(file, &status) < 0 || !S_ISREG(status.st_mode) ||
	    status.st_size == 0)
		return 0;
	if (dprintf(to, "== %s ==\n", name) < 0 ||
	    copy_ends(file, status.st_size, to) < 0)
		return -1;
	return dprintf(to, "\n") < 0 ? -1 : 0;
}

static int copy_files(DIR *dir, int to)
{
	const struct dirent *found;
	int count = 0;

	while (count < FILES_MAX && (found = readdir(dir)) != NULL)
		if (found->d_name[0] != '.' &&
		    (count++, copy_file(dirfd(dir), found->d_name, to) < 0))
			return -1;
	return 0;
}

int gvisor_log_gather(const char *path)
{
	DIR *dir = opendir(path);
	auto_close int log = -1;
	int failed;

	if (!dir)
		return -1;
	log = memfd_create("runsc-log", MFD_CLOEXEC);
	/* That it is forbidden may be what failed. */
	if (log < 0)
		log = open(path, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	failed = log < 0 ? -1 : copy_files(dir, log);
	closedir(dir);
	return failed < 0 ? -1 : fd_take(&log);
}

void gvisor_log_send(int socket)
{
	const struct message message = { .turn = TURN_LOG };
	auto_close int log = gvisor_log_gather(GVISOR_LOGS);

	if (log >= 0)
		(void)sync_send(socket, &message, log);
}

bool gvisor_log_has_panic(const char *path, int status, struct error *err)
{
	auto_close int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[512];
	ssize_t got;

	/* What Go ends with when it panics. */
	if (file < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 2)
		return false;
	got = fd_read_all(file, text, sizeof(text) - 1);
	if (got <= 0)
		return false;
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	error_set(err, ERROR_RUNSC_START, "go on: gVisor's kernel has crashed: %.150s",
		  text);
	(void)error_hint(err, "another release of runsc, or another --platform");
	return true;
}

/* ---- in the launcher --------------------------------------------------------------------- */

/* "20260102-030405-PID.log": in the order of the alphabet the oldest come first. */
static void make_name(char *name, size_t size)
{
	const time_t now = time(NULL);
	struct tm utc = { 0 };
	char when[32];

	(void)gmtime_r(&now, &utc);
	if (strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &utc) == 0)
		when[0] = '\0';
	snprintf(name, size, "%s-%d.log", when, (int)getpid());
}

static int is_log(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');

	return entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && end &&
	       strcmp(end, ".log") == 0;
}

/* All but the newest few, as many as leave room for one more. */
static void remove_old(int dir, const char *path)
{
	struct dirent **entries = NULL;
	const int count = scandir(path, &entries, is_log, alphasort);

	for (int i = 0; i < count; i++) {
		if (i + LOGS_KEPT <= count)
			(void)unlinkat(dir, entries[i]->d_name, 0);
		free(entries[i]);
	}
	free((void *)entries);
}

static int write_log(int dir, const char *name, int log)
{
	auto_close int file = openat(
		dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (file < 0)
		return -1;
	if (copy_part(log, 0, LOG_BYTES, file) == 0)
		return 0;
	(void)unlinkat(dir, name, 0);
	return -1;
}

/* The name is of more use than what else may help: of both what fits. */
static void tell_place(const char *path, const char *name, struct error *err)
{
	char hint[sizeof(err->hint)];

	memcpy(hint, err->hint, sizeof(hint));
	if (*hint && strlen(hint) + strlen(path) + strlen(name) + 24 < sizeof(err->hint))
		(void)error_hint(err, "%s; runsc's log: %s/%s", hint, path, name);
	else
		(void)error_hint(err, "runsc's log: %s/%s", path, name);
}

void gvisor_log_keep(int log, struct error *err)
{
	struct arena arena = { 0 };
	auto_close int dir = -1;
	const char *path = NULL;
	struct error ignored;
	struct stat status;
	char name[64];

	/* A command that cannot be started is no failure of runsc's. */
	if (error_status(err) != 125 || fstat(log, &status) < 0 ||
	    !S_ISREG(status.st_mode) || status.st_size == 0)
		return;
	make_name(name, sizeof(name));
	if (state_home_open("runsc-logs", true, &arena, &dir, &path, &ignored) == 0) {
		remove_old(dir, path);
		if (write_log(dir, name, log) == 0)
			tell_place(path, name, err);
	}
	arena_free(&arena);
}
