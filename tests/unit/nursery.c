/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/nursery.h"

#include "base/files.h"
#include "base/syscalls.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { FAILED = 1, NO_NAMESPACE = 2, TIME_LIMIT = 30, TEXT_MAX = 4096 };

static int complaints = -1;

void expect(bool claim, const char *format, ...)
{
	va_list args;

	if (claim)
		return;
	va_start(args, format);
	vdprintf(complaints, format, args);
	va_end(args);
	_exit(FAILED);
}

const char *expect_text(const char *path)
{
	static char text[TEXT_MAX + 1];
	ssize_t length = files_read(AT_FDCWD, path, text, TEXT_MAX);

	expect(length >= 0, "cannot read %s: %s", path, strerror(errno));
	if (length > 0 && text[length - 1] == '\n')
		text[length - 1] = '\0';
	return text;
}

static bool write_map(const char *path, unsigned int own)
{
	char text[32];

	snprintf(text, sizeof(text), "0 %u 1\n", own);
	return files_write(AT_FDCWD, path, text) == 0;
}

static _Noreturn void live(uint64_t flags, void (*play)(const void *context),
			   const void *context)
{
	const unsigned int uid = geteuid();
	const unsigned int gid = getegid();
	pid_t child;
	int status;

	alarm(TIME_LIMIT);
	if (unshare((int)(flags | CLONE_NEWUSER)) < 0 ||
	    files_write(AT_FDCWD, "/proc/self/setgroups", "deny") < 0 ||
	    !write_map("/proc/self/uid_map", uid) ||
	    !write_map("/proc/self/gid_map", gid)) {
		dprintf(complaints, "%s", strerror(errno));
		_exit(NO_NAMESPACE);
	}
	/* A new pid namespace begins with the next child. */
	child = fork();
	if (child == 0) {
		play(context);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		_exit(FAILED);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : FAILED);
}

void nursery_run(uint64_t flags, void (*play)(const void *context), const void *context)
{
	char text[1024] = "";
	int ends[2];
	int status;
	pid_t child;
	ssize_t length;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fflush(NULL);
	complaints = ends[1];
	child = fork();
	if (child == 0)
		live(flags, play, context);
	close(ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	length = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	text[length > 0 ? length : 0] = '\0';
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE) {
		print_message("no user namespaces here: %s\n", text);
		skip();
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("inside: %s (wait status %#x)", text, (unsigned int)status);
}
