/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx exec`: one more process in a sandbox that runs. */
#include "launcher/commands.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "launcher/command_words.h"
#include "launcher/join.h"
#include "launcher/monitor.h"
#include "launcher/network.h"
#include "launcher/report.h"
#include "launcher/run.h"
#include "launcher/state.h"
#include "launcher/state_files.h"
#include "plan/plan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"sbx exec [-t] [-i] [-u USER] [-w DIR] [-e K=V] NAME [--] COMMAND [ARG...]";

/* What is asked for. */
struct request {
	const char *name, *user, *directory;
	const char *const *command;
	const char **variables; /* NULL-ended */
	size_t variable_count;
	bool terminal, no_terminal;
	bool help;
};

/* ---- words ----------------------------------------------------------------------------- */

static int take_value(struct request *request, char letter, const char *value)
{
	switch (letter) {
	case 'u':
		request->user = value;
		return 0;
	case 'w':
		request->directory = value;
		return value[0] == '/' ? 0
				       : refuse_words(usage, "no absolute path: ", value);
	default:
		request->variables[request->variable_count++] = value;
		return value[0] != '=' ? 0 : refuse_words(usage, "no name: ", value);
	}
}

/* The letters of -it; those with a value take the rest of the word, or the next one. */
static int take_letters(struct request *request, const char *const **words)
{
	const char *word = **words;

	for (const char *at = word + 1; *at; at++) {
		if (strchr("uwe", *at)) {
			const char *value = at[1] ? at + 1 : *++*words;

			return value ? take_value(request, *at, value)
				     : refuse_words(usage, "a value is missing behind ",
						    word);
		}
		if (!strchr("ti", *at))
			return refuse_words(usage, "it does not take ", word);
		request->terminal |= *at == 't';
	}
	return 0;
}

static int take_long(struct request *request, const char *const **words)
{
	static const struct {
		const char *name;
		char letter;
	} rows[] = {
		{ "--user", 'u' }, { "--workdir", 'w' },     { "--env", 'e' },
		{ "--tty", 't' },  { "--interactive", 'i' },
	};
	const char *word = **words;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const size_t length = strlen(rows[i].name);
		const bool has_value = strchr("uwe", rows[i].letter);

		if (strncmp(word, rows[i].name, length) != 0 ||
		    (word[length] && (word[length] != '=' || !has_value)))
			continue;
		request->terminal |= rows[i].letter == 't';
		if (!has_value)
			return 0;
		word = word[length] ? word + length + 1 : *++*words;
		return word ? take_value(request, rows[i].letter, word)
			    : refuse_words(usage, "a value is missing behind ",
					   rows[i].name);
	}
	return refuse_words(usage, "it does not take ", word);
}

/* 0, or the exit status. */
static int read_words(const char *const *words, struct request *request)
{
	for (; *words && is_option(*words) && strcmp(*words, "--") != 0; words++) {
		int refused;

		request->help = asks_for_help(*words);
		if (request->help)
			return 0;
		refused = (*words)[1] == '-' ? take_long(request, &words)
					     : take_letters(request, &words);
		if (refused)
			return refused;
	}
	if (*words && strcmp(*words, "--") == 0)
		words++;
	if (!*words)
		return refuse_words(usage, "a NAME is missing", "");
	request->name = *words++;
	if (*words && strcmp(*words, "--") == 0)
		words++;
	request->command = words;
	return *words ? 0 : refuse_words(usage, "a COMMAND is missing", "");
}

/* ---- the plan -------------------------------------------------------------------------- */

static bool is_same_variable(const char *a, const char *b)
{
	const size_t length = strcspn(a, "=");

	return strncmp(a, b, length) == 0 && (b[length] == '=' || !b[length]);
}

/* K without a value is the caller's. */
static void put_variable(const char **list, size_t *count, const char *word,
			 struct arena *arena)
{
	size_t at = 0;

	if (!strchr(word, '=')) {
		const char *outer = getenv(word);

		if (!outer)
			return;
		word = arena_printf(arena, "%s=%s", word, outer);
	}
	while (at < *count && !is_same_variable(word, list[at]))
		at++;
	list[at] = word;
	*count += at == *count;
}

/* Of the sandbox's own command, then what is asked for. The terminal is the caller's. */
static void put_environment(const struct request *request, struct plan *plan)
{
	struct process_spec *process = &plan->process;
	const char **list = arena_alloc_array(
		&plan->arena, process->env_count + request->variable_count + 5,
		sizeof(*list));
	size_t count = process->env_count;

	memcpy(list, process->env, count * sizeof(*list));
	if (process->terminal)
		put_variable(list, &count, "TERM", &plan->arena);
	for (size_t i = 0; i < request->variable_count; i++)
		put_variable(list, &count, request->variables[i], &plan->arena);
	process->env = list;
	process->env_count = count;
}

static int put_user(const char *text, struct plan *plan, struct error *err)
{
	struct process_spec *process = &plan->process;
	const char *colon = strchr(text, ':');
	const char *name =
		colon ? arena_strndup(&plan->arena, text, (size_t)(colon - text)) : text;
	uint64_t number;

	process->group_count = 0;
	process->user_name = NULL;
	process->env_home = true;
	process->gid_given = colon != NULL;
	if (colon && text_to_u64(colon + 1, 10, &number) < 0)
		return error_set(err, ERROR_USAGE, "run with the group %s: not a number",
				 colon + 1);
	if (colon)
		process->gid = (uint32_t)number;
	if (text_to_u64(name, 10, &number) < 0)
		process->user_name = name;
	else
		process->uid = (uint32_t)number;
	return 0;
}

static size_t count_words(const char *const *words)
{
	size_t count = 0;

	while (words && words[count])
		count++;
	return count;
}

static bool is_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

static int complete_plan(const struct request *request, struct plan *plan,
			 struct error *err)
{
	struct process_spec *process = &plan->process;

	process->argv = request->command;
	process->argc = count_words(request->command);
	if (request->directory)
		process->cwd = request->directory;
	if (request->user && put_user(request->user, plan, err) < 0)
		return -1;
	process->terminal = request->terminal || is_terminal();
	put_environment(request, plan);
	/* In gVisor it is a child of who waits for it there. */
	process->no_init = plan->runtime.kind != RUNTIME_RUNSC;
	return 0;
}

/* ---- the process ----------------------------------------------------------------------- */

/* By the process that joins, before it does. */
static int enter_limits(void *context, struct error *err)
{
	const struct state_entry *entry = context;

	for (const char *const *path = entry->groups; path && *path; path++)
		if (cgroup_join(*path, err) < 0)
			return -1;
	return 0;
}

static int say_nothing(void *context, pid_t init, struct error *err)
{
	(void)context;
	(void)init;
	(void)err;
	return 0;
}

static int follow(const struct plan *plan, struct sandbox *sandbox,
		  const sigset_t *ignored, struct outcome *outcome, struct error *err)
{
	const struct monitor_events events = {
		.started = say_nothing,
		.lasting = say_nothing,
		.ignored = ignored,
	};

	return monitor_run(plan, sandbox, &events, outcome, err);
}

static int find_target(const struct state_entry *entry, const struct plan *plan,
		       struct join_target *ret_target, struct error *err)
{
	char state;

	if (plan->policy.landlock.whole) {
		error_set(err, ERROR_USAGE,
			  "join %s: it has no namespaces that could be entered",
			  entry->name);
		return error_hint(err,
				  "--isolation landlock leaves only one way in: start "
				  "it there");
	}
	ret_target->pid = state_find_command(
		entry, plan->process.no_init || plan->runtime.kind == RUNTIME_RUNSC);
	if (ret_target->pid > 0 &&
	    state_read_stat(ret_target->pid, &state, &ret_target->start_time) == 0 &&
	    state_is_alive(entry->init, entry->init_start))
		return 0;
	return error_set(err, ERROR_NO_SUCH_SANDBOX, "join %s: it has just ended",
			 entry->name);
}

/* Its init is closed where gVisor's kernel, which could be taken over, is the same user. */
static int say_closed(const struct plan *plan, struct error *err)
{
	if (plan->runtime.kind != RUNTIME_RUNSC || err->errnum != EACCES || err->hint[0])
		return -1;
	return error_hint(err, "gVisor's sandboxes can be entered where they have "
			       "subordinate ids: sbx doctor");
}

static int tell_differences(const struct plan *plan, struct error *err)
{
	const char *const *differences = plan->runtime.differences;
	char line[128];

	if (!differences)
		return 0;
	if (plan->runtime.differences_refused) {
		error_set(err, ERROR_RUNSC_DIFFERENCE, "enter as the plan has it: %s",
			  differences[0]);
		return error_hint(err, "start the sandbox with --differences warn");
	}
	snprintf(line, sizeof(line), "gVisor differs: %s\n", differences[0]);
	report_notes(line);
	return 0;
}

static int run(const struct request *request, const struct caller_text *caller,
	       struct arena *arena, struct plan *plan, struct outcome *outcome,
	       struct error *err)
{
	struct join_target target = { .enter_group = enter_limits };
	struct sandbox sandbox = { .init = -1, .pidfd = -1, .socket = -1 };
	struct state_entry entry;
	sigset_t ignored;

	if (state_find_plan(request->name, arena, &entry, plan, err) < 0 ||
	    find_target(&entry, plan, &target, err) < 0 ||
	    tell_differences(plan, err) < 0 || complete_plan(request, plan, err) < 0 ||
	    run_take_caller(plan, &ignored, err) < 0)
		return -1;
	target.context = &entry;
	network_init(&sandbox.network);
	if (join_start(plan, &target, caller, &sandbox, err) < 0)
		return say_closed(plan, err);
	return follow(plan, &sandbox, &ignored, outcome, err);
}

int command_exec(const char *const *words, const struct caller_text *caller)
{
	struct arena arena = { 0 };
	struct plan plan = { 0 };
	struct outcome outcome = { 0 };
	struct request request = { 0 };
	struct error err = { 0 };
	size_t count = 0;
	int status;

	while (words[count])
		count++;
	request.variables =
		arena_alloc_array(&arena, count + 1, sizeof(*request.variables));
	status = read_words(words, &request);
	if (request.help)
		return say_usage(usage,
				 "Starts COMMAND beside that of a running sandbox, with "
				 "the same limits and powers, and ends as it does.");
	if (!status && run(&request, caller, &arena, &plan, &outcome, &err) < 0) {
		report_error(&err, false);
		status = error_status(&err);
	} else if (!status) {
		report_sigsys(&plan, &outcome);
		run_end_as(&outcome);
		status = outcome.status;
	}
	plan_free(&plan);
	arena_free(&arena);
	return status;
}
