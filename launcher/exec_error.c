/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a program could not be executed. execve(2) answers ENOENT for a missing interpreter
 * and EACCES for four different things, so the file is looked at again.
 */
#include "launcher/child.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

#include <elf.h>
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

/* The interpreter that a script's first line names; a carriage return is part of it. */
static bool script_interpreter(const char *head, char *interpreter, size_t size)
{
	size_t start, length;

	if (head[0] != '#' || head[1] != '!')
		return false;
	start = 2 + strspn(head + 2, " \t");
	length = strcspn(head + start, " \t\n");
	if (length == 0 || length >= size)
		return false;
	memcpy(interpreter, head + start, length);
	interpreter[length] = '\0';
	return true;
}

/* The loader that a 64-bit ELF file of this byte order names. */
static bool elf_interpreter(int fd, char *interpreter, size_t size)
{
	Elf64_Ehdr header;
	Elf64_Phdr entry;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64)
		return false;
	/* The kernel takes no more than 64 KiB of them (elf(5)). */
	for (unsigned int i = 0; i < header.e_phnum && i < 65536 / sizeof(entry); i++) {
		off_t at = (off_t)(header.e_phoff + (Elf64_Off)i * sizeof(entry));

		if (pread(fd, &entry, sizeof(entry), at) != sizeof(entry))
			return false;
		if (entry.p_type != PT_INTERP)
			continue;
		if (entry.p_filesz == 0 || entry.p_filesz > size)
			return false;
		if (pread(fd, interpreter, entry.p_filesz, (off_t)entry.p_offset) !=
		    (ssize_t)entry.p_filesz)
			return false;
		interpreter[entry.p_filesz - 1] = '\0';
		return true;
	}
	return false;
}

static bool find_interpreter(const char *path, char *interpreter, size_t size)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char head[256] = "";

	if (fd < 0 || pread(fd, head, sizeof(head) - 1, 0) < 0)
		return false;
	return script_interpreter(head, interpreter, size) ||
	       elf_interpreter(fd, interpreter, size);
}

void own_file_note(const char *path, struct own_file *own_file)
{
	if (stat(path, &own_file->status) < 0)
		own_file->status = (struct stat){ 0 };
	own_file->has_mount = files_mount_id(path, &own_file->mount) == 0;
}

static bool is_own_file(const char *path, const struct stat *status,
			const struct own_file *own)
{
	uint64_t mount;

	if (!files_same(status, &own->status))
		return false;
	return !own->has_mount || files_mount_id(path, &mount) < 0 || mount == own->mount;
}

bool exec_leads_to(const char *path, const struct own_file *own)
{
	enum {
		INTERPRETERS_MAX = 5 /* the kernel follows four */
	};
	char names[2][PATH_MAX];
	struct stat status;

	for (int i = 0; i < INTERPRETERS_MAX; i++) {
		if (stat(path, &status) < 0)
			return false;
		if (is_own_file(path, &status, own))
			return true;
		if (own->strict && S_ISREG(status.st_mode) &&
		    faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0)
			return true;
		if (!find_interpreter(path, names[i % 2], sizeof(names[0])))
			return false;
		path = names[i % 2];
	}
	return false;
}

static int explain_missing(const char *path, int errnum, struct error *err)
{
	char interpreter[PATH_MAX];
	struct stat status;

	if (stat(path, &status) < 0) {
		error_set(err, ERROR_PLAIN, "start %s", path);
		return refuse(err, 127, errnum);
	}
	if (find_interpreter(path, interpreter, sizeof(interpreter)))
		error_set(err, ERROR_PLAIN, "start %s: its interpreter %s is missing",
			  path, interpreter);
	else
		error_set(err, ERROR_PLAIN, "start %s: its interpreter is missing", path);
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
	error_set(err, ERROR_PLAIN, "start %s", path);
	return refuse(err, 126, errnum);
}
