/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports with a sandbox that is made up: its sockets are made here, its interface is
 * 127.1.0.100 and its gateway 127.1.0.2, which anybody may bind to. (The kernel answers from
 * 127.0.0.1 whatever address of 127.0.0.0/8 was asked, so servers of UDP listen on one.) Clients and
 * servers are processes of their own; the loop runs until the client has ended.
 */
#include "net/ports.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "net/frame.h"
#include "net/loop.h"
#include "net/splice.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	GUARD_MS = 30000, /* for one client */
	ASKS_MAX = 64,
	FRAMES_MAX = 8,
	MANY = 3000,
};

static const char outside4[] = "127.0.0.1", outside6[] = "::1";
static const char interface4[] = "127.1.0.100", gateway4[] = "127.1.0.2";

/* ---- the sandbox that is made up ------------------------------------------------------- */

struct asking {
	int family, type;
	uint32_t count;
	bool transparent;
};

struct scene {
	struct loop *loop;
	struct splicer *splicer;
	struct ports *ports;
	struct net_spec net;
	struct publish published[2];
	struct asking asks[ASKS_MAX];
	size_t ask_count;
	bool makes_none; /* the inner half is at its limit */
	struct timer answer, guard;
	struct watch ended;
	bool late;
	pid_t server;
	struct arena arena;
};

#define scene_of(member, field)                                                          \
	((struct scene *)(void *)((char *)(member)-offsetof(struct scene, field)))

/* ---- libslirp that is made up ---------------------------------------------------------- */

struct frame_path {
	struct {
		uint16_t host, guest;
	} published[FRAMES_MAX];
	size_t count;
};

int frame_path_publish(struct frame_path *path, enum net_protocol protocol,
		       const struct ip *host, uint16_t host_port, uint16_t guest_port)
{
	(void)protocol;
	(void)host;
	path->published[path->count].host = host_port;
	path->published[path->count++].guest = guest_port;
	return 0;
}

int frame_path_unpublish(struct frame_path *path, enum net_protocol protocol,
			 const struct ip *host, uint16_t host_port)
{
	(void)protocol;
	(void)host;
	(void)host_port;
	path->count--;
	return 0;
}

/* ---- scenes ---------------------------------------------------------------------------- */

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

/* As the inner half does, in a turn of its own. */
static void give_sockets(struct timer *timer)
{
	struct scene *scene = scene_of(timer, answer);

	while (scene->ask_count) {
		const struct asking ask = scene->asks[--scene->ask_count];
		const struct inner_message message = {
			.word = INNER_SOCKETS,
			.sockets = { ask.family, ask.type, ask.count, ask.transparent },
		};
		int fds[INNER_FDS_MAX];
		size_t count = 0;

		while (!scene->makes_none && count < ask.count) {
			fds[count] = socket(ask.family,
					    ask.type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
			assert_true(fds[count++] >= 0);
		}
		ports_take_sockets(scene->ports, &message, fds, count);
	}
}

static void want_sockets(void *context, int family, int type, uint32_t count,
			 bool transparent)
{
	struct scene *scene = context;

	assert_in_range(count, 1, INNER_FDS_MAX);
	assert_true(scene->ask_count < ASKS_MAX);
	scene->asks[scene->ask_count++] =
		(struct asking){ family, type, count, transparent };
	loop_arm(scene->loop, &scene->answer, loop_now_ms(scene->loop));
}

static void guard_rang(struct timer *timer)
{
	scene_of(timer, guard)->late = true;
	loop_stop(scene_of(timer, guard)->loop);
}

static void ended_told(struct watch *watch, uint32_t events)
{
	(void)events;
	loop_stop(scene_of(watch, ended)->loop);
}

static void publish_all(struct scene *scene, size_t count, struct frame_path *frames)
{
	struct ports_spec spec = {
		.loop = scene->loop,
		.splicer = scene->splicer,
		.net = &scene->net,
		.frames = frames,
		.by_frames = frames != NULL,
		.want_sockets = want_sockets,
		.context = scene,
		.paths = "relay",
	};
	struct error err;
	size_t fd_count;
	int *fds;

	scene->net.published = scene->published;
	scene->net.published_count = count;
	assert_int_equal(ports_bind(&scene->net, &scene->arena, &fds, &fd_count, &err),
			 0);
	scene->ports = ports_new(&spec, fds, fd_count, &err);
	assert_non_null(scene->ports);
}

static struct scene *make_scene(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct error err;

	assert_non_null(scene);
	scene->loop = loop_new(&err);
	assert_non_null(scene->loop);
	scene->splicer = splicer_new(scene->loop);
	assert_non_null(scene->splicer);
	scene->answer.rang = give_sockets;
	scene->guard.rang = guard_rang;
	scene->ended.told = ended_told;
	scene->net.address = (struct prefix){ ip_of(interface4), 96 + 24 };
	scene->net.gateway = ip_of(gateway4);
	return scene;
}

/* One publication with a chosen port, which is returned. */
static uint16_t port_of(const struct scene *scene);

static void tell_port(void *context, const char *line)
{
	const char *colon = strchr(line, ' ');

	while (*colon != ':')
		colon--;
	*(uint16_t *)context = (uint16_t)atoi(colon + 1);
}

static uint16_t port_of(const struct scene *scene)
{
	uint16_t port = 0;

	ports_tell_chosen(scene->ports, tell_port, &port);
	assert_int_not_equal(port, 0);
	return port;
}

static void end_scene(struct scene *scene)
{
	if (scene->server) {
		kill(scene->server, SIGKILL);
		assert_int_equal(waitpid(scene->server, NULL, 0), scene->server);
	}
	splicer_free(scene->splicer);
	ports_free(scene->ports);
	loop_free(scene->loop);
	arena_free(&scene->arena);
	free(scene);
}

static struct publish published(enum net_protocol protocol, uint16_t guest)
{
	return (struct publish){ .guest_ports = { guest, guest }, .protocol = protocol };
}

/* Runs client() in a process of its own beside the loop. Its answer is the exit status. */
static int run_client(struct scene *scene, int (*client)(uint16_t port), uint16_t port)
{
	struct error err;
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pipes[0]);
		alarm(GUARD_MS / 1000);
		_exit(client(port));
	}
	close(pipes[1]);
	scene->ended.fd = pipes[0];
	assert_int_equal(loop_watch(scene->loop, &scene->ended, EPOLLIN), 0);
	loop_arm(scene->loop, &scene->guard, loop_now_ms(scene->loop) + GUARD_MS);
	assert_int_equal(loop_run(scene->loop, &err), 0);
	loop_disarm(scene->loop, &scene->guard);
	loop_close(scene->loop, &scene->ended);
	kill(pid, scene->late ? SIGKILL : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(scene->late);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ---- servers --------------------------------------------------------------------------- */

static int bound(int type, const char *address, uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_storage storage;
	struct ip ip = ip_of(address);
	socklen_t size = ip_to_sockaddr(&ip, port, &storage);
	const int on = 1;
	int fd = socket(storage.ss_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (storage.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&storage, size), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1024), 0);
	size = sizeof(storage);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&storage, &size), 0);
	assert_int_equal(ip_from_sockaddr(&storage, &ip, ret_port), 0);
	return fd;
}

static void describe(const struct sockaddr_storage *address, char *to)
{
	struct ip ip = { { 0 } };
	uint16_t port = 0;

	ip_from_sockaddr(address, &ip, &port);
	endpoint_format(&ip, port, to);
}

/* Says who has called, and hangs up. */
static void serve_tcp(int fd)
{
	for (;;) {
		struct sockaddr_storage address;
		socklen_t size = sizeof(address);
		const int client = accept(fd, (struct sockaddr *)&address, &size);
		char text[ENDPOINT_TEXT_MAX];

		if (client < 0)
			_exit(1);
		describe(&address, text);
		(void)!write(client, text, strlen(text));
		close(client);
	}
}

/* Says who has asked, and what. */
static void serve_udp(int fd)
{
	for (;;) {
		struct sockaddr_storage address;
		socklen_t size = sizeof(address);
		char text[ENDPOINT_TEXT_MAX], question[64] = "", reply[256];
		const ssize_t got = recvfrom(fd, question, sizeof(question) - 1, 0,
					     (struct sockaddr *)&address, &size);

		if (got < 0)
			_exit(1);
		describe(&address, text);
		snprintf(reply, sizeof(reply), "%s %s", text, question);
		sendto(fd, reply, strlen(reply), 0, (struct sockaddr *)&address, size);
	}
}

/* Returns the port that the server has. */
static uint16_t start_server(struct scene *scene, int type, const char *address)
{
	uint16_t port;
	const int fd = bound(type, address, 0, &port);

	scene->server = fork();
	assert_true(scene->server >= 0);
	if (scene->server == 0) {
		alarm(2 * GUARD_MS / 1000);
		(type == SOCK_STREAM ? serve_tcp : serve_udp)(fd);
	}
	close(fd);
	return port;
}

/* ---- clients --------------------------------------------------------------------------- */

static int connected(int type, const char *address, uint16_t port)
{
	struct sockaddr_storage storage;
	struct ip ip;
	socklen_t size;
	int fd;

	if (ip_parse(address, &ip) < 0)
		return -1;
	size = ip_to_sockaddr(&ip, port, &storage);
	fd = socket(storage.ss_family, type, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&storage, size) < 0)
		return -1;
	return fd;
}

/* What the server says; its length, or -1. */
static ssize_t hear(const char *address, uint16_t port, char *to, size_t size)
{
	auto_close int fd = connected(SOCK_STREAM, address, port);
	size_t used = 0;
	ssize_t got;

	if (fd < 0)
		return -1;
	while ((got = read(fd, to + used, size - 1 - used)) > 0)
		used += (size_t)got;
	to[used] = '\0';
	return got < 0 ? -1 : (ssize_t)used;
}

static int hears_gateway(uint16_t port)
{
	char text[64], wanted[64];
	auto_close int fd = connected(SOCK_STREAM, outside4, port);
	struct sockaddr_storage own;
	socklen_t size = sizeof(own);
	struct ip ip;
	uint16_t own_port;
	ssize_t got;

	if (fd < 0 || getsockname(fd, (struct sockaddr *)&own, &size) < 0 ||
	    ip_from_sockaddr(&own, &ip, &own_port) < 0)
		return 1;
	got = read(fd, text, sizeof(text) - 1);
	if (got <= 0)
		return 2;
	text[got] = '\0';
	snprintf(wanted, sizeof(wanted), "%s:%u", gateway4, own_port);
	if (strcmp(text, wanted) == 0)
		return 0;
	fprintf(stderr, "# %s is not %s\n", text, wanted);
	return 3;
}

static int hears_loopback(uint16_t port)
{
	char text[64];

	if (hear(outside4, port, text, sizeof(text)) <= 0)
		return 1;
	return strncmp(text, "127.0.0.1:", strlen("127.0.0.1:")) == 0 ? 0 : 2;
}

static int hears_by_6(uint16_t port)
{
	char text[64];

	return hear(outside6, port, text, sizeof(text)) > 0 ? 0 : 1;
}

static int is_reset(uint16_t port)
{
	char text[64];

	if (hear(outside4, port, text, sizeof(text)) >= 0)
		return 1;
	if (errno != ECONNRESET)
		return 2;
	if (hear(outside6, port, text, sizeof(text)) >= 0)
		return 3;
	return errno == ECONNRESET ? 0 : 4;
}

static int hears_many_times(uint16_t port)
{
	for (int i = 0; i < MANY; i++) {
		char text[64];

		if (hear(i % 3 ? outside4 : outside6, port, text, sizeof(text)) <= 0)
			return 1;
	}
	return 0;
}

/* All are there at once. */
static int hears_with_many(uint16_t port)
{
	enum { AT_ONCE = 300 };
	static int fds[AT_ONCE];

	for (int i = 0; i < AT_ONCE; i++) {
		fds[i] = connected(SOCK_STREAM, outside4, port);
		if (fds[i] < 0)
			return 1;
	}
	for (int i = 0; i < AT_ONCE; i++) {
		char text[64];

		if (read(fds[i], text, sizeof(text)) <= 0)
			return 2;
	}
	return 0;
}

static int ask(const char *address, uint16_t port, const char *wanted)
{
	auto_close int fd = connected(SOCK_DGRAM, address, port);
	struct pollfd answer = { .fd = fd, .events = POLLIN };
	char text[256];
	ssize_t got;

	if (fd < 0 || send(fd, "how are you", 11, 0) < 0)
		return 1;
	if (poll(&answer, 1, 2000) != 1)
		return 2;
	/* From another address than the one that was asked it would not come here. */
	got = recv(fd, text, sizeof(text) - 1, 0);
	if (got < 0)
		return 3;
	text[got] = '\0';
	if (strstr(text, wanted))
		return 0;
	fprintf(stderr, "# %s\n", text);
	return 4;
}

static int asks_both(uint16_t port)
{
	const int failed = ask(outside4, port, " how are you");

	return failed ? failed : 10 * ask(outside6, port, " how are you");
}

static int asks_at_two_addresses(uint16_t port)
{
	const int failed = ask("127.0.0.5", port, " how are you");

	return failed ? failed : 10 * ask("127.0.0.6", port, " how are you");
}

static int asks_in_vain(uint16_t port)
{
	return ask(outside4, port, "") == 2 ? 0 : 1;
}

static int asks_4(uint16_t port)
{
	return ask(outside4, port, " how are you");
}

static int asks_as_many(uint16_t port)
{
	for (int i = 0; i < 2000; i++) {
		const int failed = asks_4(port);

		if (failed)
			return failed;
	}
	return 0;
}

/* ---- TCP ------------------------------------------------------------------------------- */

static void a_server_on_the_interface_sees_the_gateway_for_loopback(void **state)
{
	struct scene *scene = make_scene();

	(void)state;
	scene->published[0] =
		published(PROTOCOL_TCP, start_server(scene, SOCK_STREAM, interface4));
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, hears_gateway, port_of(scene)), 0);
	assert_int_equal(run_client(scene, hears_gateway, port_of(scene)), 0);
	end_scene(scene);
}

static void a_server_on_every_address_sees_the_gateway_for_loopback(void **state)
{
	struct scene *scene = make_scene();

	(void)state;
	scene->published[0] =
		published(PROTOCOL_TCP, start_server(scene, SOCK_STREAM, "0.0.0.0"));
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, hears_gateway, port_of(scene)), 0);
	end_scene(scene);
}

static void a_server_on_loopback_alone_is_reached(void **state)
{
	struct scene *scene = make_scene();

	(void)state;
	scene->published[0] =
		published(PROTOCOL_TCP, start_server(scene, SOCK_STREAM, "127.0.0.1"));
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, hears_loopback, port_of(scene)), 0);
	assert_int_equal(run_client(scene, hears_loopback, port_of(scene)), 0);
	end_scene(scene);
}

static void a_server_of_the_other_family_is_reached(void **state)
{
	struct scene *scene = make_scene();

	(void)state;
	scene->published[0] =
		published(PROTOCOL_TCP, start_server(scene, SOCK_STREAM, "127.0.0.1"));
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, hears_by_6, port_of(scene)), 0);
	end_scene(scene);
}

static void a_server_of_ipv6_is_reached(void **state)
{
	struct scene *scene = make_scene();

	(void)state;
	scene->published[0] =
		published(PROTOCOL_TCP, start_server(scene, SOCK_STREAM, "::1"));
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, hears_by_6, port_of(scene)), 0);
	assert_int_equal(run_client(scene, hears_gateway, port_of(scene)), 3);
	end_scene(scene);
}

static void a_client_that_nobody_serves_is_reset(void **state)
{
	struct scene *scene = make_scene();
	uint16_t free_port;
	int fd = bound(SOCK_STREAM, "127.0.0.1", 0, &free_port);

	(void)state;
	close(fd);
	scene->published[0] = published(PROTOCOL_TCP, free_port);
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, is_reset, port_of(scene)), 0);
	end_scene(scene);
}

static void without_sockets_inside_a_client_is_reset(void **state)
{
	struct scene *scene = make_scene();

	(void)state;
	scene->makes_none = true;
	scene->published[0] =
		published(PROTOCOL_TCP, start_server(scene, SOCK_STREAM, "0.0.0.0"));
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, is_reset, port_of(scene)), 0);
	end_scene(scene);
}

static void thousands_of_short_connections_are_served(void **state)
{
	struct scene *scene = make_scene();

	(void)state;
	scene->published[0] =
		published(PROTOCOL_TCP, start_server(scene, SOCK_STREAM, "0.0.0.0"));
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, hears_many_times, port_of(scene)), 0);
	end_scene(scene);
}

static void many_clients_at_once_are_served(void **state)
{
	struct scene *scene = make_scene();

	(void)state;
	scene->published[0] =
		published(PROTOCOL_TCP, start_server(scene, SOCK_STREAM, "0.0.0.0"));
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, hears_with_many, port_of(scene)), 0);
	end_scene(scene);
}

/* ---- UDP ------------------------------------------------------------------------------- */

static void a_datagram_is_answered_in_both_families(void **state)
{
	struct scene *scene = make_scene();

	(void)state;
	scene->published[0] =
		published(PROTOCOL_UDP, start_server(scene, SOCK_DGRAM, interface4));
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, asks_both, port_of(scene)), 0);
	end_scene(scene);
}

static void an_answer_comes_from_the_address_that_was_asked(void **state)
{
	struct scene *scene = make_scene();

	(void)state;
	scene->published[0] =
		published(PROTOCOL_UDP, start_server(scene, SOCK_DGRAM, "127.0.0.1"));
	scene->published[0].host_given = true;
	scene->published[0].host = ip_of("0.0.0.0");
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, asks_at_two_addresses, port_of(scene)), 0);
	end_scene(scene);
}

static void a_server_of_udp_may_come_later(void **state)
{
	struct scene *scene = make_scene();
	uint16_t port, again;
	int fd = bound(SOCK_DGRAM, "127.0.0.1", 0, &port);

	(void)state;
	close(fd);
	scene->published[0] = published(PROTOCOL_UDP, port);
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, asks_in_vain, port_of(scene)), 0);
	fd = bound(SOCK_DGRAM, "127.0.0.1", port, &again);
	scene->server = fork();
	if (scene->server == 0)
		serve_udp(fd);
	close(fd);
	assert_int_equal(run_client(scene, asks_4, port_of(scene)), 0);
	end_scene(scene);
}

static void more_clients_of_udp_than_there_is_room_are_served(void **state)
{
	struct scene *scene = make_scene();

	(void)state;
	scene->published[0] =
		published(PROTOCOL_UDP, start_server(scene, SOCK_DGRAM, interface4));
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, asks_as_many, port_of(scene)), 0);
	end_scene(scene);
}

/* ---- binding --------------------------------------------------------------------------- */

static void a_port_in_use_is_named_with_its_holder(void **state)
{
	struct publish publish = { .protocol = PROTOCOL_TCP, .guest_ports = { 80, 80 } };
	const struct net_spec net = { .published = &publish, .published_count = 1 };
	struct arena arena = { 0 };
	struct error err;
	char wanted[128];
	uint16_t port;
	size_t count;
	int *fds;
	const int fd = bound(SOCK_STREAM, "127.0.0.1", 0, &port);

	(void)state;
	publish.host_ports = (struct port_range){ port, port };
	assert_int_equal(ports_bind(&net, &arena, &fds, &count, &err), -1);
	assert_int_equal(err.id, ERROR_PORT);
	snprintf(wanted, sizeof(wanted), "publish port %u: 127.0.0.1:%u is in use", port,
		 port);
	assert_string_equal(err.text, wanted);
	snprintf(wanted, sizeof(wanted), "(pid %d) holds it", getpid());
	assert_non_null(strstr(err.hint, wanted));
	close(fd);
	arena_free(&arena);
}

static void an_address_of_another_host_cannot_be_published(void **state)
{
	const struct publish publish = { .protocol = PROTOCOL_TCP,
					 .host_given = true,
					 .host = ip_of("192.0.2.7"),
					 .guest_ports = { 80, 80 } };
	const struct net_spec net = { .published = &publish, .published_count = 1 };
	struct arena arena = { 0 };
	struct error err;
	size_t count;
	int *fds;

	(void)state;
	assert_int_equal(ports_bind(&net, &arena, &fds, &count, &err), -1);
	assert_int_equal(err.errnum, EADDRNOTAVAIL);
	arena_free(&arena);
}

static void a_range_is_published_whole(void **state)
{
	struct scene *scene = make_scene();
	const uint16_t guest = start_server(scene, SOCK_STREAM, "0.0.0.0");
	const uint16_t first = (uint16_t)(guest - 500);

	(void)state;
	scene->published[0] = published(PROTOCOL_TCP, guest);
	scene->published[1] = (struct publish){ .protocol = PROTOCOL_TCP,
						.guest_ports = { first, first + 1023 } };
	publish_all(scene, 2, NULL);
	assert_int_equal(run_client(scene, hears_gateway, port_of(scene) ? 0 : 1), 1);
	end_scene(scene);
}

static void a_port_goes_by_frames_where_the_relay_is_off(void **state)
{
	struct scene *scene = make_scene();
	struct frame_path frames = { .count = 0 };

	(void)state;
	scene->published[0] = published(PROTOCOL_TCP, 80);
	publish_all(scene, 1, &frames);
	assert_int_equal(frames.count, 2); /* 127.0.0.1 and ::1 */
	assert_int_equal(frames.published[0].guest, 80);
	assert_int_equal(frames.published[0].host, port_of(scene));
	assert_int_equal(frames.published[1].host, port_of(scene));
	ports_free(scene->ports);
	scene->ports = NULL;
	assert_int_equal(frames.count, 0);
	end_scene(scene);
}

/* ---- sbx port -------------------------------------------------------------------------- */

/* An abstract name that the kernel makes up: unix(7). */
static int serve_requests(struct scene *scene, struct sockaddr_un *ret_address,
			  socklen_t *ret_size)
{
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct error err;

	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	assert_int_equal(bind(fd, (struct sockaddr *)ret_address, sizeof(sa_family_t)),
			 0);
	assert_int_equal(listen(fd, 8), 0);
	*ret_size = sizeof(*ret_address);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret_address, ret_size), 0);
	return ports_serve(scene->ports, fd, &err);
}

static struct sockaddr_un service_address;
static socklen_t service_size;
static char request_text[512];
static char answer_file[] = "/tmp/test_ports.XXXXXX";

static int requests(uint16_t port)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	static char text[1 << 18];
	FILE *file = fopen(answer_file, "we");
	ssize_t got;

	(void)port;
	if (!file || connect(fd, (struct sockaddr *)&service_address, service_size) < 0 ||
	    send(fd, request_text, strlen(request_text), 0) < 0)
		return 1;
	got = recv(fd, text, sizeof(text) - 1, 0);
	if (got <= 0)
		return 2;
	text[got] = '\0';
	fputs(text, file);
	fclose(file);
	return 0;
}

/* What is answered to a request. */
static const char *answered(struct scene *scene, const char *request)
{
	static char text[1 << 18];
	FILE *file;
	size_t got;

	snprintf(request_text, sizeof(request_text), "%s", request);
	assert_int_equal(run_client(scene, requests, 0), 0);
	file = fopen(answer_file, "re");
	assert_non_null(file);
	got = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[got] = '\0';
	return text;
}

static void ports_come_and_go_while_it_runs(void **state)
{
	struct scene *scene = make_scene();
	const uint16_t guest = start_server(scene, SOCK_STREAM, "0.0.0.0");
	const int file = mkstemp(answer_file);
	unsigned int port;
	char text[128];

	(void)state;
	assert_true(file >= 0);
	publish_all(scene, 0, NULL);
	assert_int_equal(serve_requests(scene, &service_address, &service_size), 0);
	assert_string_equal(answered(scene, "list"), "ok\npaths relay\n");
	snprintf(text, sizeof(text), "add 127.0.0.1::%u", guest);
	assert_int_equal(
		sscanf(answered(scene, text), "ok\nport tcp 127.0.0.1 %u", &port), 1);
	assert_int_equal(run_client(scene, hears_gateway, (uint16_t)port), 0);
	snprintf(text, sizeof(text), "ok\nport tcp 127.0.0.1 %u %u\npaths relay\n", port,
		 guest);
	assert_string_equal(answered(scene, "list"), text);
	snprintf(text, sizeof(text), "add 127.0.0.1:%u:%u", port, guest);
	assert_non_null(strstr(answered(scene, text), "is in use\n"));
	snprintf(text, sizeof(text), "remove %u", port);
	assert_non_null(strstr(answered(scene, text), "ok\nport tcp 127.0.0.1 "));
	assert_int_equal(run_client(scene, hears_gateway, (uint16_t)port), 1);
	assert_non_null(strstr(answered(scene, text), "it is not published\n"));
	assert_string_equal(answered(scene, "list"), "ok\npaths relay\n");
	assert_non_null(strstr(answered(scene, "add x"), "'x' is no port\n"));
	assert_non_null(strstr(answered(scene, "dance"), "there is no such request\n"));
	close(file);
	unlink(answer_file);
	end_scene(scene);
}

static void a_range_is_added_and_listed(void **state)
{
	struct scene *scene = make_scene();
	const char *text;
	size_t lines = 0;
	int file;

	(void)state;
	strcpy(answer_file, "/tmp/test_ports.XXXXXX");
	file = mkstemp(answer_file);
	assert_true(file >= 0);
	publish_all(scene, 0, NULL);
	assert_int_equal(serve_requests(scene, &service_address, &service_size), 0);
	assert_non_null(strstr(answered(scene, "add 3000-4023/udp"), "ok\nport udp"));
	for (text = answered(scene, "list"); *text; text++)
		lines += *text == '\n';
	assert_int_equal(lines, 1 + 2 * 1024 + 1);
	assert_non_null(strstr(answered(scene, "remove 3000-4023/udp"), "ok\n"));
	assert_string_equal(answered(scene, "list"), "ok\npaths relay\n");
	close(file);
	unlink(answer_file);
	end_scene(scene);
}

static void who_says_nothing_does_not_keep_others_out(void **state)
{
	struct scene *scene = make_scene();
	int fds[8], file;

	(void)state;
	strcpy(answer_file, "/tmp/test_ports.XXXXXX");
	file = mkstemp(answer_file);
	assert_true(file >= 0);
	publish_all(scene, 0, NULL);
	assert_int_equal(serve_requests(scene, &service_address, &service_size), 0);
	for (size_t i = 0; i < 8; i++) {
		fds[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&service_address,
					 service_size),
				 0);
	}
	for (size_t i = 0; i < 8; i++)
		close(fds[i]);
	assert_string_equal(answered(scene, "list"), "ok\npaths relay\n");
	close(file);
	unlink(answer_file);
	end_scene(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_on_the_interface_sees_the_gateway_for_loopback),
		cmocka_unit_test(a_server_on_every_address_sees_the_gateway_for_loopback),
		cmocka_unit_test(a_server_on_loopback_alone_is_reached),
		cmocka_unit_test(a_server_of_the_other_family_is_reached),
		cmocka_unit_test(a_server_of_ipv6_is_reached),
		cmocka_unit_test(a_client_that_nobody_serves_is_reset),
		cmocka_unit_test(without_sockets_inside_a_client_is_reset),
		cmocka_unit_test(thousands_of_short_connections_are_served),
		cmocka_unit_test(many_clients_at_once_are_served),
		cmocka_unit_test(a_datagram_is_answered_in_both_families),
		cmocka_unit_test(an_answer_comes_from_the_address_that_was_asked),
		cmocka_unit_test(a_server_of_udp_may_come_later),
		cmocka_unit_test(more_clients_of_udp_than_there_is_room_are_served),
		cmocka_unit_test(a_port_in_use_is_named_with_its_holder),
		cmocka_unit_test(an_address_of_another_host_cannot_be_published),
		cmocka_unit_test(a_range_is_published_whole),
		cmocka_unit_test(a_port_goes_by_frames_where_the_relay_is_off),
		cmocka_unit_test(ports_come_and_go_while_it_runs),
		cmocka_unit_test(a_range_is_added_and_listed),
		cmocka_unit_test(who_says_nothing_does_not_keep_others_out),
	};

	struct rlimit limit;

	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
