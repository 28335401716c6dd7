/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/execute.h"

#include "base/error.h"
#include "base/text.h"
#include "launcher/child.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the search ------------------------------------------------------------------------ */

const char *execution_search_path(const struct process_spec *process)
{
	for (const char *const *at = process->env; *at; at++)
		if (strncmp(*at, "PATH=", 5) == 0)
			return *at + 5;
	return "/usr/bin:/bin";
}

bool execution_next(const char **at, const char *name, char *path, size_t size)
{
	while (*at) {
		const char *start = *at + (**at == ':');
		size_t length = strcspn(start, ":");
		int written = snprintf(path, size, "%.*s/%s", length ? (int)length : 1,
				       length ? start : ".", name);

		*at = strchr(start, ':');
		if (written >= 0 && (size_t)written < size)
			return true;
	}
	return false;
}

/*
 * What execve(2) would say of the file alone: an errno, or 0 where it has to be tried. The
 * kernel asks the same of mount and mode here as there.
 */
static int look_for(const char *path)
{
	struct stat status;

	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? errno : 0;
	return stat(path, &status) == 0 && !S_ISREG(status.st_mode) ? EACCES : 0;
}

static int not_in_path(const char *name, struct error *err)
{
	error_set(err, ERROR_COMMAND_NOT_FOUND, "start %s: not found in PATH", name);
	err->status = 127;
	return -1;
}

static int search(struct execution *execution, struct error *err)
{
	const char *name = execution->process->argv[0];
	const char *at = execution_search_path(execution->process);
	char path[PATH_MAX], denied[PATH_MAX] = "";

	while (execution_next(&at, name, path, sizeof(path))) {
		const int errnum = look_for(path);

		if (errnum == EACCES)
			memcpy(denied, path, sizeof(denied));
		if (errnum)
			continue;
		memcpy(execution->path, path, sizeof(path));
		return 0;
	}
	return *denied ? exec_explain(denied, EACCES, err) : not_in_path(name, err);
}

static int find(struct execution *execution, struct error *err)
{
	const char *name = execution->process->argv[0];
	int errnum;

	if (!strchr(name, '/'))
		return search(execution, err);
	if (text_copy(execution->path, sizeof(execution->path), name) < 0)
		return exec_explain(name, ENAMETOOLONG, err);
	errnum = look_for(name);
	return errnum ? exec_explain(name, errnum, err) : 0;
}

/* ---- what a failure will need ------------------------------------------------------------ */

/* A file without any mark of a kind is a script of the shell, as for execvp(3). */
void execution_prepare_shell(struct execution *execution)
{
	const struct process_spec *process = execution->process;

	execution->shell_words[0] = NULL;
	if (process->argc + 2 > SHELL_WORDS_MAX || !exec_is_for_shell(execution->path))
		return;
	execution->shell_words[0] = "sh";
	execution->shell_words[1] = execution->path;
	for (size_t i = 1; i <= process->argc; i++)
		execution->shell_words[i + 1] = process->argv[i];
}

static void prepare_words(struct execution *execution)
{
	execution_prepare_shell(execution);
	(void)exec_explain(execution->path, ENOENT, &execution->missing);
	(void)exec_explain(execution->path, EACCES, &execution->denied);
	(void)exec_explain(execution->path, ENOEXEC, &execution->format);
	(void)exec_explain(execution->path, 0, &execution->other);
}

int execution_prepare(struct execution *execution, const struct process_spec *process,
		      const struct seccomp_filter *filter, struct error *err)
{
	execution->process = process;
	execution->filter = filter;
	if (find(execution, err) < 0)
		return -1;
	if (filter)
		prepare_words(execution);
	return 0;
}

/* ---- the execution ----------------------------------------------------------------------- */

static void try(const struct execution *execution, const char *path,
		const char *const *words)
{
	static const struct seccomp_filter none;

	(void)seccomp_keyed_call(execution->filter ? execution->filter : &none,
				 SYS_execve, (long)(uintptr_t)path,
				 (long)(uintptr_t)words,
				 (long)(uintptr_t)execution->process->env);
}

static int say_prepared(const struct execution *execution, int errnum, struct error *err)
{
	if (errnum == ENOENT || errnum == ENOTDIR)
		*err = execution->missing;
	else if (errnum == EACCES || errnum == EPERM)
		*err = execution->denied;
	else if (errnum == ENOEXEC)
		*err = execution->format;
	else
		*err = execution->other;
	err->errnum = errnum;
	return -1;
}

int execution_run(struct execution *execution, struct error *err)
{
	int errnum;

	try(execution, execution->path, execution->process->argv);
	errnum = errno;
	if (errnum == ENOEXEC && !execution->filter)
		execution_prepare_shell(execution);
	if (errnum == ENOEXEC && execution->shell_words[0])
		try(execution, _PATH_BSHELL, execution->shell_words);
	if (execution->filter)
		return say_prepared(execution, errnum, err);
	return exec_explain(execution->path, errnum, err);
}
