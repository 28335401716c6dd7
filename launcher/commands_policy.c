/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx policy`: what policies say, asked without starting anything. */
#include "launcher/commands.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "launcher/report.h"
#include "plan/plan.h"
#include "policy/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

enum { FAILED = 125, FOUND = 1, WORDS_MAX = 64 };

/* What stands behind the command's name. */
struct request {
	struct arena arena;
	const struct profile_places *places;
	const char *words[WORDS_MAX + 1]; /* operands */
	size_t count;
	const char *policy; /* --policy */
	const char *to;     /* --to */
	const char *output; /* -o */
	bool source;        /* --source */
	struct profile_conditions conditions;
};

struct subcommand {
	const char *name;
	int (*run)(struct request *request, struct error *err);
	size_t least, most;  /* operands */
	const char *options; /* letters of those that it takes */
	const char *usage, *purpose;
};

/* ---- what they do ---------------------------------------------------------------------- */

static int say(const struct request *request, const char *text, struct error *err)
{
	if (request->output) {
		if (files_replace(AT_FDCWD, request->output, text, strlen(text), 0644) <
		    0)
			return error_errno(err, "write %s", request->output);
		return 0;
	}
	if (fd_write_all(STDOUT_FILENO, text, strlen(text)) < 0)
		return error_errno(err, "write to the standard output");
	return 0;
}

static const struct profile *read_profile(struct request *request, const char *operand,
					  struct error *err)
{
	const struct profile *profile = NULL;

	return profile_read(operand, request->places, &request->arena, &profile, err) < 0
		       ? NULL
		       : profile;
}

static int policy_list(struct request *request, struct error *err)
{
	return say(request, profile_list(request->places, &request->arena), err);
}

static int policy_show(struct request *request, struct error *err)
{
	const struct profile *profile = read_profile(request, request->words[0], err);
	const char *text;

	if (!profile)
		return -1;
	text = request->source ? profile_builtin_text(request->words[0])
			       : profile_show(profile, &request->arena);
	if (!text) {
		error_set(err, ERROR_POLICY, "show the source of %s: it is no built-in",
			  request->words[0]);
		return error_hint(err, "a file is its own source");
	}
	return say(request, text, err);
}

static int policy_check(struct request *request, struct error *err)
{
	bool found = false;

	for (size_t i = 0; i < request->count; i++) {
		const struct profile *profile =
			read_profile(request, request->words[i], err);
		const char *text = profile ? profile_lint(profile, &request->conditions,
							  &request->arena, err)
					   : NULL;

		if (!text || say(request, text, err) < 0)
			return -1;
		found |= text[0] != '\0';
	}
	return found ? FOUND : 0;
}

static int policy_explain(struct request *request, struct error *err)
{
	const struct profile *profile = read_profile(request, request->policy, err);
	const char *text =
		profile ? profile_explain(profile, &request->conditions,
					  request->words[0], &request->arena, err)
			: NULL;

	return text ? say(request, text, err) : -1;
}

static int policy_why(struct request *request, struct error *err)
{
	const struct profile *profile = read_profile(request, request->policy, err);
	struct seccomp_data data;
	const char *text;

	if (!profile || call_parse(request->words, &data, err) < 0)
		return -1;
	text = profile_why(profile, &request->conditions, &data, &request->arena, err);
	return text ? say(request, text, err) : -1;
}

static int policy_convert(struct request *request, struct error *err)
{
	const struct profile *profile = read_profile(request, request->words[0], err);
	const char *text = profile ? profile_convert(profile, &request->conditions,
						     request->to ? request->to : "native",
						     &request->arena, err)
				   : NULL;

	return text ? say(request, text, err) : -1;
}

static const struct subcommand subcommands[] = {
	{ "list", policy_list, 0, 0, "", "sbx policy list",
	  "Lists the policies that have a name." },
	{ "show", policy_show, 1, 1, "s", "sbx policy show [--source] POLICY",
	  "Prints what POLICY comes to, each line with where it was written; with --source\n"
	  "the text of a built-in itself." },
	{ "check", policy_check, 1, WORDS_MAX, "ck",
	  "sbx policy check [--caps SET] [--kernel VERSION] POLICY...",
	  "Reads policies and says what is doubtful in them. Ends with 0 if nothing is." },
	{ "explain", policy_explain, 1, 1, "pck",
	  "sbx policy explain [--policy POLICY] [--caps SET] [--kernel VERSION] CALL",
	  "Says what a policy (default) makes of a system call, and why." },
	{ "why", policy_why, 1, 7, "pck",
	  "sbx policy why [--policy POLICY] [--caps SET] [--kernel VERSION] CALL [ARG...]",
	  "Runs the compiled policy for one call, by name or number, with arguments as numbers\n"
	  "or constants, and names the line that decides." },
	{ "convert", policy_convert, 1, 1, "tock",
	  "sbx policy convert [--to native|oci] [-o FILE] [--caps SET] [--kernel VERSION] POLICY",
	  "Prints a policy in the native format, or as OCI JSON." },
};

enum { SUBCOMMAND_COUNT = sizeof(subcommands) / sizeof(*subcommands) };

/* ---- words ----------------------------------------------------------------------------- */

static int set_caps(struct request *request, const char *operand, struct error *err)
{
	const char *at = operand;

	request->conditions.caps = 0;
	while (*at) {
		const char *name = arena_strndup(&request->arena, at, strcspn(at, ","));
		uint64_t bits = caps_by_name(name);

		if (!bits && strcmp(name, "none") != 0)
			return error_set(err, ERROR_USAGE,
					 "use --caps: '%s' is not a capability", name);
		request->conditions.caps |= bits;
		at += strlen(name) + (at[strlen(name)] == ',');
	}
	return 0;
}

static int set_kernel(struct request *request, const char *operand, struct error *err)
{
	const char *dot = strchr(operand, '.');
	int major, minor = 0;
	char text[8] = "";

	if (dot && dot - operand < (int)sizeof(text))
		memcpy(text, operand, (size_t)(dot - operand));
	if (text_to_int(dot ? text : operand, 1, 1000, &major) < 0 ||
	    (dot && text_to_int(dot + 1, 0, UINT16_MAX, &minor) < 0))
		return error_set(err, ERROR_USAGE, "use --kernel: '%s' is not as 6.1",
				 operand);
	request->conditions.kernel = (unsigned int)major << 16 | (unsigned int)minor;
	return 0;
}

static const struct option {
	const char *name, *short_name;
	char letter;
	bool has_operand;
} options[] = {
	{ "--policy", NULL, 'p', true }, { "--to", NULL, 't', true },
	{ "--output", "-o", 'o', true }, { "--source", NULL, 's', false },
	{ "--caps", NULL, 'c', true },   { "--kernel", NULL, 'k', true },
};

static int set_option(struct request *request, char letter, const char *operand,
		      struct error *err)
{
	switch (letter) {
	case 'p':
		request->policy = operand;
		return 0;
	case 't':
		request->to = operand;
		return 0;
	case 'o':
		request->output = operand;
		return 0;
	case 's':
		request->source = true;
		return 0;
	case 'c':
		return set_caps(request, operand, err);
	default:
		return set_kernel(request, operand, err);
	}
}

static const struct option *find_option(const struct subcommand *command,
					const char *word, size_t length)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		const struct option *option = &options[i];
		const bool is_it =
			(strncmp(option->name, word, length) == 0 &&
			 option->name[length] == '\0') ||
			(option->short_name && strlen(option->short_name) == length &&
			 strncmp(option->short_name, word, length) == 0);

		if (is_it && strchr(command->options, option->letter))
			return option;
	}
	return NULL;
}

/* Returns how many words were used, or -1. */
static int take_option(struct request *request, const struct subcommand *command,
		       const char *const *words, struct error *err)
{
	const char *equals =
		strncmp(words[0], "--", 2) == 0 ? strchr(words[0], '=') : NULL;
	size_t length = equals ? (size_t)(equals - words[0]) : strlen(words[0]);
	const struct option *option = find_option(command, words[0], length);
	const char *operand = equals ? equals + 1 : words[1];

	if (!option || (equals && !option->has_operand)) {
		error_set(err, ERROR_USAGE, "read the options: unknown option %s",
			  words[0]);
		return error_hint(err, "%s", command->usage);
	}
	if (option->has_operand && !operand)
		return error_set(err, ERROR_USAGE, "use %s: it needs an operand",
				 option->name);
	if (set_option(request, option->letter, operand, err) < 0)
		return -1;
	return option->has_operand && !equals ? 2 : 1;
}

static int take_words(struct request *request, const struct subcommand *command,
		      const char *const *words, struct error *err)
{
	bool only_operands = false;

	while (*words) {
		int used = 1;

		if (!only_operands && strcmp(*words, "--") == 0)
			only_operands = true;
		else if (!only_operands && words[0][0] == '-' && words[0][1])
			used = take_option(request, command, words, err);
		else if (request->count < command->most)
			request->words[request->count++] = *words;
		else
			used = error_set(err, ERROR_USAGE, "use %s: one word too many",
					 *words);
		if (used < 0)
			return -1;
		words += used;
	}
	if (request->count >= command->least)
		return 0;
	error_set(err, ERROR_USAGE, "do sbx policy %s: something is missing",
		  command->name);
	return error_hint(err, "%s", command->usage);
}

static int fail(const struct error *err)
{
	report_error(err, false);
	return FAILED;
}

static int say_help(const struct subcommand *command)
{
	printf("usage: %s\n\n%s\n", command->usage, command->purpose);
	return fflush(stdout) == 0 ? 0 : FAILED;
}

static int say_overview(FILE *to)
{
	fprintf(to, "usage: sbx policy COMMAND\n\n");
	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
		fprintf(to, "  %s\n", subcommands[i].usage);
	fprintf(to,
		"  sbx policy learn [-o FILE] [--report FILE] [OPTIONS OF sbx run] [--] "
		"COMMAND\n");
	fprintf(to, "\nsbx policy COMMAND --help says more; man 5 sbx-policy teaches the "
		    "format.\n");
	return fflush(to) == 0 && to == stdout ? 0 : FAILED;
}

static bool asks_for_help(const char *word)
{
	return word && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0);
}

static int run(const struct subcommand *command, const char *const *words)
{
	struct request request = { .policy = "default" };
	struct error err = { 0 };
	int status;

	if (asks_for_help(words[0]))
		return say_help(command);
	request.conditions.kernel = profile_kernel();
	request.places = plan_policy_places(&request.arena);
	status = take_words(&request, command, words, &err);
	if (status == 0)
		status = command->run(&request, &err);
	if (status < 0)
		status = fail(&err);
	arena_free(&request.arena);
	return status;
}

int command_policy(const char *const *words, const struct caller_text *caller)
{
	const char *names[SUBCOMMAND_COUNT + 2] = { [SUBCOMMAND_COUNT] = "learn" };
	const char *nearest;
	struct error err;

	if (!words[0])
		return say_overview(stderr);
	if (asks_for_help(words[0]))
		return say_overview(stdout);
	if (!policy_is_built_in()) {
		policy_refuse("do sbx policy", &err);
		return fail(&err);
	}
	if (strcmp(words[0], "learn") == 0)
		return command_learn(words + 1, caller);
	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
		names[i] = subcommands[i].name;
		if (strcmp(words[0], names[i]) == 0)
			return run(&subcommands[i], words + 1);
	}
	error_set(&err, ERROR_USAGE, "do 'policy %s': there is no such command",
		  words[0]);
	nearest = text_nearest(words[0], names);
	error_hint(&err, "sbx policy %s", nearest ? nearest : "--help");
	return fail(&err);
}
