/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root emulation: where one id is mapped, a root inside can become nobody else and give
 * nothing away (user_namespaces(7)). Package managers try both for every file and every
 * account that they make, and give up when it fails. So these calls are answered as if
 * they were done: the files stay root's, and so do the processes.
 *
 * setxattr(2) of POSIX ACLs, which may name other ids too, is left alone: which attribute
 * it is lies behind a pointer, and an answer for all of them would lose what programs keep
 * in those that work.
 */
#include "policy/rules.h"

#include "base/arena.h"

#include <stdlib.h>

/* (mode & 0130000) == 0020000 holds for S_IFCHR and S_IFBLK, and no other type (inode(7)). */
#define DEVICE_MASK 0130000
#define DEVICE_BITS 0020000

/* The device 0:0 is a whiteout of overlayfs, which everybody may make. */
static const struct condition mknod_mode = {
	.kind = CONDITION_TEST,
	.test = { 1, false, TEST_EQ, DEVICE_MASK, DEVICE_BITS },
};
static const struct condition mknod_device = {
	.kind = CONDITION_TEST,
	.test = { 2, false, TEST_NE, UINT32_MAX, 0 },
};
static const struct condition mknodat_mode = {
	.kind = CONDITION_TEST,
	.test = { 2, false, TEST_EQ, DEVICE_MASK, DEVICE_BITS },
};
static const struct condition mknodat_device = {
	.kind = CONDITION_TEST,
	.test = { 3, false, TEST_NE, UINT32_MAX, 0 },
};
static const struct condition mknod_makes_device = {
	.kind = CONDITION_AND,
	.left = &mknod_mode,
	.right = &mknod_device,
};
static const struct condition mknodat_makes_device = {
	.kind = CONDITION_AND,
	.left = &mknodat_mode,
	.right = &mknodat_device,
};

/* No ABI has all of them. */
static const struct answered {
	const char *name;
	const struct condition *when; /* NULL: whatever the arguments are */
} answered[] = {
	{ "capset", NULL },
	{ "chown", NULL },
	{ "chown32", NULL },
	{ "fchown", NULL },
	{ "fchown32", NULL },
	{ "fchownat", NULL },
	{ "kexec_load", NULL }, /* so that a program can tell that it is emulated */
	{ "lchown", NULL },
	{ "lchown32", NULL },
	{ "mknod", &mknod_makes_device },
	{ "mknodat", &mknodat_makes_device },
	{ "setfsgid", NULL },
	{ "setfsgid32", NULL },
	{ "setfsuid", NULL },
	{ "setfsuid32", NULL },
	{ "setgid", NULL },
	{ "setgid32", NULL },
	{ "setgroups", NULL },
	{ "setgroups32", NULL },
	{ "setregid", NULL },
	{ "setregid32", NULL },
	{ "setresgid", NULL },
	{ "setresgid32", NULL },
	{ "setresuid", NULL },
	{ "setresuid32", NULL },
	{ "setreuid", NULL },
	{ "setreuid32", NULL },
	{ "setuid", NULL },
	{ "setuid32", NULL },
};

enum { ANSWERED = sizeof(answered) / sizeof(answered[0]) };

/* One of them as an ABI has it. */
struct numbered {
	uint32_t number;
	const struct answered *call;
};

static int compare_numbers(const void *a, const void *b)
{
	const struct numbered *first = a, *second = b;

	return (first->number > second->number) - (first->number < second->number);
}

static size_t find_numbers(enum abi abi, struct numbered *ret_calls)
{
	size_t count = 0;

	for (size_t i = 0; i < ANSWERED; i++) {
		int number = call_number(abi, answered[i].name);

		if (number >= 0)
			ret_calls[count++] =
				(struct numbered){ (uint32_t)number, &answered[i] };
	}
	qsort(ret_calls, count, sizeof(*ret_calls), compare_numbers);
	return count;
}

/* What is no denial: whoever listens may do the very same, and better. */
static bool outranks(struct action action)
{
	return action.kind == ACTION_KILL || action.kind == ACTION_KILL_THREAD ||
	       action.kind == ACTION_NOTIFY;
}

static const struct condition *both(const struct condition *left,
				    const struct condition *right, struct arena *arena)
{
	struct condition *condition;

	if (!left || !right)
		return left ? left : right;
	condition = arena_alloc(arena, sizeof(*condition));
	condition->kind = CONDITION_AND;
	condition->left = left;
	condition->right = right;
	return condition;
}

static struct clause answer(const struct condition *when)
{
	return (struct clause){
		.when = when,
		.action = { ACTION_FAKE, 0 },
		.why = "root emulation",
	};
}

static bool any_outranks(const struct clause *clauses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (outranks(clauses[i].action))
			return true;
	}
	return false;
}

/*
 * One clause in front of all, or, where some do not give way, one in front of each that
 * does, which answers where it would have decided.
 */
static struct call_rules answer_call(const struct numbered *numbered,
				     const struct clause *clauses, size_t count,
				     struct arena *arena)
{
	const struct condition *when = numbered->call->when;
	const bool one_by_one = any_outranks(clauses, count);
	struct clause *list = arena_alloc_array(arena, 2 * count + 1, sizeof(*list));
	struct call_rules rules = { numbered->number, numbered->call->name, list, 0 };

	if (!one_by_one)
		list[rules.clause_count++] = answer(when);
	for (size_t i = 0; i < count; i++) {
		const bool gives_way = !outranks(clauses[i].action);

		if (one_by_one && gives_way)
			list[rules.clause_count++] =
				answer(both(clauses[i].when, when, arena));
		if (when || !gives_way)
			list[rules.clause_count++] = clauses[i];
	}
	return rules;
}

static size_t answer_abi(const struct rules *rules, enum abi abi, struct arena *arena,
			 const struct call_rules **ret_calls)
{
	const struct call_rules *given = rules->abis[abi].calls;
	const size_t given_count = rules->abis[abi].count;
	struct numbered numbered[ANSWERED];
	const size_t numbered_count = find_numbers(abi, numbered);
	struct call_rules *list =
		arena_alloc_array(arena, given_count + numbered_count, sizeof(*list));
	size_t count = 0, next = 0;

	for (size_t i = 0; i < numbered_count; i++) {
		const struct clause *clauses = &rules->known;
		size_t clause_count = 1;

		while (next < given_count && given[next].number < numbered[i].number)
			list[count++] = given[next++];
		if (next < given_count && given[next].number == numbered[i].number) {
			clauses = given[next].clauses;
			clause_count = given[next++].clause_count;
		}
		list[count++] = answer_call(&numbered[i], clauses, clause_count, arena);
	}
	while (next < given_count)
		list[count++] = given[next++];
	*ret_calls = list;
	return count;
}

const struct rules *rules_emulate_root(const struct rules *rules, struct arena *arena)
{
	struct rules *emulated = arena_alloc(arena, sizeof(*emulated));

	*emulated = *rules;
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		if (rules->served >> abi & 1)
			emulated->abis[abi].count = answer_abi(
				rules, (enum abi)abi, arena, &emulated->abis[abi].calls);
	}
	return emulated;
}
