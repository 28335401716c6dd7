/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bubblewrap's command line to a plan: the walk over the words and the files that they
 * name, and what is put together at the end.
 */
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "plan/bwrap.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	WORDS_MAX = 9000,
	FILE_BYTES_MAX = 64 * 1024 * 1024,
	ENV_SPARE = 4, /* behind the NULL: PWD, and what is only known inside */
};

/* ---- words ---- */

static size_t count_words(const char *const *words)
{
	size_t count = 0;

	while (words[count])
		count++;
	return count;
}

/* Of the files as well: nobody reads more than bubblewrap would. */
static int admit_words(struct bwrap_reader *reader, size_t count, struct error *err)
{
	reader->word_count += count;
	if (reader->word_count > WORDS_MAX)
		return error_set(err, ERROR_USAGE,
				 "Exceeded maximum number of arguments %d", WORDS_MAX);
	return 0;
}

static int check_operands(const struct bwrap_option *option, const char *const *words,
			  struct error *err)
{
	static const char *const counts[] = { "", "one argument", "two arguments",
					      "three arguments" };

	for (size_t i = 0; i < option->operand_count; i++) {
		if (words[i])
			continue;
		if (option->operand_count == 1 && !(option->flags & BWRAP_SAYS_ONE))
			return error_set(err, ERROR_USAGE, "%s takes an argument",
					 option->name);
		return error_set(err, ERROR_USAGE, "%s takes %s", option->name,
				 counts[option->operand_count]);
	}
	return 0;
}

static void warn(struct bwrap_reader *reader, const struct bwrap_option *option)
{
	struct text_list *list = &reader->warnings;
	struct arena *arena = &reader->plan->arena;

	list->texts = arena_grow(arena, list->texts, list->count, sizeof(*list->texts));
	list->texts[list->count++] = arena_printf(
		arena, "Only the last %s option will take effect", option->name);
	reader->plan->wrap.warnings = list->texts;
	reader->plan->wrap.warning_count = list->count;
}

/* Two ways of doing a thing that change nothing of it. */
static bool is_debug_option(const char *word)
{
	return !strcmp(word, "--debug-opt=force-openat-fallback") ||
	       !strcmp(word, "--debug-opt=force-mount-setattr-fallback");
}

/* The operands stand at *words, which moves behind them. */
static int read_option(struct bwrap_reader *reader, const char *word,
		       const char *const **words, struct error *err)
{
	const struct bwrap_option *option = bwrap_option_find(word);
	const char *const *operands = *words;

	if (!option && is_debug_option(word))
		return 0;
	if (!option)
		return error_set(err, ERROR_USAGE, "Unknown option %s", word);
	if (check_operands(option, operands, err) < 0)
		return -1;
	if (bwrap_option_again(reader, option) && option->flags & BWRAP_LAST_COUNTS)
		warn(reader, option);
	*words += option->operand_count;
	if (option->set(reader, option, operands, err) < 0)
		return -1;
	if (reader->plan->wrap.answer)
		return 0;
	return bwrap_check_waiting(reader, option, err);
}

/* All up to the first word that is no option, where *words then stands. */
static int read_options(struct bwrap_reader *reader, const char *const **words,
			struct error *err)
{
	while (!reader->plan->wrap.answer) {
		const char *word = **words;

		if (!word || word[0] != '-')
			return 0;
		(*words)++;
		if (!strcmp(word, "--"))
			return 0;
		if (read_option(reader, word, words, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- files of words ---- */

/* Each word ends with NUL, which the last may lack. */
static const char *const *split_words(struct arena *arena, const char *text,
				      size_t length, size_t *ret_count)
{
	const char **words = NULL;
	size_t count = 0;

	for (const char *at = text; at < text + length; at += strlen(at) + 1) {
		words = arena_grow(arena, words, count, sizeof(*words));
		words[count++] = at;
	}
	words = arena_grow(arena, words, count, sizeof(*words));
	words[count] = NULL;
	*ret_count = count;
	return words;
}

static int read_list(struct bwrap_reader *reader, const char *const *words,
		     struct error *err)
{
	const struct bwrap_waiting waiting = reader->waiting;
	int result;

	/* what waits here waits for an option of this list */
	reader->waiting = (struct bwrap_waiting){ 0 };
	reader->in_file = true;
	result = read_options(reader, &words, err);
	reader->in_file = false;
	reader->waiting = waiting;
	return result;
}

int bwrap_read_file(struct bwrap_reader *reader, const struct bwrap_option *option,
		    const char *const *operands, struct error *err)
{
	struct arena *arena = &reader->plan->arena;
	auto_close int fd = -1;
	const char *const *words;
	size_t length, count;
	const char *text;

	if (reader->in_file)
		return error_set(err, ERROR_USAGE, "%s not supported in arguments file",
				 option->name);
	if (bwrap_to_fd(operands[0], &fd, err) < 0)
		return -1;
	text = files_read_all(arena, fd, FILE_BYTES_MAX, &length);
	if (!text)
		return error_errno(err, "Can't read %s data", option->name);
	words = split_words(arena, text, length, &count);
	if (admit_words(reader, count, err) < 0)
		return -1;
	return read_list(reader, words, err);
}

/* ---- the plan ---- */

static void set_defaults(struct bwrap_reader *reader)
{
	struct plan *plan = reader->plan;
	struct wrap_spec *wrap = &plan->wrap;

	plan->life.ready_fd = plan->life.status_fd = -1;
	plan->process.cwd = "/";
	plan->process.stop_signal = SIGTERM;
	wrap->info_fd = wrap->json_status_fd = wrap->sync_fd = -1;
	wrap->block_fd = wrap->userns_block_fd = wrap->userns2_fd = -1;
	wrap->seccomp_fd = -1;
	reader->userns_fd = reader->pidns_fd = -1;
	reader->uid = reader->caller_uid = geteuid();
	reader->gid = reader->caller_gid = getegid();
	if (reader->caller_uid == 0)
		plan->policy.caps.kept = caps_effective();
}

static void take_environment(struct bwrap_reader *reader)
{
	struct text_list *env = &reader->env;

	for (char **variable = environ; variable && *variable; variable++) {
		env->texts = arena_grow(&reader->plan->arena, env->texts, env->count,
					sizeof(*env->texts));
		env->texts[env->count++] = *variable;
	}
}

static const char *path_of_fd(struct bwrap_reader *reader, int fd)
{
	return arena_printf(&reader->plan->arena, "/proc/self/fd/%d", fd);
}

static void settle_kinds(struct bwrap_reader *reader)
{
	struct namespaces_spec *namespaces = &reader->plan->namespaces;
	struct ns_choice *kinds = namespaces->kinds;

	for (int kind = 0; kind < NS_COUNT; kind++)
		kinds[kind].mode = reader->unshare[kind] ? NS_PRIVATE : NS_SHARED;
	kinds[NS_MOUNT].mode = NS_PRIVATE;
	if (reader->userns_fd >= 0)
		kinds[NS_USER] = (struct ns_choice){
			NS_JOINED,
			path_of_fd(reader, reader->userns_fd),
		};
	if (reader->pidns_fd >= 0) {
		if (!reader->unshare[NS_PID])
			kinds[NS_PID].mode = NS_JOINED;
		kinds[NS_PID].path = path_of_fd(reader, reader->pidns_fd);
	}
	reader->plan->net.loopback = reader->unshare[NS_NET];
}

/* One id, the caller's own, and its groups as they are: nobody else's help is needed. */
static void settle_ids(struct bwrap_reader *reader)
{
	struct ids_spec *ids = &reader->plan->ids;
	struct id_range *ranges;

	reader->plan->process.uid = reader->uid;
	reader->plan->process.gid = reader->gid;
	ids->keep_groups = true;
	if (!reader->unshare[NS_USER])
		return;
	ranges = arena_alloc_array(&reader->plan->arena, 2, sizeof(*ranges));
	ranges[0] = (struct id_range){ reader->uid, reader->caller_uid, 1 };
	ranges[1] = (struct id_range){ reader->gid, reader->caller_gid, 1 };
	ids->uids = (struct id_map){ &ranges[0], 1 };
	ids->gids = (struct id_map){ &ranges[1], 1 };
}

static void settle_caps(struct bwrap_reader *reader)
{
	struct caps_spec *caps = &reader->plan->policy.caps;

	caps->ambient = caps->kept;
	reader->plan->wrap.keep_caps = reader->caller_uid == 0 &&
				       !reader->unshare[NS_USER] &&
				       reader->userns_fd < 0 && !reader->caps_changed;
}

static void settle_environment(struct bwrap_reader *reader)
{
	struct process_spec *process = &reader->plan->process;
	const char **env = arena_alloc_array(
		&reader->plan->arena, reader->env.count + 1 + ENV_SPARE, sizeof(*env));

	if (reader->env.count)
		memcpy(env, reader->env.texts, reader->env.count * sizeof(*env));
	process->env = env;
	process->env_count = reader->env.count;
}

static void settle_process(struct bwrap_reader *reader, const char *const *command)
{
	struct process_spec *process = &reader->plan->process;
	struct wrap_spec *wrap = &reader->plan->wrap;
	char cwd[PATH_MAX];

	process->argv = command;
	process->argc = count_words(command);
	process->umask = umask(0);
	umask(process->umask);
	wrap->reaper =
		!reader->as_pid_1 && (reader->unshare[NS_PID] ||
				      reader->lock_files.count || wrap->sync_fd >= 0);
	process->no_init = !wrap->reaper;
	if (wrap->sync_fd >= 0 && !reader->as_pid_1)
		bwrap_own_fd(reader, wrap->sync_fd);
	if (getcwd(cwd, sizeof(cwd)) && cwd[0] == '/')
		wrap->old_cwd = arena_strdup(&reader->plan->arena, cwd);
	wrap->lock_files = reader->lock_files.texts;
	wrap->lock_file_count = reader->lock_files.count;
}

static int settle(struct bwrap_reader *reader, const char *const *command,
		  struct error *err)
{
	if (bwrap_check_words(reader, err) < 0)
		return -1;
	if (!command[0])
		return error_set(err, ERROR_NO_COMMAND,
				 "usage: %s [OPTIONS...] [--] COMMAND [ARGS...]",
				 reader->program);
	if (bwrap_settle_namespaces(reader, err) < 0 ||
	    bwrap_check_settled(reader, err) < 0)
		return -1;
	settle_kinds(reader);
	settle_ids(reader);
	settle_caps(reader);
	settle_environment(reader);
	settle_process(reader, command);
	bwrap_settle_mounts(reader);
	return 0;
}

int plan_from_bwrap(const char *const *words, struct plan *ret_plan, struct error *err)
{
	struct bwrap_reader reader = {
		.plan = ret_plan,
		.program = words[0] ? words[0] : "bwrap",
	};

	memset(ret_plan, 0, sizeof(*ret_plan));
	words += words[0] != NULL;
	/* asked of machines where nothing else would work */
	if (words[0] && !strcmp(words[0], "--version") && !words[1])
		return bwrap_answer_version(&reader, NULL, NULL, err);
	set_defaults(&reader);
	take_environment(&reader);
	if (admit_words(&reader, count_words(words), err) < 0 ||
	    read_options(&reader, &words, err) < 0)
		return -1;
	if (ret_plan->wrap.answer)
		return 0;
	if (bwrap_check_waiting(&reader, NULL, err) < 0)
		return -1;
	if (settle(&reader, words, err) < 0)
		return -1;
	return bwrap_configure(ret_plan, err);
}
