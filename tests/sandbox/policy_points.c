/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What attack_calls is to make under a built-in policy and what each call must answer: for
 * every ABI that the kernel may serve every call with arguments that nothing comes of, for
 * every rule over arguments the values around its own, with and without junk in the high
 * bits, and numbers that no table has.
 * It is called with the policy's name and writes what attack_calls reads.
 */
#include "base/arena.h"
#include "base/error.h"
#include "policy/readers.h"
#include "policy/rules.h"
#include "policy/tables.h"

#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JUNK UINT64_C(0xdeadbeef00000000)

enum {
	ARGUMENTS = 6,
	VALUES_MAX = 64,   /* for one argument */
	POINTS_MAX = 1500, /* for one call: of more, every so many-th is taken */
	NUMBERS_MAX = 1024,
};

struct values {
	uint64_t list[VALUES_MAX];
	size_t count;
};

static bool is_among(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static bool is_left_out(const char *name, bool allowed)
{
	/* The kernel lets its own trampolines pass by filters, and whoever calls like them. */
	static const char *const never[] = { "uprobe", "uretprobe", NULL };
	/* They wait for all disks of the machine, wait in vain, or end it. */
	static const char *const harmful[] = { "sync", "pause", "sigsuspend", "reboot",
					       NULL };

	return is_among(name, never) || (allowed && is_among(name, harmful));
}

static void add_value(struct values *values, uint64_t value)
{
	for (size_t i = 0; i < values->count; i++) {
		if (values->list[i] == value)
			return;
	}
	if (values->count < VALUES_MAX)
		values->list[values->count++] = value;
}

static void add_test(const struct test *test, bool wide, struct values *values)
{
	const uint64_t bits = test->mask & (~test->mask + 1);

	for (int i = -1; i <= 1; i++) {
		add_value(values, test->value + (uint64_t)i);
		if (wide)
			add_value(values, JUNK | (uint32_t)(test->value + (uint64_t)i));
	}
	/* The lowest bit of a mask, and each of a few. */
	add_value(values, test->value ^ bits);
	for (unsigned int bit = 0; test->mask != UINT64_MAX && bit < 32; bit++) {
		if (test->mask & UINT64_C(1) << bit && values->count < VALUES_MAX / 2)
			add_value(values, test->value ^ UINT64_C(1) << bit);
	}
}

/* As deep as conditions are: rules.h bounds it. */
static void add_condition(const struct condition *condition, bool wide,
			  struct values values[ARGUMENTS])
{
	if (condition->kind == CONDITION_TEST) {
		add_test(&condition->test, wide, &values[condition->test.argument]);
		return;
	}
	add_condition(condition->left, wide, values);
	add_condition(condition->right, wide, values);
}

static const struct call_rules *find_call(const struct rules *rules, enum abi abi,
					  uint32_t number)
{
	for (size_t i = 0; i < rules->abis[abi].count; i++) {
		if (rules->abis[abi].calls[i].number == number)
			return &rules->abis[abi].calls[i];
	}
	return NULL;
}

static void print_point(const struct rules *rules, enum abi abi,
			const struct seccomp_data *data, const char *name)
{
	const struct action action = rules_decide(rules, data)->action;
	char wanted[16] = "allow";

	if (action.kind == ACTION_ERRNO)
		snprintf(wanted, sizeof(wanted), "e%d", action.value);
	else if (action.kind != ACTION_ALLOW)
		snprintf(wanted, sizeof(wanted), "kill");
	if (is_left_out(name, strcmp(wanted, "allow") == 0))
		return;
	printf("%s %x", abi_name(abi), (unsigned int)data->nr);
	for (int i = 0; i < ARGUMENTS; i++)
		printf(" %llx", (unsigned long long)data->args[i]);
	printf(" %s %s\n", wanted, name);
}

/* Every combination of the values of arguments, or as many as POINTS_MAX of them. */
static void print_points(const struct rules *rules, enum abi abi, uint32_t number,
			 const struct values values[ARGUMENTS], const char *name)
{
	size_t all = 1, step;

	for (int i = 0; i < ARGUMENTS; i++)
		all *= values[i].count;
	step = all / POINTS_MAX + 1;
	for (size_t at = 0; at < all; at += step) {
		struct seccomp_data data = { .nr = (int)number, .arch = abi_audit(abi) };
		size_t rest = at;

		for (int i = 0; i < ARGUMENTS; i++) {
			data.args[i] = values[i].list[rest % values[i].count];
			if (!abi_is_wide(abi))
				data.args[i] &= UINT32_MAX;
			rest /= values[i].count;
		}
		print_point(rules, abi, &data, name);
	}
}

static void print_call(const struct rules *rules, enum abi abi, uint32_t number,
		       const char *name)
{
	const struct call_rules *call = find_call(rules, abi, number);
	struct values values[ARGUMENTS] = { 0 };

	for (int i = 0; i < ARGUMENTS; i++)
		add_value(&values[i], UINT64_MAX);
	for (size_t i = 0; call && i < call->clause_count; i++) {
		if (call->clauses[i].when)
			add_condition(call->clauses[i].when, abi_is_wide(abi), values);
	}
	print_points(rules, abi, number, values, name);
}

static void print_abi(const struct rules *rules, enum abi abi)
{
	size_t count = 0;
	const uint32_t *numbers = call_numbers(abi, &count);
	const uint32_t bit = abi == ABI_X32 ? X32_BIT : 0;

	for (size_t i = 0; i < count; i++)
		print_call(rules, abi, numbers[i], call_name(abi, numbers[i]));
	for (uint32_t number = 0; number < NUMBERS_MAX; number++) {
		if (!call_name(abi, number | bit))
			print_call(rules, abi, number | bit, "nameless");
	}
}

static int print_policy(const struct builtin *builtin, struct arena *arena,
			struct error *err)
{
	const struct profile_conditions conditions = { .caps = 0 };
	struct notes notes = { .arena = arena };
	struct profile profile;
	struct rules rules;

	if (native_read(builtin->text, builtin->length, builtin->name, NULL, arena,
			&profile, err) < 0 ||
	    profile.resolve(&profile, &conditions, arena, &rules, &notes, err) < 0)
		return -1;
	for (enum abi abi = ABI_X86_64; abi < ABI_COUNT; abi++) {
		/* arm cannot be entered from aarch64: attack_calls says why. */
		if (abi_served() & 1U << abi && abi != ABI_ARM)
			print_abi(&rules, abi);
	}
	return 0;
}

static const struct builtin *find(const char *name)
{
	const struct builtin *builtin = builtins;

	while (builtin->name && strcmp(builtin->name, name) != 0)
		builtin++;
	return builtin->name ? builtin : NULL;
}

int main(int argc, char **argv)
{
	const struct builtin *builtin = argc == 2 ? find(argv[1]) : NULL;
	struct arena arena = { 0 };
	struct error err = { 0 };
	int result;

	if (!builtin) {
		fputs("usage: policy_points POLICY\n", stderr);
		return EXIT_FAILURE;
	}
	result = print_policy(builtin, &arena, &err);
	if (err.text[0])
		fprintf(stderr, "cannot %s\n", err.text);
	arena_free(&arena);
	return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
