/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of what ./net measures.
 *
 * traffic serve ADDR [PORT]     servers from PORT (7001) on; says "ready":
 *                               +0 takes bytes and tells how many, +1 gives bytes, +2 gives each
 *                               byte back, +3 says one byte and ends; +4 is a name server (UDP)
 * traffic dns ADDR              that name server at port 53
 * traffic agent                 serves at 0.0.0.0, says "ready" and does what each line of
 *                               its input says: one of these, with one line of output
 * traffic push ADDR PORT BYTES MS   bytes until either is reached: "BYTES NANOSECONDS"
 * traffic pull ADDR PORT BYTES MS
 * traffic rtt ADDR PORT COUNT       one byte there and back: "P50 P99" in nanoseconds
 * traffic conns ADDR PORT MS        connect, read a byte, close: "COUNT NANOSECONDS"
 * traffic names ADDR PORT COUNT     questions: "P50 P99"
 * traffic first ADDR PORT           when, by CLOCK_MONOTONIC, a first connection was made
 * traffic now                       when, by the same clock, it was started
 *
 * A transfer that makes no progress for STALL_MS says "stall".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 128 * 1024, FIRST_PORT = 7001, STALL_MS = 5000, WORDS_MAX = 8 };
enum { SAMPLES_MAX = 100000, START_TRIES = 20000 };

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static struct sockaddr_in place(const char *address, unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port) };

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		fprintf(stderr, "traffic: %s is no address\n", address);
		exit(2);
	}
	return to;
}

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

/* ---- servers ------------------------------------------------------------------------------ */

static void take_bytes(int fd)
{
	static char chunk[CHUNK];
	uint64_t sum = 0;
	ssize_t got = read(fd, chunk, sizeof(chunk));

	for (; got > 0; got = read(fd, chunk, sizeof(chunk)))
		sum += (uint64_t)got;
	dprintf(fd, "%llu\n", (unsigned long long)sum);
}

static void give_bytes(int fd)
{
	static const char chunk[CHUNK];

	while (write(fd, chunk, sizeof(chunk)) > 0)
		continue;
}

static void give_back(int fd)
{
	char byte;

	while (read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1)
		continue;
}

static void say_byte(int fd)
{
	if (write(fd, "x", 1) != 1)
		return;
}

static int bound(int type, const char *address, unsigned port)
{
	const struct sockaddr_in at = place(address, port);
	const int yes = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0) {
		fprintf(stderr, "traffic: cannot bind %s %u: %s\n", address, port,
			strerror(errno));
		exit(1);
	}
	return fd;
}

static void no_delay(int fd)
{
	const int yes = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

/* Servers end with who started them, whatever ended that one. */
static bool in_child(void)
{
	if (fork() != 0)
		return false;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return true;
}

/* apart: each connection by a process of its own, for those that last. */
static void serve_stream(const char *address, unsigned port, void (*talk)(int fd),
			 bool apart)
{
	const int listener = bound(SOCK_STREAM, address, port);

	listen(listener, 1024);
	if (!in_child())
		return;
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		no_delay(fd);
		if (!apart) {
			talk(fd);
		} else if (in_child()) {
			talk(fd);
			_exit(0);
		}
		close(fd);
	}
}

/* The question with one address behind it, whatever was asked. RFC 1035, 4.1. */
static void serve_names(const char *address, unsigned port)
{
	static const uint8_t record[] = { 0xc0, 12, 0, 1, 0,   1,  0, 0,
					  0,    1,  0, 4, 198, 41, 7, 7 };
	uint8_t data[1024];
	const int fd = bound(SOCK_DGRAM, address, port);

	if (!in_child())
		return;
	for (;;) {
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		const ssize_t got = recvfrom(fd, data, sizeof(data) - sizeof(record), 0,
					     (struct sockaddr *)&from, &size);
		size_t end = 12;

		while (got > 17 && end < (size_t)got && data[end] != 0)
			end += data[end] + 1U;
		end += 5;
		if (got <= 17 || end > (size_t)got)
			continue;
		data[2] = 0x81;
		data[3] = 0x80;
		data[7] = 1;
		memset(data + 8, 0, 4);
		memcpy(data + end, record, sizeof(record));
		sendto(fd, data, end + sizeof(record), 0, (struct sockaddr *)&from, size);
	}
}

static void serve_all(const char *address, unsigned port)
{
	serve_stream(address, port, take_bytes, true);
	serve_stream(address, port + 1, give_bytes, true);
	serve_stream(address, port + 2, give_back, true);
	serve_stream(address, port + 3, say_byte, false);
	serve_names(address, port + 4);
}

/* ---- clients ------------------------------------------------------------------------------ */

static int try_connect(const char *address, unsigned port)
{
	const struct sockaddr_in to = place(address, port);
	const struct timeval limit = { .tv_sec = STALL_MS / 1000 };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		close(fd);
		return -1;
	}
	no_delay(fd);
	return fd;
}

static void say_stall(void)
{
	puts("stall");
}

/* Until the other side has said how much arrived. */
static void push(char **words)
{
	static const char chunk[CHUNK];
	const uint64_t started = now_ns(), most = strtoull(words[2], NULL, 10);
	const uint64_t last = started + number(words[3]) * 1000000ULL;
	const int fd = try_connect(words[0], number(words[1]));
	char line[32] = "";
	uint64_t sum = 0;
	ssize_t sent = 1;

	while (fd >= 0 && sent > 0 && sum < most && now_ns() < last) {
		sent = write(fd, chunk, most - sum < CHUNK ? most - sum : CHUNK);
		sum += sent > 0 ? (uint64_t)sent : 0;
	}
	if (fd < 0 || sent <= 0 || shutdown(fd, SHUT_WR) < 0 ||
	    read(fd, line, sizeof(line) - 1) <= 0)
		say_stall();
	else
		printf("%llu %llu\n", strtoull(line, NULL, 10),
		       (unsigned long long)(now_ns() - started));
	close(fd);
}

static void pull(char **words)
{
	static char chunk[CHUNK];
	const uint64_t started = now_ns(), most = strtoull(words[2], NULL, 10);
	const uint64_t last = started + number(words[3]) * 1000000ULL;
	const int fd = try_connect(words[0], number(words[1]));
	uint64_t sum = 0;
	ssize_t got = fd;

	while (fd >= 0 && sum < most && now_ns() < last) {
		got = read(fd, chunk, sizeof(chunk));
		if (got <= 0)
			break;
		sum += (uint64_t)got;
	}
	if (fd < 0 || got <= 0)
		say_stall();
	else
		printf("%llu %llu\n", (unsigned long long)sum,
		       (unsigned long long)(now_ns() - started));
	close(fd);
}

static int by_size(const void *one, const void *other)
{
	const uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

static void say_spread(uint64_t *samples, size_t count)
{
	if (count == 0) {
		say_stall();
		return;
	}
	qsort(samples, count, sizeof(*samples), by_size);
	printf("%llu %llu\n", (unsigned long long)samples[count / 2],
	       (unsigned long long)samples[count * 99 / 100]);
}

/* Both kinds of question and answer; all must be answered. */
static void exchange(int fd, const void *data, size_t size, size_t count)
{
	static uint64_t samples[SAMPLES_MAX];
	char back[512];
	size_t done = 0;

	while (fd >= 0 && done < count && done < SAMPLES_MAX) {
		const uint64_t started = now_ns();

		if (send(fd, data, size, 0) < 0 || recv(fd, back, sizeof(back), 0) <= 0)
			break;
		samples[done++] = now_ns() - started;
	}
	say_spread(samples, done == count ? done : 0);
	close(fd);
}

static void rtt(char **words)
{
	exchange(try_connect(words[0], number(words[1])), "x", 1, number(words[2]));
}

static void names(char **words)
{
	static const uint8_t question[] = { 7,   7,   1,   0,   0, 1,   0,
					    0,   0,   0,   0,   0, 5,   'b',
					    'e', 'n', 'c', 'h', 4, 't', 'e',
					    's', 't', 0,   0,   1, 0,   1 };
	const struct sockaddr_in to = place(words[0], number(words[1]));
	const struct timeval limit = { .tv_sec = STALL_MS / 1000 };
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		say_stall();
	else
		exchange(fd, question, sizeof(question), number(words[2]));
}

static void conns(char **words)
{
	const uint64_t started = now_ns();
	const uint64_t last = started + number(words[2]) * 1000000ULL;
	uint64_t count = 0;
	bool good = true;

	while (good && now_ns() < last) {
		const int fd = try_connect(words[0], number(words[1]));
		char byte;

		good = fd >= 0 && read(fd, &byte, 1) == 1;
		count += good;
		close(fd);
	}
	if (good)
		printf("%llu %llu\n", (unsigned long long)count,
		       (unsigned long long)(now_ns() - started));
	else
		say_stall();
}

/* The network may come up behind us. */
static void first(char **words)
{
	for (int i = 0; i < START_TRIES; i++) {
		const int fd = try_connect(words[0], number(words[1]));

		if (fd >= 0) {
			printf("%llu\n", (unsigned long long)now_ns());
			close(fd);
			return;
		}
		usleep(200);
	}
	say_stall();
}

static const struct order {
	const char *name;
	int words;
	void (*run)(char **words);
} orders[] = {
	{ "push", 4, push },   { "pull", 4, pull },   { "rtt", 3, rtt },
	{ "conns", 3, conns }, { "names", 3, names }, { "first", 2, first },
};

static int obey(char **words, int count)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (strcmp(words[0], orders[i].name) == 0 &&
		    count - 1 >= orders[i].words) {
			orders[i].run(words + 1);
			fflush(stdout);
			return 0;
		}
	fprintf(stderr, "traffic: cannot %s\n", words[0]);
	return 2;
}

static int act(void)
{
	char line[256];

	serve_all("0.0.0.0", FIRST_PORT);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		char *words[WORDS_MAX + 1] = { NULL }, *rest = line;
		int count = 0;

		while (count < WORDS_MAX) {
			words[count] = strtok_r(rest, " \n", &rest);
			if (!words[count])
				break;
			count++;
		}
		if (count > 0 && obey(words, count) != 0)
			return 2;
	}
	return 0;
}

static int stay(void)
{
	puts("ready");
	fflush(stdout);
	while (pause() < 0)
		continue;
	return 0;
}

int main(int argc, char **argv)
{
	const uint64_t started = now_ns();

	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "now") == 0)
		return printf("%llu\n", (unsigned long long)started) < 0;
	if (argc == 2 && strcmp(argv[1], "agent") == 0)
		return act();
	if (argc > 2 && strcmp(argv[1], "serve") == 0) {
		serve_all(argv[2], argc > 3 ? number(argv[3]) : FIRST_PORT);
		return stay();
	}
	if (argc > 2 && strcmp(argv[1], "dns") == 0) {
		serve_names(argv[2], 53);
		return stay();
	}
	if (argc < 2)
		return 2;
	return obey(argv + 1, argc - 1);
}
