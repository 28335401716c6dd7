/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a network from inside, and says in one word what came of it; static, since a root may
 * be small. Requests stand behind each other with a comma as a word of its own; each has one
 * line of output.
 *
 * ask tcp ADDR PORT               a connection: ok, refused, unreachable, prohibited, timeout
 * ask get ADDR PORT               one, and the first line that comes: `ok LINE`
 * ask udp ADDR PORT               an echo
 * ask ping ADDR                   an echo by ICMP
 * ask dns SERVER NAME TYPE [tcp]  `ok ADDRESS...` in order, nxdomain, servfail, refused, empty
 * ask tls ADDR PORT NAME          a ClientHello for NAME, for nobody (hidden), or none (plain)
 * ask many ADDR PORT COUNT        so many connections at the same time, an echo by each
 * ask pull|push ADDR PORT BYTES   `ok MILLISECONDS`
 * ask serve tcp|udp ADDR PORT ... says "ready", then tells each client who it is
 * ask init COMMAND...             process 1 of a test: collects what others left behind
 *
 * The status is 0 where all the words were ok.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"

long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct place place_of(const char *address, const char *port)
{
	struct place place = { 0 };
	const uint16_t number = htons((uint16_t)strtoul(port, NULL, 10));

	if (inet_pton(AF_INET, address, &place.address.v4.sin_addr) == 1) {
		place.address.v4.sin_family = AF_INET;
		place.address.v4.sin_port = number;
		place.size = sizeof(place.address.v4);
		return place;
	}
	if (inet_pton(AF_INET6, address, &place.address.v6.sin6_addr) == 1) {
		place.address.v6.sin6_family = AF_INET6;
		place.address.v6.sin6_port = number;
		place.size = sizeof(place.address.v6);
		return place;
	}
	fprintf(stderr, "ask: %s is no address\n", address);
	exit(2);
}

void place_text(const struct place *place, char *to, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "?";
	unsigned port = ntohs(place->address.v4.sin_port);

	if (place->address.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &place->address.v6.sin6_addr, text, sizeof(text));
		port = ntohs(place->address.v6.sin6_port);
	} else {
		inet_ntop(AF_INET, &place->address.v4.sin_addr, text, sizeof(text));
	}
	snprintf(to, size, "%s %u", text, port);
}

const char *word_of(int errnum)
{
	static const struct {
		int errnum;
		const char *word;
	} words[] = {
		{ 0, "ok" },
		{ ECONNREFUSED, "refused" },
		{ EHOSTUNREACH, "unreachable" },
		{ ENETUNREACH, "unreachable" },
		{ EADDRNOTAVAIL, "unreachable" },
		{ EACCES, "prohibited" },
		{ EPERM, "prohibited" },
		{ ETIMEDOUT, "timeout" },
		{ EAGAIN, "timeout" },
		{ ECONNRESET, "reset" },
		{ EPIPE, "reset" },
	};
	static char other[32];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].errnum == errnum)
			return words[i].word;
	snprintf(other, sizeof(other), "errno-%d", errnum);
	return other;
}

int answer(long started_ms, const char *word, const char *detail)
{
	const bool slow = now_ms() - started_ms > ASK_SLOW_MS;

	printf("%s%s%s%s\n", word, slow ? " slow" : "", *detail ? " " : "", detail);
	fflush(stdout);
	return strcmp(word, "ok") != 0;
}

/* So that no later read or write waits for ever. */
static void set_patience(int fd)
{
	const struct timeval limit = { .tv_sec = ASK_PATIENCE_MS / 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static int finish_connect(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int error = ETIMEDOUT;

	if (poll(&wait, 1, ASK_PATIENCE_MS) == 1)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

int open_stream(const struct place *to)
{
	int error = 0;
	const int fd = socket(to->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, &to->address.any, to->size) < 0)
		error = errno == EINPROGRESS ? finish_connect(fd) : errno;
	if (error != 0) {
		close(fd);
		errno = error;
		return -1;
	}
	fcntl(fd, F_SETFL, 0);
	set_patience(fd);
	return fd;
}

long read_line(int fd, char *to, size_t size)
{
	size_t have = 0;

	while (have + 1 < size && memchr(to, '\n', have) == NULL) {
		const ssize_t got = read(fd, to + have, size - 1 - have);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	to[have] = '\0';
	to[strcspn(to, "\r\n")] = '\0';
	return (long)have;
}

static int ask_tcp(char **words)
{
	const long started = now_ms();
	const struct place to = place_of(words[0], words[1]);
	const int fd = open_stream(&to);

	if (fd < 0)
		return answer(started, word_of(errno), "");
	close(fd);
	return answer(started, "ok", "");
}

/* The server says its line to whoever connects: no protocol is in the way. */
static int ask_get(char **words)
{
	const long started = now_ms();
	const struct place to = place_of(words[0], words[1]);
	char line[256] = "";
	long got;
	const int fd = open_stream(&to);

	if (fd < 0)
		return answer(started, word_of(errno), "");
	if (write(fd, "who\n", 4) != 4) {
		close(fd);
		return answer(started, word_of(errno), "");
	}
	got = read_line(fd, line, sizeof(line));
	close(fd);
	if (got < 0)
		return answer(started, word_of(errno), "");
	return answer(started, got == 0 ? "closed" : "ok", line);
}

static int exchange(int fd, const void *data, size_t size, char *to, size_t room)
{
	set_patience(fd);
	if (send(fd, data, size, 0) < 0 || recv(fd, to, room, 0) < 0)
		return errno;
	return 0;
}

static int ask_udp(char **words)
{
	static const char text[] = "echo";
	const long started = now_ms();
	const struct place to = place_of(words[0], words[1]);
	const int fd = socket(to.address.any.sa_family, SOCK_DGRAM, 0);
	char back[64];
	int error;

	if (fd < 0)
		return answer(started, word_of(errno), "");
	if (connect(fd, &to.address.any, to.size) < 0)
		error = errno;
	else
		error = exchange(fd, text, sizeof(text), back, sizeof(back));
	close(fd);
	return answer(started, word_of(error), "");
}

static int ask_ping(char **words)
{
	const long started = now_ms();
	const struct place to = place_of(words[0], "0");
	const bool v6 = to.address.any.sa_family == AF_INET6;
	const uint8_t question[16] = { v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO };
	char back[64];
	int error;
	const int fd = socket(to.address.any.sa_family, SOCK_DGRAM,
			      v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

	if (fd < 0)
		return answer(started, "no-socket", strerror(errno));
	if (connect(fd, &to.address.any, to.size) < 0)
		error = errno;
	else
		error = exchange(fd, question, sizeof(question), back, sizeof(back));
	close(fd);
	return answer(started, word_of(error), "");
}

static const struct request {
	const char *name;
	size_t least;
	int (*run)(char **words);
} requests[] = {
	{ "tcp", 2, ask_tcp },   { "get", 2, ask_get },      { "udp", 2, ask_udp },
	{ "ping", 1, ask_ping }, { "dns", 3, ask_dns },      { "tls", 3, ask_tls },
	{ "many", 3, ask_many }, { "pull", 3, ask_pull },    { "push", 3, ask_push },
	{ "serve", 3, serve },   { "init", 1, become_init },
};

static int run_request(char **words, size_t count)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (strcmp(words[0], requests[i].name) == 0 && count > requests[i].least)
			return requests[i].run(words + 1);
	fprintf(stderr, "ask: cannot ask for %s\n", words[0]);
	return 2;
}

int main(int argc, char **argv)
{
	int status = 0, first = 1;

	signal(SIGPIPE, SIG_IGN);
	for (int i = 1; i <= argc; i++) {
		if (i < argc && strcmp(argv[i], ",") != 0)
			continue;
		argv[i] = NULL;
		if (i > first)
			status |= run_request(argv + first, (size_t)(i - first));
		first = i + 1;
	}
	return status;
}
