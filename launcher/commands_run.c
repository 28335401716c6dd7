/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx run` and `sbx config`. */
#include "launcher/commands.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "launcher/bounds.h"
#include "launcher/gvisor.h"
#include "launcher/images.h"
#include "launcher/report.h"
#include "launcher/run.h"
#include "launcher/state.h"
#include "plan/plan.h"

#include <string.h>
#include <unistd.h>

static int print(const char *text)
{
	struct error err;

	if (fd_write_all(STDOUT_FILENO, text, strlen(text)) == 0)
		return 0;
	error_errno(&err, "write to the standard output");
	report_error(&err, false);
	return 125;
}

static int print_help(const char *topic, struct arena *arena)
{
	const char *text = plan_help(topic, arena);

	return print(text ? text : plan_usage());
}

static int refuse(const char *const *words, const struct error *err)
{
	report_error(err, plan_log_format(words) == LOG_JSON);
	return error_status(err);
}

static int refuse_run(const char *const *words, const struct error *err)
{
	report_failed(plan_status_fd(words), err, -1, false);
	return refuse(words, err);
}

/* What the plan cannot know is asked too: whether the name is free. */
/* Which runsc would be started, and how. */
static int describe_runsc(struct plan *plan, const char **ret_text, struct error *err)
{
	struct gvisor_choice choice;
	char path[PATH_MAX];

	*ret_text = "";
	if (plan->runtime.kind != RUNTIME_RUNSC)
		return 0;
	if (gvisor_choose(plan, &choice, err) < 0)
		return -1;
	text_printable(path, sizeof(path), choice.binary.path);
	*ret_text = arena_printf(&plan->arena, "runsc         %s, %s, on %s\n", path,
				 choice.binary.release,
				 gvisor_platform_name(choice.platform));
	return 0;
}

static int dry_run(struct plan *plan, const char *const *words)
{
	struct error err = { 0 };
	const char *runsc;

	if (state_check(plan, &err) < 0 || bounds_check(plan, &err) < 0 ||
	    describe_runsc(plan, &runsc, &err) < 0)
		return refuse_run(words, &err);
	return print(arena_printf(&plan->arena, "%s%s", plan_describe(plan, &plan->arena),
				  runsc));
}

/* Where the wall has holes by its nature, nobody is to find that out later. */
static void note_unprotected(struct plan *plan)
{
	const char *lines = plan_unprotected(plan, &plan->arena);

	if (lines && plan->life.log_format == LOG_TEXT)
		report_notes(lines);
}

/* What the plan had to do without, as far as the command will miss it. */
static void note_omissions(const struct plan *plan)
{
	for (size_t i = 0; i < plan->note_count; i++) {
		if (plan->notes[i].told && plan->life.log_format == LOG_TEXT)
			report_notes(plan->notes[i].text);
	}
}

void run_tell_notes(struct plan *plan)
{
	note_unprotected(plan);
	note_omissions(plan);
}

int command_run(const char *const *words, const struct caller_text *caller)
{
	const pid_t parent = getppid();
	struct plan plan = { 0 };
	struct error err = { 0 };
	int status;

	if (plan_from_args(words, &images_roots, false, &plan, &err) < 0)
		status = refuse_run(words, &err);
	else if (plan.life.help)
		status = print_help(plan.life.help, &plan.arena);
	else if (plan.life.dry_run)
		status = dry_run(&plan, words);
	else {
		run_tell_notes(&plan);
		status = run_start(&plan, caller, parent);
	}
	plan_free(&plan);
	return status;
}

/* Without its namespaces a configuration would be another sandbox to every other reader. */
static int refuse_isolated(void)
{
	struct error err = { 0 };

	error_set(
		&err, ERROR_USAGE,
		"print a configuration of --isolation landlock: OCI has no word for it");
	error_hint(&err, "sbx run --dry-run tells the plan");
	report_error(&err, false);
	return 125;
}

int command_config(const char *const *words)
{
	const bool diff = words[0] && strcmp(words[0], "--diff") == 0;
	struct plan plan = { 0 };
	struct error err = { 0 };
	int status;

	if (plan_from_args(words + diff, &images_roots, true, &plan, &err) < 0)
		status = refuse(words + diff, &err);
	else if (plan.life.help)
		status = print(
			"usage: sbx config [--diff] [OPTIONS OF sbx run] [COMMAND [ARG...]]\n"
			"Prints the plan of that run as an OCI config.json, --diff only what\n"
			"differs from the defaults. sbx run --help lists the options.\n");
	else if (plan.policy.landlock.whole)
		status = refuse_isolated();
	else
		status = print(plan_to_oci(&plan, diff, &plan.arena));
	plan_free(&plan);
	return status;
}
