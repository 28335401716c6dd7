/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx run -d`: the launcher goes on in a session of its own. */
#include "launcher/run.h"

#include "base/error.h"
#include "base/fd.h"
#include "launcher/report.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int replace_stream(int stream, const char *path, int flags, struct error *err)
{
	auto_close int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0 || dup2(fd, stream) < 0)
		return error_errno(err, "open %s", path);
	return 0;
}

static int replace_streams(const struct plan *plan, struct error *err)
{
	const char *log = plan->life.log;

	if (log && strcmp(log, "-") == 0)
		return 0;
	if (replace_stream(1, log ? log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND,
			   err) < 0)
		return -1;
	if (dup2(1, 2) < 0)
		return error_errno(err, "open the log");
	return 0;
}

/* The process that stays: it is the launcher of the sandbox from here on. */
static _Noreturn void stay(struct run *run, const struct caller_text *caller,
			   int announce)
{
	struct error err = { 0 };

	run->announce = announce;
	if (setsid() < 0)
		error_errno(&err, "make a session");
	else if (replace_streams(run->plan, &err) == 0)
		_exit(run_to_end(run, caller));
	(void)fd_write_all(announce, &err, sizeof(err));
	_exit(125);
}

/*
 * The caller's child waits until the command runs or has failed. "started" carries no
 * error; an end of file without a word is a launcher that died.
 */
int run_detached(struct run *run, const struct caller_text *caller)
{
	const bool json = run->plan->life.log_format == LOG_JSON;
	struct error err = { 0 };
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		error_errno(&err, "make a pipe");
		report_error(&err, json);
		return 125;
	}
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		stay(run, caller, ends[1]);
	}
	close(ends[1]);
	if (pid < 0)
		error_errno(&err, "make a process");
	else if (fd_read_all(ends[0], &err, sizeof(err)) != sizeof(err))
		error_set(&err, ERROR_PLAIN, "detach: the launcher was killed");
	close(ends[0]);
	if (err.text[0] == '\0')
		return 0;
	report_error(&err, json);
	return error_status(&err);
}
