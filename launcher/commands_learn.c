/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sbx policy learn`: a run that is watched. The command has the sandbox and the policy that
 * the options of `sbx run` give it, and what it did becomes a policy.
 */
#include "launcher/commands.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "launcher/executor.h"
#include "launcher/images.h"
#include "launcher/learn.h"
#include "launcher/report.h"
#include "launcher/run.h"
#include "plan/plan.h"
#include "policy/learn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAILED = 125, LEARNED_MAX = 8 << 20 };

static const char usage[] =
	"usage: sbx policy learn [-o FILE] [--report FILE] [OPTIONS OF sbx run] [--] COMMAND\n"
	"\n"
	"Runs COMMAND in the sandbox and under the policy that sbx run would give it, and\n"
	"writes a policy that allows what it did: to FILE, to which another run adds, or to the\n"
	"standard output. --report writes what was seen for people, as one page of HTML if FILE\n"
	"ends in .html. The status is the command's.\n";

enum { POLICY_FILE, REPORT_FILE };

struct lesson {
	const char *output, *report; /* NULL: none */
	struct arena words;          /* of the plan, which borrows them */
	struct plan plan;
	struct learner learner;
};

static int fail(const struct error *err)
{
	report_error(err, false);
	return error_status(err);
}

/* ---- words ----------------------------------------------------------------------------- */

/* --NAME=OPERAND or --NAME OPERAND. Returns how many words were used, 0: it is another. */
static int take(const char *const *words, const char *name, const char *letter,
		const char **ret_operand, struct error *err)
{
	size_t length = strlen(name);

	if (strncmp(words[0], name, length) == 0 && words[0][length] == '=') {
		*ret_operand = words[0] + length + 1;
		return 1;
	}
	if (strcmp(words[0], name) != 0 && (!letter || strcmp(words[0], letter) != 0))
		return 0;
	if (!words[1])
		return error_set(err, ERROR_USAGE, "use %s: it needs a FILE", words[0]);
	*ret_operand = words[1];
	return 2;
}

/* Ours come first; what follows is for `sbx run`. */
static const char *const *take_own(struct lesson *lesson, const char *const *words,
				   struct error *err)
{
	while (words[0]) {
		int used = take(words, "--output", "-o", &lesson->output, err);

		if (used == 0)
			used = take(words, "--report", NULL, &lesson->report, err);
		if (used < 0)
			return NULL;
		if (used == 0)
			break;
		words += used;
	}
	return words;
}

/*
 * On a terminal a plan explains its denials by itself; here the listener learns. Whoever
 * asks for explanations on the command line is refused below.
 */
static int make_plan(struct lesson *lesson, const char *const *words, struct error *err)
{
	size_t count = 0;
	const char **all;

	while (words[count])
		count++;
	all = arena_alloc_array(&lesson->words, count + 2, sizeof(*all));
	all[0] = "--explain=off";
	memcpy(all + 1, words, count * sizeof(*all));
	return plan_from_args(all, &images_roots, false, &lesson->plan, err);
}

/* ---- before the run -------------------------------------------------------------------- */

static int resume(struct lesson *lesson, struct error *err)
{
	auto_close int fd = -1;
	struct stat status;
	size_t length;
	char *text;

	if (!lesson->output)
		return 0;
	fd = open(lesson->output, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno(err, "go on with %s", lesson->output);
	if (!S_ISREG(status.st_mode) || status.st_size > LEARNED_MAX)
		return error_set(err, ERROR_POLICY, "go on with %s: it is no policy",
				 lesson->output);
	length = (size_t)status.st_size;
	text = arena_alloc(&lesson->plan.arena, length + 1);
	if (fd_read_all(fd, text, length) != (ssize_t)length)
		return error_errno(err, "read %s", lesson->output);
	return learn_resume(lesson->learner.learned, text, length, lesson->output, err);
}

/* A file is replaced: it is its directory that has to be writable. */
static int check_writable(const char *path, struct error *err)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	char dir[PATH_MAX] = ".";
	struct stat status;

	if (!path)
		return 0;
	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path + 1), path);
	if (access(dir, W_OK | X_OK) < 0)
		return error_errno(err, "write %s", path);
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
		return error_set(err, ERROR_USAGE, "write %s: it is no regular file",
				 path);
	return 0;
}

static int refuse(const char *option, const char *why, struct error *err)
{
	return error_set(err, ERROR_USAGE, "learn with %s: %s", option, why);
}

static int check(const struct plan *plan, struct error *err)
{
	if (plan->runtime.kind == RUNTIME_RUNSC) {
		(void)refuse("--runtime runsc",
			     "gVisor's kernel answers system calls itself", err);
		return error_hint(err, "--runtime native");
	}
	if (plan->policy.explains)
		return refuse("--explain on", "one listener can be there, and it learns",
			      err);
	if (plan->life.detach)
		return refuse("--detach", "who writes the policy has to wait", err);
	if (plan->process.no_init)
		return refuse("--no-init", "the init hands the calls on", err);
	return 0;
}

/* What holds stays in force; what is loaded asks about every call. */
static int prepare(struct lesson *lesson, struct error *err)
{
	struct plan *plan = &lesson->plan;

	if (check(plan, err) < 0)
		return -1;
	lesson->learner.listener = lesson->learner.output = -1;
	lesson->learner.writes_output = !lesson->output;
	lesson->learner.files[POLICY_FILE] = lesson->output;
	lesson->learner.files[REPORT_FILE] = lesson->report;
	lesson->learner.base = plan->policy.filter.program;
	lesson->learner.learned = learn_new(&plan->arena);
	if (learn_filter(lesson->learner.learned, &plan->policy.filter, err) < 0)
		return -1;
	memcpy(lesson->learner.key, plan->policy.filter.key, sizeof(lesson->learner.key));
	if (resume(lesson, err) < 0 || check_writable(lesson->output, err) < 0)
		return -1;
	return check_writable(lesson->report, err);
}

/* ---- behind it ------------------------------------------------------------------------- */

static const char *in_words(const struct process_spec *process, struct arena *arena)
{
	const char *text = "";

	for (size_t i = 0; i < process->argc; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? " " : "",
				    process->argv[i]);
	return text;
}

static int write_file(const struct learner *learner, int which, const char *text,
		      struct error *err)
{
	const struct files_place *place = &learner->places[which];

	if (files_replace(place->dir, place->name, text, strlen(text), 0644) < 0)
		return error_errno(err, "write %s", learner->files[which]);
	return 0;
}

static int write_report(const struct lesson *lesson, const char *command,
			struct arena *arena, struct error *err)
{
	size_t length = lesson->report ? strlen(lesson->report) : 0;
	const bool html = length > 5 && strcmp(lesson->report + length - 5, ".html") == 0;

	if (!lesson->report)
		return 0;
	return write_file(&lesson->learner, REPORT_FILE,
			  learn_report(lesson->learner.learned, command, html, arena),
			  err);
}

static int conclude(struct lesson *lesson, struct error *err)
{
	struct arena *arena = &lesson->plan.arena;
	const char *command = in_words(&lesson->plan.process, arena);
	const char *text = learn_policy(lesson->learner.learned, command, arena);

	if (lesson->learner.deaf) {
		error_set(err, ERROR_POLICY,
			  "learn: nobody can listen to the command here");
		return error_hint(err, "a filter around sbx may have a listener already");
	}
	if (lesson->output && write_file(&lesson->learner, POLICY_FILE, text, err) < 0)
		return -1;
	if (!lesson->output &&
	    fd_write_all(lesson->learner.output, text, strlen(text)) < 0)
		return error_errno(err, "write to the standard output");
	return write_report(lesson, command, arena, err);
}

static int learn(struct lesson *lesson, const struct caller_text *caller, pid_t parent)
{
	struct error err = { 0 };
	int status;

	if (prepare(lesson, &err) < 0)
		return fail(&err);
	status = run_watched(&lesson->plan, caller, parent, &lesson->learner);
	/* A run that did not start has said why, and taught nothing. */
	if (lesson->learner.outcome.command_started && conclude(lesson, &err) < 0)
		return fail(&err);
	run_end_as(&lesson->learner.outcome);
	return status;
}

int command_learn(const char *const *words, const struct caller_text *caller)
{
	const pid_t parent = getppid();
	struct lesson lesson = { 0 };
	struct error err = { 0 };
	int status;

	if (!words[0] || strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0) {
		dprintf(words[0] ? STDOUT_FILENO : STDERR_FILENO, "%s", usage);
		return words[0] ? 0 : FAILED;
	}
	words = take_own(&lesson, words, &err);
	if (!words || make_plan(&lesson, words, &err) < 0) {
		arena_free(&lesson.words);
		return fail(&err);
	}
	status = lesson.plan.life.help || lesson.plan.life.dry_run
			 ? fail((error_set(&err, ERROR_USAGE,
					   "learn: --help and --dry-run are for sbx run"),
				 &err))
			 : learn(&lesson, caller, parent);
	plan_free(&lesson.plan);
	arena_free(&lesson.words);
	return status;
}
