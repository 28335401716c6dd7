/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of `ask` that need more than one packet: many connections, much data, TLS. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ask.h"

enum { CHUNK = 65536 };

static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool echoes(int fd)
{
	char line[256];

	return write(fd, "who\n", 4) == 4 && read_line(fd, line, sizeof(line)) > 0;
}

/* All are open before the first is used, and used before the first is closed. */
int ask_many(char **words)
{
	const long started = now_ms();
	const struct place to = place_of(words[0], words[1]);
	const int count = atoi(words[2]);
	int *const fds = calloc((size_t)count, sizeof(int));
	char detail[64];
	int opened = 0, used = 0;

	allow_descriptors();
	for (int i = 0; fds && i < count; i++) {
		fds[i] = open_stream(&to);
		opened += fds[i] >= 0;
	}
	for (int i = 0; fds && i < count; i++)
		used += fds[i] >= 0 && echoes(fds[i]);
	free(fds);
	snprintf(detail, sizeof(detail), "%d %d", opened, used);
	return answer(started, opened == count && used == count ? "ok" : "fewer", detail);
}

static int told_time(long started, int error)
{
	char detail[32];

	snprintf(detail, sizeof(detail), "%ld", now_ms() - started);
	printf("%s %s\n", word_of(error), detail);
	return error != 0;
}

/* The server sends as many bytes as the first line says. */
int ask_pull(char **words)
{
	static char chunk[CHUNK];
	const struct place to = place_of(words[0], words[1]);
	const long started = now_ms();
	unsigned long left = strtoul(words[2], NULL, 10);
	const int fd = open_stream(&to);
	int error = 0;

	if (fd < 0 || dprintf(fd, "pull %lu\n", left) < 0)
		return told_time(started, errno);
	while (left > 0 && error == 0) {
		const ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got > 0)
			left -= (unsigned long)got < left ? (unsigned long)got : left;
		else
			error = got < 0 ? errno : ECONNRESET;
	}
	close(fd);
	return told_time(started, error);
}

/* The server says a line when it has them all. */
int ask_push(char **words)
{
	static char chunk[CHUNK];
	const struct place to = place_of(words[0], words[1]);
	const long started = now_ms();
	unsigned long left = strtoul(words[2], NULL, 10);
	const int fd = open_stream(&to);
	char line[64];

	if (fd < 0 || dprintf(fd, "push %lu\n", left) < 0)
		return told_time(started, errno);
	while (left > 0) {
		const size_t size = left < CHUNK ? left : CHUNK;
		const ssize_t sent = write(fd, chunk, size);

		if (sent < 0)
			return told_time(started, errno);
		left -= (unsigned long)sent;
	}
	if (read_line(fd, line, sizeof(line)) <= 0)
		return told_time(started, errno != 0 ? errno : ECONNRESET);
	close(fd);
	return told_time(started, 0);
}

/* ---- TLS ---------------------------------------------------------------------------------- */

struct bytes {
	uint8_t data[1024];
	size_t size;
};

static void put(struct bytes *to, unsigned value, size_t width)
{
	while (width-- > 0)
		to->data[to->size++] = (uint8_t)(value >> (8 * width));
}

/* A length of that many bytes is written behind what it counts. */
static size_t begin(struct bytes *to, size_t width)
{
	put(to, 0, width);
	return to->size;
}

static void end(struct bytes *to, size_t start, size_t width)
{
	const size_t last = to->size;

	to->size = start - width;
	put(to, (unsigned)(last - start), width);
	to->size = last;
}

/* RFC 6066, 3: one name of the kind host_name. */
static void put_server_name(struct bytes *to, const char *name)
{
	size_t extension, list, text;

	put(to, 0, 2);
	extension = begin(to, 2);
	list = begin(to, 2);
	put(to, 0, 1);
	text = begin(to, 2);
	for (const char *at = name; *at; at++)
		put(to, (unsigned char)*at, 1);
	end(to, text, 2);
	end(to, list, 2);
	end(to, extension, 2);
}

/* RFC 8446, 4.1.2, with as little in it as may be. */
static void put_hello(struct bytes *to, const char *name)
{
	size_t record, hello, extensions;

	put(to, 22, 1);
	put(to, 0x0301, 2);
	record = begin(to, 2);
	put(to, 1, 1);
	hello = begin(to, 3);
	put(to, 0x0303, 2);
	for (unsigned i = 0; i < 32; i++)
		put(to, i, 1);
	put(to, 0, 1);
	put(to, 2, 2);
	put(to, 0x1301, 2);
	put(to, 0x0100, 2);
	extensions = begin(to, 2);
	put(to, 0x002b, 2); /* supported_versions: 1.3 */
	put(to, 0x0003, 2);
	put(to, 0x020304, 3);
	if (strcmp(name, "hidden") != 0)
		put_server_name(to, name);
	end(to, extensions, 2);
	end(to, hello, 3);
	end(to, record, 2);
}

int ask_tls(char **words)
{
	const long started = now_ms();
	const struct place to = place_of(words[0], words[1]);
	struct bytes said = { 0 };
	char line[256] = "";
	long got;
	const int fd = open_stream(&to);

	if (fd < 0)
		return answer(started, word_of(errno), "");
	if (strcmp(words[2], "plain") == 0)
		said.size = (size_t)sprintf((char *)said.data, "GET / HTTP/1.0\r\n\r\n");
	else
		put_hello(&said, words[2]);
	if (write(fd, said.data, said.size) < 0)
		got = -1;
	else
		got = read_line(fd, line, sizeof(line));
	close(fd);
	if (got <= 0)
		return answer(started, got < 0 ? word_of(errno) : "closed", "");
	return answer(started, "ok", line);
}
