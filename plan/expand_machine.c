/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roots for another machine: an image says so, and of any other root the command's own file
 * does. Its programs run by qemu-user, or nothing is started.
 */
#include "base/error.h"
#include "base/fd.h"
#include "base/program.h"
#include "base/text.h"
#include "plan/internal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- the command's file ---- */

static bool read_inside(const struct plan *plan, const char *path,
			struct program *ret_program)
{
	char host[PATH_MAX];
	auto_close int fd = -1;

	if (inside_find(plan, path, host) != INSIDE_FOUND)
		return false;
	fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd >= 0 && program_read(fd, ret_program) == 0;
}

/* A name with a slash starts at the working directory, if it is not absolute. */
static bool read_named(const struct plan *plan, const char *name,
		       struct program *ret_program)
{
	char path[PATH_MAX];

	if (name[0] == '/')
		return read_inside(plan, name, ret_program);
	return snprintf(path, sizeof(path), "%s/%s", plan->process.cwd, name) <
		       (int)sizeof(path) &&
	       read_inside(plan, path, ret_program);
}

static const char *path_of(const struct process_spec *process)
{
	for (size_t i = 0; i < process->env_count; i++)
		if (text_starts_with(process->env[i], "PATH="))
			return process->env[i] + strlen("PATH=");
	return "";
}

static bool read_command(const struct plan *plan, const char *name,
			 struct program *ret_program)
{
	const char *path = path_of(&plan->process);
	char file[PATH_MAX];

	if (strchr(name, '/'))
		return read_named(plan, name, ret_program);
	while (*path) {
		const int length = (int)strcspn(path, ":");

		if (*path == '/' &&
		    snprintf(file, sizeof(file), "%.*s/%s", length, path, name) <
			    (int)sizeof(file) &&
		    read_inside(plan, file, ret_program))
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

/* The ELF file that the kernel starts for it in the end. Whatever is odd is left to others. */
static bool find_program(const struct plan *plan, struct program *ret_program)
{
	char interpreter[PATH_MAX];

	if (!plan->process.argc || !*plan->process.argv[0] ||
	    !read_command(plan, plan->process.argv[0], ret_program))
		return false;
	for (int i = 0; ret_program->kind == PROGRAM_SCRIPT; i++) {
		(void)text_copy(interpreter, sizeof(interpreter),
				ret_program->interpreter);
		if (i == PROGRAM_SCRIPTS_MAX ||
		    !read_named(plan, interpreter, ret_program))
			return false;
	}
	return ret_program->kind == PROGRAM_ELF;
}

/* ---- what becomes of it ---- */

static int refuse(const struct draft *draft, const char *wanted, const char *own,
		  struct error *err)
{
	const struct plan *plan = &draft->plan;
	const bool labelled = plan->image.operand && plan->image.config.architecture;
	const char *what = labelled ? plan->image.operand : plan->process.argv[0];

	error_set(err, ERROR_ARCHITECTURE,
		  "%s %.100s%s: unsupported architecture: %.40s (this machine: %s)",
		  labelled ? "use" : "start", what, labelled ? " as root" : "", wanted,
		  own);
	if (plan->runtime.kind == RUNTIME_RUNSC)
		return error_hint(err, "--runtime native: gVisor emulates no machine");
	if (!image_machine_of_arch(wanted))
		return -1;
	return error_hint(err, "as root: apt install qemu-user-static");
}

/* The registration lasts as long as somebody holds it, and that is the init. */
static int use_own(struct draft *draft, const char *machine, struct error *err)
{
	draft->plan.rootfs.machine = machine;
	if (!draft->plan.process.no_init)
		return 0;
	error_set(err, ERROR_ARCHITECTURE,
		  "use --no-init: the init keeps qemu at hand for programs for %s",
		  machine);
	return error_hint(err, "leave --no-init, or register qemu-user with the host's "
			       "binfmt_misc");
}

/* Both as images call them; NULL: this machine has no name there. */
static int arrange(struct draft *draft, const char *machine, const char *wanted,
		   const char *own, struct error *err)
{
	if (draft->plan.runtime.kind == RUNTIME_RUNSC)
		return refuse(draft, wanted, own, err);
	switch (machine ? binfmt_find(machine) : BINFMT_NONE) {
	case BINFMT_HOST:
		return 0;
	case BINFMT_OWN:
		return use_own(draft, machine, err);
	case BINFMT_NONE:
		break;
	}
	return refuse(draft, wanted, own, err);
}

/* The kernel runs these itself, where no filter stands in the way. */
static bool runs_natively(const struct plan *plan, const char *wanted, const char *own)
{
	return plan->runtime.kind == RUNTIME_NATIVE && !plan->policy.profile &&
	       strcmp(own, "amd64") == 0 && strcmp(wanted, "386") == 0;
}

static int expand_label(struct draft *draft, const char *wanted, const char *own,
			struct error *err)
{
	if (strcmp(own, wanted) == 0 || runs_natively(&draft->plan, wanted, own))
		return 0;
	return arrange(draft, image_machine_of_arch(wanted), wanted, own, err);
}

/* Whoever runs what has no name here is the host's matter. */
static int expand_program(struct draft *draft, const char *own, struct error *err)
{
	struct program program;
	const char *machine, *arch;

	if (!find_program(&draft->plan, &program) || !program_is_foreign(&program))
		return 0;
	machine = binfmt_machine(program.machine, program.bits);
	arch = machine ? image_arch_of_machine(machine) : NULL;
	return arch ? arrange(draft, machine, arch, own, err) : 0;
}

int expand_machine(struct draft *draft, struct error *err)
{
	const struct plan *plan = &draft->plan;
	struct utsname name;
	const char *own;

	if (plan->rootfs.kind == ROOT_HOST || uname(&name) < 0)
		return 0;
	own = image_arch_of_machine(name.machine);
	if (!own)
		return 0;
	if (plan->image.operand && plan->image.config.architecture)
		return expand_label(draft, plan->image.config.architecture, own, err);
	return expand_program(draft, own, err);
}
