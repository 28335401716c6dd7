/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the command can be started: where execvp(3) would find it inside, its execute
 * permission, and the interpreter that a `#!` line or an ELF header names. What only the
 * sandbox itself can tell is left to it.
 */
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "plan/internal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	HEAD_SIZE = 4096,
	SCRIPTS_MAX = 4, /* the kernel follows that many `#!` lines */
};

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

struct head {
	char bytes[HEAD_SIZE + 1];
	size_t length;
};

static int read_head(const char *host, struct head *head)
{
	auto_close int fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t count;

	if (fd < 0)
		return -1;
	count = fd_read_all(fd, head->bytes, HEAD_SIZE);
	if (count < 0)
		return -1;
	head->length = (size_t)count;
	head->bytes[count] = '\0';
	return 0;
}

/* The path behind "#!", ended with NUL in place, or NULL. */
static const char *script_interpreter(struct head *head)
{
	char *path = head->bytes + 2;

	if (head->bytes[0] != '#' || head->bytes[1] != '!')
		return NULL;
	path += strspn(path, " \t");
	path[strcspn(path, " \t\n")] = '\0';
	return *path ? path : NULL;
}

static const char *text_at(const struct head *head, uint64_t offset, uint64_t size)
{
	if (size < 2 || offset >= head->length || size > head->length - offset ||
	    head->bytes[offset + size - 1] != '\0')
		return NULL;
	return head->bytes + offset;
}

static const char *elf64_interpreter(const struct head *head)
{
	Elf64_Ehdr file;
	Elf64_Phdr segment;

	if (head->length < sizeof(file))
		return NULL;
	memcpy(&file, head->bytes, sizeof(file));
	for (size_t i = 0; i < file.e_phnum; i++) {
		size_t at = i * sizeof(segment);

		if (file.e_phoff > head->length ||
		    head->length - file.e_phoff < at + sizeof(segment))
			return NULL;
		memcpy(&segment, head->bytes + file.e_phoff + at, sizeof(segment));
		if (segment.p_type == PT_INTERP)
			return text_at(head, segment.p_offset, segment.p_filesz);
	}
	return NULL;
}

static const char *elf32_interpreter(const struct head *head)
{
	Elf32_Ehdr file;
	Elf32_Phdr segment;

	if (head->length < sizeof(file))
		return NULL;
	memcpy(&file, head->bytes, sizeof(file));
	for (size_t i = 0; i < file.e_phnum; i++) {
		size_t at = i * sizeof(segment);

		if (file.e_phoff > head->length ||
		    head->length - file.e_phoff < at + sizeof(segment))
			return NULL;
		memcpy(&segment, head->bytes + file.e_phoff + at, sizeof(segment));
		if (segment.p_type == PT_INTERP)
			return text_at(head, segment.p_offset, segment.p_filesz);
	}
	return NULL;
}

static const char *elf_interpreter(const struct head *head)
{
	const uint16_t one = 1;
	unsigned char order = *(const unsigned char *)&one ? ELFDATA2LSB : ELFDATA2MSB;

	if (head->length < EI_NIDENT || memcmp(head->bytes, ELFMAG, SELFMAG) != 0 ||
	    (unsigned char)head->bytes[EI_DATA] != order)
		return NULL;
	return head->bytes[EI_CLASS] == ELFCLASS64 ? elf64_interpreter(head)
						   : elf32_interpreter(head);
}

static int refuse_interpreter(const char *name, const char *interpreter,
			      struct error *err)
{
	size_t length = strlen(interpreter);
	char shown[200];

	if (interpreter[length - 1] == '\r') {
		refuse(err, 126, name, "its first line ends in a carriage return");
		return error_hint(err, "sed -i 's/\\r$//' %s", name);
	}
	text_printable(shown, sizeof(shown), interpreter);
	error_set(err, ERROR_COMMAND_NOT_EXECUTABLE,
		  "start %.80s: its interpreter %.100s is missing", name, shown);
	err->status = 126;
	return -1;
}

/* A script's interpreter may have one itself, an ELF file's is loaded as it is. */
static const char *find_interpreter(struct head *head, bool *ret_script)
{
	const char *interpreter = script_interpreter(head);

	*ret_script = interpreter != NULL;
	return interpreter ? interpreter : elf_interpreter(head);
}

/* host is the file, and is used up. */
static int check_file(const struct plan *plan, const char *name, char *host, int depth,
		      struct error *err)
{
	const char *objection = find_objection(plan, host), *interpreter;
	struct head head;
	bool script;

	if (objection)
		return refuse(err, 126, name, objection);
	if (depth >= SCRIPTS_MAX || read_head(host, &head) < 0)
		return 0;
	interpreter = find_interpreter(&head, &script);
	if (!interpreter || interpreter[0] != '/')
		return 0;
	switch (inside_find(plan, interpreter, host)) {
	case INSIDE_FOUND:
		return script ? check_file(plan, interpreter, host, depth + 1, err) : 0;
	case INSIDE_MISSING:
		return inside_is_certain(plan)
			       ? refuse_interpreter(name, interpreter, err)
			       : 0;
	case INSIDE_MADE:
	case INSIDE_UNKNOWN:
		break;
	}
	return 0;
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
		return check_file(plan, name, host, 0, err);
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
	if (find_objection(plan, host)) {
		*ret_refused = true;
		refuse(err, 126, path, find_objection(plan, host));
		return SEARCH_GOES_ON;
	}
	return check_file(plan, name, host, 0, err);
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

/* Whether a program, and the loader that it names, seem to be there. Scripts: never. */
static bool seems_whole(const struct plan *plan, char *host)
{
	const char *interpreter;
	struct head head;

	if (read_head(host, &head) < 0 || script_interpreter(&head))
		return false;
	interpreter = elf_interpreter(&head);
	return !interpreter || (inside_locate(plan, interpreter, host) == INSIDE_FOUND &&
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
