/* SPDX-License-Identifier: Apache-2.0 */

/*
 * socketcall(2) and ipc(2) of i386 take the number of the call that is meant as their
 * first argument, and its arguments by a pointer that no filter can follow. So whatever
 * is answered without looking at arguments is answered there too, and what looks at them
 * is not there: ENOSYS, by which programs turn to the direct call.
 */
#include "policy/native_resolve.h"

#include "base/arena.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { MEMBERS_MAX = 20 };

/* In the order of their names. linux/net.h, linux/ipc.h. */
static const struct member {
	const char *name;
	unsigned int number;
} socket_members[] = {
	{ "accept", 5 },       { "accept4", 18 },     { "bind", 2 },	    { "connect", 3 },
	{ "getpeername", 7 },  { "getsockname", 6 },  { "getsockopt", 15 }, { "listen", 4 },
	{ "recv", 10 },	       { "recvfrom", 12 },    { "recvmmsg", 19 },   { "recvmsg", 17 },
	{ "send", 9 },	       { "sendmmsg", 20 },    { "sendmsg", 16 },    { "sendto", 11 },
	{ "setsockopt", 14 },  { "shutdown", 13 },    { "socket", 1 },	    { "socketpair", 8 },
}, ipc_members[] = {
	{ "msgctl", 14 }, { "msgget", 13 }, { "msgrcv", 12 }, { "msgsnd", 11 },
	{ "semctl", 3 },  { "semget", 2 },  { "semop", 1 },   { "semtimedop", 4 },
	{ "shmat", 21 },  { "shmctl", 24 }, { "shmdt", 22 },  { "shmget", 23 },
};

static const struct multiplexer {
	const char *name;
	const struct member *members;
	size_t count;
	uint64_t mask; /* ipc(2) keeps a version above */
} multiplexers[] = {
	{ "socketcall", socket_members, sizeof(socket_members) / sizeof(struct member),
	  UINT64_MAX },
	{ "ipc", ipc_members, sizeof(ipc_members) / sizeof(struct member), 0xffff },
};

/* What stands for recv(2) and send(2), which i386 has in socketcall(2) only. */
static const char *const stand_ins[][2] = { { "recv", "recvfrom" },
					    { "send", "sendto" } };

/* The answers of one multiplexer's members; clauses NULL: nothing is said of one. */
struct family {
	const struct multiplexer *multiplexer;
	struct native_slot *itself;
	struct call_rules members[MEMBERS_MAX];
	bool is_named;
};

bool native_is_multiplexer(const char *call)
{
	for (size_t i = 0; i < sizeof(multiplexers) / sizeof(multiplexers[0]); i++) {
		if (strcmp(call, multiplexers[i].name) == 0)
			return true;
	}
	return false;
}

static int compare_name(const void *key, const void *member)
{
	return strcmp(key, ((const struct member *)member)->name);
}

static void add_member(struct native_resolving *resolving, struct native_slot *slot,
		       struct family *family)
{
	const struct multiplexer *multiplexer = family->multiplexer;
	const struct member *member;

	if (strcmp(slot->call->name, multiplexer->name) == 0) {
		family->itself = slot;
		return;
	}
	member = bsearch(slot->call->name, multiplexer->members, multiplexer->count,
			 sizeof(*member), compare_name);
	if (!member)
		return;
	native_fill_rules(resolving, slot,
			  &family->members[member - multiplexer->members]);
	family->is_named = true;
}

static void stand_in(struct family *family)
{
	for (size_t i = 0; i < sizeof(stand_ins) / sizeof(stand_ins[0]); i++) {
		const struct multiplexer *multiplexer = family->multiplexer;
		const struct member *to, *from;

		to = bsearch(stand_ins[i][0], multiplexer->members, multiplexer->count,
			     sizeof(*to), compare_name);
		from = bsearch(stand_ins[i][1], multiplexer->members, multiplexer->count,
			       sizeof(*from), compare_name);
		if (to && from && !family->members[to - multiplexer->members].clauses)
			family->members[to - multiplexer->members] =
				family->members[from - multiplexer->members];
	}
}

static bool passes(struct action action)
{
	return action.kind == ACTION_ALLOW || action.kind == ACTION_LOG;
}

/* `socketcall: allow` would open what the line of a direct call keeps shut. */
static int check_named(struct native_resolving *resolving, const struct family *family,
		       struct error *err)
{
	struct call_rules own;
	const struct clause *last;

	native_fill_rules(resolving, family->itself, &own);
	last = &own.clauses[own.clause_count - 1];
	if (!passes(last->action))
		return 0;
	for (size_t i = 0; i < family->multiplexer->count; i++) {
		const struct call_rules *member = &family->members[i];

		if (!member->clauses ||
		    (member->clause_count == 1 && passes(member->clauses[0].action)))
			continue;
		error_set(err, ERROR_POLICY,
			  "read %.100s:%u:%u: %s allows what line %u keeps %s from",
			  last->source.file ? last->source.file : "", last->source.line,
			  last->source.column, family->multiplexer->name,
			  member->clauses[0].source.line,
			  family->multiplexer->members[i].name);
		return error_hint(err,
				  "no filter can look behind the pointer of %s: leave it "
				  "out, and it follows the direct calls",
				  family->multiplexer->name);
	}
	return 0;
}

static void fill_clause(struct native_resolving *resolving, const struct family *family,
			size_t member, struct clause *clause)
{
	struct condition *when = arena_alloc(resolving->arena, sizeof(*when));

	*clause = family->members[member].clauses[0];
	if (clause->when) {
		clause->action.kind = ACTION_ERRNO;
		clause->action.value = (uint16_t)errno_by_name("ENOSYS");
	}
	when->kind = CONDITION_TEST;
	when->test = (struct test){
		.op = TEST_EQ,
		.mask = family->multiplexer->mask,
		.value = family->multiplexer->members[member].number,
	};
	clause->when = when;
}

static void fill_family(struct native_resolving *resolving, const struct family *family,
			struct call_rules *rules)
{
	struct clause *clauses =
		arena_alloc(resolving->arena, (MEMBERS_MAX + 1) * sizeof(*clauses));
	size_t count = 0;

	for (size_t i = 0; i < family->multiplexer->count; i++) {
		if (family->members[i].clauses)
			fill_clause(resolving, family, i, &clauses[count++]);
	}
	clauses[count++] = resolving->rules->known;
	rules->name = family->multiplexer->name;
	rules->number = (uint32_t)call_number(ABI_I386, rules->name);
	rules->clauses = clauses;
	rules->clause_count = count;
}

void native_hide_arguments(struct call_rules *rules, struct arena *arena)
{
	struct clause *clause;

	if (!rules->clauses[0].when ||
	    (strcmp(rules->name, "mmap") != 0 && strcmp(rules->name, "select") != 0))
		return;
	clause = arena_alloc(arena, sizeof(*clause));
	*clause = rules->clauses[0];
	clause->when = NULL;
	clause->action.kind = ACTION_ERRNO;
	clause->action.value = (uint16_t)errno_by_name("ENOSYS");
	rules->clauses = clause;
	rules->clause_count = 1;
}

static int multiplex(struct native_resolving *resolving, size_t call_count,
		     struct family *family, struct call_rules *rules, size_t *count,
		     struct error *err)
{
	for (size_t i = 0; i < call_count; i++) {
		if (resolving->slots[i].level)
			add_member(resolving, &resolving->slots[i], family);
	}
	stand_in(family);
	if (family->itself && family->itself->by_name)
		return check_named(resolving, family, err);
	if (family->itself)
		family->itself->replaced = true;
	if (!family->is_named)
		return 0;
	fill_family(resolving, family, &rules[(*count)++]);
	return 0;
}

int native_multiplex(struct native_resolving *resolving, size_t call_count,
		     struct call_rules *rules, size_t *count, struct error *err)
{
	for (size_t m = 0; m < sizeof(multiplexers) / sizeof(multiplexers[0]); m++) {
		struct family family = { .multiplexer = &multiplexers[m] };

		if (multiplex(resolving, call_count, &family, rules, count, err) < 0)
			return -1;
	}
	return 0;
}
