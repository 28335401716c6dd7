/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sbx-oci exec`: what is executed comes as a file, as engines have it, or as words; then it
 * is the container's own process with another command, as runc has it.
 */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "launcher/container.h"
#include "launcher/oci_gvisor.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Whatever keeps the process from being executed, as runc and crun have it. */
enum { STATUS_NOT_EXECUTED = 255, PROCESS_MAX = 16 << 20 };

static const char usage[] = "exec [OPTIONS] ID COMMAND [ARG...]";

struct exec_words {
	struct container_exec request;
	const char *process, *cwd, *user, *preserve, *label, *apparmor;
	const char **env, **groups, **caps;
	bool tty, no_new_privs;
	unsigned int preserved;
	const char *id;
	const char *const *command;
};

/* ---- words ----------------------------------------------------------------------------- */

/* How it is started. */
#define START_OPTIONS(request, read)                                                     \
	{ .name = "process",                                                             \
	  .letter = 'p',                                                                 \
	  .takes_value = true,                                                           \
	  .value = &(read)->process,                                                     \
	  .help = "a file with what stands under process in a config.json" },            \
		{ .name = "detach",                                                      \
		  .letter = 'd',                                                         \
		  .flag = &(request)->detach,                                            \
		  .help = "return as soon as it was executed" },                         \
		{ .name = "pid-file",                                                    \
		  .takes_value = true,                                                   \
		  .value = &(request)->pid_file,                                         \
		  .help = "a file for its pid, written when it was executed" },          \
		{ .name = "console-socket",                                              \
		  .takes_value = true,                                                   \
		  .value = &(request)->console_socket,                                   \
		  .help = "a socket that takes the master of the terminal" },            \
		{ .name = "pidfd-socket",                                                \
		  .takes_value = true,                                                   \
		  .value = &(request)->pidfd_socket,                                     \
		  .help = "a socket that takes a pidfd of it" },                         \
		{ .name = "cgroup",                                                      \
		  .takes_value = true,                                                   \
		  .value = &(request)->cgroup,                                           \
		  .help = "a cgroup below the container's" },                            \
		{ .name = "preserve-fds",                                                \
		  .takes_value = true,                                                   \
		  .value = &(read)->preserve,                                            \
		  .help = "hand on so many descriptors from 3 on" },                     \
	{                                                                                \
		.name = "ignore-paused", .flag = &(request)->ignore_paused,              \
		.help = "also in a container that stands still"                          \
	}

/* What it is, where no file says that. */
#define PROCESS_OPTIONS(read)                                                            \
	{ .name = "tty",                                                                 \
	  .letter = 't',                                                                 \
	  .flag = &(read)->tty,                                                          \
	  .help = "give it a terminal" },                                                \
		{ .name = "cwd",                                                         \
		  .takes_value = true,                                                   \
		  .value = &(read)->cwd,                                                 \
		  .help = "its working directory" },                                     \
		{ .name = "env",                                                         \
		  .letter = 'e',                                                         \
		  .takes_value = true,                                                   \
		  .many = true,                                                          \
		  .values = &(read)->env,                                                \
		  .help = "NAME=VALUE, beside the container's own" },                    \
		{ .name = "user",                                                        \
		  .letter = 'u',                                                         \
		  .takes_value = true,                                                   \
		  .value = &(read)->user,                                                \
		  .help = "UID[:GID]" },                                                 \
		{ .name = "additional-gids",                                             \
		  .letter = 'g',                                                         \
		  .takes_value = true,                                                   \
		  .many = true,                                                          \
		  .values = &(read)->groups,                                             \
		  .help = "one more group" },                                            \
		{ .name = "cap",                                                         \
		  .letter = 'c',                                                         \
		  .takes_value = true,                                                   \
		  .many = true,                                                          \
		  .values = &(read)->caps,                                               \
		  .help = "one more capability, in every set" },                         \
		{ .name = "no-new-privs",                                                \
		  .flag = &(read)->no_new_privs,                                         \
		  .help = "no new privileges" },                                         \
		{ .name = "process-label",                                               \
		  .takes_value = true,                                                   \
		  .value = &(read)->label,                                               \
		  .help = "a label of SELinux" },                                        \
	{                                                                                \
		.name = "apparmor", .takes_value = true, .value = &(read)->apparmor,     \
		.help = "a profile of AppArmor"                                          \
	}

static int read_options(const char *const **words, struct exec_words *read,
			struct arena *arena, struct error *err)
{
	const struct oci_option options[] = {
		START_OPTIONS(&read->request, read),
		PROCESS_OPTIONS(read),
	};

	return oci_read_words(words, options, sizeof(options) / sizeof(*options), usage,
			      arena, err);
}

static int read_words(const char *const *words, struct exec_words *read,
		      struct arena *arena, struct error *err)
{
	if (read_options(&words, read, arena, err) < 0)
		return -1;
	if (read->preserve && text_to_u32(read->preserve, &read->preserved) < 0)
		return error_set(err, ERROR_USAGE,
				 "read --preserve-fds '%.60s': it is no number",
				 read->preserve);
	if (!words[0]) {
		error_set(err, ERROR_USAGE, "go on: the id of a container is missing");
		return error_hint(err, "usage: sbx-oci %s", usage);
	}
	read->id = words[0];
	read->command = words + 1;
	if (*read->command && strcmp(*read->command, "--") == 0)
		read->command++;
	if (*read->command || read->process)
		return 0;
	error_set(err, ERROR_USAGE, "go on: a command to execute is missing");
	return error_hint(err, "usage: sbx-oci %s", usage);
}

/* ---- by a file ------------------------------------------------------------------------- */

static int take_file(const char *path, struct plan *plan, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	const char *text = NULL;

	if (fd >= 0)
		text = files_read_all(&plan->arena, fd, PROCESS_MAX, &length);
	if (!text)
		return error_errno_id(err, ERROR_CONFIG, "use --process %s", path);
	return plan_set_process(text, length, path, plan, err);
}

/* ---- by words -------------------------------------------------------------------------- */

static int take_user(const char *word, struct plan *plan, struct error *err)
{
	struct process_spec *process = &plan->process;
	const char *colon = strchr(word, ':');
	const char *uid =
		colon ? arena_strndup(&plan->arena, word, (size_t)(colon - word)) : word;

	process->gid = 0;
	if (text_to_u32(uid, &process->uid) < 0 ||
	    (colon && text_to_u32(colon + 1, &process->gid) < 0))
		return error_set(err, ERROR_USAGE,
				 "read --user '%.60s': it is no UID[:GID]", word);
	return 0;
}

static int take_groups(const char *const *words, struct plan *plan, struct error *err)
{
	struct process_spec *process = &plan->process;
	size_t count = 0;
	uint32_t *groups;

	while (words && words[count])
		count++;
	if (!count)
		return 0;
	groups = arena_alloc_array(&plan->arena, process->group_count + count,
				   sizeof(*groups));
	for (size_t i = 0; i < process->group_count; i++)
		groups[i] = process->groups[i];
	for (size_t i = 0; i < count; i++)
		if (text_to_u32(words[i], &groups[process->group_count + i]) < 0)
			return error_set(
				err, ERROR_USAGE,
				"read --additional-gids '%.60s': it is no number",
				words[i]);
	process->groups = groups;
	process->group_count += count;
	return 0;
}

static int take_caps(const char *const *words, struct caps_spec *caps, struct error *err)
{
	for (; words && *words; words++) {
		const uint64_t bits = caps_by_name(*words);

		if (!bits)
			return error_set(
				err, ERROR_USAGE,
				"read --cap '%.60s': there is no such capability",
				*words);
		caps->kept |= bits;
		caps->ambient |= bits;
		caps->bounding |= bits;
		caps->effective |= bits;
		caps->inheritable |= bits;
	}
	return 0;
}

static bool is_same_variable(const char *a, const char *b)
{
	const size_t length = strcspn(a, "=");

	return strncmp(a, b, length) == 0 && b[length] == '=';
}

/* Those of the container, and what is given takes the place of what has its name. */
static void take_env(const char *const *words, struct plan *plan)
{
	enum { FREE = 3 };
	struct process_spec *process = &plan->process;
	size_t count = process->env_count, given = 0;
	const char **list;

	while (words && words[given])
		given++;
	list = arena_alloc_array(&plan->arena, count + given + FREE, sizeof(*list));
	for (size_t i = 0; i < count; i++)
		list[i] = process->env[i];
	for (; words && *words; words++) {
		size_t at = 0;

		while (at < count && !is_same_variable(*words, list[at]))
			at++;
		list[at] = *words;
		count += at == count;
	}
	process->env = list;
	process->env_count = count;
}

/* What is raised but cannot be ambient is not: that of no new privileges is enough. */
static int take_words(const struct exec_words *read, struct plan *plan, struct error *err)
{
	struct process_spec *process = &plan->process;

	process->argv = read->command;
	for (process->argc = 0; process->argv[process->argc];)
		process->argc++;
	process->terminal = read->tty;
	process->rows = process->columns = 0;
	if (read->cwd)
		process->cwd = read->cwd;
	if (read->label)
		process->selinux = read->label;
	if (read->apparmor)
		process->apparmor = read->apparmor;
	if (read->no_new_privs)
		plan->policy.caps.may_gain = false;
	take_env(read->env, plan);
	if (read->user && take_user(read->user, plan, err) < 0)
		return -1;
	if (take_groups(read->groups, plan, err) < 0)
		return -1;
	return take_caps(read->caps, &plan->policy.caps, err);
}

/* ---- the whole --------------------------------------------------------------------------- */

static int check_status(enum container_status status, const struct exec_words *read,
			struct error *err)
{
	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
		return error_set(err, ERROR_CONTAINER_STATE,
				 "execute in container %.100s: container not running, it "
				 "is %s",
				 read->id, container_status_name(status));
	if (status != CONTAINER_PAUSED || read->request.ignore_paused)
		return 0;
	error_set(err, ERROR_CONTAINER_STATE, "execute in container %.100s: it is paused",
		  read->id);
	return error_hint(err, "sbx-oci resume lets it go on; --ignore-paused executes, "
			       "and waits for that");
}

/*
 * Process 1 is open to the owner of its user namespace until it is started, and has no filter
 * yet (container_child.c): what were to join it could act through it.
 */
static int check_started(enum container_status status, const struct exec_words *read,
			 const struct plan *plan, struct error *err)
{
	if (status != CONTAINER_CREATED ||
	    plan->namespaces.kinds[NS_USER].mode != NS_PRIVATE)
		return 0;
	error_set(err, ERROR_CONTAINER_STATE,
		  "execute in container %.100s: container not running, it is created",
		  read->id);
	return error_hint(err, "sbx-oci start %.100s starts it", read->id);
}

static int find(const struct oci_globals *globals, const struct exec_words *read,
		struct arena *arena, struct container_record *ret_record,
		struct plan *ret_plan, struct error *err)
{
	struct container_entry entry;
	enum container_status status;
	int failed;

	if (oci_find_container(globals, read->id, false, arena, &entry, ret_record, err) <
	    0)
		return -1;
	status = container_status(&entry, ret_record);
	failed = check_status(status, read, err);
	if (!failed && !ret_record->runsc)
		failed = container_read_plan(&entry, ret_record, ret_plan, err);
	if (!failed && !ret_record->runsc)
		failed = check_started(status, read, ret_plan, err);
	oci_leave_container(&entry);
	return failed;
}

/* ---- by runsc ---------------------------------------------------------------------------- */

struct word_list {
	struct arena *arena;
	const char **words;
	size_t count;
};

static void add_word(struct word_list *list, const char *word)
{
	list->words = arena_grow(list->arena, (const void *)list->words, list->count,
				 sizeof(*list->words));
	list->words[list->count++] = word;
}

static void add_option(struct word_list *list, const char *name, const char *value)
{
	if (value)
		add_word(list, arena_printf(list->arena, "%s=%s", name, value));
}

static void add_options(struct word_list *list, const char *name,
			const char *const *values)
{
	for (; values && *values; values++)
		add_option(list, name, *values);
}

/* Its words are those of runc, which ours are, too; what it has not is said. */
static int exec_by_runsc(const struct exec_words *read,
			 const struct container_record *record, struct arena *arena,
			 struct error *err)
{
	struct word_list list = { .arena = arena };

	if ((read->tty && !read->process) || read->request.pidfd_socket ||
	    read->request.cgroup) {
		error_set(
			err, ERROR_USAGE,
			"execute with --tty, --pidfd-socket or --cgroup in %.100s: runsc "
			"has none of them",
			read->id);
		return error_hint(err, "--process FILE may ask for a terminal");
	}
	add_option(&list, "--process", read->process);
	add_option(&list, "--pid-file", read->request.pid_file);
	add_option(&list, "--console-socket", read->request.console_socket);
	if (read->request.detach)
		add_word(&list, "--detach");
	if (!read->process) {
		add_option(&list, "--cwd", read->cwd);
		add_option(&list, "--user", read->user);
		add_options(&list, "--env", read->env);
		add_options(&list, "--additional-gids", read->groups);
		add_options(&list, "--cap", read->caps);
	}
	add_word(&list, read->id);
	for (const char *const *at = read->command; !read->process && *at; at++)
		add_word(&list, *at);
	add_word(&list, NULL);
	return oci_gvisor_become(record, "exec", list.words, err);
}

/* ---- all of it --------------------------------------------------------------------------- */

static int run(const struct oci_globals *globals, const char *const *words,
	       struct arena *arena, struct plan *plan, int *ret_status, struct error *err)
{
	struct exec_words read = { 0 };
	struct container_record record;
	int fds;

	*ret_status = 1;
	if (read_words(words, &read, arena, err) < 0)
		return -1;
	fds = container_take_fds(read.preserved, err);
	if (fds < 0)
		return -1;
	*ret_status = STATUS_NOT_EXECUTED;
	if (find(globals, &read, arena, &record, plan, err) < 0)
		return -1;
	if (record.runsc)
		return exec_by_runsc(&read, &record, arena, err);
	if ((read.process ? take_file(read.process, plan, err)
			  : take_words(&read, plan, err)) < 0)
		return -1;
	if (read.tty)
		plan->process.terminal = true;
	plan->process.no_init = true;
	container_pass_fds(plan, fds);
	return container_exec(plan, &record, &read.request, globals->caller, ret_status,
			      err);
}

int oci_exec(const struct oci_globals *globals, const char *const *words)
{
	struct arena arena = { 0 };
	struct plan plan = { 0 };
	struct error err = { 0 };
	int status;

	if (run(globals, words, &arena, &plan, &status, &err) < 0 &&
	    oci_fail(globals, &err) == 0)
		status = 0;
	plan_free(&plan);
	arena_free(&arena);
	return status;
}
