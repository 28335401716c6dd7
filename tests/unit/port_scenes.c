/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/port_scenes.h"

#include "base/error.h"
#include "net/frame.h"
#include "net/splice.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define scene_of(member, field)                                                          \
	((struct scene *)(void *)((char *)(member)-offsetof(struct scene, field)))

/* ---- libslirp that is made up ---------------------------------------------------------- */

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

struct ip ip_of(const char *text)
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
	assert_true(scene->ask_count < SCENE_ASKS_MAX);
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

void publish_all(struct scene *scene, size_t count, struct frame_path *frames)
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

struct scene *make_scene(void)
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
	scene->net.address = (struct prefix){ ip_of(SCENE_INTERFACE), 96 + 24 };
	scene->net.gateway = ip_of(SCENE_GATEWAY);
	return scene;
}

static void tell_port(void *context, const char *line)
{
	const char *colon = strchr(line, ' ');

	while (*colon != ':')
		colon--;
	*(uint16_t *)context = (uint16_t)atoi(colon + 1);
}

uint16_t port_of(const struct scene *scene)
{
	uint16_t port = 0;

	ports_tell_chosen(scene->ports, tell_port, &port);
	assert_int_not_equal(port, 0);
	return port;
}

void end_scene(struct scene *scene)
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

struct publish published(enum net_protocol protocol, uint16_t guest)
{
	return (struct publish){ .guest_ports = { guest, guest }, .protocol = protocol };
}

/* Runs client() in a process of its own beside the loop. Its answer is the exit status. */
int run_client(struct scene *scene, int (*client)(uint16_t port), uint16_t port)
{
	struct error err;
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pipes[0]);
		alarm(SCENE_GUARD_MS / 1000);
		_exit(client(port));
	}
	close(pipes[1]);
	scene->ended.fd = pipes[0];
	assert_int_equal(loop_watch(scene->loop, &scene->ended, EPOLLIN), 0);
	loop_arm(scene->loop, &scene->guard, loop_now_ms(scene->loop) + SCENE_GUARD_MS);
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

int bound(int type, const char *address, uint16_t port, uint16_t *ret_port)
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
static _Noreturn void serve_tcp(int fd)
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
_Noreturn void serve_udp(int fd)
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
uint16_t start_server(struct scene *scene, int type, const char *address)
{
	uint16_t port;
	const int fd = bound(type, address, 0, &port);

	scene->server = fork();
	assert_true(scene->server >= 0);
	if (scene->server == 0) {
		alarm(2 * SCENE_GUARD_MS / 1000);
		(type == SOCK_STREAM ? serve_tcp : serve_udp)(fd);
	}
	close(fd);
	return port;
}

void scene_raise_limit(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}
