/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx logs`: the file that a detached sandbox writes to. */
#include "launcher/commands.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "launcher/command_words.h"
#include "launcher/state.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] = "sbx logs [-f] [--raw] NAME";

enum {
	PIECE = 16384,
	LOOK_MS = 200, /* how often it is looked whether there is more */
};

struct show {
	int file;
	bool plain;           /* a terminal is to obey nothing of it */
	unsigned char before; /* the last byte that was shown */
};

/*
 * ESC and other control characters as a caret and a letter; those of one character in
 * UTF-8 that a terminal may take for one, too.
 */
static size_t make_plain(struct show *show, const char *from, size_t length, char *to)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		const unsigned char byte = (unsigned char)from[i];
		const bool controls =
			byte < ' ' && byte != '\n' && byte != '\r' && byte != '\t';

		if (controls || byte == 0x7f) {
			to[used++] = '^';
			to[used++] = (char)(byte ^ 0x40);
		} else if (show->before == 0xc2 && byte >= 0x80 && byte < 0xa0) {
			to[used++] = '?';
		} else {
			to[used++] = (char)byte;
		}
		show->before = byte;
	}
	return used;
}

/* Up to the end of what is there. One that was cut is read from its beginning. */
static int show_rest(struct show *show, struct error *err)
{
	char from[PIECE], to[2 * PIECE];
	struct stat status;
	ssize_t length;

	if (fstat(show->file, &status) == 0 &&
	    status.st_size < lseek(show->file, 0, SEEK_CUR))
		(void)lseek(show->file, 0, SEEK_SET);
	for (;;) {
		const char *bytes = from;

		length = read(show->file, from, sizeof(from));
		if (length < 0)
			return error_errno(err, "read the log");
		if (length == 0)
			return 0;
		if (show->plain) {
			length = (ssize_t)make_plain(show, from, (size_t)length, to);
			bytes = to;
		}
		if (fd_write_all(STDOUT_FILENO, bytes, (size_t)length) < 0)
			return error_errno(err, "write to the standard output");
	}
}

static int follow(struct show *show, const struct state_entry *entry, struct error *err)
{
	int lives = 1;

	while (lives > 0) {
		lives = state_await_end(entry, LOOK_MS, err);
		if (lives < 0 || show_rest(show, err) < 0)
			return -1;
	}
	return 0;
}

static int open_log(const struct state_entry *entry, struct error *err)
{
	const bool elsewhere = entry->log && strcmp(entry->log, "-") == 0;
	int fd;

	if (!entry->log || elsewhere) {
		error_set(err, ERROR_USAGE, "show the log of %s: %s", entry->name,
			  elsewhere ? "its output goes where it was started"
				    : "it has none");
		return error_hint(err, "sbx run -d --log FILE keeps one");
	}
	fd = open(entry->log, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "show the log %s", entry->log) : fd;
}

static int show_log(const char *name, bool follows, bool raw, struct error *err)
{
	struct arena arena = { 0 };
	struct state_entry entry;
	struct show show = { .file = -1, .plain = !raw && isatty(STDOUT_FILENO) };
	int failed = state_find(name, &arena, &entry, err);

	if (!failed) {
		show.file = open_log(&entry, err);
		failed = show.file < 0 || show_rest(&show, err) < 0;
	}
	if (!failed && follows)
		failed = follow(&show, &entry, err);
	fd_close(&show.file);
	arena_free(&arena);
	return failed ? -1 : 0;
}

int command_logs(const char *const *words)
{
	bool follows = false, raw = false;
	struct error err;

	for (; *words && is_option(*words); words++) {
		if (asks_for_help(*words))
			return say_usage(
				usage,
				"Shows what a sandbox of `sbx run -d --log` has written; "
				"-f goes on until it ends.\nA terminal is shown control "
				"characters as ^X, unless --raw is given.");
		if (strcmp(*words, "-f") == 0 || strcmp(*words, "--follow") == 0)
			follows = true;
		else if (strcmp(*words, "--raw") == 0)
			raw = true;
		else if (strcmp(*words, "--") != 0)
			return refuse_words(usage, "it does not take ", *words);
	}
	if (!words[0])
		return refuse_words(usage, "a NAME is missing", "");
	if (words[1])
		return refuse_words(usage,
				    "one NAME is enough, this is one more: ", words[1]);
	return show_log(words[0], follows, raw, &err) < 0 ? complain(&err) : 0;
}
