/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The label that a container's process gets by its exec: from AppArmor by
 * /proc/thread-self/attr/apparmor/exec (attr/exec before 5.8), from SELinux by attr/exec.
 * A file that only looks like that would leave the process without its label and nobody the
 * wiser: the directory is the caller's own, of procfs, and what was written is read back.
 */
#include "policy/policy.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ATTRIBUTES "thread-self/attr"

enum { LABEL_MAX = 4096 };

static const struct module {
	const char *name, *what, *option;
	bool built_in;
} modules[] = {
	[LABEL_APPARMOR] = { "AppArmor", "AppArmor profile", "apparmor", SBX_APPARMOR },
	[LABEL_SELINUX] = { "SELinux", "SELinux label", "selinux", SBX_SELINUX },
};

/* ---- what there is ----------------------------------------------------------------------- */

bool labels_built_in(enum label_module module)
{
	return modules[module].built_in;
}

static bool begins(const char *path, const char *text)
{
	char buffer[64] = "";
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, buffer, sizeof(buffer) - 1) > 0 &&
	       strncmp(buffer, text, strlen(text)) == 0;
}

/* Its file system is there exactly while the kernel runs with it. */
static bool has_selinux(void)
{
	char text[4096];

	return access("/sys/fs/selinux/enforce", F_OK) == 0 ||
	       (files_read(AT_FDCWD, "/proc/filesystems", text, sizeof(text) - 1) > 0 &&
		strstr(text, "\tselinuxfs\n"));
}

bool labels_enabled(enum label_module module)
{
	if (!modules[module].built_in)
		return false;
	return module == LABEL_APPARMOR
		       ? begins("/sys/module/apparmor/parameters/enabled", "Y")
		       : has_selinux();
}

static int check_one(enum label_module which, const char *label, struct error *err)
{
	const struct module *module = &modules[which];

	if (!label || !*label || labels_enabled(which))
		return 0;
	if (!module->built_in) {
		error_set(err, ERROR_LABEL, "use the %s %s: built without %s",
			  module->what, label, module->option);
		return error_hint(err, "a build with -D%s=enabled", module->option);
	}
	error_set(err, ERROR_LABEL, "use the %s %s: %s is not active in this kernel",
		  module->what, label, module->name);
	return error_hint(err,
			  "leave it out of the configuration, or boot with %s among "
			  "the modules of lsm=",
			  module->option);
}

/* Where nothing confines, "unconfined" is what one is. */
static const char *asked_profile(const struct label_spec *labels)
{
	const char *profile = labels->apparmor;

	return profile && strcmp(profile, "unconfined") == 0 &&
			       !labels_enabled(LABEL_APPARMOR)
		       ? NULL
		       : profile;
}

int labels_check(const struct label_spec *labels, struct error *err)
{
	if (check_one(LABEL_APPARMOR, asked_profile(labels), err) < 0 ||
	    check_one(LABEL_SELINUX, labels->selinux, err) < 0)
		return -1;
	return check_one(LABEL_SELINUX, labels->mount, err);
}

/* ---- how it is asked for ------------------------------------------------------------------ */

int labels_open(int proc, struct error *err)
{
	const char *path = proc == AT_FDCWD ? "/proc/" ATTRIBUTES : ATTRIBUTES;
	auto_close int attributes = openat(proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs status;

	if (attributes < 0 || fstatfs(attributes, &status) < 0)
		return error_errno_id(err, ERROR_LABEL, "find `/proc/" ATTRIBUTES "`");
	if (status.f_type != PROC_SUPER_MAGIC)
		return error_set(err, ERROR_LABEL,
				 "trust `/proc/" ATTRIBUTES "`: it is not of procfs");
	return fd_take(&attributes);
}

/* An errno of the write, in words: the kernel's own are about files. */
static int refuse(const struct module *module, const char *file, const char *label,
		  struct error *err)
{
	const int errnum = errno;

	error_set(err, ERROR_LABEL, "write `/proc/" ATTRIBUTES "/%s`: %s the %s %s", file,
		  errnum == ENOENT   ? "nobody loaded"
		  : errnum == EINVAL ? "the kernel does not know"
				     : "the present label does not allow a change to",
		  module->what, label);
	err->errnum = errnum;
	err->explained = true;
	return -1;
}

static int write_label(int attributes, const char *file, const char *text,
		       const char *label, const struct module *module, struct error *err)
{
	const size_t length = strlen(text);
	char back[LABEL_MAX + 32];
	ssize_t found;
	auto_close int fd = openat(attributes, file, O_RDWR | O_CLOEXEC);

	if (fd < 0 || write(fd, text, length) != (ssize_t)length)
		return refuse(module, file, label, err);
	found = pread(fd, back, sizeof(back) - 1, 0);
	back[found > 0 ? found : 0] = '\0';
	if (strncmp(back, label, strlen(label)) != 0)
		return error_set(err, ERROR_LABEL,
				 "use the %s %s: the kernel did not keep it",
				 module->what, label);
	return 0;
}

static int apply_profile(int attributes, const char *profile, struct error *err)
{
	const char *file = faccessat(attributes, "apparmor/exec", F_OK, 0) == 0
				   ? "apparmor/exec"
				   : "exec";
	char text[LABEL_MAX];

	if (snprintf(text, sizeof(text), "exec %s", profile) >= (int)sizeof(text))
		return error_set(err, ERROR_LABEL,
				 "use an AppArmor profile with a name this long");
	return write_label(attributes, file, text, profile, &modules[LABEL_APPARMOR],
			   err);
}

bool labels_are_asked(const struct label_spec *labels)
{
	const char *profile = asked_profile(labels);

	return (profile && *profile) || (labels->selinux && *labels->selinux);
}

int labels_apply(int attributes, const struct label_spec *labels, struct error *err)
{
	const char *profile = asked_profile(labels);

	if (profile && *profile && apply_profile(attributes, profile, err) < 0)
		return -1;
	if (!labels->selinux || !*labels->selinux)
		return 0;
	return write_label(attributes, "exec", labels->selinux, labels->selinux,
			   &modules[LABEL_SELINUX], err);
}
