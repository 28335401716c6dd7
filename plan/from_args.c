/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "plan/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
	CONFIG_MAX = 16 * 1024 * 1024,
	KILL_AFTER_MS = 10000,
};

static void set_defaults(struct draft *draft)
{
	struct plan *plan = &draft->plan;

	draft->caller.uid = geteuid();
	draft->caller.gid = getegid();
	plan->life.ready_fd = plan->life.status_fd = -1;
	plan->life.kill_after_ms = KILL_AFTER_MS;
	plan->process.stop_signal = SIGTERM;
}

static const char *config_operand(const struct draft *draft)
{
	const char *operand = NULL;

	for (size_t i = 0; i < draft->given_count; i++) {
		if (!strcmp(draft->given[i].row->name, "config"))
			operand = draft->given[i].operand;
	}
	return operand;
}

static int open_config(struct draft *draft, const char *operand, const char **ret_path,
		       struct error *err)
{
	int fd;

	if (!strcmp(operand, "-")) {
		*ret_path = "standard input";
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? error_errno_id(err, ERROR_CONFIG, "read standard input")
			      : fd;
	}
	*ret_path = path_of_caller(draft, NULL, operand, err);
	if (!*ret_path)
		return -1;
	fd = open(*ret_path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? path_explain("read", *ret_path, errno, ERROR_CONFIG, err) : fd;
}

static int read_config(struct draft *draft, struct error *err)
{
	const char *operand = config_operand(draft), *path;
	auto_close int fd = -1;
	size_t length;
	char *text;

	if (!operand)
		return 0;
	fd = open_config(draft, operand, &path, err);
	if (fd < 0)
		return -1;
	text = files_read_all(&draft->plan.arena, fd, CONFIG_MAX, &length);
	if (!text)
		return error_errno_id(err, ERROR_CONFIG, "read %s", path);
	draft->from_config = true;
	return plan_from_oci(text, length, path, &draft->plan, err);
}

static int check_topic(const char *topic, struct error *err)
{
	const struct option_topic *topics = option_topics();
	const char *names[32];
	const char *nearest;
	size_t count = 0;

	if (!*topic || !strcmp(topic, "all"))
		return 0;
	for (; topics[count].name; count++) {
		if (!strcmp(topics[count].name, topic))
			return 0;
		names[count] = topics[count].name;
	}
	names[count] = NULL;
	nearest = text_nearest(topic, names);
	error_set(err, ERROR_USAGE, "tell about '%.60s': there is no such topic", topic);
	if (nearest)
		return error_hint(err, "sbx run --help %s", nearest);
	return error_hint(err, "`sbx run --help` lists the topics");
}

/* Whether --help ends the words: then nothing else of them counts. */
static bool is_help(const struct draft *draft)
{
	return draft->given_count &&
	       draft->given[draft->given_count - 1].row->set == set_help;
}

static int gather(struct draft *draft, const char *const *words, struct error *err)
{
	struct gatherer gatherer = { .draft = draft };

	if (gather_words(&gatherer, words, err) < 0)
		return -1;
	draft->given = gatherer.given;
	draft->given_count = gatherer.count;
	if (is_help(draft))
		return 0;
	if (gather_files(&gatherer, err) < 0)
		return -1;
	draft->given = gatherer.given;
	draft->given_count = gatherer.count;
	return 0;
}

static int fill(struct draft *draft, const char *const *words, struct error *err)
{
	set_defaults(draft);
	if (gather(draft, words, err) < 0)
		return -1;
	if (is_help(draft)) {
		const struct given *help = &draft->given[draft->given_count - 1];

		return set_help(draft, help, err) < 0 ||
				       check_topic(draft->plan.life.help, err) < 0
			       ? -1
			       : 0;
	}
	if (read_config(draft, err) < 0 || refuse_seccomp(draft, err) < 0 ||
	    read_policy_of(draft, err) < 0 || apply_givens(draft, err) < 0 ||
	    expand(draft, err) < 0)
		return -1;
	return plan_check(&draft->plan, err);
}

int plan_from_args(const char *const *words, const struct plan_roots *roots,
		   bool looks_only, struct plan *ret_plan, struct error *err)
{
	struct draft draft = { .roots = roots, .looks_only = looks_only };

	if (fill(&draft, words, err) < 0) {
		plan_free(&draft.plan);
		return -1;
	}
	*ret_plan = draft.plan;
	return 0;
}

/* ---- what is needed when there is no plan ---- */

/* Words that could not be read as options: whatever looks like it is taken. */
static const char *guess_operand(const char *const *words, const char *name)
{
	const char *operand = NULL;
	size_t length = strlen(name);

	for (; *words && strcmp(*words, "--") != 0; words++) {
		if (!text_starts_with(*words, "--") ||
		    strncmp(*words + 2, name, length) != 0)
			continue;
		if ((*words)[2 + length] == '=')
			operand = *words + 3 + length;
		else if ((*words)[2 + length] == '\0')
			operand = words[1];
	}
	return operand;
}

/* The last operand of the option on the command line, or NULL. */
static const char *operand_of_words(const char *const *words, const char *name)
{
	struct draft draft = { .from_config = false };
	struct gatherer gatherer = { .draft = &draft };
	const char *operand = NULL;
	struct error ignored;

	if (gather_words(&gatherer, words, &ignored) < 0)
		operand = guess_operand(words, name);
	for (size_t i = 0; i < gatherer.count; i++) {
		if (!strcmp(gatherer.given[i].row->name, name))
			operand = gatherer.given[i].operand;
	}
	/* an operand is a part of a word, or a word */
	plan_free(&draft.plan);
	return operand;
}

enum log_format plan_log_format(const char *const *words)
{
	const char *operand = operand_of_words(words, "log-format");

	return operand && !strcmp(operand, "json") ? LOG_JSON : LOG_TEXT;
}

int plan_status_fd(const char *const *words)
{
	const char *operand = operand_of_words(words, "status-fd");
	int fd;

	if (!operand || text_to_int(operand, 0, INT_MAX, &fd) < 0 ||
	    fcntl(fd, F_GETFD) < 0)
		return -1;
	return fd;
}
