/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of published ports: how they are led in, and when they are not. */
#include "net/ports.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "tests/unit/port_scenes.h"

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

enum { MANY = 3000 };

static const char outside4[] = "127.0.0.1", outside6[] = "::1";

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
	snprintf(wanted, sizeof(wanted), "%s:%u", SCENE_GATEWAY, own_port);
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
	scene->published[0] = published(
		PROTOCOL_TCP, start_server(scene, SOCK_STREAM, SCENE_INTERFACE));
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

/* A server that does not accept: its queue is full, so what comes is dropped. */
static void who_gets_no_answer_on_one_way_takes_another(void **state)
{
	struct scene *scene = make_scene();
	const uint16_t port = start_server(scene, SOCK_STREAM, "127.0.0.1");
	uint16_t again;
	int slow, stuck[4];

	(void)state;
	slow = bound(SOCK_STREAM, SCENE_INTERFACE, port, &again);
	assert_int_equal(listen(slow, 0), 0);
	for (size_t i = 0; i < 4; i++) {
		const struct ip ip = ip_of(SCENE_INTERFACE);
		struct sockaddr_storage address;
		const socklen_t size = ip_to_sockaddr(&ip, port, &address);

		stuck[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(stuck[i], (struct sockaddr *)&address, size);
	}
	scene->published[0] = published(PROTOCOL_TCP, port);
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, hears_loopback, port_of(scene)), 0);
	for (size_t i = 0; i < 4; i++)
		close(stuck[i]);
	close(slow);
	end_scene(scene);
}

/* ---- UDP ------------------------------------------------------------------------------- */

static void a_datagram_is_answered_in_both_families(void **state)
{
	struct scene *scene = make_scene();

	(void)state;
	scene->published[0] =
		published(PROTOCOL_UDP, start_server(scene, SOCK_DGRAM, SCENE_INTERFACE));
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
		published(PROTOCOL_UDP, start_server(scene, SOCK_DGRAM, SCENE_INTERFACE));
	publish_all(scene, 1, NULL);
	assert_int_equal(run_client(scene, asks_as_many, port_of(scene)), 0);
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
		cmocka_unit_test(who_gets_no_answer_on_one_way_takes_another),
		cmocka_unit_test(a_datagram_is_answered_in_both_families),
		cmocka_unit_test(an_answer_comes_from_the_address_that_was_asked),
		cmocka_unit_test(a_server_of_udp_may_come_later),
		cmocka_unit_test(more_clients_of_udp_than_there_is_room_are_served),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	scene_raise_limit();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
