/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program of the build: reads the texts of the built-in policies and writes the source
 * that has their programs too, each one compared with its rules. It runs on the machine that
 * builds, for the ABI that SBX_TABLES_ABI names, and needs no library.
 */
#include "policy/bpf.h"
#include "policy/native.h"
#include "policy/policy.h"
#include "policy/readers.h"

#include "base/arena.h"
#include "base/error.h"

#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a plan most often asks for; whatever else it asks for is compiled when it starts. */
struct variant {
	bool default_root, emulate_root, explains;
};

static const struct variant variants[] = {
	{ false, false, false }, { false, false, true }, { true, false, false },
	{ true, false, true },   { true, true, false },  { true, true, true },
};

enum { VARIANTS = sizeof(variants) / sizeof(variants[0]) };

/* The programs of one policy. Of equal ones the first is written. */
struct compiled {
	uint64_t asked_caps;
	struct builtin_program programs[VARIANTS];
	size_t same_as[VARIANTS];
	size_t count;
};

/* Built-in policies extend each other only; JSON is for users. */
int oci_seccomp_read(const char *text, size_t length, const char *name,
		     struct arena *arena, struct profile *ret_profile, struct error *err)
{
	(void)text;
	(void)length;
	(void)arena;
	(void)ret_profile;
	return error_set(err, ERROR_POLICY, "read %s: no built-in policy is JSON", name);
}

static bool is_there(const struct compiled *compiled,
		     const struct builtin_program *program)
{
	for (size_t i = 0; i < compiled->count; i++) {
		const struct builtin_program *other = &compiled->programs[i];

		if (other->caps == program->caps &&
		    other->explains == program->explains &&
		    other->emulate_root == program->emulate_root)
			return true;
	}
	return false;
}

static size_t first_equal(const struct compiled *compiled,
			  const struct seccomp_program *program)
{
	const size_t size = program->count * sizeof(struct sock_filter);
	size_t i = 0;

	while (i < compiled->count &&
	       (compiled->programs[i].program.count != program->count ||
		memcmp(compiled->programs[i].program.instructions, program->instructions,
		       size) != 0))
		i++;
	return i;
}

static int compile_variant(const struct profile *profile, const struct variant *variant,
			   struct arena *arena, struct compiled *compiled,
			   struct error *err)
{
	const struct profile_conditions conditions = {
		.caps = variant->default_root ? caps_default_root() : 0,
		.emulate_root = variant->emulate_root,
	};
	const struct bpf_wishes wishes = { .explains = variant->explains };
	struct builtin_program made = {
		.caps = conditions.caps & compiled->asked_caps,
		.emulate_root = variant->emulate_root,
		.explains = variant->explains,
	};
	struct notes notes = { .arena = arena };
	struct rules rules;
	const struct rules *final = &rules;

	if (is_there(compiled, &made))
		return 0;
	if (profile->resolve(profile, &conditions, arena, &rules, &notes, err) < 0)
		return -1;
	if (variant->emulate_root)
		final = rules_emulate_root(&rules, arena);
	made.flags = rules.flags;
	if (bpf_generate(final, &wishes, arena, &made.program, err) < 0 ||
	    bpf_verify(final, &wishes, &made.program, err) < 0)
		return -1;
	compiled->same_as[compiled->count] = first_equal(compiled, &made.program);
	compiled->programs[compiled->count++] = made;
	return 0;
}

static int compile(const struct builtin *builtin, struct arena *arena,
		   struct compiled *compiled, struct error *err)
{
	struct profile profile;
	const struct native_policy *policy;

	if (native_read(builtin->text, builtin->length, builtin->name, NULL, arena,
			&profile, err) < 0)
		return -1;
	policy = native_policy(&profile);
	if (policy->asks_kernel)
		return error_set(err, ERROR_POLICY,
				 "compile %s: a built-in policy does not ask for kernels",
				 builtin->name);
	compiled->asked_caps = policy->asked_caps;
	for (size_t i = 0; i < VARIANTS; i++) {
		if (compile_variant(&profile, &variants[i], arena, compiled, err) < 0)
			return error_within(err, "compile %s", builtin->name);
	}
	return 0;
}

static void write_instructions(FILE *out, const char *name, size_t i,
			       const struct seccomp_program *program)
{
	const struct sock_filter *from = program->instructions;

	fprintf(out, "static const struct sock_filter %s_%zu[] = {\n", name, i);
	for (size_t j = 0; j < program->count; j++)
		fprintf(out, "\t{ 0x%02x, %u, %u, 0x%x },\n", from[j].code, from[j].jt,
			from[j].jf, from[j].k);
	fputs("};\n", out);
}

static void write_programs(FILE *out, const char *name, const struct compiled *compiled)
{
	for (size_t i = 0; i < compiled->count; i++) {
		if (compiled->same_as[i] == i)
			write_instructions(out, name, i, &compiled->programs[i].program);
	}
	fprintf(out, "static const struct builtin_program %s_programs[] = {\n", name);
	for (size_t i = 0; i < compiled->count; i++) {
		const struct builtin_program *program = &compiled->programs[i];

		fprintf(out, "\t{ 0x%llx, %d, %d, %u, { %s_%zu, %zu } },\n",
			(unsigned long long)program->caps, program->emulate_root,
			program->explains, program->flags, name, compiled->same_as[i],
			program->program.count);
	}
	fputs("};\n", out);
}

static void write_text(FILE *out, const struct builtin *builtin)
{
	fprintf(out, "static const char %s_text[] = {", builtin->name);
	for (size_t i = 0; i <= builtin->length; i++)
		fprintf(out, "%s%d,", i % 24 == 0 ? "\n\t" : " ",
			i < builtin->length ? builtin->text[i] : 0);
	fputs("\n};\n", out);
}

/* A title has no quotes; texts.py would have failed. */
static void write_table(FILE *out, const struct compiled *compiled)
{
	fputs("const struct builtin builtins[] = {\n", out);
	for (size_t i = 0; builtins[i].name; i++)
		fprintf(out,
			"\t{ \"%s\", \"%s\", %s_text, %zu, 0x%llx, %s_programs, %zu },\n",
			builtins[i].name, builtins[i].about, builtins[i].name,
			builtins[i].length, (unsigned long long)compiled[i].asked_caps,
			builtins[i].name, compiled[i].count);
	fputs("\t{ 0 },\n};\n", out);
}

static int compile_all(FILE *out, struct arena *arena, struct error *err)
{
	struct compiled *compiled;
	size_t count = 0;

	while (builtins[count].name)
		count++;
	compiled = arena_alloc_array(arena, count, sizeof(*compiled));
	fputs("/* Made by policy/compile_builtins.c of policy/builtin/. */\n"
	      "#include \"policy/readers.h\"\n\n#include <linux/filter.h>\n\n",
	      out);
	for (size_t i = 0; i < count; i++) {
		if (compile(&builtins[i], arena, &compiled[i], err) < 0)
			return -1;
		write_text(out, &builtins[i]);
		write_programs(out, builtins[i].name, &compiled[i]);
	}
	write_table(out, compiled);
	return 0;
}

int main(int argc, char **argv)
{
	struct arena arena = { 0 };
	struct error err = { 0 };
	FILE *out = argc == 2 ? fopen(argv[1], "we") : NULL;
	int result;

	if (!out) {
		fputs("usage: compile-builtins OUTPUT\n", stderr);
		return EXIT_FAILURE;
	}
	result = compile_all(out, &arena, &err);
	if (result < 0)
		fprintf(stderr, "cannot %s\n", err.text);
	if (fclose(out) != 0)
		result = -1;
	arena_free(&arena);
	return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
