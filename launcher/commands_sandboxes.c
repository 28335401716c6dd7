/* SPDX-License-Identifier: Apache-2.0 */
/* The commands on running sandboxes (list, kill, stop, wait), and completion. */
#include "launcher/commands.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "launcher/command_words.h"
#include "launcher/state.h"
#include "plan/plan.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	COMMAND_WIDTH = 60, /* of a command in a table */
	KILL_TIME_MS = 5000,
};

/* ---- list ------------------------------------------------------------------------------ */

static void put_sandbox(struct json_value *list, const struct state_entry *entry,
			struct arena *arena)
{
	struct json_value *object = json_put_object(list, NULL);
	struct json_value *command;

	json_put_text(object, "id", entry->name);
	if (entry->named)
		json_put_text(object, "name", entry->name);
	else
		json_put_null(object, "name");
	json_put_integer(object, "pid", entry->init);
	json_put_text(object, "started", entry->started);
	command = json_put_array(object, "command");
	for (const char *const *word = entry->command; *word; word++)
		json_put_text(command, NULL, printable(arena, *word));
	json_put_text(object, "root", printable(arena, entry->root));
	json_put_bool(object, "detached", entry->detached);
}

static const char *as_json(const struct state_entry *entries, int count,
			   struct arena *arena)
{
	struct json_value *object = json_make_object(arena);
	struct json_value *list;

	json_put_integer(object, "version", 1);
	list = json_put_array(object, "sandboxes");
	for (int i = 0; i < count; i++)
		put_sandbox(list, &entries[i], arena);
	return arena_printf(arena, "%s\n", json_write(object, JSON_LAYOUT_LINE, arena));
}

/* The words with blanks between them, cut to a width. */
static const char *short_command(const struct state_entry *entry, struct arena *arena)
{
	char text[4 * COMMAND_WIDTH] = "";
	size_t used = 0;

	for (const char *const *word = entry->command; *word && used < sizeof(text);
	     word++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s",
					 used ? " " : "", (int)sizeof(text), *word);
	return text_printable(arena_alloc(arena, COMMAND_WIDTH), COMMAND_WIDTH, text);
}

static const char *as_table(const struct state_entry *entries, int count,
			    struct arena *arena)
{
	const char *table = "";

	if (count > 0)
		table = arena_printf(arena, "%-20s %-10s %-25s %s\n", "NAME", "PID",
				     "STARTED", "COMMAND");
	for (int i = 0; i < count; i++)
		table = arena_printf(arena, "%s%-20s %-10d %-25s %s\n", table,
				     entries[i].name, entries[i].init, entries[i].started,
				     short_command(&entries[i], arena));
	return table;
}

int command_list(const char *const *words)
{
	static const char usage[] = "sbx list [--json]";
	const struct state_entry *entries = NULL;
	struct arena arena = { 0 };
	struct error err;
	bool json = false;
	int count, status;

	for (; *words; words++) {
		if (asks_for_help(*words))
			return say_usage(usage,
					 "Shows the running sandboxes of this user, the "
					 "oldest first.");
		if (strcmp(*words, "--json") != 0)
			return refuse_words(usage, "it does not take ", *words);
		json = true;
	}
	count = state_list(&arena, &entries, &err);
	if (count < 0)
		status = complain(&err);
	else
		status = say(json ? as_json(entries, count, &arena)
				  : as_table(entries, count, &arena));
	arena_free(&arena);
	return status;
}

/* ---- kill ------------------------------------------------------------------------------ */

struct kill_request {
	int signal;
	bool help;
};

static const char kill_usage[] = "sbx kill [-s SIGNAL] NAME...";

/* Those that the launcher passes on; the others would hit itself, or nothing. */
static bool is_passed_on(int number)
{
	static const int kept[] = {
		SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGABRT,
		SIGSYS,  SIGSTOP, SIGCHLD, SIGPIPE, SIGTTIN, SIGTTOU
	};

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (kept[i] == number)
			return false;
	return true;
}

static int read_signal(const char *text, int *ret_signal)
{
	int number = signal_by_name(text);

	if (number < 0)
		return refuse_words(kill_usage, "there is no signal ", text);
	if (!is_passed_on(number))
		return refuse_words(kill_usage, "a sandbox is not sent ", text);
	*ret_signal = number;
	return 0;
}

/* The value behind `--name=`, or NULL if this is another word. */
static const char *value_in(const char *word, const char *option)
{
	size_t length = strlen(option);

	return strncmp(word, option, length) == 0 && word[length] == '='
		       ? word + length + 1
		       : NULL;
}

/* -s SIGNAL, --signal SIGNAL or --signal=SIGNAL; leaves *words at its last word. */
static int read_signal_words(const char *const **words, int *ret_signal)
{
	const char *word = **words;
	const char *value = value_in(word, "--signal");
	const bool apart = strcmp(word, "-s") == 0 || strcmp(word, "--signal") == 0;

	if (apart)
		value = *++(*words);
	if (!value && apart)
		return refuse_words(kill_usage, "a signal is missing behind ", word);
	if (!value)
		return refuse_words(kill_usage, "there is no ", word);
	return read_signal(value, ret_signal);
}

/* Leaves *words at the first name. 0, or the exit status. */
static int read_kill_words(const char *const **words, struct kill_request *ret_request)
{
	for (; **words && is_option(**words); (*words)++) {
		int refused;

		if (strcmp(**words, "--") == 0) {
			(*words)++;
			break;
		}
		ret_request->help = asks_for_help(**words);
		if (ret_request->help)
			return 0;
		refused = read_signal_words(words, &ret_request->signal);
		if (refused)
			return refused;
	}
	return **words ? 0 : refuse_words(kill_usage, "a NAME is missing", "");
}

static bool is_refused(void)
{
	return errno == ENOSYS || errno == EPERM;
}

/* Nothing can refuse to be killed, but it takes its time. */
static void await_end(int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	(void)poll(&end, 1, KILL_TIME_MS);
}

/*
 * The pid cannot be given to another process while we hold the descriptor. Where a filter
 * refuses that, a process that was alive a moment ago has to be good enough.
 */
static int send_checked(pid_t pid, uint64_t start, int number)
{
	auto_close int pidfd = sys_pidfd_open(pid, 0);

	if (pidfd < 0 && !is_refused())
		return -1;
	if (!state_is_alive(pid, start)) {
		errno = ESRCH;
		return -1;
	}
	if (pidfd >= 0 && sys_pidfd_send_signal(pidfd, number) == 0) {
		if (number == SIGKILL)
			await_end(pidfd);
		return 0;
	}
	return pidfd < 0 || is_refused() ? kill(pid, number) : -1;
}

/*
 * SIGKILL ends process 1, and the kernel everything with it. Every other signal goes to
 * the launcher, which passes it to the command, and for TERM sends the stop signal.
 */
static int send_to(const struct state_entry *entry, int number)
{
	if (number == SIGKILL)
		return send_checked(entry->init, entry->init_start, number);
	return send_checked(entry->launcher, entry->launcher_start, number);
}

static int kill_one(const char *name, int number, struct error *err)
{
	struct arena arena = { 0 };
	struct state_entry entry;
	int failed = state_find(name, &arena, &entry, err);

	/* One that ends in this moment is what was asked for. */
	if (!failed && send_to(&entry, number) < 0 && errno != ESRCH)
		failed = error_errno(err, "send a signal to %s", name);
	arena_free(&arena);
	return failed;
}

int command_kill(const char *const *words)
{
	struct kill_request request = { .signal = SIGTERM };
	int status = read_kill_words(&words, &request);

	if (request.help)
		return say_usage(
			kill_usage,
			"Sends SIGNAL to the command of each sandbox; without -s "
			"the one that stops it.\nKILL ends the whole sandbox.");
	if (status)
		return status;
	for (; *words; words++) {
		struct error err;

		if (kill_one(*words, request.signal, &err) < 0)
			status = complain(&err);
	}
	return status;
}

/* ---- stop ------------------------------------------------------------------------------ */

static const char stop_usage[] = "sbx stop [-t SECONDS] NAME...";

enum { STOP_SECONDS = 10, STOP_SECONDS_MAX = 1000000 };

/* Leaves *words at the first name. 0, or the exit status. */
static int read_stop_words(const char *const **words, int *ret_seconds, bool *ret_help)
{
	for (; **words && is_option(**words); (*words)++) {
		const char *word = **words;
		const char *value = value_in(word, "--time");

		if (strcmp(word, "--") == 0) {
			(*words)++;
			break;
		}
		*ret_help = asks_for_help(word);
		if (*ret_help)
			return 0;
		if (strcmp(word, "-t") == 0 || strcmp(word, "--time") == 0)
			value = *++(*words);
		else if (!value)
			return refuse_words(stop_usage, "there is no ", word);
		if (!value || text_to_int(value, 0, STOP_SECONDS_MAX, ret_seconds) < 0)
			return refuse_words(stop_usage,
					    "a number of seconds belongs behind ", word);
	}
	return **words ? 0 : refuse_words(stop_usage, "a NAME is missing", "");
}

/* What does not stop by itself is killed; the rest of the time is that of all together. */
static int see_to_end(const struct state_entry *entry, int timeout_ms, struct error *err)
{
	int lives = state_await_end(entry, timeout_ms, err);

	if (lives > 0) {
		(void)send_to(entry, SIGKILL);
		lives = state_await_end(entry, KILL_TIME_MS, err);
	}
	if (lives > 0) {
		error_set(err, ERROR_PLAIN, "stop %s: its launcher does not end",
			  entry->name);
		return error_hint(err, "process %d is it: it may stand still",
				  entry->launcher);
	}
	return lives;
}

static int stop_all(const char *const *names, struct state_entry *entries, int seconds,
		    struct arena *arena)
{
	struct error err;
	int status = 0;

	for (size_t i = 0; names[i]; i++) {
		if (state_find(names[i], arena, &entries[i], &err) < 0) {
			entries[i].name = NULL;
			status = complain(&err);
			continue;
		}
		(void)send_to(&entries[i], SIGTERM);
	}
	for (size_t i = 0; names[i]; i++)
		if (entries[i].name && see_to_end(&entries[i], seconds * 1000, &err) < 0)
			status = complain(&err);
	return status;
}

int command_stop(const char *const *words)
{
	struct arena arena = { 0 };
	int seconds = STOP_SECONDS;
	bool help = false;
	int status = read_stop_words(&words, &seconds, &help);
	size_t count = 0;

	if (help)
		return say_usage(
			stop_usage,
			"Sends the signal that stops it to the command of each "
			"sandbox, and kills what runs\nafter SECONDS still: 10, "
			"unless -t says otherwise. Returns when they have ended.");
	if (status)
		return status;
	while (words[count])
		count++;
	status = stop_all(words,
			  arena_alloc_array(&arena, count, sizeof(struct state_entry)),
			  seconds, &arena);
	arena_free(&arena);
	return status;
}

/* ---- wait ------------------------------------------------------------------------------ */

int command_wait(const char *const *words)
{
	static const char usage[] = "sbx wait NAME";
	struct error err;
	int status;

	if (*words && asks_for_help(*words))
		return say_usage(
			usage, "Waits until the sandbox has ended, and ends as it did.");
	if (*words && strcmp(*words, "--") == 0)
		words++;
	else if (*words && is_option(*words))
		return refuse_words(usage, "it does not take ", *words);
	if (!words[0])
		return refuse_words(usage, "a NAME is missing", "");
	if (words[1])
		return refuse_words(usage,
				    "one NAME is enough, this is one more: ", words[1]);
	return state_wait(words[0], &status, &err) < 0 ? complain(&err) : status;
}

/* ---- completion ------------------------------------------------------------------------ */

int command_completion(const char *const *words)
{
	static const char usage[] = "sbx completion bash|zsh|fish";
	struct arena arena = { 0 };
	const char *script;
	int status;

	if (*words && asks_for_help(*words))
		return say_usage(
			usage,
			"Prints what makes the shell complete the options of sbx.");
	if (!words[0] || words[1])
		return refuse_words(usage, "it takes the name of one shell", "");
	script = plan_completion(words[0], &arena);
	status = script ? say(script)
			: refuse_words(usage, "no completion for ", words[0]);
	arena_free(&arena);
	return status;
}
