/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a program could not be executed. execve(2) answers ENOENT for a missing interpreter
 * and EACCES for four different things, so the file is looked at again.
 */
#include "launcher/child.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/program.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int refuse(struct error *err, int status, int errnum)
{
	err->status = status;
	err->errnum = errnum;
	err->id = status == 127 ? ERROR_COMMAND_NOT_FOUND : ERROR_COMMAND_NOT_EXECUTABLE;
	return -1;
}

static int read_program(const char *path, struct program *ret_program)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -1 : program_read(fd, ret_program);
}

bool exec_is_for_shell(const char *path)
{
	struct program program;

	return read_program(path, &program) == 0 && program.kind == PROGRAM_OTHER;
}

/* ---- what it leads to -------------------------------------------------------------------- */

void own_file_note(const char *path, struct own_file *own_file)
{
	if (files_identify(path, &own_file->identity) < 0)
		own_file->identity = (struct files_identity){ 0 };
}

/* What stands at path; one that cannot be told from it, where that matters, is it too. */
enum found { FOUND_NOTHING, FOUND_OWN, FOUND_PROGRAM };

static enum found look_at(const char *path, const struct own_file *own,
			  struct program *ret_program)
{
	struct files_identity identity;
	auto_close int fd = -1;

	if (files_identify(path, &identity) < 0)
		return FOUND_NOTHING;
	if (files_identical(&identity, &own->identity))
		return FOUND_OWN;
	if (!S_ISREG(identity.mode))
		return FOUND_NOTHING;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && program_read(fd, ret_program) == 0)
		return FOUND_PROGRAM;
	return own->strict ? FOUND_OWN : FOUND_NOTHING;
}

/* As the kernel goes on from path; *ret_for_shell: it takes what is there for nothing. */
static bool leads_to(const char *path, const struct own_file *own, bool *ret_for_shell)
{
	struct files_identity loader;
	struct program program;

	*ret_for_shell = false;
	for (int scripts = 0; scripts <= PROGRAM_SCRIPTS_MAX; scripts++) {
		enum found found = look_at(path, own, &program);

		if (found != FOUND_PROGRAM)
			return found == FOUND_OWN;
		if (program.kind == PROGRAM_ELF)
			return program.interpreter[0] &&
			       files_identify(program.interpreter, &loader) == 0 &&
			       files_identical(&loader, &own->identity);
		*ret_for_shell = scripts == 0 && program.kind == PROGRAM_OTHER;
		if (program.kind != PROGRAM_SCRIPT)
			return false;
		path = program.interpreter;
	}
	return false;
}

bool exec_leads_to(const char *path, const char *shell, const struct own_file *own)
{
	bool for_shell;

	if (leads_to(path, own, &for_shell))
		return true;
	return for_shell && leads_to(shell, own, &for_shell);
}

/* ---- why it cannot be executed ----------------------------------------------------------- */

/* The last script of a chain names what is missing. */
static bool find_missing(const char *path, char file[static PATH_MAX],
			 struct program *program)
{
	(void)text_copy(file, PATH_MAX, path);
	for (int scripts = 0; scripts <= PROGRAM_SCRIPTS_MAX; scripts++) {
		if (read_program(file, program) < 0 || !program->interpreter[0])
			return false;
		if (access(program->interpreter, F_OK) < 0)
			return true;
		if (program->kind != PROGRAM_SCRIPT)
			return false;
		memcpy(file, program->interpreter, sizeof(program->interpreter));
	}
	return false;
}

static int explain_missing(const char *path, int errnum, struct error *err)
{
	char file[PATH_MAX];
	struct program program;

	if (access(path, F_OK) < 0) {
		error_set(err, ERROR_PLAIN, "start %s", path);
		return refuse(err, 127, errnum);
	}
	if (find_missing(path, file, &program))
		program_refuse_interpreter(&program, path, file, err);
	else
		error_set(err, ERROR_PLAIN, "start %s: its interpreter is missing", path);
	return refuse(err, 126, errnum);
}

static int explain_format(const char *path, int errnum, struct error *err)
{
	struct program program;

	if (read_program(path, &program) < 0)
		program.kind = PROGRAM_OTHER;
	if (program.kind == PROGRAM_CUT_SCRIPT)
		error_set(err, ERROR_PLAIN,
			  "start %s: its first line is longer than the kernel reads",
			  path);
	else if (program_is_foreign(&program))
		error_set(err, ERROR_PLAIN, "start %s: it is made for other machines",
			  path);
	else
		error_set(err, ERROR_PLAIN, "start %s", path);
	return refuse(err, 126, errnum);
}

/* The first directory on the way that may not be searched. */
static bool find_closed_parent(const char *path, char *closed, size_t size)
{
	for (size_t i = 1; path[i]; i++) {
		if (path[i] != '/' || i >= size)
			continue;
		memcpy(closed, path, i);
		closed[i] = '\0';
		if (faccessat(AT_FDCWD, closed, X_OK, AT_EACCESS) < 0 && errno == EACCES)
			return true;
	}
	return false;
}

static int explain_denied(const char *path, int errnum, struct error *err)
{
	char closed[PATH_MAX];
	struct statvfs mount;
	struct stat status;

	if (find_closed_parent(path, closed, sizeof(closed)))
		error_set(err, ERROR_PLAIN, "start %s: %s may not be searched", path,
			  closed);
	else if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		error_set(err, ERROR_PLAIN, "start %s: it is a directory", path);
	else if (statvfs(path, &mount) == 0 && (mount.f_flag & ST_NOEXEC))
		error_set(err, ERROR_PLAIN, "start %s: it lies on a noexec mount", path);
	else if (access(path, X_OK) < 0)
		error_set(err, ERROR_PLAIN, "start %s: it is not executable", path);
	else
		error_set(err, ERROR_PLAIN, "start %s", path);
	return refuse(err, 126, errnum);
}

int exec_explain(const char *path, int errnum, struct error *err)
{
	if (errnum == ENOENT || errnum == ENOTDIR)
		return explain_missing(path, errnum, err);
	if (errnum == EACCES || errnum == EPERM)
		return explain_denied(path, errnum, err);
	if (errnum == ENOEXEC)
		return explain_format(path, errnum, err);
	error_set(err, ERROR_PLAIN, "start %s", path);
	return refuse(err, 126, errnum);
}
