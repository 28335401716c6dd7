/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the command can be started: where execvp(3) would find it inside, its execute
 * permission, and the interpreter that a `#!` line or an ELF header names. What only the
 * sandbox itself can tell is left to it.
 */
#include "base/error.h"
#include "base/fd.h"
#include "base/program.h"
#include "base/text.h"
#include "plan/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int refuse(struct error *err, int status, const char *name, const char *reason)
{
	error_set(err,
		  status == 127 ? ERROR_COMMAND_NOT_FOUND : ERROR_COMMAND_NOT_EXECUTABLE,
		  "start %.120s: %s", name, reason);
	err->status = status;
	return -1;
}

static bool is_on_noexec(const char *host)
{
	struct statvfs fs;

	return statvfs(host, &fs) == 0 && (fs.f_flag & ST_NOEXEC);
}

/* NULL: nothing speaks against executing the file. */
static const char *find_objection(const struct plan *plan, const char *host)
{
	struct stat st;

	if (stat(host, &st) < 0)
		return NULL;
	if (S_ISDIR(st.st_mode))
		return "it is a directory";
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	if (!(st.st_mode & 0111))
		return "it has no execute permission";
	if (access(host, X_OK) == 0)
		return NULL;
	if (is_on_noexec(host))
		return "its file system is mounted noexec";
	return plan->rootfs.kind == ROOT_HOST ? "permission denied" : NULL;
}

/* ---- interpreters ---- */

static int read_program(const char *host, struct program *ret_program)
{
	auto_close int fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -1 : program_read(fd, ret_program);
}

/*
 * Reads what may be executed; why not is asked only where that fails. NULL: nothing speaks
 * against it, though it may be that only its owner can read it.
 */
static const char *look_at(const struct plan *plan, const char *host,
			   struct program *ret_program)
{
	if (access(host, X_OK) == 0 && read_program(host, ret_program) == 0)
		return NULL;
	ret_program->kind = PROGRAM_OTHER;
	ret_program->interpreter[0] = '\0';
	return find_objection(plan, host);
}

/* Where the interpreter of a program lies inside; a relative one starts where it does. */
static enum inside_answer find_interpreter(const struct plan *plan,
					   const struct program *program, char *host)
{
	char path[PATH_MAX];

	if (!program->interpreter[0] || program_is_foreign(program))
		return INSIDE_UNKNOWN;
	if (program->interpreter[0] == '/')
		return inside_find(plan, program->interpreter, host);
	if (snprintf(path, sizeof(path), "%s/%s", plan->process.cwd,
		     program->interpreter) >= (int)sizeof(path))
		return INSIDE_UNKNOWN;
	return inside_find(plan, path, host);
}

/*
 * Follows the interpreters of name, which is `program`, as far as scripts lead. An ELF
 * file's loader is loaded as it is.
 */
static int check_interpreters(const struct plan *plan, const char *name,
			      struct program *program, struct error *err)
{
	char file[PATH_MAX], host[PATH_MAX];
	const char *objection;

	(void)text_copy(file, sizeof(file), name);
	for (int scripts = 0;; scripts++) {
		enum inside_answer answer;

		if (program->kind == PROGRAM_CUT_SCRIPT)
			return refuse(
				err, 126, file,
				"its first line is longer than the 256 bytes that the kernel reads");
		answer = find_interpreter(plan, program, host);
		if (answer == INSIDE_MISSING && inside_is_certain(plan))
			return program_refuse_interpreter(program, name, file, err);
		if (answer != INSIDE_FOUND || program->kind != PROGRAM_SCRIPT)
			return 0;
		if (scripts == PROGRAM_SCRIPTS_MAX)
			return refuse(
				err, 126, name,
				"its interpreters are scripts, one behind the other, "
				"more than the kernel follows");
		(void)text_copy(file, sizeof(file), program->interpreter);
		objection = look_at(plan, host, program);
		if (objection)
			return refuse(err, 126, file, objection);
	}
}

static int check_file(const struct plan *plan, const char *name, const char *host,
		      struct error *err)
{
	struct program program;
	const char *objection = look_at(plan, host, &program);

	return objection ? refuse(err, 126, name, objection)
			 : check_interpreters(plan, name, &program, err);
}

/* ---- where it is ---- */

static const char *path_of(const struct process_spec *process)
{
	for (size_t i = 0; i < process->env_count; i++) {
		if (text_starts_with(process->env[i], "PATH="))
			return process->env[i] + strlen("PATH=");
	}
	return NULL;
}

static int refuse_missing(const char *name, const char *where, int errnum,
			  struct error *err)
{
	char reason[200];

	if (errnum == EACCES) {
		path_explain("start", where, errnum, ERROR_COMMAND_NOT_EXECUTABLE, err);
		err->status = 126;
		return -1;
	}
	if (errnum == ENOENT && !strcmp(name, where))
		return refuse(err, 127, name, "it does not exist in the sandbox");
	if (errnum == ENOENT)
		snprintf(reason, sizeof(reason), "%.150s does not exist in the sandbox",
			 where);
	else
		snprintf(reason, sizeof(reason), "%.100s: %s", where, strerror(errnum));
	return refuse(err, errnum == ENOENT || errnum == ENOTDIR ? 127 : 126, name,
		      reason);
}

static int hint_at_hidden(const char *name, const char *host, struct error *err)
{
	if (access(host, X_OK) < 0)
		return -1;
	return error_hint(err, "%.80s is hidden in the sandbox: --ro %.120s shows it",
			  name, host);
}

static int check_named_path(const struct plan *plan, const char *name, struct error *err)
{
	char path[PATH_MAX], host[PATH_MAX];
	int errnum;

	if (snprintf(path, sizeof(path), "%s%s%s",
		     name[0] == '/' ? "" : plan->process.cwd, name[0] == '/' ? "" : "/",
		     name) >= (int)sizeof(path))
		return refuse(err, 126, name, "its path is too long");
	switch (inside_find(plan, path, host)) {
	case INSIDE_FOUND:
		return check_file(plan, name, host, err);
	case INSIDE_MADE:
		return refuse(err, 126, name, "it is a directory");
	case INSIDE_MISSING:
		break;
	case INSIDE_UNKNOWN:
		return 0;
	}
	errnum = errno;
	if (!inside_is_certain(plan))
		return 0;
	refuse_missing(name, host, errnum, err);
	return plan->rootfs.kind == ROOT_HOST ? hint_at_hidden(name, path, err) : -1;
}

/* The caller has it in PATH, in a directory that is not shown. */
static int refuse_unfound(const struct plan *plan, const char *name, struct error *err)
{
	const char *path = getenv("PATH");
	char host[PATH_MAX];

	refuse(err, 127, name, "not found in PATH");
	if (plan->rootfs.kind != ROOT_HOST)
		return -1;
	while (path && *path) {
		int length = (int)strcspn(path, ":");

		if (*path == '/' &&
		    snprintf(host, sizeof(host), "%.*s/%s", length, path, name) <
			    (int)sizeof(host) &&
		    access(host, X_OK) == 0)
			return error_hint(
				err,
				"it is %.100s outside: --ro it and name it by its path, or -e PATH",
				host);
		path += length + (path[length] == ':');
	}
	return -1;
}

enum { SEARCH_GOES_ON = 1 };

/* 0: found, or only the sandbox can tell; -1: found, but unusable for good. */
static int try_directory(const struct plan *plan, const char *dir, int length,
			 const char *name, bool *ret_refused, struct error *err)
{
	const char *cwd = plan->process.cwd;
	char path[PATH_MAX], host[PATH_MAX];
	struct program program;
	const char *objection;
	int size;

	if (length && *dir == '/')
		size = snprintf(path, sizeof(path), "%.*s/%s", length, dir, name);
	else
		size = snprintf(path, sizeof(path), "%s/%.*s/%s", cwd, length, dir, name);
	if (size >= (int)sizeof(path))
		return SEARCH_GOES_ON;
	switch (inside_find(plan, path, host)) {
	case INSIDE_FOUND:
		break;
	case INSIDE_UNKNOWN:
		return 0;
	case INSIDE_MADE:
	case INSIDE_MISSING:
		return SEARCH_GOES_ON;
	}
	objection = look_at(plan, host, &program);
	if (objection) {
		*ret_refused = true;
		refuse(err, 126, path, objection);
		return SEARCH_GOES_ON;
	}
	return check_interpreters(plan, name, &program, err);
}

static int search(const struct plan *plan, const char *name, struct error *err)
{
	const char *path = path_of(&plan->process);
	bool refused = false;

	if (!path)
		return 0;
	for (;;) {
		size_t length = strcspn(path, ":");
		int found = try_directory(plan, path, (int)length, name, &refused, err);

		if (found != SEARCH_GOES_ON)
			return found;
		if (!path[length])
			break;
		path += length + 1;
	}
	if (!inside_is_certain(plan))
		return 0;
	return refused ? -1 : refuse_unfound(plan, name, err);
}

/* ---- at a glance ---- */

/* Whether an ELF file, and the loader that it names, seem to be there. */
static bool seems_whole(const struct plan *plan, char *host)
{
	struct program program;

	if (read_program(host, &program) < 0 || program.kind != PROGRAM_ELF)
		return false;
	return !program.interpreter[0] ||
	       (inside_locate(plan, program.interpreter, host) == INSIDE_FOUND &&
		access(host, X_OK) == 0);
}

/*
 * The common case in few system calls: a program that stands in PATH. A yes may be wrong,
 * since links are not followed as they will be inside: execve(2) will tell. Anything else
 * is looked at again with care.
 */
static bool seems_startable(const struct plan *plan, const char *name)
{
	const char *path = path_of(&plan->process);
	char inside[PATH_MAX], host[PATH_MAX];

	while (path && *path == '/') {
		int length = (int)strcspn(path, ":");

		if (snprintf(inside, sizeof(inside), "%.*s/%s", length, path, name) >=
			    (int)sizeof(inside) ||
		    inside_locate(plan, inside, host) != INSIDE_FOUND)
			return false;
		if (access(host, X_OK) == 0)
			return seems_whole(plan, host);
		path += length + (path[length] == ':');
	}
	return false;
}

int check_command(const struct plan *plan, struct error *err)
{
	const char *name = plan->process.argc ? plan->process.argv[0] : NULL;

	if (!name) {
		error_set(err, ERROR_NO_COMMAND, "start: no command given");
		return error_hint(err, "%s", plan_usage());
	}
	if (!*name)
		return refuse(err, 127, "''", "the name is empty");
	if (strchr(name, '/'))
		return check_named_path(plan, name, err);
	return seems_startable(plan, name) ? 0 : search(plan, name, err);
}
