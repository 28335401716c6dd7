/* SPDX-License-Identifier: Apache-2.0 */

/* From a profile to what seccomp_install() loads, and what a supervisor answers. */
#include "policy/profile.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf.h"
#include "policy/bpf_start.h"
#include "policy/places.h"
#include "policy/profile_text.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>

unsigned int profile_kernel(void)
{
	struct utsname name;
	unsigned long major, minor;
	char *end;

	if (uname(&name) < 0)
		return 0;
	major = strtoul(name.release, &end, 10);
	minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	return (unsigned int)((major & 0x7fff) << 16 | (minor & 0xffff));
}

const struct rules *profile_rules(const struct profile *profile,
				  const struct profile_conditions *conditions,
				  struct arena *arena, struct notes *notes,
				  struct error *err)
{
	struct notes unheard = { .arena = arena };
	struct rules *rules = arena_alloc(arena, sizeof(*rules));

	if (profile->resolve(profile, conditions, arena, rules, notes ? notes : &unheard,
			     err) < 0)
		return NULL;
	return conditions->emulate_root ? rules_emulate_root(rules, arena) : rules;
}

/* ---- what was made at build time ---- */

static bool notifies(const struct seccomp_program *program)
{
	const struct sock_filter *instructions = program->instructions;

	for (size_t i = 0; i < program->count; i++) {
		if (instructions[i].code == (BPF_RET | BPF_K) &&
		    (instructions[i].k & SECCOMP_RET_ACTION_FULL) ==
			    SECCOMP_RET_USER_NOTIF)
			return true;
	}
	return false;
}

static const struct builtin_program *
find_program(const struct builtin *builtin, const struct profile_conditions *conditions,
	     bool explains)
{
	uint64_t caps = conditions->caps & builtin->asked_caps;

	for (size_t i = 0; i < builtin->program_count; i++) {
		const struct builtin_program *program = &builtin->programs[i];

		if (program->caps == caps && program->explains == explains &&
		    program->emulate_root == conditions->emulate_root)
			return program;
	}
	return NULL;
}

static unsigned int kernel_flags(unsigned int flags)
{
	return (flags & RULES_LOG ? SECCOMP_FILTER_FLAG_LOG : 0U) |
	       (flags & RULES_SPEC_ALLOW ? SECCOMP_FILTER_FLAG_SPEC_ALLOW : 0U);
}

static bool take_built(const struct profile *profile,
		       const struct profile_conditions *conditions, bool explains,
		       struct seccomp_filter *ret_filter)
{
	const struct builtin *builtin = profile->builtin && !profile->adjusted
						? builtin_find(profile->builtin)
						: NULL;
	const struct builtin_program *built =
		builtin ? find_program(builtin, conditions, explains) : NULL;

	if (!built)
		return false;
	*ret_filter = (struct seccomp_filter){
		.program = built->program,
		.flags = kernel_flags(built->flags),
		.supervised = notifies(&built->program),
	};
	return true;
}

/* ---- compiling ---- */

struct needs {
	const struct clause *listener; /* somebody else's */
	const struct clause *fake;     /* a supervisor has to answer */
	bool explains;
};

static void look_at(const struct clause *clause, struct needs *needs)
{
	struct action action = clause->action;

	if (action.kind == ACTION_NOTIFY)
		needs->listener = clause;
	if (action.kind == ACTION_FAKE && action.value > 0)
		needs->fake = clause;
	if (action.kind == ACTION_ERRNO &&
	    (action.value == EPERM || action.value == EAFNOSUPPORT))
		needs->explains = true;
}

static struct needs needs_of(const struct rules *rules)
{
	struct needs needs = { 0 };

	look_at(&rules->known, &needs);
	look_at(&rules->unknown, &needs);
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		for (size_t i = 0; i < rules->abis[abi].count; i++) {
			const struct call_rules *call = &rules->abis[abi].calls[i];

			for (size_t j = 0; j < call->clause_count; j++)
				look_at(&call->clauses[j], &needs);
		}
	}
	return needs;
}

static bool passes(struct action action)
{
	return action.kind == ACTION_ALLOW || action.kind == ACTION_LOG;
}

static bool allows_always(const struct rules *rules, uint32_t number)
{
	enum abi abi = abi_native();

	for (size_t i = 0; i < rules->abis[abi].count; i++) {
		const struct call_rules *call = &rules->abis[abi].calls[i];

		if (call->number != number)
			continue;
		for (size_t j = 0; j < call->clause_count; j++) {
			if (!passes(call->clauses[j].action))
				return false;
		}
		return true;
	}
	return passes(rules->known.action);
}

static bool needs_key(const struct rules *rules)
{
	for (size_t i = 0; i < START_CALL_COUNT; i++) {
		if (!allows_always(rules, start_calls[i]))
			return true;
	}
	return false;
}

static int check_listeners(const struct needs *needs, struct error *err)
{
	if (!needs->listener || !needs->fake)
		return 0;
	error_set(err, ERROR_POLICY,
		  "compile a policy that notifies (line %u) and fakes a result (line %u)",
		  needs->listener->source.line, needs->fake->source.line);
	return error_hint(err, "one filter has one listener; fake(0) needs none");
}

static int generate(const struct rules *rules, const struct bpf_wishes *wishes,
		    enum profile_backend backend, struct arena *arena,
		    struct seccomp_program *ret_program, struct error *err)
{
	if (backend == BACKEND_LIBSECCOMP)
		return bpf_generate_by_libseccomp(rules, wishes, arena, ret_program, err);
	return bpf_generate(rules, wishes, arena, ret_program, err);
}

static int compile(const struct rules *rules, bool explains, enum profile_backend backend,
		   struct arena *arena, struct seccomp_filter *ret_filter,
		   struct error *err)
{
	const struct needs needs = needs_of(rules);
	struct seccomp_filter filter = {
		.flags = kernel_flags(rules->flags),
		.notifies = needs.listener,
		.keyed = needs_key(rules),
	};
	struct start_key key = { 0 };
	struct bpf_wishes wishes = { .explains = explains && !needs.listener };

	if (check_listeners(&needs, err) < 0)
		return -1;
	if (filter.keyed) {
		if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
			return error_errno_id(err, ERROR_SECCOMP, "get random numbers");
		memcpy(filter.key, key.words, sizeof(filter.key));
		wishes.key = &key;
	}
	if (generate(rules, &wishes, backend, arena, &filter.program, err) < 0)
		return -1;
	filter.supervised = needs.fake || (wishes.explains && needs.explains);
	*ret_filter = filter;
	return 0;
}

static const char *const no_warnings[] = { NULL };

int profile_compile(const struct profile *profile,
		    const struct profile_conditions *conditions, bool explains,
		    enum profile_backend backend, struct arena *arena,
		    struct seccomp_filter *ret_filter, const char *const **ret_warnings,
		    struct error *err)
{
	struct notes notes = { .arena = arena };
	const struct rules *rules;

	if (backend != BACKEND_SBX ||
	    !take_built(profile, conditions, explains, ret_filter)) {
		rules = profile_rules(profile, conditions, arena, &notes, err);
		if (!rules)
			return -1;
		if (compile(rules, explains, backend, arena, ret_filter, err) < 0)
			return error_within(err, "use policy %.100s", profile->name);
	}
	if (ret_warnings)
		*ret_warnings = notes.lines ? notes.lines : no_warnings;
	return 0;
}

/* ---- answering ---- */

static enum abi abi_of(const struct seccomp_data *data)
{
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		bool is_x32 = data->nr >= 0 && (data->nr & X32_BIT);

		if (abi_audit(abi) == data->arch &&
		    (abi == ABI_X32 || abi == ABI_X86_64 ? is_x32 == (abi == ABI_X32)
							 : true))
			return abi;
	}
	return ABI_COUNT;
}

const struct rules *profile_resolve(const struct profile *profile,
				    const struct profile_conditions *conditions,
				    struct arena *arena, struct error *err)
{
	return profile_rules(profile, conditions, arena, NULL, err);
}

void rules_answer(const struct rules *rules, const struct seccomp_data *data,
		  struct verdict *ret_verdict)
{
	const struct clause *clause = rules_decide(rules, data);
	const enum abi abi = abi_of(data);
	struct verdict verdict = { 0 };
	const char *name;

	verdict.fake = clause->action.kind == ACTION_FAKE;
	verdict.value =
		clause->action.kind == ACTION_FAKE || clause->action.kind == ACTION_ERRNO
			? clause->action.value
			: EPERM;
	verdict.file = clause->source.file;
	verdict.line = clause->source.line;
	verdict.why = clause->why;
	name = abi < ABI_COUNT ? call_name(abi, (uint32_t)data->nr) : NULL;
	if (name)
		snprintf(verdict.allow, sizeof(verdict.allow), "%s", name);
	*ret_verdict = verdict;
}

int profile_answer(const struct profile *profile,
		   const struct profile_conditions *conditions,
		   const struct seccomp_data *data, struct arena *arena,
		   struct verdict *ret_verdict, struct error *err)
{
	const struct rules *rules = profile_resolve(profile, conditions, arena, err);

	if (!rules)
		return -1;
	rules_answer(rules, data, ret_verdict);
	return 0;
}
