/* SPDX-License-Identifier: Apache-2.0 */
/* The request of `ask` for a name: by a packet or by a connection, without a C library's help. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <unistd.h>

#include "ask.h"

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_TXT = 16, TYPE_AAAA = 28, HEADER = 12 };

struct message {
	uint8_t data[65536];
	size_t size;
};

static unsigned type_number(const char *type)
{
	static const struct {
		const char *name;
		unsigned number;
	} types[] = { { "A", TYPE_A },         { "AAAA", TYPE_AAAA }, { "TXT", TYPE_TXT },
		      { "CNAME", TYPE_CNAME }, { "PTR", 12 },         { "MX", 15 },
		      { "SRV", 33 },           { "HTTPS", 65 },       { "ANY", 255 } };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(types[i].name, type) == 0)
			return types[i].number;
	return (unsigned)strtoul(type, NULL, 10);
}

static void put16(struct message *to, unsigned value)
{
	to->data[to->size++] = (uint8_t)(value >> 8);
	to->data[to->size++] = (uint8_t)value;
}

static unsigned get16(const struct message *from, size_t at)
{
	if (at + 2 > from->size)
		return 0;
	return (unsigned)from->data[at] << 8 | from->data[at + 1];
}

static void put_name(struct message *to, const char *name)
{
	while (*name) {
		const size_t size = strcspn(name, ".");

		to->data[to->size++] = (uint8_t)size;
		memcpy(to->data + to->size, name, size);
		to->size += size;
		name += size + (name[size] == '.');
	}
	to->data[to->size++] = 0;
}

/* Recursion is wanted; one question and nothing else. */
static void put_question(struct message *to, const char *name, const char *type)
{
	to->size = 0;
	put16(to, (unsigned)getpid() & 0xffff);
	put16(to, 0x0100);
	put16(to, 1);
	put16(to, 0);
	put16(to, 0);
	put16(to, 0);
	put_name(to, name);
	put16(to, type_number(type));
	put16(to, 1);
}

static size_t skip_name(const struct message *from, size_t at)
{
	while (at < from->size && from->data[at] != 0) {
		if (from->data[at] >= 0xc0)
			return at + 2;
		at += from->data[at] + 1U;
	}
	return at + 1;
}

/* Adds the record to the text, where it is an address or a text. */
static void tell_record(const struct message *from, size_t at, unsigned type, size_t size,
			char *to, size_t room)
{
	char text[INET6_ADDRSTRLEN];
	const size_t used = strlen(to);

	if (type == TYPE_A && size == 4)
		inet_ntop(AF_INET, from->data + at, text, sizeof(text));
	else if (type == TYPE_AAAA && size == 16)
		inet_ntop(AF_INET6, from->data + at, text, sizeof(text));
	else if (type == TYPE_TXT)
		snprintf(text, sizeof(text), "text:%zu", size);
	else
		return;
	snprintf(to + used, room - used, "%s%s", used ? " " : "", text);
}

static void tell_records(const struct message *from, char *to, size_t room)
{
	const unsigned records = get16(from, 6);
	size_t at = HEADER;

	for (unsigned i = get16(from, 4); i > 0; i--)
		at = skip_name(from, at) + 4;
	for (unsigned i = 0; i < records && at < from->size; i++) {
		size_t size;

		at = skip_name(from, at);
		size = get16(from, at + 8);
		if (at + 10 + size > from->size)
			return;
		tell_record(from, at + 10, get16(from, at), size, to, room);
		at += 10 + size;
	}
}

static int tell(const struct message *from, long started)
{
	static const char *const codes[16] = { "ok",       "formerr", "servfail",
					       "nxdomain", "notimpl", "refused" };
	const unsigned flags = get16(from, 2);
	char records[4096] = "";
	const char *word = codes[flags & 15];

	if (from->size < HEADER || from->data[0] != (((unsigned)getpid() >> 8) & 0xff))
		return answer(started, "garbage", "");
	if (flags & 0x0200)
		return answer(started, "truncated", "");
	if (!word)
		return answer(started, "code", "");
	tell_records(from, records, sizeof(records));
	if (strcmp(word, "ok") == 0 && !*records)
		word = "empty";
	return answer(started, word, records);
}

static bool write_all(int fd, const struct message *question)
{
	struct message framed = { .size = 0 };

	put16(&framed, (unsigned)question->size);
	memcpy(framed.data + 2, question->data, question->size);
	return write(fd, framed.data, question->size + 2) == (ssize_t)question->size + 2;
}

/* RFC 1035, 4.2.2: two bytes of length in front. 0, or errno. */
static int by_stream(const struct place *to, const struct message *question,
		     struct message *ret)
{
	const int fd = open_stream(to);
	size_t have = 0;
	int error = 0;

	if (fd < 0)
		return errno;
	if (!write_all(fd, question))
		error = errno;
	while (error == 0 && (have < 2 || have < 2U + get16(ret, 0))) {
		const ssize_t got = read(fd, ret->data + have, sizeof(ret->data) - have);

		if (got <= 0)
			error = got < 0 ? errno : ECONNRESET;
		else
			have += (size_t)got;
		ret->size = have;
	}
	close(fd);
	if (error != 0)
		return error;
	ret->size -= 2;
	memmove(ret->data, ret->data + 2, ret->size);
	return 0;
}

static int by_packet(const struct place *to, const struct message *question,
		     struct message *ret)
{
	const struct timeval limit = { .tv_sec = ASK_PATIENCE_MS / 1000 };
	const int fd = socket(to->address.any.sa_family, SOCK_DGRAM, 0);
	ssize_t got = -1;
	int error = 0;

	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, &to->address.any, to->size) == 0 &&
	    send(fd, question->data, question->size, 0) > 0)
		got = recv(fd, ret->data, sizeof(ret->data), 0);
	if (got < 0)
		error = errno;
	else
		ret->size = (size_t)got;
	close(fd);
	return error;
}

int ask_dns(char **words)
{
	static struct message question, said;
	const long started = now_ms();
	const struct place to = place_of(words[0], "53");
	const bool stream = words[3] && strcmp(words[3], "tcp") == 0;
	int error;

	put_question(&question, words[1], words[2]);
	error = stream ? by_stream(&to, &question, &said)
		       : by_packet(&to, &question, &said);
	if (error != 0)
		return answer(started,
			      error == ECONNREFUSED ? "unreachable" : word_of(error), "");
	return tell(&said, started);
}
