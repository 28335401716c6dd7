/* SPDX-License-Identifier: Apache-2.0 */
/* The servers of `ask`, which tell each client who it is, and the process 1 of the tests. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"

enum { PLACES_MAX = 64 };

struct server {
	struct pollfd waits[PLACES_MAX];
	bool streams[PLACES_MAX];
	nfds_t count;
};

static int listen_at(const struct place *at, bool stream)
{
	const int yes = 1;
	const int fd =
		socket(at->address.any.sa_family, stream ? SOCK_STREAM : SOCK_DGRAM, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (at->address.any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	if (bind(fd, &at->address.any, at->size) == 0 &&
	    (!stream || listen(fd, 1024) == 0))
		return fd;
	close(fd);
	return -1;
}

/* "CLIENT PORT SERVER PORT" */
static int describe(int fd, const struct place *client, char *to, size_t size)
{
	struct place own = { .size = sizeof(own.address) };
	char from[64], here[64];

	getsockname(fd, &own.address.any, &own.size);
	place_text(client, from, sizeof(from));
	place_text(&own, here, sizeof(here));
	return snprintf(to, size, "%s %s\n", from, here);
}

/* A client that only connects has had its line when it looks. */
static void tell_stream(int listener)
{
	struct place client = { .size = sizeof(client.address) };
	const struct timeval limit = { .tv_usec = 200000 };
	char line[160], said[16];
	const int fd = accept(listener, &client.address.any, &client.size);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (write(fd, line, (size_t)describe(fd, &client, line, sizeof(line))) > 0)
		while (read(fd, said, sizeof(said)) > 0 &&
		       !memchr(said, '\n', sizeof(said)))
			continue;
	close(fd);
}

static void tell_packet(int fd)
{
	struct place client = { .size = sizeof(client.address) };
	char said[2048], line[160];

	if (recvfrom(fd, said, sizeof(said), 0, &client.address.any, &client.size) < 0)
		return;
	sendto(fd, line, (size_t)describe(fd, &client, line, sizeof(line)), 0,
	       &client.address.any, client.size);
}

static int add_place(struct server *server, char **words)
{
	const bool stream = strcmp(words[0], "tcp") == 0;
	const struct place at = place_of(words[1], words[2]);
	const int fd = server->count < PLACES_MAX ? listen_at(&at, stream) : -1;

	if (fd < 0) {
		fprintf(stderr, "ask: cannot listen at %s %s: %s\n", words[1], words[2],
			strerror(errno));
		return -1;
	}
	server->streams[server->count] = stream;
	server->waits[server->count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return 0;
}

int serve(char **words)
{
	static struct server server;

	for (; words[0] && words[1] && words[2]; words += 3)
		if (add_place(&server, words) < 0)
			return 1;
	puts("ready");
	fflush(stdout);
	while (poll(server.waits, server.count, -1) > 0)
		for (nfds_t i = 0; i < server.count; i++) {
			if (!(server.waits[i].revents & POLLIN))
				continue;
			if (server.streams[i])
				tell_stream(server.waits[i].fd);
			else
				tell_packet(server.waits[i].fd);
		}
	return 1;
}

/* Ends with the status of the command; the kernel then ends whoever is left. */
int become_init(char **words)
{
	const pid_t command = fork();
	int status;

	if (command < 0)
		return 1;
	if (command == 0) {
		signal(SIGPIPE, SIG_DFL);
		execvp(words[0], words);
		_exit(127);
	}
	for (;;) {
		const pid_t ended = wait(&status);

		if (ended == command)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
		if (ended < 0 && errno != EINTR)
			return 1;
	}
}
