/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, for the engine that called us and for people.
 *
 * containerd takes the last line of the log with "level":"error", podman takes its log for
 * one JSON object: so an error is one line, with the hint in it. The same goes to stderr,
 * which conmon and systemd keep. Members and level names are those of runc.
 */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "launcher/container_files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

enum { MESSAGE_MAX = 2048 };

/* As syslog(3) counts them. */
static const struct log_level {
	const char *name;
	int priority;
} level_error = { "error", LOG_ERR }, level_warning = { "warning", LOG_WARNING },
  level_debug = { "debug", LOG_DEBUG };

/* What cannot be written is lost: there is nobody else to tell. */
static void say(int fd, const char *text)
{
	(void)fd_write_all(fd, text, strlen(text));
}

static const char *as_json(const struct log_level *level, const char *message,
			   struct arena *arena)
{
	struct json_value *line = json_make_object(arena);

	json_put_text(line, "level", level->name);
	json_put_text(line, "msg", message);
	json_put_text(line, "time", text_now(arena, 0));
	return arena_printf(arena, "%s\n", json_write(line, JSON_LAYOUT_LINE, arena));
}

/* time="…" level=error msg="…": a message is printable, so only quotes are in the way. */
static const char *as_text(const struct log_level *level, const char *message,
			   struct arena *arena)
{
	char *quoted = arena_alloc(arena, 2 * strlen(message) + 1);
	char *to = quoted;

	for (const char *at = message; *at; at++) {
		if (*at == '"' || *at == '\\')
			*to++ = '\\';
		*to++ = *at;
	}
	return arena_printf(arena, "time=\"%s\" level=%s msg=\"%s\"\n",
			    text_now(arena, 0), level->name, quoted);
}

/* ---- where the log is ------------------------------------------------------------------- */

/* "file:PATH" is crun's way to say PATH. */
static const char *log_path(const char *log)
{
	return text_starts_with(log, "file:") ? log + strlen("file:") : log;
}

static int open_file(const char *log)
{
	/* Without waiting for the reader of a FIFO. */
	const int fd = open(
		log_path(log),
		O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0644);

	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, O_APPEND);
	return fd;
}

/* Of a datagram socket of the system's; -1: nobody listens. */
static int open_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	text_copy(address.sun_path, sizeof(address.sun_path), path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return fd_take(&fd);
}

/* The journal's own protocol: one field in each line (systemd.journal-fields(7)). */
static void write_journal(const char *name, const struct log_level *level,
			  const char *message, struct arena *arena)
{
	auto_close int fd = open_socket("/run/systemd/journal/socket");

	if (fd >= 0)
		say(fd,
		    arena_printf(arena, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=%s\n",
				 level->priority, *name ? name : "sbx-oci", message));
}

static void write_syslog(const char *name, const struct log_level *level,
			 const char *message, struct arena *arena)
{
	auto_close int fd = open_socket("/dev/log");

	if (fd >= 0)
		say(fd, arena_printf(arena, "<%d>%s: %s", LOG_USER | level->priority,
				     *name ? name : "sbx-oci", message));
}

static bool is_log_file(const char *log)
{
	return !text_starts_with(log, "journald:") && !text_starts_with(log, "syslog:");
}

int oci_open_log(const struct oci_globals *globals, struct error *err)
{
	auto_close int fd = -1;

	if (!globals->log || !is_log_file(globals->log))
		return 0;
	fd = open_file(globals->log);
	if (fd < 0)
		return container_refuse(err, "write the log to %.150s",
					log_path(globals->log));
	return 0;
}

static void write_log(const struct oci_globals *globals, const struct log_level *level,
		      const char *message, struct arena *arena)
{
	const char *name = strchr(globals->log, ':');
	auto_close int fd = -1;

	if (text_starts_with(globals->log, "journald:")) {
		write_journal(name + 1, level, message, arena);
		return;
	}
	if (text_starts_with(globals->log, "syslog:")) {
		write_syslog(name + 1, level, message, arena);
		return;
	}
	fd = open_file(globals->log);
	if (fd >= 0)
		say(fd, globals->log_json ? as_json(level, message, arena)
					  : as_text(level, message, arena));
}

/* ---- what is said ----------------------------------------------------------------------- */

/* line: for programs; plain: for those who read stderr. */
static void emit(const struct oci_globals *globals, const struct log_level *level,
		 const char *line, const char *plain, struct arena *arena)
{
	if (globals->log)
		write_log(globals, level, line, arena);
	else if (globals->log_json)
		say(STDERR_FILENO, as_json(level, line, arena));
	if (globals->log ? level == &level_error : !globals->log_json)
		say(STDERR_FILENO, plain);
}

/*
 * Of a program that cannot be executed engines make a status, by the words for that: podman
 * in any case, docker (toStatusError() of its client) in small letters alone.
 */
static void put_reason(const struct error *err, char *text, size_t size)
{
	const bool of_program = err->id == ERROR_COMMAND_NOT_FOUND ||
				err->id == ERROR_COMMAND_NOT_EXECUTABLE;

	snprintf(text, size, "%s",
		 of_program ? strerror(err->errnum) : container_reason(err->errnum));
	if (of_program)
		*text = (char)tolower((unsigned char)*text);
}

static const char *message_of(const struct error *err, struct arena *arena)
{
	char *message = arena_alloc(arena, MESSAGE_MAX);
	char text[MESSAGE_MAX], reason[128];

	if (err->errnum && !err->explained) {
		put_reason(err, reason, sizeof(reason));
		snprintf(text, sizeof(text), "cannot %s: %s", err->text, reason);
	} else {
		snprintf(text, sizeof(text), "cannot %s", err->text);
	}
	return text_harmless(message, MESSAGE_MAX, text);
}

int oci_fail(const struct oci_globals *globals, const struct error *err)
{
	struct arena arena = { 0 };
	const char *message, *line, *plain;

	if (err->id == ERROR_NO_COMMAND)
		return fflush(stdout) == 0 ? 0 : 1;
	message = message_of(err, &arena);
	line = message;
	plain = arena_printf(&arena, "sbx-oci: %s\n", message);
	if (*err->hint) {
		char hint[MESSAGE_MAX];

		text_harmless(hint, sizeof(hint), err->hint);
		line = arena_printf(&arena, "%s (%s)", message, hint);
		plain = arena_printf(&arena, "%ssbx-oci: hint: %s\n", plain, hint);
	}
	emit(globals, &level_error, line, plain, &arena);
	arena_free(&arena);
	return 1;
}

static void tell(const struct oci_globals *globals, const struct log_level *level,
		 const char *prefix, const char *format, va_list arguments)
	__attribute__((format(printf, 4, 0)));

static void tell(const struct oci_globals *globals, const struct log_level *level,
		 const char *prefix, const char *format, va_list arguments)
{
	struct arena arena = { 0 };
	char text[MESSAGE_MAX], message[MESSAGE_MAX];

	vsnprintf(text, sizeof(text), format, arguments);
	text_harmless(message, sizeof(message), text);
	emit(globals, level, message,
	     arena_printf(&arena, "sbx-oci: %s%s\n", prefix, message), &arena);
	arena_free(&arena);
}

void oci_warn(const struct oci_globals *globals, const char *format, ...)
{
	va_list arguments;

	if (globals->errors_only)
		return;
	va_start(arguments, format);
	tell(globals, &level_warning, "warning: ", format, arguments);
	va_end(arguments);
}

void oci_warn_of(const struct oci_globals *globals, const struct error *err)
{
	struct arena arena = { 0 };

	oci_warn(globals, "%s", message_of(err, &arena));
	arena_free(&arena);
}

void oci_debug(const struct oci_globals *globals, const char *format, ...)
{
	va_list arguments;

	if (!globals->debug)
		return;
	va_start(arguments, format);
	tell(globals, &level_debug, "debug: ", format, arguments);
	va_end(arguments);
}
