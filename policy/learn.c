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

/* Those of the list that the base lets everybody make. */
static const char *const *find_always(struct arena *arena,
				      const struct seccomp_program *base)
{
	const enum abi abi = abi_native();
	const char **always = arena_alloc_array(arena, UNWATCHED + 1, sizeof(*always));
	size_t count = 0;

	for (size_t i = 0; i < UNWATCHED; i++) {
		const int number = call_number(abi, unwatched[i]);

		if (number >= 0 &&
		    (!base->count || bpf_always_allows(base, abi_audit(abi), number)))
			always[count++] = unwatched[i];
	}
	return always;
}

struct learned *learn_new(struct arena *arena)
{
	static const struct seccomp_program none;
	struct learned *learned = arena_alloc(arena, sizeof(*learned));

	learned->arena = arena;
	learned->always = find_always(arena, &none);
	return learned;
}

/* sendmsg with the key: the listener is on its way, and nobody could be asked. */
static struct call_rules let_listener_pass(struct arena *arena, const uint64_t *key)
{
	struct clause *clauses = arena_alloc_array(arena, 2, sizeof(*clauses));
	const struct condition *all = NULL;

	for (uint8_t i = 0; i < 3; i++) {
		struct condition *both = arena_alloc(arena, sizeof(*both));
		struct condition *test = arena_alloc(arena, sizeof(*test));

		test->kind = CONDITION_TEST;
		test->test =
			(struct test){ (uint8_t)(i + 3), true, TEST_EQ, ~0ULL, key[i] };
		*both = (struct condition){ .kind = CONDITION_AND,
					    .left = test,
					    .right = all };
		all = all ? both : test;
	}
	clauses[0] = (struct clause){ .when = all, .action = { ACTION_ALLOW, 0 } };
	clauses[1] = (struct clause){ .action = { ACTION_NOTIFY, 0 } };
	return (struct call_rules){ (uint32_t)call_number(abi_native(), "sendmsg"),
				    "sendmsg", clauses, 2 };
}

/* The calls whose answer is not to ask. */
static size_t list_calls(const struct learned *learned, const uint64_t *key,
			 struct call_rules *calls)
{
	static const struct clause allowed = { .action = { ACTION_ALLOW, 0 } };
	size_t count = 0;

	for (const char *const *name = learned->always; *name; name++)
		calls[count++] =
			(struct call_rules){ (uint32_t)call_number(abi_native(), *name),
					     *name, &allowed, 1 };
	calls[count++] = let_listener_pass(learned->arena, key);
	qsort(calls, count, sizeof(*calls), by_number);
	return count;
}

int learn_filter(struct learned *learned, struct seccomp_filter *filter,
		 struct error *err)
{
	const enum abi abi = abi_native();
	struct arena *arena = learned->arena;
	struct call_rules *calls =
		arena_alloc_array(arena, UNWATCHED + 1, sizeof(*calls));
	struct rules rules = {
		.served = 1U << abi,
		.foreign = { .action = { ACTION_KILL, 0 } },
		.known = { .action = { ACTION_NOTIFY, 0 } },
		.unknown = { .action = { ACTION_ERRNO, ENOSYS } },
		.flags = RULES_WAIT_KILLABLE,
	};
	const struct bpf_wishes wishes = { false, NULL };
	struct seccomp_filter made = { .supervised = true, .keyed = true };

	if (getrandom(made.key, sizeof(made.key), 0) != sizeof(made.key))
		return error_errno(err, "draw random numbers");
	learned->always = find_always(arena, &filter->program);
	rules.abis[abi].calls = calls;
	rules.abis[abi].count = list_calls(learned, made.key, calls);
	if (bpf_generate(&rules, &wishes, arena, &made.program, err) < 0)
		return -1;
	*filter = made;
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

void learned_path(struct learned *learned, const char *path, enum seen_access access,
		  uint64_t times)
{
	struct seen_path *seen;

	for (size_t i = 0; i < learned->path_count; i++) {
		if (strcmp(learned->paths[i].path, path) != 0)
			continue;
		if (learned->paths[i].access < access)
			learned->paths[i].access = access;
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
	*seen = (struct seen_path){ arena_strdup(learned->arena, path), access, times };
}

void learn_file(struct learned *learned, const char *path, bool writes)
{
	if (path[0] == '/')
		learned_path(learned, path, writes ? SEEN_WRITTEN : SEEN_READ, 1);
}

void learn_listing(struct learned *learned, const char *path)
{
	if (path[0] == '/')
		learned_path(learned, path, SEEN_LISTED, 1);
}

const char *learned_key(enum seen_access access)
{
	static const char *const keys[] = { "ls", "ro", "rw" };

	return keys[access];
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
	*seen = (struct seen_path){ arena_strdup(learned->arena, text), SEEN_READ,
				    times };
}

void learn_destination(struct learned *learned, const char *text)
{
	learned_to(learned, text, 1);
}
