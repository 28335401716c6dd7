/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a filter costs until it is loaded, and what calls cost below it. ./policy says which
 * of this is compared with what.
 *
 *	filters text PROFILE.json            the rules for x86-64, in the native format
 *	filters program PROFILE.json         the program of them
 *	filters compile PROFILE.json PROFILE.sbx ROUNDS
 *	filters calls ROUNDS
 *
 * compile goes through all steps in turn, round after round, and prints a line for each:
 * name, ABIs, microseconds at the 10th and 50th percentile, instructions. calls prints the
 * nanoseconds of three calls in whatever filter it was started below, the least of ROUNDS.
 */
#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf.h"
#include "policy/readers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 10000, BATCH = 2000, ABIS_OF_X86 = 7, KERNEL = 6 << 16 };

static const struct bpf_wishes no_wishes = { 0 };

static void die(const char *what, const char *why)
{
	dprintf(STDERR_FILENO, "filters: cannot %s: %s\n", what, why);
	_exit(1);
}

static void must(long result, const char *what)
{
	if (result < 0)
		die(what, strerror(errno));
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* ---- texts and rules ----------------------------------------------------------------- */

struct text {
	const char *name;
	char *bytes;
	size_t length;
};

static struct text load_text(const char *name)
{
	struct text text = { .name = name };
	int file = open(name, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (file < 0 || fstat(file, &status) < 0)
		die(name, strerror(errno));
	text.length = (size_t)status.st_size;
	text.bytes = calloc(1, text.length + 1);
	if (!text.bytes || read(file, text.bytes, text.length) != (ssize_t)text.length)
		die(name, "it cannot be read");
	close(file);
	return text;
}

static struct rules rules_of(const struct text *text, struct arena *arena)
{
	const struct profile_conditions conditions = { .caps = caps_default_root(),
						       .kernel = KERNEL };
	const struct profile_places places = { 0 };
	struct notes notes = { .arena = arena };
	struct profile profile = { 0 };
	struct rules rules = { 0 };
	struct error err = { 0 };
	int failed;

	if (text->bytes[0] == '{')
		failed = oci_seccomp_read(text->bytes, text->length, text->name, arena,
					  &profile, &err);
	else
		failed = native_read(text->bytes, text->length, text->name, &places,
				     arena, &profile, &err);
	if (failed < 0 ||
	    profile.resolve(&profile, &conditions, arena, &rules, &notes, &err) < 0)
		die(text->name, err.text);
	return rules;
}

static struct seccomp_program program_of(const struct rules *rules, struct arena *arena)
{
	struct seccomp_program program;
	struct error err = { 0 };

	if (bpf_generate(rules, &no_wishes, arena, &program, &err) < 0)
		die("generate", err.text);
	return program;
}

/* ---- the native text of rules -------------------------------------------------------- */

static const char *const operators[] = {
	[TEST_EQ] = "==", [TEST_NE] = "!=", [TEST_LT] = "<",
	[TEST_LE] = "<=", [TEST_GT] = ">",  [TEST_GE] = ">=",
};

static const enum test_op opposites[] = {
	[TEST_EQ] = TEST_NE, [TEST_NE] = TEST_EQ, [TEST_LT] = TEST_GE,
	[TEST_LE] = TEST_GT, [TEST_GT] = TEST_LE, [TEST_GE] = TEST_LT,
};

static void print_condition(const struct condition *condition, bool is_denied)
{
	const struct test *test = &condition->test;
	enum test_op op = is_denied ? opposites[test->op] : test->op;

	if (condition->kind != CONDITION_TEST) {
		bool is_and = (condition->kind == CONDITION_AND) != is_denied;

		printf("(");
		print_condition(condition->left, is_denied);
		printf(is_and ? " && " : " || ");
		print_condition(condition->right, is_denied);
		printf(")");
		return;
	}
	if (test->mask == UINT64_MAX)
		printf("arg%u %s %llu", test->argument, operators[op],
		       (unsigned long long)test->value);
	else
		printf("(arg%u & %llu) %s %llu", test->argument,
		       (unsigned long long)test->mask, operators[op],
		       (unsigned long long)test->value);
}

/* What allows, as one expression: `a || (b && (…))`. */
static void print_expression(const struct clause *clauses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool is_denied = clauses[i].action.kind != ACTION_ALLOW;

		print_condition(clauses[i].when, is_denied);
		if (i + 1 < count)
			printf(is_denied ? " && (" : " || (");
	}
	for (size_t i = 1; i < count; i++)
		printf(")");
}

static bool allows(const struct clause *clause)
{
	return clause->action.kind == ACTION_ALLOW;
}

/* One line for each call. Of several ways to deny only the first is kept. */
static void print_call(const struct call_rules *call)
{
	const struct clause *denial = call->clauses;
	size_t count = call->clause_count;
	char action[32];

	/* Clauses before the last one that do as it does say nothing. */
	while (count > 1 && allows(&call->clauses[count - 2]) ==
				    allows(&call->clauses[call->clause_count - 1]))
		count--;
	printf("%s: ", call->name);
	if (count == 1) {
		denial = &call->clauses[call->clause_count - 1];
	} else {
		while (allows(denial))
			denial++;
		print_expression(call->clauses, count - 1);
		printf("; else ");
	}
	printf("%s\n", action_text(denial->action, action, sizeof(action)));
}

static void print_text(const char *json)
{
	const struct text text = load_text(json);
	struct arena arena = { 0 };
	const struct rules rules = rules_of(&text, &arena);
	char known[32], unknown[32];

	printf("%%sbx-policy 1\n@arch native\n@default %s\n@known %s\n",
	       action_text(rules.unknown.action, unknown, sizeof(unknown)),
	       action_text(rules.known.action, known, sizeof(known)));
	for (size_t i = 0; i < rules.abis[ABI_X86_64].count; i++)
		print_call(&rules.abis[ABI_X86_64].calls[i]);
}

static void write_program(const char *json)
{
	const struct text text = load_text(json);
	struct arena arena = { 0 };
	struct rules rules = rules_of(&text, &arena);
	struct seccomp_program program;

	rules.served = 1U << ABI_X86_64;
	program = program_of(&rules, &arena);
	must(write(STDOUT_FILENO, program.instructions, program.count * 8), "write");
}

/* ---- the same rules through libseccomp, as the runtimes of containers do it ----------- */

/* The tests of an AND; 0: it is not one, or asks an argument twice. */
static unsigned int comparisons_of(const struct condition *condition,
				   struct scmp_arg_cmp *comparisons)
{
	static const enum scmp_compare same[] = {
		[TEST_EQ] = SCMP_CMP_EQ, [TEST_NE] = SCMP_CMP_NE, [TEST_LT] = SCMP_CMP_LT,
		[TEST_LE] = SCMP_CMP_LE, [TEST_GT] = SCMP_CMP_GT, [TEST_GE] = SCMP_CMP_GE,
	};
	unsigned int count = 0;

	for (;; condition = condition->right) {
		const struct condition *one =
			condition->kind == CONDITION_AND ? condition->left : condition;
		const struct test *test = &one->test;

		if (one->kind != CONDITION_TEST || count == 6)
			return 0;
		comparisons[count++] =
			test->mask == UINT64_MAX
				? SCMP_CMP64(test->argument, same[test->op], test->value,
					     0)
				: SCMP_CMP64(test->argument, SCMP_CMP_MASKED_EQ,
					     test->mask, test->value);
		if (one == condition)
			return count;
	}
}

static void add_call(scmp_filter_ctx filter, const struct call_rules *call, int number)
{
	for (size_t i = 0; i < call->clause_count; i++) {
		const struct clause *clause = &call->clauses[i];
		uint32_t action = bpf_return_value(clause->action, &no_wishes);
		struct scmp_arg_cmp comparisons[6];
		unsigned int count = 0;

		if (clause->when)
			count = comparisons_of(clause->when, comparisons);
		if (!clause->when || count > 0)
			(void)seccomp_rule_add_array(filter, action, number, count,
						     comparisons);
	}
}

static void add_abi(scmp_filter_ctx filter, const struct rules *rules, enum abi abi)
{
	for (size_t i = 0; i < rules->abis[abi].count; i++) {
		const struct call_rules *call = &rules->abis[abi].calls[i];

		/* Other ABIs only for what the first one does not have. */
		if (abi == ABI_X86_64)
			add_call(filter, call, (int)call->number);
		else if (call_number(ABI_X86_64, call->name) < 0)
			add_call(filter, call, seccomp_syscall_resolve_name(call->name));
	}
}

static struct seccomp_program libseccomp_program(const struct rules *rules, bool as_tree,
						 struct arena *arena)
{
	scmp_filter_ctx filter =
		seccomp_init(bpf_return_value(rules->unknown.action, &no_wishes));
	int file = memfd_create("filter", MFD_CLOEXEC);
	struct stat status;
	void *bytes;

	if (!filter || file < 0)
		die("use libseccomp", "it has no filter");
	if (as_tree)
		(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rules->served & 1U << ABI_I386)
		must(seccomp_arch_add(filter, SCMP_ARCH_X86), "add i386");
	if (rules->served & 1U << ABI_X32)
		must(seccomp_arch_add(filter, SCMP_ARCH_X32), "add x32");
	add_abi(filter, rules, ABI_X86_64);
	if (rules->served & 1U << ABI_I386)
		add_abi(filter, rules, ABI_I386);
	must(seccomp_export_bpf(filter, file), "export");
	seccomp_release(filter);
	must(fstat(file, &status), "measure the program");
	bytes = arena_alloc(arena, (size_t)status.st_size + 1);
	must(pread(file, bytes, (size_t)status.st_size, 0), "read the program");
	close(file);
	return (struct seccomp_program){ bytes, (size_t)status.st_size / 8 };
}

/* ---- steps, round after round -------------------------------------------------------- */

enum figure {
	READ_NATIVE,
	READ_JSON,
	GENERATE,
	GENERATE_AGAIN, /* at once, with everything in memory and caches */
	VERIFY,
	INSTALL,
	WHOLE, /* read from the native format, generated, installed */
	LIBSECCOMP,
	LIBSECCOMP_INSTALL,
	LIBSECCOMP_TREE,
	LIBSECCOMP_TREE_INSTALL,
	FIGURE_COUNT,
};

static const char *const figure_names[FIGURE_COUNT] = {
	[READ_NATIVE] = "read-native",
	[READ_JSON] = "read-json",
	[GENERATE] = "generate",
	[GENERATE_AGAIN] = "generate-again",
	[VERIFY] = "verify",
	[INSTALL] = "install",
	[WHOLE] = "whole",
	[LIBSECCOMP] = "libseccomp",
	[LIBSECCOMP_INSTALL] = "libseccomp-install",
	[LIBSECCOMP_TREE] = "libseccomp-tree",
	[LIBSECCOMP_TREE_INSTALL] = "libseccomp-tree-install",
};

struct series {
	double us[FIGURE_COUNT][ROUNDS_MAX];
	size_t instructions[FIGURE_COUNT];
};

/* In a child, which tells how long it took by shared memory: a filter stays for good. */
static double install(const struct seccomp_program *program, double *shared)
{
	int status = 0;
	pid_t child = fork();

	must(child, "fork");
	if (child == 0) {
		struct error err;
		double start;

		must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs");
		start = now_us();
		if (seccomp_install(program, &err) < 0)
			_exit(1);
		*shared = now_us() - start;
		_exit(0);
	}
	must(waitpid(child, &status, 0), "wait");
	if (status != 0)
		die("install a filter", "the kernel refuses it");
	return *shared;
}

/* What the work itself costs: no page is touched for the first time. */
static double generate_again(const struct rules *rules)
{
	double took = 0;

	for (int i = 0; i < 3; i++) {
		struct arena arena = { 0 };
		double start = now_us();

		(void)program_of(rules, &arena);
		took = now_us() - start;
		arena_free(&arena);
	}
	return took;
}

static void ours(struct series *series, size_t round, const struct text *native,
		 const struct text *json, unsigned int served, double *shared)
{
	struct arena arena = { 0 };
	double start = now_us();
	struct rules rules = rules_of(native, &arena);
	struct seccomp_program program;
	struct error err = { 0 };

	series->us[READ_NATIVE][round] = now_us() - start;
	start = now_us();
	rules = rules_of(json, &arena);
	series->us[READ_JSON][round] = now_us() - start;
	rules.served = served;

	start = now_us();
	program = program_of(&rules, &arena);
	series->us[GENERATE][round] = now_us() - start;
	series->instructions[GENERATE] = program.count;
	series->us[GENERATE_AGAIN][round] = generate_again(&rules);
	start = now_us();
	if (bpf_verify(&rules, &no_wishes, &program, &err) < 0)
		die("verify", err.text);
	series->us[VERIFY][round] = now_us() - start;
	series->us[INSTALL][round] = install(&program, shared);
	series->us[WHOLE][round] = series->us[READ_NATIVE][round] +
				   series->us[GENERATE][round] +
				   series->us[INSTALL][round];
	arena_free(&arena);
}

static void theirs(struct series *series, size_t round, const struct text *json,
		   unsigned int served, double *shared)
{
	struct arena arena = { 0 };
	struct rules rules = rules_of(json, &arena);

	rules.served = served;
	for (int as_tree = 0; as_tree < 2; as_tree++) {
		enum figure figure = as_tree ? LIBSECCOMP_TREE : LIBSECCOMP;
		double start = now_us();
		struct seccomp_program program =
			libseccomp_program(&rules, as_tree, &arena);

		series->us[figure][round] = now_us() - start;
		series->instructions[figure] = program.count;
		series->us[figure + 1][round] = install(&program, shared);
	}
	arena_free(&arena);
}

static int compare_doubles(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void print_series(struct series *series, size_t rounds, int abis)
{
	for (int i = 0; i < FIGURE_COUNT; i++) {
		double *us = series->us[i];

		qsort(us, rounds, sizeof(us[0]), compare_doubles);
		printf("%s\t%d\t%.2f\t%.2f\t%zu\n", figure_names[i], abis,
		       us[rounds / 10], us[rounds / 2], series->instructions[i]);
	}
}

static void compile(const char *json_name, const char *native_name, size_t rounds)
{
	const struct text json = load_text(json_name), native = load_text(native_name);
	struct series *one = calloc(1, sizeof(*one)), *three = calloc(1, sizeof(*three));
	double *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (!one || !three || shared == MAP_FAILED)
		die("remember figures", "there is no memory");
	for (size_t i = 0; i < rounds; i++) {
		ours(one, i, &native, &json, 1U << ABI_X86_64, shared);
		theirs(one, i, &json, 1U << ABI_X86_64, shared);
		ours(three, i, &native, &json, ABIS_OF_X86, shared);
		theirs(three, i, &json, ABIS_OF_X86, shared);
	}
	print_series(one, rounds, 1);
	print_series(three, rounds, 3);
	free(one);
	free(three);
}

/* ---- calls below a filter ------------------------------------------------------------ */

static const struct {
	const char *name;
	long number;
	unsigned long argument;
} calls[] = {
	{ "allowed", SYS_getppid, 0 },
	{ "checked", SYS_personality, 0xffffffff },
	{ "denied", SYS_acct, 0 },
};

static void time_calls(size_t rounds)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		double least = 1e9;

		for (size_t round = 0; round < rounds; round++) {
			double start = now_us(), end;

			for (int j = 0; j < BATCH; j++)
				syscall(calls[i].number, calls[i].argument);
			end = now_us();
			if (end - start < least)
				least = end - start;
		}
		printf("%s\t%.1f\n", calls[i].name, least * 1000 / BATCH);
	}
}

static size_t rounds_of(const char *text)
{
	char *end = NULL;
	unsigned long rounds = strtoul(text, &end, 10);

	if (*end || rounds == 0 || rounds > ROUNDS_MAX)
		die("count rounds", text);
	return rounds;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 3 && strcmp(what, "text") == 0)
		print_text(argv[2]);
	else if (argc == 3 && strcmp(what, "program") == 0)
		write_program(argv[2]);
	else if (argc == 5 && strcmp(what, "compile") == 0)
		compile(argv[2], argv[3], rounds_of(argv[4]));
	else if (argc == 3 && strcmp(what, "calls") == 0)
		time_calls(rounds_of(argv[2]));
	else
		die("understand", "text, program, compile or calls");
	return 0;
}
