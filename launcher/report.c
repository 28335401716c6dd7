/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/report.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "plan/plan.h"
#include "policy/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 2048 };

/*
 * "cannot TEXT: STRERROR". Text and hint were made printable where they were written; what
 * a sandbox sent is looked at once more.
 */
static void message_of(const struct error *err, char *to, size_t size)
{
	char text[LINE_MAX_BYTES];

	if (err->errnum && !err->explained)
		snprintf(text, sizeof(text), "cannot %s: %s", err->text,
			 strerror(err->errnum));
	else
		snprintf(text, sizeof(text), "cannot %s", err->text);
	text_harmless(to, size, text);
}

/* What cannot be written is lost: there is nobody else to tell. */
static void say(int fd, const char *text)
{
	(void)fd_write_all(fd, text, strlen(text));
}

static void say_line(int fd, const struct json_value *value, struct arena *arena)
{
	char *line = json_write(value, JSON_LAYOUT_LINE, arena);

	say(fd, arena_printf(arena, "%s\n", line));
}

static void put_text_or_null(struct json_value *object, const char *key, const char *text)
{
	char printable[LINE_MAX_BYTES];

	if (text && *text)
		json_put_text(object, key,
			      text_harmless(printable, sizeof(printable), text));
	else
		json_put_null(object, key);
}

static void put_errno(struct json_value *object, const struct error *err)
{
	if (err->errnum)
		json_put_integer(object, "errno", err->errnum);
	else
		json_put_null(object, "errno");
}

struct json_value *report_line(const char *level, const struct error *err,
			       const char *message, struct arena *arena)
{
	struct json_value *line = json_make_object(arena);

	json_put_integer(line, "version", 1);
	json_put_text(line, "time", text_now(arena, 3));
	json_put_text(line, "level", level);
	json_put_text(line, "id", error_id_name(err->id));
	json_put_text(line, "message", message);
	put_text_or_null(line, "hint", err->hint);
	put_errno(line, err);
	return line;
}

static void log_line(const char *level, const struct error *err, const char *message)
{
	struct arena arena = { 0 };

	say_line(STDERR_FILENO, report_line(level, err, message, &arena), &arena);
	arena_free(&arena);
}

static void say_text(const char *message, const char *plain_hint)
{
	char hint[LINE_MAX_BYTES], text[3 * LINE_MAX_BYTES];

	text_harmless(hint, sizeof(hint), plain_hint);
	if (*hint)
		snprintf(text, sizeof(text), "sbx: %s\nsbx: hint: %s\n", message, hint);
	else
		snprintf(text, sizeof(text), "sbx: %s\n", message);
	say(STDERR_FILENO, text);
}

void report_error(const struct error *err, bool json)
{
	char message[LINE_MAX_BYTES];

	message_of(err, message, sizeof(message));
	if (json)
		log_line("error", err, message);
	else
		say_text(message, err->hint);
}

/* Whoever does not read our lines must not hold us up. */
bool report_offer(const char *line, bool raw)
{
	struct pollfd end = { .fd = STDERR_FILENO, .events = POLLOUT };
	char bytes[2048];
	int length = snprintf(bytes, sizeof(bytes), "%.*s%s", (int)strcspn(line, "\n"),
			      line, raw && isatty(STDERR_FILENO) ? "\r\n" : "\n");

	if (length < 0 || (size_t)length >= sizeof(bytes) || poll(&end, 1, 0) != 1 ||
	    !(end.revents & POLLOUT))
		return false;
	return write(STDERR_FILENO, bytes, (size_t)length) == length;
}

void report_network(const char *text, bool json, bool raw)
{
	const struct error event = { .id = ERROR_NETWORK };
	char printable[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 8];
	struct arena arena = { 0 };

	text_harmless(printable, sizeof(printable), text);
	if (json) {
		(void)report_offer(
			json_write(report_line("warning", &event, printable, &arena),
				   JSON_LAYOUT_LINE, &arena),
			raw);
	} else {
		snprintf(line, sizeof(line), "sbx: %s", printable);
		(void)report_offer(line, raw);
	}
	arena_free(&arena);
}

/* ---- SIGSYS ---------------------------------------------------------------------------- */

/* Who was killed; NULL: nobody. */
static const char *whom_sigsys_killed(const struct plan *plan,
				      const struct outcome *outcome)
{
	if (outcome->signal == SIGSYS)
		return "the command";
	if (plan->policy.filter.program.count == 0)
		return NULL;
	if (outcome->saw_sigsys || (!outcome->signal && outcome->status == 128 + SIGSYS))
		return "a process of the command";
	return NULL;
}

void report_sigsys(const struct plan *plan, const struct outcome *outcome)
{
	const char *whom = whom_sigsys_killed(plan, outcome);
	struct error err = { .id = ERROR_KILLED_BY_POLICY };
	char message[LINE_MAX_BYTES];

	if (!whom)
		return;
	if (plan->policy.filter.program.count == 0) {
		snprintf(
			message, sizeof(message),
			"%s was killed by SIGSYS, and sbx had loaded no filter: it had one "
			"of its own, or there is one around sbx",
			whom);
	} else if (!plan->policy.profile) {
		snprintf(message, sizeof(message),
			 "%s was killed by its seccomp filter (SIGSYS): it made a system "
			 "call that --seccomp or config.json kills",
			 whom);
	} else {
		snprintf(message, sizeof(message),
			 "%s was killed by its policy (SIGSYS): it made a system call of "
			 "another ABI (32-bit, x32), or one that the policy kills",
			 whom);
		error_hint(&err, "sbx policy show %s tells what it kills",
			   profile_name(plan->policy.profile));
	}
	if (plan->life.log_format == LOG_JSON)
		log_line("warning", &err, message);
	else
		say_text(message, err.hint);
}

void report_warning(const struct error *err, bool json)
{
	char message[LINE_MAX_BYTES], text[2 * LINE_MAX_BYTES];

	message_of(err, message, sizeof(message));
	if (json) {
		log_line("warning", err, message);
		return;
	}
	snprintf(text, sizeof(text), "sbx: warning: %s\n", message);
	say(STDERR_FILENO, text);
}

void report_memory(const char *size, uint64_t killed, bool json)
{
	const struct error event = { .id = ERROR_LIMIT };
	char message[160];

	snprintf(message, sizeof(message),
		 "the memory limit of %s was reached: %llu %s killed; --memory raises it",
		 size, (unsigned long long)killed,
		 killed == 1 ? "process was" : "processes were");
	if (json)
		log_line("warning", &event, message);
	else
		say_text(message, "");
}

/* ---- --status-fd ----------------------------------------------------------------------- */

static struct json_value *event_object(struct arena *arena, const char *event, pid_t init,
				       bool command_started)
{
	struct json_value *object = json_make_object(arena);

	json_put_integer(object, "version", 1);
	json_put_text(object, "event", event);
	if (init > 0)
		json_put_integer(object, "pid", init);
	else
		json_put_null(object, "pid");
	json_put_bool(object, "command_started", command_started);
	return object;
}

void report_notes(const char *lines)
{
	char text[LINE_MAX_BYTES];

	while (*lines) {
		const size_t length = strcspn(lines, "\n");

		snprintf(text, sizeof(text), "sbx: note: %.*s\n", (int)length, lines);
		say(STDERR_FILENO, text);
		lines += length + (lines[length] == '\n');
	}
}

void report_started(int status_fd, pid_t init)
{
	struct arena arena = { 0 };

	if (status_fd < 0)
		return;
	say_line(status_fd, event_object(&arena, "started", init, true), &arena);
	arena_free(&arena);
}

void report_failed(int status_fd, const struct error *err, pid_t init,
		   bool command_started)
{
	struct arena arena = { 0 };
	struct json_value *object, *error;
	char message[LINE_MAX_BYTES];

	if (status_fd < 0)
		return;
	object = event_object(&arena, "failed", init, command_started);
	json_put_integer(object, "status", error_status(err));
	error = json_put_object(object, "error");
	message_of(err, message, sizeof(message));
	json_put_text(error, "id", error_id_name(err->id));
	json_put_text(error, "message", message);
	put_text_or_null(error, "hint", err->hint);
	put_errno(error, err);
	say_line(status_fd, object, &arena);
	arena_free(&arena);
}

static void put_signal(struct json_value *object, int signal, struct arena *arena)
{
	if (signal <= 0)
		json_put_null(object, "signal");
	else
		json_put_text(object, "signal", signal_name(signal, arena));
}

void report_ended(int status_fd, const struct outcome *outcome)
{
	struct arena arena = { 0 };
	struct json_value *object;

	if (status_fd < 0)
		return;
	object = event_object(&arena, outcome->timed_out ? "timeout" : "exited",
			      outcome->init, true);
	json_put_integer(object, "status", outcome->status);
	put_signal(object, outcome->signal, &arena);
	say_line(status_fd, object, &arena);
	arena_free(&arena);
}

/* ---- --stats --------------------------------------------------------------------------- */

static void put_figure(struct json_value *object, const char *key, uint64_t value)
{
	if (value == UINT64_MAX)
		json_put_null(object, key);
	else
		json_put_unsigned(object, key, value);
}

static void put_usage(struct json_value *object, const struct outcome *outcome)
{
	const struct cgroup_usage *usage = &outcome->usage;
	struct json_value *group;

	if (!outcome->has_usage) {
		json_put_null(object, "cgroup");
		return;
	}
	group = json_put_object(object, "cgroup");
	put_figure(group, "memory_peak", usage->memory_peak);
	put_figure(group, "swap_peak", usage->swap_peak);
	put_figure(group, "pids_peak", usage->pids_peak);
	put_figure(group, "cpu_us", usage->cpu_us);
	put_figure(group, "cpu_user_us", usage->cpu_user_us);
	put_figure(group, "cpu_system_us", usage->cpu_system_us);
	put_figure(group, "throttled", usage->throttled);
	put_figure(group, "throttled_us", usage->throttled_us);
	put_figure(group, "read_bytes", usage->read_bytes);
	put_figure(group, "written_bytes", usage->written_bytes);
	put_figure(group, "oom_kills", usage->oom_kills);
}

/* What sbx-net counted is an object already. */
static void put_network(struct json_value *object, const struct outcome *outcome,
			struct arena *arena)
{
	struct error ignored;
	struct json_value *network = json_read(outcome->network, strlen(outcome->network),
					       "sbx-net", arena, &ignored);

	if (network)
		json_put_copy(object, "network", network);
	else
		json_put_null(object, "network");
}

int report_stats(const struct plan *plan, const struct files_place *place,
		 const struct outcome *outcome, struct error *err)
{
	struct arena arena = { 0 };
	struct json_value *object;
	const char *file = plan->life.stats_file;
	const char *line;
	int failed = 0;

	if (!plan->life.stats)
		return 0;
	object = json_make_object(&arena);
	json_put_integer(object, "version", 1);
	json_put_unsigned(object, "wall_ms", outcome->wall_ms);
	json_put_unsigned(object, "user_ms", outcome->user_ms);
	json_put_unsigned(object, "system_ms", outcome->system_ms);
	json_put_unsigned(object, "max_rss_kib", outcome->max_rss_kib);
	json_put_integer(object, "status", outcome->status);
	put_signal(object, outcome->signal, &arena);
	put_usage(object, outcome);
	put_network(object, outcome, &arena);
	line = arena_printf(&arena, "%s\n", json_write(object, JSON_LAYOUT_LINE, &arena));
	if (!file)
		say(STDERR_FILENO, line);
	else if (files_replace(place ? place->dir : AT_FDCWD, place ? place->name : file,
			       line, strlen(line), 0644) < 0)
		failed = error_errno(err, "write the statistics to %s", file);
	arena_free(&arena);
	return failed;
}
