/* SPDX-License-Identifier: Apache-2.0 */
#include "base/accounts_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

/* ---- fields ------------------------------------------------------------------------- */

bool field_take(struct field *rest, char separator, struct field *ret_field)
{
	const char *end;

	if (!rest->text)
		return false;
	end = memchr(rest->text, separator, rest->length);
	ret_field->text = rest->text;
	if (!end) {
		ret_field->length = rest->length;
		rest->text = NULL;
		return true;
	}
	ret_field->length = (size_t)(end - rest->text);
	rest->text = end + 1;
	rest->length -= ret_field->length + 1;
	return true;
}

bool field_is(const struct field *field, const char *text)
{
	return strlen(text) == field->length &&
	       memcmp(field->text, text, field->length) == 0;
}

int field_copy(char *to, size_t size, const struct field *field)
{
	if (field->length >= size)
		return -1;
	memcpy(to, field->text, field->length);
	to[field->length] = '\0';
	return 0;
}

int field_number(const struct field *field, int base, uint64_t *ret_value)
{
	char digits[24];

	if (field_copy(digits, sizeof(digits), field) < 0)
		return -1;
	return text_to_u64(digits, base, ret_value);
}

int field_id(const struct field *field, uint32_t *ret_id)
{
	uint64_t value;

	if (field_number(field, 10, &value) < 0 || value > ID_LAST)
		return -1;
	*ret_id = (uint32_t)value;
	return 0;
}

/* ---- files, line by line ------------------------------------------------------------ */

/*
 * A root may be a stranger's: the file must be a regular one, a line is at most
 * LINE_MAX_SIZE long (longer ones are passed over) and no more than FILE_MAX is read.
 */
enum { LINE_MAX_SIZE = 65536, FILE_MAX = 16 << 20 };

struct lines {
	int fd;
	bool is_skipping; /* the rest of a line that was too long */
	size_t start, end, total;
	char buffer[LINE_MAX_SIZE];
};

/* A descriptor; -1 and err; -2: there is no such file. */
enum { NO_FILE = -2 };

static int open_file(int root_fd, const char *path, struct error *err)
{
	static const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	auto_close int fd = -1;
	struct stat stat;

	if (root_fd >= 0) {
		fd = files_open_in_root(root_fd, path, flags, 0);
	} else {
		char absolute[64];

		snprintf(absolute, sizeof(absolute), "/%s", path);
		fd = open(absolute, flags);
	}
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return NO_FILE;
	if (fd < 0 || fstat(fd, &stat) < 0)
		return error_errno(err, "read /%s%s", path,
				   root_fd < 0 ? "" : " of the root");
	if (!S_ISREG(stat.st_mode))
		return error_set(err, ERROR_IDS, "read /%s%s: not a regular file", path,
				 root_fd < 0 ? "" : " of the root");
	return fd_take(&fd);
}

/* Reads more behind what is there. 1: more is there, 0: the end, -1 and errno. */
static int fill(struct lines *lines)
{
	ssize_t got;

	memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
	lines->end -= lines->start;
	lines->start = 0;
	if (lines->end == sizeof(lines->buffer)) {
		lines->is_skipping = true;
		lines->end = 0;
	}
	got = fd_read_all(lines->fd, lines->buffer + lines->end,
			  sizeof(lines->buffer) - lines->end);
	if (got < 0)
		return -1;
	lines->end += (size_t)got;
	lines->total += (size_t)got;
	if (lines->total > FILE_MAX) {
		errno = EFBIG;
		return -1;
	}
	return got > 0;
}

/* 1 and the next line without its newline, 0 at the end, -1 and errno. */
static int next_line(struct lines *lines, const char **ret_line, size_t *ret_length)
{
	for (;;) {
		char *start = lines->buffer + lines->start;
		size_t left = lines->end - lines->start;
		char *newline = memchr(start, '\n', left);
		int more;

		if (!newline) {
			more = fill(lines);
			if (more > 0)
				continue;
			lines->start = lines->end;
			*ret_line = lines->buffer;
			*ret_length = lines->end;
			return more < 0 ? -1 : lines->end > 0 && !lines->is_skipping;
		}
		lines->start += (size_t)(newline - start) + 1;
		if (lines->is_skipping) {
			lines->is_skipping = false;
			continue;
		}
		*ret_line = start;
		*ret_length = (size_t)(newline - start);
		return 1;
	}
}

int accounts_search_file(int root_fd, const char *path, struct search *search,
			 struct error *err)
{
	struct lines lines;
	const char *line;
	size_t length;
	auto_close int fd = open_file(root_fd, path, err);
	int more;

	if (fd < 0)
		return fd == NO_FILE ? 0 : -1;
	lines.fd = fd;
	lines.is_skipping = false;
	lines.start = lines.end = lines.total = 0;
	lines.buffer[0] = '\0';
	do {
		more = next_line(&lines, &line, &length);
	} while (more > 0 && !search->take(search, line, length));
	if (more < 0)
		return error_errno(err, "read /%s%s", path,
				   root_fd < 0 ? "" : " of the root");
	return 0;
}

void accounts_search_text(const char *text, struct search *search)
{
	struct field rest = { text, strlen(text) }, line;

	while (field_take(&rest, '\n', &line)) {
		if (search->take(search, line.text, line.length))
			return;
	}
}
