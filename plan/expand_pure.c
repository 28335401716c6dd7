/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --pure: what the command sees of the machine, the caller and the moment is the same every
 * time, as far as a process without power can bring that about. docs/repeatable.md says
 * what stays different.
 */
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "plan/internal.h"
#include "plan/restricted.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "sbx" in hexadecimal, in the form of a random identifier (RFC 9562, version 4). */
#define MACHINE_ID "73627800000040008000000000000000\n"
#define BOOT_ID    "73627800-0000-4000-8000-000000000000\n"

enum { CPUINFO_MAX = 4 << 20 };

/* ---- what contradicts it --------------------------------------------------------------- */

/* Options that let in what is not the same every time, and the operands that do not. */
static const struct restricted contraries[] = {
	{ "net", { "none" }, "a network answers as it likes", "--net none" },
	{ "share", { NULL }, "the host's namespaces hold what others made", NULL },
	{ "join", { NULL }, "another namespace holds what others made", NULL },
	{ "isolation", { "userns" }, "without namespaces the host is seen", NULL },
	{ "config", { NULL }, "a configuration says all of this itself", NULL },
	{ "tty", { "off", "auto" }, "a terminal has a size and a name", "--tty off" },
	{ "init", { "on" }, "the command's process has another number", NULL },
	{ "proc", { "new", "pids", "none" }, "the host's processes are seen", NULL },
	{ "groups", { "drop" }, "the caller's groups are seen", NULL },
	{ "keep-env", { NULL }, "the caller's variables are seen", "-e NAME=VALUE" },
	{ "keep-fd", { NULL }, "descriptors of the caller are seen", NULL },
	{ "preserve-fds", { NULL }, "descriptors of the caller are seen", NULL },
};

static int check_contraries(const struct draft *draft, struct error *err)
{
	static const struct restriction pure = {
		contraries,
		COUNT(contraries),
		"--pure: ",
		"leave one of the two; --record works without --pure",
	};

	return check_restricted(draft, &pure, err);
}

/* ---- what it changes ------------------------------------------------------------------- */

int expand_pure(struct draft *draft, struct error *err)
{
	struct plan *plan = &draft->plan;

	if (!draft->pure)
		return 0;
	if (check_contraries(draft, err) < 0)
		return -1;
	draft->tty = TTY_OFF;
	if (!plan->namespaces.hostname)
		plan->namespaces.hostname = "sbx";
	plan->namespaces.new_time = true;
	plan->namespaces.time_from_zero = true;
	plan->process.fixed_addresses = true;
	plan->process.one_processor = true;
	return 0;
}

const char *const *pure_environment(const struct draft *draft)
{
	/* 1980-01-01: the first day that a zip file can tell */
	static const char *const variables[] = {
		"TERM=dumb",
		"LC_ALL=C",
		"TZ=UTC",
		"SOURCE_DATE_EPOCH=315532800",
		"PERL_HASH_SEED=0",
		"PYTHONHASHSEED=0",
		"HOME=/tmp", /* on the host's root; another root's accounts say where */
		NULL,
	};
	static const char *const elsewhere[] = {
		"TERM=dumb",
		"LC_ALL=C",
		"TZ=UTC",
		"SOURCE_DATE_EPOCH=315532800",
		"PERL_HASH_SEED=0",
		"PYTHONHASHSEED=0",
		NULL,
	};

	return draft->plan.rootfs.kind == ROOT_HOST ? variables : elsewhere;
}

const struct rlimit_entry *pure_limits(size_t *ret_count)
{
	static const struct rlimit_entry limits[] = {
		{ RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_STACK, 8 << 20, 8 << 20 },
		{ RLIMIT_NOFILE, 1024, 1024 },
		{ RLIMIT_MEMLOCK, 65536, 65536 },
	};

	*ret_count = COUNT(limits);
	return limits;
}

/* ---- the files ------------------------------------------------------------------------- */

/* What is measured anew at every start, or counts processors. */
static bool moves(const char *line)
{
	static const char *const words[] = { "cpu MHz",    "bogomips",  "BogoMIPS",
					     "siblings",   "cpu cores", "core id",
					     "physical id" };

	for (size_t i = 0; i < COUNT(words); i++) {
		if (text_starts_with(line, words[i]))
			return true;
	}
	return false;
}

/* The first processor of the machine, and nothing of it that moves. */
static const char *cpuinfo_of(struct arena *arena)
{
	auto_close int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	char *text = fd < 0 ? NULL : files_read_all(arena, fd, CPUINFO_MAX, &length);
	char *to, *end;

	if (!text)
		return "processor\t: 0\n";
	end = strstr(text, "\n\n");
	if (end)
		end[1] = '\0';
	to = text;
	for (char *line = text; *line;) {
		const size_t size = strcspn(line, "\n") + 1;

		if (line[size - 1] == '\0')
			break;
		if (!moves(line)) {
			memmove(to, line, size);
			to += size;
		}
		line += size;
	}
	*to = '\0';
	return text;
}

static const struct fixed_file {
	const char *dest, *content;
} fixed_files[] = {
	{ "/etc/machine-id", MACHINE_ID },
	{ "/proc/sys/kernel/random/boot_id", BOOT_ID },
	{ "/proc/loadavg", "0.00 0.00 0.00 1/2 2\n" },
	{ "/proc/stat", "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\nintr 0\n"
			"ctxt 0\nbtime 315532800\nprocesses 2\nprocs_running 1\n"
			"procs_blocked 0\nsoftirq 0\n" },
	{ "/sys/devices/system/cpu/online", "0\n" },
	{ "/sys/devices/system/cpu/possible", "0\n" },
	{ "/sys/devices/system/cpu/present", "0\n" },
	{ "/proc/cpuinfo", NULL },
};

static bool is_shown(const struct draft *draft, const char *path)
{
	/* A file of the host's root, or of its kernel; of another root nobody knows. */
	if (draft->plan.rootfs.kind != ROOT_HOST && path_is_within(path, "/etc"))
		return draft->plan.rootfs.mode == ROOT_COW;
	return access(path, F_OK) == 0;
}

size_t pure_files(struct draft *draft, struct mount_entry *ret_entries)
{
	size_t count = 0;

	if (!draft->pure)
		return 0;
	for (size_t i = 0; i < COUNT(fixed_files); i++) {
		const char *content = fixed_files[i].content;

		if (!is_shown(draft, fixed_files[i].dest))
			continue;
		if (!content)
			content = cpuinfo_of(&draft->plan.arena);
		ret_entries[count++] = (struct mount_entry){
			.kind = MOUNT_DATA,
			.flags = MOUNT_F_RDONLY | MOUNT_F_NOSUID | MOUNT_F_NODEV |
				 MOUNT_F_NOEXEC | MOUNT_F_OPTIONAL,
			.dest = fixed_files[i].dest,
			.mode = 0444,
			.content = content,
			.content_size = strlen(content),
		};
	}
	return count;
}
