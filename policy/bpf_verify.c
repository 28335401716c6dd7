/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program against the rules that it was made of. All numbers cannot be tried with all
 * arguments; but what a rule can get wrong shows at the limits of the values that it names,
 * in either word, and at numbers next to those that it knows.
 */
#include "policy/bpf.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf_graph.h"
#include "policy/bpf_start.h"

#include <linux/seccomp.h>
#include <string.h>

/*
 * Values of one argument that are worth trying; of points, which are combinations of them,
 * as many as there are, or this many by chance.
 */
enum { VALUES_MAX = 512, POINTS_MAX = 256, CLAUSE_POINTS = 16, RANDOM_NUMBERS = 512 };

struct values {
	uint64_t list[VALUES_MAX];
	size_t count;
};

struct verification {
	const struct rules *rules;
	const struct bpf_wishes *wishes;
	const struct seccomp_program *program;
	struct values *arguments; /* 6 */
	uint64_t random;
	size_t work;
	struct error *err;
};

/* xorshift64*: the same numbers each time, so that what fails once fails again. */
static uint64_t next_random(struct verification *run)
{
	run->random ^= run->random >> 12;
	run->random ^= run->random << 25;
	run->random ^= run->random >> 27;
	return run->random * 0x2545f4914f6cdd1dU;
}

/* Values beyond the room take the place of others, by chance. */
static void add_value(struct verification *run, unsigned int argument, uint64_t value)
{
	struct values *values = &run->arguments[argument];

	if (values->count < VALUES_MAX)
		values->list[values->count++] = value;
	else
		values->list[next_random(run) % VALUES_MAX] = value;
}

/* Around a value, in both words; with what its mask does not look at set. */
static void add_limits(struct verification *run, const struct test *test)
{
	const uint64_t around[] = {
		test->value,
		test->value - 1,
		test->value + 1,
		test->value ^ (UINT64_C(1) << 32),
		test->value + (UINT64_C(1) << 32),
		test->value - (UINT64_C(1) << 32),
		test->value | UINT64_C(0xffffffff) << 32,
		test->value & UINT32_MAX,
		test->value | UINT32_MAX,
		test->value & ~(uint64_t)UINT32_MAX,
		test->value | ~test->mask,
		test->mask,
		test->mask & -test->mask,
		~test->mask,
	};

	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
		add_value(run, test->argument, around[i]);
}

static void add_condition(struct verification *run, const struct condition *condition)
{
	for (; condition->kind != CONDITION_TEST; condition = condition->right) {
		if (run->work++ > GRAPH_WORK_MAX)
			return;
		add_condition(run, condition->left);
	}
	add_limits(run, &condition->test);
}

static bool has_key(const struct verification *run, const struct seccomp_data *data)
{
	const struct start_key *key = run->wishes->key;
	enum abi abi = abi_of(data->arch, (uint32_t)data->nr);

	return key && is_start_call(abi, (uint32_t)data->nr) &&
	       memcmp(&data->args[3], key->words, sizeof(key->words)) == 0;
}

static uint32_t expected(const struct verification *run, const struct seccomp_data *data,
			 const struct clause **ret_clause)
{
	uint32_t value;

	*ret_clause = rules_decide(run->rules, data);
	value = bpf_return_value((*ret_clause)->action, run->wishes);
	if (value != SECCOMP_RET_LOG && has_key(run, data))
		return SECCOMP_RET_ALLOW;
	return value;
}

static int complain(const struct verification *run, const struct seccomp_data *data,
		    const struct clause *clause, uint32_t found)
{
	char wanted[40];
	const struct source_line *source = &clause->source;
	enum abi abi = abi_of(data->arch, (uint32_t)data->nr);
	const char *name = abi == ABI_COUNT ? NULL : call_name(abi, (uint32_t)data->nr);

	error_set(run->err, ERROR_POLICY,
		  "trust the program made of the policy: call %u (%s) of %s with %llu, "
		  "%llu, %llu, %llu, %llu, %llu gets %u instead of %s (%s:%u)",
		  (unsigned int)data->nr, name ? name : "unknown",
		  abi == ABI_COUNT ? "a foreign ABI" : abi_name(abi),
		  (unsigned long long)data->args[0], (unsigned long long)data->args[1],
		  (unsigned long long)data->args[2], (unsigned long long)data->args[3],
		  (unsigned long long)data->args[4], (unsigned long long)data->args[5],
		  found, action_text(clause->action, wanted, sizeof(wanted)),
		  source->file ? source->file : "by default", source->line);
	return -1;
}

static int try_point(const struct verification *run, const struct seccomp_data *data)
{
	const struct clause *clause;
	uint32_t wanted = expected(run, data, &clause);
	uint32_t found = bpf_run(run->program, data, NULL);

	if (wanted == found)
		return 0;
	/* Of some programs the key lets pass before they come to their log. */
	if (wanted == SECCOMP_RET_LOG && found == SECCOMP_RET_ALLOW && has_key(run, data))
		return 0;
	return complain(run, data, clause, found);
}

/* The combination of values with this number, counted as digits are. */
static void set_arguments(const struct verification *run, size_t index,
			  struct seccomp_data *data)
{
	for (unsigned int i = 0; i < 6; i++) {
		const struct values *values = &run->arguments[i];

		data->args[i] = values->list[index % values->count];
		index /= values->count;
	}
}

static size_t count_combinations(const struct verification *run)
{
	size_t product = 1;

	for (unsigned int i = 0; i < 6; i++) {
		if (product <= POINTS_MAX)
			product *= run->arguments[i].count;
	}
	return product;
}

static int try_combinations(struct verification *run, struct seccomp_data *data)
{
	size_t combinations = count_combinations(run);

	for (size_t i = 0; combinations <= POINTS_MAX && i < combinations; i++) {
		set_arguments(run, i, data);
		if (try_point(run, data) < 0)
			return -1;
	}
	for (size_t i = 0; combinations > POINTS_MAX && i < POINTS_MAX; i++) {
		for (unsigned int j = 0; j < 6; j++) {
			const struct values *values = &run->arguments[j];

			data->args[j] = values->list[next_random(run) % values->count];
		}
		if (try_point(run, data) < 0)
			return -1;
	}
	return 0;
}

/* Each value once, while the other arguments stay at their first. */
static int try_values(const struct verification *run, struct seccomp_data *data)
{
	for (unsigned int i = 0; i < 6; i++) {
		const struct values *values = &run->arguments[i];

		set_arguments(run, 0, data);
		for (size_t j = 0; j < values->count; j++) {
			data->args[i] = values->list[j];
			if (try_point(run, data) < 0)
				return -1;
		}
	}
	return 0;
}

static int try_key(const struct verification *run, struct seccomp_data *data)
{
	const struct start_key *key = run->wishes->key;

	if (!key)
		return 0;
	memcpy(&data->args[3], key->words, sizeof(key->words));
	if (try_point(run, data) < 0)
		return -1;
	for (unsigned int bit = 0; bit < 192; bit++) {
		struct seccomp_data other = *data;

		other.args[3 + bit / 64] ^= UINT64_C(1) << (bit % 64);
		if (try_point(run, &other) < 0)
			return -1;
	}
	return 0;
}

/* Makes a test hold by changing no more of the argument than it looks at. */
static void fulfil(const struct test *test, struct seccomp_data *data)
{
	uint64_t value = test->value;

	if (test->op == TEST_GT || test->op == TEST_NE)
		value++;
	if (test->op == TEST_LT)
		value--;
	data->args[test->argument] &= ~test->mask;
	data->args[test->argument] |= value & test->mask;
}

/* Makes a condition hold where that is easy: both sides of an AND, one of an OR. */
static void fulfil_condition(struct verification *run, const struct condition *condition,
			     struct seccomp_data *data)
{
	while (condition->kind != CONDITION_TEST) {
		bool turn = next_random(run) >> 63;

		if (run->work++ > GRAPH_WORK_MAX)
			return;
		if (condition->kind == CONDITION_AND || turn)
			fulfil_condition(run, condition->left, data);
		if (condition->kind == CONDITION_OR && turn)
			return;
		condition = condition->right;
	}
	fulfil(&condition->test, data);
}

/* Points where a clause holds, and where one bit is otherwise. */
static int try_clause(struct verification *run, const struct clause *clause,
		      struct seccomp_data *data)
{
	for (int i = 0; i < CLAUSE_POINTS; i++) {
		uint64_t bit = next_random(run);

		set_arguments(run, i % 2 ? (size_t)bit : 0, data);
		fulfil_condition(run, clause->when, data);
		if (try_point(run, data) < 0)
			return -1;
		data->args[bit % 6] ^= UINT64_C(1) << (bit >> 58);
		if (try_point(run, data) < 0)
			return -1;
	}
	return 0;
}

static int try_clauses(struct verification *run, const struct call_rules *call,
		       struct seccomp_data *data)
{
	for (size_t i = 0; i < call->clause_count; i++) {
		if (call->clauses[i].when && try_clause(run, &call->clauses[i], data) < 0)
			return -1;
	}
	return 0;
}

static void collect_values(struct verification *run, const struct call_rules *call)
{
	for (unsigned int i = 0; i < 6; i++) {
		run->arguments[i].list[0] = 0;
		run->arguments[i].count = 1;
	}
	for (size_t i = 0; call && i < call->clause_count; i++) {
		if (call->clauses[i].when)
			add_condition(run, call->clauses[i].when);
	}
	for (unsigned int i = 0; i < 6; i++) {
		if (run->arguments[i].count > 1)
			add_value(run, i, UINT64_MAX);
	}
}

static int try_number(struct verification *run, enum abi abi, uint32_t number,
		      const struct call_rules *call)
{
	struct seccomp_data data = { .nr = (int)number, .arch = abi_audit(abi) };

	for (unsigned int i = 0; i < 6; i++)
		data.args[i] = next_random(run);
	if (try_point(run, &data) < 0)
		return -1;
	if (is_start_call(abi, number) && try_key(run, &data) < 0)
		return -1;
	if (!call)
		return 0;
	collect_values(run, call);
	if (try_values(run, &data) < 0 || try_clauses(run, call, &data) < 0)
		return -1;
	return try_combinations(run, &data);
}

static int try_neighbours(struct verification *run, enum abi abi, uint32_t number)
{
	if (try_number(run, abi, number - 1, NULL) < 0 ||
	    try_number(run, abi, number, NULL) < 0)
		return -1;
	return try_number(run, abi, number + 1, NULL);
}

/* Where the ABIs of x86 meet, and where signs do. */
static const uint32_t limits[] = { 0, X32_BIT, UINT32_C(1) << 31, UINT32_MAX };

static int try_calls(struct verification *run, enum abi abi)
{
	const struct call_rules *calls = run->rules->abis[abi].calls;

	for (size_t i = 0; i < run->rules->abis[abi].count; i++) {
		if (try_number(run, abi, calls[i].number, &calls[i]) < 0 ||
		    try_neighbours(run, abi, calls[i].number) < 0)
			return -1;
	}
	return 0;
}

static int try_list(struct verification *run, enum abi abi, const uint32_t *numbers,
		    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (try_neighbours(run, abi, numbers[i]) < 0)
			return -1;
	}
	return 0;
}

static int try_by_chance(struct verification *run, enum abi abi)
{
	for (int i = 0; i < RANDOM_NUMBERS; i++) {
		uint32_t number = (uint32_t)(next_random(run) >> (32 + i % 32));

		if (try_number(run, abi, number, NULL) < 0)
			return -1;
	}
	return 0;
}

static int try_abi(struct verification *run, enum abi abi)
{
	size_t known = 0;
	const uint32_t *numbers = call_numbers(abi, &known);

	if (try_calls(run, abi) < 0 || try_list(run, abi, numbers, known) < 0 ||
	    try_list(run, abi, limits, sizeof(limits) / sizeof(limits[0])) < 0 ||
	    try_list(run, abi, start_calls, START_CALL_COUNT) < 0)
		return -1;
	return try_by_chance(run, abi);
}

static int try_all(struct verification *run)
{
	struct seccomp_data foreign = { .arch = ~abi_audit(ABI_X86_64) };

	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		if (try_abi(run, abi) < 0)
			return -1;
	}
	return try_point(run, &foreign);
}

int bpf_verify(const struct rules *rules, const struct bpf_wishes *wishes,
	       const struct seccomp_program *program, struct error *err)
{
	struct arena arena = { 0 };
	struct verification run = {
		.rules = rules,
		.wishes = wishes,
		.program = program,
		.random = 0x5bd1e995a1b2c3d4U,
		.err = err,
	};
	int result = -1;

	run.arguments = arena_alloc_array(&arena, 6, sizeof(*run.arguments));
	if (seccomp_check(program, err) == 0)
		result = try_all(&run);
	arena_free(&arena);
	return result;
}
