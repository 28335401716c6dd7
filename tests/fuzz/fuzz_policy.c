/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bytes are a policy in the native format. What is read is resolved, compiled and shown; the
 * program and what is shown answer as the rules do.
 */
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf.h"
#include "policy/places.h"
#include "policy/profile.h"
#include "policy/profile_text.h"
#include "policy/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *claim, const char *about)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s: %s\n", claim, about);
	abort();
}

/* Calls at the values that the tests of a call name, and at some others. */
struct questions {
	uint64_t values[16];
	size_t count;
};

static void add_values(struct questions *questions, const struct condition *condition)
{
	if (condition->kind != CONDITION_TEST) {
		add_values(questions, condition->left);
		add_values(questions, condition->right);
		return;
	}
	if (questions->count + 2 > sizeof(questions->values) / sizeof(uint64_t))
		return;
	questions->values[questions->count++] = condition->test.value;
	questions->values[questions->count++] = condition->test.mask;
}

static void compare(const struct rules *rules, const struct rules *shown,
		    const struct seccomp_program *program,
		    const struct seccomp_data *data)
{
	static const struct bpf_wishes wishes;
	const struct clause *clause = rules_decide(rules, data);

	if (program)
		demand(bpf_run(program, data, NULL) ==
			       bpf_return_value(clause->action, &wishes),
		       "the program answers as the rules", clause->source.file);
	if (shown)
		demand(action_is_same(clause->action, rules_decide(shown, data)->action),
		       "what is shown answers as the rules", clause->source.file);
}

static void compare_call(const struct rules *rules, const struct rules *shown,
			 const struct seccomp_program *program, enum abi abi,
			 const struct call_rules *call)
{
	struct questions questions = { .values = { 0, UINT64_MAX }, .count = 2 };

	for (size_t i = 0; i < call->clause_count; i++) {
		if (call->clauses[i].when)
			add_values(&questions, call->clauses[i].when);
	}
	for (size_t i = 0; i < questions.count * questions.count; i++) {
		uint64_t first = questions.values[i % questions.count];
		uint64_t second = questions.values[i / questions.count];
		const struct seccomp_data data = {
			.arch = abi_audit(abi),
			.nr = (int)call->number,
			.args = { first, second, first, second, first, second },
		};

		compare(rules, shown, program, &data);
	}
}

static void compare_all(const struct rules *rules, const struct rules *shown,
			const struct seccomp_program *program)
{
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		for (size_t i = 0; i < rules->abis[abi].count; i++)
			compare_call(rules, shown, program, abi,
				     &rules->abis[abi].calls[i]);
	}
}

static const struct rules *show_and_read(const struct profile *profile,
					 const struct profile_conditions *conditions,
					 struct arena *arena)
{
	const char *text = profile_show(profile, arena);
	const struct profile *again;
	const struct rules *rules;
	struct error err = { 0 };

	demand(profile_read_text(text, strlen(text), "shown", NULL, arena, &again,
				 &err) == 0,
	       "what is shown can be read", err.text);
	rules = profile_rules(again, conditions, arena, NULL, &err);
	demand(rules, "what is shown can be resolved", err.text);
	return rules;
}

static void check(const struct profile *profile, struct arena *arena)
{
	static const struct bpf_wishes wishes;
	const struct profile_conditions conditions = {
		.caps = 0x5555555555555555U,
		.kernel = 6U << 16 | 1,
	};
	struct seccomp_program program;
	struct error err = { 0 };
	const struct rules *rules =
		profile_rules(profile, &conditions, arena, NULL, &err);
	bool compiled;

	demand(rules || err.text[0], "a failure is told", "rules");
	if (!rules)
		return;
	compiled = bpf_generate(rules, &wishes, arena, &program, &err) == 0;
	compare_all(rules, show_and_read(profile, &conditions, arena),
		    compiled ? &program : NULL);
	demand(profile_lint(profile, &conditions, arena, &err), "it can be linted",
	       err.text);
	profile_convert(profile, &conditions, "oci", arena, &err);
	profile_explain(profile, &conditions, "socket", arena, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const no_dirs[] = { NULL };
	const struct profile_places places = { .dirs = no_dirs, .base = "/nonexistent" };
	struct arena arena = { 0 };
	const struct policy_text text = {
		.text = arena_strndup(&arena, (const char *)data, size),
		.length = size,
	};
	const struct profile *profile;
	struct error err = { 0 };

	/* JSON has a target of its own. */
	if (!policy_text_is_json(&text)) {
		if (profile_read_text(text.text, size, "fuzzed", &places, &arena,
				      &profile, &err) == 0)
			check(profile, &arena);
		else
			demand(err.text[0] != '\0', "a failure is told", "read");
	}
	arena_free(&arena);
	return 0;
}
