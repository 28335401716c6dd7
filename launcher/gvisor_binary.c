/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file is runsc. Whatever it is, it gets the caller's own rights before it has given them
 * up: it has to be a program for this machine, where nobody but root and the caller could put
 * another one, and the one that the pin names where there is a pin.
 */
#include "launcher/gvisor.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/program.h"
#include "base/text.h"
#include "image/image.h"
#include "launcher/gvisor_known.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- where it is ----------------------------------------------------------------------- */

static int refuse_missing(struct error *err)
{
	error_set(err, ERROR_RUNSC_MISSING,
		  "create gvisor runtime: runsc binary not found in PATH");
	return error_hint(err, "Debian has it in the package runsc, gvisor.dev for all "
			       "others; --runsc FILE names one elsewhere");
}

/* As execvp(3) looks, but what is relative does not count: it is a folder of anybody's. */
static int find_in_path(char ret_path[PATH_MAX], struct error *err)
{
	const char *at = getenv("PATH");
	char path[PATH_MAX];
	bool is_there = false;

	while (at && *at) {
		const size_t length = strcspn(at, ":");
		struct stat status;

		if (*at == '/' && length + sizeof("/runsc") <= sizeof(path)) {
			snprintf(path, sizeof(path), "%.*s/runsc", (int)length, at);
			if (stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
				text_copy(ret_path, PATH_MAX, path);
				is_there = true;
				if (access(path, X_OK) == 0)
					return 0;
			}
		}
		at += length + (at[length] == ':');
	}
	return is_there ? 0 : refuse_missing(err);
}

static int find_path(const struct runtime_spec *spec, char ret_path[PATH_MAX],
		     struct error *err)
{
	if (!spec->runsc)
		return find_in_path(ret_path, err);
	if (text_copy(ret_path, PATH_MAX, spec->runsc) == 0)
		return 0;
	return error_set(err, ERROR_RUNSC_MISSING, "use so long a path as runsc");
}

/* ---- what it is ------------------------------------------------------------------------ */

static const char *machine_name(unsigned int machine)
{
	static const struct {
		unsigned int machine;
		const char *name;
	} names[] = {
		{ EM_X86_64, "x86_64" }, { EM_AARCH64, "aarch64" }, { EM_ARM, "arm" },
		{ EM_386, "i386" },      { EM_RISCV, "riscv64" },   { EM_PPC64, "ppc64" },
		{ EM_S390, "s390x" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].machine == machine)
			return names[i].name;
	}
	return "another machine";
}

static int refuse_foreign(const char *path, const struct program *program,
			  struct error *err)
{
	struct utsname name;

	if (uname(&name) < 0)
		return error_errno(err, "tell which machine this is");
	error_set(err, ERROR_RUNSC_ARCHITECTURE,
		  "use %s as runsc: it is for %s, and this machine is %s", path,
		  machine_name(program->machine), name.machine);
	return error_hint(err, "the runsc for %s is needed", name.machine);
}

/* A server that has no such file sends a page instead, and that is what was stored. */
static int refuse_other(int fd, const char *path, struct error *err)
{
	char begin[64] = "";
	const ssize_t length = pread(fd, begin, sizeof(begin) - 1, 0);
	const bool is_page = length > 0 && begin[strspn(begin, " \t\r\n")] == '<';

	error_set(err, ERROR_RUNSC_NOT_EXECUTABLE, "use %s as runsc: it is %s", path,
		  length == 0 ? "empty"
		  : is_page
			  ? "no program but a page of text, as servers send for an error"
			  : "no whole program");
	return error_hint(err, "download it again, and compare its SHA-512: "
			       "sbx image verify FILE --sha512 SUMFILE");
}

static int check_program(int fd, const char *path, struct error *err)
{
	struct program program;
	bool is_whole;

	if (program_read(fd, &program) < 0)
		return error_errno_id(err, ERROR_RUNSC_NOT_EXECUTABLE, "read %s", path);
	if (program.kind == PROGRAM_SCRIPT)
		return 0;
	is_whole = program.kind == PROGRAM_ELF;
	if (program.kind == PROGRAM_UNKNOWN)
		program.kind = PROGRAM_ELF;
	if (program_is_foreign(&program))
		return refuse_foreign(path, &program, err);
	return is_whole ? 0 : refuse_other(fd, path, err);
}

static int open_program(const char *path, struct stat *ret_status, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		error_errno_id(err, ERROR_RUNSC_MISSING, "use %s as runsc", path);
		return error_hint(err, "--runsc FILE names it");
	}
	if (fd < 0 || fstat(fd, ret_status) < 0)
		return error_errno_id(err, ERROR_RUNSC_NOT_EXECUTABLE, "use %s as runsc",
				      path);
	if (!S_ISREG(ret_status->st_mode))
		return error_set(err, ERROR_RUNSC_NOT_EXECUTABLE,
				 "use %s as runsc: it is no file", path);
	if (check_program(fd, path, err) < 0)
		return -1;
	if (access(path, X_OK) < 0) {
		error_errno_id(err, ERROR_RUNSC_NOT_EXECUTABLE,
			       "use %s as runsc: it is not executable", path);
		return error_hint(err, "chmod +x %s", path);
	}
	return fd_take(&fd);
}

/* ---- who may change it ------------------------------------------------------------------- */

/* "INSIDE OUTSIDE COUNT" on each line (user_namespaces(7)). */
static bool is_root_mapped(void)
{
	char text[4096];
	const char *line = text;

	if (files_read(AT_FDCWD, "/proc/self/uid_map", text, sizeof(text) - 1) <= 0)
		return true;
	while (*line) {
		char *outside;

		(void)strtoul(line, &outside, 10);
		if (strtoul(outside, NULL, 10) == 0)
			return true;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return false;
}

/* In a container root's files belong to nobody, where the root outside has no id inside. */
static bool is_ours(const struct stat *status)
{
	return status->st_uid == 0 || status->st_uid == geteuid() ||
	       (status->st_uid == GVISOR_NOBODY && !is_root_mapped());
}

/* Many users have a group of their own, and a umask that lets it write. */
static bool is_group_ours(const struct stat *status)
{
	return status->st_gid == 0 ||
	       (status->st_uid == geteuid() && status->st_gid == getegid());
}

/* sticky: others may add names there, and that does no harm. */
bool gvisor_others_may_write(const struct stat *status, bool sticky)
{
	if (!is_ours(status))
		return true;
	if (S_ISLNK(status->st_mode))
		return false;
	if (sticky && S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX))
		return false;
	return (status->st_mode & S_IWOTH) ||
	       ((status->st_mode & S_IWGRP) && !is_group_ours(status));
}

/* Also every folder above it: who may rename one there may put another in its place. */
int gvisor_check_owners(const char *path, enum error_id id, const char *what,
			struct error *err)
{
	char at[PATH_MAX + NAME_MAX];
	int depth = 0;

	for (text_copy(at, sizeof(at), path);; depth++) {
		char *slash = strrchr(at, '/');
		struct stat status;

		if (lstat(at[0] ? at : "/", &status) < 0)
			return error_errno_id(err, ERROR_RUNSC_NOT_EXECUTABLE,
					      "look at %s", at);
		if (gvisor_others_may_write(&status, depth > 1)) {
			error_set(err, id, "use %s%s: others may change %s", path, what,
				  at[0] ? at : "/");
			return error_hint(err,
					  "chmod go-w %s, if it is for you alone; or "
					  "put it into another directory",
					  at[0] ? at : "/");
		}
		if (!slash)
			return 0;
		*slash = '\0';
	}
}

/* A link may be changed by whoever may change its folder. */
static int check_link(const char *named, const char *path, struct error *err)
{
	const char *name = strrchr(named, '/');
	char folder[PATH_MAX], real[PATH_MAX], link[PATH_MAX + NAME_MAX];

	if (strcmp(named, path) == 0)
		return 0;
	snprintf(folder, sizeof(folder), "%.*s/", (int)(name - named), named);
	if (!realpath(folder, real))
		return error_errno_id(err, ERROR_RUNSC_MISSING, "find %s", folder);
	snprintf(link, sizeof(link), "%s%.*s", real, NAME_MAX, name);
	return gvisor_check_owners(link, ERROR_RUNSC_NOT_EXECUTABLE, " as runsc", err);
}

/* ---- all of it ------------------------------------------------------------------------- */

static bool has_companions(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX + sizeof("/gvisor-bin")];
	struct stat status;

	snprintf(folder, sizeof(folder), "%.*s/gvisor-bin", (int)(slash - path), path);
	return lstat(folder, &status) == 0;
}

/* What was opened, looked at and compared is what has this name now. */
static int identify(const struct stat *status, struct gvisor_binary *binary,
		    struct error *err)
{
	struct stat now;

	if (files_identify(binary->path, &binary->identity) < 0 ||
	    stat(binary->path, &now) < 0)
		return error_errno_id(err, ERROR_RUNSC_MISSING, "look at %s",
				      binary->path);
	if (!files_same(status, &now))
		return error_set(err, ERROR_RUNSC_CHECKSUM,
				 "use %s as runsc: it was just replaced", binary->path);
	return 0;
}

int gvisor_find(const struct runtime_spec *spec, struct gvisor_binary *ret_binary,
		struct error *err)
{
	struct gvisor_binary binary = { .date = 0 };
	char named[PATH_MAX];
	struct stat status;

	if (find_path(spec, named, err) < 0)
		return -1;
	if (!realpath(named, binary.path)) {
		error_errno_id(err, ERROR_RUNSC_MISSING, "use %s as runsc", named);
		return error_hint(err, "--runsc FILE names it");
	}
	auto_close int fd = open_program(binary.path, &status, err);

	if (fd < 0 ||
	    gvisor_check_owners(binary.path, ERROR_RUNSC_NOT_EXECUTABLE, " as runsc",
				err) < 0 ||
	    check_link(named, binary.path, err) < 0)
		return -1;
	binary.companions = has_companions(binary.path);
	if ((spec->pin && gvisor_pin_check(spec->pin, fd, &binary, err) < 0) ||
	    identify(&status, &binary, err) < 0)
		return -1;
	*ret_binary = binary;
	return 0;
}
