/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/learn.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "policy/bpf.h"
#include "policy/learned.h"
#include "policy/rules.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/*
 * In every profile, hot, and without an argument that a rule would look at. What takes a
 * path is left out where landlock(7) has a say about it.
 */
static const char *const unwatched[] = {
	"access",
	"arch_prctl",
	"brk",
	"clock_getres",
	"clock_gettime",
	"clock_nanosleep",
	"close",
	"close_range",
	"dup",
	"dup2",
	"dup3",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_wait",
	"exit",
	"exit_group",
	"faccessat",
	"faccessat2",
	"fadvise64",
	"fstat",
	"futex",
	"getcwd",
	"getdents64",
	"getegid",
	"geteuid",
	"getgid",
	"getpgrp",
	"getpid",
	"getppid",
	"getrandom",
	"getrlimit",
	"getrusage",
	"gettid",
	"gettimeofday",
	"getuid",
	"lseek",
	"lstat",
	"madvise",
	"mmap",
	"mprotect",
	"mremap",
	"munmap",
	"nanosleep",
	"newfstatat",
	"pipe",
	"pipe2",
	"poll",
	"ppoll",
	"pread64",
	"prlimit64",
	"pwrite64",
	"read",
	"readlink",
	"readlinkat",
	"readv",
	"restart_syscall",
	"rseq",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigsuspend",
	"rt_sigtimedwait",
	"sched_getaffinity",
	"sched_yield",
	"select",
	"pselect6",
	"set_robust_list",
	"set_tid_address",
	"sigaltstack",
	"stat",
	"statx",
	"sysinfo",
	"tgkill",
	"time",
	"umask",
	"uname",
	"wait4",
	"waitid",
	"write",
	"writev",
};

enum { UNWATCHED = sizeof(unwatched) / sizeof(*unwatched) };

/* Which arguments tell one use of a call from another, and what of them. */
static const struct told {
	const char *call;
	struct told_argument arguments[TOLD_MAX];
} told[] = {
	{ "socket", { { 0, ~0U }, { 1, 0xf }, { 2, ~0U } } },
	{ "socketpair", { { 0, ~0U }, { 1, 0xf } } },
	{ "ioctl", { { 1, ~0U } } },
	{ "prctl", { { 0, ~0U } } },
	{ "clone", { { 0, 0x7e020000 } } },
	{ "unshare", { { 0, ~0U } } },
	{ "setns", { { 1, ~0U } } },
	{ "personality", { { 0, ~0U } } },
	{ "fcntl", { { 1, ~0U } } },
	{ "setsockopt", { { 1, ~0U }, { 2, ~0U } } },
	{ "getsockopt", { { 1, ~0U }, { 2, ~0U } } },
	{ "ptrace", { { 0, ~0U } } },
	{ "seccomp", { { 0, ~0U } } },
	{ "keyctl", { { 0, ~0U } } },
	{ "bpf", { { 0, ~0U } } },
};

struct learned *learn_new(struct arena *arena)
{
	struct learned *learned = arena_alloc(arena, sizeof(*learned));

	learned->arena = arena;
	return learned;
}

const char *const *learned_always(size_t *ret_count)
{
	*ret_count = UNWATCHED;
	return unwatched;
}

const struct told_argument *learned_told(const char *call)
{
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		if (strcmp(told[i].call, call) == 0)
			return told[i].arguments;
	}
	return NULL;
}

/* ---- the filter ---- */

static int by_number(const void *a, const void *b)
{
	const uint32_t one = ((const struct call_rules *)a)->number;
	const uint32_t other = ((const struct call_rules *)b)->number;

	return (one > other) - (one < other);
}

int learn_filter(struct arena *arena, struct seccomp_filter *ret_filter,
		 struct error *err)
{
	static const struct clause allowed = { .action = { ACTION_ALLOW, 0 } };
	const enum abi abi = abi_native();
	struct call_rules *calls = arena_alloc_array(arena, UNWATCHED, sizeof(*calls));
	struct rules rules = {
		.served = 1U << abi,
		.foreign = { .action = { ACTION_KILL, 0 } },
		.known = { .action = { ACTION_NOTIFY, 0 } },
		.unknown = { .action = { ACTION_ERRNO, ENOSYS } },
		.flags = RULES_WAIT_KILLABLE,
	};
	struct bpf_wishes wishes = { false, NULL };
	struct seccomp_filter filter = { .supervised = true, .keyed = true };
	struct start_key key;
	size_t count = 0;

	for (size_t i = 0; i < UNWATCHED; i++) {
		const int number = call_number(abi, unwatched[i]);

		if (number >= 0)
			calls[count++] = (struct call_rules){ (uint32_t)number,
							      unwatched[i], &allowed, 1 };
	}
	qsort(calls, count, sizeof(*calls), by_number);
	rules.abis[abi].calls = calls;
	rules.abis[abi].count = count;
	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		return error_errno(err, "draw random numbers");
	wishes.key = &key;
	if (bpf_generate(&rules, &wishes, arena, &filter.program, err) < 0)
		return -1;
	memcpy(filter.key, key.words, sizeof(filter.key));
	*ret_filter = filter;
	return 0;
}

int learn_judge(const struct seccomp_program *base, const struct seccomp_data *data)
{
	uint32_t answer;

	if (base->count == 0)
		return 0;
	answer = bpf_run(base, data, NULL);
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return 0;
	case SECCOMP_RET_ERRNO:
		return (int)(answer & SECCOMP_RET_DATA);
	default:
		return EPERM;
	}
}

/* ---- what was seen ---- */

static struct seen_call *find_call(struct learned *learned, const char *name)
{
	struct seen_call *call;

	for (size_t i = 0; i < learned->call_count; i++) {
		if (strcmp(learned->calls[i].name, name) == 0)
			return &learned->calls[i];
	}
	learned->calls = arena_grow(learned->arena, learned->calls, learned->call_count,
				    sizeof(*call));
	call = &learned->calls[learned->call_count++];
	*call = (struct seen_call){ .name = arena_strdup(learned->arena, name) };
	return call;
}

static bool is_same_use(const struct seen_use *use, const uint32_t *values, int errnum)
{
	return use->errnum == errnum &&
	       memcmp(use->values, values, sizeof(use->values)) == 0;
}

void learned_use(struct learned *learned, const char *name, const uint32_t *values,
		 int errnum, uint64_t times)
{
	struct seen_call *call = find_call(learned, name);

	for (size_t i = 0; i < call->use_count; i++) {
		if (is_same_use(&call->uses[i], values, errnum)) {
			call->uses[i].times += times;
			return;
		}
	}
	/* A call with so many uses is allowed as a whole, or not at all. */
	if (call->use_count == USES_MAX) {
		call->overflown = true;
		return;
	}
	call->uses = arena_grow(learned->arena, call->uses, call->use_count,
				sizeof(*call->uses));
	call->uses[call->use_count] =
		(struct seen_use){ .errnum = errnum, .times = times };
	memcpy(call->uses[call->use_count++].values, values, sizeof(call->uses->values));
}

void learn_call(struct learned *learned, const struct seccomp_data *data, int errnum)
{
	const char *name = call_name(abi_native(), (uint32_t)data->nr);
	const struct told_argument *arguments = name ? learned_told(name) : NULL;
	uint32_t values[TOLD_MAX] = { 0 };

	if (!name)
		return;
	for (size_t i = 0; arguments && i < TOLD_MAX && arguments[i].mask; i++)
		values[i] = (uint32_t)data->args[arguments[i].index] & arguments[i].mask;
	learned_use(learned, name, values, errnum, 1);
}

void learned_path(struct learned *learned, const char *path, bool writes, uint64_t times)
{
	struct seen_path *seen;

	for (size_t i = 0; i < learned->path_count; i++) {
		if (strcmp(learned->paths[i].path, path) != 0)
			continue;
		learned->paths[i].writes |= writes;
		learned->paths[i].times += times;
		return;
	}
	if (learned->path_count == PATHS_MAX) {
		learned->paths_lost++;
		return;
	}
	learned->paths = arena_grow(learned->arena, learned->paths, learned->path_count,
				    sizeof(*seen));
	seen = &learned->paths[learned->path_count++];
	*seen = (struct seen_path){ arena_strdup(learned->arena, path), writes, times };
}

void learn_file(struct learned *learned, const char *path, bool writes)
{
	if (path[0] == '/')
		learned_path(learned, path, writes, 1);
}

void learned_to(struct learned *learned, const char *text, uint64_t times)
{
	struct seen_path *seen;

	for (size_t i = 0; i < learned->destination_count; i++) {
		if (strcmp(learned->destinations[i].path, text) == 0) {
			learned->destinations[i].times += times;
			return;
		}
	}
	if (learned->destination_count == PATHS_MAX)
		return;
	learned->destinations = arena_grow(learned->arena, learned->destinations,
					   learned->destination_count, sizeof(*seen));
	seen = &learned->destinations[learned->destination_count++];
	*seen = (struct seen_path){ arena_strdup(learned->arena, text), false, times };
}

void learn_destination(struct learned *learned, const char *text)
{
	learned_to(learned, text, 1);
}
